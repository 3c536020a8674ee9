//! A person is forgotten: what the running binary keeps in its folder is searched byte by byte, after a kill in the middle too.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};

use transom_testing::Postgres;

use crate::common::{database_of, until};
use crate::shop::{Shop, templated};

const ANA: &str = "+491704000081";
const NAME: &str = "Xanthippe";
/// What is in a file of hers.
const FILE: &str = "a-lynx-is-in-her-file";
/// What she says, and what she is told.
const WORDS: [&str; 3] = ["an-axolotl-asks", "a-capybara-answers", "a-dodo-is-scheduled"];
/// What she, and the business in its app, made of messages that never came here.
const EDITS: [&str; 2] = ["an-echidna-edits", "a-fossa-mends"];
/// Where a webhook tells of what a customer did, and of what the business did in its app; and as what it names the customer.
const BY_CUSTOMER: [&str; 3] = ["messages", "messages", "from"];
const BY_BUSINESS: [&str; 3] = ["smb_message_echoes", "message_echoes", "to"];

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Every file of the gateway's store with its bytes; on PostgreSQL, what a dump of its database has, too.
fn store(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    files(dir, &mut all);
    let home = all.iter().find(|path| path.ends_with("transom.lock")).unwrap().parent().unwrap().to_owned();
    let dump = database_of(dir).map(|url| {
        let name = url.rsplit('/').next().unwrap();
        let dumped = Postgres::shared().tool("pg_dump").args(["--data-only", name]).output().unwrap();
        assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
        (PathBuf::from("the dump"), dumped.stdout)
    });
    // A log can be cut to nothing between the listing and the look.
    let read = |path: PathBuf| Some((path.clone(), std::fs::read(&path).ok()?));
    all.into_iter().filter(|path| path.starts_with(&home)).filter_map(read).chain(dump).collect()
}

/// A text as it can stand in the store: as it is, as digits, as a dump writes bytes, or in Base64 wherever it begins, as in the
/// upstream's ids.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned(), text.bytes().map(|byte| format!("{byte:02x}")).collect()];
    for shift in 0..3 {
        let coded = BASE64.encode([&b"   "[..shift], text.as_bytes()].concat());
        // Without what the bytes before and after it decide.
        let (from, to) = ([0, 2, 3][shift], coded.len() - usize::from(!(shift + text.len()).is_multiple_of(3)));
        forms.push(coded[from..to].to_owned());
    }
    forms
}

/// In which of these a text stands.
fn among(all: Vec<(PathBuf, Vec<u8>)>, text: &str) -> Vec<String> {
    let forms = forms(text);
    let stands = |bytes: &[u8]| forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form.as_bytes()));
    all.into_iter().filter(|(_, bytes)| stands(bytes)).map(|(path, _)| path.display().to_string()).collect()
}

/// Where a text stands in the store.
fn places(dir: &Path, text: &str) -> Vec<String> {
    among(store(dir), text)
}

/// The database of a folder as its server keeps it.
#[derive(Debug)]
struct Kept {
    database: String,
}

impl Kept {
    /// None where the store is in the folder.
    fn of(dir: &Path) -> Option<Self> {
        let database = database_of(dir)?.rsplit('/').next()?.to_owned();
        let kept = Self { database };
        kept.ask("CREATE EXTENSION pageinspect");
        // As the server does by itself, sooner or later.
        kept.ask("ANALYZE");
        Some(kept)
    }

    fn ask(&self, sql: &str) -> String {
        Postgres::shared().sql(&self.database, sql)
    }

    /// Tables with a row that holds a text, or with a former row that nobody has taken out, or with statistics that do.
    fn rows(&self, text: &str) -> Vec<String> {
        let tables = self.ask("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace");
        let said = |form: &String| format!("position('{form}'::bytea IN t_data) > 0");
        let holds = forms(text).iter().map(said).collect::<Vec<_>>().join(" OR ");
        let look = |table: &str| {
            format!(
                "SELECT '{table}' FROM generate_series(0, pg_relation_size('{table}') / 8192 - 1) AS page,
                     heap_page_items(get_raw_page('{table}', page::int)) WHERE {holds}"
            )
        };
        let mut all: Vec<String> = tables.lines().map(look).collect();
        all.push(format!("SELECT 'statistics of ' || tablename FROM pg_stats WHERE pg_stats::text LIKE '%{text}%'"));
        let found = self.ask(&format!("SELECT DISTINCT * FROM ({}) AS found", all.join(" UNION ALL ")));
        found.lines().map(str::to_owned).collect()
    }

    /// The server's files of the database.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let id = self.ask("CHECKPOINT; SELECT oid FROM pg_database WHERE datname = current_database()");
        let mut all = Vec::new();
        files(&Postgres::shared().folder().join("data/base").join(id), &mut all);
        all.into_iter().filter_map(|path| Some((path.clone(), std::fs::read(&path).ok()?))).collect()
    }
}

async fn talk(shop: &Shop, phone: &str, name: &str) {
    shop.customer(phone, json!({ "name": name })).await;
    shop.customer_sends(phone, json!({ "type": "text", "text": { "body": WORDS[0] } })).await;
    let answer = shop.say(phone, json!({ "text": WORDS[1] }), json!({ "callbackData": { "for": WORDS[1] } })).await;
    shop.once(&answer, "delivered").await;
    let news = shop.template(&templated(phone, "parcel_news", &[])).await;
    shop.once(&news, "delivered").await;
}

/// Meta tells that a message was edited that never came here. Its ids hold the number, as they always do.
async fn edited(shop: &Shop, customer: &str, [field, list, named]: [&str; 3], words: &str) {
    let wamid = |of: &str| format!("wamid.{}", BASE64.encode(format!("\u{1d}\u{18}\u{c}{customer}\u{15}\u{2}{of}")));
    let edit = json!({ "original_message_id": wamid("first"), "message": { "type": "text", "text": { "body": words } } });
    let mut message = json!({ "id": wamid(words), "timestamp": "1800000000", "type": "edit", "edit": edit });
    message[named] = json!(customer);
    let number = json!({ "display_phone_number": "1", "phone_number_id": shop.env["META_PHONE_NUMBER_ID"] });
    let mut value = json!({ "messaging_product": "whatsapp", "metadata": number });
    value[list] = json!([message]);
    let entry = json!({ "id": shop.env["META_WABA_ID"], "changes": [{ "field": field, "value": value }] });
    let body = json!({ "object": "whatsapp_business_account", "entry": [entry] }).to_string().into_bytes();
    let signature = transom_meta::signature::sign(shop.env["META_APP_SECRET"].as_bytes(), &body);
    let url = format!("{}/webhooks/meta/{}", shop.env["TRANSOM_URL"], shop.env["META_APP_ID"]);
    let answer = shop.raw(Method::POST, &url, &[("x-hub-signature-256", signature.as_str())], body).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_who_asks_to_be_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let components = json!([{ "type": "BODY", "text": "Your parcel is on its way to you today." }]);
    shop.approved("parcel_news", "en", "UTILITY", components).await;
    talk(&shop, ANA, NAME).await;
    // Enough of others that rows move about.
    for n in 0..20 {
        talk(&shop, &format!("+4917040001{n:02}"), "Ben").await;
    }
    shop.customer_sends(ANA, json!({ "type": "text", "text": { "body": "Stop promotions" } })).await;
    let file = json!({ "mime_type": "text/plain", "filename": "lynx.txt", "data": BASE64.encode(FILE.as_bytes()) });
    shop.customer_sends(ANA, json!({ "type": "document", "document": file })).await;
    until("her file", || async { (!places(dir.path(), FILE).is_empty()).then_some(()) }).await;
    let path = shop.path(&format!("/customers/{}/consent", ANA.replace('+', "%2B")));
    let known = shop.api.get(&path).await;
    let (customer, digits) = (known["customerId"].as_str().unwrap().to_owned(), ANA.trim_start_matches('+'));
    let sessions = shop.api.get(&shop.path("/sessions?pageSize=200")).await;
    let hers = sessions["data"].as_array().unwrap().iter().find(|s| s["customerId"] == customer.as_str()).unwrap().clone();
    assert_eq!(hers["name"], NAME);
    let events = shop.api.get(&shop.path("/events?limit=200")).await;
    let party = |e: &Value| e["data"]["parties"]["customerId"] == customer.as_str();
    let user_id = events["data"].as_array().unwrap().iter().find(|e| party(e)).unwrap()["data"]["parties"]["userId"].clone();
    let user_id = user_id.as_str().unwrap().to_owned();
    let at = events["data"][0]["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_hours(9);
    let later = json!({ "to": ANA, "content": { "language": "en", "types": { "twilio/text": { "body": WORDS[2] } } }, "sendAt": at.to_string() });
    shop.api.post(&shop.path("/messages"), &later).await;
    let keyed = shop
        .keyed(
            "/messages",
            "for-ana",
            &json!({ "to": ANA, "content": { "language": "en", "types": { "twilio/text": { "body": WORDS[1] } } } }),
        )
        .await;
    shop.once(keyed.json["id"].as_str().unwrap(), "delivered").await;
    edited(&shop, digits, BY_CUSTOMER, EDITS[0]).await;
    edited(&shop, digits, BY_BUSINESS, EDITS[1]).await;
    // Ben's stays: of a table that an erasure empties PostgreSQL keeps its samples.
    edited(&shop, "491704000100", BY_CUSTOMER, "a-badger-edits").await;
    let secrets = [digits, user_id.as_str(), NAME, WORDS[2], EDITS[0], EDITS[1], FILE];
    let kept = Kept::of(dir.path());
    for secret in secrets {
        assert!(!places(dir.path(), secret).is_empty(), "{secret} is not found before: the search finds nothing");
        // Her file is in the folder alone.
        for kept in kept.iter().filter(|_| secret != FILE) {
            assert!(
                !kept.rows(secret).is_empty() && !among(kept.files(), secret).is_empty(),
                "{secret} is not found in {kept:?}"
            );
        }
    }

    let url = shop.path(&format!("/customers/{}", ANA.replace('+', "%2B")));
    let (status, begun) = shop.api.call(Method::DELETE, &url, None).await;
    assert_eq!((status, &begun["customerId"], &begun["status"]), (202, &json!(customer), &json!("running")), "{begun}");
    shop.kill();
    let shop = Shop::open(dir.path());
    assert_eq!(shop.api.call(Method::GET, &path, None).await.0, 404, "she is known by nothing at once");
    let job = shop.path(&format!("/erasures/{customer}"));
    let done = until("the erasure", || async {
        shop.turn(31).await;
        let now = shop.api.get(&job).await;
        (now["status"] == "done").then_some(now)
    })
    .await;
    assert!(done["messages"].as_u64().unwrap() >= 5 && done["bodies"].as_u64().unwrap() >= 2, "{done}");
    for secret in secrets {
        assert_eq!(places(dir.path(), secret), Vec::<String>::new(), "{secret} is still there");
        if let Some(kept) = &kept {
            assert_eq!(kept.rows(secret), Vec::<String>::new(), "{secret} is still there");
        }
    }
    // Room that PostgreSQL has freed it overwrites when it uses it again; an operator who cannot wait has it written anew.
    if let Some(kept) = &kept {
        kept.ask("VACUUM FULL");
        let files = kept.files();
        for secret in secrets {
            assert_eq!(among(files.clone(), secret), Vec::<String>::new(), "{secret} is still there");
        }
    }
    // Positions stay; the key sends nothing again; the log says it without saying of whom.
    let after = shop.api.get(&shop.path("/events?limit=200")).await;
    let positions =
        |page: &Value| page["data"].as_array().unwrap().iter().map(|e| e["position"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(positions(&after)[..20], positions(&events)[..20]);
    let log = shop.api.get(&shop.path("/audit")).await;
    let of_her = log["data"].as_array().unwrap().iter().filter(|line| line["object"] == customer.as_str());
    let actions: Vec<&str> = of_her.map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["customer.erased", "customer.erasure_asked"]);
    // Others are as they were, and she is somebody new when she writes again.
    shop.customer_sends(ANA, json!({ "type": "text", "text": { "body": "Me again" } })).await;
    let again = shop.api.get(&path).await;
    assert_ne!(again["customerId"], json!(customer));
    assert!(again["consent"]["marketing"].is_null());
}
