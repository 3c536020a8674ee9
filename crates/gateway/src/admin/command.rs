//! What an operator can ask, and what the answers look like: the wire between `transom` on the command line and the house,
//! whether it runs in the same process or behind `POST /admin/v1`.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use transom_domain::id::{BusinessId, EndpointId, JournalId, KeyId, SenderId};
use transom_store::{CallbackMethod, Scopes, Topic};

use super::replicas::{HoldingView, ReplicaView};
use super::user::{UserAsk, UserView};
use crate::native::endpoint_ask::EndpointAsk;
use crate::service::Capacity;

/// A secret on its way in or out: whole on the wire, hidden in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A scope by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Send and read messages.
    Send,
    /// Templates and content.
    Templates,
    /// Webhook endpoints and events.
    Webhooks,
    /// Look at all of these.
    Read,
    /// Everything of the business.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Send, Self::Templates, Self::Webhooks, Self::Read, Self::Admin];

    /// The word on the wire and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Templates => "templates",
            Self::Webhooks => "webhooks",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    const fn bits(self) -> Scopes {
        match self {
            Self::Send => Scopes::SEND,
            Self::Templates => Scopes::TEMPLATES,
            Self::Webhooks => Scopes::WEBHOOKS,
            Self::Read => Scopes::READ,
            Self::Admin => Scopes::ADMIN,
        }
    }

    /// Several scopes as the store keeps them.
    #[must_use]
    pub fn together(scopes: &[Self]) -> Scopes {
        Scopes(scopes.iter().fold(0, |bits, scope| bits | scope.bits().0))
    }

    /// The scopes that these bits hold.
    #[must_use]
    pub fn of(scopes: Scopes) -> Vec<Self> {
        Self::ALL.into_iter().filter(|s| scopes.0 & s.bits().0 != 0).collect()
    }
}

/// What is wanted of a sender's callbacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum CallbacksAsk {
    /// To see them.
    Show {},
    /// To choose some; what is none here stays as it is, and an empty address is not called any more.
    Set {
        /// Told of what customers write.
        #[serde(default)]
        inbound_url: Option<String>,
        /// How.
        #[serde(default)]
        inbound_method: Option<CallbackMethod>,
        /// Asked instead where that one fails.
        #[serde(default)]
        fallback_url: Option<String>,
        /// How.
        #[serde(default)]
        fallback_method: Option<CallbackMethod>,
        /// Told of statuses.
        #[serde(default)]
        status_callback: Option<String>,
    },
    /// To call none any more.
    Clear {},
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum AdminCommand {
    /// Makes a business.
    BusinessAdd {
        /// For people.
        name: String,
    },
    /// Lists the businesses.
    BusinessList {},
    /// Makes an API key, whose text is shown once.
    KeyAdd {
        /// Whose.
        business: BusinessId,
        /// For people.
        label: String,
        /// What it may do; none means everything of the business.
        #[serde(default)]
        scopes: Vec<Scope>,
        /// Seconds until it ends by itself.
        #[serde(default)]
        expires_in_seconds: Option<u32>,
    },
    /// Lists the keys of a business, without their texts.
    KeyList {
        /// Whose.
        business: BusinessId,
    },
    /// Ends a key at once.
    KeyRevoke {
        /// Whose.
        business: BusinessId,
        /// Which.
        key: KeyId,
    },
    /// Makes or changes an app at Meta, under which webhooks arrive.
    AppPut {
        /// Meta's app id.
        id: String,
        /// App secret.
        secret: Secret,
        /// Verify token of the handshake; made up when left out, kept when the app is known.
        #[serde(default)]
        verify_token: Option<Secret>,
    },
    /// Lists the apps.
    AppList {},
    /// Adds a WhatsApp number, or brings a known one up to date.
    SenderAdd {
        /// Whose.
        business: BusinessId,
        /// Meta's app id, as given to `app put`.
        app: String,
        /// WhatsApp Business Account.
        waba: String,
        /// Phone number id.
        phone_number_id: String,
        /// Access token with `whatsapp_business_messaging` and `whatsapp_business_management`.
        token: Secret,
        /// Six digits, needed when the number must be registered.
        #[serde(default)]
        pin: Option<Secret>,
    },
    /// Adds a Page of Messenger, or brings a known one up to date.
    PageAdd {
        /// Whose.
        business: BusinessId,
        /// Meta's app id, as given to `app put`.
        app: String,
        /// Id of the Page.
        page: String,
        /// Page access token with `pages_messaging` and `pages_manage_metadata`.
        token: Secret,
    },
    /// Lists the senders of one business, or of all.
    SenderList {
        /// Whose.
        #[serde(default)]
        business: Option<BusinessId>,
    },
    /// Shows one sender.
    SenderShow {
        /// Which.
        sender: SenderId,
    },
    /// Looks a sender over at Meta.
    SenderCheck {
        /// Which.
        sender: SenderId,
    },
    /// Lets a stopped sender go on.
    SenderResume {
        /// Which.
        sender: SenderId,
    },
    /// Registers a webhook endpoint.
    EndpointAdd {
        /// Whose.
        business: BusinessId,
        /// Topic.
        topic: Topic,
        /// Where to.
        address: String,
        /// Also tell of our own outbound messages.
        #[serde(default)]
        echo: bool,
    },
    /// Lists the endpoints of a business.
    EndpointList {
        /// Whose.
        business: BusinessId,
    },
    /// Removes an endpoint with what it still waits for.
    EndpointRemove {
        /// Whose.
        business: BusinessId,
        /// Which.
        endpoint: EndpointId,
    },
    /// Does something with endpoints, as the API does.
    Endpoint {
        /// Whose.
        business: BusinessId,
        /// What.
        ask: EndpointAsk,
    },
    /// Makes a new webhook secret; the old one signs beside it for 24 hours.
    SecretRotate {
        /// Whose.
        business: BusinessId,
    },
    /// Shows what Twilio's SDKs need, or changes it.
    Twilio {
        /// Whose.
        business: BusinessId,
        /// A step of the rotation of the auth token.
        #[serde(default)]
        rotate: Option<Rotate>,
        /// Whether what may not go is refused at once.
        #[serde(default)]
        refuse_at_once: Option<bool>,
    },
    /// Shows, chooses or takes away the addresses that are called about a sender in Twilio's form.
    TwilioCallbacks {
        /// Which sender.
        sender: SenderId,
        /// What.
        ask: CallbacksAsk,
    },
    /// Reads the templates of a business from Meta.
    TemplateSync {
        /// Whose.
        business: BusinessId,
    },
    /// Lists the templates of a business.
    TemplateList {
        /// Whose.
        business: BusinessId,
    },
    /// Lists webhooks that are nobody's: no webhooks at all, or for numbers, Pages and accounts that are not registered.
    StrayList {
        /// Position after which to begin.
        #[serde(default)]
        after: u64,
    },
    /// Shows one of them as it came, as far as it is kept.
    StrayShow {
        /// Which.
        entry: JournalId,
    },
    /// Begins a copy of the whole store into a new file, while everything goes on.
    BackupStart {
        /// Where to; absolute, on the server's machine.
        to: PathBuf,
    },
    /// Says how far the copy has come.
    BackupLook {},
    /// Users of the console.
    User {
        /// What about them.
        ask: UserAsk,
    },
    /// Says which replicas there are, and who holds what.
    Replicas {},
    /// Looks everything over.
    Doctor {},
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum AdminAnswer {
    /// A business that was made.
    Business(BusinessView),
    /// Businesses.
    Businesses {
        /// By age.
        data: Vec<BusinessView>,
    },
    /// A key that was made.
    KeyMade {
        /// The key.
        key: KeyView,
        /// Its text: shown this once, kept nowhere.
        text: Secret,
    },
    /// Keys.
    Keys {
        /// By age.
        data: Vec<KeyView>,
    },
    /// Replicas, and who holds what.
    Replicas {
        /// Whether the store is shared; else one process holds everything.
        shared: bool,
        /// Oldest first.
        data: Vec<ReplicaView>,
        /// What is held.
        held: Vec<HoldingView>,
    },
    /// A copy of the store.
    Backup(BackupView),
    /// An app that was made or changed.
    App(AppView),
    /// Apps.
    Apps {
        /// By id.
        data: Vec<AppView>,
    },
    /// A sender that was added, with what was done for it.
    SenderAdded {
        /// The sender.
        sender: SenderView,
        /// Step by step.
        steps: Vec<Step>,
    },
    /// Senders.
    Senders {
        /// By age.
        data: Vec<SenderView>,
    },
    /// One sender.
    Sender(SenderView),
    /// An endpoint that was made.
    EndpointMade {
        /// Names it.
        id: EndpointId,
        /// The secret that deliveries to this business are signed with.
        secret: Secret,
    },
    /// Endpoints.
    Endpoints {
        /// By age.
        data: Vec<EndpointView>,
    },
    /// What the API answers.
    Plain {
        /// As JSON.
        value: serde_json::Value,
    },
    /// A new webhook secret.
    SecretMade {
        /// The secret.
        secret: Secret,
        /// Until when the old one signs beside it, RFC 3339.
        old_until: String,
    },
    /// What Twilio's SDKs need.
    Twilio(TwilioView),
    /// A reading of templates.
    TemplatesRead {
        /// Templates read.
        read: usize,
        /// Of these, new or changed.
        changed: usize,
        /// Those that could not be understood, with the reason.
        skipped: Vec<String>,
    },
    /// Templates.
    Templates {
        /// By name.
        data: Vec<TemplateView>,
    },
    /// A user of the console that was made or changed.
    User {
        /// The user.
        user: UserView,
        /// The password, where it was made up: shown this once, kept nowhere.
        password: Option<Secret>,
    },
    /// Users of the console.
    Users {
        /// By age.
        data: Vec<UserView>,
    },
    /// What was found on looking things over; healthy when nothing needs mending.
    Findings {
        /// The worst first.
        data: Vec<Finding>,
    },
    /// Done, and nothing more to say.
    Done {
        /// As a sentence.
        said: String,
    },
}

/// A business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BusinessView {
    /// Names it.
    pub id: BusinessId,
    /// For people.
    pub name: String,
    /// RFC 3339.
    pub created_at: String,
}

/// An API key, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// Names it.
    pub id: KeyId,
    /// As Twilio's SDKs name it, with its text as the secret.
    #[serde(default)]
    pub twilio_sid: String,
    /// For people.
    pub label: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub expires_at: Option<String>,
    /// RFC 3339.
    pub revoked_at: Option<String>,
    /// RFC 3339, to the hour.
    #[serde(default)]
    pub last_used_at: Option<String>,
}

/// An app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppView {
    /// Meta's app id.
    pub id: String,
    /// The callback to enter at Meta, where our public address is known.
    pub callback: Option<String>,
}

/// A sender.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SenderView {
    /// Names it.
    pub id: SenderId,
    /// Whose.
    pub business: BusinessId,
    /// `+E.164`, or `messenger:<page>`.
    pub address: String,
    /// Display name.
    pub name: Option<String>,
    /// Phone number id, or Page id.
    pub account: String,
    /// WhatsApp Business Account.
    pub waba: Option<String>,
    /// App whose webhooks speak of it.
    pub app: String,
    /// Messages per second, in and out together.
    pub throughput: u32,
    /// Why it is stopped; none when it goes.
    pub stopped: Option<String>,
    /// Messages that wait.
    pub waiting: u64,
    /// What Meta lets it do, what of it is used, and what waits.
    pub capacity: Capacity,
}

/// How far a copy has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupView {
    /// Pages of 4 KiB in all.
    pub pages: u64,
    /// Pages that are there.
    pub copied: u64,
    /// Whether it goes on.
    pub state: BackupState,
}

/// What became of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum BackupState {
    /// It is being made.
    Copying,
    /// It is on disk.
    Copied,
    /// It cannot be made.
    Failed {
        /// Why.
        why: String,
    },
}

/// A webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointView {
    /// Names it.
    pub id: EndpointId,
    /// Topic, where it is a published registration.
    pub topic: Option<Topic>,
    /// Types of events that it wants; all where empty.
    #[serde(default)]
    pub events: Vec<String>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Where to.
    pub address: String,
    /// Also told of our own outbound messages.
    pub echo: bool,
    /// Why it is switched off.
    pub disabled: Option<String>,
    /// Failures in a row.
    pub failures: u32,
    /// The last failure, in words.
    pub last_error: Option<String>,
}

/// A step of the rotation of the auth token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotate {
    /// Make a second token: both are valid, and the first goes on signing.
    Begin,
    /// The second one signs, and the first is not valid any more.
    Promote,
    /// Take the second one away again.
    Abandon,
}

/// What Twilio's SDKs need to speak with this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TwilioView {
    /// The account's SID.
    pub account_sid: String,
    /// The auth token, which also signs webhooks.
    pub auth_token: Secret,
    /// The other one, while a rotation is under way.
    pub secondary_auth_token: Option<Secret>,
    /// Whether what may not go is refused at once.
    pub refuse_at_once: bool,
    /// Where the SDKs are to be pointed, where a server runs.
    pub base_url: Option<String>,
}

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateView {
    /// Meta's id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Language.
    pub language: String,
    /// Category.
    pub category: String,
    /// Status.
    pub status: String,
    /// Meta's reason for a rejection.
    pub reason: Option<String>,
}

/// One step of a longer piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was to be done.
    pub step: String,
    /// How it went.
    pub outcome: StepOutcome,
    /// What was seen.
    pub said: String,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Done.
    Done,
    /// Not needed.
    Skipped,
    /// Not as it should be, and not in the way.
    Warned,
}

/// Something found on looking things over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// What it is about, such as `sender +493023125001`.
    pub about: String,
    /// What was found.
    pub said: String,
    /// How to mend it; empty when nothing needs mending.
    pub remedy: String,
}

/// How bad a finding is; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Something does not work.
    Problem,
    /// Something may not work, or soon.
    Warning,
    /// In order.
    Fine,
}

/// A refusal on the way back to the command line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdminRefusal {
    /// Our error code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub remedy: Option<String>,
}

impl fmt::Display for AdminRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n{remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for AdminRefusal {}
