// Twilio's SDK for Node, unmodified, over every operation of the Content API and of messaging services; also with its own camelCase
// classes, which send what is not documented.
//
// Usage: twilio_content.mjs <folder with node_modules> <name of the package> <folder of a running `transom dev`>

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [modules, name, folder] = process.argv.slice(2)
const require = createRequire(join(modules, 'node_modules', name, 'package.json'))
const twilio = require(join(modules, 'node_modules', name))
const { version } = require(join(modules, 'node_modules', name, 'package.json'))
const lines = readFileSync(join(folder, 'dev.env'), 'utf8').split('\n').filter((line) => line.includes('='))
const env = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
const base = env.TRANSOM_URL.replace(/\/$/, '')
// The SID of the account is the business's id in hex, and every key of it does for an auth token.
const digits = [...env.TRANSOM_BUSINESS].reduce((n, char) => n * 32n + BigInt('0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(char)), 0n)
const account = `AC${digits.toString(16).padStart(32, '0')}`
const client = twilio(account, env.TRANSOM_API_KEY)
for (const domain of ['api', 'content', 'messaging']) client[domain].baseUrl = base
const mark = randomUUID().slice(0, 8)

async function refused(code, call) {
  const why = await call.then(() => assert.fail(`not refused with ${code}`), (why) => why)
  assert.equal(why.code, code, why.message)
  assert.ok(why.moreInfo.startsWith(base), why.moreInfo)
  return why
}

async function until(holds) {
  const end = Date.now() + 20_000
  for (;;) {
    const found = await holds()
    if (found) return found
    assert.ok(Date.now() < end, 'it did not come')
    await new Promise((go) => setTimeout(go, 20))
  }
}

// Content: as it is documented, and as the classes of this SDK spell it.
const body = `Hi {{1}}, order {{2}} can be collected from now on. ${mark}`
const documented = await client.content.v1.contents.create({
  friendly_name: `documented ${mark}`,
  language: 'en',
  variables: { 1: 'Ana', 2: 'A-17' },
  types: { 'twilio/text': { body } },
})
assert.match(documented.sid, /^HX[0-9a-f]{32}$/)
assert.equal(documented.accountSid, account)
assert.ok(documented.dateCreated instanceof Date && !Number.isNaN(documented.dateCreated.getTime()))
const camel = await client.content.v1.contents.create({
  friendlyName: `camel ${mark}`,
  language: 'en',
  types: {
    twilioCallToAction: { body, actions: [{ type: 'PHONE', title: 'Call', phone: '+15550001111', id: undefined }] },
    whatsappAuthentication: { addSecurityRecommendation: true, actions: [{ type: 'COPY_CODE', copyCodeText: 'Copy' }] },
  },
})
assert.equal(camel.friendlyName, `camel ${mark}`)
assert.deepEqual(Object.keys(camel.types), ['twilio/call-to-action', 'whatsapp/authentication'])
assert.equal(camel.types['twilio/call-to-action'].actions[0].type, 'PHONE_NUMBER')
assert.equal(camel.types['whatsapp/authentication'].actions[0].copy_code_text, 'Copy')
await refused(20422, client.content.v1.contents.create({ language: 'en', types: { 'twilio/pay': { body: 'Pix' } } }))
await refused(92001, client.content.v1.contents.create({ language: 'en', types: { 'twilio/fax': { body: 'Pix' } } }))
await refused(92003, client.content.v1.contents.create({ types: { 'twilio/text': { body } } }))
const contents = client.content.v1.contents(documented.sid)
assert.deepEqual((await contents.fetch()).types, documented.types)
const changed = await contents.update({ types: { 'twilio/text': { body: `Order {{2}} waits for {{1}} at the counter. ${mark}` } } })
assert.deepEqual(changed.variables, documented.variables)

// Approval.
assert.equal((await contents.approvalFetch().fetch()).whatsapp.status, 'unsubmitted')
const asked = await contents.approvalCreate.create({ name: `node_${mark}`, category: 'UTILITY' })
assert.deepEqual([asked.status, asked.contentType, asked.rejectionReason], ['received', 'twilio/text', ''])
// Meta's reviewer, at the simulator, lets it pass.
const approvals = `${base}/v1/businesses/${env.TRANSOM_BUSINESS}/contents/${documented.sid.slice(2)}/approvals`
const filed = (await (await fetch(approvals, { headers: { 'x-api-key': env.TRANSOM_API_KEY } })).json()).data[0].templateId
const review = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"decision":"approve"}' }
assert.ok((await fetch(`${env.SIMULATOR_URL}/sim/v1/templates/${filed}/review`, review)).ok)
await until(async () => (await contents.approvalFetch().fetch()).whatsapp.status === 'approved')
await refused(20009, contents.approvalCreate.create({ name: `again_${mark}`, category: 'UTILITY' }))

// Lists, with pages that are followed by their links.
const every = (await client.content.v1.contents.list()).map((content) => content.sid)
assert.ok(every.includes(documented.sid) && every.includes(camel.sid))
const paged = (await client.content.v1.contents.list({ pageSize: 1 })).map((content) => content.sid)
assert.deepEqual(paged, every)
const flat = (await client.content.v1.contentAndApprovals.list()).find((content) => content.sid === documented.sid)
assert.equal(flat.approvalRequests.status, 'approved')
const legacy = (await client.content.v1.legacyContents.list()).find((content) => content.sid === documented.sid)
assert.equal(legacy.legacyTemplateName, `node_${mark}`)
const filters = { language: ['en', 'de'], contentType: ['twilio/text'], channelEligibility: ['whatsapp:approved'], content: mark }
const found = await client.content.v2.contents.list({ ...filters, sortByDate: 'desc', pageSize: 1 })
assert.deepEqual(found.map((content) => content.sid), [documented.sid])
const both = await client.content.v2.contentAndApprovals.list({ contentName: `node_${mark}` })
assert.deepEqual(both.map((content) => content.approvalRequests.name), [`node_${mark}`])
await refused(20422, client.content.v2.contents.list({ sortByDate: 'up' }))

// Messaging services.
const services = client.messaging.v1.services
const shop = await services.create({ friendlyName: `Shop ${mark}`, validityPeriod: 600, stickySender: false })
assert.match(shop.sid, /^MG[0-9a-f]{32}$/)
assert.deepEqual([shop.validityPeriod, shop.stickySender, shop.inboundRequestUrl], [600, false, null])
assert.equal((await services(shop.sid).update({ usecase: 'marketing' })).usecase, 'marketing')
assert.ok((await services.list({ pageSize: 1 })).some((service) => service.sid === shop.sid))
await refused(21624, services(shop.sid).update({ validityPeriod: 36_001 }))
assert.deepEqual(await services(shop.sid).channelSenders.list(), [])
await refused(20404, services(shop.sid).channelSenders.create({ sid: `XE${'0'.repeat(32)}` }))
assert.equal(await services(shop.sid).remove(), true)
await refused(20404, services(shop.sid).fetch())
assert.equal(await client.content.v1.contents(camel.sid).remove(), true)
await refused(20404, client.content.v1.contents(camel.sid).fetch())
console.log(`${name} ${version}: content and services`)
