//! Which source a report tells of.

use std::process::Command;
use std::sync::OnceLock;

use crate::root;

/// What a program prints, run at the root; nothing where it cannot be run.
pub(crate) fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(root()).output();
    output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}

/// The commit, and whether files differ from it, as it was when that was first asked for: what is committed while a run lasts is not what
/// was run.
pub(crate) fn source() -> &'static str {
    static SOURCE: OnceLock<String> = OnceLock::new();
    SOURCE.get_or_init(|| {
        let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
        let changed = if changed.is_empty() { "" } else { ", with changes" };
        format!("{}{changed}", said("git", &["log", "-1", "--format=%h"]))
    })
}
