//! How an engine serves [`Insight`].

use transom_domain::id::{BusinessId, EndpointId, EventId, MessageId};

use super::Engine;
use crate::contract::{Answer, Insight, Lag, Telling, Told};
use crate::moves::insight;

impl<E: Engine> Insight for E {
    fn tellings(&self, business: BusinessId, message: MessageId) -> Answer<'_, Option<Vec<Telling>>> {
        self.read(move |rows| insight::tellings(rows, business, message))
    }

    fn delivery(&self, business: BusinessId, endpoint: EndpointId, event: EventId) -> Answer<'_, Option<Told>> {
        self.read(move |rows| insight::delivery(rows, business, endpoint, event))
    }

    fn lags(&self, business: BusinessId, endpoints: Vec<(EndpointId, u64)>) -> Answer<'_, Vec<Lag>> {
        self.read(move |rows| insight::lags(rows, business, &endpoints))
    }
}
