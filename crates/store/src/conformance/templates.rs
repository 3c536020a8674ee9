//! Templates: readings and webhooks, calls and quotas, histories.

use transom_domain::content::Language;
use transom_domain::event::EventBody;
use transom_domain::fact::{Fact, TemplateNews, TemplateStatus, TemplateTold};
use transom_domain::id::KeyId;
use transom_domain::message::TemplateName;
use transom_domain::template::{
    Approval, BodyDefinition, By, Category, Change, Definition, Life, Quality, Rejection, Template, TextDefinition,
};
use transom_domain::template_rules::{CREATIONS_MAX, Rule};
use transom_domain::time::{Span, Timestamp};

use super::desk::{Desk, RIVAL, SHOP, business};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{Begun, HISTORY_MAX, Page, PutTwin, Store, TemplateAction, TemplateIntent, TemplateKey, TemplateOutcome};

fn template(name: &str, approval: Approval) -> Result<Template, Broken> {
    let language = Language::parse("en").map_err(|why| Broken(why.to_string()))?;
    Ok(Template {
        id: format!("id-{name}"),
        name: name.to_owned(),
        language,
        category: Category::Utility,
        approval,
        reason: None,
        definition: Definition::default(),
        life: Life::default(),
    })
}

pub(super) async fn templates_go_by_time(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let waba = format!("waba-{}", SHOP.0);
    let read = |templates, complete, at| desk.store.put_templates(SHOP, waba.clone(), templates, complete, at);
    let approval = async |store: &dyn Store, name: &str| -> Result<Option<Approval>, Broken> {
        let found = store.templates(SHOP, format!("waba-{}", SHOP.0), Some(name.to_owned())).await?;
        Ok(found.first().map(|t| t.approval))
    };
    let first = desk.now;
    same!(read(vec![template("a", Approval::Pending)?, template("b", Approval::Approved)?], true, first).await?, 2);
    same!(read(vec![template("a", Approval::Pending)?, template("b", Approval::Approved)?], true, first).await?, 0);
    same!(desk.names().await?, Vec::<&str>::new());
    let status = |name: &str, approval, at: Timestamp| -> Result<Fact, Broken> {
        let template = template(name, approval)?;
        Ok(Fact::TemplateStatus(TemplateStatus {
            id: template.id,
            name: template.name,
            language: template.language,
            approval,
            category: None,
            reason: None,
            rejection: None,
            pause: None,
            disable_on: None,
            flagged: false,
            at,
        }))
    };
    // A webhook newer than a reading wins, whichever comes first.
    desk.turn(Span::minutes(2));
    let told = status("a", Approval::Approved, desk.now)?;
    let outcome = desk.hear(vec![told.clone(), told]).await?;
    same!((outcome.news, outcome.repeated, outcome.events.len()), (1, 1, 1));
    let old = desk.now.minus(Span::minutes(1));
    same!(desk.store.put_templates(SHOP, waba.clone(), vec![template("a", Approval::Pending)?], false, old).await?, 0);
    same!(approval(&*desk.store, "a").await?, Some(Approval::Approved));
    // A reading newer than a webhook wins, and tells.
    desk.turn(Span::minutes(2));
    same!(desk.store.put_templates(SHOP, waba.clone(), vec![template("a", Approval::Paused)?], true, desk.now).await?, 2);
    same!(approval(&*desk.store, "a").await?, Some(Approval::Paused));
    same!(approval(&*desk.store, "b").await?, Some(Approval::Deleted));
    let late = status("a", Approval::Rejected, desk.now.minus(Span::minutes(1)))?;
    same!(desk.hear(vec![late]).await?.events.len(), 0);
    same!(approval(&*desk.store, "a").await?, Some(Approval::Paused));
    let changes = desk.events().await?.into_iter().filter_map(|event| match event.body {
        EventBody::TemplateChanged { template, .. } => Some((template.name, template.approval)),
        _ => None,
    });
    let expected = [("a", Approval::Approved), ("a", Approval::Paused), ("b", Approval::Deleted)];
    same!(changes.collect::<Vec<_>>(), expected.map(|(name, approval)| (name.to_owned(), approval)).to_vec());
    // What was only told of has no definition yet: it cannot be sent, and is not listed.
    let unread = status("c", Approval::Approved, desk.now)?;
    same!(desk.hear(vec![unread]).await?.events.len(), 1);
    same!(approval(&*desk.store, "c").await?, None);
    Ok(())
}

fn waba() -> String {
    format!("waba-{}", SHOP.0)
}

fn english() -> Result<Language, Broken> {
    Language::parse("en").map_err(|why| Broken(why.to_string()))
}

fn key(name: &str) -> Result<TemplateKey, Broken> {
    Ok(TemplateKey { business: SHOP, waba: waba(), name: name.to_owned(), language: english()? })
}

fn saying(text: &str) -> Definition {
    Definition { body: BodyDefinition::Own(TextDefinition::new(text, Vec::new())), ..Definition::default() }
}

fn intent(name: &str, action: TemplateAction, at: Timestamp) -> Result<TemplateIntent, Broken> {
    Ok(TemplateIntent { key: key(name)?, action, by: By::Key(KeyId(5)), at })
}

fn creating() -> TemplateAction {
    TemplateAction::Create { category: Category::Utility, definition: saying("one"), ttl_seconds: Some(600) }
}

fn editing(text: &str) -> TemplateAction {
    TemplateAction::Edit { category: None, definition: Some(saying(text)), ttl_seconds: None }
}

fn created(approval: Approval) -> TemplateOutcome {
    TemplateOutcome::Created { id: "7".to_owned(), approval, category: Category::Utility }
}

/// Creates a template that Meta approves at once.
async fn approved(desk: &Desk, name: &str) -> Outcome {
    hold!(matches!(desk.store.begin_template(intent(name, creating(), desk.now)?).await?, Begun::Begun(None)));
    desk.store.end_template(key(name)?, created(Approval::Approved), desk.now).await?;
    Ok(())
}

async fn one(desk: &Desk, name: &str) -> Result<Template, Broken> {
    let found = desk.store.templates(SHOP, waba(), Some(name.to_owned())).await?;
    found.into_iter().next().ok_or_else(|| Broken(format!("template {name} is gone")))
}

async fn words(desk: &Desk, name: &str) -> Result<Vec<&'static str>, Broken> {
    let page = Page { size: 50, token: None };
    let (lines, _) = desk.store.template_history(key(name)?, page).await?;
    Ok(lines.iter().rev().map(|line| line.change.as_str()).collect())
}

/// The words of all events about templates.
async fn told(desk: &Desk) -> Result<Vec<String>, Broken> {
    let told = desk.events().await?.into_iter().filter_map(|event| match event.body {
        EventBody::TemplateChanged { template, change, .. } => Some(format!("{} {}", template.name, change.as_str())),
        _ => None,
    });
    Ok(told.collect())
}

pub(super) async fn a_call_is_committed_before_it_leaves(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let wanted = intent("a", creating(), desk.now)?;
    // To ask is not to begin.
    hold!(matches!(desk.store.may_template(wanted.clone()).await?, Begun::Begun(None)));
    same!(desk.store.template_intents(SHOP, waba()).await?, Vec::new());
    hold!(matches!(desk.store.begin_template(wanted.clone()).await?, Begun::Begun(None)));
    same!(desk.store.template_intents(SHOP, waba()).await?, vec![wanted.clone()]);
    same!(desk.store.begin_template(wanted.clone()).await?, Begun::UnderWay(Box::new(wanted.clone())));
    same!(desk.store.templates(SHOP, waba(), None).await?, Vec::new());
    // What a call is being made for is not somebody else's work, as long as the call has no outcome.
    desk.store.put_templates(SHOP, waba(), vec![template("a", Approval::Pending)?], true, desk.now).await?;
    same!(desk.store.templates(SHOP, waba(), None).await?, Vec::new());
    // What was not done leaves nothing behind.
    same!(desk.store.end_template(key("a")?, TemplateOutcome::NotDone, desk.now).await?, None);
    same!((told(&desk).await?, words(&desk, "a").await?), (Vec::new(), Vec::new()));
    hold!(matches!(desk.store.begin_template(wanted).await?, Begun::Begun(None)));
    // A webhook that is faster than the answer is not undone by it.
    desk.turn(Span::secs(5));
    let status = TemplateStatus {
        id: "7".to_owned(),
        name: "a".to_owned(),
        language: english()?,
        approval: Approval::Approved,
        category: Some(Category::Utility),
        reason: None,
        rejection: None,
        pause: None,
        disable_on: None,
        flagged: false,
        at: desk.now,
    };
    desk.hear(vec![Fact::TemplateStatus(status)]).await?;
    let template = desk.store.end_template(key("a")?, created(Approval::Pending), desk.now).await?;
    same!(template.map(|t| (t.approval, t.life.version)), Some((Approval::Approved, 1)));
    same!(desk.store.template_intents(SHOP, waba()).await?, Vec::new());
    // A second outcome changes nothing.
    desk.store.end_template(key("a")?, TemplateOutcome::Deleted, desk.now).await?;
    same!(one(&desk, "a").await?.approval, Approval::Approved);
    same!(words(&desk, "a").await?, vec!["status", "created"]);
    same!(told(&desk).await?, vec!["a status".to_owned(), "a created".to_owned()]);
    Ok(())
}

pub(super) async fn quotas_are_counted_where_they_are_used_up(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    approved(&desk, "a").await?;
    let refused = |begun: Begun| match begun {
        Begun::Refused(refusal, _) => Ok((refusal.rule, refusal.not_before)),
        other => Err(Broken(format!("not refused: {other:?}"))),
    };
    let begin = async |action: TemplateAction, name: &str, now: Timestamp| -> Result<Begun, Broken> {
        Ok(desk.store.begin_template(intent(name, action, now)?).await?)
    };
    same!(refused(begin(creating(), "a", desk.now).await?)?, (Rule::Exists, None));
    // One edit a day.
    let first = desk.now;
    hold!(matches!(begin(editing("two"), "a", first).await?, Begun::Begun(Some(_))));
    desk.store.end_template(key("a")?, TemplateOutcome::Edited, first).await?;
    same!(refused(begin(editing("three"), "a", first).await?)?.0, Rule::NotEditable);
    let mut seen = one(&desk, "a").await?;
    (seen.approval, seen.definition) = (Approval::Approved, saying("two"));
    let later = first.plus(Span::hours(1));
    desk.store.put_templates(SHOP, waba(), vec![seen], false, later).await?;
    same!(refused(begin(editing("three"), "a", later).await?)?, (Rule::EditADay, Some(first.plus(Span::hours(24)))));
    // A deleted name is locked.
    hold!(matches!(begin(TemplateAction::Delete, "a", later).await?, Begun::Begun(Some(_))));
    desk.store.end_template(key("a")?, TemplateOutcome::Deleted, later).await?;
    same!(begin(TemplateAction::Delete, "a", later).await?, Begun::Missing);
    same!(refused(begin(creating(), "a", later).await?)?, (Rule::NameLock, Some(later.plus(Span::days(30)))));
    // A hundred creations an hour, those under way among them.
    let now = later.plus(Span::hours(2));
    for number in 0..CREATIONS_MAX {
        let name = format!("n{number}");
        hold!(matches!(begin(creating(), &name, now).await?, Begun::Begun(None)));
        if number % 2 == 0 {
            desk.store.end_template(key(&name)?, created(Approval::Pending), now).await?;
        }
    }
    same!(refused(begin(creating(), "late", now).await?)?, (Rule::Creations, Some(now.plus(Span::hours(1)))));
    desk.turn(Span::hours(3));
    Ok(())
}

pub(super) async fn an_edit_waits_beside_what_is_in_force(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    approved(&desk, "a").await?;
    desk.turn(Span::minutes(1));
    desk.store.begin_template(intent("a", editing("two"), desk.now)?).await?;
    let edited = desk.store.end_template(key("a")?, TemplateOutcome::Edited, desk.now).await?;
    let edited = edited.ok_or_else(|| Broken("the template is gone".to_owned()))?;
    hold!(edited.sendable() && edited.definition == saying("one"));
    // It is there after opening again.
    let stored = one(&desk, "a").await?;
    same!(stored, edited);
    desk.turn(Span::minutes(1));
    let mut seen = stored;
    (seen.approval, seen.definition) = (Approval::Approved, saying("two"));
    desk.store.put_templates(SHOP, waba(), vec![seen], true, desk.now).await?;
    let next = one(&desk, "a").await?;
    same!((next.definition, next.life.version, next.life.edit), (saying("two"), 2, None));
    same!(words(&desk, "a").await?, vec!["created", "edited", "status", "in_force"]);
    let page = Page { size: 50, token: None };
    let (lines, _) = desk.store.template_history(key("a")?, page).await?;
    same!(lines.iter().rev().map(|l| l.by).collect::<Vec<_>>(), vec![By::Key(KeyId(5)), By::Key(KeyId(5)), By::Meta, By::Meta]);
    Ok(())
}

pub(super) async fn what_webhooks_lose_a_reading_finds(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_templates(SHOP, waba(), vec![template("a", Approval::Approved)?], true, desk.now).await?;
    same!(desk.store.templates_read_at(SHOP, waba()).await?, Some(desk.now));
    desk.turn(Span::minutes(5));
    let news = |name: &str, news, at| -> Result<Fact, Broken> {
        Ok(Fact::TemplateNews(TemplateTold { id: format!("id-{name}"), name: name.to_owned(), language: english()?, news, at }))
    };
    let green = news("a", TemplateNews::Quality { to: Quality::Green }, desk.now)?;
    let outcome = desk.hear(vec![green.clone(), green]).await?;
    same!((outcome.news, outcome.repeated, outcome.events.len()), (1, 1, 1));
    let announced = TemplateNews::CategoryAnnounced {
        present: Category::Utility,
        next: Category::Marketing,
        from: Some(desk.now.plus(Span::days(1))),
    };
    same!(desk.hear(vec![news("a", announced, desk.now)?]).await?.events.len(), 1);
    // Of a template that nobody knows nothing is kept: the reading that follows finds it.
    same!(desk.hear(vec![news("zzz", TemplateNews::Components, desk.now)?]).await?.events.len(), 0);
    // The webhooks of all that comes now are lost: rating, category, a new template, one that is gone.
    desk.turn(Span::days(2));
    let mut seen = template("a", Approval::Paused)?;
    seen.category = Category::Marketing;
    seen.life.quality = Some(Quality::Red);
    let elsewhere = template("b", Approval::Approved)?;
    same!(desk.store.put_templates(SHOP, waba(), vec![seen.clone(), elsewhere.clone()], true, desk.now).await?, 2);
    let a = one(&desk, "a").await?;
    same!((a.approval, a.category, a.life.quality), (Approval::Paused, Category::Marketing, Some(Quality::Red)));
    same!(a.life.paused_until, Some(desk.now.plus(Span::hours(3))));
    same!((a.life.previous_category, a.life.next_category), (Some(Category::Utility), None));
    desk.turn(Span::minutes(1));
    same!(desk.store.put_templates(SHOP, waba(), vec![seen], true, desk.now).await?, 1);
    same!(one(&desk, "b").await?.approval, Approval::Deleted);
    let expected = ["a quality", "a category_announced", "a status", "a quality", "a category", "b found", "b deleted"];
    same!(told(&desk).await?, expected.map(str::to_owned).to_vec());
    Ok(())
}

/// What a webhook tells of a template by its id.
fn status_of(id: &str, name: &str, approval: Approval, at: Timestamp) -> Result<TemplateStatus, Broken> {
    Ok(TemplateStatus {
        id: id.to_owned(),
        name: name.to_owned(),
        language: english()?,
        approval,
        category: None,
        reason: None,
        rejection: None,
        pause: None,
        disable_on: None,
        flagged: false,
        at,
    })
}

pub(super) async fn webhooks_are_joined_by_id(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let both = vec![template("a", Approval::Rejected)?, template("b", Approval::Rejected)?];
    desk.store.put_templates(SHOP, waba(), both, true, desk.now).await?;
    let rejection = Rejection { reason: Some("why".to_owned()), recommendation: Some("what to do".to_owned()) };
    for (name, approval) in [("a", Approval::Approved), ("b", Approval::Rejected)] {
        // Deleted here, and made anew with the same name.
        desk.turn(Span::minutes(1));
        desk.store.begin_template(intent(name, TemplateAction::Delete, desk.now)?).await?;
        desk.store.end_template(key(name)?, TemplateOutcome::Deleted, desk.now).await?;
        desk.turn(Span::minutes(1));
        hold!(matches!(desk.store.begin_template(intent(name, creating(), desk.now)?).await?, Begun::Begun(None)));
        // What is told of the new one before the answer came is not the old one's.
        let told = TemplateStatus {
            rejection: (approval == Approval::Rejected).then(|| rejection.clone()),
            ..status_of("7", name, approval, desk.now.plus(Span::secs(1)))?
        };
        desk.turn(Span::secs(2));
        let outcome = desk.hear(vec![Fact::TemplateStatus(told.clone()), Fact::TemplateStatus(told.clone())]).await?;
        same!((outcome.news, outcome.repeated, outcome.events.len()), (1, 1, 0));
        same!(one(&desk, name).await?.approval, Approval::Deleted);
        let begun = desk.now;
        desk.turn(Span::secs(2));
        desk.store.end_template(key(name)?, created(Approval::Pending), desk.now).await?;
        let made = one(&desk, name).await?;
        same!((made.id.as_str(), made.approval, made.life.version), ("7", approval, 2));
        same!((made.definition, made.life.rejection), (saying("one"), told.rejection));
        same!(words(&desk, name).await?, vec!["found", "deleted", "created", "status"]);
        // A late word of the old one is not the new one's, nor is a reading that began before the answer.
        let late = status_of(&format!("id-{name}"), name, Approval::Deleted, desk.now)?;
        same!(desk.hear(vec![Fact::TemplateStatus(late)]).await?.events.len(), 0);
        let mut others = desk.store.templates(SHOP, waba(), None).await?;
        others.retain(|other| other.name != name);
        desk.store.put_templates(SHOP, waba(), others, true, begun).await?;
        same!(one(&desk, name).await?.approval, approval);
    }
    Ok(())
}

pub(super) async fn what_was_deleted_keeps_its_lock_however_the_list_lags(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    approved(&desk, "a").await?;
    desk.turn(Span::minutes(20));
    desk.store.begin_template(intent("a", TemplateAction::Delete, desk.now)?).await?;
    let gone = desk.store.end_template(key("a")?, TemplateOutcome::Deleted, desk.now).await?;
    let until = desk.now.plus(Span::days(30));
    let mut seen = gone.ok_or_else(|| Broken("the template is gone".to_owned()))?;
    seen.definition = saying("one");
    for (approval, later) in [(Approval::Approved, Span::minutes(1)), (Approval::PendingDeletion, Span::days(1))] {
        desk.turn(later);
        seen.approval = approval;
        same!(desk.store.put_templates(SHOP, waba(), vec![seen.clone()], true, desk.now).await?, 0);
        same!(one(&desk, "a").await?.approval, Approval::Deleted);
    }
    // The messages under way have ended.
    desk.turn(Span::days(1));
    same!(desk.store.put_templates(SHOP, waba(), Vec::new(), true, desk.now).await?, 0);
    match desk.store.may_template(intent("a", creating(), desk.now)?).await? {
        Begun::Refused(refusal, _) => same!((refusal.rule, refusal.not_before), (Rule::NameLock, Some(until))),
        other => return Err(Broken(format!("not refused: {other:?}"))),
    }
    same!(words(&desk, "a").await?, vec!["created", "deleted"]);
    Ok(())
}

pub(super) async fn a_history_has_pages_and_an_end(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_templates(SHOP, waba(), vec![template("a", Approval::Approved)?], true, desk.now).await?;
    for number in 0..HISTORY_MAX {
        desk.turn(Span::minutes(1));
        let to = if number % 2 == 0 { Quality::Green } else { Quality::Yellow };
        let told = TemplateTold {
            id: "id-a".to_owned(),
            name: "a".to_owned(),
            language: english()?,
            news: TemplateNews::Quality { to },
            at: desk.now,
        };
        desk.hear(vec![Fact::TemplateNews(told)]).await?;
    }
    let (mut token, mut lines) = (None, Vec::new());
    loop {
        let (page, next) = desk.store.template_history(key("a")?, Page { size: 150, token }).await?;
        lines.extend(page);
        match next {
            Some(next) => token = Some(next),
            None => break,
        }
    }
    // The first line, of the reading, is the one that had to go.
    same!(lines.len(), HISTORY_MAX);
    hold!(lines.iter().all(|line| matches!(line.change, Change::Quality { .. })));
    hold!(lines.windows(2).all(|pair| matches!(pair, [later, earlier] if later.at > earlier.at)));
    hold!(desk.store.template_history(key("a")?, Page { size: 1, token: Some("x".to_owned()) }).await.is_err());
    // In time all of it goes.
    desk.turn(Span::days(401));
    hold!(desk.sweep(64).await? >= HISTORY_MAX);
    let (left, _) = desk.store.template_history(key("a")?, Page { size: 10, token: None }).await?;
    same!(left, Vec::new());
    same!(one(&desk, "a").await?.life.quality, Some(Quality::Yellow));
    Ok(())
}

pub(super) async fn a_twin_is_a_template_of_the_account(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    let both = vec![template("a", Approval::Approved)?, template("b", Approval::Approved)?];
    desk.store.put_templates(SHOP, waba(), both, true, desk.now).await?;
    let name = |name: &str| -> Result<TemplateName, Broken> { Ok(TemplateName { name: name.to_owned(), language: english()? }) };
    let put = async |of: &str, twin: Option<TemplateName>| -> Result<PutTwin, Broken> {
        Ok(desk.store.put_twin(key(of)?, twin, By::Key(KeyId(5)), desk.now).await?)
    };
    same!(put("c", Some(name("b")?)).await?, PutTwin::Missing);
    same!(put("a", Some(name("a")?)).await?, PutTwin::NoTwin);
    same!(put("a", Some(name("c")?)).await?, PutTwin::NoTwin);
    same!(put("a", Some(name("b")?)).await?, PutTwin::Stored);
    same!(put("a", Some(name("b")?)).await?, PutTwin::Stored);
    same!(one(&desk, "a").await?.life.twin, Some(name("b")?));
    // A reading does not take it away.
    let read = vec![template("a", Approval::Paused)?, template("b", Approval::Approved)?];
    desk.store.put_templates(SHOP, waba(), read, true, desk.now.plus(Span::secs(1))).await?;
    same!(one(&desk, "a").await?.life.twin, Some(name("b")?));
    same!(put("a", None).await?, PutTwin::Stored);
    same!(one(&desk, "a").await?.life.twin, None);
    same!(words(&desk, "a").await?, vec!["found", "twin", "status", "twin"]);
    Ok(())
}

pub(super) async fn accounts_of_templates_do_not_meet(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    desk.store.put_business(business(RIVAL)).await?;
    approved(&desk, "a").await?;
    let foreign = TemplateKey { business: RIVAL, ..key("a")? };
    let wanted = TemplateIntent { key: foreign.clone(), ..intent("a", creating(), desk.now)? };
    hold!(matches!(desk.store.begin_template(wanted).await?, Begun::Begun(None)));
    same!(desk.store.template_intents(SHOP, waba()).await?, Vec::new());
    same!(desk.store.template_intents(RIVAL, waba()).await?.len(), 1);
    same!(desk.store.template_intents(RIVAL, "another".to_owned()).await?, Vec::new());
    let (lines, _) = desk.store.template_history(foreign, Page { size: 5, token: None }).await?;
    same!(lines, Vec::new());
    Ok(())
}
