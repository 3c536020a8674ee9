//! A send: everything is said at once; no webhook ever says that a message failed.

use transom_domain::{Span, Timestamp};

use super::{HUMAN_AGENT, Message, Person, Stage, Step, WINDOW};
use crate::graph::error::GraphError;
use crate::graph::messenger::{Action, Request};
use crate::world::media::is_unfetchable;
use crate::world::{Now, World};

/// Calls per second of a Page: text, and audio or video (Meta: messenger-platform/overview, rate limiting).
const PER_SECOND: u32 = 300;
const SLOW_PER_SECOND: u32 = 10;
/// Counts audio and video apart from the rest; no id comes near it.
const SLOW: u64 = 1 << 60;
/// The typing indicator ends by itself: send-messages/sender-actions.
const TYPING: Span = Span::secs(20);

/// What the answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) mid: String,
    /// The attachment, where it was to be kept.
    pub(crate) saved: Option<u64>,
}

fn no_such_person() -> GraphError {
    GraphError::graph(100, 400, "No matching user found").with_subcode(2_018_001)
}

impl World {
    fn person_of(&self, page: u64, id: &str) -> Result<&Person, GraphError> {
        let person = id.parse().ok().and_then(|id: u64| self.messenger.people.get(&id));
        let person = person.filter(|person| person.page == page).ok_or_else(no_such_person)?;
        if person.blocked {
            return Err(GraphError::graph(551, 400, "This person isn't available right now."));
        }
        Ok(person)
    }

    /// Takes a message, or says what is wrong with it.
    pub(crate) fn page_sends(&mut self, now: Now, page: u64, request: Request) -> Result<Accepted, GraphError> {
        let rate = |what: &str| GraphError::graph(613, 400, format!("Calls to this api have exceeded the rate limit: {what}."));
        if !self.throughput.admit(page, now.machine_second, PER_SECOND) {
            return Err(rate("300 a second"));
        }
        if request.said.slow && !self.throughput.admit(page | SLOW, now.machine_second, SLOW_PER_SECOND) {
            return Err(rate("10 audios and videos a second"));
        }
        let person = self.person_of(page, &request.to)?;
        let open = person.within(now.world, WINDOW) || (request.human && person.within(now.world, HUMAN_AGENT));
        if !open {
            return Err(GraphError::graph(10, 403, "This message is sent outside of allowed window.").with_subcode(2_018_278));
        }
        let person = person.id;
        let known =
            |id: &String| self.messenger.pages.get(&page).is_some_and(|p| id.parse().is_ok_and(|id| p.saved.contains(&id)));
        if let Some(unknown) = request.said.saved.iter().find(|id| !known(id)) {
            return Err(GraphError::graph(100, 400, format!("The attachment {unknown} does not exist, or has expired.")));
        }
        if request.said.links.iter().any(|link| is_unfetchable(link)) {
            return Err(GraphError::graph(100, 400, "Upload attachment failure.").with_subcode(2_018_047));
        }
        if let Some(quoted) = &request.reply_to
            && self.messenger.by_mid(quoted).is_none_or(|message| message.person != person)
        {
            return Err(GraphError::graph(100, 400, "Param reply_to['mid'] is not a message of this conversation."));
        }
        let saved = if request.said.reusable { Some(self.save_attachment(page)) } else { None };
        let (seq, mid) = self.fresh_mid();
        let soon = self.settings.sent_after_ms.saturating_add(self.chance.between(0, 5));
        let message = Message {
            seq,
            mid: mid.clone(),
            outbound: true,
            page,
            person,
            kind: request.said.kind,
            shown: request.said.shown,
            taps: request.said.taps,
            metadata: request.metadata,
            quotes: request.reply_to,
            at: now.world.as_millis(),
            stage: Stage::Sent,
            next: Some((Step::Echo, now.world.plus(Span::millis(soon)).as_millis())),
            by_hand: false,
            edits: 0,
            reaction: None,
        };
        if let Some(person) = self.messenger.people.get_mut(&person)
            && person.typing_until.take().is_some()
        {
            let id = person.id;
            self.keep_person(id);
        }
        self.take_page_message(message);
        Ok(Accepted { mid, saved })
    }

    /// Keeps an attachment under an id.
    pub(crate) fn save_attachment(&mut self, page: u64) -> u64 {
        let id = self.fresh_id();
        if let Some(page) = self.messenger.pages.get_mut(&page) {
            page.saved.push(id);
        }
        self.keep_page(page);
        id
    }

    /// Something that shows on the phone without being a message.
    pub(crate) fn page_acts(&mut self, now: Now, page: u64, to: &str, action: Action) -> Result<(), GraphError> {
        let person = self.person_of(page, to)?.id;
        if let Some(person) = self.messenger.people.get_mut(&person) {
            let at = now.world;
            match action {
                Action::MarkSeen => person.seen = Some(at.as_millis()),
                Action::Typing(on) => person.typing_until = on.then(|| at.plus(TYPING).as_millis()),
            }
        }
        self.keep_person(person);
        Ok(())
    }

    /// A message goes one step on.
    pub(crate) fn page_step(&mut self, now: Now, seq: u64, step: Step) {
        let Some(message) = self.messenger.messages.get(&seq) else { return };
        if message.next.is_none_or(|(next, _)| next != step) {
            return;
        }
        let person = message.person;
        let (online, auto_read) = self.messenger.people.get(&person).map_or((false, false), |p| (p.online, p.auto_read));
        match step {
            Step::Echo => {
                self.tell_echo(now, seq);
                let later = self.settings.delivered_after_ms.saturating_add(self.chance.between(0, 10));
                let due = now.world.plus(Span::millis(later)).as_millis();
                // Of a person who is offline nothing is heard till they are back.
                self.change_page_message(seq, |message| message.next = online.then_some((Step::Deliver, due)));
            }
            Step::Deliver if !online => self.change_page_message(seq, |message| message.next = None),
            Step::Deliver => self.page_delivers(now, seq, auto_read),
            Step::Read => {
                self.page_is_read(now, person, Some(seq));
            }
        }
    }

    pub(super) fn page_delivers(&mut self, now: Now, seq: u64, auto_read: bool) {
        let due = now.world.plus(Span::millis(60)).as_millis();
        self.change_page_message(seq, |message| {
            message.stage = message.stage.max(Stage::Delivered);
            message.next = auto_read.then_some((Step::Read, due));
        });
        // As it may happen at Meta: a read comes without it.
        if !self.settings.skip_delivered {
            self.tell_delivery(now, seq);
        }
    }

    /// The person reads up to a message, or all; answers how many became read.
    pub(crate) fn page_is_read(&mut self, now: Now, person: u64, until: Option<u64>) -> usize {
        let inbox: Vec<u64> = self.messenger.inbox.get(&person).map(|inbox| inbox.iter().copied().collect()).unwrap_or_default();
        let limit = until.and_then(|seq| self.messenger.messages.get(&seq)).map_or(i64::MAX, |message| message.at);
        let unread: Vec<u64> = inbox
            .into_iter()
            .filter(|seq| {
                let message = self.messenger.messages.get(seq);
                message.is_some_and(|m| m.outbound && m.stage == Stage::Delivered && m.at <= limit)
            })
            .collect();
        let Some(watermark) = unread.iter().filter_map(|seq| self.messenger.messages.get(seq)).map(|m| m.at).max() else {
            return 0;
        };
        for seq in &unread {
            self.change_page_message(*seq, |message| {
                message.stage = Stage::Read;
                message.next = None;
            });
        }
        self.tell_read(now, person, Timestamp::from_millis(watermark));
        unread.len()
    }
}
