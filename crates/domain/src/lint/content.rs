//! Content, looked at as the template it would become.

use super::finding::{Finding, Notes, Rule, Severity};
use super::places::in_content;
use super::{Case, Origin, variables};
use crate::content::{Body, Content, ContentType, placeholders};
use crate::free_form::MediaKind;
use crate::rules::{Cell, NEVER, rule_of};
use crate::template::{BodyDefinition, ButtonDefinition, Category, Definition, HeaderDefinition};
use crate::translate;

/// What content is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submission<'a> {
    /// Name of the template.
    pub name: &'a str,
    /// Its category.
    pub category: Category,
}

/// Looks at content. Fields are named as the content has them: `types.twilio/card.title`, `variables.1`.
///
/// With a submission, the body that would be submitted ([`submittable`]) is held against Meta's rules. Without one, every body that
/// could become a template is, and nothing is an error: in a session it may go as it stands.
#[must_use]
pub fn content(content: &Content, submission: Option<Submission<'_>>) -> Vec<Finding> {
    let Some(submission) = submission else {
        let bodies = content.types.values().filter(|body| can_be_submitted(body.kind()));
        let found = bodies.flat_map(|body| look(content, body, translate::category(body))).chain(strays(content));
        return found.map(|finding| Finding { severity: Severity::Warning, ..finding }).collect();
    };
    let mut found = super::approval_name(submission.name);
    match submittable(content) {
        Some((_, body)) => found.extend(look(content, body, submission.category)),
        None => {
            let mut notes = Notes::default();
            let said: Vec<String> = content.types.keys().map(|kind| not_a_template(*kind)).collect();
            notes.note(Rule::NeverSubmittable, "types", said.join(" "), "Add a type that can be approved, such as twilio/text.");
            found.extend(notes.into_findings());
        }
    }
    found.extend(strays(content));
    found
}

/// Samples of variables that no text has. Meta never sees them, so that they stop no submission.
fn strays(content: &Content) -> Vec<Finding> {
    let names = content.names();
    let mut notes = Notes::default();
    for name in content.variables.keys().filter(|name| !names.contains(*name)) {
        notes.note(
            Rule::SampleSurplus,
            format!("variables.{name}"),
            format!("There is a sample for {{{{{name}}}}}, which stands in no text."),
            "Write the variable into a text, or take the sample out.",
        );
    }
    notes.into_findings().into_iter().map(|finding| Finding { severity: Severity::Warning, ..finding }).collect()
}

/// The body that is submitted for approval: that of the richest type that a template can hold.
#[must_use]
pub fn submittable(content: &Content) -> Option<(ContentType, &Body)> {
    content.richest_first().find(|(kind, _)| can_be_submitted(*kind))
}

/// What never goes outside a session is no template either.
fn can_be_submitted(kind: ContentType) -> bool {
    rule_of(kind).out_of_session != Cell::Unsupported
}

/// Why a type cannot be submitted, as the rule table has it.
fn not_a_template(kind: ContentType) -> String {
    match NEVER.iter().find(|never| never.kind == kind) {
        Some(never) => format!("{} is never sent: it {}.", kind.as_str(), never.why),
        None => format!("{} can go in a session only; no template can hold it.", kind.as_str()),
    }
}

fn look(content: &Content, body: &Body, category: Category) -> Vec<Finding> {
    let mut notes = Notes::default();
    let root = format!("types.{}", body.kind().as_str());
    let Some(definition) = translate::to_definition(body, &content.variables) else {
        no_definition(body, &root, &mut notes);
        return notes.into_findings();
    };
    let case = Case { definition: &definition, category, origin: Origin::Content };
    let mut found: Vec<Finding> = Vec::new();
    for mut finding in super::look(case, &content.language, None) {
        finding.field = in_content(&finding.field, body);
        found.push(finding);
    }
    numbering(body, &root, &mut notes);
    for name in without_sample(content, &definition) {
        notes.note(
            Rule::SampleMissing,
            format!("variables.{name}"),
            format!("The variable {{{{{name}}}}} has no sample."),
            "Give a value as it will be sent; the reviewers look at it, and a send that leaves it out uses it.",
        );
    }
    for finding in notes.into_findings() {
        if !found.iter().any(|other| other.rule == finding.rule && other.field == finding.field) {
            found.push(finding);
        }
    }
    // Meta never sees how content counts: each text is numbered anew when it is submitted.
    for finding in found.iter_mut().filter(|f| matches!(f.rule, Rule::VariableGap | Rule::VariableMix)) {
        finding.severity = Severity::Warning;
    }
    found
}

/// Numbers run through the whole of a content's body.
fn numbering(body: &Body, root: &str, notes: &mut Notes) {
    if matches!(body, Body::Authentication(_)) {
        return;
    }
    let names = body.placeholders();
    let mut distinct: Vec<&str> = names.iter().map(String::as_str).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let numbers = distinct.iter().filter(|name| name.parse::<u32>().is_ok()).count();
    if numbers > 0 && numbers < distinct.len() {
        notes.note(
            Rule::VariableMix,
            root,
            "Some variables are numbered and some are named.",
            "Number all of them, or name all of them.",
        );
    } else if numbers > 0
        && let Some(gap) = variables::gap(&distinct)
    {
        notes.note(
            Rule::VariableGap,
            root,
            format!("There are {} variables and no {{{{{gap}}}}} among them.", distinct.len()),
            format!("Number them from {{{{1}}}} to {{{{{}}}}}, or name them.", distinct.len()),
        );
    }
}

/// The variables that the reviewers would see without a value.
fn without_sample(content: &Content, definition: &Definition) -> Vec<String> {
    let given = |name: &str| content.variables.get(name).is_some_and(|sample| !sample.trim().is_empty());
    let mut texts: Vec<&str> = Vec::new();
    if let BodyDefinition::Own(text) = &definition.body {
        texts.push(&text.text);
    }
    let cards = definition.cards.iter();
    for header in definition.header.iter().chain(cards.clone().map(|card| &card.header)) {
        texts.extend(match header {
            HeaderDefinition::Text(text) => Some(text.text.as_str()),
            // What has no value is still there as a placeholder.
            HeaderDefinition::Image { sample } | HeaderDefinition::Video { sample } | HeaderDefinition::Document { sample } => {
                sample.as_deref()
            }
            HeaderDefinition::Location | HeaderDefinition::Product => None,
        });
    }
    texts.extend(cards.clone().filter_map(|card| Some(card.body.as_ref()?.text.as_str())));
    for button in definition.buttons.iter().chain(cards.flat_map(|card| &card.buttons)) {
        match button {
            ButtonDefinition::Url { url, .. } => texts.push(url),
            ButtonDefinition::CopyCode { sample: Some(sample) } => texts.push(sample),
            ButtonDefinition::Flow { flow_id, navigate_screen, .. } => {
                texts.extend(flow_id.iter().chain(navigate_screen).map(String::as_str));
            }
            _ => {}
        }
    }
    let mut missing: Vec<String> = Vec::new();
    for name in texts.into_iter().flat_map(placeholders).filter(|name| !given(name)) {
        if !missing.iter().any(|known| known == name) {
            missing.push(name.to_owned());
        }
    }
    missing
}

/// Why no template can be made of a body of a type that could become one.
fn no_definition(body: &Body, root: &str, notes: &mut Notes) {
    let links: Vec<(String, &str)> = match body {
        Body::Media(b) => {
            if b.body.as_deref().is_none_or(|text| text.trim().is_empty()) {
                notes.note(
                    Rule::TextRequired,
                    format!("{root}.body"),
                    "A template with media has a text too.",
                    "Write one; in a session media goes without.",
                );
            }
            b.media.iter().take(1).map(|link| (format!("{root}.media[0]"), link.as_str())).collect()
        }
        Body::Card(b) => b.media.iter().take(1).map(|link| (format!("{root}.media[0]"), link.as_str())).collect(),
        Body::WhatsappCard(b) => b.media.iter().take(1).map(|link| (format!("{root}.media[0]"), link.as_str())).collect(),
        Body::Flows(b) => b.media_url.iter().map(|link| (format!("{root}.media_url"), link.as_str())).collect(),
        Body::WhatsappFlows(b) => b.media_url.iter().map(|link| (format!("{root}.media_url"), link.as_str())).collect(),
        Body::Carousel(b) => {
            b.cards.iter().enumerate().map(|(i, card)| (format!("{root}.cards[{i}].media"), card.media.as_str())).collect()
        }
        _ => Vec::new(),
    };
    for (field, link) in links {
        if matches!(MediaKind::of_link(link), MediaKind::Audio | MediaKind::Sticker) {
            notes.note(
                Rule::HeaderFile,
                field,
                "A template's file is an image, a video or a document.",
                "Send audio and stickers in a session.",
            );
        }
    }
}
