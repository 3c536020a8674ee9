//! How much memory and time a piece of work takes: an allocator that counts, per thread, and the thread's own time.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

/// What a piece of work took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Most bytes held at once.
    pub held: usize,
    /// Bytes asked for in all. It grows as the time does: a reader that copies what it has read so far for each thing it reads
    /// shows here, on any machine and however busy it is.
    pub asked: usize,
}

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// Does the work and counts what it takes. Nothing is counted unless [`Counting`] is the process's allocator.
pub fn metered<T>(work: impl FnOnce() -> T) -> (T, Used) {
    let before = HELD.get();
    MOST.set(before);
    ASKED.set(0);
    let done = work();
    let held = usize::try_from(MOST.get() - before).unwrap_or(0);
    (done, Used { held, asked: ASKED.get() })
}

/// The time for which this thread has had a core: what a busy machine does not change. None where the system does not tell.
#[must_use]
pub fn own_time() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// The system's allocator, counted.
#[derive(Debug)]
pub struct Counting;

fn count(more: usize, less: usize) {
    let change = isize::try_from(more).unwrap_or(isize::MAX) - isize::try_from(less).unwrap_or(isize::MAX);
    // Without a place to count, at the very end of a thread, it is not counted.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + change);
        let _ = MOST.try_with(|most| most.set(most.get().max(held.get())));
    });
    let _ = ASKED.try_with(|asked| asked.set(asked.get().wrapping_add(more)));
}

#[expect(unsafe_code, reason = "an allocator cannot be written without it; each call goes to the system's unchanged")]
// SAFETY: every method passes its arguments on to `System` as they came and gives back what that gave; counting allocates
// nothing, since the counters are constants in thread-local storage without destructors.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(at, layout, size) }
    }
}
