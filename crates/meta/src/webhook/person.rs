//! Who a webhook is about (Meta: business-scoped-user-ids).
//!
//! Fields that Meta cannot fill are left out. Numbers come without `+`; one production payload has a user id where the number
//! belongs, which its shape gives away; user names come with and without `@`.

use transom_domain::address::{Bsuid, Phone};
use transom_domain::fact::Person;

use super::wire::Contact;

/// A person by the three fields that name one, wherever they stand.
pub(super) fn person(number: Option<&str>, user_id: Option<&str>, parent_user_id: Option<&str>) -> Person {
    let mut person = Person::default();
    for text in [user_id, parent_user_id, number].into_iter().flatten() {
        match Bsuid::parse(text) {
            Ok(id) if id.is_parent() => {
                person.parent_bsuid.get_or_insert(id);
            }
            Ok(id) => {
                person.bsuid.get_or_insert(id);
            }
            Err(_) => {}
        }
    }
    person.phone = number.and_then(|digits| Phone::from_wa_id(digits).ok());
    person
}

/// Whether nothing names this person.
pub(super) fn is_nobody(person: &Person) -> bool {
    person.phone.is_none() && person.bsuid.is_none() && person.parent_bsuid.is_none()
}

/// The people of a value's `contacts`.
pub(super) struct Contacts(Vec<Person>);

impl Contacts {
    pub(super) fn new(contacts: Option<Vec<Contact<'_>>>) -> Self {
        let people = contacts.unwrap_or_default().into_iter().map(|contact| {
            let mut known = person(contact.wa_id.as_deref(), contact.user_id.as_deref(), contact.parent_user_id.as_deref());
            if let Some(profile) = contact.profile {
                known.name = profile.name.filter(|n| !n.is_empty()).map(Into::into);
                known.username = profile.username.and_then(|name| bare_username(&name));
            }
            known
        });
        Self(people.collect())
    }

    /// What the contacts know of a person beyond what its message or status says. Without a common id only a sole contact
    /// that contradicts nothing is the same person.
    pub(super) fn complete(&self, mut person: Person) -> Person {
        let sole = self.0.len() == 1;
        let known = self
            .0
            .iter()
            .find(|known| shares(known, &person))
            .or_else(|| self.0.first().filter(|known| sole && !contradicts(known, &person)));
        if let Some(known) = known {
            person.phone = person.phone.or_else(|| known.phone.clone());
            person.bsuid = person.bsuid.or_else(|| known.bsuid.clone());
            person.parent_bsuid = person.parent_bsuid.or_else(|| known.parent_bsuid.clone());
            person.name = known.name.clone();
            person.username = known.username.clone();
        }
        person
    }
}

fn shares(a: &Person, b: &Person) -> bool {
    (a.phone.is_some() && a.phone == b.phone) || (a.bsuid.is_some() && a.bsuid == b.bsuid)
}

fn contradicts(a: &Person, b: &Person) -> bool {
    let differ = |one: bool, other: bool, same: bool| one && other && !same;
    differ(a.phone.is_some(), b.phone.is_some(), a.phone == b.phone)
        || differ(a.bsuid.is_some(), b.bsuid.is_some(), a.bsuid == b.bsuid)
}

fn bare_username(name: &str) -> Option<String> {
    Some(name.trim().trim_start_matches('@').to_owned()).filter(|n| !n.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_is_recognised_wherever_it_stands() {
        let plain = person(Some("DE.77aB"), None, None);
        assert_eq!((plain.phone, plain.bsuid), (None, Bsuid::parse("DE.77aB").ok()));
        let both = person(Some("493012345678"), Some("DE.77aB"), Some("DE.ENT.9"));
        assert_eq!(both.phone, Phone::parse("+493012345678").ok());
        assert_eq!(both.bsuid, Bsuid::parse("DE.77aB").ok());
        assert_eq!(both.parent_bsuid, Bsuid::parse("DE.ENT.9").ok());
        assert!(is_nobody(&person(Some("group-17"), Some(""), None)));
    }

    #[test]
    fn contacts_complete_only_the_person_they_are() {
        let contact = |wa_id: &'static str, user_id: &'static str, name: &'static str| Contact {
            profile: Some(super::super::wire::Profile { name: Some(name.into()), username: Some("@ana.b".into()) }),
            wa_id: Some(wa_id.into()),
            user_id: Some(user_id.into()),
            parent_user_id: None,
        };
        let two = Contacts::new(Some(vec![contact("4930111111", "DE.1", "Ana"), contact("4930222222", "DE.2", "Ben")]));
        let ben = two.complete(person(None, Some("DE.2"), None));
        assert_eq!((ben.name.as_deref(), ben.phone), (Some("Ben"), Phone::parse("+4930222222").ok()));
        assert_eq!(two.complete(person(Some("4930333333"), None, None)).name, None);

        let one = Contacts::new(Some(vec![contact("", "DE.1", "Ana")]));
        let ana = one.complete(person(Some("4930111111"), None, None));
        assert_eq!((ana.name.as_deref(), ana.username.as_deref()), (Some("Ana"), Some("ana.b")));
        assert_eq!(ana.bsuid, Bsuid::parse("DE.1").ok());
        assert_eq!(one.complete(person(None, Some("DE.9"), None)).name, None);
    }
}
