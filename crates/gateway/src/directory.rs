//! The directory: senders, apps and signing secrets, small and read on every request, so kept in memory as one snapshot.
//!
//! It is read anew after every change made through this process; and every [`MAX_AGE`] one row says whether something was changed
//! elsewhere.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use transom_domain::address::{Channel, Identity};
use transom_domain::fact::Account;
use transom_domain::id::{BusinessId, SenderId};
use transom_store::{PAGE_MAX, Page, Sender, SenderState, Store, StoreError};

use crate::seal::SealingKey;
use crate::signing::Signer;
use crate::twilio::callback::book::Book;
use crate::twilio::callback::signature::TokenSigner;

/// How old the snapshot may be.
pub const MAX_AGE: Duration = Duration::from_secs(5);

/// A sender with its token opened.
pub struct Speaker {
    /// The sender.
    pub sender: Sender,
    /// Its access token.
    pub token: String,
}

impl Speaker {
    /// Why it is stopped, if it is.
    #[must_use]
    pub fn stopped(&self) -> Option<&str> {
        match &self.sender.state {
            SenderState::Active => None,
            SenderState::Stopped { failure, .. } => Some(&failure.message),
        }
    }
}

/// An app with its secrets opened.
pub struct OpenApp {
    /// App secret.
    pub secret: Vec<u8>,
    /// Verify token.
    pub verify_token: String,
}

/// One snapshot.
#[derive(Default)]
pub struct Snapshot {
    /// The store's version of all that it was read from; none of what was never read.
    version: Option<u64>,
    /// In the store's order, so that nothing done to all of them depends on chance.
    all: Vec<Arc<Speaker>>,
    senders: HashMap<SenderId, Arc<Speaker>>,
    by_business: HashMap<BusinessId, Vec<Arc<Speaker>>>,
    by_account: HashMap<Account, Arc<Speaker>>,
    by_waba: HashMap<String, Vec<Arc<Speaker>>>,
    apps: HashMap<String, Arc<OpenApp>>,
    signers: HashMap<BusinessId, Arc<Signer>>,
    callbacks: HashMap<BusinessId, Arc<Book>>,
}

impl Snapshot {
    /// A sender.
    #[must_use]
    pub fn sender(&self, id: SenderId) -> Option<&Arc<Speaker>> {
        self.senders.get(&id)
    }

    /// All senders.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Speaker>> {
        self.all.iter()
    }

    /// Whether there is such a business. One made elsewhere is known within [`MAX_AGE`].
    #[must_use]
    pub fn knows(&self, business: BusinessId) -> bool {
        self.signers.contains_key(&business)
    }

    /// The senders of a business.
    #[must_use]
    pub fn of(&self, business: BusinessId) -> &[Arc<Speaker>] {
        self.by_business.get(&business).map_or(&[], Vec::as_slice)
    }

    /// The WhatsApp Business Accounts of all businesses, each as the sender that speaks for it: one that goes, where there is one,
    /// since its token works.
    #[must_use]
    pub fn accounts(&self) -> Vec<&Arc<Speaker>> {
        speaking(&self.all)
    }

    /// As [`Snapshot::accounts`], of one business.
    #[must_use]
    pub fn accounts_of(&self, business: BusinessId) -> Vec<&Arc<Speaker>> {
        speaking(self.of(business))
    }

    /// The sender of a business with this address.
    #[must_use]
    pub fn with_address(&self, business: BusinessId, address: &Identity) -> Option<&Arc<Speaker>> {
        self.of(business).iter().find(|s| s.sender.address == *address)
    }

    /// The sender of a business that a caller names, by address or by id.
    #[must_use]
    pub fn named(&self, business: BusinessId, text: &str) -> Option<SenderId> {
        let (id, address) = (text.parse::<SenderId>().ok(), text.parse::<Identity>().ok());
        let of = self.of(business).iter().map(|speaker| &speaker.sender);
        of.into_iter().find(|s| Some(s.id) == id || Some(&s.address) == address.as_ref()).map(|s| s.id)
    }

    /// The senders of a business on a channel.
    pub fn on(&self, business: BusinessId, channel: Channel) -> impl Iterator<Item = &Arc<Speaker>> {
        self.of(business).iter().filter(move |s| s.sender.channel == channel)
    }

    /// Whom a webhook of an app speaks of: the sender itself, or any sender of the WABA. None when it is not registered
    /// under that app.
    #[must_use]
    pub fn heard_for(&self, app: &str, account: &Account) -> Option<&Arc<Speaker>> {
        let found = match account {
            Account::Waba(waba) => self.by_waba.get(waba).and_then(|senders| senders.iter().find(|s| s.sender.app == app)),
            _ => self.by_account.get(account),
        };
        found.filter(|s| s.sender.app == app)
    }

    /// What deliveries of a business are signed with.
    #[must_use]
    pub fn signer(&self, business: BusinessId) -> Option<&Arc<Signer>> {
        self.signers.get(&business)
    }

    /// What a business has called back, in Twilio's form.
    #[must_use]
    pub fn callbacks(&self, business: BusinessId) -> Option<&Arc<Book>> {
        self.callbacks.get(&business)
    }

    /// An app.
    #[must_use]
    pub fn app(&self, id: &str) -> Option<&Arc<OpenApp>> {
        self.apps.get(id)
    }
}

fn speaking(senders: &[Arc<Speaker>]) -> Vec<&Arc<Speaker>> {
    let mut accounts: Vec<&Arc<Speaker>> = Vec::new();
    let mut places: HashMap<(BusinessId, &str), usize> = HashMap::new();
    for speaker in senders {
        let Some(waba) = speaker.sender.waba.as_deref() else { continue };
        match places.get(&(speaker.sender.business, waba)).and_then(|at| accounts.get_mut(*at)) {
            Some(known) if known.stopped().is_some() => *known = speaker,
            Some(_) => {}
            None => {
                places.insert((speaker.sender.business, waba), accounts.len());
                accounts.push(speaker);
            }
        }
    }
    accounts
}

/// The directory; cheap to clone.
#[derive(Clone)]
pub struct Directory {
    snapshot: Arc<ArcSwap<Snapshot>>,
    changed: Arc<watch::Sender<u64>>,
    /// One reading at a time, so that an older one never replaces a newer one.
    reading: Arc<tokio::sync::Mutex<()>>,
    store: Arc<dyn Store>,
    key: Arc<SealingKey>,
}

impl Directory {
    /// Reads the directory for the first time.
    ///
    /// # Errors
    /// When the store does not answer, or a secret was sealed with another key.
    pub async fn open(store: Arc<dyn Store>, key: Arc<SealingKey>) -> Result<Self, StoreError> {
        let directory = Self {
            snapshot: Arc::new(ArcSwap::from_pointee(Snapshot::default())),
            changed: Arc::new(watch::Sender::new(0)),
            reading: Arc::default(),
            store,
            key,
        };
        directory.reload().await?;
        Ok(directory)
    }

    /// The present snapshot.
    #[must_use]
    pub fn now(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Tells of every change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Reads it anew, if anything in it has changed.
    ///
    /// # Errors
    /// When the store does not answer, or a secret was sealed with another key; the old snapshot stays.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let broken =
            |what: &str, id: &str| StoreError::Corrupt(format!("{what} of {id} cannot be opened with the sealing key in use"));
        let _one_at_a_time = self.reading.lock().await;
        // First, so that what changes while the rest is read is read the next time.
        let version = Some(self.store.directory_version().await?);
        if self.now().version == version {
            return Ok(());
        }
        let mut snapshot = Snapshot { version, ..Snapshot::default() };
        for app in self.store.apps().await? {
            let secret = self.key.open(&app.secret).map_err(|_| broken("app secret", &app.id))?;
            let verify_token = self.key.open_text(&app.verify_token).map_err(|_| broken("verify token", &app.id))?;
            snapshot.apps.insert(app.id, Arc::new(OpenApp { secret, verify_token }));
        }
        for business in self.store.businesses().await? {
            let open = |sealed| self.key.open_text(sealed).map_err(|_| broken("webhook secret", &business.name));
            let present = open(&business.webhook_secret)?;
            let previous = match &business.previous_webhook_secret {
                Some((sealed, until)) => Some((open(sealed)?, *until)),
                None => None,
            };
            let signer = Signer::new(&present, previous.as_ref().map(|(secret, until)| (secret.as_str(), *until)));
            snapshot.signers.insert(business.id, Arc::new(signer));
            let twilio = self.store.settings(business.id).await?.twilio;
            let token = match twilio.auth_tokens.first() {
                Some(token) => {
                    let text = self.key.open_text(&token.sealed).map_err(|_| broken("auth token", &business.name))?;
                    Some((token.key, TokenSigner::new(&text)))
                }
                None => None,
            };
            let mut book = Book { token, refuse_at_once: twilio.refuse_at_once, senders: twilio.senders, ..Book::default() };
            let mut page = Page { size: PAGE_MAX, token: None };
            loop {
                let (services, next) = self.store.services(business.id, page).await?;
                book.services.extend(services.into_iter().map(|service| (service.id, service.options)));
                let Some(next) = next else { break };
                page = Page { size: PAGE_MAX, token: Some(next) };
            }
            for id in book.services.keys() {
                let pool = self.store.pool(business.id, *id).await?.unwrap_or_default();
                book.service_of.extend(pool.into_iter().map(|member| (member.sender, *id)));
            }
            snapshot.callbacks.insert(business.id, Arc::new(book));
        }
        for sender in self.store.senders().await? {
            let token = self.key.open_text(&sender.token).map_err(|_| broken("token", &sender.account))?;
            let account = match sender.channel {
                Channel::Whatsapp => Account::PhoneNumber(sender.account.clone()),
                Channel::Messenger => Account::Page(sender.account.clone()),
            };
            let speaker = Arc::new(Speaker { sender, token });
            snapshot.by_account.insert(account, speaker.clone());
            if let Some(waba) = &speaker.sender.waba {
                snapshot.by_waba.entry(waba.clone()).or_default().push(speaker.clone());
            }
            snapshot.by_business.entry(speaker.sender.business).or_default().push(speaker.clone());
            snapshot.all.push(speaker.clone());
            snapshot.senders.insert(speaker.sender.id, speaker);
        }
        let same = self.now().same_as(&snapshot);
        self.snapshot.store(Arc::new(snapshot));
        if !same {
            self.changed.send_modify(|n| *n = n.wrapping_add(1));
        }
        Ok(())
    }
}

impl Snapshot {
    fn same_as(&self, other: &Self) -> bool {
        self.senders.len() == other.senders.len()
            && self.apps.len() == other.apps.len()
            && self
                .senders
                .iter()
                .all(|(id, s)| other.senders.get(id).is_some_and(|o| o.sender == s.sender && o.token == s.token))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use transom_store::{App, Business, Disk, DiskWait as Waiting, MemoryStore};

    use super::*;

    /// What was read from the store, by the names of its moves.
    #[derive(Default)]
    struct Reads(Mutex<Vec<&'static str>>);

    impl Disk for Reads {
        fn write(&self, _: &'static str) -> Waiting<Result<(), StoreError>> {
            Box::pin(async { Ok(()) })
        }

        fn written(&self, _: &'static str) -> Waiting<()> {
            Box::pin(async {})
        }

        fn read(&self, what: &'static str) -> Waiting<Result<(), StoreError>> {
            self.0.lock().unwrap().push(what);
            Box::pin(async { Ok(()) })
        }
    }

    #[tokio::test]
    async fn a_directory_that_did_not_change_costs_one_row() {
        let (reads, memory, key) =
            (Arc::new(Reads::default()), MemoryStore::new(), Arc::new(SealingKey::of_bytes(&[7; 32]).unwrap()));
        let seal = |text: &str| key.seal(text.as_bytes()).unwrap();
        for n in 0..3 {
            let business = Business {
                id: BusinessId(n),
                name: format!("Shop {n}"),
                webhook_secret: seal("whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"),
                previous_webhook_secret: None,
                created_at: transom_domain::time::Timestamp::EPOCH,
            };
            memory.put_business(business).await.unwrap();
        }
        let directory = Directory::open(Arc::new(memory.behind(reads.clone())), key.clone()).await.unwrap();
        let taken = || std::mem::take(&mut *reads.0.lock().unwrap());
        assert!(taken().len() > 6, "each business is read once");

        directory.reload().await.unwrap();
        assert_eq!(taken(), ["directory_version"]);

        // Changed elsewhere: known at the next look.
        memory.put_app(App { id: "4711".to_owned(), secret: seal("s"), verify_token: seal("v") }).await.unwrap();
        directory.reload().await.unwrap();
        assert!(directory.now().app("4711").is_some() && taken().len() > 6);
        directory.reload().await.unwrap();
        assert_eq!(taken(), ["directory_version"]);
    }
}
