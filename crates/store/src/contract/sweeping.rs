//! What is removed by age, in slices that hold nobody up.

use transom_domain::id::{BusinessId, EndpointId};
use transom_domain::time::Span;

/// The most rows that one slice of a sweep removes or looks at: a few milliseconds of the writer's time.
pub const SLICE_MAX: usize = 512;

/// How long what is over is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Messages that are over, from when they were accepted, with their story and with what repeated webhooks are recognised by:
    /// longer than Meta repeats a webhook, which is seven days (Meta: webhooks/overview).
    pub messages: Span,
    /// Events that every endpoint has passed.
    pub events: Span,
    /// Raw bodies that were heard.
    pub journal: Span,
    /// Files, from when they came; one that came with a message never longer than the message.
    pub media: Span,
}

impl Default for Keep {
    fn default() -> Self {
        Self { messages: Span::days(90), events: Span::days(30), journal: Span::days(14), media: Span::days(90) }
    }
}

/// A kind of rows that grow old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SweepKind {
    /// Idempotency keys that are over.
    IdempotencyKeys,
    /// Raw bodies.
    Journal,
    /// Statuses and edits of messages that nobody here knows, and what repeated news is recognised by.
    Orphans,
    /// What an endpoint that is gone was still to be told.
    Deliveries,
    /// Messages that are over, with their standing, attempts, words, verdicts and the upstream's ids of them.
    Messages,
    /// Contents of messages that are over, of businesses that keep them for less long than the messages.
    Bodies,
    /// The upstream's ids of messages that were taken out by hand.
    ProviderIds,
    /// Events that everybody has passed.
    Events,
    /// Lines of templates' histories.
    TemplateHistory,
    /// Files.
    Media,
    /// The upstream's ids of uploaded files that can be sent no more.
    UpstreamCopies,
    /// Tallies: minutes that become hours, and hours that are over.
    Tallies,
}

impl SweepKind {
    /// Every kind, in the order of a round.
    pub const ALL: [Self; 12] = [
        Self::IdempotencyKeys,
        Self::Journal,
        Self::Orphans,
        Self::Deliveries,
        Self::Messages,
        Self::Bodies,
        Self::ProviderIds,
        Self::Events,
        Self::TemplateHistory,
        Self::Media,
        Self::UpstreamCopies,
        Self::Tallies,
    ];

    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdempotencyKeys => "idempotency_keys",
            Self::Journal => "journal",
            Self::Orphans => "orphans",
            Self::Deliveries => "deliveries",
            Self::Messages => "messages",
            Self::Bodies => "bodies",
            Self::ProviderIds => "provider_ids",
            Self::Events => "events",
            Self::TemplateHistory => "template_history",
            Self::Media => "media",
            Self::UpstreamCopies => "upstream_copies",
            Self::Tallies => "tallies",
        }
    }

    const fn next(self) -> Option<Self> {
        match self {
            Self::IdempotencyKeys => Some(Self::Journal),
            Self::Journal => Some(Self::Orphans),
            Self::Orphans => Some(Self::Deliveries),
            Self::Deliveries => Some(Self::Messages),
            Self::Messages => Some(Self::Bodies),
            Self::Bodies => Some(Self::ProviderIds),
            Self::ProviderIds => Some(Self::Events),
            Self::Events => Some(Self::TemplateHistory),
            Self::TemplateHistory => Some(Self::Media),
            Self::Media => Some(Self::UpstreamCopies),
            Self::UpstreamCopies => Some(Self::Tallies),
            Self::Tallies => None,
        }
    }
}

/// How far a round has come: what one slice answers, and the next begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepPoint {
    pub(crate) kind: SweepKind,
    pub(crate) after: After,
}

/// What has been looked at within a kind whose rows may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    Nothing,
    /// What is nobody's.
    Nobody,
    /// A message of a business.
    Message(BusinessId, i64),
    Endpoint(EndpointId),
    Business(BusinessId),
}

impl SweepPoint {
    /// The start of a round.
    pub const START: Self = Self::at(SweepKind::IdempotencyKeys);

    /// The start of a kind.
    pub(crate) const fn at(kind: SweepKind) -> Self {
        Self { kind, after: After::Nothing }
    }

    /// The kind after this one; none when the round is over.
    pub(crate) fn next_kind(self) -> Option<Self> {
        self.kind.next().map(Self::at)
    }
}

/// What one slice did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swept {
    /// Of which kind.
    pub kind: SweepKind,
    /// Rows that are gone.
    pub rows: usize,
    /// Where the next slice begins; none when the round is over.
    pub next: Option<SweepPoint>,
}
