//! What the console's conversations cost to read: the list, the search and the thread, from outside, over a store with very many.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::gateway::{Folder, Gateway, PLAN, SENDERS};
use super::http::Caller;
use super::measure::Latencies;
use super::report::{machine, millis, said, source, thousands};
use crate::bulk::{self, Plan};
use crate::steps::say;

/// How much is stored, and how often each question is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    customers: u64,
    messages: u64,
    questions: usize,
}

impl Sizes {
    /// 50,000 conversations (three in four customers have one) and a million messages.
    pub(super) const FULL: Self = Self { customers: 66_700, messages: 1_000_000, questions: 300 };
    /// For a test of the benchmark itself.
    pub(super) const SHORT: Self = Self { customers: 400, messages: 3_000, questions: 5 };
}

/// The most that each may take.
const AIM: Duration = Duration::from_millis(100);

/// A question that is asked again and again, and what it must find.
struct Ask {
    what: &'static str,
    path: Box<dyn Fn(u64) -> String>,
    /// Rows that an answer has, at least and at most.
    rows: [usize; 2],
}

/// Runs it; the report.
///
/// # Errors
/// When the store cannot be filled, or an answer is not what was asked for.
pub(super) fn run(transom: &Path, sizes: Sizes, command: &str) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(transom, sizes, command))
}

async fn measure(transom: &Path, sizes: Sizes, command: &str) -> Result<String> {
    let begun = Instant::now();
    let folder = Folder::filled(Plan { customers: sizes.customers, messages: sizes.messages, ..PLAN })?;
    let conversations = bulk::conversations(sizes.customers);
    say(&format!("filled in {:.0} s", begun.elapsed().as_secs_f64()));
    // Nobody answers upstream; nothing is sent.
    let gateway = Gateway::start(transom, &folder, "http://127.0.0.1:9", &["retention.messages=3650d"])?;
    let mut caller = Caller::connect(gateway.address).await?;
    let asks = asks(&folder, conversations);
    let mut lines = Vec::new();
    let mut slowest = Duration::ZERO;
    for ask in &asks {
        let mut took = Latencies::default();
        for i in 0..sizes.questions {
            let begun = Instant::now();
            let rows = rows(&mut caller, &folder, &(ask.path)(i as u64)).await?;
            took.add(begun.elapsed());
            if !(ask.rows[0]..=ask.rows[1]).contains(&rows) {
                bail!("{}: {rows} rows, where {} to {} are there", ask.what, ask.rows[0], ask.rows[1]);
            }
        }
        lines.push(line(ask.what, &mut took, &mut slowest)?);
    }
    // Page after page of everything, as somebody who scrolls to the end.
    let (mut took, mut token, mut seen) = (Latencies::default(), None::<String>, 0_u64);
    loop {
        let page = token.as_ref().map_or(String::new(), |token| format!("&pageToken={token}"));
        let begun = Instant::now();
        let answer = get(&mut caller, &folder, &format!("conversations?pageSize=200{page}")).await?;
        took.add(begun.elapsed());
        seen += answer["data"].as_array().map_or(0, Vec::len) as u64;
        token = answer["nextPageToken"].as_str().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    if seen < conversations {
        bail!("{seen} conversations were listed of {conversations}");
    }
    lines.push(line("list, all pages of 200 to the end", &mut took, &mut slowest)?);
    let verdict = if slowest < AIM { "Held." } else { "Not held." };
    let per_second = thousands(f64::from(u32::try_from(sizes.messages).unwrap_or(u32::MAX)));
    Ok(format!(
        "# The inbox over many messages\n\n- **Command**: `{command}`\n- **Machine**: {}\n- **Date**: {}\n- **Source**: {}\n\n\
         {} conversations, {per_second} messages, {SENDERS} senders on SQLite; one caller over loopback with an API key, one question at a\n\
         time, {} of each. What the console's pages ask for is asked, over HTTP, from the request to the whole answer.\n\n\
         | question | p50 | p95 | p99 | longest |\n|---|---:|---:|---:|---:|\n{}\n\n\
         Aimed at: list, search and thread below {} each. {verdict}\n",
        machine(),
        said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        source(),
        thousands(f64::from(u32::try_from(conversations).unwrap_or(u32::MAX))),
        sizes.questions,
        lines.join("\n"),
        millis(AIM),
    ))
}

fn line(what: &str, took: &mut Latencies, slowest: &mut Duration) -> Result<String> {
    let mut of = |percent| took.percentile(percent).context("nothing was asked");
    let (p50, p95, p99, all) = (of(50)?, of(95)?, of(99)?, of(100)?);
    *slowest = (*slowest).max(p99);
    let line = format!("| {what} | {} | {} | {} | {} |", millis(p50), millis(p95), millis(p99), millis(all));
    say(&line);
    Ok(line)
}

fn asks(folder: &Folder, conversations: u64) -> Vec<Ask> {
    let customers = folder.customers;
    let any = move |i: u64| bulk::mix(i) % customers;
    let full = 50.min(usize::try_from(conversations).unwrap_or(50));
    let ask = |what, rows, path: Box<dyn Fn(u64) -> String>| Ask { what, path, rows };
    let fixed = |path: &'static str| -> Box<dyn Fn(u64) -> String> { Box::new(move |_| path.to_owned()) };
    vec![
        ask("list, first page", [full, 50], fixed("conversations")),
        ask("list, open", [1, 50], fixed("conversations?state=open")),
        ask("list, closing", [1, 50], fixed("conversations?state=closing")),
        // By the newest word, the open ones come first, and a page looks at a bounded number: it may have none, and lead on.
        ask("list, closed", [0, 50], fixed("conversations?state=closed")),
        ask(
            "list, of one sender",
            [1, 50],
            Box::new(|i| format!("conversations?sender=%2B{}", bulk::sender_phone(i % SENDERS).trim_start_matches('+'))),
        ),
        ask("search, a whole name", [0, 50], Box::new(move |i| format!("conversations?q=customer%20{}", any(i)))),
        ask("search, what all names begin with", [1, 50], fixed("conversations?q=cust")),
        ask(
            "search, a whole number",
            [0, 1],
            Box::new(move |i| format!("conversations?q=%2B{}", bulk::phone(any(i)).trim_start_matches('+'))),
        ),
        ask("search, what all numbers begin with", [1, 50], fixed("conversations?q=%2B4915")),
        ask("search, nobody", [0, 0], fixed("conversations?q=zzz")),
        ask(
            "thread, newest 50",
            [0, 50],
            Box::new(move |i| format!("messages?to=%2B{}", bulk::phone(any(i)).trim_start_matches('+'))),
        ),
    ]
}

async fn get(caller: &mut Caller, folder: &Folder, path: &str) -> Result<Value> {
    let owner = folder.furnished().first();
    let request =
        format!("GET /v1/businesses/{}/{path} HTTP/1.1\r\nhost: bench\r\nx-api-key: {}\r\n\r\n", owner.business, owner.key);
    let answer = caller.call(request.as_bytes()).await.with_context(|| path.to_owned())?;
    serde_json::from_slice(answer).with_context(|| format!("{path}: no JSON"))
}

async fn rows(caller: &mut Caller, folder: &Folder, path: &str) -> Result<usize> {
    let answer = get(caller, folder, path).await?;
    answer["data"].as_array().map(Vec::len).with_context(|| format!("{path}: {answer}"))
}
