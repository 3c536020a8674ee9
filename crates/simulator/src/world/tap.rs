//! A finger on the glass: taps on buttons and rows, and the reading of messages.

use serde_json::{Value, json};

use super::desk::Refusal;
use super::inbound_shape::{Context, Draft, plain};
use super::message::{Message, Status, Step};
use super::{Now, World};
use crate::graph::content::{Kind, Tap, TapDoes};

/// What is tapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Aim {
    Index(u32),
    /// The id of a button, its payload, or its text.
    Button(String),
    Row(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tapped {
    /// A message went to the business.
    Wrote(String),
    /// Something opened on the phone.
    Opened(String),
}

impl World {
    /// The customer taps on a message.
    pub(crate) fn tap(&mut self, now: Now, customer: u64, wamid: &str, aim: &Aim, card: Option<u32>) -> Result<Tapped, Refusal> {
        let message = self.on_the_phone(now, customer, wamid)?;
        let (number, tap) = (message.body.number, find(message, aim, card)?.clone());
        let draft = match tap.does {
            TapDoes::Opens(what) => return Ok(Tapped::Opened(what)),
            TapDoes::Reply => interactive("button_reply", &json!({ "id": tap.id, "title": tap.title })),
            TapDoes::Row => {
                let mut reply = json!({ "id": tap.id, "title": tap.title });
                if let (Some(description), Some(map)) = (tap.description, reply.as_object_mut()) {
                    map.insert("description".into(), json!(description));
                }
                interactive("list_reply", &reply)
            }
            TapDoes::TemplateReply => plain(Kind::Button, json!({ "payload": tap.id, "text": tap.title })),
            TapDoes::ShareContact => self.own_card(customer)?,
        };
        let draft = Draft { context: Some(Context::Quote(wamid.to_owned())), ..draft };
        self.customer_writes(now, customer, number, draft, None).map(Tapped::Wrote)
    }

    /// The message, once it is on the customer's phone; one that is about to arrive arrives now.
    fn on_the_phone(&mut self, now: Now, customer: u64, wamid: &str) -> Result<&Message, Refusal> {
        let absent = || {
            Refusal::not_found("messageId", "this customer's phone has no such message", "take a wamid from the customer's inbox")
        };
        let found =
            self.messages.by_wamid(wamid).filter(|message| message.body.customer == Some(customer) && message.body.outbound);
        let seq = found.map(|message| message.body.seq).ok_or_else(absent)?;
        self.hasten(now, seq);
        let message = self.messages.get(seq).ok_or_else(absent)?;
        match message.progress.status {
            Status::Delivered | Status::Read => Ok(message),
            Status::Accepted | Status::Sent => Err(Refusal::conflict(
                "messageId",
                "the message has not reached the phone yet",
                "bring the customer online and wait for `delivered`",
            )),
            _ => Err(absent()),
        }
    }

    /// Delivers at once what only waits for its moment.
    fn hasten(&mut self, now: Now, seq: u64) {
        if let Some((Step::Deliver, due)) = self.messages.get(seq).and_then(|message| message.progress.next) {
            self.timers.remove(&(due, super::Timer::Message(seq, Step::Deliver)));
            self.deliver(now, seq);
        }
    }

    fn own_card(&self, customer: u64) -> Result<Draft, Refusal> {
        let person = self.customers.get(&customer).ok_or_else(Refusal::no_customer)?;
        let (Some(phone), Some(wa_id)) = (&person.phone, &person.wa_id) else {
            return Err(Refusal::conflict(
                "messageId",
                "this customer has no phone number to share",
                "make the customer with a phone",
            ));
        };
        Ok(plain(
            Kind::Contacts,
            json!([{
                "name": { "formatted_name": person.name, "first_name": person.name },
                "phones": [{ "phone": phone, "wa_id": wa_id, "type": "CELL" }],
                "origin": "contact_request",
            }]),
        ))
    }

    /// The customer reads one message, or all on the phone; answers how many became read.
    pub(crate) fn read(&mut self, now: Now, customer: u64, wamid: Option<&str>) -> Result<usize, Refusal> {
        let seqs: Vec<u64> = match wamid {
            Some(wamid) => vec![self.on_the_phone(now, customer, wamid)?.body.seq],
            None => self.customers.get(&customer).ok_or_else(Refusal::no_customer)?.inbox.iter().copied().collect(),
        };
        let mut read = 0;
        for seq in seqs {
            let is_unread = self
                .messages
                .get(seq)
                .is_some_and(|message| message.body.outbound && message.progress.status == Status::Delivered);
            if is_unread {
                self.read_by_customer(now, seq);
                read += 1;
            }
        }
        Ok(read)
    }

    /// What the phone shows, oldest first.
    pub(crate) fn inbox(&self, customer: u64) -> Result<Vec<Value>, Refusal> {
        let person = self.customers.get(&customer).ok_or_else(Refusal::no_customer)?;
        Ok(person.inbox.iter().filter_map(|seq| self.messages.get(*seq)).map(|message| self.on_screen(message)).collect())
    }

    fn on_screen(&self, message: &Message) -> Value {
        let (body, progress) = (&message.body, &message.progress);
        let business = self.numbers.get(&body.number).map_or("", |number| number.display_digits());
        let of_raw = || body.shown.get("type").and_then(Value::as_str).filter(|_| body.kind == Kind::Raw);
        let kind = of_raw().unwrap_or(body.kind.as_str());
        let (kind, message) = match &progress.edited {
            _ if progress.revoked => ("revoked", json!({ "type": "revoked" })),
            Some(edited) => (edited.kind.as_str(), json!({ "type": edited.kind, (edited.kind.as_str()): edited.shown })),
            None if body.kind == Kind::Raw => (kind, body.shown.clone()),
            None => (kind, json!({ "type": kind, kind: body.shown })),
        };
        let status = if !body.outbound && progress.read_by_business { "read" } else { progress.status.as_str() };
        json!({
            "wamid": body.wamid,
            "direction": if body.outbound { "in" } else { "out" },
            "from": if body.outbound { business } else { body.to.as_str() },
            "number": body.number.to_string(),
            "type": kind,
            "message": message,
            "edited": progress.edited.is_some(),
            "revoked": progress.revoked,
            "quotes": body.quotes,
            "status": status,
            "readByBusiness": progress.read_by_business,
            "timestamp": body.at / 1_000,
        })
    }
}

fn interactive(kind: &str, reply: &Value) -> Draft {
    plain(Kind::Interactive, json!({ "type": kind, kind: reply }))
}

fn find<'a>(message: &'a Message, aim: &Aim, card: Option<u32>) -> Result<&'a Tap, Refusal> {
    let mut on_card = message.body.taps.iter().filter(|tap| card.is_none_or(|card| tap.card == Some(card)));
    let (field, found) = match aim {
        Aim::Index(index) => ("buttonIndex", on_card.find(|tap| tap.index == *index && tap.does != TapDoes::Row)),
        Aim::Button(id) => ("buttonId", on_card.find(|tap| (tap.id == *id || tap.title == *id) && tap.does != TapDoes::Row)),
        Aim::Row(id) => ("rowId", on_card.find(|tap| tap.id == *id && tap.does == TapDoes::Row)),
    };
    found.ok_or_else(|| {
        let has: Vec<String> = message
            .body
            .taps
            .iter()
            .map(|tap| match tap.card {
                Some(card) => format!("card {card} button {} `{}`", tap.index, tap.id),
                None => format!("{} `{}`", tap.index, tap.id),
            })
            .collect();
        let what = if has.is_empty() { "it has nothing to tap on".to_owned() } else { format!("it has: {}", has.join(", ")) };
        Refusal::invalid(field, &format!("the message has no such button or row; {what}"), "name one that is there")
    })
}
