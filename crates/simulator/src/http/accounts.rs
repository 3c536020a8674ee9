//! Numbers, accounts and catalogs as Graph shows and sets them.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::answer::GraphResult;
use super::call::Call;
use super::graph::{page, selected, success};
use super::{App, subscriptions};
use crate::graph::error::GraphError;
use crate::graph::read::Fields;
use crate::world::account::{Catalog, Number, Product};

/// Everything that hangs on a number but messages and media.
pub(crate) async fn number(app: &App, call: &Call, id: u64, edge: &str) -> GraphResult {
    let is_get = call.method == Method::GET;
    let is_post = call.method == Method::POST;
    match edge {
        "" if is_get => {
            let shown = app.engine.look(|world, _| world.numbers.get(&id).map(|number| shown(number, call.version)));
            let shown = shown.ok_or_else(|| GraphError::no_such_object("GET", &id.to_string()))?;
            let fields = call.fields();
            // Without `fields` Graph answers only a few.
            let few = [
                "verified_name",
                "code_verification_status",
                "display_phone_number",
                "quality_rating",
                "platform_type",
                "throughput",
                "id",
            ];
            let fields = if fields.is_empty() { few.map(str::to_owned).to_vec() } else { fields };
            Ok(selected(shown, &fields).into())
        }
        "" if is_post => subscriptions::of_number(app, call, id).await,
        "register" if is_post => {
            let value = call.parameters()?;
            let fields = Fields::body(&value)?;
            fields.only(&["messaging_product", "pin", "data_localization_region"])?;
            fields.one_of("messaging_product", &["whatsapp"])?;
            let pin = fields.text("pin", 6)?;
            if pin.len() != 6 || !pin.bytes().all(|b| b.is_ascii_digit()) {
                return Err(fields.wrong("pin", "must be 6 digits."));
            }
            app.engine.commit(|world, now| world.register(now, id, pin)).await??;
            Ok(success())
        }
        "deregister" if is_post => {
            app.engine.commit(|world, _| world.deregister(id)).await??;
            Ok(success())
        }
        "settings" if is_get => Ok(json!({
            "storage_configuration": { "status": "DEFAULT" },
            "user_identity_change": { "enable_identity_key_check": false },
            "calling": { "status": "DISABLED" },
        })
        .into()),
        "whatsapp_business_profile" if is_get => {
            let profile =
                app.engine.look(|world, _| world.numbers.get(&id).map(|number| number.profile.clone())).unwrap_or_default();
            let mut shown: Map<String, Value> = profile;
            shown.insert("messaging_product".into(), json!("whatsapp"));
            let fields = call.fields();
            shown.retain(|key, _| fields.is_empty() || key == "messaging_product" || fields.contains(key));
            Ok(json!({ "data": [shown] }).into())
        }
        "whatsapp_business_profile" if is_post => set_profile(app, call, id).await,
        _ => Err(GraphError::no_such_object(call.method.as_str(), &id.to_string())),
    }
}

async fn set_profile(app: &App, call: &Call, id: u64) -> GraphResult {
    let value = call.parameters()?;
    let fields = Fields::body(&value)?;
    let limits = [("about", 139), ("address", 256), ("description", 512), ("email", 128), ("vertical", 64)];
    fields.only(&[
        "messaging_product",
        "about",
        "address",
        "description",
        "email",
        "vertical",
        "websites",
        "profile_picture_handle",
    ])?;
    fields.one_of("messaging_product", &["whatsapp"])?;
    let mut set = Map::new();
    for (key, max) in limits {
        if let Some(text) = fields.text_opt(key, max)? {
            set.insert(key.to_owned(), json!(text));
        }
    }
    if fields.has("websites") {
        fields.list("websites", 0..=2)?;
        set.insert("websites".into(), fields.value("websites")?.clone());
    }
    app.engine
        .commit(|world, _| {
            if let Some(number) = world.numbers.get_mut(&id) {
                number.profile.extend(set);
            }
            world.keep_number(id);
        })
        .await?;
    Ok(success())
}

/// A number with all its fields; the tier's name differs by version.
pub(crate) fn shown(number: &Number, version: Option<u32>) -> Value {
    let limit = if version.is_some_and(|version| version >= 24) {
        "whatsapp_business_manager_messaging_limit"
    } else {
        "messaging_limit_tier"
    };
    let level = if number.throughput >= 1_000 { "HIGH" } else { "STANDARD" };
    let mut shown = json!({
        "id": number.id.to_string(),
        "display_phone_number": number.display(),
        "verified_name": number.verified_name,
        "quality_rating": number.quality,
        "code_verification_status": "VERIFIED",
        "name_status": "APPROVED",
        "status": if number.registered { number.status.as_str() } else { "DISCONNECTED" },
        "platform_type": if number.registered { "CLOUD_API" } else { "NOT_APPLICABLE" },
        "account_mode": if number.test_number { "SANDBOX" } else { "LIVE" },
        "is_pin_enabled": number.pin.is_some(),
        "throughput": { "level": level },
        "health_status": { "can_send_message": if number.registered { "AVAILABLE" } else { "BLOCKED" }, "entities": [] },
        limit: number.tier,
    });
    if let (Some(callback), Some(map)) = (&number.callback, shown.as_object_mut()) {
        map.insert("webhook_configuration".into(), json!({ "phone_number": callback.callback_uri }));
    }
    shown
}

/// What hangs on an account and is only read.
pub(crate) fn account(app: &App, call: &Call, id: u64, edge: &str) -> GraphResult {
    let fields = call.fields();
    match edge {
        "" => {
            let shown = app.engine.look(|world, _| {
                world.wabas.get(&id).map(|account| {
                    json!({
                        "id": id.to_string(),
                        "name": account.name,
                        "timezone_id": "1",
                        "currency": "EUR",
                        "country": "DE",
                        "message_template_namespace": format!("desk_{id}"),
                        "account_review_status": "APPROVED",
                        "business_verification_status": "verified",
                        "ownership_type": "SELF",
                        "owner_business_info": { "id": world.app.business_id.to_string(), "name": account.name },
                        "health_status": { "can_send_message": "AVAILABLE", "entities": [] },
                    })
                })
            });
            let few = ["id", "name", "timezone_id", "message_template_namespace", "currency"].map(str::to_owned).to_vec();
            let fields = if fields.is_empty() { few } else { fields };
            Ok(selected(shown.unwrap_or_default(), &fields).into())
        }
        "phone_numbers" => {
            let numbers = app.engine.look(|world, _| {
                let of_account = world.numbers.values().filter(|number| number.waba == id);
                of_account.map(|number| (number.id, selected(shown(number, call.version), &fields))).collect()
            });
            Ok(page(app, call, numbers)?.into())
        }
        "product_catalogs" => {
            let catalogs = app.engine.look(|world, _| {
                let of_account = world.catalogs.values().filter(|catalog| catalog.waba == id);
                of_account.map(|catalog| (catalog.id, selected(catalog_shown(catalog), &fields))).collect()
            });
            Ok(page(app, call, catalogs)?.into())
        }
        _ => Err(GraphError::no_such_object("GET", &id.to_string())),
    }
}

fn catalog_shown(catalog: &Catalog) -> Value {
    json!({ "id": catalog.id.to_string(), "name": catalog.name, "product_count": catalog.products.len(), "vertical": "commerce" })
}

fn product_shown(product: &Product) -> Value {
    json!({
        "id": product.id.to_string(),
        "retailer_id": product.retailer_id,
        "name": product.name,
        "description": product.description,
        "price": format!("{} {}", product.price, product.currency),
        "currency": product.currency,
        "availability": "in stock",
        "image_url": product.image_url,
    })
}

/// A catalog or its products.
pub(crate) fn catalog(app: &App, call: &Call, id: u64, edge: &str) -> GraphResult {
    let fields = call.fields();
    let found = app.engine.look(|world, _| world.catalogs.get(&id).cloned());
    let catalog = found.ok_or_else(|| GraphError::no_such_object("GET", &id.to_string()))?;
    match edge {
        "" => {
            let fields = if fields.is_empty() { vec!["name".to_owned()] } else { fields };
            Ok(selected(catalog_shown(&catalog), &fields).into())
        }
        "products" => {
            // In the order in which they were made, whatever their ids.
            let products = (1u64..).zip(&catalog.products).map(|(at, product)| (at, selected(product_shown(product), &fields)));
            Ok(page(app, call, products.collect())?.into())
        }
        _ => Err(GraphError::no_such_object("GET", &id.to_string())),
    }
}
