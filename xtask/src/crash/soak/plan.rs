//! What is told, and in which order it arrives: all of it from the seed.

use serde_json::{Value, json};

use crate::crash::schedule::Dice;

/// Webhooks of each customer, on average.
const PER_CUSTOMER: usize = 40;
/// How many places a webhook may be early or late.
const JITTER: u64 = 60;
/// How many places one of those may be late that are held up for long.
const LATE: u64 = 5_000;
/// One of so many is held up for long.
const LATE_ONE_IN: u64 = 50;
/// One of so many comes twice.
const TWICE_ONE_IN: u64 = 8;
/// One of so many has several messages.
const SEVERAL_ONE_IN: u64 = 6;
/// One of so many customers begins with a message so old that its session closes within the hour.
const OLD_ONE_IN: u64 = 5;

/// One webhook.
struct Webhook {
    customer: usize,
    /// Places of its messages among all.
    messages: std::ops::Range<usize>,
    /// Seconds ago.
    ago: u64,
}

/// Everything that is going to happen.
pub(super) struct Plan {
    all: Vec<Webhook>,
    /// Phone number ids.
    numbers: Vec<String>,
    /// Different webhooks.
    pub(super) webhooks: usize,
    /// The text of each message: names it.
    pub(super) messages: Vec<String>,
    /// Which webhook is posted when.
    pub(super) posts: Vec<usize>,
}

impl Plan {
    /// The plan of a seed.
    pub(super) fn of(seed: u64, webhooks: usize, numbers: &[String]) -> Self {
        let mut dice = Dice::new(seed, 77);
        let customers = (webhooks / PER_CUSTOMER).max(8);
        let (mut all, mut messages) = (Vec::with_capacity(webhooks), Vec::new());
        let mut begun = vec![false; customers];
        let mut places: Vec<(u64, usize)> = Vec::new();
        for webhook in 0..webhooks {
            let customer = usize::try_from(dice.between(0, customers as u64 - 1)).unwrap_or(0);
            let count = if dice.between(1, SEVERAL_ONE_IN) == 1 { dice.between(2, 3) } else { 1 };
            let from = messages.len();
            messages.extend((0..count).map(|n| format!("Webhook {webhook}, message {n}")));
            let first = !std::mem::replace(begun.get_mut(customer).unwrap_or(&mut true), true);
            let old = first && dice.between(1, OLD_ONE_IN) == 1;
            let ago = if old { dice.between(23 * 3_600 + 60, 24 * 3_600 - 900) } else { dice.between(0, 600) };
            all.push(Webhook { customer, messages: from..messages.len(), ago });
            let late = if dice.between(1, LATE_ONE_IN) == 1 { LATE } else { JITTER };
            let place = webhook as u64 * 2;
            places.push((place + dice.between(0, late), webhook));
            if dice.between(1, TWICE_ONE_IN) == 1 {
                places.push((place + dice.between(0, LATE), webhook));
            }
        }
        places.sort_unstable();
        let posts = places.into_iter().map(|(_, webhook)| webhook).collect();
        Self { all, numbers: numbers.to_vec(), webhooks, messages, posts }
    }

    /// The body of a webhook; `now` in seconds.
    pub(super) fn body(&self, webhook: usize, now: u64) -> Value {
        let Some(Webhook { customer, messages, ago }) = self.all.get(webhook) else { return Value::Null };
        // Each customer writes to one of the numbers, so that a conversation is a customer.
        let number = self.numbers.get(customer % self.numbers.len().max(1));
        let phone = format!("49155505{customer:05}");
        let at = (now - ago).to_string();
        let told: Vec<Value> = messages
            .clone()
            .filter_map(|place| self.messages.get(place).map(|text| (place, text)))
            .map(|(place, text)| json!({ "from": phone, "id": format!("wamid.soak.{place}"), "timestamp": at, "type": "text", "text": { "body": text } }))
            .collect();
        let value = json!({
            "messaging_product": "whatsapp", "metadata": { "display_phone_number": "1", "phone_number_id": number },
            "contacts": [{ "profile": { "name": format!("Customer {customer}") }, "wa_id": phone }], "messages": told,
        });
        json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_a_plan_in_which_everything_comes() {
        let numbers = ["1".to_owned(), "2".to_owned()];
        let (one, same, other) = (Plan::of(1, 2_000, &numbers), Plan::of(1, 2_000, &numbers), Plan::of(2, 2_000, &numbers));
        assert_eq!(one.posts, same.posts);
        assert_ne!(one.posts, other.posts);
        let mut once = one.posts.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), 2_000, "each is posted");
        assert!(one.posts.len() > 2_150 && one.messages.len() > 2_150, "some twice, some with several messages");
        assert!(one.posts.windows(2).filter(|pair| pair[0] > pair[1]).count() > 500, "out of order");
        assert_eq!(one.body(7, 1_000_000_000), same.body(7, 1_000_000_000));
    }
}
