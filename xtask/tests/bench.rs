//! The short form of `cargo xtask bench`: each row for a second. No figure is asserted. What the benchmark itself counts must
//! hold: every message accepted reaches the upstream once, every life has its three statuses and three events, once each.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

/// Runs a short form to its end, and gives what it said.
fn short(args: &[&str]) -> String {
    let xtask = Path::new(env!("CARGO_BIN_EXE_xtask"));
    let transom = xtask.with_file_name("transom");
    if !transom.exists() {
        // A test of this package alone; with the whole workspace it is built before any test runs.
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "transom"]).status().unwrap();
        assert!(built.success());
    }
    let output = Command::new(xtask).arg("bench-run").arg(&transom).args(args).args(["--size", "short"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn every_row_counts_out() {
    let said = short(&[]);
    for row in 'a'..='h' {
        assert!(said.contains(&format!("| ({row}) |")), "no row {row} in\n{said}");
    }
}

#[test]
fn both_stores_count_out() {
    let said = short(&["postgres"]);
    for run in [
        "SQLite, one gateway",
        "PostgreSQL, one gateway",
        "PostgreSQL, two gateways",
        "accept and send; 2,000 customers",
        "full life; 2,000 customers",
    ] {
        assert!(said.contains(&format!("| {run}")), "no {run} in\n{said}");
    }
}
