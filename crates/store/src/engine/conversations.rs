//! Conversations.

use transom_domain::id::BusinessId;
use transom_domain::time::Timestamp;

use super::Engine;
use crate::contract::{Answer, ConversationFilter, ConversationRow, Conversations, Page};
use crate::moves::conversations;

impl<E: Engine> Conversations for E {
    fn conversations(
        &self,
        business: BusinessId,
        filter: ConversationFilter,
        page: Page,
        now: Timestamp,
    ) -> Answer<'_, (Vec<ConversationRow>, Option<String>)> {
        self.read(move |rows| conversations::list(rows, business, &filter, &page, now))
    }
}
