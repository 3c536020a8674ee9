"""The verifier of Standard Webhooks, unmodified, takes what the gateway delivers; before, while and after the secret changes.

Usage: standard_webhooks.py <transom> <folder of a running `transom dev`>
"""

import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import queue
import subprocess
import sys
import threading
import urllib.request

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

PATIENCE = 15  # seconds; each step takes milliseconds
transom, folder = sys.argv[1], pathlib.Path(sys.argv[2])
env = dict(line.split("=", 1) for line in (folder / "dev.env").read_text().splitlines())
delivered = queue.Queue()


class Endpoint(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        delivered.put((dict(self.headers.items()), self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def operator(*args):
    return json.loads(subprocess.check_output([transom, *args, "--json", "--dir", str(folder)], timeout=PATIENCE))


def customer_writes(text):
    body = {"to": env["META_PHONE_NUMBER_ID"], "type": "text", "text": {"body": text}}
    request = urllib.request.Request(
        env["SIMULATOR_URL"] + "/sim/v1/customers/4915550100001/messages", json.dumps(body).encode(), method="POST"
    )
    urllib.request.urlopen(request, timeout=PATIENCE).close()
    headers, raw = delivered.get(timeout=PATIENCE)
    return {name.lower(): value for name, value in headers.items()}, raw


def ana_writes(text):
    headers, raw = customer_writes(text)
    assert text in json.loads(raw)["message"]["text"], raw
    return headers, raw


def own_hears(text):
    headers, raw = customer_writes(text)
    event = json.loads(raw)
    assert event["type"] == "message.received" and event["id"] == headers["webhook-id"], raw
    assert text in event["data"]["message"]["text"], raw
    return headers, raw


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
threading.Thread(target=server.serve_forever, daemon=True).start()
secret = operator("endpoint", "add", "--topic", "messages", f"http://127.0.0.1:{server.server_port}/")["secret"]

headers, raw = ana_writes("Grüße")
Webhook(secret).verify(raw, headers)
published = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()
assert headers["x-connectly-hmac-sha256"] == published, headers
try:
    Webhook(secret).verify(raw + b" ", headers)
    raise AssertionError("a changed body was taken")
except WebhookVerificationError:
    pass

# After a rotation both secrets fit for a day.
rotated = operator("endpoint", "rotate-secret")["secret"]
assert rotated != secret
headers, raw = ana_writes("After the change")
Webhook(secret).verify(raw, headers)
Webhook(rotated).verify(raw, headers)

# An endpoint of the business's own making has a secret of its own, and rotates by itself.
operator("endpoint", "remove", operator("endpoint", "list")["data"][0]["id"])
own = operator("endpoint", "add", f"http://127.0.0.1:{server.server_port}/", "--event", "message.received")
headers, raw = own_hears("Own")
Webhook(own["secret"]).verify(raw, headers)
new = operator("endpoint", "rotate-secret", own["id"])["secret"]
headers, raw = own_hears("Own, after the change")
Webhook(own["secret"]).verify(raw, headers)
Webhook(new).verify(raw, headers)
try:
    Webhook(rotated).verify(raw, headers)
    raise AssertionError("another endpoint's secret was taken")
except WebhookVerificationError:
    pass
operator("endpoint", "remove", own["id"])
print("standardwebhooks: three headers, both secrets during a rotation, no changed body; the same with a secret of its own")
