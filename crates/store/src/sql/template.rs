//! What was done to templates, what is being done, and when accounts were read.

use super::params;

use transom_domain::id::BusinessId;
use transom_domain::template::{Change, HistoryEntry};
use transom_domain::time::Timestamp;

use super::{Sql, bound, get, get_id, get_json, get_time, json};
use crate::rows::{Result, TemplateRows};
use crate::{TemplateIntent, TemplateKey};

/// A page of a history.
pub(crate) const HISTORY: &str = "SELECT seq, change FROM template_change
     WHERE business = ?1 AND waba = ?2 AND name = ?3 AND language = ?4 AND seq < ?5 ORDER BY seq DESC LIMIT ?6";
/// When templates of an account were created here.
pub(crate) const CREATIONS: &str =
    "SELECT at FROM template_change WHERE business = ?1 AND waba = ?2 AND at > ?3 AND created = 1 ORDER BY at LIMIT ?4";
/// Lines that have grown old.
pub(crate) const OLD_CHANGES: &str = "SELECT business, seq FROM template_change WHERE at < ?1 ORDER BY at LIMIT ?2";

impl<S: Sql> TemplateRows for S {
    fn account_read(&self, business: BusinessId, waba: &str) -> Result<Option<Timestamp>> {
        self.one(
            "SELECT read_at FROM template_account WHERE business = ?1 AND waba = ?2",
            params![business.to_bytes(), waba],
            |row| get_time(row, 0),
        )
    }

    fn put_account_read(&mut self, business: BusinessId, waba: &str, at: Timestamp) -> Result<()> {
        self.put(
            "INSERT INTO template_account (business, waba, read_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (business, waba) DO UPDATE SET read_at = ?3",
            params![business.to_bytes(), waba, at.as_millis()],
        )?;
        Ok(())
    }

    fn intents(&self, business: BusinessId, waba: &str) -> Result<Vec<TemplateIntent>> {
        self.all(
            "SELECT intent FROM template_intent WHERE business = ?1 AND waba = ?2 ORDER BY name, language",
            params![business.to_bytes(), waba],
            |row| get_json(row, 0),
        )
    }

    fn intent(&self, key: &TemplateKey) -> Result<Option<TemplateIntent>> {
        self.one(
            "SELECT intent FROM template_intent WHERE business = ?1 AND waba = ?2 AND name = ?3 AND language = ?4",
            params![key.business.to_bytes(), key.waba, key.name, key.language.as_str()],
            |row| get_json(row, 0),
        )
    }

    fn put_intent(&mut self, intent: &TemplateIntent) -> Result<()> {
        let key = &intent.key;
        self.put(
            "INSERT INTO template_intent (business, waba, name, language, intent) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (business, waba, name, language) DO UPDATE SET intent = excluded.intent",
            params![key.business.to_bytes(), key.waba, key.name, key.language.as_str(), json(intent)?],
        )?;
        Ok(())
    }

    fn drop_intent(&mut self, key: &TemplateKey) -> Result<()> {
        self.put(
            "DELETE FROM template_intent WHERE business = ?1 AND waba = ?2 AND name = ?3 AND language = ?4",
            params![key.business.to_bytes(), key.waba, key.name, key.language.as_str()],
        )?;
        Ok(())
    }

    fn put_history(&mut self, key: &TemplateKey, entry: &HistoryEntry, most: usize) -> Result<()> {
        self.put(
            "INSERT INTO template_change (seq, business, waba, name, language, at, created, change)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                self.number(key.business)?,
                key.business.to_bytes(),
                key.waba,
                key.name,
                key.language.as_str(),
                entry.at.as_millis(),
                matches!(entry.change, Change::Created),
                json(entry)?
            ],
        )?;
        self.put(
            "DELETE FROM template_change WHERE business = ?1 AND waba = ?2 AND name = ?3 AND language = ?4 AND seq <=
                 (SELECT seq FROM template_change WHERE business = ?1 AND waba = ?2 AND name = ?3 AND language = ?4
                  ORDER BY seq DESC LIMIT 1 OFFSET ?5)",
            params![key.business.to_bytes(), key.waba, key.name, key.language.as_str(), bound(most)],
        )?;
        Ok(())
    }

    fn history(&self, key: &TemplateKey, before: Option<i64>, limit: usize) -> Result<Vec<(i64, HistoryEntry)>> {
        self.all(
            HISTORY,
            params![key.business.to_bytes(), key.waba, key.name, key.language.as_str(), before.unwrap_or(i64::MAX), bound(limit)],
            |row| Ok((get(row, 0)?, get_json(row, 1)?)),
        )
    }

    fn creations(&self, business: BusinessId, waba: &str, since: Timestamp, limit: usize) -> Result<Vec<Timestamp>> {
        self.all(CREATIONS, params![business.to_bytes(), waba, since.as_millis(), bound(limit)], |row| get_time(row, 0))
    }

    fn sweep_history(&mut self, before: Timestamp, limit: usize) -> Result<usize> {
        let old =
            self.all(OLD_CHANGES, params![before.as_millis(), bound(limit)], |row| Ok((get_id(row, 0)?, get::<i64>(row, 1)?)))?;
        for (business, seq) in &old {
            self.put("DELETE FROM template_change WHERE business = ?1 AND seq = ?2", params![business, seq])?;
        }
        Ok(old.len())
    }
}
