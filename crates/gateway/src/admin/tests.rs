use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tower::ServiceExt as _;

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, JournalId};
use transom_store::{JournalEntry, JournalHead, JournalOutcome, MemoryStore};

use super::*;
use crate::seal::SealingKey;
use crate::service::AddressRules;
use crate::upstream::UpstreamSettings;
use crate::wire::Wires;

/// Over an empty memory store, with an upstream that nobody answers at.
async fn alone() -> Admin {
    let dir = tempfile::tempdir().unwrap();
    let key = SealingKey::load_or_create(dir.path()).unwrap();
    let upstream = UpstreamSettings { graph_url: "http://127.0.0.1:9".into(), version: "v25.0".into() };
    let wires =
        Wires::http("http://127.0.0.1:9", Duration::from_secs(1), Duration::from_secs(1), AddressRules::default()).unwrap();
    Admin::alone(
        Arc::new(MemoryStore::new()),
        key,
        upstream,
        wires,
        AddressRules::default(),
        crate::media::MediaSettings::nowhere(),
    )
    .await
    .unwrap()
}

async fn business(admin: &Admin) -> BusinessId {
    match admin.handle(AdminCommand::BusinessAdd { name: " Tea shop ".into() }).await.unwrap() {
        AdminAnswer::Business(made) => {
            assert_eq!(made.name, "Tea shop");
            made.id
        }
        other => panic!("{other:?}"),
    }
}

async fn knock(router: &axum::Router, token: Option<&str>, body: &str) -> (StatusCode, serde_json::Value) {
    let mut request = Request::post(DOOR_PATH);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let answer = router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let status = answer.status();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn the_door_opens_to_its_own_token_only() {
    let door = Door::new("http://127.0.0.1:1").unwrap();
    let router = routes(alone().await, &door.token, std::time::Duration::from_secs(5));
    let list = r#"{"command":"business_list"}"#;
    for wrong in [None, Some(""), Some("wrong"), Some(&door.token[1..])] {
        assert_eq!(knock(&router, wrong, list).await.0, StatusCode::UNAUTHORIZED, "{wrong:?}");
    }
    let (status, answer) = knock(&router, Some(&door.token), list).await;
    assert_eq!((status, &answer["answer"]), (StatusCode::OK, &"businesses".into()));
    for bad in
        ["", "{", r#"{"command":"sell"}"#, r#"{"command":"business_add"}"#, r#"{"command":"business_add","name":"a","more":1}"#]
    {
        let (status, refusal) = knock(&router, Some(&door.token), bad).await;
        assert_eq!((status, &refusal["code"]), (StatusCode::BAD_REQUEST, &"ERROR_CODE_REQUEST_INVALID".into()), "{bad}");
    }
}

#[tokio::test]
async fn a_door_is_for_its_owner_and_closes_behind_its_own_server_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (Door::new("http://127.0.0.1:1").unwrap(), Door::new("http://127.0.0.1:2").unwrap());
    first.open(dir.path()).unwrap();
    assert_eq!(std::fs::metadata(dir.path().join(DOOR_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    second.open(dir.path()).unwrap();
    first.close(dir.path());
    assert_eq!(Door::of(dir.path()), Some(second.clone()));
    second.close(dir.path());
    assert_eq!(Door::of(dir.path()), None);
    assert!(!format!("{first:?}").contains(&first.token));
}

#[tokio::test]
async fn keys_are_shown_once_and_end_when_revoked() {
    let admin = alone().await;
    let business = business(&admin).await;
    let command =
        AdminCommand::KeyAdd { business, label: "orders".into(), scopes: vec![Scope::Send], expires_in_seconds: Some(60) };
    let AdminAnswer::KeyMade { key, text } = admin.handle(command).await.unwrap() else { panic!("no key") };
    assert_eq!(key.scopes, [Scope::Send]);
    assert!(
        admin
            .service
            .authenticate(business, Some(&text.0), crate::service::Needs { scope: transom_store::Scopes::SEND, changes: true })
            .await
            .is_ok()
    );
    let scoped = admin
        .service
        .authenticate(business, Some(&text.0), crate::service::Needs { scope: transom_store::Scopes::WEBHOOKS, changes: true })
        .await;
    assert_eq!(scoped.map_err(|p| p.code), Err(ErrorCode::KeyScopeMissing));
    admin.handle(AdminCommand::KeyRevoke { business, key: key.id }).await.unwrap();
    let revoked = admin
        .service
        .authenticate(business, Some(&text.0), crate::service::Needs { scope: transom_store::Scopes::SEND, changes: true })
        .await;
    assert_eq!(revoked.map_err(|p| p.code), Err(ErrorCode::ApiKeyInvalid));
    let listed = admin.handle(AdminCommand::KeyList { business }).await.unwrap();
    assert!(!serde_json::to_string(&listed).unwrap().contains(&text.0));
    assert!(!format!("{text:?}").contains("tk"));
}

#[tokio::test]
async fn an_auth_token_is_made_once_and_both_are_valid_while_it_is_rotated() {
    let admin = alone().await;
    let business = business(&admin).await;
    let ask = async |rotate| match admin.handle(AdminCommand::Twilio { business, rotate, refuse_at_once: None }).await {
        Ok(AdminAnswer::Twilio(view)) => Ok(view),
        Ok(other) => panic!("{other:?}"),
        Err(problem) => Err(problem.code),
    };
    let opens = async |token: &Secret| {
        admin.service.forget_keys();
        admin
            .service
            .authenticate(business, Some(&token.0), crate::service::Needs { scope: transom_store::Scopes::SEND, changes: true })
            .await
            .is_ok()
    };
    let first = ask(None).await.unwrap();
    assert_eq!(first.auth_token.0.len(), 32);
    assert!(first.auth_token.0.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()));
    assert_eq!(first.account_sid, format!("AC{:032x}", business.0));
    assert_eq!(ask(None).await.unwrap(), first, "shown again, not made again");
    assert_eq!(ask(Some(Rotate::Promote)).await, Err(ErrorCode::StateConflict));

    let second = ask(Some(Rotate::Begin)).await.unwrap().secondary_auth_token.unwrap();
    assert_eq!(ask(Some(Rotate::Begin)).await, Err(ErrorCode::StateConflict));
    assert!(opens(&first.auth_token).await && opens(&second).await);
    assert_eq!(ask(Some(Rotate::Abandon)).await.unwrap(), first);
    assert!(opens(&first.auth_token).await && !opens(&second).await);

    let third = ask(Some(Rotate::Begin)).await.unwrap().secondary_auth_token.unwrap();
    let after = ask(Some(Rotate::Promote)).await.unwrap();
    assert_eq!((after.auth_token.clone(), after.secondary_auth_token), (third, None));
    assert!(!opens(&first.auth_token).await && opens(&after.auth_token).await);

    // No token is lost by revoking its key.
    let AdminAnswer::Keys { data } = admin.handle(AdminCommand::KeyList { business }).await.unwrap() else { panic!("no keys") };
    let key = data.iter().find(|key| key.revoked_at.is_none()).unwrap().id;
    let refused = admin.handle(AdminCommand::KeyRevoke { business, key }).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::StateConflict);
    assert!(
        !serde_json::to_string(&admin.service.store.settings(business).await.unwrap()).unwrap().contains(&after.auth_token.0)
    );
}

#[tokio::test]
async fn what_is_not_there_is_named_with_what_to_do() {
    let admin = alone().await;
    let nobody = BusinessId(7);
    for command in [
        AdminCommand::KeyAdd { business: nobody, label: "x".into(), scopes: vec![], expires_in_seconds: None },
        AdminCommand::TemplateSync { business: nobody },
        AdminCommand::EndpointList { business: nobody },
        AdminCommand::SecretRotate { business: nobody },
    ] {
        let problem = admin.handle(command).await.unwrap_err();
        assert_eq!(problem.code, ErrorCode::NotFound);
        assert!(problem.remedy.is_some_and(|r| r.contains("transom business list")));
    }
    let business = business(&admin).await;
    let secret = Secret("app-secret-value".into());
    admin.handle(AdminCommand::AppPut { id: "123".into(), secret, verify_token: None }).await.unwrap();
    let sender = |app: &str, token: &str| AdminCommand::SenderAdd {
        business,
        app: app.into(),
        waba: "1".into(),
        phone_number_id: "2".into(),
        token: Secret(token.into()),
        pin: None,
    };
    // No server runs here, so Meta's handshake would find nobody: told before Meta is asked anything.
    let problem = admin.handle(sender("123", "token-value")).await.unwrap_err();
    assert!(problem.message.contains("No server runs") && problem.remedy.is_some_and(|r| r.contains("transom serve")));
    assert_eq!(admin.handle(sender("../123", "token-value")).await.unwrap_err().code, ErrorCode::RequestInvalid);
    let AdminAnswer::Senders { data } = admin.handle(AdminCommand::SenderList { business: None }).await.unwrap() else {
        panic!()
    };
    assert!(data.is_empty());
}

#[tokio::test]
async fn the_doctor_finds_what_is_missing_the_worst_first() {
    let admin = alone().await;
    let AdminAnswer::Findings { data } = admin.handle(AdminCommand::Doctor {}).await.unwrap() else { panic!() };
    assert!(data.is_sorted_by_key(|f| f.level));
    assert!(data.iter().any(|f| f.level == Level::Problem && f.about == "businesses"));
    assert!(data.iter().all(|f| f.level == Level::Fine || !f.remedy.is_empty()));
    business(&admin).await;
    let AdminAnswer::Findings { data } = admin.handle(AdminCommand::Doctor {}).await.unwrap() else { panic!() };
    assert!(data.iter().any(|f| f.said.contains("no API key")) && data.iter().any(|f| f.said.contains("no sender")));
}

#[test]
fn no_command_or_answer_shows_a_secret_in_debug() {
    let command =
        AdminCommand::AppPut { id: "1".into(), secret: Secret("s3cret".into()), verify_token: Some(Secret("t0ken".into())) };
    let shown = format!("{command:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("t0ken"));
    let wire = serde_json::to_string(&command).unwrap();
    assert_eq!(serde_json::from_str::<AdminCommand>(&wire).unwrap(), command);
}

#[tokio::test]
async fn what_is_nobody_s_is_shown_to_the_operator() {
    let admin = alone().await;
    for (n, outcome) in [(1, JournalOutcome::Malformed), (2, JournalOutcome::Stranger)] {
        let head = JournalHead {
            id: JournalId(n),
            position: 0,
            business: None,
            app: "10".to_owned(),
            at: Timestamp::from_secs(1),
            outcome,
            fields: String::new(),
            note: "expected a value, found nothing".to_owned(),
            size: 0,
            erased: false,
        };
        admin.service.store.journal_ignored(JournalEntry { head, raw: b"{\"x".to_vec() }).await.unwrap();
    }
    let ask = async |command| match admin.handle(command).await {
        Ok(AdminAnswer::Plain { value }) => value,
        other => panic!("{other:?}"),
    };
    let list = ask(AdminCommand::StrayList { after: 0 }).await;
    let shown: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|e| (e["outcome"].clone(), e["passedOver"].clone())).collect();
    assert_eq!(shown.iter().map(|(outcome, _)| outcome).collect::<Vec<_>>(), ["malformed", "stranger"]);
    assert!(shown.iter().all(|(_, why)| why == "expected a value, found nothing"), "{list}");
    assert_eq!(ask(AdminCommand::StrayShow { entry: JournalId(1) }).await["body"], "{\"x");
    assert!(admin.handle(AdminCommand::StrayShow { entry: JournalId(3) }).await.is_err());
}
