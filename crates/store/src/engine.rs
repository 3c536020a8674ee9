//! How an engine serves the contract: it opens a transaction and runs a move in it. Which move, in which room of the queue, and
//! whether it reads or writes, is said here once for all engines.

mod conversations;
mod history;
mod insight;
mod raw;
mod replicas;
mod tally;
mod users;

use std::path::PathBuf;
use std::sync::Arc;

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

use crate::contract::{
    Accept, Accepted, Answer, App, Backlog, Begun, Business, BusinessSettings, CancelOutcome, ChangeContent, ChangeEndpoint,
    ChangeSettings, Claim, Claims, Condition, ContentFilter, CopyProgress, CustomerFilter, CustomerView, Decide, DeleteContent,
    Deliveries, Endpoint, EventPage, EventReplay, Followed, HearBody, HearOutcome, JournalEntry, JournalErased, Keep, Key, Look,
    LookUp, LookedAt, MessageFilter, Outlook, PAGE_MAX, Page, PendingUnknown, PutEndpoint, PutSender, PutTwin, RelayRound,
    RelayWork, Resolution, Retried, RetryDelivery, Revival, Revive, RevivePoint, Sealed, Sender, SenderLoad, SessionRow, Settle,
    Settled, StartReplay, Store, StoredContent, Submit, SweepKind, SweepPoint, Swept, TemplateIntent, TemplateKey,
    TemplateOutcome, Timeline, Told,
};
use crate::contract::{
    AddContent, ChangeService, ChosenSender, Digest, Fetched, JoinPool, Loose, Media, MergeAnswer, Silence, UnmergeOutcome,
    UpstreamCopy,
};
use crate::moves::{
    accept, admin, claim, consent, content as contents, customers, end, journal, marks, people, reach, read, relay, revive,
    session, settle, template, timeline, unknown, upkeep,
};
use crate::moves::{audit, erase, media, messaging_service, silence};
pub(crate) use crate::transaction::{Engine, Room, Scope};
use crate::{
    Actor, AuditEntry, AuditFilter, ConsentLedger, Erasure, ErasureNext, RecordConsent, RecordedConsent, WalkPoint, Who, beside,
};

impl<E: Engine> Store for E {
    fn directory_version(&self) -> Answer<'_, u64> {
        self.look_up(|rows| rows.directory_version())
    }

    fn put_business(&self, business: Business) -> Answer<'_, ()> {
        self.write(Scope::Business(business.id), Room::Sending, move |rows| admin::put_business(rows, business.clone()))
    }

    fn businesses(&self) -> Answer<'_, Vec<Business>> {
        self.read(|rows| rows.businesses())
    }

    fn settings(&self, business: BusinessId) -> Answer<'_, BusinessSettings> {
        self.look_up(move |rows| rows.settings(business))
    }

    fn change_settings(&self, business: BusinessId, change: ChangeSettings) -> Answer<'_, Option<BusinessSettings>> {
        self.write(Scope::Business(business), Room::Ending, move |rows| admin::change_settings(rows, business, &*change))
    }

    fn put_key(&self, key: Key) -> Answer<'_, ()> {
        self.write(Scope::Business(key.business), Room::Sending, move |rows| rows.put_key(&key))
    }

    fn revoke_key(&self, business: BusinessId, key: KeyId, now: Timestamp) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Ending, move |rows| admin::revoke_key(rows, business, key, now))
    }

    fn note_key_used(&self, business: BusinessId, key: KeyId, at: Timestamp) -> Answer<'_, ()> {
        self.write(Scope::Business(business), Room::Sending, move |rows| admin::note_key_used(rows, business, key, at))
    }

    fn rotate_key(&self, old: KeyId, until: Timestamp, new: Key) -> Answer<'_, bool> {
        self.write(Scope::Business(new.business), Room::Sending, move |rows| admin::rotate_key(rows, old, until, &new))
    }

    fn keys(&self, business: BusinessId) -> Answer<'_, Vec<Key>> {
        self.read(move |rows| rows.keys(business))
    }

    fn key_by_hash(&self, hash: [u8; 32]) -> Answer<'_, Option<Key>> {
        self.look_up(move |rows| rows.key_by_hash(&hash))
    }

    fn put_app(&self, app: App) -> Answer<'_, ()> {
        self.write(Scope::House, Room::Sending, move |rows| admin::put_app(rows, &app))
    }

    fn apps(&self) -> Answer<'_, Vec<App>> {
        self.read(|rows| rows.apps())
    }

    fn put_sender(&self, sender: Sender) -> Answer<'_, PutSender> {
        self.write(Scope::Business(sender.business), Room::Sending, move |rows| admin::put_sender(rows, sender.clone()))
    }

    fn senders(&self) -> Answer<'_, Vec<Sender>> {
        self.read(|rows| rows.senders())
    }

    fn stop_sender(
        &self,
        business: BusinessId,
        sender: SenderId,
        token: Sealed,
        failure: Failure,
        now: Timestamp,
    ) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Hearing, move |rows| {
            admin::stop_sender(rows, business, sender, &token, failure.clone(), now)
        })
    }

    fn set_sender_state(
        &self,
        business: BusinessId,
        sender: SenderId,
        stopped: Option<Failure>,
        now: Timestamp,
    ) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Hearing, move |rows| {
            admin::set_sender_state(rows, business, sender, stopped.clone(), now)
        })
    }

    fn put_templates(
        &self,
        business: BusinessId,
        waba: String,
        templates: Vec<Template>,
        complete: bool,
        read_at: Timestamp,
    ) -> Answer<'_, usize> {
        self.write(Scope::Business(business), Room::Sending, move |rows| {
            template::put(rows, business, &waba, templates.clone(), complete, read_at)
        })
    }

    fn end_reading(
        &self,
        business: BusinessId,
        waba: String,
        listed: Vec<TemplateName>,
        unread: Vec<TemplateName>,
        read_at: Timestamp,
    ) -> Answer<'_, usize> {
        self.write(Scope::Business(business), Room::Sending, move |rows| {
            template::end_reading(rows, business, &waba, &listed, &unread, read_at)
        })
    }

    fn templates(&self, business: BusinessId, waba: String, name: Option<String>) -> Answer<'_, Vec<Template>> {
        self.read(move |rows| {
            let known = rows.templates(business, &waba, name.as_deref())?;
            Ok(known.into_iter().filter(|row| row.read).map(|row| row.template).collect())
        })
    }

    fn templates_read_at(&self, business: BusinessId, waba: String) -> Answer<'_, Option<Timestamp>> {
        self.read(move |rows| rows.account_read(business, &waba))
    }

    fn begin_template(&self, intent: TemplateIntent) -> Answer<'_, Begun> {
        self.write(Scope::Business(intent.key.business), Room::Sending, move |rows| template::begin(rows, &intent))
    }

    fn may_template(&self, intent: TemplateIntent) -> Answer<'_, Begun> {
        self.read(move |rows| template::may(rows, &intent))
    }

    fn end_template(&self, key: TemplateKey, outcome: TemplateOutcome, now: Timestamp) -> Answer<'_, Option<Template>> {
        self.write(Scope::Business(key.business), Room::Hearing, move |rows| template::end(rows, &key, &outcome, now))
    }

    fn template_intents(&self, business: BusinessId, waba: String) -> Answer<'_, Vec<TemplateIntent>> {
        self.read(move |rows| rows.intents(business, &waba))
    }

    fn put_twin(&self, key: TemplateKey, twin: Option<TemplateName>, by: By, now: Timestamp) -> Answer<'_, PutTwin> {
        self.write(Scope::Business(key.business), Room::Sending, move |rows| {
            template::put_twin(rows, &key, twin.as_ref(), by, now)
        })
    }

    fn template_history(&self, key: TemplateKey, page: Page) -> Answer<'_, (Vec<HistoryEntry>, Option<String>)> {
        self.read(move |rows| template::history(rows, &key, &page))
    }

    fn add_content(&self, content: StoredContent, at_most: usize) -> Answer<'_, AddContent> {
        self.write(Scope::Business(content.business), Room::Sending, move |rows| contents::add(rows, &content, at_most))
    }

    fn content(&self, business: BusinessId, id: ContentId) -> Answer<'_, Option<StoredContent>> {
        self.look_up(move |rows| rows.content(business, id))
    }

    fn contents(
        &self,
        business: BusinessId,
        filter: ContentFilter,
        page: Page,
    ) -> Answer<'_, (Vec<StoredContent>, Option<String>)> {
        self.read(move |rows| contents::list(rows, business, &filter, &page))
    }

    fn change_content(
        &self,
        business: BusinessId,
        id: ContentId,
        friendly_name: String,
        content: Content,
        now: Timestamp,
    ) -> Answer<'_, ChangeContent> {
        self.write(Scope::Business(business), Room::Sending, move |rows| {
            contents::change(rows, business, id, &friendly_name, &content, now)
        })
    }

    fn delete_content(&self, business: BusinessId, id: ContentId, now: Timestamp) -> Answer<'_, DeleteContent> {
        self.write(Scope::Business(business), Room::Ending, move |rows| contents::delete(rows, business, id, now))
    }

    fn submit(&self, business: BusinessId, submission: Submission, looked_at: Content) -> Answer<'_, Submit> {
        self.write(Scope::Business(business), Room::Sending, move |rows| {
            contents::submit(rows, business, &submission, &looked_at)
        })
    }

    fn submitted(
        &self,
        business: BusinessId,
        content: ContentId,
        waba: String,
        name: String,
        template: Option<String>,
    ) -> Answer<'_, ()> {
        self.write(Scope::Business(business), Room::Hearing, move |rows| {
            contents::submitted(rows, business, content, &waba, &name, template.as_deref())
        })
    }

    fn submissions(&self, business: BusinessId, content: ContentId) -> Answer<'_, Option<Vec<Followed>>> {
        self.read(move |rows| contents::submissions(rows, business, content))
    }

    fn submissions_of(&self, business: BusinessId, ids: Vec<ContentId>) -> Answer<'_, Vec<Option<Vec<Followed>>>> {
        self.read(move |rows| ids.iter().take(PAGE_MAX).map(|id| contents::submissions(rows, business, *id)).collect())
    }

    fn add_service(&self, service: MessagingService) -> Answer<'_, bool> {
        self.write(Scope::Business(service.business), Room::Sending, move |rows| messaging_service::add(rows, &service))
    }

    fn service(&self, business: BusinessId, id: ServiceId) -> Answer<'_, Option<MessagingService>> {
        self.look_up(move |rows| rows.service(business, id))
    }

    fn services(&self, business: BusinessId, page: Page) -> Answer<'_, (Vec<MessagingService>, Option<String>)> {
        self.read(move |rows| messaging_service::list(rows, business, &page))
    }

    fn change_service(
        &self,
        business: BusinessId,
        id: ServiceId,
        change: ChangeService,
        now: Timestamp,
    ) -> Answer<'_, Option<MessagingService>> {
        self.write(Scope::Business(business), Room::Sending, move |rows| {
            messaging_service::change(rows, business, id, &*change, now)
        })
    }

    fn delete_service(&self, business: BusinessId, id: ServiceId) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Ending, move |rows| messaging_service::delete(rows, business, id))
    }

    fn join_pool(&self, business: BusinessId, service: ServiceId, sender: SenderId, now: Timestamp) -> Answer<'_, JoinPool> {
        self.write(Scope::Business(business), Room::Sending, move |rows| {
            messaging_service::join(rows, business, service, sender, now)
        })
    }

    fn leave_pool(&self, business: BusinessId, service: ServiceId, sender: SenderId) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Ending, move |rows| messaging_service::leave(rows, business, service, sender))
    }

    fn pool(&self, business: BusinessId, service: ServiceId) -> Answer<'_, Option<Vec<PoolMember>>> {
        self.read(move |rows| messaging_service::pool(rows, business, service))
    }

    fn service_of(&self, business: BusinessId, sender: SenderId) -> Answer<'_, Option<MessagingService>> {
        self.look_up(move |rows| messaging_service::of(rows, business, sender))
    }

    fn choose_sender(
        &self,
        business: BusinessId,
        service: ServiceId,
        to: Identity,
        now: Timestamp,
    ) -> Answer<'_, Option<ChosenSender>> {
        self.read(move |rows| messaging_service::choose(rows, business, service, &to, now))
    }

    fn look(&self, ask: LookUp) -> Answer<'_, Look> {
        self.look_up(move |rows| read::look(rows, &ask))
    }

    fn accept_judged(&self, ask: LookUp, decide: Decide) -> Answer<'_, Option<Accepted>> {
        self.write(Scope::Business(ask.business), Room::Sending, move |rows| accept::judged(rows, &ask, &*decide))
    }

    fn accept(&self, accept: Accept) -> Answer<'_, Accepted> {
        self.write(Scope::Business(accept.business), Room::Sending, move |rows| accept::accept(rows, &accept))
    }

    fn claim(&self, claim: Claim) -> Answer<'_, Claims> {
        self.write(Scope::Sender(claim.sender), Room::Sending, move |rows| claim::claim(rows, &claim))
    }

    fn settle(&self, outcomes: Vec<Settle>, now: Timestamp) -> Answer<'_, Vec<Settled>> {
        self.write(Scope::of_all(outcomes.iter().map(|one| one.business)), Room::Hearing, move |rows| {
            settle::settle(rows, &outcomes, now)
        })
    }

    fn first_part(&self, business: BusinessId, tag: PartTag, provider_id: String) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Hearing, move |rows| {
            marks::first_part_taken(rows, business, tag, &provider_id)
        })
    }

    fn recover(&self, owner: u64, now: Timestamp, until: Timestamp) -> Answer<'_, usize> {
        self.write(Scope::House, Room::Hearing, move |rows| unknown::recover(rows, owner, now, until))
    }

    fn overdue(&self, now: Timestamp, limit: usize) -> Answer<'_, (Vec<PendingUnknown>, Option<Timestamp>)> {
        self.read(move |rows| unknown::overdue(rows, now, limit))
    }

    fn resolve(&self, business: BusinessId, message: MessageId, resolution: Resolution, now: Timestamp) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Hearing, move |rows| {
            unknown::resolve(rows, business, message, resolution.clone(), now)
        })
    }

    fn expire(&self, now: Timestamp, limit: usize) -> Answer<'_, (usize, Option<Timestamp>)> {
        self.write(Scope::House, Room::Ending, move |rows| unknown::expire(rows, now, limit))
    }

    fn give_feedback(
        &self,
        business: BusinessId,
        message: MessageId,
        confirmed: bool,
        now: Timestamp,
    ) -> Answer<'_, CancelOutcome> {
        self.write(Scope::Business(business), Room::Ending, move |rows| {
            end::give_feedback(rows, business, message, confirmed, now)
        })
    }

    fn cancel(&self, business: BusinessId, message: MessageId, now: Timestamp) -> Answer<'_, CancelOutcome> {
        self.write(Scope::Business(business), Room::Ending, move |rows| end::cancel(rows, business, message, now))
    }

    fn redact(&self, business: BusinessId, message: MessageId, now: Timestamp) -> Answer<'_, CancelOutcome> {
        self.write(Scope::Business(business), Room::Ending, move |rows| end::redact(rows, business, message, now))
    }

    fn delete(&self, business: BusinessId, message: MessageId, now: Timestamp) -> Answer<'_, CancelOutcome> {
        self.write(Scope::Business(business), Room::Ending, move |rows| end::delete(rows, business, message, now))
    }

    fn backlog(&self, sender: SenderId) -> Answer<'_, Backlog> {
        self.look_up(move |rows| read::backlog(rows, sender))
    }

    fn put_limits(&self, business: BusinessId, sender: SenderId, told: LimitsTold, now: Timestamp) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Hearing, move |rows| reach::read(rows, business, sender, &told, now))
    }

    fn load(&self, sender: SenderId, now: Timestamp) -> Answer<'_, SenderLoad> {
        self.read(move |rows| reach::load(rows, sender, now))
    }

    fn outlook(&self, business: BusinessId, message: MessageId, now: Timestamp) -> Answer<'_, Option<Outlook>> {
        self.read(move |rows| reach::outlook(rows, business, message, now))
    }

    fn hear(&self, body: HearBody) -> Answer<'_, HearOutcome> {
        Box::pin(beside::hear(self, body))
    }

    fn media(&self, business: BusinessId, id: MediaId) -> Answer<'_, Option<Media>> {
        self.look_up(move |rows| rows.media(business, id))
    }

    fn to_fetch(
        &self,
        after: Option<SenderId>,
        per_sender: usize,
        limit: usize,
        now: Timestamp,
    ) -> Answer<'_, (Vec<Media>, Option<Timestamp>)> {
        self.read(move |rows| media::to_fetch(rows, after, per_sender, limit, now))
    }

    fn expect_bytes(&self, business: BusinessId, digest: Digest, now: Timestamp, until: Timestamp) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Sending, move |rows| media::expect(rows, business, &digest, (now, until)))
    }

    fn fetched(&self, business: BusinessId, id: MediaId, outcome: Fetched, now: Timestamp) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Hearing, move |rows| media::fetched(rows, business, id, &outcome, now))
    }

    fn add_media(&self, new: Media) -> Answer<'_, ()> {
        self.write(Scope::Business(new.business), Room::Sending, move |rows| media::add(rows, &new))
    }

    fn delete_media(&self, business: BusinessId, id: MediaId, now: Timestamp) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Ending, move |rows| media::delete(rows, business, id, now))
    }

    fn loose(&self, before: Timestamp, limit: usize) -> Answer<'_, Vec<(BusinessId, Digest)>> {
        self.read(move |rows| rows.loose(before, limit.min(PAGE_MAX)))
    }

    fn remove_bytes(&self, business: BusinessId, digest: Digest, now: Timestamp, until: Timestamp) -> Answer<'_, Loose> {
        self.write(Scope::Business(business), Room::Ending, move |rows| media::remove(rows, business, &digest, (now, until)))
    }

    fn end_removal(&self, business: BusinessId, digest: Digest, until: Timestamp, gone: bool) -> Answer<'_, ()> {
        self.write(Scope::Business(business), Room::Ending, move |rows| media::removed(rows, business, &digest, (until, gone)))
    }

    fn upstream_copy(
        &self,
        business: BusinessId,
        sender: SenderId,
        digest: Digest,
        now: Timestamp,
    ) -> Answer<'_, Option<UpstreamCopy>> {
        self.look_up(move |rows| Ok(rows.upstream_copy(business, sender, &digest)?.filter(|copy| copy.until > now)))
    }

    fn put_upstream_copy(&self, copy: UpstreamCopy) -> Answer<'_, ()> {
        self.write(Scope::Business(copy.business), Room::Hearing, move |rows| rows.put_upstream_copy(&copy))
    }

    fn forget_upstream_copy(&self, business: BusinessId, sender: SenderId, digest: Digest) -> Answer<'_, ()> {
        self.write(Scope::Business(business), Room::Ending, move |rows| rows.drop_upstream_copy(business, sender, &digest))
    }

    fn next_session_look(&self) -> Answer<'_, Option<Timestamp>> {
        self.look_up(|rows| rows.next_look())
    }

    fn look_at_sessions(&self, now: Timestamp, limit: usize) -> Answer<'_, LookedAt> {
        self.write(Scope::House, Room::Ending, move |rows| session::look(rows, now, limit))
    }

    fn put_endpoint(&self, endpoint: Endpoint) -> Answer<'_, PutEndpoint> {
        self.write(Scope::Business(endpoint.business), Room::Sending, move |rows| relay::put_endpoint(rows, endpoint.clone()))
    }

    fn change_endpoint(
        &self,
        business: BusinessId,
        endpoint: EndpointId,
        change: ChangeEndpoint,
    ) -> Answer<'_, Option<Endpoint>> {
        self.write(Scope::Business(business), Room::Ending, move |rows| {
            relay::change_endpoint(rows, business, endpoint, &*change)
        })
    }

    fn endpoint(&self, business: BusinessId, endpoint: EndpointId) -> Answer<'_, Option<Endpoint>> {
        self.read(move |rows| relay::endpoint(rows, business, endpoint))
    }

    fn switch_endpoint(&self, business: BusinessId, endpoint: EndpointId, off: Option<String>) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Ending, move |rows| relay::switch(rows, business, endpoint, off.clone()))
    }

    fn delete_endpoint(&self, business: BusinessId, endpoint: EndpointId) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Ending, move |rows| relay::delete_endpoint(rows, business, endpoint))
    }

    fn endpoints(&self, business: Option<BusinessId>) -> Answer<'_, Vec<Endpoint>> {
        self.read(move |rows| rows.endpoints(business))
    }

    fn events(&self, business: BusinessId, after: u64, limit: usize) -> Answer<'_, EventPage> {
        self.read(move |rows| relay::events(rows, business, after, limit))
    }

    fn position_at(&self, business: BusinessId, at: Timestamp) -> Answer<'_, u64> {
        self.read(move |rows| relay::position_at(rows, business, at))
    }

    fn relay_work(&self, endpoint: EndpointId, after: u64, now: Timestamp, limit: usize) -> Answer<'_, RelayWork> {
        self.read(move |rows| relay::work(rows, endpoint, after, now, limit))
    }

    fn deliveries(
        &self,
        business: BusinessId,
        endpoint: EndpointId,
        which: Deliveries,
        from: Option<u64>,
        limit: usize,
    ) -> Answer<'_, Option<Vec<Told>>> {
        self.read(move |rows| relay::deliveries(rows, business, endpoint, which, from, limit))
    }

    fn retry_delivery(&self, business: BusinessId, retry: RetryDelivery, now: Timestamp) -> Answer<'_, Retried> {
        self.write(Scope::Business(business), Room::Sending, move |rows| relay::retry(rows, business, retry, now))
    }

    fn start_replay(&self, business: BusinessId, replay: EventReplay) -> Answer<'_, StartReplay> {
        self.write(Scope::Business(business), Room::Sending, move |rows| relay::start_replay(rows, business, replay.clone()))
    }

    fn replays(&self, business: BusinessId, endpoint: EndpointId) -> Answer<'_, Option<Vec<EventReplay>>> {
        self.read(move |rows| relay::replays(rows, business, endpoint))
    }

    fn stop_replay(&self, business: BusinessId, endpoint: EndpointId, id: ReplayId, now: Timestamp) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Ending, move |rows| relay::stop_replay(rows, business, endpoint, id, now))
    }

    fn relay_settle(&self, round: RelayRound) -> Answer<'_, Health> {
        self.write(Scope::Endpoint(round.endpoint), Room::Hearing, move |rows| relay::settle(rows, &round))
    }

    fn message(&self, business: BusinessId, message: MessageId) -> Answer<'_, Option<Message>> {
        self.look_up(move |rows| read::message(rows, business, message))
    }

    fn timeline(&self, business: BusinessId, message: MessageId) -> Answer<'_, Timeline> {
        self.read(move |rows| timeline::timeline(rows, business, message))
    }

    fn messages(&self, business: BusinessId, filter: MessageFilter, page: Page) -> Answer<'_, (Vec<Message>, Option<String>)> {
        self.read(move |rows| read::messages(rows, business, &filter, &page))
    }

    fn sessions(&self, business: BusinessId, filter: MessageFilter, page: Page) -> Answer<'_, (Vec<SessionRow>, Option<String>)> {
        self.read(move |rows| read::sessions(rows, business, &filter, &page))
    }

    fn learn_name(&self, business: BusinessId, identity: Identity, name: String) -> Answer<'_, bool> {
        self.write(Scope::Business(business), Room::Hearing, move |rows| people::learn_name(rows, business, &identity, &name))
    }

    fn customer_with(&self, business: BusinessId, identity: Identity) -> Answer<'_, Option<CustomerView>> {
        self.look_up(move |rows| customers::with(rows, business, &identity))
    }

    fn customers(
        &self,
        business: BusinessId,
        filter: CustomerFilter,
        page: Page,
    ) -> Answer<'_, (Vec<CustomerView>, Option<String>)> {
        self.read(move |rows| customers::customers(rows, business, &filter, &page))
    }

    fn merge_customers(
        &self,
        business: BusinessId,
        one: CustomerId,
        other: CustomerId,
        now: Timestamp,
    ) -> Answer<'_, MergeAnswer> {
        self.write(Scope::Business(business), Room::Ending, move |rows| people::by_hand(rows, business, (one, other), now))
    }

    fn unmerge_customer(&self, business: BusinessId, customer: CustomerId, now: Timestamp) -> Answer<'_, UnmergeOutcome> {
        self.write(Scope::Business(business), Room::Ending, move |rows| {
            people::unmerge(rows, business, customer, &mut people::Told::new(now))
        })
    }

    fn customer(&self, business: BusinessId, customer: CustomerId) -> Answer<'_, Option<CustomerView>> {
        self.read(move |rows| customers::customer(rows, business, customer))
    }

    fn erase_customer(&self, business: BusinessId, who: Who, actor: Actor, now: Timestamp) -> Answer<'_, Option<Erasure>> {
        self.write(Scope::Business(business), Room::Ending, move |rows| erase::begin(rows, business, &who, actor, now))
    }

    fn erasure(&self, business: BusinessId, customer: CustomerId) -> Answer<'_, Option<Erasure>> {
        self.read(move |rows| rows.erasure(business, customer))
    }

    fn open_erasures(&self, limit: usize) -> Answer<'_, Vec<Erasure>> {
        self.look_up(move |rows| rows.open_erasures(limit))
    }

    fn erase_slice(&self, business: BusinessId, customer: CustomerId, limit: usize, now: Timestamp) -> Answer<'_, ErasureNext> {
        self.write(Scope::Business(business), Room::Ending, move |rows| erase::slice(rows, business, customer, limit, now))
    }

    fn journal_erased(&self, business: BusinessId, customer: CustomerId, erased: JournalErased) -> Answer<'_, ()> {
        self.write(Scope::Business(business), Room::Ending, move |rows| erase::journaled(rows, business, customer, erased))
    }

    fn scrubbed(&self, business: BusinessId, customer: CustomerId, now: Timestamp) -> Answer<'_, ()> {
        self.write(Scope::Business(business), Room::Ending, move |rows| erase::scrubbed(rows, business, customer, now))
    }

    fn add_audit(&self, entry: AuditEntry) -> Answer<'_, ()> {
        self.write(Scope::Business(entry.business), Room::Ending, move |rows| rows.add_audit(&entry))
    }

    fn audit(&self, business: BusinessId, filter: AuditFilter, page: Page) -> Answer<'_, (Vec<AuditEntry>, Option<String>)> {
        self.read(move |rows| audit::log(rows, business, &filter, &page))
    }

    fn record_consent(&self, record: RecordConsent) -> Answer<'_, Option<RecordedConsent>> {
        // What a customer does not want any more is heard, whatever waits to be sent.
        self.write(Scope::Business(record.business), Room::Hearing, move |rows| consent::record(rows, &record))
    }

    fn consent(&self, business: BusinessId, who: Who, page: Page) -> Answer<'_, Option<ConsentLedger>> {
        self.read(move |rows| consent::ledger(rows, business, &who, &page))
    }

    fn journal_ignored(&self, entry: JournalEntry) -> Answer<'_, ()> {
        // Anyone can send what is ignored: it has no claim to the reserve.
        let scope = entry.head.business.map_or(Scope::House, Scope::Business);
        self.note(scope, Room::Sending, move |rows| journal::put_ignored(rows, entry.clone()))
    }

    fn probe(&self, now: Timestamp) -> Answer<'_, ()> {
        // Nobody's turn keeps this one waiting: what one business stands still for says nothing of the store.
        self.write(Scope::Leases, Room::Sending, move |rows| rows.touch(now))
    }

    fn sweep(&self, keep: Keep, from: SweepPoint, limit: usize, now: Timestamp) -> Answer<'_, Swept> {
        if from.kind == SweepKind::Journal {
            return Box::pin(beside::sweep(self, keep, from, limit, now));
        }
        self.write(Scope::House, Room::Ending, move |rows| upkeep::sweep(rows, keep, from, limit, now))
    }

    fn count_silence(&self, from: WalkPoint, limit: usize, now: Timestamp) -> Answer<'_, Option<WalkPoint>> {
        Box::pin(beside::count_silence(self, from, limit, now))
    }

    fn silence(&self, sender: SenderId, now: Timestamp) -> Answer<'_, Silence> {
        self.read(move |rows| silence::of(rows, sender, now))
    }

    fn scrub(&self) -> Answer<'_, bool> {
        self.scrubbed()
    }

    fn condition(&self) -> Condition {
        self.shown()
    }

    fn copy(&self, to: PathBuf, progress: Arc<CopyProgress>) -> Answer<'_, ()> {
        self.copied(to, progress)
    }

    fn revive(&self, how: Revive, from: RevivePoint, limit: usize, now: Timestamp) -> Answer<'_, Revival> {
        Box::pin(async move {
            let revival = self.write(Scope::House, Room::Ending, move |rows| revive::revive(rows, how, from, limit, now)).await?;
            if from == RevivePoint::START {
                self.note(Scope::House, Room::Ending, |rows| rows.raise_entries(revive::LEAP)).await?;
            }
            Ok(revival)
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        self.end()
    }
}
