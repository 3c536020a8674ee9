//! Looking a sender over: what is known of it here, and what Meta says.

use transom_domain::address::Channel;
use transom_meta::graph::{NumberStatus, PhoneNumber, Quality};
use transom_store::{Sender, SenderState};

use super::meta_side::TokenSaid;
use super::number::in_words;
use super::step::{Step, StepName, StepState, step};
use crate::problem::Problem;
use crate::service::Service;
use crate::service::capacity::rfc3339;

/// What is to be done about what was set up wrong.
const AGAIN: &str = "Add the sender again: `transom sender add`, or under Settings in the console.";

impl Service {
    /// What is known of a sender here: whether it goes, and what waits.
    pub(crate) async fn look_here(&self, sender: &Sender) -> Result<Vec<Step>, Problem> {
        let mut seen = vec![match &sender.state {
            SenderState::Active => step(StepName::State, StepState::Done, "it goes", ""),
            SenderState::Stopped { failure, since } => step(
                StepName::State,
                StepState::Failed,
                format!("it is stopped since {}: {}", rfc3339(*since), failure.message),
                format!(
                    "Mend what is said of it here, then `transom sender resume {}` or Resume in the console; its queue is kept.",
                    sender.address
                ),
            ),
        }];
        seen.extend(self.look_at_queue(sender).await?);
        Ok(seen)
    }

    /// What Meta says of a sender.
    pub(crate) async fn look_at_meta(&self, sender: &Sender) -> Result<Vec<Step>, Problem> {
        let Ok(token) = self.key.open_text(&sender.token) else {
            return Ok(vec![step(
                StepName::Seal,
                StepState::Failed,
                "its token was sealed with another key",
                "Start with the sealing key this folder was made with, or give the sender its token again.",
            )]);
        };
        if sender.channel == Channel::Messenger {
            return Ok(self.page_at_meta(sender, &token).await);
        }
        let number = match self.number(&sender.account, &token).await {
            Ok(number) => number,
            Err(why) => {
                return Ok(vec![step(
                    StepName::Read,
                    StepState::Failed,
                    format!("Meta does not show the number: {why}"),
                    "If the token has expired or was revoked, make a new one and give it to the sender (`transom sender add`).",
                )]);
            }
        };
        let mut seen = looked_at(&number);
        let Some(app) = self.directory.now().app(&sender.app).cloned() else {
            let said = format!("its app {} is not known here", sender.app);
            seen.push(step(StepName::App, StepState::Failed, said, "Add it with `transom app put`."));
            return Ok(seen);
        };
        let waba = sender.waba.as_deref().unwrap_or_default();
        seen.push(match self.token(&sender.app, &app.secret, &token, |token| token.missing(waba)).await {
            TokenSaid::Valid(missing) if missing.is_empty() => {
                step(StepName::Token, StepState::Done, "its token is valid, with both scopes", "")
            }
            TokenSaid::Valid(missing) => step(
                StepName::Token,
                StepState::Failed,
                format!("its token lacks {}", missing.join(" and ")),
                "Make a token with both WhatsApp scopes and give it to the sender (`transom sender add`).",
            ),
            TokenSaid::Invalid(why) => step(
                StepName::Token,
                StepState::Failed,
                format!("its token cannot be used: {why}"),
                "Make a new system user token and give it to the sender (`transom sender add`).",
            ),
            TokenSaid::Silent(why) => step(
                StepName::Token,
                StepState::Warning,
                format!("its token's scopes could not be checked: {why}"),
                "Check the app secret with `transom app put`.",
            ),
        });
        if !waba.is_empty() {
            seen.push(self.subscription(sender, waba, &token).await);
        }
        Ok(seen)
    }

    async fn subscription(&self, sender: &Sender, waba: &str, token: &str) -> Step {
        let ours = self.callback_of_app(&sender.app);
        let (state, said, remedy) = match self.subscribed(waba, &sender.app, token).await {
            Ok(None) => (StepState::Failed, "the app is not subscribed to its account: nothing is heard".to_owned(), AGAIN),
            Ok(Some(at)) if !at.is_empty() && ours.as_ref().is_some_and(|o| *o != at) => {
                (StepState::Failed, format!("Meta calls {at} instead of {}", ours.unwrap_or_default()), AGAIN)
            }
            Ok(Some(_)) => (StepState::Done, "the app is subscribed to its account".to_owned(), ""),
            Err(why) => (
                StepState::Failed,
                format!("its subscription cannot be read: {why}"),
                "Check that the token may manage the account.",
            ),
        };
        step(StepName::Subscribe, state, said, remedy)
    }
}

/// What Meta's description of a number says of it.
fn looked_at(number: &PhoneNumber) -> Vec<Step> {
    let mut seen = vec![step(StepName::Read, StepState::Done, format!("Meta shows {}", number.display_phone_number), "")];
    seen.push(if number.wants_registration() {
        let said = format!("the number is not registered{}", in_words(number.status));
        let remedy = "Give the sender its token again with the number's PIN (`transom sender add` with --pin).";
        step(StepName::Register, StepState::Failed, said, remedy)
    } else if matches!(number.status, NumberStatus::Banned | NumberStatus::Deleted | NumberStatus::Migrated) {
        let said = format!("the number cannot send{}", in_words(number.status));
        step(StepName::Register, StepState::Failed, said, "Look it up in WhatsApp Manager; Meta's support can lift a ban.")
    } else {
        step(StepName::Register, StepState::Done, "the number is registered", "")
    });
    if number.quality == Quality::Red {
        let remedy = "Send less marketing, and only to those who asked for it.";
        seen.push(step(StepName::Quality, StepState::Warning, "Meta rates its quality RED", remedy));
    }
    if number.name_status.as_deref().is_some_and(|s| matches!(s, "DECLINED" | "EXPIRED")) {
        let remedy = "Submit another display name in WhatsApp Manager.";
        seen.push(step(StepName::Name, StepState::Warning, "Meta has not approved its display name", remedy));
    }
    seen
}
