//! The audit log: who did what to a business's settings, keys, endpoints and customers. It says which, never who they are.

use serde::{Deserialize, Serialize};

use transom_domain::id::{BusinessId, KeyId, UserId};
use transom_domain::time::Timestamp;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The holder of a key, through the API.
    Key(KeyId),
    /// Somebody in the console.
    User(UserId),
    /// An operator, on the command line.
    Operator,
    /// The house itself, in the course of something that one of the others began.
    House,
}

/// Declares what can be done, each with its word.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $word)] $name,)+
        }

        impl Action {
            /// Everything that can be done.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word on our wires.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// What has this word.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|action| action.as_str() == word)
            }
        }
    };
}

actions! {
    /// A business was made.
    BusinessMade = "business.made",
    /// A business was given another name.
    BusinessChanged = "business.changed",
    /// An API key was made.
    KeyMade = "key.made",
    /// An API key was made in the place of another one, which ends.
    KeyRotated = "key.rotated",
    /// An API key was revoked.
    KeyRevoked = "key.revoked",
    /// A user of the console was made.
    UserMade = "user.made",
    /// What a user of the console is, or their password, was changed.
    UserChanged = "user.changed",
    /// Somebody stays an owner, though the provider at which they sign in says otherwise: nobody else owns the business.
    OwnerKept = "user.owner_kept",
    /// A user of the console was removed.
    UserRemoved = "user.removed",
    /// An app at Meta was added, or its secret set anew.
    AppPut = "app.put",
    /// A sender was added, or set anew.
    SenderPut = "sender.put",
    /// A stopped sender was let go on.
    SenderResumed = "sender.resumed",
    /// A webhook endpoint was made.
    EndpointMade = "endpoint.made",
    /// A webhook endpoint was changed.
    EndpointChanged = "endpoint.changed",
    /// A webhook endpoint was removed.
    EndpointRemoved = "endpoint.removed",
    /// The secret of webhooks was renewed.
    SecretRotated = "secret.rotated",
    /// The stop and start words were set.
    KeywordsSet = "keywords.set",
    /// How long what is over is kept was set.
    RetentionSet = "retention.set",
    /// Content was made.
    ContentMade = "content.made",
    /// Content was changed.
    ContentChanged = "content.changed",
    /// Content was removed.
    ContentRemoved = "content.removed",
    /// What events tell of was set.
    EventSettingsSet = "event_settings.set",
    /// How Twilio's dialect tells of refusals was set.
    RefusalsSet = "refusals.set",
    /// A replay was begun, to an endpoint or of the journal.
    ReplayBegun = "replay.begun",
    /// A replay was stopped.
    ReplayStopped = "replay.stopped",
    /// An entry of the journal was heard again.
    EntryReheard = "journal.reheard",
    /// A messaging service was made.
    MessagingServiceMade = "messaging_service.made",
    /// A messaging service, or its pool, was changed.
    MessagingServiceChanged = "messaging_service.changed",
    /// A messaging service was removed.
    MessagingServiceRemoved = "messaging_service.removed",
    /// Two customers were made one.
    CustomersMerged = "customer.merged",
    /// A merge of two customers was taken back.
    CustomersUnmerged = "customer.unmerged",
    /// All that is known of a customer was written out.
    CustomerExported = "customer.exported",
    /// All that is known of a customer is to go.
    ErasureAsked = "customer.erasure_asked",
    /// All that was known of a customer is gone.
    CustomerErased = "customer.erased",
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Whose.
    pub business: BusinessId,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// To what: an id, or empty where there is only one.
    pub object: String,
}

/// Kinds of those who do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// Holders of keys.
    Key,
    /// People in the console.
    User,
    /// Operators.
    Operator,
    /// The house.
    House,
}

impl ActorKind {
    /// All.
    pub const ALL: [Self; 4] = [Self::Key, Self::User, Self::Operator, Self::House];

    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::User => "user",
            Self::Operator => "operator",
            Self::House => "house",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Actor {
    /// What kind of one it is.
    #[must_use]
    pub const fn kind(self) -> ActorKind {
        match self {
            Self::Key(_) => ActorKind::Key,
            Self::User(_) => ActorKind::User,
            Self::Operator => ActorKind::Operator,
            Self::House => ActorKind::House,
        }
    }
}

/// Which lines of the audit log are wanted; what is left out does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Done by one of this kind.
    pub kind: Option<ActorKind>,
    /// Done with this key.
    pub key: Option<KeyId>,
    /// Done by this user.
    pub user: Option<UserId>,
    /// One of these; all where there is none.
    pub actions: Vec<Action>,
    /// Done to this.
    pub object: Option<String>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
}

impl AuditFilter {
    /// Whether a line is wanted.
    #[must_use]
    pub fn wants(&self, entry: &AuditEntry) -> bool {
        let key = self.key.map(Actor::Key);
        let user = self.user.map(Actor::User);
        self.kind.is_none_or(|kind| kind == entry.actor.kind())
            && key.is_none_or(|key| key == entry.actor)
            && user.is_none_or(|user| user == entry.actor)
            && (self.actions.is_empty() || self.actions.contains(&entry.action))
            && self.object.as_deref().is_none_or(|object| object == entry.object)
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
    }
}
