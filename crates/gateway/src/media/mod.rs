//! Files: what customers send is fetched before Meta's links die, what callers upload is kept, and both are served by signed links.
//!
//! The bytes lie in a [`vault`], each once under its digest; what is known of a file is a row of the store. Bytes come to their
//! place whole or not at all: by way of the [`stage`], and under a lock of their digest, so that what nobody has any more can be
//! removed while others come.

pub mod bucket;
pub mod fetch;
pub(crate) mod hand_over;
pub mod links;
mod outside;
pub mod stage;
pub mod vault;

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};
use tokio::time::Instant;

use transom_clock::WorldClock;
use transom_domain::id::BusinessId;
use transom_domain::time::Span;
use transom_store::{Loose, PAGE_MAX, Store, StoreError};

use self::links::Links;
use self::outside::Outside;
use self::stage::{Held, Stage, Staged};
use self::vault::{Doing, Name, Vault, VaultError};
use crate::service::{AddressRules, READY_TIME};
use crate::wire::Wires;
use crate::wire::stream::{Carrier, Flow};

/// Locks of digests: two that share one only wait for each other.
const LOCKS: usize = 64;

/// How long a look at the vault is believed.
const PROBED_FOR: Duration = Duration::from_secs(30);
/// Bytes that are expected are removed by nobody for so long, by no other replica either.
const EXPECTED_FOR: Span = Span::minutes(20);
/// Whoever brings them gives up before that.
const BROUGHT_WITHIN: Duration = Duration::from_secs(600);
/// To remove bytes may take so long, from the store's word that they are loose.
const REMOVED_WITHIN: Duration = Duration::from_secs(60);
/// Nobody brings bytes for so long that somebody began to remove and did not say to be gone.
const REMOVED_FOR: Span = Span::minutes(3);
/// So long whoever brings bytes waits for them to be removed.
const GONE_WITHIN: Duration = Duration::from_secs(20);
/// And looks this often.
const GONE_LOOK: Duration = Duration::from_millis(100);
/// How long the vault may take to answer one.
const PROBE_TIME: Duration = READY_TIME;

/// How files are kept, fetched and served.
#[derive(Clone)]
pub struct MediaSettings {
    /// Where their bytes are.
    pub vault: Arc<dyn Vault>,
    /// Folder for what comes; on the disk of a vault that is a folder, so that bytes are moved and not copied.
    pub stage: PathBuf,
    /// How long a link is good.
    pub link_life: Span,
    /// Files fetched from Meta at once.
    pub fetches: usize,
    /// Whether links in messages are looked at before Meta is.
    pub check_links: bool,
}

impl MediaSettings {
    /// For a house that keeps no files.
    #[must_use]
    pub fn nowhere() -> Self {
        Self { vault: Arc::new(Nowhere), stage: PathBuf::new(), link_life: Span::days(7), fetches: 1, check_links: false }
    }
}

/// A vault that is none.
struct Nowhere;

fn nowhere<T>() -> Result<T, VaultError> {
    Err(VaultError("this house keeps no files".to_owned()))
}

impl Vault for Nowhere {
    fn place(&self) -> String {
        "nowhere".to_owned()
    }

    fn keep(&self, _: Name, _: Staged) -> Doing<'_, ()> {
        Box::pin(async { nowhere() })
    }

    fn open(&self, _: Name, _: Option<Range<u64>>) -> Doing<'_, Option<Flow>> {
        Box::pin(async { nowhere() })
    }

    fn remove(&self, _: Name) -> Doing<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn probe(&self) -> Doing<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Why bytes were not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The files of a house; cheap to clone.
#[derive(Clone)]
pub struct Files(Arc<Inner>);

/// What all clones share; its parts are the crate's own business.
pub struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: WorldClock,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) stage: Stage,
    pub(crate) links: Arc<Links>,
    /// To Meta.
    pub(crate) meta: Arc<dyn Carrier>,
    pub(crate) fetches: usize,
    /// Looks at links before Meta does; none where that is switched off.
    pub(crate) outside: Option<Outside>,
    /// When the vault was last looked at, and what was seen.
    probed: Mutex<Option<(Instant, Result<(), VaultError>)>>,
    locks: [Mutex<()>; LOCKS],
    /// Of what is being handed over to Meta, each by itself: that takes as long as Meta takes, and nobody else waits for it.
    handing: Mutex<HashMap<Name, Weak<Mutex<()>>>>,
}

impl std::ops::Deref for Files {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Files {
    /// Puts it together.
    #[must_use]
    pub fn new(
        settings: &MediaSettings,
        links: Arc<Links>,
        store: Arc<dyn Store>,
        clock: WorldClock,
        wires: &Wires,
        addresses: AddressRules,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            vault: settings.vault.clone(),
            stage: Stage::new(settings.stage.clone()),
            links,
            meta: wires.files.clone(),
            fetches: settings.fetches.max(1),
            outside: settings.check_links.then(|| Outside::new(wires.links.clone(), addresses)),
            probed: Mutex::default(),
            locks: std::array::from_fn(|_| Mutex::default()),
            handing: Mutex::default(),
        }))
    }

    /// Whether files can be kept, as of a moment ago: whoever asks for readiness asks often, and a bucket is paid by the request.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn probe(&self) -> Result<(), VaultError> {
        let mut probed = self.probed.lock().await;
        if let Some((at, seen)) = &*probed
            && at.elapsed() < PROBED_FOR
        {
            return seen.clone();
        }
        let seen = tokio::time::timeout(PROBE_TIME, self.vault.probe()).await;
        let seen = seen.unwrap_or_else(|_| Err(VaultError(format!("{} does not answer", self.vault.place()))));
        *probed = Some((Instant::now(), seen.clone()));
        seen
    }

    async fn lock(&self, name: Name) -> MutexGuard<'_, ()> {
        let [first, ..] = name.digest;
        let [zeroth, ..] = &self.locks;
        self.locks.get(usize::from(first) % LOCKS).unwrap_or(zeroth).lock().await
    }

    /// The one who hands these bytes over to Meta.
    async fn handing(&self, name: Name) -> OwnedMutexGuard<()> {
        let mut handing = self.handing.lock().await;
        let lock = handing.get(&name).and_then(Weak::upgrade).unwrap_or_else(|| {
            // What nobody holds or waits for is over: there are as many as there are uploads, and no more.
            handing.retain(|_, lock| lock.strong_count() > 0);
            let lock = Arc::<Mutex<()>>::default();
            handing.insert(name, Arc::downgrade(&lock));
            lock
        });
        drop(handing);
        lock.lock_owned().await
    }

    /// Holds room for bytes that are to be staged, beside the disk's reserve for what is heard.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn hold(&self, bytes: u64) -> Result<Held, StoreError> {
        self.stage.hold(bytes, self.store.condition().disk)
    }

    /// Brings staged bytes to their place; `record` then writes down who has them. Should the process end in between, they are
    /// known to be loose.
    ///
    /// # Errors
    /// When the vault or the store cannot.
    pub(crate) async fn keep<T, F>(&self, business: BusinessId, staged: Staged, record: F) -> Result<T, NotKept>
    where
        F: AsyncFnOnce() -> Result<T, StoreError>,
    {
        let name = Name { business, digest: staged.digest };
        let _alone = self.lock(name).await;
        let waits = Instant::now();
        let begun = loop {
            let (begun, now) = (Instant::now(), self.clock.now());
            if self.store.expect_bytes(business, name.digest, now, now.plus(EXPECTED_FOR)).await? {
                break begun;
            }
            // Another replica removes what is there: it would go after it was found, or even after it was brought anew.
            if waits.elapsed() > GONE_WITHIN {
                return Err(VaultError(format!("the same file is just being removed from {}", self.vault.place())).into());
            }
            tokio::time::sleep(GONE_LOOK).await;
        };
        self.vault.keep(name, staged).await?;
        if begun.elapsed() > BROUGHT_WITHIN {
            return Err(VaultError(format!("{} took too long for a file", self.vault.place())).into());
        }
        Ok(record().await?)
    }

    /// Removes the bytes that no file has any more. Says how many, and whether all of them could be.
    pub(crate) async fn reap(&self) -> (usize, bool) {
        let mut gone = 0;
        loop {
            let loose = match self.store.loose(self.clock.now().plus(Span::millis(1)), PAGE_MAX).await {
                Ok(loose) => loose,
                Err(why) => {
                    tracing::warn!(error = %why, "loose bytes could not be looked up");
                    return (gone, false);
                }
            };
            if loose.is_empty() {
                return (gone, true);
            }
            for (business, digest) in loose {
                match self.reap_one(Name { business, digest }).await {
                    Ok(true) => gone += 1,
                    // They are not gone before whoever removes them says so.
                    Ok(false) => return (gone, false),
                    Err(why) => {
                        tracing::warn!(error = %why, "bytes that no file has any more could not be removed yet");
                        return (gone, false);
                    }
                }
            }
        }
    }

    /// Removes bytes, if they are loose still; `false` while another replica does.
    async fn reap_one(&self, name: Name) -> Result<bool, NotKept> {
        // Whoever brings these very bytes in this process holds the lock until it is written down that somebody has them; in another,
        // the store lets them be brought or removed, and never both.
        let _alone = self.lock(name).await;
        let (asked, now) = (Instant::now(), self.clock.now());
        let until = now.plus(REMOVED_FOR);
        match self.store.remove_bytes(name.business, name.digest, now, until).await? {
            Loose::Yes => {}
            Loose::No => return Ok(true),
            Loose::Elsewhere => return Ok(false),
        }
        let slow = || VaultError(format!("{} took too long to remove a file", self.vault.place()));
        // Nothing is begun so late, after a standstill, say: another may bring the same bytes by now.
        if asked.elapsed() >= REMOVED_WITHIN {
            return Err(slow().into());
        }
        let removed = tokio::time::timeout_at(asked + REMOVED_WITHIN, self.vault.remove(name)).await.map_err(|_| slow())?;
        // A vault that refused removes nothing later either: whoever brings them need not wait.
        self.store.end_removal(name.business, name.digest, until, removed.is_ok()).await?;
        removed?;
        Ok(true)
    }
}

#[cfg(test)]
mod replica_tests;
#[cfg(test)]
mod tests;
