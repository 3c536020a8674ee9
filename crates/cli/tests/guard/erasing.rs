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

/// Every file of the gateway's store with its bytes; on PostgreSQL, what a dump of its database has, too. (What a server that has rows of
/// many keeps of those that are gone, until it cleans up, is its own.)
fn store(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    fn files(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, found) } else { found.push(path) }
        }
    }
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

/// Where a text stands in the store: as it is, or in Base64 wherever it begins, as in the upstream's ids.
fn places(dir: &Path, text: &str) -> Vec<String> {
    // A dump writes bytes as digits.
    let mut forms = vec![text.to_owned(), text.bytes().map(|byte| format!("{byte:02x}")).collect()];
    for shift in 0..3 {
        let coded = BASE64.encode([&b"   "[..shift], text.as_bytes()].concat());
        // Without what the bytes before and after it decide.
        let (from, to) = ([0, 2, 3][shift], coded.len() - usize::from(!(shift + text.len()).is_multiple_of(3)));
        forms.push(coded[from..to].to_owned());
    }
    let stands = |bytes: &[u8]| forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form.as_bytes()));
    store(dir).into_iter().filter(|(_, bytes)| stands(bytes)).map(|(path, _)| path.display().to_string()).collect()
}

async fn talk(shop: &Shop, phone: &str, name: &str) {
    shop.customer(phone, json!({ "name": name })).await;
    shop.customer_sends(phone, json!({ "type": "text", "text": { "body": WORDS[0] } })).await;
    let answer = shop.say(phone, json!({ "text": WORDS[1] }), json!({ "callbackData": { "for": WORDS[1] } })).await;
    shop.once(&answer, "delivered").await;
    let news = shop.template(&templated(phone, "parcel_news", &[])).await;
    shop.once(&news, "delivered").await;
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
    let secrets = [digits, user_id.as_str(), NAME, WORDS[2], FILE];
    for secret in secrets {
        assert!(!places(dir.path(), secret).is_empty(), "{secret} is not found before: the search finds nothing");
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
