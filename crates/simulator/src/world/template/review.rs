//! The reviewer: what the desk decides, what the settings let happen by itself, and appeals.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use transom_domain::Span;

use super::{Appeal, Category, Standing, Template};
use crate::world::desk::Refusal;
use crate::world::{Now, World};

/// What the desk decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Perhaps under another category than the one asked for.
    Approve(Option<Category>),
    Reject(Rejection),
    Pause,
    Unpause,
    Disable,
    /// A disabled or flagged template is good again.
    Reinstate,
    /// It is at risk of being disabled.
    Flag,
    /// Customers like it so much: GREEN, YELLOW, RED or UNKNOWN.
    Quality(&'static str),
    /// After a day's notice, or at once.
    Recategorise(Category, bool),
    /// Only so many sends go; those after them are held for quality assessment.
    Pace(u32),
    /// What is held goes.
    Release,
}

/// Why a template is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) reason: &'static str,
    /// What is wrong, and what to do: Meta says so for INVALID_FORMAT only.
    pub(crate) why: Option<String>,
    pub(crate) recommendation: Option<String>,
}

impl Rejection {
    pub(crate) const fn of(reason: &'static str) -> Self {
        Self { reason, why: None, recommendation: None }
    }

    fn info(&self) -> Value {
        if self.reason != "INVALID_FORMAT" {
            return json!({});
        }
        let why = self.why.as_deref().unwrap_or("Your template has an invalid format.");
        let recommendation = self.recommendation.as_deref().unwrap_or("Correct the format of the template and submit it again.");
        json!({ "rejection_info": { "reason": why, "recommendation": recommendation } })
    }
}

/// A row of the table by which templates are reviewed without the desk. The first that fits decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReviewRule {
    /// Fits templates whose name has this in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name_contains: Option<String>,
    /// Fits templates whose header, body or footer has this in it, whatever the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text_contains: Option<String>,
    /// Fits templates that asked for this category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) category: Option<Category>,
    pub(crate) decision: RuleDecision,
    /// With `reject`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// With `approve`: under another category; with `recategorise`: the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) as_category: Option<Category>,
    /// How long the review takes; left out: as the settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after_seconds: Option<i64>,
}

/// What a rule can decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RuleDecision {
    Approve,
    Reject,
    /// Approved, and paused at once.
    Pause,
    /// Approved, and a new category announced.
    Recategorise,
}

impl ReviewRule {
    fn fits(&self, template: &Template) -> bool {
        let name = self.name_contains.as_ref().is_none_or(|part| template.name.contains(part.as_str()));
        let category = self.category.is_none_or(|category| category == template.category);
        let text = self.text_contains.as_ref().is_none_or(|part| template.words().contains(&part.to_lowercase()));
        name && category && text
    }
}

impl World {
    /// The desk decides about a template.
    pub(crate) fn review(&mut self, now: Now, id: u64, decision: Decision) -> Result<(), Refusal> {
        let Some(template) = self.template(id).filter(|template| template.deleted_at.is_none()) else {
            return Err(Refusal::no_template());
        };
        let is_paced = template.portion.is_some();
        let is_category_appeal = template.appeal == Some(Appeal::Category);
        match decision {
            Decision::Approve(_) if is_category_appeal => self.decide_category_appeal(now, id, true),
            Decision::Reject(_) if is_category_appeal => self.decide_category_appeal(now, id, false),
            Decision::Approve(category) => self.approve(now, id, category),
            Decision::Reject(rejection) => self.reject(now, id, &rejection),
            // Bad news while messages are held is the end of pacing.
            Decision::Pause if is_paced => self.stop_pacing(now, id),
            Decision::Pause => self.pause(now, id),
            Decision::Unpause => self.unpause(now, id),
            Decision::Disable => self.disable(now, id, "Your WhatsApp message template has been disabled for its low quality."),
            Decision::Reinstate => self.reinstate(now, id),
            Decision::Flag => {
                // Meta names the day on which it means to disable it; a week is what people are given here.
                let day = now.world.plus(Span::days(7)).as_secs();
                self.tell_standing(now, id, "FLAGGED", &json!("NONE"), &json!({ "disable_info": { "disable_date": day } }));
            }
            Decision::Quality(score) => self.rate(now, id, score),
            Decision::Pace(portion) => self.pace(id, portion),
            Decision::Release => self.release(now, id),
            Decision::Recategorise(category, at_once) => self.announce_category(now, id, category, at_once),
        }
        Ok(())
    }

    /// The business does not agree, and says so in Meta's manager: with a rejection, with being disabled, or with the category
    /// it was given within the last 60 days.
    pub(crate) fn appeal(&mut self, now: Now, id: u64) -> Result<(), Refusal> {
        let Some(template) = self.template(id) else { return Err(Refusal::no_template()) };
        if template.appeal.is_some() {
            return Err(Refusal::conflict("id", "an appeal is under way", "decide it with POST /sim/v1/templates/{id}/review"));
        }
        let appeal = match template.standing {
            Standing::Rejected => Appeal::Rejected,
            Standing::Disabled => Appeal::Disabled,
            Standing::Approved if template.may_appeal_category(now) => Appeal::Category,
            _ => {
                return Err(Refusal::conflict(
                    "id",
                    "there is nothing to appeal: it is neither rejected nor disabled, and got no other category within 60 days",
                    "reject, disable or recategorise it first",
                ));
            }
        };
        self.change_template(id, |template| {
            template.appeal = Some(appeal);
            if appeal != Appeal::Category {
                template.standing = Standing::InAppeal;
            }
        });
        if appeal != Appeal::Category {
            self.tell_standing(now, id, "IN_APPEAL", &json!("NONE"), &json!({}));
            self.await_review(now, id);
        }
        Ok(())
    }

    pub(super) fn change_template(&mut self, id: u64, change: impl FnOnce(&mut Template)) {
        if let Some(template) = self.templates.get_mut(&id) {
            change(template);
            self.keep_template(id);
        }
    }

    pub(super) fn approve(&mut self, now: Now, id: u64, category: Option<Category>) {
        let mut was_disabled = false;
        self.change_template(id, |template| {
            was_disabled = template.standing == Standing::Disabled || template.appeal == Some(Appeal::Disabled);
            if was_disabled {
                template.pauses = 0;
            }
            template.standing = Standing::Approved;
            template.review_at = None;
            template.resume_at = None;
            template.appeal = None;
            template.in_force = None;
            template.rejected_reason = None;
            template.was_approved = true;
            if let Some(category) = category.filter(|category| *category != template.category) {
                template.previous_category = Some(template.category);
                template.category = category;
                template.recategorised_at = Some(now.world.as_millis());
            }
        });
        let event = if was_disabled { "REINSTATED" } else { "APPROVED" };
        self.tell_standing(now, id, event, &json!("NONE"), &json!({}));
    }

    pub(super) fn reject(&mut self, now: Now, id: u64, rejection: &Rejection) {
        let mut stays_disabled = false;
        self.change_template(id, |template| {
            stays_disabled = template.appeal.take() == Some(Appeal::Disabled);
            template.standing = if stays_disabled { Standing::Disabled } else { Standing::Rejected };
            template.review_at = None;
            template.resume_at = None;
            template.in_force = None;
            if !stays_disabled {
                template.rejected_reason = Some(rejection.reason.to_owned());
            }
        });
        if stays_disabled {
            self.disable(now, id, "The appeal did not change that your WhatsApp message template is disabled.");
        } else {
            self.tell_standing(now, id, "REJECTED", &json!(rejection.reason), &rejection.info());
        }
    }

    /// How long this review takes when nobody at the desk has to do it.
    pub(super) fn review_takes(&mut self, id: u64) -> Option<Span> {
        let rule = self.review_rule(id).and_then(|rule| rule.after_seconds);
        let least = rule.or(self.settings.auto_review_seconds)?;
        let most = self.settings.auto_review_up_to_seconds.filter(|most| rule.is_none() && *most > least);
        Some(Span::secs(most.map_or(least, |most| self.chance.between(least, most))))
    }

    fn review_rule(&self, id: u64) -> Option<&ReviewRule> {
        let template = self.templates.get(&id)?;
        self.settings.review_rules.iter().find(|rule| rule.fits(template))
    }

    /// The review nobody at the desk has to do: by the desk's table; else by a local convention a name that ends in `_rejected`,
    /// `_paused` or `_recategorised` gets that; else a wording that another template has already is refused, as Meta
    /// does, and a format that only the review looks at.
    pub(crate) fn review_by_itself(&mut self, now: Now, id: u64) {
        let is_due = |template: &&Template| {
            matches!(template.standing, Standing::Pending | Standing::InAppeal)
                && template.review_at.is_some_and(|at| at <= now.world.as_millis())
        };
        let Some(template) = self.template(id).filter(is_due) else { return };
        let name = template.name.clone();
        let other_category = template.recategorised();
        if let Some(rule) = self.review_rule(id).cloned() {
            return self.review_by_rule(now, id, &rule, other_category);
        }
        if name.ends_with("_rejected") {
            self.reject(now, id, &Rejection::of("INVALID_FORMAT"));
        } else if self.is_copy(id) {
            let rejection = Rejection {
                why: Some("Another template of this language has the same body and footer.".to_owned()),
                recommendation: Some("Use the other template, or change the wording.".to_owned()),
                ..Rejection::of("INVALID_FORMAT")
            };
            self.reject(now, id, &rejection);
        } else if let Some(rejection) = self.template(id).and_then(super::format::look) {
            self.reject(now, id, &rejection);
        } else {
            self.approve(now, id, None);
            if name.ends_with("_paused") {
                self.pause(now, id);
            }
            if name.ends_with("_recategorised") {
                self.announce_category(now, id, Category::Marketing, false);
            }
        }
    }

    fn review_by_rule(&mut self, now: Now, id: u64, rule: &ReviewRule, other: Category) {
        match rule.decision {
            RuleDecision::Approve => self.approve(now, id, rule.as_category),
            RuleDecision::Reject => {
                let known = super::rules::REASONS.iter().find(|known| Some(**known) == rule.reason.as_deref());
                self.reject(now, id, &Rejection::of(known.copied().unwrap_or("INVALID_FORMAT")));
            }
            RuleDecision::Pause => {
                self.approve(now, id, None);
                self.pause(now, id);
            }
            RuleDecision::Recategorise => {
                self.approve(now, id, None);
                self.announce_category(now, id, rule.as_category.unwrap_or(other), false);
            }
        }
    }

    /// Whether an older template has the same words: WA templates/template-review.
    fn is_copy(&self, id: u64) -> bool {
        let Some(template) = self.template(id).filter(|template| template.category != Category::Authentication) else {
            return false;
        };
        let wording = template.wording();
        self.templates_of(template.waba).any(|other| {
            other.id != id
                && other.created <= template.created
                && other.standing != Standing::Rejected
                && other.language == template.language
                && other.wording() == wording
        })
    }
}
