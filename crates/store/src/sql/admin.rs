//! Businesses, keys, apps, senders, templates.

use super::{Row, params};

use transom_domain::content::Language;
use transom_domain::id::{BusinessId, KeyId, SenderId};

use super::{
    Sql, bound, get, get_channel, get_count, get_id, get_identity, get_json, get_small, get_time, get_time_if, json, millis,
};
use crate::rows::{AdminRows, Result};
use crate::{App, Business, BusinessSettings, Key, Scopes, Sealed, Sender};
use transom_domain::template::Record;

fn business(row: &dyn Row) -> Result<Business> {
    let previous: Option<Vec<u8>> = get(row, "previous_secret")?;
    let until = get_time_if(row, "previous_until")?;
    Ok(Business {
        id: BusinessId::from_bytes(get_id(row, "id")?),
        name: get(row, "name")?,
        webhook_secret: Sealed(get(row, "webhook_secret")?),
        previous_webhook_secret: previous.map(Sealed).zip(until),
        created_at: get_time(row, "created_at")?,
    })
}

fn key(row: &dyn Row) -> Result<Key> {
    Ok(Key {
        id: KeyId::from_bytes(get_id(row, "id")?),
        business: BusinessId::from_bytes(get_id(row, "business")?),
        label: get(row, "label")?,
        hash: get(row, "hash")?,
        scopes: Scopes(get_small(row, "scopes")?),
        created_at: get_time(row, "created_at")?,
        expires_at: get_time_if(row, "expires_at")?,
        revoked_at: get_time_if(row, "revoked_at")?,
        used_at: get_time_if(row, "used_at")?,
    })
}

/// The query of what [`sender`] reads, in its order, with a condition.
macro_rules! select_sender {
    ($which:literal) => {
        concat!(
            "SELECT id, business, channel, address, name, account, waba, app, token, throughput, state, created_at FROM sender",
            $which
        )
    };
}

fn sender(row: &dyn Row) -> Result<Sender> {
    Ok(Sender {
        id: SenderId::from_bytes(get_id(row, 0)?),
        business: BusinessId::from_bytes(get_id(row, 1)?),
        channel: get_channel(row, 2)?,
        address: get_identity(row, 3)?,
        name: get(row, 4)?,
        account: get(row, 5)?,
        waba: get(row, 6)?,
        app: get(row, 7)?,
        token: Sealed(get(row, 8)?),
        throughput: get_small(row, 9)?,
        state: get_json(row, 10)?,
        created_at: get_time(row, 11)?,
    })
}

fn template(row: &dyn Row) -> Result<Record> {
    Ok(Record {
        template: get_json(row, "template")?,
        status_at: get_time(row, "status_at")?,
        quality_at: get_time(row, "quality_at")?,
        category_at: get_time(row, "category_at")?,
        read: get(row, "was_read")?,
    })
}

/// Businesses, one by one.
pub(crate) const BUSINESSES_AFTER: &str = "SELECT id FROM business WHERE id > ?1 ORDER BY id LIMIT ?2";

impl<S: Sql> AdminRows for S {
    fn directory_version(&self) -> Result<u64> {
        Ok(self.one("SELECT version FROM directory WHERE one = 1", params![], |row| get_count(row, 0))?.unwrap_or(0))
    }

    fn raise_directory(&mut self) -> Result<()> {
        self.put(
            "INSERT INTO directory (one, version) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET version = directory.version + 1",
            params![],
        )
    }

    fn business(&self, id: BusinessId) -> Result<Option<Business>> {
        self.one("SELECT * FROM business WHERE id = ?1", [id.to_bytes()], business)
    }

    fn put_business(&mut self, business: &Business) -> Result<()> {
        let (previous, until) = match &business.previous_webhook_secret {
            Some((secret, until)) => (Some(&secret.0), Some(until.as_millis())),
            None => (None, None),
        };
        self.put(
            "INSERT INTO business (id, name, webhook_secret, previous_secret, previous_until, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, webhook_secret = excluded.webhook_secret, previous_secret = excluded.previous_secret, previous_until = excluded.previous_until, created_at = excluded.created_at",
            params![
                business.id.to_bytes(),
                business.name,
                business.webhook_secret.0,
                previous,
                until,
                business.created_at.as_millis()
            ],
        )?;
        Ok(())
    }

    fn businesses_after(&self, after: Option<BusinessId>, limit: usize) -> Result<Vec<BusinessId>> {
        // Every id is greater than no bytes.
        let after = after.map(BusinessId::to_bytes);
        let after = after.as_ref().map_or(&[][..], |bytes| bytes.as_slice());
        self.all(BUSINESSES_AFTER, params![after, bound(limit)], |row| get_id(row, 0).map(BusinessId::from_bytes))
    }

    fn settings(&self, business: BusinessId) -> Result<BusinessSettings> {
        self.enter(business)?;
        if let Some(known) = self.remembered().and_then(|cache| cache.settings.borrow().get(&business).cloned()) {
            return Ok(known);
        }
        let found = self.one("SELECT settings FROM business_settings WHERE business = ?1", [business.to_bytes()], |row| {
            get_json(row, "settings")
        })?;
        let settings: BusinessSettings = found.unwrap_or_default();
        if let Some(cache) = self.remembered() {
            cache.settings.borrow_mut().insert(business, settings.clone());
        }
        Ok(settings)
    }

    fn put_settings(&mut self, business: BusinessId, settings: &BusinessSettings) -> Result<()> {
        self.cache()?.settings.borrow_mut().insert(business, settings.clone());
        self.put(
            "INSERT INTO business_settings (business, settings) VALUES (?1, ?2)
             ON CONFLICT (business) DO UPDATE SET settings = excluded.settings",
            params![business.to_bytes(), json(settings)?],
        )?;
        Ok(())
    }

    fn businesses(&self) -> Result<Vec<Business>> {
        self.all("SELECT * FROM business ORDER BY id", params![], business)
    }

    fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Key>> {
        self.one("SELECT * FROM api_key WHERE hash = ?1", [hash], key)
    }

    fn key(&self, business: BusinessId, id: KeyId) -> Result<Option<Key>> {
        self.one("SELECT * FROM api_key WHERE business = ?1 AND id = ?2", [business.to_bytes(), id.to_bytes()], key)
    }

    fn put_key(&mut self, key: &Key) -> Result<()> {
        self.put(
            "INSERT INTO api_key (hash, business, id, label, scopes, created_at, expires_at, revoked_at, used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (hash) DO UPDATE SET business = excluded.business, id = excluded.id, label = excluded.label, scopes = excluded.scopes, created_at = excluded.created_at, expires_at = excluded.expires_at, revoked_at = excluded.revoked_at, used_at = excluded.used_at",
            params![
                key.hash,
                key.business.to_bytes(),
                key.id.to_bytes(),
                key.label,
                key.scopes.0,
                key.created_at.as_millis(),
                millis(key.expires_at),
                millis(key.revoked_at),
                millis(key.used_at)
            ],
        )?;
        Ok(())
    }

    fn keys(&self, business: BusinessId) -> Result<Vec<Key>> {
        self.all("SELECT * FROM api_key WHERE business = ?1 ORDER BY id", [business.to_bytes()], key)
    }

    fn put_app(&mut self, app: &App) -> Result<()> {
        self.put(
            "INSERT INTO app (id, secret, verify_token) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET secret = excluded.secret, verify_token = excluded.verify_token",
            params![app.id, app.secret.0, app.verify_token.0],
        )?;
        Ok(())
    }

    fn apps(&self) -> Result<Vec<App>> {
        self.all("SELECT * FROM app ORDER BY id", params![], |row| {
            Ok(App { id: get(row, "id")?, secret: Sealed(get(row, "secret")?), verify_token: Sealed(get(row, "verify_token")?) })
        })
    }

    fn sender(&self, id: SenderId) -> Result<Option<Sender>> {
        if let Some(known) = self.remembered().and_then(|cache| cache.senders.borrow().get(&id).cloned()) {
            return Ok(Some(known));
        }
        let found = self.one(select_sender!(" WHERE id = ?1"), [id.to_bytes()], sender)?;
        if let (Some(cache), Some(found)) = (self.remembered(), &found) {
            cache.senders.borrow_mut().insert(id, found.clone());
        }
        Ok(found)
    }

    fn put_sender(&mut self, sender: &Sender) -> Result<()> {
        self.put(
            "INSERT INTO sender (id, business, channel, address, name, account, waba, app, token, throughput, state, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (id) DO UPDATE SET business = ?2, channel = ?3, address = ?4, name = ?5, account = ?6, waba = ?7,
                 app = ?8, token = ?9, throughput = ?10, state = ?11, created_at = ?12",
            params![
                sender.id.to_bytes(),
                sender.business.to_bytes(),
                sender.channel.as_str(),
                sender.address.to_string(),
                sender.name,
                sender.account,
                sender.waba,
                sender.app,
                sender.token.0,
                sender.throughput,
                json(&sender.state)?,
                sender.created_at.as_millis()
            ],
        )?;
        self.cache()?.senders.borrow_mut().insert(sender.id, sender.clone());
        Ok(())
    }

    fn senders(&self) -> Result<Vec<Sender>> {
        self.all(select_sender!(" ORDER BY id"), params![], sender)
    }

    fn rival(&self, sender: &Sender) -> Result<Option<SenderId>> {
        // Another business's claim first: that is what the caller is told.
        self.one(
            "SELECT id, business FROM sender WHERE id <> ?1 AND
                 ((channel = ?2 AND account = ?3) OR address = ?4 OR (waba = ?5 AND business <> ?6))
             ORDER BY business = ?6, id LIMIT 1",
            params![
                sender.id.to_bytes(),
                sender.channel.as_str(),
                sender.account,
                sender.address.to_string(),
                sender.waba,
                sender.business.to_bytes()
            ],
            |row| get_id(row, "id").map(SenderId::from_bytes),
        )
    }

    fn template(&self, business: BusinessId, waba: &str, name: &str, language: &Language) -> Result<Option<Record>> {
        self.one(
            "SELECT * FROM template WHERE business = ?1 AND waba = ?2 AND name = ?3 AND language = ?4",
            params![business.to_bytes(), waba, name, language.as_str()],
            template,
        )
    }

    fn put_template(&mut self, business: BusinessId, waba: &str, row: &Record) -> Result<()> {
        self.put(
            "INSERT INTO template (business, waba, name, language, template, status_at, quality_at, category_at, was_read) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (business, waba, name, language) DO UPDATE SET template = excluded.template, status_at = excluded.status_at, quality_at = excluded.quality_at, category_at = excluded.category_at, was_read = excluded.was_read",
            params![
                business.to_bytes(),
                waba,
                row.template.name,
                row.template.language.as_str(),
                json(&row.template)?,
                row.status_at.as_millis(),
                row.quality_at.as_millis(),
                row.category_at.as_millis(),
                row.read
            ],
        )?;
        Ok(())
    }

    fn templates(&self, business: BusinessId, waba: &str, name: Option<&str>) -> Result<Vec<Record>> {
        match name {
            Some(name) => self.all(
                "SELECT * FROM template WHERE business = ?1 AND waba = ?2 AND name = ?3 ORDER BY name, language",
                params![business.to_bytes(), waba, name],
                template,
            ),
            None => self.all(
                "SELECT * FROM template WHERE business = ?1 AND waba = ?2 ORDER BY name, language",
                params![business.to_bytes(), waba],
                template,
            ),
        }
    }
}
