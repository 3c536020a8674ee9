//! Numbers of WhatsApp: added step by step.

use transom_domain::address::{Channel, Identity};
use transom_domain::id::SenderId;
use transom_meta::graph::{NumberStatus, PhoneNumber, Pin, Quality};
use transom_store::{Sender, SenderState};

use super::meta_side::TokenSaid;
use super::step::{StepName, Steps};
use super::{refused, sealing};
use crate::directory::OpenApp;
use crate::problem::Problem;
use crate::service::{Caller, Service};

/// Messages per second where Meta does not tell: what every new number has (throughput).
const UNTOLD_THROUGHPUT: u32 = 80;

/// What any sender is added with.
pub(super) struct Under<'a> {
    /// Meta's id of the app.
    pub(super) id: &'a str,
    pub(super) app: &'a OpenApp,
    /// Where Meta is to call.
    pub(super) callback: &'a str,
    pub(super) token: &'a str,
}

/// A number at Meta.
pub(super) struct Number<'a> {
    pub(super) waba: &'a str,
    pub(super) phone_number_id: &'a str,
    pub(super) pin: Option<&'a str>,
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

impl Service {
    pub(super) async fn add_number(
        &self,
        caller: &Caller,
        under: &Under<'_>,
        new: &Number<'_>,
        steps: &mut Steps,
    ) -> Result<Sender, Problem> {
        let number = self.read_number(under, new, steps).await?;
        self.check_token(under, new, steps).await?;
        self.register(under, new, &number, steps).await?;
        self.reach(under, steps).await;
        self.subscribe(under, new, steps).await?;
        steps.begin(StepName::Store);
        let sender = self.keep_number(caller, under, new, &number).await?;
        steps.done(format!("sender {} is {}", sender.id, sender.address));
        steps.begin(StepName::Templates);
        match self.read_templates(caller.business).await {
            Ok(reading) => steps.done(format!("{} templates read", reading.read)),
            Err(why) => steps.warned(why.message, "They are read again by themselves; `transom template sync` does it now."),
        }
        Ok(sender)
    }

    /// Asks at our own address what Meta will ask there.
    pub(super) async fn reach(&self, under: &Under<'_>, steps: &mut Steps) {
        steps.begin(StepName::Reach);
        match self.own_handshake(under.callback, &under.app.verify_token).await {
            Ok(()) => steps.done(format!("{} answers the handshake", under.callback)),
            // Behind some routers nobody can call their own public address; Meta's own handshake decides.
            Err(why) => steps.warned(
                format!("{} could not be tried from here: {why}", under.callback),
                "Try it from outside; Meta must reach it over https.",
            ),
        }
    }

    async fn read_number(&self, under: &Under<'_>, new: &Number<'_>, steps: &mut Steps) -> Result<PhoneNumber, Problem> {
        steps.begin(StepName::Read);
        let id = new.phone_number_id;
        let number = self.number(id, under.token).await.map_err(|why| {
            refused(
                format!("Number {id} cannot be read from Meta: {why}."),
                "Check the phone number id, the token, and upstream.graph_url.",
            )
        })?;
        let has = self.account_has(new.waba, id, under.token).await.map_err(|why| {
            refused(
                format!("Account {} cannot be read from Meta: {why}.", new.waba),
                "Check the WABA id, and that the token may see it.",
            )
        })?;
        if !has || number.id != id {
            return Err(refused(
                format!("Account {} does not have number {id}.", new.waba),
                "Copy both ids from WhatsApp Manager, under API Setup.",
            ));
        }
        let quality = if number.quality == Quality::Red { ", its quality is rated RED" } else { "" };
        steps.done(format!(
            "{} ({}){quality}",
            number.display_phone_number,
            number.verified_name.as_deref().unwrap_or("no name")
        ));
        Ok(number)
    }

    async fn check_token(&self, under: &Under<'_>, new: &Number<'_>, steps: &mut Steps) -> Result<(), Problem> {
        steps.begin(StepName::Token);
        match self.token(under.id, &under.app.secret, under.token, |token| token.missing(new.waba)).await {
            TokenSaid::Valid(missing) if missing.is_empty() => steps.done("valid, with both scopes"),
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
            TokenSaid::Silent(why) => {
                steps.warned(format!("its scopes could not be checked: {why}"), "Check the secret of the app.");
            }
        }
        Ok(())
    }

    async fn register(
        &self,
        under: &Under<'_>,
        new: &Number<'_>,
        number: &PhoneNumber,
        steps: &mut Steps,
    ) -> Result<(), Problem> {
        steps.begin(StepName::Register);
        if !number.wants_registration() {
            steps.skipped("the number is registered already");
            return Ok(());
        }
        let Some(pin) = new.pin else {
            return Err(refused(
                format!("Number {} is not registered{}.", number.display_phone_number, in_words(number.status)),
                "Give `pin` (--pin) with six digits: the number's two-step PIN, or a new one if it has none.",
            ));
        };
        let pin = Pin::parse(pin).map_err(|why| Problem::field("pin", why.to_string(), "give six digits"))?;
        self.register_number(new.phone_number_id, under.token, &pin).await.map_err(|why| {
            refused(
                format!("Number {} cannot be registered: {why}.", number.display_phone_number),
                "Check the PIN; Meta allows ten registrations in 72 hours.",
            )
        })?;
        steps.done("registered with the PIN");
        Ok(())
    }

    async fn subscribe(&self, under: &Under<'_>, new: &Number<'_>, steps: &mut Steps) -> Result<(), Problem> {
        steps.begin(StepName::Subscribe);
        let callback = under.callback;
        self.subscribe_app(new.waba, under.token, callback, &under.app.verify_token).await.map_err(|why| {
            refused(
                format!("App {} cannot be subscribed to account {} with {callback}: {why}.", under.id, new.waba),
                "Meta must reach that address over https with a valid certificate; check server.public_url and the proxy before it.",
            )
        })?;
        let seen = self.subscribed(new.waba, under.id, under.token).await.map_err(|why| {
            refused(format!("The subscription of account {} cannot be read back: {why}.", new.waba), "Add the sender again.")
        })?;
        match seen {
            Some(at) if at == callback => steps.done(format!("Meta did the handshake and calls {callback}")),
            Some(at) if at.is_empty() => {
                let remedy = "See that the app's own callback leads here too.";
                steps.warned("Meta did the handshake, but lists the app under its own callback", remedy);
            }
            other => {
                return Err(refused(
                    format!(
                        "Meta lists {} for account {} instead of {callback}.",
                        other.as_deref().unwrap_or("no subscription"),
                        new.waba
                    ),
                    "Check that the token belongs to this app, and add the sender again.",
                ));
            }
        }
        Ok(())
    }

    async fn keep_number(
        &self,
        caller: &Caller,
        under: &Under<'_>,
        new: &Number<'_>,
        number: &PhoneNumber,
    ) -> Result<Sender, Problem> {
        let phone = number.phone.clone().ok_or_else(|| {
            refused(
                format!("Meta shows the number as {:?}, which is no phone number.", number.display_phone_number),
                "Report this with `transom doctor --json`.",
            )
        })?;
        let now = self.now();
        let sender = Sender {
            id: SenderId::compose(now, self.chance.draw()),
            business: caller.business,
            channel: Channel::Whatsapp,
            address: Identity::Phone(phone),
            name: number.verified_name.clone(),
            account: new.phone_number_id.to_owned(),
            waba: Some(new.waba.to_owned()),
            app: under.id.to_owned(),
            token: self.key.seal(under.token.as_bytes()).map_err(sealing)?,
            throughput: number.throughput.per_second().unwrap_or(UNTOLD_THROUGHPUT),
            state: SenderState::Active,
            created_at: now,
        };
        let taken = format!("Number {} or its account belongs to another business here.", sender.address);
        self.keep_sender(caller, sender, &taken).await
    }
}
