//! The stream of events, as pages and live.

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use transom_domain::id::KeyId;
use transom_domain::time::Span;
use transom_store::{Keep, Store as _, SweepPoint};

use super::{House, SECRET, business, code, house, written};

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    id: u64,
    kind: String,
    data: Value,
}

/// A client that reads a stream.
struct Reader {
    response: Response,
    text: String,
}

impl House {
    /// The customer writes once more.
    async fn writes(&self, wamid: &str) {
        let mut body = written("1065");
        body["entry"][0]["changes"][0]["value"]["messages"][0]["id"] = json!(wamid);
        assert_eq!(self.hear("10", &body, SECRET).await.0, StatusCode::OK);
    }

    fn stream(&self, query: &str) -> RequestBuilder {
        let url = format!("{}/v1/businesses/{}/events/stream{query}", self.base, business(1));
        self.client.get(url).header("x-api-key", "hooks")
    }

    async fn open(&self, query: &str) -> Reader {
        Reader::of(self.stream(query)).await
    }
}

impl Reader {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { response, text: String::new() }
    }

    /// The next event; none when the stream has ended.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let (id, kind, data) = (field("id: "), field("event: "), field("data: "));
                self.text = rest.to_owned();
                if let Some(data) = data {
                    let data: Value = serde_json::from_str(&data).unwrap();
                    return Some(Sent { id: id.unwrap().parse().unwrap(), kind: kind.unwrap(), data });
                }
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn take(&mut self, count: usize) -> Vec<Sent> {
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(self.next().await.unwrap());
        }
        all
    }
}

#[tokio::test]
async fn pages_go_past_what_is_not_wanted() {
    let house = house().await;
    house.writes("wamid.1").await;
    house.writes("wamid.2").await;
    let page = async |query: &str| house.get(&format!("{{b}}/events?{query}")).await;
    let types = |answer: &(StatusCode, Value)| -> Vec<String> {
        let data = answer.1["data"].as_array().unwrap();
        data.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    };
    let all = page("").await;
    assert_eq!(types(&all), ["message.received", "session.opened", "message.received"]);
    let sessions = page("types=session.*,template.changed").await;
    assert_eq!((types(&sessions), &sessions.1["nextAfter"]), (vec!["session.opened".to_owned()], &json!(3)));
    let first = page("types=message.*&limit=1").await;
    assert_eq!((types(&first).len(), &first.1["nextAfter"]), (1, &json!(1)));
    let none = page("after=1&channel=messenger").await;
    assert_eq!((types(&none).len(), &none.1["nextAfter"], &none.1["newest"]), (0, &json!(3), &json!(3)));
    for sender in ["%2B493012345678", &transom_domain::id::SenderId(5).to_string()] {
        assert_eq!(types(&page(&format!("sender={sender}")).await).len(), 3);
    }
    for (query, field, remedy) in [
        ("types=mesage.received", "types", "did you mean `message.received`?"),
        ("types=sessions.*", "types", "message.received, "),
        ("sender=%2B493099999999", "sender", "one of this business's senders"),
        ("channel=fax", "channel", "whatsapp or messenger"),
        ("wait=31", "wait", ""),
    ] {
        let refused = page(query).await;
        let found = &refused.1["details"]["errors"][0];
        assert_eq!((refused.0, found["field"].as_str()), (StatusCode::BAD_REQUEST, Some(field)), "{query}: {found}");
        assert!(found["remedy"].as_str().unwrap().contains(remedy), "{query}: {found}");
    }
    house.close().await;
}

#[tokio::test]
async fn what_is_told_of_sessions_is_a_business_s_own_choice() {
    let house = house().await;
    let path = "{b}/events/settings";
    assert_eq!(house.get(path).await.1, json!({ "sessionClosingSoonMinutes": 60 }));
    let put = async |body: Value| house.ask(Method::PUT, path, "hooks", Some(&body)).await;
    assert_eq!(put(json!({ "sessionClosingSoonMinutes": 0 })).await.1, json!({ "sessionClosingSoonMinutes": 0 }));
    assert_eq!(put(json!({ "sessionClosingSoonMinutes": 1_440 })).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(put(json!({ "session_closing_soon_minutes": 120 })).await.1, house.get(path).await.1);
    assert_eq!(put(json!({})).await.1, json!({ "sessionClosingSoonMinutes": 60 }));
    house.close().await;
}

#[tokio::test]
async fn a_page_is_waited_for() {
    let house = house().await;
    let (page, ()) = tokio::join!(house.get("{b}/events?wait=30"), house.writes("wamid.1"));
    assert_eq!(page.1["data"].as_array().unwrap().len(), 2, "{}", page.1);
    // What is left out does not end the wait.
    let (page, ()) = tokio::join!(house.get("{b}/events?after=2&types=session.*&wait=1"), house.writes("wamid.2"));
    assert_eq!((page.1["data"].as_array().unwrap().len(), &page.1["nextAfter"]), (0, &json!(3)));
    house.close().await;
}

#[tokio::test]
async fn what_is_no_longer_kept_is_told_with_the_earliest() {
    let house = house().await;
    house.writes("wamid.1").await;
    let mut from = Some(SweepPoint::START);
    let keep = Keep { events: Span::secs(-10), ..Keep::default() };
    while let Some(point) = from {
        from = house.store.sweep(keep, point, 512, house.gateway.service().now()).await.unwrap().next;
    }
    house.writes("wamid.2").await;
    let old = house.get("{b}/events?after=0").await;
    assert_eq!((old.0, code(&old)), (StatusCode::GONE, "ERROR_CODE_CURSOR_TOO_OLD"));
    let earliest = old.1["details"]["earliest"].as_u64().unwrap();
    let again = house.get(&format!("{{b}}/events?after={earliest}")).await;
    assert_eq!((&again.1["data"][0]["position"], &again.1["earliest"]), (&json!(3), &json!(3)));
    assert_eq!(house.get("{b}/events").await.1["data"], again.1["data"], "left out, it begins with what there is");
    let gone = house.stream("?after=1").send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::GONE);
    house.close().await;
}

#[tokio::test]
async fn a_stream_sends_what_pages_show_and_is_resumed_by_position() {
    let house = house().await;
    house.writes("wamid.1").await;
    let mut reader = house.open("?after=0").await;
    let first = reader.take(2).await;
    let page = house.get("{b}/events").await.1;
    let shown: Vec<Value> = first.iter().map(|sent| sent.data.clone()).collect();
    assert_eq!(json!(shown), page["data"]);
    assert_eq!(
        first.iter().map(|sent| (sent.id, sent.kind.as_str())).collect::<Vec<_>>(),
        [(1, "message.received"), (2, "session.opened")]
    );
    // Live, to each who listens, by what each wants.
    let mut from_now = house.open("").await;
    let mut sessions = house.open("?types=session.*&after=1").await;
    house.writes("wamid.2").await;
    assert_eq!(reader.next().await.unwrap().id, 3);
    assert_eq!(from_now.next().await.unwrap().id, 3);
    assert_eq!(sessions.next().await.unwrap().id, 2);
    drop((reader, from_now, sessions));
    // The header counts, as a browser sends it with the address that it had.
    let mut again = Reader::of(house.stream("?after=0").header("last-event-id", "2")).await;
    assert_eq!(again.next().await.unwrap().id, 3);
    for header in ["x", "77"] {
        let refused = super::read(house.stream("").header("last-event-id", header)).await;
        let found = (refused.0, &refused.1["details"]["errors"][0]["field"]);
        assert_eq!(found, (StatusCode::BAD_REQUEST, &json!("Last-Event-ID")), "{header}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_key_and_with_the_house() {
    let house = house().await;
    house.writes("wamid.1").await;
    let mut hooks = house.open("?after=0").await;
    assert_eq!(hooks.take(2).await.len(), 2);
    assert!(house.store.revoke_key(business(1), KeyId(2), house.gateway.service().now()).await.unwrap());
    house.gateway.service().forget_keys();
    assert_eq!(hooks.next().await, None);
    let url = format!("{}/v1/businesses/{}/events/stream?after=1", house.base, business(1));
    let mut other = Reader::of(house.client.get(url).header("x-api-key", "all")).await;
    assert_eq!(other.take(1).await.len(), 1);
    // The house waits for nobody who only listens, and says a clean end.
    house.close().await;
    assert_eq!(other.next().await, None);
}

#[tokio::test]
async fn a_business_has_so_many_streams_and_others_have_theirs() {
    let house = house().await;
    let mut open = Vec::new();
    let refused = loop {
        let response = house.stream("").send().await.unwrap();
        if response.status() != StatusCode::OK {
            break response;
        }
        open.push(response);
        assert!(open.len() < 100);
    };
    assert_eq!((refused.status(), open.len()), (StatusCode::TOO_MANY_REQUESTS, 32));
    assert_eq!(refused.headers()["retry-after"], "30");
    let told: Value = refused.json().await.unwrap();
    assert_eq!(
        (&told["code"], told["details"]["remedy"].as_str()),
        (&json!("ERROR_CODE_RATE_LIMITED"), Some("Close one, or let one reader serve all who want them."))
    );
    let waits = house.ask(Method::GET, "{b}/events?wait=1", "hooks", None).await;
    assert_eq!(waits.0, StatusCode::TOO_MANY_REQUESTS);
    let theirs = house.client.get(format!("{}/v1/businesses/{}/events/stream", house.base, business(2)));
    assert_eq!(theirs.header("x-api-key", "stranger").send().await.unwrap().status(), StatusCode::OK);
    drop(open);
    // Who leaves makes room, once the server has seen it.
    loop {
        let response = house.stream("").send().await.unwrap();
        if response.status() == StatusCode::OK {
            break;
        }
        tokio::task::yield_now().await;
    }
    house.close().await;
}
