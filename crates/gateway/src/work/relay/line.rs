//! The line to a worker: what it shares with those who start, wake, ask and stop it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use transom_domain::id::EventId;
use transom_domain::time::Timestamp;

use super::Post;

/// What a worker shares with those outside.
pub(super) struct Line {
    /// Wakes it.
    pub(super) post: Arc<Post>,
    /// Ends it: what is under way is finished and recorded, and nothing more leaves.
    pub(super) stop: CancellationToken,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    asked: Option<Asked>,
    rests: Option<Timestamp>,
    told_to: u64,
}

/// What somebody's hand asks for: it goes even while the endpoint is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Whatever comes next.
    Any,
    /// This event.
    Of(EventId),
}

impl Line {
    pub(super) fn new(post: Arc<Post>, stop: CancellationToken) -> Self {
        Self { post, stop, said: Mutex::default() }
    }

    /// Asks for a delivery, and wakes the worker.
    pub(super) fn ask(&self, asked: Asked) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).asked = Some(asked);
        self.post.poke();
    }

    /// What was asked for since the last look.
    pub(super) fn take_asked(&self) -> Option<Asked> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).asked.take()
    }

    /// How far the worker has told its endpoint, which is written down a little later.
    pub(super) fn tell_progress(&self, cursor: u64) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).told_to = cursor;
    }

    /// What was said of that last; 0 before anything was told.
    pub(super) fn told_to(&self) -> u64 {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).told_to
    }

    /// Until when the worker leaves its endpoint alone.
    pub(super) fn rest(&self, until: Option<Timestamp>) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).rests = until;
    }

    /// What was said of that last.
    pub(super) fn rests_until(&self) -> Option<Timestamp> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).rests
    }
}
