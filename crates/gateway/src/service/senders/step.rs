//! What was done for a sender, or seen of it, step by step.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::problem::Problem;

/// What a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// The app at Meta: known here, with a secret that Meta accepts.
    App,
    /// The number or the Page, as Meta shows it.
    Read,
    /// The token and what it may do.
    Token,
    /// The number's registration.
    Register,
    /// Whether our address answers, as Meta will ask it.
    Reach,
    /// Where the app's webhooks go for Pages.
    Callback,
    /// The app's subscription to the account or the Page.
    Subscribe,
    /// The sender, kept here.
    Store,
    /// The templates of its account.
    Templates,
    /// Whether it goes or is stopped.
    State,
    /// What waits for it.
    Queue,
    /// Whether its token can be opened here.
    Seal,
    /// How Meta rates the number.
    Quality,
    /// The display name.
    Name,
}

impl StepName {
    /// The word on our wires.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Read => "read",
            Self::Token => "token",
            Self::Register => "register",
            Self::Reach => "reach",
            Self::Callback => "callback",
            Self::Subscribe => "subscribe",
            Self::Store => "store",
            Self::Templates => "templates",
            Self::State => "state",
            Self::Queue => "queue",
            Self::Seal => "seal",
            Self::Quality => "quality",
            Self::Name => "name",
        }
    }
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Done, or in order.
    Done,
    /// Not needed.
    Skipped,
    /// Not as it should be, and not in the way.
    Warning,
    /// Not done, or out of order.
    Failed,
}

/// One thing that was done, or looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SenderStep)]
pub struct Step {
    /// What.
    pub what: StepName,
    /// How it went.
    pub state: StepState,
    /// What was seen, as a sentence or a part of one.
    pub explanation: String,
    /// How to mend it; null where nothing needs mending.
    pub remedy: Option<String>,
}

/// One step; no remedy where the text is empty.
pub(super) fn step(what: StepName, state: StepState, explanation: impl Into<String>, remedy: impl Into<String>) -> Step {
    Step { what, state, explanation: explanation.into(), remedy: Some(remedy.into()).filter(|text| !text.is_empty()) }
}

/// The steps taken so far; a failure carries them along, so that nobody has to guess how far it got.
#[derive(Default)]
pub(super) struct Steps {
    taken: Vec<Step>,
    under_way: Option<StepName>,
}

impl Steps {
    /// From now on it is about this.
    pub(super) fn begin(&mut self, what: StepName) {
        self.under_way = Some(what);
    }

    /// What was begun is done.
    pub(super) fn done(&mut self, explanation: impl Into<String>) {
        self.end(StepState::Done, explanation.into(), "");
    }

    /// What was begun is not needed.
    pub(super) fn skipped(&mut self, explanation: impl Into<String>) {
        self.end(StepState::Skipped, explanation.into(), "");
    }

    /// What was begun is not as it should be, and it goes on all the same.
    pub(super) fn warned(&mut self, explanation: impl Into<String>, remedy: &str) {
        self.end(StepState::Warning, explanation.into(), remedy);
    }

    fn end(&mut self, state: StepState, explanation: String, remedy: &str) {
        self.taken.extend(self.under_way.take().map(|what| step(what, state, explanation, remedy)));
    }

    /// All went well.
    pub(super) fn taken(self) -> Vec<Step> {
        self.taken
    }

    /// What stopped it, with all that was done before.
    pub(super) fn stopped(mut self, problem: Problem) -> Problem {
        let remedy = problem.remedy.clone().unwrap_or_else(|| problem.code.remedy().to_owned());
        self.end(StepState::Failed, problem.message.clone(), &remedy);
        problem.detail("steps", json!(self.taken))
    }
}
