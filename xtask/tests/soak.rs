//! The short form of `cargo xtask soak`.

use std::path::Path;
use std::process::Command;

#[test]
fn whatever_is_heard_is_told_to_all_over_two_kills() {
    let xtask = Path::new(env!("CARGO_BIN_EXE_xtask"));
    let transom = xtask.with_file_name("transom");
    if !transom.exists() {
        // A test of this package alone; with the whole workspace it is built before any test runs.
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "transom"]).status().unwrap();
        assert!(built.success());
    }
    let output = Command::new(xtask).arg("soak-run").arg(&transom).args(["--webhooks", "400", "--kills", "2"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("400 webhooks, 2 kills") && said.contains(": 0 findings"), "{said}");
}
