//! Files with real processes: the gateway is killed in the middle of a fetch, and what it then serves is whole.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use common::{Api, Running, at, database_of, free_port, json, run, transom, until};

/// Bytes of the file: enough that a fetch of it is seen while it goes on.
const SIZE: usize = 24 << 20;

fn serve(dir: &Path, port: u16, simulator: &str) -> Running {
    let listen = format!("127.0.0.1:{port}");
    let args = ["serve", "--listen", &listen, "--graph-url", simulator, "--set", "log.level=error"];
    let mut command = at(&dir.join("gateway"), &args);
    let mut gateway = Running::start(&mut command);
    gateway.until("ready ");
    gateway
}

/// Business, key, app and sender, as an operator would.
fn set_up(dir: &Path, meta: &Value) -> (String, String) {
    let operator = |args: &[&str]| {
        let mut command = at(&dir.join("gateway"), args);
        command.arg("--json");
        for (variable, field) in [
            ("META_APP_ID", "appId"),
            ("META_APP_SECRET", "appSecret"),
            ("META_VERIFY_TOKEN", "verifyToken"),
            ("META_ACCESS_TOKEN", "accessToken"),
            ("META_WABA_ID", "wabaId"),
            ("META_PHONE_NUMBER_ID", "phoneNumberId"),
        ] {
            command.env(variable, meta[field].as_str().unwrap());
        }
        json(&mut command)
    };
    let business = operator(&["business", "add", "--name", "Files"])["id"].as_str().unwrap().to_owned();
    let key = operator(&["key", "add"])["text"].as_str().unwrap().to_owned();
    operator(&["sender", "add"]);
    (business, key)
}

fn files(dir: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_a_fetch_leaves_no_half_file() {
    let dir = tempfile::tempdir().unwrap();
    let (gateway_port, simulator_port) = (free_port(), free_port());
    let simulator_url = format!("http://127.0.0.1:{simulator_port}");
    let mut simulator = Running::start(
        transom().args(["simulate", "--json", "--port", &simulator_port.to_string(), "--dir"]).arg(dir.path().join("simulator")),
    );
    let meta = simulator.object();
    simulator.close_output();
    let gateway = serve(dir.path(), gateway_port, &simulator_url);
    let (business, key) = set_up(dir.path(), &meta);
    let base = format!("http://127.0.0.1:{gateway_port}");
    let (api, desk) = (Api::new(&base, &key), Api::new(&simulator_url, ""));

    let bytes: Vec<u8> = (0..SIZE).map(|i| u8::try_from((i * 31 + i / 977) % 251).unwrap()).collect();
    let digest = Sha256::digest(&bytes);
    desk.post("/sim/v1/customers", &json!({ "phone": "+4915112345678", "name": "Marta" })).await;
    let message = json!({ "to": meta["phoneNumberId"], "type": "document", "document": { "mime_type": "application/pdf",
        "filename": "../../invoice.pdf", "data": BASE64.encode(&bytes) } });
    desk.post("/sim/v1/customers/%2B4915112345678/messages", &message).await;

    let media = dir.path().join("gateway/media");
    // Beside the files where the folder is one process's own; where many may share them, in the process's own folder.
    let incoming = match database_of(dir.path()) {
        Some(_) => dir.path().join("gateway/.incoming"),
        None => media.join(".incoming"),
    };
    until("the fetch", || async { (files(&incoming) > 0).then_some(()) }).await;
    // The simulator stands still, so that the fetch can't end before the kill.
    simulator.signal("STOP");
    gateway.kill();
    simulator.signal("CONT");

    let gateway = serve(dir.path(), gateway_port, &simulator_url);
    let path = format!("/v1/businesses/{business}/messages?direction=inbound");
    let id = until("the message", || async {
        api.get(&path).await["data"][0]["content"]["message"]["attachments"][0]["mediaId"].as_str().map(str::to_owned)
    })
    .await;
    let path = format!("/v1/businesses/{business}/media/{id}");
    let stored = until("the file", || async {
        let media = api.get(&path).await;
        (media["state"] == "stored").then_some(media)
    })
    .await;
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&stored["sha256"], &stored["size"], &stored["filename"]), (&json!(hex), &json!(SIZE), &json!("invoice.pdf")));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let link = stored["url"].as_str().unwrap();
    let answer = client.get(link).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"invoice.pdf\""));
    assert!(answer.bytes().await.unwrap() == bytes, "the file differs");
    assert_eq!((files(&incoming), files(&media)), (0, 1), "one file, and no half of one");

    // The same from the command line, and a file on its way out.
    let env = [("TRANSOM_URL", base.as_str()), ("TRANSOM_BUSINESS", business.as_str()), ("TRANSOM_API_KEY", key.as_str())];
    let copy = dir.path().join("copy.pdf");
    let mut get = transom();
    get.envs(env).args(["media", "get", &id, "--out"]).arg(&copy);
    assert!(run(&mut get).status.success());
    assert!(std::fs::read(&copy).unwrap() == bytes);
    let picture = dir.path().join("Grüße.png");
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\n picture").unwrap();
    let mut put = transom();
    put.envs(env).args(["media", "put"]).arg(&picture).arg("--json");
    let put = json(&mut put);
    assert_eq!((&put["filename"], &put["mimeType"]), (&json!("Grüße.png"), &json!("image/png")));
    let reply = json!({ "recipient": { "id": "+4915112345678", "channelType": "whatsapp" },
        "message": { "attachments": [{ "type": "image", "url": put["reference"] }] } });
    let sent = api.post(&format!("/v1/businesses/{business}/send/messages"), &reply).await;
    let path = format!("/v1/businesses/{business}/messages/{}", sent["id"].as_str().unwrap());
    until("the reply", || async {
        let message = api.get(&path).await;
        assert_ne!(message["status"], "failed", "{}", message["error"]);
        matches!(message["status"].as_str(), Some("sent" | "delivered" | "read")).then_some(())
    })
    .await;
    let (gone, _) = api.call(Method::DELETE, &format!("/v1/businesses/{business}/media/{id}"), None).await;
    assert_eq!(gone, 204);
    until("its bytes to go", || async { (files(&media) == 1).then_some(()) }).await;
    assert!(gateway.terminate());
}
