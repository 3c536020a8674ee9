//! The whole way of a file, over loopback: from a webhook to a link, from an upload to Meta; and a Meta that lies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use transom_clock::WorldClock;
use transom_domain::address::Channel;
use transom_domain::id::{BusinessId, KeyId, MediaId, MessageId, SenderId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{App, Business, Key, MemoryStore, Scopes, Sender, SenderState, Store};

use super::MediaSettings;
use super::vault::Folder;
use crate::chance::Chance;
use crate::http::HttpSettings;
use crate::seal::SealingKey;
use crate::service::{AddressRules, Limits};
use crate::twilio;
use crate::upstream::UpstreamSettings;
use crate::wire::Wires;
use crate::{Gateway, GatewayParts, HouseParts};

const SHOP: BusinessId = BusinessId(1);
const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a picture";

/// What Meta was asked.
#[derive(Default)]
struct Asked {
    /// How often each path was.
    times: BTreeMap<String, usize>,
    /// Bodies of uploads and of messages.
    uploads: Vec<Bytes>,
    messages: Vec<Value>,
    /// Ids of files that it says it does not know.
    forgotten: Vec<String>,
    /// Requests with a token to another path than Meta's own.
    stray: usize,
}

#[derive(Clone, Default)]
struct Meta(Arc<Mutex<Asked>>, Arc<tokio::sync::Notify>);

impl Meta {
    fn asked<T>(&self, look: impl FnOnce(&mut Asked) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn times(&self, path: &str) -> usize {
        self.asked(|asked| asked.times.get(path).copied().unwrap_or(0))
    }

    async fn answer(self, base: String, request: Request) -> Response {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let bearer = request.headers().get("authorization").is_some_and(|v| v == "Bearer token");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let times = self.asked(|asked| {
            let times = asked.times.entry(path.clone()).or_default();
            *times += 1;
            *times
        });
        let json = |status: u16, json: Value| {
            Response::builder()
                .status(status)
                .header("content-type", "application/json")
                .body(Body::from(json.to_string()))
                .unwrap()
        };
        let error = |code: u32| json(400, json!({ "error": { "message": "no", "type": "OAuthException", "code": code } }));
        if !bearer {
            self.asked(|asked| asked.stray += 1);
            return error(190);
        }
        let plain = |bytes: &'static [u8]| Response::new(Body::from(bytes));
        match (method.as_str(), path.as_str()) {
            ("POST", "/v25.0/1065/media") => {
                let number = self.asked(|asked| {
                    asked.uploads.push(body);
                    asked.uploads.len()
                });
                json(200, json!({ "id": format!("90{number}") }))
            }
            ("POST", "/v25.0/1065/messages") => {
                let message: Value = serde_json::from_slice(&body).unwrap();
                let id = message["image"]["id"].as_str().unwrap_or_default().to_owned();
                let forgotten = self.asked(|asked| asked.forgotten.contains(&id));
                if forgotten {
                    return error(100);
                }
                let number = self.asked(|asked| {
                    asked.messages.push(message);
                    asked.messages.len()
                });
                json(
                    200,
                    json!({ "messages": [{ "id": format!("wamid.out{number}") }], "contacts": [{ "wa_id": "4915112345678" }] }),
                )
            }
            ("GET", "/v25.0/gone") => error(100),
            ("GET", "/v25.0/throttled") if times == 1 => error(4),
            ("GET", "/v25.0/private") => json(200, json!({ "url": "http://169.254.169.254/latest/meta-data", "id": "private" })),
            ("GET", "/v25.0/huge") => {
                json(200, json!({ "url": format!("{base}/file/huge"), "id": "huge", "file_size": (1u64 << 30).to_string() }))
            }
            ("GET", path) if path.starts_with("/v25.0/") && !path.contains("1020") && !path.contains("1065") => {
                let id = path.trim_start_matches("/v25.0/");
                json(
                    200,
                    json!({ "url": format!("{base}/file/{id}"), "id": id, "sha256": crate::seal::hex(&Sha256::digest(JPEG)) }),
                )
            }
            ("GET", "/file/dead-link") if times == 1 => Response::builder().status(404).body(Body::empty()).unwrap(),
            // Until it is let go.
            ("GET", "/file/slow") => {
                self.1.notified().await;
                plain(JPEG)
            }
            ("GET", "/file/lies") => plain(b"\xFF\xD8\xFF\xE0 another picture"),
            ("GET", "/file/redirects") => {
                Response::builder().status(302).header("location", format!("{base}/inside")).body(Body::empty()).unwrap()
            }
            ("GET", "/file/cut") if times == 1 => {
                let half: Vec<Result<Bytes, std::io::Error>> =
                    vec![Ok(Bytes::from_static(&JPEG[..5])), Err(std::io::Error::other("cut"))];
                Response::new(Body::from_stream(futures::stream::iter(half)))
            }
            ("GET", "/file/gigabyte") => {
                let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 65_536])));
                Response::builder().header("content-length", (1u64 << 30).to_string()).body(Body::from_stream(endless)).unwrap()
            }
            ("GET", path) if path.starts_with("/file/typed") => {
                Response::builder().header("content-type", "Image/JPEG; charset=binary").body(Body::from(JPEG)).unwrap()
            }
            ("GET", path) if path.starts_with("/file/octets") => {
                Response::builder().header("content-type", "binary/octet-stream").body(Body::from(JPEG)).unwrap()
            }
            ("GET", path) if path.starts_with("/file/") => plain(JPEG),
            _ => json(200, json!({ "data": [], "id": "1065" })),
        }
    }
}

struct House {
    gateway: Gateway,
    clock: WorldClock,
    meta: Meta,
    meta_base: String,
    client: Client,
    base: String,
    folder: tempfile::TempDir,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let sealing = SealingKey::load_or_create(folder.path()).unwrap();
    let store = MemoryStore::new();
    let webhook_secret = sealing.seal(b"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=").unwrap();
    let created_at = Timestamp::EPOCH;
    for id in [SHOP, BusinessId(2)] {
        let business =
            Business { id, name: "B".into(), webhook_secret: webhook_secret.clone(), previous_webhook_secret: None, created_at };
        store.put_business(business).await.unwrap();
    }
    for (id, business, text) in [(1, SHOP, "key"), (2, BusinessId(2), "stranger")] {
        let hash = Sha256::digest(text.as_bytes()).into();
        let key = Key {
            id: KeyId(id),
            business,
            label: text.into(),
            hash,
            scopes: Scopes::ADMIN,
            created_at,
            expires_at: None,
            revoked_at: None,
            used_at: None,
        };
        store.put_key(key).await.unwrap();
    }
    let app = App { id: "10".into(), secret: sealing.seal(b"app").unwrap(), verify_token: sealing.seal(b"verify").unwrap() };
    store.put_app(app).await.unwrap();
    let sender = Sender {
        id: SenderId(5),
        business: SHOP,
        channel: Channel::Whatsapp,
        address: "+493012345678".parse().unwrap(),
        name: None,
        account: "1065".into(),
        waba: Some("1020".into()),
        app: "10".into(),
        token: sealing.seal(b"token").unwrap(),
        throughput: 80,
        state: SenderState::Active,
        created_at,
    };
    store.put_sender(sender).await.unwrap();

    let meta = Meta::default();
    let meta_listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let meta_base = format!("http://{}", meta_listener.local_addr().unwrap());
    let router = Router::new().fallback({
        let (meta, base) = (meta.clone(), meta_base.clone());
        move |request: Request| meta.clone().answer(base.clone(), request)
    });
    tokio::spawn(async move { axum::serve(meta_listener, router.layer(axum::extract::DefaultBodyLimit::disable())).await });

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let clock = WorldClock::turnable(Span::ZERO);
    let second = Duration::from_secs(10);
    let dir = folder.path().join("media");
    let house = HouseParts {
        store: Arc::new(store),
        clock: clock.clone(),
        key: sealing,
        public_url: Some(base.clone()),
        upstream: UpstreamSettings { graph_url: meta_base.clone(), version: "v25.0".into() },
        upstream_connections: 4,
        upstream_per_sender: 4,
        limits: Limits::default(),
        addresses: AddressRules::default(),
        wires: Wires::http(&meta_base, second, second, AddressRules::default()).unwrap(),
        template_interval: Span::hours(1),
        keep: transom_store::Keep::default(),
        media: MediaSettings {
            stage: dir.join(".incoming"),
            vault: Arc::new(Folder::new(dir)),
            link_life: Span::days(2),
            fetches: 8,
            check_links: false,
        },
        chance: Chance::of_system(),
        replica: crate::work::replicas::ReplicaSettings::default(),
        gate: None,
    };
    let http = HttpSettings { drain: Duration::from_secs(1), ..HttpSettings::default() };
    let gateway = Gateway::start(GatewayParts {
        house,
        listener,
        http,
        console: crate::console::ConsoleSettings::default(),
        admin_token: None,
    })
    .await
    .unwrap();
    House { gateway, clock, meta, meta_base, client: Client::new(), base, folder }
}

impl House {
    fn path(&self, rest: &str) -> String {
        format!("{}/v1/businesses/{SHOP}{rest}", self.base)
    }

    async fn get(&self, rest: &str) -> (StatusCode, Value) {
        let answer = self.client.get(self.path(rest)).header("x-api-key", "key").send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    async fn post(&self, rest: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.client.post(self.path(rest)).header("x-api-key", "key").body(body.to_string()).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// A customer sends a file; gives its id here.
    async fn heard(&self, id: &str, mime_type: &str, more: Value) -> String {
        let now = self.clock.now().as_secs().to_string();
        let mut image = json!({ "id": id, "mime_type": mime_type, "sha256": BASE64.encode(Sha256::digest(JPEG)) });
        image.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let message = json!({ "from": "4915112345678", "id": format!("wamid.{id}"), "timestamp": now, "type": "document",
            "document": image });
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1020", "changes": [{ "field": "messages",
            "value": { "messaging_product": "whatsapp",
                "metadata": { "display_phone_number": "493012345678", "phone_number_id": "1065" },
                "contacts": [{ "profile": { "name": "Marta" }, "wa_id": "4915112345678" }], "messages": [message] } }] }] })
        .to_string();
        let signature = transom_meta::signature::sign(b"app", body.as_bytes());
        let signature = if signature.starts_with("sha256=") { signature } else { format!("sha256={signature}") };
        let url = format!("{}/webhooks/meta/10", self.base);
        let heard = self.client.post(url).header("x-hub-signature-256", signature).body(body).send().await.unwrap();
        assert_eq!(heard.status(), 200);
        let events = self.events().await;
        let received = events.iter().rev().find(|e| e["type"] == "message.received").unwrap();
        received["data"]["message"]["attachments"][0]["mediaId"].as_str().unwrap().to_owned()
    }

    async fn events(&self) -> Vec<Value> {
        self.get("/events?after=0&limit=200").await.1["data"].as_array().unwrap().clone()
    }

    /// A file once it is in a state.
    async fn once(&self, id: &str, state: &str) -> Value {
        let looked = tokio::time::timeout(Duration::from_secs(40), async {
            loop {
                let media = self.get(&format!("/media/{id}")).await.1;
                if media["state"] == state {
                    return media;
                }
                // Turned, so that what waits is due: the turn answers once everything due is done.
                self.clock.turn(Span::minutes(2), |_| async { Ok(()) }).await.unwrap();
            }
        });
        match looked.await {
            Ok(media) => media,
            Err(_) => panic!(
                "{id} is not {state}: {:?}, asked {:?}",
                self.get(&format!("/media/{id}")).await,
                self.meta.asked(|a| a.times.clone())
            ),
        }
    }

    async fn upload(&self, mime_type: &str, name: &str, bytes: &'static [u8]) -> (StatusCode, Value) {
        let url = self.path(&format!("/media?filename={name}"));
        let request = self.client.post(url).header("x-api-key", "key").header("content-type", mime_type).body(bytes);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    fn bytes_on_disk(&self) -> usize {
        fn files(dir: &std::path::Path) -> usize {
            let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
            entries.map(|e| e.unwrap().path()).map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
        }
        files(&self.folder.path().join("media"))
    }

    async fn close(self) {
        assert!(self.gateway.drain(Duration::from_secs(10)).await);
    }
}

#[tokio::test]
async fn what_a_customer_sends_is_fetched_and_served() {
    let house = house().await;
    let id = house.heard("good", "image/jpeg", json!({ "filename": "../Grüße.jpg" })).await;
    let media = house.once(&id, "stored").await;
    assert_eq!((&media["size"], &media["filename"]), (&json!(JPEG.len()), &json!("Grüße.jpg")));
    assert_eq!(media["sha256"], crate::seal::hex(&Sha256::digest(JPEG)));
    // The event, the message and the file give out links that all open it, without a key.
    let told = house.events().await.iter().find(|e| e["type"] == "message.received").unwrap()["data"]["message"].clone();
    for link in [&told["attachments"][0]["url"], &media["url"]] {
        let answer = house.client.get(link.as_str().unwrap()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{link}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "image/jpeg");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(header("content-security-policy").contains("sandbox"));
        assert_eq!(header("content-disposition"), "inline; filename=\"Gr__e.jpg\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.jpg");
        assert_eq!(answer.bytes().await.unwrap(), JPEG);
    }
    let link = media["url"].as_str().unwrap();
    let part = house.client.get(link).header("range", "bytes=1-2").send().await.unwrap();
    assert_eq!(
        (part.status().as_u16(), part.headers()["content-range"].to_str().unwrap()),
        (206, &*format!("bytes 1-2/{}", JPEG.len()))
    );
    let tag = part.headers()["etag"].clone();
    assert_eq!(part.bytes().await.unwrap(), &JPEG[1..3]);
    assert_eq!(house.client.get(link).header("if-none-match", tag).send().await.unwrap().status(), 304);
    assert_eq!(house.client.get(link).header("range", "bytes=999-").send().await.unwrap().status(), 416);
    let head = house.client.head(link).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, &*JPEG.len().to_string()));
    // What would run in a browser is only ever a file to be saved.
    let page = house.heard("page", "text/html", json!({ "filename": "a.html" })).await;
    let page = house.once(&page, "stored").await;
    let answer = house.client.get(page["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    // Both have the same bytes, which are there once; the last one takes them along.
    assert_eq!(house.bytes_on_disk(), 1);
    let page_id = page["id"].as_str().unwrap();
    for (gone, left) in [(&*id, 1), (page_id, 0)] {
        let url = house.path(&format!("/media/{gone}"));
        let stranger =
            house.client.delete(url.replace(&SHOP.to_string(), &BusinessId(2).to_string())).header("x-api-key", "stranger");
        assert_eq!(stranger.send().await.unwrap().status(), 404);
        assert_eq!(house.client.delete(&url).header("x-api-key", "key").send().await.unwrap().status(), 204);
        house.clock.turn(Span::secs(1), |_| async { Ok(()) }).await.unwrap();
        assert_eq!(house.bytes_on_disk(), left);
    }
    assert_eq!(house.client.get(link).send().await.unwrap().status(), 404);
    house.close().await;
}

#[tokio::test]
async fn a_file_whose_type_nobody_told_has_that_of_its_download() {
    let house = house().await;
    for (id, told, more, kept) in [
        ("typed", "", json!({}), "image/jpeg"),
        // What the webhook says stays.
        ("typed-and-told", "image/webp", json!({}), "image/webp"),
        // Bytes only: by how they begin and what they are called, or not at all.
        ("octets-named", "", json!({ "filename": "a.jpg" }), "image/jpeg"),
        ("octets", "", json!({}), ""),
    ] {
        let file = house.heard(id, told, more).await;
        let media = house.once(&file, "stored").await;
        assert_eq!(media["mimeType"], kept, "{id}");
        let message = house.get(&format!("/messages/{file}")).await.1;
        assert_eq!(message["content"]["message"]["attachments"][0]["mimeType"], kept, "{message}");
        let answer = house.client.get(media["url"].as_str().unwrap()).send().await.unwrap();
        let served = if kept.is_empty() { "application/octet-stream" } else { kept };
        assert_eq!(answer.headers()["content-type"], served, "{id}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_link_that_was_changed_or_is_over_opens_nothing() {
    let house = house().await;
    let (status, media) = house.upload("image/jpeg", "a.jpg", JPEG).await;
    assert_eq!(status, StatusCode::CREATED, "{media}");
    let link = media["url"].as_str().unwrap().to_owned();
    let open = async |link: &str| house.client.get(link).send().await.unwrap().status().as_u16();
    assert_eq!(open(&link).await, 200);
    let (business, stranger) = (SHOP.to_string(), BusinessId(2).to_string());
    let id = media["id"].as_str().unwrap();
    let (bare, _) = link.split_once('?').unwrap();
    for bad in [
        link.replace(&business, &stranger),
        link.replace("expires=", "expires=1"),
        format!("{link}A"),
        bare.to_owned(),
        format!("{bare}?expires=99999999999&signature="),
    ] {
        assert_eq!(open(&bad).await, 403, "{bad}");
    }
    for nothing in [bare.replace(id, ".."), bare.replace(id, "%2e%2e%2fseal.key"), bare.replace(id, "x")] {
        assert_eq!(open(&nothing).await, 404, "{nothing}");
    }
    house.clock.turn(Span::days(3), |_| async { Ok(()) }).await.unwrap();
    let over = house.client.get(&link).send().await.unwrap();
    assert_eq!(over.status(), 403);
    assert_eq!(over.json::<Value>().await.unwrap()["code"], "ERROR_CODE_MEDIA_LINK_INVALID");
    let fresh = house.get(&format!("/media/{id}")).await.1;
    assert_eq!(open(fresh["url"].as_str().unwrap()).await, 200);
    house.close().await;
}

/// What an application in Twilio's form is told of a file: a path that its own credentials open, and that it can send on.
#[tokio::test]
async fn the_path_in_a_webhook_asks_for_credentials_and_can_be_sent_on() {
    let house = house().await;
    let id = house.heard("picture", "image/jpeg", json!({})).await;
    house.once(&id, "stored").await;
    let id: MediaId = id.parse().unwrap();
    let url = format!("{}{}", house.base, twilio::path_of_file(SHOP, MessageId(id.0), id));
    assert!(url.ends_with(&format!("/Media/ME{:032x}", id.0)), "{url}");
    let open = async |user: String, password: &str| {
        let answer = house.client.get(&url).basic_auth(user, Some(password)).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap())
    };
    assert_eq!(open(twilio::account_sid(SHOP), "key").await, (200, Bytes::from_static(JPEG)));
    assert_eq!(open(twilio::account_sid(SHOP), "stranger").await.0, 401);
    assert_eq!(open(twilio::account_sid(BusinessId(2)), "stranger").await.0, 401);
    assert_eq!(house.client.get(&url).send().await.unwrap().status(), 401);

    // It has no ending that tells its kind, and Meta could not fetch it: the file itself goes, as what it is.
    let form = [("To", "whatsapp:+4915112345678"), ("From", "whatsapp:+493012345678"), ("MediaUrl", &url), ("Body", "Yours")];
    let messages = format!("{}/2010-04-01/Accounts/{}/Messages.json", house.base, twilio::account_sid(SHOP));
    let send = house.client.post(&messages).basic_auth(twilio::account_sid(SHOP), Some("key")).form(&form);
    assert_eq!(send.send().await.unwrap().status(), 201);
    house.clock.turn(Span::minutes(2), |_| async { Ok(()) }).await.unwrap();
    let left = house.meta.asked(|asked| asked.messages.clone());
    assert_eq!((&left[0]["type"], &left[0]["image"]["caption"]), (&json!("image"), &json!("Yours")), "{left:?}");
    // Of another business it is nothing.
    let foreign = url.replace(&twilio::account_sid(SHOP), &twilio::account_sid(BusinessId(2)));
    let send = house.client.post(&messages).basic_auth(twilio::account_sid(SHOP), Some("key"));
    send.form(&[form[0], form[1], ("MediaUrl", &foreign)]).send().await.unwrap();
    house.clock.turn(Span::minutes(2), |_| async { Ok(()) }).await.unwrap();
    let left = house.meta.asked(|asked| asked.messages.clone());
    assert_eq!((left.len(), &left[1]["document"]["link"]), (2, &json!(foreign)), "an address like any other: {left:?}");
    house.close().await;
}

#[tokio::test]
async fn a_meta_that_lies_is_not_believed_and_gets_no_token_elsewhere() {
    let house = house().await;
    let (inside, reached) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::new(Mutex::new(0)));
    let inside_url = format!("http://{}/steal", inside.local_addr().unwrap());
    let counted = reached.clone();
    tokio::spawn(async move {
        while inside.accept().await.is_ok() {
            *counted.lock().unwrap() += 1;
        }
    });
    // Passing trouble passes.
    let dead = house.heard("dead-link", "image/jpeg", json!({ "url": format!("{}/file/dead-link", house.meta_base) })).await;
    house.once(&dead, "stored").await;
    // A link that leads elsewhere is not followed; Meta is asked for another.
    let foreign = house.heard("foreign", "image/jpeg", json!({ "url": inside_url })).await;
    house.once(&foreign, "stored").await;
    for id in ["cut", "throttled"] {
        let id = house.heard(id, "image/jpeg", json!({})).await;
        house.once(&id, "stored").await;
    }
    // What is the file's own fault ends, and is told.
    let mut ended = Vec::new();
    for (id, says) in [
        ("lies", "SHA-256"),
        ("gone", "does not give the file out"),
        ("huge", "more than"),
        ("gigabyte", "more than"),
        ("redirects", "leads elsewhere"),
        ("private", "does not lead to Meta"),
    ] {
        let id = house.heard(id, "image/jpeg", json!({})).await;
        let media = house.once(&id, "failed").await;
        let why = media["reason"].as_str().unwrap();
        assert!(why.contains(says), "{why}");
        assert!(media.get("url").is_none());
        ended.push(id);
    }
    assert_eq!(house.meta.times("/inside"), 0, "no redirect was followed");
    assert_eq!(*reached.lock().unwrap(), 0, "nobody else was called");
    assert_eq!(house.meta.asked(|asked| asked.stray), 0);
    let told: Vec<String> = house
        .events()
        .await
        .iter()
        .filter(|e| e["type"] == "media.failed")
        .map(|e| e["data"]["mediaId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, ended);
    // Nothing of them stays: there is the one picture of the good ones.
    assert_eq!(house.bytes_on_disk(), 1);
    house.close().await;
}

#[tokio::test]
async fn what_is_uploaded_is_held_to_what_the_channel_takes() {
    let house = house().await;
    for (mime_type, bytes, says) in [
        ("text/html", &b"<html>"[..], "does not take"),
        ("image/png", JPEG, "does not begin"),
        ("image/jpeg", b"", "is empty"),
        (
            "image/webp",
            Box::leak([b"RIFF\0\0\0\0WEBPVP8 ".as_slice(), &[0; 200_000]].concat().into_boxed_slice()),
            "does not move",
        ),
        ("image/jpeg", Box::leak(vec![0xFF; (5 << 20) + 1].into_boxed_slice()), "at most"),
    ] {
        let (status, problem) = house.upload(mime_type, "a", bytes).await;
        assert!(status.is_client_error(), "{problem}");
        assert!(problem["message"].as_str().unwrap().contains(says), "{problem}");
    }
    assert_eq!(house.bytes_on_disk(), 0);
    // A name cannot lead out of anything: it is only ever shown.
    let (_, media) = house.upload("application/pdf", "..%2F..%2Fetc%2Fpasswd.pdf", b"%PDF-1.4").await;
    assert_eq!((&media["filename"], &media["kind"]), (&json!("passwd.pdf"), &json!("document")));
    house.close().await;
}

#[tokio::test]
async fn a_file_goes_to_meta_once_and_again_when_meta_has_lost_it() {
    let house = house().await;
    house.heard("good", "image/jpeg", json!({})).await;
    let (_, media) = house.upload("image/jpeg", "a.jpg", JPEG).await;
    let (reference, link, id) = (media["reference"].clone(), media["url"].clone(), media["id"].as_str().unwrap().to_owned());
    let send = async |url: &Value| {
        let body = json!({ "recipient": { "id": "+4915112345678", "channelType": "whatsapp" },
            "message": { "attachments": [{ "type": "image", "url": url }] } });
        house.post("/send/messages", &body).await
    };
    let settled = async |count: usize| {
        house.clock.turn(Span::minutes(1), |_| async { Ok(()) }).await.unwrap();
        house.meta.asked(|asked| {
            assert_eq!(asked.messages.len(), count, "{:?}", asked.messages);
            (asked.uploads.len(), asked.messages.last().map(|m| m["image"]["id"].clone()))
        })
    };
    // By its reference, by its bare id, by our own link: the same upload.
    for (n, url) in [reference.clone(), json!(format!("media:{id}")), link].iter().enumerate() {
        let (status, answer) = send(url).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        assert_eq!(settled(n + 1).await, (1, Some(json!("901"))));
    }
    let upload = house.meta.asked(|asked| asked.uploads[0].clone());
    let text = String::from_utf8_lossy(&upload);
    assert!(text.contains("name=\"messaging_product\"\r\n\r\nwhatsapp") && text.contains("Content-Type: image/jpeg"), "{text}");
    assert!(upload.windows(JPEG.len()).any(|w| w == JPEG));
    // Meta loses it: uploaded anew, and the message goes.
    house.meta.asked(|asked| asked.forgotten.push("901".to_owned()));
    assert_eq!(send(&reference).await.0, StatusCode::CREATED);
    assert_eq!(settled(4).await, (2, Some(json!("902"))));
    // In the last day of its thirty it is uploaded anew before Meta can refuse it. The session is over by then: the customer writes.
    house.clock.turn(Span::days(29), |_| async { Ok(()) }).await.unwrap();
    house.heard("good-again", "image/jpeg", json!({})).await;
    assert_eq!(send(&reference).await.0, StatusCode::CREATED);
    assert_eq!(settled(5).await, (3, Some(json!("903"))));

    let (status, problem) = send(&json!("media:00000000000000000000000009")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(problem["details"]["errors"][0]["field"], "message.attachments[0].url");
    let body = json!({ "recipient": { "id": "+4915112345678", "channelType": "whatsapp" },
        "message": { "attachments": [{ "type": "video", "url": reference }] } });
    let (_, problem) = house.post("/send/messages", &body).await;
    assert!(problem["message"].as_str().unwrap().contains("image/jpeg"), "{problem}");
    // In content, too, which keeps the full name.
    let body = json!({ "to": "+4915112345678", "content": { "language": "en",
        "types": { "twilio/media": { "body": "Look", "media": [format!("media:{id}")] } } } });
    let (status, answer) = house.post("/messages", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    assert_eq!(settled(6).await, (3, Some(json!("903"))));
    assert_eq!(
        house
            .client
            .request(Method::DELETE, house.path(&format!("/media/{id}")))
            .header("x-api-key", "key")
            .send()
            .await
            .unwrap()
            .status(),
        204
    );
    let (status, problem) = send(&reference).await;
    assert_eq!(
        (status, &problem["details"]["errors"][0]["rule"]),
        (StatusCode::BAD_REQUEST, &json!("names no file of this business"))
    );
    house.close().await;
}

#[tokio::test]
async fn who_waits_for_a_file_is_answered_once_it_is_there_or_the_time_is_over() {
    let house = house().await;
    let id: MediaId = house.heard("slow", "image/jpeg", json!({})).await.parse().unwrap();
    let service = house.gateway.service().clone();
    let needs = crate::service::Needs { scope: Scopes::SEND, changes: false };
    let caller = service.authenticate(SHOP, Some("key"), needs).await.unwrap();
    let early = service.media_within(&caller, id, Duration::from_millis(1)).await.unwrap();
    assert!(early.link.is_none() && matches!(early.media.state, transom_store::MediaState::Waiting { .. }));
    let waits = tokio::spawn(async move { service.media_within(&caller, id, Duration::from_secs(600)).await });
    house.meta.1.notify_one();
    let shown = tokio::time::timeout(Duration::from_secs(60), waits).await.unwrap().unwrap().unwrap();
    assert!(shown.link.is_some(), "{:?}", shown.media);
    house.close().await;
}
