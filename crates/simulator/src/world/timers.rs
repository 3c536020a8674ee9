//! What happens by itself: messages on their way, reviews, pauses that end, webhooks due again.

use transom_domain::{Span, Timestamp};

use super::customer::Flag;
use super::message::{Status, Step};
use super::{Now, Timer, World};
use crate::graph::content::Kind;

/// Timers fired under one lock at most, so that callers get their turn in between.
pub(crate) const BATCH: usize = 512;

/// From delivery to the reading of a customer who always reads.
const READ_AFTER: Span = Span::millis(60);

impl World {
    /// Fires what is due, at most a batch of it; answers how many there were.
    pub(crate) fn tick(&mut self, now: Now) -> usize {
        let mut fired = 0;
        while fired < BATCH {
            let Some((at, timer)) = self.timers.first().copied().filter(|(at, _)| *at <= now.world.as_millis()) else { break };
            self.timers.remove(&(at, timer));
            // It happens at its own time, however late it is fired: after a turn of the clock the whole chain falls due at once.
            let now = Now { world: Timestamp::from_millis(at), ..now };
            match timer {
                Timer::Message(seq, step) => self.step(now, seq, step),
                Timer::Review(id) => self.review_by_itself(now, id),
                Timer::Resume(id) => self.resume(now, id),
                Timer::Recategorise(id) => self.carry_out_recategorising(now, id),
                Timer::Forget(id) => self.forget_template(now, id),
                Timer::Webhook(id) => self.webhook_due(now, id),
                Timer::Messenger(seq, step) => self.page_step(now, seq, step),
            }
            fired += 1;
        }
        self.counts.timers_fired += fired as u64;
        fired
    }

    /// Takes a message one step on, unless it is no longer where the timer thought it was.
    fn step(&mut self, now: Now, seq: u64, step: Step) {
        let Some(message) = self.messages.get(seq) else { return };
        if message.progress.next.is_none_or(|(next, _)| next != step) {
            return;
        }
        match step {
            Step::Send => self.step_sent(now, seq),
            Step::Fail => self.step_failed(now, seq),
            Step::Deliver => self.deliver(now, seq),
            Step::Read => self.read_by_customer(now, seq),
        }
        self.let_templates_go(now, seq);
    }

    pub(super) fn change(&mut self, seq: u64, change: impl FnOnce(&mut super::message::Progress)) {
        if let Some(row) = self.messages.change(seq, change) {
            self.effects.changes.push(row);
        }
    }

    /// A template that was deleted may have waited for this message.
    fn let_templates_go(&mut self, now: Now, seq: u64) {
        let is_over = |status| !matches!(status, Status::Accepted | Status::Sent);
        if !self.leaving.is_empty() && self.messages.get(seq).is_none_or(|message| is_over(message.progress.status)) {
            self.message_ended(now, seq);
        }
    }

    fn step_failed(&mut self, now: Now, seq: u64) {
        self.change(seq, |progress| {
            progress.reach(Status::Failed, now.world);
            progress.next = None;
        });
        self.tell_status(now, seq);
    }

    fn step_sent(&mut self, now: Now, seq: u64) {
        let Some((kind, customer)) = self.messages.get(seq).map(|message| (message.body.kind, message.body.customer)) else {
            return;
        };
        let person = customer.and_then(|id| self.customers.get_mut(&id));
        if person.as_ref().is_some_and(|person| person.has(Flag::Blocked)) {
            self.change(seq, |progress| {
                progress.reach(Status::Sent, now.world);
                progress.next = None;
            });
            self.tell_status(now, seq);
            // Nobody is told any more of it, as of one whose time is over.
            self.change(seq, |progress| progress.reach(Status::Expired, now.world));
            self.let_templates_go(now, seq);
            return;
        }
        let is_online = person.as_ref().is_some_and(|person| person.online && !person.has(Flag::NotOnWhatsapp));
        let mut next = None;
        if kind == Kind::Reaction {
            // A reaction is only ever `sent`: Meta, messages/reaction-messages. It is on the phone all the same.
            if let Some(person) = person {
                person.remember(seq);
            }
        } else if is_online {
            let later = self.settings.delivered_after_ms.saturating_add(self.chance.between(0, 10));
            next = Some((Step::Deliver, now.world.plus(Span::millis(later)).as_millis()));
        } else if let Some(person) = person {
            person.waiting.push_back(seq);
        }
        self.change(seq, |progress| {
            progress.reach(Status::Sent, now.world);
            progress.next = next;
        });
        if let Some((step, due)) = next {
            self.timers.insert((due, Timer::Message(seq, step)));
        }
        self.tell_status(now, seq);
    }

    /// The message reaches the phone, unless its time is over: then nobody is told.
    pub(crate) fn deliver(&mut self, now: Now, seq: u64) {
        let Some(message) = self.messages.get(seq) else { return };
        if now.world >= Timestamp::from_millis(message.body.expires) {
            self.change(seq, |progress| {
                progress.reach(Status::Expired, now.world);
                progress.next = None;
            });
            return;
        }
        let Some(person) = message.body.customer.and_then(|id| self.customers.get_mut(&id)) else { return };
        if !person.online {
            person.waiting.push_back(seq);
            self.change(seq, |progress| progress.next = None);
            return;
        }
        person.remember(seq);
        let next = person.auto_read.then(|| (Step::Read, now.world.plus(READ_AFTER).as_millis()));
        let is_told = !self.settings.skip_delivered;
        self.change(seq, |progress| {
            progress.reach(Status::Delivered, now.world);
            progress.next = next;
            progress.priced = is_told;
        });
        if let Some((step, due)) = next {
            self.timers.insert((due, Timer::Message(seq, step)));
        }
        if is_told {
            self.tell_status(now, seq);
        }
    }

    /// The customer reads it.
    pub(crate) fn read_by_customer(&mut self, now: Now, seq: u64) {
        if self.messages.get(seq).is_none_or(|message| message.progress.status != Status::Delivered) {
            return;
        }
        self.change(seq, |progress| {
            progress.reach(Status::Read, now.world);
            progress.next = None;
        });
        self.tell_status(now, seq);
    }

    /// The phone is online again: what waited arrives.
    pub(crate) fn deliver_waiting(&mut self, now: Now, customer: u64) {
        let waiting = match self.customers.get_mut(&customer) {
            Some(person) if person.online => std::mem::take(&mut person.waiting),
            _ => return,
        };
        for seq in waiting {
            if self.messages.get(seq).is_some_and(|message| message.progress.status == Status::Sent) {
                self.deliver(now, seq);
                self.let_templates_go(now, seq);
            }
        }
    }
}
