//! What Twilio's SDKs need: shown, rotated, set.

use transom_domain::id::{BusinessId, SenderId};
use transom_store::SenderCallbacks;

use super::{Admin, AdminAnswer, CallbacksAsk, Rotate, Secret, TwilioView};
use crate::native::sender_callbacks::callbacks_json;
use crate::problem::Problem;
use crate::service::{TokenMove, TwilioCredentials};
use crate::twilio::account_sid;

impl Admin {
    pub(super) async fn twilio_callbacks(&self, sender: SenderId, ask: CallbacksAsk) -> Result<AdminAnswer, Problem> {
        let caller = self.caller(self.sender(sender).await?.business).await?;
        let kept = self.service.sender_callbacks(&caller, sender).await?;
        let chosen = match ask {
            CallbacksAsk::Show {} => return Ok(AdminAnswer::Plain { value: callbacks_json(kept) }),
            CallbacksAsk::Clear {} => SenderCallbacks::default(),
            CallbacksAsk::Set { inbound_url, inbound_method, fallback_url, fallback_method, status_callback } => {
                let address = |new: Option<String>, kept: Option<String>| match new {
                    Some(new) => Some(new.trim().to_owned()).filter(|new| !new.is_empty()),
                    None => kept,
                };
                SenderCallbacks {
                    inbound_url: address(inbound_url, kept.inbound_url),
                    inbound_method: inbound_method.unwrap_or(kept.inbound_method),
                    fallback_url: address(fallback_url, kept.fallback_url),
                    fallback_method: fallback_method.unwrap_or(kept.fallback_method),
                    status_callback: address(status_callback, kept.status_callback),
                }
            }
        };
        let chosen = self.service.set_sender_callbacks(&caller, sender, chosen).await?;
        Ok(AdminAnswer::Plain { value: callbacks_json(chosen) })
    }

    pub(super) async fn twilio(
        &self,
        business: BusinessId,
        rotate: Option<Rotate>,
        refuse_at_once: Option<bool>,
    ) -> Result<AdminAnswer, Problem> {
        self.business(business).await?;
        let step = rotate.map(|rotate| match rotate {
            Rotate::Begin => TokenMove::Begin,
            Rotate::Promote => TokenMove::Promote,
            Rotate::Abandon => TokenMove::Abandon,
        });
        if let Some(step) = step {
            self.service.move_token(business, step).await?;
        }
        if let Some(at_once) = refuse_at_once {
            self.service.refuse_at_once(business, at_once).await?;
        }
        let TwilioCredentials { primary, secondary, refuse_at_once } = self.service.twilio_credentials(business).await?;
        Ok(AdminAnswer::Twilio(TwilioView {
            account_sid: account_sid(business),
            auth_token: Secret(primary),
            secondary_auth_token: secondary.map(Secret),
            refuse_at_once,
            base_url: self.service.public_url.clone(),
        }))
    }
}
