//! People: who they are, which customers are one person, and the question for a phone number.

use transom_domain::address::Identity;
use transom_domain::error_code::ErrorCode;
use transom_domain::id::CustomerId;
use transom_store::{Action, CustomerFilter, CustomerView, MergeOutcome, MessageFilter, Page, SessionRow, UnmergeOutcome, Who};

use super::Service;
use super::command::Caller;
use super::messages::bounded;
use crate::problem::Problem;

/// How many sessions of one person are shown: as many as a business has senders, for nearly all.
const SESSIONS_SHOWN: usize = 50;

impl Service {
    /// People of a business.
    ///
    /// # Errors
    /// A page token that no page has given.
    pub async fn customers(
        &self,
        caller: &Caller,
        filter: CustomerFilter,
        page: Page,
    ) -> Result<(Vec<CustomerView>, Option<String>), Problem> {
        Ok(self.store.customers(caller.business, filter, bounded(page)).await?)
    }

    /// The person who is named, by an id or by an identity, present or past.
    ///
    /// # Errors
    /// 404 when this business has nobody of that name.
    pub async fn person(&self, caller: &Caller, who: &Who) -> Result<CustomerView, Problem> {
        let found = match who {
            Who::Id(id) => self.store.customer(caller.business, *id).await?,
            Who::Identity(identity) => self.store.customer_with(caller.business, identity.clone()).await?,
        };
        found.ok_or_else(|| Problem::not_found("customer"))
    }

    /// The sessions of a person, heard last first; at most 50.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn sessions_of(&self, caller: &Caller, person: &CustomerView) -> Result<Vec<SessionRow>, Problem> {
        let Some((_, claim)) = person.identities.iter().find(|(_, claim)| claim.held) else { return Ok(Vec::new()) };
        let filter = MessageFilter { customer: Some(claim.identity.clone()), ..MessageFilter::default() };
        Ok(self.store.sessions(caller.business, filter, Page { size: SESSIONS_SHOWN, token: None }).await?.0)
    }

    /// By which address the person is written to on WhatsApp; `None` where it has none there.
    ///
    /// # Errors
    /// 404 when an id names nobody of this business.
    pub async fn whatsapp_address(&self, caller: &Caller, who: &Who) -> Result<Option<Identity>, Problem> {
        match who {
            Who::Identity(identity) => Ok(Some(identity.clone())),
            Who::Id(_) => {
                let present = self.person(caller, who).await?.present;
                Ok(present.bsuid.map(Identity::Bsuid).or_else(|| present.phone.map(Identity::Phone)))
            }
        }
    }

    /// Makes one person of two customers. Gives the person.
    ///
    /// # Errors
    /// 404 when one of them is nobody of this business, 409 when together they would be too many customers.
    pub async fn merge_customers(&self, caller: &Caller, one: &Who, other: &Who) -> Result<CustomerView, Problem> {
        let (one, other) = (self.person(caller, one).await?.id, self.person(caller, other).await?.id);
        let merged = self.store.merge_customers(caller.business, one, other, self.now()).await?;
        for sender in merged.nudged {
            self.dispatcher.poke(sender);
        }
        self.relay.poke(caller.business);
        if let MergeOutcome::Merged { merged, .. } = merged.outcome {
            self.audited(caller, Action::CustomersMerged, merged).await;
        }
        match merged.outcome {
            MergeOutcome::Merged { customer, .. } | MergeOutcome::Same(customer) => self.person(caller, &Who::Id(customer)).await,
            MergeOutcome::NotFound => Err(Problem::not_found("customer")),
            MergeOutcome::TooMany | MergeOutcome::KeptApart => {
                let problem =
                    Problem::new(ErrorCode::StateConflict, "Together they would be more than 16 customers in one person.");
                Err(problem.remedy("Undo merges that are not needed, or leave these apart."))
            }
        }
    }

    /// Takes back the merge by which a customer leads to another. Gives the person that the customer is now.
    ///
    /// # Errors
    /// 404 when there is no such customer, 409 when it was not merged.
    pub async fn unmerge_customer(&self, caller: &Caller, customer: CustomerId) -> Result<CustomerView, Problem> {
        match self.store.unmerge_customer(caller.business, customer, self.now()).await? {
            UnmergeOutcome::Unmerged { .. } => {
                self.audited(caller, Action::CustomersUnmerged, customer).await;
                self.relay.poke(caller.business);
                self.person(caller, &Who::Id(customer)).await
            }
            UnmergeOutcome::NotFound => Err(Problem::not_found("merge")),
            UnmergeOutcome::NotMerged => {
                let problem = Problem::new(ErrorCode::StateConflict, format!("Customer {customer} leads to no other one."));
                Err(problem.remedy("Give the id of one of those that `merged` of the person lists."))
            }
        }
    }
}
