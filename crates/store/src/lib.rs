//! The store's contract, its engines, and one conformance suite run against each.
//!
//! - [`contract`]: what the house asks of a store, one method per move of the domain.
//! - `moves`: each move, written once against `rows`.
//! - [`SqliteStore`], [`MemoryStore`]: how rows are kept.

mod beside;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod contract;
mod engine;
mod memory;
mod migrate;
mod moves;
mod rows;
mod sqlite;
mod transaction;

pub use contract::*;
pub use memory::{Disk, MemoryStore, Waiting as DiskWait};
pub use sqlite::{
    BackupError, BackupFacts, JournalFacts, OpenError, Restoring, SqliteOptions, SqliteStore, check_backup, finish_backup,
    journal_of, rows_read,
};
