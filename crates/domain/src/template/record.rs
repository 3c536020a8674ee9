//! A template as it is held, and how what is read, told and done changes it. Each step gives the new record and what is worth
//! telling; none depends on the order in which readings and webhooks arrive beyond the times that they carry.

use serde::{Deserialize, Serialize};

use super::{Approval, Category, Change, Definition, Edit, Life, NextCategory, Pause, Review, Template};
use crate::fact::{TemplateNews, TemplateStatus, TemplateTold};
use crate::time::{Span, Timestamp};

/// Meta's webhooks tell whole seconds: what they tell may have happened up to this much later, and a reading within the same
/// second must not undo it.
const SECOND: Span = Span::millis(999);

/// How long Meta's list may go on showing what was before a creation, an edit or a deletion.
pub const LIST_LAG: Span = Span::minutes(10);

/// A template and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// As it stands.
    pub template: Template,
    /// As of when its status is known, by reading or by webhook.
    pub status_at: Timestamp,
    /// As of when its rating is known.
    pub quality_at: Timestamp,
    /// As of when its categories are known.
    pub category_at: Timestamp,
    /// Whether it was ever read or made here; before that a webhook has only told its status, and nobody knows what it consists of.
    pub read: bool,
}

impl Record {
    /// A template that is read for the first time.
    #[must_use]
    pub fn found(mut template: Template, at: Timestamp) -> Self {
        let life = &mut template.life;
        (life.since, life.changed_at) = (at, at);
        life.was_approved = has_been_approved(template.approval);
        if template.approval == Approval::Paused {
            pause(life, None, at);
        }
        Self { template, status_at: at, quality_at: at, category_at: at, read: true }
    }

    /// A template that was created here, by a call that `begun` and was `answered` then. A webhook may have been faster than the
    /// answer: what it told of this id is joined to it.
    #[must_use]
    pub fn created(before: Option<&Self>, mut template: Template, begun: Timestamp, answered: Timestamp) -> (Self, Vec<Change>) {
        let known = before.filter(|before| before.read);
        if let Some(known) = known {
            template.life.version = known.next_version();
            template.life.twin.clone_from(&known.template.life.twin);
        }
        template.life.as_sent = true;
        (template.life.since, template.life.changed_at) = (begun, begun);
        template.life.answered_at = answered;
        template.life.was_approved = template.approval == Approval::Approved;
        let record = Self { template, status_at: begun, quality_at: begun, category_at: begun, read: true };
        let mut changes = vec![Change::Created];
        // The answer knows as much as a webhook that it waits for review.
        let rumour = before.and_then(|before| before.template.life.rumour.as_deref());
        let rumour = rumour.filter(|told| told.id == record.template.id && told.approval != Approval::Pending);
        match rumour.and_then(|told| record.told(told)) {
            Some((joined, heard)) => {
                // What a webhook says of a name that nobody knows is told at once.
                if known.is_some() {
                    changes.extend(heard);
                }
                (joined, changes)
            }
            None => (record, changes),
        }
    }

    /// An edit was taken by Meta and goes to review, by a call that `begun` and was `answered` then. Gives the version's number.
    #[must_use]
    pub fn edited(
        &self,
        category: Option<Category>,
        definition: Option<Definition>,
        ttl_seconds: Option<i64>,
        (begun, answered): (Timestamp, Timestamp),
    ) -> (Self, Vec<Change>) {
        let mut record = self.clone();
        let known = &self.template;
        // Webhooks may have been faster than the answer, and have told that the review began, or even how it ended.
        let is_heard = known.life.review.is_some_and(|review| review.since.plus(SECOND) > begun);
        let is_over = self.status_at.minus(SECOND) > begun && matches!(known.approval, Approval::Approved | Approval::Rejected);
        let from = if is_heard { self.reviewed_from() } else { self.stood_at() };
        let version = self.next_version();
        let mut changes = vec![Change::Edited { version, from, before: Some(Box::new(self.newest().clone())) }];
        let definition = definition.unwrap_or_else(|| known.definition.clone());
        record.take_edit(definition, version, answered, true);
        if let Some(category) = category {
            record.template.category = category;
            record.category_at = begun;
        }
        let life = &mut record.template.life;
        life.ttl_seconds = ttl_seconds.or(known.life.ttl_seconds);
        life.answered_at = answered;
        life.changed_at = life.changed_at.max(begun);
        if is_over {
            if known.approval == Approval::Approved {
                record.take_into_force(&mut changes);
            }
            return (record, changes);
        }
        life.rejection = None;
        life.paused_until = None;
        life.review = Some(Review { from, since: begun });
        record.template.approval = Approval::Pending;
        record.template.reason = None;
        record.status_at = self.status_at.max(begun);
        (record, changes)
    }

    /// It was deleted here, by a call that `begun` and was `answered` then.
    #[must_use]
    pub fn deleted_here(&self, begun: Timestamp, answered: Timestamp) -> (Self, Vec<Change>) {
        let (mut record, changes) = self.deleted(self.status_at.max(begun));
        record.template.life.answered_at = answered;
        (record, changes)
    }

    /// It is gone.
    fn deleted(&self, at: Timestamp) -> (Self, Vec<Change>) {
        let mut record = self.clone();
        record.template.approval = Approval::Deleted;
        record.template.life.edit = None;
        record.template.life.paused_until = None;
        record.status_at = at;
        record.template.life.changed_at = at;
        (record, vec![Change::Deleted])
    }

    /// The list of Meta's was read as of `at`, and this is what it says. What a webhook told later than that stays.
    #[must_use]
    pub fn read(&self, read: Template, at: Timestamp) -> (Self, Vec<Change>) {
        let known = &self.template;
        let unchanged = || (self.clone(), Vec::new());
        if at < known.life.answered_at {
            // It began before what was done here had been answered, and may show what was before.
            return unchanged();
        }
        if known.id != read.id {
            let lags = known.life.as_sent && at < known.life.answered_at.plus(LIST_LAG);
            let is_behind = self.read && (lags || at < self.status_at);
            return if is_behind { unchanged() } else { self.replaced(read, at) };
        }
        if known.approval == Approval::Deleted {
            // Nor does Meta take it off the list before its last messages have ended, which may be weeks.
            let is_behind = at < self.status_at.max(known.life.answered_at).plus(LIST_LAG);
            if is_behind || matches!(read.approval, Approval::Deleted | Approval::PendingDeletion) {
                return unchanged();
            }
        }
        let mut record = self.clone();
        let mut changes = Vec::new();
        record.template.life.ttl_seconds = read.life.ttl_seconds;
        record.template.life.rumour = record.template.life.rumour.filter(|told| told.id != read.id);
        // Shown as it was before our edit: Meta's list is behind, or somebody took the edit back.
        let is_as_before = known
            .life
            .edit
            .as_ref()
            .is_some_and(|edit| known.definition.is_same(&read.definition) && !edit.definition.is_same(&read.definition));
        let is_behind = is_as_before && known.life.edit.as_ref().is_some_and(|edit| at < edit.since.plus(LIST_LAG));
        if is_as_before && !is_behind && read.approval == Approval::Approved {
            record.template.life.edit = None;
        }
        if self.status_at <= at && !is_behind {
            record.status_at = at;
            record.take_status(read.approval, read.reason, None, at, &mut changes);
        }
        if !is_behind {
            record.take_definition(read.definition, self.read, at, &mut changes);
        }
        record.read = true;
        if self.quality_at <= at && read.life.quality.is_some() {
            record.quality_at = at;
            take_quality(&mut record.template.life, read.life.quality, &mut changes);
        }
        if self.category_at <= at {
            record.category_at = at;
            let next = read.life.next_category;
            take_category(&mut record.template, read.category, next, &mut changes);
        }
        record.touched(&changes, at);
        (record, changes)
    }

    /// As it stands once the whole account has been read as of `at` and that has changed nothing of it: such a reading moves its
    /// dates alone, and is written down once for the account. Unchanged where the reading may have been behind, or has not
    /// been understood.
    #[must_use]
    pub fn as_of(mut self, at: Option<Timestamp>) -> Self {
        let Some(at) = at else { return self };
        let life = &self.template.life;
        let is_behind = life.as_sent
            || at < life.answered_at
            || at <= life.unread_at
            || life.edit.as_ref().is_some_and(|edit| at < edit.since.plus(LIST_LAG));
        if self.read && !is_behind && self.template.approval != Approval::Deleted {
            self.status_at = self.status_at.max(at);
            self.category_at = self.category_at.max(at);
            if life.quality.is_some() {
                self.quality_at = self.quality_at.max(at);
            }
        }
        self
    }

    /// It is in Meta's list, which was read as of `at`, but not in a form that is understood here.
    #[must_use]
    pub fn not_understood(mut self, at: Timestamp) -> Self {
        self.template.life.unread_at = self.template.life.unread_at.max(at);
        self
    }

    /// It is not in Meta's list any more, which was read as of `at`. None where that says nothing new.
    #[must_use]
    pub fn missing(&self, at: Timestamp) -> Option<(Self, Vec<Change>)> {
        let life = &self.template.life;
        // What was made here may not be in the list yet.
        let is_behind = at < life.answered_at || life.as_sent && at < life.answered_at.plus(LIST_LAG);
        (self.status_at <= at && !is_behind && self.template.approval != Approval::Deleted).then(|| self.deleted(at))
    }

    /// Meta's list has another template of the same name: this one is gone.
    fn replaced(&self, mut read: Template, at: Timestamp) -> (Self, Vec<Change>) {
        let known = &self.template;
        let mut changes = Vec::new();
        if self.read {
            read.life.version = self.next_version();
            read.life.twin.clone_from(&known.life.twin);
            if known.approval != Approval::Deleted {
                changes.push(Change::Deleted);
            }
        }
        changes.push(Change::Found);
        let mut record = Self::found(read, at);
        match known.life.rumour.as_deref().filter(|told| told.at.plus(SECOND) > at) {
            Some(told) if told.id == record.template.id => {
                if let Some((joined, heard)) = record.told(told) {
                    record = joined;
                    changes.extend(heard);
                }
            }
            later => record.template.life.rumour = later.cloned().map(Box::new),
        }
        (record, changes)
    }

    /// A webhook told a status of a template that nobody here knows.
    #[must_use]
    pub fn rumoured(told: &TemplateStatus) -> (Self, Vec<Change>) {
        let at = told.at.plus(SECOND);
        // A warning says that it was approved once, not how it stands.
        let (approval, status_at) = if told.flagged { (Approval::Unknown, Timestamp::EPOCH) } else { (told.approval, at) };
        let template = Template {
            id: told.id.clone(),
            name: told.name.clone(),
            language: told.language.clone(),
            category: told.category.unwrap_or(Category::Utility),
            approval,
            reason: told.reason.clone(),
            definition: Definition::default(),
            life: Life {
                was_approved: told.flagged || has_been_approved(approval),
                rejection: told.rejection.clone(),
                flagged_at: told.flagged.then_some(told.at),
                disable_on: told.disable_on.clone(),
                rumour: (!told.flagged).then(|| Box::new(told.clone())),
                since: told.at,
                changed_at: told.at,
                ..Life::default()
            },
        };
        let change = if told.flagged {
            Change::Flagged { disable_on: told.disable_on.clone() }
        } else {
            Change::Status { from: None, to: approval, reason: told.reason.clone() }
        };
        let known = Self { template, status_at, quality_at: Timestamp::EPOCH, category_at: Timestamp::EPOCH, read: false };
        (known, vec![change])
    }

    /// A webhook told a status. None where it is older than what is known, or says nothing that is kept.
    #[must_use]
    pub fn told(&self, told: &TemplateStatus) -> Option<(Self, Vec<Change>)> {
        let at = told.at.plus(SECOND);
        if told.id != self.template.id {
            return self.told_of_another(told);
        }
        // What is gone does not come back under the same id, and is not deleted a second time.
        if self.status_at > at || self.template.approval == Approval::Deleted {
            return None;
        }
        let mut record = self.clone();
        let mut changes = Vec::new();
        if !told.flagged {
            record.status_at = at;
            if !self.read {
                record.template.life.rumour = Some(Box::new(told.clone()));
            }
            if told.approval == Approval::Deleted {
                return Some(record.deleted(at));
            }
            record.take_status(told.approval, told.reason.clone(), told.pause, told.at, &mut changes);
        }
        let life = &mut record.template.life;
        if told.rejection.is_some() {
            life.rejection.clone_from(&told.rejection);
        }
        // Some warnings name no day. A status from before the warning does not take it back.
        if life.flagged_at.is_none_or(|flagged_at| flagged_at <= told.at) {
            if told.flagged && (life.flagged_at.is_none() || life.disable_on != told.disable_on) {
                changes.push(Change::Flagged { disable_on: told.disable_on.clone() });
            }
            life.flagged_at = told.flagged.then_some(told.at);
            life.disable_on.clone_from(&told.disable_on);
        }
        if let Some(category) = told.category.filter(|_| self.category_at <= at) {
            let next = life.next_category;
            take_category(&mut record.template, category, next, &mut changes);
        }
        record.touched(&changes, told.at);
        Some((record, changes))
    }

    /// A webhook told a status of another template that has this name: of one that is gone, or of one that was made since. A
    /// reading or the answer of a creation will tell which; until then it is kept beside.
    fn told_of_another(&self, told: &TemplateStatus) -> Option<(Self, Vec<Change>)> {
        if told.flagged {
            return None;
        }
        if !self.read {
            return (self.status_at < told.at.plus(SECOND)).then(|| Self::rumoured(told));
        }
        let kept = self.template.life.rumour.as_deref();
        kept.is_none_or(|kept| kept.at <= told.at && kept != told).then(|| {
            let mut record = self.clone();
            record.template.life.rumour = Some(Box::new(told.clone()));
            (record, Vec::new())
        })
    }

    /// A webhook told something else. None where it is older than what is known, or says nothing that is kept.
    #[must_use]
    pub fn heard(&self, told: &TemplateTold) -> Option<(Self, Vec<Change>)> {
        if told.id != self.template.id {
            return None;
        }
        let (news, said_at) = (&told.news, told.at);
        let at = said_at.plus(SECOND);
        let mut record = self.clone();
        let mut changes = Vec::new();
        match news {
            TemplateNews::Quality { to } => {
                if self.quality_at > at {
                    return None;
                }
                record.quality_at = at;
                take_quality(&mut record.template.life, Some(*to), &mut changes);
            }
            TemplateNews::CategoryAnnounced { present, next, from } => {
                if self.category_at > at {
                    return None;
                }
                record.category_at = at;
                let next = NextCategory { category: *next, at: *from };
                take_category(&mut record.template, *present, Some(next), &mut changes);
            }
            TemplateNews::Category { to } => {
                if self.category_at > at {
                    return None;
                }
                record.category_at = at;
                take_category(&mut record.template, *to, None, &mut changes);
            }
            // It says that something has changed, not all of what: a reading follows.
            TemplateNews::Components => return None,
        }
        record.touched(&changes, said_at);
        (record != *self).then_some((record, changes))
    }

    fn touched(&mut self, changes: &[Change], at: Timestamp) {
        if !changes.is_empty() {
            self.template.life.changed_at = self.template.life.changed_at.max(at);
        }
    }

    /// The status before the review that is under way or was last.
    fn reviewed_from(&self) -> Approval {
        self.template.life.review.map_or(self.template.approval, |review| review.from)
    }

    /// Its status, leaving out a review that is under way.
    fn stood_at(&self) -> Approval {
        if self.template.approval == Approval::Pending { self.reviewed_from() } else { self.template.approval }
    }

    /// What it consists of, or will once an edit has passed its review.
    fn newest(&self) -> &Definition {
        self.template.life.edit.as_ref().map_or(&self.template.definition, |edit| &edit.definition)
    }

    fn next_version(&self) -> u32 {
        let life = &self.template.life;
        life.edit.as_ref().map_or(life.version, |edit| edit.version.max(life.version)).saturating_add(1)
    }

    fn take_status(
        &mut self,
        to: Approval,
        reason: Option<String>,
        told: Option<Pause>,
        at: Timestamp,
        changes: &mut Vec<Change>,
    ) {
        let template = &mut self.template;
        let from = template.approval;
        template.approval = to;
        template.reason.clone_from(&reason);
        template.life.was_approved |= has_been_approved(to);
        if to == Approval::Pending && from != Approval::Pending {
            template.life.review = Some(Review { from, since: at });
        }
        if to != Approval::Rejected {
            template.life.rejection = None;
        }
        match to {
            Approval::Paused if from != Approval::Paused => pause(&mut template.life, told, at),
            // A reading has noticed the pause already, and this says which it is.
            Approval::Paused if told.is_some() => {
                template.life.pauses = template.life.pauses.saturating_sub(1);
                pause(&mut template.life, told, at);
            }
            Approval::Paused => {}
            _ => template.life.paused_until = None,
        }
        if from != to {
            changes.push(Change::Status { from: Some(from), to, reason });
        }
        if to == Approval::Approved {
            self.take_into_force(changes);
        }
    }

    /// The review has ended well.
    fn take_into_force(&mut self, changes: &mut Vec<Change>) {
        let template = &mut self.template;
        if let Some(edit) = template.life.edit.take() {
            template.definition = edit.definition;
            template.life.version = edit.version;
            template.life.as_sent = edit.as_sent;
            changes.push(Change::InForce { version: edit.version });
        }
    }

    /// What Meta's list says that it consists of; its status has been taken over already.
    fn take_definition(&mut self, read: Definition, was_read: bool, at: Timestamp, changes: &mut Vec<Change>) {
        let template = &mut self.template;
        if !was_read || template.definition.is_same(&read) && template.life.edit.is_none() {
            template.definition = read;
            template.life.as_sent = false;
            return;
        }
        if let Some(edit) = &mut template.life.edit {
            if !template.definition.is_same(&read) || edit.definition.is_same(&read) {
                // Ours in Meta's writing, or one that came after it.
                edit.definition = read;
                edit.as_sent = false;
            }
            return;
        }
        if template.life.as_sent {
            template.definition = read;
            template.life.as_sent = false;
            return;
        }
        // It was changed elsewhere, and may have been approved since.
        let before = changes.iter().find_map(|change| match change {
            Change::Status { from, .. } => *from,
            _ => None,
        });
        let from = match before.unwrap_or(template.approval) {
            Approval::Pending => self.reviewed_from(),
            other => other,
        };
        let version = self.next_version();
        changes.push(Change::Edited { version, from, before: Some(Box::new(self.newest().clone())) });
        if self.template.approval == Approval::Approved {
            self.template.definition = read;
            self.template.life.version = version;
            changes.push(Change::InForce { version });
        } else {
            self.take_edit(read, version, at, false);
        }
    }

    /// Another definition goes to review. What was approved before stays the one that is in hand.
    fn take_edit(&mut self, definition: Definition, version: u32, since: Timestamp, as_sent: bool) {
        let life = &mut self.template.life;
        if life.was_approved {
            life.edit = Some(Box::new(Edit { version, definition, since, as_sent }));
        } else {
            (life.version, life.as_sent) = (version, as_sent);
            self.template.definition = definition;
        }
    }
}

/// Statuses that only an approved template comes to.
const fn has_been_approved(approval: Approval) -> bool {
    matches!(
        approval,
        Approval::Approved | Approval::Paused | Approval::Disabled | Approval::Archived | Approval::PendingDeletion
    )
}

fn pause(life: &mut Life, told: Option<Pause>, at: Timestamp) {
    let pause = told.unwrap_or_else(|| Pause::after(life.pauses));
    life.paused_until = pause.length().map(|length| at.plus(length));
    match pause {
        Pause::FirstPause => life.pauses = life.pauses.max(1),
        Pause::SecondPause => life.pauses = life.pauses.max(2),
        Pause::RateLimitingPause => {}
    }
}

fn take_quality(life: &mut Life, to: Option<super::Quality>, changes: &mut Vec<Change>) {
    if let Some(to) = to
        && life.quality != Some(to)
    {
        // What is seen for the first time has not changed.
        if let Some(from) = life.quality {
            changes.push(Change::Quality { from: Some(from), to });
        } else if to != super::Quality::Unknown {
            changes.push(Change::Quality { from: None, to });
        }
        life.quality = Some(to);
    }
}

fn take_category(template: &mut Template, present: Category, next: Option<NextCategory>, changes: &mut Vec<Change>) {
    let from = template.category;
    if from != present {
        template.life.previous_category = Some(from);
        template.category = present;
        changes.push(Change::Category { from, to: present });
    }
    let next = next.filter(|next| next.category != present);
    let known = template.life.next_category;
    match next {
        // A reading does not say from when on.
        Some(next) if known.is_some_and(|known| known.category == next.category && next.at.is_none()) => {}
        Some(next) if known != Some(next) => {
            template.life.next_category = Some(next);
            changes.push(Change::CategoryAnnounced { from: present, to: next.category, starts: next.at });
        }
        Some(_) => {}
        None => template.life.next_category = None,
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
