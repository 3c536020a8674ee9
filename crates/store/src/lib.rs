//! The store's contract, its engines, and one conformance suite run against each.
//!
//! - [`contract`]: what the house asks of a store, one method per move of the domain.
//! - `moves`: each move, written once against `rows`.
//! - `sql`: what the engines that speak SQL share.
//! - [`SqliteStore`], [`MemoryStore`]: how rows are kept.

mod beside;
mod cache;
mod carry;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod contract;
mod engine;
mod memory;
mod migrate;
mod moves;
mod postgres;
mod rows;
mod sql;
mod sqlite;
mod transaction;

pub use carry::{CARRIED_FILE, Carried, CarriedTable, CarriedTo, CarryError, Carrying, carry};
pub use contract::*;
pub use memory::{Disk, MemoryStore, Waiting as DiskWait};
pub use moves::tell::position_of;
pub use postgres::{PostgresAddress, PostgresError, PostgresOptions, PostgresStore};
pub use sqlite::{
    BackupError, BackupFacts, FolderLock, JournalFacts, OpenError, Restoring, SqliteOptions, SqliteStore, check_backup,
    finish_backup, journal_of, rows_read,
};
