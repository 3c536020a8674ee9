//! Following a stream through whatever comes between: it is taken up again where it broke off, so that no event is missed and
//! none comes twice.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use super::sse::Parser;
use crate::api::{Api, refusal};
use crate::args::EventFilter;
use crate::fail::Fail;
use crate::out;

/// A gateway says something every 15 seconds: what is silent for longer is gone, whatever the network says.
const SILENCE: Duration = Duration::from_secs(45);
/// How long an answer may take to begin.
const ANSWER: Duration = Duration::from_secs(30);
/// Wait before the first try to come back; each further one waits twice as long.
const BACK_FIRST: Duration = Duration::from_millis(200);
/// The longest wait between two tries.
const BACK_MAX: Duration = Duration::from_secs(5);

/// One event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    /// Its place in the stream.
    pub(super) position: u64,
    /// As it came: what is forwarded is these bytes.
    pub(super) text: String,
    /// The same, read.
    pub(super) json: Value,
}

/// What was heard.
#[derive(Debug)]
pub(super) enum Heard {
    /// An event.
    Event(Box<Event>),
    /// Nothing that is wanted, up to this position.
    Reached(u64),
}

/// A reader of the stream.
pub(super) struct Follower {
    api: Api,
    json: bool,
    query: Vec<(&'static str, String)>,
    /// What was heard last; none until the stream has said where it begins.
    position: Option<u64>,
    response: Option<Response>,
    parser: Parser,
    waiting: VecDeque<Heard>,
    /// Whether it was ever connected: at first a gateway that is not there is the caller's error.
    was_there: bool,
    wait: Duration,
}

impl Follower {
    /// From a position on; without one from now on.
    pub(super) fn new(api: Api, json: bool, filter: &EventFilter, after: Option<u64>) -> Self {
        let given = [("types", &filter.types), ("sender", &filter.sender), ("channel", &filter.channel)];
        let query = given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        Self {
            api,
            json,
            query,
            position: after,
            response: None,
            parser: Parser::default(),
            waiting: VecDeque::new(),
            was_there: false,
            wait: BACK_FIRST,
        }
    }

    /// What comes next; waits for it.
    ///
    /// # Errors
    /// When the gateway refuses, or was never there. One that goes away is waited for.
    pub(super) async fn next(&mut self) -> Result<Heard, Fail> {
        loop {
            if let Some(heard) = self.waiting.pop_front() {
                return Ok(heard);
            }
            let Some(response) = &mut self.response else {
                self.connect().await?;
                continue;
            };
            match tokio::time::timeout(SILENCE, response.chunk()).await {
                Ok(Ok(Some(bytes))) => {
                    for block in self.parser.take(&bytes)? {
                        self.heard(block)?;
                    }
                    self.wait = BACK_FIRST;
                }
                // Ended, broken off, or silent: a new connection goes on where this one was.
                Ok(Ok(None) | Err(_)) | Err(_) => {
                    self.response = None;
                    self.pause().await;
                }
            }
        }
    }

    fn heard(&mut self, block: super::sse::Block) -> Result<(), Fail> {
        let position = block.id.as_deref().and_then(|id| id.parse::<u64>().ok());
        let Some(position) = position else { return Ok(()) };
        // Whatever was heard before is not heard again.
        if self.position.is_some_and(|known| position < known || (position == known && block.data.is_some())) {
            return Ok(());
        }
        self.position = Some(position);
        let heard = match block.data {
            None => Heard::Reached(position),
            Some(text) => {
                let json = serde_json::from_str(&text).map_err(|why| {
                    Fail::new(format!("event {position} is not JSON: {why}")).remedy("Check that the address is a gateway's.")
                })?;
                Heard::Event(Box::new(Event { position, text, json }))
            }
        };
        self.waiting.push_back(heard);
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), Fail> {
        let after = self.position.map(|position| ("after", position.to_string()));
        let query: Vec<(&str, String)> = self.query.iter().cloned().chain(after).collect();
        let path = self.api.path("events/stream");
        let asked = self.api.client.stream(&path, &query);
        let answer = match tokio::time::timeout(ANSWER, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(Fail::new("the gateway takes the call and does not answer it")),
        };
        let response = match answer {
            Ok(response) => response,
            Err(fail) if !self.was_there => return Err(fail),
            Err(_) => {
                self.pause().await;
                return Ok(());
            }
        };
        let status = response.status().as_u16();
        match status {
            200 => {
                if self.wait > BACK_FIRST {
                    out::note("the gateway is back");
                }
                (self.was_there, self.parser, self.response) = (true, Parser::default(), Some(response));
                Ok(())
            }
            429 | 500.. if self.was_there => {
                self.pause().await;
                Ok(())
            }
            _ => {
                let answer = response.json().await.unwrap_or(Value::Null);
                let fail = refusal(self.json, &answer, status)?;
                match answer.pointer("/details/earliest").and_then(Value::as_u64) {
                    Some(earliest) => {
                        Err(fail.remedy(format!("Give --after {earliest} to begin with the earliest that is kept.")))
                    }
                    None => Err(fail),
                }
            }
        }
    }

    /// Waits before the next try, a little longer each time.
    async fn pause(&mut self) {
        if self.wait == BACK_FIRST * 2 {
            out::note("the gateway is gone; waiting for it to come back");
        }
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(BACK_MAX);
    }
}
