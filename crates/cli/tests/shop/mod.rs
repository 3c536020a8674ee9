//! A shop on `transom dev`: its own folder, its customers on the desk, and what both sides show of each message.

#![expect(dead_code, reason = "each test file uses its own part of this")]

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::common::{self, Api, Dev, Running, transom, until};

/// Bytes of the file behind a template's sample header; nobody looks into it.
const SAMPLE: &[u8] = b"0123456789";

/// An answer with what the tests want of its headers.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) replayed: bool,
    pub(crate) allow: Option<String>,
}

/// A running `dev`, spoken to from outside.
pub(crate) struct Shop {
    running: Running,
    pub(crate) env: BTreeMap<String, String>,
    pub(crate) api: Api,
    pub(crate) desk: Api,
    http: reqwest::Client,
}

impl Shop {
    /// Starts `dev` in a folder, or starts it again.
    pub(crate) fn open(dir: &Path) -> Self {
        let Dev { running, env, api, desk } = Dev::open(dir);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { running, env, api, desk, http }
    }

    /// `kill -9`, of the gateway and the simulator at once.
    pub(crate) fn kill(self) {
        self.running.kill();
    }

    /// A path of this business.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/businesses/{}{rest}", self.env["TRANSOM_BUSINESS"])
    }

    /// A request as raw as needed, with headers of its own.
    pub(crate) async fn raw(&self, method: Method, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = self.http.request(method, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        let (status, allow) = (answer.status().as_u16(), header("allow"));
        let replayed = header("idempotency-replayed").as_deref() == Some("true");
        // A stream has no end to wait for.
        let json = match header("content-type").as_deref() {
            Some("text/event-stream") => Value::Null,
            _ => serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or(Value::Null),
        };
        Answer { status, json, replayed, allow }
    }

    /// A `POST` that only announces a body of so many bytes: what a careful client hears before it sends any of it.
    pub(crate) async fn announced(&self, path: &str, headers: &[(&str, &str)], length: usize) -> Answer {
        let host = self.env["TRANSOM_URL"].strip_prefix("http://").unwrap();
        let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
        let mut head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        socket.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, json: serde_json::from_str(body).unwrap(), replayed: false, allow: None }
    }

    /// A `POST` under an idempotency key.
    pub(crate) async fn keyed(&self, rest: &str, key: &str, body: &Value) -> Answer {
        let url = format!("{}{}", self.env["TRANSOM_URL"], self.path(rest));
        let mut headers = vec![("x-api-key", self.env["TRANSOM_API_KEY"].as_str()), ("content-type", "application/json")];
        if !key.is_empty() {
            headers.push(("idempotency-key", key));
        }
        self.raw(Method::POST, &url, &headers, body.to_string().into_bytes()).await
    }

    /// A customer appears on the desk; the answer has `id`, `phone` and `userId`.
    pub(crate) async fn customer(&self, phone: &str, more: Value) -> Value {
        let mut customer = json!({ "phone": phone, "name": "Marta" });
        customer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.desk.post("/sim/v1/customers", &customer).await
    }

    /// A customer sends something, by default to the first number; gives the message as the gateway has it.
    pub(crate) async fn customer_sends(&self, phone: &str, message: Value) -> Value {
        let mut sent = json!({ "to": self.env["META_PHONE_NUMBER_ID"] });
        sent.as_object_mut().unwrap().extend(message.as_object().unwrap().clone());
        let path = format!("/sim/v1/customers/{}/messages", phone.replace('+', "%2B"));
        let wamid = self.desk.post(&path, &sent).await["wamid"].clone();
        let path = self.path("/messages?direction=inbound&pageSize=100");
        until("the customer's message", || async {
            let heard = self.api.get(&path).await;
            heard["data"].as_array().unwrap().iter().find(|m| m["details"]["providerMessageId"] == wamid).cloned()
        })
        .await
    }

    /// A new customer who has just written.
    pub(crate) async fn writer(&self, phone: &str) {
        self.customer(phone, json!({})).await;
        self.customer_sends(phone, json!({ "type": "text", "text": { "body": "Hello" } })).await;
    }

    /// Turns the clock of both sides.
    pub(crate) async fn turn(&self, seconds: u64) {
        self.desk.post("/sim/v1/clock", &json!({ "advanceSeconds": seconds })).await;
    }

    /// A session message that must be accepted; gives its id.
    pub(crate) async fn say(&self, to: &str, message: Value, more: Value) -> String {
        id(&self.api.post(&self.path("/send/messages"), &session(to, message, more)).await)
    }

    /// A template send that must be accepted; gives its id.
    pub(crate) async fn template(&self, body: &Value) -> String {
        id(&self.api.post(&self.path("/send/whatsapp_templated_messages"), body).await)
    }

    /// A send that must be refused: its status and error object.
    pub(crate) async fn refused(&self, rest: &str, body: &Value) -> (u16, Value) {
        let (status, json) = self.api.call(Method::POST, &self.path(rest), Some(body)).await;
        assert!(status >= 400, "was not refused: {json}");
        (status, json)
    }

    /// A message of ours once it has a status.
    pub(crate) async fn once(&self, id: &str, status: &str) -> Value {
        let path = self.path(&format!("/messages/{id}"));
        until(status, || async {
            let message = self.api.get(&path).await;
            let over = matches!(message["status"].as_str(), Some("failed" | "expired"));
            assert!(!over || message["status"] == status, "{id} went wrong: {}", message["error"]);
            (message["status"] == status).then_some(message)
        })
        .await
    }

    /// Every send of a message that Graph has received, as it was, with Graph's status.
    pub(crate) async fn sends(&self, id: &str) -> Vec<(u64, Value)> {
        let calls = self.calls(id).await;
        calls.into_iter().map(|call| (call["status"].as_u64().unwrap(), call["body"].clone())).collect()
    }

    /// The place of a message's first send among all calls that Graph has received.
    pub(crate) async fn seq(&self, id: &str) -> u64 {
        self.calls(id).await[0]["seq"].as_u64().unwrap()
    }

    async fn calls(&self, id: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut after = json!(0);
        loop {
            let page = self.desk.get(&format!("/sim/v1/requests?limit=1000&after={after}")).await;
            let calls = page["data"].as_array().unwrap();
            let Some(last) = calls.last() else { return found };
            after = last["seq"].clone();
            for call in calls {
                if call["body"]["biz_opaque_callback_data"].as_str().is_some_and(|tag| tag.starts_with(id)) {
                    found.push(call.clone());
                }
            }
        }
    }

    /// The one send of a message that has arrived.
    pub(crate) async fn arrived(&self, id: &str) -> Value {
        self.once(id, "delivered").await;
        let mut sends = self.sends(id).await;
        assert_eq!(sends.len(), 1, "{id}");
        let (status, body) = sends.remove(0);
        assert_eq!(status, 200);
        body
    }

    /// What a customer's phone shows.
    pub(crate) async fn inbox(&self, phone: &str) -> Vec<Value> {
        let shown = self.desk.get(&format!("/sim/v1/customers/{}/inbox", phone.replace('+', "%2B"))).await;
        shown["data"].as_array().unwrap().clone()
    }

    /// Files a template at Graph and approves it at the desk; gives its id there.
    pub(crate) async fn approved(&self, name: &str, language: &str, category: &str, components: Value) -> String {
        let mut template = json!({ "name": name, "language": language, "category": category, "components": components });
        if components.to_string().contains("_named_params") {
            template["parameter_format"] = json!("NAMED");
        }
        let path =
            format!("/v25.0/{}/message_templates?access_token={}", self.env["META_WABA_ID"], self.env["META_ACCESS_TOKEN"]);
        let filed = id(&self.desk.post(&path, &template).await);
        self.desk.post(&format!("/sim/v1/templates/{filed}/review"), &json!({ "decision": "approve" })).await;
        filed
    }

    /// Uploads a picture as a sample for headers of templates.
    pub(crate) async fn sample(&self) -> String {
        self.sample_of("image/png").await
    }

    /// The same, said to be of another type.
    pub(crate) async fn sample_of(&self, mime: &str) -> String {
        let app = &self.env["META_APP_ID"];
        let token = &self.env["META_ACCESS_TOKEN"];
        let path = format!("/v25.0/{app}/uploads?file_name=a.png&file_length={}&file_type={mime}", SAMPLE.len());
        let upload = id(&self.desk.post(&format!("{path}&access_token={token}"), &json!({})).await);
        let url = format!("{}/v25.0/{upload}", self.env["SIMULATOR_URL"]);
        let headers = [("authorization", format!("OAuth {token}")), ("file_offset", "0".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = self.raw(Method::POST, &url, &headers, SAMPLE.to_vec()).await;
        answer.json["h"].as_str().unwrap().to_owned()
    }

    /// A second number under the same app; gives its phone number and its id at Meta.
    pub(crate) async fn second_number(&self, dir: &Path, phone: &str) -> String {
        let made = self.desk.post("/sim/v1/numbers", &json!({ "phone": phone })).await;
        let number = id(&made);
        let mut command = transom();
        command.args(["sender", "add", "--json", "--pin", "135791", "--phone-number-id", &number]).arg("--dir").arg(dir);
        for variable in ["META_APP_ID", "META_WABA_ID", "META_ACCESS_TOKEN", "META_APP_SECRET"] {
            command.env(variable, &self.env[variable]);
        }
        let added = common::json(&mut command);
        assert!(added["steps"].as_array().is_some(), "{added}");
        number
    }
}

/// The id in an answer.
pub(crate) fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

/// The body of a session send.
pub(crate) fn session(to: &str, message: Value, more: Value) -> Value {
    let mut body = json!({ "recipient": { "id": to, "channelType": "whatsapp" }, "message": message });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// The body of a template send in English.
pub(crate) fn templated(number: &str, name: &str, parameters: &[(&str, &str)]) -> Value {
    let parameters: Vec<Value> = parameters.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({ "number": number, "templateName": name, "language": "en", "parameters": parameters })
}
