//! `transom template pull`: what Meta has, into files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use transom_domain::content::Language;

use super::file::TemplateFile;
use super::folder::Folder;
use super::plan::{self, Standing};
use super::remote::Remote;
use crate::args::FolderArgs;
use crate::fail::Fail;
use crate::out;

/// What became of one file.
struct Pulled {
    file: String,
    name: String,
    /// `created`, `updated`, `unchanged`, `removed` or `notAtMeta`.
    outcome: &'static str,
    /// Languages of the file that Meta does not have, and that stay in it.
    only_here: Vec<Language>,
}

impl Pulled {
    fn json(&self) -> Value {
        let only_here: Vec<&str> = self.only_here.iter().map(Language::as_str).collect();
        json!({ "file": self.file, "name": self.name, "outcome": self.outcome, "notAtMeta": only_here })
    }

    fn tell(&self) {
        let languages = || self.only_here.iter().map(Language::as_str).collect::<Vec<_>>().join(", ");
        match (self.outcome, self.only_here.is_empty()) {
            ("unchanged", true) => {}
            ("notAtMeta", _) => out::line(format!("{}  is not at Meta; --prune removes it", self.file)),
            (outcome, true) => out::line(format!("{}  {outcome}", self.file)),
            (outcome, false) => out::line(format!("{}  {outcome}; not at Meta: {}", self.file, languages())),
        }
    }
}

/// Writes what Meta has into a folder.
///
/// # Errors
/// When the account or the folder cannot be read, or a file cannot be written.
pub(crate) async fn run(args: &FolderArgs, prune: bool) -> Result<(), Fail> {
    let remote = Remote::of(&args.account)?;
    let folder = Folder::read(&args.folder, true)?;
    let standing = remote.standing().await?;
    folder.make()?;
    let mut by_name: BTreeMap<&str, BTreeMap<Language, &Standing>> = BTreeMap::new();
    for ((name, language), standing) in standing.iter().filter(|(_, standing)| !standing.is_going()) {
        by_name.entry(name).or_default().insert(language.clone(), standing);
    }
    let mut all = Vec::new();
    for (name, at_meta) in &by_name {
        all.push(one(&folder, name, at_meta, prune)?);
    }
    let told: BTreeSet<String> = all.iter().map(|pulled| pulled.file.clone()).collect();
    for (file, template) in folder.files.iter().filter(|(file, _)| !told.contains(*file)) {
        // Meta has the name, and another file has it too: that is the linter's to tell.
        let is_gone = !by_name.contains_key(template.name.as_str());
        let outcome = match (is_gone, prune) {
            (false, _) => "unchanged",
            (true, false) => "notAtMeta",
            (true, true) => {
                folder.remove(file)?;
                "removed"
            }
        };
        all.push(Pulled { file: file.clone(), name: template.name.clone(), outcome, only_here: Vec::new() });
    }
    if args.account.target.json {
        let shown: Vec<Value> = all.iter().map(Pulled::json).collect();
        return out::json(&json!({ "data": shown }));
    }
    all.iter().for_each(Pulled::tell);
    let count = |outcome: &str| all.iter().filter(|pulled| pulled.outcome == outcome).count();
    out::line(format!(
        "{} created, {} updated, {} unchanged, {} removed, {} not at Meta",
        count("created"),
        count("updated"),
        count("unchanged"),
        count("removed"),
        count("notAtMeta"),
    ));
    Ok(())
}

fn one(folder: &Folder, name: &str, at_meta: &BTreeMap<Language, &Standing>, prune: bool) -> Result<Pulled, Fail> {
    let known = folder.of_name(name);
    let languages = plan::pulled(known.map(|(_, template)| &template.languages), at_meta, prune);
    let only_here: Vec<Language> = languages.keys().filter(|language| !at_meta.contains_key(*language)).cloned().collect();
    let template = TemplateFile { name: name.to_owned(), languages };
    let (file, outcome) = match known {
        Some((file, known)) if *known == template => (file.clone(), "unchanged"),
        Some((file, _)) => (folder.write(Some(file), &template)?, "updated"),
        None => (folder.write(None, &template)?, "created"),
    };
    Ok(Pulled { file, name: name.to_owned(), outcome, only_here })
}
