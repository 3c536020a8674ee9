// Twilio's SDK for Node, unmodified, over every operation on messages.
//
// Usage: node twilio_messages.mjs <folder with node_modules> <name of the package there> <folder of a running `transom dev`>
//
// Run with the newest SDK and with an older one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [tools, name, folder] = process.argv.slice(2);
const require = createRequire(join(tools, "package.json"));
const twilio = require(name);
const { version } = require(`${name}/package.json`);
const PATIENCE = 20_000; // milliseconds; each step takes few
const env = Object.fromEntries(readFileSync(join(folder, "dev.env"), "utf8").trim().split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2)));
const base = env.TRANSOM_URL.replace(/\/$/, "");
const [from, ana, bo] = [`whatsapp:${env.TRANSOM_SENDER}`, "whatsapp:+4915550100001", "whatsapp:+12025550142"];

// Word for word as docs/twilio.md says it: nothing but the base address is changed.
const page = readFileSync(new URL("../../../../docs/twilio.md", import.meta.url), "utf8");
const lines = page.match(/```js\n([\s\S]*?)```/)[1].replace("https://gw.example.com", base);
const client = new Function("require", "accountSid", "authToken", `${lines}\nreturn client;`)(() => twilio, env.TWILIO_ACCOUNT_SID, env.TWILIO_AUTH_TOKEN);

async function becomes(sid, ...words) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const message = await client.messages(sid).fetch();
    if (words.includes(message.status)) return message;
    assert.ok(Date.now() < end, `${sid} stays ${message.status}`);
    await new Promise((soon) => setTimeout(soon, 20));
  }
}

async function refused(status, code, call) {
  const why = await call().then(() => assert.fail(`not refused with ${code}`), (why) => why);
  assert.deepEqual([why.status, why.code], [status, code], why.message);
  assert.ok(why.message && why.moreInfo.startsWith(`${base}/docs/twilio#`), why.moreInfo);
  assert.equal((await fetch(why.moreInfo)).status, 200);
  return why;
}

const made = await client.messages.create({ to: ana, from, body: "Grüße, Ana" });
assert.deepEqual([made.status, made.direction, made.errorCode, made.numSegments], ["queued", "outbound-api", null, "1"]);
assert.ok(made.dateCreated instanceof Date && !Number.isNaN(made.dateCreated.getTime()));
assert.equal((await becomes(made.sid, "delivered", "read")).body, "Grüße, Ana");
const picture = await client.messages.create({ to: ana, from, mediaUrl: ["https://files.example.com/a.png"], provideFeedback: true });
const [file] = await client.messages(picture.sid).media.list();
assert.equal(file.contentType, "image/png");
assert.equal((await client.messages(picture.sid).media(file.sid).fetch()).parentSid, picture.sid);
const closed = await becomes((await client.messages.create({ to: bo, from, body: "Hi" })).sid, "undelivered", "failed");
assert.deepEqual([closed.status, closed.errorCode], ["undelivered", 63016]);

await refused(400, 21211, () => client.messages.create({ to: "+1", from, body: "x" }));
await refused(400, 21619, () => client.messages.create({ to: ana, from }));
await refused(400, 21655, () => client.messages.create({ to: ana, from, contentSid: `HX${"0".repeat(32)}` }));
await refused(404, 20404, () => client.messages(`SM${"0".repeat(32)}`).fetch());
await refused(401, 20003, () => {
  const stranger = twilio(env.TWILIO_ACCOUNT_SID, "0".repeat(32));
  stranger.api.baseUrl = base;
  return stranger.messages.list();
});

const service = await client.messaging.v1.services.create({ friendlyName: "Messages of Node" });
const sendAt = new Date(Date.now() + 3_600_000);
const timed = await client.messages.create({ to: ana, from, body: "Later", messagingServiceSid: service.sid, scheduleType: "fixed", sendAt });
assert.equal(timed.status, "scheduled");
assert.equal((await client.messages(timed.sid).update({ status: "canceled" })).status, "canceled");
await refused(400, 30409, () => client.messages(made.sid).update({ status: "canceled" }));

const every = await client.messages.list({ pageSize: 2 });
const sids = (list) => list.map((one) => one.sid);
for (const one of [made, picture, closed, timed]) assert.ok(sids(every).includes(one.sid));
assert.equal(new Set(sids(every)).size, every.length);
const first = await client.messages.page({ pageSize: 2 });
const second = await first.nextPage();
assert.deepEqual(sids((await second.previousPage()).instances), sids(first.instances));
assert.deepEqual(sids(second.instances), sids(every.slice(2, 4)));
const day = 86_400_000;
assert.equal((await client.messages.list({ dateSentBefore: new Date(Date.now() - 2 * day) })).length, 0);
assert.equal((await client.messages.list({ dateSentAfter: new Date(Date.now() - day), to: bo })).every((one) => one.to === bo), true);

assert.equal((await client.messages(made.sid).feedback.create({ outcome: "confirmed" })).outcome, "confirmed");
assert.equal((await client.messages(made.sid).update({ body: "" })).body, "");
assert.equal(await client.messages(made.sid).remove(), true);
await refused(404, 20404, () => client.messages(made.sid).fetch());
console.log(`twilio ${version} (Node): every operation on messages, their files and feedback; codes and paging`);
