//! Forms inside templates: checked as Meta does, and kept for the phone.

use crate::common::Desk;
use serde_json::{Value, json};

fn form(text: &str) -> String {
    json!({ "version": "7.1", "screens": [{ "id": "WHO", "title": "Who", "terminal": true, "success": true, "layout": {
        "type": "SingleColumnLayout", "children": [{ "type": "Form", "name": "form", "children": [
            { "type": "TextHeading", "text": text },
            { "type": "TextInput", "label": "Name", "name": "name", "required": true },
            { "type": "Footer", "label": "Done", "on-click-action": { "name": "complete", "payload": { "name": "${form.name}" } } },
        ] }] } }] })
    .to_string()
}

fn template(name: &str, flow: &str, screen: &str) -> Value {
    json!({ "name": name, "language": "en", "category": "UTILITY", "components": [
        { "type": "BODY", "text": "Please tell us who you are." },
        { "type": "BUTTONS", "buttons": [
            { "type": "FLOW", "text": "Begin", "flow_json": flow, "flow_action": "navigate", "navigate_screen": screen }] } ] })
}

#[tokio::test]
async fn a_form_that_came_with_a_template_is_on_the_phone() {
    let desk = Desk::open().await;
    desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    let id = desk.approved(&template("who", &form("Who are you?"), "WHO")).await;
    let desk = desk.restarted().await;
    let button = desk.graph("GET", &id, None).await.body["components"][1]["buttons"][0].clone();
    assert!(button.get("flow_json").is_none(), "it is read back by its id: {button}");
    let flow = button["flow_id"].as_str().unwrap();
    let read = desk.graph("GET", &format!("{flow}?fields=id,status,validation_errors"), None).await.body;
    assert_eq!(read, json!({ "id": flow, "status": "PUBLISHED", "validation_errors": [] }));
    let send = json!({ "type": "template", "template": { "name": "who", "language": { "code": "en" }, "components": [
        { "type": "button", "sub_type": "flow", "index": "0", "parameters": [{ "type": "action", "action": { "flow_token": "t" } }] }] } });
    assert_eq!(desk.send("+4915112345678", send).await.status, 200);
    desk.turn(1).await;
    let inbox = desk.sim("GET", "customers/+4915112345678/inbox", &json!({})).await;
    assert_eq!(inbox["data"][0]["message"]["template"]["buttons"][0]["flow_id"], flow);
    let kept = desk.sim("GET", &format!("flows/{flow}"), &json!({})).await;
    assert_eq!(kept["flow"]["screens"][0]["layout"]["children"][0]["children"][0]["text"], "Who are you?");
    assert_eq!(desk.control("GET", "flows/1", &json!({})).await.status, 404);
}

#[tokio::test]
async fn a_form_with_faults_is_refused_with_all_of_them() {
    let desk = Desk::open().await;
    let path = format!("{}/message_templates", desk.id.waba_id);
    let faulty = form(&"x".repeat(81)).replace("${form.name}", "${form.nobody}").replace("TextInput", "Hologram");
    let refused = desk.graph("POST", &path, Some(&template("who", &faulty, "WHO"))).await;
    assert_eq!((refused.status, refused.code()), (400, Some(100)), "{}", refused.body);
    let errors = refused.body["error"]["error_data"]["validation_errors"].as_array().unwrap();
    let mut words: Vec<_> = errors.iter().map(|error| error["error"].as_str().unwrap()).collect();
    words.sort_unstable();
    assert_eq!(words, ["INVALID_PROPERTY_VALUE", "MAX_CHARS_REQUIRED"], "{}", refused.body);
    assert!(errors.iter().all(|error| error["line_start"] == 1 && error["column_start"].as_u64() > Some(1)), "{errors:?}");
    let elsewhere = desk.graph("POST", &path, Some(&template("who", &form("Who?"), "NOWHERE"))).await;
    assert_eq!(elsewhere.code(), Some(100), "{}", elsewhere.body);
    assert!(desk.sim("GET", "flows", &json!({})).await["data"].as_array().unwrap().is_empty(), "nothing is kept of it");
}
