//! Reading a row's columns, whichever engine found it. What does not decode is named with its column.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::de::DeserializeOwned;

use transom_domain::address::{Channel, Identity};
use transom_domain::time::Timestamp;

use super::value::{Cell, Read};
use crate::StoreError;
use crate::rows::Result;

/// A row that was found.
pub(crate) trait Row {
    /// A column as it came; none where it is empty. What is wrong with it, if it is no value of ours.
    fn cell(&self, column: Column<'_>) -> std::result::Result<Option<Cell<'_>>, String>;

    /// The names of its columns.
    fn columns(&self) -> Vec<&str>;
}

/// A column by its place or by its name. A name is looked for anew in every row, so what is read for every message goes by place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column<'a> {
    Place(usize),
    Name(&'a str),
}

impl From<usize> for Column<'_> {
    fn from(place: usize) -> Self {
        Self::Place(place)
    }
}

impl<'a> From<&'a str> for Column<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name)
    }
}

impl Display for Column<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Place(place) => place.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// Names where something is that does not decode.
pub(crate) fn corrupt<'c>(row: &dyn Row, column: impl Into<Column<'c>>, why: impl Display) -> StoreError {
    StoreError::Corrupt(format!("column {} of ({}): {why}", column.into(), row.columns().join(", ")))
}

fn cell<'r>(row: &'r dyn Row, column: Column<'_>) -> Result<Option<Cell<'r>>> {
    row.cell(column).map_err(|why| corrupt(row, column, why))
}

/// A column.
pub(crate) fn get<'c, T: Read>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<T> {
    let column = column.into();
    T::read(cell(row, column)?).ok_or_else(|| corrupt(row, column, "it holds something else"))
}

fn text_if<'r>(row: &'r dyn Row, column: Column<'_>) -> Result<Option<&'r str>> {
    match cell(row, column)? {
        None => Ok(None),
        Some(Cell::Text(text)) => Ok(Some(text)),
        Some(_) => Err(corrupt(row, column, "it is no text")),
    }
}

fn text<'r>(row: &'r dyn Row, column: Column<'_>) -> Result<&'r str> {
    text_if(row, column)?.ok_or_else(|| corrupt(row, column, "missing"))
}

/// A column of JSON.
pub(crate) fn get_json<'c, T: DeserializeOwned>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<T> {
    let column = column.into();
    serde_json::from_str(text(row, column)?).map_err(|error| corrupt(row, column, error))
}

/// A column of JSON that may be empty.
pub(crate) fn get_json_if<'c, T: DeserializeOwned>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<Option<T>> {
    let column = column.into();
    text_if(row, column)?.map(serde_json::from_str).transpose().map_err(|error| corrupt(row, column, error))
}

/// A column whose text reads as something.
pub(crate) fn get_text<'c, T: FromStr<Err: Display>>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<T> {
    let column = column.into();
    text(row, column)?.parse().map_err(|error| corrupt(row, column, error))
}

/// As [`get_text`], where it may be empty.
pub(crate) fn get_text_if<'c, T: FromStr<Err: Display>>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<Option<T>> {
    let column = column.into();
    text_if(row, column)?.map(str::parse).transpose().map_err(|error| corrupt(row, column, error))
}

/// A column of one of our words.
pub(crate) fn get_word<'c, T>(row: &dyn Row, column: impl Into<Column<'c>>, named: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    let column = column.into();
    get_word_if(row, column, named)?.ok_or_else(|| corrupt(row, column, "missing"))
}

/// As [`get_word`], where it may be empty.
pub(crate) fn get_word_if<'c, T>(
    row: &dyn Row,
    column: impl Into<Column<'c>>,
    named: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>> {
    let column = column.into();
    let word = text_if(row, column)?;
    word.map(|word| named(word).ok_or_else(|| corrupt(row, column, format!("the word {word} is unknown")))).transpose()
}

/// A column of 16 bytes.
pub(crate) fn get_id<'c>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<[u8; 16]> {
    get(row, column)
}

/// As [`get_id`], where it may be empty.
pub(crate) fn get_id_if<'c>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<Option<[u8; 16]>> {
    get(row, column)
}

/// A moment.
pub(crate) fn get_time<'c>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<Timestamp> {
    get(row, column).map(Timestamp::from_millis)
}

/// A moment that may be missing.
pub(crate) fn get_time_if<'c>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<Option<Timestamp>> {
    let millis: Option<i64> = get(row, column)?;
    Ok(millis.map(Timestamp::from_millis))
}

/// A number that is never negative.
pub(crate) fn get_count<'c>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<u64> {
    let column = column.into();
    let number: i64 = get(row, column)?;
    u64::try_from(number).map_err(|error| corrupt(row, column, error))
}

/// As [`get_count`], for what counts no further than 32 bits.
pub(crate) fn get_small<'c>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<u32> {
    get(row, column)
}

pub(crate) fn get_channel<'c>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<Channel> {
    get_word(row, column, |word| Channel::ALL.into_iter().find(|c| c.as_str() == word))
}

pub(crate) fn get_identity<'c>(row: &dyn Row, column: impl Into<Column<'c>>) -> Result<Identity> {
    get_text(row, column)
}
