//! Conversations.

use std::cmp::Ordering;

use super::{Row, params};

use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::session::Evidence;
use transom_domain::time::Timestamp;

use super::{PgRows, Sql, bound, get_id, get_time, get_time_if, millis};
use crate::rows::{Conversation, ConversationRows, Result};
use crate::sql::conversation::{evidence, spoken};

/// Conversations of a customer, heard last first.
pub(super) const HEARD_OF_CUSTOMER: &str = "SELECT sender, customer, heard, refused FROM conversation
                 WHERE business = $1 AND customer = $2 AND heard IS NOT NULL AND (heard, sender, customer) < ($3, $4, $5)
                     AND ($6::bytea IS NULL OR sender = $6)
                 ORDER BY heard DESC, sender DESC, customer DESC LIMIT $7";

/// Conversations of a business, heard last first.
pub(super) const HEARD: &str = "SELECT sender, customer, heard, refused FROM conversation
                 WHERE business = $1 AND heard IS NOT NULL AND (heard, sender, customer) < ($2, $3, $4)
                 ORDER BY heard DESC, sender DESC, customer DESC LIMIT $5";

/// Conversations of a sender, heard last first.
pub(super) const HEARD_OF_SENDER: &str = "SELECT sender, customer, heard, refused FROM conversation
                 WHERE business = $1 AND sender = $2 AND heard IS NOT NULL AND (heard, customer) < ($3, $4)
                 ORDER BY heard DESC, customer DESC LIMIT $5";

/// Conversations of a business, those with the newest word first.
pub(super) const SPOKEN: &str = "SELECT sender, customer, heard, refused, spoken_at FROM conversation
                 WHERE business = $1 AND spoken_at IS NOT NULL AND (spoken_at, sender, customer) < ($2, $3, $4)
                 ORDER BY spoken_at DESC, sender DESC, customer DESC LIMIT $5";

/// All conversations of a customer.
pub(super) const OF_CUSTOMER: &str =
    "SELECT sender, customer, heard, refused, spoken_at FROM conversation WHERE business = $1 AND customer = $2 LIMIT $3";

/// Conversations whose session is to be looked at.
pub(super) const DUE_LOOKS: &str =
    "SELECT business, sender, customer FROM conversation WHERE look_at <= $1 ORDER BY look_at, sender, customer LIMIT $2";

/// When the first is.
pub(super) const NEXT_LOOK: &str = "SELECT look_at FROM conversation WHERE look_at IS NOT NULL ORDER BY look_at LIMIT 1";

macro_rules! put_conversation {
    ($changes:literal) => {
        concat!(
            "INSERT INTO conversation (sender, customer, business, heard, refused, paid_back, look_at, spoken_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (business, sender, customer) DO UPDATE SET ",
            $changes
        )
    };
}
const PUT_CONVERSATION: &str = put_conversation!("heard = $4, refused = $5, paid_back = $6, spoken_at = $8");
const PUT_PAID_BACK: &str = put_conversation!("paid_back = $6, spoken_at = $8");

impl PgRows<'_> {
    fn keep(
        &self,
        sql: &'static str,
        business: BusinessId,
        sender: SenderId,
        customer: CustomerId,
        row: &Conversation,
    ) -> Result<()> {
        self.put(
            sql,
            params![
                sender.to_bytes(),
                customer.to_bytes(),
                business.to_bytes(),
                millis(row.evidence.heard),
                millis(row.evidence.refused),
                millis(row.paid_back),
                millis(row.look_at),
                millis(row.spoken_at)
            ],
        )
    }
}

impl ConversationRows for PgRows<'_> {
    fn conversation(&self, sender: SenderId, customer: CustomerId) -> Result<Option<Conversation>> {
        self.one(
            "SELECT heard, refused, paid_back, look_at, spoken_at FROM conversation WHERE business = $3 AND sender = $1 AND customer = $2",
            [sender.to_bytes(), customer.to_bytes(), self.of_sender(sender)?],
            |row| {
                let (look_at, paid_back) = (get_time_if(row, "look_at")?, get_time_if(row, "paid_back")?);
                Ok(Conversation { evidence: evidence(row)?, look_at, paid_back, spoken_at: get_time_if(row, "spoken_at")? })
            },
        )
    }

    fn put_conversation(
        &mut self,
        business: BusinessId,
        sender: SenderId,
        customer: CustomerId,
        row: &Conversation,
    ) -> Result<()> {
        self.keep(PUT_CONVERSATION, business, sender, customer, row)
    }

    fn put_paid_back(&mut self, business: BusinessId, sender: SenderId, customer: CustomerId, row: &Conversation) -> Result<()> {
        // What is not named leaves its indexes alone.
        self.keep(PUT_PAID_BACK, business, sender, customer, row)
    }

    fn put_look(&mut self, sender: SenderId, customer: CustomerId, look_at: Option<Timestamp>) -> Result<()> {
        self.put(
            "UPDATE conversation SET look_at = $3 WHERE business = $4 AND sender = $1 AND customer = $2",
            params![sender.to_bytes(), customer.to_bytes(), millis(look_at), self.of_sender(sender)?],
        )?;
        Ok(())
    }

    fn due_looks(&self, now: Timestamp, limit: usize) -> Result<Vec<(BusinessId, SenderId, CustomerId)>> {
        self.all(DUE_LOOKS, params![now.as_millis(), bound(limit)], |row| {
            let (business, sender) = (BusinessId::from_bytes(get_id(row, 0)?), SenderId::from_bytes(get_id(row, 1)?));
            Ok((business, sender, CustomerId::from_bytes(get_id(row, 2)?)))
        })
    }

    fn next_look(&self) -> Result<Option<Timestamp>> {
        self.one(NEXT_LOOK, params![], |row| get_time(row, "look_at"))
    }

    fn last_heard_by(&self, business: BusinessId, customer: CustomerId) -> Result<Option<SenderId>> {
        self.one(
            "SELECT sender FROM conversation WHERE business = $1 AND customer = $2 AND heard IS NOT NULL
             ORDER BY heard DESC, sender DESC LIMIT 1",
            [business.to_bytes(), customer.to_bytes()],
            |row| get_id(row, "sender").map(SenderId::from_bytes),
        )
    }

    fn heard_conversations(
        &self,
        business: BusinessId,
        sender: Option<SenderId>,
        customer: Option<CustomerId>,
        after: Option<(Timestamp, SenderId, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Evidence)>> {
        let read = |row: &dyn Row| {
            let sender = SenderId::from_bytes(get_id(row, "sender")?);
            Ok((sender, CustomerId::from_bytes(get_id(row, "customer")?), evidence(row)?))
        };
        // The row value compares as the index is sorted, so that a page starts where the last one ended.
        let (heard, s, c) = match after {
            Some((heard, s, c)) => (heard.as_millis(), s.to_bytes(), c.to_bytes()),
            None => (i64::MAX, [255; 16], [255; 16]),
        };
        let sender = sender.map(SenderId::to_bytes);
        match customer {
            Some(customer) => self.all(
                HEARD_OF_CUSTOMER,
                params![business.to_bytes(), customer.to_bytes(), heard, s, c, sender, bound(limit)],
                read,
            ),
            None => match sender {
                Some(of) => {
                    // One that was heard at that very moment comes after it unless its sender is the greater one.
                    let (heard, c) = match s.cmp(&of) {
                        Ordering::Less => (heard, [0; 16]),
                        Ordering::Equal => (heard, c),
                        Ordering::Greater => (heard, [255; 16]),
                    };
                    self.all(HEARD_OF_SENDER, params![business.to_bytes(), of, heard, c, bound(limit)], read)
                }
                None => self.all(HEARD, params![business.to_bytes(), heard, s, c, bound(limit)], read),
            },
        }
    }

    fn spoken_conversations(
        &self,
        business: BusinessId,
        after: Option<(Timestamp, SenderId, CustomerId)>,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Conversation)>> {
        let (at, sender, customer) = match after {
            Some((at, sender, customer)) => (at.as_millis(), sender.to_bytes(), customer.to_bytes()),
            None => (i64::MAX, [255; 16], [255; 16]),
        };
        self.all(SPOKEN, params![business.to_bytes(), at, sender, customer, bound(limit)], spoken)
    }

    fn conversations_of(
        &self,
        business: BusinessId,
        customer: CustomerId,
        limit: usize,
    ) -> Result<Vec<(SenderId, CustomerId, Conversation)>> {
        self.all(OF_CUSTOMER, params![business.to_bytes(), customer.to_bytes(), bound(limit)], spoken)
    }
}
