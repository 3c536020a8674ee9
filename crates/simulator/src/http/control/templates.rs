//! The reviewer's side of templates: what is on file, decisions, appeals, the rules, and the forms that came along.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Control, printed, typed};
use crate::http::App;
use crate::world::World;
use crate::world::desk::Refusal;
use crate::world::flow::Flow;
use crate::world::template::quality::SCORES;
use crate::world::template::review::{Decision, Rejection};
use crate::world::template::{Category, Standing, rules};

/// The fields the desk sees of a template.
const TEMPLATE_FIELDS: [&str; 12] = [
    "id",
    "name",
    "language",
    "status",
    "category",
    "previous_category",
    "correct_category",
    "parameter_format",
    "components",
    "rejected_reason",
    "quality_score",
    "library_template_name",
];

pub(super) async fn all(State(app): State<App>) -> Response<Body> {
    let fields = TEMPLATE_FIELDS.map(str::to_owned);
    let data: Vec<Value> = app.engine.look(|world, _| {
        let there = world.templates.values().filter(|template| !template.is_gone());
        there.map(|template| template.shown(&fields)).collect()
    });
    printed(Ok(json!({ "data": data })))
}

fn shown(world: &World, id: u64) -> Control {
    world.template(id).map(|template| template.shown(&TEMPLATE_FIELDS.map(str::to_owned))).ok_or_else(Refusal::no_template)
}

fn id_of(id: &str) -> Result<u64, Refusal> {
    id.parse().map_err(|_| Refusal::no_template())
}

pub(super) async fn one(State(app): State<App>, Path(id): Path<String>) -> Response<Body> {
    printed(id_of(&id).and_then(|id| app.engine.look(|world, _| shown(world, id))))
}

pub(super) async fn rules() -> Response<Body> {
    printed(Ok(rules::table()))
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Verb {
    Approve,
    Reject,
    Pause,
    Unpause,
    Disable,
    Reinstate,
    Flag,
    Quality,
    Recategorise,
    Pace,
    Release,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Review {
    decision: Verb,
    /// With `reject`: one of Meta's.
    reason: Option<String>,
    /// With `reject` for INVALID_FORMAT: what is wrong, and what to do.
    why: Option<String>,
    recommendation: Option<String>,
    /// With `approve`: under another category; with `recategorise`: the new one.
    category: Option<String>,
    /// With `recategorise`: without the day's notice.
    #[serde(default)]
    at_once: bool,
    /// With `quality`.
    score: Option<String>,
    /// With `pace`: how many sends still go.
    portion: Option<u32>,
}

/// A field that belongs to other decisions.
fn only_for(is_given: bool, field: &str, verbs: &str) -> Result<(), Refusal> {
    if is_given { Err(Refusal::invalid(field, &format!("only {verbs} takes it"), "leave it out")) } else { Ok(()) }
}

fn one_of(text: &str, known: &[&'static str], field: &str) -> Result<&'static str, Refusal> {
    let found = known.iter().find(|one| one.eq_ignore_ascii_case(text)).copied();
    found.ok_or_else(|| Refusal::invalid(field, "Meta has no such value", &format!("choose one of {}", known.join(", "))))
}

impl Review {
    fn decision(self) -> Result<Decision, Refusal> {
        let verb = self.decision;
        only_for(verb != Verb::Pace && self.portion.is_some(), "portion", "pace")?;
        only_for(verb != Verb::Quality && self.score.is_some(), "score", "quality")?;
        only_for(verb != Verb::Recategorise && self.at_once, "atOnce", "recategorise")?;
        only_for(
            !matches!(verb, Verb::Approve | Verb::Recategorise) && self.category.is_some(),
            "category",
            "approve or recategorise",
        )?;
        let is_reject = verb == Verb::Reject;
        only_for(!is_reject && self.reason.is_some(), "reason", "reject")?;
        only_for(!is_reject && self.why.is_some(), "why", "reject")?;
        only_for(!is_reject && self.recommendation.is_some(), "recommendation", "reject")?;
        let category = match self.category.as_deref() {
            None => None,
            Some(text) => Some(Category::parse(text).ok_or_else(|| {
                Refusal::invalid("category", "no such category", "choose UTILITY, MARKETING or AUTHENTICATION")
            })?),
        };
        Ok(match verb {
            Verb::Approve => Decision::Approve(category),
            Verb::Reject => Decision::Reject(Rejection {
                reason: one_of(self.reason.as_deref().unwrap_or("INVALID_FORMAT"), rules::REASONS, "reason")?,
                why: self.why,
                recommendation: self.recommendation,
            }),
            Verb::Pause => Decision::Pause,
            Verb::Unpause => Decision::Unpause,
            Verb::Disable => Decision::Disable,
            Verb::Reinstate => Decision::Reinstate,
            Verb::Flag => Decision::Flag,
            Verb::Quality => {
                let missing =
                    || Refusal::invalid("score", "quality needs a score", &format!("choose one of {}", SCORES.join(", ")));
                Decision::Quality(one_of(&self.score.ok_or_else(missing)?, SCORES, "score")?)
            }
            Verb::Recategorise => {
                let missing = || Refusal::invalid("category", "recategorising needs the new category", "add category");
                Decision::Recategorise(category.ok_or_else(missing)?, self.at_once)
            }
            Verb::Pace => Decision::Pace(self.portion.unwrap_or(0)),
            Verb::Release => Decision::Release,
        })
    }
}

/// Decisions that make no sense where a template stands.
fn check(standing: Standing, verb: Verb) -> Result<(), Refusal> {
    let (fits, remedy) = match verb {
        Verb::Pause | Verb::Flag => (standing == Standing::Approved, "approve it first"),
        Verb::Unpause => (standing == Standing::Paused, "pause it first"),
        Verb::Recategorise => (matches!(standing, Standing::Approved | Standing::Paused), "approve it first"),
        Verb::Reinstate => (matches!(standing, Standing::Approved | Standing::Disabled), "disable or flag it first"),
        _ => (true, ""),
    };
    let message = || format!("a template that is {} cannot be decided on like that", standing.as_str());
    if fits { Ok(()) } else { Err(Refusal::conflict("decision", &message(), remedy)) }
}

pub(super) async fn review(State(app): State<App>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    printed(decide(&app, &id, &body).await)
}

async fn decide(app: &App, id: &str, body: &Bytes) -> Control {
    let id = id_of(id)?;
    let review: Review = typed(body)?;
    let verb = review.decision;
    let decision = review.decision()?;
    app.engine
        .commit(|world, now| {
            check(world.template(id).ok_or_else(Refusal::no_template)?.standing, verb)?;
            world.review(now, id, decision)?;
            shown(world, id)
        })
        .await?
}

/// The business appeals, as it would in Meta's manager: Graph has no call for it.
pub(super) async fn appeal(State(app): State<App>, Path(id): Path<String>) -> Response<Body> {
    printed(file_appeal(&app, &id).await)
}

async fn file_appeal(app: &App, id: &str) -> Control {
    let id = id_of(id)?;
    app.engine
        .commit(|world, now| {
            world.appeal(now, id)?;
            shown(world, id)
        })
        .await?
}

fn form(flow: &Flow) -> Value {
    let screens: Value = serde_json::from_str(&flow.json).unwrap_or_default();
    json!({
        "id": flow.id.to_string(), "waba": flow.waba.to_string(), "name": flow.name, "at": flow.at, "flow": screens,
    })
}

pub(super) async fn flows(State(app): State<App>) -> Response<Body> {
    let data: Vec<Value> = app.engine.look(|world, _| world.flows.values().map(form).collect());
    printed(Ok(json!({ "data": data })))
}

/// What the phone opens when the button of a form is tapped.
pub(super) async fn flow(State(app): State<App>, Path(id): Path<String>) -> Response<Body> {
    let found = app.engine.look(|world, _| id.parse().ok().and_then(|id: u64| world.flows.get(&id).map(form)));
    printed(found.ok_or_else(|| Refusal::not_found("id", "no form has this id", "GET /sim/v1/flows lists them")))
}
