//! People: who is known by which identity, since when and until when, and by what somebody is reached now.
//!
//! A claim says that one customer has, or had, one identity. Claims are joined by minima and maxima, so that any order and any
//! repetition of what is heard gives the same claims; what is present follows from them alone.
//!
//! The upstream makes a new user id whenever a person changes number (business-scoped-user-ids, "User changes phone number").
//! A number is therefore somebody's for as long as the user id that it was last seen with, whether or not the new one is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::address::{Bsuid, Channel, Identity, Phone};
use crate::time::Timestamp;

/// How an identity became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learnt {
    /// The customer spoke under it.
    Spoke,
    /// The customer shared it on being asked.
    Shared,
    /// The upstream told of a change.
    Changed,
    /// It stood in an answer or in a status.
    Reported,
    /// The business wrote to it.
    WrittenTo,
}

impl Learnt {
    /// Every way.
    pub const ALL: [Self; 5] = [Self::Spoke, Self::Shared, Self::Changed, Self::Reported, Self::WrittenTo];

    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spoke => "spoke",
            Self::Shared => "shared",
            Self::Changed => "changed",
            Self::Reported => "reported",
            Self::WrittenTo => "written_to",
        }
    }

    /// The way with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|how| how.as_str() == word)
    }
}

/// How it became known that two customers are one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Joined {
    /// The upstream named user ids of both as one person's.
    UserId,
    /// One was known by a number only, and the other turned out to have it.
    Phone,
    /// A change of number or of user id led from one to the other.
    Change,
    /// Somebody said so.
    ByHand,
}

impl Joined {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::UserId, Self::Phone, Self::Change, Self::ByHand];

    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserId => "user_id",
            Self::Phone => "phone",
            Self::Change => "change",
            Self::ByHand => "by_hand",
        }
    }

    /// The way with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.as_str() == word)
    }
}

/// One customer has, or had, one identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The identity as the upstream spells it, where it has said so.
    pub identity: Identity,
    /// When it was first known.
    pub since: Timestamp,
    /// When the customer last spoke under it; [`Timestamp::EPOCH`] when that was never seen.
    pub seen: Timestamp,
    /// As of when it is known to be the customer's no more.
    pub until: Option<Timestamp>,
    /// Of a number: the user id that it was last seen with.
    pub with: Option<Bsuid>,
    /// How it was first known.
    pub how: Learnt,
    /// The customer has it now; a number may have passed on to another.
    pub held: bool,
}

impl Claim {
    /// Both together; commutative, associative and idempotent but for the spelling, where the upstream's counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let spelled = |claim: &Self| claim.how != Learnt::WrittenTo;
        let identity = if spelled(&other) && !spelled(&self) { other.identity } else { self.identity };
        // A number is seen only together with a user id: alone it says nothing of whose it is.
        let with = (self.seen, self.with).max((other.seen, other.with)).1;
        let (since, how) = (self.since, self.how).min((other.since, other.how));
        Self {
            identity,
            since,
            how,
            seen: self.seen.max(other.seen),
            until: self.until.max(other.until),
            with,
            held: self.held || other.held,
        }
    }

    /// Whether it is not known to be over.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.until.is_none_or(|until| until < self.seen)
    }
}

/// By what a person is reached now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Present {
    /// Phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// Business-scoped user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bsuid: Option<Bsuid>,
    /// Page-scoped id, or parent user id where there is neither of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Identity>,
}

impl Present {
    /// What follows from the claims of one person. Of several of a kind, the one spoken under last.
    #[must_use]
    pub fn of(claims: &[Claim]) -> Self {
        // Those of customers who are one person by now speak of the same hand: one may know who held a number, another with which
        // user id it was seen since.
        let mut joined: BTreeMap<&Identity, Claim> = BTreeMap::new();
        for claim in claims {
            let known = joined.remove(&claim.identity);
            joined.insert(&claim.identity, known.map_or_else(|| claim.clone(), |known| known.and(claim.clone())));
        }
        let claims: Vec<Claim> = joined.into_values().collect();
        let newest = |fits: &dyn Fn(&Claim) -> bool| {
            let live = claims.iter().filter(|claim| claim.held && claim.is_live() && fits(claim));
            // A number that the upstream named goes before one that was only written to.
            let rank = |claim: &&Claim| (claim.seen, claim.how != Learnt::WrittenTo, claim.identity.clone());
            live.max_by_key(rank).map(|claim| claim.identity.clone())
        };
        let is_over = |bsuid: &Bsuid| claims.iter().any(|claim| claim.identity.bsuid() == Some(bsuid) && !claim.is_live());
        let phone = newest(&|claim| claim.identity.phone().is_some() && !claim.with.as_ref().is_some_and(is_over));
        let bsuid = newest(&|claim| claim.identity.bsuid().is_some_and(|id| !id.is_parent()));
        let psid = newest(&|claim| claim.identity.channel() == Channel::Messenger);
        let parent = || newest(&|claim| claim.identity.bsuid().is_some_and(Bsuid::is_parent));
        Self {
            phone: phone.as_ref().and_then(Identity::phone).cloned(),
            bsuid: bsuid.as_ref().and_then(Identity::bsuid).cloned(),
            other: psid.or_else(parent),
        }
    }

    /// The address to show, whatever the channel: the number where there is one.
    #[must_use]
    pub fn any(&self) -> Option<Identity> {
        let phone = self.phone.clone().map(Identity::Phone);
        phone.or_else(|| self.bsuid.clone().map(Identity::Bsuid)).or_else(|| self.other.clone())
    }

    /// The address to show and to write to: the number where there is one, on a channel that has numbers.
    #[must_use]
    pub fn address(&self, channel: Channel) -> Option<Identity> {
        let known = self.any();
        let on = |identity: &Identity| identity.channel() == channel;
        known.clone().filter(on).or_else(|| self.other.clone().filter(on)).or(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim(identity: &str, seen: i64) -> Claim {
        Claim {
            identity: identity.parse().unwrap(),
            since: Timestamp::from_secs(seen),
            seen: Timestamp::from_secs(seen),
            until: None,
            with: None,
            how: Learnt::Spoke,
            held: true,
        }
    }

    fn bsuid(text: &str) -> Option<Bsuid> {
        Bsuid::parse(text).ok()
    }

    #[test]
    fn a_number_is_somebodys_for_as_long_as_its_user_id() {
        let mut phone = claim("+4915112345678", 10);
        phone.with = bsuid("DE.1");
        let mut id = claim("DE.1", 10);
        let now = Present::of(&[phone.clone(), id.clone()]);
        assert_eq!((now.phone.map(|p| p.to_string()), now.bsuid), (Some("+4915112345678".to_owned()), bsuid("DE.1")));
        id.until = Some(Timestamp::from_secs(20));
        let now = Present::of(&[phone.clone(), id.clone(), claim("DE.2", 20)]);
        assert_eq!((now.phone, now.bsuid), (None, bsuid("DE.2")));
        // Spoken under again after all: what was said to be over was not.
        id.seen = Timestamp::from_secs(30);
        assert!(Present::of(&[phone.clone(), id]).phone.is_some());
        phone.held = false;
        assert_eq!(Present::of(&[phone]), Present::default());
    }

    #[test]
    fn what_customers_who_are_one_person_know_of_a_number_counts_together() {
        let seen_with = |id: &str, held| Claim { with: bsuid(id), held, seen: Timestamp::EPOCH, ..claim("+4915112345678", 1) };
        let over = Claim { until: Some(Timestamp::from_secs(20)), ..claim("DE.1", 10) };
        let claims = [seen_with("DE.1", true), seen_with("DE.2", false), over, claim("DE.2", 20)];
        assert!(Present::of(&claims).phone.is_some());
        assert_eq!(Present::of(&claims[..1]).phone, Present::of(&claims).phone);
        assert_eq!(Present::of(&claims[1..]).phone, None);
    }

    #[test]
    fn each_channel_has_its_address() {
        let both = Present::of(&[claim("DE.1", 1), claim("messenger:80", 2), claim("DE.ENT.7", 3)]);
        assert_eq!(both.address(Channel::Messenger), Some("messenger:80".parse().unwrap()));
        assert_eq!(both.address(Channel::Whatsapp), Some("DE.1".parse().unwrap()));
        assert_eq!(Present::of(&[claim("DE.ENT.7", 3)]).address(Channel::Whatsapp), Some("DE.ENT.7".parse().unwrap()));
    }

    #[test]
    fn every_word_reads_back() {
        assert!(Learnt::ALL.into_iter().all(|how| Learnt::named(how.as_str()) == Some(how)));
        assert!(Joined::ALL.into_iter().all(|why| Joined::named(why.as_str()) == Some(why)));
    }

    prop_compose! {
        fn any_claim()(since in 0i64..9, seen in 0i64..9, until in prop::option::of(0i64..9), with in prop::option::of(1u8..4), how in prop::sample::select(&Learnt::ALL[..]), held: bool) -> Claim {
            let seen = if with.is_some() { seen } else { 0 };
            Claim {
                identity: "+4915112345678".parse().unwrap(),
                since: Timestamp::from_secs(since),
                seen: Timestamp::from_secs(seen),
                until: until.map(Timestamp::from_secs),
                with: with.and_then(|n| bsuid(&format!("DE.{n}"))),
                how,
                held,
            }
        }
    }

    proptest! {
        #[test]
        fn claims_join_in_any_order_and_repetition(a in any_claim(), b in any_claim(), c in any_claim()) {
            let join = |x: &Claim, y: &Claim| x.clone().and(y.clone());
            prop_assert_eq!(join(&a, &b), join(&b, &a));
            prop_assert_eq!(join(&join(&a, &b), &c), join(&a, &join(&b, &c)));
            prop_assert_eq!(join(&join(&a, &b), &b), join(&a, &b));
        }
    }
}
