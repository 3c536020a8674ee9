//! Every operation of `openapi.json`, as the running binary serves it, under every key that must not open it. The operations come
//! from the file: a new one is tried without anybody remembering to.

use std::collections::BTreeSet;
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::common::{self, transom};
use crate::shop::{Shop, id};

const PHONE: &str = "+491704000021";
/// Operations that need no key, by hand: a new one must be added here on purpose.
const OPEN: [&str; 2] = ["listErrors", "listRules"];
/// Operations that name no business, by hand: they answer for the one of the key.
const OF_THE_HOUSE: [&str; 2] = ["listBusinesses", "createBusiness"];
/// An id that nobody has.
const NOBODY: &str = "01K5Z3NDEKTSV4RRFFQ69G5FAV";

struct Operation {
    method: Method,
    path: String,
    name: String,
    secured: bool,
    /// Statuses that are documented.
    statuses: BTreeSet<u16>,
}

fn operations(api: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, operations) in api["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            found.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                name: operation["operationId"].as_str().unwrap().to_owned(),
                secured: operation["security"].as_array().is_some_and(|s| !s.is_empty()),
                statuses: operation["responses"].as_object().unwrap().keys().map(|s| s.parse().unwrap()).collect(),
            });
        }
    }
    found
}

impl Operation {
    /// The path for a business, with what belongs in each other place of it.
    fn at(&self, business: &str, ids: &Ids) -> String {
        let path = self.path.replace("{business}", business);
        let id = match () {
            () if path.contains("/contents/{") => &ids.content,
            () if path.contains("/messages/{") => &ids.message,
            () if path.contains("/webhooks/{") => &ids.webhook,
            () if path.contains("/endpoints/{") => &ids.endpoint,
            () if path.contains("/senders/{") => &ids.sender,
            () if ["/customers/{", "/merges/{", "/erasures/{"].iter().any(|part| path.contains(part)) => &ids.customer,
            () if path.contains("/journal/{") => &ids.journal,
            () if path.contains("/media/{") => &ids.media,
            () if path.contains("/messaging-services/{") => &ids.service,
            () if path.contains("/keys/{") => &ids.key,
            () if path.contains("/users/{") => &ids.user,
            () if path.contains("/journal/replay/{") => &ids.replay,
            () => "",
        };
        let path = path.replace("{id}", id).replace("{name}", &ids.template).replace("{deeper}", NOBODY);
        assert!(!path.contains('{'), "{}: say what stands in {path}, so that another tenant's can be tried", self.name);
        path
    }

    fn has_id(&self) -> bool {
        self.path.contains("{id}") || self.path.contains("{name}")
    }
}

/// What one business has, for every kind of id that a path can hold.
struct Ids {
    content: String,
    template: String,
    message: String,
    webhook: String,
    endpoint: String,
    sender: String,
    customer: String,
    journal: String,
    media: String,
    service: String,
    replay: String,
    key: String,
    user: String,
}

impl Ids {
    fn nobody() -> Self {
        let nobody = || NOBODY.to_owned();
        Self {
            content: nobody(),
            template: nobody(),
            message: nobody(),
            webhook: nobody(),
            endpoint: nobody(),
            sender: nobody(),
            customer: nobody(),
            journal: nobody(),
            media: nobody(),
            service: nobody(),
            replay: nobody(),
            key: nobody(),
            user: nobody(),
        }
    }
}

fn operator(dir: &Path, args: &[&str]) -> Value {
    common::json(transom().args(args).args(["--json", "--dir"]).arg(dir))
}

fn key(dir: &Path, business: &str, more: &[&str]) -> (String, String) {
    let made = operator(dir, &[&["key", "add", "--business", business], more].concat());
    (made["text"].as_str().unwrap().to_owned(), id(&made["key"]))
}

struct Door {
    shop: Shop,
    operations: Vec<Operation>,
}

impl Door {
    async fn open(dir: &Path) -> Self {
        let shop = Shop::open(dir);
        let operations = operations(&shop.api.get("/openapi.json").await);
        assert!(operations.len() >= 19, "{}", operations.len());
        Self { shop, operations }
    }

    fn secured(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| operation.secured)
    }

    async fn knock(&self, operation: &Operation, path: &str, key: Option<&str>) -> (u16, Value) {
        let url = format!("{}{path}", self.shop.env["TRANSOM_URL"]);
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(key.map(|key| ("x-api-key", key)));
        let body = match operation.name.as_str() {
            _ if operation.method == Method::GET => Vec::new(),
            "giveFeedback" => br#"{"outcome":"confirmed"}"#.to_vec(),
            "changeSender" => br#"{"token":"of-somebody"}"#.to_vec(),
            _ => b"{}".to_vec(),
        };
        let answer = self.shop.raw(operation.method.clone(), &url, &headers, body).await;
        let documented = operation.statuses.contains(&answer.status);
        assert!(documented, "{} answers an undocumented {}: {}", operation.name, answer.status, answer.json);
        (answer.status, answer.json)
    }

    /// Everything that a business has, as its own key shows it.
    async fn everything(&self, business: &str, key: &str) -> Vec<Value> {
        let api = common::Api::new(&self.shop.env["TRANSOM_URL"], key);
        let mut all = Vec::new();
        for list in [
            "messages?pageSize=200",
            "webhooks",
            "endpoints",
            "sessions",
            "contents?pageSize=200",
            "templates?pageSize=200",
            "keywords",
            "users",
        ] {
            all.push(api.get(&format!("/v1/businesses/{business}/{list}")).await);
        }
        all
    }
}

/// An error without what differs between any two requests.
fn plain(mut error: Value) -> Value {
    error.as_object_mut().unwrap().remove("cntTraceId");
    error
}

#[tokio::test]
async fn no_key_opens_what_is_another_s_and_none_learns_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let door = Door::open(dir.path()).await;
    let (ours, own) = (door.shop.env["TRANSOM_BUSINESS"].clone(), door.shop.env["TRANSOM_API_KEY"].clone());
    door.shop.writer(PHONE).await;
    let message = door.shop.say(PHONE, json!({ "text": "x" }), json!({})).await;
    let hook = json!({ "topic": "messages", "address": "http://127.0.0.1:9/hook" });
    let webhook = id(&door.shop.api.post(&door.shop.path("/create/webhooks"), &hook).await);
    let own_hook = json!({ "url": "http://127.0.0.1:9/hook", "enabled": false });
    let endpoint = id(&door.shop.api.post(&door.shop.path("/endpoints"), &own_hook).await);
    let sender = id(&door.shop.api.get(&door.shop.path("/senders")).await["data"][0]);
    let words = json!({ "language": "en", "types": { "twilio/text": { "body": "Your parcel is here." } } });
    let content = id(&door.shop.api.post(&door.shop.path("/contents"), &words).await);
    let template = "parcel_is_here".to_owned();
    let ask = json!({ "name": template, "category": "UTILITY" });
    door.shop.api.post(&door.shop.path(&format!("/contents/{content}/approvals")), &ask).await;
    let customer = door.shop.api.get(&door.shop.path("/sessions")).await["data"][0]["customerId"].as_str().unwrap().to_owned();
    let journal = id(&door.shop.api.get(&door.shop.path("/journal")).await["data"][0]);
    let url = format!("{}{}", door.shop.env["TRANSOM_URL"], door.shop.path("/media"));
    let headers = [("content-type", "text/plain"), ("x-api-key", own.as_str())];
    let media = id(&door.shop.raw(Method::POST, &url, &headers, b"A file.".to_vec()).await.json);
    let service = id(&door.shop.api.post(&door.shop.path("/messaging-services"), &json!({ "friendlyName": "Shop" })).await);
    let range = json!({ "after": 0 });
    let replay = id(&door.shop.api.post(&door.shop.path("/journal/replay"), &range).await);
    let (_, made) = key(dir.path(), &ours, &[]);
    let person = json!({ "email": "ana@shop.example", "role": "owner" });
    let user = id(&door.shop.api.post(&door.shop.path("/users"), &person).await);
    let ids =
        Ids { content, template, message, webhook, endpoint, sender, customer, journal, media, service, replay, key: made, user };
    door.shop.once(&ids.message, "delivered").await;
    let before = door.everything(&ours, &own).await;

    let theirs = id(&operator(dir.path(), &["business", "add", "--name", "Rival"]));
    let (rival, _) = key(dir.path(), &theirs, &[]);
    let (revoked, revoked_id) = key(dir.path(), &ours, &[]);
    // Believed once, so that a revocation has something to undo.
    assert_ne!(door.knock(&door.operations[0], &door.operations[0].at(&ours, &ids), Some(&revoked)).await.0, 401);
    operator(dir.path(), &["key", "revoke", &revoked_id, "--business", &ours]);

    for operation in &door.operations {
        assert_eq!(!operation.secured, OPEN.contains(&operation.name.as_str()), "{} has no key", operation.name);
        let names_one = operation.path.starts_with("/v1/businesses/{business}");
        assert!(!operation.secured || names_one || OF_THE_HOUSE.contains(&operation.name.as_str()), "{}", operation.path);
    }
    for operation in door.secured() {
        let name = &operation.name;
        if OF_THE_HOUSE.contains(&name.as_str()) {
            for key in [None, Some("tk_0"), Some(revoked.as_str())] {
                assert_eq!(door.knock(operation, &operation.path, key).await.0, 401, "{name}");
            }
            let (_, told) = door.knock(operation, &operation.path, Some(&rival)).await;
            assert!(!told.to_string().contains(&ours), "{name}: {told}");
            continue;
        }
        // Whatever is wrong with a key, the answer is the same for a business that exists and one that does not.
        for (what, key) in [("no key", None), ("no such key", Some("tk_0")), ("a rival's", Some(rival.as_str()))] {
            let (status, there) = door.knock(operation, &operation.at(&ours, &ids), key).await;
            assert_eq!(status, 401, "{name} under {what}: {there}");
            for business in [NOBODY, "nobody", "%00", "01K5Z3NDEKTSV4RRFFQ69G5FA"] {
                let (status, nowhere) = door.knock(operation, &operation.at(business, &ids), key).await;
                assert_eq!(status, 401, "{name} of {business} under {what}");
                if business == NOBODY {
                    assert_eq!(plain(nowhere), plain(there.clone()), "{name} under {what}");
                }
            }
        }
        let (status, told) = door.knock(operation, &operation.at(&ours, &ids), Some(&revoked)).await;
        assert_eq!(status, 401, "{name} under a revoked key: {told}");
        // Under its own path a rival reaches nothing of ours, and hears what it would of an id that nobody has.
        if operation.has_id() {
            let (status, there) = door.knock(operation, &operation.at(&theirs, &ids), Some(&rival)).await;
            // Without a number of its own it has no account in which there could be a template.
            let missing = if operation.path.contains("{name}") { 400 } else { 404 };
            assert_eq!(status, missing, "{name}: {there}");
            let (status, nowhere) = door.knock(operation, &operation.at(&theirs, &Ids::nobody()), Some(&rival)).await;
            let same = |error: Value| {
                let ours = [
                    &ids.content,
                    &ids.template,
                    &ids.message,
                    &ids.webhook,
                    &ids.endpoint,
                    &ids.sender,
                    &ids.customer,
                    &ids.journal,
                    &ids.media,
                    &ids.service,
                    &ids.replay,
                    &ids.key,
                    &ids.user,
                ];
                ours.into_iter().fold(plain(error).to_string(), |text, id| text.replace(id, NOBODY))
            };
            assert_eq!((status, same(nowhere)), (missing, same(there)), "{name}");
        }
    }
    assert_eq!(door.everything(&ours, &own).await, before, "nothing of it was touched");
}

#[tokio::test]
async fn every_operation_needs_its_scope() {
    let dir = tempfile::tempdir().unwrap();
    let door = Door::open(dir.path()).await;
    let ours = door.shop.env["TRANSOM_BUSINESS"].clone();
    let keys =
        ["send", "templates", "webhooks", "read", "admin"].map(|scope| (scope, key(dir.path(), &ours, &["--scopes", scope]).0));
    for operation in door.secured() {
        let mut opened = Vec::new();
        for (scope, key) in &keys {
            let (status, told) = door.knock(operation, &operation.at(&ours, &Ids::nobody()), Some(key)).await;
            match status {
                403 => assert_eq!(told["code"], "ERROR_CODE_KEY_SCOPE_MISSING", "{}: {told}", operation.name),
                401 => panic!("{} does not know its own key: {told}", operation.name),
                _ => opened.push(*scope),
            }
        }
        // Who has any key may know whose it is; none makes a business.
        match operation.name.as_str() {
            "listBusinesses" | "getBusiness" => {
                assert_eq!(opened.len(), keys.len(), "{}", operation.name);
                continue;
            }
            "createBusiness" => {
                assert_eq!(opened, Vec::<&str>::new());
                continue;
            }
            _ => {}
        }
        // One scope and the one that has all of them; which it is, the path tells.
        let about = |words: [&str; 2]| words.iter().any(|word| operation.path.contains(word));
        let scope = match () {
            () if about(["webhooks", "events"]) || about(["/endpoints", "/journal"]) => "webhooks",
            () if about(["/messaging-services", "/callbacks"]) => "webhooks",
            () if about(["/contents", "/template"]) => "templates",
            () if about(["/keywords", "/audit"])
                || operation.path.contains("/keys")
                || operation.path.contains("/retention")
                || operation.path.contains("/erasures")
                || operation.path.contains("/users")
                || ["addSender", "changeSender", "verifySender", "resumeSender"].contains(&operation.name.as_str())
                || operation.name == "changeBusiness"
                || operation.name == "eraseCustomer" =>
            {
                "admin"
            }
            () => "send",
        };
        // Who may only look, looks at all but what is an administrator's.
        let looks = operation.method == Method::GET && scope != "admin";
        let mut opening: Vec<_> = [Some(scope), looks.then_some("read"), Some("admin")].into_iter().flatten().collect();
        opening.dedup();
        assert_eq!(opened, opening, "{}", operation.name);
    }
}

#[tokio::test]
async fn a_key_ends_when_it_was_said_to() {
    let dir = tempfile::tempdir().unwrap();
    let door = Door::open(dir.path()).await;
    let ours = door.shop.env["TRANSOM_BUSINESS"].clone();
    let (short, _) = key(dir.path(), &ours, &["--expires-in-days", "1"]);
    for operation in door.secured() {
        assert_ne!(door.knock(operation, &operation.at(&ours, &Ids::nobody()), Some(&short)).await.0, 401, "{}", operation.name);
    }
    door.shop.turn(86_400).await;
    for operation in door.secured() {
        assert_eq!(door.knock(operation, &operation.at(&ours, &Ids::nobody()), Some(&short)).await.0, 401, "{}", operation.name);
    }
}

#[tokio::test]
async fn the_operator_s_door_opens_to_its_own_token_only() {
    let dir = tempfile::tempdir().unwrap();
    let door = Door::open(dir.path()).await;
    let url = format!("{}/admin/v1", door.shop.env["TRANSOM_URL"]);
    let own = format!("Bearer {}", door.shop.env["TRANSOM_API_KEY"]);
    for given in [None, Some("Bearer "), Some("Bearer x"), Some(own.as_str()), Some("Basic eDp5")] {
        let mut headers = vec![("content-type", "application/json"), ("x-api-key", door.shop.env["TRANSOM_API_KEY"].as_str())];
        headers.extend(given.map(|given| ("authorization", given)));
        let answer = door.shop.raw(Method::POST, &url, &headers, br#"{"command":"business_list"}"#.to_vec()).await;
        assert_eq!(answer.status, 401, "{given:?}: {}", answer.json);
        assert!(answer.json["data"].is_null());
    }
}

#[tokio::test]
async fn an_app_speaks_of_its_own_numbers_only() {
    let dir = tempfile::tempdir().unwrap();
    let door = Door::open(dir.path()).await;
    let (ours, own) = (door.shop.env["TRANSOM_BUSINESS"].clone(), door.shop.env["TRANSOM_API_KEY"].clone());
    let (secret, other) = ("a-rival-s-app-secret", "987654321012345");
    common::json(transom().args(["app", "put", other, "--json", "--dir"]).arg(dir.path()).env("META_APP_SECRET", secret));
    let now = door.shop.desk.get("/sim/v1/clock").await["nowMs"].as_i64().unwrap() / 1_000;
    let number = door.shop.env["META_PHONE_NUMBER_ID"].as_str();
    let message = json!({ "from": "491704000022", "id": "wamid.rival", "timestamp": now.to_string(), "type": "text", "text": { "body": "Hi" } });
    let value = json!({ "messaging_product": "whatsapp", "metadata": { "display_phone_number": "1", "phone_number_id": number },
        "contacts": [{ "profile": { "name": "Eve" }, "wa_id": "491704000022" }], "messages": [message] });
    let entry = json!({ "id": door.shop.env["META_WABA_ID"], "changes": [{ "field": "messages", "value": value }] });
    let body = json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string().into_bytes();
    let signed = |secret: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(&body);
        let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        format!("sha256={hex}")
    };
    let before = door.everything(&ours, &own).await;
    let app = door.shop.env["META_APP_ID"].clone();
    // Rightly signed by the rival's app, about our number: taken and ignored. Under our app its signature fits nothing.
    for (app, secret, wanted) in [(other, secret, 200), (app.as_str(), secret, 401)] {
        let url = format!("{}/webhooks/meta/{app}", door.shop.env["TRANSOM_URL"]);
        let signature = signed(secret);
        let answer = door.shop.raw(Method::POST, &url, &[("x-hub-signature-256", &signature)], body.clone()).await;
        assert_eq!(answer.status, wanted, "{}", answer.json);
    }
    assert_eq!(door.everything(&ours, &own).await, before);
}
