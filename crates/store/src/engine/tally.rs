//! How an engine serves [`Tallies`].

use transom_domain::id::BusinessId;

use super::Engine;
use crate::contract::{Answer, Overview, OverviewAsk, Tallies};
use crate::moves::tally;

impl<E: Engine> Tallies for E {
    fn overview(&self, business: BusinessId, ask: OverviewAsk) -> Answer<'_, Overview> {
        self.read(move |rows| tally::overview(rows, business, &ask))
    }
}
