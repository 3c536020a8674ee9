//! How an engine serves [`History`].

use transom_domain::id::{BusinessId, SenderId};
use transom_domain::time::{Span, Timestamp};

use super::{Engine, Room, Scope};
use crate::contract::Answer;
use crate::moves::history;
use crate::{Asked, History, HistoryState, Offer, Overdue};

impl<E: Engine> History for E {
    fn find_overdue(&self, business: BusinessId, after: Span, limit: usize, now: Timestamp) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Ending, move |rows| history::find(rows, business, after, limit, now))
    }

    fn overdue_of(&self, sender: SenderId, limit: usize, now: Timestamp) -> Answer<'_, Vec<Overdue>> {
        self.read(move |rows| history::overdue(rows, sender, limit, now))
    }

    fn asked_of(&self, sender: SenderId, asked: Vec<Asked>, offer: Offer) -> Answer<'_, ()> {
        self.write(Scope::Sender(sender), Room::Ending, move |rows| history::asked(rows, sender, &asked, &offer))
    }

    fn history_of(&self, sender: SenderId) -> Answer<'_, HistoryState> {
        self.read(move |rows| history::of(rows, sender))
    }
}
