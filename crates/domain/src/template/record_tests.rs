use proptest::prelude::*;

use super::super::{BodyDefinition, Quality, Rejection, TextDefinition};
use super::*;
use crate::content::Language;

fn definition(text: &str) -> Definition {
    Definition { body: BodyDefinition::Own(TextDefinition::new(text, Vec::new())), ..Definition::default() }
}

fn template(approval: Approval, text: &str) -> Template {
    Template {
        id: "1".into(),
        name: "a".into(),
        language: Language::parse("en").unwrap(),
        category: Category::Utility,
        approval,
        reason: None,
        definition: definition(text),
        life: Life::default(),
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_000_000 + seconds)
}

fn status(approval: Approval, when: i64) -> TemplateStatus {
    TemplateStatus {
        id: "1".into(),
        name: "a".into(),
        language: Language::parse("en").unwrap(),
        approval,
        category: None,
        reason: None,
        rejection: None,
        pause: None,
        disable_on: None,
        flagged: false,
        at: at(when),
    }
}

fn news(news: TemplateNews, when: i64) -> TemplateTold {
    let TemplateStatus { id, name, language, at, .. } = status(Approval::Pending, when);
    TemplateTold { id, name, language, news, at }
}

fn words(changes: &[Change]) -> Vec<&'static str> {
    changes.iter().map(Change::as_str).collect()
}

#[test]
fn an_edit_under_review_keeps_the_approved_version_in_force() {
    let approved = Record::found(template(Approval::Approved, "one"), at(0));
    let (edited, changes) = approved.edited(None, Some(definition("two")), None, (at(10), at(10)));
    assert_eq!(words(&changes), ["edited"]);
    assert!(edited.template.sendable());
    assert_eq!((edited.template.definition.clone(), edited.template.life.version), (definition("one"), 1));
    // Read while it is under review, in Meta's writing: nothing new.
    let (read, changes) = edited.read(template(Approval::Pending, "two"), at(20));
    assert!(changes.is_empty() && read.template.sendable() && read.template.definition == definition("one"));
    // Approved, by webhook or by reading: the new one is in force.
    let (told, changes) = read.told(&status(Approval::Approved, 30)).unwrap();
    assert_eq!(words(&changes), ["status", "in_force"]);
    let (found, changes) = read.read(template(Approval::Approved, "two"), at(30));
    assert_eq!(words(&changes), ["status", "in_force"]);
    for record in [told, found] {
        let template = record.template;
        assert_eq!((template.definition, template.life.version, template.life.edit), (definition("two"), 2, None));
    }
    // Rejected: nothing is in force, and what was rejected is kept beside what was approved.
    let (rejected, _) = read.told(&status(Approval::Rejected, 30)).unwrap();
    assert!(!rejected.template.sendable());
    assert_eq!(rejected.template.life.edit.as_ref().unwrap().version, 2);
    let (again, _) = rejected.edited(None, Some(definition("three")), None, (at(40), at(40)));
    assert!(!again.template.sendable());
    assert_eq!(again.template.life.edit.as_ref().unwrap().version, 3);
}

#[test]
fn a_list_that_lags_behind_an_edit_undoes_nothing() {
    let approved = Record::found(template(Approval::Approved, "one"), at(0));
    let (edited, _) = approved.edited(None, Some(definition("two")), None, (at(10), at(10)));
    let (same, changes) = edited.read(template(Approval::Approved, "one"), at(20));
    assert!(changes.is_empty());
    assert_eq!((same.template.approval, same.template.sendable()), (Approval::Pending, true));
    assert_eq!(same.template.life.edit, edited.template.life.edit);
    // For as long it is no lag: somebody has taken the edit back.
    let (back, changes) = edited.read(template(Approval::Approved, "one"), at(3_600));
    assert_eq!(words(&changes), ["status"]);
    assert_eq!((back.template.life.edit, back.template.life.version), (None, 1));
}

#[test]
fn an_edit_made_elsewhere_is_found() {
    let approved = Record::found(template(Approval::Approved, "one"), at(0));
    let (pending, changes) = approved.read(template(Approval::Pending, "two"), at(10));
    assert_eq!(words(&changes), ["status", "edited"]);
    assert!(pending.template.sendable() && pending.template.definition == definition("one"));
    let (at_once, changes) = approved.read(template(Approval::Approved, "two"), at(10));
    assert_eq!(words(&changes), ["edited", "in_force"]);
    assert_eq!((at_once.template.definition, at_once.template.life.version), (definition("two"), 2));
}

#[test]
fn what_was_created_here_is_the_first_version_however_meta_writes_it() {
    let created = Record::created(None, template(Approval::Pending, "Hi {{1}}"), at(0), at(0)).0;
    assert!(!created.template.sendable());
    let (read, changes) = created.read(template(Approval::Approved, "Hi {{1}}!"), at(5));
    assert_eq!((words(&changes), read.template.life.version), (vec!["status"], 1));
    assert!(read.template.life.was_approved && read.template.definition == definition("Hi {{1}}!"));
}

#[test]
fn pauses_go_up_the_ladder() {
    let mut record = Record::found(template(Approval::Approved, "one"), at(0));
    let paused = |pause, when| TemplateStatus { pause, ..status(Approval::Paused, when) };
    let (next, _) = record.told(&paused(Some(Pause::FirstPause), 10)).unwrap();
    assert_eq!(next.template.life.paused_until, Some(at(10).plus(Span::hours(3))));
    assert!(next.template.in_words().explanation.contains(&at(10).plus(Span::hours(3)).to_string()));
    (record, _) = next.told(&status(Approval::Approved, 20)).unwrap();
    assert_eq!(record.template.life.paused_until, None);
    // The webhook of the second is lost, the reading notices; then the webhook comes after all.
    let (noticed, _) = record.read(template(Approval::Paused, "one"), at(30));
    assert_eq!(noticed.template.life.paused_until, Some(at(30).plus(Span::hours(6))));
    let (told, changes) = noticed.told(&paused(Some(Pause::SecondPause), 30)).unwrap();
    assert_eq!((told.template.life.pauses, changes.len()), (2, 0));
    let (paced, _) = record.told(&paused(Some(Pause::RateLimitingPause), 30)).unwrap();
    assert_eq!((paced.template.life.pauses, paced.template.life.paused_until), (1, None));
}

#[test]
fn categories_are_announced_and_changed() {
    let record = Record::found(template(Approval::Approved, "one"), at(0));
    let announced =
        TemplateNews::CategoryAnnounced { present: Category::Utility, next: Category::Marketing, from: Some(at(86_400)) };
    let (record, changes) = record.heard(&news(announced, 10)).unwrap();
    assert_eq!(words(&changes), ["category_announced"]);
    assert!(record.heard(&news(announced, 10)).is_none());
    // Read in between, without the moment: nothing new.
    let mut seen = template(Approval::Approved, "one");
    seen.life.next_category = Some(NextCategory { category: Category::Marketing, at: None });
    let (record, changes) = record.read(seen, at(100));
    assert!(changes.is_empty());
    assert_eq!(record.template.life.next_category.unwrap().at, Some(at(86_400)));
    let (told, changes) = record.heard(&news(TemplateNews::Category { to: Category::Marketing }, 86_400)).unwrap();
    assert_eq!(words(&changes), ["category"]);
    let mut seen = template(Approval::Approved, "one");
    seen.category = Category::Marketing;
    let (read, changes) = record.read(seen, at(86_500));
    assert_eq!(words(&changes), ["category"]);
    for record in [told, read] {
        let life = record.template.life;
        assert_eq!((life.previous_category, life.next_category), (Some(Category::Utility), None));
    }
}

#[test]
fn a_name_that_comes_back_is_another_template() {
    let record = Record::found(template(Approval::Approved, "one"), at(0));
    let (gone, changes) = record.missing(at(10)).unwrap();
    assert_eq!(words(&changes), ["deleted"]);
    assert!(gone.missing(at(20)).is_none());
    let (back, changes) = gone.read(with_id("2", template(Approval::Approved, "two")), at(30));
    assert_eq!((words(&changes), back.template.life.version), (vec!["found"], 2));
    // Gone and back between two readings: Meta's id tells.
    let (other, changes) = record.read(with_id("2", template(Approval::Pending, "two")), at(30));
    assert_eq!(words(&changes), ["deleted", "found"]);
    assert!(!other.template.sendable() && other.template.definition == definition("two"));
    assert_eq!(Record::created(Some(&gone), template(Approval::Pending, "x"), at(30), at(30)).0.template.life.version, 2);
}

fn with_id(id: &str, template: Template) -> Template {
    Template { id: id.to_owned(), ..template }
}

fn told_of(id: &str, approval: Approval, when: i64) -> TemplateStatus {
    TemplateStatus { id: id.to_owned(), ..status(approval, when) }
}

#[test]
fn a_warning_is_no_status() {
    let approved = Record::found(template(Approval::Approved, "one"), at(0));
    let (edited, _) = approved.edited(None, Some(definition("two")), None, (at(10), at(10)));
    let flagged = TemplateStatus { flagged: true, disable_on: Some("Monday".into()), ..status(Approval::Approved, 20) };
    // What is under review stays under review, and what is paused stays paused.
    let (warned, changes) = edited.told(&flagged).unwrap();
    assert_eq!(words(&changes), ["flagged"]);
    assert_eq!((warned.template.approval, warned.template.life.version), (Approval::Pending, 1));
    assert_eq!((&warned.template.definition, warned.template.life.edit.is_some()), (&definition("one"), true));
    assert_eq!(warned.template.life.disable_on.as_deref(), Some("Monday"));
    let (paused, _) = approved.told(&status(Approval::Paused, 10)).unwrap();
    let (warned, _) = paused.told(&flagged).unwrap();
    assert_eq!(warned.template.approval, Approval::Paused);
    assert!(warned.template.life.paused_until.is_some());
    // The status that follows takes it back.
    let (back, _) = warned.told(&status(Approval::Approved, 30)).unwrap();
    assert_eq!((back.template.approval, back.template.life.disable_on), (Approval::Approved, None));
    // A warning without a day is one all the same, told once, and gone with the next status; an older status leaves it.
    let plain = TemplateStatus { disable_on: None, ..flagged.clone() };
    let (warned, changes) = approved.told(&plain).unwrap();
    assert_eq!(words(&changes), ["flagged"]);
    assert!(warned.template.in_words().explanation.contains("means to disable it."));
    assert_eq!(warned.told(&plain).map_or(0, |(_, changes)| changes.len()), 0);
    let (older, _) = warned.told(&status(Approval::Approved, 10)).unwrap();
    assert!(older.template.life.flagged_at.is_some());
    let (back, _) = warned.told(&status(Approval::Approved, 30)).unwrap();
    assert_eq!(back.template.life.flagged_at, None);
    // One of which nothing else is known has been approved once, and nobody has said that it still is.
    let (rumour, changes) = Record::rumoured(&flagged);
    assert_eq!(words(&changes), ["flagged"]);
    assert!(rumour.template.life.was_approved && !rumour.template.sendable());
}

#[test]
fn a_review_that_is_heard_of_first_leaves_the_approved_version_in_force() {
    let approved = Record::found(template(Approval::Approved, "one"), at(0));
    let (pending, changes) = approved.told(&status(Approval::Pending, 10)).unwrap();
    assert_eq!(words(&changes), ["status"]);
    assert!(pending.template.sendable());
    // Our answer comes after the webhook; or a reading finds what was edited elsewhere, still under review or approved by then.
    let (ours, edited) = pending.edited(None, Some(definition("two")), None, (at(10), at(10)));
    let (elsewhere, found) = pending.read(template(Approval::Pending, "two"), at(20));
    let (_, at_once) = pending.read(template(Approval::Approved, "two"), at(20));
    for changes in [edited, found, at_once] {
        let before = Some(Box::new(definition("one")));
        assert!(changes.contains(&Change::Edited { version: 2, from: Approval::Approved, before }), "{changes:?}");
    }
    for record in [ours, elsewhere] {
        assert!(record.template.sendable() && record.template.definition == definition("one"));
        let (over, changes) = record.told(&status(Approval::Approved, 30)).unwrap();
        assert_eq!(words(&changes), ["status", "in_force"]);
        assert_eq!(over.template.definition, definition("two"));
        // What was refused is edited again: nothing is in force meanwhile, whoever tells of it.
        let (refused, _) = record.told(&status(Approval::Rejected, 30)).unwrap();
        let (again, _) = refused.told(&status(Approval::Pending, 40)).unwrap();
        assert!(!again.template.sendable());
    }
}

#[test]
fn what_was_deleted_does_not_come_back_by_a_list_that_lags() {
    let (gone, _) = Record::found(template(Approval::Approved, "one"), at(0)).deleted(at(10));
    for approval in [Approval::Approved, Approval::PendingDeletion] {
        let (same, changes) = gone.read(template(approval, "one"), at(60));
        assert!(changes.is_empty() && same.template == gone.template, "{approval:?}: {changes:?}");
    }
    // Meta may go on showing for weeks that it is being deleted; and tells so, and what it did before.
    let (same, changes) = gone.read(template(Approval::PendingDeletion, "one"), at(86_400));
    assert!(changes.is_empty() && same.template == gone.template);
    for approval in [Approval::PendingDeletion, Approval::Approved, Approval::Deleted] {
        assert!(gone.told(&status(approval, 30)).is_none(), "{approval:?}");
    }
    // It is there after all: the same template, and what it has been.
    let (back, changes) = gone.read(template(Approval::Rejected, "one"), at(3_600));
    assert_eq!((words(&changes), back.template.life.version), (vec!["status"], 1));
    assert!(back.template.life.was_approved);
    // Whatever waits for its messages to end was approved.
    assert!(Record::found(template(Approval::PendingDeletion, "one"), at(0)).template.life.was_approved);
}

#[test]
fn what_is_told_of_another_id_is_not_this_template() {
    let second = Record::found(with_id("2", template(Approval::Approved, "one")), at(0));
    for approval in [Approval::Deleted, Approval::Paused] {
        let next = second.told(&told_of("1", approval, 10));
        let (next, changes) = next.unwrap_or_else(|| (second.clone(), Vec::new()));
        assert!(changes.is_empty());
        assert_eq!((next.template.id.as_str(), next.template.approval), ("2", Approval::Approved));
    }
    // A reading knows: the one is gone, another has its name, and nothing of the first is in force.
    let (other, changes) = second.read(with_id("3", template(Approval::Pending, "two")), at(20));
    assert_eq!(words(&changes), ["deleted", "found"]);
    assert_eq!((other.template.id.as_str(), other.template.life.version), ("3", 2));
    assert!(!other.template.sendable() && other.template.definition == definition("two"));
}

#[test]
fn a_webhook_that_is_faster_than_the_answer_is_joined_to_it() {
    let rejection = Some(Rejection { reason: Some("why".into()), recommendation: Some("what to do".into()) });
    let rejected = TemplateStatus { rejection, reason: Some("SCAM".into()), ..told_of("2", Approval::Rejected, 11) };
    let (gone, _) = Record::found(template(Approval::Rejected, "one"), at(0)).deleted(at(5));
    for told in [told_of("2", Approval::Approved, 11), rejected] {
        let new = || with_id("2", template(Approval::Pending, "two"));
        // The name has been another template's: that one stays what it is.
        let (waits, changes) = gone.told(&told).unwrap();
        assert!(changes.is_empty());
        assert_eq!((waits.template.id.as_str(), waits.template.approval), ("1", Approval::Deleted));
        assert!(waits.told(&told).is_none());
        let (joined, changes) = Record::created(Some(&waits), new(), at(10), at(12));
        assert_eq!(words(&changes), ["created", "status"]);
        // Nobody has heard of the name before: it is told already.
        let (rumour, _) = Record::rumoured(&told);
        let (fresh, changes) = Record::created(Some(&rumour), new(), at(10), at(12));
        assert_eq!(words(&changes), ["created"]);
        for record in [joined, fresh] {
            let template = record.template;
            assert_eq!((template.id.as_str(), template.approval), ("2", told.approval));
            assert_eq!((template.definition, template.reason), (definition("two"), told.reason.clone()));
            assert_eq!((template.life.rejection, template.life.rumour), (told.rejection.clone(), None));
        }
        // Nobody here has made it: a reading finds it, and what was told since.
        let (found, changes) = waits.read(new(), at(8));
        assert_eq!((words(&changes), found.template.approval), (vec!["found", "status"], told.approval));
    }
    // An edit is heard of, or its review is over, before the answer comes.
    let approved = Record::found(template(Approval::Approved, "one"), at(0));
    let (pending, _) = approved.told(&status(Approval::Pending, 11)).unwrap();
    for (approval, expected) in [(Approval::Approved, vec!["edited", "in_force"]), (Approval::Rejected, vec!["edited"])] {
        let (over, _) = pending.told(&status(approval, 12)).unwrap();
        let (edited, changes) = over.edited(None, Some(definition("two")), None, (at(10), at(13)));
        assert_eq!((words(&changes), edited.template.approval), (expected, approval));
        assert_eq!(changes[0].in_brief(), Change::Edited { version: 2, from: Approval::Approved, before: None });
        assert_eq!(edited.template.life.edit.is_some(), approval == Approval::Rejected);
    }
}

#[test]
fn a_reading_that_began_before_the_answer_says_nothing() {
    let approved = Record::found(template(Approval::Approved, "one"), at(0));
    let (created, _) = Record::created(None, template(Approval::Pending, "one"), at(10), at(20));
    // Not in the list yet; and as long as the list may lag, that says nothing either.
    assert!(created.missing(at(15)).is_none() && created.missing(at(300)).is_none());
    assert!(created.missing(at(3_600)).is_some());
    let (edited, _) = approved.edited(None, Some(definition("two")), None, (at(10), at(20)));
    let (gone, _) = approved.deleted_here(at(10), at(20));
    for record in [created, edited, gone] {
        let (same, changes) = record.read(template(Approval::Approved, "one"), at(15));
        assert!(changes.is_empty() && same == record);
    }
}

/// What happens to a template at Meta.
#[derive(Debug, Clone)]
enum Word {
    Status(Approval),
    Quality(Quality),
    /// Meta warns that it may be disabled.
    Flagged,
    /// It is edited, here or elsewhere.
    Edited {
        here: bool,
    },
    /// It is deleted, here or elsewhere.
    Deleted {
        here: bool,
    },
    /// It is deleted, and its name is given to another one, here or elsewhere.
    Replaced {
        here: bool,
    },
}

/// A webhook.
#[derive(Debug, Clone)]
enum Hook {
    Status(TemplateStatus),
    News(TemplateTold),
}

fn any_word() -> impl Strategy<Value = Word> {
    let approvals = [Approval::Pending, Approval::Approved, Approval::Rejected, Approval::Paused, Approval::Disabled];
    let ratings = [Quality::Green, Quality::Yellow, Quality::Red];
    prop_oneof![
        4 => proptest::sample::select(approvals.to_vec()).prop_map(Word::Status),
        2 => proptest::sample::select(ratings.to_vec()).prop_map(Word::Quality),
        1 => Just(Word::Flagged),
        3 => any::<bool>().prop_map(|here| Word::Edited { here }),
        1 => any::<bool>().prop_map(|here| Word::Deleted { here }),
        1 => any::<bool>().prop_map(|here| Word::Replaced { here }),
    ]
}

/// Meta, and what is held here of what it has.
struct Both {
    meta: Template,
    /// Whether the version approved last may be sent.
    in_force: bool,
    record: Record,
    ids: u32,
}

impl Both {
    fn new() -> Self {
        let meta = template(Approval::Pending, "1");
        Self { record: Record::found(meta.clone(), at(0)), meta, in_force: false, ids: 1 }
    }

    fn status(&self, approval: Approval, when: i64) -> Hook {
        Hook::Status(told_of(&self.meta.id, approval, when))
    }

    fn pending(&mut self) {
        self.in_force &= matches!(self.meta.approval, Approval::Approved | Approval::Pending);
        self.meta.approval = Approval::Pending;
    }

    /// It happens at Meta, and its webhooks so many times `before` the answer of the call, where it is one. Gives the webhooks.
    fn happens(&mut self, word: &Word, when: i64, before: usize) -> Vec<Hook> {
        let is_gone = self.meta.approval == Approval::Deleted;
        let answered = (at(when), at(when + 1));
        match word {
            Word::Replaced { here } => {
                let mut hooks = if is_gone { Vec::new() } else { self.happens(&Word::Deleted { here: *here }, when, before) };
                self.ids += 1;
                self.meta = with_id(&self.ids.to_string(), template(Approval::Pending, &format!("new at {when}")));
                self.in_force = false;
                let hook = self.status(Approval::Pending, when);
                self.hear(std::iter::repeat_n(&hook, before));
                if *here {
                    self.record = Record::created(Some(&self.record), self.meta.clone(), answered.0, answered.1).0;
                }
                hooks.push(hook);
                hooks
            }
            _ if is_gone => Vec::new(),
            Word::Status(approval) => {
                match approval {
                    Approval::Pending => self.pending(),
                    other => self.in_force = *other == Approval::Approved,
                }
                self.meta.approval = *approval;
                vec![self.status(*approval, when)]
            }
            Word::Quality(to) => {
                self.meta.life.quality = Some(*to);
                let told = news(TemplateNews::Quality { to: *to }, when);
                vec![Hook::News(TemplateTold { id: self.meta.id.clone(), ..told })]
            }
            Word::Flagged => {
                let told = told_of(&self.meta.id, Approval::Approved, when);
                vec![Hook::Status(TemplateStatus { flagged: true, disable_on: Some(when.to_string()), ..told })]
            }
            Word::Edited { .. } if !matches!(self.meta.approval, Approval::Approved | Approval::Rejected | Approval::Paused) => {
                Vec::new()
            }
            Word::Edited { here } => {
                self.pending();
                self.meta.definition = definition(&format!("edited at {when}"));
                let hook = self.status(Approval::Pending, when);
                self.hear(std::iter::repeat_n(&hook, before));
                if *here && self.record.template.id == self.meta.id && self.record.template.approval != Approval::Deleted {
                    self.record = self.record.edited(None, Some(self.meta.definition.clone()), None, answered).0;
                }
                vec![hook]
            }
            Word::Deleted { here } => {
                self.meta.approval = Approval::Deleted;
                self.in_force = false;
                let hook = self.status(Approval::Deleted, when);
                self.hear(std::iter::repeat_n(&hook, before));
                if *here && self.record.template.id == self.meta.id && self.record.template.approval != Approval::Deleted {
                    self.record = self.record.deleted_here(answered.0, answered.1).0;
                }
                vec![hook]
            }
        }
    }

    fn hear<'a>(&mut self, hooks: impl IntoIterator<Item = &'a Hook>) {
        for hook in hooks {
            let next = match hook {
                Hook::Status(told) => self.record.told(told),
                Hook::News(told) => self.record.heard(told),
            };
            if let Some((next, _)) = next {
                self.record = next;
            }
        }
    }

    /// What a reading of Meta's list makes of it.
    fn read(&self, at: Timestamp) -> (Record, Vec<Change>) {
        if self.meta.approval == Approval::Deleted {
            self.record.missing(at).unwrap_or_else(|| (self.record.clone(), Vec::new()))
        } else {
            self.record.read(self.meta.clone(), at)
        }
    }
}

proptest! {
    /// Whatever webhooks are lost, doubled or late, and whatever is done here or elsewhere: one reading afterwards, and what is
    /// held is what Meta has.
    #[test]
    fn one_reading_mends_what_webhooks_lost(
        story in proptest::collection::vec((any_word(), 0..3usize, 0..3usize), 1..20),
        late in any::<proptest::sample::Index>(),
    ) {
        let mut both = Both::new();
        let late_one = late.index(story.len());
        let mut kept = Vec::new();
        for (number, (word, before, after)) in story.iter().enumerate() {
            let hooks = both.happens(word, 10 * (number as i64 + 1), *before);
            if number == late_one {
                kept = hooks;
            } else {
                (0..*after).for_each(|_| both.hear(&hooks));
            }
        }
        both.hear(&kept);
        let read_at = at(10 * (story.len() as i64 + 1)).plus(Span::hours(1));
        let (read, _) = both.read(read_at);
        let (held, meta) = (&read.template, &both.meta);
        prop_assert_eq!(held.approval, meta.approval);
        if meta.approval != Approval::Deleted {
            prop_assert_eq!(&held.id, &meta.id);
            prop_assert_eq!(held.life.quality, meta.life.quality);
        }
        match meta.approval {
            Approval::Approved => prop_assert!(held.sendable() && held.definition.is_same(&meta.definition)),
            // What Meta has refused or stopped is never sent, and what is under review has not been approved.
            Approval::Pending => prop_assert!(!held.sendable() || !held.definition.is_same(&meta.definition) || held.life.edit.is_none()),
            _ => prop_assert!(!held.sendable()),
        }
        both.record = read.clone();
        let (again, changes) = both.read(read_at.plus(Span::secs(1)));
        prop_assert!(changes.is_empty());
        prop_assert_eq!(again.template, read.template);
    }

    /// Who hears every webhook in time knows at every moment whether Meta lets it be sent, with no reading at all: but for one
    /// that was made elsewhere, of which nobody knows yet what it consists of.
    #[test]
    fn who_hears_everything_knows_what_is_in_force(
        story in proptest::collection::vec((any_word(), 0..3usize, 1..3usize), 1..20),
    ) {
        let mut both = Both::new();
        for (number, (word, before, after)) in story.iter().enumerate() {
            let word = if matches!(word, Word::Replaced { .. }) { Word::Replaced { here: true } } else { word.clone() };
            let hooks = both.happens(&word, 10 * (number as i64 + 1), *before);
            (0..*after).for_each(|_| both.hear(&hooks));
            prop_assert_eq!(&both.record.template.id, &both.meta.id);
            prop_assert_eq!(both.record.template.approval, both.meta.approval);
            prop_assert_eq!(both.record.template.sendable(), both.in_force);
        }
    }
}
