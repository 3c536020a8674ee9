//! Reading a JSON object as Meta does: every parameter it does not know is refused by name, every missing one too.

use serde_json::{Map, Value};

use super::error::GraphError;

type Read<T> = Result<T, GraphError>;

/// One JSON object of a request and where it stands, so that errors can name the parameter.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    /// The body of a request.
    pub(crate) fn body(value: &'a Value) -> Read<Self> {
        match value {
            Value::Object(map) => Ok(Self { map, path: String::new() }),
            _ => Err(GraphError::invalid("The request body must be a JSON object.")),
        }
    }

    /// An object somewhere inside.
    pub(crate) fn at(value: &'a Value, path: String) -> Read<Self> {
        match value {
            Value::Object(map) => Ok(Self { map, path }),
            _ => Err(GraphError::invalid(format!("Param {path} must be a JSON object."))),
        }
    }

    /// How Meta writes the way to a parameter: `text['body']`.
    pub(crate) fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}['{key}']", self.path) }
    }

    pub(crate) fn path(&self) -> &str {
        if self.path.is_empty() { "the request" } else { &self.path }
    }

    /// Refuses every key that is not among these.
    pub(crate) fn only(&self, known: &[&str]) -> Read<()> {
        match self.map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => {
                Err(GraphError::invalid(format!("Unexpected key \"{key}\" on param \"{}\".", self.path())).about(&self.name(key)))
            }
            None => Ok(()),
        }
    }

    /// The raw value; `null` counts as left out.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn value(&self, key: &str) -> Read<&'a Value> {
        self.get(key).ok_or_else(|| GraphError::missing(&self.name(key)))
    }

    /// A text of at most `max` characters, or nothing.
    pub(crate) fn text_opt(&self, key: &str, max: usize) -> Read<Option<&'a str>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let Some(text) = value.as_str() else {
            return Err(self.wrong(key, "must be a string."));
        };
        self.fits(key, text, max)?;
        Ok(Some(text))
    }

    /// A text that must be there and not empty.
    pub(crate) fn text(&self, key: &str, max: usize) -> Read<&'a str> {
        match self.text_opt(key, max)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            _ => Err(GraphError::missing(&self.name(key))),
        }
    }

    fn fits(&self, key: &str, text: &str, max: usize) -> Read<()> {
        // Bytes first: counting characters of a long text is only needed near the limit.
        if text.len() > max && text.chars().count() > max {
            return Err(self.wrong(key, &format!("must be at most {max} characters long.")));
        }
        Ok(())
    }

    /// A whole number, also when it comes as text.
    pub(crate) fn int_opt(&self, key: &str) -> Read<Option<i64>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value
            .as_i64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
            .map(Some)
            .ok_or_else(|| self.wrong(key, "must be an integer."))
    }

    /// A number in a range, also when it comes as text.
    pub(crate) fn number(&self, key: &str, range: std::ops::RangeInclusive<f64>) -> Read<f64> {
        let value = self.value(key)?;
        let number = value
            .as_f64()
            .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
            .ok_or_else(|| self.wrong(key, "must be a number."))?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(self.wrong(key, &format!("must be between {} and {}.", range.start(), range.end())))
        }
    }

    pub(crate) fn flag_opt(&self, key: &str) -> Read<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            // Form posts and older clients write it out.
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(Some(text == "true")),
            Some(_) => Err(self.wrong(key, "must be true or false.")),
        }
    }

    pub(crate) fn object_opt(&self, key: &str) -> Read<Option<Self>> {
        self.get(key).map(|value| Self::at(value, self.name(key))).transpose()
    }

    pub(crate) fn object(&self, key: &str) -> Read<Self> {
        Self::at(self.value(key)?, self.name(key))
    }

    /// A list whose length must lie in `size`.
    pub(crate) fn list(&self, key: &str, size: std::ops::RangeInclusive<usize>) -> Read<&'a [Value]> {
        let value = self.value(key)?;
        let Some(list) = value.as_array() else {
            return Err(self.wrong(key, "must be an array."));
        };
        if size.contains(&list.len()) {
            Ok(list)
        } else if list.is_empty() {
            Err(GraphError::missing(&self.name(key)))
        } else {
            Err(self.wrong(key, &format!("must have between {} and {} elements.", size.start(), size.end())))
        }
    }

    /// The objects of a list.
    pub(crate) fn objects(&self, key: &str, size: std::ops::RangeInclusive<usize>) -> Read<Vec<Self>> {
        let name = self.name(key);
        self.list(key, size)?.iter().enumerate().map(|(at, value)| Self::at(value, format!("{name}[{at}]"))).collect()
    }

    /// A text that must be one of these.
    pub(crate) fn one_of(&self, key: &str, choices: &[&'static str]) -> Read<&'static str> {
        let text = self.text(key, 512)?;
        choices
            .iter()
            .find(|choice| choice.eq_ignore_ascii_case(text))
            .copied()
            .ok_or_else(|| self.wrong(key, &format!("must be one of {{{}}} - got \"{text}\".", choices.join(", "))))
    }

    /// The refusal of a value for a reason of its own.
    pub(crate) fn wrong(&self, key: &str, why: &str) -> GraphError {
        let name = self.name(key);
        GraphError::invalid(format!("Param {name} {why}")).about(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_missing_long_and_wrong_are_named() {
        let body = json!({"text": {"bodi": "x", "long": "ééé", "n": "12", "flag": 3}, "list": []});
        let fields = Fields::body(&body).unwrap();
        let text = fields.object("text").unwrap();
        assert!(text.only(&["body"]).unwrap_err().details().contains("\"bodi\" on param \"text\""));
        let missing = text.text("body", 10).unwrap_err();
        assert_eq!((missing.code, missing.details()), (131_008, "The parameter text['body'] is required."));
        assert_eq!(text.text("long", 3).unwrap(), "ééé");
        assert!(text.text("long", 2).unwrap_err().details().contains("text['long'] must be at most 2"));
        assert_eq!(text.int_opt("n").unwrap(), Some(12));
        assert_eq!(text.flag_opt("flag").unwrap_err().code, 100);
        assert_eq!(fields.list("list", 1..=3).unwrap_err().code, 131_008);
        assert_eq!(fields.object("none").unwrap_err().code, 131_008);
    }
}
