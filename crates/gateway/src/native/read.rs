//! Reading bodies: every finding with its path, both spellings of every name, unknown fields refused.
//!
//! The schema that the OpenAPI document shows is also what a body is checked against, so the two cannot drift apart.

use std::collections::{BTreeMap, HashMap};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

use transom_domain::error_code::ErrorCode;
use transom_domain::field::FieldError;

use crate::problem::Problem;

/// Most findings that one answer names: enough to mend a body by, and a bound on what a hostile body makes us write.
const FINDINGS_MAX: usize = 50;
/// Most characters of a caller's own field name that are repeated to it.
const NAME_SHOWN_MAX: usize = 60;
/// Most levels of schemas within schemas; ours have six.
const DEPTH_MAX: usize = 16;

/// A request body: a type whose schema is published and checked.
pub(crate) trait RequestBody: ToSchema + DeserializeOwned + 'static {
    /// What a body of this type looks like.
    fn shape() -> &'static Shape;
}

/// Makes types request bodies.
macro_rules! request_bodies {
    ($($name:ty),+ $(,)?) => {$(
        impl $crate::native::read::RequestBody for $name {
            fn shape() -> &'static $crate::native::read::Shape {
                static SHAPE: std::sync::LazyLock<$crate::native::read::Shape> =
                    std::sync::LazyLock::new($crate::native::read::Shape::of::<$name>);
                &SHAPE
            }
        }
    )+};
}
pub(crate) use request_bodies;

/// What a value must look like.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Anything.
    Any,
    /// An object with these fields and no others.
    Object(Vec<Field>),
    /// An object with any fields.
    FreeObject,
    /// A list.
    List(Box<Shape>),
    /// Text.
    Text,
    /// A number without a fraction.
    Whole,
    /// A number.
    Number,
    /// `true` or `false`.
    Flag,
}

/// One field of an object.
#[derive(Debug)]
pub(crate) struct Field {
    camel: String,
    snake: String,
    required: bool,
    shape: Shape,
}

impl Shape {
    /// The shape that a type's schema tells.
    pub(crate) fn of<T: ToSchema>() -> Self {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        let named: HashMap<String, RefOr<Schema>> = schemas.into_iter().collect();
        Self::compile(&T::schema(), &named, 0)
    }

    fn compile(schema: &RefOr<Schema>, named: &HashMap<String, RefOr<Schema>>, depth: usize) -> Self {
        if depth > DEPTH_MAX {
            return Self::Any;
        }
        let schema = match schema {
            RefOr::Ref(Ref { ref_location, .. }) => {
                let name = ref_location.rsplit('/').next().unwrap_or_default();
                return named.get(name).map_or(Self::Any, |s| Self::compile(s, named, depth + 1));
            }
            RefOr::T(schema) => schema,
        };
        match schema {
            Schema::Object(object) if !object.properties.is_empty() => Self::Object(
                object
                    .properties
                    .iter()
                    .map(|(name, schema)| Field {
                        camel: name.clone(),
                        snake: snake_case(name),
                        required: object.required.contains(name),
                        shape: Self::compile(schema, named, depth + 1),
                    })
                    .collect(),
            ),
            Schema::Object(object) => match kind(&object.schema_type) {
                Some(Type::Object)
                    if matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false))) =>
                {
                    Self::Object(Vec::new())
                }
                Some(Type::Object) => Self::FreeObject,
                Some(Type::String) => Self::Text,
                Some(Type::Integer) => Self::Whole,
                Some(Type::Number) => Self::Number,
                Some(Type::Boolean) => Self::Flag,
                _ => Self::Any,
            },
            Schema::Array(array) => match &array.items {
                ArrayItems::RefOrSchema(items) => Self::List(Box::new(Self::compile(items, named, depth + 1))),
                _ => Self::List(Box::new(Self::Any)),
            },
            // `Option<T>` of a named type is "null or T"; null counts as left out.
            Schema::OneOf(one) => {
                let given = one.items.iter().find(|item| !is_null(item));
                given.map_or(Self::Any, |item| Self::compile(item, named, depth + 1))
            }
            _ => Self::Any,
        }
    }
}

fn kind(schema_type: &SchemaType) -> Option<&Type> {
    match schema_type {
        SchemaType::Type(kind) => Some(kind),
        SchemaType::Array(kinds) => kinds.iter().find(|k| !matches!(k, Type::Null)),
        SchemaType::AnyValue => None,
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if matches!(object.schema_type, SchemaType::Type(Type::Null)))
}

/// `callbackData` as `callback_data`.
pub(crate) fn snake_case(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
            snake.push(c.to_ascii_lowercase());
        } else {
            snake.push(c);
        }
    }
    snake
}

/// Findings on their way to one answer. The answer's code is that of the first finding; `details.errors` has all of them.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    found: Vec<FieldError>,
    code: Option<ErrorCode>,
    broken: bool,
}

impl Notes {
    /// Notes a finding.
    pub(crate) fn note(&mut self, field: &str, rule: impl Into<String>, remedy: impl Into<String>) {
        self.coded(ErrorCode::RequestInvalid, field, rule, remedy);
    }

    /// Notes a finding that has a code of its own.
    pub(crate) fn coded(&mut self, code: ErrorCode, field: &str, rule: impl Into<String>, remedy: impl Into<String>) {
        self.code.get_or_insert(code);
        if self.found.len() < FINDINGS_MAX {
            self.found.push(FieldError { field: field.to_owned(), rule: rule.into(), remedy: remedy.into() });
        }
    }

    /// Notes findings of the domain.
    pub(crate) fn all(&mut self, findings: Vec<FieldError>) {
        for finding in findings {
            self.note(&finding.field, finding.rule, finding.remedy);
        }
    }

    /// Notes a text that is longer than it may be.
    pub(crate) fn at_most(&mut self, field: &str, text: Option<&str>, max: usize) {
        let length = text.map_or(0, |t| t.chars().count());
        if length > max {
            self.note(field, format!("has {length} characters, at most {max} are allowed"), "shorten the text");
        }
    }

    /// Says better what to do about one field.
    pub(crate) fn hint(&mut self, field: &str, remedy: &str) {
        for finding in self.found.iter_mut().filter(|f| f.field == field) {
            remedy.clone_into(&mut finding.remedy);
        }
    }

    /// The value, if nothing was found.
    ///
    /// # Errors
    /// The problem that names every finding.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        match (value, self.found.is_empty()) {
            (Some(value), true) => Ok(value),
            _ => Err(Problem::of_fields(self.code.unwrap_or(ErrorCode::RequestInvalid), &self.found)),
        }
    }
}

/// Reads a body. With findings that leave the rest of it readable the value is there too, so that all is told at once.
///
/// # Errors
/// When it is no JSON object at all.
pub(crate) fn read<T: RequestBody>(body: &[u8]) -> Result<(Option<T>, Notes), Problem> {
    let value = parse(body)?;
    Ok(check(value))
}

/// Reads a body that may be left out.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_optional<T: RequestBody + Default>(body: &[u8]) -> Result<(Option<T>, Notes), Problem> {
    if body.iter().all(u8::is_ascii_whitespace) { Ok((Some(T::default()), Notes::default())) } else { read(body) }
}

fn check<T: RequestBody>(mut value: Value) -> (Option<T>, Notes) {
    let mut notes = Notes::default();
    let mut path = String::new();
    walk(&mut value, T::shape(), &mut path, &mut notes);
    if notes.broken {
        return (None, notes);
    }
    match serde_path_to_error::deserialize(value) {
        Ok(read) => (Some(read), notes),
        Err(error) => {
            let field = error.path().to_string();
            let field = if field == "." { "" } else { field.as_str() };
            notes.note(field, error.inner().to_string(), "see the schema of this operation in /openapi.json");
            (None, notes)
        }
    }
}

/// Reads JSON; an object.
fn parse(body: &[u8]) -> Result<Value, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::field("", "has no body", "send a JSON object with Content-Type: application/json"));
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(other) => Err(Problem::field("", format!("must be a JSON object, not {}", what(&other)), "send an object in braces")),
        Err(error) => Err(malformed(body, &error)),
    }
}

/// What is wrong with text that is no JSON: line, column, and the field it happened in.
fn malformed(body: &[u8], error: &serde_json::Error) -> Problem {
    // Only now the slower reader that keeps the path: it is needed for broken bodies alone.
    let mut reader = serde_json::Deserializer::from_slice(body);
    let tracked: Result<Value, _> = serde_path_to_error::deserialize(&mut reader);
    let field = tracked.err().map(|e| e.path().to_string()).unwrap_or_default();
    // Where it stopped between two fields the path ends in a question mark: the object is named then.
    let field = field.trim_end_matches('?').trim_end_matches('.');
    let field: String = field.chars().take(NAME_SHOWN_MAX).collect();
    let rule = format!("is not valid JSON: {error}");
    Problem::field(&field, rule, "mend the JSON at that line and column")
        .detail("line", error.line())
        .detail("column", error.column())
}

fn walk(value: &mut Value, shape: &Shape, path: &mut String, notes: &mut Notes) {
    let fits = match (shape, &mut *value) {
        (Shape::Any, _) => true,
        (Shape::Object(fields), Value::Object(object)) => {
            walk_object(object, fields, path, notes);
            true
        }
        (Shape::FreeObject, Value::Object(_)) | (Shape::Text, Value::String(_)) | (Shape::Flag, Value::Bool(_)) => true,
        (Shape::List(inner), Value::Array(items)) => {
            for (i, item) in items.iter_mut().enumerate() {
                let length = path.len();
                path.push_str(&format!("[{i}]"));
                walk(item, inner, path, notes);
                path.truncate(length);
            }
            true
        }
        (Shape::Whole, Value::Number(number)) => number.is_i64() || number.is_u64(),
        (Shape::Number, Value::Number(_)) => true,
        _ => false,
    };
    if !fits {
        notes.broken = true;
        notes.note(path, format!("must be {}, not {}", wanted(shape), what(value)), remedy(shape));
    }
}

fn walk_object(object: &mut Map<String, Value>, fields: &[Field], path: &mut String, notes: &mut Notes) {
    let given = std::mem::take(object);
    let mut spelled: BTreeMap<&str, String> = BTreeMap::new();
    for (name, mut value) in given {
        let length = path.len();
        let Some(field) = fields.iter().find(|f| f.camel == name || f.snake == name) else {
            enter(path, &name);
            notes.note(path, "is not a field of this request", nearest(&name, fields));
            path.truncate(length);
            continue;
        };
        enter(path, &field.camel);
        if let Some(other) = spelled.insert(&field.camel, name.clone()) {
            notes.note(path, format!("is given twice, as `{other}` and as `{name}`"), "use one spelling");
        }
        // null is what a client writes that has no value: the field is left out.
        if !value.is_null() {
            walk(&mut value, &field.shape, path, notes);
            object.insert(field.camel.clone(), value);
        }
        path.truncate(length);
    }
    for field in fields.iter().filter(|f| f.required && !object.contains_key(&f.camel)) {
        let length = path.len();
        enter(path, &field.camel);
        notes.broken = true;
        notes.note(path, "is required", format!("give {}", wanted(&field.shape)));
        path.truncate(length);
    }
}

fn enter(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.extend(name.chars().take(NAME_SHOWN_MAX));
}

const fn wanted(shape: &Shape) -> &'static str {
    match shape {
        Shape::Any => "a value",
        Shape::Object(_) | Shape::FreeObject => "an object",
        Shape::List(_) => "a list",
        Shape::Text => "a text",
        Shape::Whole => "a whole number",
        Shape::Number => "a number",
        Shape::Flag => "true or false",
    }
}

const fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

const fn remedy(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text => "put the value in quotes",
        Shape::Whole | Shape::Number | Shape::Flag => "write the value without quotes",
        Shape::List(_) => "put the value in square brackets",
        Shape::Any | Shape::Object(_) | Shape::FreeObject => "write an object in braces",
    }
}

fn nearest(name: &str, fields: &[Field]) -> String {
    match closest(name, fields.iter().map(|f| f.camel.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None if fields.is_empty() => "remove it; this object has no fields".to_owned(),
        None => {
            let names: Vec<_> = fields.iter().map(|f| f.camel.as_str()).collect();
            format!("remove it; the fields are {}", names.join(", "))
        }
    }
}

/// The known name that is most like a given one, if one is close.
pub(crate) fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain: Vec<char> = plain(name);
    let (distance, near) = known.map(|k| (distance(&plain, &self::plain(k)), k)).min_by_key(|(d, _)| *d)?;
    (distance <= 2.max(plain.len() / 4) && distance < plain.len()).then_some(near)
}

/// Without case and underscores, and cut: nobody misspells a name of 60 characters.
fn plain(name: &str) -> Vec<char> {
    name.chars().filter(|c| *c != '_').take(NAME_SHOWN_MAX).flat_map(char::to_lowercase).collect()
}

/// How many letters must be changed, added or removed.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.windows(2)) {
            let (corner, up) = match above {
                [corner, up] => (*corner, *up),
                _ => (0, 0),
            };
            left = (left + 1).min(up + 1).min(corner + usize::from(x != y));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize, ToSchema)]
    #[serde(rename_all = "camelCase")]
    struct Outer {
        template_name: String,
        count: Option<u32>,
        inner: Option<Inner>,
        rows: Option<Vec<Inner>>,
        free: Option<Value>,
    }

    #[derive(Debug, PartialEq, Deserialize, ToSchema)]
    #[serde(rename_all = "camelCase")]
    struct Inner {
        shown_name: String,
        on: Option<bool>,
    }

    request_bodies!(Outer);

    fn errors(body: &str) -> Vec<(String, String, String)> {
        let problem = match read::<Outer>(body.as_bytes()) {
            Ok((value, notes)) => notes.finish(value).unwrap_err(),
            Err(problem) => problem,
        };
        problem.details["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| ["field", "rule", "remedy"].map(|k| e[k].as_str().unwrap().to_owned()).into())
            .collect()
    }

    fn reads(body: &str) -> Outer {
        let (value, notes) = read::<Outer>(body.as_bytes()).unwrap();
        notes.finish(value).unwrap()
    }

    #[test]
    fn both_spellings_are_equal_at_every_depth() {
        let camel =
            r#"{"templateName":"a","inner":{"shownName":"b"},"rows":[{"shownName":"c","on":true}],"free":{"snake_stays":1}}"#;
        let snake =
            r#"{"template_name":"a","inner":{"shown_name":"b"},"rows":[{"shown_name":"c","on":true}],"free":{"snake_stays":1}}"#;
        assert_eq!(reads(camel), reads(snake));
    }

    #[test]
    fn both_spellings_at_once_are_refused_by_name() {
        let found = errors(r#"{"templateName":"a","template_name":"a"}"#);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "templateName");
        assert!(found[0].1.contains("twice"));
    }

    #[test]
    fn every_finding_is_told_with_its_path() {
        let found = errors(r#"{"templatName":"a","count":"3","rows":[{"shownName":"c"},{"on":1}],"zzzzzzzz":0}"#);
        let paths: Vec<_> = found.iter().map(|f| f.0.as_str()).collect();
        assert_eq!(paths, ["count", "rows[1].on", "rows[1].shownName", "templatName", "zzzzzzzz", "templateName"]);
        assert_eq!(found[3].2, "did you mean `templateName`?");
        assert!(found[4].2.starts_with("remove it; the fields are "));
        assert_eq!(found[0].1, "must be a whole number, not a text");
    }

    #[test]
    fn null_counts_as_left_out() {
        assert_eq!(reads(r#"{"templateName":"a","count":null,"inner":null,"rows":null}"#).count, None);
        assert_eq!(errors(r#"{"templateName":null}"#)[0].1, "is required");
        assert_eq!(errors(r#"{"templateName":"a","count":-1}"#)[0].0, "count");
    }

    #[test]
    fn broken_json_names_line_column_and_field() {
        let problem = read::<Outer>(b"{\n \"inner\": {\"shownName\": x}}").unwrap_err();
        assert_eq!(problem.details["line"], 2);
        assert!(problem.details["column"].as_u64().unwrap() > 10);
        assert_eq!(problem.details["errors"][0]["field"], "inner.shownName");
        let problem = read::<Outer>(b"{\"inner\": {\"shownName\": \"x\",}}").unwrap_err();
        assert_eq!(problem.details["errors"][0]["field"], "inner");
        for body in ["", "  ", "[]", "3", "null", "\u{1}"] {
            assert!(read::<Outer>(body.as_bytes()).is_err(), "{body}");
        }
        let deep = "[".repeat(100_000);
        assert!(read::<Outer>(deep.as_bytes()).is_err());
    }

    #[test]
    fn findings_are_bounded() {
        let many: Map<String, Value> = (0..1_000).map(|i| (format!("unknown{i}"), Value::Null)).collect();
        assert_eq!(errors(&Value::Object(many).to_string()).len(), FINDINGS_MAX);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read::<Outer>(&bytes);
        }
    }
}
