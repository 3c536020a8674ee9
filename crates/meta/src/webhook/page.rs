//! Pages: what customers and Messenger tell of one (Meta: messenger-platform/webhooks/webhook-events and the page of each event).
//!
//! Times are milliseconds here. Delivery and reading are told by a watermark, echoes bring our own metadata back, and nothing ever
//! says that a message failed.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use transom_domain::address::Psid;
use transom_domain::amendment::{Amended, Amendment};
use transom_domain::fact::{Account, Echo, Fact, HeardBy, Inbound, InboundBody, Person, Reported, StatusReport, Watermark};
use transom_domain::free_form::MediaKind;
use transom_domain::message::{CallbackTag, PartTag};
use transom_domain::time::Timestamp;

use super::messages::moment_of;
use super::{Delivery, name};
use crate::read::{as_moment, member, real, whole};

/// Most attachments of one message (reference/send-api), and most messages that one delivery names.
const MANY: usize = 30;

/// The members of an event that say what it is; an event has one of them.
const KINDS: [&str; 14] = [
    "message",
    "postback",
    "delivery",
    "read",
    "reaction",
    "message_edit",
    "referral",
    "optin",
    "account_linking",
    "pass_thread_control",
    "take_thread_control",
    "request_thread_control",
    "app_roles",
    "policy_enforcement",
];

/// Of these, what changes nothing here and is somebody's business all the same: passed on as it came.
const PASSED: [&str; 5] =
    ["pass_thread_control", "take_thread_control", "request_thread_control", "app_roles", "policy_enforcement"];

/// Whom an event is about, and when it happened.
struct Event {
    customer: Option<Psid>,
    at: Timestamp,
}

/// Reads one event of `messaging` or `standby`, or the value of a change in the form that the app dashboard's test button sends.
/// What comes in standby is for the Page as much as the rest, only that another app holds the conversation.
pub(super) fn read(field: &str, raw: &RawValue, delivery: &mut Delivery) {
    let page = Account::Page(delivery.entry_id.clone());
    let Ok(Value::Object(event)) = serde_json::from_str(raw.get()) else { return delivery.other(page, field) };
    let kind = KINDS.into_iter().find(|kind| event.get(*kind).is_some_and(Value::is_object));
    let Some((kind, object)) = kind.and_then(|kind| Some((kind, event.get(kind)?.as_object()?))) else {
        // The name of what nobody knows yet is worth more than that of the list it stands in.
        let unknown = event.keys().find(|key| !matches!(key.as_str(), "sender" | "recipient" | "timestamp"));
        delivery.other(page.clone(), unknown.map_or(field, String::as_str));
        if let Some(unknown) = unknown {
            // Told as not understood, and passed on too.
            delivery.pass(page, unknown, raw);
        }
        return;
    };
    let id_of = |side: &str| member(event.get(side)?.as_object()?, "id").and_then(|id| Psid::parse(&id).ok());
    let is_own = |id: &Psid| id.as_str() == delivery.entry_id;
    let customer = id_of("sender").filter(|id| !is_own(id)).or_else(|| id_of("recipient").filter(|id| !is_own(id)));
    let at = moment_of(&event).or(delivery.at).unwrap_or(Timestamp::EPOCH);
    let told = Event { customer, at };
    let facts = match kind {
        "message" if object.get("is_echo") == Some(&Value::Bool(true)) => told.echo(object),
        "message" => told.message(object),
        "delivery" => told.progress(object, Reported::Delivered),
        "read" => told.progress(object, Reported::Read),
        _ => told.other_inbound(kind, object),
    };
    if facts.is_empty() {
        if PASSED.contains(&kind) {
            return delivery.pass(page, kind, raw);
        }
        return delivery.other(page, kind);
    }
    for fact in facts {
        delivery.tell(page.clone(), fact);
    }
}

impl Event {
    fn person(&self) -> Person {
        Person { psid: self.customer.clone(), ..Person::default() }
    }

    fn inbound(&self, provider_id: String, body: InboundBody) -> Inbound {
        Inbound {
            provider_id,
            at: self.at,
            from: self.person(),
            body,
            reply_to: None,
            forwarded: false,
            often_forwarded: false,
            product: None,
            referral: None,
        }
    }

    /// An id for what Messenger gives none: made of what does not change when it is told again.
    fn made_id(&self, kind: &str, of: &str) -> String {
        let customer = self.customer.as_ref().map_or("", Psid::as_str);
        format!("{kind}:{customer}:{}:{of}", self.at.as_millis())
    }

    /// A message of the Page's that comes back. Ours has our tag in its metadata: it says that the message left, and settles an
    /// attempt whose answer was lost. Others were written by another app, or by a person at the Page's inbox.
    fn echo(&self, message: &Map<String, Value>) -> Vec<Fact> {
        let metadata = member(message, "metadata").filter(|m| CallbackTag::parse(m).is_some() || PartTag::parse(m).is_some());
        let (Some(provider_id), Some(_)) = (member(message, "mid"), &self.customer) else { return Vec::new() };
        if metadata.is_some() {
            return vec![self.report(provider_id, Reported::Sent, metadata)];
        }
        let reply_to = answered(message);
        let told = |(at, body)| {
            let provider_id = part_id(&provider_id, at);
            Fact::Echo(Echo { provider_id, at: self.at, to: self.person(), body, reply_to: reply_to.clone() })
        };
        bodies(message).into_iter().enumerate().map(told).collect()
    }

    fn report(&self, provider_id: String, status: Reported, callback: Option<String>) -> Fact {
        Fact::Status(StatusReport {
            provider_id,
            status,
            at: self.at,
            recipient: self.person(),
            callback,
            errors: Vec::new(),
            pricing: None,
            conversation: None,
            by: HeardBy::Webhook,
        })
    }

    /// The watermark counts; the ids beside it may be missing, and are a help where clocks differ.
    fn progress(&self, object: &Map<String, Value>, status: Reported) -> Vec<Fact> {
        let mids = object.get("mids").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut facts: Vec<Fact> = mids
            .iter()
            .filter_map(Value::as_str)
            .filter(|mid| !mid.is_empty())
            .take(MANY)
            .map(|mid| self.report(mid.to_owned(), status, None))
            .collect();
        let until = member(object, "watermark").and_then(|text| whole(&text)).and_then(as_moment);
        if let (Some(recipient), Some(until)) = (&self.customer, until) {
            facts.push(Fact::Watermark(Watermark { recipient: recipient.clone(), status, until, at: self.at }));
        }
        facts
    }

    /// What a customer wrote: one message for each file, since each is one of its own to whoever reads it.
    fn message(&self, message: &Map<String, Value>) -> Vec<Fact> {
        let (Some(mid), Some(_)) = (member(message, "mid"), &self.customer) else { return Vec::new() };
        let reply_to = answered(message);
        let referral = message.get("referral").filter(|referral| !referral.is_null());
        bodies(message)
            .into_iter()
            .enumerate()
            .map(|(at, body)| {
                let provider_id = part_id(&mid, at);
                let referral = referral.filter(|_| at == 0).cloned();
                Fact::Inbound(Inbound { reply_to: reply_to.clone(), referral, ..self.inbound(provider_id, body) })
            })
            .collect()
    }

    /// What a customer did other than writing.
    fn other_inbound(&self, kind: &str, object: &Map<String, Value>) -> Vec<Fact> {
        if self.customer.is_none() {
            return Vec::new();
        }
        let text = |key: &str| member(object, key);
        let made = |of: &str| self.made_id(kind, of);
        let inbound = match kind {
            "postback" => {
                let title = text("title").unwrap_or_default();
                let payload = text("payload").unwrap_or_else(|| title.clone());
                let referral = object.get("referral").filter(|referral| !referral.is_null()).cloned();
                let id = text("mid").unwrap_or_else(|| made(&payload));
                Inbound { referral, ..self.inbound(id, InboundBody::Button { payload, text: title }) }
            }
            "reaction" => {
                let Some(message_id) = text("mid") else { return Vec::new() };
                let taken_back = text("action").as_deref() == Some("unreact");
                let emoji = text("emoji").or_else(|| text("reaction")).filter(|_| !taken_back);
                let id = made(&format!("{}:{message_id}", if taken_back { "unreact" } else { "react" }));
                self.inbound(id, InboundBody::Reaction { message_id, emoji })
            }
            "message_edit" => {
                let (Some(original), Some(body)) = (text("mid"), text("text")) else { return Vec::new() };
                let provider_id = format!("edit:{original}:{}", text("num_edit").unwrap_or_default());
                let change = Amendment::Edited { body: Box::new(InboundBody::Text { body }) };
                return vec![Fact::Amended(Amended { provider_id, at: self.at, from: self.person(), original, change })];
            }
            "referral" | "optin" | "account_linking" => {
                let raw = Value::Object(object.clone());
                let body = InboundBody::Unknown { name: kind.to_owned(), raw: raw.clone() };
                Inbound { referral: (kind == "referral").then_some(raw), ..self.inbound(made(""), body) }
            }
            _ => return Vec::new(),
        };
        vec![Fact::Inbound(inbound)]
    }
}

/// The id of one of the messages that a message consists of.
fn part_id(mid: &str, at: usize) -> String {
    if at == 0 { mid.to_owned() } else { format!("{mid}#{}", at + 1) }
}

/// The message that this one answers.
fn answered(message: &Map<String, Value>) -> Option<String> {
    message.get("reply_to").and_then(Value::as_object).and_then(|to| member(to, "mid"))
}

/// What a message consists of, at least one.
fn bodies(message: &Map<String, Value>) -> Vec<InboundBody> {
    let text = member(message, "text");
    let payload = message.get("quick_reply").and_then(Value::as_object).and_then(|reply| member(reply, "payload"));
    if let Some(id) = payload {
        return vec![InboundBody::ButtonReply { id, title: text.unwrap_or_default() }];
    }
    let attachments = message.get("attachments").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut text = text;
    let mut bodies = Vec::new();
    for attachment in attachments.iter().filter_map(Value::as_object).take(MANY) {
        let kind = member(attachment, "type").unwrap_or_default();
        // A shared link stands in the text as well.
        if kind == "fallback" && text.is_some() {
            continue;
        }
        bodies.push(attached(&kind, attachment, &mut text));
    }
    match text {
        // Beside a file that has taken it, nothing is left.
        Some(body) => bodies.insert(0, InboundBody::Text { body }),
        None if bodies.is_empty() => {
            bodies.push(InboundBody::Unknown { name: "message".to_owned(), raw: Value::Object(message.clone()) });
        }
        None => {}
    }
    bodies
}

/// One attachment; the first file takes the text as its caption.
fn attached(kind: &str, attachment: &Map<String, Value>, text: &mut Option<String>) -> InboundBody {
    let empty = Map::new();
    let payload = attachment.get("payload").and_then(Value::as_object).unwrap_or(&empty);
    let url = member(payload, "url").or_else(|| member(attachment, "url"));
    let media = match kind {
        "sticker" => Some(MediaKind::Sticker),
        // Till 30 August 2026, and in versions before (changelog).
        "image" if payload.contains_key("sticker_id") => Some(MediaKind::Sticker),
        "image" => Some(MediaKind::Image),
        "video" => Some(MediaKind::Video),
        "audio" => Some(MediaKind::Audio),
        "file" => Some(MediaKind::Document),
        _ => None,
    };
    match (media, &url, kind) {
        (Some(kind), Some(_), _) => InboundBody::Media {
            kind,
            id: String::new(),
            mime_type: String::new(),
            sha256: None,
            caption: if kind == MediaKind::Sticker { None } else { text.take() },
            filename: member(payload, "title").filter(|_| kind == MediaKind::Document),
            voice: false,
            animated: false,
            url,
        },
        (_, _, "location") => place(payload).unwrap_or_else(|| unknown(kind, attachment)),
        (_, Some(url), "fallback") => InboundBody::Text { body: url.clone() },
        _ => unknown(kind, attachment),
    }
}

fn place(payload: &Map<String, Value>) -> Option<InboundBody> {
    let spot = payload.get("coordinates")?.as_object()?;
    let (latitude, longitude) = (real(spot, "lat")?, real(spot, "long")?);
    Some(InboundBody::Location { latitude, longitude, name: None, address: None, url: None })
}

fn unknown(kind: &str, attachment: &Map<String, Value>) -> InboundBody {
    InboundBody::Unknown { name: name(kind), raw: Value::Object(attachment.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::parse;
    use serde_json::json;

    const PAGE: &str = "700000000000001";
    const CUSTOMER: &str = "8000000000000001";

    fn told(event: Value) -> Vec<Fact> {
        told_in("messaging", event)
    }

    fn told_in(list: &str, event: Value) -> Vec<Fact> {
        let body = json!({"object": "page", "entry": [{"id": PAGE, "time": 1_793_000_000_005_i64, list: [event]}]});
        let deliveries = parse(body.to_string().as_bytes()).unwrap();
        let heard: Vec<_> = deliveries.into_iter().flat_map(|d| d.heard).collect();
        assert!(heard.iter().all(|h| h.account == Account::Page(PAGE.into())));
        heard.into_iter().map(|h| h.fact).collect()
    }

    /// An event of the customer's with these members.
    fn from_customer(members: Value) -> Value {
        let mut event = json!({"sender": {"id": CUSTOMER}, "recipient": {"id": PAGE}, "timestamp": 1_793_000_000_001_i64});
        event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        event
    }

    fn inbound(facts: Vec<Fact>) -> Vec<Inbound> {
        facts
            .into_iter()
            .map(|fact| match fact {
                Fact::Inbound(inbound) => inbound,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn written(message: Value) -> Vec<Inbound> {
        inbound(told(from_customer(json!({ "message": message }))))
    }

    #[test]
    fn a_text_is_from_its_customer_at_its_millisecond() {
        let text = written(json!({"mid": "m_1", "text": "Hello", "reply_to": {"mid": "m_0"}})).remove(0);
        assert_eq!(text.from.psid, Psid::parse(CUSTOMER).ok());
        assert_eq!((text.at, text.provider_id.as_str()), (Timestamp::from_millis(1_793_000_000_001), "m_1"));
        assert_eq!((text.body, text.reply_to.as_deref()), (InboundBody::Text { body: "Hello".into() }, Some("m_0")));
        let late = json!({"sender": {"id": CUSTOMER}, "timestamp": "1793000000007", "message": {"mid": "m", "text": "x"}});
        assert_eq!(inbound(told(late))[0].at, Timestamp::from_millis(1_793_000_000_007));
    }

    #[test]
    fn taps_bring_their_payloads() {
        let tap = written(json!({"mid": "m_3", "text": "Yes", "quick_reply": {"payload": "YES_17"}})).remove(0);
        assert_eq!(tap.body, InboundBody::ButtonReply { id: "YES_17".into(), title: "Yes".into() });
        let postback = json!({"postback": {"mid": "m_4", "title": "Track", "payload": "TRACK_17", "referral": {"ref": "r"}}});
        let postback = inbound(told(from_customer(postback))).remove(0);
        assert_eq!(postback.body, InboundBody::Button { payload: "TRACK_17".into(), text: "Track".into() });
        assert_eq!((postback.provider_id.as_str(), postback.referral), ("m_4", Some(json!({"ref": "r"}))));
    }

    #[test]
    fn each_file_is_a_message_and_the_first_has_the_text() {
        let file = |kind: &str, payload: Value| json!({"type": kind, "payload": payload});
        let url = json!({"url": "https://cdn.example/1"});
        let files = written(
            json!({"mid": "m_5", "text": "Look", "attachments": [file("image", url.clone()), file("file", url.clone()),
            file("sticker", url.clone()), file("image", json!({"url": "https://cdn.example/2", "sticker_id": 369_239_263_222_822_i64}))]}),
        );
        let ids: Vec<&str> = files.iter().map(|f| f.provider_id.as_str()).collect();
        assert_eq!(ids, ["m_5", "m_5#2", "m_5#3", "m_5#4"]);
        let kinds: Vec<(&str, bool)> = files
            .iter()
            .map(|f| match &f.body {
                InboundBody::Media { kind, caption, .. } => (kind.as_str(), caption.is_some()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(kinds, [("image", true), ("document", false), ("sticker", false), ("sticker", false)]);
        let odd = written(
            json!({"mid": "m_6", "attachments": [file("reel", url), file("location", json!({"coordinates": {"lat": 1.5, "long": 2}}))]}),
        );
        assert_eq!(odd[0].body.word(), "reel");
        assert_eq!(odd[1].body, InboundBody::Location { latitude: 1.5, longitude: 2.0, name: None, address: None, url: None });
        let shared = written(
            json!({"mid": "m_7", "text": "https://a.example", "attachments": [{"type": "fallback", "url": "https://a.example"}]}),
        );
        assert_eq!(shared.len(), 1);
        assert_eq!(written(json!({"mid": "m_8"}))[0].body.word(), "message");
    }

    #[test]
    fn watermarks_and_the_ids_beside_them_are_told() {
        let facts = told(from_customer(json!({"delivery": {"mids": ["m_100"], "watermark": 1_793_000_000_004_i64}})));
        assert!(
            matches!(&facts[0], Fact::Status(report) if report.provider_id == "m_100" && report.status == Reported::Delivered)
        );
        let Fact::Watermark(mark) = &facts[1] else { panic!("no watermark") };
        assert_eq!((mark.recipient.as_str(), mark.until.as_millis()), (CUSTOMER, 1_793_000_000_004));
        let read = told(from_customer(json!({"read": {"watermark": 1_793_000_000_006_i64, "seq": 0}})));
        assert!(matches!(&read[..], [Fact::Watermark(mark)] if mark.status == Reported::Read));
        assert!(matches!(&told(from_customer(json!({"read": {}})))[..], [Fact::Other { field }] if field == "read"));
    }

    #[test]
    fn an_echo_of_ours_says_that_it_left_and_others_were_written_elsewhere() {
        let echo = |metadata: &str| {
            told(json!({"sender": {"id": PAGE}, "recipient": {"id": CUSTOMER}, "timestamp": 1_793_000_000_008_i64,
                "message": {"mid": "m_101", "text": "x", "is_echo": true, "app_id": 9, "metadata": metadata}}))
        };
        let tag = CallbackTag { message: transom_domain::id::MessageId(5), attempt: 2 };
        let Fact::Status(report) = echo(&tag.to_string()).remove(0) else { panic!("no status") };
        assert_eq!((report.status, report.callback), (Reported::Sent, Some(tag.to_string())));
        assert_eq!(report.recipient.psid, Psid::parse(CUSTOMER).ok());
        assert!(matches!(&echo(&PartTag(tag).to_string())[..], [Fact::Status(_)]));
        for other in ["order-17", ""] {
            let Fact::Echo(echo) = echo(other).remove(0) else { panic!("no echo of {other:?}") };
            assert_eq!((echo.provider_id.as_str(), echo.body), ("m_101", InboundBody::Text { body: "x".into() }));
        }
    }

    #[test]
    fn what_opens_a_session_does_and_what_does_not_does_not() {
        let reaction = json!({"reaction": {"reaction": "love", "emoji": "❤️", "action": "react", "mid": "m_100"}});
        let opens = [
            json!({"message": {"mid": "m", "text": "x"}}),
            json!({"postback": {"title": "x", "payload": "y"}}),
            reaction.clone(),
            json!({"referral": {"ref": "r", "source": "SHORTLINK", "type": "OPEN_THREAD"}}),
        ];
        for event in opens {
            assert!(inbound(told(from_customer(event.clone())))[0].body.opens_session(), "{event}");
        }
        assert!(!inbound(told(from_customer(json!({"optin": {"type": "x"}}))))[0].body.opens_session());
        let edit = told(from_customer(json!({"message_edit": {"mid": "m", "text": "y", "num_edit": 1}}))).remove(0);
        assert!(matches!(edit, Fact::Amended(edit) if edit.original == "m" && edit.provider_id == "edit:m:1"));
        let first = inbound(told(from_customer(reaction.clone()))).remove(0);
        assert_eq!(first, inbound(told(from_customer(reaction))).remove(0), "told again it is the same");
        let unreact = json!({"reaction": {"action": "unreact", "mid": "m_100", "reaction": "love"}});
        let unreact = inbound(told(from_customer(unreact))).remove(0);
        assert_ne!(first.provider_id, unreact.provider_id);
        assert_eq!(unreact.body, InboundBody::Reaction { message_id: "m_100".into(), emoji: None });
    }

    #[test]
    fn standby_counts_and_what_nobody_knows_is_named() {
        let event = from_customer(json!({"message": {"mid": "m", "text": "x"}}));
        assert_eq!(inbound(told_in("standby", event)).len(), 1);
        let (other, passed) = ("not understood", "passed on");
        for (event, expected) in [
            (from_customer(json!({"quantum": {"x": 1}})), &[(other, "quantum"), (passed, "quantum")][..]),
            (from_customer(json!({"take_thread_control": {"previous_owner_app_id": "1"}})), &[(passed, "take_thread_control")]),
            (json!("x"), &[(other, "messaging")]),
            (json!({"sender": {"user_ref": "u"}, "optin": {"ref": "r"}}), &[(other, "optin")]),
            (json!({"timestamp": 1}), &[(other, "messaging")]),
        ] {
            let facts = told(event.clone());
            let found: Vec<(&str, &str)> = facts
                .iter()
                .map(|fact| match fact {
                    Fact::Other { field } => (other, field.as_str()),
                    Fact::News(news) => (passed, news.field.as_str()),
                    fact => panic!("{fact:?}"),
                })
                .collect();
            assert_eq!(found, expected, "{event}");
        }
    }
}
