//! `POST messages` and `POST verdicts`: our own send, and the same as a question.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use transom_domain::content::{Content, Language, Variables, read_given};
use transom_domain::id::ContentId;
use transom_domain::message::{HumanAgent, Origin, TemplateName, WhenClosed, WhenRefused, WhenUnknown};
use transom_domain::messenger::WITHDRAWN_TAGS;
use transom_domain::parameters::{Naming, Parameter};
use transom_domain::time::Span;

use super::common::{callback_data, campaign, moment};
use super::read::{Notes, read, request_bodies};
use super::recipient;
use super::send_template::language;
use super::sent::own;
use super::verdict::{SentMessage, VerdictView};
use crate::http::App;
use crate::http::call::{Asked, Authorised, SEND, json};
use crate::http::refusal::{ListRefusals, SendRefusals};
use crate::problem::Problem;
use crate::service::{SendCommand, What};

/// Content for one customer: goes as a session message where one is open, else as the template that has this content.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "to": "+4915112345678",
    "from": "+493012345678",
    "content": { "language": "en", "types": { "twilio/text": { "body": "Hi {{1}}, your parcel is here." } }, "variables": { "1": "Ana" } },
    "variables": { "1": "Marta" },
    "whenClosed": "template",
    "callbackData": { "parcel": 8812 }
}))]
pub(crate) struct Send {
    /// `+E.164`, `bsuid:CC.…` or `messenger:<psid>`.
    to: String,
    /// The sender, `+E.164` or `messenger:<page>`; may be left out when only one can be meant.
    from: Option<String>,
    /// What is to be said.
    content: Option<ContentBody>,
    /// Content that the business keeps, instead of `content`: goes as it is now, whatever becomes of it afterwards.
    #[schema(example = "01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    content_id: Option<String>,
    /// Values of the content's variables for this send.
    #[schema(value_type = Option<Object>)]
    variables: Option<Value>,
    /// Go as this template and no other.
    template: Option<TemplateBody>,
    /// When no session is open: `template` (go as the matching approved template) or `refuse`.
    when_closed: Option<String>,
    /// When Meta's answer is lost: `auto`, `fail` or `resend`.
    when_unknown: Option<String>,
    /// When the message may not go now: `refuse` it, or `accept` it, so that it fails when its turn comes and still may not go. What
    /// the customer stopped, and what the channel can never carry, is always refused.
    when_refused: Option<String>,
    /// An address that is told of this message's statuses besides the endpoints, in Twilio's form.
    #[schema(example = "https://shop.example.com/told")]
    status_callback: Option<String>,
    /// The messaging service to send it through: it chooses the sender where `from` is left out.
    messaging_service_id: Option<String>,
    /// Not before this moment, RFC 3339.
    send_at: Option<String>,
    /// Fails as expired when it could not be sent within so many seconds.
    validity_seconds: Option<u32>,
    /// Any JSON up to 1,024 bytes; comes back in every webhook about the message.
    callback_data: Option<Value>,
    /// A tag.
    campaign_name: Option<String>,
    /// A person of the business who answers: on Messenger their answer may go for seven days after the customer's last message.
    human_agent: Option<HumanAgentBody>,
    /// Messenger's own name for a right to answer late: `HUMAN_AGENT`, with `humanAgent`. Meta has withdrawn all others.
    message_tag: Option<String>,
}

/// Who answers in person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HumanAgent)]
pub(crate) struct HumanAgentBody {
    /// Name, for the timeline; the customer does not see it.
    name: String,
}

/// Content: one or more bodies by content type, in one language.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Content)]
pub(crate) struct ContentBody {
    /// Language of all texts, such as `en` or `pt_BR`.
    language: Option<Value>,
    /// Bodies by content type (`twilio/text`, `twilio/media`, …, `whatsapp/authentication`), in Twilio's own spelling.
    #[schema(value_type = Option<Object>, example = json!({ "twilio/text": { "body": "Hi {{1}}" } }))]
    types: Option<Value>,
    /// Sample values by variable name.
    #[schema(value_type = Option<Object>)]
    variables: Option<Value>,
    /// For people; accepted and ignored here.
    #[serde(rename = "friendlyName")]
    _friendly_name: Option<String>,
}

/// A template by name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateChoice)]
pub(crate) struct TemplateBody {
    /// Name.
    name: String,
    /// Language.
    language: String,
    /// Languages to go in instead while it cannot be sent in that one, the best first, such as `pt_PT`, `en`; only without
    /// `content`, which is in one language.
    fallback: Option<Vec<String>>,
}

/// Most languages of a chain: each is looked at for every message.
const FALLBACK_MAX: usize = 10;

request_bodies!(Send);

pub(super) fn parse(asked: Asked) -> Result<SendCommand, Problem> {
    let (request, mut notes) = read::<Send>(&asked.body)?;
    let command = request.and_then(|request| request.into_command(&asked, &mut notes));
    let command = notes.finish(command)?;
    Ok(SendCommand { idempotency: asked.idempotency, ..command })
}

impl Send {
    fn into_command(self, asked: &Asked, notes: &mut Notes) -> Option<SendCommand> {
        let to = recipient::any_customer(&self.to, "to", notes);
        let from = self.from.as_deref().and_then(|text| recipient::sender(text, None, "from", notes));
        let kept = self.content_id.as_deref().map(|text| content_id(text, notes));
        let content = match self.content {
            Some(_) if kept.is_some() => {
                notes.note("content", "and contentId exclude each other", "leave one of them out");
                None
            }
            Some(content) => content.read(notes),
            None if kept.is_some() || self.template.is_some() => None,
            None => {
                notes.note(
                    "content",
                    "is required",
                    "such as {\"language\":\"en\",\"types\":{\"twilio/text\":{\"body\":\"Hi\"}}}",
                );
                None
            }
        };
        let variables = read_given(self.variables.as_ref()).map_err(|found| notes.all(found)).ok();
        let mut fallback = Vec::new();
        let template = self.template.and_then(|t| {
            fallback = languages(t.fallback.unwrap_or_default(), content.is_some() || kept.is_some(), notes);
            let language = language(&t.language, "template.language", notes)?;
            Some(TemplateName { name: t.name, language })
        });
        let when_closed = match self.when_closed.as_deref() {
            None | Some("template") => WhenClosed::Template,
            Some("refuse") => WhenClosed::Refuse,
            Some(_) => {
                notes.note("whenClosed", "is not one of its values", "use template or refuse");
                WhenClosed::Refuse
            }
        };
        let when_unknown = match self.when_unknown.as_deref() {
            None | Some("auto") => WhenUnknown::Auto,
            Some("fail") => WhenUnknown::Fail,
            Some("resend") => WhenUnknown::Resend,
            Some(_) => {
                notes.note("whenUnknown", "is not one of its values", "use auto, fail or resend");
                WhenUnknown::Auto
            }
        };
        let when_refused = match self.when_refused.as_deref() {
            None | Some("refuse") => WhenRefused::Refuse,
            Some("accept") => WhenRefused::Accept,
            Some(_) => {
                notes.note("whenRefused", "is not one of its values", "use refuse or accept");
                WhenRefused::Refuse
            }
        };
        notes.at_most("statusCallback", self.status_callback.as_deref(), Origin::STATUS_CALLBACK_MAX);
        let service = self.messaging_service_id.as_deref().and_then(|text| {
            let parsed = text.parse();
            if parsed.is_err() {
                notes.note(
                    "messagingServiceId",
                    "is not an id of a messaging service",
                    "give the `id` that its creation answered",
                );
            }
            parsed.ok()
        });
        let origin = Origin { status_callback: self.status_callback, service, ..Origin::default() }.said();
        let send_at = moment(self.send_at.as_deref(), "sendAt", notes);
        let callback_data = callback_data(self.callback_data.as_ref(), &asked.body, notes);
        let campaign = campaign(self.campaign_name, notes);
        let human = human_agent(self.human_agent, self.message_tag.as_deref(), notes);
        let what = match (content, template) {
            (_, template) if kept.is_some() => {
                What::ContentById { id: kept.flatten()?, variables: variables?, template, when_closed }
            }
            (Some(content), template) => What::Content { content, variables: variables?, template, when_closed },
            (None, Some(TemplateName { name, language })) => What::Template {
                name,
                language: Some(language),
                fallback,
                parameters: parameters_of(variables?),
                naming: Naming::Variables,
            },
            (None, None) => return None,
        };
        Some(SendCommand {
            to: to?,
            from,
            id: None,
            name: None,
            what,
            send_at,
            validity: self.validity_seconds.map(|s| Span::secs(i64::from(s))),
            when_unknown,
            callback_data,
            when_refused,
            campaign,
            origin,
            human,
            context: None,
            idempotency: None,
        })
    }
}

/// The human who answers; a tag says nothing more, and a withdrawn one is refused here, where its caller hears why.
fn human_agent(given: Option<HumanAgentBody>, tag: Option<&str>, notes: &mut Notes) -> Option<HumanAgent> {
    match tag {
        Some(tag) if WITHDRAWN_TAGS.contains(&tag) => notes.note(
            "messageTag",
            format!("is {tag}, which Meta has withdrawn: it refuses it since 27 April 2026"),
            "leave it out, or name the human who answers in humanAgent",
        ),
        Some("HUMAN_AGENT") if given.is_none() => {
            notes.note("humanAgent", "is required with HUMAN_AGENT", "name the human who answers, such as {\"name\":\"Kim\"}");
        }
        None | Some("HUMAN_AGENT") => {}
        Some(_) => notes.note("messageTag", "is not one of its values", "use HUMAN_AGENT, or leave it out"),
    }
    let name = given?.name.trim().to_owned();
    if name.is_empty() {
        notes.note("humanAgent.name", "must not be empty", "name the human who answers");
    }
    notes.at_most("humanAgent.name", Some(&name), HumanAgent::NAME_MAX);
    Some(HumanAgent { name })
}

/// Our id of a content.
fn content_id(text: &str, notes: &mut Notes) -> Option<ContentId> {
    let parsed = text.parse();
    if parsed.is_err() {
        notes.note("contentId", "is not an id of content", "give the `id` that its creation answered");
    }
    parsed.ok()
}

/// The languages that a template may fall back to.
fn languages(codes: Vec<String>, has_content: bool, notes: &mut Notes) -> Vec<Language> {
    if has_content && !codes.is_empty() {
        notes.note(
            "template.fallback",
            "cannot be given with `content`",
            "leave `content` out and give the template's variables",
        );
    }
    if codes.len() > FALLBACK_MAX {
        let rule = format!("has {} languages, at most {FALLBACK_MAX} are allowed", codes.len());
        notes.note("template.fallback", rule, "name the best ones");
    }
    let read = |(at, code): (usize, String)| language(&code, &format!("template.fallback[{at}]"), notes);
    codes.into_iter().take(FALLBACK_MAX).enumerate().filter_map(read).collect()
}

/// Variables of a template that is sent without content, as they were written.
fn parameters_of(variables: Variables) -> Vec<Parameter> {
    variables.into_iter().map(|(name, value)| Parameter { name, value, filename: None }).collect()
}

impl ContentBody {
    /// The domain reads content, so that every way in refuses the same.
    fn read(self, notes: &mut Notes) -> Option<Content> {
        let parts = [("language", self.language), ("types", self.types), ("variables", self.variables)];
        let object = parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Content::read(&Value::Object(object), "content").map_err(|found| notes.all(found)).ok()
    }
}

/// Send content
///
/// The verdict decides how it goes: as a session message where a session is open and the content may go in it, else as the
/// approved template with the same content, else it is refused with the reason and what could be sent instead.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/messages",
    operation_id = "sendContent",
    tag = "Sending",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 printable ASCII characters: a repetition gets the answer of the first"),
    ),
    request_body(content = Send),
    responses(
        (status = 201, description = "Accepted and durable", body = SentMessage, headers(
            ("Idempotency-Replayed" = String, description = "`true` when this is the answer of an earlier request"),
        )),
        SendRefusals,
    ),
    security(("X-API-Key" = []))
)]
pub(crate) async fn send(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    asked: Asked,
) -> Result<Response, Problem> {
    own(app.service.send(&caller, parse(asked)?).await?)
}

/// Ask for a verdict
///
/// Takes what `POST messages` takes, sends nothing, and always answers 200 to a well-formed question.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/verdicts",
    operation_id = "askForVerdict",
    tag = "Sending",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = Send),
    responses((status = 200, description = "The verdict", body = VerdictView), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn ask(State(app): State<App>, Authorised(caller): Authorised<SEND>, asked: Asked) -> Result<Response, Problem> {
    let verdict = app.service.judge(&caller, parse(asked)?).await?;
    json(StatusCode::OK, &VerdictView::from(&verdict))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use transom_domain::error_code::ErrorCode;

    fn asked(body: &Value) -> Asked {
        Asked::of(body.to_string())
    }

    fn example() -> Value {
        json!({
            "to": "+4915112345678", "from": "+493012345678",
            "content": { "language": "en", "types": { "twilio/text": { "body": "Hi {{1}}" } }, "variables": { "1": "Ana" } },
            "variables": { "1": "Marta" }, "template": { "name": "hi", "language": "en" }, "whenClosed": "refuse",
            "whenUnknown": "fail", "whenRefused": "accept", "statusCallback": "https://shop.example.com/told", "sendAt": "2026-11-22T08:00:00Z", "validitySeconds": 60, "campaignName": "c", "callbackData": [1]
        })
    }

    fn fields(body: &Value) -> Vec<String> {
        let problem = parse(asked(body)).unwrap_err();
        problem.details["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_template_may_fall_back_to_other_languages() {
        let mut body =
            json!({ "to": "+4915112345678", "template": { "name": "hi", "language": "pt_BR", "fallback": ["pt_PT", "en"] } });
        let What::Template { language, fallback, .. } = parse(asked(&body)).unwrap().what else { panic!("not a template") };
        let codes: Vec<&str> = language.iter().chain(&fallback).map(Language::as_str).collect();
        assert_eq!(codes, ["pt_BR", "pt_PT", "en"]);
        body["template"]["fallback"] = json!(["pt_PT", "x!"]);
        assert_eq!(fields(&body), ["template.fallback[1]"]);
        body["template"]["fallback"] = json!(vec!["en"; FALLBACK_MAX + 1]);
        assert_eq!(fields(&body), ["template.fallback"]);
        let mut with_content = example();
        with_content["template"]["fallback"] = json!(["en"]);
        assert_eq!(fields(&with_content), ["template.fallback"]);
    }

    #[test]
    fn every_field_is_read() {
        let command = parse(asked(&example())).unwrap();
        assert_eq!((command.when_unknown, command.when_refused), (WhenUnknown::Fail, WhenRefused::Accept));
        assert_eq!(command.origin.unwrap().status_callback.as_deref(), Some("https://shop.example.com/told"));
        assert_eq!(command.send_at.unwrap().as_secs(), 1_795_334_400);
        assert_eq!(command.validity, Some(Span::secs(60)));
        let What::Content { content, variables, template, when_closed } = command.what else { panic!("not content") };
        assert_eq!(content.language.as_str(), "en");
        assert_eq!(variables["1"], "Marta");
        assert_eq!(template.unwrap().name, "hi");
        assert_eq!(when_closed, WhenClosed::Refuse);
    }

    #[test]
    fn recipients_are_on_either_channel() {
        for to in ["+1(604) 585 2331", "bsuid:DE.44", "messenger:8000000000000001"] {
            let mut body = example();
            body["to"] = json!(to);
            assert!(parse(asked(&body)).is_ok(), "{to}");
        }
        let mut body = example();
        body["to"] = json!("604 585");
        assert_eq!(parse(asked(&body)).unwrap_err().code, ErrorCode::PhoneNumberBadFormat);
    }

    #[test]
    fn findings_of_content_have_their_paths() {
        let mut body = example();
        body["content"] = json!({ "language": "en", "types": { "twilio/text": { "body": "" }, "twilio/fax": {} } });
        assert_eq!(fields(&body), ["content.types.twilio/fax"]);
        body["content"] = json!({ "types": { "twilio/text": { "body": "a" } }, "tipes": {} });
        body["whenClosed"] = json!("maybe");
        assert_eq!(fields(&body), ["content.tipes", "content.language", "whenClosed"]);
    }

    #[test]
    fn a_human_is_named_and_a_withdrawn_tag_refused() {
        let mut body = example();
        body["humanAgent"] = json!({ "name": " Kim " });
        body["messageTag"] = json!("HUMAN_AGENT");
        assert_eq!(parse(asked(&body)).unwrap().human, Some(HumanAgent { name: "Kim".into() }));
        body["humanAgent"]["name"] = json!(" ");
        assert_eq!(fields(&body), ["humanAgent.name"]);
        body.as_object_mut().unwrap().remove("humanAgent");
        assert_eq!(fields(&body), ["humanAgent"]);
        for tag in ["ACCOUNT_UPDATE", "POST_PURCHASE_UPDATE", "CONFIRMED_EVENT_UPDATE", "x"] {
            body["messageTag"] = json!(tag);
            assert_eq!(fields(&body), ["messageTag"], "{tag}");
        }
    }

    #[test]
    fn content_is_named_by_id_or_given_not_both() {
        let id = "01K5Z3V8Q4M9W2N7T6R1XBCDEF";
        let body = json!({ "to": "+4915112345678", "contentId": id, "variables": { "1": "Marta" }, "whenClosed": "refuse" });
        let What::ContentById { id: named, variables, when_closed, .. } = parse(asked(&body)).unwrap().what else {
            panic!("not by id")
        };
        assert_eq!((named.to_string().as_str(), variables["1"].as_str(), when_closed), (id, "Marta", WhenClosed::Refuse));
        assert_eq!(fields(&json!({ "to": "+4915112345678", "contentId": "x" })), ["contentId"]);
        let mut both = example();
        both["contentId"] = json!(id);
        assert_eq!(fields(&both), ["content"]);
        assert_eq!(fields(&json!({ "to": "+4915112345678" })), ["content"]);
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(to in ".{0,30}", language in ".{0,6}", body in ".{0,60}", at in ".{0,30}", n: i64) {
            let body = json!({
                "to": to, "content": { "language": language, "types": { "twilio/text": { "body": body } } }, "sendAt": at,
                "validitySeconds": n, "variables": { "1": n }
            });
            let _ = parse(asked(&body));
        }
    }
}
