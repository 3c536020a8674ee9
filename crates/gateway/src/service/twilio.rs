//! What a business has set up for Twilio's dialect.

use transom_store::TwilioSettings;

use super::{Caller, Service};
use crate::problem::Problem;

impl Service {
    /// What the caller's business has set up.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn twilio_settings(&self, caller: &Caller) -> Result<TwilioSettings, Problem> {
        Ok(self.store.settings(caller.business).await?.twilio)
    }
}
