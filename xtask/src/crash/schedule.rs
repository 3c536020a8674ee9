//! The schedule: which process is killed when, and what else goes wrong meanwhile. Made from a seed alone, so that a run can be
//! ordered again; when exactly each thing meets the processes depends on the machine.

use std::time::Duration;

/// What can go wrong besides kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// A call is carried out, and the connection ends before its answer.
    LostAnswer,
    /// The connection ends before the call is carried out.
    LostCall,
    /// A call is carried out, and a proxy's bare 502 page comes back.
    BadGateway,
    /// A call is carried out, and its answer comes after the caller has given up.
    Silent,
    /// A call is carried out late.
    Slow,
    /// HTTP 400 with 130429: too fast for this number.
    Throttle,
    /// HTTP 400 with 131056: too fast for this customer.
    PairThrottle,
    /// HTTP 500 or 503 with an error object of Meta's.
    ServerError,
    /// Webhooks come twice.
    WebhookTwice,
    /// Webhooks overtake each other.
    WebhookReorder,
    /// Webhooks are lost on their way, and tried again.
    WebhookDrop,
    /// Webhooks come late.
    WebhookLate,
    /// The business's endpoint answers 500.
    EndpointFails,
    /// The business's endpoint answers late.
    EndpointSlow,
    /// The business's endpoint takes the event and never answers.
    EndpointSilent,
    /// The gateway stands still, all of it.
    GatewayStalled,
    /// The simulator stands still.
    SimulatorStalled,
    /// Another program holds the store's file: the writer waits.
    WriterHeld,
    /// The gateway's files may not grow: writes fail with "file too large".
    WriteFails,
    /// The disk is full.
    DiskFull,
    /// PostgreSQL is killed, and started again.
    StoreKilled,
    /// The upstream's clock jumps forward, away from the gateway's.
    ClockTurned,
}

impl Fault {
    /// Every fault, in the order of the report.
    pub(crate) const ALL: [Self; 22] = [
        Self::LostAnswer,
        Self::LostCall,
        Self::BadGateway,
        Self::Silent,
        Self::Slow,
        Self::Throttle,
        Self::PairThrottle,
        Self::ServerError,
        Self::WebhookTwice,
        Self::WebhookReorder,
        Self::WebhookDrop,
        Self::WebhookLate,
        Self::EndpointFails,
        Self::EndpointSlow,
        Self::EndpointSilent,
        Self::GatewayStalled,
        Self::SimulatorStalled,
        Self::WriterHeld,
        Self::WriteFails,
        Self::DiskFull,
        Self::StoreKilled,
        Self::ClockTurned,
    ];

    /// The name in `--faults` and in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LostAnswer => "lost-answer",
            Self::LostCall => "lost-call",
            Self::BadGateway => "bad-gateway",
            Self::Silent => "silent",
            Self::Slow => "slow",
            Self::Throttle => "throttle",
            Self::PairThrottle => "pair-throttle",
            Self::ServerError => "server-error",
            Self::WebhookTwice => "webhook-twice",
            Self::WebhookReorder => "webhook-reorder",
            Self::WebhookDrop => "webhook-drop",
            Self::WebhookLate => "webhook-late",
            Self::EndpointFails => "endpoint-fails",
            Self::EndpointSlow => "endpoint-slow",
            Self::EndpointSilent => "endpoint-silent",
            Self::GatewayStalled => "gateway-stalled",
            Self::SimulatorStalled => "simulator-stalled",
            Self::WriterHeld => "writer-held",
            Self::WriteFails => "write-fails",
            Self::DiskFull => "disk-full",
            Self::StoreKilled => "store-killed",
            Self::ClockTurned => "clock-turned",
        }
    }

    /// What it is, for the report.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::LostAnswer => "carried out, connection ended before the answer (a third of the calls)",
            Self::LostCall => "connection ended before it was carried out (a third)",
            Self::BadGateway => "carried out, answered with a proxy's bare 502 page (a third)",
            Self::Silent => "carried out, answered after the caller has given up (a quarter)",
            Self::Slow => "carried out and answered 0.7 s late (half)",
            Self::Throttle => "HTTP 400 with 130429 (half)",
            Self::PairThrottle => "HTTP 400 with 131056 (a quarter)",
            Self::ServerError => "HTTP 500 with 131000 or 131016 (half)",
            Self::WebhookTwice => "the upstream's webhooks come twice (half)",
            Self::WebhookReorder => "they overtake each other (half)",
            Self::WebhookDrop => "they are lost and tried again (half)",
            Self::WebhookLate => "they come 1.5 s late (half)",
            Self::EndpointFails => "the business's endpoint answers 500 (a third)",
            Self::EndpointSlow => "it answers 0.5 s late",
            Self::EndpointSilent => "it takes events and does not answer",
            Self::GatewayStalled => "SIGSTOP for 10 s: its writer, and all else of it, stands still",
            Self::SimulatorStalled => "SIGSTOP for 10 s: a silent upstream",
            Self::WriterHeld => "another process holds SQLite's write lock for 10 s",
            Self::WriteFails => "RLIMIT_FSIZE below the log's size: every write fails",
            Self::DiskFull => "the file system of the gateway's folder has no space left",
            Self::StoreKilled => "`kill -9` of PostgreSQL, started again 0.5 to 3 s later",
            Self::ClockTurned => "the upstream's clock jumps 5 to 60 s ahead",
        }
    }

    /// Whether a house whose store is on PostgreSQL, or in its folder, can meet it.
    pub(crate) const fn meets(self, postgres: bool) -> bool {
        match self {
            Self::WriterHeld | Self::WriteFails | Self::DiskFull => !postgres,
            Self::StoreKilled => postgres,
            _ => true,
        }
    }

    /// The fault of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    const fn track(self) -> Track {
        match self {
            Self::EndpointFails | Self::EndpointSlow | Self::EndpointSilent => Track::Endpoint,
            Self::GatewayStalled
            | Self::SimulatorStalled
            | Self::WriterHeld
            | Self::WriteFails
            | Self::DiskFull
            | Self::StoreKilled
            | Self::ClockTurned => Track::Machine,
            _ => Track::Upstream,
        }
    }

    /// How long it lasts, in milliseconds: from, and up to.
    const fn lasts(self) -> (u64, u64) {
        match self {
            Self::GatewayStalled | Self::SimulatorStalled | Self::WriterHeld => (10_000, 10_000),
            Self::WriteFails | Self::DiskFull | Self::StoreKilled => (500, 3_000),
            Self::ClockTurned => (0, 0),
            Self::EndpointSilent => (500, 1_500),
            _ => (1_000, 4_000),
        }
    }
}

/// Faults of one track come one after another; tracks run beside each other, and beside the kills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Track {
    /// What the upstream does.
    Upstream,
    /// What the business's endpoint does.
    Endpoint,
    /// What the machine does.
    Machine,
}

impl Track {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Upstream, Self::Endpoint, Self::Machine];

    /// Milliseconds between the end of one fault and the next: from, and up to. Stalls are rare enough that the unknown of one
    /// is settled before the next.
    const fn gap(self) -> (u64, u64) {
        match self {
            Self::Upstream => (500, 3_000),
            Self::Endpoint => (5_000, 15_000),
            Self::Machine => (15_000, 35_000),
        }
    }
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whom {
    /// `transom serve`.
    Gateway,
    /// `transom simulate`.
    Simulator,
    /// Both at once.
    Both,
}

/// One kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kill {
    /// How long after the one before has come back.
    pub(crate) after: Duration,
    /// Who.
    pub(crate) whom: Whom,
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spell {
    /// How long after the one before of its track.
    pub(crate) after: Duration,
    /// What.
    pub(crate) fault: Fault,
    /// How long it lasts.
    pub(crate) lasts: Duration,
    /// A number of its own, for what else it needs.
    pub(crate) seed: u64,
}

/// Dice that fall the same for the same seed (SplitMix64, Steele and others 2014).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Dice for one purpose.
    pub(crate) const fn new(seed: u64, purpose: u64) -> Self {
        Self(seed ^ purpose.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }

    /// The next number.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `from` to `to`, both included.
    pub(crate) const fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from + 1)
    }

    fn millis(&mut self, (from, to): (u64, u64)) -> Duration {
        Duration::from_millis(self.between(from, to))
    }
}

/// Kills without end: the gateway in half of them, the simulator in a third, both in the rest.
pub(crate) fn kills(seed: u64) -> impl Iterator<Item = Kill> {
    let mut dice = Dice::new(seed, 1);
    std::iter::repeat_with(move || {
        let whom = match dice.between(1, 6) {
            1..=3 => Whom::Gateway,
            4 | 5 => Whom::Simulator,
            _ => Whom::Both,
        };
        Kill { after: dice.millis((50, 1_450)), whom }
    })
}

/// Faults of one track without end, among those wanted; none at all where none of the track is.
pub(crate) fn spells(seed: u64, track: Track, wanted: &[Fault]) -> impl Iterator<Item = Spell> + use<> {
    let mut dice = Dice::new(seed, 2 + track as u64);
    // What a run on PostgreSQL is for comes twice as often as the others of its track.
    let times = |fault: &Fault| if *fault == Fault::StoreKilled { 2 } else { 1 };
    let of_track = wanted.iter().filter(|fault| fault.track() == track);
    let mut among: Vec<Fault> = of_track.flat_map(|fault| std::iter::repeat_n(*fault, times(fault))).collect();
    among.sort_unstable();
    std::iter::from_fn(move || {
        let last = u64::try_from(among.len()).ok()?.checked_sub(1)?;
        let fault = *among.get(usize::try_from(dice.between(0, last)).ok()?)?;
        Some(Spell { after: dice.millis(track.gap()), fault, lasts: dice.millis(fault.lasts()), seed: dice.next() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_schedule_and_another_another() {
        let order = |seed| {
            let spells: Vec<Spell> = Track::ALL.iter().flat_map(|t| spells(seed, *t, &Fault::ALL).take(50)).collect();
            (kills(seed).take(200).collect::<Vec<_>>(), spells)
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
    }

    #[test]
    fn everybody_is_killed_and_every_fault_comes() {
        let killed: Vec<Whom> = kills(1).take(200).map(|kill| kill.whom).collect();
        for (whom, least) in [(Whom::Gateway, 80), (Whom::Simulator, 45), (Whom::Both, 20)] {
            assert!(killed.iter().filter(|k| **k == whom).count() >= least, "{whom:?}");
        }
        let come: Vec<Fault> =
            Track::ALL.iter().flat_map(|t| spells(1, *t, &Fault::ALL).take(200)).map(|spell| spell.fault).collect();
        assert!(Fault::ALL.iter().all(|fault| come.contains(fault)));
    }

    #[test]
    fn only_what_is_wanted_comes() {
        assert!(spells(1, Track::Machine, &[Fault::Slow]).next().is_none());
        assert!(spells(1, Track::Upstream, &[Fault::Slow]).take(9).all(|spell| spell.fault == Fault::Slow));
        assert_eq!(Fault::named("disk-full"), Some(Fault::DiskFull));
        assert_eq!(Fault::named("flood"), None);
    }
}
