//! The values of a statement and of a row as SQLite takes and gives them.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::sql::{Cell, Column, Row, Value};

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(rusqlite::types::Value::Null),
            Self::Int(number) => ToSqlOutput::Owned(rusqlite::types::Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

impl Row for rusqlite::Row<'_> {
    fn cell(&self, column: Column<'_>) -> Result<Option<Cell<'_>>, String> {
        let found = match column {
            Column::Place(place) => self.get_ref(place),
            Column::Name(name) => self.get_ref(name),
        };
        match found.map_err(|error| error.to_string())? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(Cell::Int(number))),
            ValueRef::Text(text) => {
                std::str::from_utf8(text).map(|text| Some(Cell::Text(text))).map_err(|error| error.to_string())
            }
            ValueRef::Blob(bytes) => Ok(Some(Cell::Bytes(bytes))),
            ValueRef::Real(_) => Err("it holds a fraction".to_owned()),
        }
    }

    fn columns(&self) -> Vec<&str> {
        self.as_ref().column_names().collect()
    }
}
