//! Who there is in a filled folder: one business with its key, one app, its senders and one approved template.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use transom_domain::address::{Channel, Identity, Phone};
use transom_domain::id::{BusinessId, KeyId, SenderId, compose};
use transom_domain::limits::{LimitsTold, MessagingLimit};
use transom_domain::time::Timestamp;
use transom_gateway::seal::{SealingKey, hex, random};
use transom_gateway::service::webhook_secret;
use transom_store::{App, Business, Key, PutSender, Scopes, Sender, SenderState, SqliteOptions, SqliteStore, Store};

/// Its app.
pub(crate) const APP: &str = "100000000000001";
/// Secret of the app.
pub(crate) const APP_SECRET: &str = "an app secret of nobody's";
/// Verify token of the app.
pub(crate) const VERIFY_TOKEN: &str = "a verify token of nobody's";
/// Its account.
pub(crate) const WABA: &str = "200000000000001";
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

/// A folder that is filled.
#[derive(Debug, Clone)]
pub(crate) struct Furnished {
    /// The business.
    pub(crate) business: BusinessId,
    /// Text of its API key, which may do everything.
    pub(crate) key: String,
    /// The senders, in the order of their ids.
    pub(crate) senders: Vec<SenderId>,
}

/// Id of a thing that is counted from 0: sorts as it is counted.
pub(super) fn counted(i: u64) -> u128 {
    compose(SINCE, u128::from(i))
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
pub(super) async fn furnish(dir: &Path, senders: u64, now: Timestamp) -> Result<Furnished> {
    let store = SqliteStore::open(dir, SqliteOptions::default())?;
    let seal = SealingKey::load_or_create(dir)?;
    let business = BusinessId(counted(0));
    if store.businesses().await?.iter().any(|known| known.id == business) {
        bail!("{} was filled before; name another folder, or remove this one", dir.display());
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
            id: KeyId(counted(0)),
            business,
            label: "bulk".to_owned(),
            hash: Sha256::digest(key.as_bytes()).into(),
            scopes: Scopes::ADMIN,
            created_at: now,
            expires_at: None,
            revoked_at: None,
        })
        .await?;
    let (secret, verify_token) = (seal.seal(APP_SECRET.as_bytes())?, seal.seal(VERIFY_TOKEN.as_bytes())?);
    store.put_app(App { id: APP.to_owned(), secret, verify_token }).await?;
    let mut ids = Vec::new();
    for i in 0..senders {
        let sender = Sender {
            id: SenderId(counted(i)),
            business,
            channel: Channel::Whatsapp,
            address: Identity::Phone(Phone::parse(&sender_phone(i))?),
            name: Some("Bulk".to_owned()),
            account: account(i).to_string(),
            waba: Some(WABA.to_owned()),
            app: APP.to_owned(),
            token: seal.seal(TOKEN.as_bytes())?,
            throughput: 1_000,
            state: SenderState::Active,
            created_at: now,
        };
        let id = sender.id;
        ids.push(id);
        if store.put_sender(sender).await? != PutSender::Stored {
            bail!("{} is another business's sender in {}; name another folder", sender_phone(i), dir.display());
        }
        let told =
            LimitsTold { throughput: Some(1_000), limit: Some(MessagingLimit::Unlimited), at: now, ..LimitsTold::default() };
        store.put_limits(business, id, told, now).await?;
    }
    let template = transom_meta::templates::parse(&template())?;
    store.put_templates(business, WABA.to_owned(), vec![template], true, now).await?;
    store.close().await?;
    Ok(Furnished { business, key, senders: ids })
}
