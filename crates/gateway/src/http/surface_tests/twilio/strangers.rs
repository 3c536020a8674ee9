//! SIDs that another account really has: under this one they lead nowhere, and nothing of them changes.

use super::*;

const THEIRS: &str = "+493099999999";

impl House {
    async fn as_stranger(&self, method: Method, path: &str, body: Body<'_>) -> (StatusCode, Value) {
        let path = path.replace("{a}", &account_sid(business(2)));
        let request = self.client.request(method, format!("{}{path}", self.base));
        answered(body.on(request.basic_auth(account_sid(business(2)), Some("stranger")))).await
    }

    async fn as_own(&self, method: Method, path: &str, body: Body<'_>) -> (StatusCode, Value) {
        let path = path.replace("{a}", &account_sid(business(1)));
        answered(body.on(self.twilio(method, &format!("{}{path}", self.base)))).await
    }
}

/// What a request carries.
#[derive(Clone, Copy)]
enum Body<'a> {
    Nothing,
    Form(Pairs<'a>),
    Json(&'a Value),
}

impl Body<'_> {
    fn on(self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match self {
            Self::Nothing => request,
            Self::Form(pairs) => request.form(pairs),
            Self::Json(value) => request.header(header::CONTENT_TYPE, "application/json").body(value.to_string()),
        }
    }
}

fn sid(made: &(StatusCode, Value)) -> String {
    assert!(made.0.is_success(), "{}", made.1);
    made.1["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_another_account_has_is_not_there_and_stays_as_it_is() {
    use Body::{Form, Json, Nothing};
    let house = house().await;
    let sealing = SealingKey::load_or_create(house.folder.path()).unwrap();
    let sender = Sender {
        id: SenderId(6),
        business: business(2),
        channel: Channel::Whatsapp,
        address: THEIRS.parse().unwrap(),
        name: None,
        account: "1066".into(),
        waba: Some("1021".into()),
        app: "10".into(),
        token: sealing.seal(b"token").unwrap(),
        throughput: 80,
        state: SenderState::Active,
        created_at: Timestamp::EPOCH,
    };
    assert_eq!(house.store.put_sender(sender).await.unwrap(), PutSender::Stored);
    // Reads the directory anew.
    house.gateway.service().refuse_at_once(business(2), false).await.unwrap();

    let content = json!({ "friendly_name": "theirs", "language": "en", "types": { "twilio/text": { "body": "Hi there." } } });
    let hx = sid(&house.as_stranger(Method::POST, "/v1/Content", Json(&content)).await);
    let mg = sid(&house.as_stranger(Method::POST, "/v1/Services", Form(&[("FriendlyName", "theirs")])).await);
    let xe = format!("XE{:032x}", 6);
    let pool = format!("/v1/Services/{mg}/ChannelSenders");
    assert_eq!(sid(&house.as_stranger(Method::POST, &pool, Form(&[("Sid", &xe)])).await), xe);
    let from = format!("whatsapp:{THEIRS}");
    let at = house.clock.now().plus(Span::hours(1)).as_secs();
    let at = jiff::Timestamp::from_second(at).unwrap().to_string();
    let file = [("MediaUrl", "https://files.example.com/a.pdf"), ("MessagingServiceSid", mg.as_str()), ("ScheduleType", "fixed")];
    let timed = [&file[..], &[("From", from.as_str()), ("SendAt", at.as_str())]].concat();
    let send = with(&timed);
    let mm = sid(&house.as_stranger(Method::POST, "/2010-04-01/Accounts/{a}/Messages.json", Form(&send)).await);
    let of_theirs = format!("/2010-04-01/Accounts/{{a}}/Messages/{mm}");
    let (_, list) = house.as_stranger(Method::GET, &format!("{of_theirs}/Media.json"), Nothing).await;
    let me = list["media_list"][0]["sid"].as_str().unwrap().to_owned();
    assert!(hx.starts_with("HX") && mg.starts_with("MG") && mm.starts_with("MM") && me.starts_with("ME"));

    let seen = async || {
        let mut seen = Vec::new();
        for path in [
            format!("/v1/Content/{hx}"),
            format!("/v1/Content/{hx}/ApprovalRequests"),
            "/v1/ContentAndApprovals".to_owned(),
            format!("/v1/Services/{mg}"),
            pool.clone(),
            format!("{of_theirs}.json"),
            format!("{of_theirs}/Media/{me}.json"),
        ] {
            let (status, shown) = house.as_stranger(Method::GET, &path, Nothing).await;
            assert_eq!(status, StatusCode::OK, "{path}: {shown}");
            seen.push(shown);
        }
        seen
    };
    let before = seen().await;

    // Every operation on it, under an account that is not its own.
    let own = sid(&house.as_own(Method::POST, "/v1/Services", Form(&[("FriendlyName", "own")])).await);
    let own_pool = format!("/v1/Services/{own}/ChannelSenders");
    let ask = json!({ "name": "theirs", "category": "UTILITY" });
    let change = json!({ "types": { "twilio/text": { "body": "Mine now." } } });
    let name: Pairs<'_> = &[("FriendlyName", "mine")];
    let here = |rest: &str| format!("/2010-04-01/Accounts/{{a}}/Messages/{mm}{rest}");
    let own_sender: Pairs<'_> = &[("Sid", "XE00000000000000000000000000000005")];
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    for (method, path, body) in [
        (&get, format!("/v1/Content/{hx}"), Nothing),
        (&Method::PUT, format!("/v1/Content/{hx}"), Json(&change)),
        (&delete, format!("/v1/Content/{hx}"), Nothing),
        (&get, format!("/v1/Content/{hx}/ApprovalRequests"), Nothing),
        (&post, format!("/v1/Content/{hx}/ApprovalRequests/whatsapp"), Json(&ask)),
        (&get, format!("/v1/Services/{mg}"), Nothing),
        (&post, format!("/v1/Services/{mg}"), Form(name)),
        (&delete, format!("/v1/Services/{mg}"), Nothing),
        (&get, pool.clone(), Nothing),
        (&post, pool.clone(), Form(own_sender)),
        (&get, format!("{pool}/{xe}"), Nothing),
        (&delete, format!("{pool}/{xe}"), Nothing),
        (&post, own_pool.clone(), Form(&[("Sid", &xe)])),
        (&get, format!("{own_pool}/{xe}"), Nothing),
        (&delete, format!("{own_pool}/{xe}"), Nothing),
        (&get, here(".json"), Nothing),
        (&get, here(""), Nothing),
        (&post, here(".json"), Form(&[("Status", "canceled")])),
        (&post, here(".json"), Form(&[("Body", "")])),
        (&delete, here(".json"), Nothing),
        (&get, here("/Media.json"), Nothing),
        (&get, here(&format!("/Media/{me}.json")), Nothing),
        (&get, here(&format!("/Media/{me}")), Nothing),
        (&delete, here(&format!("/Media/{me}.json")), Nothing),
        (&post, here("/Feedback.json"), Form(&[("Outcome", "confirmed")])),
    ] {
        let answer = house.as_own(method.clone(), &path, body).await;
        assert_eq!(refused(&answer), (404, 20404), "{method} {path}: {}", answer.1);
    }
    // Nor is anything sent with it.
    for (pairs, code) in [
        (&[("ContentSid", hx.as_str())][..], (400, 21655)),
        (&[("MessagingServiceSid", mg.as_str()), ("From", "-")], (404, 21701)),
        (&[("MessagingServiceSid", mg.as_str())], (404, 21701)),
        (&[("From", from.as_str())], (400, 63007)),
    ] {
        let answer = house.create(&with(pairs)).await;
        assert_eq!(refused(&answer), code, "{pairs:?}: {}", answer.1);
    }
    assert_eq!(house.kept().await, 0);
    for path in ["/v1/Content", "/v1/ContentAndApprovals", "/v2/Content", "/v1/LegacyContent"] {
        assert_eq!(house.fetch(path).await.1["contents"], json!([]), "{path}");
    }
    assert_eq!(seen().await, before);
    house.close().await;
}
