//! Answers that are lost, lists that lag, stores that fail between Meta's yes and our own: nothing is forgotten, nothing done twice.

use transom_domain::content::Content;
use transom_domain::submission::Stage;
use transom_domain::template::HeaderDefinition;
use transom_store::TemplateOutcome;

use super::*;
use crate::service::{AskForApproval, NewContent};

fn with_picture(text: &str) -> Definition {
    let sample = Some("https://files.example/h.png".into());
    Definition { header: Some(HeaderDefinition::Image { sample }), ..saying(text) }
}

impl Desk {
    async fn change(&self, name: &str, change: TemplateChange) -> Result<Template, crate::problem::Problem> {
        let edited = self.house.service().edit_template(&self.caller, None, name.into(), english(), change).await;
        edited.map(|made| made.template)
    }

    /// A template that Meta has approved, and its creation is forgotten.
    async fn approved(&self, name: &str, definition: Definition) {
        self.house.service().create_template(&self.caller, new(name, definition)).await.unwrap();
        self.set(name, "status", json!("APPROVED"));
        self.read().await;
        self.calls();
    }

    /// A call that was settled by another hand, of which the shelf knows nothing yet.
    async fn settled_elsewhere(&self, name: &str, definition: Definition) {
        let key = TemplateKey { business: self.caller.business, waba: WABA.into(), name: name.into(), language: english() };
        let category = Category::Utility;
        let action = TemplateAction::Create { category, definition, ttl_seconds: None };
        let now = self.house.service().now();
        self.store.begin_template(TemplateIntent { key: key.clone(), action, by: By::Meta, at: now }).await.unwrap();
        let created = TemplateOutcome::Created { id: "701".into(), approval: Approval::Pending, category };
        self.store.end_template(key, created, now).await.unwrap();
    }

    async fn open(&self) -> usize {
        self.store.template_intents(self.caller.business, WABA.into()).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_submission_stays_where_meta_s_yes_could_not_be_stored() {
    let desk = Desk::new().await;
    let service = desk.house.service();
    let words = json!({ "language": "en_US", "types": { "twilio/text": { "body": ONE } } });
    let content = Content::read(&words, "").unwrap();
    let kept =
        service.create_content(&desk.caller, NewContent { id: None, friendly_name: String::new(), content }).await.unwrap();
    let ask = AskForApproval {
        name: "a".into(),
        category: Category::Utility,
        allow_category_change: true,
        waba: None,
        ttl_seconds: None,
    };
    desk.meta.0.lock().unwrap().trips = Some(desk.store.clone());
    let unknown = service.submit_content(&desk.caller, kept.id, ask).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::OutcomeUnknown, "{unknown:?}");
    assert_eq!(service.approvals(&desk.caller, kept.id).await.unwrap().len(), 1);
    desk.read().await;
    assert_eq!(service.approvals(&desk.caller, kept.id).await.unwrap()[0].stage, Stage::AtMeta(Approval::Pending));
}

#[tokio::test]
async fn an_edit_with_a_sample_is_settled_by_its_repetition() {
    let desk = Desk::new().await;
    desk.approved("a", with_picture(ONE)).await;
    let change = TemplateChange { definition: Some(with_picture(TWO)), ..TemplateChange::default() };
    desk.fault(Fault::LostAfter);
    desk.meta.0.lock().unwrap().deaf = true;
    assert_eq!(desk.change("a", change.clone()).await.unwrap_err().code, ErrorCode::OutcomeUnknown);
    desk.meta.0.lock().unwrap().deaf = false;
    assert!(desk.change("a", change).await.unwrap().life.edit.is_some());
    assert_eq!(desk.calls().iter().filter(|call| call.starts_with("POST 70")).count(), 1);
}

#[tokio::test]
async fn an_edit_of_the_time_to_live_alone_is_looked_for_by_it() {
    for (fault, is_done) in [(Fault::LostBefore, false), (Fault::LostAfter, true)] {
        let desk = Desk::new().await;
        desk.approved("a", saying(ONE)).await;
        desk.fault(fault);
        let change = TemplateChange { ttl_seconds: Some(3_600), ..TemplateChange::default() };
        assert_eq!(desk.change("a", change).await.is_ok(), is_done, "{fault:?}");
    }
}

#[tokio::test]
async fn a_list_that_may_lag_does_not_say_that_an_edit_was_not_made() {
    let desk = Desk::new().await;
    desk.approved("a", saying(ONE)).await;
    desk.fault(Fault::LostBefore);
    assert_eq!(desk.edit("a", TWO).await.unwrap_err().code, ErrorCode::OutcomeUnknown);
    desk.clock.turn(Span::secs(2), |_| async { Ok(()) }).await.unwrap();
    let unknown = desk.edit("a", TWO).await.unwrap_err();
    assert_eq!((unknown.code, unknown.retry_after.is_some()), (ErrorCode::OutcomeUnknown, true), "{unknown:?}");
    desk.read().await;
    assert_eq!((desk.open().await, desk.calls().len()), (1, 1));
    // Once no list can be that far behind, it was not made, and is.
    desk.clock.turn(Span::minutes(11), |_| async { Ok(()) }).await.unwrap();
    assert!(desk.edit("a", TWO).await.unwrap().life.edit.is_some());
    assert_eq!((desk.open().await, desk.calls().len()), (0, 1));
}

#[tokio::test]
async fn one_template_that_cannot_be_understood_stops_no_reconciliation() {
    let desk = Desk::new().await;
    desk.approved("a", saying(ONE)).await;
    desk.approved("b", saying(TWO)).await;
    desk.set("a", "components", json!([{ "type": "HOLOGRAM" }]));
    desk.meta.0.lock().unwrap().templates.remove(&("b".to_owned(), "en_US".to_owned()));
    desk.clock.turn(Span::secs(2), |_| async { Ok(()) }).await.unwrap();
    let since = desk.clock.now();
    desk.read().await;
    let stand: Vec<(String, Approval)> = desk.all().await.into_iter().map(|t| (t.name, t.approval)).collect();
    assert_eq!(stand, [("a".to_owned(), Approval::Approved), ("b".to_owned(), Approval::Deleted)]);
    let read_at = desk.store.templates_read_at(desk.caller.business, WABA.into()).await.unwrap();
    assert!(read_at >= Some(since), "{read_at:?}");
}

#[tokio::test]
async fn a_double_is_refused_before_its_pictures_are_fetched() {
    let desk = Desk::new().await;
    let service = desk.house.service();
    let layout = json!([
        { "type": "MEDIA", "url": "https://files.example/p.png" },
        { "type": "SHORT_TEXT", "label": "Day", "text": "Day", "required": true, "input_type": "TEXT" },
        { "type": "FOOTER", "label": "Send" },
    ]);
    let form = json!({
        "body": ONE, "button_text": "Book", "type": "APPOINTMENT_BOOKING",
        "pages": [{ "id": "first", "title": "Your visit", "layout": layout }],
    });
    let content = Content::read(&json!({ "language": "en_US", "types": { "twilio/flows": form } }), "").unwrap();
    let kept =
        service.create_content(&desk.caller, NewContent { id: None, friendly_name: String::new(), content }).await.unwrap();
    let ask = |name: &str| AskForApproval {
        name: name.into(),
        category: Category::Utility,
        allow_category_change: true,
        waba: None,
        ttl_seconds: None,
    };
    service.submit_content(&desk.caller, kept.id, ask("a")).await.unwrap();
    assert!(desk.calls().contains(&"fetch /p.png".to_owned()));
    let refused = service.submit_content(&desk.caller, kept.id, ask("b")).await.unwrap_err();
    assert_eq!((refused.code, desk.calls()), (ErrorCode::ContentInUse, Vec::new()));
}

#[tokio::test]
async fn whoever_is_refused_finds_the_reason() {
    let desk = Desk::new().await;
    let service = desk.house.service();
    // The shelf is in memory, and somebody else settles a call behind its back.
    let shown = || service.template(&desk.caller, None, "a", Some(english()));
    assert!(shown().await.is_err());
    desk.settled_elsewhere("a", saying(ONE)).await;
    assert!(shown().await.is_err());
    let refused = service.create_template(&desk.caller, new("a", saying(ONE))).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::TemplateConflict, "{refused:?}");
    assert_eq!(shown().await.unwrap().templates[0].definition, saying(ONE));
}
