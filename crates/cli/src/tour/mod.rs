//! `transom tour`: the seed's whole table, walked through a gateway and a simulator as they really are.

mod content;
mod judge;
mod plan;
mod seed;
mod shop;
mod show;

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::args::TourArgs;
use crate::client::Client;
use crate::desk::{Desk, DeskOptions};
use crate::env_file::DevEnv;
use crate::fail::Fail;
use crate::out;

use content::Shop;
use judge::{Outcome, Posted, Told};
use plan::{Row, Session, rows};

/// Rows walked at once; the sender's own pace (80 a second) is the limit, not this.
const AT_ONCE: usize = 16;
/// How long one thing may take that should take milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// Gap between two looks.
const LOOK_GAP: Duration = Duration::from_millis(40);

/// What the tour talks to.
struct Tour {
    env: DevEnv,
    native: Client,
    graph: Client,
    sim: Client,
    /// Beginning of the callback data of what the tour posts itself; new for each run.
    mark: String,
    /// Beginning of this run's phone numbers.
    numbers: u64,
}

/// Walks the tour and prints it.
///
/// # Errors
/// When it cannot be walked, or a row disagrees.
pub(crate) async fn run(args: &TourArgs) -> Result<(), Fail> {
    let outcomes = match &args.env {
        Some(path) => walk(DevEnv::read(path)?).await?,
        None => {
            let dir = tempfile::tempdir().map_err(|why| Fail::new(format!("no temporary folder: {why}")))?;
            let desk = Desk::start(DeskOptions {
                dir: dir.path().to_owned(),
                port: 0,
                simulator_port: 0,
                customers: false,
                store: None,
                traces: None,
            })
            .await?;
            let walked = walk(desk.env().clone()).await;
            desk.stop().await;
            walked?
        }
    };
    if args.json {
        out::json(&outcomes)?;
    } else {
        show::table(&outcomes);
    }
    match outcomes.iter().filter(|o| !o.agrees).count() {
        0 => Ok(()),
        some => Err(Fail::new(format!("{some} of {} rows do not agree with the seed", outcomes.len()))),
    }
}

async fn walk(env: DevEnv) -> Result<Vec<Outcome>, Fail> {
    let chance = RandomState::new().hash_one(std::process::id());
    let tour = Tour {
        native: Client::native(&env.transom_url, &env.api_key)?,
        graph: Client::bearer(&env.graph_url, &env.access_token)?,
        sim: Client::plain(&env.simulator_url)?,
        mark: format!("tour-{chance:016x}-"),
        // A German mobile number has ten or eleven digits after the country; three of them number the rows.
        numbers: 4_915_500_000_000 + chance % 10_000_000 * 1_000,
        env,
    };
    let rows = rows();
    let after = tour.log_position().await?;
    out::note(format!("Templates: {} are made and approved at the desk.", templates(&rows).len()));
    let shop = tour.set_up_shop(&templates(&rows)).await?;
    out::note(format!("Walking {} rows, one customer each.", rows.len()));
    let walked: Vec<Result<(String, Told), Fail>> =
        stream::iter(rows.iter().enumerate()).map(|(i, row)| tour.walk_row(i, row, &shop)).buffered(AT_ONCE).collect().await;
    let walked: Vec<(String, Told)> = walked.into_iter().collect::<Result<_, _>>()?;
    let sends = judge::sends(&tour.log_after(after).await?, &tour.mark);
    let business = tour.env.sender.trim_start_matches('+').to_owned();
    let mut outcomes = Vec::new();
    for (row, (phone, told)) in rows.iter().zip(walked) {
        let inbox = tour.sim.must(Method::GET, &format!("/sim/v1/customers/{}/inbox", encoded(&phone)), None).await?;
        let arrived = judge::on_the_phone(&inbox, &business);
        let posted = if row.posted_to_graph() { Some(tour.post_to_graph(row, &phone).await?) } else { None };
        let sent = sends.get(phone.trim_start_matches('+')).map_or(&[][..], Vec::as_slice);
        outcomes.push(judge::judge(row, told, sent, &arrived, posted));
    }
    Ok(outcomes)
}

/// One row per template: both sessions share it.
fn templates(rows: &[Row]) -> Vec<Row> {
    let mut found: Vec<Row> = Vec::new();
    for row in rows.iter().filter(|r| r.approved) {
        if !found.iter().any(|f| f.kind == row.kind && f.case == row.case) {
            found.push(*row);
        }
    }
    found
}

fn encoded(phone: &str) -> String {
    phone.replace('+', "%2B")
}

/// Looks until something is there.
async fn until<T, F>(what: &str, mut look: impl FnMut() -> F) -> Result<T, Fail>
where
    F: Future<Output = Result<Option<T>, Fail>>,
{
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if Instant::now() >= end {
            return Err(Fail::new(format!("{what} did not happen within {} seconds", PATIENCE.as_secs())));
        }
        tokio::time::sleep(LOOK_GAP).await;
    }
}

impl Tour {
    /// Walks one row: a new customer, who writes first if the session is to be open; then the send, until it is over.
    async fn walk_row(&self, index: usize, row: &Row, shop: &Shop) -> Result<(String, Told), Fail> {
        let phone = format!("+{}", self.numbers + index as u64);
        let customer = json!({ "phone": phone, "name": format!("Tourist {index}") });
        self.sim.must(Method::POST, "/sim/v1/customers", Some(&customer)).await?;
        if row.session == Session::User {
            self.open_session(&phone).await?;
        }
        let send = self.send_body(row, shop, &phone);
        let (status, answer) = self.native.call(Method::POST, &self.path("messages"), Some(&send)).await?;
        if !(200..300).contains(&status) {
            let code = answer["code"].as_str().map_or_else(|| format!("HTTP {status}"), str::to_owned);
            return Ok((phone, Told { error: Some(code), ..Told::default() }));
        }
        let id =
            answer["id"].as_str().ok_or_else(|| Fail::new(format!("a send was answered without an id: {answer}")))?.to_owned();
        let path = self.path(&format!("messages/{id}"));
        let last = until(&format!("the end of message {id} ({} {:?})", row.kind, row.case), || async {
            let message = self.native.must(Method::GET, &path, None).await?;
            let status = message["status"].as_str().unwrap_or_default().to_owned();
            let over = matches!(status.as_str(), "delivered" | "read" | "failed" | "expired" | "cancelled");
            Ok(over.then_some(status))
        })
        .await?;
        Ok((phone, Told { message_id: Some(id), error: None, final_status: Some(last) }))
    }

    fn send_body(&self, row: &Row, shop: &Shop, to: &str) -> Value {
        json!({
            "to": to,
            "from": self.env.sender,
            "content": content::content(row, shop),
            "variables": content::variables(row),
        })
    }

    /// The customer writes, and the gateway has heard it.
    async fn open_session(&self, phone: &str) -> Result<(), Fail> {
        let hello = json!({ "to": self.env.phone_number_id, "type": "text", "text": { "body": "Hello, are you open?" } });
        self.sim.must(Method::POST, &format!("/sim/v1/customers/{}/messages", encoded(phone)), Some(&hello)).await?;
        let path = self.path(&format!("messages?direction=inbound&pageSize=1&to={}", encoded(phone)));
        until(&format!("the arrival of the first message of {phone}"), || async {
            let heard = self.native.must(Method::GET, &path, None).await?;
            Ok(heard["data"].as_array().is_some_and(|data| !data.is_empty()).then_some(()))
        })
        .await
    }

    /// Posts what the house refused straight to Graph, which takes it and fails it afterwards.
    async fn post_to_graph(&self, row: &Row, phone: &str) -> Result<Posted, Fail> {
        let mark = format!("{}{}", self.mark, row.kind.replace('/', "-"));
        let body = content::graph_message(row, phone, &mark);
        let (answer, said) =
            self.graph.call(Method::POST, &format!("/v25.0/{}/messages", self.env.phone_number_id), Some(&body)).await?;
        if answer != 200 {
            return Ok(Posted { answer, status: "refused".into(), code: said["error"]["code"].as_i64() });
        }
        let path = format!("/sim/v1/messages?callbackData={mark}");
        until(&format!("the failure of {mark}"), || async {
            let found = self.sim.must(Method::GET, &path, None).await?;
            let message = &found["data"][0];
            let status = message["status"].as_str().unwrap_or_default().to_owned();
            let over = matches!(status.as_str(), "failed" | "delivered" | "read");
            Ok(over.then(|| Posted { answer, status, code: message["error"].as_i64() }))
        })
        .await
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/businesses/{}/{rest}", self.env.business)
    }

    async fn log_position(&self) -> Result<u64, Fail> {
        Ok(self.log_after(0).await?.last().and_then(|call| call["seq"].as_u64()).unwrap_or(0))
    }

    async fn log_after(&self, after: u64) -> Result<Vec<Value>, Fail> {
        let log = self.sim.must(Method::GET, &format!("/sim/v1/requests?after={after}"), None).await?;
        Ok(log["data"].as_array().cloned().unwrap_or_default())
    }
}
