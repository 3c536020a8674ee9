//! The moves, each written once against [`crate::rows`]: an engine opens a transaction, runs one of these, commits.
//!
//! A move decides before it writes. What it decides by is either here in pure functions ([`join`]) or in the domain.

use transom_domain::time::Timestamp;

use crate::rows::Result;

pub(crate) mod accept;
pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod amend;
pub(crate) mod audit;
pub(crate) mod claim;
pub(crate) mod consent;
pub(crate) mod content;
pub(crate) mod conversations;
pub(crate) mod customers;
pub(crate) mod end;
pub(crate) mod erase;
pub(crate) mod hear;
pub(crate) mod history;
pub(crate) mod insight;
pub(crate) mod join;
pub(crate) mod journal;
pub(crate) mod lane;
pub(crate) mod marks;
pub(crate) mod media;
pub(crate) mod messaging_service;
pub(crate) mod people;
pub(crate) mod reach;
pub(crate) mod read;
pub(crate) mod rehear;
pub(crate) mod relay;
pub(crate) mod replicas;
pub(crate) mod report;
pub(crate) mod revive;
pub(crate) mod session;
pub(crate) mod settle;
pub(crate) mod silence;
pub(crate) mod tally;
pub(crate) mod tell;
pub(crate) mod template;
pub(crate) mod timeline;
pub(crate) mod unknown;
pub(crate) mod upkeep;
pub(crate) mod users;

/// The first position, from `low` on and `high` at most, at which something lies that is from a moment or later: moments grow with
/// positions, and `at` gives that of the first thing at a position or behind it.
fn halved((mut low, mut high): (u64, u64), since: Timestamp, at: impl Fn(u64) -> Result<Option<Timestamp>>) -> Result<u64> {
    while low < high {
        let middle = low + (high - low) / 2;
        match at(middle)? {
            Some(at) if at < since => low = middle + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}
