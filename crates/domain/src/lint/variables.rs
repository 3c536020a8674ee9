//! Placeholders in a text: how they are named, where they stand, and their samples.

use super::Origin;
use super::finding::{Notes, Rule};
use super::limits;
use super::words;
use crate::content::{Piece, pieces};
use crate::template::{ParameterFormat, TextDefinition};

/// A text of a template that may have variables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    /// Path of the part it belongs to, such as `body` or `cards[1].body`.
    pub(super) part: &'a str,
    /// What to call it at the beginning of a sentence.
    pub(super) what: &'a str,
    /// Text and samples.
    pub(super) definition: &'a TextDefinition,
    /// How its variables are written.
    pub(super) format: ParameterFormat,
    /// Who counts them.
    pub(super) origin: Origin,
    /// Most characters.
    pub(super) max: usize,
}

impl Text<'_> {
    fn field(&self) -> String {
        format!("{}.text", self.part)
    }

    fn words(&self) -> &str {
        &self.definition.text
    }

    /// Some text, not too long; also not once the samples are filled in.
    pub(super) fn length(&self, notes: &mut Notes) {
        if self.words().trim().is_empty() {
            notes.note(Rule::TextRequired, self.field(), format!("{} has no text.", self.what), "Write a text.");
            return;
        }
        let length = self.length_as_sent();
        let max = self.max;
        if length > max {
            notes.note(
                Rule::TextTooLong,
                self.field(),
                format!("{} has {length} characters, at most {max} are allowed.", self.what),
                format!("Shorten it by {}.", length - max),
            );
            return;
        }
        let filled = self.length_filled();
        if filled > max {
            notes.note(
                Rule::FilledTooLong,
                self.field(),
                format!("{} has {filled} characters with the samples filled in, at most {max} can be sent.", self.what),
                "Shorten the text, or the values that go in.",
            );
        }
    }

    /// Characters as Meta will see them: a name goes as a number where variables are counted.
    fn length_as_sent(&self) -> usize {
        let numbered = self.format == ParameterFormat::Positional;
        self.length_with(|name| if numbered && name.parse::<u32>().is_err() { 5 } else { name.len() + 4 })
    }

    fn length_filled(&self) -> usize {
        let names = self.definition.names();
        self.length_with(|name| {
            let sample = names.iter().position(|n| *n == name).and_then(|at| self.definition.samples.get(at));
            sample.map_or(0, |sample| sample.chars().count())
        })
    }

    fn length_with(&self, variable: impl Fn(&str) -> usize) -> usize {
        let length = |piece: &Piece<'_>| match piece {
            Piece::Plain(plain) => plain.chars().count(),
            Piece::Variable(name) => variable(name),
        };
        pieces(self.words()).iter().map(length).sum()
    }

    /// Braces in pairs; names and numbers as the parameter format has them.
    pub(super) fn names(&self, notes: &mut Notes) {
        if has_loose_braces(self.words()) {
            notes.note(
                Rule::BracesBroken,
                self.field(),
                format!("{} has braces that hold no variable.", self.what),
                "Write variables as {{1}} or {{first_name}}: two braces on either side, letters, digits and underscores within.",
            );
        }
        // Content is numbered when it is submitted, whatever its author calls the variables.
        if self.origin == Origin::Template {
            match self.format {
                ParameterFormat::Positional => self.numbers(notes),
                ParameterFormat::Named => self.spelling(notes),
            }
        }
    }

    fn numbers(&self, notes: &mut Notes) {
        let names = self.definition.names();
        if let Some(named) = names.iter().find(|name| name.parse::<u32>().is_err()) {
            notes.note(
                Rule::VariableMix,
                self.field(),
                format!("{} has the name {{{{{named}}}}} while variables are numbered here.", self.what),
                "Set the parameter format to NAMED and name all variables, or number all of them from {{1}}.",
            );
        } else if let Some(gap) = gap(&names) {
            notes.note(
                Rule::VariableGap,
                self.field(),
                format!("{} has {} variables and no {{{{{gap}}}}} among them.", self.what, names.len()),
                format!("Number the variables of this text from {{{{1}}}} to {{{{{}}}}}.", names.len()),
            );
        }
    }

    fn spelling(&self, notes: &mut Notes) {
        for name in self.definition.names() {
            if name.parse::<u32>().is_ok() {
                notes.note(
                    Rule::VariableMix,
                    self.field(),
                    format!("{} has the number {{{{{name}}}}} while variables are named here.", self.what),
                    "Set the parameter format to POSITIONAL and number all variables, or give this one a name.",
                );
            } else if !is_parameter_name(name) {
                notes.note(
                    Rule::VariableName,
                    self.field(),
                    format!("{} has {{{{{name}}}}}, which is no name for a variable.", self.what),
                    "Use lower-case letters, digits and underscores, and begin with a letter.",
                );
            }
        }
    }

    /// Nothing at the edges, nothing adjacent, enough words around.
    pub(super) fn places(&self, notes: &mut Notes) {
        let found = pieces(self.words().trim());
        let variables = found.iter().filter(|piece| matches!(piece, Piece::Variable(_))).count();
        if variables == 0 {
            return;
        }
        self.edges(&found, notes);
        if let Some((one, other)) = with_between(&found, |c| c.is_whitespace()) {
            notes.note(
                Rule::VariablesAdjacent,
                self.field(),
                format!("{} has {{{{{one}}}}} and {{{{{other}}}}} with nothing between them.", self.what),
                "Put a word between the two, or make them one variable.",
            );
        } else if let Some((one, other)) = with_between(&found, words::is_punctuation) {
            notes.note(
                Rule::VariablesClose,
                self.field(),
                format!("{} has {{{{{one}}}}} and {{{{{other}}}}} with no word between them.", self.what),
                "Put a word between the two if it is rejected.",
            );
        }
        let words: usize = found
            .iter()
            .map(|piece| match piece {
                Piece::Plain(plain) => words::count(plain),
                Piece::Variable(_) => 0,
            })
            .sum();
        let wanted = 2 * variables + 1;
        if words < wanted {
            notes.note(
                Rule::VariablesTooMany,
                self.field(),
                format!("{} has {words} words around {variables} variables, at least {wanted} are wanted.", self.what),
                "Write more words, or use fewer variables.",
            );
        }
        if let Some(name) = alone(self.words()) {
            notes.note(
                Rule::VariableAlone,
                self.field(),
                format!("{} has a line with nothing but {{{{{name}}}}}.", self.what),
                "Say on that line what the value is.",
            );
        }
    }

    fn edges(&self, found: &[Piece<'_>], notes: &mut Notes) {
        let begins = matches!(found.first(), Some(Piece::Variable(_)));
        let words_after = found.iter().rev().take_while(|piece| !matches!(piece, Piece::Variable(_)));
        let ends = words_after.into_iter().all(|piece| matches!(piece, Piece::Plain(plain) if is_punctuation(plain)));
        let (how, fix) = match (begins, ends) {
            (true, true) => ("begins and ends", "Put words before and after it"),
            (true, false) => ("begins", "Put words before it"),
            (false, true) => ("ends", "Put words after it; punctuation is not enough"),
            (false, false) => return,
        };
        notes.note(Rule::VariableAtEdge, self.field(), format!("{} {how} with a variable.", self.what), format!("{fix}."));
    }

    /// A sample for each variable, and none beside.
    pub(super) fn samples(&self, notes: &mut Notes) {
        let (names, samples) = (self.definition.names(), &self.definition.samples);
        let field = |name: &str| format!("{}.example.{name}", self.part);
        if samples.len() > names.len() {
            notes.note(
                Rule::SampleSurplus,
                format!("{}.example", self.part),
                format!("{} has {} variables and {} samples.", self.what, names.len(), samples.len()),
                "Give one sample for each variable.",
            );
        }
        for (place, name) in names.iter().enumerate() {
            match samples.get(place) {
                None => notes.note(
                    Rule::SampleMissing,
                    field(name),
                    format!("The variable {{{{{name}}}}} has no sample."),
                    "Give a value as it will be sent; the reviewers look at it.",
                ),
                Some(sample) if sample.trim().is_empty() => notes.note(
                    Rule::SampleMissing,
                    field(name),
                    format!("The sample of {{{{{name}}}}} is empty."),
                    "Give a value as it will be sent; the reviewers look at it.",
                ),
                Some(sample) if sample.contains(['\n', '\r', '\t']) || has_wide_gap(sample) => notes.note(
                    Rule::SampleForm,
                    field(name),
                    format!("The sample of {{{{{name}}}}} could not be sent: it has a line break, a tab or more than four blanks in a row."),
                    "Give a value as it will be sent.",
                ),
                Some(_) => {}
            }
        }
    }
}

/// The first number that is missing; a number written otherwise than Meta would (`01`) counts as missing.
pub(super) fn gap(names: &[&str]) -> Option<usize> {
    (1..=names.len()).find(|number| !names.contains(&number.to_string().as_str()))
}

fn is_parameter_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Braces left over once the variables are taken out.
pub(super) fn has_loose_braces(text: &str) -> bool {
    pieces(text).iter().any(|piece| matches!(piece, Piece::Plain(plain) if plain.contains("{{") || plain.contains("}}")))
}

/// A variable, or what was meant to be one.
pub(super) fn has_variable(text: &str) -> bool {
    text.contains("{{") || text.contains("}}")
}

pub(super) fn has_wide_gap(text: &str) -> bool {
    let mut run = 0;
    text.chars().any(|c| {
        run = if c == ' ' { run + 1 } else { 0 };
        run > limits::BLANKS
    })
}

fn is_punctuation(plain: &str) -> bool {
    plain.chars().all(words::is_punctuation)
}

/// The first two variables with nothing but such characters between them.
fn with_between<'a>(found: &[Piece<'a>], is_such: fn(char) -> bool) -> Option<(&'a str, &'a str)> {
    let mut before = None;
    for piece in found {
        match piece {
            Piece::Variable(name) => {
                if let Some(other) = before {
                    return Some((other, name));
                }
                before = Some(*name);
            }
            Piece::Plain(plain) if plain.chars().all(is_such) => {}
            Piece::Plain(_) => before = None,
        }
    }
    None
}

/// The variable of a line that has nothing else; the first and the last line are for the rule about edges.
fn alone(text: &str) -> Option<&str> {
    let lines: Vec<&str> = text.trim().lines().collect();
    let inner = lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default();
    inner.iter().find_map(|line| {
        let found = pieces(line);
        let name = found.iter().find_map(|piece| match piece {
            Piece::Variable(name) => Some(*name),
            Piece::Plain(_) => None,
        })?;
        let bare = found
            .iter()
            .all(|piece| matches!(piece, Piece::Variable(_)) || matches!(piece, Piece::Plain(p) if is_punctuation(p)));
        bare.then_some(name)
    })
}
