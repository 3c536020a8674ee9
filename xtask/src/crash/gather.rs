//! What both sides say in the end, read page by page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::task::JoinSet;

use super::client::{Client, list, text};
use super::house::House;
use super::judge::{Event, Message, Tried};
use super::load::{CUSTOMERS, in_path, phone};

/// Readers at once.
const READERS: usize = 16;

/// How often the upstream has taken each message, by its id; a reader that goes on where it was.
#[derive(Debug, Default)]
pub(crate) struct Record {
    after: u64,
    /// Times taken, by id of the message.
    pub(crate) taken: HashMap<String, usize>,
}

impl Record {
    /// Reads what is new, as far as it can be read now.
    pub(crate) async fn read_on(&mut self, desk: &Client) -> Option<()> {
        loop {
            let page = desk.glance(&format!("/sim/v1/messages?limit=1000&after={}", self.after)).await?;
            if !self.take(&page) {
                return Some(());
            }
        }
    }

    fn take(&mut self, page: &Value) -> bool {
        for message in list(page, "/data") {
            self.after = message.get("seq").and_then(Value::as_u64).unwrap_or(self.after);
            let tag = message.get("callbackData").and_then(Value::as_str).unwrap_or_default();
            let id = tag.split('.').next().unwrap_or_default();
            *self.taken.entry(id.to_owned()).or_default() += 1;
        }
        !list(page, "/data").is_empty()
    }
}

/// What the upstream has taken and not failed, from its beginning.
pub(crate) async fn taken(desk: &Client) -> Result<HashMap<String, usize>> {
    let mut record = Record::default();
    loop {
        let mut page = desk.get(&format!("/sim/v1/messages?limit=1000&after={}", record.after)).await?;
        let last = list(&page, "/data").last().and_then(|message| message.get("seq")).and_then(Value::as_u64);
        if let Some(data) = page.pointer_mut("/data").and_then(Value::as_array_mut) {
            data.retain(|message| message.get("status").and_then(Value::as_str) != Some("failed"));
        }
        record.take(&page);
        match last {
            Some(last) => record.after = last,
            None => return Ok(record.taken),
        }
    }
}

/// When each message was taken by the upstream, and from which number; a reader that goes on where it was.
#[derive(Debug, Default)]
pub(crate) struct Sends {
    after: u64,
    /// Number, and milliseconds since 1970 on the upstream's clock; in the order in which they were taken.
    pub(crate) all: Vec<(String, i64)>,
}

impl Sends {
    /// Reads what is new.
    pub(crate) async fn read_on(&mut self, desk: &Client) -> Result<()> {
        loop {
            let page = desk.get(&format!("/sim/v1/messages?limit=1000&after={}", self.after)).await?;
            let data = list(&page, "/data");
            let Some(last) = data.last() else { return Ok(()) };
            self.after = last.get("seq").and_then(Value::as_u64).context("a message without a number")?;
            for message in data {
                let at = message.get("at").and_then(Value::as_i64).context("a message without a moment")?;
                self.all.push((text(message, "/from")?, at));
            }
        }
    }
}

/// How often phones show each message of the load, by its number.
pub(crate) async fn on_phones(house: &Arc<House>) -> Result<HashMap<usize, usize>> {
    let found: Arc<Mutex<HashMap<usize, usize>>> = Arc::default();
    each((0..CUSTOMERS).collect(), |customer| {
        let (house, found) = (house.clone(), found.clone());
        async move {
            let inbox = house.desk.get(&format!("/sim/v1/customers/{}/inbox", in_path(&phone(customer)))).await?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            for shown in list(&inbox, "/data") {
                // As the phone sees it: what comes in is from the business.
                if shown.get("direction").and_then(Value::as_str) == Some("in")
                    && let Some(number) = marked(&shown.get("message").unwrap_or(&Value::Null).to_string())
                {
                    *found.entry(number).or_default() += 1;
                }
            }
            Ok(())
        }
    })
    .await?;
    let found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(found)
}

/// The number in a text of the load.
fn marked(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("Message ")?;
    rest.split_once('.')?.0.parse().ok()
}

/// The gateway's own account of messages.
pub(crate) async fn messages(house: &Arc<House>, ids: Vec<String>) -> Result<HashMap<String, Message>> {
    let found: Arc<Mutex<HashMap<String, Message>>> = Arc::default();
    each(ids, |id| {
        let (house, found) = (house.clone(), found.clone());
        async move {
            // One that is not known is found missing by the judge.
            if let Ok(json) = house.api().get(&house.path(&format!("/messages/{id}"))).await {
                found.lock().unwrap_or_else(PoisonError::into_inner).insert(id, message(&json));
            }
            Ok(())
        }
    })
    .await?;
    let found = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(found)
}

/// A moment at a place of a JSON value, in milliseconds.
fn moment(json: &Value, at: &str) -> Option<i64> {
    let moment: jiff::Timestamp = text(json, at).ok()?.parse().ok()?;
    Some(moment.as_millisecond())
}

fn message(json: &Value) -> Message {
    let words = list(json, "/timeline");
    let what = |word: &Value| word.get("what").and_then(Value::as_str).unwrap_or_default().to_owned();
    let heard_at = |word: &Value| moment(word, "/heardAt");
    let tried = list(json, "/attempts").iter().map(|attempt| {
        let number = attempt.get("number");
        let said = |among: &[&str]| {
            let of_it = words.iter().filter(|word| word.get("attempt") == number && among.contains(&what(word).as_str()));
            of_it.filter_map(heard_at).min()
        };
        Tried {
            began: moment(attempt, "/startedAt").unwrap_or_default(),
            unknown: said(&["unknown"]).is_some(),
            heard: said(&["answered", "sent", "delivered", "read", "failed"]),
            status_heard: said(&["sent", "delivered", "read"]),
        }
    });
    Message {
        status: text(json, "/status").unwrap_or_default(),
        reason: text(json, "/error/code").ok(),
        tried: tried.collect(),
        given_up: words.iter().find(|word| what(word) == "given_up").and_then(heard_at),
    }
}

/// The whole stream of the business.
pub(crate) async fn events(house: &House) -> Result<Vec<Event>> {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let page = house.api().get(&house.path(&format!("/events?limit=200&after={after}"))).await?;
        let data = list(&page, "/data");
        if data.is_empty() {
            return Ok(events);
        }
        for event in data {
            events.push(read_event(event)?);
        }
        after = page.get("nextAfter").and_then(Value::as_u64).context("no nextAfter")?;
    }
}

fn read_event(event: &Value) -> Result<Event> {
    let kind = text(event, "/type")?;
    let status = text(event, "/data/status").unwrap_or_default();
    let topic = match (kind.as_str(), status.as_str()) {
        ("message.received", _) => Some("messages"),
        ("message.status", "sent" | "delivered" | "read" | "failed" | "expired") => Some("delivery_status"),
        _ => None,
    };
    let party = |at: &str| text(event, at).unwrap_or_default();
    Ok(Event {
        position: event.get("position").and_then(Value::as_u64).context("an event without a position")?,
        id: text(event, "/id")?,
        topic,
        conversation: format!("{} {}", party("/data/parties/sender"), party("/data/parties/customerId")),
    })
}

/// How often the gateway has each message of a customer, by the upstream's id.
pub(crate) async fn inbound(house: &House) -> Result<HashMap<String, usize>> {
    let (mut kept, mut token) = (HashMap::new(), String::new());
    loop {
        let page = house.api().get(&house.path(&format!("/messages?direction=inbound&pageSize=200{token}"))).await?;
        for message in list(&page, "/data") {
            *kept.entry(text(message, "/details/providerMessageId")?).or_default() += 1;
        }
        match page.get("nextPageToken").and_then(Value::as_str) {
            Some(next) => token = format!("&pageToken={next}"),
            None => return Ok(kept),
        }
    }
}

/// Does something for each, some at once.
async fn each<T, F>(all: Vec<T>, work: impl Fn(T) -> F) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let mut running = JoinSet::new();
    for one in all {
        if running.len() >= READERS {
            running.join_next().await.context("nobody reads")???;
        }
        running.spawn(work(one));
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_mark_is_found_in_what_the_phone_shows() {
        assert_eq!(marked(r#"{"type":"text","text":{"body":"Message 17."}}"#), Some(17));
        assert_eq!(marked("Hello Message 5., your order is on its way to you."), Some(5));
        assert_eq!(marked("Hello"), None);
    }

    #[test]
    fn the_story_of_a_message_is_read() {
        let story = json!({
            "status": "delivered",
            "attempts": [{ "number": 1, "startedAt": "1970-01-01T00:00:10.000Z" }, { "number": 2, "startedAt": "1970-01-01T00:00:30.000Z" }],
            "timeline": [
                { "what": "unknown", "attempt": 1, "heardAt": "1970-01-01T00:00:12.000Z" },
                { "what": "answered", "attempt": 2, "heardAt": "1970-01-01T00:00:31.000Z" },
                { "what": "delivered", "attempt": 2, "heardAt": "1970-01-01T00:00:33.000Z" },
                { "what": "sent", "attempt": 2, "heardAt": "1970-01-01T00:00:32.000Z" },
            ],
        });
        let read = message(&story);
        assert_eq!((read.status.as_str(), read.reason, read.given_up), ("delivered", None, None));
        let [first, second] = read.tried.as_slice() else { panic!("two attempts") };
        assert_eq!((first.unknown, first.began, first.heard), (true, 10_000, None));
        assert_eq!((second.heard, second.status_heard), (Some(31_000), Some(32_000)));
    }
}
