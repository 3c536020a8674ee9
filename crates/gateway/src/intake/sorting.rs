//! Whose each fact of a body is, and how much of it was understood.

use std::collections::BTreeMap;
use std::sync::Arc;

use transom_domain::fact::{Account, Fact, Heard, InboundBody};
use transom_domain::id::{BusinessId, SenderId};
use transom_store::JournalOutcome;

use crate::directory::{Snapshot, Speaker};

/// The most names that a journal entry has of its fields, and of what was not understood: a body has up to a thousand of them.
const NAMES_MAX: usize = 16;

/// What Messenger tells beside messages, and means what it says: it is passed on whole, under its own name, and read by whoever asked
/// for it.
const WHOLE: [&str; 3] = ["referral", "optin", "account_linking"];

/// The facts of a body by whom they are for.
#[derive(Default)]
pub(super) struct Sorted {
    /// By business, each with the sender it is for, where it is for one.
    pub(super) parts: BTreeMap<BusinessId, Vec<(Option<SenderId>, Heard)>>,
    /// Who was spoken to, and how many messages came in.
    pub(super) speakers: BTreeMap<SenderId, (Arc<Speaker>, u32)>,
    /// Facts about numbers, Pages and accounts that are nobody's under this app.
    pub(super) strangers: usize,
}

/// Attributes facts: only to senders under the app whose secret verified them.
pub(super) fn sort(directory: &Snapshot, app: &str, facts: impl Iterator<Item = Heard>) -> Sorted {
    let mut sorted = Sorted::default();
    for heard in facts {
        let Some(speaker) = directory.heard_for(app, &heard.account) else {
            sorted.strangers += 1;
            continue;
        };
        let is_waba = matches!(heard.account, Account::Waba(_));
        let inbound = u32::from(matches!(heard.fact, Fact::Inbound(_) | Fact::Amended(_) | Fact::Echo(_)));
        sorted.speakers.entry(speaker.sender.id).or_insert_with(|| (speaker.clone(), 0)).1 += inbound;
        let sender = (!is_waba).then_some(speaker.sender.id);
        sorted.parts.entry(speaker.sender.business).or_default().push((sender, heard));
    }
    sorted
}

/// How much of what a body says to one business was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Understood {
    pub(super) outcome: JournalOutcome,
    /// What it is about, each once, by comma.
    pub(super) fields: String,
    /// The names of what was not understood, by comma.
    pub(super) note: String,
}

/// Weighs the facts of one business.
pub(super) fn understood<'a>(facts: impl Iterator<Item = &'a Heard>) -> Understood {
    let (mut fields, mut unknown) = (Names::default(), Names::default());
    let (mut all, mut not) = (0usize, 0usize);
    for heard in facts {
        let field = match &heard.fact {
            Fact::Inbound(inbound) => {
                // It is kept and passed on, but nobody here knows what it says.
                if let InboundBody::Unknown { name, .. } = &inbound.body
                    && !(matches!(heard.account, Account::Page(_)) && WHOLE.contains(&name.as_str()))
                {
                    not += 1;
                    unknown.add(&format!("messages.{name}"));
                }
                "messages"
            }
            Fact::Amended(_) => "messages",
            Fact::Echo(_) => "echoes",
            Fact::Account(_) => "accounts",
            // Passed on as received, beside what was understood of it or was not.
            Fact::News(news) => {
                fields.add(&news.field);
                continue;
            }
            Fact::Status(_) | Fact::Watermark(_) => "statuses",
            Fact::TemplateStatus(_) | Fact::TemplateNews(_) => "templates",
            Fact::IdentityChanged(_) => "identities",
            Fact::Preference(_) => "user_preferences",
            Fact::Limits(_) => "limits",
            Fact::Other { field } => {
                not += 1;
                unknown.add(field);
                field
            }
        };
        all += 1;
        fields.add(field);
    }
    let outcome = match (not, all - not) {
        (0, _) => JournalOutcome::Heard,
        (_, 0) => JournalOutcome::NotUnderstood,
        _ => JournalOutcome::Partly,
    };
    Understood { outcome, fields: fields.0, note: unknown.0 }
}

/// Names by comma, each once; as many as fit the bound.
#[derive(Default)]
struct Names(String);

impl Names {
    fn add(&mut self, name: &str) {
        // The names come from the body: none may look like two.
        let name: String = name.chars().filter(|c| *c != ',' && !c.is_control()).collect();
        if self.0.split(',').any(|one| one == name) || self.0.split(',').count() >= NAMES_MAX {
            return;
        }
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(field: &str) -> Heard {
        Heard { account: Account::Waba("1".to_owned()), fact: Fact::Other { field: field.to_owned() } }
    }

    fn inbound(body: &str) -> Heard {
        let body = format!(
            "{{\"entry\":[{{\"id\":\"1\",\"changes\":[{{\"field\":\"messages\",\"value\":{{\"messages\":[{{\"from\":\"4915112345678\",\"id\":\"w\",\"timestamp\":\"1\",{body}}}]}}}}]}}],\"object\":\"whatsapp_business_account\"}}"
        );
        let mut deliveries = transom_meta::webhook::parse(body.as_bytes()).unwrap();
        deliveries.remove(0).heard.remove(0)
    }

    #[test]
    fn what_is_not_understood_is_named_once() {
        let text = inbound("\"type\":\"text\",\"text\":{\"body\":\"hello\"}");
        let strange = inbound("\"type\":\"quantum\",\"quantum\":{}");
        let weigh = |facts: &[Heard]| understood(facts.iter());
        let said = |outcome, fields: &str, note: &str| Understood { outcome, fields: fields.to_owned(), note: note.to_owned() };
        assert_eq!(weigh(std::slice::from_ref(&text)), said(JournalOutcome::Heard, "messages", ""));
        assert_eq!(
            weigh(&[other("a,b"), other("a,b"), strange.clone()]),
            said(JournalOutcome::NotUnderstood, "ab,messages", "ab,messages.quantum")
        );
        let of_page = |body: &InboundBody| {
            let Fact::Inbound(inbound) = &text.fact else { panic!("{text:?}") };
            let inbound = transom_domain::fact::Inbound { body: body.clone(), ..inbound.clone() };
            Heard { account: Account::Page("7".to_owned()), fact: Fact::Inbound(inbound) }
        };
        let named = |name: &str| InboundBody::Unknown { name: name.to_owned(), raw: serde_json::json!({}) };
        assert_eq!(weigh(&[of_page(&named("optin"))]), said(JournalOutcome::Heard, "messages", ""));
        let new = weigh(&[of_page(&named("quantum"))]);
        assert_eq!(new, said(JournalOutcome::NotUnderstood, "messages", "messages.quantum"));
        assert_eq!(weigh(&[text, strange]), said(JournalOutcome::Partly, "messages", "messages.quantum"));
        let many: Vec<Heard> = (0..100).map(|n| other(&format!("field_{n}"))).collect();
        assert_eq!(weigh(&many).note.split(',').count(), NAMES_MAX);
    }
}
