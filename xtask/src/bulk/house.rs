//! Who there is in a filled store: businesses with a key each, one app, their senders and one approved template.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use transom_domain::address::{Channel, Identity, Phone};
use transom_domain::id::{BusinessId, KeyId, SenderId, compose};
use transom_domain::limits::{LimitsTold, MessagingLimit};
use transom_domain::time::Timestamp;
use transom_gateway::seal::{SealingKey, hex, random};
use transom_gateway::service::webhook_secret;
use transom_store::{App, Business, Key, PutSender, Scopes, Sender, SenderState, Store};

use super::Plan;

/// Its app.
pub(crate) const APP: &str = "100000000000001";
/// Secret of the app.
pub(crate) const APP_SECRET: &str = "an app secret of nobody's";
/// Verify token of the app.
pub(crate) const VERIFY_TOKEN: &str = "a verify token of nobody's";
/// Account of the first business; those of the others follow it.
pub(crate) const WABA: u64 = 200_000_000_000_001;
/// Name of its template.
pub(crate) const TEMPLATE: &str = "order_ready";
/// Text of its template.
pub(crate) const TEMPLATE_TEXT: &str = "Hello {{1}}, your order is ready for you.";
/// Access token of every sender.
const TOKEN: &str = "an access token of nobody's";
/// Ids are made from this moment, so that they sort as they are counted.
const SINCE: Timestamp = Timestamp::from_secs(1_767_225_600);
/// Phone number ids begin here.
const ACCOUNTS: u64 = 300_000_000_000_000;

/// A business, and what opens its door.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) business: BusinessId,
    /// Text of its API key, which may do everything.
    pub(crate) key: String,
}

/// A store that is filled.
#[derive(Debug, Clone)]
pub(crate) struct Furnished {
    first: Owner,
    /// The other businesses, in the order of their ids.
    others: Vec<Owner>,
    /// The senders, in the order of their ids: each business has a block of them.
    pub(crate) senders: Vec<SenderId>,
}

impl Furnished {
    /// The first business.
    pub(crate) const fn first(&self) -> &Owner {
        &self.first
    }

    /// All businesses, in the order of their ids.
    pub(crate) fn owners(&self) -> impl Iterator<Item = &Owner> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Which business the sender that is counted so belongs to, counted in their order.
    pub(super) fn place_of(&self, sender: u64) -> usize {
        let at = block_of(sender, self.senders.len() as u64, 1 + self.others.len() as u64);
        usize::try_from(at).unwrap_or_default()
    }

    /// The business of the sender that is counted so.
    pub(crate) fn owner_of(&self, sender: u64) -> &Owner {
        self.place_of(sender).checked_sub(1).and_then(|at| self.others.get(at)).unwrap_or(&self.first)
    }
}

/// Which of so many blocks the i-th of so many things is in: all blocks are as long as each other, or longer by one.
pub(super) fn block_of(i: u64, things: u64, blocks: u64) -> u64 {
    let at = u128::from(i) * u128::from(blocks) / u128::from(things.max(1));
    u64::try_from(at).unwrap_or_default()
}

/// Id of a thing that is counted from 0: sorts as it is counted.
pub(super) fn counted(i: u64) -> u128 {
    compose(SINCE, u128::from(i))
}

/// Account of the business at this place: an account is one business's.
fn waba(place: usize) -> String {
    (WABA + place as u64).to_string()
}

/// Phone number id of a sender.
pub(crate) fn account(sender: u64) -> u64 {
    ACCOUNTS + sender
}

/// Number of a sender.
pub(crate) fn sender_phone(sender: u64) -> String {
    format!("+4930901{sender:04}")
}

/// Number of the sender with this phone number id, in digits, as Meta displays it.
pub(crate) fn display_of(account: &str) -> String {
    let sender = account.parse::<u64>().unwrap_or(ACCOUNTS).saturating_sub(ACCOUNTS);
    sender_phone(sender).trim_start_matches('+').to_owned()
}

/// The template as Meta lists it.
pub(crate) fn template() -> Value {
    json!({
        "id": "400000000000001", "name": TEMPLATE, "language": "en", "status": "APPROVED", "category": "UTILITY",
        "parameter_format": "POSITIONAL",
        "components": [{ "type": "BODY", "text": TEMPLATE_TEXT, "example": { "body_text": [["Ana"]] } }],
    })
}

/// Puts them, through the store's own moves.
pub(super) async fn furnish(store: &impl Store, seal: &SealingKey, plan: Plan, now: Timestamp) -> Result<Furnished> {
    let (first, mut others) = (own(store, seal, 0, now).await?, Vec::new());
    for i in 1..plan.businesses {
        others.push(own(store, seal, i, now).await?);
    }
    let (secret, verify_token) = (seal.seal(APP_SECRET.as_bytes())?, seal.seal(VERIFY_TOKEN.as_bytes())?);
    store.put_app(App { id: APP.to_owned(), secret, verify_token }).await?;
    let senders = (0..plan.senders).map(|i| SenderId(counted(i))).collect();
    let furnished = Furnished { first, others, senders };
    for (i, id) in (0..).zip(furnished.senders.clone()) {
        let (business, waba) = (furnished.owner_of(i).business, waba(furnished.place_of(i)));
        let sender = Sender {
            id,
            business,
            channel: Channel::Whatsapp,
            address: Identity::Phone(Phone::parse(&sender_phone(i))?),
            name: Some("Bulk".to_owned()),
            account: account(i).to_string(),
            waba: Some(waba),
            app: APP.to_owned(),
            token: seal.seal(TOKEN.as_bytes())?,
            throughput: 1_000,
            state: SenderState::Active,
            created_at: now,
        };
        if store.put_sender(sender).await? != PutSender::Stored {
            bail!("{} is another business's sender in this store; name another one", sender_phone(i));
        }
        let told =
            LimitsTold { throughput: Some(1_000), limit: Some(MessagingLimit::Unlimited), at: now, ..LimitsTold::default() };
        store.put_limits(business, id, told, now).await?;
    }
    for (place, owner) in furnished.owners().enumerate() {
        let template = transom_meta::templates::parse(&template())?;
        store.put_templates(owner.business, waba(place), vec![template], true, now).await?;
    }
    Ok(furnished)
}

/// One business with its key.
async fn own(store: &impl Store, seal: &SealingKey, i: u64, now: Timestamp) -> Result<Owner> {
    let business = BusinessId(counted(i));
    if store.businesses().await?.iter().any(|known| known.id == business) {
        bail!("this store was filled before; name another one, or remove it");
    }
    store
        .put_business(Business {
            id: business,
            name: "Bulk".to_owned(),
            webhook_secret: seal.seal(webhook_secret()?.as_bytes())?,
            previous_webhook_secret: None,
            created_at: now,
        })
        .await?;
    let key = format!("tk{}", hex(&random::<32>()?));
    store
        .put_key(Key {
            id: KeyId(counted(i)),
            business,
            label: "bulk".to_owned(),
            hash: Sha256::digest(key.as_bytes()).into(),
            scopes: Scopes::ADMIN,
            created_at: now,
            expires_at: None,
            revoked_at: None,
            used_at: None,
        })
        .await?;
    Ok(Owner { business, key })
}
