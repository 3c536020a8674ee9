//! Messaging services and the senders of their pools.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use transom_domain::address::Channel;
use transom_domain::field::FieldError;
use transom_domain::id::{SenderId, ServiceId};
use transom_domain::messaging_service::{CallbackMethod, MessagingService, PoolMember, VALIDITY_MAX_SECONDS};
use transom_store::Sender;

use super::account::Account;
use super::address::written;
use super::base::Base;
use super::codes::Code;
use super::dates::iso;
use super::form::{Asked, Form};
use super::paging::Paging;
use super::refusal::Refusal;
use super::sid::Sid;
use crate::http::App;
use crate::http::call::{WEBHOOKS, json as answer};
use crate::problem::Problem;
use crate::service::{Caller, Service, ServiceChange, SmsChange};

/// What the service calls a field, and what this dialect does.
const FIELDS: [(&str, &str); 6] = [
    ("friendlyName", "FriendlyName"),
    ("usecase", "Usecase"),
    ("validitySeconds", "ValidityPeriod"),
    ("inboundUrl", "InboundRequestUrl"),
    ("fallbackUrl", "FallbackUrl"),
    ("statusCallback", "StatusCallback"),
];

fn named(sid: &str) -> Result<ServiceId, Refusal> {
    ServiceId::of_sid(bare(sid)).ok_or_else(|| Refusal::missing("messaging service", sid))
}

fn bare(sid: &str) -> &str {
    sid.strip_suffix(".json").unwrap_or(sid)
}

fn view(service: &MessagingService, here: &Base) -> Value {
    let MessagingService { id, business, options, created_at, updated_at } = service;
    let (callbacks, sms) = (&options.callbacks, &options.sms);
    let url = here.link(&format!("/v1/Services/{}", id.sid()));
    json!({
        "sid": id.sid(),
        "account_sid": business.sid(),
        "friendly_name": options.friendly_name,
        "date_created": iso(*created_at),
        "date_updated": iso(*updated_at),
        "inbound_request_url": callbacks.inbound_url,
        "inbound_method": callbacks.inbound_method.as_str(),
        "fallback_url": callbacks.fallback_url,
        "fallback_method": callbacks.fallback_method.as_str(),
        "status_callback": callbacks.status_callback,
        "sticky_sender": options.sticky_sender,
        "smart_encoding": sms.smart_encoding,
        "mms_converter": sms.mms_converter,
        "scan_message_content": sms.scan_message_content,
        "fallback_to_long_code": sms.fallback_to_long_code,
        "area_code_geomatch": sms.area_code_geomatch,
        "synchronous_validation": sms.synchronous_validation,
        "validity_period": options.validity_seconds,
        "usecase": options.usecase,
        "us_app_to_person_registered": false,
        "use_inbound_webhook_on_number": options.use_inbound_webhook_on_number,
        // What is there: numbers for SMS, short codes and alphanumeric senders are not.
        "links": { "channel_senders": format!("{url}/ChannelSenders") },
        "url": url,
    })
}

fn member_view(service: &MessagingService, member: PoolMember, sender: Option<&Sender>, here: &Base) -> Value {
    let kind = sender.map(|sender| match sender.channel {
        Channel::Whatsapp => "WhatsApp",
        Channel::Messenger => "Messenger",
    });
    let path = format!("/v1/Services/{}/ChannelSenders/{}", service.id.sid(), member.sender.sid());
    json!({
        "sid": member.sender.sid(),
        "account_sid": service.business.sid(),
        "messaging_service_sid": service.id.sid(),
        "sender": sender.map(|sender| written(&sender.address)),
        "sender_type": kind,
        "country_code": null,
        "date_created": iso(member.since),
        "date_updated": iso(member.since),
        "url": here.link(&path),
    })
}

fn method(form: &Form, name: &str) -> Result<Option<CallbackMethod>, Refusal> {
    let refused = || Refusal::parameter(name, "is not a method", "write POST or GET");
    form.text(name)?.map(|word| CallbackMethod::named(word).ok_or_else(refused)).transpose()
}

/// What a form says anew; an empty address is taken away, other empty parameters count as left out.
fn read(form: &Form) -> Result<ServiceChange, Refusal> {
    let text = |name: &str| -> Result<Option<String>, Refusal> { Ok(form.text(name)?.map(str::to_owned)) };
    let address = |name: &str| -> Result<Option<String>, Refusal> { Ok(form.given(name)?.map(str::to_owned)) };
    let validity = form.number("ValidityPeriod", 1..=VALIDITY_MAX_SECONDS.into(), Code::ValidityInvalid)?;
    let scan = match form.text("ScanMessageContent")? {
        None => None,
        Some(word @ ("inherit" | "enable" | "disable")) => Some(word.to_owned()),
        Some(_) => {
            let remedy = "write inherit, enable or disable";
            return Err(Refusal::parameter("ScanMessageContent", "is not one of its values", remedy));
        }
    };
    Ok(ServiceChange {
        friendly_name: text("FriendlyName")?,
        sticky_sender: form.flag("StickySender")?,
        validity_seconds: validity.and_then(|seconds| u32::try_from(seconds).ok()),
        inbound_url: address("InboundRequestUrl")?,
        inbound_method: method(form, "InboundMethod")?,
        fallback_url: address("FallbackUrl")?,
        fallback_method: method(form, "FallbackMethod")?,
        status_callback: address("StatusCallback")?,
        use_inbound_webhook_on_number: form.flag("UseInboundWebhookOnNumber")?,
        usecase: text("Usecase")?,
        sms: SmsChange {
            smart_encoding: form.flag("SmartEncoding")?,
            mms_converter: form.flag("MmsConverter")?,
            fallback_to_long_code: form.flag("FallbackToLongCode")?,
            area_code_geomatch: form.flag("AreaCodeGeomatch")?,
            synchronous_validation: form.flag("SynchronousValidation")?,
            scan_message_content: scan,
        },
    })
}

/// A refusal of the service, with the fields as this dialect calls them.
fn refused(problem: Problem) -> Refusal {
    let Some(found) = problem.details.get("errors").and_then(Value::as_array) else { return problem.into() };
    let mut of_address = false;
    let told = |(at, error): (usize, &Value)| {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let field = text("field");
        let name = FIELDS.iter().find(|(ours, _)| *ours == field).map_or(field.as_str(), |(_, name)| name);
        of_address |= at == 0 && (name.ends_with("Url") || name == "StatusCallback");
        FieldError { field: name.to_owned(), rule: text("rule"), remedy: text("remedy") }
    };
    let errors: Vec<FieldError> = found.iter().enumerate().map(told).collect();
    let refusal = Refusal::from(Problem::of_fields(problem.code, &errors));
    if of_address { refusal.coded(Code::CallbackInvalid) } else { refusal }
}

/// `POST /v1/Services`
pub(super) async fn create(
    State(app): State<App>,
    Account(caller): Account<WEBHOOKS>,
    here: Base,
    form: Form,
) -> Result<Response, Refusal> {
    let made = app.service.create_messaging_service(&caller, read(&form)?).await.map_err(refused)?;
    Ok(answer(StatusCode::CREATED, &view(&made, &here))?)
}

/// `GET /v1/Services`
pub(super) async fn list(
    State(app): State<App>,
    Account(caller): Account<WEBHOOKS>,
    here: Base,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let paging = Paging::read(&query)?;
    let ask = |page| {
        let service = app.service.clone();
        async move { service.messaging_services(&caller, page).await }
    };
    let (found, next) = paging.gather(ask).await?;
    let services: Vec<Value> = found.iter().map(|service| view(service, &here)).collect();
    let meta = paging.meta(&here, "/v1/Services", &query, "services", next.as_deref());
    Ok(answer(StatusCode::OK, &json!({ "services": services, "meta": meta }))?)
}

/// `GET /v1/Services/{sid}`
pub(super) async fn fetch(
    State(app): State<App>,
    Account(caller): Account<WEBHOOKS>,
    here: Base,
    Path(sid): Path<String>,
) -> Result<Response, Refusal> {
    let service = app.service.messaging_service(&caller, named(&sid)?).await?;
    Ok(answer(StatusCode::OK, &view(&service, &here))?)
}

/// `POST /v1/Services/{sid}`
pub(super) async fn update(
    State(app): State<App>,
    Account(caller): Account<WEBHOOKS>,
    here: Base,
    Path(sid): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let (id, change) = (named(&sid)?, read(&form)?);
    let changed = app.service.change_messaging_service(&caller, id, change).await.map_err(refused)?;
    Ok(answer(StatusCode::OK, &view(&changed, &here))?)
}

/// `DELETE /v1/Services/{sid}`
pub(super) async fn delete(
    State(app): State<App>,
    Account(caller): Account<WEBHOOKS>,
    Path(sid): Path<String>,
) -> Result<Response, Refusal> {
    app.service.delete_messaging_service(&caller, named(&sid)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A service with its pool.
async fn known(service: &Service, caller: &Caller, sid: &str) -> Result<(MessagingService, Vec<PoolMember>), Refusal> {
    let known = service.messaging_service(caller, named(sid)?).await?;
    let pool = service.pool(caller, known.id).await?;
    Ok((known, pool))
}

/// `GET /v1/Services/{sid}/ChannelSenders`: a pool has at most 400 senders, and here one page.
pub(super) async fn pool(
    State(app): State<App>,
    Account(caller): Account<WEBHOOKS>,
    here: Base,
    Path(sid): Path<String>,
    Asked(query): Asked,
) -> Result<Response, Refusal> {
    let paging = Paging::read(&query)?;
    let (service, pool) = known(&app.service, &caller, &sid).await?;
    let (members, next) = paging.gather(|page| std::future::ready(of_page(&pool, page))).await?;
    let show = |member: &PoolMember| member_view(&service, *member, app.service.sender(member.sender).as_ref(), &here);
    let senders: Vec<Value> = members.iter().map(show).collect();
    let path = format!("/v1/Services/{}/ChannelSenders", service.id.sid());
    let meta = paging.meta(&here, &path, &query, "senders", next.as_deref());
    Ok(answer(StatusCode::OK, &json!({ "senders": senders, "meta": meta }))?)
}

/// A page of a pool that is at hand: its token is how many come before it.
fn of_page(pool: &[PoolMember], page: transom_store::Page) -> Result<(Vec<PoolMember>, Option<String>), Problem> {
    let from = match page.token {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .map_err(|_| Problem::field("pageToken", "is none that a page has given", "pass it on as it was given"))?,
    };
    let members: Vec<PoolMember> = pool.iter().skip(from).take(page.size).copied().collect();
    let until = from.saturating_add(members.len());
    Ok((members, (until < pool.len()).then(|| until.to_string())))
}

/// `POST /v1/Services/{sid}/ChannelSenders`
pub(super) async fn join(
    State(app): State<App>,
    Account(caller): Account<WEBHOOKS>,
    here: Base,
    Path(sid): Path<String>,
    form: Form,
) -> Result<Response, Refusal> {
    let service = app.service.messaging_service(&caller, named(&sid)?).await?;
    let missing = || Refusal::parameter("Sid", "is required", "give the SID of a sender, XE and 32 hex digits");
    let text = form.text("Sid")?.ok_or_else(missing)?;
    let sender = SenderId::of_sid(text).ok_or_else(|| Refusal::missing("sender", text))?;
    let member = app.service.join_pool(&caller, service.id, sender).await?;
    let shown = member_view(&service, member, app.service.sender(sender).as_ref(), &here);
    Ok(answer(StatusCode::CREATED, &shown)?)
}

/// `GET /v1/Services/{sid}/ChannelSenders/{sender}`
pub(super) async fn member(
    State(app): State<App>,
    Account(caller): Account<WEBHOOKS>,
    here: Base,
    Path((sid, sender)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (service, pool) = known(&app.service, &caller, &sid).await?;
    let id = SenderId::of_sid(bare(&sender));
    let member = pool.into_iter().find(|member| Some(member.sender) == id);
    let member = member.ok_or_else(|| Refusal::missing("sender in this messaging service", &sender))?;
    let shown = member_view(&service, member, app.service.sender(member.sender).as_ref(), &here);
    Ok(answer(StatusCode::OK, &shown)?)
}

/// `DELETE /v1/Services/{sid}/ChannelSenders/{sender}`
pub(super) async fn leave(
    State(app): State<App>,
    Account(caller): Account<WEBHOOKS>,
    Path((sid, sender)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let id = named(&sid)?;
    let gone = || Refusal::missing("sender in this messaging service", &sender);
    let sender = SenderId::of_sid(bare(&sender)).ok_or_else(gone)?;
    app.service.leave_pool(&caller, id, sender).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::id::BusinessId;
    use transom_domain::messaging_service::ServiceOptions;
    use transom_domain::time::Timestamp;
    use transom_store::Page;

    fn form(text: &str) -> Form {
        Form::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_form_says_what_is_chosen_anew() {
        let change = read(&form(
            "FriendlyName=Shop&StickySender=false&ValidityPeriod=600&InboundRequestUrl=&FallbackMethod=get&Unknown=1",
        ))
        .unwrap();
        assert_eq!((change.friendly_name.as_deref(), change.sticky_sender), (Some("Shop"), Some(false)));
        assert_eq!((change.validity_seconds, change.inbound_url.as_deref()), (Some(600), Some("")));
        assert_eq!((change.fallback_method, change.status_callback), (Some(CallbackMethod::Get), None));
        for (text, code) in [
            ("ValidityPeriod=0", 21624),
            ("ValidityPeriod=36001", 21624),
            ("InboundMethod=PUT", 20422),
            ("StickySender=perhaps", 20422),
            ("ScanMessageContent=never", 20422),
        ] {
            assert_eq!(read(&form(text)).unwrap_err().code.number(), code, "{text}");
        }
    }

    #[test]
    fn fields_are_called_as_this_dialect_calls_them() {
        let problem = Problem::field("inboundUrl", "must begin with https", "give a public https address");
        let refusal = refused(problem);
        assert_eq!(refusal.code.number(), 21609);
        assert!(refusal.message.starts_with("InboundRequestUrl: must begin with https"), "{}", refusal.message);
        let refusal = refused(Problem::field("friendlyName", "is required", "give it"));
        assert_eq!((refusal.code.number(), &refusal.details["errors"][0]["field"]), (20422, &json!("FriendlyName")));
    }

    #[test]
    fn every_field_is_there_and_pages_of_a_pool_meet() {
        let options = ServiceOptions { friendly_name: "Shop".to_owned(), ..ServiceOptions::default() };
        let at = Timestamp::from_millis(1_692_853_305_987);
        let service = MessagingService { id: ServiceId(7), business: BusinessId(2), options, created_at: at, updated_at: at };
        let shown = view(&service, &Base::new("https://gw.example.com"));
        assert_eq!(shown["url"], "https://gw.example.com/v1/Services/MG00000000000000000000000000000007");
        assert_eq!((&shown["date_created"], &shown["validity_period"]), (&json!("2023-08-24T05:01:45Z"), &json!(36_000)));
        assert_eq!((&shown["inbound_request_url"], &shown["sticky_sender"]), (&Value::Null, &json!(true)));
        let pool: Vec<PoolMember> = (1..=5).map(|n| PoolMember { sender: SenderId(n), since: at }).collect();
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let (page, next) = of_page(&pool, Page { size: 2, token }).unwrap();
            seen.extend(page);
            token = next;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, pool);
        assert!(of_page(&pool, Page { size: 2, token: Some("x".to_owned()) }).is_err());
    }
}
