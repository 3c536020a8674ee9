//! What endpoints answered of late, for people who look at a delivery. Nothing rests on it: it is as old as the process, and bounded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use ::http::HeaderMap;

use transom_domain::id::{BusinessId, EndpointId};
use transom_store::{Attempted, EndpointAnswer};

use crate::wire::Called;

/// So many answers are remembered, whoever gave them: a few megabytes where each is as long as can be.
const REMEMBERED: usize = 1_024;
/// Bytes of a body that are kept.
const BODY_KEEP: usize = 4 * 1_024;
/// Headers that are kept.
const HEADERS_KEEP: usize = 32;
/// Characters of a header's value that are kept.
const VALUE_KEEP: usize = 256;
/// Stands where a secret was.
pub(super) const HIDDEN: &str = "hidden";
/// Headers that are, or can hold, secrets.
const SECRET: [&str; 3] = ["set-cookie", "www-authenticate", "proxy-authenticate"];

/// What is kept of an answer; none where there was none.
pub(super) fn kept(called: &Called) -> Option<EndpointAnswer> {
    let Called::Answer { body, headers, .. } = called else { return None };
    let begin = body.get(..BODY_KEEP).unwrap_or(body);
    Some(EndpointAnswer {
        headers: headers_of(headers, &SECRET),
        body: String::from_utf8_lossy(begin).into_owned(),
        cut: begin.len() < body.len(),
    })
}

/// Headers as people see them.
pub(super) fn headers_of(headers: &HeaderMap, secret: &[&str]) -> Vec<(String, String)> {
    let shown = headers.iter().take(HEADERS_KEEP).map(|(name, value)| {
        let value = match secret.contains(&name.as_str()) {
            true => HIDDEN.to_owned(),
            false => String::from_utf8_lossy(value.as_bytes()).chars().take(VALUE_KEEP).collect(),
        };
        (name.as_str().to_owned(), value)
    });
    shown.collect()
}

/// One try, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remembered {
    business: BusinessId,
    /// When, and how it ended.
    pub(crate) attempt: Attempted,
    /// Which try it was, from 1 on.
    pub(crate) number: u32,
    /// The answer, where there was one.
    pub(crate) answer: Option<EndpointAnswer>,
}

/// The last try of each delivery, the newest [`REMEMBERED`] of them.
#[derive(Default)]
pub(super) struct Answers(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    tries: HashMap<(EndpointId, u64), Remembered>,
    order: VecDeque<(EndpointId, u64)>,
}

impl Answers {
    /// Remembers a try of telling what lies at a position.
    pub(super) fn put(
        &self,
        (business, endpoint, position): (BusinessId, EndpointId, u64),
        (number, attempt): (u32, Attempted),
        answer: Option<EndpointAnswer>,
    ) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (endpoint, position);
        if kept.tries.insert(key, Remembered { business, attempt, number, answer }).is_none() {
            kept.order.push_back(key);
        }
        while kept.order.len() > REMEMBERED {
            if let Some(oldest) = kept.order.pop_front() {
                kept.tries.remove(&oldest);
            }
        }
    }

    pub(super) fn get(&self, endpoint: EndpointId, position: u64) -> Option<Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tries.get(&(endpoint, position)).cloned()
    }

    /// Forgets what a business's endpoints answered: it may speak of somebody who is to be forgotten.
    pub(super) fn forget(&self, business: BusinessId) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { tries, order } = &mut *kept;
        tries.retain(|_, tried| tried.business != business);
        order.retain(|key| tries.contains_key(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderValue;
    use transom_domain::time::Timestamp;

    fn attempt() -> Attempted {
        Attempted { at: Timestamp::from_secs(7), status: Some(200), millis: 3 }
    }

    #[test]
    fn the_newest_are_remembered_and_a_business_is_forgotten_whole() {
        let answers = Answers::default();
        for position in 0..2 * REMEMBERED as u64 {
            let business = BusinessId(u128::from(position % 2));
            answers.put((business, EndpointId(1), position), (1, attempt()), None);
            answers.put((business, EndpointId(1), position), (2, attempt()), None);
        }
        assert_eq!(answers.get(EndpointId(1), REMEMBERED as u64 - 1), None);
        assert_eq!(answers.get(EndpointId(1), REMEMBERED as u64).map(|tried| tried.number), Some(2));
        answers.forget(BusinessId(0));
        let kept = answers.0.lock().unwrap();
        assert_eq!((kept.tries.len(), kept.order.len()), (REMEMBERED / 2, REMEMBERED / 2));
        assert!(kept.tries.values().all(|tried| tried.business == BusinessId(1)));
    }

    #[test]
    fn an_answer_is_cut_and_its_secrets_are_hidden() {
        let mut called = Called::answer(500, "é".repeat(BODY_KEEP));
        if let Called::Answer { headers, .. } = &mut called {
            headers.insert("set-cookie", HeaderValue::from_static("session=1"));
            headers.insert("x-long", HeaderValue::from_str(&"v".repeat(VALUE_KEEP + 1)).unwrap());
        }
        let answer = kept(&called).unwrap();
        assert_eq!((answer.body.len(), answer.cut), (BODY_KEEP, true));
        let value = |name: &str| answer.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.len());
        assert_eq!((value("set-cookie"), value("x-long")), (Some(HIDDEN.len()), Some(VALUE_KEEP)));
        assert_eq!(kept(&Called::Lost("timed out".into())), None);
        let whole = kept(&Called::answer(200, "ok")).unwrap();
        assert_eq!((whole.body.as_str(), whole.cut), ("ok", false));
    }
}
