//! What was to be sent is stopped or deleted meanwhile: what may step in does, at acceptance and at dispatch.

use transom_domain::address::Channel;
use transom_domain::message::{Draft, WhenRefused, WhenUnknown};
use transom_domain::parameters::Naming;
use transom_domain::session::{Closed, Session};
use transom_domain::template::TemplateSend;
use transom_domain::verdict::{CustomerFacts, Reason, SentAs, Verdict};

use super::*;
use crate::service::{Known, SendCommand, What, judged};

fn german() -> Language {
    Language::parse("de").unwrap()
}

fn name_of(template: &TemplateName) -> String {
    format!("{} {}", template.name, template.language)
}

impl Desk {
    /// `a` in English and German, `b` in English, all approved.
    async fn with_three() -> Self {
        let desk = Self::new().await;
        for (name, language, text) in [("a", english(), ONE), ("a", german(), TWO), ("b", english(), TWO)] {
            let wanted = NewTemplate { language, ..new(name, saying(text)) };
            desk.house.service().create_template(&desk.caller, wanted).await.unwrap();
        }
        for template in desk.meta.0.lock().unwrap().templates.values_mut() {
            template["status"] = json!("APPROVED");
        }
        desk.read().await;
        desk
    }

    async fn accepted(&self, fallback: Vec<Language>) -> Result<Verdict, crate::problem::Problem> {
        let what = What::Template {
            name: "a".into(),
            language: Some(english()),
            fallback,
            parameters: Vec::new(),
            naming: Naming::Variables,
        };
        let command = SendCommand {
            to: "+4915112345678".parse().unwrap(),
            from: None,
            id: None,
            name: None,
            what,
            send_at: None,
            validity: None,
            when_unknown: WhenUnknown::Auto,
            callback_data: None,
            when_refused: WhenRefused::Refuse,
            campaign: None,
            origin: None,
            human: None,
            context: None,
            idempotency: None,
        };
        self.house.service().judge(&self.caller, command).await
    }

    /// As a message is judged that was accepted before.
    async fn dispatched(&self, fallback: Vec<Language>) -> Result<Option<String>, ErrorCode> {
        let send = serde_json::from_value(json!({ "name": "a", "language": "en_US" })).unwrap();
        let draft = Draft::Template { send: TemplateSend { fallback, ..send } };
        let known = Known {
            channel: Channel::Whatsapp,
            session: Session::Closed(Closed::NeverHeard),
            customer: CustomerFacts::default(),
            stopped: None,
            human_until: None,
        };
        let shelf = self.house.service().library.reshelve(self.caller.business, WABA).await.unwrap();
        let judged = judged(&draft, &shelf, known).map_err(|problem| problem.code)?;
        Ok(judged.leaving.and(judged.verdict.template).as_ref().map(name_of))
    }
}

#[tokio::test]
async fn a_language_that_is_being_deleted_lets_the_next_one_go() {
    let desk = Desk::with_three().await;
    desk.set("a", "status", json!("PENDING_DELETION"));
    desk.read().await;
    let goes = desk.accepted(vec![german()]).await.unwrap();
    assert_eq!(goes.template.as_ref().map(name_of).as_deref(), Some("a de"));
    assert_eq!(desk.accepted(Vec::new()).await.unwrap_err().code, ErrorCode::MessageTemplateDeleted);
    let twin = Some(TemplateName { name: "b".into(), language: english() });
    desk.house.service().set_twin(&desk.caller, None, "a", &english(), twin).await.unwrap();
    assert_eq!(desk.accepted(Vec::new()).await.unwrap().template.as_ref().map(name_of).as_deref(), Some("b en_US"));
}

#[tokio::test]
async fn a_waiting_message_whose_template_is_gone_goes_as_what_steps_in() {
    let desk = Desk::with_three().await;
    let twin = Some(TemplateName { name: "b".into(), language: english() });
    desk.house.service().set_twin(&desk.caller, None, "a", &english(), twin).await.unwrap();
    desk.house.service().delete_template(&desk.caller, None, "a".into(), Some(english())).await.unwrap();
    assert_eq!(desk.dispatched(Vec::new()).await, Ok(Some("b en_US".to_owned())));
    desk.house.service().delete_template(&desk.caller, None, "b".into(), None).await.unwrap();
    assert_eq!(desk.dispatched(vec![german()]).await, Ok(Some("a de".to_owned())));
    assert_eq!(desk.dispatched(Vec::new()).await, Err(ErrorCode::MessageTemplateNotFound));
}

#[tokio::test]
async fn news_of_what_is_deleted_ask_meta_for_nothing() {
    let desk = Desk::with_three().await;
    let lists = || desk.meta.0.lock().unwrap().lists;
    let told = |event: &str| {
        json!({
            "event": event, "reason": "NONE",
            "message_template_id": 701, "message_template_name": "a", "message_template_language": "en_US",
        })
    };
    let settle = async || {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };
    let before = lists();
    desk.hear("message_template_status_update", told("DELETED")).await;
    settle().await;
    assert_eq!(desk.house.service().library.shelf(desk.caller.business, WABA).await.unwrap().named("a").count(), 1);
    assert_eq!(lists(), before);
    // What one consists of, only the list tells.
    desk.hear("message_template_components_update", told("")).await;
    settle().await;
    assert_eq!(lists(), before + 1);
}

/// The promise of the chain: the template that is meant, its twin, then the languages that the caller allows.
#[tokio::test]
async fn a_stopped_template_lets_its_twin_or_another_language_step_in() {
    let desk = Desk::with_three().await;
    let ask = async |fallback: Vec<Language>| desk.accepted(fallback).await.unwrap();
    let shown =
        |verdict: &Verdict| (verdict.sent_as, verdict.template.as_ref().map(name_of), verdict.instead_of.as_deref().map(name_of));
    let plain = ask(vec![german()]).await;
    assert_eq!((shown(&plain), plain.template_version), ((Some(SentAs::Template), Some("a en_US".into()), None), Some(1)));
    desk.set("a", "status", json!("PAUSED"));
    desk.read().await;
    let blocked = ask(Vec::new()).await;
    assert_eq!((blocked.reason, blocked.valid_until.is_some()), (Reason::TemplatePaused, true));
    let stepped = ask(vec![german()]).await;
    assert_eq!(shown(&stepped), (Some(SentAs::Template), Some("a de".into()), Some("a en_US".into())));
    // The twin comes before other languages.
    let twin = Some(TemplateName { name: "b".into(), language: english() });
    desk.house.service().set_twin(&desk.caller, None, "a", &english(), twin).await.unwrap();
    for fallback in [Vec::new(), vec![german()]] {
        let stepped = ask(fallback).await;
        assert_eq!(shown(&stepped), (Some(SentAs::Template), Some("b en_US".into()), Some("a en_US".into())));
        assert!(stepped.explanation.contains("steps in for a (en_US)"), "{}", stepped.explanation);
    }
    // One that takes other values does not.
    desk.set("b", "components", json!([{ "type": "BODY", "text": "Your parcel {{1}} has arrived and waits for you." }]));
    desk.read().await;
    assert_eq!(ask(Vec::new()).await.reason, Reason::TemplatePaused);
}
