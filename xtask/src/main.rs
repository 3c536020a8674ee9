//! Developer commands: `cargo xtask test | derive | tidy | bench`.

mod bench;
mod bulk;
mod derive;
mod foreign;
mod steps;
mod test;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test            everything that must hold before a change lands
cargo xtask derive          writes the derived files anew
cargo xtask tidy            file sizes, links, names in the documents, derived files
cargo xtask foreign         other people's clients against the simulator
cargo xtask bulk            --dir D --customers N [--senders S]: fills a stopped folder
cargo xtask bench [SECONDS] accept and send, against a bare proxy on the same machine";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test"] => test::run(),
        ["derive"] => derive::write(),
        ["tidy"] => tidy::run(),
        ["foreign"] => foreign::run(),
        ["bulk", args @ ..] => bulk::command(args),
        ["bench"] => bench::build_and_run(bench::SECONDS),
        ["bench", seconds] => match seconds.parse() {
            Ok(seconds) => bench::build_and_run(seconds),
            Err(_) => Err(anyhow::anyhow!("{seconds:?} is no number of seconds")),
        },
        // The two below are what `bench` runs in processes of their own.
        ["bench-run", transom, seconds] => {
            seconds.parse().map_err(Into::into).and_then(|s| bench::run(&PathBuf::from(transom), s))
        }
        ["bench-proxy", upstream] => bench::proxy(upstream),
        _ => {
            steps::say(USAGE);
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            steps::say(&format!("\nerror: {why:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or(here.clone(), PathBuf::from)
}

/// Where cargo builds.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
