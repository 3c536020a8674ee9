//! Rows that are loaded, whatever they are loaded into.

use std::fmt::Write as _;

use rusqlite::types::{ToSqlOutput, ValueRef};

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Id([u8; 16]),
}

/// Rows of one table, made as they are asked for.
pub(super) struct Load {
    pub(super) table: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) rows: Box<dyn Iterator<Item = Vec<Cell>> + Send>,
}

impl Load {
    pub(super) fn new(
        table: &'static str,
        columns: &'static [&'static str],
        rows: impl Iterator<Item = Vec<Cell>> + Send + 'static,
    ) -> Self {
        Self { table, columns, rows: Box::new(rows) }
    }
}

impl rusqlite::ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Id(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Appends a row as a line of PostgreSQL's text format for `COPY`.
pub(super) fn line(row: &[Cell], into: &mut String) {
    for (n, cell) in row.iter().enumerate() {
        if n > 0 {
            into.push('\t');
        }
        match cell {
            Cell::Null => into.push_str("\\N"),
            // Writing to a string does not fail.
            Cell::Int(number) => {
                let _ = write!(into, "{number}");
            }
            Cell::Text(text) => {
                for char in text.chars() {
                    match char {
                        '\\' => into.push_str("\\\\"),
                        '\t' => into.push_str("\\t"),
                        '\n' => into.push_str("\\n"),
                        '\r' => into.push_str("\\r"),
                        other => into.push(other),
                    }
                }
            }
            Cell::Id(bytes) => {
                into.push_str("\\\\x");
                for byte in bytes {
                    let _ = write!(into, "{byte:02x}");
                }
            }
        }
    }
    into.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_copy_reads_it() {
        let mut text = String::new();
        line(&[Cell::Null, Cell::Int(-7), Cell::Text("a\tb\\c\n".to_owned()), Cell::Id([0xab; 16])], &mut text);
        assert_eq!(text, format!("\\N\t-7\ta\\tb\\\\c\\n\t\\\\x{}\n", "ab".repeat(16)));
    }
}
