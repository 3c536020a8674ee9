//! What is done to a message that was sent already: it is changed, or taken back (Meta: webhooks/reference/messages/edit and
//! revoke).
//!
//! The message keeps what it first said, and everything that was done to it, by the upstream's time; what it shows now follows
//! from that, so that no order and no repetition of webhooks gives another result.

use serde::{Deserialize, Serialize};

use crate::fact::{InboundBody, Person};
use crate::time::Timestamp;

/// One thing done to a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Amended {
    /// The upstream's id of what was done; what repeated webhooks are recognised by.
    pub provider_id: String,
    /// When, by the upstream's clock.
    pub at: Timestamp,
    /// Who did it.
    #[serde(default)]
    pub from: Person,
    /// The upstream's id of the message that it was done to.
    pub original: String,
    /// What.
    pub change: Amendment,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Amendment {
    /// It says something else now.
    Edited {
        /// What it says.
        body: Box<InboundBody>,
    },
    /// It was taken back.
    Revoked,
}

/// What a message says after all that was done to it; `None` when that is what it said first.
#[must_use]
pub fn latest(amendments: &[Amended]) -> Option<&InboundBody> {
    let edits = amendments.iter().filter_map(|a| match &a.change {
        Amendment::Edited { body } => Some(((a.at, &a.provider_id), &**body)),
        Amendment::Revoked => None,
    });
    edits.max_by_key(|(when, _)| *when).map(|(_, body)| body)
}

/// Since when a message is taken back, if it is.
#[must_use]
pub fn revoked_at(amendments: &[Amended]) -> Option<Timestamp> {
    amendments.iter().filter(|a| a.change == Amendment::Revoked).map(|a| a.at).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edit(id: u8, at: i64) -> Amended {
        let change = match id % 4 {
            0 => Amendment::Revoked,
            _ => Amendment::Edited { body: Box::new(InboundBody::Text { body: format!("version {id}") }) },
        };
        let (provider_id, original) = (format!("wamid.{id}"), "wamid.first".to_owned());
        Amended { provider_id, at: Timestamp::from_secs(at), from: Person::default(), original, change }
    }

    proptest! {
        #[test]
        fn any_order_of_edits_shows_the_same(edits in prop::collection::vec((0u8..40, 0i64..4), 0..8).prop_shuffle()) {
            let mut one: Vec<Amended> = edits.iter().map(|(id, at)| edit(*id, *at)).collect();
            one.sort_by_key(|a| a.provider_id.clone());
            one.dedup_by_key(|a| a.provider_id.clone());
            let mut other = one.clone();
            other.reverse();
            prop_assert_eq!(latest(&one), latest(&other));
            prop_assert_eq!(revoked_at(&one), revoked_at(&other));
            // By time, the last edit is what shows.
            let newest = one.iter().filter(|a| a.change != Amendment::Revoked).map(|a| a.at).max();
            let shown = one.iter().find(|a| matches!(&a.change, Amendment::Edited { body } if Some(&**body) == latest(&one)));
            prop_assert_eq!(shown.map(|a| a.at), newest);
        }
    }

    #[test]
    fn what_was_done_survives_the_store() {
        for amended in [edit(0, 1), edit(1, 2)] {
            let text = serde_json::to_string(&amended).unwrap();
            assert_eq!(serde_json::from_str::<Amended>(&text).unwrap(), amended, "{text}");
        }
    }
}
