//! What a step of the world leaves to be done: rows to make durable, and webhooks that are ready to go.

use std::sync::Arc;

/// The kinds of rows that are small, few, and kept as one JSON text each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Entity {
    App,
    Waba,
    Number,
    Catalog,
    Customer,
    Template,
    Media,
    Upload,
    Flow,
    Page,
    PagePerson,
    PageMessage,
    Settings,
    Faults,
    Boots,
    Clock,
}

impl Entity {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Waba => "waba",
            Self::Number => "number",
            Self::Catalog => "catalog",
            Self::Customer => "customer",
            Self::Template => "template",
            Self::Media => "media",
            Self::Upload => "upload",
            Self::Flow => "flow",
            Self::Page => "page",
            Self::PagePerson => "page_person",
            Self::PageMessage => "page_message",
            Self::Settings => "settings",
            Self::Faults => "faults",
            Self::Boots => "boots",
            Self::Clock => "clock",
        }
    }
}

/// One row to write. Rows are written in the order in which the world made them.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Put {
        kind: Entity,
        id: u64,
        json: String,
    },
    Remove {
        kind: Entity,
        id: u64,
    },
    /// A message, new.
    Message(Box<MessageRow>),
    /// What became of a message.
    Progress {
        seq: u64,
        status: &'static str,
        error: Option<u32>,
        progress: String,
    },
    /// A webhook is owed.
    Owe {
        id: u64,
        waba: u64,
        number: Option<u64>,
        field: &'static str,
        entry: Arc<str>,
        born: i64,
        due: i64,
        attempts: u32,
    },
    /// It was tried and is due again later.
    OweAgain {
        id: u64,
        due: i64,
        attempts: u32,
    },
    /// It was answered 200, or given up.
    Settled {
        id: u64,
    },
}

/// The columns of a message, as stored.
#[derive(Debug, Clone)]
pub(crate) struct MessageRow {
    pub(crate) seq: u64,
    pub(crate) wamid: String,
    pub(crate) outbound: bool,
    pub(crate) number: u64,
    pub(crate) to: String,
    pub(crate) kind: &'static str,
    pub(crate) callback_data: Option<String>,
    pub(crate) at: i64,
    pub(crate) status: &'static str,
    pub(crate) error: Option<u32>,
    /// Everything about it that does not change.
    pub(crate) body: String,
    /// Everything that does.
    pub(crate) progress: String,
}

/// The outcome of one step.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) changes: Vec<Change>,
    /// Owed webhooks that may be posted as soon as the changes are durable.
    pub(crate) ready: Vec<u64>,
}

impl Effects {
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.ready.is_empty()
    }
}
