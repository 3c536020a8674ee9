// The verifier of Standard Webhooks for Node, unmodified, takes what the gateway delivers to an endpoint with a secret of its own.
//
// Usage: node standard_webhooks.mjs <folder with node_modules> <transom> <folder of a running `transom dev`>

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const [tools, transom, folder] = process.argv.slice(2);
const { Webhook } = createRequire(join(tools, "package.json"))("standardwebhooks");
const PATIENCE = 15_000; // milliseconds; each step takes few
const env = Object.fromEntries(readFileSync(join(folder, "dev.env"), "utf8").trim().split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2)));
const operator = (...args) =>
  JSON.parse(execFileSync(transom, [...args, "--json", "--dir", folder], { encoding: "utf8", timeout: PATIENCE }));

let hear;
const server = createServer((request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    response.end();
    hear?.({ headers: request.headers, raw: Buffer.concat(pieces).toString("utf8") });
  });
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const late = setTimeout(() => { throw new Error("no delivery came"); }, PATIENCE);

async function writes(text) {
  const heard = new Promise((resolve) => { hear = resolve; });
  const body = JSON.stringify({ to: env.META_PHONE_NUMBER_ID, type: "text", text: { body: text } });
  const answer = await fetch(`${env.SIMULATOR_URL}/sim/v1/customers/4915550100001/messages`, { method: "POST", body });
  assert.ok(answer.ok, await answer.text());
  return heard;
}

const made = operator("endpoint", "add", `http://127.0.0.1:${server.address().port}/`, "--event", "message.received");
let { headers, raw } = await writes("Grüße");
assert.equal(new Webhook(made.secret).verify(raw, headers).type, "message.received");
assert.throws(() => new Webhook(made.secret).verify(`${raw} `, headers));

const { secret } = operator("endpoint", "rotate-secret", made.id);
({ headers, raw } = await writes("After the change"));
for (const valid of [made.secret, secret]) new Webhook(valid).verify(raw, headers);
operator("endpoint", "remove", made.id);
clearTimeout(late);
server.closeAllConnections();
server.close();
console.log("standardwebhooks (Node): the secret of an endpoint, both during a rotation, no changed body");
