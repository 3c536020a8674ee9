// Twilio's SDK for Node, unmodified, over every operation on messages and on the account.
//
// Usage: node twilio_messages.mjs <folder with node_modules> <name of the package there> <folder of a running `transom dev`>
//
// Run with the newest SDK and with an older one. At the end, what was called is held against the list of operations that Twilio publishes.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { documented, recorded } from "./twilio_recorded.mjs";

const [tools, name, folder] = process.argv.slice(2);
const require = createRequire(join(tools, "package.json"));
const twilio = require(name);
const { version } = require(`${name}/package.json`);
const PATIENCE = 20_000; // milliseconds; each step takes few
const env = Object.fromEntries(readFileSync(join(folder, "dev.env"), "utf8").trim().split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2)));
const base = env.TRANSOM_URL.replace(/\/$/, "");
const mark = `Look ${randomUUID().slice(0, 8)}`;
const [from, ana, bo] = [`whatsapp:${env.TRANSOM_SENDER}`, "whatsapp:+4915550100001", "whatsapp:+12025550142"];

const [account, token] = [env.TWILIO_ACCOUNT_SID, env.TWILIO_AUTH_TOKEN];
const client = documented(twilio, account, token, base);
const missed = recorded(client, base);

async function until(holds) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await holds();
    if (found) return found;
    assert.ok(Date.now() < end, "it did not come");
    await new Promise((soon) => setTimeout(soon, 20));
  }
}

/** Waits until a message has one of these statuses. */
const becomes = (sid, ...words) =>
  until(async () => {
    const message = await client.messages(sid).fetch();
    return words.includes(message.status) && message;
  });

/** The simulator: what Ana's phone holds, and what she writes. */
async function phone(path, body) {
  const asked = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`${env.SIMULATOR_URL}/sim/v1/customers/4915550100001/${path}`, asked);
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

async function refused(status, code, call) {
  const why = await call().then(() => assert.fail(`not refused with ${code}`), (why) => why);
  assert.deepEqual([why.status, why.code], [status, code], why.message);
  assert.ok(why.message && why.moreInfo.startsWith(`${base}/docs/twilio#`), why.moreInfo);
  assert.equal((await fetch(why.moreInfo)).status, 200);
  return why;
}

// Whose credentials they are.
const mine = await client.api.v2010.accounts(account).fetch();
assert.deepEqual([mine.sid, mine.status, mine.type, mine.ownerAccountSid], [account, "active", "Full", account]);
const accounts = await client.api.v2010.accounts.list({ status: "active" });
assert.deepEqual(accounts.map((one) => [one.sid, one.friendlyName]), [[account, mine.friendlyName]]);
await refused(405, 20004, () => client.api.v2010.accounts(account).update({ friendlyName: "Other" }));

const made = await client.messages.create({ to: ana, from, body: "Grüße, Ana" });
assert.deepEqual([made.status, made.direction, made.errorCode, made.numSegments], ["queued", "outbound-api", null, "1"]);
assert.ok(made.dateCreated instanceof Date && !Number.isNaN(made.dateCreated.getTime()));
assert.equal((await becomes(made.sid, "delivered", "read")).body, "Grüße, Ana");
// A place: the body is its name, the label its address.
const point = { latitude: 52.5163, longitude: 13.3777, name: `The shop ${mark}`, address: "Pariser Platz" };
const persistentAction = [`geo:${point.latitude},${point.longitude}|${point.address}`];
const place = await client.messages.create({ to: ana, from, body: point.name, persistentAction });
assert.deepEqual([place.status, place.body, place.errorCode], ["queued", point.name, null]);
await becomes(place.sid, "delivered", "read");
const shown = (await phone("inbox")).data.filter((one) => one.direction === "in" && one.message.location?.name === point.name);
assert.deepEqual(shown.map((one) => one.message.location), [point]);
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
await refused(401, 20003, () => documented(twilio, account, "0".repeat(32), base).messages.list());

const service = await client.messaging.v1.services.create({ friendlyName: "Messages of Node" });
const sendAt = new Date(Date.now() + 3_600_000);
const timed = await client.messages.create({ to: ana, from, body: "Later", messagingServiceSid: service.sid, scheduleType: "fixed", sendAt });
assert.equal(timed.status, "scheduled");
assert.equal((await client.messages(timed.sid).update({ status: "canceled" })).status, "canceled");
await refused(400, 30409, () => client.messages(made.sid).update({ status: "canceled" }));

const every = await client.messages.list({ pageSize: 2 });
const sids = (list) => list.map((one) => one.sid);
for (const one of [made, place, picture, closed, timed]) assert.ok(sids(every).includes(one.sid));
assert.equal(new Set(sids(every)).size, every.length);
const first = await client.messages.page({ pageSize: 2 });
const second = await first.nextPage();
assert.deepEqual(sids((await second.previousPage()).instances), sids(first.instances));
assert.deepEqual(sids(second.instances), sids(every.slice(2, 4)));
const day = 86_400_000;
assert.equal((await client.messages.list({ dateSentBefore: new Date(Date.now() - 2 * day) })).length, 0);
assert.equal((await client.messages.list({ dateSentAfter: new Date(Date.now() - day), to: bo })).every((one) => one.to === bo), true);

// What a customer sends: its file is read with the credentials, and deleted.
const pdf = Buffer.from(`%PDF-1.4 ${"x".repeat(1000)}`);
const document = { mime_type: "application/pdf", filename: "a.pdf", data: pdf.toString("base64"), caption: mark };
await phone("messages", { to: env.META_PHONE_NUMBER_ID, type: "document", document });
const heard = await until(async () => (await client.messages.list({ from: ana, limit: 5 })).find((one) => one.body === mark));
assert.deepEqual([heard.status, heard.direction, heard.numMedia, heard.sid.slice(0, 2)], ["received", "inbound", "1", "MM"]);
const [received] = await until(async () => {
  const files = await client.messages(heard.sid).media.list();
  return files.length > 0 && files;
});
assert.deepEqual([received.contentType, received.parentSid, received.accountSid], ["application/pdf", heard.sid, account]);
const authorization = `Basic ${Buffer.from(`${account}:${token}`).toString("base64")}`;
const bytes = await until(async () => {
  const answer = await fetch(base + received.uri.replace(/\.json$/, ""), { headers: { authorization } });
  if (answer.ok) return Buffer.from(await answer.arrayBuffer());
  assert.equal(answer.status, 404);
});
assert.deepEqual(bytes, pdf);
assert.equal(await client.messages(heard.sid).media(received.sid).remove(), true);
assert.deepEqual(await client.messages(heard.sid).media.list(), []);
await refused(404, 20404, () => client.messages(heard.sid).media(received.sid).fetch());

assert.equal((await client.messages(made.sid).feedback.create({ outcome: "confirmed" })).outcome, "confirmed");
assert.equal((await client.messages(made.sid).update({ body: "" })).body, "");
assert.equal(await client.messages(made.sid).remove(), true);
await refused(404, 20404, () => client.messages(made.sid).fetch());
assert.deepEqual(missed("messages.json"), []);
console.log(`twilio ${version} (Node): every operation on messages, their files and feedback; codes and paging`);
