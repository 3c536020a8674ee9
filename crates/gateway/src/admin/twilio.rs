//! What Twilio's SDKs need: shown, rotated, set.

use transom_domain::id::BusinessId;

use super::{Admin, AdminAnswer, Rotate, Secret, TwilioView};
use crate::problem::Problem;
use crate::service::{TokenMove, TwilioCredentials};
use crate::twilio::account_sid;

impl Admin {
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
            base_url: self.public_url.clone(),
        }))
    }
}
