"""Twilio's SDK for Python, unmodified, over every operation of the Content API and of messaging services.

Usage: twilio_content.py <folder of a running `transom dev`>

Run with the newest SDK and with an older one, whose models send other spellings. Every answer is held against Twilio's published schemas.
"""

import base64
import json
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

import twilio
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest.content.v1.content import ContentList
from twilio.rest.content.v1.content.approval_create import ApprovalCreateList

from twilio_openapi import Recorder, Schemas, documented

PATIENCE = 20  # seconds; each step takes milliseconds
env = dict(line.split("=", 1) for line in (pathlib.Path(sys.argv[1]) / "dev.env").read_text().splitlines() if "=" in line)


def sid(letters, text):
    """The SID of an id: the same 128 bits in hex."""
    digits = 0
    for char in text:
        digits = digits * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(char)
    return f"{letters}{digits:032x}"


# Every key of the business does for an auth token.
account, token, base = sid("AC", env["TRANSOM_BUSINESS"]), env["TRANSOM_API_KEY"], env["TRANSOM_URL"].rstrip("/")
version = tuple(int(part) for part in twilio.__version__.split(".")[:2])
newest = version >= (9, 10)
schemas = Schemas("content_and_services.json")
recorder = Recorder(base, schemas)
client = documented(account, token, base, recorder)
mark = uuid.uuid4().hex[:8]


def raw(method, path, body=None, kind="application/json", auth=(account, token)):
    """A call as no SDK makes it: status and body."""
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    request = urllib.request.Request(base + path, data, method=method)
    if kind:
        request.add_header("content-type", kind)
    if auth:
        request.add_header("authorization", "Basic " + base64.b64encode(":".join(auth).encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def refused(code, call, *args, **kwargs):
    """The refusal of a call, with Twilio's code."""
    try:
        call(*args, **kwargs)
    except TwilioRestException as why:
        assert why.code == code, (why.code, why.msg)
        return why
    raise AssertionError(f"{call} was not refused with {code}")


def until(holds):
    """Waits for something that is told a moment later."""
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return found


# ---- content -------------------------------------------------------------------------------------------------------------

words = {"body": f"Hi {{{{1}}}}, order {{{{2}}}} can be collected from now on. {mark}"}
wanted = {
    "friendly_name": f"pickup {mark}",
    "language": "en",
    "variables": {"1": "Ana", "2": "A-17"},
    "types": {
        "twilio/quick-reply": {**words, "actions": [{"title": "On my way", "id": "omw"}, {"title": "Later", "id": "later"}]},
        "twilio/text": words,
    },
}
if newest:
    made = client.content.v1.contents.create(ContentList.ContentCreateRequest(wanted))
else:
    # Its own classes: they send `twilio_text`, and null for whatever was not given. Real Twilio takes neither.
    actions = [ContentList.QuickReplyAction(action) for action in wanted["types"]["twilio/quick-reply"]["actions"]]
    types = {"twilio_quick_reply": ContentList.TwilioQuickReply({**words, "actions": actions}), "twilio_text": ContentList.TwilioText(words)}
    made = client.content.v1.contents.create(ContentList.ContentCreateRequest({**wanted, "types": ContentList.Types(types)}))
assert made.sid.startswith("HX") and len(made.sid) == 34 and made.account_sid == account, made.sid
assert made.friendly_name == wanted["friendly_name"] and made.language == "en" and made.variables == wanted["variables"]
assert made.types["twilio/quick-reply"]["actions"][0]["type"] == "QUICK_REPLY", made.types
assert isinstance(made.date_created, datetime) and isinstance(made.date_updated, datetime), made.date_created
assert made.url == f"{base}/v1/Content/{made.sid}" and made.links["approval_create"].endswith("/ApprovalRequests/whatsapp")
assert client.content.v1.contents(made.sid).fetch().types == made.types

# What the SDKs send beside what is documented.
spelled = {
    "friendlyName": f"spelled {mark}",
    "language": "pt-BR",
    "types": {
        "twilio_list_picker": {"body": "Qual?", "button": "Escolher", "items": [{"id": "a", "item": "A", "description": None}]},
        "whatsappAuthentication": {"codeExpirationMinutes": "5", "actions": [{"type": "COPY_CODE", "copyCodeText": "Copiar"}]},
    },
}
status, other = raw("POST", "/v1/Content", spelled)
assert status == 201 and other["language"] == "pt_BR" and other["friendly_name"] == spelled["friendlyName"], other
assert list(other["types"]) == ["twilio/list-picker", "whatsapp/authentication"], other["types"]
assert other["types"]["whatsapp/authentication"] == {
    "add_security_recommendation": True,
    "code_expiration_minutes": 5,
    "actions": [{"type": "COPY_CODE", "copy_code_text": "Copiar"}],
    "body": "{{1}}",
}, other
# Types beside the table of sessions: kept whole; a form that was made at Meta can go, a schedule is only kept.
beside = {
    "whatsapp_flows": {"body": f"Tell us more, please. {mark}", "button_text": "Begin", "flow_id": "{{form}}", "flow_token": "{{token}}"},
    "twilio_schedule": {"id": "1", "title": "When?", "time_slots": "9"},
}
status, kept = raw("POST", "/v1/Content", {"language": "en", "types": beside})
assert status == 201 and kept["types"]["twilio/schedule"] == {"id": "1", "title": "When?", "timeSlots": "9"}, kept
form = {**beside["whatsapp_flows"], "is_flow_first_page_endpoint": False}
assert kept["types"]["whatsapp/flows"] == form, kept
assert client.content.v1.contents(kept["sid"]).fetch().types == kept["types"]
for types, code in [
    ({}, 92001),
    ({"twilio/fax": {}}, 92001),
    ({"twilio/pay": {"body": "Pix"}}, 20422),
    ({"whatsapp/flows": {"body": "Form", "button_text": "Open"}}, 20422),
    ({"twilio/button": {"body": "old"}}, 92008),
]:
    status, body = raw("POST", "/v1/Content", {"language": "en", "types": types})
    assert (status, body["code"]) == (400, code), body
for part, code in [({"language": None}, 92003), ({"language": "english"}, 92004), ({"variables": []}, 92007)]:
    status, body = raw("POST", "/v1/Content", {**wanted, **part})
    assert (status, body["code"]) == (400, code), body

# A change replaces the types; the language stays.
contents = client.content.v1.contents(made.sid)
wider = {"types": {"twilio/text": {"body": f"Order {{{{2}}}} waits for {{{{1}}}} at the counter. {mark}"}}}
# The older SDK has no such operation.
assert hasattr(contents, "update") == newest, version
if newest:
    changed = contents.update(ContentList.ContentUpdateRequest(wider))
    assert list(changed.types) == ["twilio/text"] and changed.variables == wanted["variables"], changed.types
else:
    status, changed = raw("PUT", f"/v1/Content/{made.sid}", wider)
    assert status == 200 and list(changed["types"]) == ["twilio/text"], changed
refused(20404, client.content.v1.contents("HX" + "0" * 32).fetch)
assert raw("GET", "/v1/Content/HX1")[1]["code"] == 20404

# ---- approval ------------------------------------------------------------------------------------------------------------

never = contents.approval_fetch().fetch()
assert never.whatsapp["status"] == "unsubmitted" and never.whatsapp["type"] == "whatsapp", never.whatsapp
ask = {"name": f"pickup_{mark}", "category": "UTILITY"}
asked = contents.approval_create.create(ApprovalCreateList.ContentApprovalRequest(ask))
assert (asked.name, asked.content_type, asked.status, asked.rejection_reason) == (ask["name"], "twilio/text", "received", ""), vars(asked)
# Meta's reviewer, at the simulator, lets it pass.
headers = {"x-api-key": env["TRANSOM_API_KEY"]}
url = f"{base}/v1/businesses/{env['TRANSOM_BUSINESS']}/contents/{made.sid[2:]}/approvals"
with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE) as found:
    filed = json.load(found)["data"][0]["templateId"]
review = urllib.request.Request(
    f"{env['SIMULATOR_URL']}/sim/v1/templates/{filed}/review", b'{"decision":"approve"}', {"content-type": "application/json"}, method="POST"
)
urllib.request.urlopen(review, timeout=PATIENCE).close()
approved = until(lambda: (found := contents.approval_fetch().fetch().whatsapp)["status"] == "approved" and found)
assert approved["name"] == ask["name"] and approved["category"], approved
# What is reviewed stays as it is, and is submitted once.
for method, path, body in [
    ("PUT", f"/v1/Content/{made.sid}", wider),
    ("POST", f"/v1/Content/{made.sid}/ApprovalRequests/WhatsApp", {**ask, "name": f"again_{mark}"}),
]:
    status, body = raw(method, path, body)
    assert (status, body["code"]) == (409, 20009), body
status, body = raw("POST", f"/v1/Content/{other['sid']}/ApprovalRequests/messenger", ask)
assert (status, body["code"]) == (404, 20404), body
status, body = raw("PATCH", f"/v1/Content/{made.sid}/ApprovalRequests/whatsapp", {"bid_amount": 70})
assert (status, body["code"]) == (400, 20422) and "bid" in body["message"], body
# What can never be submitted says so.
only_list = {"language": "en", "types": {"twilio/list-picker": {"body": "Which?", "button": "Choose", "items": [{"id": "a", "item": "A"}]}}}
menu = raw("POST", "/v1/Content", only_list)[1]
status, body = raw("POST", f"/v1/Content/{menu['sid']}/ApprovalRequests/whatsapp", {"name": f"menu_{mark}", "category": "UTILITY"})
assert (status, body["code"]) == (400, 20422) and "never" in body["message"].lower() + str(body["details"]).lower(), body

# ---- lists ---------------------------------------------------------------------------------------------------------------

for at in range(5):
    status, _ = raw("POST", "/v1/Content", {"friendly_name": f"batch {mark} {at}", "language": "de", "types": {"twilio/text": {"body": f"Hallo {at}."}}})
    assert status == 201
every = [content.sid for content in client.content.v1.contents.list()]
assert made.sid in every and other["sid"] in every and len(every) == len(set(every)), every
# Pages are followed by their links to the letter, and none is lost or doubled.
assert [content.sid for content in client.content.v1.contents.list(page_size=3)] == every
first = client.content.v1.contents.page(page_size=2)
second = first.next_page()
assert [content.sid for content in [*first, *second]] == every[:4]
assert [content.sid for content in second.previous_page()] == every[:2]
flat = {content.sid: content for content in client.content.v1.content_and_approvals.list(page_size=4)}
assert flat[made.sid].approval_requests["status"] == "approved" and "whatsapp" not in flat[made.sid].approval_requests
assert flat[other["sid"]].approval_requests["status"] == "unsubmitted" and len(flat) == len(every)
legacy = {content.sid: content for content in client.content.v1.legacy_contents.list()}
assert legacy[made.sid].legacy_template_name == ask["name"] and mark in legacy[made.sid].legacy_body

search = client.content.v2.contents.list
sids = lambda **filters: [content.sid for content in search(page_size=2, **filters)]  # noqa: E731
assert len(sids(language=["de"])) >= 5 and made.sid in sids(language=["de", "en"]), sids(language=["de"])
assert other["sid"] in sids(content_type=["whatsapp/authentication"]) and made.sid not in sids(content_type=["whatsapp/authentication"])
assert sids(channel_eligibility=["whatsapp:approved"], content=mark) == [made.sid]
assert made.sid not in sids(channel_eligibility=["whatsapp:unsubmitted"])
assert sids(content=f"counter. {mark}") == [made.sid] and sids(content_name=f"pickup_{mark}") == [made.sid]
by_name = [content.friendly_name for content in search(content_name=f"batch {mark}", sort_by_content_name="asc")]
assert by_name == [f"batch {mark} {at}" for at in range(5)], by_name
assert list(reversed(by_name)) == [content.friendly_name for content in search(content_name=f"batch {mark}", sort_by_content_name="desc")]
tomorrow, yesterday = (datetime.now(timezone.utc) + timedelta(days=days) for days in (1, -1))
assert sids(content=mark, date_created_after=tomorrow) == [] and made.sid in sids(content=mark, date_created_after=yesterday)
assert sids(content=mark, date_created_before=yesterday) == [] and made.sid in sids(content=mark, date_created_before=tomorrow)
found = client.content.v2.content_and_approvals.list(content_name=f"pickup_{mark}")
assert [content.approval_requests["status"] for content in found] == ["approved"], found
# The SDK passes the body of a refused list on as it is.
try:
    search(channel_eligibility=["rcs:approved"])
    raise AssertionError("a channel that has no approvals was taken")
except TwilioException as why:
    assert "20422" in str(why), why

# ---- hostile -------------------------------------------------------------------------------------------------------------

before = len(client.content.v1.contents.list())
for body, kind, status in [
    (b"{", "application/json", 400),
    (b"[]", "application/json", 400),
    (b"", "application/json", 400),
    (json.dumps(wanted).encode(), "application/x-www-form-urlencoded", 415),
    (json.dumps(wanted).encode(), None, 415),
    (b"{" + b" " * (10 * 1024 * 1024), "application/json", 413),
]:
    seen, answer = raw("POST", "/v1/Content", body, kind)
    assert seen == status == answer["status"] and answer["code"] == 20422, (seen, answer)
for query in ["PageToken=made-up", "PageSize=0", "PageSize=1001", "Page=3", "PageToken=%ff", "PageSize=%", "PageSize=1&PageSize=2"]:
    seen, answer = raw("GET", f"/v1/Content?{query}")
    assert seen == 400 and answer["code"] == 20422, (query, answer)
for method, path, status, code in [
    ("PATCH", "/v1/Content", 405, 20004),
    ("GET", "/v1/Content/HX1/Nothing", 404, 20404),
    ("GET", "/v2/Nothing", 404, 20404),
    ("POST", "/v2/Content", 405, 20004),
]:
    seen, answer = raw(method, path)
    assert (seen, answer["code"]) == (status, code), (path, answer)
for auth in [None, (account, "0" * 32), ("AC" + "1" * 32, token), ("nobody", token)]:
    seen, answer = raw("GET", "/v1/Content", auth=auth)
    assert (seen, answer["code"]) == (401, 20003), answer
assert len(client.content.v1.contents.list()) == before

# ---- messaging services --------------------------------------------------------------------------------------------------

services = client.messaging.v1.services
refused(20422, services.create, friendly_name="")
refused(21624, services.create, friendly_name="Shop", validity_period=0)
refused(21609, services.create, friendly_name="Shop", inbound_request_url="ftp://shop.example.com/")
shop = services.create(friendly_name=f"Shop {mark}", sticky_sender=True, validity_period=600, usecase="notifications", smart_encoding=False)
assert shop.sid.startswith("MG") and shop.validity_period == 600 and shop.smart_encoding is False and shop.inbound_request_url is None
assert isinstance(shop.date_created, datetime) and shop.links["channel_senders"].endswith("/ChannelSenders"), shop.links
changed = services(shop.sid).update(sticky_sender=False, inbound_method="GET")
assert changed.friendly_name == shop.friendly_name and changed.sticky_sender is False and changed.inbound_method == "GET"
assert services(shop.sid).fetch().sticky_sender is False
for at in range(3):
    services.create(friendly_name=f"More {mark} {at}")
assert shop.sid in [service.sid for service in services.list(page_size=2)]
refused(20404, services("MG" + "0" * 32).fetch)

senders = services(shop.sid).channel_senders
with urllib.request.urlopen(
    urllib.request.Request(f"{base}/v1/businesses/{env['TRANSOM_BUSINESS']}/senders", headers={"x-api-key": env["TRANSOM_API_KEY"]}),
    timeout=PATIENCE,
) as answer:
    mine = [sender for sender in json.load(answer)["data"] if sender["channel"] == "whatsapp"][0]
xe = sid("XE", mine["id"])
joined = senders.create(sid=xe)
assert joined.sid == xe and joined.sender == f"whatsapp:{mine['address']}" and joined.sender_type == "WhatsApp", joined.sender
assert joined.messaging_service_sid == shop.sid and senders(xe).fetch().sender == joined.sender
assert [sender.sid for sender in senders.list()] == [xe]
# A sender is in one pool at most.
another = services.create(friendly_name=f"Another {mark}")
why = refused(20009, services(another.sid).channel_senders.create, sid=xe)
assert why.status == 409, why.status
refused(20404, senders.create, sid="XE" + "0" * 32)
# What is sent through it goes by its sender.
sent = client.messages.create(messaging_service_sid=shop.sid, to="whatsapp:+4915550100001", content_sid=made.sid, content_variables=json.dumps({"1": "Ana"}))
assert sent.messaging_service_sid == shop.sid, sent.messaging_service_sid
assert until(lambda: (found := client.messages(sent.sid).fetch()).from_ and found).from_ == joined.sender
refused(21704, client.messages.create, messaging_service_sid=another.sid, to="whatsapp:+4915550100001", body="Hi")
refused(21701, client.messages.create, messaging_service_sid="MG" + "0" * 32, to="whatsapp:+4915550100001", body="Hi")
assert senders(xe).delete() is True and senders.list() == []
refused(20404, senders(xe).delete)
assert services(shop.sid).delete() is True
refused(20404, services(shop.sid).delete)

# ---- deletion ------------------------------------------------------------------------------------------------------------

until(lambda: raw("DELETE", f"/v1/Content/{made.sid}?deleteInWaba=true")[0] == 204)
refused(20404, contents.fetch)
assert client.content.v1.contents(other["sid"]).delete() is True
missed = {pattern.pattern for pattern, _ in schemas.operations} - schemas.seen
assert missed == (set() if newest else {Schemas.pattern("PUT /v1/Content/{Sid}").pattern}), missed
print(f"twilio {twilio.__version__}: content and services, {len(recorder.calls)} calls")
