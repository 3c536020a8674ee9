//! Reading what templates a business has at Meta, when somebody asks for it.

use transom_domain::error_code::ErrorCode;
use transom_domain::id::BusinessId;

use crate::problem::Problem;
use crate::service::Service;
use crate::templates::Reading;

impl Service {
    /// Reads the templates of all accounts of a business from Meta.
    ///
    /// # Errors
    /// When Meta does not show them, or the business has no WhatsApp sender.
    pub(crate) async fn read_templates(&self, business: BusinessId) -> Result<Reading, Problem> {
        self.directory.reload().await?;
        let directory = self.directory.now();
        let speakers = directory.accounts_of(business);
        if speakers.is_empty() {
            return Err(Problem::new(ErrorCode::NotFound, "This business has no WhatsApp sender.")
                .remedy("Add one with `transom sender add`."));
        }
        let mut total = Reading::default();
        for speaker in speakers {
            let waba = speaker.sender.waba.as_deref().unwrap_or_default();
            let reading = self.library.read(speaker).await.map_err(|why| {
                Problem::new(ErrorCode::UpstreamError, format!("The templates of account {waba} could not be read: {why}."))
                    .remedy("Run `transom doctor`: it says what is wrong with the sender.")
            })?;
            total.read += reading.read;
            total.changed += reading.changed;
            total.skipped.extend(reading.skipped);
        }
        Ok(total)
    }
}
