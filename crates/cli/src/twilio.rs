//! `transom twilio …`: what Twilio's SDKs need.

use serde_json::Value;

use transom_gateway::admin::{AdminAnswer, AdminCommand, CallbacksAsk, Rotate, TwilioView};
use transom_store::CallbackMethod;

use crate::admin::{Hand, answer, unexpected};
use crate::args::{CallbackFlags, CallbacksCommand, MethodArg, RefusalsArg, RotateArg, TwilioCommand};
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
        TwilioCommand::Callbacks(command) => return callbacks(command).await,
    };
    let hand = Hand::find(&place).await?;
    let business = hand.business(business.as_deref()).await?;
    answer(&hand, &place, AdminCommand::Twilio { business, rotate, refuse_at_once }).await
}

/// `transom twilio callbacks …`
async fn callbacks(command: CallbacksCommand) -> Result<(), Fail> {
    let (sender, place, ask) = match command {
        CallbacksCommand::Show { sender, place } => (sender, place, CallbacksAsk::Show {}),
        CallbacksCommand::Clear { sender, place } => (sender, place, CallbacksAsk::Clear {}),
        CallbacksCommand::Set { sender, callbacks, place } => (sender, place, chosen(callbacks)),
    };
    let hand = Hand::find(&place).await?;
    let sender = hand.sender(&sender).await?;
    let value = match hand.ask(AdminCommand::TwilioCallbacks { sender, ask }).await? {
        AdminAnswer::Plain { value } => value,
        other => return Err(unexpected(&other)),
    };
    if place.json {
        return out::json(&value);
    }
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let called = |url: &str, method: &str| match text(url) {
        "" => "nobody is told".to_owned(),
        url => format!("{method} {url}"),
    };
    out::line(format!("inbound   {}", called("inboundUrl", text("inboundMethod"))));
    out::line(format!("fallback  {}", called("fallbackUrl", text("fallbackMethod"))));
    out::line(format!("status    {}", called("statusCallback", "POST")));
    out::note("An address that a message or its messaging service names counts before these.");
    Ok(())
}

fn chosen(flags: CallbackFlags) -> CallbacksAsk {
    let method = |arg: MethodArg| match arg {
        MethodArg::Post => CallbackMethod::Post,
        MethodArg::Get => CallbackMethod::Get,
    };
    CallbacksAsk::Set {
        inbound_url: flags.inbound_url,
        inbound_method: flags.inbound_method.map(method),
        fallback_url: flags.fallback_url,
        fallback_method: flags.fallback_method.map(method),
        status_callback: flags.status_callback,
    }
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
