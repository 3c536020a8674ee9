//! Twilio's dialect over the surface: credentials, messages, and whatever is not as it should be.

mod strangers;

use reqwest::header;
use transom_domain::template::{BodyDefinition, Category, Definition, Template, TextDefinition};

use super::*;
use crate::twilio::{account_sid, key_sid};

/// A form, or none.
type Pairs<'a> = &'a [(&'a str, &'a str)];

const BASE: [(&str, &str); 3] = [("To", "whatsapp:+4915112345678"), ("From", "whatsapp:+493012345678"), ("Body", "Hi")];

impl House {
    fn messages(&self) -> String {
        format!("{}/2010-04-01/Accounts/{}/Messages", self.base, account_sid(business(1)))
    }

    fn twilio(&self, method: Method, url: &str) -> reqwest::RequestBuilder {
        self.client.request(method, url).basic_auth(account_sid(business(1)), Some("all"))
    }

    async fn create(&self, pairs: Pairs<'_>) -> (StatusCode, Value) {
        answered(self.twilio(Method::POST, &format!("{}.json", self.messages())).form(pairs)).await
    }

    async fn fetch(&self, path: &str) -> (StatusCode, Value) {
        let url = if path.starts_with("/2010-04-01") || path.starts_with("/v1") || path.starts_with("/v2") {
            format!("{}{path}", self.base)
        } else {
            format!("{}{path}", self.messages())
        };
        answered(self.twilio(Method::GET, &url)).await
    }

    /// How many messages there are.
    async fn kept(&self) -> usize {
        self.fetch(".json?PageSize=1000").await.1["messages"].as_array().unwrap().len()
    }
}

/// Every refusal has Twilio's form, and its link leads to a page that is served here.
async fn answered(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let (client, request) = request.build_split();
    let response = client.execute(request.unwrap()).await.unwrap();
    let status = response.status();
    let challenge = response.headers().contains_key(header::WWW_AUTHENTICATE);
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
    if !status.is_success() {
        assert_eq!((body["status"].as_u64(), challenge), (Some(status.as_u16().into()), status == 401), "{status}: {body}");
        assert!(body["code"].as_u64().is_some() && body["message"].is_string(), "{status}: {body}");
        assert!(body.get("type").is_none() && body.get("title").is_none());
        let link = body["more_info"].as_str().unwrap();
        let page = client.get(link).send().await.unwrap().text().await.unwrap();
        assert!(page.contains(&format!("id=\"{}\"", link.split_once('#').unwrap().1)), "{link}");
    }
    (status, body)
}

fn refused(answer: &(StatusCode, Value)) -> (u16, u64) {
    (answer.0.as_u16(), answer.1["code"].as_u64().unwrap_or(0))
}

/// The base with these parameters changed; `-` leaves one out.
fn with<'a>(pairs: Pairs<'a>) -> Vec<(&'a str, &'a str)> {
    let kept = BASE.into_iter().filter(|(name, _)| !pairs.iter().any(|(n, _)| n == name));
    kept.chain(pairs.iter().copied()).filter(|(_, value)| *value != "-").collect()
}

#[tokio::test]
async fn credentials_open_their_own_account_only_and_what_they_are_for() {
    let house = house().await;
    let url = format!("{}.json", house.messages());
    let (account, stranger) = (account_sid(business(1)), account_sid(business(2)));
    let (all, hooks) = (key_sid(KeyId(1)), key_sid(KeyId(2)));
    let ask = |user: &str, password: &str| answered(house.client.get(&url).basic_auth(user, Some(password)));
    for (user, password, status) in [
        (account.as_str(), "all", 200),
        (&all, "all", 200),
        (&account, "nobody", 401),
        (&account, "stranger", 401),
        (&stranger, "stranger", 401),
        (&key_sid(KeyId(3)), "stranger", 401),
        (&all, "hooks", 401),
        (&hooks, "hooks", 403),
        (&account, "hooks", 403),
        ("all", "all", 401),
        ("", "", 401),
    ] {
        let (answer, body) = ask(user, password).await;
        assert_eq!(answer.as_u16(), status, "{user}: {body}");
        assert!(status == 200 || body["code"] == 20003);
    }
    assert_eq!(refused(&answered(house.client.get(&url)).await), (401, 20003));
    assert_eq!(refused(&answered(house.client.get(&url).bearer_auth("all")).await), (401, 20003));
    house.close().await;
}

#[tokio::test]
async fn a_message_is_accepted_and_undelivered_or_refused_at_once_as_the_account_wishes() {
    let house = house().await;
    let (status, made) = house.create(&BASE).await;
    assert_eq!((status.as_u16(), &made["status"], &made["error_code"]), (201, &json!("queued"), &Value::Null), "{made}");
    let sid = made["sid"].as_str().unwrap();
    assert!(sid.starts_with("SM"));
    let fetched = loop {
        let (_, fetched) = house.fetch(&format!("/{sid}.json")).await;
        if fetched["status"] != "queued" && fetched["status"] != "sending" {
            break fetched;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((&fetched["status"], &fetched["error_code"]), (&json!("undelivered"), &json!(63016)), "{fetched}");
    assert_eq!((&fetched["sid"], &fetched["from"], &fetched["to"]), (&made["sid"], &json!(BASE[1].1), &json!(BASE[0].1)));
    // As MM it is the same message.
    assert_eq!(house.fetch(&format!("/MM{}", &sid[2..])).await.1["sid"], made["sid"]);

    house.gateway.service().refuse_at_once(business(1), true).await.unwrap();
    let again = house.create(&BASE).await;
    assert_eq!(refused(&again), (400, 63016), "{}", again.1);
    assert_eq!(house.kept().await, 1);
    // What is over can be redacted and deleted, and not canceled.
    let url = format!("{}/{sid}.json", house.messages());
    let post = |pairs: Pairs<'static>| answered(house.twilio(Method::POST, &url).form(pairs));
    assert_eq!(refused(&post(&[("Status", "canceled")]).await), (400, 30409));
    assert_eq!(post(&[("Body", "")]).await.1["body"], "");
    assert_eq!(answered(house.twilio(Method::DELETE, &url)).await.0, 204);
    assert_eq!(refused(&house.fetch(&format!("/{sid}.json")).await), (404, 20404));
    house.close().await;
}

#[tokio::test]
async fn whatever_is_wrong_is_refused_in_its_form_and_nothing_is_stored() {
    let house = house().await;
    let long = "x".repeat(1_601);
    let unknown = format!("HX{}", "0".repeat(32));
    let asked: [(Pairs<'_>, (u16, u64)); 16] = [
        (&[("To", "-")], (400, 21604)),
        (&[("To", "whatsapp:+1"), ("To", "whatsapp:+2")], (400, 20422)),
        (&[("To", "+4915112345678")], (400, 21211)),
        (&[("From", "-")], (400, 21603)),
        (&[("From", "whatsapp:+4930999999")], (400, 63007)),
        (&[("From", "messenger:1")], (400, 21910)),
        (&[("Body", "-")], (400, 21619)),
        (&[("Body", ""), ("MediaUrl", "")], (400, 21619)),
        (&[("body", "Hi"), ("Body", "-")], (400, 21619)),
        (&[("Body", &long)], (400, 21617)),
        (&[("StatusCallback", "http://127.0.0.1:1/")], (400, 21609)),
        (&[("StatusCallback", "told")], (400, 21609)),
        (&[("ContentSid", &unknown)], (400, 21655)),
        (&[("ContentVariables", "{}")], (400, 21654)),
        (&[("ValidityPeriod", "0")], (400, 21624)),
        (&[("MediaUrl", "file:///etc/passwd")], (400, 21620)),
    ];
    for (pairs, code) in asked {
        let answer = house.create(&with(pairs)).await;
        assert_eq!(refused(&answer), code, "{pairs:?}: {}", answer.1);
    }
    let url = format!("{}.json", house.messages());
    let form = |body: &str| {
        let kind = "application/x-www-form-urlencoded";
        answered(house.twilio(Method::POST, &url).header(header::CONTENT_TYPE, kind).body(body.to_owned()))
    };
    assert_eq!(refused(&form("To=%zz&Body=x").await), (400, 20422));
    assert_eq!(refused(&form("To=%ff&Body=x").await), (400, 20422));
    assert_eq!(refused(&form(&"a=1&".repeat(2_000)).await), (400, 20422));
    assert_eq!(refused(&form(&format!("Body={}", "x".repeat(10 << 20))).await), (413, 20422));
    assert_eq!(refused(&form("").await), (400, 21604));
    let json = house.twilio(Method::POST, &url).header(header::CONTENT_TYPE, "application/json").body("{\"To\":\"x\"}");
    assert_eq!(refused(&answered(json).await), (415, 20422));
    assert_eq!(house.kept().await, 0);
    house.close().await;
}

#[tokio::test]
async fn sids_and_tokens_that_nobody_gave_lead_nowhere() {
    let house = house().await;
    let account = account_sid(business(1));
    let sid = format!("SM{}", "0".repeat(32));
    for path in [format!("/{sid}.json"), format!("/{sid}/Media.json"), "/SM1".into(), format!("/{sid}/Media/ME1.json")] {
        assert_eq!(refused(&house.fetch(&path).await), (404, 20404), "{path}");
    }
    let theirs = format!("/2010-04-01/Accounts/{}/Messages.json", account_sid(business(2)));
    for path in [theirs.as_str(), "/2010-04-01/Accounts/AC1/Messages.json", "/2010-04-01/Accounts/x/Messages/y.json"] {
        assert_eq!(refused(&house.fetch(path).await), (401, 20003), "{path}");
    }
    for path in ["/2010-04-01", "/2010-04-01/Accounts.xml", &format!("/2010-04-01/Accounts/{account}/Calls.json"), "/v2/x"] {
        assert_eq!(refused(&house.fetch(path).await), (404, 20404), "{path}");
    }
    let list = format!("{}.json", house.messages());
    assert_eq!(refused(&answered(house.twilio(Method::PATCH, &list)).await), (405, 20004));
    for query in [
        "PageToken=x",
        "PageToken=MTIz&Page=1&PageSize=0",
        "PageToken=eA&Page=1",
        "Page=7",
        "PageSize=1001",
        "DateSent=x",
        "To=x",
        "To=%zz",
    ] {
        assert_eq!(refused(&house.fetch(&format!(".json?{query}")).await), (400, 20422), "{query}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_list_is_walked_forth_and_back_and_filtered() {
    let house = house().await;
    let mut made = Vec::new();
    for i in 0..7 {
        let to = format!("whatsapp:+491511234567{}", i % 2);
        let (status, message) = house.create(&with(&[("To", &to)])).await;
        assert_eq!(status, StatusCode::CREATED, "{message}");
        made.push(message["sid"].clone());
    }
    made.reverse();
    let sids = |list: &Value| list["messages"].as_array().unwrap().iter().map(|m| m["sid"].clone()).collect::<Vec<_>>();
    let (mut seen, mut path, mut last) = (Vec::new(), Some(".json?PageSize=3".to_owned()), Value::Null);
    while let Some(next) = path {
        let (_, list) = house.fetch(&next).await;
        seen.extend(sids(&list));
        path = list["next_page_uri"].as_str().map(str::to_owned);
        last = list;
    }
    assert_eq!(seen, made);
    let (_, second) = house.fetch(last["previous_page_uri"].as_str().unwrap()).await;
    assert_eq!(sids(&second), made[3..6]);
    let (_, first) = house.fetch(second["previous_page_uri"].as_str().unwrap()).await;
    assert_eq!((sids(&first), &first["previous_page_uri"]), (made[..3].to_vec(), &Value::Null));
    let (_, to_one) = house.fetch(".json?To=whatsapp%3A%2B4915112345671").await;
    assert_eq!(sids(&to_one), [made[1].clone(), made[3].clone(), made[5].clone()]);
    for (query, found) in [("DateSent%3C=2020-01-01", 0), ("DateSent%3E=2020-01-01", 7), ("From=whatsapp%3A%2B4915112345671", 0)]
    {
        assert_eq!(sids(&house.fetch(&format!(".json?{query}")).await.1).len(), found, "{query}");
    }
    house.close().await;
}

#[tokio::test]
async fn feedback_stands_in_the_story_and_a_file_is_found() {
    let house = house().await;
    let (_, made) = house.create(&with(&[("MediaUrl", "https://files.example.com/a.pdf")])).await;
    let sid = made["sid"].as_str().unwrap();
    assert!(sid.starts_with("MM") && made["num_media"] == "1", "{made}");
    let feedback = format!("{}/{sid}/Feedback.json", house.messages());
    let (status, said) = answered(house.twilio(Method::POST, &feedback).form(&[("Outcome", "confirmed")])).await;
    assert_eq!((status.as_u16(), &said["outcome"], &said["message_sid"]), (200, &json!("confirmed"), &made["sid"]));
    assert_eq!(refused(&answered(house.twilio(Method::POST, &feedback).form(&[("Outcome", "perhaps")])).await), (400, 20422));
    let id = transom_domain::id::MessageId(u128::from_str_radix(&sid[2..], 16).unwrap());
    let (_, native) = house.get(&format!("{{b}}/messages/{id}")).await;
    assert!(native["timeline"].as_array().unwrap().iter().any(|entry| entry["what"] == "confirmed"), "{native}");

    let (_, list) = house.fetch(&format!("/{sid}/Media.json")).await;
    let file = &list["media_list"][0];
    assert_eq!((&file["content_type"], &file["parent_sid"]), (&json!("application/pdf"), &made["sid"]));
    let media = file["sid"].as_str().unwrap();
    let (status, one) = house.fetch(&format!("/{sid}/Media/{media}.json")).await;
    assert_eq!((status, &one), (StatusCode::OK, file));
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let bytes = client.get(format!("{}/{sid}/Media/{media}", house.messages())).basic_auth(account_sid(business(1)), Some("all"));
    let bytes = bytes.send().await.unwrap();
    assert_eq!(
        (bytes.status().as_u16(), bytes.headers()[header::LOCATION].to_str().unwrap()),
        (307, "https://files.example.com/a.pdf")
    );
    house.close().await;
}

#[tokio::test]
async fn the_account_is_shown_to_its_credentials_and_is_the_only_one() {
    let house = house().await;
    let account = account_sid(business(1));
    let (status, found) = house.fetch(&format!("/2010-04-01/Accounts/{account}.json")).await;
    assert_eq!((status, &found["sid"], &found["friendly_name"]), (StatusCode::OK, &json!(account), &json!("B1")));
    assert_eq!((&found["status"], &found["auth_token"]), (&json!("active"), &Value::Null));
    assert_eq!(found["date_created"], "Thu, 01 Jan 1970 00:00:00 +0000");
    for (query, count) in
        [("", 1), ("?FriendlyName=B1", 1), ("?FriendlyName=B2", 0), ("?Status=active", 1), ("?Status=closed", 0)]
    {
        let (_, list) = house.fetch(&format!("/2010-04-01/Accounts.json{query}")).await;
        assert_eq!(list["accounts"].as_array().unwrap().len(), count, "{query}: {list}");
    }
    let url = format!("{}/2010-04-01/Accounts/{account}.json", house.base);
    // Credentials of whatever scope may ask who they are; none may ask of another, and nothing is changed here.
    let narrow = house.client.get(&url).basic_auth(key_sid(KeyId(2)), Some("hooks"));
    assert_eq!(answered(narrow).await.0, StatusCode::OK);
    let stranger = house.client.get(&url).basic_auth(account_sid(business(2)), Some("stranger"));
    assert_eq!(refused(&answered(stranger).await), (401, 20003));
    assert_eq!(refused(&house.fetch("/2010-04-01/Accounts.json?Status=asleep").await), (400, 20422));
    for url in [url.as_str(), &format!("{}/2010-04-01/Accounts.json", house.base)] {
        let changed = house.twilio(Method::POST, url).form(&[("FriendlyName", "Mine")]);
        assert_eq!(refused(&answered(changed).await), (405, 20004));
    }
    house.close().await;
}

#[tokio::test]
async fn a_repeated_request_that_is_named_makes_one_message() {
    let house = house().await;
    let url = format!("{}.json", house.messages());
    let ask = async |name: &str, key: &str, body: &str| {
        let request = house.twilio(Method::POST, &url).header(name, key).form(&with(&[("Body", body)]));
        answered(request).await
    };
    let (status, first) = ask("Idempotency-Key", "order 7", "Hi").await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    for header in ["Idempotency-Key", "I-Twilio-Idempotency-Token"] {
        let (status, again) = ask(header, "order 7", "Hi").await;
        assert_eq!((status, &again["sid"], &again["status"]), (StatusCode::CREATED, &first["sid"], &json!("queued")));
    }
    assert_eq!(refused(&ask("Idempotency-Key", "order 7", "Ho").await), (409, 20422));
    assert_eq!(refused(&ask("Idempotency-Key", &"x".repeat(129), "Hi").await), (400, 20422));
    assert_eq!(house.kept().await, 1);
    house.close().await;
}

/// What stands in the way of a repetition did not stand in that of the first request.
#[tokio::test]
async fn what_was_accepted_is_answered_again_whatever_would_refuse_it_now() {
    let house = house().await;
    let url = format!("{}.json", house.messages());
    let ask = async |key: &str, pairs: Pairs<'_>| {
        answered(house.twilio(Method::POST, &url).header("I-Twilio-Idempotency-Token", key).form(&with(pairs))).await
    };
    let services = format!("{}/v1/Services", house.base);
    let (_, service) = answered(house.twilio(Method::POST, &services).form(&[("FriendlyName", "Timed")])).await;
    let at = house.clock.now().plus(Span::secs(301)).as_secs();
    let at = jiff::Timestamp::from_second(at).unwrap().to_string();
    let timed = [("MessagingServiceSid", service["sid"].as_str().unwrap()), ("ScheduleType", "fixed"), ("SendAt", at.as_str())];
    let (status, first) = ask("timed", &timed).await;
    assert_eq!((status, &first["status"]), (StatusCode::CREATED, &json!("scheduled")), "{first}");
    house.clock.turn(Span::secs(2), |_| async { Ok(()) }).await.unwrap();
    let (status, again) = ask("timed", &timed).await;
    assert_eq!((status, &again["sid"]), (StatusCode::CREATED, &first["sid"]), "{again}");
    assert_eq!(refused(&ask("other", &timed).await), (400, 35114));
    let other = [&timed[..], &[("Body", "Ho")]].concat();
    assert_eq!(refused(&ask("timed", &other).await), (409, 20422));

    // As many hosts as may be called are called by now, and this one is no more among them.
    let told = [("StatusCallback", "https://shop.example/told")];
    let (status, first) = ask("told", &told).await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    let endpoints = house.store.endpoints(Some(business(1))).await.unwrap();
    let id = endpoints.iter().find(|endpoint| endpoint.address == "https://shop.example").unwrap().id;
    let removed = house.ask(Method::DELETE, &format!("{{b}}/endpoints/{id}"), "all", None).await;
    assert!(removed.0.is_success(), "{}", removed.1);
    for n in 0..transom_store::CALLBACK_ORIGINS_MAX {
        house.gateway.service().accept_callback(business(1), &format!("https://h{n}.example/")).await.unwrap();
    }
    let (status, again) = ask("told", &told).await;
    assert_eq!((status, &again["sid"]), (StatusCode::CREATED, &first["sid"]), "{again}");
    assert_eq!(refused(&ask("untold", &told).await), (400, 20422));
    assert_eq!(house.kept().await, 2);
    house.close().await;
}

#[tokio::test]
async fn a_message_that_was_sent_by_a_template_shows_what_the_customer_sees() {
    let house = house().await;
    let text = TextDefinition { text: "Hi {{1}}, it is ready.".into(), samples: vec!["Bo".into()] };
    let template = Template {
        id: "7".into(),
        name: "ready".into(),
        language: transom_domain::content::Language::parse("en").unwrap(),
        category: Category::Utility,
        approval: transom_domain::template::Approval::Approved,
        reason: None,
        definition: Definition { body: BodyDefinition::Own(text), ..Definition::default() },
        life: Default::default(),
    };
    house.store.put_templates(business(1), "1020".into(), vec![template], true, Timestamp::EPOCH).await.unwrap();
    let send = json!({ "number": CUSTOMER, "templateName": "ready", "language": "en",
        "parameters": [{ "name": "body_1", "value": "Ana" }] });
    let (status, sent) = house.post("{b}/send/whatsapp_templated_messages", &send).await;
    assert_eq!(status, StatusCode::CREATED, "{sent}");
    let (_, list) = house.fetch(".json").await;
    assert_eq!(list["messages"][0]["body"], "Hi Ana, it is ready.", "{list}");
    house.close().await;
}

/// Go reads status and code of an error as integers, counts and prices as texts, and refuses tokens that are not letters and digits;
/// Java takes every key of paging for granted. Neither is run here: this is what they need.
#[tokio::test]
async fn what_go_and_java_read_has_the_shape_that_they_need() {
    let house = house().await;
    let (_, message) = house.create(&BASE).await;
    for text in ["sid", "num_segments", "num_media", "status", "direction", "date_created", "date_updated", "uri", "api_version"]
    {
        assert!(message[text].is_string(), "{text}: {message}");
    }
    for null in ["price", "price_unit", "error_code", "error_message", "messaging_service_sid"] {
        assert!(message.get(null).is_some_and(Value::is_null), "{null}: {message}");
    }
    let created = message["date_created"].as_str().unwrap();
    assert!(jiff::fmt::rfc2822::parse(created).is_ok() && created.ends_with(" +0000"), "{created}");

    let (_, refusal) = house.create(&with(&[("To", "nobody")])).await;
    assert!(refusal["code"].is_u64() && refusal["status"].is_u64() && refusal["details"].is_object(), "{refusal}");

    let lists = [(".json".to_owned(), "messages"), ("/2010-04-01/Accounts.json".to_owned(), "accounts")];
    for (path, key) in lists {
        let (_, list) = house.fetch(&path).await;
        for number in ["page", "page_size", "start", "end"] {
            assert!(list[number].is_u64(), "{path}: {number}");
        }
        for link in ["uri", "first_page_uri"] {
            assert!(list[link].as_str().is_some_and(|link| link.starts_with("/2010-04-01/")), "{path}: {link}");
        }
        assert!(list.get("next_page_uri").is_some() && list.get("previous_page_uri").is_some(), "{path}");
        assert_eq!(list.as_object().unwrap().len(), 9, "{path}: one key besides those of paging");
        assert!(list[key].is_array());
    }
    for (path, key) in [
        ("/v1/Content", "contents"),
        ("/v1/ContentAndApprovals", "contents"),
        ("/v1/LegacyContent", "contents"),
        ("/v2/Content", "contents"),
        ("/v2/ContentAndApprovals", "contents"),
        ("/v1/Services", "services"),
    ] {
        let (_, list) = house.fetch(path).await;
        let meta = &list["meta"];
        assert!(meta["page"].is_u64() && meta["page_size"].is_u64() && meta["key"] == key, "{path}: {list}");
        for link in ["url", "first_page_url"] {
            assert!(meta[link].as_str().is_some_and(|link| link.starts_with(&house.base)), "{path}: {link}");
        }
        for nullable in ["next_page_url", "previous_page_url"] {
            assert!(meta.get(nullable).is_some_and(Value::is_null), "{path}: {nullable}");
        }
        assert!(list[key].is_array() && list.as_object().unwrap().len() == 2, "{path}: {list}");
    }
    house.close().await;
}
