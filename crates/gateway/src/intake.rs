//! The way in from Meta: check the signature over the raw bytes, read everything, commit once per business, answer 200.

#[cfg(test)]
mod proof_tests;
mod replay;
mod sorting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;

use transom_clock::WorldClock;
use transom_domain::address::Psid;
use transom_domain::error_code::ErrorCode;
use transom_domain::event::EventBody;
use transom_domain::fact::{Account, Fact, Heard, HeardBy, Person, StatusReport, TemplateNews};
use transom_domain::failure::UpstreamError;
use transom_domain::id::{BusinessId, EventId, JournalId, SenderId};
use transom_domain::message::TemplateName;
use transom_domain::status::Failure;
use transom_domain::time::{Span, Timestamp};
use transom_meta::graph::Occurrence;
use transom_store::{HearBody, HearOutcome, HeardBody, JournalEntry, JournalHead, JournalOutcome, Store, position_of};

use self::sorting::{Sorted, Understood, sort, understood};
use crate::chance::Chance;
use crate::directory::{Directory, Speaker};
use crate::media::fetch::Fetcher;
use crate::problem::Problem;
use crate::telemetry;
use crate::templates::Library;
use crate::traces::{self, Kind, Trace};
use crate::work::dispatcher::Dispatcher;
use crate::work::names::Names;
use crate::work::relay::Relay;
use crate::work::rest::Post;
use crate::work::tasks::Tasks;

/// Events of one webhook that are traced at most: as many as a page of them has.
const HEARD_TRACED_MAX: usize = 256;

/// Largest webhook body (Meta: webhooks/overview).
pub const BODY_MAX: usize = 3 * 1024 * 1024;
/// What is kept of a body that is nobody's.
const IGNORED_KEEP: usize = 4 * 1024;

pub use replay::{Did, LeftOut, REPLAY_MAX, Reheard};

/// The intake; cheap to clone.
#[derive(Clone)]
pub struct Intake(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: WorldClock,
    directory: Directory,
    library: Library,
    dispatcher: Dispatcher,
    relay: Relay,
    fetcher: Fetcher,
    names: Names,
    chance: Chance,
    tasks: Tasks,
    /// How long repetitions are recognised.
    recognised: Span,
    /// Where whoever works on replays waits for them.
    replays: Arc<Post>,
    handshakes: AtomicU64,
}

impl Intake {
    /// Puts it together.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "called once, where the house is put together")]
    pub fn new(
        store: Arc<dyn Store>,
        clock: WorldClock,
        directory: Directory,
        library: Library,
        dispatcher: Dispatcher,
        relay: Relay,
        fetcher: Fetcher,
        names: Names,
        chance: Chance,
        tasks: Tasks,
        recognised: Span,
        replays: Arc<Post>,
    ) -> Self {
        let handshakes = AtomicU64::new(0);
        Self(Arc::new(Inner {
            store,
            clock,
            directory,
            library,
            dispatcher,
            relay,
            fetcher,
            names,
            chance,
            tasks,
            recognised,
            replays,
            handshakes,
        }))
    }

    /// Answers the handshake of an app: the challenge, if the verify token is right.
    ///
    /// # Errors
    /// 404 for an app nobody registered, 403 for a wrong token.
    pub fn handshake(&self, app: &str, query: &str) -> Result<String, Problem> {
        let directory = self.0.directory.now();
        let known = directory.app(app).ok_or_else(|| unknown_app(app))?;
        let challenge = transom_meta::webhook::handshake(query, &known.verify_token);
        let challenge = challenge.ok_or_else(|| {
            Problem::new(ErrorCode::UpstreamHandshakeRefused, "The verify token of the handshake is wrong or missing.")
        })?;
        self.0.handshakes.fetch_add(1, Ordering::SeqCst);
        Ok(challenge)
    }

    /// How many handshakes were answered: `sender add` watches it grow.
    #[must_use]
    pub fn handshakes(&self) -> u64 {
        self.0.handshakes.load(Ordering::SeqCst)
    }

    /// Hears one webhook body. `Ok` means that all of it is durable, or that repeating it would not help.
    ///
    /// # Errors
    /// 401 for a wrong signature, 400 for what is no JSON, 503 when it could not be committed: the other side then retries.
    pub async fn hear(&self, app: &str, signature: Option<&str>, body: Bytes) -> Result<(), Problem> {
        // In a task of its own: what was committed must be told even if Meta hangs up meanwhile.
        let (this, app, signature) = (self.clone(), app.to_owned(), signature.map(str::to_owned));
        let heard = self.0.tasks.run(async move { this.hear_whole(&app, signature.as_deref(), body).await }).await;
        heard.unwrap_or_else(|| Err(Problem::new(ErrorCode::Unspecified, "An unexpected failure on our side.")))
    }

    /// Whether a webhook is worth reading at all: for an app that is known, with a signature to check.
    ///
    /// # Errors
    /// 404 for an app nobody registered, 401 without a signature.
    pub fn expects(&self, app: &str, signature: Option<&str>) -> Result<(), Problem> {
        self.0.directory.now().app(app).ok_or_else(|| unknown_app(app))?;
        match signature {
            Some(_) => Ok(()),
            None => {
                telemetry::heard("bad_signature");
                Err(Problem::new(ErrorCode::UpstreamSignatureInvalid, "The header X-Hub-Signature-256 is missing."))
            }
        }
    }

    async fn hear_whole(&self, app: &str, signature: Option<&str>, body: Bytes) -> Result<(), Problem> {
        let this = &self.0;
        let directory = this.directory.now();
        let known = directory.app(app).ok_or_else(|| unknown_app(app))?;
        if !signature.is_some_and(|header| transom_meta::signature::verify(&known.secret, &body, header)) {
            telemetry::heard("bad_signature");
            // Not journaled: anybody on the internet could fill the journal.
            return Err(Problem::new(
                ErrorCode::UpstreamSignatureInvalid,
                "X-Hub-Signature-256 is missing or does not fit the body.",
            ));
        }
        let deliveries = match transom_meta::webhook::parse(&body) {
            Ok(deliveries) => deliveries,
            Err(why) => {
                telemetry::heard(JournalOutcome::Malformed.as_str());
                self.ignore(app, JournalOutcome::Malformed, &why.to_string(), &body).await;
                return Err(Problem::new(ErrorCode::RequestInvalid, format!("The webhook cannot be read: {why}.")));
            }
        };
        let Sorted { parts, speakers, strangers } = sort(&directory, app, deliveries.into_iter().flat_map(|d| d.heard));
        if strangers > 0 {
            telemetry::heard(JournalOutcome::Stranger.as_str());
            tracing::warn!(app = %app, facts = strangers, "a webhook spoke of numbers that are not registered under this app");
            let theirs = transom_meta::webhook::part(&body, &|account| directory.heard_for(app, account).is_none());
            let why = "for a number, Page or account that is not registered under this app";
            self.ignore(app, JournalOutcome::Stranger, why, &theirs.unwrap_or_default()).await;
        }
        // A body that speaks of one business only is kept as it came; of a mixed one each business keeps its own part.
        let whole = parts.len() == 1 && strangers == 0;
        for (business, heard) in parts {
            let mine = |account: &Account| directory.heard_for(app, account).is_some_and(|s| s.sender.business == business);
            let raw = if whole { body.to_vec() } else { transom_meta::webhook::part(&body, &mine).unwrap_or_default() };
            let now = this.clock.now();
            let Understood { outcome, fields, note } = understood(heard.iter().map(|(_, heard)| heard));
            let entry = HeardBody { id: JournalId::compose(now, this.chance.draw()), outcome, fields, note, raw };
            telemetry::heard(outcome.as_str());
            self.commit(business, app, heard, Some(entry), now).await?;
        }
        for (speaker, inbound) in speakers.into_values() {
            if inbound > 0 {
                this.dispatcher.heard(&speaker, inbound);
            }
        }
        Ok(())
    }

    /// Hears what Meta's history says of a message that went through this sender, as if webhooks had told it now. Says how much of it was
    /// news.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn hear_history(
        &self,
        speaker: &Speaker,
        message: &str,
        occurrences: &[Occurrence],
    ) -> Result<usize, Problem> {
        if occurrences.is_empty() {
            return Ok(0);
        }
        let report = |one: &Occurrence| StatusReport {
            provider_id: message.to_owned(),
            status: one.status,
            at: one.at,
            recipient: Person::default(),
            callback: None,
            errors: one.errors(),
            pricing: None,
            conversation: None,
            by: HeardBy::History,
        };
        let account = Account::PhoneNumber(speaker.sender.account.clone());
        let heard = |one| Heard { account: account.clone(), fact: Fact::Status(report(one)) };
        let facts = occurrences.iter().map(|one| (Some(speaker.sender.id), heard(one))).collect();
        let now = self.0.clock.now();
        Ok(self.commit(speaker.sender.business, &speaker.sender.app, facts, None, now).await?.news)
    }

    /// Commits what a body says to one business, and tells whoever has to do something about it.
    async fn commit(
        &self,
        business: BusinessId,
        app: &str,
        heard: Vec<(Option<SenderId>, Heard)>,
        entry: Option<HeardBody>,
        heard_at: Timestamp,
    ) -> Result<HearOutcome, Problem> {
        let this = &self.0;
        let templates = templates_told(heard.iter().map(|(_, heard)| heard));
        let limits = heard.iter().any(|(_, h)| matches!(h.fact, Fact::Limits(_) | Fact::Account(_)));
        let strangers = strangers(&heard);
        let (now, seed) = (this.clock.now(), this.chance.draw());
        let body = HearBody { business, app: app.to_owned(), heard, entry, seed, now, heard_at: heard_at.min(now), native };
        let began = SystemTime::now();
        let outcome = match this.store.hear(body).await {
            Ok(outcome) => outcome,
            Err(why) => {
                // The facts may be there, and only the journal not: their events are told all the same.
                this.relay.poke(business);
                return Err(why.into());
            }
        };
        telemetry::facts(outcome.news, outcome.repeated, outcome.orphans);
        if outcome.files > 0 {
            this.fetcher.poke();
        }
        if outcome.news > 0 {
            for (sender, psid) in strangers {
                this.names.wonder(business, sender, psid);
            }
        }
        for sender in &outcome.nudged {
            this.dispatcher.poke(*sender);
        }
        if limits {
            // The throughput of a number is in the directory, and whether it is stopped.
            if let Err(why) = this.directory.reload().await {
                tracing::warn!(error = %why, "the directory could not be read");
            }
        }
        for (waba, told) in templates {
            self.reshelve(business, &waba, told).await;
        }
        if !outcome.events.is_empty() {
            this.relay.poke(business);
            if traces::are_on() {
                self.trace_heard(business, &outcome.events, began).await;
            }
        }
        Ok(outcome)
    }

    /// Tells the collector of traces what was heard of each message. The events know which, and how far.
    async fn trace_heard(&self, business: BusinessId, events: &[EventId], began: SystemTime) {
        let positions: Vec<u64> = events.iter().filter_map(|id| position_of(business, *id)).collect();
        let (Some(first), Some(last)) = (positions.iter().min(), positions.iter().max()) else { return };
        let many = usize::try_from(last - first).unwrap_or(HEARD_TRACED_MAX).saturating_add(1).min(HEARD_TRACED_MAX);
        let page = match self.0.store.events(business, first.saturating_sub(1), many).await {
            Ok(page) => page,
            Err(why) => return tracing::debug!(error = %why, "what was heard could not be traced"),
        };
        for event in page.events.iter().filter(|event| events.contains(&event.id)) {
            let Some(trace) = Trace::told(&event.body) else { continue };
            let span = match &event.body {
                EventBody::MessageReceived { .. } => trace.root("hear", Kind::Server),
                _ => trace.span("hear", Kind::Server),
            };
            let span = span.since(began).with("transom.event.id", event.id.to_string());
            match &event.body {
                EventBody::MessageStatus { status, failure, .. } => {
                    let failure = failure.as_ref().map(|failure| failure.code.as_str());
                    span.with("transom.status", status.as_str()).failed(failure).end();
                }
                _ => span.end(),
            }
        }
    }

    /// Renews what is in memory of an account's templates; one that nobody here has read yet, or whose components have changed, is
    /// read from Meta.
    async fn reshelve(&self, business: BusinessId, waba: &str, told: Told) {
        let shelf = match self.0.library.reshelve(business, waba).await {
            Ok(shelf) => shelf,
            Err(why) => return tracing::warn!(waba = %waba, error = %why, "templates could not be read from the store"),
        };
        // One that is deleted is known: Meta's list has no more to say of it.
        if !told.have_changed && told.names.iter().all(|t| shelf.ever(&t.name, &t.language).is_some()) {
            return;
        }
        let directory = self.0.directory.now();
        let accounts = directory.accounts_of(business);
        let Some(speaker) = accounts.into_iter().find(|speaker| speaker.sender.waba.as_deref() == Some(waba)) else { return };
        let (library, relay, speaker) = (self.0.library.clone(), self.0.relay.clone(), speaker.clone());
        self.0.tasks.spawn(async move {
            match library.read_after_news(&speaker).await {
                None => {}
                Some(Ok(_)) => relay.poke(business),
                Some(Err(why)) => {
                    tracing::warn!(sender.id = %speaker.sender.id, error = %why, "templates could not be read");
                }
            }
        });
    }

    async fn ignore(&self, app: &str, outcome: JournalOutcome, note: &str, body: &[u8]) {
        let now = self.0.clock.now();
        let raw = body.get(..body.len().min(IGNORED_KEEP)).unwrap_or_default().to_vec();
        let head = JournalHead {
            id: JournalId::compose(now, self.0.chance.draw()),
            position: 0,
            business: None,
            app: app.to_owned(),
            at: now,
            outcome,
            fields: String::new(),
            note: note.to_owned(),
            size: raw.len(),
            erased: false,
        };
        if let Err(why) = self.0.store.journal_ignored(JournalEntry { head, raw }).await {
            tracing::warn!(error = %why, "an ignored webhook could not be journaled");
        }
    }
}

/// Who wrote through a Page, and is not called by a name there.
fn strangers(heard: &[(Option<SenderId>, Heard)]) -> Vec<(SenderId, Psid)> {
    let who = |(sender, heard): &(Option<SenderId>, Heard)| match &heard.fact {
        Fact::Inbound(inbound) if inbound.from.name.is_none() => Some(((*sender)?, inbound.from.psid.clone()?)),
        _ => None,
    };
    heard.iter().filter_map(who).collect()
}

/// What a webhook told of an account's templates.
#[derive(Default)]
struct Told {
    names: Vec<TemplateName>,
    /// What some of them consist of has changed; the webhook does not say to what.
    have_changed: bool,
}

/// What is told of templates, by account.
fn templates_told<'a>(heard: impl Iterator<Item = &'a Heard>) -> BTreeMap<String, Told> {
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    for heard in heard {
        let Account::Waba(waba) = &heard.account else { continue };
        let (name, language, has_changed) = match &heard.fact {
            Fact::TemplateStatus(t) => (&t.name, &t.language, false),
            Fact::TemplateNews(t) => (&t.name, &t.language, t.news == TemplateNews::Components),
            _ => continue,
        };
        let told = told.entry(waba.clone()).or_default();
        told.names.push(TemplateName { name: name.clone(), language: language.clone() });
        told.have_changed |= has_changed;
    }
    told
}

fn unknown_app(app: &str) -> Problem {
    Problem::new(ErrorCode::NotFound, format!("There is no app {app} here."))
        .remedy("Register the app with `transom sender add`.")
}

/// Meta's error in our words: the code table is the wire's.
fn native(error: &UpstreamError) -> Failure {
    let classified = transom_meta::codes::classify(200, Some(error));
    let details = error.details.as_deref().map(|d| format!(": {d}")).unwrap_or_default();
    Failure {
        code: classified.native,
        message: match error.code {
            // An error without a code, as a history has it.
            ..0 => format!("Meta: {}{details}.", error.title.trim_end_matches('.')),
            code => format!("Meta: {}{details} ({code}).", error.title),
        },
        upstream: Some(error.clone()),
    }
}
