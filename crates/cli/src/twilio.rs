//! `transom twilio …`: what Twilio's SDKs need.

use transom_gateway::admin::{AdminCommand, Rotate, TwilioView};

use crate::admin::{Hand, answer};
use crate::args::{RefusalsArg, RotateArg, TwilioCommand};
use crate::fail::Fail;
use crate::out;

/// Does what is asked.
///
/// # Errors
/// What the gateway refuses.
pub(crate) async fn run(command: TwilioCommand) -> Result<(), Fail> {
    let (business, place, rotate, refuse_at_once) = match command {
        TwilioCommand::Credentials { rotate, business, place } => (business, place, rotate.map(step), None),
        TwilioCommand::Refusals { how, business, place } => (business, place, None, Some(matches!(how, RefusalsArg::AtOnce))),
    };
    let hand = Hand::find(&place).await?;
    let business = hand.business(business.as_deref()).await?;
    answer(&hand, &place, AdminCommand::Twilio { business, rotate, refuse_at_once }).await
}

const fn step(arg: RotateArg) -> Rotate {
    match arg {
        RotateArg::Begin => Rotate::Begin,
        RotateArg::Promote => Rotate::Promote,
        RotateArg::Abandon => Rotate::Abandon,
    }
}

/// Shows it as lines that a shell can read.
pub(crate) fn show(view: &TwilioView) {
    out::line(format!("TWILIO_ACCOUNT_SID={}", view.account_sid));
    out::line(format!("TWILIO_AUTH_TOKEN={}", view.auth_token.0));
    if let Some(second) = &view.secondary_auth_token {
        out::line(format!(
            "# Valid too, until `transom twilio credentials --rotate promote`, and then the only one:\n# {}",
            second.0
        ));
    }
    if let Some(base) = &view.base_url {
        out::note(format!("Point the SDKs' base address at {base}."));
    }
    let how = if view.refuse_at_once { "refused at once" } else { "accepted, and becomes undelivered" };
    out::note(format!("What may not go is {how}; `transom twilio refusals` chooses."));
}
