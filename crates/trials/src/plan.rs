//! The plan of a trial: who does what when, and what goes wrong. Made from a seed, and then a list: anything can be taken out of
//! it, and what is left still runs the same way.

use transom_domain::message::WhenUnknown;

use crate::dice::Dice;

/// Senders: the first two are the first business's, the third is the second's.
pub(crate) const SENDERS: usize = 3;
/// Customers; each may speak with every sender.
pub(crate) const CUSTOMERS: usize = 4;
/// Businesses, each with an endpoint per topic.
pub(crate) const BUSINESSES: usize = 2;
/// For how long things are done and go wrong, in milliseconds.
pub(crate) const ACTIVE: i64 = 150_000;

/// Whose a sender is.
#[must_use]
pub(crate) const fn business_of(sender: usize) -> usize {
    if sender < 2 { 0 } else { 1 }
}

/// What a trial does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where all chance comes from.
    pub seed: u64,
    /// What is done, by its time.
    pub acts: Vec<Act>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// Something that is done at a time.
#[derive(Debug, Clone, Copy)]
pub struct Act {
    /// Milliseconds after the beginning.
    pub at: i64,
    /// What.
    pub deed: Deed,
}

/// What is done.
#[derive(Debug, Clone, Copy)]
pub enum Deed {
    /// A business sends.
    Send(Send),
    /// A customer wrote to a sender, `ago` milliseconds ago; Meta tells of it now.
    Write {
        /// Who.
        customer: usize,
        /// To whom.
        sender: usize,
        /// How long ago.
        ago: i64,
    },
    /// A customer reads everything.
    Read {
        /// Who.
        customer: usize,
    },
    /// A customer's phone goes off or on.
    Online {
        /// Who.
        customer: usize,
        /// On.
        online: bool,
    },
    /// A customer stops marketing, or resumes it.
    OptOut {
        /// Who.
        customer: usize,
        /// Stops.
        out: bool,
    },
    /// Meta pauses a sender's marketing template, or lets it go on.
    Pause {
        /// Whose.
        sender: usize,
        /// Paused.
        paused: bool,
    },
    /// The business calls a message off.
    Cancel {
        /// The key of the send.
        key: u32,
    },
    /// The business looks a message up.
    Look {
        /// The key of the send.
        key: u32,
    },
}

/// A send.
#[derive(Debug, Clone, Copy)]
pub struct Send {
    /// Names it: the idempotency key, and the campaign under which its messages are found again.
    pub key: u32,
    /// Through whom.
    pub sender: usize,
    /// To whom.
    pub customer: usize,
    /// What.
    pub say: Say,
    /// When an answer is lost.
    pub when_unknown: WhenUnknown,
    /// Seconds that it is valid.
    pub validity: Option<i64>,
    /// Seconds until it is to go.
    pub delay: Option<i64>,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// A session message.
    Text,
    /// Content: in a session as it is, else as the utility template with the same words.
    Content,
    /// The utility template.
    Utility,
    /// The marketing template.
    Marketing,
}

/// The ways things go over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leg {
    /// From the gateway to Meta.
    Upstream,
    /// From Meta to the gateway.
    Webhook,
    /// From the gateway to an endpoint of a business.
    Endpoint,
    /// From a business to the gateway.
    Caller,
}

/// What goes wrong with one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// No connection is made.
    Unreachable,
    /// The request is lost on its way: the caller hears nothing, or that the connection broke.
    RequestLost,
    /// The request is taken, and the answer lost.
    AnswerLost,
    /// The request takes so many milliseconds longer on its way.
    SlowThere(i64),
    /// The answer takes so many milliseconds longer on its way.
    SlowBack(i64),
    /// It arrives twice, so many milliseconds apart.
    Twice(i64),
    /// Something in between answers 502; the request never arrived.
    Proxy,
    /// The request is taken, and 500 without a word is answered.
    Garbled,
    /// The other side refuses: for Meta its error code, for an endpoint HTTP 500.
    Refused(u32),
}

/// What goes wrong with one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskMishap {
    /// The store has too much to do; nothing is written.
    Busy,
    /// It and all behind it wait so many milliseconds.
    Slow(i64),
    /// It is made, and its caller hears so many milliseconds later.
    SlowAnswer(i64),
    /// The gateway ends before it is made, and starts again so many milliseconds later.
    EndsBefore(i64),
    /// The gateway ends after it is made and before anybody hears so, and starts again so many milliseconds later.
    EndsAfter(i64),
}

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The gateway.
    Gateway,
    /// The simulator.
    Meta,
}

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// With the n-th exchange of a leg.
    Exchange {
        /// Which leg.
        leg: Leg,
        /// Counted from 0; to Meta, [`nth_of_send`].
        nth: u64,
        /// What.
        mishap: Mishap,
    },
    /// With the n-th write.
    Disk {
        /// Counted from 0.
        nth: u64,
        /// What.
        mishap: DiskMishap,
    },
    /// A process ends at a time, and starts again.
    Ends {
        /// Which.
        who: Who,
        /// When, in milliseconds.
        at: i64,
        /// For how long it is away, in milliseconds.
        away: i64,
    },
    /// The gateway is not run for a while, and then goes on as if nothing had happened.
    Pauses {
        /// When, in milliseconds.
        at: i64,
        /// For how long, in milliseconds.
        lasts: i64,
    },
    /// A leg is broken for a while: every exchange has this mishap.
    Outage {
        /// Which leg.
        leg: Leg,
        /// When, in milliseconds.
        at: i64,
        /// For how long, in milliseconds.
        lasts: i64,
        /// What.
        mishap: Mishap,
    },
}

/// From here on exchanges with Meta are numbered that carry no message.
pub(crate) const UNNAMED: u64 = 1_000_000;

/// Exchanges with Meta of one send that have numbers of their own.
const TRIES: u64 = 8;

/// The number of an exchange with Meta that carries a message: by its send, so that it stays the same when other sends are taken
/// out of the plan.
pub(crate) fn nth_of_send(key: u32, before: u64) -> u64 {
    u64::from(key) * TRIES + before.min(TRIES - 1)
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let acts = acts(&mut dice);
        let faults = faults(&mut dice);
        Self { seed, acts, faults }
    }

    /// How much there is in it.
    #[must_use]
    pub fn size(&self) -> usize {
        self.acts.len() + self.faults.len()
    }
}

fn acts(dice: &mut Dice) -> Vec<Act> {
    let mut acts = Vec::new();
    let pair = |dice: &mut Dice| (dice.below(CUSTOMERS), dice.below(SENDERS));
    let mut known = Vec::new();
    // Most customers have written before anybody sends; some so long ago that the session ends meanwhile.
    for _ in 0..dice.between(3, 9) {
        let (customer, sender) = pair(dice);
        let ago = if dice.percent(30) { 86_400_000 - dice.between(-5_000, ACTIVE) } else { dice.between(0, 3_600_000) };
        let before = if dice.percent(70) { 3_000 } else { ACTIVE };
        let at = dice.between(0, before);
        acts.push(Act { at, deed: Deed::Write { customer, sender, ago } });
        known.push((customer, sender));
    }
    let sends = u32::try_from(dice.between(4, 20)).unwrap_or(4);
    for key in 0..sends {
        let stranger = pair(dice);
        let (customer, sender) = if dice.percent(80) { dice.pick(&known, stranger) } else { stranger };
        let say = dice.pick(&[Say::Text, Say::Text, Say::Content, Say::Content, Say::Utility, Say::Marketing], Say::Text);
        let when_unknown =
            dice.pick(&[WhenUnknown::Auto, WhenUnknown::Auto, WhenUnknown::Fail, WhenUnknown::Resend], WhenUnknown::Auto);
        let validity = dice.percent(20).then(|| dice.between(5, 120));
        let delay = dice.percent(15).then(|| dice.between(1, 90));
        let at = if dice.percent(40) { dice.between(3_000, 6_000) } else { dice.between(0, ACTIVE) };
        acts.push(Act { at, deed: Deed::Send(Send { key, sender, customer, say, when_unknown, validity, delay }) });
        for _ in 0..dice.below(3) {
            acts.push(Act { at: (at + dice.between(0, 60_000)).min(ACTIVE), deed: Deed::Look { key } });
        }
        if dice.percent(8) {
            acts.push(Act { at: (at + dice.between(0, 20_000)).min(ACTIVE), deed: Deed::Cancel { key } });
        }
    }
    for _ in 0..dice.below(8) {
        let (customer, sender) = pair(dice);
        let deed = match dice.below(5) {
            0 => Deed::Read { customer },
            1 => Deed::Online { customer, online: dice.percent(50) },
            2 => Deed::OptOut { customer, out: dice.percent(70) },
            3 => Deed::Pause { sender, paused: dice.percent(70) },
            _ => Deed::Write { customer, sender, ago: 0 },
        };
        acts.push(Act { at: dice.between(0, ACTIVE), deed });
    }
    acts.sort_by_key(|act| act.at);
    acts
}

fn faults(dice: &mut Dice) -> Vec<Fault> {
    let mut faults = Vec::new();
    // Some trials are calm in one part and wild in another: which faults go together is what finds things.
    for leg in [Leg::Upstream, Leg::Webhook, Leg::Endpoint, Leg::Caller] {
        for _ in 0..if dice.percent(25) { 0 } else { dice.below(7) } {
            let nth = match leg {
                Leg::Upstream if dice.percent(10) => UNNAMED + dice.below(6) as u64,
                Leg::Upstream => nth_of_send(u32::try_from(dice.below(20)).unwrap_or(0), u64::from(dice.percent(25))),
                _ => dice.below(40) as u64,
            };
            let mishap = mishap(dice, leg);
            faults.push(Fault::Exchange { leg, nth, mishap });
        }
        if dice.percent(15) {
            let (at, lasts, mishap) = (dice.between(0, ACTIVE), dice.between(500, 60_000), mishap(dice, leg));
            faults.push(Fault::Outage { leg, at, lasts, mishap });
        }
    }
    for _ in 0..if dice.percent(30) { 0 } else { dice.below(8) } {
        let away = dice.between(10, 20_000);
        let mishap = match dice.below(8) {
            0 | 1 => DiskMishap::Busy,
            2 => DiskMishap::Slow(dice.between(10, 10_000)),
            3 => DiskMishap::SlowAnswer(dice.between(10, 10_000)),
            4 | 5 => DiskMishap::EndsBefore(away),
            _ => DiskMishap::EndsAfter(away),
        };
        faults.push(Fault::Disk { nth: dice.below(120) as u64, mishap });
    }
    for who in [Who::Gateway, Who::Meta] {
        for _ in 0..dice.below(3) {
            let (at, away) =
                (dice.between(0, ACTIVE), if dice.percent(20) { dice.between(20_000, 120_000) } else { dice.between(10, 5_000) });
            faults.push(Fault::Ends { who, at, away });
        }
    }
    if dice.percent(25) {
        faults.push(Fault::Pauses { at: dice.between(0, ACTIVE), lasts: dice.between(100, 90_000) });
    }
    faults
}

fn mishap(dice: &mut Dice, leg: Leg) -> Mishap {
    let long = if dice.percent(30) { dice.between(2_000, 40_000) } else { dice.between(50, 2_000) };
    match (leg, dice.below(8)) {
        (Leg::Webhook, 0 | 1) => Mishap::Twice(long),
        (Leg::Upstream, 0) => Mishap::Refused(dice.pick(&[131_016, 131_000, 130_429, 131_056, 190, 131_047, 132_015], 131_016)),
        (Leg::Endpoint, 0) => Mishap::Refused(500),
        (_, 0 | 1) => Mishap::Unreachable,
        (_, 2) => Mishap::RequestLost,
        (_, 3) => Mishap::AnswerLost,
        (_, 4) => Mishap::SlowThere(long),
        (_, 5) => Mishap::SlowBack(long),
        (_, 6) => Mishap::Proxy,
        _ => Mishap::Garbled,
    }
}
