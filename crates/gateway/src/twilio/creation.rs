//! What `POST Messages` asks for: every parameter read and checked, nothing asked of anybody.

use serde_json::{Map, Value};
use url::{Host, Url};

use transom_domain::address::Identity;
use transom_domain::content::{VALUE_MAX, VARIABLE_NAME_MAX, VARIABLES_MAX, Variables};
use transom_domain::free_form::{File, FreeForm, MediaKind, MediaSource};
use transom_domain::id::{ContentId, ServiceId};
use transom_domain::message::{Origin, WhenClosed, WhenRefused, WhenUnknown};
use transom_domain::time::{Span, Timestamp};

use super::address;
use super::codes::Code;
use super::dates;
use super::form::{Form, shown};
use super::refusal::Refusal;
use super::sid::Sid;
use crate::service::{SendCommand, What};

/// Most characters of `Body`.
const BODY_MAX: usize = 1_600;
/// How long a message is good for, unless the caller says otherwise: ten hours, and at most as long.
const VALIDITY_MAX: u64 = 36_000;
/// The nearest moment that a message can be scheduled for.
const SCHEDULE_MIN: Span = Span::minutes(5);
/// The furthest.
const SCHEDULE_MAX: Span = Span::days(35);
/// Longest `ContentVariables`: a hundred values of 1,600 characters, each of up to twelve bytes as JSON.
const VARIABLES_BYTES_MAX: usize = VARIABLES_MAX * (VALUE_MAX * 12 + 64);

/// Reads what is to be sent. Nothing here depends on when it is asked: a repetition is read as the first request was. See
/// [`in_time`].
///
/// # Errors
/// The first parameter that breaks its rule, under the code that Twilio has for it.
pub(super) fn read(form: &Form, when_refused: WhenRefused) -> Result<SendCommand, Refusal> {
    let to = form.text("To")?.ok_or_else(|| {
        Refusal::parameter("To", "is required", "give the customer's address, such as whatsapp:+4915112345678")
            .coded(Code::ToMissing)
    })?;
    let to = address::read(to).map_err(|rule| Refusal::parameter("To", rule, address::REMEDY).coded(Code::ToInvalid))?;
    let (from, service) = sender(form, &to)?;
    let what = what(form)?;
    let send_at = scheduled(form, service.is_some())?;
    let validity = form.number("ValidityPeriod", 1..=VALIDITY_MAX, Code::ValidityInvalid)?;
    // What a messaging service says counts before what goes without saying.
    let validity = validity.or(service.is_none().then_some(VALIDITY_MAX));
    let status_callback = form.text("StatusCallback")?.map(callback).transpose()?;
    let media = !matches!(&what, What::FreeForm(FreeForm::Text { .. }));
    Ok(SendCommand {
        to,
        from,
        id: None,
        name: None,
        what,
        send_at,
        validity: validity.and_then(|seconds| i64::try_from(seconds).ok()).map(Span::secs),
        when_unknown: WhenUnknown::Auto,
        callback_data: None,
        when_refused,
        campaign: None,
        origin: Origin { status_callback, service, media, ..Origin::default() }.said(),
        human: None,
        context: None,
        idempotency: None,
    })
}

/// Through whom: `From`, a messaging service, or both, and then `From` counts.
fn sender(form: &Form, to: &Identity) -> Result<(Option<Identity>, Option<ServiceId>), Refusal> {
    let service = form.text("MessagingServiceSid")?;
    let from = form.text("From")?;
    // The SID of a service in From was accepted once, and still stands in samples.
    let (from, service) = match from {
        Some(sid) if service.is_none() && ServiceId::of_sid(sid).is_some() => (None, Some(sid)),
        from => (from, service),
    };
    let service = service
        .map(|sid| ServiceId::of_sid(sid).ok_or_else(|| Refusal::missing("messaging service", sid).coded(Code::ServiceUnknown)));
    let service = service.transpose()?;
    let Some(from) = from else {
        if service.is_none() {
            let remedy = "give one of your senders, such as whatsapp:+493012345678, or a MessagingServiceSid";
            return Err(Refusal::parameter("From", "is required", remedy).coded(Code::FromMissing));
        }
        return Ok((None, service));
    };
    let from = address::read(from).map_err(|rule| Refusal::parameter("From", rule, address::REMEDY).coded(Code::FromInvalid))?;
    if from.channel() != to.channel() {
        let rule = format!("is on {}, and To on {}", from.channel(), to.channel());
        return Err(Refusal::parameter("From", rule, "give two addresses of one channel").coded(Code::ChannelsDiffer));
    }
    if from == *to {
        return Err(Refusal::parameter("To", "is the same as From", "write to a customer").coded(Code::FromIsTo));
    }
    Ok((Some(from), service))
}

/// What is said: `ContentSid` before all else, then a place, a file, a text.
fn what(form: &Form) -> Result<What, Refusal> {
    let body = form.text("Body")?;
    if body.is_some_and(|body| body.chars().count() > BODY_MAX) {
        let rule = format!("has more than {BODY_MAX} characters");
        return Err(Refusal::parameter("Body", rule, "send a shorter text, or several").coded(Code::BodyTooLong));
    }
    let media = form.all("MediaUrl");
    let variables = form.text("ContentVariables")?;
    if let Some(sid) = form.text("ContentSid")? {
        let unknown = || {
            let rule = format!("is {:?}, which names no content", shown(sid));
            Refusal::parameter("ContentSid", rule, "give the sid that its creation answered: HX and 32 hex digits")
        };
        let id = ContentId::of_sid(sid).ok_or_else(|| unknown().coded(Code::ContentSidInvalid))?;
        let variables = variables.map(values).transpose()?.unwrap_or_default();
        return Ok(What::ContentById { id, variables, template: None, when_closed: WhenClosed::Template });
    }
    if variables.is_some() {
        let refusal =
            Refusal::parameter("ContentVariables", "is given without ContentSid", "name the content that they belong to");
        return Err(refusal.coded(Code::VariablesWithoutContent));
    }
    if let Some(action) = place(form)? {
        if !media.is_empty() {
            let rule = "cannot go together with a place";
            return Err(Refusal::parameter("MediaUrl", rule, "send them as two messages").coded(Code::MediaTooMany));
        }
        let Place { latitude, longitude, label } = action;
        // The text is the place's name; without one its label is.
        let (name, address) = match (body, label) {
            (Some(body), label) => (Some(body.to_owned()), label),
            (None, label) => (label, None),
        };
        return Ok(What::FreeForm(FreeForm::Location { latitude, longitude, name, address }));
    }
    match (media.as_slice(), body) {
        ([], None) => {
            let rule = "is required, or MediaUrl, or ContentSid";
            Err(Refusal::parameter("Body", rule, "say what is to be sent").coded(Code::ContentMissing))
        }
        ([], Some(body)) => Ok(What::FreeForm(FreeForm::Text { body: body.to_owned(), preview_url: false })),
        ([link], body) => {
            let kind = file_kind(link)?;
            may_stand_under(body, kind)?;
            let file = File { kind, source: MediaSource::Link((*link).to_owned()), filename: None };
            Ok(What::FreeForm(FreeForm::Media { file, caption: body.map(str::to_owned), voice: false }))
        }
        (several, _) => {
            let rule = format!("is given {} times, and a message on WhatsApp and Messenger carries one file", several.len());
            Err(Refusal::parameter("MediaUrl", rule, "send one message for each file").coded(Code::MediaTooMany))
        }
    }
}

/// Whether a text can stand under a file of this kind.
///
/// # Errors
/// When there is one and it cannot.
pub(super) fn may_stand_under(text: Option<&str>, kind: MediaKind) -> Result<(), Refusal> {
    if text.is_none() || !matches!(kind, MediaKind::Audio | MediaKind::Sticker) {
        return Ok(());
    }
    let rule = format!("cannot stand under a file that is shown as {}", kind.as_str());
    Err(Refusal::parameter("Body", rule, "send text and file as two messages").coded(Code::ContentInvalid))
}

/// As what a file is shown.
fn file_kind(link: &str) -> Result<MediaKind, Refusal> {
    let wrong = |rule: &str| {
        Refusal::parameter("MediaUrl", rule, "give a public http(s) address of the file").coded(Code::MediaUrlInvalid)
    };
    let url = Url::parse(link).map_err(|_| wrong("is no address"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("is neither http nor https"));
    }
    Ok(MediaKind::of_link(link))
}

struct Place {
    latitude: f64,
    longitude: f64,
    label: Option<String>,
}

/// The place that `PersistentAction` names: `geo:<latitude>,<longitude>|<label>`.
fn place(form: &Form) -> Result<Option<Place>, Refusal> {
    let actions = form.all("PersistentAction");
    let wrong = |rule: &str| Refusal::parameter("PersistentAction", rule, "write geo:52.5163,13.3777|Brandenburg Gate");
    let action = match actions.as_slice() {
        [] => return Ok(None),
        [action] => action,
        _ => return Err(wrong("names more than one place")),
    };
    let rest = action.strip_prefix("geo:").ok_or_else(|| wrong("is none that WhatsApp carries: only geo: is"))?;
    let (point, label) = match rest.split_once('|') {
        Some((point, label)) => (point, Some(label.trim()).filter(|label| !label.is_empty())),
        None => (rest, None),
    };
    let degrees = |text: &str, most: f64| text.trim().parse::<f64>().ok().filter(|degrees| degrees.abs() <= most);
    let read =
        point.split_once(',').and_then(|(latitude, longitude)| Some((degrees(latitude, 90.0)?, degrees(longitude, 180.0)?)));
    let (latitude, longitude) = read.ok_or_else(|| wrong("is no place on earth"))?;
    Ok(Some(Place { latitude, longitude, label: label.map(str::to_owned) }))
}

/// Reads `ContentVariables`: a text that holds an object of texts.
fn values(json: &str) -> Result<Variables, Refusal> {
    let wrong = |name: &str, rule: &str, remedy: &str| {
        let name = if name.is_empty() { "ContentVariables".to_owned() } else { format!("ContentVariables.{}", shown(name)) };
        Refusal::parameter(&name, rule, remedy).coded(Code::VariablesInvalid)
    };
    if json.len() > VARIABLES_BYTES_MAX {
        let rule = format!("is longer than {VARIABLES_BYTES_MAX} bytes");
        return Err(Refusal::parameter("ContentVariables", rule, "give less").coded(Code::TooLong));
    }
    let remedy = "write it as {\"1\":\"Ana\"}";
    let read: Map<String, Value> = serde_json::from_str(json).map_err(|why| {
        // Where the text stops being JSON, for whoever built it by hand.
        wrong("", &format!("is no JSON object of texts ({why})"), remedy)
    })?;
    if read.len() > VARIABLES_MAX {
        return Err(wrong("", &format!("has more than {VARIABLES_MAX} entries"), "use fewer variables"));
    }
    let mut variables = Variables::new();
    for (name, value) in read {
        let fits = (1..=VARIABLE_NAME_MAX).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !fits {
            return Err(wrong(&name, "is not a name for a variable", "use up to 16 letters, digits and underscores"));
        }
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(wrong(&name, "is no text", "put the value in quotes, or leave it out to use the content's sample")),
        };
        if text.is_empty() {
            return Err(wrong(&name, "is empty", "give a value, or leave it out to use the content's sample"));
        }
        if text.chars().count() > VALUE_MAX {
            let refusal = wrong(&name, &format!("has more than {VALUE_MAX} characters"), "give a shorter value");
            return Err(refusal.coded(Code::TooLong));
        }
        variables.insert(name, text);
    }
    Ok(variables)
}

/// The moment that a message is scheduled for, whenever that is.
fn scheduled(form: &Form, through_service: bool) -> Result<Option<Timestamp>, Refusal> {
    let (kind, at) = (form.text("ScheduleType")?, form.text("SendAt")?);
    let at = match (kind, at) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            return Err(Refusal::parameter("ScheduleType", "is required with SendAt", "write ScheduleType=fixed"));
        }
        (Some(kind), _) if !kind.eq_ignore_ascii_case("fixed") => {
            return Err(Refusal::parameter("ScheduleType", "is not `fixed`", "write ScheduleType=fixed"));
        }
        (Some(_), None) => {
            let remedy = "give the moment, such as 2026-01-02T03:04:05Z";
            return Err(Refusal::parameter("SendAt", "is required with ScheduleType", remedy).coded(Code::SendAtMissing));
        }
        (Some(_), Some(at)) => at,
    };
    if !through_service {
        let rule = "is required to schedule a message";
        let remedy = "send it through a messaging service";
        return Err(Refusal::parameter("MessagingServiceSid", rule, remedy).coded(Code::ScheduleWithoutService));
    }
    dates::read(at).map(Some).ok_or_else(|| out_of_range("is no moment of ISO 8601"))
}

/// Checks what a new message must keep to at the moment at which it is asked for, and one that was accepted before need not any more.
///
/// # Errors
/// When it is scheduled for too soon, or too late.
pub(super) fn in_time(command: &SendCommand, now: Timestamp) -> Result<(), Refusal> {
    match command.send_at.map(|at| at.since(now)) {
        Some(ahead) if ahead < SCHEDULE_MIN => Err(out_of_range("is less than 5 minutes ahead")),
        Some(ahead) if ahead > SCHEDULE_MAX => Err(out_of_range("is more than 35 days ahead")),
        _ => Ok(()),
    }
}

fn out_of_range(rule: &str) -> Refusal {
    let remedy = "give a moment 5 minutes to 35 days ahead, such as 2026-01-02T03:04:05Z";
    Refusal::parameter("SendAt", rule, remedy).coded(Code::SendAtOutOfRange)
}

/// Checks the form of a callback's address; whether it may be called, the service's rules say.
pub(super) fn callback(address: &str) -> Result<String, Refusal> {
    let wrong = |rule: &str| {
        let remedy = "give an absolute https address with a host name without underscores";
        Refusal::parameter("StatusCallback", rule, remedy).coded(Code::CallbackInvalid)
    };
    if address.len() > Origin::STATUS_CALLBACK_MAX {
        return Err(wrong(&format!("is longer than {} bytes", Origin::STATUS_CALLBACK_MAX)));
    }
    let url = Url::parse(address).map_err(|_| wrong("is no absolute address"))?;
    match url.host() {
        _ if !matches!(url.scheme(), "http" | "https") => Err(wrong("is neither http nor https")),
        None => Err(wrong("names no host")),
        Some(Host::Domain(name)) if name.contains('_') => Err(wrong("has a host name with an underscore")),
        Some(_) => Ok(address.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);
    const BASE: [(&str, &str); 3] = [("To", "whatsapp:+4915112345678"), ("From", "whatsapp:+493012345678"), ("Body", "Hi")];
    const HX: &str = "HX0123456789abcdef0123456789abcdef";
    const MG: &str = "MG0123456789abcdef0123456789abcdef";

    fn asked(pairs: &[(&str, &str)]) -> Result<SendCommand, Refusal> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs.iter().filter(|(_, value)| *value != "-"));
        let command = read(&Form::read(query.finish().as_bytes()).unwrap(), WhenRefused::Accept)?;
        in_time(&command, NOW).map(|()| command)
    }

    /// The base with these parameters changed; `-` leaves one out.
    fn with(pairs: &[(&str, &str)]) -> Result<SendCommand, Refusal> {
        let mut all: Vec<(&str, &str)> = BASE.into_iter().filter(|(name, _)| !pairs.iter().any(|(n, _)| n == name)).collect();
        all.extend(pairs);
        asked(&all)
    }

    fn code(pairs: &[(&str, &str)]) -> u32 {
        with(pairs).unwrap_err().code.number()
    }

    #[test]
    fn every_wrong_parameter_has_its_code() {
        assert_eq!(code(&[("To", "-")]), 21604);
        assert_eq!(code(&[("To", "")]), 21604);
        assert_eq!(code(&[("To", "+4915112345678")]), 21211);
        assert_eq!(code(&[("From", "-")]), 21603);
        assert_eq!(code(&[("From", "+493012345678")]), 21212);
        assert_eq!(code(&[("From", "messenger:1")]), 21910);
        assert_eq!(code(&[("From", "whatsapp:+4915112345678")]), 63031);
        assert_eq!(code(&[("From", "-"), ("MessagingServiceSid", "MG1")]), 21701);
        assert_eq!(code(&[("Body", "-")]), 21619);
        assert_eq!(code(&[("Body", "")]), 21619);
        assert_eq!(code(&[("Body", &"x".repeat(1_601))]), 21617);
        assert_eq!(code(&[("MediaUrl", "a.png")]), 21620);
        assert_eq!(code(&[("MediaUrl", "ftp://example.com/a.png")]), 21620);
        assert_eq!(code(&[("MediaUrl", "https://e.com/a.png"), ("MediaUrl", "https://e.com/b.png")]), 21623);
        assert_eq!(code(&[("MediaUrl", "https://e.com/a.mp3")]), 63021);
        assert_eq!(code(&[("ContentVariables", "{}")]), 21654);
        assert_eq!(code(&[("ContentSid", "HX1")]), 21655);
        for wrong in ["[]", "{\"1\":null}", "{\"1\":\"\"}", "{\"1\":{}}", "{\"1 2\":\"x\"}", "{\"1\":\"x\"", "x"] {
            assert_eq!(code(&[("ContentSid", HX), ("ContentVariables", wrong)]), 21656, "{wrong}");
        }
        let long = format!("{{\"1\":\"{}\"}}", "x".repeat(1_601));
        assert_eq!(code(&[("ContentSid", HX), ("ContentVariables", &long)]), 21658);
        for wrong in ["0", "36001", "x", "-1", "1.5"] {
            assert_eq!(code(&[("ValidityPeriod", wrong)]), 21624, "{wrong}");
        }
        for wrong in ["/told", "mailto:a@b.c", "https://my_host.example.com/", "told"] {
            assert_eq!(code(&[("StatusCallback", wrong)]), 21609, "{wrong}");
        }
        for wrong in ["tel:+1", "geo:91,0", "geo:1", "geo:x,y", "geo:NaN,0"] {
            assert_eq!(code(&[("PersistentAction", wrong)]), 20422, "{wrong}");
        }
    }

    #[test]
    fn a_message_is_scheduled_through_a_service_within_35_days() {
        let at = |seconds: i64| dates::iso(NOW.plus(Span::secs(seconds)));
        let service = [("MessagingServiceSid", MG), ("From", "-"), ("ScheduleType", "fixed")];
        let code_at = |at: &str| code(&[&service[..], &[("SendAt", at)]].concat());
        assert_eq!(code(&service), 35111);
        assert_eq!((code_at(&at(299)), code_at(&at(35 * 86_400 + 1)), code_at("soon")), (35114, 35114, 35114));
        assert_eq!(code(&[("ScheduleType", "fixed"), ("SendAt", &at(600))]), 35118);
        assert_eq!(code(&[("SendAt", &at(600))]), 20422);
        let command = with(&[&service[..], &[("SendAt", &at(300))]].concat()).unwrap();
        assert_eq!((command.send_at, command.from), (Some(NOW.plus(Span::secs(300))), None));
        assert_eq!(command.origin.unwrap().service, ServiceId::of_sid(MG));
        assert!(with(&[("From", MG)]).unwrap().from.is_none());
    }

    #[test]
    fn whatever_fits_is_read() {
        let command =
            with(&[("StatusCallback", "https://shop.example/told#rc=2"), ("SmartEncoded", "true"), ("Tags", "x")]).unwrap();
        assert_eq!((command.validity, command.when_refused), (Some(Span::secs(36_000)), WhenRefused::Accept));
        let origin = command.origin.unwrap();
        assert_eq!((origin.status_callback.as_deref(), origin.media), (Some("https://shop.example/told#rc=2"), false));
        let validity = |pairs| with(pairs).unwrap().validity;
        assert_eq!(validity(&[("MessagingServiceSid", MG)]), None, "the messaging service says");
        assert_eq!(validity(&[("MessagingServiceSid", MG), ("ValidityPeriod", "60")]), Some(Span::secs(60)));
        let media = with(&[("MediaUrl", "https://e.com/a.png")]).unwrap();
        assert!(media.origin.unwrap().media);
        let What::FreeForm(FreeForm::Media { file, caption, .. }) = media.what else { panic!("no file") };
        assert_eq!((file.kind, caption.as_deref()), (MediaKind::Image, Some("Hi")));
        let place = with(&[("PersistentAction", "geo:52.5163,13.3777|Pariser Platz")]).unwrap();
        let What::FreeForm(FreeForm::Location { name, address, .. }) = place.what else { panic!("no place") };
        assert_eq!((name.as_deref(), address.as_deref()), (Some("Hi"), Some("Pariser Platz")));
        let content = with(&[("ContentSid", HX), ("ContentVariables", "{\"name\":\"it's\",\"2\":7}")]).unwrap();
        let What::ContentById { id, variables, .. } = content.what else { panic!("no content") };
        assert_eq!((id.sid().as_str(), variables["name"].as_str(), variables["2"].as_str()), (HX, "it's", "7"));
    }

    proptest! {
        #[test]
        fn no_form_makes_it_panic(
            to in "\\PC{0,20}", from in "\\PC{0,20}", body in "\\PC{0,20}", link in "\\PC{0,20}", action in "geo:\\PC{0,12}",
            variables in "\\{?\\PC{0,20}", at in "\\PC{0,20}", callback in "\\PC{0,20}",
        ) {
            let _ = with(&[("To", &to), ("From", &from), ("Body", &body)]);
            let _ = with(&[("MediaUrl", &link), ("StatusCallback", &callback)]);
            let _ = with(&[("PersistentAction", &action)]);
            let _ = with(&[("ContentSid", HX), ("ContentVariables", &variables)]);
            let _ = with(&[("ScheduleType", "fixed"), ("SendAt", &at), ("MessagingServiceSid", MG)]);
        }
    }
}
