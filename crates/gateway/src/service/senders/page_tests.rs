//! A Page added under whatever Meta says of its token.

use std::sync::Arc;

use ::http::Request;
use bytes::Bytes;
use serde_json::{Value, json};

use transom_clock::WorldClock;
use transom_domain::id::{BusinessId, KeyId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{Actor, App, Business, MemoryStore, Scopes, Store};

use super::super::{AtMeta, NewSender, Step, StepName, StepState};
use super::*;
use crate::chance::Chance;
use crate::seal::SealingKey;
use crate::service::{AddressRules, Limits};
use crate::upstream::UpstreamSettings;
use crate::wire::{Called, Calling, NoWire, Wanted, Wire, Wires};
use crate::{House, HouseParts};

const SHOP: BusinessId = BusinessId(1);
const APP: &str = "10";
const PAGE: &str = "2040";

/// Meta, which says this of every token; nothing where it does not answer that.
struct Meta(Option<Value>);

impl Wire for Meta {
    fn call(&self, request: Request<Bytes>, _: Wanted) -> Calling<'_> {
        let path = request.uri().path();
        let (status, answer) = match (&self.0, path) {
            (Some(said), path) if path.ends_with("/debug_token") => (200, json!({ "data": said })),
            (None, path) if path.ends_with("/debug_token") => {
                (400, json!({ "error": { "message": "Invalid app secret", "code": 101 } }))
            }
            (_, path) if path.ends_with(PAGE) => (200, json!({ "id": PAGE, "name": "Shop" })),
            _ => (200, json!({ "data": [], "success": true })),
        };
        Box::pin(async move { Called::answer(status, answer.to_string()) })
    }
}

/// Adds the Page; gives what the step of its token came to, and how many senders there are then.
async fn added(said: Option<Value>) -> (Result<Vec<Step>, Problem>, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (store, key) = (MemoryStore::new(), SealingKey::load_or_create(folder.path()).unwrap());
    let seal = |text: &[u8]| key.seal(text).unwrap();
    let business = Business {
        id: SHOP,
        name: "Shop".into(),
        webhook_secret: seal(b"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
        previous_webhook_secret: None,
        created_at: Timestamp::EPOCH,
    };
    store.put_business(business).await.unwrap();
    store.put_app(App { id: APP.into(), secret: seal(b"app secret"), verify_token: seal(b"v") }).await.unwrap();
    let house = House::start(HouseParts {
        store: Arc::new(store.clone()),
        clock: WorldClock::wall(),
        key,
        public_url: Some("https://gw.example".into()),
        upstream: UpstreamSettings { graph_url: "https://graph.example".into(), version: "v25.0".into() },
        upstream_connections: 1,
        upstream_per_sender: 1,
        limits: Limits::default(),
        addresses: AddressRules::default(),
        wires: Wires::without_files(Arc::new(Meta(said)), Arc::new(NoWire)),
        template_interval: Span::days(1_000),
        keep: transom_store::Keep::default(),
        media: crate::media::MediaSettings::nowhere(),
        chance: Chance::of_system(),
        replica: crate::work::replicas::ReplicaSettings::default(),
        gate: None,
    })
    .await
    .unwrap();
    let caller = Caller { business: SHOP, who: Actor::Key(KeyId(9)), scopes: Scopes::ADMIN };
    let new =
        NewSender { at_meta: AtMeta::Page { page: PAGE.into() }, app: Some(APP.into()), app_secret: None, token: "t".into() };
    let added = house.service().add_sender(&caller, new).await.map(|(_, steps)| steps);
    (added, store.senders().await.unwrap().len())
}

#[tokio::test]
async fn a_token_that_meta_calls_invalid_or_another_app_s_is_not_kept() {
    let scopes = json!(["pages_messaging", "pages_manage_metadata"]);
    for (said, why) in [
        (json!({ "app_id": APP, "is_valid": false, "scopes": scopes }), "not valid"),
        (json!({ "app_id": "11", "is_valid": true, "scopes": scopes }), "of app 11"),
        (json!({ "app_id": APP, "is_valid": true, "scopes": ["pages_messaging"] }), "pages_manage_metadata"),
    ] {
        let (added, kept) = added(Some(said)).await;
        let problem = added.err().unwrap();
        assert!(problem.message.contains(why), "{}", problem.message);
        assert_eq!(kept, 0, "{why}");
    }
}

#[tokio::test]
async fn a_token_that_could_not_be_checked_is_kept_with_a_warning() {
    let good = json!({ "app_id": APP, "is_valid": true, "scopes": ["pages_messaging", "pages_manage_metadata"] });
    for (said, state) in [(Some(good), StepState::Done), (None, StepState::Warning)] {
        let (added, kept) = added(said).await;
        let steps = added.unwrap_or_else(|problem| panic!("{}", problem.message));
        let token = steps.iter().find(|step| step.what == StepName::Token).unwrap();
        assert_eq!((token.state, kept), (state, 1));
    }
}
