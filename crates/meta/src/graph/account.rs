//! Accounts, apps and tokens: who hears what, and what a token is good for (Meta: webhooks/override,
//! graph-api/reference/app/subscriptions, access-tokens).

use serde_json::{Map, Value, json};
use transom_domain::template::{Approval, Category};
use transom_domain::time::Timestamp;

use super::{BadAnswer, Listed, entry, list, required};
use crate::read::{as_moment, member, object, whole};

/// The permissions a gateway's token needs: sending and hearing messages, templates and everything else (webhooks/overview).
pub const SCOPES: [&str; 2] = ["whatsapp_business_messaging", "whatsapp_business_management"];

/// The webhook fields an app is to be subscribed to. New user ids come inside `messages`; their own field cannot be subscribed.
pub const WEBHOOK_FIELDS: [&str; 14] = [
    "messages",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
    "user_preferences",
    "calls",
    "phone_number_quality_update",
    "phone_number_name_update",
    "business_capability_update",
    "account_update",
    "account_review_update",
    "account_alerts",
    "security",
];

/// An app that hears of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscribedApp {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Where it hears of this account, if not at its own callback.
    pub override_callback_uri: Option<String>,
}

/// What an app's own callback is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSubscription {
    /// `whatsapp_business_account`, `page`, …
    pub object: String,
    /// Where.
    pub callback_url: Option<String>,
    /// Whether Meta posts there.
    pub active: bool,
    /// Which fields.
    pub fields: Vec<String>,
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugToken {
    /// The app it was made for.
    pub app_id: Option<String>,
    /// Whether it works at all.
    pub is_valid: bool,
    /// When it ends; none if never.
    pub expires_at: Option<Timestamp>,
    /// Its permissions.
    pub scopes: Vec<String>,
    /// Permissions that are given for some accounts only, with their ids.
    pub granular: Vec<(String, Vec<String>)>,
}

impl DebugToken {
    /// The permissions of [`SCOPES`] that it lacks for an account.
    #[must_use]
    pub fn missing(&self, waba_id: &str) -> Vec<&'static str> {
        SCOPES.into_iter().filter(|scope| !self.allows(scope, waba_id)).collect()
    }

    /// A permission without targets holds for everything that the token's owner sees.
    fn allows(&self, scope: &str, waba_id: &str) -> bool {
        match self.granular.iter().find(|(name, targets)| name == scope && !targets.is_empty()) {
            Some((_, targets)) => targets.iter().any(|target| target == waba_id),
            None => self.scopes.iter().any(|s| s == scope) || self.granular.iter().any(|(name, _)| name == scope),
        }
    }
}

/// A WhatsApp Business Account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waba {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The business portfolio it belongs to, where told: user ids are the same for all numbers of one.
    pub portfolio: Option<String>,
}

/// A catalog of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
}

/// The answer to the creation of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// Meta's id of the template.
    pub id: String,
    /// Pending, unless Meta has decided at once.
    pub approval: Approval,
    /// The category Meta has put it into; may differ from the one asked for.
    pub category: Option<Category>,
}

/// Subscribes the app to an account; with a callback, its news go there instead of to the app's own. Meta makes the handshake
/// with `verify_token` at once.
#[must_use]
pub fn subscribe_body(callback: Option<(&str, &str)>) -> Value {
    callback.map_or_else(
        || Value::Object(Map::new()),
        |(url, verify_token)| json!({ "override_callback_uri": url, "verify_token": verify_token }),
    )
}

/// Sets the callback of one number.
#[must_use]
pub fn number_callback_body(url: &str, verify_token: &str) -> Value {
    json!({ "webhook_configuration": { "override_callback_uri": url, "verify_token": verify_token } })
}

/// Sets the app's own callback, for [`WEBHOOK_FIELDS`].
#[must_use]
pub fn app_subscription_body(callback_url: &str, verify_token: &str) -> Value {
    Value::Object(object([
        ("object", json!("whatsapp_business_account")),
        ("callback_url", json!(callback_url)),
        ("verify_token", json!(verify_token)),
        ("fields", json!(WEBHOOK_FIELDS.join(","))),
        ("include_values", json!(true)),
    ]))
}

fn texts(json: Option<&Value>) -> Vec<String> {
    let list = json.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .filter_map(|one| match one {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            // Fields of a subscription come as objects with a name and a version.
            Value::Object(object) => member(object, "name"),
            _ => None,
        })
        .collect()
}

/// Reads who is subscribed to an account.
///
/// # Errors
/// When the answer is no such list.
pub fn parse_subscribed_apps(json: &Value) -> Result<Listed<SubscribedApp>, BadAnswer> {
    let what = "the subscribed apps";
    list(what, json, |json| {
        let app = entry(what, json)?;
        let data = app.get("whatsapp_business_api_data").and_then(Value::as_object).unwrap_or(app);
        let override_callback_uri = member(app, "override_callback_uri");
        Ok(SubscribedApp { id: required(what, data, "id")?, name: member(data, "name"), override_callback_uri })
    })
}

/// Reads an app's own callbacks.
///
/// # Errors
/// When the answer is no such list.
pub fn parse_app_subscriptions(json: &Value) -> Result<Listed<AppSubscription>, BadAnswer> {
    let what = "the app's subscriptions";
    list(what, json, |json| {
        let subscription = entry(what, json)?;
        Ok(AppSubscription {
            object: required(what, subscription, "object")?,
            callback_url: member(subscription, "callback_url"),
            active: subscription.get("active").and_then(Value::as_bool).unwrap_or(true),
            fields: texts(subscription.get("fields")),
        })
    })
}

/// Reads what a token is good for.
///
/// # Errors
/// When the answer tells nothing of a token.
pub fn parse_debug_token(json: &Value) -> Result<DebugToken, BadAnswer> {
    let what = "the token's description";
    let data = json.get("data").and_then(Value::as_object).ok_or(BadAnswer::Missing { what, field: "data" })?;
    let granular = data.get("granular_scopes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(DebugToken {
        app_id: member(data, "app_id"),
        is_valid: data.get("is_valid").and_then(Value::as_bool).unwrap_or(false),
        // 0 is never.
        expires_at: member(data, "expires_at").and_then(|t| whole(&t)).filter(|t| *t != 0).and_then(as_moment),
        scopes: texts(data.get("scopes")),
        granular: granular
            .iter()
            .filter_map(|one| Some((one.get("scope")?.as_str()?.to_owned(), texts(one.get("target_ids")))))
            .collect(),
    })
}

/// Reads an account.
///
/// # Errors
/// When the answer has no id.
pub fn parse_waba(json: &Value) -> Result<Waba, BadAnswer> {
    let what = "the account";
    let waba = entry(what, json)?;
    let portfolio = waba.get("owner_business_info").and_then(Value::as_object).and_then(|owner| member(owner, "id"));
    Ok(Waba { id: required(what, waba, "id")?, name: member(waba, "name"), portfolio })
}

/// Reads the catalogs of an account.
///
/// # Errors
/// When the answer is no such list.
pub fn parse_catalogs(json: &Value) -> Result<Listed<Catalog>, BadAnswer> {
    let what = "the catalogs";
    list(what, json, |json| {
        let catalog = entry(what, json)?;
        Ok(Catalog { id: required(what, catalog, "id")?, name: member(catalog, "name") })
    })
}

/// Reads the answer to the creation of a template.
///
/// # Errors
/// When the answer has no id.
pub fn parse_created(json: &Value) -> Result<Created, BadAnswer> {
    let what = "the creation of the template";
    let created = entry(what, json)?;
    Ok(Created {
        id: required(what, created, "id")?,
        approval: member(created, "status").map_or(Approval::Pending, |word| Approval::named(&word)),
        category: member(created, "category").and_then(|word| crate::templates::category(&word)),
    })
}

/// Reads the `id` of whatever was made: an uploaded file, a begun upload.
///
/// # Errors
/// When the answer has no id.
pub fn parse_id(json: &Value) -> Result<String, BadAnswer> {
    let what = "the request";
    required(what, entry(what, json)?, "id")
}

/// Whether an answer is `{"success":true}`.
#[must_use]
pub fn parse_success(json: &Value) -> bool {
    json.get("success").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_spelled_as_each_place_wants_it() {
        assert_eq!(subscribe_body(None), json!({}));
        let callback = json!({"override_callback_uri": "https://gw.example/meta", "verify_token": "tok"});
        assert_eq!(subscribe_body(Some(("https://gw.example/meta", "tok"))), callback);
        assert_eq!(number_callback_body("https://gw.example/meta", "tok"), json!({"webhook_configuration": callback}));
        let app = app_subscription_body("https://gw.example/meta", "tok");
        assert_eq!(app["object"], "whatsapp_business_account");
        assert_eq!(app["callback_url"], "https://gw.example/meta");
        let fields = app["fields"].as_str().unwrap();
        assert!(fields.starts_with("messages,message_template_status_update,") && !fields.contains("user_id_update"));
    }

    #[test]
    fn subscriptions_are_read_back() {
        let apps = json!({"data": [{"whatsapp_business_api_data": {"id": "31", "link": "x", "name": "Gateway"},
            "override_callback_uri": "https://gw.example/meta"}, {"whatsapp_business_api_data": {"id": 32}}]});
        let apps = parse_subscribed_apps(&apps).unwrap().data;
        assert_eq!(apps[0].override_callback_uri.as_deref(), Some("https://gw.example/meta"));
        assert_eq!((apps[1].id.as_str(), &apps[1].name), ("32", &None));
        let own = json!({"data": [{"object": "whatsapp_business_account", "callback_url": "https://gw.example/meta", "active": true,
            "fields": [{"name": "messages", "version": "v25.0"}, "calls"]}]});
        let own = parse_app_subscriptions(&own).unwrap().data;
        assert_eq!((own[0].active, own[0].fields.as_slice()), (true, &["messages".to_owned(), "calls".to_owned()][..]));
    }

    #[test]
    fn a_token_lacks_what_it_is_not_given_for_this_account() {
        let token = |data: Value| parse_debug_token(&json!({ "data": data })).unwrap();
        let whole = token(json!({"app_id": "31", "is_valid": true, "expires_at": 0, "scopes": SCOPES}));
        assert_eq!((whole.is_valid, whole.expires_at, whole.missing("41")), (true, None, Vec::new()));
        let granular = token(json!({"is_valid": true, "expires_at": 1_795_000_000, "scopes": SCOPES, "granular_scopes": [
            {"scope": "whatsapp_business_messaging", "target_ids": ["41"]}, {"scope": "whatsapp_business_management"}]}));
        assert_eq!(granular.expires_at, Some(Timestamp::from_secs(1_795_000_000)));
        assert_eq!(granular.missing("41"), Vec::<&str>::new());
        assert_eq!(granular.missing("42"), ["whatsapp_business_messaging"]);
        let none = token(json!({"scopes": ["public_profile"]}));
        assert_eq!((none.is_valid, none.missing("41")), (false, SCOPES.to_vec()));
    }

    #[test]
    fn what_was_made_is_read_back() {
        let created = parse_created(&json!({"id":"61","status":"PENDING","category":"MARKETING"})).unwrap();
        assert_eq!((created.approval, created.category), (Approval::Pending, Some(Category::Marketing)));
        assert_eq!(parse_id(&json!({"id":4711})).as_deref(), Ok("4711"));
        let waba = parse_waba(&json!({"id":"41","name":"Laden","owner_business_info":{"name":"Laden","id":"21"}})).unwrap();
        assert_eq!(waba.portfolio.as_deref(), Some("21"));
        let catalogs = parse_catalogs(&json!({"data":[{"id":"77","name":"Herbst"}]})).unwrap();
        assert_eq!(catalogs.data, [Catalog { id: "77".into(), name: Some("Herbst".into()) }]);
        assert!(parse_success(&json!({"success":true})));
        for no in [json!({}), json!({"success": false}), json!({"success": "true"}), json!(true)] {
            assert!(!parse_success(&no), "{no}");
        }
        assert_eq!(parse_id(&json!({})), Err(BadAnswer::Missing { what: "the request", field: "id" }));
        assert_eq!(parse_id(&json!([])), Err(BadAnswer::Garbled { what: "the request" }));
    }
}
