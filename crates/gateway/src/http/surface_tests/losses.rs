//! What was sent and not heard of: presumed lost once its time to live is over, and counted for its sender.

use transom_domain::free_form::FreeForm;
use transom_domain::id::{CustomerId, MessageId};
use transom_domain::message::{Class, Draft, WhenUnknown};
use transom_domain::shares::Room;
use transom_domain::template::Category;
use transom_domain::verdict::{Kind, Reason, Source, Verdict};
use transom_store::{Accept, Claim, Outcome, Settle, WalkPoint};

use super::*;
use transom_domain::fact::Person;

impl House {
    /// A message that Meta took so long ago, and told nothing of since.
    async fn taken(&self, id: u128, category: Option<Category>, ago: Span) -> String {
        let at = self.gateway.service().now().minus(ago);
        let verdict = Verdict {
            kind: Kind::Template,
            reason: Reason::SessionClosed,
            explanation: "It goes as a template.".into(),
            source: Source::RuleTable,
            valid_until: None,
            sent_as: None,
            content_type: None,
            template: None,
            category,
            template_version: None,
            instead_of: None,
            alternatives: Vec::new(),
            passed_over: Vec::new(),
        };
        let accept = Accept {
            id: MessageId(id),
            business: business(1),
            sender: SenderId(5),
            channel: Channel::Whatsapp,
            address: format!("+49151123456{:02}", id % 100).parse().unwrap(),
            new_customer: CustomerId(id),
            name: None,
            draft: Draft::FreeForm { say: FreeForm::Text { body: "x".into(), preview_url: false }, human: None },
            verdict,
            class: Class::Reply,
            not_before: at,
            expires_at: None,
            when_unknown: WhenUnknown::Auto,
            callback_data: None,
            campaign: None,
            origin: None,
            reply_to: None,
            idempotency: None,
            backlog_max: 100,
            schedule_max: 100,
            at_once: None,
            now: at,
        };
        self.store.accept(accept).await.unwrap();
        let claim = Claim { sender: SenderId(5), room: Room::of(10), owner: 1, now: at, pair_gap: Span::secs(6), pair_burst: 45 };
        let claimed = self.store.claim(claim).await.unwrap().claimed.remove(0);
        let outcome = Outcome::Answered { provider_id: format!("wamid.{id}"), recipient: Person::default(), note: None };
        let settle = Settle {
            business: business(1),
            message: MessageId(id),
            attempt: claimed.attempt,
            verdict: None,
            outcome,
            answer: None,
        };
        self.store.settle(vec![settle], at).await.unwrap();
        MessageId(id).to_string()
    }
}

#[tokio::test]
async fn what_meta_has_given_up_is_presumed_lost_and_counted() {
    let house = house().await;
    let lost = async |id: String| house.get(&format!("{{b}}/messages/{id}")).await.1["presumedLostAt"].is_string();
    let old = house.taken(1, Some(Category::Utility), Span::days(31)).await;
    assert!(lost(old).await);
    let code = house.taken(2, Some(Category::Authentication), Span::hours(25)).await;
    assert!(lost(code).await);
    let fresh = house.taken(3, Some(Category::Authentication), Span::minutes(9)).await;
    assert!(!lost(fresh).await, "a code lives for ten minutes");
    let young = house.taken(4, Some(Category::Marketing), Span::days(29)).await;
    assert!(!lost(young).await);
    let mut from = Some(WalkPoint::START);
    while let Some(point) = from {
        from = house.store.count_silence(point, 10, house.gateway.service().now()).await.unwrap();
    }
    let (_, sender) = house.get(&format!("{{b}}/senders/{}", SenderId(5))).await;
    let losses = &sender["capacity"]["losses"];
    assert_eq!((&losses["messages"], &losses["unheard"]), (&json!(1), &json!(1)), "{losses}");
    // The code, and the one that was given up by now.
    assert_eq!(losses["presumedLost"], 2);
    house.close().await;
}
