use proptest::prelude::*;

use super::super::{BodyDefinition, Quality, TextDefinition};
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

fn words(changes: &[Change]) -> Vec<&'static str> {
    changes.iter().map(Change::as_str).collect()
}

#[test]
fn an_edit_under_review_keeps_the_approved_version_in_force() {
    let approved = Record::found(template(Approval::Approved, "one"), at(0));
    let (edited, changes) = approved.edited(None, Some(definition("two")), None, at(10));
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
    let (again, _) = rejected.edited(None, Some(definition("three")), None, at(40));
    assert!(!again.template.sendable());
    assert_eq!(again.template.life.edit.as_ref().unwrap().version, 3);
}

#[test]
fn a_list_that_lags_behind_an_edit_undoes_nothing() {
    let approved = Record::found(template(Approval::Approved, "one"), at(0));
    let (edited, _) = approved.edited(None, Some(definition("two")), None, at(10));
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
    let created = Record::created(None, template(Approval::Pending, "Hi {{1}}"), at(0));
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
    let (record, changes) = record.heard(&announced, at(10)).unwrap();
    assert_eq!(words(&changes), ["category_announced"]);
    assert!(record.heard(&announced, at(10)).is_none());
    // Read in between, without the moment: nothing new.
    let mut seen = template(Approval::Approved, "one");
    seen.life.next_category = Some(NextCategory { category: Category::Marketing, at: None });
    let (record, changes) = record.read(seen, at(100));
    assert!(changes.is_empty());
    assert_eq!(record.template.life.next_category.unwrap().at, Some(at(86_400)));
    let (told, changes) = record.heard(&TemplateNews::Category { to: Category::Marketing }, at(86_400)).unwrap();
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
    let (back, changes) = gone.read(template(Approval::Approved, "two"), at(30));
    assert_eq!((words(&changes), back.template.life.version), (vec!["found"], 2));
    // Gone and back between two readings: Meta's id tells.
    let mut other = template(Approval::Pending, "two");
    other.id = "2".into();
    let (other, changes) = record.read(other, at(30));
    assert_eq!(words(&changes), ["deleted", "found"]);
    assert!(!other.template.sendable() && other.template.definition == definition("two"));
    assert_eq!(Record::created(Some(&gone), template(Approval::Pending, "x"), at(30)).template.life.version, 2);
}

/// What Meta has: a status and a rating, each with its moment.
#[derive(Debug, Clone)]
enum Word {
    Status(Approval),
    Quality(Quality),
}

fn any_word() -> impl Strategy<Value = Word> {
    let approvals = [Approval::Pending, Approval::Approved, Approval::Rejected, Approval::Paused, Approval::Disabled];
    let ratings = [Quality::Green, Quality::Yellow, Quality::Red];
    prop_oneof![
        proptest::sample::select(approvals.to_vec()).prop_map(Word::Status),
        proptest::sample::select(ratings.to_vec()).prop_map(Word::Quality),
    ]
}

proptest! {
    /// Whatever webhooks are lost, doubled or late: one reading afterwards, and what is held is what Meta has.
    #[test]
    fn one_reading_mends_what_webhooks_lost(
        story in proptest::collection::vec((any_word(), 0..3usize), 1..20),
        late in any::<proptest::sample::Index>(),
    ) {
        let mut record = Record::found(template(Approval::Pending, "one"), at(0));
        let mut meta = template(Approval::Pending, "one");
        let mut told = Vec::new();
        for (number, (word, copies)) in story.iter().enumerate() {
            let when = 10 * (number as i64 + 1);
            match word {
                Word::Status(approval) => meta.approval = *approval,
                Word::Quality(quality) => meta.life.quality = Some(*quality),
            }
            told.extend(std::iter::repeat_n((word.clone(), when), *copies));
        }
        if !told.is_empty() {
            let at = late.index(told.len());
            let one = told.remove(at);
            told.push(one);
        }
        for (word, when) in told {
            let next = match word {
                Word::Status(approval) => record.told(&status(approval, when)),
                Word::Quality(to) => record.heard(&TemplateNews::Quality { to }, at(when)),
            };
            if let Some((next, _)) = next {
                record = next;
            }
        }
        let read_at = at(10 * (story.len() as i64 + 1) + 1);
        let (read, _) = record.read(meta.clone(), read_at);
        prop_assert_eq!(read.template.approval, meta.approval);
        prop_assert_eq!(read.template.life.quality, meta.life.quality);
        let (again, changes) = read.read(meta, read_at.plus(Span::secs(1)));
        prop_assert!(changes.is_empty());
        prop_assert_eq!(again.template, read.template);
    }
}
