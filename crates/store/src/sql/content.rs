//! Content and submissions.

use super::{Row, params};

use transom_domain::content::{ContentType, Language};
use transom_domain::id::{BusinessId, ContentId};
use transom_domain::submission::Submission;
use transom_domain::template::Category;

use super::{Sql, bound, corrupt, get, get_id, get_json, get_time, get_word, json};
use crate::rows::{ContentPlace, ContentRows, Result, Seq, name_key};
use crate::{ContentOrder, NAME_ORDER_CHARS, StoredContent};

/// Contents of a business in one order.
macro_rules! contents {
    ($after:literal) => {
        concat!(
            "SELECT seq, id, business, name, content, created_at, updated_at FROM content WHERE business = ?1 AND ",
            $after,
            " LIMIT ?2"
        )
    };
}
/// The newest first.
pub(crate) const NEWEST: &str = contents!("seq < ?3 ORDER BY seq DESC");
/// The oldest first.
pub(crate) const OLDEST: &str = contents!("seq > ?3 ORDER BY seq");
/// The one changed last first.
pub(crate) const CHANGED_LAST: &str = contents!("(updated_at, id) < (?3, ?4) ORDER BY updated_at DESC, id DESC");
/// The one changed longest ago first.
pub(crate) const CHANGED_FIRST: &str = contents!("(updated_at, id) > (?3, ?4) ORDER BY updated_at, id");
/// By friendly name.
pub(crate) const BY_NAME: &str = contents!("(name_key, id) > (?3, ?4) ORDER BY name_key, id");
/// By friendly name, the other way round.
pub(crate) const BY_NAME_DOWN: &str = contents!("(name_key, id) < (?3, ?4) ORDER BY name_key DESC, id DESC");
/// The submissions of a content.
pub(crate) const SUBMISSIONS: &str =
    "SELECT content, waba, name, language, category, kind, category_may_change, submitted_at, template
     FROM submission WHERE business = ?1 AND content = ?2 ORDER BY submitted_at, waba, name";
/// What was submitted under a name.
pub(crate) const SUBMITTED_AS: &str =
    "SELECT content FROM submission WHERE business = ?1 AND waba = ?2 AND name = ?3 AND language = ?4 ORDER BY content";

fn content(row: &dyn Row) -> Result<(Seq, StoredContent)> {
    let stored = StoredContent {
        id: ContentId::from_bytes(get_id(row, 1)?),
        business: BusinessId::from_bytes(get_id(row, 2)?),
        friendly_name: get(row, 3)?,
        content: get_json(row, 4)?,
        created_at: get_time(row, 5)?,
        updated_at: get_time(row, 6)?,
    };
    Ok((get(row, 0)?, stored))
}

fn submission(row: &dyn Row) -> Result<Submission> {
    let categories = [Category::Marketing, Category::Utility, Category::Authentication];
    let language: String = get(row, 3)?;
    Ok(Submission {
        content: ContentId::from_bytes(get_id(row, 0)?),
        waba: get(row, 1)?,
        name: get(row, 2)?,
        language: Language::parse(&language).map_err(|why| corrupt(row, 3, why))?,
        category: get_word(row, 4, |word| categories.into_iter().find(|c| c.as_str() == word))?,
        kind: get_word(row, 5, ContentType::named)?,
        allow_category_change: get(row, 6)?,
        submitted_at: get_time(row, 7)?,
        template: get(row, 8)?,
    })
}

impl<S: Sql> ContentRows for S {
    fn content(&self, business: BusinessId, id: ContentId) -> Result<Option<StoredContent>> {
        self.one(
            "SELECT seq, id, business, name, content, created_at, updated_at FROM content WHERE business = ?1 AND id = ?2",
            [business.to_bytes(), id.to_bytes()],
            |row| Ok(content(row)?.1),
        )
    }

    fn add_content(&mut self, new: &StoredContent) -> Result<()> {
        self.put(
            "INSERT INTO content (seq, id, business, name, name_key, content, created_at, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                self.number(new.business)?,
                new.id.to_bytes(),
                new.business.to_bytes(),
                new.friendly_name,
                name_key(&new.friendly_name),
                json(&new.content)?,
                new.created_at.as_millis(),
                new.updated_at.as_millis()
            ],
        )?;
        Ok(())
    }

    fn count_contents(&self, business: BusinessId) -> Result<usize> {
        let counted =
            self.one("SELECT count(*) FROM content WHERE business = ?1", [business.to_bytes()], |row| get::<i64>(row, 0))?;
        Ok(counted.and_then(|n| usize::try_from(n).ok()).unwrap_or(0))
    }

    fn set_content(&mut self, changed: &StoredContent) -> Result<()> {
        self.put(
            "UPDATE content SET name = ?3, name_key = ?4, content = ?5, updated_at = ?6 WHERE business = ?1 AND id = ?2",
            params![
                changed.business.to_bytes(),
                changed.id.to_bytes(),
                changed.friendly_name,
                name_key(&changed.friendly_name),
                json(&changed.content)?,
                changed.updated_at.as_millis()
            ],
        )?;
        Ok(())
    }

    fn drop_content(&mut self, business: BusinessId, id: ContentId) -> Result<()> {
        self.put("DELETE FROM content WHERE business = ?1 AND id = ?2", [business.to_bytes(), id.to_bytes()])?;
        Ok(())
    }

    fn contents(
        &self,
        business: BusinessId,
        order: ContentOrder,
        after: Option<&ContentPlace>,
        limit: usize,
    ) -> Result<Vec<(Seq, StoredContent)>> {
        let (business, limit) = (business.to_bytes(), bound(limit));
        // Before the first place, or after the last, where the order goes down.
        let (low, high) = (i64::MIN, i64::MAX);
        let seq = |otherwise| after.map_or(otherwise, |place| place.seq);
        let id = |otherwise: u8| after.map_or([otherwise; 16], |place| place.id.to_bytes());
        let changed = |otherwise| after.map_or(otherwise, |place| place.changed.as_millis());
        let name = |otherwise: &str| after.map_or_else(|| otherwise.to_owned(), |place| place.name.clone());
        match order {
            ContentOrder::Newest => self.all(NEWEST, params![business, limit, seq(high)], content),
            ContentOrder::Oldest => self.all(OLDEST, params![business, limit, seq(low)], content),
            ContentOrder::ChangedLast => self.all(CHANGED_LAST, params![business, limit, changed(high), id(u8::MAX)], content),
            ContentOrder::ChangedFirst => self.all(CHANGED_FIRST, params![business, limit, changed(low), id(0)], content),
            ContentOrder::Name => self.all(BY_NAME, params![business, limit, name(""), id(0)], content),
            ContentOrder::NameDown => {
                let last = char::MAX.to_string().repeat(NAME_ORDER_CHARS);
                self.all(BY_NAME_DOWN, params![business, limit, name(&last), id(u8::MAX)], content)
            }
        }
    }

    fn submissions(&self, business: BusinessId, content: ContentId) -> Result<Vec<Submission>> {
        self.all(SUBMISSIONS, [business.to_bytes(), content.to_bytes()], submission)
    }

    fn submitted_as(&self, business: BusinessId, waba: &str, name: &str, language: &Language) -> Result<Vec<ContentId>> {
        self.all(SUBMITTED_AS, params![business.to_bytes(), waba, name, language.as_str()], |row| {
            get_id(row, 0).map(ContentId::from_bytes)
        })
    }

    fn put_submission(&mut self, business: BusinessId, new: &Submission) -> Result<()> {
        self.put(
            "INSERT INTO submission (business, content, waba, name, language, category, kind, category_may_change,
                 submitted_at, template) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (business, content, waba, name, submitted_at) DO UPDATE SET language = excluded.language, category = excluded.category, kind = excluded.kind, category_may_change = excluded.category_may_change, template = excluded.template",
            params![
                business.to_bytes(),
                new.content.to_bytes(),
                new.waba,
                new.name,
                new.language.as_str(),
                new.category.as_str(),
                new.kind.as_str(),
                new.allow_category_change,
                new.submitted_at.as_millis(),
                new.template
            ],
        )?;
        Ok(())
    }

    fn drop_submission(&mut self, business: BusinessId, gone: &Submission) -> Result<()> {
        self.put(
            "DELETE FROM submission WHERE business = ?1 AND content = ?2 AND waba = ?3 AND name = ?4 AND submitted_at = ?5",
            params![business.to_bytes(), gone.content.to_bytes(), gone.waba, gone.name, gone.submitted_at.as_millis()],
        )?;
        Ok(())
    }
}
