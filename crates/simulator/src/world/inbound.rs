//! What customers do: they write, call, change their number, stop marketing; and the business reads what they wrote.

use serde_json::{Map, Value, json};
use transom_domain::{Span, Timestamp};

use super::customer::{Customer, Flag, TYPING};
use super::desk::Refusal;
use super::inbound_shape::{Context, Draft, plain};
use super::media::{Media, URL_LIVES};
use super::message::{Body, Message, Progress, Status, wamid};
use super::statuses::{error_object, metadata};
use super::{Now, World, phone};
use crate::graph::content::Kind;
use crate::graph::error::GraphError;

/// How old a message may be that the business marks as read: Meta, messages/mark-message-as-read.
const MARK_REACH: Span = Span::days(30);

impl World {
    /// The customer writes to a number. A file has to be up already; answers the message's id.
    pub(crate) fn customer_writes(
        &mut self,
        now: Now,
        customer: u64,
        number: u64,
        draft: Draft,
        file: Option<Media>,
    ) -> Result<String, Refusal> {
        self.check_reachable(number)?;
        if draft.kind == Kind::System {
            return self.customer_changes(now, customer, number, &draft);
        }
        let mut draft = draft;
        let amends = matches!(draft.kind, Kind::Edit | Kind::Revoke);
        if amends {
            self.amend(number, customer, false, &draft)?;
            if !self.is_in_the_app(number) {
                // Meta shows such a number that there was something, and not what.
                let word = if draft.kind == Kind::Edit { "edit" } else { "unknown" };
                draft = plain(Kind::Unsupported, json!({ "type": word }));
            }
        }
        let object = self.with_file(now, draft.object, file);
        let context = draft.context.map(|context| self.context(number, customer, context)).transpose()?;
        let shown_wa_id = self.arrives(now, customer, number, !amends, draft.referral.is_some())?;
        let Some(person) = self.customers.get(&customer) else { return Err(Refusal::no_customer()) };
        let from = person.wa_id.clone().unwrap_or_else(|| person.user_id.clone());
        let seq = self.messages.next_seq();
        let id = wamid(seq, &from, false, &mut self.chance);
        let mut message = Map::new();
        if let Some(wa_id) = &shown_wa_id {
            message.insert("from".into(), json!(wa_id));
        }
        message.insert("from_user_id".into(), json!(person.user_id));
        message.insert("id".into(), json!(id));
        message.insert("timestamp".into(), json!(now.world.as_secs().to_string()));
        if let (Kind::Raw, Some(own)) = (draft.kind, object.as_object()) {
            message.extend(own.clone());
        } else {
            message.insert("type".into(), json!(draft.kind.as_str()));
            message.insert(draft.kind.as_str().to_owned(), object.clone());
        }
        if draft.kind == Kind::Unsupported {
            let error = [(131_051, "Message type unknown", "Message type is not currently supported.")].map(|(code, title, details)| {
                json!({ "code": code, "title": title, "message": title, "error_data": { "details": details } })
            });
            message.insert("errors".into(), json!(error));
        }
        let quotes = context.as_ref().and_then(|context| context.get("id")?.as_str()).map(str::to_owned);
        if let Some(context) = context {
            message.insert("context".into(), context);
        }
        if let Some(referral) = draft.referral {
            message.insert("referral".into(), referral);
        }
        let contact = person.contact(shown_wa_id.as_deref(), true);
        self.tell_inbound(now, number, Some(contact), message);
        // An edit shows in the message that it is of.
        if !amends {
            self.keep_inbound(now, seq, id.clone(), customer, number, from, draft.kind, object, quotes);
        }
        Ok(id)
    }

    /// The object of a media message with what Meta knows of its file, which is taken in.
    pub(super) fn with_file(&mut self, now: Now, mut object: Value, file: Option<Media>) -> Value {
        if let (Some(file), Some(map)) = (&file, object.as_object_mut()) {
            map.insert("id".into(), json!(file.id.to_string()));
            map.insert("sha256".into(), json!(base64_of_hex(&file.sha256)));
            map.insert("url".into(), json!(self.media_url(file.id, now.world)));
        }
        if let Some(file) = file {
            self.add_media(file);
        }
        object
    }

    pub(super) fn check_reachable(&self, number: u64) -> Result<(), Refusal> {
        match self.numbers.get(&number) {
            Some(number) if number.registered => Ok(()),
            Some(_) => {
                Err(Refusal::conflict("to", "that number is not registered, so nobody can write to it", "register it first"))
            }
            None => Err(Refusal::invalid("to", "no business number has this id", "GET /sim/v1/numbers lists them")),
        }
    }

    /// Counts the message towards the number's throughput and opens or extends the session. Answers the phone number, if
    /// webhooks show it.
    fn arrives(&mut self, now: Now, customer: u64, number: u64, opens: bool, from_ad: bool) -> Result<Option<String>, Refusal> {
        let Some(person) = self.customers.get_mut(&customer) else { return Err(Refusal::no_customer()) };
        if person.has(Flag::Blocked) {
            return Err(Refusal::conflict(
                "flags",
                "the customer has blocked the business, and cannot write to it",
                "PATCH the customer's flags without blocked first",
            ));
        }
        self.throughput.count(number, now.machine_second);
        let shown = person.shown_wa_id(number, now.world).map(str::to_owned);
        let at = now.world.as_millis();
        let thread = person.threads.entry(number).or_default();
        if opens {
            thread.last_inbound = Some(at);
        }
        if shown.is_some() {
            thread.last_by_phone = Some(at);
        }
        if from_ad {
            thread.entered = Some(at);
        }
        self.keep_customer(customer);
        Ok(shown)
    }

    fn tell_inbound(&mut self, now: Now, number: u64, contact: Option<Value>, message: Map<String, Value>) {
        let Some(sender) = self.numbers.get(&number) else { return };
        let mut value = Map::new();
        value.insert("messaging_product".into(), json!("whatsapp"));
        value.insert("metadata".into(), metadata(sender));
        if let Some(contact) = contact {
            value.insert("contacts".into(), json!([contact]));
        }
        value.insert("messages".into(), json!([message]));
        self.owe_number(now, number, "messages", &Value::Object(value));
    }

    #[expect(clippy::too_many_arguments, reason = "one place, and each is a different thing")]
    fn keep_inbound(
        &mut self,
        now: Now,
        seq: u64,
        wamid: String,
        customer: u64,
        number: u64,
        from: String,
        kind: Kind,
        shown: Value,
        quotes: Option<String>,
    ) {
        let body = Body {
            seq,
            wamid,
            outbound: false,
            number,
            customer: Some(customer),
            to: from,
            by_user_id: false,
            kind,
            shown,
            taps: Vec::new(),
            quotes,
            callback_data: None,
            at: now.world.as_millis(),
            expires: i64::MAX,
            pricing: None,
            conversation: None,
        };
        self.keep_on_phone(customer, Message { body, progress: Progress::at(Status::Sent) });
    }

    /// Keeps a message that a customer's phone shows.
    pub(super) fn keep_on_phone(&mut self, customer: u64, message: Message) {
        let seq = message.body.seq;
        self.effects.changes.push(message.created());
        self.messages.insert(message);
        if let Some(person) = self.customers.get_mut(&customer) {
            person.remember(seq);
        }
    }

    pub(super) fn context(&self, number: u64, customer: u64, context: Context) -> Result<Value, Refusal> {
        let quote = |id: &str| {
            let quoted = self.messages.by_wamid(id).filter(|message| message.body.number == number);
            let Some(quoted) = quoted.filter(|message| message.body.customer == Some(customer)) else {
                return Err(Refusal::invalid(
                    "context.id",
                    "no message of this conversation has this id",
                    "take a wamid from the customer's inbox",
                ));
            };
            let business = self.numbers.get(&number).map_or("", |number| number.display_digits());
            let from = if quoted.body.outbound { business } else { quoted.body.to.as_str() };
            Ok(json!({ "from": from, "id": id }))
        };
        match context {
            Context::Quote(id) => quote(&id),
            Context::Forwarded(value) => Ok(value),
            Context::Product { quote: None, product } => Ok(json!({ "referred_product": product })),
            Context::Product { quote: Some(id), product } => {
                let mut value = quote(&id)?;
                if let Some(map) = value.as_object_mut() {
                    map.insert("referred_product".into(), product);
                }
                Ok(value)
            }
        }
    }

    /// The customer calls: the window opens, and those who subscribed to `calls` hear of it.
    pub(crate) fn customer_calls(&mut self, now: Now, customer: u64, number: u64) -> Result<String, Refusal> {
        self.check_reachable(number)?;
        let shown = self.arrives(now, customer, number, true, false)?;
        let id = format!("wacid.{}", self.chance.alphanumeric(40));
        let (Some(person), Some(sender)) = (self.customers.get(&customer), self.numbers.get(&number)) else {
            return Err(Refusal::no_customer());
        };
        let mut call = Map::new();
        if let Some(wa_id) = &shown {
            call.insert("from".into(), json!(wa_id));
        }
        call.insert("from_user_id".into(), json!(person.user_id));
        call.insert("id".into(), json!(id));
        call.insert("to".into(), json!(sender.display_digits()));
        call.insert("event".into(), json!("connect"));
        call.insert("direction".into(), json!("USER_INITIATED"));
        call.insert("timestamp".into(), json!(now.world.as_secs().to_string()));
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": metadata(sender),
            "contacts": [person.contact(shown.as_deref(), true)],
            "calls": [call],
        });
        self.owe_number(now, number, "calls", &value);
        Ok(id)
    }

    /// A new number or only a new user id. A system message: no `contacts`, and no session opens.
    fn customer_changes(&mut self, now: Now, customer: u64, number: u64, draft: &Draft) -> Result<String, Refusal> {
        let new_digits = match draft.object.get("wa_id").and_then(Value::as_str) {
            Some(text) => {
                let digits = phone::international(&format!("+{}", text.trim_start_matches('+')));
                Some(
                    digits
                        .ok_or_else(|| Refusal::invalid("system.wa_id", "not a phone number", "write digits with the country"))?,
                )
            }
            None => None,
        };
        if let Some(digits) = &new_digits
            && self.by_wa_id.contains_key(&phone::wa_id(digits))
        {
            return Err(Refusal::conflict("system.wa_id", "another customer has this number", "choose a free one"));
        }
        let suffix = self.chance.digits(17);
        let Some(person) = self.customers.get_mut(&customer) else { return Err(Refusal::no_customer()) };
        let (old_wa_id, old_user_id) = (person.wa_id.clone(), person.user_id.clone());
        let old_shown = person.shown_wa_id(number, now.world).map(str::to_owned);
        let country = match &new_digits {
            Some(digits) => phone::country(digits),
            None => old_user_id.get(..2).unwrap_or("ZZ"),
        };
        let user_id = format!("{country}.{suffix}");
        person.user_id.clone_from(&user_id);
        if let Some(digits) = &new_digits {
            person.phone = Some(format!("+{digits}"));
            person.wa_id = Some(phone::wa_id(digits));
        }
        let (name, new_wa_id) = (person.name.clone(), person.wa_id.clone());
        let contact = person.contact(new_wa_id.as_deref().filter(|_| person.username.is_none()), true);
        self.by_user_id.remove(&old_user_id);
        self.by_user_id.insert(user_id.clone(), customer);
        if let (Some(old), Some(new), true) = (&old_wa_id, &new_wa_id, new_digits.is_some()) {
            self.by_wa_id.remove(old);
            self.by_wa_id.insert(new.clone(), customer);
        }
        self.keep_customer(customer);
        let seq = self.messages.next_seq();
        let from = old_wa_id.clone().unwrap_or_else(|| old_user_id.clone());
        let id = wamid(seq, &from, false, &mut self.chance);
        let mut system = Map::new();
        let (before, after) = match (&old_wa_id, &new_wa_id, new_digits.is_some()) {
            (Some(old), Some(new), true) => (old.clone(), new.clone()),
            _ => (old_user_id.clone(), user_id.clone()),
        };
        // A number that changed along with the id is told by one type only.
        let told = draft.object.get("type").and_then(Value::as_str) == Some("user_changed_number");
        let (before, after) = if told { (before, after) } else { (old_user_id.clone(), user_id.clone()) };
        let form = draft.object.get("form").and_then(Value::as_str).unwrap_or_default();
        if form == "user_id_update" {
            return Ok(self.tell_user_id_update(now, number, contact, &old_user_id, &user_id, new_wa_id.filter(|_| told)));
        }
        system.insert("body".into(), json!(format!("User {name} changed from {before} to {after}")));
        if told {
            system.insert("wa_id".into(), json!(new_wa_id));
        }
        system.insert("user_id".into(), json!(user_id));
        // Payloads before August 2026 name the old id in their prose only.
        if form != "without_previous" {
            system.insert("previous_user_id".into(), json!(old_user_id));
        }
        system.insert("type".into(), draft.object.get("type").cloned().unwrap_or_default());
        let mut message = Map::new();
        if let Some(wa_id) = old_shown {
            message.insert("from".into(), json!(wa_id));
        }
        message.insert("id".into(), json!(id));
        message.insert("timestamp".into(), json!(now.world.as_secs().to_string()));
        message.insert("type".into(), json!("system"));
        message.insert("system".into(), Value::Object(system.clone()));
        self.tell_inbound(now, number, None, message);
        self.keep_inbound(now, seq, id.clone(), customer, number, from, Kind::System, Value::Object(system), None);
        Ok(id)
    }

    /// The older form of a new user id: a field of its own. Answers no id, since it is no message.
    fn tell_user_id_update(
        &mut self,
        now: Now,
        number: u64,
        contact: Value,
        previous: &str,
        current: &str,
        wa_id: Option<phone::WaId>,
    ) -> String {
        let Some(sender) = self.numbers.get(&number) else { return String::new() };
        let mut update = Map::new();
        if let Some(wa_id) = wa_id {
            update.insert("wa_id".into(), json!(wa_id));
        }
        update.insert("detail".into(), json!("The user id changed"));
        update.insert("user_id".into(), json!({ "previous": previous, "current": current }));
        update.insert("timestamp".into(), json!(now.world.as_secs().to_string()));
        let value = json!({
            "messaging_product": "whatsapp", "metadata": metadata(sender), "contacts": [contact], "user_id_update": [update],
        });
        self.owe_number(now, number, "user_id_update", &value);
        String::new()
    }

    /// The customer stops or resumes marketing: told to every number in touch with them.
    pub(crate) fn tell_preference(&mut self, now: Now, customer: u64, stops: bool) {
        let Some(numbers) = self.customers.get(&customer).map(|person| person.threads.keys().copied().collect::<Vec<_>>()) else {
            return;
        };
        for number in numbers {
            let (Some(person), Some(sender)) = (self.customers.get(&customer), self.numbers.get(&number)) else { continue };
            let value = preference(person, number, &metadata(sender), now, stops);
            self.owe_number(now, number, "user_preferences", &value);
        }
    }

    /// `status: read` from the business: that message and all earlier ones of the thread. With `typing` the customer also sees for
    /// a while that an answer is being written.
    pub(crate) fn read_by_business(&mut self, now: Now, number: u64, wamid: &str, typing: bool) -> Result<(), GraphError> {
        let message = self.messages.by_wamid(wamid).filter(|message| !message.body.outbound && message.body.number == number);
        let Some(message) = message else {
            return Err(
                GraphError::invalid("Param message_id is not the id of a message that this number received.").about("message_id")
            );
        };
        if now.world > Timestamp::from_millis(message.body.at).plus(MARK_REACH) {
            return Err(GraphError::invalid("Param message_id: messages older than 30 days cannot be marked as read.")
                .about("message_id"));
        }
        let until = message.body.seq;
        let customer = message.body.customer;
        let inbox = customer.and_then(|id| self.customers.get(&id)).map(|person| person.inbox.clone());
        if typing && let Some(person) = customer.and_then(|id| self.customers.get_mut(&id)) {
            person.typing_until = Some(now.world.plus(TYPING).as_millis());
            let id = person.id;
            self.keep_customer(id);
        }
        for seq in inbox.into_iter().flatten().filter(|seq| *seq <= until) {
            let is_unread = self.messages.get(seq).is_some_and(|message| {
                !message.body.outbound && message.body.number == number && !message.progress.read_by_business
            });
            if is_unread && let Some(row) = self.messages.change(seq, |progress| progress.read_by_business = true) {
                self.effects.changes.push(row);
            }
        }
        Ok(())
    }

    /// A URL under which a file can be had for five minutes, with the token.
    pub(crate) fn media_url(&self, id: u64, now: Timestamp) -> String {
        let until = now.plus(URL_LIVES).as_secs();
        let proof = crate::sign::proof(&self.app.secret, &format!("{id}.{until}"));
        format!("{}/whatsapp_business/attachments/?mid={id}&ext={until}&hash={proof}", self.base_url)
    }

    /// Whether such a URL is one of ours and still alive.
    pub(crate) fn is_media_url(&self, id: u64, until: i64, proof: &str, now: Timestamp) -> bool {
        now.as_secs() < until && crate::sign::proof(&self.app.secret, &format!("{id}.{until}")) == proof
    }

    /// A problem of the number itself, told without a message (`value.errors[]`).
    pub(crate) fn tell_number_error(&mut self, now: Now, number: u64, code: u32, details: &str) {
        let Some(sender) = self.numbers.get(&number) else { return };
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": metadata(sender),
            "errors": [error_object(code, details)],
        });
        self.owe_number(now, number, "messages", &value);
    }
}

fn preference(person: &Customer, number: u64, metadata: &Value, now: Now, stops: bool) -> Value {
    let wa_id = person.shown_wa_id(number, now.world);
    let mut preference = Map::new();
    if let Some(wa_id) = wa_id {
        preference.insert("wa_id".into(), json!(wa_id));
    }
    preference.insert("user_id".into(), json!(person.user_id));
    let detail = if stops { "User requested to stop marketing messages" } else { "User requested to resume marketing messages" };
    preference.insert("detail".into(), json!(detail));
    preference.insert("category".into(), json!("marketing_messages"));
    preference.insert("value".into(), json!(if stops { "stop" } else { "resume" }));
    // An integer here, unlike everywhere else: Meta, webhooks/reference/user_preferences.
    preference.insert("timestamp".into(), json!(now.world.as_secs()));
    json!({
        "messaging_product": "whatsapp",
        "metadata": metadata,
        "contacts": [person.contact(wa_id, true)],
        "user_preferences": [preference],
    })
}

/// Webhooks write the hash in base64, the resolve answer in hexadecimal.
fn base64_of_hex(hex: &str) -> String {
    use base64::Engine as _;
    let bytes: Vec<u8> = hex
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
