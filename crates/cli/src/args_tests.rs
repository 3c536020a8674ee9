use super::*;
use clap::CommandFactory as _;

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

/// Every command without subcommands, with its path from `transom` on.
fn commands() -> Vec<(String, clap::Command)> {
    fn look(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            if sub.has_subcommands() {
                look(sub, &path, found);
            } else {
                found.push((path, sub.clone()));
            }
        }
    }
    let mut found = Vec::new();
    look(&Cli::command(), "transom", &mut found);
    found
}

/// A line of a shell as far as examples need it: variables before the command, single and double quotes, a comment or a
/// redirection at the end.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    let end = words.iter().position(|w| w == "#" || w == ">").unwrap_or(words.len());
    words.into_iter().take(end).skip_while(|w| w != "transom").collect()
}

fn assert_parses(line: &str) {
    let words = words(line);
    assert!(!words.is_empty(), "{line:?} is no call of transom");
    if let Err(why) = Cli::try_parse_from(&words) {
        panic!("{line:?} is refused: {why}");
    }
}

#[test]
fn every_command_shows_an_example_that_it_takes() {
    for (path, command) in commands() {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<&str> = help.lines().filter(|line| line.starts_with("  ")).collect();
        assert!(examples.iter().any(|line| line.contains(&path)), "{path} has no example: {help:?}");
        examples.into_iter().for_each(assert_parses);
    }
    // The first page sets the command and what it does apart by spaces.
    let help = Cli::command().get_after_help().map(ToString::to_string).unwrap_or_default();
    for line in help.lines().filter(|line| line.starts_with("  ")) {
        assert_parses(line.trim().split("  ").next().unwrap_or_default());
    }
}

#[test]
fn what_the_pages_tell_people_to_type_is_taken() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for page in ["README.md", "docs/operating.md"] {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("transom ")).collect();
        assert!(lines.len() > 3, "{page} shows how to use it");
        lines.into_iter().for_each(assert_parses);
    }
}
