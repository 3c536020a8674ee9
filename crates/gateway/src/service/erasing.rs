//! Erasing a customer on request.

use transom_domain::id::CustomerId;
use transom_store::{Erasure, Who};

use super::Service;
use super::command::Caller;
use crate::problem::Problem;

impl Service {
    /// Begins to erase a customer. From now on the person is known by nothing; the rest goes in the background.
    ///
    /// # Errors
    /// 404 when this business has no such customer.
    pub async fn erase_customer(&self, caller: &Caller, who: Who) -> Result<Erasure, Problem> {
        let begun = self.store.erase_customer(caller.business, who, caller.who, self.now()).await?;
        begun.ok_or_else(|| Problem::not_found("customer"))
    }

    /// How far an erasure is.
    ///
    /// # Errors
    /// 404 when none of this customer was asked for.
    pub async fn erasure(&self, caller: &Caller, customer: CustomerId) -> Result<Erasure, Problem> {
        self.store.erasure(caller.business, customer).await?.ok_or_else(|| Problem::not_found("erasure"))
    }
}
