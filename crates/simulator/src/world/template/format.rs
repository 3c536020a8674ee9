//! What the call lets pass and the review finds: a template with it comes back REJECTED with INVALID_FORMAT, and Meta says why.

use super::Template;
use super::review::Rejection;
use super::text;

/// One of them.
pub(crate) struct Finding {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    why: &'static str,
    recommendation: &'static str,
    is_in: fn(&Template) -> bool,
}

/// Emojis of a body at most.
const EMOJIS_MAX: usize = 10;
/// Where links that lead back into WhatsApp lead.
const WHATSAPP: [&str; 3] = ["wa.me/", "api.whatsapp.com", "chat.whatsapp.com"];

/// All of them. Where Meta's pages say nothing, those of a house that files templates there for many do.
pub(crate) const FINDINGS: &[Finding] = &[
    Finding {
        name: "tab",
        source: "Twilio: message-template-approvals-statuses",
        why: "Your template has a tab in its text.",
        recommendation: "Use blanks or line breaks.",
        is_in: |template| all_bodies(template).any(|body| body.contains('\t')),
    },
    Finding {
        name: "emojis",
        source: "Twilio: message-template-approvals-statuses",
        why: "Your template has more than 10 emojis.",
        recommendation: "Use fewer emojis.",
        is_in: |template| all_bodies(template).any(|body| body.chars().filter(|c| text::is_emoji(*c)).count() > EMOJIS_MAX),
    },
    Finding {
        name: "whatsapp_link",
        source: "Twilio: message-template-approvals-statuses",
        why: "Your template has a link that leads to WhatsApp.",
        recommendation: "Remove links to wa.me; customers answer in the conversation they are in.",
        is_in: |template| {
            let leads_back = |text: &str| WHATSAPP.iter().any(|host| text.to_lowercase().contains(host));
            let buttons = template.spec.buttons.iter().chain(template.spec.cards.iter().flat_map(|card| &card.buttons));
            all_bodies(template).any(leads_back) || buttons.map(|button| button.target.text.as_str()).any(leads_back)
        },
    },
];

fn all_bodies(template: &Template) -> impl Iterator<Item = &str> {
    let cards = template.spec.cards.iter().map(|card| card.body.text.as_str());
    [template.spec.body.text.as_str()].into_iter().chain(cards)
}

/// What the review finds first, if anything.
pub(super) fn look(template: &Template) -> Option<Rejection> {
    let found = FINDINGS.iter().find(|finding| (finding.is_in)(template))?;
    Some(Rejection {
        why: Some(found.why.to_owned()),
        recommendation: Some(found.recommendation.to_owned()),
        ..Rejection::of("INVALID_FORMAT")
    })
}
