//! `cargo xtask bulk`: a stopped folder, filled with as many customers as a big house has, in a minute or two.
//!
//! Who there is (a business, its key, senders, a template) is put through the store's own moves. The customers go in straight
//! by SQL, in the order of their keys: through the moves five million of them would take an hour.

mod house;
mod people;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use transom_domain::time::Timestamp;

use crate::steps::say;

pub(crate) use house::{APP, APP_SECRET, Furnished, TEMPLATE, TEMPLATE_TEXT, WABA, account, display_of, sender_phone, template};
pub(crate) use people::{mix, phone, sender_of, user_id_of};

/// The most customers of one load: their numbers have eight digits after the prefix.
pub(crate) const CUSTOMERS_MAX: u64 = 100_000_000;
/// The most senders of one load.
pub(crate) const SENDERS_MAX: u64 = 1_000;

/// What is to be in the folder.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Customers; each has a number, and all but one in four a conversation with one of the senders.
    pub(crate) customers: u64,
    /// Senders, each at 1,000 messages a second and without a messaging limit.
    pub(crate) senders: u64,
}

/// `cargo xtask bulk --dir D --customers N [--senders S]`
///
/// # Errors
/// When the arguments cannot be read, or the folder cannot be filled.
pub(crate) fn command(args: &[&str]) -> Result<()> {
    let (mut dir, mut plan) = (None, Plan { customers: 0, senders: 100 });
    let mut args = args.iter();
    while let Some(flag) = args.next() {
        let value = args.next().with_context(|| format!("{flag} wants a value"))?;
        let number = || value.parse().with_context(|| format!("{flag} wants a number, not {value:?}"));
        match *flag {
            "--dir" => dir = Some(Path::new(*value)),
            "--customers" => plan.customers = number()?,
            "--senders" => plan.senders = number()?,
            _ => bail!("{flag} is no flag of `bulk`: --dir, --customers, --senders"),
        }
    }
    let dir = dir.context("--dir is missing: name the folder of a store that no process holds")?;
    let begun = Instant::now();
    let furnished = fill(dir, plan)?;
    say(&format!(
        "{} customers, {} senders in {:.1} s; business {}, API key {}",
        plan.customers,
        plan.senders,
        begun.elapsed().as_secs_f64(),
        furnished.business,
        furnished.key
    ));
    Ok(())
}

/// Fills a folder that no process holds and that no load has filled before.
///
/// # Errors
/// When a number is out of its range, the folder is held or was filled before, or the disk does not take it. A folder in which
/// a load was broken off is to be thrown away.
pub(crate) fn fill(dir: &Path, plan: Plan) -> Result<Furnished> {
    if plan.customers > CUSTOMERS_MAX {
        bail!("--customers is {}, at most {CUSTOMERS_MAX} fit; give fewer", plan.customers);
    }
    if !(1..=SENDERS_MAX).contains(&plan.senders) {
        bail!("--senders is {}, 1 to {SENDERS_MAX} fit", plan.senders);
    }
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_millis())?;
    let now = Timestamp::from_millis(now);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let furnished = runtime.block_on(house::furnish(dir, plan.senders, now))?;
    drop(runtime);
    people::load(dir, &furnished, plan.customers, now)?;
    Ok(furnished)
}

#[cfg(test)]
mod tests;
