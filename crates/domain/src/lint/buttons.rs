//! Buttons: their labels, where they lead, how many of a kind, and in which order.

use super::finding::{Notes, Rule};
use super::variables::{has_loose_braces, has_variable};
use super::{Case, Origin, limits, links, words};
use crate::address::Phone;
use crate::content::{Piece, pieces};
use crate::free_form::is_web_address;
use crate::template::ButtonDefinition;

/// What a button does, as far as rules ask; the names are Meta's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    QuickReply,
    Url,
    PhoneNumber,
    CopyCode,
    Otp,
    Flow,
    Catalog,
    MultiProduct,
    SingleProduct,
    VoiceCall,
    RequestContactInfo,
}

impl Kind {
    pub(super) const fn of(button: &ButtonDefinition) -> Self {
        match button {
            ButtonDefinition::QuickReply { .. } => Self::QuickReply,
            ButtonDefinition::Url { .. } => Self::Url,
            ButtonDefinition::PhoneNumber { .. } => Self::PhoneNumber,
            ButtonDefinition::CopyCode { .. } => Self::CopyCode,
            ButtonDefinition::Otp { .. } => Self::Otp,
            ButtonDefinition::Flow { .. } => Self::Flow,
            ButtonDefinition::Catalog => Self::Catalog,
            ButtonDefinition::MultiProduct => Self::MultiProduct,
            ButtonDefinition::SingleProduct => Self::SingleProduct,
            ButtonDefinition::VoiceCall { .. } => Self::VoiceCall,
            ButtonDefinition::RequestContactInfo => Self::RequestContactInfo,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::QuickReply => "QUICK_REPLY",
            Self::Url => "URL",
            Self::PhoneNumber => "PHONE_NUMBER",
            Self::CopyCode => "COPY_CODE",
            Self::Otp => "OTP",
            Self::Flow => "FLOW",
            Self::Catalog => "CATALOG",
            Self::MultiProduct => "MPM",
            Self::SingleProduct => "SPM",
            Self::VoiceCall => "VOICE_CALL",
            Self::RequestContactInfo => "REQUEST_CONTACT_INFO",
        }
    }

    /// How many of it a template may have; calls of both kinds are counted together.
    const fn most(self) -> usize {
        match self {
            Self::QuickReply => limits::BUTTONS,
            Self::Url => limits::URL_BUTTONS,
            _ => 1,
        }
    }

    const fn stands_alone(self) -> bool {
        matches!(self, Self::Catalog | Self::MultiProduct | Self::SingleProduct | Self::RequestContactInfo)
    }
}

/// The kinds in the order of the buttons.
pub(super) fn kinds(buttons: &[ButtonDefinition]) -> Vec<Kind> {
    buttons.iter().map(Kind::of).collect()
}

/// The buttons of a template that is no authentication and no carousel.
pub(super) fn look(case: Case<'_>, notes: &mut Notes) {
    let buttons = &case.definition.buttons;
    each(case, buttons, "buttons", notes);
    let kinds = kinds(buttons);
    if kinds.len() > limits::BUTTONS {
        notes.note(
            Rule::ButtonCount,
            "buttons",
            format!("There are {} buttons, at most {} are allowed.", kinds.len(), limits::BUTTONS),
            "Leave some out.",
        );
    }
    counts(&kinds, notes);
    if let Some(alone) = kinds.iter().find(|kind| kind.stands_alone() && kinds.len() > 1) {
        notes.note(
            Rule::ButtonAlone,
            "buttons",
            format!("A {} button stands alone, and there are {} buttons.", alone.as_str(), kinds.len()),
            "Keep it as the only one, or leave it out.",
        );
    }
    let changes = kinds.iter().zip(kinds.iter().skip(1));
    let changes = changes.filter(|(a, b)| (**a == Kind::QuickReply) != (**b == Kind::QuickReply)).count();
    if changes > 1 {
        notes.note(
            Rule::ButtonOrder,
            "buttons",
            "Quick replies and other buttons are mixed.",
            "Put all quick replies before the other buttons, or all after them.",
        );
    }
}

fn counts(kinds: &[Kind], notes: &mut Notes) {
    let count = |kind: Kind| kinds.iter().filter(|k| **k == kind).count();
    for kind in
        [Kind::Url, Kind::CopyCode, Kind::Flow, Kind::Catalog, Kind::MultiProduct, Kind::SingleProduct, Kind::RequestContactInfo]
    {
        let have = count(kind);
        if have > kind.most() {
            notes.note(
                Rule::ButtonCount,
                "buttons",
                format!("There are {have} buttons of type {}, at most {} may be.", kind.as_str(), kind.most()),
                "Leave some out.",
            );
        }
    }
    let calls = count(Kind::PhoneNumber) + count(Kind::VoiceCall);
    if calls > 1 {
        notes.note(
            Rule::ButtonCount,
            "buttons",
            format!("There are {calls} buttons that call, PHONE_NUMBER and VOICE_CALL together; one may be."),
            "Keep one.",
        );
    }
}

/// Each button by itself, and labels among each other. `part` is the path of the list.
pub(super) fn each(case: Case<'_>, buttons: &[ButtonDefinition], part: &str, notes: &mut Notes) {
    let mut labels: Vec<&str> = Vec::new();
    for (place, button) in buttons.iter().enumerate().take(super::LOOKED_AT) {
        let part = format!("{part}[{place}]");
        one(case, button, &part, notes);
        let Some(text) = own_label(button) else { continue };
        if labels.contains(&text) && !text.is_empty() {
            notes.note(
                Rule::LabelTwice,
                format!("{part}.text"),
                format!("Two buttons are labelled \"{text}\"."),
                "Give each a label of its own.",
            );
        }
        labels.push(text);
    }
}

/// The label that the author chooses; none where it is Meta's.
fn own_label(button: &ButtonDefinition) -> Option<&str> {
    match button {
        ButtonDefinition::QuickReply { text }
        | ButtonDefinition::Url { text, .. }
        | ButtonDefinition::PhoneNumber { text, .. }
        | ButtonDefinition::Flow { text, .. }
        | ButtonDefinition::VoiceCall { text, .. } => Some(text),
        _ => None,
    }
}

fn one(case: Case<'_>, button: &ButtonDefinition, part: &str, notes: &mut Notes) {
    if let Some(text) = own_label(button) {
        let max = if matches!(button, ButtonDefinition::VoiceCall { .. }) { limits::CALL_LABEL } else { limits::LABEL };
        label(text, max, &format!("{part}.text"), notes);
    }
    match button {
        ButtonDefinition::Url { url, sample, .. } => address(case, url, sample.as_deref(), part, notes),
        ButtonDefinition::PhoneNumber { phone, .. } => phone_number(phone, &format!("{part}.phone_number"), notes),
        ButtonDefinition::CopyCode { sample } => coupon(case, sample.as_deref(), &format!("{part}.example"), notes),
        ButtonDefinition::Flow { flow_id, flow_name, flow_json, .. } => {
            let sources = [flow_id, flow_name, flow_json].into_iter().flatten().count();
            // The form of content is made when it is submitted.
            if sources != 1 && case.origin == Origin::Template {
                notes.note(
                    Rule::FlowSource,
                    part,
                    format!("The flow button names {sources} flows."),
                    "Give exactly one of flow_id, flow_name and flow_json.",
                );
            }
        }
        ButtonDefinition::VoiceCall { ttl_minutes: Some(minutes), .. } if !limits::CALL_MINUTES.contains(minutes) => notes.note(
            Rule::CallMinutes,
            format!("{part}.ttl_minutes"),
            format!("The call button works for {minutes} minutes."),
            "Give 1 to 43200 minutes, or leave it out for seven days.",
        ),
        ButtonDefinition::Otp { .. } => notes.note(
            Rule::AuthenticationOnly,
            part,
            "A button for a one-time code is for authentication templates.",
            "Set the category to AUTHENTICATION, or take another button.",
        ),
        ButtonDefinition::QuickReply { .. }
        | ButtonDefinition::VoiceCall { .. }
        | ButtonDefinition::Catalog
        | ButtonDefinition::MultiProduct
        | ButtonDefinition::SingleProduct
        | ButtonDefinition::RequestContactInfo => {}
    }
}

/// A label; also of the button for a one-time code.
pub(super) fn label(text: &str, max: usize, field: &str, notes: &mut Notes) {
    let length = text.chars().count();
    if text.trim().is_empty() {
        notes.note(Rule::TextRequired, field, "The button has no label.", "Give it one.");
    }
    if length > max {
        notes.note(
            Rule::TextTooLong,
            field,
            format!("The label has {length} characters, at most {max} are allowed."),
            format!("Shorten it by {}.", length - max),
        );
    }
    if has_variable(text) {
        notes.note(Rule::VariableNotAllowed, field, "The label has a variable.", "Write it out; put the variable into the body.");
    }
    if text.contains(['\n', '\r', '\t']) {
        notes.note(Rule::LabelForm, field, "The label has a line break or a tab.", "Write it as one line.");
    }
    if words::emojis(text) > 0 {
        notes.note(Rule::EmojiInPlainText, field, "The label has an emoji.", "Leave it out; reviewers reject some of them.");
    }
}

fn address(case: Case<'_>, url: &str, sample: Option<&str>, part: &str, notes: &mut Notes) {
    let field = format!("{part}.url");
    let found = pieces(url);
    let base = match found.first() {
        Some(Piece::Plain(base)) => base,
        _ => "",
    };
    let length = url.chars().count();
    if length > limits::URL {
        let message = format!("The address has {length} characters, at most {} are allowed.", limits::URL);
        notes.note(Rule::UrlForm, field.as_str(), message, "Use a shorter one.");
    } else if !is_web_address(base) || has_loose_braces(url) {
        notes.note(
            Rule::UrlForm,
            field.as_str(),
            "The address is none that a browser opens, or its domain is not written out.",
            "Begin with https:// and the whole domain, such as https://shop.example/orders/.",
        );
    }
    let names: Vec<&str> = crate::content::placeholders(url);
    let at_end = matches!(found.last(), Some(Piece::Variable(_)));
    let behind_slash = base.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    let counted = case.origin == Origin::Content || names.iter().all(|name| *name == "1");
    match names.as_slice() {
        [] => {}
        [_] if at_end && behind_slash && counted => url_sample(base, sample, part, notes),
        [name] if at_end && behind_slash => notes.note(
            Rule::UrlVariable,
            field.as_str(),
            format!(
                "The address has {{{{{name}}}}}: the variable of an address is always {{{{1}}}}, also where the texts' are named."
            ),
            "Write {{1}}.",
        ),
        [_] => notes.note(
            Rule::UrlVariable,
            field.as_str(),
            "The variable does not stand at the very end of the address, behind a slash after the domain.",
            "Move it to the end, such as https://shop.example/orders/{{1}}.",
        ),
        more => notes.note(
            Rule::UrlVariable,
            field.as_str(),
            format!("The address has {} variables, at most one is allowed.", more.len()),
            "Keep one, at the very end.",
        ),
    }
    links::look_at(base, &field, "The button", notes);
}

fn url_sample(base: &str, sample: Option<&str>, part: &str, notes: &mut Notes) {
    let field = format!("{part}.example");
    match sample.map(str::trim) {
        None | Some("") => notes.note(
            Rule::SampleMissing,
            field,
            "The variable of the address has no sample.",
            format!("Give the whole address with a value, such as {base}abc123."),
        ),
        Some(sample) if sample.contains("://") && !sample.starts_with(base) => notes.note(
            Rule::SampleForm,
            field,
            format!("The sample {sample:?} does not begin as the address does."),
            format!("Begin it with {base}."),
        ),
        Some(_) => {}
    }
}

fn phone_number(phone: &str, field: &str, notes: &mut Notes) {
    let length = phone.chars().count();
    if length > limits::PHONE || Phone::from_wa_id(phone).is_err() {
        notes.note(
            Rule::PhoneForm,
            field,
            format!("{phone:?} is no phone number that a customer could dial."),
            "Write it with its country code, such as +4930123456.",
        );
    }
}

fn coupon(case: Case<'_>, sample: Option<&str>, field: &str, notes: &mut Notes) {
    let max = if case.definition.limited_time_offer.is_some() { limits::OFFER_COUPON } else { limits::COUPON };
    let length = sample.unwrap_or_default().chars().count();
    if sample.is_none_or(|sample| sample.trim().is_empty()) {
        notes.note(Rule::SampleMissing, field, "The button has no sample of the coupon code.", "Give one, such as SPRING25.");
    } else if length > max {
        notes.note(
            Rule::CouponForm,
            field,
            format!("The coupon code has {length} characters, at most {max} are allowed here."),
            "Use a shorter one.",
        );
    }
}
