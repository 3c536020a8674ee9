//! Which rows of a folder become which rows on PostgreSQL. Columns of one name are the same on both sides; what is said here is what
//! differs: whose a row is, where the folder's table does not say it, and the numbers that PostgreSQL counts by business.

/// Whose a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The row says it itself, or is the house's own.
    Said,
    /// Its sender's business.
    Sender,
    /// Its endpoint's business.
    Endpoint,
    /// The business of the message with its number.
    Message,
}

/// Which of the folder's files a table is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum File {
    House,
    Journal,
}

/// A table of PostgreSQL's that is filled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The folder's table, where it has another name.
    pub(super) from: &'static str,
    pub(super) file: File,
    pub(super) whose: Whose,
    /// Columns that hold a number of the folder's, to which PostgreSQL adds whose it is.
    pub(super) numbers: &'static [&'static str],
    /// Columns that are found otherwise than by their name: in SQLite's words, where `t` is the row and `b` what says whose it is.
    pub(super) columns: &'static [(&'static str, &'static str)],
}

const fn table(name: &'static str, whose: Whose, numbers: &'static [&'static str]) -> Table {
    Table { name, from: name, file: File::House, whose, numbers, columns: &[] }
}

const fn own(name: &'static str) -> Table {
    table(name, Whose::Said, &[])
}

const SEQ: &[&str] = &["seq"];

/// All of them, in the order in which they are carried.
pub(super) const TABLES: &[Table] = &[
    own("business"),
    own("business_settings"),
    own("api_key"),
    own("console_user"),
    own("console_session"),
    own("app"),
    own("sender"),
    own("template"),
    own("template_account"),
    own("template_intent"),
    table("template_change", Whose::Said, SEQ),
    table("content", Whose::Said, SEQ),
    own("submission"),
    table("messaging_service", Whose::Said, SEQ),
    table("pool", Whose::Sender, &[]),
    own("customer"),
    own("customer_word"),
    own("identity"),
    own("identity_change"),
    own("apart"),
    own("consent"),
    table("audit", Whose::Said, SEQ),
    own("erasure"),
    own("journal_replay"),
    own("blank"),
    own("conversation"),
    table("message", Whose::Said, SEQ),
    table("standing", Whose::Message, SEQ),
    table("attempt", Whose::Message, SEQ),
    table("word", Whose::Message, SEQ),
    table("provider", Whose::Said, SEQ),
    table("left_id", Whose::Said, SEQ),
    own("orphan"),
    Table { columns: &[("number", "t.rowid")], ..table("amendment", Whose::Said, &["number", "seq"]) },
    own("news"),
    table("watermark", Whose::Sender, &[]),
    table("unread", Whose::Sender, SEQ),
    own("idempotency"),
    // When an app was last heard of is known of the app; on PostgreSQL each of its businesses writes its own, and the newest counts.
    Table { columns: &[("business", "(SELECT min(s.business) FROM sender s WHERE s.app = t.app)")], ..own("app_heard") },
    own("sender_counter"),
    table("lane", Whose::Sender, &["flight"]),
    table("wait", Whose::Sender, SEQ),
    table("number_limits", Whose::Sender, &[]),
    own("reached"),
    own("reach_minute"),
    own("reach"),
    own("media"),
    own("loose"),
    own("upstream_copy"),
    own("event"),
    own("endpoint"),
    Table { from: "endpoint", ..own("endpoint_of") },
    table("delivery", Whose::Endpoint, &[]),
    table("replay", Whose::Endpoint, &[]),
    table("walk", Whose::Said, SEQ),
    table("overdue", Whose::Sender, &[]),
    table("no_history", Whose::Sender, &[]),
    table("silence", Whose::Sender, &[]),
    own("tally"),
    own("tally_failure"),
    Table { file: File::Journal, ..own("entry") },
    Table { file: File::Journal, ..own("stream") },
];

/// Tables of PostgreSQL's that are not filled row by row: what is counted there is made from the folder's counters, the rest is of
/// processes that work on it.
#[cfg(test)]
pub(super) const NOT_FILLED: &[&str] =
    &["turn", "ordinals", "directory", "house", "committed", "carried", "probe", "migration", "migrating", "replica", "holding"];

/// Tables of the folder that have no rows of their own on PostgreSQL: their counters are in `turn` and `directory`, and nobody needs to
/// know when it was last seen that a commit works.
#[cfg(test)]
pub(super) const NOT_CARRIED: &[&str] = &["event_counter", "directory", "probe"];

/// The folder's tables whose numbers a business's count goes on after.
pub(super) const NUMBERED: &[(&str, &str)] = &[
    ("message", "seq"),
    ("content", "seq"),
    ("messaging_service", "seq"),
    ("audit", "seq"),
    ("template_change", "seq"),
    ("amendment", "rowid"),
];
