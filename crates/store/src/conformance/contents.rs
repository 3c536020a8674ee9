//! Content: kept and found, changed and deleted only while nothing depends on it, submitted once.

use serde_json::json;

use transom_domain::content::{Content, ContentType, Language, Needle};
use transom_domain::fact::{Fact, TemplateStatus};
use transom_domain::id::{ContentId, KeyId};
use transom_domain::message::{Draft, WhenClosed};
use transom_domain::submission::{ANSWER_WAIT, Stage, Submission};
use transom_domain::template::{Approval, BodyDefinition, By, Category, Definition, Template, TextDefinition};
use transom_domain::time::Span;

use super::desk::{Desk, RIVAL, SHOP, business};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{
    AddContent, ChangeContent, ContentFilter, ContentOrder, DeleteContent, Followed, Page, SUBMISSIONS_MAX, StoreError,
    StoredContent, Submit, TemplateAction, TemplateIntent, TemplateKey, TemplateOutcome,
};

const WABA: &str = "waba-1";

fn content(language: &str, words: &str) -> Result<Content, Broken> {
    let json = json!({ "language": language, "types": { "twilio/text": { "body": words } } });
    Content::read(&json, "").map_err(|why| Broken(format!("{why:?}")))
}

fn language(code: &str) -> Result<Language, Broken> {
    Language::parse(code).map_err(|why| Broken(why.to_string()))
}

async fn keep(desk: &mut Desk, name: &str, content: Content) -> Result<ContentId, Broken> {
    let id = ContentId(desk.id());
    let stored =
        StoredContent { id, business: SHOP, friendly_name: name.to_owned(), content, created_at: desk.now, updated_at: desk.now };
    same!(desk.store.add_content(stored, usize::MAX).await?, AddContent::Kept);
    Ok(id)
}

async fn kept(desk: &Desk, id: ContentId) -> Result<StoredContent, Broken> {
    desk.store.content(SHOP, id).await?.ok_or_else(|| Broken(format!("content {id} is gone")))
}

fn submission(desk: &Desk, content: ContentId, name: &str) -> Result<Submission, Broken> {
    Ok(Submission {
        content,
        waba: WABA.to_owned(),
        name: name.to_owned(),
        language: language("en")?,
        category: Category::Utility,
        kind: ContentType::Text,
        allow_category_change: true,
        submitted_at: desk.now,
        template: None,
    })
}

async fn submit(desk: &Desk, content: ContentId, name: &str) -> Result<Submit, Broken> {
    let looked_at = kept(desk, content).await?.content;
    Ok(desk.store.submit(SHOP, submission(desk, content, name)?, looked_at).await?)
}

async fn taken(desk: &Desk, content: ContentId, name: &str, template: Option<&str>) -> Outcome {
    let template = template.map(str::to_owned);
    Ok(desk.store.submitted(SHOP, content, WABA.to_owned(), name.to_owned(), template).await?)
}

fn template(id: &str, name: &str, words: &str, approval: Approval) -> Result<Template, Broken> {
    let body = BodyDefinition::Own(TextDefinition::new(words, Vec::new()));
    let json = json!({ "id": id, "name": name, "language": "en", "category": "MARKETING", "approval": approval,
        "definition": Definition { body, ..Definition::default() } });
    serde_json::from_value(json).map_err(|why| Broken(why.to_string()))
}

async fn read(desk: &mut Desk, template: Template) -> Outcome {
    desk.turn(Span::secs(2));
    desk.store.put_templates(SHOP, WABA.to_owned(), vec![template], false, desk.now).await?;
    Ok(())
}

async fn follow(desk: &Desk, content: ContentId) -> Result<Vec<Followed>, Broken> {
    let found = desk.store.submissions(SHOP, content).await?;
    found.ok_or_else(|| Broken(format!("content {content} is gone")))
}

async fn stages(desk: &Desk, content: ContentId) -> Result<Vec<Stage>, Broken> {
    Ok(follow(desk, content).await?.into_iter().map(|f| f.stage).collect())
}

async fn listed(desk: &Desk, filter: ContentFilter) -> Result<Vec<ContentId>, Broken> {
    let page = Page { size: 200, token: None };
    Ok(desk.store.contents(SHOP, filter, page).await?.0.into_iter().map(|c| c.id).collect())
}

pub(super) async fn content_is_kept_found_and_listed(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    desk.store.put_business(business(RIVAL)).await?;
    let first = keep(&mut desk, "Parcel here", content("en", "Hi {{1}}, your parcel is here.")?).await?;
    let second = keep(&mut desk, "", content("de", "Ihr Paket ist da.")?).await?;
    let list = json!({ "language": "en", "types": { "twilio/text": { "body": "Which tea?" },
        "twilio/list-picker": { "body": "Which?", "button": "Choose", "items": [{ "id": "g", "item": "Green tea" }] } } });
    let list = Content::read(&list, "").map_err(|why| Broken(format!("{why:?}")))?;
    let third = keep(&mut desk, "tea", list.clone()).await?;
    same!(kept(&desk, third).await?.content, list);
    same!(kept(&desk, first).await?.friendly_name, "Parcel here".to_owned());
    // Another business's are nobody's.
    same!(desk.store.content(RIVAL, first).await?, None);
    same!(desk.store.submissions(RIVAL, first).await?, None);
    same!(desk.store.contents(RIVAL, ContentFilter::default(), Page { size: 9, token: None }).await?, (Vec::new(), None));

    same!(listed(&desk, ContentFilter::default()).await?, vec![third, second, first]);
    same!(listed(&desk, ContentFilter { languages: vec![language("en")?], ..Default::default() }).await?, vec![third, first]);
    same!(listed(&desk, ContentFilter { kinds: vec![ContentType::ListPicker], ..Default::default() }).await?, vec![third]);
    for (words, found) in [("PARCEL", vec![first]), ("paket da", vec![second]), ("green", vec![third]), ("da paket", vec![])] {
        same!(listed(&desk, ContentFilter { search: Needle::of(words), ..Default::default() }).await?, found);
    }
    // Pages meet, and a content that comes between two pages is in neither of them.
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let (page, next) = desk.store.contents(SHOP, ContentFilter::default(), Page { size: 2, token }).await?;
        pages.extend(page.into_iter().map(|c| c.id));
        if pages.len() == 2 {
            keep(&mut desk, "late", content("en", "Late.")?).await?;
        }
        token = next;
        if token.is_none() {
            break;
        }
    }
    same!(pages, vec![third, second, first]);
    let bad = Page { size: 2, token: Some("x".to_owned()) };
    same!(desk.store.contents(SHOP, ContentFilter::default(), bad).await, Err(StoreError::BadToken));

    desk.turn(Span::secs(5));
    let words = content("en", "Hi.")?;
    let changed = desk.store.change_content(SHOP, first, "new".to_owned(), words.clone(), desk.now).await?;
    hold!(
        matches!(&changed, ChangeContent::Done(c) if c.content == words && c.friendly_name == "new" && c.updated_at == desk.now)
    );
    same!(ChangeContent::Done(kept(&desk, first).await?), changed);
    hold!(kept(&desk, first).await?.created_at < desk.now);
    let german = desk.store.change_content(SHOP, first, String::new(), content("de", "Hi.")?, desk.now).await?;
    same!(german, ChangeContent::OtherLanguage(language("en")?));
    same!(desk.store.change_content(RIVAL, first, String::new(), words, desk.now).await?, ChangeContent::NotFound);
    same!(desk.store.delete_content(RIVAL, first, desk.now).await?, DeleteContent::NotFound);
    same!(desk.store.delete_content(SHOP, first, desk.now).await?, DeleteContent::Done);
    same!(desk.store.delete_content(SHOP, first, desk.now).await?, DeleteContent::NotFound);
    same!(desk.store.content(SHOP, first).await?, None);
    // What is there is there after opening again.
    desk.store.close().await?;
    desk.store = factory.open();
    same!(kept(&desk, third).await?.content, list);
    Ok(())
}

pub(super) async fn a_submission_is_made_once(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = keep(&mut desk, "", content("en", "Hi {{name}}.")?).await?;
    let other = content("en", "Ho.")?;
    same!(desk.store.submit(SHOP, submission(&desk, ContentId(7), "hi")?, other.clone()).await?, Submit::NotFound);
    same!(desk.store.submit(SHOP, submission(&desk, id, "hi")?, other).await?, Submit::Changed);
    same!(stages(&desk, id).await?, vec![]);

    same!(submit(&desk, id, "hi").await?, Submit::Begun);
    same!(stages(&desk, id).await?, vec![Stage::Submitting]);
    for name in ["hi", "hello"] {
        hold!(matches!(submit(&desk, id, name).await?, Submit::Live(live) if live.submission.name == "hi"));
    }
    // Meta takes none: nothing of it stays.
    taken(&desk, id, "hi", None).await?;
    same!(stages(&desk, id).await?, vec![]);
    same!(submit(&desk, id, "hi").await?, Submit::Begun);
    taken(&desk, id, "hi", Some("77")).await?;
    // An answer that comes twice, or against the first, changes nothing.
    taken(&desk, id, "hi", None).await?;
    taken(&desk, id, "hi", Some("78")).await?;
    let followed = follow(&desk, id).await?;
    same!(
        followed.iter().map(|f| (f.stage, f.submission.template.as_deref())).collect::<Vec<_>>(),
        vec![(Stage::AtMeta(Approval::Pending), Some("77"))]
    );
    hold!(matches!(submit(&desk, id, "hi").await?, Submit::Live(_)));
    // Once it is over and submitted again, Meta's no to the second leaves the first as it was, also within one millisecond.
    read(&mut desk, template("77", "hi", "Hi {{1}}.", Approval::Rejected)?).await?;
    for _ in 0..2 {
        same!(submit(&desk, id, "hi").await?, Submit::Begun);
        // Of one that is asked again before its answer nothing stays either.
        same!(submit(&desk, id, "hi").await?, Submit::Begun);
        taken(&desk, id, "hi", None).await?;
        same!(
            follow(&desk, id).await?.iter().map(|f| f.submission.template.clone()).collect::<Vec<_>>(),
            vec![Some("77".into())]
        );
        same!(stages(&desk, id).await?, vec![Stage::AtMeta(Approval::Rejected)]);
    }
    // Taken as the same template it is followed once.
    same!(submit(&desk, id, "hi").await?, Submit::Begun);
    taken(&desk, id, "hi", Some("77")).await?;
    read(&mut desk, template("77", "hi", "Hi {{1}}.", Approval::Pending)?).await?;
    same!(stages(&desk, id).await?, vec![Stage::AtMeta(Approval::Pending)]);

    // The name is this content's as long as it is not over.
    let rival = keep(&mut desk, "", content("en", "Another.")?).await?;
    same!(submit(&desk, rival, "hi").await?, Submit::NameTaken(id));
    read(&mut desk, template("77", "hi", "Hi {{1}}.", Approval::Rejected)?).await?;
    same!(submit(&desk, rival, "hi").await?, Submit::Begun);

    // An answer that was lost: nothing else begins until it can no longer come, then it may be made again.
    desk.turn(Span::millis(ANSWER_WAIT.as_millis() - 3_000));
    hold!(matches!(submit(&desk, rival, "hi").await?, Submit::Live(_)));
    desk.turn(Span::secs(3));
    hold!(matches!(submit(&desk, rival, "ho").await?, Submit::Live(_)));
    same!(submit(&desk, rival, "hi").await?, Submit::Begun);
    same!(follow(&desk, rival).await?.len(), 1);

    // Those that are over are kept, but not all of them for ever.
    for n in 0..SUBMISSIONS_MAX + 5 {
        let (name, number) = (format!("hi{n}"), format!("1{n}"));
        same!(submit(&desk, id, &name).await?, Submit::Begun);
        taken(&desk, id, &name, Some(&number)).await?;
        read(&mut desk, template(&number, &name, "Hi {{1}}.", Approval::Rejected)?).await?;
    }
    let names: Vec<String> = follow(&desk, id).await?.into_iter().map(|f| f.submission.name).collect();
    same!((names.len(), names.first().cloned()), (SUBMISSIONS_MAX, Some("hi5".to_owned())));
    Ok(())
}

pub(super) async fn a_submission_shows_its_own_template(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let id = keep(&mut desk, "", content("en", "Hi {{name}}.")?).await?;
    same!(submit(&desk, id, "hi").await?, Submit::Begun);
    // Its answer was lost, and another template stands under the name: not its own.
    read(&mut desk, template("70", "hi", "Bye.", Approval::Rejected)?).await?;
    same!(stages(&desk, id).await?, vec![Stage::Submitting]);
    // A reading finds one that says the same: that is it.
    read(&mut desk, template("71", "hi", "Hi {{1}}.", Approval::Pending)?).await?;
    same!(stages(&desk, id).await?, vec![Stage::AtMeta(Approval::Pending)]);
    // A webhook tells on; the reason and the category that Meta chose are the template's.
    desk.turn(Span::secs(5));
    let status = |approval, reason: Option<&str>, at| {
        Ok::<_, Broken>(Fact::TemplateStatus(TemplateStatus {
            id: "71".to_owned(),
            name: "hi".to_owned(),
            language: language("en")?,
            approval,
            category: Some(Category::Marketing),
            reason: reason.map(str::to_owned),
            rejection: None,
            pause: None,
            disable_on: None,
            flagged: false,
            at,
        }))
    };
    let fact = status(Approval::Rejected, Some("INVALID_FORMAT"), desk.now)?;
    desk.hear(vec![fact]).await?;
    let followed = follow(&desk, id).await?.remove(0);
    same!(followed.stage, Stage::AtMeta(Approval::Rejected));
    let told = followed.template.map(|t| (t.reason, t.category));
    same!(told, Some((Some("INVALID_FORMAT".to_owned()), Category::Marketing)));
    // Once it is over the content may change, and its template is still known as its own.
    let changed = desk.store.change_content(SHOP, id, String::new(), content("en", "Hello.")?, desk.now).await?;
    hold!(matches!(changed, ChangeContent::Done(_)));
    same!(stages(&desk, id).await?, vec![Stage::AtMeta(Approval::Rejected)]);
    // Another template under its name: its own is gone.
    read(&mut desk, template("72", "hi", "Other.", Approval::Approved)?).await?;
    let followed = follow(&desk, id).await?.remove(0);
    same!((followed.stage, followed.template), (Stage::AtMeta(Approval::Deleted), None));
    Ok(())
}

pub(super) async fn content_in_use_stays_as_it_is(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let words = content("en", "Hi {{1}}.")?;
    let id = keep(&mut desk, "kept", words.clone()).await?;
    let before = kept(&desk, id).await?;
    same!(submit(&desk, id, "hi").await?, Submit::Begun);
    let store = desk.store.clone();
    let change = |now| store.change_content(SHOP, id, "x".to_owned(), words.clone(), now);
    let refused = |stage: Stage| move |answer: &ChangeContent| matches!(answer, ChangeContent::Submitted(f) if f.stage == stage);
    hold!(refused(Stage::Submitting)(&change(desk.now).await?));
    hold!(matches!(desk.store.delete_content(SHOP, id, desk.now).await?, DeleteContent::Pending(_)));
    taken(&desk, id, "hi", Some("77")).await?;
    hold!(refused(Stage::AtMeta(Approval::Pending))(&change(desk.now).await?));
    hold!(matches!(desk.store.delete_content(SHOP, id, desk.now).await?, DeleteContent::Pending(_)));
    for approval in [Approval::Approved, Approval::Paused] {
        read(&mut desk, template("77", "hi", "Hi {{1}}.", approval)?).await?;
        hold!(refused(Stage::AtMeta(approval))(&change(desk.now).await?));
    }
    same!(kept(&desk, id).await?, before);

    // A message that waits, now or after it was tried, keeps the content; so it does when it was scheduled.
    let mut accept = desk.text("+4915112345678")?;
    accept.draft = Draft::Content {
        id: Some(id),
        content: words.clone(),
        variables: [("1".to_owned(), "Ana".to_owned())].into(),
        template: None,
        when_closed: WhenClosed::Template,
        human: None,
    };
    let message = desk.accept(accept.clone()).await?;
    same!(desk.store.delete_content(SHOP, id, desk.now).await?, DeleteContent::Waiting);
    let claimed = desk.take().await?;
    same!(claimed.message.draft.as_ref().and_then(Draft::content_id), Some(id));
    desk.again(message, claimed.attempt, Span::minutes(1)).await?;
    same!(desk.store.delete_content(SHOP, id, desk.now).await?, DeleteContent::Waiting);
    // Neither another business's, nor other content, is held by it.
    same!(desk.store.delete_content(RIVAL, id, desk.now).await?, DeleteContent::NotFound);
    let free = keep(&mut desk, "free", words).await?;
    same!(desk.store.delete_content(SHOP, free, desk.now).await?, DeleteContent::Done);
    desk.store.close().await?;
    desk.store = factory.open();
    same!(desk.store.delete_content(SHOP, id, desk.now).await?, DeleteContent::Waiting);
    desk.turn(Span::minutes(1));
    let claimed = desk.take().await?;
    desk.answer(message, claimed.attempt, "wamid.1").await?;
    same!(desk.store.delete_content(SHOP, id, desk.now).await?, DeleteContent::Done);
    // What it said is the message's own, and the template is Meta's.
    same!(desk.message(message).await?.draft, Some(accept.draft));
    same!(desk.store.templates(SHOP, WABA.to_owned(), Some("hi".to_owned())).await?.len(), 1);
    Ok(())
}

pub(super) async fn what_nobody_submits_any_more_holds_no_content(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let words = content("en", "Hi {{name}}.")?;
    let id = keep(&mut desk, "", words.clone()).await?;
    same!(submit(&desk, id, "hi").await?, Submit::Begun);
    let key = TemplateKey { business: SHOP, waba: WABA.to_owned(), name: "hi".to_owned(), language: language("en")? };
    let action = TemplateAction::Create { category: Category::Utility, definition: Definition::default(), ttl_seconds: None };
    let intent = TemplateIntent { key: key.clone(), action, by: By::Key(KeyId(5)), at: desk.now };
    desk.store.begin_template(intent).await?;
    desk.turn(ANSWER_WAIT);
    let store = desk.store.clone();
    let change = |now| store.change_content(SHOP, id, "x".to_owned(), words.clone(), now);
    // Meta may have it, as long as nobody knows what became of the call.
    hold!(matches!(change(desk.now).await?, ChangeContent::Submitted(_)));
    hold!(matches!(desk.store.delete_content(SHOP, id, desk.now).await?, DeleteContent::Pending(_)));
    desk.store.end_template(key, TemplateOutcome::NotDone, desk.now).await?;
    hold!(matches!(change(desk.now).await?, ChangeContent::Done(_)));
    // Its name is free for other content, and it can go.
    let other = keep(&mut desk, "", content("en", "Ho {{name}}.")?).await?;
    same!(submit(&desk, other, "hi").await?, Submit::Begun);
    same!(desk.store.delete_content(SHOP, id, desk.now).await?, DeleteContent::Done);
    // One that was begun a moment ago is still on its way.
    hold!(matches!(desk.store.delete_content(SHOP, other, desk.now).await?, DeleteContent::Pending(_)));
    // As many as a business may have are all of them.
    let one = kept(&desk, other).await?;
    let more = StoredContent { id: ContentId(desk.id()), ..one };
    same!(desk.store.add_content(more.clone(), 1).await?, AddContent::Full);
    hold!(desk.store.content(SHOP, more.id).await?.is_none());
    same!(desk.store.add_content(more.clone(), 2).await?, AddContent::Kept);
    same!(desk.store.add_content(more.clone(), 9).await?, AddContent::IdTaken);
    let elsewhere = StoredContent { id: ContentId(desk.id()), business: RIVAL, ..more };
    same!(desk.store.add_content(elsewhere, 1).await?, AddContent::Kept);
    Ok(())
}

/// All pages of a list, of one entry each.
async fn paged(desk: &Desk, filter: ContentFilter) -> Result<Vec<ContentId>, Broken> {
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let (page, next) = desk.store.contents(SHOP, filter.clone(), Page { size: 1, token }).await?;
        found.extend(page.into_iter().map(|c| c.id));
        token = next;
        if token.is_none() {
            return Ok(found);
        }
    }
}

pub(super) async fn contents_have_orders_and_pages(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let mut made = Vec::new();
    // Two have the same name but for its case, and one has a dot in it.
    for name in ["beta", "Alpha.1", "gamma", "BETA", "\u{1F600} grin"] {
        made.push(keep(&mut desk, name, content("en", "Hi.")?).await?);
        desk.turn(Span::secs(1));
    }
    let [beta, alpha, gamma, upper, grin] = made[..] else { return Err(Broken("five were kept".to_owned())) };
    for late in [gamma, beta] {
        let name = kept(&desk, late).await?.friendly_name;
        desk.store.change_content(SHOP, late, name, content("en", "Ho.")?, desk.now).await?;
        desk.turn(Span::secs(1));
    }
    let orders = [
        (ContentOrder::Oldest, vec![beta, alpha, gamma, upper, grin]),
        (ContentOrder::ChangedFirst, vec![alpha, upper, grin, gamma, beta]),
        (ContentOrder::Name, vec![alpha, beta, upper, gamma, grin]),
    ];
    let down = [ContentOrder::Newest, ContentOrder::ChangedLast, ContentOrder::NameDown];
    for ((order, up), down) in orders.into_iter().zip(down) {
        same!(paged(&desk, ContentFilter { order, ..Default::default() }).await?, up);
        same!(listed(&desk, ContentFilter { order, ..Default::default() }).await?, up);
        let reversed: Vec<_> = up.into_iter().rev().collect();
        same!(paged(&desk, ContentFilter { order: down, ..Default::default() }).await?, reversed);
        same!(listed(&desk, ContentFilter { order: down, ..Default::default() }).await?, reversed);
    }
    // A token belongs to its order.
    let named = ContentFilter { order: ContentOrder::Name, ..Default::default() };
    let token = desk.store.contents(SHOP, named, Page { size: 1, token: None }).await?.1;
    let newest = desk.store.contents(SHOP, ContentFilter::default(), Page { size: 1, token }).await;
    same!(newest, Err(StoreError::BadToken));
    Ok(())
}

pub(super) async fn contents_are_found_by_how_far_they_got(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let began = desk.now;
    let plain = keep(&mut desk, "plain", content("de", "Hallo.")?).await?;
    desk.turn(Span::secs(10));
    let approved = keep(&mut desk, "one", content("en", "Hi.")?).await?;
    let rejected = keep(&mut desk, "two", content("en", "Ho.")?).await?;
    for (id, name, number, words, approval) in
        [(approved, "parcel_here", "71", "Hi.", Approval::Approved), (rejected, "parcel_lost", "72", "Ho.", Approval::Rejected)]
    {
        same!(submit(&desk, id, name).await?, Submit::Begun);
        taken(&desk, id, name, Some(number)).await?;
        read(&mut desk, template(number, name, words, approval)?).await?;
    }
    let at = |approval| Some(Stage::AtMeta(approval));
    let by_stage = |stages: Vec<Option<Stage>>| ContentFilter { stages, ..Default::default() };
    same!(listed(&desk, by_stage(vec![at(Approval::Approved)])).await?, vec![approved]);
    same!(listed(&desk, by_stage(vec![None, at(Approval::Rejected)])).await?, vec![rejected, plain]);
    same!(listed(&desk, by_stage(vec![at(Approval::Paused)])).await?, vec![]);
    for (words, found) in
        [("parcel", vec![rejected, approved]), ("PARCEL here", vec![approved]), ("plain", vec![plain]), ("hi", vec![])]
    {
        same!(listed(&desk, ContentFilter { name: Needle::of(words), ..Default::default() }).await?, found);
    }
    for (words, found) in [("lost", vec![rejected]), ("hi.", vec![approved])] {
        same!(listed(&desk, ContentFilter { search: Needle::of(words), ..Default::default() }).await?, found);
    }
    let languages = vec![language("fr")?, language("de")?];
    same!(listed(&desk, ContentFilter { languages, ..Default::default() }).await?, vec![plain]);
    let from = Some(began.plus(Span::secs(10)));
    same!(listed(&desk, ContentFilter { created_from: from, ..Default::default() }).await?, vec![rejected, approved]);
    same!(listed(&desk, ContentFilter { created_to: Some(began), ..Default::default() }).await?, vec![plain]);

    // What is known of several at once is what is known of each.
    let ids = vec![rejected, ContentId(7), plain];
    let several = desk.store.submissions_of(SHOP, ids).await?;
    same!(several, vec![Some(follow(&desk, rejected).await?), None, Some(Vec::new())]);
    // One that is not over tells how it stands, whatever came after it.
    same!(submit(&desk, rejected, "parcel_again").await?, Submit::Begun);
    let followed = follow(&desk, rejected).await?;
    same!(Followed::current(&followed).map(|f| f.submission.name.as_str()), Some("parcel_again"));
    Ok(())
}
