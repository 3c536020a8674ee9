//! A template's life: filed, reviewed, edited, paused, recategorised, deleted; and the webhooks that tell of it.

use serde_json::{Map, Value, json};
use transom_domain::{Span, Timestamp};

use super::create::{self, Draft};
use super::spec::Spec;
use super::{Category, Standing, Template};
use crate::graph::error::GraphError;
use crate::graph::read::Fields;
use crate::world::desk::Refusal;
use crate::world::{Now, Timer, World};

/// Templates of one account: Meta, templates/overview, for a verified portfolio.
pub(crate) const TEMPLATES_MAX: usize = 6_000;
/// How long a deleted name stays taken once it was approved: Meta, templates/template-management.
const NAME_TAKEN: Span = Span::days(30);
/// Between the announcement of a new category and the change.
const ANNOUNCED: Span = Span::hours(24);

/// What the desk decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Approve,
    Reject,
    Pause,
    Disable,
    Recategorise(Category),
    /// Only so many sends go; those after them are held for quality assessment.
    Pace(u32),
    /// What is held goes.
    Release,
}

/// The reasons Meta gives for a rejection.
pub(crate) const REASONS: &[&str] = &[
    "NONE",
    "ABUSIVE_CONTENT",
    "CATEGORY_NOT_AVAILABLE",
    "INCORRECT_CATEGORY",
    "INVALID_FORMAT",
    "PROMOTIONAL",
    "SCAM",
    "TAG_CONTENT_MISMATCH",
];

impl World {
    /// Files a template; it waits for review.
    pub(crate) fn file_template(&mut self, now: Now, waba: u64, draft: Draft) -> Result<Value, GraphError> {
        self.admit_creation(now, waba)?;
        let of_account = self.templates.values().filter(|template| template.waba == waba);
        let mut living = 0;
        for other in of_account {
            match other.deleted_at {
                None => living += 1,
                Some(at)
                    if other.name == draft.name
                        && other.was_approved
                        && now.world < Timestamp::from_millis(at).plus(NAME_TAKEN) =>
                {
                    return Err(GraphError::template(
                        2_388_023,
                        "Message template name is being deleted",
                        format!("The name {} was deleted; it cannot be used again for 30 days. Choose another one.", draft.name),
                    ));
                }
                Some(_) => {}
            }
        }
        if living >= TEMPLATES_MAX {
            return Err(GraphError::template(
                2_388_019,
                "Message template limit exceeded",
                "This account has 6000 templates; delete some first.",
            ));
        }
        let key = (waba, draft.name.clone(), draft.language.clone());
        if self.template_ids.contains_key(&key) {
            return Err(GraphError::template(
                2_388_024,
                "Content in this language already exists",
                format!("There is already {} content for {}. Edit it, or choose another name.", draft.language, draft.name),
            ));
        }
        let same_name =
            self.templates.values().find(|other| other.waba == waba && other.name == draft.name && other.deleted_at.is_none());
        if let Some(other) = same_name.filter(|other| other.category != draft.category) {
            return Err(GraphError::template(
                2_388_022,
                "Category differs between languages",
                format!(
                    "{} is {} in {}; all languages of a name have one category.",
                    draft.name,
                    other.category.as_str(),
                    other.language
                ),
            ));
        }
        let id = self.fresh_id();
        let spec = Spec::of(&draft.components);
        let template = Template {
            id,
            waba,
            name: draft.name,
            language: draft.language,
            category: draft.category,
            previous_category: None,
            correct_category: None,
            recategorise_at: None,
            format: draft.format,
            components: draft.components,
            standing: Standing::Pending,
            rejected_reason: None,
            quality: "UNKNOWN".into(),
            pauses: 0,
            resume_at: None,
            review_at: None,
            ttl_seconds: draft.ttl_seconds,
            created: now.world.as_millis(),
            edits: Vec::new(),
            deleted_at: None,
            was_approved: false,
            portion: None,
            held: Vec::new(),
            spec,
        };
        let answer = json!({ "id": id.to_string(), "status": "PENDING", "category": template.category.as_str() });
        self.templates.insert(id, template);
        self.template_ids.insert(key, id);
        self.await_review(now, id);
        Ok(answer)
    }

    fn await_review(&mut self, now: Now, id: u64) {
        let after = self.settings.auto_review_seconds;
        if let Some(template) = self.templates.get_mut(&id) {
            template.standing = Standing::Pending;
            template.review_at = after.map(|seconds| now.world.plus(Span::secs(seconds)).as_millis());
            if let Some(at) = template.review_at {
                self.timers.insert((at, Timer::Review(id)));
            }
        }
        self.keep_template(id);
    }

    /// A template that is on file.
    pub(crate) fn template(&self, id: u64) -> Option<&Template> {
        self.templates.get(&id).filter(|template| template.deleted_at.is_none())
    }

    /// `POST /{template_id}`: components as a whole, category, time to live; back to review afterwards.
    pub(crate) fn edit_template(&mut self, now: Now, id: u64, value: &Value) -> Result<(), GraphError> {
        let Some(template) = self.template(id) else { return Err(GraphError::no_such_object("POST", &id.to_string())) };
        let fields = Fields::body(value)?;
        fields.only(&[
            "category",
            "components",
            "message_send_ttl_seconds",
            "parameter_format",
            "cta_url_link_tracking_opted_out",
        ])?;
        let refuse = |why: &str| Err(GraphError::template(2_388_039, "Message template cannot be edited", why.to_owned()));
        match template.standing {
            Standing::Approved | Standing::Rejected | Standing::Paused => {}
            other => return refuse(&format!("A template that is {} cannot be edited.", other.as_str())),
        }
        let mut category = template.category;
        if fields.has("category") {
            category = create::category(&fields)?;
            if category != template.category && template.standing == Standing::Approved {
                return refuse("The category of an approved template cannot be changed.");
            }
        }
        let recent = |span: Span| template.edits.iter().filter(|at| now.world < Timestamp::from_millis(**at).plus(span)).count();
        if template.standing == Standing::Approved && (recent(Span::days(1)) >= 1 || recent(Span::days(30)) >= 10) {
            return refuse("An approved template can be edited once in 24 hours and 10 times in 30 days.");
        }
        let components = if fields.has("components") {
            Some(create::components(&fields, category, template.format, &template.language)?)
        } else {
            None
        };
        let ttl = create::ttl(&fields, category)?;
        let was_approved = template.standing == Standing::Approved;
        if let Some(template) = self.templates.get_mut(&id) {
            if let Some(components) = components {
                template.spec = Spec::of(&components);
                template.components = components;
            }
            template.category = category;
            template.ttl_seconds = ttl.or(template.ttl_seconds);
            if was_approved {
                template.edits.push(now.world.as_millis());
            }
        }
        self.await_review(now, id);
        Ok(())
    }

    /// Deletes the templates; DISABLED ones cannot be.
    pub(crate) fn delete_templates(&mut self, now: Now, ids: &[u64]) -> Result<(), GraphError> {
        let is_disabled = |id: &u64| self.template(*id).is_some_and(|template| template.standing == Standing::Disabled);
        if let Some(id) = ids.iter().find(|id| is_disabled(id)) {
            return Err(GraphError::template(
                2_388_039,
                "Message template cannot be deleted",
                format!("Template {id} is DISABLED."),
            ));
        }
        for id in ids {
            let Some(template) = self.templates.get_mut(id) else { continue };
            template.deleted_at = Some(now.world.as_millis());
            template.review_at = None;
            template.resume_at = None;
            let key = (template.waba, template.name.clone(), template.language.clone());
            self.template_ids.remove(&key);
            self.keep_template(*id);
        }
        Ok(())
    }

    /// The templates of one name in an account, or all of them when no name is given, in the order of their ids.
    pub(crate) fn templates_of(&self, waba: u64) -> impl Iterator<Item = &Template> {
        self.templates.values().filter(move |template| template.waba == waba && template.deleted_at.is_none())
    }

    /// The desk decides about a template.
    pub(crate) fn review(&mut self, now: Now, id: u64, decision: Decision, reason: Option<&str>) -> Result<(), Refusal> {
        if self.template(id).is_none() {
            return Err(Refusal::no_template());
        }
        match decision {
            Decision::Approve => self.settle_review(now, id, Standing::Approved, None),
            Decision::Reject => self.settle_review(now, id, Standing::Rejected, Some(reason.unwrap_or("INVALID_FORMAT"))),
            // Bad news while messages are held is the end of pacing.
            Decision::Pause if self.template(id).is_some_and(|template| template.portion.is_some()) => self.stop_pacing(now, id),
            Decision::Pause => self.pause(now, id),
            Decision::Pace(portion) => self.pace(id, portion),
            Decision::Release => self.release(now, id),
            Decision::Disable => {
                self.change_template(id, |template| template.standing = Standing::Disabled);
                let extra = json!({ "other_info": { "title": "DISABLED", "description": "The template is disabled for its low quality." } });
                self.tell_standing(now, id, "DISABLED", "NONE", &extra);
            }
            Decision::Recategorise(category) => self.announce_category(now, id, category),
        }
        Ok(())
    }

    pub(super) fn change_template(&mut self, id: u64, change: impl FnOnce(&mut Template)) {
        if let Some(template) = self.templates.get_mut(&id) {
            change(template);
            self.keep_template(id);
        }
    }

    fn settle_review(&mut self, now: Now, id: u64, standing: Standing, reason: Option<&str>) {
        self.change_template(id, |template| {
            template.standing = standing;
            template.review_at = None;
            template.resume_at = None;
            template.rejected_reason = reason.map(str::to_owned);
            template.was_approved |= standing == Standing::Approved;
        });
        let extra = if standing == Standing::Rejected {
            json!({ "rejection_info": {
                "reason": "The template was rejected in review.",
                "recommendation": "Change what the reason names and submit it again.",
            }})
        } else {
            json!({})
        };
        self.tell_standing(now, id, standing.as_str(), reason.unwrap_or("NONE"), &extra);
    }

    /// The review nobody at the desk has to do. By a local convention a name that ends in `_rejected`, `_paused` or
    /// `_recategorised` gets that; a wording that another template has already is refused as Meta does.
    pub(crate) fn review_by_itself(&mut self, now: Now, id: u64) {
        let Some(template) = self.template(id).filter(|template| template.standing == Standing::Pending) else { return };
        let wording = template.wording();
        let is_copy = template.category != Category::Authentication
            && self.templates_of(template.waba).any(|other| {
                other.id != id
                    && other.created <= template.created
                    && other.standing != Standing::Rejected
                    && other.language == template.language
                    && other.wording() == wording
            });
        let name = template.name.clone();
        if name.ends_with("_rejected") || is_copy {
            self.settle_review(
                now,
                id,
                Standing::Rejected,
                Some(if is_copy { "TAG_CONTENT_MISMATCH" } else { "INVALID_FORMAT" }),
            );
            return;
        }
        self.settle_review(now, id, Standing::Approved, None);
        if name.ends_with("_paused") {
            self.pause(now, id);
        }
        if name.ends_with("_recategorised") {
            self.announce_category(now, id, Category::Marketing);
        }
    }

    /// Three hours the first time, six the second; the third time it is over (WA templates/template-pausing).
    fn pause(&mut self, now: Now, id: u64) {
        let pauses = self.template(id).map_or(0, |template| template.pauses) + 1;
        if pauses >= 3 {
            self.change_template(id, |template| {
                template.pauses = pauses;
                template.standing = Standing::Disabled;
                template.resume_at = None;
            });
            let extra =
                json!({ "other_info": { "title": "DISABLED", "description": "The template was paused for the third time." } });
            self.tell_standing(now, id, "DISABLED", "NONE", &extra);
            return;
        }
        let (hours, title) = if pauses == 1 { (3, "FIRST_PAUSE") } else { (6, "SECOND_PAUSE") };
        let until = now.world.plus(Span::hours(hours)).as_millis();
        let before = self.template(id).map(|template| template.quality.clone()).unwrap_or_default();
        self.change_template(id, |template| {
            template.pauses = pauses;
            template.standing = Standing::Paused;
            template.resume_at = Some(until);
            template.quality = "RED".into();
        });
        self.timers.insert((until, Timer::Resume(id)));
        self.tell_quality(now, id, &before, "RED");
        let extra =
            json!({ "other_info": { "title": title, "description": format!("The template is paused for {hours} hours.") } });
        self.tell_standing(now, id, "PAUSED", "NONE", &extra);
    }

    /// A pause is over, by itself or by `/unpause`.
    pub(crate) fn resume(&mut self, now: Now, id: u64) {
        let is_over = self.template(id).is_some_and(|template| {
            template.standing == Standing::Paused && template.resume_at.is_none_or(|at| at <= now.world.as_millis())
        });
        if is_over {
            self.unpause(now, id);
        }
    }

    /// Ends a pause.
    pub(crate) fn unpause(&mut self, now: Now, id: u64) {
        self.change_template(id, |template| {
            template.standing = Standing::Approved;
            template.resume_at = None;
        });
        let extra = json!({ "other_info": { "title": "UNPAUSE", "description": "The template can be sent again." } });
        self.tell_standing(now, id, "APPROVED", "NONE", &extra);
    }

    fn announce_category(&mut self, now: Now, id: u64, category: Category) {
        let at = now.world.plus(ANNOUNCED);
        self.change_template(id, |template| {
            template.correct_category = Some(category);
            template.recategorise_at = Some(at.as_millis());
        });
        self.timers.insert((at.as_millis(), Timer::Recategorise(id)));
        let Some(template) = self.template(id) else { return };
        let mut value = names(template);
        // In the announcement `new_category` is the present one: Meta, template_category_update.
        value.insert("new_category".into(), json!(template.category.as_str()));
        value.insert("correct_category".into(), json!(category.as_str()));
        value.insert("category_update_timestamp".into(), json!(at.as_secs()));
        let waba = template.waba;
        self.owe_account(now, waba, "template_category_update", &Value::Object(value));
    }

    /// The day after the announcement.
    pub(crate) fn carry_out_recategorising(&mut self, now: Now, id: u64) {
        let Some(template) = self.template(id) else { return };
        let (Some(category), Some(at)) = (template.correct_category, template.recategorise_at) else { return };
        if at > now.world.as_millis() {
            return;
        }
        let previous = template.category;
        let mut value = names(template);
        value.insert("previous_category".into(), json!(previous.as_str()));
        value.insert("new_category".into(), json!(category.as_str()));
        let waba = template.waba;
        self.change_template(id, |template| {
            template.previous_category = Some(previous);
            template.category = category;
            template.correct_category = None;
            template.recategorise_at = None;
        });
        self.owe_account(now, waba, "template_category_update", &Value::Object(value));
    }

    pub(super) fn tell_standing(&mut self, now: Now, id: u64, event: &str, reason: &str, extra: &Value) {
        let Some(template) = self.template(id) else { return };
        let mut value = names(template);
        value.insert("event".into(), json!(event));
        value.insert("reason".into(), json!(reason));
        value.insert("message_template_category".into(), json!(template.category.as_str()));
        for (key, part) in extra.as_object().into_iter().flatten() {
            value.insert(key.clone(), part.clone());
        }
        let waba = template.waba;
        self.owe_account(now, waba, "message_template_status_update", &Value::Object(value));
    }

    fn tell_quality(&mut self, now: Now, id: u64, before: &str, after: &str) {
        let Some(template) = self.template(id) else { return };
        let mut value = names(template);
        value.insert("previous_quality_score".into(), json!(before));
        value.insert("new_quality_score".into(), json!(after));
        let waba = template.waba;
        self.owe_account(now, waba, "message_template_quality_update", &Value::Object(value));
    }
}

/// How webhooks name a template: the id is an integer here.
fn names(template: &Template) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("message_template_id".into(), json!(template.id));
    map.insert("message_template_name".into(), json!(template.name));
    map.insert("message_template_language".into(), json!(template.language));
    map
}
