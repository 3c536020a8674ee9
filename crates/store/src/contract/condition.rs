//! How the store is doing: what an operator watches, and what decides whether sends are taken on.

use std::sync::atomic::AtomicU64;

/// How an engine is doing, as of a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Condition {
    /// Bytes in the write-ahead log.
    pub log_bytes: u64,
    /// Bytes that the log may have; 0 for an engine without one.
    pub log_max: u64,
    /// How often the log could not be begun anew because somebody read an old state for too long.
    pub log_pinned: u64,
    /// Room on the disk, where the engine has one of its own.
    pub disk: Option<DiskSpace>,
}

/// Room on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskSpace {
    /// Bytes that this user can still write.
    pub free: u64,
    /// Bytes that are kept for what is heard.
    pub reserve: u64,
    /// Only the reserve is left: what is heard and what became of attempts is still stored, nothing new is taken on.
    pub low: bool,
}

/// How far a copy has come, told while it is made.
#[derive(Debug, Default)]
pub struct CopyProgress {
    /// Pages of 4 KiB to be copied; grows when the store does.
    pub pages: AtomicU64,
    /// Pages that are there.
    pub copied: AtomicU64,
}
