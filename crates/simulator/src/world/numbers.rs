//! Numbers and accounts as the business handles them: registering, subscribing, callbacks, limits on management calls.

use transom_domain::{Span, Timestamp};

use super::account::{AppSubscription, Override};
use super::{Now, World};
use crate::graph::error::GraphError;

type Done = Result<(), GraphError>;

/// Registrations per number in 72 hours: Meta, business-phone-numbers/registration.
const REGISTRATIONS_MAX: usize = 10;
const REGISTRATIONS_WITHIN: Span = Span::hours(72);

/// What an account without any registered number may ask for in an hour: Meta, about-the-platform.
const CALLS_UNREGISTERED: u32 = 200;

/// The webhook fields an app can subscribe to.
pub(crate) const SUBSCRIBABLE: &[&str] = &[
    "messages",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "phone_number_quality_update",
    "phone_number_name_update",
    "account_update",
    "account_alerts",
    "account_review_update",
    "business_capability_update",
    "security",
    "user_preferences",
    "calls",
    "flows",
    "history",
    "smb_app_state_sync",
    "smb_message_echoes",
    "business_username_update",
    "partner_solutions",
    "payment_configuration_update",
    "automatic_events",
];

impl World {
    /// The messaging limit is the portfolio's: every number has it, and every account is told.
    pub(crate) fn share_tier(&mut self, now: Now, tier: &str) {
        let others: Vec<u64> = self.numbers.values().filter(|number| number.tier != tier).map(|number| number.id).collect();
        for id in others {
            if let Some(number) = self.numbers.get_mut(&id) {
                tier.clone_into(&mut number.tier);
            }
            self.keep_number(id);
        }
        let value = serde_json::json!({
            "max_daily_conversations_per_business": tier, "max_phone_numbers_per_business": 25, "max_phone_numbers_per_waba": 25,
        });
        for waba in self.wabas.keys().copied().collect::<Vec<_>>() {
            self.owe_account(now, waba, "business_capability_update", &value);
        }
    }

    /// `POST /{phone_number_id}/register`.
    pub(crate) fn register(&mut self, now: Now, id: u64, pin: &str) -> Done {
        let Some(number) = self.numbers.get_mut(&id) else {
            return Err(GraphError::no_such_object("POST", &id.to_string()));
        };
        if let Some(set) = &number.pin
            && set != pin
        {
            return Err(GraphError::new(
                133_005,
                "The PIN is not the one that was set for two-step verification of this number.",
            ));
        }
        let since = now.world.minus(REGISTRATIONS_WITHIN);
        number.registrations.retain(|at| Timestamp::from_millis(*at) > since);
        if number.registrations.len() >= REGISTRATIONS_MAX {
            return Err(GraphError::new(133_016, "A number can be registered 10 times in 72 hours. Wait before trying again."));
        }
        number.registrations.push(now.world.as_millis());
        number.registered = true;
        number.pin = Some(pin.to_owned());
        number.status = "CONNECTED".into();
        self.keep_number(id);
        Ok(())
    }

    /// `POST /{phone_number_id}/deregister`.
    pub(crate) fn deregister(&mut self, id: u64) -> Done {
        match self.numbers.get_mut(&id) {
            Some(number) if number.registered => {
                number.registered = false;
                number.status = "DISCONNECTED".into();
                self.keep_number(id);
                Ok(())
            }
            Some(_) => Err(GraphError::new(133_010, "The number is not registered.")),
            None => Err(GraphError::no_such_object("POST", &id.to_string())),
        }
    }

    /// The app's own callback, once the handshake has gone well.
    pub(crate) fn subscribe_app(&mut self, subscription: AppSubscription) {
        self.app.subscription = Some(subscription);
        self.keep_app();
    }

    /// Subscribes the app to an account, under its own callback or another one.
    pub(crate) fn subscribe_account(&mut self, id: u64, callback: Option<Override>) {
        if let Some(account) = self.wabas.get_mut(&id) {
            account.subscribed = true;
            account.callback = callback;
            self.keep_waba(id);
        }
    }

    /// The other way round.
    pub(crate) fn unsubscribe_account(&mut self, id: u64) {
        if let Some(account) = self.wabas.get_mut(&id) {
            account.subscribed = false;
            account.callback = None;
            self.keep_waba(id);
        }
    }

    /// A callback for one number alone; nothing takes it away again.
    pub(crate) fn override_number(&mut self, id: u64, callback: Option<Override>) {
        if let Some(number) = self.numbers.get_mut(&id) {
            number.callback = callback;
            self.keep_number(id);
        }
    }

    /// Counts a management call towards the account's hour.
    pub(crate) fn admit_management(&mut self, now: Now, waba: u64) -> Done {
        let any_registered = self.numbers.values().any(|number| number.waba == waba && number.registered);
        let most = self.settings.management_calls_per_hour;
        let limit = if any_registered { most } else { most.min(CALLS_UNREGISTERED) };
        let hour = now.world.as_secs().div_euclid(3_600);
        if self.management.admit(waba, hour, limit) {
            Ok(())
        } else {
            Err(self.throttled(80_007, format!("This account has made its {limit} management calls for this hour.")))
        }
    }

    /// A throttle: HTTP 400, unless the desk wants 429.
    pub(crate) fn throttled(&self, code: u32, details: String) -> GraphError {
        let mut error = GraphError::new(code, details);
        if self.settings.throttle_as_429 {
            error.http = 429;
        }
        error
    }
}
