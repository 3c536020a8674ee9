//! The contract: the moves of the house, each one short transaction, and the reads beside them.
//!
//! Every engine keeps these promises, and one suite ([`crate::conformance`]) holds each to them:
//! - A move that answers `Ok` is durable. One that answers `Err` left nothing behind.
//! - What two callers can race on is decided inside the move: idempotency, deduplication, positions, status joins, evidence.
//! - Positions come from a counter row per business (events) and per sender (messages), raised inside the commit. A reader
//!   never sees a gap that fills later.
//! - No move does work that grows with what is stored; each bounded list names its bound.
//! - A move never calls out, and never reads a clock: `now` is an argument. Leases alone run on the store's own: see [`Replicas`].

mod admin;
mod audit;
mod condition;
mod consent;
mod content;
mod conversations;
mod endpoint;
mod erasing;
mod hearing;
mod history;
mod insight;
mod journal;
mod limits;
mod media;
mod messaging_services;
mod people;
mod replicas;
mod restoring;
mod sending;
mod settings;
mod silence;
mod sweeping;
mod tally;
mod telling;
mod templates;
mod timeline;
mod users;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

pub use admin::{App, Business, Key, PutSender, Scopes, Sealed, Sender, SenderState};
pub use audit::{Action, Actor, ActorKind, AuditEntry, AuditFilter};
pub use condition::{Condition, CopyProgress, DiskSpace};
pub use consent::{ConsentLedger, RecordConsent, RecordedConsent, Who};
pub use content::{
    AddContent, CONTENTS_LOOK_MAX, ChangeContent, ContentFilter, ContentOrder, DeleteContent, Followed, NAME_ORDER_CHARS,
    SUBMISSIONS_MAX, StoredContent, Submit,
};
pub use conversations::{
    CLOSING, CONVERSATIONS_FOUND_MAX, CONVERSATIONS_LOOK_MAX, ConversationFilter, ConversationRow, ConversationStanding,
    Conversations,
};
pub use endpoint::{
    Attempted, CALLBACK_ORIGINS_MAX, ChangeEndpoint, Deliveries, DeliveryView, DueDelivery, ENDPOINTS_MAX, Endpoint,
    EndpointAnswer, EventReplay, Manner, Own, PutEndpoint, REPLAY_BATCH, REPLAYS_KEEP, Registration, RelayRound, RelayWork,
    Retried, RetryDelivery, Role, StartReplay, Told, Topic, Waiting,
};
pub use erasing::{Erasure, ErasureNext, ErasureStage};
pub use hearing::{HearBody, HearOutcome, HeardBody, LookedAt};
pub use history::{ASKED_WITHIN, Asked, History, HistoryState, NoHistory, OVERDUE_MAX, Offer, Overdue, UNDELIVERED_AFTER};
pub use insight::{Insight, Lag, TELLINGS_LOOK_MAX, Telling};
pub(crate) use journal::holds_text;
pub use journal::{
    JOURNAL_LOOK_BYTES, JOURNAL_LOOK_MAX, Journal, JournalEntry, JournalErased, JournalFilter, JournalFound, JournalFrom,
    JournalHead, JournalOutcome, JournalPage, JournalRange, JournalReplay, JournalReplayed,
};
pub use limits::{Outlook, SenderLoad, WaitReason};
pub use media::{Digest, Fetched, Loose, Media, MediaState, UpstreamCopy};
pub use messaging_services::{ChangeService, ChosenSender, JoinPool, SERVICES_MAX};
pub use people::{CustomerFilter, CustomerView, MergeAnswer, MergeOutcome, MergedCustomer, UnmergeOutcome};
pub use replicas::{Alike, Enrol, GivenBack, HOLDINGS_MAX, Holding, REPLICAS_KEEP, Replica, Replicas, Take, Taken};
pub(crate) use restoring::Revived;
pub use restoring::{Revival, Revive, RevivePoint};
pub use sending::{
    Accept, Accepted, AtOnce, CancelOutcome, Claim, Claimed, Claims, Decide, Idempotency, IdempotencyKey, Look, LookUp, Outcome,
    PendingUnknown, Replay, Resolution, Settle, Settled,
};
pub use settings::{
    AuthToken, BusinessSettings, CallbackMethod, ChangeSettings, Retention, SenderCallbacks, Sessions, TwilioSettings,
};
pub use silence::{DROPPED_AFTER, SILENCE_AFTER, SILENCE_DAYS, Silence, WalkPoint};
pub(crate) use sweeping::After;
pub use sweeping::{Keep, SLICE_MAX, SweepKind, SweepPoint, Swept};
pub use tally::{
    FAILINGS_MAX, Failing, OPEN_SESSIONS_MAX, Overview, OverviewAsk, TALLIES_KEEP, TALLY_MINUTES_KEEP, TALLY_POINTS_MAX, Tallies,
    Tally, TallyStep,
};
pub use telling::{Backlog, Direction, EventPage, MessageFilter, Page, SessionRow};
pub use templates::{Begun, HISTORY_KEEP, HISTORY_MAX, PutTwin, TemplateAction, TemplateIntent, TemplateKey, TemplateOutcome};
pub use timeline::{OUTSTANDING_LOOK_MAX, Outstanding, Step, TIMELINE_MAX, Timeline, UpstreamAnswer, Word};
pub use users::{
    Admitted, AdmittedAs, ChangeUser, ConsoleSession, ExternalIdentity, ExternalSignIn, RenewSession, RoleGiven, SESSIONS_MAX,
    USERS_MAX, User, UserRole, UserRoles, Users,
};

use transom_domain::address::Identity;
use transom_domain::content::Content;
use transom_domain::endpoint::Health;
use transom_domain::id::{
    BusinessId, ContentId, CustomerId, EndpointId, KeyId, MediaId, MessageId, ReplayId, SenderId, ServiceId,
};
use transom_domain::limits::LimitsTold;
use transom_domain::message::{Message, PartTag, TemplateName};
use transom_domain::messaging_service::{MessagingService, PoolMember};
use transom_domain::status::Failure;
use transom_domain::submission::Submission;
use transom_domain::template::{By, HistoryEntry, Template};
use transom_domain::time::Timestamp;

/// Why the store did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The writer's queue is full; try again in a second. Nothing was stored.
    #[error("the store has more work than it can take at once")]
    Busy,
    /// The store cannot commit (disk full, stopped, connection lost). Nothing was stored.
    #[error("the store cannot commit: {0}")]
    Unavailable(String),
    /// The disk has only the room left that is kept for what is heard. Nothing was stored; it is taken on again once there is
    /// room.
    #[error("the disk has {free} bytes left, and {reserve} are kept for what is heard")]
    DiskLow {
        /// Bytes left.
        free: u64,
        /// Bytes kept.
        reserve: u64,
    },
    /// A page token that no page has given.
    #[error("the page token is none that a page has given")]
    BadToken,
    /// Another replica holds what this was done for. Nothing was stored.
    #[error("another replica holds it by now")]
    NotHeld,
    /// A row does not decode, or a promise of the schema is broken: names table, key and column.
    #[error("the store holds something it should not: {0}")]
    Corrupt(String),
}

/// What every call of the store answers with.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// How many messages or deliveries one claim or one relay round may take: a bound on memory and on the length of a transaction.
pub const BATCH_MAX: usize = 256;
/// The longest page of any list.
pub const PAGE_MAX: usize = 200;
/// Lines of the audit log that one look for some of them may pass over, but for the page under way.
pub const AUDIT_LOOKED_AT: usize = 5_000;

/// The store.
pub trait Store: Journal + History + Insight + Tallies + Users + Conversations + Replicas + Send + Sync + 'static {
    // ---- administration -------------------------------------------------------------------------------------------

    /// How often what the directory is made of has changed: apps, businesses, what they chose, senders, messaging services and their
    /// pools. It grows in the same commit, so that whoever has read all of it since a version need not while that stands.
    fn directory_version(&self) -> Answer<'_, u64>;

    /// Makes a business; again with the same id changes its name. A new webhook secret is taken over only together with the one
    /// before it (`previous_webhook_secret`), so that a start that makes the business anew does not rotate it.
    fn put_business(&self, business: Business) -> Answer<'_, ()>;
    /// All businesses, by id.
    fn businesses(&self) -> Answer<'_, Vec<Business>>;

    /// What a business has chosen for itself; all defaults when it has chosen nothing, or when there is no such business.
    fn settings(&self, business: BusinessId) -> Answer<'_, BusinessSettings>;
    /// Changes what a business has chosen, and gives what it is then; none when there is no such business.
    fn change_settings(&self, business: BusinessId, change: ChangeSettings) -> Answer<'_, Option<BusinessSettings>>;

    /// Stores an API key (its hash).
    fn put_key(&self, key: Key) -> Answer<'_, ()>;
    /// Revokes a key of this business; `false` when there is none.
    fn revoke_key(&self, business: BusinessId, key: KeyId, now: Timestamp) -> Answer<'_, bool>;
    /// Notes that a key was used, unless a later use is noted.
    fn note_key_used(&self, business: BusinessId, key: KeyId, at: Timestamp) -> Answer<'_, ()>;
    /// Stores a key in the place of another one of the same business, which ends at `until` unless it ends before. `false`, and
    /// nothing is stored, when there is none that is still good.
    fn rotate_key(&self, old: KeyId, until: Timestamp, new: Key) -> Answer<'_, bool>;
    /// The keys of a business, revoked ones too.
    fn keys(&self, business: BusinessId) -> Answer<'_, Vec<Key>>;
    /// The directory look-up: the key with this SHA-256.
    fn key_by_hash(&self, hash: [u8; 32]) -> Answer<'_, Option<Key>>;

    /// Makes or replaces an upstream app.
    fn put_app(&self, app: App) -> Answer<'_, ()>;
    /// All apps.
    fn apps(&self) -> Answer<'_, Vec<App>>;

    /// Makes or replaces a sender. A number, Page or WABA belongs to one business, and a number or Page to one sender of it:
    /// refused when another one has it.
    fn put_sender(&self, sender: Sender) -> Answer<'_, PutSender>;
    /// All senders of all businesses: the narrow directory, which callers cache.
    fn senders(&self) -> Answer<'_, Vec<Sender>>;
    /// Stops a sender because Meta refused it under this token, with its event; one that has another token by now goes on, since that
    /// may be the mend. Says whether anything changed.
    fn stop_sender(
        &self,
        business: BusinessId,
        sender: SenderId,
        token: Sealed,
        failure: Failure,
        now: Timestamp,
    ) -> Answer<'_, bool>;
    /// Stops a sender because of an operator's error (or lets it go on with `None`), with its event. Says whether anything changed.
    fn set_sender_state(
        &self,
        business: BusinessId,
        sender: SenderId,
        stopped: Option<Failure>,
        now: Timestamp,
    ) -> Answer<'_, bool>;

    /// Records what a reading of `message_templates` gave. With `complete`, templates of the WABA that are not among them are
    /// gone and become `Deleted`. A webhook that is newer than `read_at` wins. Writes a line of history and an event per
    /// change; what is seen when an account is read for the first time has not changed. Says how many are new or different.
    fn put_templates(
        &self,
        business: BusinessId,
        waba: String,
        templates: Vec<Template>,
        complete: bool,
        read_at: Timestamp,
    ) -> Answer<'_, usize>;
    /// Records that Meta's list was read to its end as of `read_at`, in however many parts, and has no others than `listed` and
    /// `unread`, which could not be understood: the rest of the WABA's are gone, as in [`Store::put_templates`] with
    /// `complete`. Says how many are gone.
    fn end_reading(
        &self,
        business: BusinessId,
        waba: String,
        listed: Vec<TemplateName>,
        unread: Vec<TemplateName>,
        read_at: Timestamp,
    ) -> Answer<'_, usize>;
    /// The templates of a WABA; all languages of one name with `name`.
    fn templates(&self, business: BusinessId, waba: String, name: Option<String>) -> Answer<'_, Vec<Template>>;
    /// When an account's templates were last read whole.
    fn templates_read_at(&self, business: BusinessId, waba: String) -> Answer<'_, Option<Timestamp>>;
    /// Commits that a template is going to be created, edited or deleted at Meta, before the call leaves, unless an earlier
    /// call has no outcome yet or one of Meta's quotas and locks stands in the way: they are counted here, so that two callers
    /// cannot use up one place.
    fn begin_template(&self, intent: TemplateIntent) -> Answer<'_, Begun>;
    /// What [`Store::begin_template`] would say; commits nothing.
    fn may_template(&self, intent: TemplateIntent) -> Answer<'_, Begun>;
    /// Records what became of the call, with its history and its event; gives the template as it then stands. An outcome for a
    /// call that has one already changes nothing.
    fn end_template(&self, key: TemplateKey, outcome: TemplateOutcome, now: Timestamp) -> Answer<'_, Option<Template>>;
    /// The calls of an account that have no outcome yet.
    fn template_intents(&self, business: BusinessId, waba: String) -> Answer<'_, Vec<TemplateIntent>>;
    /// Names the template that steps in while this one cannot be sent; none takes it back.
    fn put_twin(&self, key: TemplateKey, twin: Option<TemplateName>, by: By, now: Timestamp) -> Answer<'_, PutTwin>;
    /// What happened to a template, newest first; at most [`HISTORY_MAX`] lines of the last [`HISTORY_KEEP`].
    fn template_history(&self, key: TemplateKey, page: Page) -> Answer<'_, (Vec<HistoryEntry>, Option<String>)>;

    // ---- content --------------------------------------------------------------------------------------------------

    /// Keeps new content, unless its business has `at_most` already, or one with its id.
    fn add_content(&self, content: StoredContent, at_most: usize) -> Answer<'_, AddContent>;
    /// The content with this id.
    fn content(&self, business: BusinessId, id: ContentId) -> Answer<'_, Option<StoredContent>>;
    /// Contents of a business. A page looks through at most [`CONTENTS_LOOK_MAX`] of them, about: with a rare filter
    /// it can be shorter than asked, even empty, and still have a token to go on with.
    fn contents(
        &self,
        business: BusinessId,
        filter: ContentFilter,
        page: Page,
    ) -> Answer<'_, (Vec<StoredContent>, Option<String>)>;
    /// Replaces name and content, unless it is submitted: what Meta reviews or has approved must not change underneath.
    fn change_content(
        &self,
        business: BusinessId,
        id: ContentId,
        friendly_name: String,
        content: Content,
        now: Timestamp,
    ) -> Answer<'_, ChangeContent>;
    /// Removes content, unless it waits for Meta's word or a message waits that was sent from it.
    fn delete_content(&self, business: BusinessId, id: ContentId, now: Timestamp) -> Answer<'_, DeleteContent>;
    /// Begins a submission, before Meta is called: at most one of a content at an account is not over. One whose answer can no
    /// longer come is made again under the same name. `looked_at` is the content as it was judged: if it is another by now, nothing begins.
    fn submit(&self, business: BusinessId, submission: Submission, looked_at: Content) -> Answer<'_, Submit>;
    /// What Meta answered to a submission: its id of the template, or with `None` that it takes none, and then nothing of this
    /// submission stays; what was submitted under the name before does. One that has a template already stays as it is.
    fn submitted(
        &self,
        business: BusinessId,
        content: ContentId,
        waba: String,
        name: String,
        template: Option<String>,
    ) -> Answer<'_, ()>;
    /// The submissions of a content, oldest first, each with the template that came of it; none when there is no such content.
    fn submissions(&self, business: BusinessId, content: ContentId) -> Answer<'_, Option<Vec<Followed>>>;
    /// As [`Store::submissions`], of several contents at once, at most [`PAGE_MAX`]; in their order.
    fn submissions_of(&self, business: BusinessId, contents: Vec<ContentId>) -> Answer<'_, Vec<Option<Vec<Followed>>>>;

    // ---- messaging services ---------------------------------------------------------------------------------------

    /// Keeps a new messaging service, unless its business has [`SERVICES_MAX`] already; says whether it is kept.
    fn add_service(&self, service: MessagingService) -> Answer<'_, bool>;
    /// The messaging service with this id.
    fn service(&self, business: BusinessId, id: ServiceId) -> Answer<'_, Option<MessagingService>>;
    /// Messaging services of a business, newest first.
    fn services(&self, business: BusinessId, page: Page) -> Answer<'_, (Vec<MessagingService>, Option<String>)>;
    /// Changes what its owner chose, and gives it as it is then; none when there is no such service.
    fn change_service(
        &self,
        business: BusinessId,
        id: ServiceId,
        change: ChangeService,
        now: Timestamp,
    ) -> Answer<'_, Option<MessagingService>>;
    /// Removes a messaging service; its senders are free. `false` when there is none.
    fn delete_service(&self, business: BusinessId, id: ServiceId) -> Answer<'_, bool>;
    /// Puts a sender into a pool. A sender is in one pool at most.
    fn join_pool(&self, business: BusinessId, service: ServiceId, sender: SenderId, now: Timestamp) -> Answer<'_, JoinPool>;
    /// Takes a sender out of a pool; `false` when it was not in it.
    fn leave_pool(&self, business: BusinessId, service: ServiceId, sender: SenderId) -> Answer<'_, bool>;
    /// The senders of a pool, in the order in which they joined; none when there is no such service.
    fn pool(&self, business: BusinessId, service: ServiceId) -> Answer<'_, Option<Vec<PoolMember>>>;
    /// The messaging service whose pool a sender is in.
    fn service_of(&self, business: BusinessId, sender: SenderId) -> Answer<'_, Option<MessagingService>>;
    /// Chooses who of a pool speaks to a customer; none when there is no such service.
    fn choose_sender(
        &self,
        business: BusinessId,
        service: ServiceId,
        to: Identity,
        now: Timestamp,
    ) -> Answer<'_, Option<ChosenSender>>;

    // ---- sending --------------------------------------------------------------------------------------------------

    /// What is known before a send: of the caller's key, of the address, of the session.
    fn look(&self, ask: LookUp) -> Answer<'_, Look>;
    /// [`Store::look`], and [`Store::accept`] of what `decide` makes of it, on one state of the store: what is judged is what is
    /// true. None where it decided to accept nothing. A key that stands for something already is replayed without asking it.
    fn accept_judged(&self, ask: LookUp, decide: Decide) -> Answer<'_, Option<Accepted>>;
    /// Accepts a message: idempotency, customer, position, message, lane; all or nothing. With [`Accept::at_once`] also what a
    /// claim of it would commit, where that would take it at once.
    fn accept(&self, accept: Accept) -> Answer<'_, Accepted>;
    /// Takes due heads of a sender's lanes and commits an attempt for each, before any byte leaves. A stopped sender yields
    /// nothing and keeps its queue. Heads past their validity end here; heads that the pair pace holds make their lane due later.
    /// `NotHeld` where another than [`Claim::owner`] holds the sender.
    fn claim(&self, claim: Claim) -> Answer<'_, Claims>;
    /// Records outcomes of attempts, with their events; frees or moves their lanes. An outcome for an attempt that has a
    /// further word already is joined, never overwritten; one for a message or an attempt that is gone is left out of the answer.
    /// Whoever began an attempt may tell what became of it, whoever holds the sender by now: it begins nothing.
    fn settle(&self, outcomes: Vec<Settle>, now: Timestamp) -> Answer<'_, Vec<Settled>>;
    /// The first of the two calls of an attempt was taken, under this id of the upstream's: committed before the second leaves, so that
    /// the first is never made again. Says whether the second may: not where the attempt was taken over meanwhile, since whoever took it
    /// over goes on with the second itself.
    fn first_part(&self, business: BusinessId, tag: PartTag, provider_id: String) -> Answer<'_, bool>;
    /// Attempts without an outcome that another owner left behind become `Unknown` until `until`; what is unknown already is waited
    /// for until then at least, since nobody listened meanwhile. Says how many were left behind.
    fn recover(&self, owner: u64, now: Timestamp, until: Timestamp) -> Answer<'_, usize>;
    /// Unknown messages whose wait is over, with the evidence; at most `limit`. And when the next one is due.
    fn overdue(&self, now: Timestamp, limit: usize) -> Answer<'_, (Vec<PendingUnknown>, Option<Timestamp>)>;
    /// Decides an unknown message, unless a word came meanwhile. Says whether it was still open.
    fn resolve(&self, business: BusinessId, message: MessageId, resolution: Resolution, now: Timestamp) -> Answer<'_, bool>;
    /// Ends messages that wait past their validity and were never attempted (or whose attempts were all refused), at most
    /// `limit`. How many, and when the next one is due.
    fn expire(&self, now: Timestamp, limit: usize) -> Answer<'_, (usize, Option<Timestamp>)>;
    /// Calls a waiting message off.
    fn cancel(&self, business: BusinessId, message: MessageId, now: Timestamp) -> Answer<'_, CancelOutcome>;
    /// Writes down in the story of a message that was sent whether it did what it was for, as its caller says. Once confirmed it stays
    /// so, whatever is said later or again.
    fn give_feedback(
        &self,
        business: BusinessId,
        message: MessageId,
        confirmed: bool,
        now: Timestamp,
    ) -> Answer<'_, CancelOutcome>;
    /// Removes the content of a message that is over (sent, failed, received…) with its files, also from the event that told of
    /// it; its row and statuses stay. Of what came in the raw bodies are blanked soon after: see [`Store::blank_bodies`].
    fn redact(&self, business: BusinessId, message: MessageId, now: Timestamp) -> Answer<'_, CancelOutcome>;
    /// Removes a message that is over, with its timeline, its files and the content in the event that told of it. Of what came in the
    /// raw bodies are blanked soon after: see [`Store::blank_bodies`].
    fn delete(&self, business: BusinessId, message: MessageId, now: Timestamp) -> Answer<'_, CancelOutcome>;
    /// How many messages of a sender wait, and since when the oldest: cheap, from a counter row.
    fn backlog(&self, sender: SenderId) -> Answer<'_, Backlog>;

    /// Takes over what Meta answered about a sender's limits. Says whether anything changed; what is older than what is known counts
    /// for nothing.
    fn put_limits(&self, business: BusinessId, sender: SenderId, told: LimitsTold, now: Timestamp) -> Answer<'_, bool>;
    /// A sender's limits, what of them is used, and what waits.
    fn load(&self, sender: SenderId, now: Timestamp) -> Answer<'_, SenderLoad>;
    /// Why a message waits; none when it does not wait.
    fn outlook(&self, business: BusinessId, message: MessageId, now: Timestamp) -> Answer<'_, Option<Outlook>>;

    // ---- hearing --------------------------------------------------------------------------------------------------

    /// Records everything that one webhook body says to one business: inbound messages, sessions, statuses, templates,
    /// identities, consent; deduplicated; with its events. The raw body goes into the journal side by side with the facts: the
    /// answer is `Ok` when both are durable. After an `Err` either may be there; hearing the body again does no harm.
    fn hear(&self, body: HearBody) -> Answer<'_, HearOutcome>;

    // ---- files ----------------------------------------------------------------------------------------------------

    /// A file of a business.
    fn media(&self, business: BusinessId, id: MediaId) -> Answer<'_, Option<Media>>;
    /// Files that are due to be fetched, at most `per_sender` of each sender and `limit` in all, round the senders from the one
    /// after `after`; and when the next is due that is not among them. Does work for each sender that has files to fetch.
    fn to_fetch(
        &self,
        after: Option<SenderId>,
        per_sender: usize,
        limit: usize,
        now: Timestamp,
    ) -> Answer<'_, (Vec<Media>, Option<Timestamp>)>;
    /// Bytes are going to be written: should nothing come of it, they are known to be loose from `until` on, and not before, whoever
    /// else removes a file with the same bytes. `false` while somebody is removing these very bytes: they are not expected, and whoever
    /// brings them asks again in a moment.
    fn expect_bytes(&self, business: BusinessId, digest: Digest, now: Timestamp, until: Timestamp) -> Answer<'_, bool>;
    /// Records what became of a try to fetch a file, with the event of one that failed. `false` when the file does not wait: it is
    /// gone, or it was fetched already.
    fn fetched(&self, business: BusinessId, id: MediaId, outcome: Fetched, now: Timestamp) -> Answer<'_, bool>;
    /// Keeps a file whose bytes are here.
    fn add_media(&self, media: Media) -> Answer<'_, ()>;
    /// Removes a file; `false` when there is none. Its bytes are loose once no file of the business has them.
    fn delete_media(&self, business: BusinessId, id: MediaId, now: Timestamp) -> Answer<'_, bool>;
    /// Bytes that were loose before `before`, the oldest first; at most `limit`.
    fn loose(&self, before: Timestamp, limit: usize) -> Answer<'_, Vec<(BusinessId, Digest)>>;
    /// Whether bytes are loose still at `now`; where they are, whoever asks removes them, and until `until`, or until they are gone, nobody
    /// expects them or removes them too.
    fn remove_bytes(&self, business: BusinessId, digest: Digest, now: Timestamp, until: Timestamp) -> Answer<'_, Loose>;
    /// The removal that was to last until `until` is over: the bytes are gone, or could not be removed and may be brought again. Nothing
    /// where it lasted longer and somebody expects them anew.
    fn end_removal(&self, business: BusinessId, digest: Digest, until: Timestamp, gone: bool) -> Answer<'_, ()>;
    /// The upstream's id of some bytes under a sender, where it has one that can still be sent.
    fn upstream_copy(
        &self,
        business: BusinessId,
        sender: SenderId,
        digest: Digest,
        now: Timestamp,
    ) -> Answer<'_, Option<UpstreamCopy>>;
    /// Remembers the upstream's id.
    fn put_upstream_copy(&self, copy: UpstreamCopy) -> Answer<'_, ()>;
    /// Forgets the upstream's id: it does not know it any more.
    fn forget_upstream_copy(&self, business: BusinessId, sender: SenderId, digest: Digest) -> Answer<'_, ()>;

    /// When the first session is to be looked at: [`Store::look_at_sessions`] has nothing to do before.
    fn next_session_look(&self) -> Answer<'_, Option<Timestamp>>;
    /// Looks at sessions whose look is due, at most `limit`: tells what closes soon or has closed, and moves the look on where the
    /// customer wrote meanwhile.
    fn look_at_sessions(&self, now: Timestamp, limit: usize) -> Answer<'_, LookedAt>;
    /// Makes one person of two customers, whom nobody has to keep apart any longer. Nothing is rewritten: identities, sessions,
    /// consent and messages of both are those of the person from then on.
    fn merge_customers(
        &self,
        business: BusinessId,
        one: CustomerId,
        other: CustomerId,
        now: Timestamp,
    ) -> Answer<'_, MergeAnswer>;
    /// Takes the merge back by which this customer leads to another: what was each one's is each one's again, with what came by its
    /// identities since. What is heard makes them one no more.
    fn unmerge_customer(&self, business: BusinessId, customer: CustomerId, now: Timestamp) -> Answer<'_, UnmergeOutcome>;

    // ---- telling --------------------------------------------------------------------------------------------------

    /// Makes or changes an endpoint; its cursor and its health stay. A published registration is refused when its topic has one, any other when
    /// its business has [`ENDPOINTS_MAX`].
    fn put_endpoint(&self, endpoint: Endpoint) -> Answer<'_, PutEndpoint>;
    /// Changes an endpoint, and gives it as it is then; none when there is no such endpoint. Its cursor and its health stay.
    fn change_endpoint(&self, business: BusinessId, endpoint: EndpointId, change: ChangeEndpoint)
    -> Answer<'_, Option<Endpoint>>;
    /// An endpoint of this business.
    fn endpoint(&self, business: BusinessId, endpoint: EndpointId) -> Answer<'_, Option<Endpoint>>;
    /// Switches an endpoint off for a reason, or on with a clean slate; `false` when there is none.
    fn switch_endpoint(&self, business: BusinessId, endpoint: EndpointId, off: Option<String>) -> Answer<'_, bool>;
    /// Removes an endpoint; `false` when there is none. What it was still to be told is swept later.
    fn delete_endpoint(&self, business: BusinessId, endpoint: EndpointId) -> Answer<'_, bool>;
    /// The endpoints of one business, or of all.
    fn endpoints(&self, business: Option<BusinessId>) -> Answer<'_, Vec<Endpoint>>;
    /// The events of a business after a position, oldest first, at most `limit`.
    fn events(&self, business: BusinessId, after: u64, limit: usize) -> Answer<'_, EventPage>;
    /// The position of the first event that is not older than this moment; one after the newest when all are.
    fn position_at(&self, business: BusinessId, at: Timestamp) -> Answer<'_, u64>;
    /// The next work of an endpoint: events after its cursor, or after `after` where that is further; deliveries that are due
    /// again; at most `limit` of each; and what comes next of a replay. With an endpoint that keeps the order, events whose
    /// conversation has a delivery outstanding here are marked `held`.
    fn relay_work(&self, endpoint: EndpointId, after: u64, now: Timestamp, limit: usize) -> Answer<'_, RelayWork>;
    /// Records a round of an endpoint: cursor, new and changed deliveries, the endpoint's health, with an event where that is
    /// worth one. Gives the health as it is then; that of the round where the endpoint is gone. `NotHeld` where another than
    /// [`RelayRound::by`] holds the endpoint.
    fn relay_settle(&self, round: RelayRound) -> Answer<'_, Health>;
    /// Deliveries of an endpoint, at most `limit` and [`PAGE_MAX`]: all events newest first from before `from`, or what waits
    /// or was given up oldest first from after `from`. None when there is no such endpoint.
    fn deliveries(
        &self,
        business: BusinessId,
        endpoint: EndpointId,
        which: Deliveries,
        from: Option<u64>,
        limit: usize,
    ) -> Answer<'_, Option<Vec<Told>>>;
    /// Makes one delivery due now, whatever became of it.
    fn retry_delivery(&self, business: BusinessId, retry: RetryDelivery, now: Timestamp) -> Answer<'_, Retried>;
    /// Begins a replay, cut to what is kept, unless one is under way. Of those that are over the last [`REPLAYS_KEEP`] stay.
    fn start_replay(&self, business: BusinessId, replay: EventReplay) -> Answer<'_, StartReplay>;
    /// The replays of an endpoint, newest first; none when there is no such endpoint.
    fn replays(&self, business: BusinessId, endpoint: EndpointId) -> Answer<'_, Option<Vec<EventReplay>>>;
    /// Ends a replay where it stands; `false` when there is none.
    fn stop_replay(&self, business: BusinessId, endpoint: EndpointId, id: ReplayId, now: Timestamp) -> Answer<'_, bool>;

    // ---- reading --------------------------------------------------------------------------------------------------

    /// A message of a business.
    fn message(&self, business: BusinessId, message: MessageId) -> Answer<'_, Option<Message>>;
    /// What happened to a message: its words, verdicts, and what of it waits to be told. Empty when there is no such message. The
    /// same webhooks in any order and repetition give the same words, but for when they were heard.
    fn timeline(&self, business: BusinessId, message: MessageId) -> Answer<'_, Timeline>;
    /// Messages of a business, newest first. A page looks through a bounded number of rows: with a rare filter it can be shorter
    /// than asked, even empty, and still have a token to go on with.
    fn messages(&self, business: BusinessId, filter: MessageFilter, page: Page) -> Answer<'_, (Vec<Message>, Option<String>)>;
    /// Conversations that were ever heard, with their evidence, most recently heard first.
    fn sessions(&self, business: BusinessId, filter: MessageFilter, page: Page) -> Answer<'_, (Vec<SessionRow>, Option<String>)>;
    /// The person that a customer of a business is.
    fn customer(&self, business: BusinessId, customer: CustomerId) -> Answer<'_, Option<CustomerView>>;
    /// Begins to erase a customer: from the commit on nobody is known by the person's identities and names any more. Again for one
    /// that was begun gives how far it is; `None` when nobody is named so.
    fn erase_customer(&self, business: BusinessId, who: Who, actor: Actor, now: Timestamp) -> Answer<'_, Option<Erasure>>;
    /// How far an erasure is; `None` when none of this customer was asked for.
    fn erasure(&self, business: BusinessId, customer: CustomerId) -> Answer<'_, Option<Erasure>>;
    /// Erasures that are not over, of all businesses; at most `limit`.
    fn open_erasures(&self, limit: usize) -> Answer<'_, Vec<Erasure>>;
    /// Works on an erasure: one slice, that looks at `limit` rows at most ([`BATCH_MAX`]). Says what is to be done next.
    fn erase_slice(&self, business: BusinessId, customer: CustomerId, limit: usize, now: Timestamp) -> Answer<'_, ErasureNext>;
    /// Records what [`Store::journal_erase`] did for an erasure.
    fn journal_erased(&self, business: BusinessId, customer: CustomerId, erased: JournalErased) -> Answer<'_, ()>;
    /// Records that [`Store::scrub`] came after all that an erasure removed: it is over.
    fn scrubbed(&self, business: BusinessId, customer: CustomerId, now: Timestamp) -> Answer<'_, ()>;
    /// Adds a line to the audit log.
    fn add_audit(&self, entry: AuditEntry) -> Answer<'_, ()>;
    /// The lines of a business's audit log that a filter wants, newest first. At most [`AUDIT_LOOKED_AT`] lines are looked at in
    /// one go, so that a page may hold fewer than asked for, even none, and still tell of a next one.
    fn audit(&self, business: BusinessId, filter: AuditFilter, page: Page) -> Answer<'_, (Vec<AuditEntry>, Option<String>)>;
    /// The person who has this identity, in any spelling.
    fn customer_with(&self, business: BusinessId, identity: Identity) -> Answer<'_, Option<CustomerView>>;
    /// What the person behind an identity is called, as the channel told it on being asked: kept where no name is known. Says whether
    /// it was; not where nobody is known by the identity any more.
    fn learn_name(&self, business: BusinessId, identity: Identity, name: String) -> Answer<'_, bool>;
    /// People: those who were made last first, or those who are looked for in the order of what was looked at. A page looks through
    /// a bounded number of rows, so that it can be shorter than asked and still have a token to go on with; somebody who is found
    /// in several ways can be on several pages.
    fn customers(
        &self,
        business: BusinessId,
        filter: CustomerFilter,
        page: Page,
    ) -> Answer<'_, (Vec<CustomerView>, Option<String>)>;
    /// Adds a word to a customer's ledger of consent, with its event where something else is wanted than before; `None` when an id
    /// names nobody.
    fn record_consent(&self, record: RecordConsent) -> Answer<'_, Option<RecordedConsent>>;
    /// A customer's consent, and a page of the ledger, newest first; `None` when nobody is named so.
    fn consent(&self, business: BusinessId, who: Who, page: Page) -> Answer<'_, Option<ConsentLedger>>;

    // ---- upkeep ---------------------------------------------------------------------------------------------------

    /// Keeps a raw body that was heard but is nobody's (wrong signature, unknown number), bounded; never content of a tenant.
    fn journal_ignored(&self, entry: JournalEntry) -> Answer<'_, ()>;
    /// Proves that a commit works, by making one.
    fn probe(&self, now: Timestamp) -> Answer<'_, ()>;
    /// Removes what is past its keep: one slice, of about `limit` rows (at most [`SLICE_MAX`]; the last message of a slice goes
    /// whole). A round begins at [`SweepPoint::START`] and goes on where the slice before it ended. Never removed: a message
    /// that is not over, and an event that an endpoint has yet to be told.
    fn sweep(&self, keep: Keep, from: SweepPoint, limit: usize, now: Timestamp) -> Answer<'_, Swept>;
    /// Counts what was not heard of messages that have grown old enough: one slice of at most `limit` messages of one business, each
    /// of which is passed once. A round begins at [`WalkPoint::START`] and goes on where the slice before it ended; none when it is over.
    fn count_silence(&self, from: WalkPoint, limit: usize, now: Timestamp) -> Answer<'_, Option<WalkPoint>>;
    /// What was not heard of a sender's messages of the last [`SILENCE_DAYS`] days that were old enough to tell.
    fn silence(&self, sender: SenderId, now: Timestamp) -> Answer<'_, Silence>;
    /// Empties the logs into the files and overwrites them, so that what was removed is nowhere in the folder any more; on PostgreSQL,
    /// has the server take out what rows were before. `false` when somebody who still reads an old state kept it from doing so; to be
    /// tried again.
    fn scrub(&self) -> Answer<'_, bool>;
    /// How the engine is doing, as of a moment ago. Costs nothing.
    fn condition(&self) -> Condition;
    /// Copies the whole store into a new file while everything goes on, in steps that hold nobody up, and answers when the
    /// copy is on disk. It is the state when its last page was copied: whatever was answered before this was called is in
    /// it. One copy at a time: `Busy` for another. An engine that is not kept in a file answers `Unavailable`.
    fn copy(&self, to: PathBuf, progress: Arc<CopyProgress>) -> Answer<'_, ()>;
    /// Makes a store that comes back from a backup fit to go on, a slice of at most `limit` messages at a time: what waited when
    /// the backup was made may have been sent since, and positions may have been given out. To be called to its end before
    /// anything else is done with the store.
    fn revive(&self, how: Revive, from: RevivePoint, limit: usize, now: Timestamp) -> Answer<'_, Revival>;
    /// Finishes what was taken on and closes; later calls answer `Unavailable`.
    fn close(&self) -> Answer<'_, ()>;
}
