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


def ana_writes(text):
    body = {"to": env["META_PHONE_NUMBER_ID"], "type": "text", "text": {"body": text}}
    request = urllib.request.Request(
        env["SIMULATOR_URL"] + "/sim/v1/customers/4915550100001/messages", json.dumps(body).encode(), method="POST"
    )
    urllib.request.urlopen(request, timeout=PATIENCE).close()
    headers, raw = delivered.get(timeout=PATIENCE)
    assert text in json.loads(raw)["message"]["text"], raw
    return {name.lower(): value for name, value in headers.items()}, raw


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
print("standardwebhooks: three headers, both secrets during a rotation, no changed body")
