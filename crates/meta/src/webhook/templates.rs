//! What Meta tells of templates (webhooks/reference: message_template_status_update, message_template_quality_update,
//! message_template_components_update, template_category_update).

use serde::Deserialize;
use serde_json::value::RawValue;
use transom_domain::content::Language;
use transom_domain::fact::{TemplateNews, TemplateStatus, TemplateTold};
use transom_domain::template::{Approval, Category, Pause, Quality, Rejection};
use transom_domain::time::Timestamp;

use super::wire::Text;
use crate::read::{moment, text};

/// Longest sentence of Meta's that is kept; the ones that exist are far shorter.
const SENTENCE_MAX: usize = 1_000;

/// The value of every field that speaks of one template; the id is a whole number here and a text in the API.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    message_template_id: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    message_template_name: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    message_template_language: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    message_template_category: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    event: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    reason: Text<'a>,
    #[serde(borrow, default)]
    rejection_info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    disable_info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    other_info: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "text")]
    new_quality_score: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    new_category: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    correct_category: Text<'a>,
    #[serde(default, deserialize_with = "moment")]
    category_update_timestamp: Option<Timestamp>,
}

/// The members of the objects beside the event.
#[derive(Deserialize, Default)]
struct Info<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    reason: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    recommendation: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    disable_date: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    title: Text<'a>,
}

impl<'a> Info<'a> {
    fn read(raw: Option<&'a RawValue>) -> Self {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }
}

/// A sentence, unless it says nothing.
fn said(text: Text<'_>) -> Option<String> {
    let text = text?;
    let kept = text.trim();
    let says = !kept.is_empty() && !kept.eq_ignore_ascii_case("none");
    says.then(|| kept.chars().take(SENTENCE_MAX).collect())
}

/// None for an event that is no status of a template: what we believe of it then stays as it is until it is read anew.
pub(super) fn status(value: &RawValue, beside: Option<&RawValue>, at: Option<Timestamp>) -> Option<TemplateStatus> {
    let wire: Wire<'_> = serde_json::from_str(value.get()).ok()?;
    let event = wire.event?;
    let approval = Approval::named(event.trim());
    if approval == Approval::Unknown {
        return None;
    }
    let info = Info::read(wire.rejection_info.or(beside));
    let rejection = Rejection { reason: said(info.reason), recommendation: said(info.recommendation) };
    let rejection = (approval == Approval::Rejected && rejection != Rejection::default()).then_some(rejection);
    let reason = said(wire.reason).or_else(|| rejection.as_ref()?.reason.clone());
    let title = Info::read(wire.other_info).title;
    Some(TemplateStatus {
        id: wire.message_template_id.filter(|id| !id.is_empty())?.into_owned(),
        name: wire.message_template_name?.into_owned(),
        language: Language::parse(&wire.message_template_language?).ok()?,
        approval,
        category: wire.message_template_category.and_then(|word| crate::templates::category(&word)),
        reason,
        rejection,
        pause: title.and_then(|title| Pause::named(&title)),
        disable_on: said(Info::read(wire.disable_info).disable_date),
        flagged: event.trim().eq_ignore_ascii_case("FLAGGED"),
        at: at.unwrap_or(Timestamp::EPOCH),
    })
}

/// None for what says nothing that is understood.
pub(super) fn news(field: &str, value: &RawValue, at: Option<Timestamp>) -> Option<TemplateTold> {
    let wire: Wire<'_> = serde_json::from_str(value.get()).ok()?;
    let category = |word: Text<'_>| -> Option<Category> { crate::templates::category(&word?) };
    let news = match field {
        "message_template_quality_update" => TemplateNews::Quality { to: Quality::named(&wire.new_quality_score?)? },
        "message_template_components_update" => TemplateNews::Components,
        _ => match (category(wire.new_category)?, category(wire.correct_category)) {
            // In the announcement `new_category` is the present one.
            (present, Some(next)) => TemplateNews::CategoryAnnounced { present, next, from: wire.category_update_timestamp },
            (to, None) => TemplateNews::Category { to },
        },
    };
    Some(TemplateTold {
        id: wire.message_template_id.filter(|id| !id.is_empty())?.into_owned(),
        name: wire.message_template_name?.into_owned(),
        language: Language::parse(&wire.message_template_language?).ok()?,
        news,
        at: at.unwrap_or(Timestamp::EPOCH),
    })
}
