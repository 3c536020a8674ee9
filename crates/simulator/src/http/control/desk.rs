//! The desk itself: catalogs, numbers, faults, settings.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, created, printed, typed, value};
use crate::http::App;
use crate::http::accounts::shown as number_shown;
use crate::world::World;
use crate::world::account::{Product, Settings};
use crate::world::desk::Refusal;
use crate::world::faults::Fault;
use crate::world::phone;
use crate::world::template::rules;

/// Numbers of one world; a bound for scripts that run away.
const NUMBERS_MAX: usize = 1_000;
/// Rows of the table by which templates are reviewed without the desk.
const REVIEW_RULES_MAX: usize = 100;
/// Products of one catalog.
const PRODUCTS_MAX: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewProduct {
    retailer_id: String,
    name: Option<String>,
    price: Option<String>,
    currency: Option<String>,
    description: Option<String>,
    image_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewCatalog {
    name: String,
    waba: Option<String>,
    products: Vec<NewProduct>,
}

pub(super) async fn catalogs(State(app): State<App>) -> Response<Body> {
    let data: Vec<Value> = app.engine.look(|world, _| world.catalogs.keys().filter_map(|id| catalog_shown(world, *id)).collect());
    printed(Ok(json!({ "data": data })))
}

fn catalog_shown(world: &World, id: u64) -> Option<Value> {
    world.catalogs.get(&id).map(|catalog| {
        let products: Vec<Value> = catalog
            .products
            .iter()
            .map(|product| {
                json!({
                    "id": product.id.to_string(),
                    "retailerId": product.retailer_id,
                    "name": product.name,
                    "price": product.price,
                    "currency": product.currency,
                })
            })
            .collect();
        json!({ "id": id.to_string(), "waba": catalog.waba.to_string(), "name": catalog.name, "products": products })
    })
}

pub(super) async fn add_catalog(State(app): State<App>, body: Bytes) -> Response<Body> {
    created(fill_shelf(&app, &body).await)
}

async fn fill_shelf(app: &App, body: &Bytes) -> Control {
    let new: NewCatalog = typed(body)?;
    if new.products.len() > PRODUCTS_MAX {
        return Err(Refusal::invalid("products", "a catalog has at most 10000 products", "split it"));
    }
    let products: Vec<Product> = new
        .products
        .into_iter()
        .map(|product| Product {
            id: 0,
            name: product.name.unwrap_or_else(|| product.retailer_id.clone()),
            image_url: product.image_url.unwrap_or_else(|| format!("https://shop.example.com/{}.jpg", product.retailer_id)),
            retailer_id: product.retailer_id,
            price: product.price.unwrap_or_else(|| "1.00".into()),
            currency: product.currency.unwrap_or_else(|| "EUR".into()),
            description: product.description.unwrap_or_default(),
        })
        .collect();
    app.engine
        .commit(|world, _| {
            let waba = account(world, new.waba.as_deref())?;
            let id = world.add_catalog(waba, &new.name, products);
            Ok(catalog_shown(world, id).unwrap_or_default())
        })
        .await?
}

/// The account named, or the first one.
fn account(world: &World, id: Option<&str>) -> Result<u64, Refusal> {
    let found = match id {
        Some(id) => id.parse().ok().filter(|id| world.wabas.contains_key(id)),
        None => world.wabas.keys().next().copied(),
    };
    found.ok_or_else(|| Refusal::invalid("waba", "no account has this id", "GET /sim/v1/identity names them"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewNumber {
    phone: String,
    name: Option<String>,
    waba: Option<String>,
    /// Makes an account for it instead.
    #[serde(default)]
    new_waba: bool,
}

fn desk_number(world: &World, id: u64) -> Option<Value> {
    let number = world.numbers.get(&id)?;
    let mut shown = number_shown(number, None);
    if let Some(map) = shown.as_object_mut() {
        map.insert("waba".into(), json!(number.waba.to_string()));
        map.insert("phone".into(), json!(number.display()));
        map.insert("registered".into(), json!(number.registered));
        map.insert("testNumber".into(), json!(number.test_number));
        map.insert("allowed".into(), json!(number.allowed));
        map.insert("businessApp".into(), json!(number.business_app));
        map.insert("throughput".into(), json!(number.throughput));
        map.insert("tier".into(), json!(number.tier));
        map.insert("quality".into(), json!(number.quality));
    }
    Some(shown)
}

pub(super) async fn numbers(State(app): State<App>) -> Response<Body> {
    let data: Vec<Value> = app.engine.look(|world, _| world.numbers.keys().filter_map(|id| desk_number(world, *id)).collect());
    printed(Ok(json!({ "data": data })))
}

fn no_number() -> Refusal {
    Refusal::not_found("id", "no business number has this id", "GET /sim/v1/numbers lists them")
}

pub(super) async fn number(State(app): State<App>, Path(id): Path<String>) -> Response<Body> {
    let found = id.parse().ok().and_then(|id| app.engine.look(|world, _| desk_number(world, id)));
    printed(found.ok_or_else(no_number))
}

pub(super) async fn add_number(State(app): State<App>, body: Bytes) -> Response<Body> {
    created(connect(&app, &body).await)
}

async fn connect(app: &App, body: &Bytes) -> Control {
    let new: NewNumber = typed(body)?;
    let digits = phone::international(&new.phone)
        .ok_or_else(|| Refusal::invalid("phone", "not a phone number with its country", "write + and 7 to 15 digits"))?;
    app.engine
        .commit(|world, _| {
            let is_taken = world.by_wa_id.contains_key(&phone::wa_id(&digits))
                || world.numbers.values().any(|number| number.digits == digits);
            if is_taken {
                return Err(Refusal::conflict("phone", "this number is in use", "choose another one"));
            }
            if world.numbers.len() >= NUMBERS_MAX {
                return Err(Refusal::conflict("phone", "there are 1000 business numbers already", "use one of those"));
            }
            let name = new.name.as_deref().unwrap_or("Desk business");
            let waba = if new.new_waba { world.add_waba(name) } else { account(world, new.waba.as_deref())? };
            let id = world.add_number(waba, &digits, name);
            Ok(desk_number(world, id).unwrap_or_default())
        })
        .await?
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct NumberChange {
    throughput: Option<u32>,
    tier: Option<String>,
    registered: Option<bool>,
    test_number: Option<bool>,
    business_app: Option<bool>,
    allowed: Option<Vec<String>>,
    quality: Option<String>,
    status: Option<String>,
    /// Tells an error of the number itself in a webhook.
    error: Option<u32>,
}

pub(super) async fn change_number(State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    printed(alter_number(&app, &id, &body).await)
}

fn among(field: &str, value: Option<&String>, known: &[&str]) -> Result<(), Refusal> {
    match value {
        Some(value) if !known.contains(&value.as_str()) => {
            Err(Refusal::invalid(field, "Meta has no such value", &format!("choose one of {}", known.join(", "))))
        }
        _ => Ok(()),
    }
}

async fn alter_number(app: &App, id: &str, body: &Bytes) -> Control {
    let id: u64 = id.parse().map_err(|_| no_number())?;
    let change: NumberChange = typed(body)?;
    let tiers = ["TIER_50", "TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"];
    among("tier", change.tier.as_ref(), &tiers)?;
    among("quality", change.quality.as_ref(), &["GREEN", "YELLOW", "RED", "UNKNOWN"])?;
    let states = ["CONNECTED", "DISCONNECTED", "PENDING", "FLAGGED", "RESTRICTED", "RATE_LIMITED", "UNVERIFIED", "BANNED"];
    among("status", change.status.as_ref(), &states)?;
    if change.error.is_some_and(|code| !crate::graph::error::is_known(code)) {
        return Err(Refusal::invalid("error", "Meta has no such error code", "take one from Meta's error page, such as 131042"));
    }
    let allowed = match &change.allowed {
        Some(list) => {
            let digits = list.iter().map(|text| phone::international(text).map(|digits| phone::wa_id(&digits)));
            let bad = || Refusal::invalid("allowed", "not phone numbers with their country", "write + and 7 to 15 digits");
            Some(digits.collect::<Option<Vec<String>>>().ok_or_else(bad)?)
        }
        None => None,
    };
    app.engine
        .commit(|world, now| {
            let number = world.numbers.get_mut(&id).ok_or_else(no_number)?;
            let (old_throughput, old_tier) = (number.throughput, number.tier.clone());
            let was_red = number.quality == "RED";
            number.throughput = change.throughput.unwrap_or(number.throughput);
            number.tier = change.tier.unwrap_or_else(|| number.tier.clone());
            number.registered = change.registered.unwrap_or(number.registered);
            number.test_number = change.test_number.unwrap_or(number.test_number);
            number.business_app = change.business_app.unwrap_or(number.business_app);
            number.allowed = allowed.unwrap_or_else(|| std::mem::take(&mut number.allowed));
            number.quality = change.quality.unwrap_or_else(|| number.quality.clone());
            number.status = change.status.unwrap_or_else(|| number.status.clone());
            let is_upgrade = old_throughput < 1_000 && number.throughput >= 1_000;
            let (waba, digits, tier) = (number.waba, number.digits.clone(), number.tier.clone());
            let is_red = number.quality == "RED";
            world.keep_number(id);
            if is_red != was_red {
                let event = if is_red { "FLAGGED" } else { "UNFLAGGED" };
                let value = json!({ "display_phone_number": digits, "event": event, "current_limit": tier });
                world.owe_account(now, waba, "phone_number_quality_update", &value);
            }
            if tier != old_tier {
                world.share_tier(now, &tier);
            }
            if is_upgrade || tier != old_tier {
                let event = if is_upgrade { "THROUGHPUT_UPGRADE" } else { "ONBOARDING" };
                let value = json!({
                    "display_phone_number": digits, "event": event, "current_limit": tier,
                    "max_daily_conversations_per_business": tier,
                });
                world.owe_account(now, waba, "phone_number_quality_update", &value);
            }
            if let Some(code) = change.error {
                world.tell_number_error(now, id, code, "Ordered at the desk.");
            }
            Ok(desk_number(world, id).unwrap_or_default())
        })
        .await?
}

pub(super) async fn faults(State(app): State<App>) -> Response<Body> {
    printed(Ok(app.engine.look(|world, _| json!({ "data": world.faults.list().collect::<Vec<_>>() }))))
}

pub(super) async fn order_faults(State(app): State<App>, body: Bytes) -> Response<Body> {
    printed(order(&app, &body).await)
}

async fn order(app: &App, body: &Bytes) -> Control {
    // A bare list, or what the GET answered.
    let list: Vec<Fault> = match value(body)? {
        Value::Object(mut map) if map.contains_key("data") => {
            typed(&Bytes::from(map.remove("data").unwrap_or_default().to_string()))?
        }
        other => typed(&Bytes::from(other.to_string()))?,
    };
    app.engine
        .commit(|world, _| {
            world.order_faults(list)?;
            Ok(json!({ "data": world.faults.list().collect::<Vec<_>>() }))
        })
        .await?
}

pub(super) async fn settings(State(app): State<App>) -> Response<Body> {
    printed(Ok(app.engine.look(|world, _| json!(world.settings))))
}

/// What is left out stays as it is.
pub(super) async fn change_settings(State(app): State<App>, body: Bytes) -> Response<Body> {
    printed(set(&app, &body).await)
}

async fn set(app: &App, body: &Bytes) -> Control {
    let change = value(body)?;
    let Value::Object(change) = change else {
        return Err(Refusal::invalid("body", "settings are an object", "send a JSON object"));
    };
    app.engine
        .commit(|world, _| {
            let Value::Object(mut merged) = json!(world.settings) else { return Err(Refusal::invalid("body", "unreadable", "")) };
            if let Some(unknown) = change.keys().find(|key| !merged.contains_key(*key)) {
                let known: Vec<&str> = merged.keys().map(String::as_str).collect();
                return Err(Refusal::invalid(unknown, "there is no such setting", &format!("choose from {}", known.join(", "))));
            }
            merged.extend(change);
            let settings: Settings = typed(&Bytes::from(Value::Object(merged).to_string()))?;
            check(&settings)?;
            world.settings = settings;
            world.keep_settings();
            Ok(json!(world.settings))
        })
        .await?
}

fn check(settings: &Settings) -> Result<(), Refusal> {
    let day = 86_400_000;
    let ok = |field: &str, fits: bool, rule: &str| {
        if fits { Ok(()) } else { Err(Refusal::invalid(field, rule, "give a value in that range")) }
    };
    ok(
        "autoReviewSeconds",
        settings.auto_review_seconds.is_none_or(|s| (0..=864_000).contains(&s)),
        "0 to 864000 seconds, or null",
    )?;
    ok(
        "autoReviewUpToSeconds",
        settings.auto_review_up_to_seconds.is_none_or(|s| (0..=864_000).contains(&s)),
        "0 to 864000 seconds, or null",
    )?;
    ok("reviewRules", settings.review_rules.len() <= REVIEW_RULES_MAX, "at most 100 rules")?;
    for (at, rule) in settings.review_rules.iter().enumerate() {
        let known = rule.reason.as_deref().is_none_or(|reason| rules::REASONS.contains(&reason));
        ok(&format!("reviewRules[{at}].reason"), known, "one of Meta's reasons in capitals, such as INVALID_FORMAT")?;
        let after = rule.after_seconds.is_none_or(|s| (0..=864_000).contains(&s));
        ok(&format!("reviewRules[{at}].afterSeconds"), after, "0 to 864000 seconds")?;
    }
    ok("webhookVersion", (21..=26).contains(&settings.webhook_version), "21 to 26")?;
    ok("webhookBatch", (1..=1_000).contains(&settings.webhook_batch), "1 to 1000 updates per POST")?;
    ok(
        "webhookGapMaxSeconds",
        settings.webhook_gap_max_seconds.is_none_or(|s| (1..=14_400).contains(&s)),
        "1 to 14400 seconds, or null",
    )?;
    ok("pairBurst", settings.pair_burst >= 1, "at least 1")?;
    ok("pairSeconds", (0..=3_600).contains(&settings.pair_seconds), "0 (no limit) to 3600")?;
    ok("sentAfterMs", (0..=day).contains(&settings.sent_after_ms), "0 to a day")?;
    ok("deliveredAfterMs", (0..=day).contains(&settings.delivered_after_ms), "0 to a day")
}
