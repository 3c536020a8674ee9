//! The short form of `cargo xtask bench`: each row for a second. No figure is asserted. What the benchmark itself counts must
//! hold: every message accepted reaches the upstream once, every life has its three statuses and three events, once each.

use std::path::Path;
use std::process::Command;

#[test]
fn every_row_counts_out() {
    let xtask = Path::new(env!("CARGO_BIN_EXE_xtask"));
    let transom = xtask.with_file_name("transom");
    if !transom.exists() {
        // A test of this package alone; with the whole workspace it is built before any test runs.
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "transom"]).status().unwrap();
        assert!(built.success());
    }
    let output = Command::new(xtask).arg("bench-run").arg(&transom).args(["--size", "short"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    for row in 'a'..='h' {
        assert!(said.contains(&format!("| ({row}) |")), "no row {row} in\n{said}");
    }
}
