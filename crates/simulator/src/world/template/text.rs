//! Text with placeholders: finding them, and the rules about where they may stand.

use std::collections::HashMap;

use super::Format;
use super::rules::{self, Rule};
use crate::graph::error::GraphError;

/// A text and the names of its placeholders in the order of their first use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) variables: Vec<String>,
}

/// A stretch of a text.
enum Piece<'a> {
    Words(&'a str),
    Variable(&'a str),
}

/// Whether a character says something: not white space, not ASCII punctuation.
fn is_said(c: char) -> bool {
    !c.is_whitespace() && !c.is_ascii_punctuation()
}

/// Words, also of scripts that set no blanks between them: two ideographs or four letters of Thai and its neighbours are one.
fn words_in(text: &str) -> usize {
    let in_token = |token: &str| {
        let ideographs = token.chars().filter(|c| matches!(u32::from(*c), 0x3040..=0x30FF | 0x3400..=0x9FFF)).count();
        let letters =
            token.chars().filter(|c| matches!(u32::from(*c), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF)).count();
        let is_blank_set = |c: char| {
            c.is_alphanumeric()
                && !matches!(u32::from(c), 0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x9FFF)
        };
        ideographs.div_ceil(2) + letters.div_ceil(4) + usize::from(token.chars().any(is_blank_set))
    };
    text.split_whitespace().map(in_token).sum()
}

/// Pictographs, and what joins or colours them.
pub(crate) fn is_emoji(c: char) -> bool {
    matches!(u32::from(c), 0x2600..=0x27BF | 0x2B50 | 0x2B55 | 0xFE0F | 0x1F000..=0x1FAFF)
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, tail)) = after.split_once("}}") else { break };
        if !before.is_empty() {
            pieces.push(Piece::Words(before));
        }
        pieces.push(Piece::Variable(name.trim()));
        rest = tail;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Words(rest));
    }
    pieces
}

impl Text {
    pub(crate) fn of(text: &str) -> Self {
        let mut variables: Vec<String> = Vec::new();
        for piece in pieces(text) {
            if let Piece::Variable(name) = piece
                && !variables.iter().any(|known| known == name)
            {
                variables.push(name.to_owned());
            }
        }
        // Positional values come in the order of the numbers, not of their appearance.
        if variables.iter().all(|name| name.parse::<u32>().is_ok()) {
            variables.sort_by_key(|name| name.parse::<u32>().unwrap_or(0));
        }
        Self { text: text.to_owned(), variables }
    }

    /// The text with every placeholder filled in.
    pub(crate) fn fill(&self, values: &[String]) -> String {
        let by_name: HashMap<&str, &str> =
            self.variables.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
        pieces(&self.text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Words(words) => words,
                Piece::Variable(name) => by_name.get(name).copied().unwrap_or(""),
            })
            .collect()
    }

    /// The rules for names and numbers, wherever the text stands. `rule` is the part's own.
    pub(crate) fn check_names(&self, format: Format, part: &str, rule: &Rule) -> Result<(), GraphError> {
        let refuse = |why: String| Err(rule.refuse(why));
        let outside: String = pieces(&self.text).iter().map(|p| if let Piece::Words(words) = p { *words } else { " " }).collect();
        if outside.contains("{{") || outside.contains("}}") {
            return refuse(format!("The {part} has braces that do not belong to a parameter; write {{{{1}}}} or {{{{name}}}}."));
        }
        for (place, name) in (1u32..).zip(&self.variables) {
            let fits = match format {
                Format::Positional => *name == place.to_string(),
                Format::Named => {
                    name.starts_with(|c: char| c.is_ascii_lowercase())
                        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                }
            };
            if !fits {
                return refuse(match format {
                    Format::Positional => {
                        format!(
                            "The {part} has {{{{{name}}}}} where {{{{{place}}}}} is due: number parameters from 1 without gaps."
                        )
                    }
                    Format::Named => format!(
                        "The {part} has {{{{{name}}}}}: with parameter_format NAMED a name is lower-case letters, digits and underscores."
                    ),
                });
            }
        }
        Ok(())
    }

    /// The rules for the body: nothing at the edges, nothing adjacent, enough words.
    pub(crate) fn check_places(&self, part: &str) -> Result<(), GraphError> {
        let pieces = pieces(self.text.trim());
        // Punctuation after the last parameter does not make it stand inside.
        let last = pieces.iter().rev().find(|piece| !matches!(piece, Piece::Words(words) if !words.chars().any(is_said)));
        if matches!(pieces.first(), Some(Piece::Variable(_))) || matches!(last, Some(Piece::Variable(_))) {
            return Err(
                rules::PARAMETER_AT_EDGE.refuse(format!("The {part} cannot begin or end with a parameter; put words around it."))
            );
        }
        let mut after_variable = false;
        for piece in &pieces {
            match piece {
                Piece::Variable(_) if after_variable => {
                    return Err(rules::BODY_FORMAT.refuse(format!("The {part} has parameters with no words between them.")));
                }
                Piece::Variable(_) => after_variable = true,
                Piece::Words(words) if words.trim().is_empty() => {}
                Piece::Words(_) => after_variable = false,
            }
        }
        let said: usize = pieces.iter().map(|piece| if let Piece::Words(words) = piece { words_in(words) } else { 0 }).sum();
        let placeholders = pieces.iter().filter(|piece| matches!(piece, Piece::Variable(_))).count();
        if placeholders > 0 && said <= placeholders * rules::WORDS_PER_PARAMETER {
            return Err(rules::WORDS_RATIO.refuse(
                "This template has too many variables for its length. Reduce the number of variables or increase the message length.",
            ));
        }
        Ok(())
    }

    /// The words alone, for rules that do not concern placeholders.
    pub(crate) fn words(&self) -> String {
        pieces(&self.text).iter().map(|piece| if let Piece::Words(words) = piece { *words } else { "" }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_by_number_or_name() {
        let text = Text::of("B {{2}} a {{1}} and {{1}}!");
        assert_eq!(text.variables, ["1", "2"]);
        assert_eq!(text.fill(&["x".into(), "y".into()]), "B y a x and x!");
        let named = Text::of("Hi {{first}} of {{ town }}.");
        assert_eq!(named.variables, ["first", "town"]);
        assert_eq!(named.fill(&["Ana".into(), "Ulm".into()]), "Hi Ana of Ulm.");
    }

    #[test]
    fn misplaced_parameters_are_refused() {
        for (text, subcode) in [
            ("{{1}} is ready for you", 2_388_299),
            ("Ready for you: {{1}}", 2_388_299),
            ("Ready for you: {{1}}.", 2_388_299),
            ("So {{1}} {{2}} said once upon a time.", 2_388_072),
            ("Hi {{1}}, {{2}} hm", 2_388_293),
        ] {
            let refused = Text::of(text).check_places("body").unwrap_err();
            assert_eq!(refused.body("t")["error"]["error_subcode"], subcode, "{text}");
        }
        Text::of("Hi {{1}}, your order is {{2}} now.").check_places("body").unwrap();
    }

    #[test]
    fn misnamed_parameters_are_refused() {
        for (text, format) in [
            ("a {{2}} b", Format::Positional),
            ("a {{x}} b", Format::Positional),
            ("a {{X}} b", Format::Named),
            ("a {{1}} b", Format::Named),
            ("a {{ b", Format::Named),
            ("a }} b", Format::Positional),
        ] {
            assert!(Text::of(text).check_names(format, "body", &rules::BODY_FORMAT).is_err(), "{text}");
        }
        Text::of("a {{2}} b {{1}} c").check_names(Format::Positional, "body", &rules::BODY_FORMAT).unwrap();
        Text::of("a {{x_1}} b").check_names(Format::Named, "body", &rules::BODY_FORMAT).unwrap();
    }
}
