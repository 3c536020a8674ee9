// whatsapp-api-js, unmodified, against the simulator: it shakes hands, sends, receives, checks signatures and moves a file.
//
// Usage: node whatsapp_api_js.mjs <folder of node_modules> <JSON that `transom simulate --json` has printed>

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const require = createRequire(resolve(process.argv[2], "package.json"));
const { WhatsAppAPI } = require("whatsapp-api-js");
const messages = require("whatsapp-api-js/messages");

const PATIENCE = 15_000; // milliseconds; each step takes a few
const meta = JSON.parse(readFileSync(process.argv[3], "utf8"));
const token = "js-verifies";

// The way in that the library offers: a fetch of one's own, which changes the origin and nothing else.
const toSimulator = (url, options) => fetch(String(url).replace("https://graph.facebook.com", meta.graphUrl), options);

const whatsapp = new WhatsAppAPI({
    token: meta.accessToken,
    appSecret: meta.appSecret,
    webhookVerifyToken: token,
    v: "v25.0",
    ponyfill: { fetch: toSimulator, subtle: crypto.subtle },
});

const heard = [];
const waiting = [];
const tell = (kind, news) => {
    heard.push({ kind, news });
    for (const look of waiting.splice(0)) look();
};

/** Waits for something of this kind that is wanted. */
async function hear(kind, wanted) {
    const end = Date.now() + PATIENCE;
    for (;;) {
        const found = heard.find((one) => one.kind === kind && wanted(one.news));
        if (found) return found.news;
        const refused = heard.find((one) => one.kind === "refused");
        assert.equal(refused, undefined, `the library refused a webhook: ${refused?.news}`);
        await new Promise((look, reject) => {
            const left = end - Date.now();
            const timer = setTimeout(() => reject(new Error(`${kind} was not heard`)), Math.max(left, 0));
            waiting.push(() => (clearTimeout(timer), look()));
        });
    }
}

async function desk(method, path, body) {
    const answer = await fetch(meta.graphUrl + path, {
        method,
        headers: { "content-type": "application/json" },
        body: body && JSON.stringify(body),
    });
    const json = await answer.json();
    assert.ok(answer.ok, `${method} ${path}: ${JSON.stringify(json)}`);
    return json;
}

whatsapp.on.message = ({ message, name, from }) => tell("message", { message, name, from });
whatsapp.on.status = (status) => tell("status", status);

const server = createServer(async (request, response) => {
    try {
        const url = new URL(request.url, "http://localhost");
        if (request.method === "GET") {
            response.end(await whatsapp.get(Object.fromEntries(url.searchParams)));
            return;
        }
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const raw = Buffer.concat(chunks).toString("utf8");
        await whatsapp.post(JSON.parse(raw), raw, request.headers["x-hub-signature-256"]);
        response.end();
    } catch (why) {
        tell("refused", why?.stack ?? String(why));
        response.statusCode = 403;
        response.end();
    }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

// The library has no call for this; Graph's own form of it.
const subscribed = await fetch(`${meta.graphUrl}/v25.0/${meta.wabaId}/subscribed_apps`, {
    method: "POST",
    headers: { authorization: `Bearer ${meta.accessToken}`, "content-type": "application/json" },
    body: JSON.stringify({ override_callback_uri: `http://127.0.0.1:${server.address().port}/`, verify_token: token }),
});
assert.equal(subscribed.status, 200, await subscribed.text());

const phone = "4915550300001";
const number = meta.phoneNumberId;
const customer = `/sim/v1/customers/${phone}`;
await desk("POST", "/sim/v1/customers", { phone: `+${phone}`, name: "Emil" });
const status = (id, wanted) => hear("status", (s) => s.id === id && s.status === wanted);

// The customer writes, with letters that Meta escapes in what it signs.
await desk("POST", `${customer}/messages`, { to: number, type: "text", text: { body: "Grüße ☕" } });
const { message, name, from } = await hear("message", ({ message }) => message.type === "text");
assert.deepEqual([message.text.body, name, from], ["Grüße ☕", "Emil", phone]);

const text = await whatsapp.sendMessage(number, `+${phone}`, new messages.Text("Hello Emil"), message.id, "order-9");
assert.equal(text.messages?.length, 1, JSON.stringify(text));
const delivered = await status(text.messages[0].id, "delivered");
assert.equal(delivered.biz_opaque_callback_data, "order-9");
assert.deepEqual(await whatsapp.markAsRead(number, message.id), { success: true });

const buttons = new messages.Interactive(
    new messages.ActionButtons(new messages.Button("yes", "Yes"), new messages.Button("no", "No")),
    new messages.Body("Tea?"),
);
const asked = await whatsapp.sendMessage(number, `+${phone}`, buttons);
await status(asked.messages[0].id, "delivered");
await desk("POST", `${customer}/taps`, { messageId: asked.messages[0].id, buttonId: "yes" });
const tap = await hear("message", ({ message }) => message.type === "interactive");
assert.equal(tap.message.interactive.button_reply.id, "yes");

const place = await whatsapp.sendMessage(number, `+${phone}`, new messages.Location(13.4, 52.5, "Shop", "Street 1"));
await status(place.messages[0].id, "delivered");

const form = new FormData();
form.set("messaging_product", "whatsapp");
form.set("file", new Blob([new Uint8Array([0x89, 0x50, 0x4e, 0x47])], { type: "image/png" }), "tea.png");
const { id } = await whatsapp.uploadMedia(number, form);
const media = await whatsapp.retrieveMedia(id);
assert.equal(media.mime_type, "image/png");
const bytes = new Uint8Array(await (await whatsapp.fetchMedia(media.url)).arrayBuffer());
assert.deepEqual([...bytes], [0x89, 0x50, 0x4e, 0x47]);
const picture = await whatsapp.sendMessage(number, `+${phone}`, new messages.Image(id, true, "Our tea"));
await status(picture.messages[0].id, "delivered");

// What Graph refuses at once comes back as the error object.
const refused = await whatsapp.sendMessage(number, `+${phone}`, new messages.Reaction("wamid.unknown", "👍"), undefined, "x".repeat(600));
assert.ok(refused.error?.code, JSON.stringify(refused));

const inbox = await desk("GET", `${customer}/inbox`);
const kinds = inbox.data.filter((one) => one.direction === "in").map((one) => one.type);
assert.deepEqual(kinds, ["text", "interactive", "location", "image"]);
server.closeAllConnections();
server.close();
console.log("whatsapp-api-js: shook hands, sent, received, tapped, moved a file");
