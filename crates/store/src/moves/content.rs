//! Content: kept, listed, changed, deleted; submitted once at a time, and followed by the template that came of it.

use transom_domain::content::{Content, Needle};
use transom_domain::id::{BusinessId, ContentId};
use transom_domain::submission::Submission;
use transom_domain::time::{Span, Timestamp};

use crate::contract::{
    AddContent, CONTENTS_LOOK_MAX, ChangeContent, ContentFilter, ContentOrder, DeleteContent, Followed, SUBMISSIONS_MAX,
    StoredContent, Submit,
};
use crate::rows::{ContentPlace, Result, Rows};
use crate::{PAGE_MAX, Page, StoreError, TemplateKey};

fn wanted(rows: &dyn Rows, filter: &ContentFilter, stored: &StoredContent) -> Result<bool> {
    let StoredContent { friendly_name, content, created_at, .. } = stored;
    let plain = (filter.languages.is_empty() || filter.languages.contains(&content.language))
        && (filter.kinds.is_empty() || filter.kinds.iter().any(|kind| content.types.contains_key(kind)))
        && filter.created_from.is_none_or(|from| *created_at >= from)
        && filter.created_to.is_none_or(|to| *created_at <= to);
    let named = |needle: &Needle| needle.is_in(friendly_name);
    let found = |needle: &Needle| needle.finds(friendly_name, content);
    let own_name = filter.name.as_ref().is_none_or(named);
    let own_words = filter.search.as_ref().is_none_or(found);
    if !plain || (own_name && own_words && filter.stages.is_empty()) {
        return Ok(plain);
    }
    // What is left to ask is known of its submissions only.
    let known = rows.submissions(stored.business, stored.id)?;
    let submitted_as =
        |needle: Option<&Needle>| needle.is_none_or(|needle| known.iter().any(|submission| needle.is_in(&submission.name)));
    if !(own_name || submitted_as(filter.name.as_ref())) || !(own_words || submitted_as(filter.search.as_ref())) {
        return Ok(false);
    }
    if filter.stages.is_empty() {
        return Ok(true);
    }
    let stage = Followed::current(&all(rows, stored)?).map(|followed| followed.stage);
    Ok(filter.stages.contains(&stage))
}

/// Where a page ended, in the order that it has.
fn token(order: ContentOrder, place: &ContentPlace) -> String {
    let ContentPlace { seq, id, changed, name } = place;
    match order {
        ContentOrder::Newest | ContentOrder::Oldest => seq.to_string(),
        ContentOrder::ChangedLast | ContentOrder::ChangedFirst => format!("{id}.{}", changed.as_millis()),
        ContentOrder::Name | ContentOrder::NameDown => format!("{id}.{name}"),
    }
}

fn read_token(order: ContentOrder, token: &str) -> Option<ContentPlace> {
    let mut place = ContentPlace { seq: 0, id: ContentId(0), changed: Timestamp::EPOCH, name: String::new() };
    let mut parted = || {
        let (id, rest) = token.split_once('.')?;
        place.id = id.parse().ok()?;
        Some(rest)
    };
    match order {
        ContentOrder::Newest | ContentOrder::Oldest => place.seq = token.parse().ok()?,
        ContentOrder::ChangedLast | ContentOrder::ChangedFirst => {
            place.changed = Timestamp::from_millis(parted()?.parse().ok()?);
        }
        ContentOrder::Name | ContentOrder::NameDown => place.name = parted()?.to_owned(),
    }
    Some(place)
}

/// See [`crate::Store::add_content`].
pub(crate) fn add(rows: &mut dyn Rows, content: &StoredContent, at_most: usize) -> Result<AddContent> {
    if rows.content(content.business, content.id)?.is_some() {
        return Ok(AddContent::IdTaken);
    }
    if rows.count_contents(content.business)? >= at_most {
        return Ok(AddContent::Full);
    }
    rows.add_content(content)?;
    Ok(AddContent::Kept)
}

/// See [`crate::Store::contents`].
pub(crate) fn list(
    rows: &dyn Rows,
    business: BusinessId,
    filter: &ContentFilter,
    page: &Page,
) -> Result<(Vec<StoredContent>, Option<String>)> {
    let size = page.size.clamp(1, PAGE_MAX);
    let mut after = match &page.token {
        None => None,
        Some(token) => Some(read_token(filter.order, token).ok_or(StoreError::BadToken)?),
    };
    let at = |after: Option<ContentPlace>| after.map(|place| token(filter.order, &place));
    let (mut found, mut looked) = (Vec::new(), 0);
    loop {
        // One more than is wanted tells whether there is a next page.
        let slice = rows.contents(business, filter.order, after.as_ref(), size + 1)?;
        let more = slice.len() > size;
        for (seq, stored) in slice.into_iter().take(size) {
            let place = ContentPlace::of(seq, &stored);
            if wanted(rows, filter, &stored)? {
                if found.len() == size {
                    return Ok((found, at(after)));
                }
                found.push(stored);
            }
            looked += 1;
            after = Some(place);
        }
        if !more {
            return Ok((found, None));
        }
        if found.len() == size || looked >= CONTENTS_LOOK_MAX {
            return Ok((found, at(after)));
        }
    }
}

/// A submission with what stands under its name now.
fn followed(rows: &dyn Rows, business: BusinessId, content: &Content, submission: Submission) -> Result<Followed> {
    let row = rows.template(business, &submission.waba, &submission.name, &submission.language)?;
    // What was never read has only a status, told by a webhook: it is its own by id, never by what it consists of.
    let template = row.filter(|row| row.read || submission.template.is_some()).map(|row| row.template);
    let stage = submission.stage(content, template.as_ref());
    let template = template.filter(|template| submission.is(content, template));
    Ok(Followed { submission, stage, template })
}

fn all(rows: &dyn Rows, stored: &StoredContent) -> Result<Vec<Followed>> {
    let of = rows.submissions(stored.business, stored.id)?;
    of.into_iter().map(|submission| followed(rows, stored.business, &stored.content, submission)).collect()
}

/// Whether nothing can come of a submission any more: nobody waits for Meta's answer, and every call is settled.
fn is_given_up(rows: &dyn Rows, business: BusinessId, followed: &Followed, now: Timestamp) -> Result<bool> {
    let Followed { submission, stage, .. } = followed;
    let Submission { waba, name, language, .. } = submission.clone();
    Ok(submission.is_forsaken(*stage, now) && rows.intent(&TemplateKey { business, waba, name, language })?.is_none())
}

/// See [`crate::Store::submissions`].
pub(crate) fn submissions(rows: &dyn Rows, business: BusinessId, id: ContentId) -> Result<Option<Vec<Followed>>> {
    rows.content(business, id)?.map(|stored| all(rows, &stored)).transpose()
}

/// Writes down which template is a submission's own, where that was known only by what it consists of.
fn pin(rows: &mut dyn Rows, business: BusinessId, followed: &Followed) -> Result<()> {
    match (&followed.submission.template, &followed.template) {
        (None, Some(template)) => {
            let template = Some(template.id.clone());
            rows.put_submission(business, &Submission { template, ..followed.submission.clone() })
        }
        _ => Ok(()),
    }
}

/// See [`crate::Store::change_content`].
pub(crate) fn change(
    rows: &mut dyn Rows,
    business: BusinessId,
    id: ContentId,
    friendly_name: &str,
    content: &Content,
    now: Timestamp,
) -> Result<ChangeContent> {
    let Some(stored) = rows.content(business, id)? else { return Ok(ChangeContent::NotFound) };
    if stored.content.language != content.language {
        return Ok(ChangeContent::OtherLanguage(stored.content.language));
    }
    let known = all(rows, &stored)?;
    for live in known.iter().filter(|f| !f.stage.is_over()) {
        if !is_given_up(rows, business, live, now)? {
            return Ok(ChangeContent::Submitted(Box::new(live.clone())));
        }
    }
    // What was its own by content must still be known as its own once the content is another.
    for one in &known {
        pin(rows, business, one)?;
    }
    let changed = StoredContent { friendly_name: friendly_name.to_owned(), content: content.clone(), updated_at: now, ..stored };
    rows.set_content(&changed)?;
    Ok(ChangeContent::Done(changed))
}

/// See [`crate::Store::delete_content`].
pub(crate) fn delete(rows: &mut dyn Rows, business: BusinessId, id: ContentId, now: Timestamp) -> Result<DeleteContent> {
    let Some(stored) = rows.content(business, id)? else { return Ok(DeleteContent::NotFound) };
    let known = all(rows, &stored)?;
    for pending in known.iter().filter(|f| f.stage.is_pending()) {
        if !is_given_up(rows, business, pending, now)? {
            return Ok(DeleteContent::Pending(Box::new(pending.clone())));
        }
    }
    if rows.waits_with(business, id)? {
        return Ok(DeleteContent::Waiting);
    }
    for Followed { submission, .. } in known {
        rows.drop_submission(business, &submission)?;
    }
    rows.drop_content(business, id)?;
    Ok(DeleteContent::Done)
}

/// See [`crate::Store::submit`].
pub(crate) fn submit(rows: &mut dyn Rows, business: BusinessId, submission: &Submission, looked_at: &Content) -> Result<Submit> {
    let Submission { content: id, waba, name, language, submitted_at: now, .. } = submission;
    let Some(stored) = rows.content(business, *id)? else { return Ok(Submit::NotFound) };
    if stored.content != *looked_at {
        return Ok(Submit::Changed);
    }
    let known = all(rows, &stored)?;
    // One whose answer was lost is made again under its own name only: Meta may have it.
    let again = |f: &Followed| f.is_made_again_as(waba, name, *now);
    if let Some(live) = known.iter().find(|f| f.stands_before(waba, name, *now)) {
        return Ok(Submit::Live(Box::new(live.clone())));
    }
    for other in rows.submitted_as(business, waba, name, language)?.into_iter().filter(|other| other != id) {
        let Some(rival) = rows.content(business, other)? else { continue };
        let taken = |f: &Followed| f.submission.waba == *waba && f.submission.name == *name && !f.stage.is_over();
        for rival in all(rows, &rival)?.iter().filter(|f| taken(f)) {
            if !is_given_up(rows, business, rival, *now)? {
                return Ok(Submit::NameTaken(other));
            }
        }
    }
    // Of those that are over, some are kept to be looked at: also under the same name, for Meta may refuse this one.
    let (replaced, kept): (Vec<&Followed>, Vec<&Followed>) = known.iter().partition(|f| again(f));
    let too_many = (kept.len() + 1).saturating_sub(SUBMISSIONS_MAX);
    let given_up = kept.iter().filter(|f| f.stage.is_over()).take(too_many);
    for f in replaced.iter().chain(given_up) {
        rows.drop_submission(business, &f.submission)?;
    }
    let mut begun = submission.clone();
    for f in kept.iter().filter(|f| f.stage.is_over()).skip(too_many) {
        if f.submission.waba == *waba && f.submission.name == *name {
            let of_same =
                |other: &&Followed| f.template.as_ref().is_some_and(|t| other.submission.template.as_ref() == Some(&t.id));
            if f.submission.template.is_none() && kept.iter().any(of_same) {
                // Nothing came of it but what was there before.
                rows.drop_submission(business, &f.submission)?;
            } else {
                // What is its own by content must not become the new one's.
                pin(rows, business, f)?;
            }
            begun.submitted_at = begun.submitted_at.max(f.submission.submitted_at.plus(Span::millis(1)));
        }
    }
    rows.put_submission(business, &begun)?;
    Ok(Submit::Begun)
}

/// See [`crate::Store::submitted`].
pub(crate) fn submitted(
    rows: &mut dyn Rows,
    business: BusinessId,
    content: ContentId,
    waba: &str,
    name: &str,
    template: Option<&str>,
) -> Result<()> {
    let mut under: Vec<Submission> = rows.submissions(business, content)?;
    under.retain(|s| s.waba == waba && s.name == name);
    let Some(open) = under.iter().rfind(|s| s.template.is_none()) else { return Ok(()) };
    let Some(template) = template else { return rows.drop_submission(business, open) };
    // One that was rejected and is submitted again as the same template is followed once.
    for earlier in under.iter().filter(|s| s.template.as_deref() == Some(template)) {
        rows.drop_submission(business, earlier)?;
    }
    rows.put_submission(business, &Submission { template: Some(template.to_owned()), ..open.clone() })
}
