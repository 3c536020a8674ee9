//! Which events somebody wants: by type, sender, channel and campaign. The one rule behind webhook endpoints, lists and streams.

use serde::{Deserialize, Serialize};

use super::{Event, EventBody};
use crate::address::Channel;
use crate::id::SenderId;

/// Which events of a business somebody wants. An empty list narrows nothing; several lists all have to fit.
///
/// A list narrows only the events that have what it speaks of: a template belongs to no sender or channel, and only what is
/// told of a message that went out belongs to a campaign. Who doesn't want the others leaves out their type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selection {
    /// Types, such as `message.received` or `message.*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Senders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub senders: Vec<SenderId>,
    /// Channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// Globs on the campaign's name, such as `summer-*`; a message without a campaign fits none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub campaigns: Vec<String>,
}

impl Selection {
    /// Whether an event is wanted.
    #[must_use]
    pub fn fits(&self, event: &Event) -> bool {
        let body = &event.body;
        let campaign = match body {
            EventBody::MessageStatus { campaign, .. } => Some(campaign.as_deref()),
            _ => None,
        };
        let globbed = |globs: &[String], name: &str| globs.iter().any(|glob| matches_glob(glob, name));
        (self.types.is_empty() || globbed(&self.types, body.name()))
            && (self.senders.is_empty() || body.sender().is_none_or(|sender| self.senders.contains(&sender)))
            && (self.channels.is_empty() || body.channel().is_none_or(|channel| self.channels.contains(&channel)))
            && (self.campaigns.is_empty()
                || campaign.is_none_or(|campaign| campaign.is_some_and(|name| globbed(&self.campaigns, name))))
    }
}

/// Whether a name fits a glob, in which `*` stands for any stretch and `?` for one character; the work is bounded by the product of their
/// lengths.
#[must_use]
pub fn matches_glob(glob: &str, name: &str) -> bool {
    let (mut glob, mut name) = (glob.chars(), name.chars());
    // Where to go on after the last star, should what follows it not fit here.
    let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let at = name.clone();
        match (glob.next(), name.next()) {
            (Some('*'), _) => {
                name = at;
                star = Some((glob.clone(), name.clone()));
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {}
            (None, None) => return true,
            // To begin later would leave even less.
            (Some(_), None) => return false,
            (_, Some(_)) => {
                let Some((after, from)) = &mut star else { return false };
                from.next();
                (glob, name) = (after.clone(), from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Identity;
    use crate::event::{NAMES, Party};
    use crate::id::{BusinessId, CustomerId, EventId, MessageId};
    use crate::status::Status;
    use crate::time::Timestamp;
    use proptest::prelude::*;

    fn party(sender: u128, address: &str) -> Party {
        let address: Identity = address.parse().unwrap();
        Party {
            channel: address.channel(),
            sender: SenderId(sender),
            sender_address: address.clone(),
            sender_name: None,
            customer: CustomerId(9),
            member: None,
            customer_address: address,
            phone: None,
            bsuid: None,
            name: None,
            username: None,
            named_as: Vec::new(),
        }
    }

    fn event(body: EventBody) -> Event {
        Event { position: 1, id: EventId(1), business: BusinessId(1), at: Timestamp::EPOCH, body }
    }

    fn status(sender: u128, address: &str, campaign: Option<&str>) -> Event {
        event(EventBody::MessageStatus {
            party: party(sender, address),
            message: MessageId(1),
            status: Status::Sent,
            at: Timestamp::EPOCH,
            failure: None,
            taken: false,
            campaign: campaign.map(str::to_owned),
            callback_data: None,
            pricing: None,
            origin: None,
        })
    }

    fn opened(sender: u128, address: &str) -> Event {
        event(EventBody::SessionOpened { party: party(sender, address), until: Timestamp::FAR })
    }

    fn stopped(sender: u128, address: &str) -> Event {
        event(EventBody::SenderState { sender: SenderId(sender), address: address.parse().unwrap(), stopped: None })
    }

    const PHONE: &str = "+493012345678";
    const PAGE: &str = "messenger:123";

    #[test]
    fn nothing_said_wants_everything() {
        for event in [status(1, PHONE, None), opened(1, PAGE), stopped(2, PHONE)] {
            assert!(Selection::default().fits(&event), "{event:?}");
        }
    }

    #[test]
    fn types_are_globs() {
        let wants = |glob: &str, event: &Event| Selection { types: vec![glob.into()], ..Selection::default() }.fits(event);
        assert!(wants("message.*", &status(1, PHONE, None)));
        assert!(wants("message.status", &status(1, PHONE, None)));
        assert!(!wants("message.received", &status(1, PHONE, None)));
        assert!(!wants("message.*", &opened(1, PHONE)));
        assert!(wants("*", &opened(1, PHONE)));
    }

    #[test]
    fn senders_and_channels_narrow_all_that_have_one() {
        let first = Selection { senders: vec![SenderId(1)], ..Selection::default() };
        assert!(first.fits(&status(1, PHONE, None)) && !first.fits(&status(2, PHONE, None)));
        assert!(first.fits(&stopped(1, PHONE)) && !first.fits(&stopped(2, PHONE)));
        let messenger = Selection { channels: vec![Channel::Messenger], ..Selection::default() };
        assert!(messenger.fits(&opened(1, PAGE)) && !messenger.fits(&opened(1, PHONE)));
        assert!(messenger.fits(&stopped(1, PAGE)) && !messenger.fits(&stopped(1, PHONE)));
    }

    #[test]
    fn campaigns_narrow_what_went_out_only() {
        let summer = Selection { campaigns: vec!["winter".into(), "summer-*".into()], ..Selection::default() };
        assert!(summer.fits(&status(1, PHONE, Some("summer-2026"))));
        assert!(!summer.fits(&status(1, PHONE, Some("spring"))));
        assert!(!summer.fits(&status(1, PHONE, None)));
        assert!(summer.fits(&opened(1, PHONE)));
    }

    #[test]
    fn every_list_has_to_fit() {
        let both = Selection { types: vec!["message.*".into()], senders: vec![SenderId(1)], ..Selection::default() };
        assert!(both.fits(&status(1, PHONE, None)));
        assert!(!both.fits(&opened(1, PHONE)) && !both.fits(&status(2, PHONE, None)));
    }

    #[test]
    fn globs_match_as_in_a_shell() {
        for (glob, name, fits) in [
            ("summer-*", "summer-2026", true),
            ("summer-*", "winter-2026", false),
            ("*", "", true),
            ("*-sale-*", "big-sale-now-sale-x", true),
            ("*-sale-x", "a-sale-y-sale-x", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("ü?", "üß", true),
            ("a**", "a", true),
            ("ab", "a", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches_glob(glob, name), fits, "{glob} {name}");
        }
    }

    /// The same rule, said as a recursion.
    fn by_definition(glob: &[char], name: &[char]) -> bool {
        match (glob, name) {
            ([], rest) => rest.is_empty(),
            (['*', after @ ..], _) => (0..=name.len()).any(|n| by_definition(after, &name[n..])),
            ([wanted, after @ ..], [found, rest @ ..]) => (*wanted == '?' || wanted == found) && by_definition(after, rest),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn globs_match_as_defined(glob in "[ab*?]{0,8}", name in "[ab]{0,10}") {
            let (chars, letters): (Vec<char>, Vec<char>) = (glob.chars().collect(), name.chars().collect());
            prop_assert_eq!(matches_glob(&glob, &name), by_definition(&chars, &letters));
        }

        #[test]
        fn a_further_entry_never_narrows(types in proptest::collection::vec("[a-z.*]{1,12}", 1..4), extra in "[a-z.*]{1,12}") {
            let event = status(1, PHONE, None);
            let before = Selection { types: types.clone(), ..Selection::default() };
            let after = Selection { types: types.into_iter().chain([extra]).collect(), ..Selection::default() };
            prop_assert!(!before.fits(&event) || after.fits(&event));
        }
    }

    #[test]
    fn every_type_has_a_name_of_its_own() {
        let mut names = NAMES.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NAMES.len());
        assert!(NAMES.contains(&status(1, PHONE, None).body.name()));
    }
}
