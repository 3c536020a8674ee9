//! Who does what among many replicas: of all that run on one store exactly one speaks for a sender, tells a webhook endpoint, or does a
//! duty of the house.
//!
//! Nobody decides for the others. Each replica works out [`shares_of`] from the same rows, gives back what is another's ([`Change`]) and
//! takes what is its own once it is free. Where two see different rows for a moment, what they disagree about stays where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::id::{EndpointId, SenderId};

/// Names a replica, from its enrolment until it leaves or loses its lease; a new one each time, so that whoever has lost its lease is
/// never taken for one that has it. Also the owner of the attempts that it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId(pub u64);

impl ReplicaId {
    /// Nobody: what was given back and not taken yet.
    pub const NOBODY: Self = Self(0);
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Work of the house that is nobody's request, and is done by one replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Duty {
    /// Decides about lost answers whose wait is over.
    Unknowns,
    /// Ends messages that waited past their validity.
    Expiry,
    /// Tells what becomes of sessions as time goes by.
    Sessions,
    /// Erases customers.
    Erasing,
    /// Removes what is past its keep.
    Sweeping,
    /// Reads templates from Meta.
    Templates,
    /// Reads limits of numbers from Meta.
    Limits,
    /// Asks Meta whether a stopped sender is mended.
    Mending,
    /// Asks Meta for statuses that never came.
    Asking,
    /// Fetches files that customers sent.
    Fetching,
    /// Hears raw webhooks again where somebody asked for it.
    Rehearing,
}

impl Duty {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Unknowns,
        Self::Expiry,
        Self::Sessions,
        Self::Erasing,
        Self::Sweeping,
        Self::Templates,
        Self::Limits,
        Self::Mending,
        Self::Asking,
        Self::Fetching,
        Self::Rehearing,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknowns => "unknowns",
            Self::Expiry => "expiry",
            Self::Sessions => "sessions",
            Self::Erasing => "erasing",
            Self::Sweeping => "sweeping",
            Self::Templates => "templates",
            Self::Limits => "limits",
            Self::Mending => "mending",
            Self::Asking => "asking",
            Self::Fetching => "fetching",
            Self::Rehearing => "rehearing",
        }
    }
}

/// What one replica holds at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// Speaks for a sender: its pace, its queue, its attempts.
    Sender(SenderId),
    /// Tells a webhook endpoint.
    Endpoint(EndpointId),
    /// A duty of the house.
    Duty(Duty),
}

impl Thing {
    /// The kind as the store and the command line say it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sender(_) => "sender",
            Self::Endpoint(_) => "endpoint",
            Self::Duty(_) => "duty",
        }
    }

    /// What names it within its kind, in 16 bytes: an id, or the place of a duty in [`Duty::ALL`].
    #[must_use]
    pub fn key(&self) -> [u8; 16] {
        match self {
            Self::Sender(id) => id.to_bytes(),
            Self::Endpoint(id) => id.to_bytes(),
            Self::Duty(duty) => {
                let place = Duty::ALL.iter().position(|one| one == duty).unwrap_or_default();
                (place as u128).to_be_bytes()
            }
        }
    }

    /// Reads back what [`Thing::kind`] and [`Thing::key`] say; none for a word or a duty that this program does not know.
    #[must_use]
    pub fn named(kind: &str, key: [u8; 16]) -> Option<Self> {
        match kind {
            "sender" => Some(Self::Sender(SenderId::from_bytes(key))),
            "endpoint" => Some(Self::Endpoint(EndpointId::from_bytes(key))),
            "duty" => {
                let place = usize::try_from(u128::from_be_bytes(key)).ok()?;
                Duty::ALL.get(place).copied().map(Self::Duty)
            }
            _ => None,
        }
    }

    const fn of_kind(&self) -> u8 {
        match self {
            Self::Sender(_) => 0,
            Self::Endpoint(_) => 1,
            Self::Duty(_) => 2,
        }
    }

    /// What it weighs at a replica: rendezvous hashing. The same in every process and version.
    fn weight(&self, replica: ReplicaId) -> u64 {
        let key = u128::from_be_bytes(self.key());
        let (high, low) = ((key >> 64) as u64, key as u64);
        [u64::from(self.of_kind()), high, low, replica.0].into_iter().fold(0, |sum, part| mixed(sum ^ part))
    }
}

/// Spreads 64 bits over 64 bits (the finalizer of SplitMix64).
const fn mixed(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A replica as the others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Names it.
    pub id: ReplicaId,
    /// Its lease is not over.
    pub live: bool,
    /// It takes nothing more, and gives back what it has.
    pub draining: bool,
}

/// Whose each thing is. Of each kind nobody has more than an even share and an eighth of it: each thing goes to the replica at which it
/// weighs most among those that have room, so that who comes or goes moves little but what becomes its own or was.
#[must_use]
pub fn shares_of(things: &BTreeSet<Thing>, peers: &[Peer]) -> BTreeMap<Thing, ReplicaId> {
    let takers: Vec<ReplicaId> = peers.iter().filter(|peer| peer.live && !peer.draining).map(|peer| peer.id).collect();
    let mut shares = BTreeMap::new();
    if takers.is_empty() {
        return shares;
    }
    for kind in 0..3 {
        let of_kind: Vec<Thing> = things.iter().filter(|thing| thing.of_kind() == kind).copied().collect();
        let room = of_kind.len().div_ceil(takers.len()) + of_kind.len() / (8 * takers.len());
        let mut held: BTreeMap<ReplicaId, usize> = BTreeMap::new();
        // All pairs, the heaviest first: a thing displaces no other from where that one weighs more.
        let pairs = of_kind.iter().flat_map(|thing| takers.iter().map(|id| (thing.weight(*id), *thing, *id)));
        let mut pairs: Vec<(u64, Thing, ReplicaId)> = pairs.collect();
        pairs.sort_unstable_by(|one, other| other.cmp(one));
        for (_, thing, replica) in pairs {
            let held = held.entry(replica).or_default();
            if *held < room && !shares.contains_key(&thing) {
                *held += 1;
                shares.insert(thing, replica);
            }
        }
    }
    shares
}

/// What one replica has to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Another's, or there no more, and held by its row or in memory: to be given back once what is under way has ended.
    pub give_back: BTreeSet<Thing>,
    /// Its own, and free: never held, given back, or of one whose lease is over.
    pub take: BTreeSet<Thing>,
}

impl Change {
    /// What `me` has to change, where `held` says who has what and `mine` what it has itself.
    #[must_use]
    pub fn of(
        me: ReplicaId,
        peers: &[Peer],
        things: &BTreeSet<Thing>,
        held: &BTreeMap<Thing, ReplicaId>,
        mine: &BTreeSet<Thing>,
    ) -> Self {
        let shares = shares_of(things, peers);
        let live: BTreeSet<ReplicaId> = peers.iter().filter(|peer| peer.live).map(|peer| peer.id).collect();
        let leaves = peers.iter().any(|peer| peer.id == me && peer.draining);
        let is_mine = |thing: &Thing| !leaves && shares.get(thing) == Some(&me);
        let is_free = |thing: &Thing| held.get(thing).is_none_or(|by| *by == me || !live.contains(by));
        // What its row says and its memory does not is given back too: else nobody would ever take it from one that is there.
        let by_row = held.iter().filter(|(_, by)| **by == me).map(|(thing, _)| thing);
        Self {
            give_back: mine.iter().chain(by_row).filter(|thing| !is_mine(thing)).copied().collect(),
            take: things.iter().filter(|thing| is_mine(thing) && is_free(thing) && !mine.contains(thing)).copied().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn things(senders: u64, endpoints: u64) -> BTreeSet<Thing> {
        let id = |n: u64| (u128::from(mixed(n)) << 64) | u128::from(mixed(n + 1));
        let senders = (0..senders).map(|n| Thing::Sender(SenderId(id(n))));
        let endpoints = (0..endpoints).map(|n| Thing::Endpoint(EndpointId(id(n + 7_000_000))));
        senders.chain(endpoints).chain(Duty::ALL.map(Thing::Duty)).collect()
    }

    fn peers(count: u64) -> Vec<Peer> {
        (1..=count).map(|n| Peer { id: ReplicaId(mixed(n)), live: true, draining: false }).collect()
    }

    fn moved(one: &BTreeMap<Thing, ReplicaId>, other: &BTreeMap<Thing, ReplicaId>) -> usize {
        one.iter().filter(|(thing, replica)| other.get(thing) != Some(replica)).count()
    }

    #[test]
    fn what_names_a_thing_reads_back() {
        for thing in things(3, 3) {
            assert_eq!(Thing::named(thing.kind(), thing.key()), Some(thing));
        }
        assert_eq!(Thing::named("duty", 999u128.to_be_bytes()), None);
        assert_eq!(Thing::named("moon", [0; 16]), None);
    }

    #[test]
    fn few_things_are_spread_one_each() {
        let shares = shares_of(&things(3, 0), &peers(3));
        let of_senders: BTreeSet<_> = shares.iter().filter(|(thing, _)| thing.of_kind() == 0).map(|(_, by)| *by).collect();
        assert_eq!(of_senders.len(), 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn each_thing_has_one_holder_and_shares_are_even(senders in 0u64..400, endpoints in 0u64..100, count in 1u64..8) {
            let (things, peers) = (things(senders, endpoints), peers(count));
            let shares = shares_of(&things, &peers);
            prop_assert!(shares.keys().eq(&things));
            for kind in 0..3 {
                let all = things.iter().filter(|thing| thing.of_kind() == kind).count();
                let most = all.div_ceil(peers.len()) + all / (8 * peers.len());
                for peer in &peers {
                    let held = shares.iter().filter(|(thing, by)| thing.of_kind() == kind && **by == peer.id).count();
                    prop_assert!(held <= most, "{} of {} at one of {}", held, all, peers.len());
                }
            }
        }

        #[test]
        fn who_comes_or_goes_moves_about_its_own_share(senders in 100u64..400, count in 2u64..8, gone in 0usize..8) {
            let things = things(senders, 0);
            let (all, mut fewer) = (peers(count), peers(count));
            fewer.remove(gone % all.len());
            let moved = moved(&shares_of(&things, &all), &shares_of(&things, &fewer));
            // Its own share, and what finds no room where it would go.
            prop_assert!(moved <= 2 * things.len() / all.len() + 8, "{} of {} among {}", moved, things.len(), all.len());
        }

        #[test]
        fn one_thing_more_moves_little(senders in 50u64..400, count in 2u64..8) {
            let peers = peers(count);
            let moved = moved(&shares_of(&things(senders, 0), &peers), &shares_of(&things(senders + 1, 0), &peers));
            prop_assert!(moved <= 4, "{}", moved);
        }

        /// Each replica does what it finds it has to do, in any order, one step of one replica at a time: it comes to rest, each thing
        /// has one holder, and at no moment two.
        #[test]
        fn whatever_comes_and_goes_all_is_held_once_in_the_end(
            steps in prop::collection::vec((0usize..4, any::<bool>(), any::<bool>()), 0..60),
            senders in 0u64..40,
        ) {
            let things = things(senders, 5);
            let mut peers = peers(4);
            let mut held: BTreeMap<Thing, ReplicaId> = BTreeMap::new();
            let step = |peers: &[Peer], held: &mut BTreeMap<Thing, ReplicaId>, at: usize| -> usize {
                let me = peers[at].id;
                if !peers[at].live {
                    return 0;
                }
                let mine = held.iter().filter(|(_, by)| **by == me).map(|(thing, _)| *thing).collect();
                let change = Change::of(me, peers, &things, held, &mine);
                for thing in &change.take {
                    let free = held.get(thing).is_none_or(|by| *by == ReplicaId::NOBODY || peers.iter().any(|p| p.id == *by && !p.live));
                    assert!(free, "{thing:?} has a holder");
                    held.insert(*thing, me);
                }
                for thing in &change.give_back {
                    held.insert(*thing, ReplicaId::NOBODY);
                }
                change.take.len() + change.give_back.len()
            };
            for (at, live, draining) in steps {
                peers[at].live = live;
                peers[at].draining = draining;
                step(&peers, &mut held, at);
            }
            peers[0] = Peer { live: true, draining: false, ..peers[0] };
            for _ in 0..4 {
                for at in 0..4 {
                    step(&peers, &mut held, at);
                }
            }
            prop_assert_eq!((0..4).map(|at| step(&peers, &mut held, at)).sum::<usize>(), 0);
            prop_assert_eq!(held.into_iter().collect::<BTreeMap<_, _>>(), shares_of(&things, &peers));
        }
    }
}
