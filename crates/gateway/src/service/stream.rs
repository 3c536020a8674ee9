//! The stream of a business's events, read by position: filtered, bounded, and waited for.

use std::sync::Arc;
use std::time::Duration;

use transom_domain::error_code::ErrorCode;
use transom_domain::event::{Event, Selection};
use transom_store::{Action, BATCH_MAX, BusinessSettings, PAGE_MAX};

use super::Service;
use super::command::Caller;
use crate::problem::Problem;
use crate::work::listeners::{Full, Listener};

/// How many events one page looks through for those that are wanted: about a hundredth of a second. With a rare filter a page can be
/// shorter than asked, even empty, and still go on.
const LOOK_MAX: usize = 2_048;
/// Readers of one business that wait for events at once, streams and long polls together. One reader can serve many.
const LISTENERS_OF_BUSINESS: usize = 32;
/// Of all businesses together, where there are connections enough.
const LISTENERS_IN_ALL: usize = 1_024;
/// The longest that a page is waited for.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(30);

/// Which page of the stream is wanted.
#[derive(Debug, Clone, Default)]
pub struct StreamQuery {
    /// Position after which to begin; none for the earliest that is kept.
    pub after: Option<u64>,
    /// Events at most; at most [`PAGE_MAX`].
    pub limit: usize,
    /// Which events.
    pub selection: Selection,
}

/// A page of the stream.
#[derive(Debug, Clone, Default)]
pub struct StreamPage {
    /// Oldest first.
    pub events: Vec<Event>,
    /// Position up to which was looked: where the next page begins.
    pub looked_to: u64,
    /// Position of the newest event of the business.
    pub newest: u64,
    /// Position of the oldest event that is kept.
    pub earliest: u64,
}

impl Service {
    /// Events after a position, as far as they are wanted.
    ///
    /// # Errors
    /// 410 when the position is older than what is kept, 400 when it is beyond the newest event.
    pub async fn events(&self, caller: &Caller, query: &StreamQuery) -> Result<StreamPage, Problem> {
        let limit = query.limit.clamp(1, PAGE_MAX);
        let batch = if query.selection == Selection::default() { limit } else { BATCH_MAX };
        let mut found = StreamPage::default();
        let mut looked = 0;
        loop {
            let first = looked == 0;
            let after = if first { query.after.unwrap_or(0) } else { found.looked_to };
            let page = self.store.events(caller.business, after, batch).await?;
            (found.newest, found.earliest) = (page.newest, page.earliest);
            if first {
                found.looked_to = query.after.unwrap_or_else(|| page.earliest.saturating_sub(1));
                within(found.looked_to, page.newest, page.earliest)?;
            } else if after.saturating_add(1) < page.earliest {
                // Swept away meanwhile: what was found is whole up to here, and the next page says so.
                return Ok(found);
            }
            let whole = page.events.len() < batch;
            looked += page.events.len();
            for event in page.events {
                found.looked_to = event.position;
                if query.selection.fits(&event) {
                    found.events.push(event);
                    if found.events.len() == limit {
                        return Ok(found);
                    }
                }
            }
            if whole || looked >= LOOK_MAX {
                return Ok(found);
            }
        }
    }

    /// As [`Service::events`], and where there are none yet, waits for one for so long, as one of `in_all` listeners.
    ///
    /// # Errors
    /// As [`Service::events`]; 429 when too many wait already.
    pub async fn events_within(
        &self,
        caller: &Caller,
        query: &StreamQuery,
        wait: Duration,
        in_all: usize,
    ) -> Result<StreamPage, Problem> {
        let wait = wait.min(WAIT_MAX);
        if wait.is_zero() {
            return self.events(caller, query).await;
        }
        // Machine time: it is a connection that is held.
        let end = tokio::time::Instant::now() + wait;
        let mut listener = self.listen(caller, in_all)?;
        let mut query = query.clone();
        loop {
            let page = self.events(caller, &query).await?;
            let at_the_end = page.looked_to >= page.newest;
            if !page.events.is_empty() || !at_the_end {
                return Ok(page);
            }
            query.after = Some(page.looked_to);
            tokio::select! {
                () = listener.woken() => {}
                () = self.drained() => return Ok(page),
                () = tokio::time::sleep_until(end) => return Ok(page),
            }
        }
    }

    /// How many minutes before the end of a session it is told to close soon; 0 for never.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn closing_soon_minutes(&self, caller: &Caller) -> Result<u16, Problem> {
        let notice = self.store.settings(caller.business).await?.sessions.closing_soon();
        Ok(u16::try_from(notice.as_secs() / 60).unwrap_or(u16::MAX))
    }

    /// Chooses how many; none for the hour that holds where nothing is chosen. Gives what holds then.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn set_closing_soon_minutes(&self, caller: &Caller, minutes: Option<u16>) -> Result<u16, Problem> {
        let change = Arc::new(move |settings: &mut BusinessSettings| settings.sessions.closing_soon_minutes = minutes);
        self.store.change_settings(caller.business, change).await?;
        self.audited(caller, Action::EventSettingsSet, "").await;
        self.closing_soon_minutes(caller).await
    }

    /// Listens for the caller's events.
    ///
    /// # Errors
    /// 429 when as many listen as may.
    pub fn listen(&self, caller: &Caller, in_all: usize) -> Result<Listener, Problem> {
        let of_business = LISTENERS_OF_BUSINESS;
        self.relay.listeners().listen(caller.business, of_business, in_all.min(LISTENERS_IN_ALL)).map_err(|full| {
            let refused = |why: String| Problem::new(ErrorCode::RateLimited, why).retry_after(30);
            match full {
                Full::Business => refused(format!("{of_business} readers of this business wait for events already."))
                    .remedy("Close one, or let one reader serve all who want them."),
                Full::All => refused("As many readers wait for events as there may be.".to_owned())
                    .remedy("Read pages with `GET events?after=` meanwhile, or raise `server.connections_max`."),
            }
        })
    }
}

/// Whether a position can be read from.
fn within(after: u64, newest: u64, earliest: u64) -> Result<(), Problem> {
    if after > newest {
        let rule = format!("is {after}, and the newest event has position {newest}");
        return Err(Problem::field("after", rule, "pass on `nextAfter` as it was given, or 0 to start"));
    }
    if after.saturating_add(1) < earliest {
        return Err(Problem::new(ErrorCode::CursorTooOld, format!("Events after position {after} are no longer all kept."))
            .detail("earliest", earliest.saturating_sub(1)));
    }
    Ok(())
}
