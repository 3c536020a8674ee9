//! The stream of what happens, and the page of the phones.

use serde_json::{Value, json};

use crate::common::Desk;

/// Events as (id, kind, data), until one fits or the stream ends.
async fn until(stream: &mut reqwest::Response, fits: impl Fn(&str, &Value) -> bool) -> Vec<(String, String, Value)> {
    let (mut text, mut found) = (String::new(), Vec::new());
    while let Ok(Some(chunk)) = stream.chunk().await {
        text.push_str(&String::from_utf8_lossy(&chunk));
        while let Some((block, rest)) = text.split_once("\n\n") {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
            let one = (field("id: "), field("event: "), serde_json::from_str(&field("data: ")).unwrap_or_default());
            text = rest.to_owned();
            found.push(one);
            if found.last().is_some_and(|(_, kind, data)| fits(kind, data)) {
                return found;
            }
        }
    }
    found
}

#[tokio::test]
async fn what_happens_is_told_as_it_happens_and_again_from_where_a_client_was() {
    let (desk, _business) = Desk::with_business().await;
    let mut stream = desk.follow(None).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    until(&mut stream, |kind, _| kind.is_empty()).await;
    let ana = desk.customer(json!({ "phone": "+4915112345678", "name": "Ana" })).await;
    desk.writes(&ana, "Hello").await;
    let told = until(&mut stream, |kind, data| kind == "webhook" && data["body"]["object"] == "whatsapp_business_account").await;
    let kinds: Vec<&str> = told.iter().map(|(_, kind, _)| kind.as_str()).collect();
    assert!(kinds.contains(&"customer") && kinds.contains(&"message"), "{kinds:?}");
    let (last, _, webhook) = told.last().unwrap();
    assert_eq!(
        (&webhook["status"], &webhook["body"]["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"]),
        (&json!(200), &json!("Hello"))
    );
    drop(stream);
    // What happened meanwhile is told to who comes back, and nothing twice.
    let wamid = desk.text("+4915112345678").await.wamid();
    desk.turn(5).await;
    let mut stream = desk.follow(Some(last)).await;
    let delivered = |kind: &str, data: &Value| kind == "message" && data["status"] == "delivered" && data["id"] == wamid.as_str();
    let told = until(&mut stream, delivered).await;
    assert!(told.iter().skip(1).all(|(id, _, _)| id.parse::<u64>().unwrap() > last.parse().unwrap()));
    let request = told.iter().find(|(_, kind, _)| kind == "request").map(|(_, _, data)| data).unwrap();
    assert_eq!((&request["method"], &request["status"]), (&json!("POST"), &json!(200)));
    assert!(!format!("{told:?}").contains(&desk.id.access_token), "a token is told");
    let seq = request["seq"].as_u64().unwrap();
    let kept = desk.sim("GET", &format!("requests?after={}&limit=1", seq - 1), &json!({})).await;
    assert_eq!(kept["data"][0]["path"], request["path"]);
    // Of another start: everything must be looked at anew.
    let desk = {
        drop(stream);
        desk.restarted().await
    };
    let mut stream = desk.follow(Some(last)).await;
    let told = until(&mut stream, |kind, _| kind == "reset").await;
    assert_eq!(told.len(), 2);
    // A watcher does not keep the simulator from stopping.
    desk.simulator.stop().await;
}

#[tokio::test]
async fn the_page_of_the_phones_is_served_here_too() {
    let desk = Desk::open().await;
    let page = desk.page("/phone").await;
    assert_eq!(page.status().as_u16(), 200);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
    let html = page.text().await.unwrap();
    for path in html.split('"').filter(|part| part.starts_with("/console/assets/")) {
        assert_eq!(desk.page(path).await.status().as_u16(), 200, "{path}");
    }
    for path in ["/console/nothing.js", "/console/console.html"] {
        assert_eq!(desk.page(path).await.status().as_u16(), 404, "{path}");
    }
}
