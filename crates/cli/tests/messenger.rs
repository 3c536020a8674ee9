//! Messenger on the running product: a Page, the people who write to it, and what may go to them when.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};

use common::{Dev, until, until_seen};

/// A person who writes to the desk's Page.
struct Person<'a> {
    dev: &'a Dev,
    psid: String,
}

impl<'a> Person<'a> {
    async fn new(dev: &'a Dev) -> Self {
        let made = dev.desk.post("/sim/v1/customers", &json!({ "channel": "messenger", "name": "Cleo" })).await;
        Self { dev, psid: made["psid"].as_str().unwrap().to_owned() }
    }

    fn path(&self, rest: &str) -> String {
        format!("/sim/v1/customers/{}/{rest}", self.psid)
    }

    fn address(&self) -> String {
        format!("messenger:{}", self.psid)
    }

    /// Writes, and waits until it is heard.
    async fn writes(&self, body: Value) -> Value {
        let written = self.dev.desk.post(&self.path("messages"), &body).await;
        self.heard(&written).await
    }

    /// Taps, and waits until it is heard.
    async fn taps(&self, body: Value) -> Value {
        let tapped = self.dev.desk.post(&self.path("taps"), &body).await;
        self.heard(&tapped).await
    }

    /// The message with this person's `mid`, as the gateway has it.
    async fn heard(&self, said: &Value) -> Value {
        until("the message", || async {
            let list = self.dev.api.get(&self.dev.path(&format!("/messages?to={}", self.address()))).await;
            let all = list["data"].as_array().unwrap().clone();
            all.into_iter().find(|message| message["details"]["providerMessageId"] == said["mid"])
        })
        .await
    }

    async fn inbox(&self) -> Vec<Value> {
        self.dev.desk.get(&self.path("inbox")).await["data"].as_array().unwrap().clone()
    }

    fn content(&self, types: Value) -> Value {
        json!({ "to": self.address(), "content": { "language": "en", "types": types } })
    }

    fn text(&self, body: &str) -> Value {
        self.content(json!({ "twilio/text": { "body": body } }))
    }

    async fn send(&self, body: &Value) -> (u16, Value) {
        self.dev.api.call(Method::POST, &self.dev.path("/messages"), Some(body)).await
    }

    /// Sends, and gives the path of the message.
    async fn sent(&self, body: &Value) -> String {
        let (status, answer) = self.send(body).await;
        assert_eq!(status, 201, "{answer}");
        self.dev.path(&format!("/messages/{}", answer["id"].as_str().unwrap()))
    }

    async fn becomes(&self, path: &str, wanted: &str) -> Value {
        until_seen(wanted, || async {
            let message = self.dev.api.get(path).await;
            if message["status"] == wanted { Ok(message) } else { Err(message) }
        })
        .await
    }
}

async fn advance(dev: &Dev, seconds: i64) {
    dev.desk.post("/sim/v1/clock", &json!({ "advanceSeconds": seconds })).await;
}

#[tokio::test]
async fn a_conversation_from_the_phone_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    let (page, token) = (&dev.env["MESSENGER_PAGE_ID"], &dev.env["MESSENGER_PAGE_TOKEN"]);
    assert!(page.len() <= 15 && page.bytes().all(|b| b.is_ascii_digit()) && token.len() > 20);
    let cleo = Person::new(&dev).await;

    // Nobody may write first on Messenger.
    let (status, refused) = cleo.send(&cleo.text("Hello")).await;
    let verdict = &refused["details"]["verdict"];
    assert_eq!((status, &verdict["kind"], &verdict["reason"]), (400, &json!("unsupported"), &json!("session_required")));

    let inbound = cleo.writes(json!({ "type": "text", "text": { "body": "Grüße! Are you open?" } })).await;
    assert_eq!(
        (&inbound["content"]["message"]["text"], &inbound["status"]),
        (&json!("Grüße! Are you open?"), &json!("received"))
    );

    let path = cleo.sent(&cleo.text("We are, till six.")).await;
    cleo.becomes(&path, "delivered").await;
    let shown = cleo.inbox().await;
    assert_eq!(shown.last().unwrap()["message"]["text"], "We are, till six.");

    // What the customer wrote is marked as seen, and somebody types.
    let read = format!("{}/{}/read", dev.path("/messages"), inbound["id"].as_str().unwrap());
    let (status, _) = dev.api.call(Method::POST, &read, Some(&json!({ "typing": true }))).await;
    assert!((200..300).contains(&status));
    assert_eq!(cleo.inbox().await[0]["readByBusiness"], true);
    assert_eq!(dev.desk.get(&format!("/sim/v1/customers/{}", cleo.psid)).await["typing"], true);

    dev.desk.post(&cleo.path("reads"), &json!({})).await;
    let message = cleo.becomes(&path, "read").await;
    let told: Vec<&str> = message["timeline"].as_array().unwrap().iter().map(|entry| entry["what"].as_str().unwrap()).collect();
    for step in ["attempt_started", "sent", "delivered", "read"] {
        assert!(told.contains(&step), "{told:?} has no {step}");
    }

    // A second start keeps Page and token, and goes on.
    let (kept, psid) = ((page.clone(), token.clone()), cleo.psid);
    assert!(dev.running.terminate());
    let again = Dev::open(dir.path());
    assert_eq!((again.env["MESSENGER_PAGE_ID"].clone(), again.env["MESSENGER_PAGE_TOKEN"].clone()), kept);
    let cleo = Person { dev: &again, psid };
    let path = cleo.sent(&cleo.text("Still here.")).await;
    cleo.becomes(&path, "delivered").await;
    assert!(again.running.terminate());
}

/// Messenger's webhooks tell no type: a file has the one that its download told, and can be sent on as what it is.
#[tokio::test]
async fn a_file_from_the_phone_has_the_type_that_its_download_told() {
    const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n a picture";
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    let cleo = Person::new(&dev).await;
    // Writes, and waits until the file is here: its message, and what is known of it.
    let stored = async |kind: &str, object: Value| {
        let heard = cleo.writes(json!({ "type": kind, kind: object })).await;
        let id = heard["content"]["message"]["attachments"][0]["mediaId"].as_str().unwrap();
        let path = dev.path(&format!("/media/{id}"));
        let media = until_seen("the file", || async {
            let media = dev.api.get(&path).await;
            if media["state"] == "stored" { Ok(media) } else { Err(media) }
        })
        .await;
        (heard, media)
    };
    for (kind, mime_type) in [("file", "application/pdf"), ("sticker", "image/png")] {
        let (_, sample) = stored(kind, json!({})).await;
        assert_eq!(sample["mimeType"], mime_type, "{sample}");
    }

    let image = json!({ "mime_type": "image/png", "data": BASE64.encode(PICTURE), "text": "Mine" });
    let (heard, media) = stored("image", image).await;
    assert_eq!((&media["mimeType"], &media["size"]), (&json!("image/png"), &json!(PICTURE.len())), "{media}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(media["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(answer.headers()["content-disposition"], "inline");
    assert_eq!(answer.bytes().await.unwrap(), PICTURE);
    let message = dev.api.get(&dev.path(&format!("/messages/{}", heard["id"].as_str().unwrap()))).await;
    assert_eq!(message["content"]["message"]["attachments"][0]["mimeType"], "image/png", "{message}");

    let mut onward = cleo.content(json!({ "twilio/media": { "body": "Hers", "media": [media["reference"]] } }));
    onward["to"] = json!(dev.phone_of("Ana").await);
    let path = cleo.sent(&onward).await;
    cleo.becomes(&path, "delivered").await;
    assert!(dev.running.terminate());
}

/// The seed's column for Messenger, written by hand: what goes inside a session, and what the phone then shows.
#[tokio::test]
async fn every_content_type_does_on_messenger_what_the_table_says() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    let cleo = Person::new(&dev).await;
    let image = "https://shop.example.com/1.jpg";
    let url = json!({ "type": "URL", "title": "Site", "url": "https://shop.example.com" });
    let quick = json!({ "type": "QUICK_REPLY", "title": "Yes", "id": "YES_17" });
    let catalog = dev.env["META_CATALOG_ID"].clone();
    let rows: [(&str, Value, Option<&str>); 13] = [
        ("twilio/text", json!({ "body": "Hi" }), Some("text")),
        ("twilio/media", json!({ "media": [image] }), Some("image")),
        ("twilio/location", json!({ "latitude": 52.5, "longitude": 13.4, "label": "Shop" }), None),
        ("twilio/quick-reply", json!({ "body": "Ten?", "actions": [quick] }), Some("text")),
        (
            "twilio/call-to-action",
            json!({ "body": "Look", "actions": [url, { "type": "PHONE_NUMBER", "title": "Call", "phone": "+4930123456" }] }),
            Some("button"),
        ),
        ("twilio/list-picker", json!({ "body": "Choose", "button": "Open", "items": [{ "id": "1", "item": "One" }] }), None),
        ("twilio/card", json!({ "title": "Shoes", "subtitle": "Blue", "media": [image], "actions": [quick] }), Some("generic")),
        (
            "twilio/carousel",
            json!({ "body": "Look", "cards": [
            { "title": "A", "body": "a", "media": image, "actions": [url] }, { "title": "B", "body": "b", "media": image, "actions": [url] }] }),
            None,
        ),
        ("twilio/catalog", json!({ "id": catalog, "body": "All" }), None),
        (
            "twilio/flows",
            json!({ "body": "Book", "button_text": "Book", "type": "OTHER", "pages": [
            { "id": "p", "title": "When", "layout": [{ "type": "TEXT_BODY", "text": "Choose" }] }] }),
            None,
        ),
        ("whatsapp/card", json!({ "body": "Hi", "footer": "Bye" }), None),
        (
            "whatsapp/authentication",
            json!({ "add_security_recommendation": true, "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy" }] }),
            None,
        ),
        ("whatsapp/flows", json!({ "body": "Book", "button_text": "Book", "flow_id": "1" }), None),
    ];
    // Outside a session nothing goes, whatever it is.
    for (kind, body, _) in &rows {
        let mut asked = cleo.content(json!({ *kind: body }));
        if *kind == "whatsapp/authentication" {
            asked["variables"] = json!({ "1": "123456" });
        }
        let (status, refused) = cleo.send(&asked).await;
        assert_eq!((status, &refused["details"]["verdict"]["reason"]), (400, &json!("session_required")), "{kind}: {refused}");
    }
    cleo.writes(json!({ "type": "text", "text": { "body": "Hi" } })).await;
    for (kind, body, shown) in &rows {
        let mut asked = cleo.content(json!({ *kind: body }));
        if *kind == "whatsapp/authentication" {
            asked["variables"] = json!({ "1": "123456" });
        }
        let Some(shown) = shown else {
            let (status, refused) = cleo.send(&asked).await;
            let verdict = &refused["details"]["verdict"];
            assert_eq!(
                (status, &verdict["kind"], &verdict["reason"]),
                (400, &json!("unsupported"), &json!("channel_cannot_carry")),
                "{kind}: {refused}"
            );
            continue;
        };
        let before = cleo.inbox().await.len();
        let path = cleo.sent(&asked).await;
        cleo.becomes(&path, "delivered").await;
        let inbox = cleo.inbox().await;
        assert_eq!((inbox.len(), inbox[before]["type"].as_str()), (before + 1, Some(*shown)), "{kind}");
    }
    // What is tapped comes back with its payload.
    let inbox = cleo.inbox().await;
    let with = |key: &str| inbox.iter().find(|m| m["message"].to_string().contains(key)).unwrap()["mid"].clone();
    for carries in ["quick_replies", "generic"] {
        let heard = cleo.taps(json!({ "messageId": with(carries), "buttonIndex": 0 })).await;
        assert!(heard["content"].to_string().contains("YES_17"), "{carries}: {heard}");
    }

    // A file with a text: the file, and the text after it, as one message of ours.
    let before = cleo.inbox().await.len();
    let path = cleo
        .sent(&cleo.content(json!({ "twilio/media": { "body": "Your bill", "media": ["https://shop.example.com/bill.pdf"] } })))
        .await;
    cleo.becomes(&path, "delivered").await;
    let inbox = until("both parts", || async { Some(cleo.inbox().await).filter(|inbox| inbox.len() == before + 2) }).await;
    let kinds: Vec<&str> = inbox[before..].iter().map(|m| m["type"].as_str().unwrap()).collect();
    assert_eq!((kinds, &inbox[before + 1]["message"]["text"]), (vec!["file", "text"], &json!("Your bill")));

    // Too long for a card there, and nothing that could carry more.
    let long = cleo.content(json!({ "twilio/card": { "title": "x".repeat(81), "media": [image] } }));
    let (status, refused) = cleo.send(&long).await;
    assert_eq!((status, &refused["details"]["verdict"]["reason"]), (400, &json!("over_session_limits")), "{refused}");

    // The published session message, as text and reply buttons; what Messenger lacks is an invalid request there.
    let published = |message: Value| json!({ "recipient": { "id": cleo.psid, "channelType": "messenger" }, "message": message });
    let session = dev.path("/send/messages");
    let buttons = published(
        json!({ "text": "Ten?", "replyButtonMessage": { "buttons": [{ "id": "a", "text": "A" }, { "id": "b", "text": "B" }] } }),
    );
    let sent = dev.api.post(&session, &buttons).await;
    cleo.becomes(&dev.path(&format!("/messages/{}", sent["id"].as_str().unwrap())), "delivered").await;
    let place = published(json!({ "location": { "latitude": 1.0, "longitude": 2.0, "name": "a", "address": "b" } }));
    let (status, refused) = dev.api.call(Method::POST, &session, Some(&place)).await;
    assert_eq!((status, refused["type"].as_str()), (400, Some("ERROR_TYPE_INVALID_REQUEST")), "{refused}");
    assert!(dev.running.terminate());
}

#[tokio::test]
async fn a_page_whose_token_was_refused_goes_on_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    let cleo = Person::new(&dev).await;
    cleo.writes(json!({ "type": "text", "text": { "body": "Hello" } })).await;
    let state = async || {
        let senders = dev.api.get(&dev.path("/senders")).await;
        senders["data"].as_array().unwrap().iter().find(|one| one["channel"] == "messenger").unwrap()["state"].clone()
    };
    let refused = json!([{ "kind": "error", "code": 190, "count": 1, "on": "messages" }]);
    dev.desk.call(Method::PUT, "/sim/v1/faults", Some(&refused)).await;
    let path = cleo.sent(&cleo.text("Good day")).await;
    until("the Page is stopped", || async { (state().await == "stopped").then_some(()) }).await;
    until("the Page goes on", || async {
        advance(&dev, 60).await;
        (state().await == "active").then_some(())
    })
    .await;
    let next = cleo.sent(&cleo.text("Here we are again")).await;
    cleo.becomes(&next, "delivered").await;
    let first = dev.api.get(&path).await;
    assert!(["delivered", "failed"].contains(&first["status"].as_str().unwrap()), "{first}");
    // What a Page does not have is not asked of it.
    let requests = dev.desk.get("/sim/v1/requests").await;
    let wrong = requests["data"].as_array().unwrap().iter().find(|r| r["answer"].to_string().contains("nonexisting field"));
    assert_eq!(wrong, None);
    assert!(dev.running.terminate());
}

#[tokio::test]
async fn a_named_human_may_answer_for_seven_days() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    let cleo = Person::new(&dev).await;
    cleo.writes(json!({ "type": "text", "text": { "body": "It broke" } })).await;
    advance(&dev, 30 * 3_600).await;

    let refused = cleo.send(&cleo.text("We mended it.")).await.1;
    let verdict = &refused["details"]["verdict"];
    assert_eq!(verdict["reason"], "session_required");
    assert!(verdict["alternatives"].as_array().unwrap().iter().any(|a| a["action"] == "name_human"), "{verdict}");

    let mut answer = cleo.text("We mended it. Kim");
    answer["humanAgent"] = json!({ "name": "Kim" });
    let path = cleo.sent(&answer).await;
    let message = cleo.becomes(&path, "delivered").await;
    assert_eq!(message["verdict"]["reason"], "human_agent");
    assert!(message["timeline"].to_string().contains("Kim"), "the story says whose answer it was");
    // On the wire it was tagged.
    let requests = dev.desk.get("/sim/v1/requests").await;
    let tagged = requests["data"].as_array().unwrap().iter().any(|r| r.to_string().contains("HUMAN_AGENT"));
    assert!(tagged);

    // Withdrawn tags are refused with the reason, on WhatsApp a human is nothing special, and after seven days nobody may.
    let mut old = answer.clone();
    old["messageTag"] = json!("ACCOUNT_UPDATE");
    let (status, refused) = cleo.send(&old).await;
    assert!(status == 400 && refused.to_string().contains("withdrawn"), "{refused}");
    let mut elsewhere = answer.clone();
    elsewhere["to"] = json!(dev.phone_of("Ana").await);
    let (status, refused) = cleo.send(&elsewhere).await;
    assert!(status == 400 && refused.to_string().contains("humanAgent"), "{refused}");
    advance(&dev, 6 * 86_400).await;
    let (status, refused) = cleo.send(&answer).await;
    assert_eq!((status, &refused["details"]["verdict"]["reason"]), (400, &json!("session_required")), "{refused}");
    assert!(dev.running.terminate());
}

/// Answers are lost, and everything is killed twice in the middle: what left is known again from its echo, what did not is sent.
#[tokio::test]
async fn lost_answers_and_kills_lose_and_double_nothing() {
    const MESSAGES: usize = 120;
    let dir = tempfile::tempdir().unwrap();
    let mut dev = Dev::open(dir.path());
    let psid = {
        let cleo = Person::new(&dev).await;
        cleo.writes(json!({ "type": "text", "text": { "body": "Hi" } })).await;
        cleo.psid
    };
    let faults =
        json!([{ "kind": "lost_answer", "share": 0.3, "seed": 7 }, { "kind": "webhook_duplicate", "share": 0.2, "seed": 8 }]);
    dev.desk.call(Method::PUT, "/sim/v1/faults", Some(&faults)).await;
    let mut accepted = Vec::new();
    for n in 0..MESSAGES {
        if n == MESSAGES / 3 || n == 2 * MESSAGES / 3 {
            dev.running.kill();
            dev = Dev::open(dir.path());
        }
        let cleo = Person { dev: &dev, psid: psid.clone() };
        // Some take two calls.
        let body = match n % 4 {
            0 => cleo
                .content(json!({ "twilio/media": { "body": format!("text {n}"), "media": ["https://shop.example.com/a.pdf"] } })),
            _ => cleo.text(&format!("text {n}")),
        };
        accepted.push(cleo.sent(&body).await);
    }
    dev.desk.call(Method::PUT, "/sim/v1/faults", Some(&json!([]))).await;
    let cleo = Person { dev: &dev, psid };
    for path in &accepted {
        until_seen("tried", || async {
            let message = dev.api.get(path).await;
            if message["attempts"].as_array().unwrap().is_empty() { Err(message) } else { Ok(()) }
        })
        .await;
    }
    // What is on its way arrives: silence is judged by the clock, and would be no silence. A turn ends when all has come to rest.
    advance(&dev, 1).await;
    // What is still in doubt is decided once the wait is over.
    advance(&dev, 1_200).await;
    for path in &accepted {
        cleo.becomes(path, "delivered").await;
    }
    let mut texts: Vec<String> =
        cleo.inbox().await.iter().filter_map(|m| m["message"]["text"].as_str().map(str::to_owned)).collect();
    texts.retain(|text| text.starts_with("text "));
    texts.sort_unstable();
    let mut wanted: Vec<String> = (0..MESSAGES).map(|n| format!("text {n}")).collect();
    wanted.sort_unstable();
    assert_eq!(texts, wanted, "each text arrived once");
    let files = cleo.inbox().await.iter().filter(|m| m["type"] == "file").count();
    assert_eq!(files, MESSAGES / 4, "each file arrived once");
    assert!(dev.running.terminate());
}

/// Messenger's webhooks carry no names: whoever writes is looked up, once, and may keep the name back.
#[tokio::test]
async fn whoever_writes_is_looked_up_once_and_may_keep_the_name_back() {
    let dir = tempfile::tempdir().unwrap();
    let dev = Dev::open(dir.path());
    let made = async |person: Value| {
        let made = dev.desk.post("/sim/v1/customers", &person).await;
        Person { dev: &dev, psid: made["psid"].as_str().unwrap().to_owned() }
    };
    let cleo = made(json!({ "channel": "messenger", "name": "Cleo Fox" })).await;
    let dan = made(json!({ "channel": "messenger", "name": "Dan Doe", "private": true })).await;
    let hello = json!({ "type": "text", "text": { "body": "Hello" } });
    let name = async |dev: &Dev, person: &Person<'_>| {
        dev.api.get(&dev.path(&format!("/customers/{}", person.address()))).await["name"].clone()
    };
    // How each look at the profile was answered.
    let looks = async |dev: &Dev, psid: &str| -> Vec<Value> {
        let calls = dev.desk.get("/sim/v1/requests?limit=1000").await["data"].as_array().unwrap().clone();
        let of = |call: &&Value| call["method"] == "GET" && call["path"].as_str().unwrap().contains(psid);
        calls.iter().filter(of).map(|call| call["status"].clone()).collect()
    };
    dan.writes(hello.clone()).await;
    cleo.writes(hello.clone()).await;
    until("her name", || async { (name(&dev, &cleo).await == "Cleo Fox").then_some(()) }).await;
    until("his refusal", || async { (!looks(&dev, &dan.psid).await.is_empty()).then_some(()) }).await;
    for person in [&dan, &cleo] {
        person.writes(hello.clone()).await;
    }
    advance(&dev, 3_600).await;
    assert_eq!((looks(&dev, &cleo.psid).await, looks(&dev, &dan.psid).await), (vec![json!(200)], vec![json!(400)]));
    assert_eq!(name(&dev, &dan).await, Value::Null);
    // It finds her by it.
    let found = dev.api.get(&dev.path("/customers?q=cleo")).await;
    assert_eq!(found["data"][0]["name"], "Cleo Fox", "{found}");

    // After a restart nobody is asked about who is called something.
    let psid = cleo.psid.clone();
    assert!(dev.running.terminate());
    let again = Dev::open(dir.path());
    let cleo = Person { dev: &again, psid };
    cleo.writes(hello).await;
    advance(&again, 60).await;
    assert!(looks(&again, &cleo.psid).await.is_empty());
}
