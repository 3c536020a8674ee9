//! Which events a reader of the stream wants: the filters of a list and of a stream, read from the query.

use transom_domain::address::Channel;
use transom_domain::event::{NAMES, Selection, matches_glob};
use transom_domain::id::BusinessId;

use super::query::Query;
use super::read::closest;
use crate::service::Service;

/// The filters' names.
pub(crate) const FILTERS: [&str; 3] = ["types", "sender", "channel"];
/// Most entries of one filter.
const ENTRIES_MAX: usize = 32;
/// Most characters of one filter.
const LENGTH_MAX: usize = 1_024;

/// Reads the filters; what is wrong with them is noted.
pub(crate) fn selection(query: &mut Query, service: &Service, business: BusinessId) -> Selection {
    Selection {
        types: entries(query, "types", |name| match NAMES.iter().any(|known| matches_glob(name, known)) {
            true => Ok(name.to_owned()),
            false => Err(match closest(name, NAMES.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use a glob such as message.*, or names among {}", NAMES.join(", ")),
            }),
        }),
        senders: entries(query, "sender", |text| {
            service
                .directory
                .now()
                .named(business, text)
                .ok_or_else(|| "use the address or the id of one of this business's senders".to_owned())
        }),
        channels: entries(query, "channel", |text| {
            Channel::ALL.into_iter().find(|c| c.as_str() == text).ok_or_else(|| "use whatsapp or messenger".to_owned())
        }),
        campaigns: Vec::new(),
    }
}

/// A list, parted by commas.
fn entries<T>(query: &mut Query, name: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
    let text = query.get(name).unwrap_or_default().to_owned();
    query.notes.at_most(name, Some(&text), LENGTH_MAX);
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > ENTRIES_MAX {
        query.notes.note(name, format!("has {} entries, at most {ENTRIES_MAX} are allowed", parts.len()), "use globs");
        return Vec::new();
    }
    let mut found = Vec::with_capacity(parts.len());
    for part in parts {
        match read(part) {
            Ok(value) => found.push(value),
            Err(remedy) => {
                let shown: String = part.chars().take(60).collect();
                query.notes.note(name, format!("{shown} fits nothing that there is"), remedy);
            }
        }
    }
    found
}
