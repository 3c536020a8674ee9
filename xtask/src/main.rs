//! Developer commands: `cargo xtask test | console | derive | tidy | fuzz | bench`.

mod bench;
mod bulk;
mod console;
mod crash;
mod deploy;
mod derive;
mod foreign;
mod fuzz;
mod ha;
mod node;
mod replicas;
mod source;
mod steps;
mod test;
mod tidy;
mod trials;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test            everything that must hold before a change lands
cargo xtask derive          writes the derived files anew
cargo xtask deploy          the deployment files: names, templates, and what their own tools say
cargo xtask tidy            file sizes, links, names in the documents, derived files
cargo xtask foreign         other people's clients against the simulator
cargo xtask console         the console: its types, what is committed against what its sources make, the tests in a browser
cargo xtask crash           --kills N …: both processes under every fault, judged by what the customers' phones show
cargo xtask replicas        [--messages N --pause S]: three replicas, one killed, one stopped for a while, one drained, then each restarted
cargo xtask ha              --kills N …: two replicas on three nodes under Patroni; the primary is lost, and how long nothing went is told
cargo xtask soak            --webhooks N …: signed webhooks by seed, twice, late and out of order; every endpoint counts what it is told
cargo xtask trials          [--seed N | --seeds N --from N --minutes M --jobs N]: the whole house under faults, from a seed
cargo xtask bulk            --dir D --customers N [--messages M] [--senders S] [--businesses B] [--store postgres://…]: fills a stopped folder, or a database
cargo xtask fuzz            the readers of what strangers write, led by coverage; --runs N --seconds S --target T --keep
cargo xtask bench [ROWS]    [--seconds N] [--profile quick] [--out FILE] [--against FILE]: what the main job costs
cargo xtask bench postgres  [--seconds N] [--profile quick] [--out FILE] [--statements]: PostgreSQL against SQLite, and with very much stored
cargo xtask bench inbox     [--profile quick] [--out FILE]: the console's list, search and thread, over a million messages";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    // Remembered for a report before anything takes long.
    source::source();
    let done = match words.as_slice() {
        ["test"] => test::run(),
        ["derive"] => derive::write(),
        ["deploy"] => deploy::run(),
        ["tidy"] => tidy::run(),
        ["foreign"] => foreign::run(),
        ["console"] => console::command(),
        ["trials", args @ ..] => trials::command(args),
        ["bulk", args @ ..] => bulk::command(args),
        ["fuzz", options @ ..] => fuzz::Options::read(options).and_then(|options| fuzz::run(&options)),
        ["bench", args @ ..] => bench::build_and_run(args),
        ["crash", args @ ..] => crash::command(args),
        ["replicas", args @ ..] => replicas::command(args),
        ["ha", args @ ..] => ha::command(args),
        // What `ha` runs from another build.
        ["ha-run", transom, args @ ..] => ha::run(transom, args),
        ["soak", args @ ..] => crash::soak::command(args),
        // What `soak` runs from another build.
        ["soak-run", transom, args @ ..] => crash::soak::run(transom, args),
        // What `crash` runs from another build.
        ["crash-run", transom, args @ ..] => crash::run(transom, args),
        // The two below are what `bench` runs in processes of their own.
        ["bench-run", transom, args @ ..] => bench::run(&PathBuf::from(transom), args),
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
