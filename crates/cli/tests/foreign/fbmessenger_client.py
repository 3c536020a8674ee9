"""fbmessenger, unmodified, against the simulator: a Page that hears, answers, and is refused.

Usage: fbmessenger_client.py IDENTITY.json
"""

import collections
import collections.abc
import hashlib
import hmac
import json
import queue
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

# The client was written before Python 3.10 took this name away.
collections.Iterable = collections.abc.Iterable

from fbmessenger import BaseMessenger  # noqa: E402
from fbmessenger.attachments import Image  # noqa: E402
from fbmessenger.elements import Button, Element, Text  # noqa: E402
from fbmessenger.quick_replies import QuickReplies, QuickReply  # noqa: E402
from fbmessenger.sender_actions import SenderAction  # noqa: E402
from fbmessenger.templates import ButtonTemplate, GenericTemplate  # noqa: E402

meta = json.load(open(sys.argv[1]))
GRAPH, PAGE, TOKEN = meta["graphUrl"], meta["pageId"], meta["pageToken"]
FIELDS = "messages,messaging_postbacks,message_deliveries,message_reads,message_echoes"
heard = queue.Queue()


class Shop(BaseMessenger):
    """Puts what it is handed by the client's own dispatch where the test looks."""

    def __init__(self):
        super().__init__(TOKEN)
        self.client.graph_url = f"{GRAPH}/v25.0"

    def message(self, message):
        heard.put(("echo" if message["message"].get("is_echo") else "message", message))

    def delivery(self, message):
        heard.put(("delivery", message))

    def postback(self, message):
        heard.put(("postback", message))

    def read(self, message):
        heard.put(("read", message))

    def account_linking(self, message):
        heard.put(("account_linking", message))

    def optin(self, message):
        heard.put(("optin", message))


shop = Shop()


class Hook(BaseHTTPRequestHandler):
    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        self.answer(query["hub.challenge"] if query.get("hub.verify_token") == "test" else "")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        wanted = "sha256=" + hmac.new(meta["appSecret"].encode(), body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(self.headers["x-hub-signature-256"], wanted), "the signature does not fit"
        assert body.isascii(), "what is not ASCII is escaped"
        payload = json.loads(body)
        assert payload["object"] == "page"
        shop.handle(payload)
        self.answer("")

    def answer(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


def until(kind):
    """The next event of this kind; others are passed over."""
    end = time.monotonic() + 30
    while True:
        found, message = heard.get(timeout=max(0.1, end - time.monotonic()))
        if found == kind:
            return message


def sim(path, body):
    answer = requests.post(f"{GRAPH}/sim/v1/{path}", json=body, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    callback = f"http://127.0.0.1:{server.server_port}/hook"
    own = f"{meta['appId']}|{meta['appSecret']}"
    form = {"object": "page", "callback_url": callback, "verify_token": "test", "fields": FIELDS, "access_token": own}
    answer = requests.post(f"{GRAPH}/v25.0/{meta['appId']}/subscriptions", params=form, timeout=30)
    assert answer.json() == {"success": True}, answer.text
    answer = requests.post(f"{GRAPH}/v25.0/me/subscribed_apps", params={"subscribed_fields": FIELDS, "access_token": TOKEN}, timeout=30)
    assert answer.json() == {"success": True}, answer.text

    cleo = sim("customers", {"channel": "messenger", "name": "Cleo Ö"})["psid"]

    # Before the person has written, nothing goes.
    refused = shop.client.send(Text("Hello").to_dict(), cleo)["error"]
    assert (refused["code"], refused["error_subcode"]) == (10, 2018278), refused

    sim(f"customers/{cleo}/messages", {"type": "text", "text": {"body": "Grüße"}})
    message = until("message")
    assert message["message"]["text"] == "Grüße" and message["sender"]["id"] == cleo and message["recipient"]["id"] == PAGE
    assert shop.get_user(fields="first_name,last_name")["first_name"] == "Cleo"

    shop.send_action(SenderAction("typing_on").to_dict())
    assert requests.get(f"{GRAPH}/sim/v1/customers/{cleo}", timeout=30).json()["typing"]
    replies = QuickReplies([QuickReply(title="Yes", payload="YES_17"), QuickReply(title="No", payload="NO_17")])
    sent = shop.send(Text("Ten?", quick_replies=replies).to_dict())
    assert sent["recipient_id"] == cleo and sent["message_id"].startswith("m_"), sent
    assert until("echo")["message"]["mid"] == sent["message_id"]
    assert until("delivery")["delivery"]["watermark"] > 1_700_000_000_000
    sim(f"customers/{cleo}/taps", {"messageId": sent["message_id"], "buttonId": "YES_17"})
    assert until("message")["message"]["quick_reply"] == {"payload": "YES_17"}

    buttons = [Button("postback", title="Track", payload="TRACK_17"), Button("web_url", title="Site", url="https://shop.example.com")]
    sent = shop.client.send(ButtonTemplate("Choose", buttons=buttons).to_dict(), cleo)
    until("delivery")
    sim(f"customers/{cleo}/taps", {"messageId": sent["message_id"], "buttonIndex": 0})
    assert until("postback")["postback"]["payload"] == "TRACK_17"
    card = Element("Shoes", subtitle="Blue", image_url="https://shop.example.com/1.jpg", buttons=buttons)
    assert "message_id" in shop.client.send(GenericTemplate([card]).to_dict(), cleo)

    saved = shop.client.upload_attachment(Image(url="https://shop.example.com/1.jpg", is_reusable=True))["attachment_id"]
    assert "message_id" in shop.client.send(Image(attachment_id=saved).to_dict(), cleo)
    sim(f"customers/{cleo}/reads", {})
    assert "watermark" in until("read")["read"]

    # What Meta refuses is refused with its codes.
    assert shop.client.send(Text("x").to_dict(), "1234")["error"]["error_subcode"] == 2018001
    tagged = shop.client.send(Text("x").to_dict(), cleo, messaging_type="MESSAGE_TAG", tag="ACCOUNT_UPDATE")
    assert tagged["error"]["code"] == 100, tagged
    sim("clock", {"advanceSeconds": 90_000})
    assert shop.client.send(Text("Late").to_dict(), cleo)["error"]["error_subcode"] == 2018278
    human = shop.client.send(Text("Late, Kim").to_dict(), cleo, messaging_type="MESSAGE_TAG", tag="HUMAN_AGENT")
    assert "message_id" in human, human
    print("fbmessenger: everything as its documents say")


main()
