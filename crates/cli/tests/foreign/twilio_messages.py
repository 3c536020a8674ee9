"""Twilio's SDK for Python, unmodified, over every operation on messages, and over credentials.

Usage: twilio_messages.py <transom> <folder of a running `transom dev`>

Run with the newest SDK and with an older one. Every answer is held against Twilio's published schemas.
"""

import base64
import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

import twilio
from twilio.base.exceptions import TwilioRestException

from twilio_openapi import Recorder, Schemas, documented

PATIENCE = 20  # seconds; each step takes milliseconds
transom, folder = sys.argv[1], pathlib.Path(sys.argv[2])
env = dict(line.split("=", 1) for line in (folder / "dev.env").read_text().splitlines() if "=" in line)
account, token, base = env["TWILIO_ACCOUNT_SID"], env["TWILIO_AUTH_TOKEN"], env["TRANSOM_URL"].rstrip("/")
sender, ana, bo = f"whatsapp:{env['TRANSOM_SENDER']}", "whatsapp:+4915550100001", "whatsapp:+12025550142"
schemas, services, mark = Schemas("messages.json"), Schemas("content_and_services.json"), f"Look {uuid.uuid4().hex[:8]}"


def operator(*args):
    return json.loads(subprocess.check_output([transom, *args, "--json", "--dir", str(folder)], timeout=PATIENCE))


def desk(path, body):
    data = json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(env["SIMULATOR_URL"] + path, data, method="POST"), timeout=PATIENCE) as answer:
        return json.load(answer)


def through(user, password, of=None):
    client = documented(user, password, base, Recorder(base, schemas, services))
    # A key says besides whose it is, as the third argument of `Client` does.
    client.account_sid = of or user
    return client


def refused(status, code, call, /, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except TwilioRestException as why:
        assert (why.status, why.code) == (status, code), (why.status, why.code, why.msg)
        return why
    raise AssertionError(f"not refused with {code}: {kwargs}")


def until(holds):
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return found


def becomes(sid, *words):
    """Waits until a message has one of these statuses."""
    return until(lambda: (found := client.messages(sid).fetch()).status in words and found)


# By the lines of docs/twilio.md alone, with the SDK's own HTTP client; and with one that checks each answer.
plain, client = documented(account, token, base), through(account, token)

# Whose credentials they are.
mine = client.api.accounts(account).fetch()
assert (mine.sid, mine.status, mine.type, mine.owner_account_sid) == (account, "active", "Full", account), mine.sid
assert [one.friendly_name for one in client.api.accounts.list(status="active")] == [mine.friendly_name]
refused(405, 20004, client.api.accounts(account).update, friendly_name="Other")

# Callbacks of a sender, by the operator's hand.
number, hook = env["TRANSOM_SENDER"], "http://127.0.0.1:9/in#rc=0"
assert operator("twilio", "callbacks", "set", number, "--inbound-url", hook)["inboundUrl"] == hook
chosen = operator("twilio", "callbacks", "set", number, "--inbound-method", "get", "--status-callback", "http://127.0.0.1:9/s")
assert (chosen["inboundUrl"], chosen["inboundMethod"], chosen["statusCallback"]) == (hook, "GET", "http://127.0.0.1:9/s"), chosen
assert operator("twilio", "callbacks", "show", number) == chosen
assert operator("twilio", "callbacks", "clear", number) == {
    "inboundUrl": None, "inboundMethod": "POST", "fallbackUrl": None, "fallbackMethod": "POST", "statusCallback": None}

# Sent into an open session, and delivered.
made = plain.messages.create(to=ana, from_=sender, body="Hi Ana, it's ready – ☕")
assert (made.status, made.direction, made.error_code, made.num_segments, made.price) == ("queued", "outbound-api", None, "1", None)
assert made.account_sid == account and made.sid[:2] == "SM" and abs((datetime.now(timezone.utc) - made.date_created).total_seconds()) < 60
sent = becomes(made.sid, "delivered", "read")
assert (sent.body, sent.to, sent.from_, sent.api_version) == ("Hi Ana, it's ready – ☕", ana, sender, "2010-04-01")
assert sent.date_sent is not None

# A place, and a file; a caption is the body of a file.
place = client.messages.create(to=ana, from_=sender, body="The shop", persistent_action=["geo:52.5163,13.3777|Pariser Platz"])
becomes(place.sid, "delivered", "read")
picture = client.messages.create(to=ana, from_=sender, body="Invoice", media_url=["https://files.example.com/invoice.pdf"])
assert (picture.num_media, picture.sid[:2]) == ("1", "MM")
found = client.messages(picture.sid).media.list()
assert [file.content_type for file in found] == ["application/pdf"] and found[0].parent_sid == picture.sid
assert client.messages(picture.sid).media(found[0].sid).fetch().uri == found[0].uri

# Without a session it is accepted and becomes undelivered, as on Twilio; or is refused at once, where the account wants that.
closed = client.messages.create(to=bo, from_=sender, body="Hi Bo", validity_period=600, smart_encoded=True, risk_check="disable")
closed = becomes(closed.sid, "undelivered", "failed")
assert (closed.status, closed.error_code) == ("undelivered", 63016), (closed.status, closed.error_code)
assert closed.error_message
assert operator("twilio", "refusals", "at-once")["refuseAtOnce"] is True
why = refused(400, 63016, client.messages.create, to=bo, from_=sender, body="Hi Bo")
assert why.details["verdict"]["reason"], why.details
assert operator("twilio", "refusals", "by-status")["refuseAtOnce"] is False

# Every wrong parameter has Twilio's code.
good = {"to": ana, "from_": sender, "body": "x"}
for changes, code in [
    ({"to": "+4915550100001"}, 21211),
    ({"from_": None}, 21603),
    ({"from_": "whatsapp:+4930111111"}, 63007),
    ({"from_": "messenger:1"}, 21910),
    ({"from_": ana}, 63031),
    ({"body": None}, 21619),
    ({"body": "x" * 1601}, 21617),
    ({"media_url": ["nothing"]}, 21620),
    ({"media_url": ["https://e.com/a.png", "https://e.com/b.png"]}, 21623),
    ({"status_callback": "https://my_host.example.com/"}, 21609),
    ({"validity_period": 36001}, 21624),
    ({"content_variables": "{}"}, 21654),
    ({"content_sid": "HX" + "0" * 32}, 21655),
    ({"content_sid": "HX" + "0" * 32, "content_variables": "{'1': 'x'}"}, 21656),
    ({"messaging_service_sid": "MG1"}, 21701),
    ({"schedule_type": "fixed", "send_at": datetime.now(timezone.utc) + timedelta(hours=1)}, 35118),
]:
    status = 404 if code == 21701 else 400
    refused(status, code, client.messages.create, **{k: v for k, v in {**good, **changes}.items() if v is not None})
refused(404, 20404, client.messages("SM" + "0" * 32).fetch)

# Scheduled through a messaging service, and called off.
service = client.messaging.v1.services.create(friendly_name="Messages")
later = datetime.now(timezone.utc) + timedelta(hours=2)
timed = client.messages.create(to=ana, from_=sender, body="Later", messaging_service_sid=service.sid, schedule_type="fixed", send_at=later)
assert (timed.status, timed.messaging_service_sid) == ("scheduled", service.sid)
assert client.messages(timed.sid).update(status="canceled").status == "canceled"
refused(400, 30409, client.messages(made.sid).update, status="canceled")

# Listed, forth and back, with every filter.
every = client.messages.list(page_size=2)
assert {made.sid, place.sid, picture.sid, closed.sid, timed.sid} <= {one.sid for one in every} and len({one.sid for one in every}) == len(every)
assert [one.sid for one in client.messages.list(limit=3)] == [one.sid for one in every[:3]]
first = client.messages.page(page_size=2)
second = first.next_page()
assert [one.sid for one in second.previous_page()] == [one.sid for one in client.messages.page(page_size=2)]
assert closed.sid in {one.sid for one in client.messages.list(to=bo)} and made.sid not in {one.sid for one in client.messages.list(to=bo)}
today = datetime.now(timezone.utc)
assert len(client.messages.list(date_sent_after=today - timedelta(days=1), date_sent_before=today + timedelta(days=1))) == len(every)
assert client.messages.list(date_sent=today.date()) and not client.messages.list(date_sent_before=today - timedelta(days=2))
assert {one.direction for one in client.messages.list(from_=ana)} == {"inbound"}
assert {one.direction for one in client.messages.list(from_=sender)} == {"outbound-api"}

# What a customer sends: its file is read with the credentials.
pdf = b"%PDF-1.4 " + b"x" * 1000
desk(f"/sim/v1/customers/{ana[10:]}/messages".replace("+", ""), {"to": env["META_PHONE_NUMBER_ID"], "type": "document", "document": {
    "mime_type": "application/pdf", "filename": "a.pdf", "data": base64.b64encode(pdf).decode(), "caption": mark}})
heard = until(lambda: next((one for one in client.messages.list(from_=ana, limit=5) if one.body == mark), None))
assert (heard.status, heard.num_media, heard.sid[:2]) == ("received", "1", "MM")
file = until(lambda: client.messages(heard.sid).media.list())[0]
authorised = {"authorization": "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()}


def bytes_of_file():
    request = urllib.request.Request(base + file.uri.removesuffix(".json"), headers=authorised)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()
    except urllib.error.HTTPError as not_yet:
        assert not_yet.code == 404, not_yet.code
        return None


assert until(bytes_of_file) == pdf
assert client.messages(heard.sid).media(file.sid).delete() is True
assert client.messages(heard.sid).media.list() == []

# Feedback, redaction, deletion.
assert client.messages(made.sid).feedback.create(outcome="confirmed").outcome == "confirmed"
assert client.messages(made.sid).update(body="").body == ""
assert client.messages(made.sid).fetch().sid == made.sid
assert client.messages(made.sid).delete() is True
refused(404, 20404, client.messages(made.sid).fetch)

# Keys: main, standard, restricted; and a rotation, with both tokens valid meanwhile.
for arguments, status in [([], None), (["--standard"], None), (["--scopes", "send"], None), (["--scopes", "webhooks"], 403)]:
    key = operator("key", "add", *arguments)
    with_key = through(key["key"]["twilioSid"], key["text"], account)
    if status is None:
        assert len(with_key.messages.list(limit=1)) == 1
    else:
        refused(status, 20003, with_key.messages(picture.sid).fetch)
refused(401, 20003, through(account, "0" * 32).messages(picture.sid).fetch)
refused(401, 20003, through("AC" + "0" * 32, token).messages(picture.sid).fetch)
second = operator("twilio", "credentials", "--rotate", "begin")["secondaryAuthToken"]
for valid in (token, second):
    through(account, valid).messages.list(limit=1)
assert operator("twilio", "credentials", "--rotate", "abandon")["authToken"] == token
refused(401, 20003, through(account, second).messages(picture.sid).fetch)

missing = {pattern.pattern for pattern, _ in schemas.operations} - schemas.seen
assert not missing, missing
print(f"twilio {twilio.__version__} (Python): every operation on messages, their files and feedback; codes, paging, keys and a rotation")
