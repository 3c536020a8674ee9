//! Templates as they stand at Meta: shown, created, edited, deleted, and settled when an answer was lost.

mod change;
mod reading;
mod sample;
mod settle;
mod show;

use std::sync::Arc;

use transom_domain::content::Language;
use transom_domain::error_code::ErrorCode;
use transom_domain::lint::Finding;
use transom_domain::template::{Category, Definition, Template};
use transom_domain::template_rules::Refusal;
use transom_store::TemplateIntent;

use super::Service;
use super::command::Caller;
use crate::directory::Speaker;
use crate::problem::Problem;

pub use sample::Samples;
pub use settle::{TemplatesUnderWay, became};
pub use show::{TemplateFilter, TemplatePage};

/// A template that is to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTemplate {
    /// The account, where the business has several.
    pub waba: Option<String>,
    /// Name.
    pub name: String,
    /// Language.
    pub language: Language,
    /// Category.
    pub category: Category,
    /// What it is to consist of. A header's sample is a handle, a public link, or a `data:` address.
    pub definition: Definition,
    /// Seconds for which Meta is to try to deliver it; none for Meta's default.
    pub ttl_seconds: Option<i64>,
}

/// A change to a template: what is left out stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TemplateChange {
    /// Another category; only of what Meta rejected.
    pub category: Option<Category>,
    /// Another content, whole.
    pub definition: Option<Definition>,
    /// Another time to live.
    pub ttl_seconds: Option<i64>,
}

/// A template that was created or edited.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeTemplate {
    /// As it now stands.
    pub template: Template,
    /// What the linter would have otherwise.
    pub warnings: Vec<Finding>,
}

/// What stands in the way of a template now.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The linter's findings, errors and warnings.
    pub findings: Vec<Finding>,
    /// The quota, lock or state that would refuse it.
    pub refusal: Option<Refusal>,
    /// A call for it that has no outcome yet.
    pub under_way: Option<TemplateIntent>,
}

/// One account of templates, and through whom it is spoken to.
#[derive(Clone)]
struct Account {
    waba: String,
    speaker: Arc<Speaker>,
}

impl Service {
    /// The WhatsApp Business Account that is named, or the only one.
    ///
    /// # Errors
    /// When it is none of the business's, or several could be meant.
    pub fn waba_of(&self, caller: &Caller, named: Option<&str>) -> Result<String, Problem> {
        self.account(caller, named).map(|account| account.waba)
    }

    /// The WhatsApp Business Accounts of the business.
    #[must_use]
    pub fn wabas(&self, caller: &Caller) -> Vec<String> {
        let directory = self.directory.now();
        directory.accounts_of(caller.business).into_iter().filter_map(|speaker| speaker.sender.waba.clone()).collect()
    }

    /// The account that is named, or the only one.
    fn account(&self, caller: &Caller, named: Option<&str>) -> Result<Account, Problem> {
        let directory = self.directory.now();
        let accounts = directory.accounts_of(caller.business).into_iter();
        let accounts: Vec<Account> = accounts
            .filter_map(|speaker| Some(Account { waba: speaker.sender.waba.clone()?, speaker: speaker.clone() }))
            .collect();
        let known = || accounts.iter().map(|known| known.waba.as_str()).collect::<Vec<_>>().join(", ");
        match (named, accounts.as_slice()) {
            (_, []) => Err(Problem::new(
                ErrorCode::BusinessMissesMatchingChannel,
                "This business has no WhatsApp number, and so no templates.",
            )),
            (Some(named), _) => match accounts.iter().find(|account| account.waba == named) {
                Some(account) => Ok(account.clone()),
                None => Err(Problem::field(
                    "wabaId",
                    "is no WhatsApp Business Account of this business",
                    format!("use one of {}", known()),
                )),
            },
            (None, [one]) => Ok(one.clone()),
            (None, _) => Err(Problem::field(
                "wabaId",
                format!("is required, since this business has several accounts: {}", known()),
                "name one of them",
            )),
        }
    }
}

/// No template has this name, or not in this language.
fn unknown_template(name: &str, language: Option<&Language>) -> Problem {
    let message = match language {
        Some(language) => format!("There is no template {name} in {language}."),
        None => format!("There is no template {name}."),
    };
    Problem::new(ErrorCode::TemplateNotFound, message)
}

#[cfg(test)]
mod tests;
