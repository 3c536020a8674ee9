use super::*;

#[test]
fn arguments_are_read_and_bad_ones_named() {
    let all = Asked::parse(&[]).unwrap();
    assert_eq!((all.rows.as_str(), all.seconds), (ROWS, SECONDS));
    let some = Asked::parse(&["a", "c", "--seconds", "3", "--profile", "quick", "--out", "x.md"]).unwrap();
    assert_eq!((some.rows.as_str(), some.seconds, some.profile.as_str()), ("ac", 3, "quick"));
    for bad in [&["z"][..], &["--seconds"], &["--seconds", "many"], &["--seconds", "0"], &["--fast", "yes"]] {
        assert!(Asked::parse(bad).is_err(), "{bad:?}");
    }
}
