//! Erasures.

use super::params;

use transom_domain::address::Identity;
use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::time::Timestamp;

use super::{Sql, SqliteRows, bound, get, get_count, get_id, get_json, get_json_if, get_time, int, json};
use crate::rows::{AmendmentRow, Blank, ErasingRows, Kept, Orphan, Result, Seq};
use crate::sql::heard::amendment;
use crate::{Erasure, ErasureStage};

/// Those that are not over.
pub(super) const OPEN: &str = "SELECT erasure FROM erasure WHERE open = 1 LIMIT ?1";
/// Idempotency keys, by key.
pub(super) const KEPT_AFTER: &str =
    "SELECT key, fingerprint, answer, until FROM idempotency WHERE business = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
/// Orphans, by the upstream's id.
pub(super) const ORPHANS_AFTER: &str = "SELECT report, failure, app, at FROM orphan WHERE business = ?1 AND provider_id > ?2
     ORDER BY provider_id, status LIMIT ?3";
/// What was done to messages, by the upstream's ids.
pub(super) const AMENDMENTS_AFTER: &str = "SELECT original, provider_id, heard_at, seq, told_at, amended FROM amendment
     WHERE business = ?1 AND (original, provider_id) > (?2, ?3) ORDER BY original, provider_id LIMIT ?4";
/// Ids that a message left behind.
pub(super) const LEFT_IDS_OF: &str = "SELECT provider_id FROM left_id WHERE at = ?1 AND business = ?2 AND seq = ?3";
/// What is to be blanked of a business.
pub(super) const BLANKS: &str = "SELECT provider_id, since, after FROM blank WHERE business = ?1 ORDER BY provider_id LIMIT ?2";
/// Lines of a customer's ledger.
pub(super) const LEDGER_LINES: &str = "SELECT rowid FROM consent WHERE business = ?1 AND customer = ?2 LIMIT ?3";

impl ErasingRows for SqliteRows<'_> {
    fn erasure(&self, business: BusinessId, customer: CustomerId) -> Result<Option<Erasure>> {
        self.one(
            "SELECT erasure FROM erasure WHERE business = ?1 AND customer = ?2",
            [business.to_bytes(), customer.to_bytes()],
            |row| get_json(row, 0),
        )
    }

    fn put_erasure(&mut self, erasure: &Erasure) -> Result<()> {
        self.run(
            "INSERT INTO erasure (business, customer, open, erasure) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (business, customer) DO UPDATE SET open = ?3, erasure = ?4",
            params![erasure.business.to_bytes(), erasure.customer.to_bytes(), erasure.at != ErasureStage::Done, json(erasure)?],
        )?;
        Ok(())
    }

    fn open_erasures(&self, limit: usize) -> Result<Vec<Erasure>> {
        self.all(OPEN, [bound(limit)], |row| get_json(row, 0))
    }

    fn drop_identities(&mut self, business: BusinessId, customer: CustomerId) -> Result<()> {
        let texts: Vec<String> = self.all(
            "SELECT identity FROM identity WHERE business = ?1 AND customer = ?2",
            [business.to_bytes(), customer.to_bytes()],
            |row| get(row, 0),
        )?;
        for text in texts {
            self.run(
                "DELETE FROM identity WHERE business = ?1 AND identity = ?2 AND customer = ?3",
                params![business.to_bytes(), text, customer.to_bytes()],
            )?;
            self.cache()?.holders.borrow_mut().take(&(business, text));
        }
        Ok(())
    }

    fn drop_changes(&mut self, business: BusinessId, identity: &Identity) -> Result<()> {
        self.run(
            "DELETE FROM identity_change WHERE business = ?1 AND identity = ?2",
            params![business.to_bytes(), identity.key().to_string()],
        )?;
        Ok(())
    }

    fn drop_customer(&mut self, business: BusinessId, customer: CustomerId) -> Result<()> {
        self.cache()?.customers.borrow_mut().take(&(business, customer));
        self.run("DELETE FROM customer WHERE business = ?1 AND id = ?2", [business.to_bytes(), customer.to_bytes()])?;
        Ok(())
    }

    fn drop_consents(&mut self, business: BusinessId, customer: CustomerId, limit: usize) -> Result<usize> {
        let lines: Vec<i64> =
            self.all(LEDGER_LINES, params![business.to_bytes(), customer.to_bytes(), bound(limit)], |row| get(row, 0))?;
        for line in &lines {
            self.run("DELETE FROM consent WHERE rowid = ?1", [line])?;
        }
        Ok(lines.len())
    }

    fn drop_marks(&mut self, sender: SenderId, address: &Identity) -> Result<()> {
        self.run("DELETE FROM watermark WHERE sender = ?1 AND address = ?2", params![sender.to_bytes(), address.to_string()])?;
        Ok(())
    }

    fn left_ids_of(&self, at: Timestamp, business: BusinessId, seq: Seq) -> Result<Vec<String>> {
        self.all(LEFT_IDS_OF, params![at.as_millis(), business.to_bytes(), seq], |row| get(row, 0))
    }

    fn drop_conversation(&mut self, sender: SenderId, customer: CustomerId) -> Result<()> {
        self.run("DELETE FROM conversation WHERE sender = ?1 AND customer = ?2", [sender.to_bytes(), customer.to_bytes()])?;
        Ok(())
    }

    fn put_blank(&mut self, business: BusinessId, blank: &Blank) -> Result<()> {
        self.run(
            "INSERT OR REPLACE INTO blank (business, provider_id, since, after) VALUES (?1, ?2, ?3, ?4)",
            params![business.to_bytes(), blank.provider_id, blank.since.as_millis(), int(blank.after)],
        )?;
        Ok(())
    }

    fn drop_blank(&mut self, business: BusinessId, provider_id: &str) -> Result<()> {
        self.run("DELETE FROM blank WHERE business = ?1 AND provider_id = ?2", params![business.to_bytes(), provider_id])?;
        Ok(())
    }

    fn blanks(&self, limit: usize) -> Result<Vec<(BusinessId, Blank)>> {
        let first = self.one("SELECT business FROM blank LIMIT 1", params![], |row| get_id(row, 0))?;
        let Some(business) = first else { return Ok(Vec::new()) };
        self.all(BLANKS, params![business, bound(limit)], |row| {
            let blank = Blank { provider_id: get(row, 0)?, since: get_time(row, 1)?, after: get_count(row, 2)? };
            Ok((BusinessId::from_bytes(business), blank))
        })
    }

    fn kept_after(&self, business: BusinessId, after: &str, limit: usize) -> Result<Vec<(String, Kept)>> {
        self.all(KEPT_AFTER, params![business.to_bytes(), after, bound(limit)], |row| {
            Ok((get(row, 0)?, Kept { fingerprint: get(row, 1)?, answer: get(row, 2)?, until: get_time(row, 3)? }))
        })
    }

    fn drop_kept(&mut self, business: BusinessId, key: &str) -> Result<()> {
        self.run("DELETE FROM idempotency WHERE business = ?1 AND key = ?2", params![business.to_bytes(), key])?;
        Ok(())
    }

    fn orphans_after(&self, business: BusinessId, after: &str, limit: usize) -> Result<Vec<Orphan>> {
        self.all(ORPHANS_AFTER, params![business.to_bytes(), after, bound(limit)], |row| {
            Ok(Orphan { report: get_json(row, 0)?, failure: get_json_if(row, 1)?, app: get(row, 2)?, at: get_time(row, 3)? })
        })
    }

    fn amendments_after(&self, business: BusinessId, after: (&str, &str), limit: usize) -> Result<Vec<AmendmentRow>> {
        self.all(AMENDMENTS_AFTER, params![business.to_bytes(), after.0, after.1, bound(limit)], amendment)
    }

    fn drop_amendment(&mut self, business: BusinessId, original: &str, provider_id: &str) -> Result<()> {
        self.run(
            "DELETE FROM amendment WHERE business = ?1 AND original = ?2 AND provider_id = ?3",
            params![business.to_bytes(), original, provider_id],
        )?;
        Ok(())
    }
}
