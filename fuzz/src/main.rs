//! The engine's side: one process runs the target that `TRANSOM_FUZZ_TARGET` names. Started by `cargo xtask fuzz`.
#![no_main]

use std::sync::LazyLock;

use transom_fuzz::Target;
use transom_fuzz::meter::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(clippy::unwrap_used, reason = "without a target there is nothing to do, and the engine has no other way to hear of it")]
static TARGET: LazyLock<&'static Target> =
    LazyLock::new(|| Target::named(&std::env::var("TRANSOM_FUZZ_TARGET").unwrap_or_default()).unwrap());

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    TARGET.run(data);
});
