//! What a round of an endpoint tells, in which order, and how far its cursor then is: decided before anything leaves.

use std::collections::BTreeMap;

use transom_domain::endpoint::Order;
use transom_domain::event::{Event, EventBody};
use transom_domain::id::{CustomerId, SenderId};
use transom_domain::time::Timestamp;
use transom_store::{Endpoint, EventReplay, RelayWork, Role, Waiting};

use super::follow::Leave;
use super::line::Asked;
use crate::native::payload::tells;
use crate::twilio::callback::book::Book;

/// Those of one conversation are told one after the other.
pub(super) type Conversation = Option<(SenderId, CustomerId)>;

/// Where a job comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// From behind the cursor: it has no row.
    Fresh,
    /// A delivery that waited; with its place in its conversation, or alone.
    Due,
    /// From a replay.
    Replayed,
}

/// One event to be told.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) event: Event,
    /// Tries so far.
    pub(super) tried: u32,
    pub(super) source: Source,
    /// It goes even while the endpoint is left alone.
    pub(super) by_hand: bool,
}

/// What is told one after the other.
#[derive(Debug)]
pub(super) struct Strand {
    /// Under which its rows keep their order.
    pub(super) conversation: Conversation,
    pub(super) jobs: Vec<Job>,
}

/// A round.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) strands: Vec<Strand>,
    /// Fresh events behind an outstanding one of their conversation.
    pub(super) held: Vec<Waiting>,
    /// Deliveries that nothing is to be done about any more.
    pub(super) over: Vec<u64>,
    /// Where the cursor is when all of this is recorded.
    pub(super) cursor: u64,
    /// The replay, and the positions of its events that this round takes; none when it is at its end.
    pub(super) replay: Option<(EventReplay, Vec<u64>)>,
}

/// Whether an endpoint wants an event; `book` says where callbacks of its business go.
pub(crate) fn wants(endpoint: &Endpoint, event: &Event, book: Option<&Book>) -> bool {
    let told = match &endpoint.role {
        // What the business wrote itself is told to those registrations that asked for it.
        Role::Published(registration) => {
            let echo = matches!(event.body, EventBody::MessageEchoed { .. });
            tells(registration.topic, event) && (registration.echo || !echo)
        }
        Role::Own(_) => true,
        Role::Callbacks => book.and_then(|book| book.target(event)).is_some_and(|target| target.is_at(&endpoint.address)),
    };
    told && endpoint.filter.fits(event)
}

/// A delivery that waits for a reason of ours.
pub(super) fn waits(position: u64, conversation: Conversation, due: Timestamp, why: &str) -> Waiting {
    Waiting { position, conversation, tried: 0, due: Some(due), attempt: None, answer: None, seen: why.to_owned() }
}

impl Plan {
    /// What to do of the work there is; `cursor` is where the worker is.
    pub(super) fn of(
        (endpoint, book): (&Endpoint, Option<&Book>),
        cursor: u64,
        mut work: RelayWork,
        leave: Leave,
        now: Timestamp,
    ) -> Self {
        let mut plan = Self { over: work.lost, cursor: work.looked_to.max(cursor), ..Self::default() };
        let key = |event: &Event| event.body.order_key().filter(|_| endpoint.role.order() == Order::Conversation);
        let one = leave != Leave::All;
        let by_hand = matches!(leave, Leave::ByHand(_));
        if let Leave::ByHand(Asked::Of(event)) = leave {
            work.due.sort_by_key(|due| due.event.id != event);
        }
        let mut sorted = Sorted::default();
        for due in work.due {
            let conversation = key(&due.event).filter(|_| due.ordered);
            if !one || sorted.count == 0 {
                sorted.add(conversation, Job { event: due.event, tried: due.tried, source: Source::Due, by_hand });
            }
        }
        for (event, held) in work.fresh {
            if !wants(endpoint, &event, book) {
                continue;
            }
            let position = event.position;
            if one && sorted.count > 0 {
                // It stays where it is, behind the cursor, until the endpoint is known to be back.
                plan.cursor = position - 1;
                break;
            }
            let conversation = key(&event);
            if held {
                plan.held.push(waits(position, conversation, now, "waits behind an earlier event"));
            } else {
                sorted.add(conversation, Job { event, tried: 0, source: Source::Fresh, by_hand });
            }
        }
        if let Some((replay, events)) = work.replay {
            plan.replay(&|event| wants(endpoint, event, book), replay, events, leave, &mut sorted, key);
        }
        plan.strands = sorted.strands();
        plan
    }

    fn replay(
        &mut self,
        wanted: &dyn Fn(&Event) -> bool,
        replay: EventReplay,
        events: Vec<Event>,
        leave: Leave,
        sorted: &mut Sorted,
        key: impl Fn(&Event) -> Conversation,
    ) {
        if events.is_empty() {
            self.replay = Some((replay, Vec::new()));
            return;
        }
        let (one, by_hand) = (leave != Leave::All, matches!(leave, Leave::ByHand(_)));
        let mut taken = Vec::new();
        for event in events {
            // What is yet to be told for the first time is told in its turn.
            let not_yet = event.position > self.cursor && !replay.given_up;
            if not_yet || (one && sorted.count > 0) {
                break;
            }
            taken.push(event.position);
            if replay.given_up || wanted(&event) {
                sorted.again(key(&event), Job { event, tried: 0, source: Source::Replayed, by_hand });
            }
        }
        if !taken.is_empty() {
            self.replay = Some((replay, taken));
        }
    }
}

/// Jobs by conversation; replayed ones apart, so that they neither hold back nor wait.
#[derive(Default)]
struct Sorted {
    count: usize,
    first: BTreeMap<(SenderId, CustomerId), Vec<Job>>,
    replayed: BTreeMap<(SenderId, CustomerId), Vec<Job>>,
    free: Vec<Job>,
}

impl Sorted {
    fn add(&mut self, conversation: Conversation, job: Job) {
        self.count += 1;
        match conversation {
            Some(key) => self.first.entry(key).or_default().push(job),
            None => self.free.push(job),
        }
    }

    fn again(&mut self, conversation: Conversation, job: Job) {
        self.count += 1;
        match conversation {
            Some(key) => self.replayed.entry(key).or_default().push(job),
            None => self.free.push(job),
        }
    }

    fn strands(self) -> Vec<Strand> {
        let ordered = self.first.into_iter().map(|(key, jobs)| Strand { conversation: Some(key), jobs });
        let free = self.free.into_iter().map(|job| Strand { conversation: None, jobs: vec![job] });
        let again = self.replayed.into_values().map(|jobs| Strand { conversation: None, jobs });
        ordered.chain(free).chain(again).collect()
    }
}
