//! What a Page's webhooks say (Meta: messenger-platform/webhooks/webhook-events).

use serde_json::{Map, Value, json};
use transom_domain::Timestamp;

use crate::world::{Now, World};

/// How often a delivery names its messages beside the watermark.
const NAMES: f64 = 0.6;
/// The app under which the inbox of Pages sends.
const PAGE_INBOX: u64 = 263_902_037_430_900;

impl World {
    /// Owes an event of a Page: `sender`, `recipient` and one member more.
    pub(super) fn tell_page(&mut self, now: Now, page: u64, field: &'static str, sides: (u64, u64), member: (&str, Value)) {
        let mut event = Map::new();
        event.insert("sender".into(), json!({ "id": sides.0.to_string() }));
        event.insert("recipient".into(), json!({ "id": sides.1.to_string() }));
        event.insert("timestamp".into(), json!(now.world.as_millis()));
        event.insert(member.0.to_owned(), member.1);
        let entry = json!({ "id": page.to_string(), "time": now.world.as_millis(), "messaging": [event] });
        self.owe(now, page, None, field, &entry);
    }

    /// The Page's own message comes back: the sender is the Page, and the time is that of the message.
    pub(super) fn tell_echo(&mut self, now: Now, seq: u64) {
        let Some(message) = self.messenger.messages.get(&seq).cloned() else { return };
        let mut echo = Map::new();
        echo.insert("mid".into(), json!(message.mid));
        echo.insert("is_echo".into(), json!(true));
        // The inbox of Pages is an app, too.
        echo.insert("app_id".into(), json!(if message.by_hand { PAGE_INBOX } else { self.app.id }));
        if let Some(metadata) = &message.metadata {
            echo.insert("metadata".into(), json!(metadata));
        }
        if let Some(text) = message.shown.get("text") {
            echo.insert("text".into(), text.clone());
        }
        if let Some(attachment) = message.shown.get("attachment") {
            echo.insert("attachments".into(), json!([attachment]));
        }
        if let Some(attachments) = message.shown.get("attachments") {
            echo.insert("attachments".into(), attachments.clone());
        }
        if let Some(quotes) = message.quotes.as_ref().filter(|_| message.by_hand) {
            echo.insert("reply_to".into(), json!({ "mid": quotes }));
        }
        let at = Now { world: Timestamp::from_millis(message.at), ..now };
        let (page, person) = (message.page, message.person);
        // Owed now, dated then.
        let mut event = Map::new();
        event.insert("sender".into(), json!({ "id": page.to_string() }));
        event.insert("recipient".into(), json!({ "id": person.to_string() }));
        event.insert("timestamp".into(), json!(at.world.as_millis()));
        event.insert("message".into(), Value::Object(echo));
        let entry = json!({ "id": page.to_string(), "time": now.world.as_millis(), "messaging": [event] });
        self.owe(now, page, None, "message_echoes", &entry);
    }

    /// All that was sent up to this message has arrived; its id may stand beside, and may not.
    pub(super) fn tell_delivery(&mut self, now: Now, seq: u64) {
        let Some(message) = self.messenger.messages.get(&seq).cloned() else { return };
        let mut delivery = Map::new();
        if self.chance.happens(NAMES) {
            delivery.insert("mids".into(), json!([message.mid]));
        }
        delivery.insert("watermark".into(), json!(message.at));
        let sides = (message.person, message.page);
        self.tell_page(now, message.page, "message_deliveries", sides, ("delivery", Value::Object(delivery)));
    }

    pub(super) fn tell_read(&mut self, now: Now, person: u64, watermark: Timestamp) {
        let Some(page) = self.messenger.people.get(&person).map(|person| person.page) else { return };
        self.tell_page(now, page, "message_reads", (person, page), ("read", json!({ "watermark": watermark.as_millis() })));
    }
}
