//! Addresses as Twilio writes them: `whatsapp:+15550001111`, `whatsapp:DE.4402917750112`, `messenger:8000000000000001`.

use transom_domain::address::{Bsuid, Identity, Phone, Psid};

use super::form::shown;

/// Reads an address.
///
/// # Errors
/// The rule that it breaks.
pub(crate) fn read(text: &str) -> Result<Identity, String> {
    let wrong = || format!("is {:?}, which is no address of a channel here", shown(text));
    // A form that was not encoded turns the plus sign into a blank.
    let of_whatsapp = |rest: &str| {
        let rest = rest.trim_end();
        let number = rest.strip_prefix(' ').map_or_else(|| rest.to_owned(), |digits| format!("+{digits}"));
        Phone::parse(&number).map(Identity::Phone).or_else(|_| Bsuid::parse(rest).map(Identity::Bsuid)).ok()
    };
    let (channel, rest) = text.split_once(':').ok_or_else(wrong)?;
    let read = match channel.to_ascii_lowercase().as_str() {
        "whatsapp" => of_whatsapp(rest),
        "messenger" => Psid::parse(rest).map(Identity::Psid).ok(),
        _ => None,
    };
    read.ok_or_else(wrong)
}

/// What to do about an address that is none.
pub(crate) const REMEDY: &str = "write whatsapp:+4915112345678 with the country code, whatsapp:DE.4402917750112 for a \
                                 business-scoped user id, or messenger:8000000000000001";

/// Writes an address.
pub(crate) fn written(identity: &Identity) -> String {
    match identity {
        Identity::Phone(phone) => format!("whatsapp:{}", phone.as_str()),
        Identity::Bsuid(bsuid) => format!("whatsapp:{}", bsuid.as_str()),
        Identity::Psid(psid) => format!("messenger:{}", psid.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_address_reads_back() {
        for text in ["whatsapp:+15550001111", "whatsapp:DE.4402917750112", "whatsapp:DE.ENT.44x", "messenger:8000000000000001"] {
            assert_eq!(written(&read(text).unwrap()), text);
        }
        assert_eq!(written(&read("whatsapp: 15550001111").unwrap()), "whatsapp:+15550001111");
        assert_eq!(written(&read("WhatsApp:+1 (555) 000-1111").unwrap()), "whatsapp:+15550001111");
        for wrong in
            ["", "+15550001111", "whatsapp:", "whatsapp:15550001111", "messenger:me", "sms:+15550001111", "whatsapp:de.1"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}") {
            let _ = read(&text);
        }
    }
}
