//! SIDs: two letters and 32 hex digits of the same 128 bits that our ids are. Nothing is stored for them.

use transom_domain::id::{BusinessId, ContentId, KeyId, MediaId, MessageId, SenderId, ServiceId};

/// Letters and digits of a SID together.
const LENGTH: usize = 34;

/// An id that this dialect names with a SID.
pub(crate) trait Sid: Copy {
    /// Its two letters; the first ones are written, all are read.
    const LETTERS: &'static [&'static str];

    /// The id with these bits.
    fn with(bits: u128) -> Self;

    /// Its bits.
    fn bits(self) -> u128;

    /// As this dialect writes it.
    fn sid(self) -> String {
        written(Self::LETTERS.first().copied().unwrap_or_default(), self.bits())
    }

    /// Reads one; none when it has other letters, or not 32 hex digits after them.
    fn of_sid(text: &str) -> Option<Self> {
        let (letters, digits) = text.split_at_checked(2)?;
        let fits = text.len() == LENGTH && digits.bytes().all(|b| b.is_ascii_hexdigit()) && Self::LETTERS.contains(&letters);
        fits.then(|| u128::from_str_radix(digits, 16).ok().map(Self::with)).flatten()
    }
}

fn written(letters: &str, bits: u128) -> String {
    format!("{letters}{bits:032x}")
}

/// A message's SID: `MM` where it carries more than a text, else `SM`. For one message always the same.
pub(crate) fn message_sid(id: MessageId, media: bool) -> String {
    written(if media { "MM" } else { "SM" }, id.bits())
}

macro_rules! sids {
    ($($id:ident = $($letters:literal)|+;)+) => {$(
        impl Sid for $id {
            const LETTERS: &'static [&'static str] = &[$($letters),+];

            fn with(bits: u128) -> Self {
                Self(bits)
            }

            fn bits(self) -> u128 {
                self.0
            }
        }
    )+};
}

sids! {
    BusinessId = "AC";
    KeyId = "SK";
    MessageId = "SM" | "MM";
    MediaId = "ME";
    ContentId = "HX";
    ServiceId = "MG";
    SenderId = "XE";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_reads_back(bits: u128) {
            prop_assert_eq!(BusinessId::of_sid(&BusinessId(bits).sid()), Some(BusinessId(bits)));
            for media in [false, true] {
                let sid = message_sid(MessageId(bits), media);
                prop_assert_eq!(sid.len(), 34);
                prop_assert_eq!(MessageId::of_sid(&sid), Some(MessageId(bits)));
                prop_assert_eq!(MessageId::of_sid(&format!("{}{}", &sid[..2], sid[2..].to_uppercase())), Some(MessageId(bits)));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = MessageId::of_sid(&text);
        }
    }

    #[test]
    fn the_letters_are_part_of_it() {
        let sid = ContentId(7).sid();
        assert_eq!(sid, "HX00000000000000000000000000000007");
        assert_eq!(ServiceId::of_sid(&sid), None);
        assert_eq!(ContentId::of_sid(&sid[..33]), None);
        assert_eq!(ContentId::of_sid("HX+0000000000000000000000000000007"), None);
        assert_eq!(ContentId::of_sid(&sid.to_lowercase()), None);
    }
}
