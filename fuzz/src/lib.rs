//! Everything that reads what strangers write, and what must hold of it for any bytes.
//!
//! A target takes bytes from the outside and checks more than that nothing panics: what was read can be written and read
//! again, and the memory that it takes grows no faster than the input ([`meter`]). `cargo xtask fuzz` runs the targets under
//! an engine that looks for new paths through the code; the tests run them over every input that is kept in `corpus`.

mod callers;
mod content;
pub mod meter;
mod twilio;
mod wire;
mod words;

/// Something that reads bytes from the outside.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of its folder in `corpus`, and after `--target`.
    pub name: &'static str,
    /// What it reads.
    pub reads: &'static str,
    /// Longest input that can arrive in production, in bytes.
    pub arrives_max: usize,
    /// Most bytes held at once, for each byte of input.
    pub held: usize,
    /// Most bytes asked for in all, for each byte of input.
    pub asked: usize,
    /// Reads; panics when something does not hold.
    pub run: fn(&[u8]),
}

/// Bytes that any target may take, however short the input: tables that are made once, and room for answers of fixed size.
pub const SMALL_CHANGE: usize = 512 * 1024;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A target that takes memory in the common measure.
const fn target(name: &'static str, reads: &'static str, arrives_max: usize, run: fn(&[u8])) -> Target {
    Target { name, reads, arrives_max, held: 1_500, asked: 6_000, run }
}

/// Every target.
pub const TARGETS: [Target; 17] = [
    target("webhook", "what Meta posts, whoever posts it", 3 * MIB, wire::webhook),
    target("answer", "what Graph, or anything in between, answers", 8 * MIB, wire::answer),
    target("signature", "the signature of a webhook", 3 * MIB, wire::signature),
    target("form", "queries and percent-encoded forms", 32 * KIB, wire::form),
    target("content", "content as callers write it, and every translation of it", MIB, content::content),
    target("template", "templates as Meta lists them", 8 * MIB, content::template),
    target("draft", "templates as callers ask for them, and what the linter says of them", MIB, content::draft),
    target("placeholder", "placeholders, and values for them", MIB, content::placeholder),
    target("flow", "forms as Flow JSON", MIB, content::flow),
    target("session", "the body of a session message", MIB, callers::session),
    target("templated", "the body of a template message", MIB, callers::templated),
    target("send", "the body of a send of content", MIB, callers::send),
    target("webhooks", "the bodies that register and change webhooks", MIB, callers::webhooks),
    target("twilio", "requests in Twilio's dialect: forms, queries, contents, SIDs and callbacks", MIB, twilio::dialect),
    target("twiml", "what programs answer to callbacks in Twilio's form", 64 * KIB, twilio::answer),
    target("graph", "requests to Graph, as the simulator reads them", MIB, callers::graph),
    target("address", "addresses, ids, languages, tags, queries and URLs", 32 * KIB, words::address),
];

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Runs it within its bounds of memory.
    ///
    /// # Panics
    /// When something does not hold: that is what it is for.
    pub fn run(&self, data: &[u8]) {
        let ((), used) = meter::metered(|| (self.run)(data));
        let held = SMALL_CHANGE + self.held * data.len();
        assert!(used.held <= held, "{} held {} bytes for an input of {}, at most {held}", self.name, used.held, data.len());
        let asked = 2 * SMALL_CHANGE + self.asked * data.len();
        assert!(used.asked <= asked, "{} asked for {} bytes for {}, at most {asked}", self.name, used.asked, data.len());
    }
}
