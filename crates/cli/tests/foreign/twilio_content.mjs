// Twilio's SDK for Node, unmodified, over every operation of the Content API and of messaging services; also with its own camelCase
// classes, which send what is not documented. At the end, what was called is held against the list of operations that Twilio publishes.
//
// Usage: twilio_content.mjs <folder with node_modules> <name of the package> <folder of a running `transom dev`>

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

import { documented as asDocumented, recorded } from './twilio_recorded.mjs'

const [modules, name, folder] = process.argv.slice(2)
const require = createRequire(join(modules, 'node_modules', name, 'package.json'))
const twilio = require(join(modules, 'node_modules', name))
const { version } = require(join(modules, 'node_modules', name, 'package.json'))
const lines = readFileSync(join(folder, 'dev.env'), 'utf8').split('\n').filter((line) => line.includes('='))
const env = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
const base = env.TRANSOM_URL.replace(/\/$/, '')

// The SID of an id: the same 128 bits in hex.
function sid(letters, text) {
  const digits = [...text].reduce((n, char) => n * 32n + BigInt('0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(char)), 0n)
  return `${letters}${digits.toString(16).padStart(32, '0')}`
}

// Every key of the business does for an auth token.
const account = sid('AC', env.TRANSOM_BUSINESS)
const client = asDocumented(twilio, account, env.TRANSOM_API_KEY, base)
const missed = recorded(client, base)
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

// A list of the gateway's own interface.
async function own(path) {
  const answer = await fetch(`${base}/v1/businesses/${env.TRANSOM_BUSINESS}${path}`, { headers: { 'x-api-key': env.TRANSOM_API_KEY } })
  assert.ok(answer.ok, `${path}: ${answer.status}`)
  return (await answer.json()).data
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
const [{ templateId: filed }] = await own(`/contents/${documented.sid.slice(2)}/approvals`)
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
assert.deepEqual([(await services(shop.sid).fetch()).usecase, shop.usecase], ['marketing', 'undeclared'])
assert.ok((await services.list({ pageSize: 1 })).some((service) => service.sid === shop.sid))
await refused(21624, services(shop.sid).update({ validityPeriod: 36_001 }))
const { channelSenders } = services(shop.sid)
assert.deepEqual(await channelSenders.list(), [])
const mine = (await own('/senders')).find((one) => one.channel === 'whatsapp')
const xe = sid('XE', mine.id)
const joined = await channelSenders.create({ sid: xe })
assert.deepEqual([joined.sid, joined.messagingServiceSid, joined.accountSid], [xe, shop.sid, account])
assert.deepEqual([joined.sender, joined.senderType, joined.countryCode], [`whatsapp:${mine.address}`, 'WhatsApp', null])
assert.ok(joined.dateCreated instanceof Date && !Number.isNaN(joined.dateCreated.getTime()))
assert.equal((await services(shop.sid).channelSenders(xe).fetch()).sender, joined.sender)
assert.deepEqual((await channelSenders.list()).map((one) => one.sid), [xe])
// A sender is in one pool at most.
const another = await services.create({ friendlyName: `Another ${mark}` })
assert.equal((await refused(20009, services(another.sid).channelSenders.create({ sid: xe }))).status, 409)
await refused(20404, channelSenders.create({ sid: `XE${'0'.repeat(32)}` }))

// What is sent through it goes by its sender; the second variable has the value that the content gives it.
const ana = 'whatsapp:+4915550100001'
const filled = { to: ana, contentSid: documented.sid, contentVariables: JSON.stringify({ 1: 'Ana' }) }
const sent = await client.messages.create({ ...filled, messagingServiceSid: shop.sid })
assert.deepEqual([sent.status, sent.messagingServiceSid, sent.to, sent.errorCode], ['accepted', shop.sid, ana, null])
const arrived = await until(async () => {
  const found = await client.messages(sent.sid).fetch()
  return ['delivered', 'read'].includes(found.status) && found
})
const text = `Order A-17 waits for Ana at the counter. ${mark}`
assert.deepEqual([arrived.from, arrived.body, arrived.messagingServiceSid], [joined.sender, text, shop.sid])
const inbox = (await (await fetch(`${env.SIMULATOR_URL}/sim/v1/customers/4915550100001/inbox`)).json()).data
assert.equal(inbox.filter((one) => one.direction === 'in' && one.message.text?.body === text).length, 1)
await refused(21656, client.messages.create({ ...filled, messagingServiceSid: shop.sid, contentVariables: "{'1': 'Ana'}" }))
await refused(21704, client.messages.create({ to: ana, messagingServiceSid: another.sid, body: 'Hi' }))
await refused(21701, client.messages.create({ to: ana, messagingServiceSid: `MG${'0'.repeat(32)}`, body: 'Hi' }))

assert.equal(await services(shop.sid).channelSenders(xe).remove(), true)
assert.deepEqual(await channelSenders.list(), [])
await refused(20404, services(shop.sid).channelSenders(xe).remove())
await refused(20404, services(shop.sid).channelSenders(xe).fetch())
assert.equal(await services(another.sid).remove(), true)
assert.equal(await services(shop.sid).remove(), true)
await refused(20404, services(shop.sid).fetch())
assert.equal(await client.content.v1.contents(camel.sid).remove(), true)
await refused(20404, client.content.v1.contents(camel.sid).fetch())
assert.deepEqual(missed('content_and_services.json'), [])
console.log(`${name} ${version}: every operation on content and services`)
