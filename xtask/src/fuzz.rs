//! The coverage-guided campaign: builds the targets of `fuzz/` with counters at every branch, and goes round them.
//!
//! It needs the pinned toolchain and a C++ compiler, nothing else: the counters are LLVM's own, which the stable compiler can
//! be told to set, and the engine comes as sources with a crate.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::steps::say;
use crate::{root, target};

/// Counters at every branch, and the operands of comparisons, from which the engine learns what is looked for.
const COUNTERS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];
/// Seconds after which one input counts as stuck. The targets check themselves how memory grows; this is for endless loops, on
/// a machine that may be busy.
const STUCK: u32 = 20;
/// Most memory of the process, in megabytes.
const MEMORY_MB: u32 = 2_048;
/// Longest input that the engine tries, in bytes; it begins with short ones. The tests make longer ones.
const INPUT_MAX: u32 = 8_192;
/// Longest word of the dictionary, in bytes.
const WORD_MAX: usize = 40;

/// What to do.
#[derive(Debug)]
pub(crate) struct Options {
    /// Inputs in all, over every target.
    runs: u64,
    /// Seconds of each turn of a target.
    seconds: u64,
    /// Only this one.
    only: Option<String>,
    /// Put what reaches further into `fuzz/corpus`, and leave out what others reach as well.
    keep: bool,
    /// Only this input, once.
    input: Option<PathBuf>,
}

impl Options {
    /// Reads `--runs N --seconds S --target T --keep --input FILE`, each of them optional.
    ///
    /// # Errors
    /// For anything else.
    pub(crate) fn read(words: &[&str]) -> Result<Self> {
        let mut options = Self { runs: 1_000_000, seconds: 20, only: None, keep: false, input: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().copied().with_context(|| format!("{word} needs a value"));
            match *word {
                "--runs" => options.runs = value()?.parse().context("--runs needs a number of inputs")?,
                "--seconds" => options.seconds = value()?.parse().context("--seconds needs a number of seconds")?,
                "--target" => options.only = Some(value()?.to_owned()),
                "--input" => options.input = Some(value()?.into()),
                "--keep" => options.keep = true,
                other => bail!("{other} is not known; use --runs N, --seconds S, --target T, --keep, --input FILE"),
            }
        }
        Ok(options)
    }
}

/// What one target has done so far, in this campaign.
#[derive(Debug, Default, Clone, Copy)]
struct Done {
    inputs: u64,
    seconds: f64,
    /// Branches reached.
    reached: u64,
    /// Inputs in the working corpus.
    corpus: u64,
    /// Most memory, in megabytes.
    memory: u64,
}

/// `cargo xtask fuzz`
///
/// # Errors
/// When it cannot be built, and with the first input that breaks something; that input is kept.
pub(crate) fn run(options: &Options) -> Result<()> {
    let house = House::built()?;
    let known = house.targets()?;
    let names: Vec<&str> = match &options.only {
        None => known.iter().map(String::as_str).collect(),
        Some(only) if known.contains(only) => vec![only],
        Some(only) => bail!("there is no target {only}; they are {}", known.join(", ")),
    };
    if let Some(input) = &options.input {
        for name in names {
            house.once(name, input)?;
        }
        return Ok(());
    }
    let words = house.words(&known)?;
    let mut done: BTreeMap<&str, Done> = BTreeMap::new();
    let all = |done: &BTreeMap<&str, Done>| done.values().map(|d| d.inputs).sum::<u64>();
    while all(&done) < options.runs {
        for name in &names {
            let left = options.runs.saturating_sub(all(&done));
            if left == 0 {
                break;
            }
            house.turn(name, &words, left, options.seconds, done.entry(name).or_default())?;
        }
        std::fs::write(house.dir.join("report.md"), report(&done))?;
    }
    say(&report(&done));
    if options.keep {
        for name in &names {
            house.keep(name)?;
        }
    }
    Ok(())
}

fn report(done: &BTreeMap<&str, Done>) -> String {
    let mut text =
        String::from("| Target | Inputs | Inputs/s | Branches reached | Working corpus | Memory |\n|---|--:|--:|--:|--:|--:|\n");
    let mut all = Done::default();
    for (name, done) in done {
        all.inputs += done.inputs;
        all.seconds += done.seconds;
        all.corpus += done.corpus;
        all.memory = all.memory.max(done.memory);
        let _ = writeln!(
            text,
            "| `{name}` | {} | {:.0} | {} | {} | {} MB |",
            done.inputs,
            rate(done),
            done.reached,
            done.corpus,
            done.memory
        );
    }
    let _ = writeln!(text, "| all | {} | {:.0} | | {} | {} MB |", all.inputs, rate(&all), all.corpus, all.memory);
    text
}

fn rate(done: &Done) -> f64 {
    // Inputs are far below 2^52.
    #[expect(clippy::cast_precision_loss, reason = "a rate that is shown without a fraction")]
    let inputs = done.inputs as f64;
    if done.seconds > 0.0 { inputs / done.seconds } else { 0.0 }
}

/// Where everything is.
struct House {
    dir: PathBuf,
    kept: PathBuf,
    program: PathBuf,
}

impl House {
    fn built() -> Result<Self> {
        let dir = target().join("fuzz");
        let rustc = Command::new("rustc").args(["--version", "--verbose"]).current_dir(root()).output();
        let said = String::from_utf8(rustc.context("rustc cannot be asked")?.stdout)?;
        let machine = said.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc does not tell its host")?;
        say("$ cargo build -p transom-fuzz --features engine --profile fuzz   (with counters)");
        // With a target named, the counters are set in what runs and not in what builds it.
        let status = Command::new("cargo")
            .args(["build", "--quiet", "-p", "transom-fuzz", "--features", "engine", "--profile", "fuzz", "--target", machine])
            .arg("--target-dir")
            .arg(&dir)
            .env("RUSTFLAGS", COUNTERS.join(" "))
            .current_dir(root())
            .status()
            .context("cargo cannot be started")?;
        if !status.success() {
            bail!("the targets could not be built; the engine needs a C++ compiler (Debian: apt install g++)");
        }
        let program = dir.join(machine).join("fuzz").join("transom-fuzz");
        Ok(Self { dir, kept: root().join("fuzz/corpus"), program })
    }

    /// Every target has its folder of kept inputs; a test holds it to that.
    fn targets(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.kept)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }

    fn engine(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.env("TRANSOM_FUZZ_TARGET", name).env("RUST_BACKTRACE", "1").current_dir(&self.dir);
        command
    }

    /// Names and short words out of the kept inputs and the API's description: what a reader compares with.
    fn words(&self, targets: &[String]) -> Result<PathBuf> {
        let mut words = std::collections::BTreeSet::new();
        for name in targets {
            for entry in std::fs::read_dir(self.kept.join(name))? {
                if let Ok(json) = serde_json::from_slice(&std::fs::read(entry?.path())?) {
                    collect(&json, &mut words);
                }
            }
        }
        let api: Value = serde_json::from_slice(&std::fs::read(root().join("crates/gateway/openapi.json"))?)?;
        for schema in api.pointer("/components/schemas").and_then(Value::as_object).into_iter().flat_map(|s| s.values()) {
            let fields = schema.get("properties").and_then(Value::as_object);
            words.extend(fields.into_iter().flat_map(|f| f.keys().map(|key| format!("\"{key}\":"))));
        }
        let mut text = String::new();
        for word in words.iter().filter(|word| word.len() <= WORD_MAX) {
            text.push('"');
            for byte in word.bytes() {
                let _ = match byte {
                    b'"' | b'\\' => write!(text, "\\{}", char::from(byte)),
                    0x20..0x7f => write!(text, "{}", char::from(byte)),
                    other => write!(text, "\\x{other:02X}"),
                };
            }
            text.push_str("\"\n");
        }
        let path = self.dir.join("words.dict");
        std::fs::write(&path, text)?;
        Ok(path)
    }

    fn folder(&self, kind: &str, name: &str) -> Result<PathBuf> {
        let path = self.dir.join(kind).join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(path)
    }

    /// Lets one target read for some seconds.
    fn turn(&self, name: &str, words: &Path, runs: u64, seconds: u64, done: &mut Done) -> Result<()> {
        let (work, broken) = (self.folder("work", name)?, self.folder("broken", name)?);
        let log = self.folder("logs", name)?.join("last.log");
        let begun = Instant::now();
        let status = self
            .engine(name)
            .arg(format!("-runs={runs}"))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={STUCK}"))
            .arg(format!("-rss_limit_mb={MEMORY_MB}"))
            .arg(format!("-max_len={INPUT_MAX}"))
            .arg(format!("-dict={}", words.display()))
            .arg(format!("-artifact_prefix={}/", broken.display()))
            .args(["-print_final_stats=1", "-use_value_profile=0"])
            .arg(&work)
            .arg(self.kept.join(name))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .status()
            .context("the targets cannot be started")?;
        let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
        if !status.success() {
            let input = text.lines().find_map(|line| line.split("Test unit written to ").nth(1)).unwrap_or("none");
            let why: Vec<&str> = text.lines().filter(|l| l.contains("panicked at") || l.contains("ERROR")).collect();
            bail!(
                "{name} broke: {}\nthe input is {input}; look at {} and run it again with\n  cargo xtask fuzz --target {name} --input {input}",
                why.join("\n"),
                log.display()
            );
        }
        let told = Told(&text);
        done.inputs += told.stat("number_of_executed_units");
        done.seconds += begun.elapsed().as_secs_f64();
        done.reached = done.reached.max(told.last("cov: "));
        done.corpus = told.last("corp: ");
        done.memory = done.memory.max(told.stat("peak_rss_mb"));
        say(&format!("{name:<12} {:>12} inputs {:>8.0}/s  {} branches", done.inputs, rate(done), done.reached));
        Ok(())
    }

    /// Runs one input.
    fn once(&self, name: &str, input: &Path) -> Result<()> {
        let input = std::fs::canonicalize(input).with_context(|| format!("{} cannot be read", input.display()))?;
        let status = self.engine(name).arg(&input).status().context("the targets cannot be started")?;
        if !status.success() {
            bail!("{name} breaks on {}", input.display());
        }
        Ok(())
    }

    /// Keeps the fewest inputs that reach as far as all of the working corpus together, small ones first; hand-made inputs
    /// stay.
    fn keep(&self, name: &str) -> Result<()> {
        let (work, kept) = (self.folder("work", name)?, self.kept.join(name));
        let status = self
            .engine(name)
            .args(["-merge=1", "-max_len=512"])
            .arg(&kept)
            .arg(&work)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("the targets cannot be started")?;
        if !status.success() {
            bail!("the corpus of {name} could not be joined");
        }
        Ok(())
    }
}

/// What the engine said.
struct Told<'a>(&'a str);

impl Told<'_> {
    /// `stat::name: 17`
    fn stat(&self, name: &str) -> u64 {
        let begin = format!("stat::{name}:");
        self.0.lines().find_map(|line| line.strip_prefix(&begin)).and_then(|n| n.trim().parse().ok()).unwrap_or(0)
    }

    /// The number after a word, where it stood last.
    fn last(&self, word: &str) -> u64 {
        let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
        self.0.lines().rev().find_map(|line| line.split(word).nth(1).and_then(digits)).unwrap_or(0)
    }
}

fn collect(json: &Value, words: &mut std::collections::BTreeSet<String>) {
    match json {
        Value::Object(object) => {
            for (key, value) in object {
                words.insert(format!("\"{key}\":"));
                collect(value, words);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Value::String(text) => drop(words.insert(format!("\"{text}\""))),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_says_is_read() {
        let told = Told(
            "#2\tINITED cov: 12 ft: 3 corp: 1/1b\n#9\tDONE   cov: 345 ft: 3 corp: 67/8Kb\nstat::number_of_executed_units: 9\n",
        );
        assert_eq!((told.last("cov: "), told.last("corp: "), told.stat("number_of_executed_units")), (345, 67, 9));
        assert_eq!((told.last("nothing: "), told.stat("nothing")), (0, 0));
    }

    #[test]
    fn options_are_read_and_others_refused() {
        let options = Options::read(&["--runs", "7", "--target", "webhook", "--keep"]).unwrap();
        assert_eq!((options.runs, options.only.as_deref(), options.keep), (7, Some("webhook"), true));
        assert!(
            Options::read(&["--runs"]).is_err() && Options::read(&["--runs", "x"]).is_err() && Options::read(&["x"]).is_err()
        );
    }
}
