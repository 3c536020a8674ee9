"""pywa, unmodified, against the simulator: it subscribes, sends, receives, makes a template and fetches a file.

Usage: pywa_client.py <JSON that `transom simulate --json` has printed>
"""

import http.server
import logging
import queue
import threading
import urllib.parse

from pywa import types, utils
from pywa.types import templates as t

from pywa_desk import PATIENCE, client, desk, meta

logging.getLogger("pywa").setLevel(logging.CRITICAL)  # it logs each failed status that it drops
wa = client()
heard = queue.Queue()


@wa.on_message()
def on_message(_, message):
    heard.put(("message", message))


@wa.on_message_status()
def on_status(_, status):
    heard.put(("status", status))


@wa.on_raw_update()
def on_anything(_, update):
    # Meta leaves `contacts` out of failed statuses; pywa 4.5.0 wants them there and drops the update, so these are read raw.
    for change in (change for entry in update["entry"] for change in entry["changes"]):
        for status in change["value"].get("statuses", []):
            if status["status"] == "failed":
                heard.put(("failed", status))


@wa.on_callback_button()
def on_tap(_, tap):
    heard.put(("tap", tap))


@wa.on_template_status_update()
def on_template(_, update):
    heard.put(("template", update))


class Webhook(http.server.BaseHTTPRequestHandler):
    """A bare server in front of pywa's own handlers, which check handshake and signature."""

    def do_GET(self):
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        body, status = wa.webhook_challenge_handler(
            vt=asked.get(utils.HUB_VT, [None])[0], ch=asked.get(utils.HUB_CH, [None])[0]
        )
        self.answer(status, body)

    def do_POST(self):
        update = self.rfile.read(int(self.headers["content-length"]))
        refused = wa.webhook_update_validator(update=update, hmac_header=self.headers.get(utils.HUB_SIG))
        body, status = refused or wa.webhook_update_handler(update=update)
        if status != 200:
            heard.put(("refused", body))
        self.answer(status, body)

    def answer(self, status, body):
        body = (body or "").encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def hear(kind, wanted):
    """Waits for something of this kind that is wanted; everything else heard on the way is left aside."""
    while True:
        what, news = heard.get(timeout=PATIENCE)
        assert what != "refused", f"pywa refused a webhook: {news}"
        if what == kind and wanted(news):
            return news


def status_of(message, status):
    return hear("status", lambda s: s.id == message.id and s.status == status)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
threading.Thread(target=server.serve_forever, daemon=True).start()
wa.override_waba_callback_url(
    callback_url=f"http://127.0.0.1:{server.server_port}", verify_token="pywa-verifies", waba_id=meta["wabaId"]
)

phone = "+4915550200001"
path = "/sim/v1/customers/4915550200001"
desk("POST", "/sim/v1/customers", {"phone": phone, "name": "Dora"})

# Before the customer has written: accepted, and failed afterwards.
early = wa.send_message(to=phone, text="Too early")
failed = hear("failed", lambda s: s["id"] == early.id)
assert failed["errors"][0]["code"] == 131047 and "contacts" not in failed, failed

# The customer writes; pywa hears it, answers, and hears how far the answer got.
desk("POST", path + "/messages", {"to": meta["phoneNumberId"], "type": "text", "text": {"body": "Grüße, geöffnet? ☕"}})
message = hear("message", lambda m: m.type == types.MessageType.TEXT)
assert message.text == "Grüße, geöffnet? ☕", message
assert message.from_user.wa_id == "4915550200001", message
answer = message.reply_text("Ja!", quote=True)
status_of(answer, types.MessageStatusType.DELIVERED)
wa.mark_message_as_read(message.id)

# Reply buttons, and the tap on one.
asked = wa.send_message(to=phone, text="Tea?", buttons=[types.Button("Yes", "yes"), types.Button("No", "no")], tracker="order-7")
delivered = status_of(asked, types.MessageStatusType.DELIVERED)
assert delivered.tracker == "order-7", delivered
desk("POST", path + "/taps", {"messageId": asked.id, "buttonId": "yes"})
tap = hear("tap", lambda c: c.data == "yes")
assert tap.title == "Yes" and tap.reply_to_message.id == asked.id, tap

# A file: uploaded, sent, read.
media = wa.upload_media(media=b"\x89PNG\r\n\x1a\n" + bytes(64), mime_type="image/png", filename="tea.png")
picture = wa.send_image(to=phone, image=media.id, caption="Our tea", mime_type="image/png")
status_of(picture, types.MessageStatusType.DELIVERED)
desk("POST", path + "/reads", {})
status_of(picture, types.MessageStatusType.READ)
url = wa.get_media_url(media.id)
assert url.mime_type == "image/png" and int(url.file_size) == 72, url

# A template: made, reviewed at the desk, sent with its value, listed.
created = wa.create_template(
    t.Template(
        name="pywa_order",
        language=t.TemplateLanguage.ENGLISH,
        category=t.TemplateCategory.UTILITY,
        parameter_format=t.ParamFormat.POSITIONAL,
        components=[t.BodyText("Hello {{1}}, your order is ready for you.", "Ana"), t.FooterText(text="Desk shop")],
    )
)
desk("POST", f"/sim/v1/templates/{created.id}/review", {"decision": "approve"})
hear("template", lambda u: u.template_name == "pywa_order" and u.new_status == t.TemplateStatus.APPROVED)
sent = wa.send_template(
    to=phone, name="pywa_order", language=t.TemplateLanguage.ENGLISH, params=[t.BodyText.params("Dora")]
)
status_of(sent, types.MessageStatusType.DELIVERED)
assert [one.name for one in wa.get_templates(name="pywa_order")] == ["pywa_order"]

shown = desk("GET", path + "/inbox")["data"]
kinds = [one["type"] for one in shown if one["direction"] == "in"]
assert kinds == ["text", "interactive", "image", "template"], kinds
print("pywa: subscribed, sent, received, tapped, uploaded, made and sent a template")
