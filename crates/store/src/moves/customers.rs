//! Customers as they are read: one person, a list, a search.

use transom_domain::address::Identity;
use transom_domain::id::{BusinessId, CustomerId};

use super::people;
use crate::rows::{CustomerRow, NameKey, Result, Rows, folded, found_by};
use crate::{CustomerFilter, CustomerView, MergedCustomer, PAGE_MAX, Page, StoreError};

/// How many rows one page of all customers may look through: those that lead to others are passed over.
const LOOK_MAX: usize = 1_000;

/// See [`crate::Store::customer`].
pub(crate) fn customer(rows: &dyn Rows, business: BusinessId, customer: CustomerId) -> Result<Option<CustomerView>> {
    people::person_of(rows, business, customer)?.map(|person| view(rows, &person)).transpose()
}

/// See [`crate::Store::customer_with`].
pub(crate) fn with(rows: &dyn Rows, business: BusinessId, identity: &Identity) -> Result<Option<CustomerView>> {
    people::holder(rows, business, identity)?.map(|person| view(rows, &person)).transpose()
}

fn view(rows: &dyn Rows, person: &CustomerRow) -> Result<CustomerView> {
    let (mut identities, mut merged) = (Vec::new(), Vec::new());
    for id in people::members(rows, person)? {
        let claims = rows.claims_of(person.business, id, people::CLAIMS_MAX)?;
        identities.extend(claims.into_iter().map(|claim| (id, claim)));
        if let Some(row) = rows.customer(person.business, id)?
            && let Some(lead) = row.merged
        {
            merged.push(MergedCustomer { id, name: row.name, into: lead.into, at: lead.at, why: lead.why });
        }
    }
    let people::Called { name, username, .. } = people::called(rows, person)?;
    Ok(CustomerView {
        id: person.id,
        name,
        username,
        present: person.present.clone(),
        identities,
        merged,
        consent: people::wants(rows, person)?,
    })
}

/// A page of people, in the order in which they were found, each once.
#[derive(Default)]
struct Found(Vec<CustomerRow>);

impl Found {
    fn add(&mut self, rows: &dyn Rows, business: BusinessId, customer: CustomerId) -> Result<()> {
        if let Some(person) = people::person_of(rows, business, customer)?
            && self.0.iter().all(|known| known.id != person.id)
        {
            self.0.push(person);
        }
        Ok(())
    }
}

/// What a search looks through, in this order.
const NAMES: [NameKey; 3] = [NameKey::Username, NameKey::Name, NameKey::Word];

/// What stands for it where a page ended.
const fn letter(by: NameKey) -> &'static str {
    match by {
        NameKey::Username => "u",
        NameKey::Name => "n",
        NameKey::Word => "w",
    }
}

/// Where a page of a search ended.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Phone(String),
    Name(NameKey, String, CustomerId),
}

impl Place {
    /// In letters that stand in any address as they are.
    fn token(&self) -> String {
        let text = match self {
            Self::Phone(text) => format!("p{text}"),
            Self::Name(by, name, id) => format!("{}{id}{name}", letter(*by)),
        };
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn read(token: &str) -> Option<Self> {
        let byte = |at: usize| u8::from_str_radix(token.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..token.len()).step_by(2).map(byte).collect();
        let text = String::from_utf8(bytes?).ok()?;
        let rest = text.get(1..)?;
        let by = match text.get(..1)? {
            "p" => return Some(Self::Phone(rest.to_owned())),
            letter => *NAMES.iter().find(|by| self::letter(**by) == letter)?,
        };
        Some(Self::Name(by, rest.get(26..)?.to_owned(), rest.get(..26)?.parse().ok()?))
    }
}

/// The digits of what is looked for, where it is the beginning of a number.
fn number(query: &str) -> Option<String> {
    let plain: String = query.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')')).collect();
    let digits = plain.strip_prefix('+').unwrap_or(&plain);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| format!("+{digits}"))
}

/// See [`crate::Store::customers`].
pub(crate) fn customers(
    rows: &dyn Rows,
    business: BusinessId,
    filter: &CustomerFilter,
    page: &Page,
) -> Result<(Vec<CustomerView>, Option<String>)> {
    let size = page.size.clamp(1, PAGE_MAX);
    let (found, next) = match filter {
        CustomerFilter { identity: Some(identity), .. } => {
            let query = filter.query.as_deref();
            let found = people::holder(rows, business, identity)?;
            let fits = match (&found, query) {
                (Some(person), Some(query)) => is_meant(rows, person, query)?,
                _ => true,
            };
            (found.filter(|_| fits).into_iter().collect(), None)
        }
        CustomerFilter { query: Some(query), .. } => searched(rows, business, query, size, page.token.as_deref())?,
        CustomerFilter { .. } => latest(rows, business, size, page.token.as_deref())?,
    };
    let views = found.iter().map(|person| view(rows, person)).collect::<Result<_>>()?;
    Ok((views, next))
}

/// A name, or the beginning of one, as it is looked for.
fn looked_for(query: &str) -> String {
    folded(query.trim().trim_start_matches('@'))
}

fn is_meant(rows: &dyn Rows, person: &CustomerRow, query: &str) -> Result<bool> {
    Ok(match number(query) {
        Some(digits) => person.present.phone.as_ref().is_some_and(|phone| phone.as_str().starts_with(&digits)),
        None => {
            let people::Called { name, username, .. } = people::called(rows, person)?;
            found_by(&CustomerRow { name, username, ..person.clone() }, &looked_for(query)).is_some()
        }
    })
}

fn latest(rows: &dyn Rows, business: BusinessId, size: usize, token: Option<&str>) -> Result<(Vec<CustomerRow>, Option<String>)> {
    let mut before = token.map(|token| token.parse().map_err(|_| StoreError::BadToken)).transpose()?;
    let mut found = Vec::new();
    let mut looked = 0;
    loop {
        let slice = rows.customers(business, before, size + 1)?;
        let more = slice.len() > size;
        for row in slice.into_iter().take(size) {
            looked += 1;
            before = Some(row.id);
            if row.merged.is_none() {
                found.push(row);
            }
            if found.len() == size {
                let next = !rows.customers(business, before, 1)?.is_empty();
                return Ok((found, before.filter(|_| next).map(|id| id.to_string())));
            }
        }
        if !more || looked >= LOOK_MAX {
            return Ok((found, before.filter(|_| more).map(|id| id.to_string())));
        }
    }
}

fn searched(
    rows: &dyn Rows,
    business: BusinessId,
    query: &str,
    size: usize,
    token: Option<&str>,
) -> Result<(Vec<CustomerRow>, Option<String>)> {
    let from = token.map(|token| Place::read(token).ok_or(StoreError::BadToken)).transpose()?;
    let mut found = Found::default();
    if let Some(digits) = number(query) {
        let after = match &from {
            None => None,
            Some(Place::Phone(text)) => Some(text.as_str()),
            Some(Place::Name(..)) => return Err(StoreError::BadToken),
        };
        let held = rows.holders_from(business, &digits, after, size + 1)?;
        let more = held.len() > size;
        let mut last = None;
        // The whole number, in whichever spelling.
        if let (None, Ok(whole)) = (after, digits.parse::<Identity>())
            && let Some(held) = rows.holder(business, &whole)?
        {
            found.add(rows, business, held.customer)?;
        }
        for (text, customer) in held.into_iter().take(size) {
            found.add(rows, business, customer)?;
            last = Some(Place::Phone(text));
        }
        return Ok((found.0, last.filter(|_| more).map(|place| place.token())));
    }
    let (begun, mut after) = match from {
        None => (NameKey::Username, None),
        Some(Place::Name(by, name, id)) => (by, Some((name, id))),
        Some(Place::Phone(_)) => return Err(StoreError::BadToken),
    };
    let prefix = looked_for(query);
    let mut looked = 0;
    for by in NAMES.into_iter().skip_while(|by| *by != begun) {
        loop {
            let left = size.saturating_sub(found.0.len());
            let named = rows.named(business, by, &prefix, after.as_ref().map(|(name, id)| (name.as_str(), *id)), left + 1)?;
            let more = named.len() > left;
            for (name, id) in named.into_iter().take(left) {
                looked += 1;
                // Who is found by several names is found by the first of them.
                let row = rows.customer(business, id)?;
                if row.is_some_and(|row| found_by(&row, &prefix).is_some_and(|first| first == (by, name.clone()))) {
                    found.add(rows, business, id)?;
                }
                after = Some((name, id));
            }
            if !more {
                after = None;
                break;
            }
            if found.0.len() == size || looked >= LOOK_MAX {
                // A full page of what was looked through before, and nobody of this yet.
                let (name, id) = after.unwrap_or((prefix, CustomerId(0)));
                return Ok((found.0, Some(Place::Name(by, name, id).token())));
            }
        }
    }
    Ok((found.0, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nothing_else_does() {
        for place in [
            Place::Phone("+4915112345678".to_owned()),
            Place::Name(NameKey::Name, "ana müller".to_owned(), CustomerId(7)),
            Place::Name(NameKey::Word, "müller".to_owned(), CustomerId(7)),
            Place::Name(NameKey::Username, String::new(), CustomerId(u128::MAX >> 3)),
        ] {
            assert_eq!(Place::read(&place.token()), Some(place));
        }
        for bad in ["", "0", "zz", "70ff", "6e41", "+", "é"] {
            assert!(Place::read(bad).is_none_or(|place| matches!(place, Place::Phone(_))), "{bad}");
        }
    }

    #[test]
    fn a_text_of_digits_is_a_number() {
        assert_eq!(number("+49 (151) 12"), Some("+4915112".to_owned()));
        assert_eq!(number("49151"), Some("+49151".to_owned()));
        for name in ["", "+", "3M", "Ana", "@ana"] {
            assert_eq!(number(name), None, "{name}");
        }
    }
}
