//! How an engine serves [`Journal`].

use transom_domain::id::{BusinessId, JournalId, ReplayId};
use transom_domain::time::Timestamp;

use super::{Engine, Room, Scope};
use crate::beside;
use crate::contract::{
    Answer, Journal, JournalEntry, JournalErased, JournalFilter, JournalFound, JournalFrom, JournalOutcome, JournalPage,
    JournalReplay, JournalReplayed,
};
use crate::moves::{journal, rehear};

impl<E: Engine> Journal for E {
    fn journal_after(&self, business: BusinessId, after: u64, limit: usize) -> Answer<'_, JournalPage> {
        self.consult(move |rows| journal::after(rows, business, after, limit))
    }

    fn journal_search(
        &self,
        business: Option<BusinessId>,
        filter: JournalFilter,
        from: JournalFrom,
        limit: usize,
    ) -> Answer<'_, JournalFound> {
        self.consult(move |rows| journal::search(rows, business, &filter, from, limit))
    }

    fn journal_entry(&self, business: Option<BusinessId>, id: JournalId) -> Answer<'_, Option<JournalEntry>> {
        self.consult(move |rows| journal::entry(rows, business, id))
    }

    fn journal_reheard(&self, business: BusinessId, id: JournalId, outcome: JournalOutcome, note: String) -> Answer<'_, bool> {
        self.note(Scope::Business(business), Room::Ending, move |rows| journal::reheard(rows, business, id, outcome, &note))
    }

    fn start_journal_replay(&self, replay: JournalReplay) -> Answer<'_, JournalReplay> {
        Box::pin(async move {
            let business = replay.business;
            let page = self.consult(move |rows| journal::after(rows, business, u64::MAX >> 1, 1)).await?;
            self.write(Scope::Business(replay.business), Room::Sending, move |rows| rehear::start(rows, &replay, page.newest))
                .await
        })
    }

    fn journal_replays(&self, business: BusinessId) -> Answer<'_, Vec<JournalReplay>> {
        self.read(move |rows| rehear::all(rows, business))
    }

    fn open_journal_replays(&self, limit: usize) -> Answer<'_, Vec<JournalReplay>> {
        self.look_up(move |rows| rows.open_journal_replays(limit))
    }

    fn journal_replayed(
        &self,
        business: BusinessId,
        id: ReplayId,
        cursor: u64,
        did: JournalReplayed,
        now: Timestamp,
    ) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Ending, move |rows| rehear::went_on(rows, business, id, cursor, did, now))
    }

    fn stop_journal_replay(&self, business: BusinessId, id: ReplayId, now: Timestamp) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Ending, move |rows| rehear::stop(rows, business, id, now))
    }

    fn journal_erase(&self, business: BusinessId, texts: Vec<String>, after: u64) -> Answer<'_, JournalErased> {
        self.note(Scope::Business(business), Room::Ending, move |rows| journal::erase(rows, business, &texts, after))
    }

    fn blank_bodies(&self) -> Answer<'_, bool> {
        Box::pin(beside::blank(self))
    }
}
