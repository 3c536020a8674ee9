//! Pacing: a new template may be released in portions (Meta: templates/template-pacing). What is beyond the portion is taken and held
//! until Meta has seen how customers like the first; then all of it goes, or the template is paused and all of it fails.

use serde_json::json;

use super::Standing;
use crate::world::message::{Status, Step};
use crate::world::{Now, Timer, World};

impl World {
    /// From now on only so many sends of a template go; those after them are held.
    pub(crate) fn pace(&mut self, id: u64, portion: u32) {
        self.change_template(id, |template| template.portion = Some(portion));
    }

    /// Takes one send of a template out of its portion; `false` when it is to be held.
    pub(crate) fn within_portion(&mut self, id: u64) -> bool {
        let Some(template) = self.templates.get_mut(&id) else { return true };
        match &mut template.portion {
            None => return true,
            Some(0) => return false,
            Some(portion) => *portion -= 1,
        }
        self.keep_template(id);
        true
    }

    /// Remembers that a message is held.
    pub(crate) fn hold(&mut self, id: u64, seq: u64) {
        self.change_template(id, |template| template.held.push(seq));
    }

    /// Customers like the template: what was held goes, and nothing more is held.
    pub(crate) fn release(&mut self, now: Now, id: u64) {
        self.let_go(now, id, Step::Send);
    }

    /// They don't: the template is paused until it is unpaused by hand, and what was held fails.
    pub(crate) fn stop_pacing(&mut self, now: Now, id: u64) {
        self.let_go(now, id, Step::Fail);
        self.change_template(id, |template| {
            template.standing = Standing::Paused;
            template.resume_at = None;
        });
        let extra =
            json!({ "other_info": { "title": "RATE_LIMITING_PAUSE", "description": "The template is paused by pacing." } });
        self.tell_standing(now, id, "PAUSED", &json!("NONE"), &extra);
    }

    fn let_go(&mut self, now: Now, id: u64, step: Step) {
        let Some(template) = self.templates.get_mut(&id) else { return };
        template.portion = None;
        let held = std::mem::take(&mut template.held);
        self.keep_template(id);
        let due = now.world.as_millis();
        for seq in held {
            if self.messages.get(seq).is_none_or(|message| message.progress.status != Status::Accepted) {
                continue;
            }
            self.change(seq, |progress| {
                progress.next = Some((step, due));
                if step == Step::Fail {
                    progress.error = Some(132_015);
                    progress.details = Some("The template was paused by pacing before this message was released.".to_owned());
                }
            });
            self.timers.insert((due, Timer::Message(seq, step)));
        }
    }
}
