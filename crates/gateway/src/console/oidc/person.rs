//! Who somebody is, from the claims of their provider.

use serde_json::{Map, Value};

use transom_store::ExternalIdentity;

use super::OidcSettings;
use crate::service::Newcomer;

/// Longest subject (OpenID Connect Core, 2: 255 ASCII characters).
const SUBJECT_MAX: usize = 255;
/// Longest address (RFC 5321).
const EMAIL_MAX: usize = 254;
/// Longest name; the rest is left out.
const NAME_MAX: usize = 200;
/// Groups that are looked at.
const GROUPS_MAX: usize = 1_000;

/// Why nobody can be made of claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// No subject, or none that fits.
    Subject,
    /// The address ends in something else.
    Domain,
}

impl OidcSettings {
    /// Whether something is missing in what was said so far.
    pub(super) fn wanted(&self, said: &Map<String, Value>) -> bool {
        let has_groups = self.roles.as_ref().is_none_or(|(claim, _)| claim_of(said, claim).is_some());
        !said.contains_key("email") || !has_groups
    }

    /// Who somebody is.
    pub(super) fn person(&self, said: &Map<String, Value>) -> Result<Newcomer, Doubt> {
        let text = |name: &str| claim_of(said, name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let subject = text("sub").filter(|subject| subject.len() <= SUBJECT_MAX).ok_or(Doubt::Subject)?;
        // Said to be theirs; or not denied, where the operator vouches for the provider.
        let is_theirs = match said.get("email_verified") {
            Some(Value::Bool(verified)) => *verified,
            _ => self.trust_email,
        };
        let email = text("email").filter(|email| is_theirs && is_address(email)).map(str::to_lowercase);
        if let (Some(email), false) = (&email, self.domains.is_empty()) {
            let at = email.rsplit_once('@').map_or("", |(_, at)| at);
            if !self.domains.iter().any(|domain| domain.eq_ignore_ascii_case(at)) {
                return Err(Doubt::Domain);
            }
        }
        let name = text(&self.name_claim).or_else(|| text("preferred_username")).unwrap_or_default();
        Ok(Newcomer {
            identity: ExternalIdentity { issuer: self.issuer.clone(), subject: subject.to_owned() },
            email,
            name: name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect(),
            roles: self.roles.as_ref().map(|(claim, map)| map.roles(&groups(claim_of(said, claim)))),
        })
    }
}

fn is_address(text: &str) -> bool {
    let fits = |(who, at): (&str, &str)| !who.is_empty() && !at.is_empty() && !at.contains('@');
    text.len() <= EMAIL_MAX
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text.split_once('@').is_some_and(fits)
}

/// A claim by its name, which may have dots itself; else by a path of names.
fn claim_of<'a>(said: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    said.get(name).or_else(|| {
        let mut parts = name.split('.');
        let first = said.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    })
}

fn groups(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => all.iter().take(GROUPS_MAX).filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{RoleMap, Setting as _};
    use serde_json::json;
    use transom_store::UserRole;

    fn said(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn an_address_counts_only_where_it_is_known_to_be_theirs() {
        let settings = OidcSettings::to_nowhere();
        let email = |settings: &OidcSettings, value: Value| settings.person(&said(value)).unwrap().email;
        let ana = Some("ana@shop.example".to_owned());
        assert_eq!(email(&settings, json!({ "sub": "1", "email": "Ana@Shop.example", "email_verified": true })), ana);
        assert_eq!(email(&settings, json!({ "sub": "1", "email": "ana@shop.example", "email_verified": false })), None);
        assert_eq!(email(&settings, json!({ "sub": "1", "email": "ana@shop.example" })), None);
        assert_eq!(email(&settings, json!({ "sub": "1", "email": "ana@x@shop.example", "email_verified": true })), None);
        let trusting = OidcSettings { trust_email: true, ..settings };
        assert_eq!(email(&trusting, json!({ "sub": "1", "email": "ana@shop.example" })), ana);
        assert_eq!(email(&trusting, json!({ "sub": "1", "email": "ana@shop.example", "email_verified": false })), None);
    }

    #[test]
    fn only_some_domains_may_come_and_a_subject_must_be_there() {
        let settings = OidcSettings { domains: vec!["Shop.example".to_owned()], ..OidcSettings::to_nowhere() };
        let of =
            |email: &str| settings.person(&said(json!({ "sub": "1", "email": email, "email_verified": true }))).map(|v| v.email);
        assert_eq!(of("a@shop.example"), Ok(Some("a@shop.example".to_owned())));
        for bad in ["a@evil.example", "a@notshop.example", "a@shop.example.evil.example", "a@sub.shop.example"] {
            assert_eq!(of(bad), Err(Doubt::Domain), "{bad}");
        }
        for bad in [json!({}), json!({ "sub": "" }), json!({ "sub": 7 }), json!({ "sub": "a".repeat(256) })] {
            assert_eq!(settings.person(&said(bad)).map(|v| v.email), Err(Doubt::Subject));
        }
    }

    #[test]
    fn groups_are_found_by_name_and_by_path() {
        let roles = |claim: &str, value: Value| {
            let map = RoleMap::read("it=owner").unwrap();
            let settings = OidcSettings { roles: Some((claim.to_owned(), map)), ..OidcSettings::to_nowhere() };
            let said = said(value);
            assert_eq!(settings.wanted(&said), claim_of(&said, claim).is_none() || !said.contains_key("email"));
            settings.person(&said).unwrap().roles.unwrap().everywhere
        };
        let owner = Some(UserRole::Owner);
        assert_eq!(roles("groups", json!({ "sub": "1", "groups": ["x", "it"] })), owner);
        assert_eq!(roles("groups", json!({ "sub": "1", "groups": "it" })), owner);
        assert_eq!(roles("realm_access.roles", json!({ "sub": "1", "realm_access": { "roles": ["it"] } })), owner);
        assert_eq!(roles("https://x.example/groups", json!({ "sub": "1", "https://x.example/groups": ["it"] })), owner);
        assert_eq!(roles("groups", json!({ "sub": "1", "groups": { "it": true } })), None);
        assert_eq!(roles("groups", json!({ "sub": "1" })), None);
    }
}
