//! The log of Graph calls, for `GET /sim/v1/requests`: a ring in memory, without tokens.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::{Map, Value, json};

/// Calls kept.
const KEPT_MAX: usize = 10_000;
/// Bytes of one body or answer kept; files are longer and not worth it.
const BODY_MAX: usize = 64 * 1_024;
/// Bytes of all bodies and answers together.
const BYTES_MAX: usize = 64 << 20;

/// One Graph call.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) at: i64,
    pub(crate) method: String,
    /// With its query, but without any token.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// 0: the call was lost before it was carried out.
    pub(crate) status: u16,
    pub(crate) answer: Bytes,
    /// The caller never saw the answer.
    pub(crate) lost: bool,
}

#[derive(Debug)]
struct Ring {
    entries: VecDeque<(u64, Entry)>,
    next: u64,
    bytes: usize,
}

/// The ring.
#[derive(Debug)]
pub(crate) struct RequestLog(Mutex<Ring>);

impl RequestLog {
    /// Numbers begin anew with each start, above those of the start before.
    pub(crate) fn new(boots: u64) -> Self {
        Self(Mutex::new(Ring { entries: VecDeque::new(), next: (boots << 32) + 1, bytes: 0 }))
    }

    /// Keeps a call; gives its number.
    pub(crate) fn push(&self, mut entry: Entry) -> u64 {
        for body in [&mut entry.body, &mut entry.answer] {
            if body.len() > BODY_MAX {
                *body = Bytes::from(format!("({} bytes, not kept)", body.len()));
            }
        }
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = ring.next;
        ring.next += 1;
        ring.bytes += entry.body.len() + entry.answer.len();
        ring.entries.push_back((number, entry));
        while ring.entries.len() > KEPT_MAX || ring.bytes > BYTES_MAX {
            let Some((_, gone)) = ring.entries.pop_front() else { break };
            ring.bytes -= gone.body.len() + gone.answer.len();
        }
        number
    }

    /// The calls after a number, oldest first.
    pub(crate) fn after(&self, after: u64, limit: usize) -> Vec<Value> {
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = ring.entries.partition_point(|(number, _)| *number <= after);
        ring.entries.iter().skip(first).take(limit).map(|(number, entry)| shown(*number, entry)).collect()
    }
}

fn shown(number: u64, entry: &Entry) -> Value {
    let mut headers = Map::new();
    for (name, value) in &entry.headers {
        if !matches!(name.as_str(), "authorization" | "cookie") {
            headers.insert(name.to_string(), json!(String::from_utf8_lossy(value.as_bytes())));
        }
    }
    json!({
        "seq": number,
        "at": entry.at,
        "method": entry.method,
        "path": entry.path,
        "headers": headers,
        "body": parsed(&entry.body),
        "status": entry.status,
        "answer": parsed(&entry.answer),
        "answerLost": entry.lost,
    })
}

/// JSON where it is JSON, else the text, else how long it was.
fn parsed(bytes: &Bytes) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    match (serde_json::from_slice(bytes), std::str::from_utf8(bytes)) {
        (Ok(value), _) => value,
        (Err(_), Ok(text)) => json!(text),
        (Err(_), Err(_)) => json!(format!("({} bytes)", bytes.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(body: &str) -> Entry {
        Entry {
            at: 0,
            method: "POST".into(),
            path: "/".into(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_owned()),
            status: 200,
            answer: Bytes::new(),
            lost: false,
        }
    }

    #[test]
    fn the_ring_is_bounded_and_its_numbers_grow() {
        let log = RequestLog::new(2);
        for _ in 0..KEPT_MAX + 5 {
            log.push(entry("{}"));
        }
        let all = log.after(0, usize::MAX);
        assert_eq!(all.len(), KEPT_MAX);
        assert_eq!(all[0]["seq"], (2u64 << 32) + 6);
        let last = all[KEPT_MAX - 1]["seq"].as_u64().unwrap();
        assert_eq!(log.after(last - 2, 10).len(), 2);
    }

    #[test]
    fn long_bodies_are_not_kept() {
        let log = RequestLog::new(1);
        log.push(entry(&"x".repeat(BODY_MAX + 1)));
        assert_eq!(log.after(0, 1)[0]["body"], format!("({} bytes, not kept)", BODY_MAX + 1));
    }
}
