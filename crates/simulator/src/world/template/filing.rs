//! Filing a template and editing one: quotas, names that are taken, and the wait for review that follows.

use serde_json::{Value, json};
use transom_domain::{Span, Timestamp};

use super::create::{self, Draft};
use super::spec::Spec;
use super::{Category, InForce, Standing, Template, rules};
use crate::graph::error::GraphError;
use crate::graph::read::Fields;
use crate::world::{Now, Timer, World};

impl World {
    /// Files a template; it waits for review, unless it comes from Meta's own library: that is approved at once.
    pub(crate) fn file_template(&mut self, now: Now, waba: u64, draft: Draft) -> Result<Value, GraphError> {
        self.admit_creation(now, waba)?;
        self.check_name(now, waba, &draft)?;
        self.check_handles(&draft.components)?;
        let (components, flows) = self.keep_flows(now, waba, &draft.name, draft.components)?;
        let id = self.fresh_id();
        let key = (waba, draft.name.clone(), draft.language.clone());
        let template = Template {
            id,
            waba,
            name: draft.name,
            language: draft.language,
            category: draft.category,
            previous_category: None,
            correct_category: None,
            recategorise_at: None,
            recategorised_at: None,
            appeal: None,
            format: draft.format,
            spec: Spec::of(&components),
            components,
            in_force: None,
            standing: Standing::Pending,
            rejected_reason: None,
            quality: "UNKNOWN".into(),
            quality_at: now.world.as_millis(),
            pauses: 0,
            resume_at: None,
            review_at: None,
            ttl_seconds: draft.ttl_seconds,
            untracked: draft.untracked,
            library: draft.library,
            flows,
            created: now.world.as_millis(),
            edits: Vec::new(),
            deleted_at: None,
            undelivered: Vec::new(),
            was_approved: false,
            portion: None,
            held: Vec::new(),
        };
        let is_from_library = template.library.is_some();
        let category = template.category.as_str();
        self.templates.insert(id, template);
        self.template_ids.insert(key, id);
        if is_from_library {
            self.approve(now, id, None);
        } else {
            self.await_review(now, id);
        }
        let status = if is_from_library { Standing::Approved } else { Standing::Pending }.as_str();
        Ok(json!({ "id": id.to_string(), "status": status, "category": category }))
    }

    /// Whether the account may make another one at this moment: so many in any hour, counted by what was made.
    fn admit_creation(&self, now: Now, waba: u64) -> Result<(), GraphError> {
        let limit = self.settings.template_creations_per_hour;
        let is_recent = |template: &Template| now.world < Timestamp::from_millis(template.created).plus(rules::CREATIONS_WITHIN);
        let recent = self.templates.values().filter(|template| template.waba == waba && is_recent(template)).count();
        if u32::try_from(recent).is_ok_and(|recent| recent < limit) {
            return Ok(());
        }
        Err(self.throttled(80_007, format!("This account has created its {limit} templates for this hour.")))
    }

    /// Whether this name and language are free, and there is room.
    fn check_name(&self, now: Now, waba: u64, draft: &Draft) -> Result<(), GraphError> {
        let limit = self.templates_limit();
        if self.templates.values().filter(|template| template.waba == waba && template.deleted_at.is_none()).count() >= limit {
            return Err(rules::TEMPLATES_LIMIT.refuse(format!(
                "You have exceeded the maximum number of message templates ({limit}) you can have for this WhatsApp business account."
            )));
        }
        if self.template_ids.contains_key(&(waba, draft.name.clone(), draft.language.clone())) {
            return Err(rules::LANGUAGE_EXISTS.refuse(format!(
                "There is already {} content for this template. You can create a new template and try again.",
                draft.language
            )));
        }
        let named = || self.templates.values().filter(|other| other.waba == waba && other.name == draft.name);
        let living = named().find(|other| other.deleted_at.is_none());
        // The name as a whole is locked, unless other languages of it live on: then only the language that went.
        let locking = named().find(|other| {
            other.locks_until().is_some_and(|until| now.world < until) && (living.is_none() || other.language == draft.language)
        });
        if let Some(locking) = locking {
            let left = locking.locks_until().map_or(Span::ZERO, |until| until.since(now.world));
            return Err(rules::NAME_DELETED.refuse(format!(
                "New {} content can't be added while the existing {} content is being deleted. Try again in {} days or consider \
                 creating a new message template.",
                draft.language,
                locking.language,
                left.as_secs().div_euclid(86_400) + 1,
            )));
        }
        if let Some(other) = living.filter(|other| other.category != draft.category) {
            return Err(rules::CATEGORY_DIFFERS.refuse(format!(
                "You can't change the category for this message template. Use {} as the category, as in {}.",
                other.category.as_str(),
                other.language
            )));
        }
        Ok(())
    }

    /// How many templates an account may have.
    pub(crate) const fn templates_limit(&self) -> usize {
        if self.settings.business_verified { rules::TEMPLATES_VERIFIED } else { rules::TEMPLATES_UNVERIFIED }
    }

    /// Back to the reviewer's pile. Somebody at the desk decides, or a rule, or the settings say after how long it happens by itself.
    pub(super) fn await_review(&mut self, now: Now, id: u64) {
        let after = self.review_takes(id);
        if let Some(template) = self.templates.get_mut(&id) {
            if template.standing != Standing::InAppeal {
                template.standing = Standing::Pending;
            }
            template.review_at = after.map(|after| now.world.plus(after).as_millis());
            if let Some(at) = template.review_at {
                self.timers.insert((at, Timer::Review(id)));
            }
        }
        self.keep_template(id);
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
        if !["category", "components", "message_send_ttl_seconds", "cta_url_link_tracking_opted_out"]
            .iter()
            .any(|key| fields.has(key))
        {
            return Err(GraphError::missing("components"));
        }
        may_edit(template, now)?;
        let mut category = template.category;
        if fields.has("category") {
            category = create::category(&fields)?;
            if category != template.category && template.standing == Standing::Approved {
                return Err(rules::CATEGORY_FIXED.refuse("You cannot edit the category of an approved template."));
            }
        }
        let mut format = template.format;
        let components = if fields.has("components") {
            format = create::format_or(&fields, format)?;
            Some(create::components(&fields, category, format, &template.language)?)
        } else {
            None
        };
        let ttl = create::ttl(&fields, category)?;
        let untracked = fields.flag_opt("cta_url_link_tracking_opted_out")?;
        let (waba, name) = (template.waba, template.name.clone());
        let components = match components {
            Some(components) => {
                self.check_handles(&components)?;
                Some(self.keep_flows(now, waba, &name, components)?)
            }
            None => None,
        };
        let keeps = self.settings.edit_keeps_approved;
        let is_new = components.is_some();
        self.change_template(id, |template| {
            if template.standing == Standing::Approved {
                template.edits.push(now.world.as_millis());
                template.in_force = keeps.then(|| InForce {
                    format: template.format,
                    components: template.components.clone(),
                    spec: template.spec.clone(),
                    ttl_seconds: template.ttl_seconds,
                });
            }
            if let Some((components, flows)) = components {
                template.spec = Spec::of(&components);
                template.components = components;
                template.flows = flows;
                template.format = format;
                // With words of its own it is no template of the library any more.
                template.library = None;
            }
            template.category = category;
            template.ttl_seconds = ttl.or(template.ttl_seconds);
            template.untracked = untracked.unwrap_or(template.untracked);
            template.resume_at = None;
        });
        if is_new {
            self.tell_components(now, id);
        }
        self.await_review(now, id);
        Ok(())
    }
}

/// Whether a template can be edited at this moment.
fn may_edit(template: &Template, now: Now) -> Result<(), GraphError> {
    if !matches!(template.standing, Standing::Approved | Standing::Rejected | Standing::Paused) {
        return Err(rules::STATUS_FIXED.refuse(format!(
            "The status for this message template can't be changed while it is {}. You can only delete or add templates.",
            template.standing.as_str()
        )));
    }
    if template.standing != Standing::Approved {
        return Ok(());
    }
    for (most, within) in rules::EDITS {
        let is_recent = |at: &&i64| now.world < Timestamp::from_millis(**at).plus(within);
        if template.edits.iter().filter(is_recent).count() >= most {
            return Err(rules::EDITS_USED_UP.refuse(format!(
                "An approved template can be edited {most} time(s) in {} hours. Try again later.",
                within.as_secs().div_euclid(3_600)
            )));
        }
    }
    Ok(())
}

impl Template {
    /// Until when a deleted template keeps its name taken.
    fn locks_until(&self) -> Option<Timestamp> {
        let deleted = Timestamp::from_millis(self.deleted_at?);
        (self.was_approved || !self.undelivered.is_empty()).then(|| deleted.plus(rules::NAME_TAKEN))
    }

    /// The category under which the reviewer files a template that it takes for marketing.
    pub(super) fn recategorised(&self) -> Category {
        if self.category == Category::Utility { Category::Marketing } else { self.category }
    }
}
