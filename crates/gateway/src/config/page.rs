//! The reference page of the configuration, made from the table of keys.

use super::Config;

/// `docs/configuration.md`, whole.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         <!-- Made by `cargo xtask derive` from crates/gateway/src/config/mod.rs. Do not edit. -->\n\n\
         Every value has a default. A TOML file (`transom serve --config FILE`) overrides defaults, environment variables override\n\
         the file, and flags (`--set section.key=value`) override both. Durations are written `500ms`, `30s`, `10m`, `1h30m`, `3d`.\n\n\
         `transom config check --config FILE` says what is wrong; `transom config show --origin` shows every value in force and where\n\
         it came from. Unknown keys are refused.\n",
    );
    for (section, about) in Config::sections() {
        page.push_str(&format!(
            "\n## `[{section}]`\n\n{about}\n\n| Key | Value | Default | Environment | Meaning |\n|---|---|---|---|---|\n"
        ));
        for doc in Config::reference().iter().filter(|k| k.key.split('.').next() == Some(section)) {
            let key = doc.key.split('.').next_back().unwrap_or(doc.key);
            let default = doc.default.as_ref().map_or_else(|| "none".to_owned(), |d| format!("`{d}`"));
            page.push_str(&format!(
                "| `{key}` | {} | {default} | `{}` | {} |\n",
                doc.kind,
                doc.env,
                doc.sentence.replace('|', "\\|")
            ));
        }
    }
    page
}

/// A file with every key at its default, commented out and described: what `transom config reference` prints.
#[must_use]
pub fn reference_file() -> String {
    let mut file = String::from("# Every key of Transom, at its default. Keep what you change.\n");
    for (section, about) in Config::sections() {
        file.push_str(&format!("\n# {about}\n[{section}]\n"));
        for doc in Config::reference().iter().filter(|k| k.key.split('.').next() == Some(section)) {
            let key = doc.key.split('.').next_back().unwrap_or(doc.key);
            let value = match &doc.default {
                Some(text) if text.parse::<u64>().is_ok() || text == "true" || text == "false" => text.clone(),
                Some(text) => format!("{text:?}"),
                None => "\"\"".to_owned(),
            };
            file.push_str(&format!("\n# {}\n# {key} = {value}\n", doc.sentence));
        }
    }
    file
}
