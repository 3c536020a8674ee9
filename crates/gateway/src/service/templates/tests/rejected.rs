//! Content that Meta rejected: corrected, and submitted again under its name.

use transom_domain::content::Content;
use transom_domain::submission::Stage;

use super::*;
use crate::service::{AskForApproval, NewContent};

#[tokio::test]
async fn corrected_content_is_submitted_again_as_the_template_that_was_rejected() {
    let desk = Desk::new().await;
    let service = desk.house.service();
    let words = |text: &str| {
        let json = json!({ "language": "en_US", "types": { "twilio/text": { "body": text } } });
        NewContent { id: None, friendly_name: String::new(), content: Content::read(&json, "").unwrap() }
    };
    let ask =
        |category| AskForApproval { name: "a".into(), category, allow_category_change: true, waba: None, ttl_seconds: None };
    let kept = service.create_content(&desk.caller, words(ONE)).await.unwrap();
    let first = service.submit_content(&desk.caller, kept.id, ask(Category::Utility)).await.unwrap().followed;
    desk.set("a", "status", json!("REJECTED"));
    desk.read().await;
    desk.calls();

    service.change_content(&desk.caller, kept.id, words(TWO)).await.unwrap();
    let again = service.submit_content(&desk.caller, kept.id, ask(Category::Marketing)).await.unwrap().followed;
    assert_eq!((again.stage, &again.submission.template), (Stage::AtMeta(Approval::Pending), &first.submission.template));
    let there = again.template.unwrap();
    assert!(there.definition.is_same(&saying(TWO)) && there.category == Category::Marketing, "{there:?}");
    let id = first.submission.template.unwrap();
    assert!(desk.calls().iter().any(|call| call.starts_with(&format!("POST {id}"))));
    assert_eq!(service.approvals(&desk.caller, kept.id).await.unwrap().len(), 1);
}
