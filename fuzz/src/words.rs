//! Short texts: addresses, ids, languages, tags and URLs.

use std::net::IpAddr;

use transom_domain::address::{Bsuid, Identity, Phone, Psid};
use transom_domain::content::Language;
use transom_domain::id;
use transom_domain::message::CallbackTag;
use transom_gateway::service::AddressRules;

/// One text, read as each of them.
pub(crate) fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(identity) = text.parse::<Identity>() {
        assert_eq!(identity.to_string().parse().as_ref(), Ok(&identity));
    }
    if let Ok(phone) = Phone::parse(&text) {
        assert!(phone.as_str().len() <= 16);
        assert_eq!(Phone::parse(phone.as_str()).as_ref(), Ok(&phone));
        assert_eq!(Phone::from_wa_id(phone.digits()).as_ref(), Ok(&phone));
    }
    if let Ok(bsuid) = Bsuid::parse(&text) {
        assert_eq!(Bsuid::parse(bsuid.as_str()).as_ref(), Ok(&bsuid));
    }
    if let Ok(psid) = Psid::parse(&text) {
        assert_eq!(Psid::parse(psid.as_str()).as_ref(), Ok(&psid));
    }
    let _ = Phone::from_wa_id(&text);
    if let Ok(bits) = id::from_text(&text) {
        assert_eq!(id::from_text(&id::to_text(bits)), Ok(bits));
    }
    if let Some(tag) = CallbackTag::parse(&text) {
        assert_eq!(CallbackTag::parse(&tag.to_string()), Some(tag));
    }
    if let Ok(language) = Language::parse(&text) {
        assert_eq!(Language::parse(language.as_str()).as_ref(), Ok(&language));
    }
    let _ = transom_gateway::native::probe::list_query(&text);
    outbound(&text);
}

/// An address that strict rules let through leads by https to a name, or to a public address.
fn outbound(text: &str) {
    let strict = AddressRules::default();
    let Ok(url) = strict.check(text) else { return };
    assert_eq!(url.scheme(), "https");
    assert!(url.username().is_empty() && url.password().is_none());
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    assert!(!host.is_empty());
    if let Ok(ip) = host.parse::<IpAddr>() {
        assert!(strict.reaches(ip), "{ip}");
    }
    assert!(strict.check(url.as_str()).is_ok());
}
