//! Texts of a form: as they are, or joined with what comes with each send.

use std::collections::BTreeSet;

use transom_domain::content::{Piece, Variables, pieces, render_text};
use transom_domain::field::Findings;
use transom_domain::translate::flow_variable;

/// Writes a text. A variable becomes data of the screen; a text around it is joined with it (`` `'Hi ' ${data.v_1}` ``, Meta:
/// flows/reference/flowjson, "nested expressions"). Its length counts with the samples.
pub(super) fn said(
    words: &str,
    field: &str,
    most: usize,
    samples: &Variables,
    variables: &mut BTreeSet<String>,
    findings: &mut Findings,
) -> String {
    plain(words, field, findings);
    findings.at_most(field, &render_text(words, samples), most);
    let found = pieces(words);
    let names: BTreeSet<String> =
        found.iter().filter_map(|p| if let Piece::Variable(name) = p { Some((*name).to_owned()) } else { None }).collect();
    if names.is_empty() {
        return words.to_owned();
    }
    if words.contains('`') {
        findings.note(field, "has a backtick beside a variable, which Flow JSON cannot say", "use another quotation mark");
    }
    variables.extend(names);
    let parts: Vec<String> = found
        .iter()
        .map(|piece| match piece {
            Piece::Plain(plain) => format!("'{}'", plain.replace('\\', "\\\\").replace('\'', "\\'")),
            Piece::Variable(name) => format!("${{data.{}}}", flow_variable(name)),
        })
        .collect();
    match (parts.as_slice(), found.as_slice()) {
        ([one], [Piece::Variable(_)]) => one.clone(),
        _ => format!("`{}`", parts.join(" ")),
    }
}

/// Writes a text in which nothing can come with a send.
pub(super) fn fixed(words: &str, field: &str, most: usize, findings: &mut Findings) -> String {
    plain(words, field, findings);
    if pieces(words).iter().any(|piece| matches!(piece, Piece::Variable(_))) {
        findings.note(field, "cannot have a variable", "write it out, or say it in a text of the page");
    }
    findings.at_most(field, words, most);
    words.to_owned()
}

/// What Flow JSON would read as something else than text.
fn plain(words: &str, field: &str, findings: &mut Findings) {
    if words.trim().is_empty() {
        findings.note(field, "must not be empty", "give a text");
    }
    if words.contains("${") || words.starts_with('`') {
        findings.note(field, "would be read as an expression", "write it without ${ and without a backtick in front");
    }
    if pieces(words).iter().any(|piece| matches!(piece, Piece::Plain(plain) if plain.contains("{{"))) {
        findings.note(field, "has braces that hold no variable", "write {{1}} or {{name}}: letters, digits and underscores");
    }
}
