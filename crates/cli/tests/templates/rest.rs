//! Files and Meta come to rest, and every way out of it is shown before it is gone: edits, deletions, quotas, locks, drift.

use std::path::Path;

use axum::http::Method;
use serde_json::{Value, json};

use crate::common::{Dev, at, run, until};
use crate::{Target, told, write};

/// A shop's templates, of many makes.
const ORDER: &str = r#"# The shop's own words, and its own remark.
name = "order_update"
category = "UTILITY"

[languages.de]
body = """
Hallo {{1}},
die Bestellung {{2}} ist unterwegs zu Ihnen."""
samples = ["Ana", "1234"]

[languages.en_US]
header = { format = "IMAGE", file = "parcel.png" }
body = """
Hi {{1}},
your *order* {{2}} is on its way to you."""
samples = ["Ana", "1234"]
footer = "Example Shop"
buttons = [
  { type = "URL", text = "Track it", url = "https://shop.example/t/{{1}}", sample = "https://shop.example/t/1" },
  { type = "QUICK_REPLY", text = "Thanks" },
]
"#;
const CODE: &str = r#"name = "login_code"
category = "AUTHENTICATION"

[languages.en_US]
add_security_recommendation = true
code_expiration_minutes = 10
buttons = [
  { type = "OTP", otp_type = "COPY_CODE", text = "Copy code" },
]
"#;
const NAMED: &str = r#"name = "greeting"
category = "MARKETING"
parameter_format = "NAMED"

[languages.en]
body = "Hi {{first_name}}, our autumn collection is here, come and see it."
samples = { first_name = "Ana" }
"#;
/// The smallest PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

struct Shop {
    dev: Dev,
    target: Target,
}

impl Shop {
    fn open(dir: &Path) -> Self {
        let dev = Dev::open(dir);
        let target = Target {
            url: dev.env["TRANSOM_URL"].clone(),
            business: dev.env["TRANSOM_BUSINESS"].clone(),
            key: dev.env["TRANSOM_API_KEY"].clone(),
        };
        Self { dev, target }
    }

    /// The step of one language.
    fn step(&self, folder: &Path, args: &[&str], name: &str, language: &str) -> (i32, Value) {
        let (code, plan) = self.target.json(folder, args);
        let steps = plan["steps"].as_array().unwrap_or_else(|| panic!("{plan:#}"));
        let found = steps.iter().find(|step| step["name"] == name && step["language"] == language);
        (code, found.unwrap_or_else(|| panic!("{plan:#}")).clone())
    }

    fn assert_at_rest(&self, folder: &Path) {
        let (code, said) = self.target.told(folder, &["plan", "--prune", "--check"]);
        assert_eq!(code, 0, "{said}");
    }

    fn status(&self, name: &str) -> Value {
        let output = run(&mut self.target.plain(&["status", name, "--json"]));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// The desk decides on every template of a name, and the gateway hears of it.
    async fn decide(&self, name: &str, decision: &Value, status: &str) {
        let all = self.dev.desk.get("/sim/v1/templates").await;
        for template in all["data"].as_array().unwrap().iter().filter(|t| t["name"] == name) {
            let path = format!("/sim/v1/templates/{}/review", template["id"].as_str().unwrap());
            self.dev.desk.post(&path, decision).await;
        }
        until(&format!("{name} {status}"), || async {
            let shown = self.status(name);
            shown["data"].as_array().unwrap().iter().all(|t| t["status"] == status).then_some(())
        })
        .await;
    }

    async fn approve(&self, name: &str) {
        self.decide(name, &json!({ "decision": "approve" }), "APPROVED").await;
    }

    async fn turn(&self, seconds: u64) {
        self.dev.desk.post("/sim/v1/clock", &json!({ "advanceSeconds": seconds })).await;
    }
}

fn replace(folder: &Path, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    assert!(text.contains(from));
    write(folder, file, &text.replace(from, to));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_meta_come_to_rest_and_every_way_out_of_it_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(&dir.path().join("dev"));
    let folder = dir.path().join("templates");
    // What every account has from the start is pulled, and nothing is to be done then.
    let (code, said) = shop.target.told(&folder, &["pull"]);
    assert_eq!(code, 0, "{said}");
    shop.assert_at_rest(&folder);
    for (file, text) in [("order_update.toml", ORDER), ("login_code.toml", CODE), ("greeting.toml", NAMED)] {
        write(&folder, file, text);
    }
    std::fs::write(folder.join("notes.txt"), "not ours").unwrap();
    // The sample is missing: the linter names file and field, and nothing of that language is sent.
    let (code, said) = told(&run(shop.target.plain(&["lint"]).arg(&folder)));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("order_update.toml: languages.en_US.header.file: error [sample-file]"), "{said}");
    std::fs::write(folder.join("parcel.png"), PNG).unwrap();
    let (code, said) = told(&run(shop.target.plain(&["lint"]).arg(&folder)));
    assert_eq!(code, 0, "{said}");
    let (code, step) = shop.step(&folder, &["plan", "--check"], "order_update", "de");
    assert_eq!((code, &step["action"]), (3, &json!("create")));
    let (code, said) = shop.target.told(&folder, &["apply"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("[1/4] create greeting (en)  done: PENDING"), "{said}");
    shop.assert_at_rest(&folder);
    for name in ["order_update", "login_code", "greeting"] {
        shop.approve(name).await;
    }
    // Meta's writing of it is the same, now and when it is read anew.
    shop.assert_at_rest(&folder);
    run(&mut at(&dir.path().join("dev"), &["template", "sync"]));
    shop.assert_at_rest(&folder);
    let before = std::fs::read_to_string(folder.join("order_update.toml")).unwrap();
    assert_eq!(shop.target.told(&folder, &["pull"]).0, 0);
    assert_eq!(std::fs::read_to_string(folder.join("order_update.toml")).unwrap(), before);
    // Pulled into an empty folder, nothing is to be done either.
    let other = dir.path().join("other");
    assert_eq!(shop.target.told(&other, &["pull"]).0, 0);
    shop.assert_at_rest(&other);

    // An edit is shown, made, and waits for its review.
    replace(&folder, "order_update.toml", "ist unterwegs zu Ihnen", "kommt morgen zu Ihnen");
    let (_, step) = shop.step(&folder, &["plan"], "order_update", "de");
    assert_eq!((&step["action"], &step["changes"]), (&json!("edit"), &json!(["body"])));
    assert_eq!(step["difference"][1], r#"+ die Bestellung {{2}} kommt morgen zu Ihnen.""""#);
    assert_eq!((&step["drift"], &step["blocked"]), (&Value::Null, &Value::Null));
    let (code, said) = shop.target.told(&folder, &["apply"]);
    assert_eq!(code, 0, "{said}");
    shop.assert_at_rest(&folder);
    shop.approve("order_update").await;
    shop.assert_at_rest(&folder);
    // Meta takes one a day: blocked, with the moment from which it works, while everything else is done.
    replace(&folder, "order_update.toml", "kommt morgen", "kommt heute");
    let (_, step) = shop.step(&folder, &["plan"], "order_update", "de");
    assert_eq!(step["blocked"]["rule"], "one-edit-a-day", "{step:#}");
    assert!(step["blocked"]["notBefore"].as_str().unwrap().ends_with('Z'));
    let (code, applied) = shop.target.json(&folder, &["apply"]);
    assert_eq!((code, &applied["data"][0]["outcome"]), (3, &json!("blocked")), "{applied:#}");
    shop.turn(86_400).await;
    let (code, said) = shop.target.told(&folder, &["apply"]);
    assert_eq!(code, 0, "{said}");
    shop.approve("order_update").await;

    // Somebody edits it at Meta: that is drift, and a pull takes it over.
    let at_meta = shop.dev.desk.get("/sim/v1/templates").await;
    let greeting = at_meta["data"].as_array().unwrap().iter().find(|t| t["name"] == "greeting").unwrap();
    let body = json!({ "components": [{
        "type": "BODY",
        "text": "Hello {{first_name}}, our winter collection is here, come and see it.",
        "example": { "body_text_named_params": [{ "param_name": "first_name", "example": "Ana" }] },
    }] });
    let edited = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v25.0/{}", shop.dev.env["META_GRAPH_URL"], greeting["id"].as_str().unwrap());
    let edited = edited.post(url).bearer_auth(&shop.dev.env["META_ACCESS_TOKEN"]).json(&body).send().await.unwrap();
    assert!(edited.status().is_success());
    run(&mut at(&dir.path().join("dev"), &["template", "sync"]));
    let (_, step) = shop.step(&folder, &["plan"], "greeting", "en");
    assert_eq!((&step["action"], &step["drift"]["by"]), (&json!("edit"), &json!("elsewhere")), "{step:#}");
    let (code, said) = shop.target.told(&folder, &["pull"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("greeting.toml  updated"), "{said}");
    assert!(std::fs::read_to_string(folder.join("greeting.toml")).unwrap().contains("winter collection"));
    shop.assert_at_rest(&folder);

    // What no file has is told, and deleted only with --prune; a name that was approved is locked then.
    let code_file = std::fs::read_to_string(folder.join("login_code.toml")).unwrap();
    std::fs::remove_file(folder.join("login_code.toml")).unwrap();
    let (_, step) = shop.step(&folder, &["plan"], "login_code", "en_US");
    assert_eq!(step["action"], "onlyAtMeta");
    let (_, step) = shop.step(&folder, &["plan", "--prune"], "login_code", "en_US");
    assert_eq!(step["action"], "delete");
    let (code, said) = shop.target.told(&folder, &["apply", "--prune"]);
    assert_eq!(code, 0, "{said}");
    shop.assert_at_rest(&folder);
    write(&folder, "login_code.toml", &code_file);
    let (_, step) = shop.step(&folder, &["plan"], "login_code", "en_US");
    assert_eq!((&step["action"], &step["blocked"]["rule"]), (&json!("create"), &json!("name-lock")), "{step:#}");
    assert!(step["blocked"]["notBefore"].is_string());
    assert_eq!(shop.target.told(&folder, &["apply"]).0, 3);
    // It is not at Meta: a pull says so, and takes it out only when told to.
    let (_, pulled) = shop.target.json(&folder, &["pull"]);
    let outcome = pulled["data"].as_array().unwrap().iter().find(|f| f["name"] == "login_code").unwrap();
    assert_eq!(outcome["outcome"], "notAtMeta");
    shop.target.told(&folder, &["pull", "--prune"]);
    assert!(!folder.join("login_code.toml").exists() && folder.join("notes.txt").exists());
    shop.assert_at_rest(&folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_named_and_statuses_are_told_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(&dir.path().join("dev"));
    let folder = dir.path().join("templates");
    std::fs::create_dir(&folder).unwrap();
    write(&folder, "greeting.toml", NAMED);
    write(&folder, "bad.toml", "name = \"bad\"\ncategory = \"UTILITY\"\n[languages.en]\nbody = \"{{1}} is on its way.\"\n");
    write(&folder, "worse.toml", "name = \"worse\"\n");
    let (code, said) = shop.target.told(&folder, &["plan", "--prune"]);
    assert_eq!(code, 4, "with a file that cannot be read nothing is pruned: {said}");
    let (code, plan) = shop.target.json(&folder, &["plan"]);
    assert_eq!((code, &plan["summary"]["refused"]), (4, &json!(1)), "{plan:#}");
    let (code, said) = shop.target.told(&folder, &["apply"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("worse.toml:") && said.contains("create greeting (en)  done"), "{said}");
    assert_eq!(shop.status("bad")["code"], "ERROR_CODE_TEMPLATE_NOT_FOUND", "nothing of it was sent");

    // An empty folder would delete all that there is.
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let (code, said) = shop.target.told(&empty, &["apply", "--prune"]);
    assert!(code == 2 && said.contains("would be deleted"), "{said}");

    shop.decide("greeting", &json!({ "decision": "reject", "reason": "SCAM" }), "REJECTED").await;
    let (code, said) = told(&run(&mut shop.target.plain(&["status", "greeting"])));
    assert!(code == 0 && said.contains("it looks like a fraud"), "{said}");
    let (code, said) = told(&run(&mut shop.target.plain(&["status", "nothing"])));
    assert_eq!(code, 1, "{said}");
    // As the customer sees it, from the file and from Meta, without colours where nobody looks.
    let file = folder.join("greeting.toml");
    let from_file = told(&run(&mut shop.target.plain(&["preview", file.to_str().unwrap()])));
    let from_meta = told(&run(&mut shop.target.plain(&["preview", "greeting", "--language", "en"])));
    assert_eq!(from_file, from_meta);
    assert!(from_file.1.contains("│ Hi Ana, our autumn collection") && !from_file.1.contains('\u{1b}'), "{}", from_file.1);
    // No gateway, no guess.
    let mut unreachable = shop.target.clone();
    unreachable.url = "http://127.0.0.1:1".to_owned();
    assert_eq!(unreachable.told(&folder, &["plan"]).0, 1);
    let (status, _) = shop.dev.api.call(Method::GET, &shop.dev.path("/templates"), None).await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kept_template_that_meta_takes_is_pulled_and_at_rest() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(&dir.path().join("dev"));
    shop.dev.desk.call(Method::PATCH, "/sim/v1/settings", Some(&json!({ "autoReviewSeconds": 0 }))).await;
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/templates");
    let path = shop.dev.path("/templates");
    let mut made = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for case in cases.iter().filter(|case| case["expected"]["outcome"] == "accepted") {
            let mut body = case["request"].clone();
            for (metas, ours) in [("parameter_format", "parameterFormat"), ("message_send_ttl_seconds", "messageSendTtlSeconds")]
            {
                if let Some(value) = body.as_object_mut().unwrap().remove(metas) {
                    body[ours] = value;
                }
            }
            body.as_object_mut().unwrap().remove("allow_category_change");
            // Samples and forms of the corpus are nobody's here, and some texts stand in two cases: Meta takes what it takes.
            let (status, _) = shop.dev.api.call(Method::POST, &path, Some(&body)).await;
            made += usize::from(status == 201);
            if made % 90 == 89 {
                shop.turn(3_700).await;
            }
        }
    }
    assert!(made > 60, "Meta has taken {made}");
    shop.turn(60).await;
    run(&mut at(&dir.path().join("dev"), &["template", "sync"]));
    let folder = dir.path().join("templates");
    let (code, said) = shop.target.told(&folder, &["pull"]);
    assert_eq!(code, 0, "{said}");
    let (code, plan) = shop.target.json(&folder, &["plan", "--prune", "--check"]);
    let told = |list: &str, key: &str, ordinary: &str| -> Value {
        plan[list].as_array().unwrap().iter().filter(|one| one[key] != ordinary).cloned().collect()
    };
    assert_eq!(told("steps", "action", "keep"), json!([]));
    assert_eq!(code, 0, "{:#}", told("findings", "severity", "warning"));
    assert_eq!(plan["summary"]["unchanged"].as_u64().unwrap(), u64::try_from(made).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn content_is_submitted_and_the_linter_refuses_what_meta_would() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::open(&dir.path().join("dev"));
    let content =
        |body: &str| json!({ "friendlyName": "Pick-up", "language": "en_US", "types": { "twilio/text": { "body": body } } });
    let good = shop.dev.api.post(&shop.dev.path("/contents"), &content("Your order is ready for you to pick it up.")).await;
    let submit =
        |id: &str, name: &str| told(&run(&mut shop.target.plain(&["submit", id, "--name", name, "--category", "utility"])));
    let (code, said) = submit(good["id"].as_str().unwrap(), "pickup_ready");
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("pickup_ready (en_US)  PENDING  "), "{said}");
    let (code, said) = submit(good["id"].as_str().unwrap(), "No Name");
    assert!(code == 1 && said.contains("name"), "{said}");
    assert_eq!(submit("../keys", "pickup_ready").0, 2);
}
