//! The audit log: who did what to a business's settings, keys, endpoints and customers. It says which, never who they are.

use serde::{Deserialize, Serialize};

use transom_domain::id::{BusinessId, KeyId};
use transom_domain::time::Timestamp;

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The holder of a key, through the API.
    Key(KeyId),
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
        }
    };
}

actions! {
    /// A business was made.
    BusinessMade = "business.made",
    /// An API key was made.
    KeyMade = "key.made",
    /// An API key was revoked.
    KeyRevoked = "key.revoked",
    /// A sender was added, or set anew.
    SenderPut = "sender.put",
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
