//! The desk: the person who plays the customers, reviews the templates and sets the world.

use serde::Deserialize;
use serde_json::{Value, json};

use super::customer::{Customer, Flag};
use super::faults::{Fault, FaultKind, Faults};
use super::{Now, World, phone};
use crate::graph::error::{self, GraphError};

/// Customers at most; a bound so that a runaway script fills no memory.
const CUSTOMERS_MAX: usize = 2_000_000;
/// Faults on order at most.
const FAULTS_MAX: usize = 100;
/// An answer may be held back for ten minutes: machine time, longer than any client waits.
const LATENCY_MAX_MS: i64 = 600_000;
/// A webhook may come a day late: world time, which turns; late enough to come after the window that it is about.
const WEBHOOK_DELAY_MAX_MS: i64 = 86_400_000;

/// A control that was refused: which field, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    pub(crate) remedy: String,
}

impl Refusal {
    fn new(status: u16, field: &str, message: &str, remedy: &str) -> Self {
        Self { status, field: Some(field.to_owned()), message: message.to_owned(), remedy: remedy.to_owned() }
    }

    pub(crate) fn invalid(field: &str, message: &str, remedy: &str) -> Self {
        Self::new(400, field, message, remedy)
    }

    pub(crate) fn not_found(field: &str, message: &str, remedy: &str) -> Self {
        Self::new(404, field, message, remedy)
    }

    pub(crate) fn conflict(field: &str, message: &str, remedy: &str) -> Self {
        Self::new(409, field, message, remedy)
    }

    pub(crate) fn no_customer() -> Self {
        Self::not_found("id", "no customer has this id, phone number or user id", "GET /sim/v1/customers lists them")
    }

    pub(crate) fn no_template() -> Self {
        Self::not_found("id", "no template has this id", "GET /sim/v1/templates lists them")
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": { "message": self.message, "field": self.field, "remedy": self.remedy } })
    }
}

impl From<GraphError> for Refusal {
    fn from(error: GraphError) -> Self {
        Self {
            status: 400,
            field: error.parameter.clone(),
            message: error.details().to_owned(),
            remedy: "correct the field as the message says; the controls are described on the page at /".to_owned(),
        }
    }
}

/// A customer to be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewCustomer {
    phone: Option<String>,
    name: Option<String>,
    username: Option<String>,
    #[serde(default = "yes")]
    show_phone: bool,
    #[serde(default = "yes")]
    online: bool,
    #[serde(default)]
    auto_read: bool,
    #[serde(default)]
    flags: Vec<Flag>,
}

fn yes() -> bool {
    true
}

/// What to change about a customer; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct CustomerChange {
    name: Option<String>,
    /// An empty text takes the username away.
    username: Option<String>,
    show_phone: Option<bool>,
    online: Option<bool>,
    auto_read: Option<bool>,
    flags: Option<Vec<Flag>>,
}

impl World {
    /// A new customer.
    pub(crate) fn add_customer(&mut self, now: Now, new: NewCustomer) -> Result<Value, Refusal> {
        if self.customers.len() >= CUSTOMERS_MAX {
            return Err(Refusal::conflict("id", "there are two million customers already", "start with a fresh folder"));
        }
        let digits = match &new.phone {
            Some(text) => Some(phone::international(text).ok_or_else(|| {
                Refusal::invalid(
                    "phone",
                    "not a phone number with its country",
                    "write + and 7 to 15 digits, such as +4915112345678",
                )
            })?),
            None => None,
        };
        let wa_id = digits.as_deref().map(phone::wa_id);
        if wa_id.as_ref().is_some_and(|wa_id| self.by_wa_id.contains_key(wa_id)) {
            return Err(Refusal::conflict(
                "phone",
                "a customer has this number already",
                "PATCH that one, or choose another number",
            ));
        }
        if digits.is_none() && new.username.is_none() {
            return Err(Refusal::invalid("phone", "a customer has a phone number or a username", "give one of the two"));
        }
        if wa_id.as_ref().is_some_and(|wa_id| self.numbers.values().any(|number| phone::wa_id(&number.digits) == *wa_id)) {
            return Err(Refusal::conflict("phone", "this is a business number", "choose another number"));
        }
        let username = new.username.as_deref().map(username).transpose()?;
        let own = self.numbers.values().next().map_or("", |number| number.digits.as_str());
        let country = phone::country(digits.as_deref().unwrap_or(own));
        let user_id = loop {
            let id = format!("{country}.{}", self.chance.digits(17));
            if !self.by_user_id.contains_key(&id) {
                break id;
            }
        };
        let name = new.name.unwrap_or_else(|| "Customer".to_owned());
        let id = self.fresh_id();
        let customer = Customer {
            id,
            phone: digits.map(|digits| format!("+{digits}")),
            wa_id: wa_id.clone(),
            user_id: user_id.clone(),
            name,
            username,
            show_phone: new.show_phone,
            online: new.online,
            auto_read: new.auto_read,
            flags: new.flags,
            threads: std::collections::BTreeMap::new(),
            typing_until: None,
            inbox: std::collections::VecDeque::new(),
            waiting: std::collections::VecDeque::new(),
        };
        let shown = customer.shown(now.world);
        if let Some(wa_id) = wa_id {
            self.by_wa_id.insert(wa_id, id);
        }
        self.by_user_id.insert(user_id, id);
        self.customers.insert(id, customer);
        self.keep_customer(id);
        Ok(shown)
    }

    /// Changes a customer; coming online brings what waited, and marketing preferences are told.
    pub(crate) fn change_customer(&mut self, now: Now, id: u64, change: CustomerChange) -> Result<Value, Refusal> {
        let new_username = match change.username.as_deref() {
            Some("") => Some(None),
            Some(text) => Some(Some(username(text)?)),
            None => None,
        };
        let person = self.customers.get_mut(&id).ok_or_else(Refusal::no_customer)?;
        let opted_out = person.has(Flag::OptedOut);
        if let Some(name) = change.name {
            person.name = name;
        }
        if let Some(username) = new_username {
            person.username = username;
        }
        person.show_phone = change.show_phone.unwrap_or(person.show_phone);
        person.online = change.online.unwrap_or(person.online);
        person.auto_read = change.auto_read.unwrap_or(person.auto_read);
        person.flags = change.flags.unwrap_or_else(|| std::mem::take(&mut person.flags));
        let stops = person.has(Flag::OptedOut);
        self.keep_customer(id);
        if stops != opted_out {
            self.tell_preference(now, id, stops);
        }
        self.deliver_waiting(now, id);
        Ok(self.customers.get(&id).map(|person| person.shown(now.world)).unwrap_or_default())
    }

    /// Puts faults on order, in place of those that were.
    pub(crate) fn order_faults(&mut self, list: Vec<Fault>) -> Result<(), Refusal> {
        if list.len() > FAULTS_MAX {
            return Err(Refusal::invalid("faults", "at most 100 faults can be on order", "order fewer"));
        }
        for (at, fault) in list.iter().enumerate() {
            if !(0.0..=1.0).contains(&fault.share) {
                return Err(Refusal::invalid(&format!("[{at}].share"), "a share is between 0 and 1", "write 0.1 for one in ten"));
            }
            if let Err((field, why)) = fault.is_sound() {
                return Err(Refusal::invalid(&format!("[{at}].{field}"), why, "leave it out, or correct it"));
            }
            if fault.code.is_some_and(|code| !error::is_known(code)) {
                return Err(Refusal::invalid(
                    &format!("[{at}].code"),
                    "Meta has no such error code",
                    "take one from Meta's error page, such as 131016",
                ));
            }
            if fault.kind == FaultKind::Error && fault.code.is_none() {
                return Err(Refusal::invalid(
                    &format!("[{at}].code"),
                    "an error fault needs the code to answer with",
                    "give code, such as 131016",
                ));
            }
            let most = match fault.kind {
                FaultKind::Latency | FaultKind::LateAnswer => LATENCY_MAX_MS,
                FaultKind::WebhookDelay => WEBHOOK_DELAY_MAX_MS,
                _ => continue,
            };
            if !fault.ms.is_some_and(|ms| (0..=most).contains(&ms)) {
                return Err(Refusal::invalid(
                    &format!("[{at}].ms"),
                    &format!("this fault needs its milliseconds, 0 to {most}"),
                    "give ms, such as 500",
                ));
            }
        }
        self.faults = Faults::new(list);
        self.keep_faults();
        Ok(())
    }
}

/// A username, without the `@` some write before it.
fn username(text: &str) -> Result<String, Refusal> {
    let text = text.strip_prefix('@').unwrap_or(text);
    let fits = (3..=35).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'_');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Refusal::invalid(
            "username",
            "a username is 3 to 35 of a-z, 0-9, dot and underscore",
            "write it without capitals or spaces",
        ))
    }
}
