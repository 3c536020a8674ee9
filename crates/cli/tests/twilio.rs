//! Twilio's dialect on the running product, where its SDKs alone cannot look: over a kill, a turned clock, and both channels.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use common::{Dev, until};

/// An account, as an SDK speaks for it.
struct Account<'a> {
    dev: &'a Dev,
    http: reqwest::Client,
}

impl<'a> Account<'a> {
    fn of(dev: &'a Dev) -> Self {
        Self { dev, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn ask(&self, method: Method, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let env = &self.dev.env;
        let path = match path.strip_prefix("Messages") {
            Some(rest) => format!("/2010-04-01/Accounts/{}/Messages{rest}", env["TWILIO_ACCOUNT_SID"]),
            None => path.to_owned(),
        };
        let request = self.http.request(method, format!("{}{path}", env["TRANSOM_URL"].trim_end_matches('/')));
        let request = request.basic_auth(&env["TWILIO_ACCOUNT_SID"], Some(&env["TWILIO_AUTH_TOKEN"]));
        let request = if form.is_empty() { request } else { request.form(form) };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Creates a message that must be accepted; gives its SID.
    async fn create(&self, form: &[(&str, &str)]) -> String {
        let (status, made) = self.ask(Method::POST, "Messages.json", form).await;
        assert_eq!(status, 201, "{made}");
        made["sid"].as_str().unwrap().to_owned()
    }

    async fn fetch(&self, sid: &str) -> Value {
        self.ask(Method::GET, &format!("Messages/{sid}.json"), &[]).await.1
    }

    /// A message once it has this status.
    async fn once(&self, sid: &str, status: &str) -> Value {
        until(status, || async { Some(self.fetch(sid).await).filter(|message| message["status"] == status) }).await
    }

    /// The bodies of messages that a query finds, in order.
    async fn bodies(&self, query: &[(&str, &str)]) -> Vec<String> {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let (status, list) = self.ask(Method::GET, &format!("Messages.json?{query}"), &[]).await;
        assert_eq!(status, 200, "{list}");
        list["messages"].as_array().unwrap().iter().map(|m| m["body"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

async fn turn(dev: &Dev, seconds: i64) {
    dev.desk.post("/sim/v1/clock", &json!({ "advanceSeconds": seconds })).await;
}

#[tokio::test]
async fn what_is_scheduled_survives_a_kill_and_is_judged_again_when_it_is_due() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::open(folder.path());
    let (ana, bo) = (dev.phone_of("Ana").await, dev.phone_of("Bo").await);
    let (ana, bo) = (format!("whatsapp:{ana}"), format!("whatsapp:{bo}"));
    let sender = format!("whatsapp:{}", dev.env["TRANSOM_SENDER"]);
    let account = Account::of(&dev);
    let (status, service) =
        account.ask(Method::POST, "/v1/Services", &[("FriendlyName", "Timed"), ("ValidityPeriod", "600")]).await;
    assert_eq!(status, 201, "{service}");
    let service = service["sid"].as_str().unwrap();
    let at = |minutes: i64| (Timestamp::now() + SignedDuration::from_mins(minutes)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let timed = |to: &str, body: &str, at: &str| {
        let form = [("To", to), ("From", &sender), ("Body", body), ("MessagingServiceSid", service), ("ScheduleType", "fixed")];
        form.into_iter().chain([("SendAt", at)]).map(|(n, v)| (n.to_owned(), v.to_owned())).collect::<Vec<_>>()
    };
    let schedule = async |account: &Account<'_>, form: Vec<(String, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        account.create(&form).await
    };
    let goes = schedule(&account, timed(&ana, "goes", &at(10))).await;
    let stopped = schedule(&account, timed(&ana, "stopped", &at(10))).await;
    // Nobody's session is open for long: whether one is counts when the message is due.
    let never = schedule(&account, timed(&bo, "never", &at(10))).await;
    let too_late = schedule(&account, timed(&ana, "too late", &at(25 * 60))).await;
    dev.running.kill();

    let dev = Dev::open(folder.path());
    let account = Account::of(&dev);
    for sid in [&goes, &stopped, &never, &too_late] {
        let message = account.fetch(sid).await;
        assert_eq!((&message["status"], &message["date_sent"]), (&json!("scheduled"), &Value::Null), "{message}");
    }
    let (status, cancelled) = account.ask(Method::POST, &format!("Messages/{stopped}.json"), &[("Status", "canceled")]).await;
    assert_eq!((status, &cancelled["status"]), (200, &json!("canceled")), "{cancelled}");
    let (status, refused) = account.ask(Method::POST, &format!("Messages/{stopped}.json"), &[("Status", "canceled")]).await;
    assert_eq!((status, &refused["code"]), (400, &json!(30409)));
    turn(&dev, 11 * 60).await;
    let went = account.once(&goes, "delivered").await;
    assert!(went["date_sent"].is_string(), "{went}");
    assert_eq!(account.once(&never, "undelivered").await["error_code"], 63016);
    assert_eq!(account.fetch(&too_late).await["status"], "scheduled");
    // Due a moment ago: its service gives it ten minutes.
    turn(&dev, 25 * 3_600 - 10 * 60).await;
    assert_eq!(account.once(&too_late, "undelivered").await["error_code"], 63016);
    assert_eq!(account.fetch(&stopped).await["status"], "canceled");
    let inbox = dev.desk.get(&format!("/sim/v1/customers/{}/inbox", ana.replace("whatsapp:+", "%2B"))).await;
    let came: Vec<&Value> = inbox["data"].as_array().unwrap().iter().filter(|m| m["direction"] == "in").collect();
    assert_eq!((came.len(), &came[0]["message"]["text"]["body"]), (1, &json!("goes")), "{came:?}");
}

#[tokio::test]
async fn business_scoped_ids_and_messenger_go_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::open(folder.path());
    let account = Account::of(&dev);
    let people = dev.desk.get("/sim/v1/customers").await;
    let ana = people["data"].as_array().unwrap().iter().find(|customer| customer["name"] == "Ana").unwrap();
    let (sender, id) =
        (format!("whatsapp:{}", dev.env["TRANSOM_SENDER"]), format!("whatsapp:{}", ana["userId"].as_str().unwrap()));
    let sent = account.create(&[("To", &id), ("From", &sender), ("Body", "To an id")]).await;
    assert_eq!(account.once(&sent, "delivered").await["to"], id);
    assert_eq!(account.bodies(&[("To", &id), ("From", &sender)]).await, ["To an id"]);
    // Who is named by the id is the same customer as by the number.
    assert!(account.bodies(&[("From", &id)]).await.iter().all(|body| !body.is_empty()));
    assert_eq!(
        account.bodies(&[("From", &id)]).await,
        account.bodies(&[("From", &format!("whatsapp:{}", ana["phone"].as_str().unwrap()))]).await
    );

    let made = dev.desk.post("/sim/v1/customers", &json!({ "channel": "messenger", "name": "Cleo" })).await;
    let psid = made["psid"].as_str().unwrap();
    dev.desk
        .post(&format!("/sim/v1/customers/{psid}/messages"), &json!({ "type": "text", "text": { "body": "Hello Page" } }))
        .await;
    let (cleo, page) = (format!("messenger:{psid}"), format!("messenger:{}", dev.env["MESSENGER_PAGE_ID"]));
    until("Cleo's message", || async {
        (account.bodies(&[("From", &cleo), ("To", &page)]).await == ["Hello Page"]).then_some(())
    })
    .await;
    let answer = account.create(&[("To", &cleo), ("From", &page), ("Body", "Hello Cleo")]).await;
    let answered = until("a delivery", || async {
        let message = account.fetch(&answer).await;
        matches!(message["status"].as_str(), Some("delivered" | "read")).then_some(message)
    })
    .await;
    assert_eq!((&answered["from"], &answered["to"]), (&json!(page), &json!(cleo)));
    let (status, refused) = account.ask(Method::POST, "Messages.json", &[("To", &cleo), ("From", &sender), ("Body", "x")]).await;
    assert_eq!((status, &refused["code"]), (400, &json!(21910)));
}
