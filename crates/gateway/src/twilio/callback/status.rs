//! The form of a status callback.

use transom_domain::address::Identity;
use transom_domain::event::Party;
use transom_domain::id::BusinessId;
use transom_domain::status::Status;

use super::form::Form;
use super::names::{API_VERSION, address, sender};
use crate::twilio::sid::Sid as _;

/// How far a message got, in Twilio's words, as far as applications are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// Left the upstream.
    Sent,
    /// On the device.
    Delivered,
    /// Opened.
    Read,
    /// Was accepted, and will not be delivered.
    Undelivered,
    /// Could not be sent.
    Failed,
    /// Called off.
    Canceled,
}

impl Word {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// What an application is told of a status; none where it is told nothing. `late` says whether one that failed is
    /// [undelivered](crate::twilio::codes::is_undelivered).
    #[must_use]
    pub const fn of(status: Status, late: bool) -> Option<Self> {
        match status {
            Status::Sent => Some(Self::Sent),
            Status::Delivered => Some(Self::Delivered),
            Status::Read => Some(Self::Read),
            Status::Failed if late => Some(Self::Undelivered),
            Status::Failed | Status::Expired => Some(Self::Failed),
            Status::Cancelled => Some(Self::Canceled),
            // Nobody knows: a word would be wrong either way.
            Status::Accepted | Status::Queued | Status::Sending | Status::Unknown | Status::Received => None,
        }
    }

    /// What receipts say besides.
    const fn event_type(self) -> Option<&'static str> {
        match self {
            Self::Delivered => Some("DELIVERED"),
            Self::Read => Some("READ"),
            Self::Undelivered => Some("UNDELIVERED"),
            Self::Sent | Self::Failed | Self::Canceled => None,
        }
    }

    /// Whether it says why.
    const fn is_failure(self) -> bool {
        matches!(self, Self::Undelivered | Self::Failed)
    }
}

/// How far a message got, and in whose name that is told.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// Whose.
    pub business: BusinessId,
    /// Between whom.
    pub party: &'a Party,
    /// SID of the message, as it was given when it was created.
    pub message: &'a str,
    /// How far.
    pub word: Word,
    /// SID of the messaging service it was sent by, where it was.
    pub service: Option<&'a str>,
    /// Twilio's code and a sentence, of one that failed.
    pub error: Option<(u32, &'a str)>,
    /// What the upstream said, of one that failed.
    pub upstream: Option<&'a str>,
}

/// The form of a report.
#[must_use]
pub fn form(report: &Report<'_>) -> Form {
    let Report { business, party, message, word, service, error, upstream } = *report;
    let mut form = Form::new();
    form.set_all(&["MessageSid", "SmsSid"], message);
    form.set_all(&["MessageStatus", "SmsStatus"], word.as_str());
    form.set("AccountSid", business.sid());
    form.set("ApiVersion", API_VERSION);
    form.set("From", sender(party));
    // As the caller gave it.
    form.set("To", address(&party.customer_address));
    form.set_some("MessagingServiceSid", service);
    form.set("ChannelPrefix", party.channel.as_str());
    form.set("ChannelInstallSid", party.sender.sid());
    form.set("ChannelToAddress", masked(party));
    form.set_some("EventType", word.event_type());
    if word.is_failure() {
        if let Some((code, why)) = error {
            form.set("ErrorCode", code.to_string());
            form.set("ErrorMessage", why);
        }
        form.set_some("ChannelStatusMessage", upstream);
    }
    form
}

/// The recipient without channel; of what could be called or looked up, the last four characters are hidden.
fn masked(party: &Party) -> String {
    let bare = match (&party.phone, &party.customer_address) {
        (_, Identity::Psid(psid)) => return psid.to_string(),
        (Some(phone), _) => phone.to_string(),
        (None, other) => match other {
            Identity::Bsuid(bsuid) => bsuid.to_string(),
            Identity::Phone(phone) => phone.to_string(),
            Identity::Psid(psid) => psid.to_string(),
        },
    };
    let keep = bare.chars().count().saturating_sub(4);
    bare.chars().take(keep).chain("XXXX".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::party;
    use super::*;

    fn report(party: &Party, word: Word) -> Form {
        let error = word.is_failure().then_some((63_016, "Outside the window."));
        let message = "SM00000000000000000000000000000007";
        form(&Report {
            business: BusinessId(1),
            party,
            message,
            word,
            service: None,
            error,
            upstream: Some("Re-engagement message"),
        })
    }

    #[test]
    fn a_read_receipt_has_the_documented_form() {
        let told = report(&party("+15550002222"), Word::Read).encoded();
        let expected = "AccountSid=AC00000000000000000000000000000001&ApiVersion=2010-04-01\
            &ChannelInstallSid=XE00000000000000000000000000000005&ChannelPrefix=whatsapp&ChannelToAddress=%2B1555000XXXX&EventType=READ\
            &From=whatsapp%3A%2B15550001111&MessageSid=SM00000000000000000000000000000007&MessageStatus=read\
            &SmsSid=SM00000000000000000000000000000007&SmsStatus=read&To=whatsapp%3A%2B15550002222";
        assert_eq!(told, expected);
    }

    #[test]
    fn only_a_failure_says_why() {
        let side = party("bsuid:DE.44A1B2C3");
        for word in [Word::Sent, Word::Delivered, Word::Read, Word::Undelivered, Word::Failed, Word::Canceled] {
            let told = report(&side, word);
            assert_eq!(told.get("ErrorCode"), word.is_failure().then_some("63016"), "{word:?}");
            assert_eq!(told.get("ChannelStatusMessage"), word.is_failure().then_some("Re-engagement message"), "{word:?}");
            assert_eq!((told.get("MessageStatus"), told.get("SmsStatus")), (Some(word.as_str()), Some(word.as_str())));
            assert_eq!((told.get("To"), told.get("ChannelToAddress")), (Some("whatsapp:DE.44A1B2C3"), Some("DE.44A1XXXX")));
        }
    }

    #[test]
    fn messenger_is_named_as_such() {
        let told = report(&party("messenger:8000000000000001"), Word::Delivered);
        assert_eq!((told.get("To"), told.get("ChannelPrefix")), (Some("messenger:8000000000000001"), Some("messenger")));
    }

    #[test]
    fn every_status_has_its_word_or_none() {
        let words = |late| Status::ALL.map(|status| Word::of(status, late).map(Word::as_str));
        let (sent, read) = (Some("sent"), Some("read"));
        let rest =
            |failed| [None, None, None, None, sent, failed, Some("delivered"), read, Some("failed"), Some("canceled"), None];
        assert_eq!((words(false), words(true)), (rest(Some("failed")), rest(Some("undelivered"))));
    }
}
