//! What belongs to the business side of the world: the app, accounts, phone numbers, catalogs, and the desk's settings.

use serde::{Deserialize, Serialize};

use super::template::review::ReviewRule;

/// The app, its secrets, and where it wants its webhooks.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct App {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) secret: String,
    /// What dev.env hands to the gateway; the simulator itself uses whichever the subscription names.
    pub(crate) verify_token: String,
    pub(crate) access_token: String,
    pub(crate) business_id: u64,
    pub(crate) subscription: Option<AppSubscription>,
    /// The same for Pages.
    #[serde(default)]
    pub(crate) page_subscription: Option<AppSubscription>,
    /// What the first day made; later additions do not change what `dev.env` says.
    pub(crate) home: Home,
}

/// The account, number and catalog that exist from the first day.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Home {
    pub(crate) waba: u64,
    pub(crate) number: u64,
    pub(crate) catalog: u64,
    /// 0 in a folder that was made before there were Pages.
    #[serde(default)]
    pub(crate) page: u64,
}

/// The app's own callback and the fields it is called for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AppSubscription {
    pub(crate) callback_url: String,
    pub(crate) verify_token: String,
    pub(crate) fields: Vec<String>,
}

/// A callback that takes the place of the app's own.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct Override {
    pub(crate) callback_uri: String,
    pub(crate) verify_token: String,
}

/// A WhatsApp Business Account.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Waba {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// Whether the app is subscribed to this account, and under which callback.
    pub(crate) subscribed: bool,
    pub(crate) callback: Option<Override>,
}

/// A business phone number.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Number {
    pub(crate) id: u64,
    pub(crate) waba: u64,
    /// Digits with the country, no `+`.
    pub(crate) digits: String,
    pub(crate) verified_name: String,
    pub(crate) registered: bool,
    /// Six digits; once set, registering needs the same.
    pub(crate) pin: Option<String>,
    /// Meta's test numbers only reach who is on their list.
    pub(crate) test_number: bool,
    pub(crate) allowed: Vec<String>,
    /// Somebody uses the number in the WhatsApp Business app, too.
    #[serde(default)]
    pub(crate) business_app: bool,
    /// Messages per second, in plus out.
    pub(crate) throughput: u32,
    pub(crate) tier: String,
    pub(crate) quality: String,
    pub(crate) status: String,
    pub(crate) callback: Option<Override>,
    pub(crate) profile: serde_json::Map<String, serde_json::Value>,
    /// Registrations in the last 72 hours, in milliseconds.
    pub(crate) registrations: Vec<i64>,
}

impl Number {
    /// As the webhook's metadata shows it: digits only.
    pub(crate) fn display_digits(&self) -> &str {
        &self.digits
    }

    /// As a person reads it.
    pub(crate) fn display(&self) -> String {
        format!("+{}", self.digits)
    }
}

/// A catalog of products.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Catalog {
    pub(crate) id: u64,
    pub(crate) waba: u64,
    pub(crate) name: String,
    pub(crate) products: Vec<Product>,
}

/// One product.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Product {
    pub(crate) id: u64,
    pub(crate) retailer_id: String,
    pub(crate) name: String,
    /// As people write it: `19.90`.
    pub(crate) price: String,
    pub(crate) currency: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) image_url: String,
}

/// What the desk can set for the whole world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Settings {
    /// Templates approve themselves after this many seconds; nothing: they wait for the desk.
    pub(crate) auto_review_seconds: Option<i64>,
    /// With it: after any time between the two.
    pub(crate) auto_review_up_to_seconds: Option<i64>,
    /// How templates are reviewed without the desk; the first row that fits decides.
    pub(crate) review_rules: Vec<ReviewRule>,
    /// While an edit is reviewed the approved version can still be sent. Meta's pages do not agree on this.
    pub(crate) edit_keeps_approved: bool,
    /// Webhooks write `en-US` for the language of a template, where Graph has `en_US`. Both are seen.
    pub(crate) webhook_language_dash: bool,
    /// Whether the portfolio is verified, which is worth 6,000 templates in place of 250.
    pub(crate) business_verified: bool,
    /// The version that webhooks are written in; `conversation` is only in 23 and below.
    pub(crate) webhook_version: u32,
    /// `read` comes without `delivered`, as it may.
    pub(crate) skip_delivered: bool,
    /// The app may ask for the history of messages. Not every app may.
    pub(crate) message_history: bool,
    /// Updates per POST at most; 1 keeps every status a POST of its own.
    pub(crate) webhook_batch: usize,
    /// A webhook that was not heard is tried again after at most this many seconds; nothing: after ever longer, as Meta does.
    pub(crate) webhook_gap_max_seconds: Option<i64>,
    /// Throttles answer HTTP 429 instead of 400.
    pub(crate) throttle_as_429: bool,
    /// Sends to one customer: burst, and seconds per message after it. 0 seconds: no limit.
    pub(crate) pair_burst: u32,
    pub(crate) pair_seconds: i64,
    /// Management calls an hour for an account.
    pub(crate) management_calls_per_hour: u32,
    /// New templates an hour for an account.
    pub(crate) template_creations_per_hour: u32,
    /// Milliseconds from acceptance to `sent`, and from there to `delivered`.
    pub(crate) sent_after_ms: i64,
    pub(crate) delivered_after_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            auto_review_seconds: None,
            auto_review_up_to_seconds: None,
            review_rules: Vec::new(),
            edit_keeps_approved: true,
            webhook_language_dash: false,
            business_verified: true,
            webhook_version: 24,
            skip_delivered: false,
            message_history: true,
            webhook_batch: 1,
            webhook_gap_max_seconds: None,
            throttle_as_429: false,
            // Meta: about-the-platform, pair rate.
            pair_burst: 45,
            pair_seconds: 6,
            management_calls_per_hour: 5_000,
            template_creations_per_hour: 100,
            sent_after_ms: 10,
            delivered_after_ms: 40,
        }
    }
}
