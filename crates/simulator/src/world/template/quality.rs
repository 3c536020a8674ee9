//! What customers think of a template, and what follows: three hours of pause, then six, then it is disabled
//! (WA templates/template-quality, templates/template-pausing).

use serde_json::json;

use super::{Standing, rules};
use crate::world::{Now, Timer, World};

/// The scores: WA templates/template-quality.
pub(crate) const SCORES: &[&str] = &["GREEN", "YELLOW", "RED", "UNKNOWN"];

impl World {
    /// A new score; the lowest one pauses a template that is in use.
    pub(super) fn rate(&mut self, now: Now, id: u64, score: &str) {
        let is_in_use = self.template(id).is_some_and(|template| template.standing == Standing::Approved);
        self.score(now, id, score);
        if score == "RED" && is_in_use {
            self.pause(now, id);
        }
    }

    fn score(&mut self, now: Now, id: u64, score: &str) {
        let before = self.template(id).map(|template| template.quality.clone()).unwrap_or_default();
        if before == score {
            return;
        }
        self.change_template(id, |template| {
            template.quality = score.to_owned();
            template.quality_at = now.world.as_millis();
        });
        self.tell_quality(now, id, &before, score);
    }

    /// The next rung of the ladder.
    pub(super) fn pause(&mut self, now: Now, id: u64) {
        let pauses = self.template(id).map_or(0, |template| template.pauses) + 1;
        self.score(now, id, "RED");
        let rung = usize::try_from(pauses).ok().and_then(|n| rules::PAUSES.get(n.saturating_sub(1))).copied();
        let Some((lasts, title)) = rung else {
            self.change_template(id, |template| template.pauses = pauses);
            self.disable(now, id, "Your WhatsApp message template has been disabled after its third low quality rating.");
            return;
        };
        let until = now.world.plus(lasts).as_millis();
        self.change_template(id, |template| {
            template.pauses = pauses;
            template.standing = Standing::Paused;
            template.resume_at = Some(until);
        });
        self.timers.insert((until, Timer::Resume(id)));
        let hours = lasts.as_secs().div_euclid(3_600);
        let description = format!("Your WhatsApp message template has been paused for {hours} hours for its low quality.");
        self.tell_standing(
            now,
            id,
            "PAUSED",
            &json!("NONE"),
            &json!({ "other_info": { "title": title, "description": description } }),
        );
    }

    /// It cannot be sent any more, unless an appeal says otherwise.
    pub(super) fn disable(&mut self, now: Now, id: u64, why: &str) {
        self.change_template(id, |template| {
            template.standing = Standing::Disabled;
            template.resume_at = None;
            template.review_at = None;
            template.in_force = None;
        });
        let extra = json!({
            "disable_info": { "disable_date": now.world.as_secs() },
            "other_info": { "title": "DISABLED", "description": why },
        });
        self.tell_standing(now, id, "DISABLED", &json!("NONE"), &extra);
    }

    /// No longer flagged or disabled.
    pub(super) fn reinstate(&mut self, now: Now, id: u64) {
        self.change_template(id, |template| {
            if template.standing == Standing::Disabled {
                template.pauses = 0;
            }
            template.standing = Standing::Approved;
            template.appeal = None;
            template.review_at = None;
            template.resume_at = None;
        });
        self.tell_standing(now, id, "REINSTATED", &json!("NONE"), &json!({}));
    }

    /// A pause is over by itself.
    pub(crate) fn resume(&mut self, now: Now, id: u64) {
        let is_over = self.template(id).is_some_and(|template| {
            template.standing == Standing::Paused && template.resume_at.is_some_and(|at| at <= now.world.as_millis())
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
        let description = "Your WhatsApp message template has been unpaused.";
        let extra = json!({ "other_info": { "title": "UNPAUSE", "description": description } });
        self.tell_standing(now, id, "APPROVED", &json!("NONE"), &extra);
    }
}
