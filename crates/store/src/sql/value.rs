//! The values of a statement and of a column, as every engine of ours knows them: numbers, texts and bytes.

use std::borrow::Cow;

/// A value of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    /// The same, for a statement that is put off.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
        }
    }
}

/// What can be a value.
pub(crate) trait Bind {
    fn bind(&self) -> Value<'_>;
}

macro_rules! bind {
    ($($of:ty => $how:expr),+ $(,)?) => { $(impl Bind for $of { fn bind(&self) -> Value<'_> { let how: fn(&$of) -> Value<'_> = $how; how(self) } })+ };
}

bind! {
    i64 => |n| Value::Int(*n),
    i32 => |n| Value::Int(i64::from(*n)),
    u8 => |n| Value::Int(i64::from(*n)),
    u16 => |n| Value::Int(i64::from(*n)),
    u32 => |n| Value::Int(i64::from(*n)),
    bool => |b| Value::Int(i64::from(*b)),
    str => |text| Value::Text(Cow::Borrowed(text)),
    String => |text| Value::Text(Cow::Borrowed(text)),
    [u8] => |bytes| Value::Bytes(Cow::Borrowed(bytes)),
    Vec<u8> => |bytes| Value::Bytes(Cow::Borrowed(bytes)),
}

impl Bind for Value<'_> {
    fn bind(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::Text(Cow::Borrowed(text)),
            Self::Bytes(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
        }
    }
}

impl<const N: usize> Bind for [u8; N] {
    fn bind(&self) -> Value<'_> {
        Value::Bytes(Cow::Borrowed(self))
    }
}

impl<T: Bind> Bind for Option<T> {
    fn bind(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Bind::bind)
    }
}

impl<T: Bind + ?Sized> Bind for &T {
    fn bind(&self) -> Value<'_> {
        (*self).bind()
    }
}

/// The values of a statement, in the order of their numbers.
pub(crate) trait Params {
    fn each(&self) -> impl ExactSizeIterator<Item = Value<'_>>;

    /// All of them, for a statement that is put off.
    fn owned(&self) -> Vec<Value<'static>> {
        self.each().map(Value::into_owned).collect()
    }
}

impl<P: Params> Params for &P {
    fn each(&self) -> impl ExactSizeIterator<Item = Value<'_>> {
        (**self).each()
    }
}

impl<T: Bind, const N: usize> Params for [T; N] {
    fn each(&self) -> impl ExactSizeIterator<Item = Value<'_>> {
        self.iter().map(Bind::bind)
    }
}

/// No values.
pub(crate) const fn none() -> [Value<'static>; 0] {
    []
}

/// The values of a statement, of whatever kinds. They borrow what they are made from, so this belongs where the statement is run.
macro_rules! params {
    () => { $crate::sql::none() };
    ($($value:expr),+ $(,)?) => { [$($crate::sql::Bind::bind(&$value)),+] };
}
pub(crate) use params;

/// A column as it came.
pub(crate) enum Cell<'a> {
    Int(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// What can be read from a column.
pub(crate) trait Read: Sized {
    /// None where the column holds something else.
    fn read(cell: Option<Cell<'_>>) -> Option<Self>;
}

impl Read for i64 {
    fn read(cell: Option<Cell<'_>>) -> Option<Self> {
        if let Some(Cell::Int(n)) = cell { Some(n) } else { None }
    }
}

macro_rules! read_small {
    ($($of:ty),+) => { $(impl Read for $of { fn read(cell: Option<Cell<'_>>) -> Option<Self> { i64::read(cell)?.try_into().ok() } })+ };
}
read_small!(u8, u16, u32);

impl Read for bool {
    fn read(cell: Option<Cell<'_>>) -> Option<Self> {
        i64::read(cell).map(|n| n != 0)
    }
}

impl Read for String {
    fn read(cell: Option<Cell<'_>>) -> Option<Self> {
        if let Some(Cell::Text(text)) = cell { Some(text.to_owned()) } else { None }
    }
}

impl Read for Vec<u8> {
    fn read(cell: Option<Cell<'_>>) -> Option<Self> {
        if let Some(Cell::Bytes(bytes)) = cell { Some(bytes.to_vec()) } else { None }
    }
}

impl<const N: usize> Read for [u8; N] {
    fn read(cell: Option<Cell<'_>>) -> Option<Self> {
        if let Some(Cell::Bytes(bytes)) = cell { bytes.try_into().ok() } else { None }
    }
}

impl<T: Read> Read for Option<T> {
    fn read(cell: Option<Cell<'_>>) -> Option<Self> {
        match cell {
            None => Some(None),
            some => T::read(some).map(Some),
        }
    }
}
