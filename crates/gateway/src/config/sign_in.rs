//! Values about signing in elsewhere: the provider, its secret, and what its groups mean here.

use std::collections::BTreeMap;

use transom_domain::id::BusinessId;
use transom_store::{UserRole, UserRoles};

use super::Setting;

/// Text that is never shown again.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl Setting for Hidden {
    const KIND: &'static str = "secret";

    fn read(text: &str) -> Result<Self, String> {
        match text.trim() {
            "" => Err("a text that is not empty".to_owned()),
            text => Ok(Self(text.to_owned())),
        }
    }

    fn shown(&self) -> Option<String> {
        Some("(hidden)".to_owned())
    }
}

/// An OpenID Connect issuer, to the letter as its tokens spell it: with a slash at its end where they have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer(String);

impl Issuer {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for Issuer {
    const KIND: &'static str = "https address";

    fn read(text: &str) -> Result<Self, String> {
        let expected = || {
            "the issuer's https address as it spells it itself, such as \"https://login.example.com/realms/shop\"; http on this machine only"
                .to_owned()
        };
        let text = text.trim();
        let url = url::Url::parse(text).map_err(|_| expected())?;
        let is_here = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        let fits = (url.scheme() == "https" || (url.scheme() == "http" && is_here))
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if fits { Ok(Self(text.to_owned())) } else { Err(expected()) }
    }

    fn shown(&self) -> Option<String> {
        Some(self.0.clone())
    }
}

/// Words with spaces or commas between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(pub Vec<String>);

impl Setting for Words {
    const KIND: &'static str = "words";

    fn read(text: &str) -> Result<Self, String> {
        let words: Vec<String> = text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
        if words.is_empty() { Err("one or several words with spaces between them".to_owned()) } else { Ok(Self(words)) }
    }

    fn shown(&self) -> Option<String> {
        Some(self.0.join(" "))
    }
}

/// What somebody is here who is in a group of the provider's: `group=role` or `group=role@business`, with semicolons between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMap(Vec<(String, UserRole, Option<BusinessId>)>);

impl RoleMap {
    /// What somebody is who is in these groups: the most that any of them says.
    #[must_use]
    pub fn roles(&self, groups: &[String]) -> UserRoles {
        let mut everywhere = None;
        let mut of = BTreeMap::new();
        for (_, role, business) in self.0.iter().filter(|(group, ..)| groups.contains(group)) {
            match business {
                None => everywhere = everywhere.max(Some(*role)),
                Some(business) => {
                    let there = of.entry(*business).or_insert(*role);
                    *there = (*there).max(*role);
                }
            }
        }
        UserRoles { everywhere, of }
    }
}

impl Setting for RoleMap {
    const KIND: &'static str = "groups and roles";

    fn read(text: &str) -> Result<Self, String> {
        let expected = || {
            "group=role or group=role@business with semicolons between, such as \"it=owner; support=agent@01K5Z3V8Q4M9W2N7T6R1XBCDEF\"; roles are owner, agent and viewer"
                .to_owned()
        };
        let mut all = Vec::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            // The last: names of groups in directories have such signs too.
            let (group, role) = part.rsplit_once('=').ok_or_else(expected)?;
            let (role, business) = match role.split_once('@') {
                Some((role, business)) => (role, Some(business.trim().parse().map_err(|_| expected())?)),
                None => (role, None),
            };
            let role = UserRole::named(role.trim()).ok_or_else(expected)?;
            if group.trim().is_empty() {
                return Err(expected());
            }
            all.push((group.trim().to_owned(), role, business));
        }
        if all.is_empty() { Err(expected()) } else { Ok(Self(all)) }
    }

    fn shown(&self) -> Option<String> {
        let one = |(group, role, business): &(String, UserRole, Option<BusinessId>)| match business {
            Some(business) => format!("{group}={}@{business}", role.as_str()),
            None => format!("{group}={}", role.as_str()),
        };
        Some(self.0.iter().map(one).collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_stays_as_it_is_spelt() {
        for good in ["https://login.example.com/", "https://login.example.com", "http://127.0.0.1:9/x", "http://localhost:8080"] {
            assert_eq!(Issuer::read(good).map(|issuer| issuer.0), Ok(good.to_owned()));
        }
        for bad in [
            "login.example.com",
            "http://login.example.com",
            "https://u@a.example",
            "https://a.example/?x",
            "http://localhost.evil.example",
        ] {
            assert!(Issuer::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Hidden::read(" s3cret ").unwrap();
        assert_eq!(secret.0, "s3cret");
        assert!(!format!("{secret:?} {:?}", secret.shown()).contains("s3cret"));
    }

    #[test]
    fn groups_give_the_most_that_any_of_them_says() {
        let shop = BusinessId(7);
        let map = RoleMap::read(&format!("it = owner; cn=help,ou=staff=agent; x=viewer@{shop};y=agent@{shop}")).unwrap();
        assert_eq!(RoleMap::read(&map.shown().unwrap()), Ok(map.clone()));
        let of = |groups: &[&str]| map.roles(&groups.iter().map(|group| (*group).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["it", "cn=help,ou=staff"]).everywhere, Some(UserRole::Owner));
        assert_eq!(of(&["x", "y"]).of, BTreeMap::from([(shop, UserRole::Agent)]));
        assert_eq!(of(&["IT", "nobody", ""]), UserRoles::default());
        for bad in ["", "it", "=owner", "it=boss", "it=owner@somewhere", ";"] {
            assert!(RoleMap::read(bad).is_err(), "{bad}");
        }
    }
}
