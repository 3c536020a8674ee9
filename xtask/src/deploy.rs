//! What can be checked of the files in `deploy/`: that they parse, that every metric and setting they name is one of ours, that the
//! chart's templates use the values there are; and, where the tools are on this machine, what `helm`, `promtool` and
//! `systemd-analyze` say of them.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::root;
use crate::steps::say;

const CHART: &str = "deploy/helm/transom";
const TELEMETRY: &str = "crates/gateway/src/telemetry.rs";
const CONFIGURATION: &str = "docs/configuration.md";

const URL: &str = "publicUrl=https://gateway.example.com";
const INGRESS: &str = "ingress.enabled=true,ingress.host=gateway.example.com,ingress.tlsSecret=tls,ingress.className=nginx";
const POSTGRES: &str = "postgres.enabled=true,postgres.replicas=3,existingSecret=transom,settings.TRANSOM_MEDIA__BUCKET=files";

/// What is asked of other people's tools.
const ASKED: [(&str, &[&str]); 9] = [
    ("promtool", &["check", "rules", "deploy/prometheus/transom.rules.yaml"]),
    ("promtool", &["test", "rules", "deploy/prometheus/transom.rules.test.yaml"]),
    ("promtool", &["check", "config", "--syntax-only", "deploy/prometheus/prometheus.yaml"]),
    ("systemd-analyze", &["verify", "deploy/systemd/transom.service"]),
    ("helm", &["lint", "--strict", CHART, "--set", URL]),
    ("helm", &["template", "try", CHART, "--set", URL]),
    ("helm", &["template", "try", CHART, "--set", URL, "--set", INGRESS]),
    ("helm", &["template", "try", CHART, "--set", URL, "--set", "serviceMonitor.enabled=true"]),
    ("helm", &["template", "try", CHART, "--set", URL, "--set", POSTGRES]),
];

/// `cargo xtask deploy`
///
/// # Errors
/// When a file is wrong, or one of the tools says so. A tool that is not there is no error, and is named in the last line.
pub(crate) fn run() -> Result<()> {
    let mut found = findings();
    let mut missing = BTreeSet::new();
    for (tool, args) in ASKED {
        match Command::new(tool).args(args).current_dir(root()).output() {
            Err(_) => {
                missing.insert(tool);
            }
            Ok(output) => {
                let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
                // The unit names where the binary will be; on this machine it need not be there.
                let only_missing = said.lines().all(|line| line.trim().is_empty() || line.contains("is not executable"));
                let forgiven = tool == "systemd-analyze" && only_missing;
                if !(output.status.success() || forgiven) {
                    found.push(format!("{tool} {}: {said}", args.join(" ")));
                }
            }
        }
    }
    found.iter().for_each(|f| say(f));
    if !found.is_empty() {
        bail!("{} findings", found.len());
    }
    say("the deployment files hold, as far as they were looked at");
    if !missing.is_empty() {
        let missing = missing.into_iter().collect::<Vec<_>>().join(", ");
        let place = if std::env::var_os("CI").is_some() { "IN THIS RUN OF CI" } else { "ON THIS MACHINE" };
        say(&format!("NOT CHECKED {place}, for want of: {missing}. CONTRIBUTING.md says where to get them"));
    }
    Ok(())
}

/// Everything that is wrong and can be seen without a tool, one sentence each.
pub(crate) fn findings() -> Vec<String> {
    let root = root();
    let mut found = Vec::new();
    let files = files(&root.join("deploy"));
    if files.is_empty() {
        found.push("deploy/ is empty".to_owned());
    }
    let metrics: HashSet<String> = words(&read(&root.join(TELEMETRY)), "transom_").into_iter().collect();
    let settings: HashSet<String> = words(&read(&root.join(CONFIGURATION)), "TRANSOM_").into_iter().collect();
    for path in &files {
        let name = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        let text = read(path);
        for metric in words(&text, "transom_") {
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| metric.strip_suffix(end)).unwrap_or(&metric);
            if !metrics.contains(base) {
                found.push(format!("{name}: {metric} is no metric of {TELEMETRY}"));
            }
        }
        for setting in words(&text, "TRANSOM_").into_iter().filter(|s| s.contains("__")) {
            if !settings.contains(&setting) {
                found.push(format!("{name}: {setting} is no setting of {CONFIGURATION}"));
            }
        }
        let parsed = match path.extension().and_then(|e| e.to_str()) {
            Some("json") => serde_json::from_str::<Value>(&text).map(drop).map_err(|e| e.to_string()),
            Some("yaml") => match stripped(&text) {
                Ok(text) => serde_saphyr::from_str::<Option<Value>>(&text).map(drop).map_err(|e| e.to_string()),
                Err(why) => Err(why),
            },
            _ => Ok(()),
        };
        if let Err(why) = parsed {
            found.push(format!("{name}: {why}"));
        }
    }
    look_at_values(&root, &files, &mut found);
    found
}

/// The chart's values and what its templates use of them: neither may have what the other has not.
fn look_at_values(root: &Path, files: &[PathBuf], found: &mut Vec<String>) {
    let values = match serde_saphyr::from_str::<Value>(&read(&root.join(CHART).join("values.yaml"))) {
        Ok(values) => values,
        Err(why) => return found.push(format!("{CHART}/values.yaml: {why}")),
    };
    let mut there = BTreeSet::new();
    leaves("", &values, &mut there);
    let mut used = BTreeSet::new();
    for path in files.iter().filter(|path| path.starts_with(root.join(CHART).join("templates"))) {
        for rest in read(path).split(".Values.").skip(1) {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '.').unwrap_or(rest.len());
            used.insert(rest.get(..end).unwrap_or_default().trim_end_matches('.').to_owned());
        }
    }
    found.extend(used.difference(&there).map(|name| format!("{CHART}: .Values.{name} is used and not in values.yaml")));
    found.extend(there.difference(&used).map(|name| format!("{CHART}: {name} of values.yaml is used by no template")));
}

/// The names of everything in a document that is not a map with keys of ours.
fn leaves(path: &str, value: &Value, into: &mut BTreeSet<String>) {
    // What goes to Kubernetes as it is, whatever it holds.
    let whole = matches!(path, "resources" | "ingress.annotations" | "settings");
    match value.as_object().filter(|map| !map.is_empty() && !whole) {
        Some(map) => {
            for (key, value) in map {
                leaves(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, value, into);
            }
        }
        None => {
            into.insert(path.to_owned());
        }
    }
}

/// A template as YAML: lines that are a directive alone are left out, what stands in a line becomes a word. Blocks must be closed.
fn stripped(text: &str) -> Result<String, String> {
    let mut depth = 0_i32;
    let mut kept = String::with_capacity(text.len());
    for (number, line) in text.lines().enumerate() {
        let mut rest = line;
        let mut plain = String::new();
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((directive, after)) = after.split_once("}}") else {
                return Err(format!("line {}: a directive is not closed", number + 1));
            };
            match directive.trim_matches(['-', ' ']).split_whitespace().next() {
                Some("if" | "with" | "range" | "define") => depth += 1,
                Some("end") => depth -= 1,
                _ => {}
            }
            if depth < 0 {
                return Err(format!("line {}: an end too many", number + 1));
            }
            plain.push_str(before);
            if !before.trim().is_empty() || !after.trim().is_empty() {
                plain.push_str("word");
            }
            rest = after;
        }
        plain.push_str(rest);
        if !plain.trim().is_empty() {
            kept.push_str(&plain);
            kept.push('\n');
        }
    }
    if depth == 0 { Ok(kept) } else { Err(format!("{depth} blocks are not ended")) }
}

/// Every word of a text that begins so.
fn words(text: &str, begin: &str) -> Vec<String> {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !inner(c)).filter(|word| word.len() > begin.len() && word.starts_with(begin)).map(str::to_owned).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for path in std::fs::read_dir(&dir).into_iter().flatten().filter_map(|e| e.ok().map(|e| e.path())) {
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files.sort_unstable();
    files
}

#[cfg(test)]
mod tests {
    use super::{findings, stripped, words};

    #[test]
    fn the_deployment_files_name_only_what_there_is() {
        assert_eq!(findings(), Vec::<String>::new());
    }

    #[test]
    fn blocks_that_are_not_ended_are_found() {
        assert!(stripped("{{- if .Values.a }}\na: 1\n").is_err());
        assert!(stripped("a: {{ .Values.a\n").is_err());
        assert!(stripped("{{- end }}\n").is_err());
        assert_eq!(stripped("{{- with .Values.a }}\na: {{ . }}\n{{- end }}\n"), Ok("a: word\n".to_owned()));
        assert_eq!(words("rate(transom_a_total[5m]) transom:8080", "transom_"), ["transom_a_total"]);
    }
}
