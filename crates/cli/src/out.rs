//! All printing: results on standard output, everything else on standard error.

use std::io::Write as _;

use serde::Serialize;

use crate::fail::Fail;

/// Prints a line of a result. A reader that has gone away (`transom dev | head`) is no reason to stop serving.
pub(crate) fn line(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
}

/// Prints a result for programs: one JSON value, readable.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Fail> {
    line(serde_json::to_string_pretty(value).map_err(|why| Fail::new(format!("the result cannot be written as JSON: {why}")))?);
    Ok(())
}

/// Says something that is no result.
pub(crate) fn note(text: impl AsRef<str>) {
    // Nobody can be told that standard error is gone.
    let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
}

/// Says why the program ends.
pub(crate) fn failed(fail: &Fail) {
    if fail.message.is_empty() {
        return;
    }
    note(format!("error: {}", fail.message));
    if let Some(remedy) = &fail.remedy {
        note(format!("  {remedy}"));
    }
}

/// Without control characters, line breaks among them: what customers wrote is shown, and does not speak to the terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Prints rows under heads, in columns as wide as their widest cell, without control characters.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>]) {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(heads.get(column).map(|h| h.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let print = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
        }
        line(text.trim_end());
    };
    print(&mut heads.iter().copied());
    for row in &rows {
        print(&mut row.iter().map(String::as_str));
    }
}
