//! What is over goes at its time and what is not stays: each kind for as many days as a business chose, on the turned clock of the
//! running binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;
mod shop;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};

use common::{Api, at, json as told, said, transom, until};
use shop::{Shop, id};

const PHONE: &str = "+491704000091";
const HOUR: u64 = 3_600;
/// By how much what is young is younger than what is old.
const APART: u64 = 20 * HOUR;

/// What was said and sent at one time.
struct Talk {
    /// What the customer wrote, and its message.
    asked: (&'static str, String),
    /// What the customer's file holds, and its message.
    file: (&'static str, String),
    /// What the business answered, and its message.
    answered: (&'static str, String),
    /// What the business' own file holds, the file, and the message that carried it.
    sent: (&'static str, String, String),
}

async fn upload(shop: &Shop, business: &str, key: &str, words: &str) -> Value {
    let url = format!("{}/v1/businesses/{business}/media?filename=a.txt", shop.env["TRANSOM_URL"]);
    let headers = [("content-type", "text/plain"), ("x-api-key", key)];
    let answer = shop.raw(Method::POST, &url, &headers, words.as_bytes().to_vec()).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    answer.json
}

impl Talk {
    async fn hold(shop: &Shop, words: [&'static str; 4]) -> Self {
        let [asked, file, answered, sent] = words;
        let heard = id(&shop.customer_sends(PHONE, json!({ "type": "text", "text": { "body": asked } })).await);
        let document = json!({ "mime_type": "text/plain", "filename": "b.txt", "data": BASE64.encode(file) });
        let with_file = id(&shop.customer_sends(PHONE, json!({ "type": "document", "document": document })).await);
        let path = shop.path(&format!("/media/{with_file}"));
        until("the file", || async { (shop.api.get(&path).await["state"] == "stored").then_some(()) }).await;
        let answer = shop.say(PHONE, json!({ "text": answered }), json!({})).await;
        let own = upload(shop, &shop.env["TRANSOM_BUSINESS"], &shop.env["TRANSOM_API_KEY"], sent).await;
        let attached = json!({ "attachments": [{ "type": "document", "url": own["reference"] }] });
        let carried = shop.say(PHONE, attached, json!({})).await;
        for sent in [&answer, &carried] {
            shop.once(sent, "delivered").await;
        }
        Self { asked: (asked, heard), file: (file, with_file), answered: (answered, answer), sent: (sent, id(&own), carried) }
    }

    /// Which files are there, by the API and in the folder: the customer's, and our own.
    async fn files(&self, shop: &Shop, dir: &Path) -> [bool; 2] {
        let mut there = [false; 2];
        for ((words, id), there) in [(self.file.0, &self.file.1), (self.sent.0, &self.sent.1)].into_iter().zip(&mut there) {
            let (status, shown) = shop.api.call(Method::GET, &shop.path(&format!("/media/{id}")), None).await;
            *there = match status {
                200 => {
                    let link = shown["url"].as_str().unwrap();
                    assert_eq!(shop.raw(Method::GET, link, &[], Vec::new()).await.status, 200, "{shown}");
                    true
                }
                404 => lies_in(&dir.join("gateway/media"), words),
                status => panic!("HTTP {status}: {shown}"),
            };
        }
        there
    }

    /// How many raw webhooks a search for what was asked finds.
    async fn webhooks(&self, shop: &Shop) -> usize {
        let found = shop.api.get(&shop.path(&format!("/journal?text={}", self.asked.0))).await;
        found["data"].as_array().unwrap().len()
    }

    /// Which contents are there: of what was asked, the file's, the answer, and what carried ours.
    async fn contents(&self, shop: &Shop) -> [bool; 4] {
        let mut there = [false; 4];
        let all = [&self.asked.1, &self.file.1, &self.answered.1, &self.sent.2];
        for (id, there) in all.into_iter().zip(&mut there) {
            let message = shop.api.get(&shop.path(&format!("/messages/{id}"))).await;
            // Whatever becomes of the content, what became of the message stays.
            let inbound = message["direction"] == "inbound";
            assert!(message["status"] == if inbound { "received" } else { "delivered" }, "{message}");
            assert!(!message["timeline"].as_array().unwrap().is_empty(), "{message}");
            *there = message["redacted"] == false;
        }
        let words = [self.asked.0, self.answered.0];
        for (id, word) in [&self.asked.1, &self.answered.1].into_iter().zip(words) {
            let message = shop.api.get(&shop.path(&format!("/messages/{id}"))).await;
            assert_eq!(message["redacted"] == false, message["content"].to_string().contains(word), "{message}");
        }
        there
    }

    /// The positions of the events that told of what was asked and answered, and whether the word itself stands in one.
    async fn events(&self, shop: &Shop) -> (Vec<u64>, bool) {
        let page = shop.api.get(&shop.path("/events?limit=200")).await;
        let data = page["data"].as_array().unwrap();
        let of = |event: &&Value| [&self.asked.1, &self.answered.1].iter().any(|id| event["data"]["messageId"] == id.as_str());
        let positions = data.iter().filter(of).map(|event| event["position"].as_u64().unwrap()).collect();
        (positions, data.iter().any(|event| event.to_string().contains(self.asked.0)))
    }
}

fn lies_in(dir: &Path, words: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(dir) else { return false };
    entries.map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return lies_in(&path, words);
        }
        // One that goes between the listing and the look is gone.
        std::fs::read(&path).is_ok_and(|bytes| bytes.windows(words.len()).any(|window| window == words.as_bytes()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_goes_at_the_time_that_its_business_chose() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(dir.path());
    let retention = |args: &[&str]| {
        let mut command = transom();
        command.args(["retention"]).args(args).arg("--dir").arg(dir.path());
        command
    };
    // Nothing is kept for longer than the configuration allows, and what was refused changed nothing.
    let before = told(&mut retention(&["show", "--json"]));
    let (code, why) = said(&mut retention(&["set", "--journal", "15"]));
    assert!(code == Some(1) && why.contains("journalDays") && why.contains("1 to 14"), "{code:?}: {why}");
    assert_eq!(told(&mut retention(&["show", "--json"])), before);
    let chosen = told(&mut retention(&["set", "--media", "1", "--journal", "2", "--bodies", "3", "--events", "4", "--json"]));
    let kept = ["media", "journal", "bodies", "events"].map(|kind| chosen[kind]["kept"].as_str().unwrap());
    assert_eq!(kept, ["1d", "2d", "3d", "4d"]);
    // Another business chose nothing.
    let other = id(&told(at(&dir.path().join("gateway"), &["business", "add", "--name", "Elsewhere"]).arg("--json")));
    let key = told(at(&dir.path().join("gateway"), &["key", "add", "--business", &other]).arg("--json"))["text"].clone();
    let elsewhere = Api::new(&shop.env["TRANSOM_URL"], key.as_str().unwrap());
    let theirs = id(&upload(&shop, &other, key.as_str().unwrap(), "a-file-from-elsewhere").await);
    let theirs = format!("/v1/businesses/{other}/media/{theirs}");

    shop.customer(PHONE, json!({})).await;
    let old = Talk::hold(&shop, ["an-old-question", "an-old-file", "an-old-answer", "an-old-leaflet"]).await;
    shop.turn(APART).await;
    let young = Talk::hold(&shop, ["a-young-question", "a-young-file", "a-young-answer", "a-young-leaflet"]).await;
    let (first, word) = old.events(&shop).await;
    assert!(first.len() >= 3 && word, "{first:?}");
    assert_eq!((old.files(&shop, dir.path()).await, old.webhooks(&shop).await), ([true; 2], 1));

    // A day after the first talk: files.
    shop.turn(5 * HOUR).await;
    until("the old files' end", || async { (old.files(&shop, dir.path()).await == [false; 2]).then_some(()) }).await;
    assert_eq!(young.files(&shop, dir.path()).await, [true; 2]);
    assert_eq!((old.webhooks(&shop).await, old.contents(&shop).await), (1, [true; 4]));

    // Two days: raw webhooks.
    shop.turn(24 * HOUR).await;
    until("the old webhooks' end", || async { (old.webhooks(&shop).await == 0).then_some(()) }).await;
    assert_eq!((young.webhooks(&shop).await, old.contents(&shop).await), (1, [true; 4]));
    assert_eq!(old.events(&shop).await, (first.clone(), true));

    // Three days: contents, in events too, which stay themselves.
    shop.turn(24 * HOUR).await;
    until("the old contents' end", || async { (old.contents(&shop).await == [false; 4]).then_some(()) }).await;
    assert_eq!((young.contents(&shop).await, old.events(&shop).await), ([true; 4], (first.clone(), false)));
    assert!(young.events(&shop).await.1);

    // Four days: events. Who comes with a cursor from before is told from where there is something.
    assert_eq!(shop.api.get(&shop.path("/events?after=0&limit=1")).await["earliest"], 1);
    shop.turn(24 * HOUR).await;
    let gone = until("the old events' end", || async {
        let (status, answer) = shop.api.call(Method::GET, &shop.path("/events?after=0"), None).await;
        let over = answer["details"]["earliest"].as_u64().is_some_and(|earliest| first.iter().all(|event| *event <= earliest));
        (status == 410 && over).then_some(answer)
    })
    .await;
    let earliest = &gone["details"]["earliest"];
    let page = shop.api.get(&shop.path(&format!("/events?after={earliest}&limit=1"))).await;
    assert_eq!(page["data"][0]["position"], page["earliest"], "{gone}");
    let (left, _) = young.events(&shop).await;
    assert!(left.len() >= 3 && old.events(&shop).await.0.is_empty());
    assert_eq!(elsewhere.get(&theirs).await["state"], "stored", "another business' files have their own time");

    // The messages themselves are kept as configured, and so is what a business chose nothing for.
    assert_eq!(old.contents(&shop).await, [false; 4]);
    shop.turn(87 * 24 * HOUR).await;
    for path in [shop.path(&format!("/messages/{}", old.asked.1)), shop.path(&format!("/messages/{}", old.answered.1))] {
        until("the message's end", || async { (shop.api.call(Method::GET, &path, None).await.0 == 404).then_some(()) }).await;
    }
    until("the other file's end", || async { (elsewhere.call(Method::GET, &theirs, None).await.0 == 404).then_some(()) }).await;
    until("its bytes' end", || async { (!lies_in(&dir.path().join("gateway/media"), "elsewhere")).then_some(()) }).await;
}
