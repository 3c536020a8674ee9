//! The WhatsApp Business app beside the API: what somebody at the business writes there by hand, and what is done to messages once
//! they are written (WA webhooks/reference/smb_message_echoes, messages/edit, messages/revoke).

use serde_json::{Map, Value, json};

use super::desk::Refusal;
use super::inbound_shape::Draft;
use super::media::Media;
use super::message::{Body, Edited, Message, Progress, Status, wamid};
use super::statuses::metadata;
use super::{Now, World};
use crate::graph::content::Kind;

/// What can be written in the app.
const WRITTEN: [Kind; 11] = [
    Kind::Text,
    Kind::Image,
    Kind::Video,
    Kind::Audio,
    Kind::Document,
    Kind::Sticker,
    Kind::Location,
    Kind::Contacts,
    Kind::Reaction,
    Kind::Edit,
    Kind::Revoke,
];

impl World {
    pub(super) fn is_in_the_app(&self, number: u64) -> bool {
        self.numbers.get(&number).is_some_and(|number| number.business_app)
    }

    /// Somebody writes to a customer in the app. Nobody asks about sessions there, and no status is told.
    pub(crate) fn app_writes(
        &mut self,
        now: Now,
        customer: u64,
        number: u64,
        draft: Draft,
        file: Option<Media>,
    ) -> Result<String, Refusal> {
        self.check_reachable(number)?;
        if !self.is_in_the_app(number) {
            let remedy = "PATCH /sim/v1/numbers/{id} with businessApp true, or choose a number that is";
            return Err(Refusal::conflict("from", "that number is not used in the WhatsApp Business app", remedy));
        }
        if !WRITTEN.contains(&draft.kind) {
            return Err(Refusal::invalid("type", "nobody can write that in the app", "choose text, media, a place or a contact"));
        }
        let amends = matches!(draft.kind, Kind::Edit | Kind::Revoke);
        if amends {
            self.amend(number, customer, true, &draft)?;
        }
        let object = self.with_file(now, draft.object, file);
        let context = draft.context.map(|context| self.context(number, customer, context)).transpose()?;
        let seq = self.messages.next_seq();
        let (Some(person), Some(sender)) = (self.customers.get(&customer), self.numbers.get(&number)) else {
            return Err(Refusal::no_customer());
        };
        let to = person.wa_id.clone().unwrap_or_else(|| person.user_id.clone());
        let shown_wa_id = person.shown_wa_id(number, now.world).map(str::to_owned);
        let id = wamid(seq, &to, true, &mut self.chance);
        let mut echo = Map::new();
        echo.insert("from".into(), json!(sender.display_digits()));
        if let Some(wa_id) = &shown_wa_id {
            echo.insert("to".into(), json!(wa_id));
        }
        echo.insert("to_user_id".into(), json!(person.user_id));
        echo.insert("id".into(), json!(id));
        echo.insert("timestamp".into(), json!(now.world.as_secs().to_string()));
        echo.insert("type".into(), json!(draft.kind.as_str()));
        echo.insert(draft.kind.as_str().to_owned(), object.clone());
        if let Some(context) = &context {
            echo.insert("context".into(), context.clone());
        }
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": metadata(sender),
            "contacts": [person.contact(shown_wa_id.as_deref(), true)],
            "message_echoes": [echo],
        });
        self.owe_number(now, number, "smb_message_echoes", &value);
        if !amends {
            let body = Body {
                seq,
                wamid: id.clone(),
                outbound: true,
                number,
                customer: Some(customer),
                to,
                by_user_id: false,
                kind: draft.kind,
                shown: object,
                taps: Vec::new(),
                quotes: context.and_then(|context| context.get("id").and_then(Value::as_str).map(str::to_owned)),
                callback_data: None,
                at: now.world.as_millis(),
                expires: i64::MAX,
                pricing: None,
                conversation: None,
            };
            self.keep_on_phone(customer, Message { body, progress: Progress::at(Status::Delivered) });
        }
        Ok(id)
    }

    /// Changes what the phones show of a message, or takes it back, if who does so wrote it.
    pub(super) fn amend(&mut self, number: u64, customer: u64, by_business: bool, draft: &Draft) -> Result<(), Refusal> {
        let named = draft.object.get("original_message_id").and_then(Value::as_str).unwrap_or_default();
        let field = format!("{}.original_message_id", draft.kind.as_str());
        let found = self.messages.by_wamid(named).filter(|message| {
            message.body.number == number && message.body.customer == Some(customer) && message.body.outbound == by_business
        });
        let Some(message) = found else {
            let whose = if by_business { "the business" } else { "this customer" };
            let why = format!("no message that {whose} wrote in this conversation has this id");
            return Err(Refusal::invalid(&field, &why, "take a wamid from the customer's inbox"));
        };
        if message.progress.revoked {
            return Err(Refusal::conflict(&field, "that message was taken back", "choose another one"));
        }
        let seq = message.body.seq;
        let edited = draft.object.get("message").and_then(|message| {
            let kind = message.get("type")?.as_str()?;
            Some(Edited { kind: kind.to_owned(), shown: message.get(kind)?.clone() })
        });
        let changed = self.messages.change(seq, |progress| match edited {
            Some(edited) => progress.edited = Some(edited),
            None => progress.revoked = true,
        });
        self.effects.changes.extend(changed);
        Ok(())
    }
}
