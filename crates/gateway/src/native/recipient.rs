//! Addresses as the published operations write them. One order of trying, the same for every field that names a customer:
//! `bsuid:` in any case, then a bare business-scoped user id, then a phone number with its country, decorated or not.

use transom_domain::address::{BadAddress, Bsuid, Channel, Identity, Phone, Psid};
use transom_domain::error_code::ErrorCode;

use transom_store::Who;

use super::read::Notes;

/// A WhatsApp customer by phone number or business-scoped user id.
pub(crate) fn customer(text: &str, field: &str, notes: &mut Notes) -> Option<Identity> {
    let text = text.trim();
    let prefixed = text.get(..6).is_some_and(|p| p.eq_ignore_ascii_case("bsuid:"));
    let read = match Bsuid::parse(text) {
        Ok(bsuid) => Ok(Identity::Bsuid(bsuid)),
        Err(why) if prefixed => Err(why),
        Err(_) => Phone::parse(text).map(Identity::Phone),
    };
    read.map_err(|why| refuse(why, field, notes)).ok()
}

/// A customer on either channel, in the spelling of our own operations.
pub(crate) fn any_customer(text: &str, field: &str, notes: &mut Notes) -> Option<Identity> {
    if text.trim().starts_with("messenger:") {
        return page_scoped(text, field, notes);
    }
    customer(text, field, notes)
}

/// A customer in a path: our id, or one of the customer's identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathCustomer(pub(crate) Who);

impl std::str::FromStr for PathCustomer {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Ok(id) = text.parse() {
            return Ok(Self(Who::Id(id)));
        }
        let identity = any_customer(text, "id", &mut Notes::default());
        identity.map(|identity| Self(Who::Identity(identity))).ok_or(())
    }
}

/// A Messenger customer, with or without `messenger:`.
pub(crate) fn page_scoped(text: &str, field: &str, notes: &mut Notes) -> Option<Identity> {
    Psid::parse(text).map(Identity::Psid).map_err(|why| refuse(why, field, notes)).ok()
}

/// A sender: a WhatsApp number or a Page.
pub(crate) fn sender(text: &str, channel: Option<Channel>, field: &str, notes: &mut Notes) -> Option<Identity> {
    let text = text.trim();
    let page = channel == Some(Channel::Messenger) || text.starts_with("messenger:");
    let read = if page { Psid::parse(text).map(Identity::Psid) } else { Phone::parse(text).map(Identity::Phone) };
    match read {
        Ok(identity) if channel.is_none_or(|c| c == identity.channel()) => Some(identity),
        Ok(_) => {
            notes.coded(
                ErrorCode::InvalidSenderId,
                field,
                "is not a sender on this channel",
                "name a sender of the recipient's channel",
            );
            None
        }
        Err(why) => {
            notes.coded(
                ErrorCode::InvalidSenderId,
                field,
                format!("is not a sender: {why}"),
                "give one of the senders that GET senders lists, or leave it out",
            );
            None
        }
    }
}

/// A channel by its published name.
pub(crate) fn channel(text: &str, field: &str, notes: &mut Notes) -> Option<Channel> {
    let found = Channel::ALL.into_iter().find(|c| c.as_str() == text);
    if found.is_none() {
        notes.note(field, "is not a channel here", "use whatsapp or messenger");
    }
    found
}

fn refuse(why: BadAddress, field: &str, notes: &mut Notes) {
    let (code, remedy) = match why {
        BadAddress::Phone => (ErrorCode::PhoneNumberBadFormat, "write the number as + and country code, such as +4915112345678"),
        BadAddress::Bsuid => (ErrorCode::RecipientBsuidInvalid, "pass the id on whole, as the webhook gave it"),
        BadAddress::Psid => (ErrorCode::RequestInvalid, "pass the page-scoped id on as the webhook gave it"),
    };
    notes.coded(code, field, format!("is not a recipient: {why}"), remedy);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, ErrorCode> {
        let mut notes = Notes::default();
        let found = customer(text, "number", &mut notes);
        notes.finish(found).map(|i| i.to_string()).map_err(|p| p.code)
    }

    #[test]
    fn decorated_and_plain_numbers_are_the_same_customer() {
        assert_eq!(read("+1(604) 585 2331"), read("+16045852331"));
        assert_eq!(read(" +49 151 1234-5678 "), Ok("+4915112345678".to_owned()));
    }

    #[test]
    fn user_ids_go_with_and_without_their_prefix() {
        for text in ["bsuid:DE.4402917750112", "BSUID:DE.4402917750112", " DE.4402917750112 "] {
            assert_eq!(read(text), Ok("bsuid:DE.4402917750112".to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_with_the_code_of_what_it_seems_to_be() {
        assert_eq!(read("bsuid:de.44"), Err(ErrorCode::RecipientBsuidInvalid));
        for text in ["4915112345678", "de.44", "", "messenger:80", "+0123456789", "ébsuid"] {
            assert_eq!(read(text), Err(ErrorCode::PhoneNumberBadFormat), "{text}");
        }
    }

    #[test]
    fn a_sender_of_another_channel_is_refused() {
        let mut notes = Notes::default();
        assert_eq!(sender("+493012345678", Some(Channel::Messenger), "sender.id", &mut notes), None);
        assert_eq!(sender("messenger:1065", Some(Channel::Whatsapp), "sender.id", &mut notes), None);
        let refused = notes.finish::<()>(None).unwrap_err();
        assert_eq!(refused.code, ErrorCode::InvalidSenderId);
    }
}
