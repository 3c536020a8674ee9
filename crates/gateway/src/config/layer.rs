//! The places a value comes from, read into text; what is wrong with any of them, said so that it can be mended.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::{KeyDoc, Setting};

/// The largest configuration file that is read: a bound, since the path may be wrong.
const FILE_MAX: u64 = 1 << 20;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// A line of the file.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(String),
    /// An argument.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// What is to be read.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// The environment, or a part of it: name and value.
    pub env: Vec<(String, String)>,
    /// `section.key`, value, and the flag it came from.
    pub flags: Vec<(String, String, String)>,
}

impl Sources {
    /// The file, if any, and the variables of this process that begin with `TRANSOM_`.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(ENV_PREFIX))
            .collect();
        Self { file, env, flags: Vec::new() }
    }

    /// With a value from the command line, which wins over all others.
    #[must_use]
    pub fn flag(mut self, key: &str, value: impl Into<String>, flag: &str) -> Self {
        self.flags.push((key.to_owned(), value.into(), flag.to_owned()));
        self
    }
}

/// What all our variables begin with. Those without two underscores further on, such as `TRANSOM_API_KEY`, are not settings.
const ENV_PREFIX: &str = "TRANSOM_";

pub(super) fn env_name(section: &str, key: &str) -> String {
    format!("{ENV_PREFIX}{}__{}", section.to_ascii_uppercase(), key.to_ascii_uppercase())
}

/// One finding: where, which key, what was expected, how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where the value stands.
    pub at: String,
    /// `section.key`, where it is about one.
    pub key: Option<String>,
    /// What is wrong.
    pub wrong: String,
    /// What to do.
    pub remedy: String,
}

impl ConfigError {
    pub(super) fn value<T: Setting>(from: &Origin, key: &str, text: &str, expected: String) -> Self {
        let wrong =
            if T::SECRET { format!("what is written there is no {}", T::KIND) } else { format!("{text:?} is no {}", T::KIND) };
        Self { at: from.to_string(), key: Some(key.to_owned()), wrong, remedy: format!("write {expected}") }
    }

    pub(super) fn rule(from: &Origin, key: &str, rule: &str, remedy: &str) -> Self {
        Self { at: from.to_string(), key: Some(key.to_owned()), wrong: rule.to_owned(), remedy: remedy.to_owned() }
    }

    fn unknown(from: &Origin, key: &str, known: &[KeyDoc]) -> Self {
        let remedy = match nearest(key, known.iter().map(|k| k.key)) {
            Some(near) => format!("did you mean {near}? `transom config show` lists every key"),
            None => "remove it; `transom config show` lists every key".to_owned(),
        };
        Self { at: from.to_string(), key: Some(key.to_owned()), wrong: "is not a known key".to_owned(), remedy }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "{}: {key}: {}; {}", self.at, self.wrong, self.remedy),
            None => write!(f, "{}: {}; {}", self.at, self.wrong, self.remedy),
        }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The texts by key, the last source first.
#[derive(Debug, Default)]
pub(super) struct Layers(BTreeMap<String, (String, Origin)>);

impl Layers {
    pub(super) fn read(sources: &Sources, known: &[KeyDoc], errors: &mut Vec<ConfigError>) -> Self {
        let mut layers = Self::default();
        if let Some(path) = &sources.file {
            layers.read_file(path, known, errors);
        }
        for (name, value) in &sources.env {
            let Some((section, key)) = name.strip_prefix(ENV_PREFIX).and_then(|rest| rest.split_once("__")) else { continue };
            let key = format!("{}.{}", section.to_ascii_lowercase(), key.to_ascii_lowercase());
            layers.put(key, value.clone(), Origin::Environment(name.clone()), known, errors);
        }
        for (key, value, flag) in &sources.flags {
            layers.put(key.clone(), value.clone(), Origin::Flag(flag.clone()), known, errors);
        }
        layers
    }

    pub(super) fn get(&self, key: &str) -> Option<&(String, Origin)> {
        self.0.get(key)
    }

    fn put(&mut self, key: String, text: String, origin: Origin, known: &[KeyDoc], errors: &mut Vec<ConfigError>) {
        if known.iter().any(|k| k.key == key) {
            self.0.insert(key, (text, origin));
        } else {
            errors.push(ConfigError::unknown(&origin, &key, known));
        }
    }

    fn read_file(&mut self, path: &Path, known: &[KeyDoc], errors: &mut Vec<ConfigError>) {
        let mut unreadable = |wrong: String, remedy: &str| {
            errors.push(ConfigError { at: path.display().to_string(), key: None, wrong, remedy: remedy.to_owned() });
        };
        match std::fs::metadata(path) {
            Err(why) => return unreadable(format!("cannot be read: {why}"), "check the path given with --config"),
            Ok(meta) if !meta.is_file() => return unreadable("is not a file".to_owned(), "give the path of a TOML file"),
            Ok(meta) if meta.len() > FILE_MAX => {
                return unreadable(
                    format!("has {} bytes, at most {FILE_MAX} are read", meta.len()),
                    "check the path given with --config",
                );
            }
            Ok(_) => {}
        }
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(why) => return unreadable(format!("cannot be read: {why}"), "make it a UTF-8 text that this user may read"),
        };
        let table = match DeTable::parse(&text) {
            Ok(table) => table.into_inner(),
            Err(why) => {
                let line = why.span().map_or(1, |span| line_of(&text, span.start));
                let at = format!("{}:{line}", path.display());
                let wrong = format!("is not TOML: {}", why.message());
                errors.push(ConfigError { at, key: None, wrong, remedy: "mend this line".to_owned() });
                return;
            }
        };
        for (section, value) in &table {
            let origin = |at: usize| Origin::File(path.to_owned(), line_of(&text, at));
            let name = section.get_ref().as_ref();
            let DeValue::Table(keys) = value.get_ref() else {
                errors.push(ConfigError {
                    at: origin(section.span().start).to_string(),
                    key: Some(name.to_owned()),
                    wrong: "stands outside a section".to_owned(),
                    remedy: match nearest(name, known.iter().filter_map(|k| k.key.split('.').next_back())) {
                        Some(near) => match known.iter().find(|k| k.key.ends_with(&format!(".{near}"))) {
                            Some(doc) => format!("write it under its section, as {}", doc.key),
                            None => "write it under a section such as [server]".to_owned(),
                        },
                        None => "write it under a section such as [server]".to_owned(),
                    },
                });
                continue;
            };
            for (key, value) in keys {
                let from = origin(key.span().start);
                let key = format!("{name}.{}", key.get_ref());
                match value.get_ref() {
                    DeValue::String(text) => self.put(key, text.to_string(), from, known, errors),
                    DeValue::Integer(number) => self.put(key, number.as_str().to_owned(), from, known, errors),
                    DeValue::Boolean(flag) => self.put(key, flag.to_string(), from, known, errors),
                    other => errors.push(ConfigError {
                        at: from.to_string(),
                        wrong: format!("is of type {}, and every value is a text, a number, true or false", other.type_str()),
                        remedy: match known.iter().find(|k| k.key == key) {
                            Some(doc) => format!("write one value: {}", doc.kind),
                            None => "remove it; `transom config show` lists every key".to_owned(),
                        },
                        key: Some(key),
                    }),
                }
            }
        }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

/// The known name closest to a misspelt one, if any is close: at most a third of its letters differ.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .min()
        .filter(|(d, _)| *d <= name.len().div_ceil(3))
        .map(|(_, c)| c)
}

/// Edit distance (insert, remove, replace), by rows.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (to, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let best = (corner + usize::from(from != *to)).min(left + 1).min(*above + 1);
            corner = std::mem::replace(above, best);
            left = best;
        }
    }
    row.last().copied().unwrap_or_default()
}
