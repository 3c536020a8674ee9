// Shared by the scripts with Twilio's SDK for Node: a client exactly as docs/twilio.md makes it, and a record of what it asked for.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const HOST = "https://gw.example.com";
const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");

/** A client made by the lines of docs/twilio.md, word for word: nothing but the base addresses is changed. */
export function documented(twilio, accountSid, authToken, base) {
  const lines = read("../../../../docs/twilio.md").match(/```js\n([\s\S]*?)```/)[1];
  assert.ok(lines.includes(HOST), lines);
  const make = new Function("require", "accountSid", "authToken", `${lines.replaceAll(HOST, base)}\nreturn client;`);
  return make((name) => (assert.equal(name, "twilio"), twilio), accountSid, authToken);
}

/**
 * Notes every call of this client that succeeds, by the operations that Twilio publishes (see openapi/NOTICE.md). A call that goes anywhere
 * but to `base`, or that no file names, fails. Gives what tells which operations of a file were never called.
 */
export function recorded(client, base) {
  const [seen, files] = [new Set(), {}];
  for (const name of ["messages.json", "content_and_services.json"]) files[name] = JSON.parse(read(`openapi/${name}`)).operations;
  const operations = Object.values(files).flatMap((file) => Object.entries(file));
  const known = operations.map(([key, { status }]) => {
    const path = key.split(/\{[^/]+?\}/).map((fixed) => fixed.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("[^/]+");
    return { key, status, pattern: new RegExp(`^${path}$`) };
  });
  const http = client.httpClient;
  const send = http.request.bind(http);
  http.request = async (asked) => {
    assert.ok(asked.uri.startsWith(`${base}/`), `${asked.uri} is not at ${base}`);
    const answer = await send(asked);
    if (answer.statusCode < 300) {
      const called = `${asked.method.toUpperCase()} ${new URL(asked.uri).pathname}`;
      const matching = known.filter(({ pattern }) => pattern.test(called));
      assert.equal(matching.length, 1, `${called} is ${matching.length} of the published operations`);
      assert.equal(answer.statusCode, matching[0].status, called);
      seen.add(matching[0].key);
    }
    return answer;
  };
  return (name) => Object.keys(files[name]).filter((key) => !seen.has(key));
}
