//! Templates that are deleted: gone at once, or PENDING_DELETION while messages of theirs are still on their way; the name stays taken
//! for 30 days (WA templates/template-management).

use serde_json::{Value, json};

use super::{Standing, Template, rules};
use crate::graph::content::Kind;
use crate::graph::error::GraphError;
use crate::world::message::{Message, Status};
use crate::world::{Now, Timer, World};

impl World {
    /// A template that is on file; one whose deletion still waits is.
    pub(crate) fn template(&self, id: u64) -> Option<&Template> {
        self.templates.get(&id).filter(|template| !template.is_gone())
    }

    /// The templates of an account, in the order of their ids.
    pub(crate) fn templates_of(&self, waba: u64) -> impl Iterator<Item = &Template> {
        self.templates.values().filter(move |template| template.waba == waba && !template.is_gone())
    }

    /// Deletes the templates; DISABLED ones cannot be.
    pub(crate) fn delete_templates(&mut self, now: Now, ids: &[u64]) -> Result<(), GraphError> {
        let is_disabled = |id: &u64| self.template(*id).is_some_and(|template| template.standing == Standing::Disabled);
        if let Some(id) = ids.iter().find(|id| is_disabled(id)) {
            return Err(rules::STATUS_FIXED.refuse(format!("Message template {id} is disabled and can't be deleted.")));
        }
        for id in ids {
            self.delete_template(now, *id);
        }
        Ok(())
    }

    fn delete_template(&mut self, now: Now, id: u64) {
        let Some(template) = self.template(id).filter(|template| template.deleted_at.is_none()) else { return };
        let key = (template.waba, template.name.clone(), template.language.clone());
        let undelivered = self.undelivered_of(template);
        let is_gone = undelivered.is_empty();
        self.change_template(id, |template| {
            template.deleted_at = Some(now.world.as_millis());
            template.standing = Standing::PendingDeletion;
            template.undelivered = undelivered;
            template.review_at = None;
            template.resume_at = None;
            template.recategorise_at = None;
            template.in_force = None;
        });
        self.template_ids.remove(&key);
        self.timers.insert((now.world.plus(rules::DELETION_WAITS.max(rules::NAME_TAKEN)).as_millis(), Timer::Forget(id)));
        if is_gone {
            self.tell_standing(now, id, "DELETED", &json!("NONE"), &json!({}));
        } else {
            self.leaving.insert(id);
            self.tell_standing(now, id, "PENDING_DELETION", &Value::Null, &json!({}));
        }
    }

    /// Its messages that are neither on a phone nor lost for good.
    fn undelivered_of(&self, template: &Template) -> Vec<u64> {
        let is_its = |message: &&Message| {
            message.body.kind == Kind::Template
                && matches!(message.progress.status, Status::Accepted | Status::Sent)
                && self.numbers.get(&message.body.number).is_some_and(|number| number.waba == template.waba)
                && message.body.shown.get("name").and_then(Value::as_str) == Some(template.name.as_str())
                && message.body.shown.get("language").and_then(Value::as_str) == Some(template.language.as_str())
        };
        self.messages.outbound().filter(is_its).map(|message| message.body.seq).collect()
    }

    /// A message has come to its end: a deletion may have waited for it.
    pub(crate) fn message_ended(&mut self, now: Now, seq: u64) {
        let waiting: Vec<u64> = self.leaving.iter().copied().collect();
        for id in waiting {
            let Some(template) = self.templates.get_mut(&id).filter(|template| template.undelivered.contains(&seq)) else {
                continue;
            };
            template.undelivered.retain(|other| *other != seq);
            let is_gone = template.undelivered.is_empty();
            self.keep_template(id);
            if is_gone {
                self.leaving.remove(&id);
                self.tell_standing(now, id, "DELETED", &json!("NONE"), &json!({}));
            }
        }
    }

    /// Thirty days after its deletion nothing of a template is left.
    pub(crate) fn forget_template(&mut self, now: Now, id: u64) {
        if self.leaving.remove(&id) {
            self.tell_standing(now, id, "DELETED", &json!("NONE"), &json!({}));
        }
        if self.templates.get(&id).is_some_and(|template| template.deleted_at.is_some()) {
            self.templates.remove(&id);
            self.drop_template(id);
        }
    }
}
