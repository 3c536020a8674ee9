//! Consent of customers, and the words by which they give or take it.

use transom_domain::consent::Entry;
use transom_domain::id::CustomerId;
use transom_domain::keywords::Keywords;
use transom_domain::time::Span;
use transom_store::{Action, ConsentLedger, Page, RecordConsent, RecordedConsent, Who};

use super::Service;
use super::command::Caller;
use super::messages::bounded;
use crate::problem::Problem;

/// How far a caller's clock may be ahead of ours.
const CLOCK_AHEAD_MAX: Span = Span::minutes(5);

impl Service {
    /// A customer's consent, and a page of the ledger.
    ///
    /// # Errors
    /// 404 when this business has no such customer.
    pub async fn consent(&self, caller: &Caller, who: Who, page: Page) -> Result<ConsentLedger, Problem> {
        let found = self.store.consent(caller.business, who, bounded(page)).await?;
        found.ok_or_else(|| Problem::not_found("customer"))
    }

    /// Records a word of a customer's. An identity that nobody has becomes a new customer.
    ///
    /// # Errors
    /// When it is of a time to come; 404 when an id names nobody.
    pub async fn record_consent(&self, caller: &Caller, who: Who, mut entry: Entry) -> Result<RecordedConsent, Problem> {
        let now = self.now();
        if entry.at > now.plus(CLOCK_AHEAD_MAX) {
            return Err(Problem::field("at", "is of a time to come", "give the moment at which the customer chose"));
        }
        entry.at = entry.at.min(now);
        (entry.evidence.key, entry.evidence.user) = (caller.key(), caller.user());
        let new_customer = CustomerId::compose(now, self.chance.draw());
        let record = RecordConsent { business: caller.business, who, new_customer, entry, now };
        let recorded = self.store.record_consent(record).await?.ok_or_else(|| Problem::not_found("customer"))?;
        if recorded.changed {
            self.relay.poke(caller.business);
        }
        Ok(recorded)
    }

    /// The stop and start words of a business.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn keywords(&self, caller: &Caller) -> Result<Keywords, Problem> {
        Ok(self.store.settings(caller.business).await?.keywords.unwrap_or_default())
    }

    /// Sets them; from the next webhook on they count.
    ///
    /// # Errors
    /// Names every field that is wrong; 404 when the business is gone.
    pub async fn put_keywords(&self, caller: &Caller, keywords: Keywords) -> Result<Keywords, Problem> {
        keywords.check().map_err(|found| Problem::fields(&found))?;
        let kept = (keywords != Keywords::default()).then_some(keywords);
        let change = move |settings: &mut transom_store::BusinessSettings| settings.keywords.clone_from(&kept);
        let settings = self.store.change_settings(caller.business, std::sync::Arc::new(change)).await?;
        let settings = settings.ok_or_else(|| Problem::not_found("business"))?;
        self.audited(caller, Action::KeywordsSet, "").await;
        Ok(settings.keywords.unwrap_or_default())
    }
}
