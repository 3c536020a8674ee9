//! How many rows queries have read: what a message costs must not grow with what is stored, and this is where it would show.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// A thread adds its rows to the sum once it has so many: a sum that all threads write at each row would cost more than counting.
const TOGETHER: u64 = 64;

static SUM: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static MINE: Cell<u64> = const { Cell::new(0) };
}

/// So many more.
pub(super) fn read(rows: usize) {
    let mine = MINE.get() + u64::try_from(rows).unwrap_or_default();
    MINE.set(if mine < TOGETHER {
        mine
    } else {
        SUM.fetch_add(mine, Ordering::Relaxed);
        0
    });
}

/// Rows that queries of the embedded engine have read in this process, all stores together; each thread may hold back a few.
#[must_use]
pub fn rows_read() -> u64 {
    SUM.load(Ordering::Relaxed)
}

/// Counts the steps that SQLite took for a statement, in tests: what a look-up walks over shows there and nowhere else.
#[inline]
pub(super) fn worked(statement: &rusqlite::Statement<'_>) {
    #[cfg(test)]
    STEPS.with(|steps| steps.set(steps.get() + i64::from(statement.reset_status(rusqlite::StatementStatus::VmStep))));
    #[cfg(not(test))]
    let _ = statement;
}

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
}

/// The steps that statements of this thread took since the last time.
#[cfg(test)]
pub(crate) fn steps() -> i64 {
    STEPS.with(|steps| steps.replace(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_reads_is_counted() {
        let before = rows_read();
        for _ in 0..TOGETHER {
            read(3);
        }
        // Other tests may read beside this one.
        assert!(rows_read() >= before + 2 * TOGETHER);
    }
}
