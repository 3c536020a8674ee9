//! The one binary, `transom`.
fn main() {}
