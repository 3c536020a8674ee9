//! Templates: what a reading found and what a webhook told, joined by time.

use std::collections::BTreeSet;

use transom_domain::event::EventBody;
use transom_domain::fact::TemplateStatus;
use transom_domain::id::{BusinessId, EventId};
use transom_domain::template::{Approval, Category, Definition, Template};
use transom_domain::time::{Span, Timestamp};

use super::tell;
use crate::rows::{Result, Rows, TemplateRow};

/// Meta's webhooks tell whole seconds: what they tell may have happened up to this much later, and a reading within the same
/// second must not undo it.
const SECOND: Span = Span::millis(999);

/// See [`crate::Store::put_templates`].
pub(crate) fn put(
    rows: &mut dyn Rows,
    business: BusinessId,
    waba: &str,
    templates: Vec<Template>,
    complete: bool,
    read_at: Timestamp,
) -> Result<usize> {
    let mut changed = 0;
    let mut seen = BTreeSet::new();
    for mut template in templates {
        seen.insert((template.name.clone(), template.language.as_str().to_owned()));
        let known = rows.template(business, waba, &template.name, &template.language)?;
        let mut status_at = read_at;
        if let Some(row) = &known
            && row.status_at > read_at
        {
            template.approval = row.template.approval;
            template.reason.clone_from(&row.template.reason);
            status_at = row.status_at;
        }
        let row = TemplateRow { template, status_at, read: true };
        let differs = known.as_ref().is_none_or(|k| !k.read || k.template != row.template);
        if differs || known.as_ref().is_some_and(|k| k.status_at != status_at) {
            rows.put_template(business, waba, &row)?;
        }
        changed += usize::from(differs);
        // What is seen for the first time has not changed.
        if known.is_some_and(|k| k.template.approval != row.template.approval) {
            say(rows, business, waba, &row.template, read_at)?;
        }
    }
    if complete {
        for row in rows.templates(business, waba, None)? {
            let key = (row.template.name.clone(), row.template.language.as_str().to_owned());
            if seen.contains(&key) || row.status_at > read_at || row.template.approval == Approval::Deleted {
                continue;
            }
            let template = Template { approval: Approval::Deleted, ..row.template };
            rows.put_template(business, waba, &TemplateRow { template: template.clone(), status_at: read_at, ..row })?;
            say(rows, business, waba, &template, read_at)?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// A webhook told a status. Says whether it was news, and the event.
pub(crate) fn told(
    rows: &mut dyn Rows,
    business: BusinessId,
    waba: &str,
    status: &TemplateStatus,
    now: Timestamp,
) -> Result<(bool, Option<EventId>)> {
    let known = rows.template(business, waba, &status.name, &status.language)?;
    let at = status.at.plus(SECOND);
    if known.as_ref().is_some_and(|row| row.status_at > at) {
        return Ok((false, None));
    }
    let before = known.as_ref().map(|row| (row.template.approval, row.template.reason.clone()));
    let mut row = known.unwrap_or_else(|| TemplateRow {
        template: Template {
            id: status.id.clone(),
            name: status.name.clone(),
            language: status.language.clone(),
            category: Category::Utility,
            approval: status.approval,
            reason: None,
            definition: Definition::default(),
        },
        status_at: at,
        read: false,
    });
    row.status_at = at;
    row.template.approval = status.approval;
    row.template.reason.clone_from(&status.reason);
    if let Some(category) = status.category {
        row.template.category = category;
    }
    rows.put_template(business, waba, &row)?;
    let event = match &before {
        Some((approval, _)) if *approval == status.approval => None,
        _ => {
            let body = EventBody::TemplateChanged { waba: waba.to_owned(), template: status.clone() };
            Some(tell::event(rows, business, now, body)?)
        }
    };
    Ok((before != Some((status.approval, status.reason.clone())), event))
}

/// The event of a change that a reading found.
fn say(rows: &mut dyn Rows, business: BusinessId, waba: &str, template: &Template, at: Timestamp) -> Result<()> {
    let told = TemplateStatus {
        id: template.id.clone(),
        name: template.name.clone(),
        language: template.language.clone(),
        approval: template.approval,
        category: Some(template.category),
        reason: template.reason.clone(),
        at,
    };
    tell::event(rows, business, at, EventBody::TemplateChanged { waba: waba.to_owned(), template: told }).map(|_| ())
}
