//! Senders: added step by step, given another token, looked over at Meta, let go on.

mod app;
mod check;
mod meta_side;
mod number;
mod page;
mod queue;
mod step;

use serde_json::json;

use transom_domain::address::Channel;
use transom_domain::error_code::ErrorCode;
use transom_domain::id::SenderId;
use transom_store::{Action, PutSender, Sender, SenderState};

use super::{Caller, Service};
use crate::problem::Problem;
use crate::seal::SealError;

pub use step::{Step, StepName, StepState};

use step::Steps;

/// Longest token or secret of Meta's that is taken; theirs have some hundred characters.
const SECRET_MAX: usize = 2_048;

/// A sender to be added, or to be brought up to date.
#[derive(Clone)]
pub struct NewSender {
    /// What it is at Meta.
    pub at_meta: AtMeta,
    /// Meta's id of the app; the only one that is known here where it is left out.
    pub app: Option<String>,
    /// The app's secret; needed for an app that is not known here.
    pub app_secret: Option<String>,
    /// Access token.
    pub token: String,
}

/// What a sender is at Meta.
#[derive(Clone)]
pub enum AtMeta {
    /// A number of WhatsApp.
    Number {
        /// WhatsApp Business Account.
        waba: String,
        /// Phone number id.
        phone_number_id: String,
        /// Six digits, needed when the number must be registered.
        pin: Option<String>,
    },
    /// A Page of Messenger.
    Page {
        /// Its id.
        page: String,
    },
}

/// Other secrets for a sender that is there.
#[derive(Clone)]
pub struct SenderChange {
    /// Another access token.
    pub token: String,
    /// Another secret of its app.
    pub app_secret: Option<String>,
    /// Six digits, needed when the number must be registered again.
    pub pin: Option<String>,
}

fn refused(message: String, remedy: &str) -> Problem {
    Problem::new(ErrorCode::UpstreamError, message).remedy(remedy)
}

fn sealing(why: SealError) -> Problem {
    Problem::new(ErrorCode::Unspecified, why.to_string())
}

/// Meta's ids are decimal; anything else is a mix-up, and would end up in a path.
fn meta_id(field: &str, text: &str) -> Result<(), Problem> {
    if (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(());
    }
    Err(Problem::field(
        field,
        "is no id of Meta's: they are decimal numbers of at most 32 digits",
        "copy the id from the app's dashboard at Meta",
    ))
}

/// A secret goes into a header and an address as it is.
fn secret(field: &str, text: &str) -> Result<(), Problem> {
    if (1..=SECRET_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    let rule = format!("must have 1 to {SECRET_MAX} visible ASCII characters");
    Err(Problem::field(field, rule, "copy it from Meta whole, without spaces or line breaks"))
}

impl NewSender {
    fn check(&self) -> Result<(), Problem> {
        if let Some(app) = &self.app {
            meta_id("app", app)?;
        }
        match &self.at_meta {
            AtMeta::Number { waba, phone_number_id, .. } => {
                meta_id("wabaId", waba)?;
                meta_id("phoneNumberId", phone_number_id)?;
            }
            AtMeta::Page { page } => meta_id("pageId", page)?,
        }
        secret("token", &self.token)?;
        self.app_secret.as_deref().map_or(Ok(()), |text| secret("appSecret", text))
    }
}

impl Service {
    /// Adds a sender, or brings a known one up to date: reads, checks, registers, subscribes, confirms, stores, and reads the
    /// templates. No sender is stored unless all that comes before went well; doing it again is safe. Goes on to its end if the
    /// caller goes away.
    ///
    /// # Errors
    /// What stopped it; `details.steps` tells what was done before, and what failed last.
    pub async fn add_sender(&self, caller: &Caller, new: NewSender) -> Result<(Sender, Vec<Step>), Problem> {
        new.check()?;
        let (service, caller) = (self.clone(), *caller);
        self.unbroken(async move {
            let mut steps = Steps::default();
            match service.add_in_steps(&caller, &new, &mut steps).await {
                Ok(sender) => Ok((sender, steps.taken())),
                Err(problem) => Err(steps.stopped(problem)),
            }
        })
        .await
    }

    async fn add_in_steps(&self, caller: &Caller, new: &NewSender, steps: &mut Steps) -> Result<Sender, Problem> {
        let (id, app) = self.app_of(caller, new.app.as_deref(), new.app_secret.as_deref(), steps).await?;
        steps.begin(StepName::Reach);
        let callback = self.reachable_callback(&id)?;
        let under = number::Under { id: &id, app: &app, callback: &callback, token: &new.token };
        match &new.at_meta {
            AtMeta::Number { waba, phone_number_id, pin } => {
                let number = number::Number { waba, phone_number_id, pin: pin.as_deref() };
                self.add_number(caller, &under, &number, steps).await
            }
            AtMeta::Page { page } => self.add_page(caller, &under, page, steps).await,
        }
    }

    /// Gives a sender another token, which is looked over as that of a new one.
    ///
    /// # Errors
    /// 404 when this business has no such sender; else as [`Service::add_sender`].
    pub async fn change_sender(
        &self,
        caller: &Caller,
        id: SenderId,
        change: SenderChange,
    ) -> Result<(Sender, Vec<Step>), Problem> {
        let known = self.stored_sender(caller, id).await?;
        let at_meta = match known.channel {
            Channel::Whatsapp => {
                AtMeta::Number { waba: known.waba.unwrap_or_default(), phone_number_id: known.account, pin: change.pin }
            }
            Channel::Messenger => AtMeta::Page { page: known.account },
        };
        let new = NewSender { at_meta, app: Some(known.app), app_secret: change.app_secret, token: change.token };
        self.add_sender(caller, new).await
    }

    /// Looks a sender over, here and at Meta; what is wrong stands among what is not.
    ///
    /// # Errors
    /// 404 when this business has no such sender.
    pub async fn verify_sender(&self, caller: &Caller, id: SenderId) -> Result<(Sender, Vec<Step>), Problem> {
        let sender = self.stored_sender(caller, id).await?;
        let mut steps = self.look_here(&sender).await?;
        steps.extend(self.look_at_meta(&sender).await?);
        Ok((sender, steps))
    }

    /// Lets a stopped sender go on, if what stopped it is mended; gives it as it is then, and what was seen at Meta. Of one that
    /// goes already nothing is looked at.
    ///
    /// # Errors
    /// 404 when this business has no such sender; 409 while something is wrong, told by `details.steps`.
    pub async fn resume_sender(&self, caller: &Caller, id: SenderId) -> Result<(Sender, Vec<Step>), Problem> {
        let mut sender = self.stored_sender(caller, id).await?;
        if sender.state == SenderState::Active {
            return Ok((sender, Vec::new()));
        }
        let steps = self.look_at_meta(&sender).await?;
        if let Some(worst) = steps.iter().find(|step| step.state == StepState::Failed) {
            let message = format!("Sender {} stays stopped: {}", sender.address, worst.explanation);
            let problem = Problem::new(ErrorCode::StateConflict, message).detail("steps", json!(steps));
            return Err(match &worst.remedy {
                Some(remedy) => problem.remedy(remedy),
                None => problem,
            });
        }
        if self.store.set_sender_state(sender.business, id, None, self.now()).await? {
            self.audited(caller, Action::SenderResumed, id).await;
        }
        self.directory.reload().await?;
        sender.state = SenderState::Active;
        Ok((sender, steps))
    }

    /// A sender of the caller's business, as the store has it now.
    async fn stored_sender(&self, caller: &Caller, id: SenderId) -> Result<Sender, Problem> {
        let found = self.store.senders().await?.into_iter().find(|s| s.id == id && s.business == caller.business);
        found.ok_or_else(|| Problem::not_found("sender").remedy("List them with `GET senders` or `transom sender list`."))
    }

    /// Where Meta reaches us, if anybody listens.
    fn reachable_callback(&self, app: &str) -> Result<String, Problem> {
        self.callback_of_app(app).ok_or_else(|| {
            Problem::new(ErrorCode::StateConflict, "No server runs on this folder, so Meta's handshake would find nobody.")
                .remedy("Start `transom serve` with server.public_url set, then add the sender.")
        })
    }

    /// Stores a sender that Meta has shown, in the place of the one that is known of it.
    async fn keep_sender(&self, caller: &Caller, mut sender: Sender, taken: &str) -> Result<Sender, Problem> {
        let is_same = |s: &Sender| s.channel == sender.channel && s.account == sender.account && s.business == sender.business;
        let mut known = self.store.senders().await?.into_iter().find(is_same);
        if let Some(known) = &known {
            (sender.id, sender.created_at) = (known.id, known.created_at);
        }
        let mut put = self.store.put_sender(sender.clone()).await?;
        // Somebody was faster with the same one.
        if let PutSender::Known(id) = put {
            sender.id = id;
            known = self.store.senders().await?.into_iter().find(|s| s.id == id);
            sender.created_at = known.as_ref().map_or(sender.created_at, |known| known.created_at);
            put = self.store.put_sender(sender.clone()).await?;
        }
        if put != PutSender::Stored {
            return Err(Problem::new(ErrorCode::StateConflict, taken)
                .remedy("A number, its account and a Page belong to one business; use that one."));
        }
        if self.is_news(known.as_ref(), &sender) {
            self.audited(caller, Action::SenderPut, sender.id).await;
        }
        self.directory.reload().await?;
        Ok(sender)
    }

    /// Whether a sender differs from what was known of it. A secret is sealed differently each time, so that it is opened first.
    fn is_news(&self, known: Option<&Sender>, sender: &Sender) -> bool {
        let Some(known) = known else { return true };
        let [before, now] = [known, sender].map(|sender| self.key.open(&sender.token).ok());
        before != now || *known != Sender { token: known.token.clone(), ..sender.clone() }
    }
}
