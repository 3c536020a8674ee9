//! Senders: adding one step by step, looking one over, letting one go on.

use transom_domain::address::{Channel, Identity};
use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, SenderId};
use transom_meta::graph::{NumberStatus, PhoneNumber, Pin, Quality};
use transom_store::{Action, PutSender, Sender, SenderState};

use super::command::{AdminAnswer, Level, Secret, Step, StepOutcome};
use super::meta_side::TokenSaid;
use super::{Admin, meta_id, sealing};
use crate::directory::OpenApp;
use crate::problem::Problem;

/// What `sender add` is given.
pub(super) struct NewSender {
    pub(super) app: String,
    pub(super) waba: String,
    pub(super) phone_number_id: String,
    pub(super) token: Secret,
    pub(super) pin: Option<Secret>,
}

/// Messages per second where Meta does not tell: what every new number has (throughput).
const UNTOLD_THROUGHPUT: u32 = 80;

/// The steps done so far; a failure carries them along, so that nobody has to guess how far it got.
#[derive(Default)]
pub(super) struct Steps(pub(super) Vec<Step>);

impl Steps {
    pub(super) fn note(&mut self, step: &str, outcome: StepOutcome, said: impl Into<String>) {
        self.0.push(Step { step: step.to_owned(), outcome, said: said.into() });
    }

    pub(super) fn done(&mut self, step: &str, said: impl Into<String>) {
        self.note(step, StepOutcome::Done, said);
    }
}

pub(super) fn refused(message: String, remedy: &str) -> Problem {
    Problem::new(ErrorCode::UpstreamError, message).remedy(remedy)
}

/// Why a number cannot send, as far as its status tells.
pub(super) const fn in_words(status: NumberStatus) -> &'static str {
    match status {
        NumberStatus::Disconnected => ": it is disconnected",
        NumberStatus::Pending => ": it waits for registration",
        NumberStatus::Unverified => ": its owner is not verified",
        NumberStatus::Banned => ": Meta has banned it",
        NumberStatus::Deleted => ": it was deleted",
        NumberStatus::Migrated => ": it was moved to another account",
        _ => "",
    }
}

impl Admin {
    /// Reads, checks, registers, subscribes, confirms, stores, and reads the templates. Nothing is stored unless all that
    /// comes before went well; doing it again is safe.
    pub(super) async fn sender_add(&self, business: BusinessId, new: NewSender) -> Result<AdminAnswer, Problem> {
        meta_id("app", &new.app)?;
        meta_id("waba", &new.waba)?;
        meta_id("phone_number_id", &new.phone_number_id)?;
        let mut steps = Steps::default();
        let app = self.opened_app(&new.app).await?;
        let callback = self.reachable_callback(&new.app)?;
        let number = self.read_number(&new, &mut steps).await?;
        self.check_token(&new, &app, &mut steps).await?;
        self.register(&new, &number, &mut steps).await?;
        self.subscribe(&new, &app, &callback, &mut steps).await?;
        let sender = self.keep(business, &new, &number).await?;
        steps.done("store", format!("sender {} is {}", sender.id, sender.address));
        match self.template_sync(business).await {
            Ok(AdminAnswer::TemplatesRead { read, .. }) => steps.done("templates", format!("{read} templates read")),
            Ok(_) => {}
            Err(why) => steps.note("templates", StepOutcome::Warned, why.message),
        }
        Ok(AdminAnswer::SenderAdded { sender: self.sender_view(&sender).await?, steps: steps.0 })
    }

    /// Where Meta reaches us, if anybody listens.
    pub(super) fn reachable_callback(&self, app: &str) -> Result<String, Problem> {
        self.callback(app).ok_or_else(|| {
            Problem::new(ErrorCode::StateConflict, "No server runs on this folder, so Meta's handshake would find nobody.")
                .remedy("Start `transom serve` with server.public_url set, then add the sender.")
        })
    }

    pub(super) async fn opened_app(&self, id: &str) -> Result<std::sync::Arc<OpenApp>, Problem> {
        self.service.directory.reload().await?;
        self.service.directory.now().app(id).cloned().ok_or_else(|| {
            Problem::new(ErrorCode::NotFound, format!("App {id} is not known here."))
                .remedy("Add it first with `transom app put`.")
        })
    }

    async fn read_number(&self, new: &NewSender, steps: &mut Steps) -> Result<PhoneNumber, Problem> {
        let id = &new.phone_number_id;
        let number = self.number(id, &new.token.0).await.map_err(|why| {
            refused(
                format!("Number {id} cannot be read from Meta: {why}."),
                "Check the phone number id, the token, and upstream.graph_url.",
            )
        })?;
        let has = self.account_has(&new.waba, id, &new.token.0).await.map_err(|why| {
            refused(
                format!("Account {} cannot be read from Meta: {why}.", new.waba),
                "Check the WABA id, and that the token may see it.",
            )
        })?;
        if !has || number.id != *id {
            return Err(refused(
                format!("Account {} does not have number {id}.", new.waba),
                "Copy both ids from WhatsApp Manager, under API Setup.",
            ));
        }
        let quality = if number.quality == Quality::Red { ", its quality is rated RED" } else { "" };
        steps.done(
            "read",
            format!("{} ({}){quality}", number.display_phone_number, number.verified_name.as_deref().unwrap_or("no name")),
        );
        Ok(number)
    }

    async fn check_token(&self, new: &NewSender, app: &OpenApp, steps: &mut Steps) -> Result<(), Problem> {
        match self.token(&new.app, &app.secret, &new.token.0, &new.waba).await {
            TokenSaid::Valid(missing) if missing.is_empty() => steps.done("token", "valid, with both scopes"),
            TokenSaid::Valid(missing) => {
                return Err(refused(
                    format!("The token lacks the scope {}.", missing.join(" and ")),
                    "Make a system user token with both WhatsApp scopes.",
                ));
            }
            TokenSaid::Invalid(why) => {
                return Err(refused(format!("The token cannot be used: {why}."), "Make a new system user token for this app."));
            }
            // Without the app's own token Meta does not look others over; the reads above have shown that it works.
            TokenSaid::Silent(why) => steps.note("token", StepOutcome::Warned, format!("its scopes could not be checked: {why}")),
        }
        Ok(())
    }

    async fn register(&self, new: &NewSender, number: &PhoneNumber, steps: &mut Steps) -> Result<(), Problem> {
        if !number.wants_registration() {
            steps.note("register", StepOutcome::Skipped, "the number is registered already");
            return Ok(());
        }
        let Some(pin) = &new.pin else {
            return Err(refused(
                format!("Number {} is not registered{}.", number.display_phone_number, in_words(number.status)),
                "Give --pin with six digits: the number's two-step PIN, or a new one if it has none.",
            ));
        };
        let pin = Pin::parse(&pin.0).map_err(|why| Problem::field("pin", why.to_string(), "give six digits"))?;
        self.register_number(&new.phone_number_id, &new.token.0, &pin).await.map_err(|why| {
            refused(
                format!("Number {} cannot be registered: {why}.", number.display_phone_number),
                "Check the PIN; Meta allows ten registrations in 72 hours.",
            )
        })?;
        steps.done("register", "registered with the PIN");
        Ok(())
    }

    async fn subscribe(&self, new: &NewSender, app: &OpenApp, callback: &str, steps: &mut Steps) -> Result<(), Problem> {
        match self.own_handshake(callback, &app.verify_token).await {
            Ok(()) => steps.done("reach", format!("{callback} answers the handshake")),
            // Behind some routers nobody can call their own public address; Meta's own handshake decides below.
            Err(why) => steps.note("reach", StepOutcome::Warned, format!("{callback} could not be tried from here: {why}")),
        }
        self.subscribe_app(&new.waba, &new.token.0, callback, &app.verify_token).await.map_err(|why| {
            refused(
                format!("App {} cannot be subscribed to account {} with {callback}: {why}.", new.app, new.waba),
                "Meta must reach that address over https with a valid certificate; check server.public_url and the proxy before it.",
            )
        })?;
        let seen = self.subscribed(&new.waba, &new.app, &new.token.0).await.map_err(|why| {
            refused(
                format!("The subscription of account {} cannot be read back: {why}.", new.waba),
                "Run `transom sender add` again.",
            )
        })?;
        match seen {
            Some(at) if at == callback => steps.done("subscribe", format!("Meta did the handshake and calls {callback}")),
            Some(at) if at.is_empty() => {
                steps.note("subscribe", StepOutcome::Warned, "Meta did the handshake, but lists the app under its own callback");
            }
            other => {
                return Err(refused(
                    format!(
                        "Meta lists {} for account {} instead of {callback}.",
                        other.as_deref().unwrap_or("no subscription"),
                        new.waba
                    ),
                    "Check that the token belongs to this app, and run `transom sender add` again.",
                ));
            }
        }
        Ok(())
    }

    async fn keep(&self, business: BusinessId, new: &NewSender, number: &PhoneNumber) -> Result<Sender, Problem> {
        let phone = number.phone.clone().ok_or_else(|| {
            refused(
                format!("Meta shows the number as {:?}, which is no phone number.", number.display_phone_number),
                "Report this with `transom doctor --json`.",
            )
        })?;
        let now = self.service.now();
        let known =
            self.service.store.senders().await?.into_iter().find(|s| s.account == new.phone_number_id && s.business == business);
        let (id, created_at) =
            known.map_or_else(|| (SenderId::compose(now, self.service.chance.draw()), now), |s| (s.id, s.created_at));
        let sender = Sender {
            id,
            business,
            channel: Channel::Whatsapp,
            address: Identity::Phone(phone),
            name: number.verified_name.clone(),
            account: new.phone_number_id.clone(),
            waba: Some(new.waba.clone()),
            app: new.app.clone(),
            token: self.service.key.seal(new.token.0.as_bytes()).map_err(sealing)?,
            throughput: number.throughput.per_second().unwrap_or(UNTOLD_THROUGHPUT),
            state: SenderState::Active,
            created_at,
        };
        match self.service.store.put_sender(sender.clone()).await? {
            PutSender::Stored => {}
            PutSender::TakenByAnotherBusiness => {
                return Err(Problem::new(
                    ErrorCode::StateConflict,
                    format!("Number {} or its account belongs to another business here.", sender.address),
                )
                .remedy("A number and its account belong to one business; use that one."));
            }
        }
        self.audited(business, Action::SenderPut, sender.id).await;
        self.service.directory.reload().await?;
        Ok(sender)
    }

    /// Looks one sender over.
    pub(super) async fn sender_check(&self, id: SenderId) -> Result<AdminAnswer, Problem> {
        let sender = self.sender(id).await?;
        let mut data = self.look_over(&sender).await?;
        data.sort_by_key(|f| f.level);
        Ok(AdminAnswer::Findings { data })
    }

    /// Lets a stopped sender go on, if what stopped it is mended.
    pub(super) async fn sender_resume(&self, id: SenderId) -> Result<AdminAnswer, Problem> {
        let sender = self.sender(id).await?;
        if sender.state == SenderState::Active {
            return Ok(super::done(format!("Sender {} is not stopped.", sender.address)));
        }
        let about = format!("sender {}", sender.address);
        let worst = self.at_meta(&sender, &about).await?.into_iter().find(|f| f.level == Level::Problem);
        if let Some(finding) = worst {
            return Err(Problem::new(
                ErrorCode::StateConflict,
                format!("Sender {} stays stopped: {}", sender.address, finding.said),
            )
            .remedy(finding.remedy));
        }
        self.service.store.set_sender_state(sender.business, id, None, self.service.now()).await?;
        self.service.directory.reload().await?;
        Ok(super::done(format!("Sender {} goes on; its queue is kept and sent now.", sender.address)))
    }

    pub(super) async fn sender(&self, id: SenderId) -> Result<Sender, Problem> {
        let found = self.service.store.senders().await?.into_iter().find(|s| s.id == id);
        found.ok_or_else(|| {
            Problem::new(ErrorCode::NotFound, format!("There is no sender {id}.")).remedy("List them with `transom sender list`.")
        })
    }
}
