"""Webhooks in Twilio's form, judged by its own SDK, unmodified: `RequestValidator` checks them, `MessagingResponse` answers them.

Usage: twilio_webhooks.py <folder of a running `transom dev`>
"""

import base64
import http.server
import json
import pathlib
import queue
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse

from twilio_openapi import documented

PATIENCE = 20  # seconds; each step takes milliseconds
env = dict(line.split("=", 1) for line in (pathlib.Path(sys.argv[1]) / "dev.env").read_text().splitlines())
validator = RequestValidator(env["TWILIO_AUTH_TOKEN"])
heard = queue.Queue()
answers = {}


class App(http.server.BaseHTTPRequestHandler):
    def answer(self, params):
        url = f"http://{self.headers['host']}{self.path}"
        signature = self.headers["x-twilio-signature"]
        signed = {} if self.command == "GET" else params
        assert validator.validate(url, signed, signature), (url, params, signature)
        assert not validator.validate(url + "x", signed, signature)
        path = self.path.split("?")[0]
        body = answers.get(path, "").encode()
        self.send_response(200)
        self.send_header("content-type", "text/xml")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        heard.put((path, params))

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["content-length"])).decode()
        self.answer(dict(urllib.parse.parse_qsl(raw, keep_blank_values=True)))

    def do_GET(self):
        query = urllib.parse.urlsplit(self.path).query
        self.answer(dict(urllib.parse.parse_qsl(query, keep_blank_values=True)))

    def log_message(self, *_):
        pass


def hears(path, wanted=lambda params: True):
    """The next webhook at this path that is wanted; others are passed over."""
    end = time.monotonic() + PATIENCE
    while True:
        at, params = heard.get(timeout=max(0.1, end - time.monotonic()))
        if at == path and wanted(params):
            return params


def asked(base, method, path, body=None, headers=()):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, {"content-type": "application/json", **dict(headers)}, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def own(method, path, body=None):
    return asked(env["TRANSOM_URL"], method, f"/v1/businesses/{env['TRANSOM_BUSINESS']}{path}", body, [("x-api-key", env["TRANSOM_API_KEY"])])


def ana_writes(text):
    body = {"to": env["META_PHONE_NUMBER_ID"], "type": "text", "text": {"body": text}}
    asked(env["SIMULATOR_URL"], "POST", "/sim/v1/customers/4915550100001/messages", body)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_address[1]}"
client = documented(env["TWILIO_ACCOUNT_SID"], env["TWILIO_AUTH_TOKEN"], env["TRANSOM_URL"].rstrip("/"))

whatsapp = next(s for s in own("GET", "/senders")["data"] if s["channel"] == "whatsapp")
callbacks = f"/senders/{whatsapp['id']}/callbacks"
own("PUT", callbacks, {"inboundUrl": base + "/in?lang=es#rc=1&rp=5xx", "statusCallback": base + "/status"})

before = {m.sid for m in client.messages.list(limit=1000)}

# An inbound message, and an answer by the builder.
reply = MessagingResponse()
first = reply.message("Gracias, ¿qué tal? 👋", status_callback=base + "/reply")
reply.message("Fish & chips <3")
answers["/in"] = str(reply)
ana_writes("Hola ¿qué tal? 👋 a+b&c=d")
told = hears("/in")
assert told["Body"] == "Hola ¿qué tal? 👋 a+b&c=d" and told["AccountSid"] == env["TWILIO_ACCOUNT_SID"], told
assert told["From"] == "whatsapp:+4915550100001" and told["To"] == "whatsapp:" + whatsapp["address"], told
assert told["MessageSid"] == told["SmsSid"] == told["SmsMessageSid"] and told["NumMedia"] == "0", told
status = hears("/reply", lambda params: params["MessageStatus"] == "sent")
sent = client.messages(status["MessageSid"]).fetch()
assert (sent.body, sent.direction) == ("Gracias, ¿qué tal? 👋", "outbound-reply"), sent.body
replies = [m.body for m in client.messages.list(limit=50) if m.direction == "outbound-reply" and m.sid not in before]
assert sorted(replies) == ["Fish & chips <3", "Gracias, ¿qué tal? 👋"], replies
assert client.messages(told["MessageSid"]).fetch().direction == "inbound"

# Statuses go to the message's own address, under the SID that its creation gave.
made = client.messages.create(from_=told["To"], to=told["From"], body="Hi", status_callback=base + "/own")
words = []
while "delivered" not in words:
    told = hears("/own", lambda params: params["MessageSid"] == made.sid)
    words.append(told["MessageStatus"])
assert words == ["sent", "delivered"], words

# The same by GET, where everything is in the address.
own("PUT", callbacks, {"inboundUrl": base + "/get?a=1", "inboundMethod": "GET"})
ana_writes("uno dos")
assert hears("/get")["Body"] == "uno dos"

# A file: its address is Twilio's path, which the account's credentials open, and can be sent on as it stands.
pdf = b"%PDF-1.4 " + b"y" * 2000
asked(env["SIMULATOR_URL"], "POST", "/sim/v1/customers/4915550100001/messages", {
    "to": env["META_PHONE_NUMBER_ID"], "type": "document",
    "document": {"mime_type": "application/pdf", "filename": "b.pdf", "data": base64.b64encode(pdf).decode()}})
told = hears("/get", lambda params: params["NumMedia"] == "1")
url = told["MediaUrl0"]
assert url.startswith(env["TRANSOM_URL"].rstrip("/") + "/2010-04-01/Accounts/" + env["TWILIO_ACCOUNT_SID"]), url
file = client.messages(told["MessageSid"]).media(url.rsplit("/", 1)[1]).fetch()
assert (file.content_type, told["MediaContentType0"]) == ("application/pdf", "application/pdf")
basic = base64.b64encode(f"{env['TWILIO_ACCOUNT_SID']}:{env['TWILIO_AUTH_TOKEN']}".encode()).decode()
with urllib.request.urlopen(urllib.request.Request(url, headers={"authorization": "Basic " + basic}), timeout=PATIENCE) as answer:
    assert answer.read() == pdf
try:
    urllib.request.urlopen(url, timeout=PATIENCE)
    raise AssertionError("opened without credentials")
except urllib.error.HTTPError as why:
    assert why.code == 401, why.code
echo = client.messages.create(from_=told["To"], to=told["From"], media_url=[url], status_callback=base + "/echo")
while hears("/echo", lambda params: params["MessageSid"] == echo.sid)["MessageStatus"] != "delivered":
    pass
inbox = asked(env["SIMULATOR_URL"], "GET", "/sim/v1/customers/%2B4915550100001/inbox")["data"]
assert "document" in json.dumps(inbox[-1]), inbox[-1]

own("PUT", callbacks, {})
print("twilio: webhooks validated, TwiML understood")
