//! Names of people on Messenger: its webhooks carry none, so that whoever writes for the first time is looked up once, beside all
//! other work. A person may keep their name to themselves; then there is none.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use http::Method;
use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_domain::address::{Identity, Psid};
use transom_domain::failure::Class;
use transom_domain::id::{BusinessId, SenderId};
use transom_domain::time::{Span, Timestamp};
use transom_meta::{codes, messenger};
use transom_store::Store;

use super::rest::{Post, Rest};
use super::tasks::Tasks;
use crate::directory::Directory;
use crate::telemetry;
use crate::upstream::Upstream;
use crate::wire::Called;

/// People that wait to be looked up. Who finds no room is looked up when they write again.
const WAITING_MAX: usize = 1_000;
/// People of whom it is remembered that they were looked up; all are forgotten when there are more, and looked up once more at most.
const ASKED_MAX: usize = 50_000;
/// After a failure that passes, the person is looked up again after this, then after four times as long.
const FIRST_WAIT: Span = Span::secs(15);
/// How often a person is looked up in a row: it is a name, and not worth more.
const TRIES: u32 = 4;
/// How long a Page rests that Meta has throttled.
const REST: Span = Span::minutes(5);

/// Somebody whose name is not known.
#[derive(Debug, Clone)]
struct Stranger {
    business: BusinessId,
    sender: SenderId,
    psid: Psid,
    tries: u32,
    due: Timestamp,
}

#[derive(Default)]
struct Book {
    waiting: VecDeque<Stranger>,
    asked: BTreeSet<(BusinessId, Psid)>,
}

/// Who looks names up; cheap to clone.
#[derive(Clone)]
pub struct Names(Arc<Inner>);

/// What looking names up works with.
pub(crate) struct NamesParts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: WorldClock,
    pub(crate) directory: Directory,
    pub(crate) upstream: Upstream,
    pub(crate) stop: CancellationToken,
}

struct Inner {
    parts: NamesParts,
    book: Mutex<Book>,
    post: OnceLock<Arc<Post>>,
}

/// What came of looking somebody up.
#[derive(Debug, PartialEq, Eq)]
enum Looked {
    /// Meta told the name.
    Named(String),
    /// Meta does not tell it.
    Refused,
    /// It passes: the network, Meta, the token.
    Failed,
    /// We ask too often.
    Throttled,
}

impl Names {
    /// Puts it together; [`Names::start`] sets it to work.
    pub(crate) fn new(parts: NamesParts) -> Self {
        Self(Arc::new(Inner { parts, book: Mutex::default(), post: OnceLock::new() }))
    }

    /// Starts the work.
    pub(crate) fn start(&self, rest: &Rest, tasks: &Tasks) {
        let post = rest.post();
        let _ = self.0.post.set(post.clone());
        tasks.spawn(self.0.clone().works(post));
    }

    /// Somebody wrote through a Page who may be new.
    pub(crate) fn wonder(&self, business: BusinessId, sender: SenderId, psid: Psid) {
        let due = self.0.parts.clock.now();
        let is_news = self.0.book().wonder(Stranger { business, sender, psid, tries: 0, due });
        if is_news && let Some(post) = self.0.post.get() {
            post.poke();
        }
    }
}

impl Book {
    /// Takes somebody in, unless they were asked about before, or there is no room.
    fn wonder(&mut self, stranger: Stranger) -> bool {
        let key = (stranger.business, stranger.psid.clone());
        if self.waiting.len() >= WAITING_MAX || self.asked.contains(&key) {
            return false;
        }
        if self.asked.len() >= ASKED_MAX {
            self.asked.clear();
        }
        self.asked.insert(key);
        self.waiting.push_back(stranger);
        true
    }

    /// The next whose time has come.
    fn next(&mut self, now: Timestamp) -> Option<Stranger> {
        let at = self.waiting.iter().position(|stranger| stranger.due <= now)?;
        self.waiting.remove(at)
    }

    /// Looks again later; after the last try whoever it is may be asked about when they write again.
    fn later(&mut self, mut stranger: Stranger, now: Timestamp) {
        stranger.tries += 1;
        if stranger.tries >= TRIES {
            self.asked.remove(&(stranger.business, stranger.psid));
            return;
        }
        let wait = FIRST_WAIT.as_millis() << (2 * (stranger.tries - 1));
        stranger.due = now.plus(Span::millis(wait));
        self.waiting.push_back(stranger);
    }

    /// Nobody is asked about through this Page for a while.
    fn rest(&mut self, stranger: Stranger, now: Timestamp) {
        let (sender, until) = (stranger.sender, now.plus(REST));
        self.waiting.push_front(stranger);
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.sender == sender) {
            waiting.due = waiting.due.max(until);
        }
    }

    fn due(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|stranger| stranger.due).min()
    }
}

impl Inner {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn works(self: Arc<Self>, post: Arc<Post>) {
        let mut due = None;
        while let Some(busy) = post.wait_or_stop(due, &self.parts.stop).await {
            tokio::select! {
                biased;
                () = self.parts.stop.cancelled() => return,
                () = self.round() => {}
            }
            due = self.book().due();
            busy.until(due);
        }
    }

    /// Looks up all whose time has come, one after the other.
    async fn round(&self) {
        let started = self.parts.clock.now();
        loop {
            let next = self.book().next(started);
            let Some(stranger) = next else { return };
            let looked = self.look_up(&stranger).await;
            let Some(looked) = looked else { continue };
            telemetry::named(match looked {
                Looked::Named(_) => "named",
                Looked::Refused => "refused",
                Looked::Failed => "failed",
                Looked::Throttled => "throttled",
            });
            let now = self.parts.clock.now();
            match looked {
                Looked::Named(name) => {
                    let identity = Identity::Psid(stranger.psid.clone());
                    if let Err(why) = self.parts.store.learn_name(stranger.business, identity, name).await {
                        tracing::warn!(sender.id = %stranger.sender, error = %why, "a name could not be stored");
                        self.book().later(stranger, now);
                    }
                }
                Looked::Refused => {}
                Looked::Failed => self.book().later(stranger, now),
                Looked::Throttled => self.book().rest(stranger, now),
            }
        }
    }

    /// Asks Meta; none where there is nothing to ask, or nobody to ask it.
    async fn look_up(&self, stranger: &Stranger) -> Option<Looked> {
        let identity = Identity::Psid(stranger.psid.clone());
        match self.parts.store.customer_with(stranger.business, identity).await {
            // Known, or forgotten meanwhile.
            Ok(known) if known.as_ref().is_none_or(|customer| customer.name.is_some()) => return None,
            Ok(_) => {}
            Err(why) => {
                tracing::warn!(sender.id = %stranger.sender, error = %why, "a customer could not be read");
                return Some(Looked::Failed);
            }
        }
        let speaker = self.parts.directory.now().sender(stranger.sender).cloned()?;
        let path = messenger::profile_path(stranger.psid.as_str());
        let called = self.parts.upstream.call(Method::GET, &path, &speaker.token, None).await;
        let looked = read(&called);
        if looked == Looked::Failed {
            tracing::info!(sender.id = %stranger.sender, tries = stranger.tries + 1, "a name could not be looked up");
        }
        Some(looked)
    }
}

fn read(called: &Called) -> Looked {
    let Called::Answer { status, body, .. } = called else { return Looked::Failed };
    if (200..300).contains(status) {
        return match messenger::parse_profile(body) {
            Ok(Some(name)) => Looked::Named(name),
            Ok(None) => Looked::Refused,
            Err(_) => Looked::Failed,
        };
    }
    let error = transom_meta::send::parse_error(body);
    match codes::classify(*status, error.as_ref()).class {
        Class::Throttle(_) => Looked::Throttled,
        Class::Upstream => Looked::Failed,
        // An operator's to mend: everybody would be refused until then.
        _ if error.as_ref().is_some_and(|error| error.code == TOKEN_INVALID) => Looked::Failed,
        // Whom the Page may not see, and who is not there: no asking helps.
        _ => Looked::Refused,
    }
}

/// The token is over (Meta: graph-api/guides/error-handling).
const TOKEN_INVALID: i64 = 190;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn stranger(psid: u32, sender: u128) -> Stranger {
        let psid = Psid::parse(&psid.to_string()).unwrap();
        Stranger { business: BusinessId(1), sender: SenderId(sender), psid, tries: 0, due: Timestamp::EPOCH }
    }

    #[test]
    fn answers_say_whether_asking_again_can_help() {
        let answer = |status, body: &str| read(&Called::answer(status, Bytes::from(body.to_owned())));
        let error = |code: i64| format!(r#"{{"error":{{"message":"x","type":"OAuthException","code":{code}}}}}"#);
        let named = |name: &str| Looked::Named(name.to_owned());
        assert_eq!(answer(200, r#"{"first_name":"Cleo","last_name":"Fox","id":"8"}"#), named("Cleo Fox"));
        assert_eq!(answer(200, r#"{"last_name":" Fox ","id":"8"}"#), named("Fox"));
        for nothing in [r#"{"id":"8"}"#, r#"{"first_name":"  ","id":"8"}"#] {
            assert_eq!(answer(200, nothing), Looked::Refused);
        }
        assert_eq!(answer(200, "<html>"), Looked::Failed);
        assert_eq!([10, 100, 200, 230].map(|code| answer(400, &error(code))), [const { Looked::Refused }; 4]);
        assert_eq!([4, 613].map(|code| answer(400, &error(code))), [const { Looked::Throttled }; 2]);
        assert_eq!(
            [answer(500, ""), answer(401, &error(190)), read(&Called::Lost(String::new()))],
            [const { Looked::Failed }; 3]
        );
    }

    #[test]
    fn everybody_is_asked_about_once_and_what_fails_a_few_times() {
        let mut book = Book::default();
        assert!(book.wonder(stranger(8, 1)) && !book.wonder(stranger(8, 1)) && book.wonder(stranger(9, 1)));
        let first = book.next(Timestamp::EPOCH).unwrap();
        assert!(!book.wonder(first.clone()), "the one under way too");
        // A throttled Page is left alone, and others are not.
        assert!(book.wonder(stranger(8, 2)) || book.wonder(stranger(10, 2)));
        book.rest(first, Timestamp::EPOCH);
        assert_eq!(book.next(Timestamp::EPOCH).map(|found| found.sender), Some(SenderId(2)));
        assert!(book.next(Timestamp::EPOCH).is_none());
        assert_eq!(book.due(), Some(Timestamp::EPOCH.plus(REST)));
        let mut found = book.next(Timestamp::EPOCH.plus(REST)).unwrap();
        let mut waits = Vec::new();
        loop {
            let psid = found.psid.clone();
            book.later(found, Timestamp::EPOCH);
            let Some(at) = book.waiting.iter().position(|waiting| waiting.psid == psid) else { break };
            found = book.waiting.remove(at).unwrap();
            waits.push(found.due.as_secs());
        }
        assert_eq!(waits, [15, 60, 240]);
        assert!(book.wonder(stranger(8, 1)), "when they write again");
    }

    #[test]
    fn a_flood_of_strangers_waits_in_bounds() {
        let mut book = Book::default();
        let taken = (1..3_000).filter(|psid| book.wonder(stranger(*psid, 1))).count();
        assert_eq!((taken, book.waiting.len(), book.asked.len()), (WAITING_MAX, WAITING_MAX, WAITING_MAX));
    }
}
