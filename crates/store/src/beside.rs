//! What has to do with both files: the house, and the journal beside it.

use std::future::poll_fn;
use std::task::Poll;

use transom_domain::time::Timestamp;

use crate::contract::After;
use crate::engine::{Engine, Room, Scope};
use crate::moves::{hear, journal, silence, upkeep};
use crate::rows::{Blank, Result, Rows};
use crate::{HearBody, HearOutcome, JournalEntry, JournalHead, Keep, SLICE_MAX, SweepKind, SweepPoint, Swept, WalkPoint};

/// See [`crate::Store::hear`]. Side by side, so that a body costs the longer of two commits and not both. The facts are asked for
/// first: what is refused at once, because there is too much of it, does not fill the journal each time it comes again.
pub(crate) async fn hear<E: Engine>(engine: &E, mut body: HearBody) -> Result<HearOutcome> {
    let entry = body.entry.take().map(|of| JournalEntry {
        head: JournalHead {
            id: of.id,
            position: 0,
            business: Some(body.business),
            app: body.app.clone(),
            at: body.now,
            outcome: of.outcome,
            fields: of.fields,
            note: of.note,
            size: of.raw.len(),
            erased: false,
        },
        raw: of.raw,
    });
    let scope = Scope::Business(body.business);
    let mut facts = engine.write(scope, Room::Hearing, move |rows| hear::hear(rows, &body));
    let Some(entry) = entry else { return facts.await };
    let begun = poll_fn(|cx| Poll::Ready(facts.as_mut().poll(cx))).await;
    if let Poll::Ready(Err(why)) = begun {
        return Err(why);
    }
    let noted = engine.note(scope, Room::Hearing, move |rows| journal::put(rows, &entry));
    match begun {
        Poll::Ready(heard) => noted.await.and(heard),
        Poll::Pending => {
            let (heard, noted) = tokio::join!(facts, noted);
            noted.and(heard)
        }
    }
}

/// Ids that are looked for at once.
const BLANKS: usize = 64;

/// See [`crate::Store::blank_bodies`].
pub(crate) async fn blank<E: Engine>(engine: &E) -> Result<bool> {
    let blanks = engine.read(|rows| rows.blanks(BLANKS)).await?;
    let (Some(business), Some(from), Some(since)) = (
        blanks.first().map(|(business, _)| *business),
        blanks.iter().map(|(_, blank)| blank.after).min(),
        blanks.iter().map(|(_, blank)| blank.since).min(),
    ) else {
        return Ok(false);
    };
    let after = match from {
        0 => engine.consult(move |rows| journal::before(rows, Some(business), since)).await?,
        from => from,
    };
    let ids: Vec<String> = blanks.iter().map(|(_, blank)| blank.provider_id.clone()).collect();
    let erased =
        engine.note(Scope::Business(business), Room::Ending, move |rows| journal::erase(rows, business, &ids, after)).await?;
    let done = move |rows: &mut dyn Rows| {
        for (business, blank) in &blanks {
            match erased.next {
                Some(next) => rows.put_blank(*business, &Blank { after: blank.after.max(next), ..blank.clone() })?,
                None => rows.drop_blank(*business, &blank.provider_id)?,
            }
        }
        Ok(())
    };
    engine.write(Scope::Business(business), Room::Ending, done).await?;
    Ok(true)
}

/// One slice of the journal: the oldest entries of the next business that has some to drop.
pub(crate) async fn sweep<E: Engine>(engine: &E, keep: Keep, from: SweepPoint, limit: usize, now: Timestamp) -> Result<Swept> {
    let kind = SweepKind::Journal;
    let (mut after, limit) = (from.after, limit.clamp(1, SLICE_MAX));
    let (whose, last) = engine.read(move |rows| upkeep::journals(rows, keep, after)).await?;
    for (of, keep) in whose {
        let before = now.minus(keep);
        if engine.consult(move |rows| journal::has_old(rows, of, before)).await? {
            let scope = of.map_or(Scope::House, Scope::Business);
            let (rows, more) = engine.note(scope, Room::Ending, move |rows| journal::sweep(rows, of, before, limit)).await?;
            let next = if more { after } else { of.map_or(After::Nobody, After::Business) };
            return Ok(Swept { kind, rows, next: Some(SweepPoint { kind, after: next }) });
        }
        after = of.map_or(After::Nobody, After::Business);
    }
    let next = if last { from.next_kind() } else { Some(SweepPoint { kind, after }) };
    Ok(Swept { kind, rows: 0, next })
}

/// See [`crate::Store::count_silence`]. A look finds the next business that has something to be counted, so that a round over many
/// that have nothing writes nothing.
pub(crate) async fn count_silence<E: Engine>(
    engine: &E,
    from: WalkPoint,
    limit: usize,
    now: Timestamp,
) -> Result<Option<WalkPoint>> {
    let WalkPoint(after) = from;
    let found = engine.read(move |rows| silence::next(rows, after, now)).await?;
    match found {
        silence::Next::Over => Ok(None),
        silence::Next::After(passed) => Ok(Some(WalkPoint(Some(passed)))),
        silence::Next::Due { before, business } => {
            let count = move |rows: &mut dyn Rows| silence::count(rows, business, limit, now);
            let more = engine.write(Scope::Business(business), Room::Ending, count).await?;
            Ok(Some(WalkPoint(if more { before } else { Some(business) })))
        }
    }
}
