//! The folder: which of its files are templates, how they are written, and what the linter says of all of them together.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use transom_domain::content::Language;
use transom_domain::lint::{self, Draft};
use transom_domain::template::{Definition, HeaderDefinition};

use super::file::{self, FILE_SAMPLE, TemplateFile, Wanted};
use super::plan::{Key, Placed};
use super::print;
use crate::fail::Fail;

/// Ending of the files that are templates; all others are left alone.
const ENDING: &str = "toml";
/// Most that a file may have, in bytes: far more than any template in all languages.
const FILE_MAX: u64 = 4 << 20;
/// Most files: more than an account may have templates.
const FILES_MAX: usize = 10_000;
/// Largest sample, in bytes: as text in a request of 1 MiB it must leave room for the rest.
const SAMPLE_MAX: u64 = 700_000;
/// Longest part of a template's name that stands in its file's: file systems take 255 bytes.
const STEM_MAX: usize = 180;

/// What is wrong with a file, in the shape in which the API tells findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The file, as its folder names it.
    pub(crate) file: String,
    /// Path of the field; empty for the file as a whole.
    pub(crate) field: String,
    /// `error` or `warning`.
    pub(crate) severity: &'static str,
    /// The rule, as a word for programs.
    pub(crate) rule: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) fix: String,
    /// The document of Meta's that has the rule; empty for rules of files.
    pub(crate) source: &'static str,
    /// Whose language it is about.
    #[serde(skip)]
    pub(crate) key: Option<Key>,
}

impl Finding {
    fn of_file(file: &str, field: &str, rule: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            field: field.to_owned(),
            severity: "error",
            rule: rule.to_owned(),
            message: message.into(),
            fix: fix.into(),
            source: "",
            key: None,
        }
    }

    /// Whether it keeps a template from being submitted.
    pub(crate) fn is_error(&self) -> bool {
        self.severity == "error"
    }
}

/// The templates of a folder.
pub(crate) struct Folder {
    dir: PathBuf,
    /// Those that could be read, by the name of the file.
    pub(crate) files: BTreeMap<String, TemplateFile>,
    /// What is wrong with the others.
    unreadable: Vec<Finding>,
}

impl Folder {
    /// Reads a folder. One that is not there yet is empty when `may_be_new`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn read(dir: &Path, may_be_new: bool) -> Result<Self, Fail> {
        let failed = |path: &Path, why: std::io::Error| Fail::usage(format!("{} cannot be read: {why}", path.display()));
        let mut folder = Self { dir: dir.to_owned(), files: BTreeMap::new(), unreadable: Vec::new() };
        if may_be_new && !dir.exists() {
            return Ok(folder);
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(|why| failed(dir, why))? {
            let path = entry.map_err(|why| failed(dir, why))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            let is_ours = path.extension().is_some_and(|ending| ending == ENDING) && !name.starts_with('.');
            if is_ours && path.is_file() {
                names.push(name);
            }
        }
        if names.len() > FILES_MAX {
            return Err(Fail::usage(format!("{} has more than {FILES_MAX} .{ENDING} files", dir.display())));
        }
        names.sort_unstable();
        for name in names {
            let path = dir.join(&name);
            let mut bytes = Vec::new();
            let read = std::fs::File::open(&path).and_then(|file| file.take(FILE_MAX + 1).read_to_end(&mut bytes));
            read.map_err(|why| failed(&path, why))?;
            let text = String::from_utf8(bytes).ok().filter(|text| u64::try_from(text.len()).is_ok_and(|n| n <= FILE_MAX));
            let Some(text) = text else {
                let message = format!("The file is no text, or has more than {FILE_MAX} bytes.");
                folder.unreadable.push(Finding::of_file(&name, "", "unreadable", message, "Move it out of the folder."));
                continue;
            };
            match file::read(&text) {
                Ok(template) => {
                    folder.files.insert(name, template);
                }
                Err(why) => folder.unreadable.push(Finding::of_file(&name, &why.field, "unreadable", why.message, why.fix)),
            }
        }
        Ok(folder)
    }

    /// Makes the folder where there is none.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn make(&self) -> Result<(), Fail> {
        std::fs::create_dir_all(&self.dir)
            .map_err(|why| Fail::new(format!("the folder {} cannot be made: {why}", self.dir.display())))
    }

    /// The file of a name.
    pub(crate) fn of_name(&self, name: &str) -> Option<(&String, &TemplateFile)> {
        self.files.iter().find(|(_, template)| template.name == name)
    }

    /// Every language of every file. Of two that want the same one the first counts; [`Folder::lint`] names the other.
    pub(crate) fn wanted(&self) -> BTreeMap<Key, Placed> {
        let mut all = BTreeMap::new();
        for (file, template) in &self.files {
            for (language, wanted) in &template.languages {
                let placed = Placed { file: file.clone(), wanted: wanted.clone() };
                all.entry((template.name.clone(), language.clone())).or_insert(placed);
            }
        }
        all
    }

    /// Everything that is wrong, file by file: what cannot be read, what the linter finds, and what files make of each other.
    pub(crate) fn lint(&self) -> Vec<Finding> {
        let mut findings = self.unreadable.clone();
        let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
        for (file, template) in &self.files {
            if let Some(owner) = owners.insert(&template.name, file) {
                let message = format!("{owner} has the name {} already.", template.name);
                findings.push(Finding::of_file(
                    file,
                    "name",
                    "name-twice",
                    message,
                    "Put all languages of a name into one file.",
                ));
            }
            for (language, wanted) in &template.languages {
                let found = self.lint_one(file, template, language, wanted);
                let key = (template.name.clone(), language.clone());
                findings.extend(found.into_iter().map(|finding| Finding { key: Some(key.clone()), ..finding }));
            }
            one_category(file, template, &mut findings);
        }
        findings.sort_by(|a, b| a.file.cmp(&b.file));
        findings.dedup();
        findings
    }

    fn lint_one(&self, file: &str, template: &TemplateFile, language: &Language, wanted: &Wanted) -> Vec<Finding> {
        let Wanted { category, definition, ttl_seconds } = wanted;
        let draft = Draft { name: &template.name, language, category: *category, definition, ttl_seconds: *ttl_seconds };
        let found = lint::template(&draft).into_iter().map(|finding| Finding {
            file: file.to_owned(),
            field: file::in_file(&finding.field, language, definition),
            severity: if finding.is_error() { "error" } else { "warning" },
            rule: finding.rule.as_str().to_owned(),
            message: finding.message,
            fix: finding.fix,
            source: finding.source,
            key: None,
        });
        let mut found: Vec<Finding> = found.collect();
        for (field, path) in sample_files(definition) {
            if let Err(why) = self.sample(path) {
                let field = format!("languages.{language}.{field}.file");
                found.push(Finding::of_file(
                    file,
                    &field,
                    "sample-file",
                    why,
                    "Give a file beside this one, or a public link as `sample`.",
                ));
            }
        }
        found
    }

    /// Reads a sample.
    fn sample(&self, path: &str) -> Result<Vec<u8>, String> {
        let full = self.dir.join(path);
        let read = std::fs::File::open(&full).and_then(|file| {
            let mut bytes = Vec::new();
            file.take(SAMPLE_MAX + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        });
        let bytes = read.map_err(|why| format!("{} cannot be read: {why}.", full.display()))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= SAMPLE_MAX) {
            Ok(bytes)
        } else {
            Err(format!("{} has more than {SAMPLE_MAX} bytes, the most that goes into a request.", full.display()))
        }
    }

    /// What a file wants, with the samples that are files in it.
    ///
    /// # Errors
    /// A sample that cannot be read.
    pub(crate) fn with_samples(&self, wanted: &Wanted) -> Result<Wanted, Fail> {
        let mut wanted = wanted.clone();
        let definition = &mut wanted.definition;
        let headers = definition.header.iter_mut().chain(definition.cards.iter_mut().map(|card| &mut card.header));
        for sample in headers.filter_map(media_mut) {
            if let Some(path) = sample.strip_prefix(FILE_SAMPLE) {
                let bytes = self.sample(path).map_err(Fail::new)?;
                *sample = format!("data:application/octet-stream;base64,{}", base64(&bytes));
            }
        }
        Ok(wanted)
    }

    /// Writes a template into its file, whole or not at all; a new one gets a file named after it.
    ///
    /// # Errors
    /// When it cannot be written, or the name belongs to a file that cannot be read.
    pub(crate) fn write(&self, known: Option<&str>, template: &TemplateFile) -> Result<String, Fail> {
        let name = known.map_or_else(|| file_name(&template.name), str::to_owned);
        let path = self.dir.join(&name);
        if known.is_none() && path.exists() {
            return Err(Fail::new(format!("{} is in the way of the template {}", path.display(), template.name))
                .remedy("Mend it, or move it out of the folder; nothing that is no template is written over."));
        }
        let failed = |why: std::io::Error| Fail::new(format!("{} cannot be written: {why}", path.display()));
        let mut new = tempfile::Builder::new().prefix(".transom-").tempfile_in(&self.dir).map_err(failed)?;
        new.write_all(print::file(template).as_bytes()).map_err(failed)?;
        let mode =
            std::fs::metadata(&path).map_or_else(|_| std::os::unix::fs::PermissionsExt::from_mode(0o644), |m| m.permissions());
        new.as_file().set_permissions(mode).map_err(failed)?;
        new.persist(&path).map_err(|why| failed(why.error))?;
        Ok(name)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(crate) fn remove(&self, file: &str) -> Result<(), Fail> {
        let path = self.dir.join(file);
        std::fs::remove_file(&path).map_err(|why| Fail::new(format!("{} cannot be removed: {why}", path.display())))
    }
}

/// Meta has one category for all languages of a name.
fn one_category(file: &str, template: &TemplateFile, findings: &mut Vec<Finding>) {
    let mut languages = template.languages.iter();
    let Some((_, first)) = languages.next() else { return };
    for (language, wanted) in languages.filter(|(_, wanted)| wanted.category != first.category) {
        findings.push(Finding {
            severity: "warning",
            source: "templates/template-categorization",
            ..Finding::of_file(
                file,
                &format!("languages.{language}.category"),
                transom_domain::template_rules::Rule::OneCategory.as_str(),
                format!(
                    "{} in {language} and {} elsewhere: Meta creates all languages of a name under one category.",
                    wanted.category.as_str(),
                    first.category.as_str()
                ),
                "Leave it only where Meta has recategorised one language.",
            )
        });
    }
}

fn media_mut(header: &mut HeaderDefinition) -> Option<&mut String> {
    match header {
        HeaderDefinition::Image { sample } | HeaderDefinition::Video { sample } | HeaderDefinition::Document { sample } => {
            sample.as_mut()
        }
        HeaderDefinition::Text(_) | HeaderDefinition::Location | HeaderDefinition::Product => None,
    }
}

/// The samples that are files, each with its place in the definition.
fn sample_files(definition: &Definition) -> Vec<(String, &str)> {
    let cards = definition.cards.iter().enumerate().map(|(place, card)| (format!("cards[{place}].header"), &card.header));
    let headers = definition.header.iter().map(|header| ("header".to_owned(), header)).chain(cards);
    let file = |(field, header): (String, _)| match header {
        &HeaderDefinition::Image { sample: Some(ref sample) }
        | &HeaderDefinition::Video { sample: Some(ref sample) }
        | &HeaderDefinition::Document { sample: Some(ref sample) } => sample.strip_prefix(FILE_SAMPLE).map(|path| (field, path)),
        _ => None,
    };
    headers.filter_map(file).collect()
}

/// The name of a template's file. What Meta allows in names stands as it is; whatever else comes stays inside the folder.
fn file_name(name: &str) -> String {
    let mut stem = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' {
            stem.push(char::from(byte));
        } else {
            stem.push_str(&format!("%{byte:02X}"));
        }
    }
    if stem.len() > STEM_MAX {
        // FNV-1a: two long names that begin alike get files of their own.
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        stem.truncate(STEM_MAX);
        stem.push_str(&format!("-{hash:016x}"));
    }
    format!("{stem}.{ENDING}")
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder_or_is_too_long() {
        assert_eq!(file_name("order_update_2"), "order_update_2.toml");
        assert_eq!(file_name("../../etc/passwd"), "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd.toml");
        let (one, other) = ("a".repeat(512), format!("{}b", "a".repeat(511)));
        assert_ne!(file_name(&one), file_name(&other));
        assert!(file_name(&one).len() < 255);
    }

    #[test]
    fn unknown_files_are_left_alone_and_broken_ones_named() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        put("notes.md", "anything");
        put(".hidden.toml", "anything");
        put("broken.toml", "name = \"x\"\ncategory = \n");
        put("a.toml", "name = \"a\"\ncategory = \"UTILITY\"\n[languages.en]\nbody = \"Your order is on its way.\"\n");
        put("b.toml", "name = \"a\"\ncategory = \"UTILITY\"\n[languages.de]\nbody = \"{{1}} kommt bald zu Ihnen.\"\n");
        put(
            "c.toml",
            "name = \"c\"\ncategory = \"UTILITY\"\n[languages.en]\nbody = \"Here it is.\"\nheader = { format = \"IMAGE\", file = \"no.jpg\" }\n",
        );
        let folder = Folder::read(dir.path(), false).unwrap();
        assert_eq!(folder.files.len(), 3);
        let found: Vec<(String, String, String)> =
            folder.lint().into_iter().filter(Finding::is_error).map(|f| (f.file, f.field, f.rule)).collect();
        let has = |file: &str, field: &str, rule: &str| {
            let finding = (file.to_owned(), field.to_owned(), rule.to_owned());
            assert!(found.contains(&finding), "{finding:?} is not in {found:?}");
        };
        has("broken.toml", "", "unreadable");
        has("b.toml", "name", "name-twice");
        has("b.toml", "languages.de.samples", "sample-missing");
        has("c.toml", "languages.en.header.file", "sample-file");
        assert!(!found.iter().any(|(file, ..)| file == "a.toml" || file == "notes.md"));
    }

    #[test]
    fn what_is_no_template_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.toml"), "something = 1").unwrap();
        let folder = Folder::read(dir.path(), false).unwrap();
        let template = TemplateFile { name: "a".into(), languages: BTreeMap::new() };
        assert!(folder.write(None, &template).is_err());
        assert_eq!(std::fs::read_to_string(dir.path().join("a.toml")).unwrap(), "something = 1");
    }
}
