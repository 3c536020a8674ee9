// Webhooks in Twilio's form, judged by its own SDK, unmodified: `validateRequest` checks them, `MessagingResponse` answers them.
//
// Usage: twilio_webhooks.mjs <folder with node_modules> <name of the package> <folder of a running `transom dev`>

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

import { documented } from "./twilio_recorded.mjs";

const [tools, name, folder] = process.argv.slice(2);
const twilio = createRequire(join(tools, "package.json"))(name);
const lines = readFileSync(join(folder, "dev.env"), "utf8").trim().split("\n");
const env = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
const PATIENCE = 20_000; // milliseconds; each step takes a few

const heard = [];
const answers = {};
const server = createServer(async (request, response) => {
  let raw = "";
  for await (const part of request) raw += part;
  const [path, query = ""] = request.url.split("?");
  const said = Object.fromEntries(new URLSearchParams(request.method === "POST" ? raw : query));
  const url = `http://${request.headers.host}${request.url}`;
  const signature = request.headers["x-twilio-signature"];
  const valid = (token) => twilio.validateRequest(token, signature, url, request.method === "POST" ? said : {});
  heard.push({ path, said, valid: valid(env.TWILIO_AUTH_TOKEN) && !valid("0".repeat(32)) });
  response.writeHead(200, { "content-type": "text/xml" }).end(answers[path] ?? "");
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const base = `http://127.0.0.1:${server.address().port}`;

/** The first webhook at this path that is wanted; it is taken away. */
async function hears(path, wanted = () => true) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await new Promise((again) => setTimeout(again, 20))) {
    const at = heard.findIndex((one) => one.path === path && wanted(one.said));
    if (at < 0) continue;
    const [one] = heard.splice(at, 1);
    assert.ok(one.valid, JSON.stringify(one));
    return one.said;
  }
  throw new Error(`nothing came to ${path}: ${JSON.stringify(heard)}`);
}

async function asked(url, method, body, headers = {}) {
  const answer = await fetch(url, { method, body: body && JSON.stringify(body), headers: { "content-type": "application/json", ...headers } });
  assert.ok(answer.ok, `${method} ${url}: ${answer.status}`);
  return answer.json();
}

const own = (method, path, body) =>
  asked(`${env.TRANSOM_URL}/v1/businesses/${env.TRANSOM_BUSINESS}${path}`, method, body, { "x-api-key": env.TRANSOM_API_KEY });
const anaWrites = (text) =>
  asked(`${env.SIMULATOR_URL}/sim/v1/customers/4915550100001/messages`, "POST", {
    to: env.META_PHONE_NUMBER_ID,
    type: "text",
    text: { body: text },
  });

const client = documented(twilio, env.TWILIO_ACCOUNT_SID, env.TWILIO_AUTH_TOKEN, env.TRANSOM_URL.replace(/\/$/, ""));
const sender = (await own("GET", "/senders")).data.find((one) => one.channel === "whatsapp");

const reply = new twilio.twiml.MessagingResponse();
const first = reply.message({ statusCallback: `${base}/reply` });
first.body("Grüße & <Küsse>");
answers["/node"] = reply.toString();
await own("PUT", `/senders/${sender.id}/callbacks`, { inboundUrl: `${base}/node?name=Jos%C3%A9` });
await anaWrites("¿Qué tal? 👋 a+b&c=d");
const told = await hears("/node");
assert.equal(told.Body, "¿Qué tal? 👋 a+b&c=d");
assert.equal(told.AccountSid, env.TWILIO_ACCOUNT_SID);
const status = await hears("/reply", (said) => said.MessageStatus === "sent");
const sent = await client.messages(status.MessageSid).fetch();
assert.deepEqual([sent.body, sent.direction], ["Grüße & <Küsse>", "outbound-reply"]);

const made = await client.messages.create({ from: told.To, to: told.From, body: "Hi", statusCallback: `${base}/own` });
for (const word of ["sent", "delivered"]) {
  assert.equal((await hears("/own", (said) => said.MessageStatus === word)).MessageSid, made.sid);
}
await own("PUT", `/senders/${sender.id}/callbacks`, {});
server.close();
console.log("twilio: webhooks validated, TwiML understood");
process.exit(0);
