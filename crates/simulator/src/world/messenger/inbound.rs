//! What a person does: writes, taps, reacts, edits, follows a link, reads.

use serde_json::{Map, Value, json};

use super::{Message, Stage};
use crate::graph::content::MediaKind;
use crate::graph::error::GraphError;
use crate::graph::free::web_link;
use crate::graph::messenger::{Does, Tap};
use crate::graph::read::Fields;
use crate::world::desk::Refusal;
use crate::world::inbound_shape::DraftMedia;
use crate::world::media::Media;
use crate::world::tap::{Aim, Tapped};
use crate::world::{Now, World};

/// What a person does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deed {
    field: &'static str,
    /// The member of the event, and its object; a message's `mid` is put in.
    member: &'static str,
    object: Map<String, Value>,
    /// The file that comes along; its link is put in.
    pub(crate) file: Option<DraftMedia>,
    /// The word under which the phone shows it; none: it shows nothing of its own.
    kind: Option<String>,
    quotes: Option<String>,
    opens: bool,
}

/// Types that a person can send, in the order of Meta's page.
const TYPES: [&str; 13] =
    ["text", "image", "audio", "video", "file", "sticker", "location", "reaction", "edit", "referral", "optin", "event", "raw"];

/// Edits of one message at most (webhook-events/message-edits).
const EDITS_MAX: i64 = 5;

/// Reads `{to?, type, <object>, reply_to?}`; `to` is left to the caller.
pub(crate) fn read(fields: &Fields<'_>) -> Result<Deed, GraphError> {
    let kind = fields.one_of("type", &TYPES)?;
    fields.only(&["to", "type", kind, "reply_to"])?;
    let quotes = match fields.object_opt("reply_to")? {
        Some(quoted) => {
            quoted.only(&["mid"])?;
            Some(quoted.text("mid", 512)?.to_owned())
        }
        None => None,
    };
    let object = fields.object(kind)?;
    let (mut message, mut file) = (Map::new(), None);
    let deed = |field, member, object| Deed { field, member, object, file: None, kind: None, quotes: None, opens: true };
    match kind {
        "text" => {
            object.only(&["body"])?;
            message.insert("text".into(), json!(object.text("body", 20_000)?));
        }
        "sticker" => {
            object.only(&["sticker_id", "old_form"])?;
            let id = object.int_opt("sticker_id")?.unwrap_or(369_239_263_222_822);
            file = Some(attached(kind, &object)?);
            let payload = json!({ "sticker_id": id });
            // Till August 2026 a sticker was an image.
            let word = if object.flag_opt("old_form")? == Some(true) { "image" } else { "sticker" };
            message.insert("attachments".into(), json!([{ "type": word, "payload": payload }]));
        }
        "location" => {
            object.only(&["lat", "long"])?;
            let spot = json!({ "lat": object.number("lat", -90.0..=90.0)?, "long": object.number("long", -180.0..=180.0)? });
            message.insert("attachments".into(), json!([{ "type": "location", "payload": { "coordinates": spot } }]));
        }
        "reaction" => {
            object.only(&["mid", "reaction", "emoji", "action"])?;
            let action = if object.has("action") { object.one_of("action", &["react", "unreact"])? } else { "react" };
            let mut said = Map::new();
            said.insert("mid".into(), json!(object.text("mid", 512)?));
            said.insert("action".into(), json!(action));
            if action == "react" {
                let word = object.text_opt("reaction", 32)?.unwrap_or("love");
                said.insert("reaction".into(), json!(word));
                said.insert("emoji".into(), json!(object.text_opt("emoji", 32)?.unwrap_or("\u{2764}\u{fe0f}")));
            }
            return Ok(deed("message_reactions", "reaction", said));
        }
        "edit" => {
            object.only(&["mid", "text", "num_edit"])?;
            let mut said = Map::new();
            said.insert("mid".into(), json!(object.text("mid", 512)?));
            said.insert("text".into(), json!(object.text("text", 20_000)?));
            if let Some(count) = object.int_opt("num_edit")? {
                said.insert("num_edit".into(), json!(count));
            }
            return Ok(Deed { opens: false, ..deed("message_edits", "message_edit", said) });
        }
        "referral" => {
            object.only(&["ref", "source", "type", "ad_id"])?;
            let said = json!({ "ref": object.text("ref", 2_083)?, "source": object.text_opt("source", 64)?.unwrap_or("SHORTLINK"),
                "type": object.text_opt("type", 64)?.unwrap_or("OPEN_THREAD") });
            return Ok(deed("messaging_referrals", "referral", said.as_object().cloned().unwrap_or_default()));
        }
        "optin" => {
            let said = fields.value(kind)?.as_object().cloned().unwrap_or_default();
            return Ok(Deed { opens: false, ..deed("messaging_optins", "optin", said) });
        }
        "raw" => {
            // A message as it stands: what Meta adds one day.
            if object.has("mid") {
                return Err(object.wrong("mid", "is Meta's to write; leave it out."));
            }
            message = fields.value(kind)?.as_object().cloned().unwrap_or_default();
        }
        "event" => {
            // For what nobody knows yet: any one member, as it stands.
            object.only(&["name", "object"])?;
            let said = object.value("object")?.as_object().cloned().unwrap_or_default();
            let name: &'static str = object.one_of("name", &["app_roles", "policy_enforcement", "quantum"])?;
            return Ok(Deed { opens: false, ..deed("messages", name, said) });
        }
        _ => {
            object.only(&["url", "mime_type", "data", "text"])?;
            let mut payload = Map::new();
            match object.text_opt("url", 2_000)? {
                Some(_) if object.has("mime_type") || object.has("data") => {
                    return Err(object.wrong("url", "and data exclude each other: give one of the two."));
                }
                Some(url) => {
                    payload.insert("url".into(), json!(web_link(&object, "url", url)?));
                }
                None => file = Some(attached(kind, &object)?),
            }
            if let Some(text) = object.text_opt("text", 20_000)? {
                message.insert("text".into(), json!(text));
            }
            message.insert("attachments".into(), json!([{ "type": kind, "payload": payload }]));
        }
    }
    Ok(Deed { kind: Some(kind.to_owned()), quotes, file, ..deed("messages", "message", message) })
}

/// A file that is no link: the caller's bytes, or those of a sample.
fn attached(kind: &str, object: &Fields<'_>) -> Result<DraftMedia, GraphError> {
    let (kind, default) = match kind {
        "video" => (MediaKind::Video, "video/mp4"),
        "audio" => (MediaKind::Audio, "audio/ogg"),
        "file" => (MediaKind::Document, "application/pdf"),
        // A sticker is a picture there.
        _ => (MediaKind::Image, "image/png"),
    };
    let mime = object.text_opt("mime_type", 128)?.unwrap_or(default).to_owned();
    let data = object.text_opt("data", 140 << 20)?.map(str::to_owned);
    Ok(DraftMedia { kind, mime, data })
}

impl World {
    /// A person does something; answers the id of the message, where it is one. A file has to be up already.
    pub(crate) fn person_does(
        &mut self,
        now: Now,
        person: u64,
        deed: Deed,
        file: Option<Media>,
    ) -> Result<Option<String>, Refusal> {
        let Some(who) = self.messenger.people.get_mut(&person) else { return Err(Refusal::no_customer()) };
        let page = who.page;
        if deed.opens {
            who.last_action = Some(now.world.as_millis());
        }
        let quoted = |quoted: &String| self.messenger.by_mid(quoted).is_some_and(|message| message.person == person);
        let named = deed.object.get("mid").and_then(Value::as_str).map(str::to_owned);
        if deed.quotes.iter().chain(named.iter()).any(|mid| !quoted(mid)) {
            let remedy = "take a mid from the customer's inbox";
            return Err(Refusal::invalid("mid", "no message of this conversation has this id", remedy));
        }
        let mut object = deed.object;
        if deed.member == "message_edit" {
            self.edit(person, &mut object)?;
        } else if deed.member == "reaction" {
            self.react(&object);
        }
        self.attach(&mut object, file);
        self.keep_person(person);
        let mut id = None;
        if deed.member == "message" || deed.member == "postback" {
            let (seq, mid) = self.fresh_mid();
            let shown = Value::Object(object.clone());
            object.insert("mid".into(), json!(mid));
            if let Some(quotes) = &deed.quotes {
                object.insert("reply_to".into(), json!({ "mid": quotes }));
            }
            self.take_page_message(Message {
                seq,
                mid: mid.clone(),
                outbound: false,
                page,
                person,
                kind: deed.kind.unwrap_or_else(|| deed.member.to_owned()),
                shown,
                taps: Vec::new(),
                metadata: None,
                quotes: deed.quotes,
                at: now.world.as_millis(),
                stage: Stage::Sent,
                next: None,
                by_hand: false,
                edits: 0,
                reaction: None,
            });
            id = Some(mid);
        }
        self.throughput.count(page, now.machine_second);
        self.tell_page(now, page, deed.field, (person, page), (deed.member, Value::Object(object)));
        Ok(id)
    }

    /// Takes a file in, and puts its link where the message names it.
    fn attach(&mut self, object: &mut Map<String, Value>, file: Option<Media>) {
        let Some(file) = file else { return };
        let payload = object.get_mut("attachments").and_then(|all| all.pointer_mut("/0/payload"));
        if let Some(payload) = payload.and_then(Value::as_object_mut) {
            payload.insert("url".into(), json!(self.attachment_url(file.id)));
        }
        self.add_media(file);
    }

    /// The link of a file: it needs no token, and lives as long as the file.
    fn attachment_url(&self, id: u64) -> String {
        format!("{}/messenger/attachments/?mid={id}&hash={}", self.base_url, self.attachment_proof(id))
    }

    fn attachment_proof(&self, id: u64) -> String {
        crate::sign::proof(&self.app.secret, &format!("attachment.{id}"))
    }

    /// Whether such a link is one of ours.
    pub(crate) fn is_attachment_url(&self, id: u64, proof: &str) -> bool {
        transom_meta::signature::same_secret(&self.attachment_proof(id), proof)
    }

    /// Puts a reaction on a message, or takes it off: then no emoji is said.
    fn react(&mut self, said: &Map<String, Value>) {
        let text = |key: &str| said.get(key).and_then(Value::as_str).map(str::to_owned);
        let Some(seq) = text("mid").and_then(|mid| self.messenger.by_mid(&mid)).map(|message| message.seq) else { return };
        self.change_page_message(seq, |message| message.reaction = text("emoji"));
    }

    /// Changes what the phone shows of a message that the person wrote, and counts.
    fn edit(&mut self, person: u64, said: &mut Map<String, Value>) -> Result<(), Refusal> {
        let text = |key: &str| said.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (mid, words) = (text("mid"), text("text"));
        let of = self.messenger.by_mid(&mid).filter(|message| message.person == person && !message.outbound);
        let Some(message) = of else {
            return Err(Refusal::invalid("edit.mid", "this customer did not write that message", "take a mid from the inbox"));
        };
        if message.edits >= EDITS_MAX {
            return Err(Refusal::conflict("edit.mid", "a message can be edited five times", "write another one"));
        }
        let (seq, count) = (message.seq, message.edits + 1);
        said.entry("num_edit").or_insert(json!(count));
        self.change_page_message(seq, |message| {
            message.edits = count;
            if let Some(shown) = message.shown.as_object_mut() {
                shown.insert("text".into(), json!(words));
            }
        });
        Ok(())
    }

    /// Somebody writes to a person in the Page's inbox: told as an echo, and on the phone at once. A file has to be up already.
    pub(crate) fn inbox_writes(&mut self, now: Now, person: u64, deed: Deed, file: Option<Media>) -> Result<String, Refusal> {
        let Some(who) = self.messenger.people.get(&person) else { return Err(Refusal::no_customer()) };
        let page = who.page;
        let Some(kind) = deed.kind.filter(|_| deed.member == "message") else {
            return Err(Refusal::invalid("type", "nobody can write that in the inbox", "choose text or a file"));
        };
        if deed.quotes.iter().any(|mid| self.messenger.by_mid(mid).is_none_or(|message| message.person != person)) {
            let remedy = "take a mid from the customer's inbox";
            return Err(Refusal::invalid("reply_to.mid", "no message of this conversation has this id", remedy));
        }
        let mut object = deed.object;
        self.attach(&mut object, file);
        let (seq, mid) = self.fresh_mid();
        self.take_page_message(Message {
            seq,
            mid: mid.clone(),
            outbound: true,
            page,
            person,
            kind,
            shown: Value::Object(object),
            taps: Vec::new(),
            metadata: None,
            quotes: deed.quotes,
            at: now.world.as_millis(),
            stage: Stage::Delivered,
            next: None,
            by_hand: true,
            edits: 0,
            reaction: None,
        });
        self.tell_echo(now, seq);
        Ok(mid)
    }

    /// A person taps on a message.
    pub(crate) fn person_taps(
        &mut self,
        now: Now,
        person: u64,
        mid: &str,
        aim: &Aim,
        card: Option<u32>,
    ) -> Result<Tapped, Refusal> {
        let absent = || {
            Refusal::not_found("messageId", "this customer's phone has no such message", "take a mid from the customer's inbox")
        };
        let found =
            self.messenger.by_mid(mid).filter(|message| message.person == person && message.outbound).ok_or_else(absent)?;
        let seq = found.seq;
        if found.stage == Stage::Sent {
            // One that is about to arrive arrives now.
            if !self.messenger.people.get(&person).is_some_and(|person| person.online) {
                return Err(Refusal::conflict(
                    "messageId",
                    "the message has not reached the phone yet",
                    "bring the customer online",
                ));
            }
            self.page_delivers(now, seq, false);
        }
        let tap = find(&self.messenger.messages.get(&seq).ok_or_else(absent)?.taps, aim, card)?.clone();
        let (field, member, object, kind) = match tap.does {
            Does::Opens(what) => return Ok(Tapped::Opened(what)),
            Does::QuickReply => {
                ("messages", "message", json!({ "text": tap.title, "quick_reply": { "payload": tap.payload } }), "quick_reply")
            }
            Does::Postback => {
                ("messaging_postbacks", "postback", json!({ "title": tap.title, "payload": tap.payload }), "postback")
            }
        };
        let object = object.as_object().cloned().unwrap_or_default();
        let deed = Deed { field, member, object, file: None, kind: Some(kind.to_owned()), quotes: None, opens: true };
        let id = self.person_does(now, person, deed, None)?;
        Ok(Tapped::Wrote(id.unwrap_or_default()))
    }

    /// What a person's phone shows, oldest first.
    pub(crate) fn person_sees(&self, person: u64) -> Result<Vec<Value>, Refusal> {
        let who = self.messenger.people.get(&person).ok_or_else(Refusal::no_customer)?;
        let inbox = self.messenger.inbox.get(&person).into_iter().flatten();
        let messages = inbox.filter_map(|seq| self.messenger.messages.get(seq));
        Ok(messages
            .filter(|message| !message.outbound || message.stage > Stage::Sent)
            .map(|message| {
                let seen = !message.outbound && who.seen.is_some_and(|seen| message.at <= seen);
                json!({
                    "mid": message.mid,
                    "direction": if message.outbound { "in" } else { "out" },
                    "from": if message.outbound { message.page } else { person }.to_string(),
                    "page": message.page.to_string(),
                    "type": message.kind,
                    "message": message.shown,
                    "quotes": message.quotes,
                    "edited": message.edits > 0,
                    "reaction": message.reaction,
                    "status": if seen { "read" } else { message.stage.as_str() },
                    "readByBusiness": seen,
                    "timestamp": message.at,
                })
            })
            .collect())
    }

    /// The person reads one message and all before it, or all; answers how many became read.
    pub(crate) fn person_reads(&mut self, now: Now, person: u64, mid: Option<&str>) -> Result<usize, Refusal> {
        let until = match mid {
            Some(mid) => {
                let found = self.messenger.by_mid(mid).filter(|message| message.person == person && message.outbound);
                let absent =
                    || Refusal::not_found("messageId", "this customer's phone has no such message", "take a mid from the inbox");
                Some(found.map(|message| message.seq).ok_or_else(absent)?)
            }
            None => None,
        };
        Ok(self.page_is_read(now, person, until))
    }
}

fn find<'a>(taps: &'a [Tap], aim: &Aim, card: Option<u32>) -> Result<&'a Tap, Refusal> {
    let mut on_card = taps.iter().filter(|tap| card.is_none_or(|card| tap.card == card));
    let (field, found) = match aim {
        Aim::Index(index) => ("buttonIndex", on_card.find(|tap| tap.index == *index)),
        Aim::Button(id) => ("buttonId", on_card.find(|tap| tap.payload == *id || tap.title == *id)),
        Aim::Row(_) => ("rowId", None),
    };
    found.ok_or_else(|| {
        let has: Vec<String> = taps.iter().map(|tap| format!("card {} button {} `{}`", tap.card, tap.index, tap.title)).collect();
        Refusal::invalid(field, &format!("the message has no such button; it has: {}", has.join(", ")), "name one that is there")
    })
}
