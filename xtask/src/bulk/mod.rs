//! `cargo xtask bulk`: a stopped folder, or a database on PostgreSQL, filled with as many customers and messages as a big house has.
//!
//! Who there is (businesses, their keys, senders, a template) is put through the store's own moves, and so are two messages. Customers
//! and the other messages go in straight by SQL, in the order of their keys: through the moves five million would take hours.

mod database;
mod house;
mod lives;
mod messages;
mod people;
mod rows;
mod told;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use transom_domain::time::Timestamp;
use transom_gateway::seal::SealingKey;
use transom_store::{SqliteOptions, SqliteStore, Store as _};

use crate::steps::say;

pub(crate) use database::fill as fill_database;
pub(crate) use house::{APP, APP_SECRET, Furnished, TEMPLATE, TEMPLATE_TEXT, account, display_of, sender_phone, template};
pub(crate) use lives::live;
pub(crate) use people::{conversations, mix, phone, sender_of};
pub(crate) use told::{Sent, WORDS, status};

/// The most customers of one load: their numbers have eight digits after the prefix.
pub(crate) const CUSTOMERS_MAX: u64 = 100_000_000;
/// The most senders of one load.
pub(crate) const SENDERS_MAX: u64 = 1_000;
/// The most messages of one load.
pub(crate) const MESSAGES_MAX: u64 = 1_000_000_000;

/// What is to be in the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Businesses; each has a block of the senders.
    pub(crate) businesses: u64,
    /// Customers; each has a number, and all but one in four a conversation with one of the senders.
    pub(crate) customers: u64,
    /// Messages, spread evenly over the conversations; as many more as it takes for all to have the same. Bodies are 100 bytes long.
    pub(crate) messages: u64,
    /// Senders, each at 1,000 messages a second and without a messaging limit.
    pub(crate) senders: u64,
}

impl Plan {
    /// One business with a hundred senders, and nobody to write to.
    pub(crate) const SMALL: Self = Self { businesses: 1, customers: 0, messages: 0, senders: 100 };

    fn check(self) -> Result<()> {
        for (flag, value, most) in [
            ("--customers", self.customers, CUSTOMERS_MAX),
            ("--messages", self.messages, MESSAGES_MAX),
            ("--senders", self.senders, SENDERS_MAX),
        ] {
            if value > most {
                bail!("{flag} is {value}, at most {most} fit; give fewer");
            }
        }
        if !(1..=self.senders).contains(&self.businesses) {
            bail!(
                "{} businesses, {} senders: each business has one sender at least, and there is one at least",
                self.businesses,
                self.senders
            );
        }
        if self.messages > 0 && self.customers == 0 {
            bail!("--messages without a customer to write to; give --customers too");
        }
        Ok(())
    }
}

/// `cargo xtask bulk --dir D --customers N …`
///
/// # Errors
/// When the arguments cannot be read, or the store cannot be filled.
pub(crate) fn command(args: &[&str]) -> Result<()> {
    let (mut dir, mut url, mut plan) = (None, None, Plan::SMALL);
    let mut args = args.iter();
    while let Some(flag) = args.next() {
        let value = args.next().with_context(|| format!("{flag} wants a value"))?;
        let number = || value.parse().with_context(|| format!("{flag} wants a number, not {value:?}"));
        match *flag {
            "--dir" => dir = Some(Path::new(*value)),
            "--store" => url = Some(*value),
            "--businesses" => plan.businesses = number()?,
            "--customers" => plan.customers = number()?,
            "--messages" => plan.messages = number()?,
            "--senders" => plan.senders = number()?,
            _ => bail!("{flag} is no flag of `bulk`: --dir, --store, --businesses, --customers, --messages, --senders"),
        }
    }
    let dir = dir
        .context("--dir is missing: name the folder of a store that no process holds, or with --store one for the sealing key")?;
    let begun = Instant::now();
    let furnished = match url {
        None => fill(dir, plan)?,
        Some(url) => fill_database(url, dir, plan)?,
    };
    say(&format!(
        "{} customers, {} messages, {} senders in {:.1} s",
        plan.customers,
        plan.messages,
        plan.senders,
        begun.elapsed().as_secs_f64(),
    ));
    for owner in furnished.owners() {
        say(&format!("business {}, API key {}", owner.business, owner.key));
    }
    Ok(())
}

fn now() -> Result<Timestamp> {
    Ok(Timestamp::from_millis(i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_millis())?))
}

/// Fills a folder that no process holds and that no load has filled before.
///
/// # Errors
/// When a number is out of its range, the folder is held or was filled before, or the disk does not take it. A folder in which
/// a load was broken off is to be thrown away.
pub(crate) fn fill(dir: &Path, plan: Plan) -> Result<Furnished> {
    fill_at(dir, plan, now()?)
}

fn fill_at(dir: &Path, plan: Plan, now: Timestamp) -> Result<Furnished> {
    plan.check()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let open = || SqliteStore::open(dir, SqliteOptions::default());
    let furnished = Arc::new(runtime.block_on(async {
        let (store, seal) = (open()?, SealingKey::load_or_create(dir)?);
        let furnished = house::furnish(&store, &seal, plan, now).await?;
        store.close().await?;
        anyhow::Ok(furnished)
    })?);
    people::load(dir, &furnished, plan.customers, now)?;
    if plan.messages > 0 {
        runtime.block_on(async {
            let store = open()?;
            lives::models(&store, &furnished, plan.customers, now).await?;
            store.close().await?;
            anyhow::Ok(())
        })?;
        messages::multiply(dir, &furnished, plan, now)?;
    }
    Ok(Arc::unwrap_or_clone(furnished))
}

#[cfg(test)]
mod tests;
