//! What has to be done so that Meta has what the files say: files and standing templates in, steps out, no I/O.

use std::collections::BTreeMap;

use serde::Serialize;
use transom_domain::content::Language;
use transom_domain::template::{
    Approval, BodyDefinition, ButtonDefinition, CardDefinition, Definition, HeaderDefinition, ParameterFormat, Template,
    TextDefinition,
};

use super::file::Wanted;
use super::print;

/// Templates that Meta lets an account create in an hour.
const CREATIONS_AN_HOUR: usize = 100;

/// Name and language: what a template is known by.
pub(crate) type Key = (String, Language);

/// One language of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed {
    /// The file, as its folder names it.
    pub(crate) file: String,
    /// What it wants.
    pub(crate) wanted: Wanted,
}

/// A template as it stands at Meta.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    /// With the version in force.
    pub(crate) template: Template,
    /// An edit that is not in force: what Meta was last given.
    pub(crate) edit: Option<Definition>,
    /// Seconds for which Meta tries to deliver it.
    pub(crate) ttl_seconds: Option<i64>,
}

impl Standing {
    /// The newest version: what files are held against.
    pub(crate) fn newest(&self) -> &Definition {
        self.edit.as_ref().unwrap_or(&self.template.definition)
    }

    /// On its way out: it is neither pulled nor pruned.
    pub(crate) const fn is_going(&self) -> bool {
        matches!(self.template.approval, Approval::PendingDeletion | Approval::Deleted)
    }

    /// As a file says it.
    pub(crate) fn as_wanted(&self) -> Wanted {
        Wanted { category: self.template.category, definition: self.newest().clone(), ttl_seconds: self.ttl_seconds }
    }
}

/// What is to be done with one language of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Action {
    /// Meta has none.
    Create,
    /// Meta has another.
    Edit,
    /// No file has it, and pruning was asked for.
    Delete,
    /// Both are the same.
    Keep,
    /// No file has it, and nobody asked for pruning: files and Meta have drifted apart.
    OnlyAtMeta,
}

/// What stands in the way of a step now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Block {
    /// The rule, as a word for programs.
    pub(crate) rule: String,
    /// What is, in a sentence.
    pub(crate) message: String,
    /// What to do.
    pub(crate) remedy: String,
    /// From when on it will work, in RFC 3339; none when waiting alone does not help, or nobody can say.
    pub(crate) not_before: Option<String>,
}

/// A difference that did not come from here: the template was changed at Meta by somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Drift {
    /// When.
    pub(crate) at: String,
    /// `elsewhere` or `meta`.
    pub(crate) by: String,
    /// `edited` or `category`.
    pub(crate) change: String,
}

/// One language of one template, and what is to be done with it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// Name.
    pub(crate) name: String,
    /// Language.
    pub(crate) language: Language,
    /// The file that has it.
    pub(crate) file: Option<String>,
    /// What to do.
    pub(crate) action: Action,
    /// The parts that differ, by Meta's words.
    pub(crate) changes: Vec<&'static str>,
    /// Lines of the file that go away and come: `-` and `+` before each.
    pub(crate) difference: Vec<String>,
    /// Status at Meta.
    pub(crate) status: Option<Approval>,
    /// Somebody else changed it.
    pub(crate) drift: Option<Drift>,
    /// What is in the way.
    pub(crate) blocked: Option<Block>,
    /// What the linter refuses: it is not sent to Meta.
    pub(crate) refused: bool,
    /// A call of earlier, `create`, `edit` or `delete`, whose answer was lost: asking again settles it.
    pub(crate) under_way: Option<String>,
}

impl Step {
    fn new((name, language): &Key, action: Action) -> Self {
        Self {
            name: name.clone(),
            language: language.clone(),
            file: None,
            action,
            changes: Vec::new(),
            difference: Vec::new(),
            status: None,
            drift: None,
            blocked: None,
            refused: false,
            under_way: None,
        }
    }

    /// Whether something is to be done at Meta.
    pub(crate) const fn is_work(&self) -> bool {
        matches!(self.action, Action::Create | Action::Edit | Action::Delete)
    }

    /// Whether it would be done now.
    pub(crate) const fn is_open(&self) -> bool {
        self.is_work() && self.blocked.is_none() && !self.refused
    }
}

/// Holds files against Meta. Steps come by name and language, deletions last.
pub(crate) fn steps(wanted: &BTreeMap<Key, Placed>, standing: &BTreeMap<Key, Standing>, prune: bool) -> Vec<Step> {
    let mut steps: Vec<Step> = wanted.iter().map(|(key, placed)| of_file(key, placed, standing.get(key))).collect();
    for (key, standing) in standing.iter().filter(|(key, standing)| !wanted.contains_key(*key) && !standing.is_going()) {
        let mut step = Step::new(key, if prune { Action::Delete } else { Action::OnlyAtMeta });
        step.status = Some(standing.template.approval);
        if prune && let Err(refusal) = transom_domain::template_rules::may_delete(&standing.template) {
            step.blocked = Some(Block {
                rule: refusal.rule.as_str().to_owned(),
                message: refusal.why,
                remedy: refusal.remedy,
                not_before: refusal.not_before.map(|moment| moment.to_string()),
            });
        }
        steps.push(step);
    }
    over_the_quota(&mut steps);
    steps
}

fn of_file(key: &Key, placed: &Placed, standing: Option<&Standing>) -> Step {
    let Some(standing) = standing else {
        return Step { file: Some(placed.file.clone()), ..Step::new(key, Action::Create) };
    };
    let changes = changes(&placed.wanted, standing);
    // What is being deleted is no longer there to be kept: the answer to a creation says what is in the way.
    let action = match changes.is_empty() {
        _ if standing.is_going() => Action::Create,
        true => Action::Keep,
        false => Action::Edit,
    };
    let difference = if action == Action::Edit { difference(&key.1, &placed.wanted, standing) } else { Vec::new() };
    Step {
        file: Some(placed.file.clone()),
        changes: if action == Action::Edit { changes } else { Vec::new() },
        difference,
        status: Some(standing.template.approval),
        ..Step::new(key, action)
    }
}

/// More creations than Meta takes in an hour: those beyond wait for another run.
fn over_the_quota(steps: &mut [Step]) {
    let creations = steps.iter_mut().filter(|step| step.action == Action::Create);
    for step in creations.skip(CREATIONS_AN_HOUR) {
        step.blocked = Some(Block {
            rule: transom_domain::template_rules::Rule::Creations.as_str().to_owned(),
            message: format!(
                "Meta lets an account create {CREATIONS_AN_HOUR} templates in an hour, and as many come before this one."
            ),
            remedy: "Run apply again an hour after the first of them.".to_owned(),
            not_before: None,
        });
    }
}

/// The parts in which a file differs from what Meta was last given, as far as an author decides them: samples, and what Meta makes of
/// a part by itself, make no difference.
pub(crate) fn changes(wanted: &Wanted, standing: &Standing) -> Vec<&'static str> {
    let (ours, theirs) = (&wanted.definition, standing.newest());
    let (one, other) = (ours.canonical(), theirs.canonical());
    let texts = |definition: &Definition| match &definition.header {
        Some(HeaderDefinition::Text(text)) => names(definition.format, Some(text)),
        _ => Vec::new(),
    };
    let body = |definition: &Definition| match &definition.body {
        BodyDefinition::Own(text) => names(definition.format, Some(text)),
        BodyDefinition::Authentication { .. } => Vec::new(),
    };
    let cards = |definition: &Definition| -> Vec<Vec<String>> {
        definition.cards.iter().map(|card| names(definition.format, card.body.as_ref())).collect()
    };
    let card_buttons = |definition: &Definition| -> Vec<ButtonDefinition> {
        definition.cards.iter().flat_map(|card| card.buttons.iter().cloned()).collect()
    };
    let differ = [
        ("category", wanted.category != standing.template.category),
        ("parameter_format", ours.format != theirs.format && has_variables(ours, theirs)),
        ("message_send_ttl_seconds", wanted.ttl_seconds.is_some() && wanted.ttl_seconds != standing.ttl_seconds),
        ("header", one.header != other.header || texts(ours) != texts(theirs)),
        ("limited_time_offer", one.limited_time_offer != other.limited_time_offer),
        ("body", one.body != other.body || body(ours) != body(theirs)),
        ("footer", one.footer != other.footer),
        ("buttons", one.buttons != other.buttons || !as_asked(&ours.buttons, &theirs.buttons)),
        (
            "cards",
            one.cards != other.cards || cards(ours) != cards(theirs) || !as_asked(&card_buttons(ours), &card_buttons(theirs)),
        ),
        ("call_permission_request", one.call_permission_request != other.call_permission_request),
    ];
    differ.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
}

/// Whether details of buttons differ; two lists that are not of the same kinds are told apart elsewhere.
fn as_asked(ours: &[ButtonDefinition], theirs: &[ButtonDefinition]) -> bool {
    theirs.iter().zip(ours).all(|(theirs, ours)| theirs.is_as_asked(ours))
}

/// The names of variables, where names are what a send gives.
fn names(format: ParameterFormat, text: Option<&TextDefinition>) -> Vec<String> {
    let named = text.filter(|_| format == ParameterFormat::Named);
    named.map(|text| text.names().into_iter().map(str::to_owned).collect()).unwrap_or_default()
}

/// Whether it makes a difference how variables are written: a text without any is the same either way.
fn has_variables(one: &Definition, other: &Definition) -> bool {
    one.texts().chain(other.texts()).any(|text| !text.names().is_empty())
}

/// The lines of a file that differ, samples left out.
fn difference(language: &Language, wanted: &Wanted, standing: &Standing) -> Vec<String> {
    let mut theirs = standing.as_wanted();
    theirs.ttl_seconds = wanted.ttl_seconds.and(theirs.ttl_seconds);
    let shown = |wanted: &Wanted| {
        let definition = without_samples(&wanted.definition);
        print::section(language, &Wanted { definition, ..wanted.clone() })
    };
    let (before, after) = (shown(&theirs), shown(wanted));
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    changed_lines(&before, &after)
}

fn without_samples(definition: &Definition) -> Definition {
    let text = |text: &TextDefinition| TextDefinition::new(text.text.trim(), Vec::new());
    let header = |header: &HeaderDefinition| match header {
        HeaderDefinition::Text(own) => HeaderDefinition::Text(text(own)),
        HeaderDefinition::Image { .. } => HeaderDefinition::Image { sample: None },
        HeaderDefinition::Video { .. } => HeaderDefinition::Video { sample: None },
        HeaderDefinition::Document { .. } => HeaderDefinition::Document { sample: None },
        other @ (HeaderDefinition::Location | HeaderDefinition::Product) => other.clone(),
    };
    let buttons = |buttons: &[ButtonDefinition]| -> Vec<ButtonDefinition> {
        let bare = |button: &ButtonDefinition| match button {
            ButtonDefinition::Url { text, url, .. } => {
                ButtonDefinition::Url { text: text.clone(), url: url.clone(), sample: None }
            }
            ButtonDefinition::CopyCode { .. } => ButtonDefinition::CopyCode { sample: None },
            other => other.clone(),
        };
        buttons.iter().map(bare).collect()
    };
    Definition {
        header: definition.header.as_ref().map(header),
        body: match &definition.body {
            BodyDefinition::Own(own) => BodyDefinition::Own(text(own)),
            codes @ BodyDefinition::Authentication { .. } => codes.clone(),
        },
        buttons: buttons(&definition.buttons),
        cards: definition
            .cards
            .iter()
            .map(|card| CardDefinition {
                header: header(&card.header),
                body: card.body.as_ref().map(text),
                buttons: buttons(&card.buttons),
            })
            .collect(),
        ..definition.clone()
    }
}

/// The lines that go (`-`) and come (`+`), in order: what is left of both beside their longest common part.
fn changed_lines(before: &[&str], after: &[&str]) -> Vec<String> {
    // A template has a few hundred lines at most; more are shown whole rather than compared by the square.
    const COMPARED: usize = 2_000;
    if before.len().max(after.len()) > COMPARED {
        return before.iter().map(|line| format!("- {line}")).chain(after.iter().map(|line| format!("+ {line}"))).collect();
    }
    let mut common = vec![vec![0_usize; after.len() + 1]; before.len() + 1];
    let at = |common: &[Vec<usize>], i: usize, j: usize| common.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0);
    for (i, line) in before.iter().enumerate().rev() {
        for (j, other) in after.iter().enumerate().rev() {
            let longest =
                if line == other { at(&common, i + 1, j + 1) + 1 } else { at(&common, i + 1, j).max(at(&common, i, j + 1)) };
            if let Some(cell) = common.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = longest;
            }
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    loop {
        match (before.get(i), after.get(j)) {
            (Some(line), Some(other)) if line == other => (i, j) = (i + 1, j + 1),
            (Some(line), other) if other.is_none() || at(&common, i + 1, j) >= at(&common, i, j + 1) => {
                lines.push(format!("- {line}"));
                i += 1;
            }
            (_, Some(other)) => {
                lines.push(format!("+ {other}"));
                j += 1;
            }
            (None, None) => return lines,
            (Some(_), None) => i += 1,
        }
    }
}

/// What happened to a template, as far as it tells whose a difference is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub(crate) struct Happened {
    at: String,
    by: String,
    change: String,
}

/// Whether the last change of a template's content or category was made by somebody else: `history` is newest first.
pub(crate) fn drift(history: &[Happened]) -> Option<Drift> {
    let made = history.iter().find(|line| matches!(line.change.as_str(), "created" | "found" | "edited" | "category"))?;
    let by_others = !made.by.starts_with("key:") && matches!(made.change.as_str(), "edited" | "category");
    by_others.then(|| Drift { at: made.at.clone(), by: made.by.clone(), change: made.change.clone() })
}

/// What Meta has, in the words of a file: the author's own samples stay, and so does every language that is the same already. What
/// is in the file and not at Meta stays too, unless pruning was asked for.
pub(crate) fn pulled(
    file: Option<&BTreeMap<Language, Wanted>>,
    standing: &BTreeMap<Language, &Standing>,
    prune: bool,
) -> BTreeMap<Language, Wanted> {
    let mut languages: BTreeMap<Language, Wanted> = if prune { BTreeMap::new() } else { file.cloned().unwrap_or_default() };
    for (language, standing) in standing.iter().filter(|(_, standing)| !standing.is_going()) {
        let known = file.and_then(|file| file.get(language));
        let wanted = match known {
            Some(known) if changes(known, standing).is_empty() => known.clone(),
            Some(known) => {
                let mut wanted = standing.as_wanted();
                keep_unshown(&known.definition, &mut wanted.definition);
                wanted
            }
            None => standing.as_wanted(),
        };
        languages.insert(language.clone(), wanted);
    }
    languages
}

/// What Meta does not give back as it was given stays the author's. Media samples are shown under an address of Meta's own, which ends
/// after a while.
fn keep_unshown(known: &Definition, pulled: &mut Definition) {
    fn keep(known: &HeaderDefinition, pulled: &mut HeaderDefinition) {
        match (known, pulled) {
            (HeaderDefinition::Image { sample: Some(known) }, HeaderDefinition::Image { sample })
            | (HeaderDefinition::Video { sample: Some(known) }, HeaderDefinition::Video { sample })
            | (HeaderDefinition::Document { sample: Some(known) }, HeaderDefinition::Document { sample }) => {
                *sample = Some(known.clone());
            }
            _ => {}
        }
    }
    if let (Some(known), Some(pulled)) = (&known.header, &mut pulled.header) {
        keep(known, pulled);
    }
    for (known, pulled) in known.cards.iter().zip(&mut pulled.cards) {
        keep(&known.header, &mut pulled.header);
    }
    // Nor does Meta show to which apps a code is handed.
    for (known, pulled) in known.buttons.iter().zip(&mut pulled.buttons) {
        if let (
            ButtonDefinition::Otp { otp_type: known_type, handover: Some(known), .. },
            ButtonDefinition::Otp { otp_type, handover: handover @ None, .. },
        ) = (known, pulled)
            && known_type == otp_type
        {
            *handover = Some(known.clone());
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
