//! The simulator's own store: one SQLite file, written by one thread, many callers' changes in one commit.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use transom_domain::Timestamp;

use crate::chance::{Chance, Seed};
use crate::folder::StartError;
use crate::graph::content::Kind;
use crate::world::effects::{Change, Entity};
use crate::world::faults::Faults;
use crate::world::message::{Body, Message, Progress, Status, to_json};
use crate::world::owed::{Owed, field};
use crate::world::template::spec::Spec;
use crate::world::template::{Template, rules};
use crate::world::{Timer, World};

/// Raised with every change of the tables.
const SCHEMA: i64 = 1;

/// Messages read back at the start: what the phones show. Those that are still on their way come too, whatever their number.
const LOADED_MAX: i64 = 100_000;

/// Rows in one answer of a list.
pub(crate) const PAGE_MAX: usize = 1_000;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS entity (kind TEXT NOT NULL, id INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message (
    seq INTEGER PRIMARY KEY, wamid TEXT NOT NULL, outbound INTEGER NOT NULL, number INTEGER NOT NULL, recipient TEXT NOT NULL,
    kind TEXT NOT NULL, callback TEXT, at INTEGER NOT NULL, status TEXT NOT NULL, error INTEGER, body TEXT NOT NULL,
    progress TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS message_callback ON message (callback) WHERE callback IS NOT NULL;
CREATE TABLE IF NOT EXISTS owed (
    id INTEGER PRIMARY KEY, waba INTEGER NOT NULL, number INTEGER, field TEXT NOT NULL, entry TEXT NOT NULL, born INTEGER NOT NULL,
    due INTEGER NOT NULL, attempts INTEGER NOT NULL);
";

/// SQLite's integers are signed; ours stay far below the difference.
fn signed(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

fn unsigned(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(0)
}

/// Opens the database for writing, making its tables if need be.
pub(crate) fn open(file: &Path) -> Result<Connection, StartError> {
    let failed = |error: rusqlite::Error| StartError::Database { file: file.to_owned(), what: error.to_string() };
    let db = Connection::open(file).map_err(failed)?;
    // What was answered has to survive the machine, not only the process: every commit is on disk.
    db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;")
        .map_err(failed)?;
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    if found > SCHEMA {
        return Err(StartError::Newer { file: file.to_owned(), found, known: SCHEMA });
    }
    db.execute_batch(TABLES).map_err(failed)?;
    db.pragma_update(None, "user_version", SCHEMA).map_err(failed)?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

/// A database of its own in memory: it outlives the world that is loaded from it, and nothing else.
pub(crate) fn in_memory() -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    db.execute_batch(TABLES)?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

/// Opens it for reading beside the writer.
pub(crate) fn open_reader(file: &Path) -> Result<Connection, StartError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let failed = |error: rusqlite::Error| StartError::Database { file: file.to_owned(), what: error.to_string() };
    let db = Connection::open_with_flags(file, flags).map_err(failed)?;
    db.busy_timeout(std::time::Duration::from_secs(5)).map_err(failed)?;
    Ok(db)
}

/// The clock's offset, if the folder has one.
pub(crate) fn offset(file: &Path) -> Result<i64, StartError> {
    if !file.exists() {
        return Ok(0);
    }
    let db = open_reader(file)?;
    let failed = |error: rusqlite::Error| StartError::Database { file: file.to_owned(), what: error.to_string() };
    let has_table: bool =
        db.query_row("SELECT count(*) > 0 FROM sqlite_master WHERE name = 'entity'", [], |row| row.get(0)).map_err(failed)?;
    if !has_table {
        return Ok(0);
    }
    let json: Option<String> = db
        .query_row("SELECT json FROM entity WHERE kind = 'clock' AND id = 0", [], |row| row.get(0))
        .optional()
        .map_err(failed)?;
    Ok(json.and_then(|json| json.parse().ok()).unwrap_or(0))
}

/// Writes a group in one commit. When this fails nothing of it is there.
pub(crate) fn write(db: &mut Connection, changes: &[Change]) -> rusqlite::Result<()> {
    let transaction = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for change in changes {
        write_one(&transaction, change)?;
    }
    transaction.commit()
}

fn write_one(db: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Put { kind, id, json } => db
            .prepare_cached("INSERT INTO entity (kind, id, json) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET json = excluded.json")?
            .execute(params![kind.as_str(), signed(*id), json])?,
        Change::Remove { kind, id } => db
            .prepare_cached("DELETE FROM entity WHERE kind = ?1 AND id = ?2")?
            .execute(params![kind.as_str(), signed(*id)])?,
        Change::Message(row) => db
            .prepare_cached(
                "INSERT INTO message (seq, wamid, outbound, number, recipient, kind, callback, at, status, error, body, progress)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                signed(row.seq),
                row.wamid,
                row.outbound,
                signed(row.number),
                row.to,
                row.kind,
                row.callback_data,
                row.at,
                row.status,
                row.error,
                row.body,
                row.progress
            ])?,
        Change::Progress { seq, status, error, progress } => db
            .prepare_cached("UPDATE message SET status = ?2, error = ?3, progress = ?4 WHERE seq = ?1")?
            .execute(params![signed(*seq), status, error, progress])?,
        Change::Owe { id, waba, number, field, entry, born, due, attempts } => db
            .prepare_cached(
                "INSERT OR REPLACE INTO owed (id, waba, number, field, entry, born, due, attempts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![signed(*id), signed(*waba), number.map(signed), field, &**entry, born, due, attempts])?,
        Change::OweAgain { id, due, attempts } => db
            .prepare_cached("UPDATE owed SET due = ?2, attempts = ?3 WHERE id = ?1")?
            .execute(params![signed(*id), due, attempts])?,
        Change::Settled { id } => db.prepare_cached("DELETE FROM owed WHERE id = ?1")?.execute(params![signed(*id)])?,
    };
    Ok(())
}

/// Reads the world back, or makes the first one. The new number of boots keeps this run's chance apart from the last one's.
pub(crate) fn load(db: &Connection, file: &Path, seed: Seed) -> Result<(World, u64), StartError> {
    let failed = |error: rusqlite::Error| StartError::Database { file: file.to_owned(), what: error.to_string() };
    let boots: Vec<u64> = entities(db, Entity::Boots).map_err(failed)?;
    let boots = boots.first().copied().unwrap_or(0) + 1;
    let chance = Chance::new(seed.part(boots));
    let apps = entities(db, Entity::App).map_err(failed)?;
    let mut world = match apps.into_iter().next() {
        Some(app) => load_world(db, World::empty(app, chance)).map_err(failed)?,
        None => World::first(chance),
    };
    world.open_home_page(seed);
    world.effects.changes.push(Change::Put { kind: Entity::Boots, id: 0, json: to_json(&boots) });
    Ok((world, boots))
}

fn load_world(db: &Connection, mut world: World) -> rusqlite::Result<World> {
    let settings = entities(db, Entity::Settings)?;
    world.settings = settings.into_iter().next().unwrap_or_default();
    world.faults = Faults::new(entities(db, Entity::Faults)?.into_iter().next().unwrap_or_default());
    world.wabas = by_id(entities(db, Entity::Waba)?, |waba: &crate::world::account::Waba| waba.id);
    world.numbers = by_id(entities(db, Entity::Number)?, |number: &crate::world::account::Number| number.id);
    world.catalogs = by_id(entities(db, Entity::Catalog)?, |catalog: &crate::world::account::Catalog| catalog.id);
    world.media = by_id(entities(db, Entity::Media)?, |media: &crate::world::media::Media| media.id);
    world.flows = by_id(entities(db, Entity::Flow)?, |flow: &crate::world::flow::Flow| flow.id);
    world.uploads = by_id(entities(db, Entity::Upload)?, |upload: &crate::world::upload::Upload| upload.id);
    for template in entities::<Template>(db, Entity::Template)? {
        load_template(&mut world, template);
    }
    for customer in entities::<crate::world::customer::Customer>(db, Entity::Customer)? {
        if let Some(wa_id) = &customer.wa_id {
            world.by_wa_id.insert(wa_id.clone(), customer.id);
        }
        world.by_user_id.insert(customer.user_id.clone(), customer.id);
        world.customers.insert(customer.id, customer);
    }
    let timers =
        world.messenger.load(entities(db, Entity::Page)?, entities(db, Entity::PagePerson)?, entities(db, Entity::PageMessage)?);
    world.timers.extend(timers);
    load_messages(db, &mut world)?;
    load_owed(db, &mut world)?;
    Ok(world)
}

fn by_id<T, M: FromIterator<(u64, T)>>(items: Vec<T>, id: impl Fn(&T) -> u64) -> M {
    items.into_iter().map(|item| (id(&item), item)).collect()
}

fn entities<T: DeserializeOwned>(db: &Connection, kind: Entity) -> rusqlite::Result<Vec<T>> {
    let mut statement = db.prepare("SELECT json FROM entity WHERE kind = ?1 ORDER BY id")?;
    let rows = statement.query_map([kind.as_str()], |row| parsed(row, 0))?;
    rows.collect()
}

fn parsed<T: DeserializeOwned>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T> {
    let json: String = row.get(column)?;
    serde_json::from_str(&json)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error)))
}

fn load_template(world: &mut World, mut template: Template) {
    template.spec = Spec::of(&template.components);
    if let Some(version) = &mut template.in_force {
        version.spec = Spec::of(&version.components);
    }
    let id = template.id;
    if let Some(at) = template.deleted_at {
        let until = Timestamp::from_millis(at).plus(rules::NAME_TAKEN.max(rules::DELETION_WAITS));
        world.timers.insert((until.as_millis(), Timer::Forget(id)));
        if !template.undelivered.is_empty() {
            world.leaving.insert(id);
        }
    } else {
        world.template_ids.insert((template.waba, template.name.clone(), template.language.clone()), id);
        let timers = [
            (template.review_at, Timer::Review(id)),
            (template.resume_at, Timer::Resume(id)),
            (template.recategorise_at, Timer::Recategorise(id)),
        ];
        world.timers.extend(timers.into_iter().filter_map(|(at, timer)| Some((at?, timer))));
    }
    world.templates.insert(id, template);
}

fn load_messages(db: &Connection, world: &mut World) -> rusqlite::Result<()> {
    let last: i64 = db.query_row("SELECT coalesce(max(seq), 0) FROM message", [], |row| row.get(0))?;
    let mut tally = HashMap::new();
    let mut counts = db.prepare("SELECT status, error, count(*) FROM message WHERE outbound GROUP BY status, error")?;
    let mut rows = counts.query([])?;
    while let Some(row) = rows.next()? {
        let status: String = row.get(0)?;
        let count: i64 = row.get(2)?;
        if let Ok(status) = serde_json::from_value::<Status>(Value::String(status)) {
            tally.insert((status.as_str(), row.get::<_, Option<u32>>(1)?), unsigned(count));
        }
    }
    let mut statement = db.prepare(
        "SELECT body, progress FROM message WHERE seq > ?1 OR (outbound AND status IN ('accepted', 'sent'))
         OR (outbound AND status = 'delivered' AND progress LIKE '%\"next\":[%') ORDER BY seq",
    )?;
    let rows = statement.query_map([last - LOADED_MAX], |row| {
        Ok(Message { body: parsed::<Body>(row, 0)?, progress: parsed::<Progress>(row, 1)? })
    })?;
    let messages: Vec<Message> = rows.collect::<rusqlite::Result<_>>()?;
    for message in &messages {
        place(world, message);
    }
    world.messages.load(unsigned(last), tally, messages);
    Ok(())
}

/// Puts a message back where it was: on a timer, on a phone, or waiting for one.
fn place(world: &mut World, message: &Message) {
    let (body, progress) = (&message.body, &message.progress);
    if let Some((step, due)) = progress.next {
        world.timers.insert((due, Timer::Message(body.seq, step)));
    }
    let Some(person) = body.customer.and_then(|id| world.customers.get_mut(&id)) else { return };
    let is_on_phone = !body.outbound
        || matches!(progress.status, Status::Delivered | Status::Read)
        || (progress.status == Status::Sent && body.kind == Kind::Reaction);
    if is_on_phone {
        person.remember(body.seq);
    } else if progress.status == Status::Sent && progress.next.is_none() {
        person.waiting.push_back(body.seq);
    }
}

fn load_owed(db: &Connection, world: &mut World) -> rusqlite::Result<()> {
    let mut statement = db.prepare("SELECT id, waba, number, field, born, due, attempts FROM owed ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    let mut last = 0;
    while let Some(row) = rows.next()? {
        let id = unsigned(row.get(0)?);
        let name: String = row.get(3)?;
        let Some(field) = field(&name) else { continue };
        let owed = Owed {
            waba: unsigned(row.get(1)?),
            number: row.get::<_, Option<i64>>(2)?.map(unsigned),
            field,
            entry: None,
            born: row.get(4)?,
            due: row.get(5)?,
            attempts: row.get(6)?,
        };
        world.timers.insert((owed.due, Timer::Webhook(id)));
        last = id;
        all.push((id, owed));
    }
    world.owed.load(last, all);
    Ok(())
}

/// The text of one owed webhook that is not kept in memory.
pub(crate) fn entry(db: &Connection, id: u64) -> rusqlite::Result<Option<String>> {
    db.prepare_cached("SELECT entry FROM owed WHERE id = ?1")?.query_row([signed(id)], |row| row.get(0)).optional()
}

/// What a list of messages asks for.
#[derive(Debug, Default, Clone)]
pub(crate) struct MessageQuery {
    pub(crate) after: u64,
    pub(crate) callback: Option<String>,
    pub(crate) callback_prefix: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) limit: usize,
}

/// Messages the business sent, in the order in which they were accepted.
pub(crate) fn messages(db: &Connection, query: &MessageQuery) -> rusqlite::Result<Vec<Value>> {
    let limit = i64::try_from(query.limit.clamp(1, PAGE_MAX)).unwrap_or(1);
    // The last character a text can continue with, so that a prefix is a range the index can serve.
    let upper = query.callback_prefix.as_ref().map(|prefix| format!("{prefix}\u{10FFFF}"));
    let mut statement = db.prepare_cached(
        "SELECT seq, wamid, number, recipient, kind, callback, at, status, error FROM message
         WHERE seq > ?1 AND outbound AND (?2 IS NULL OR callback = ?2) AND (?3 IS NULL OR (callback >= ?3 AND callback < ?4))
         AND (?5 IS NULL OR status = ?5) ORDER BY seq LIMIT ?6",
    )?;
    let rows = statement.query_map(
        params![signed(query.after), query.callback, query.callback_prefix, upper, query.status, limit],
        |row| {
            let status: String = row.get(7)?;
            // Before it has failed, what it will fail with is Meta's secret.
            let error = if status == "failed" { row.get::<_, Option<u32>>(8)? } else { None };
            Ok(json!({
                "seq": row.get::<_, i64>(0)?,
                "wamid": row.get::<_, String>(1)?,
                "from": row.get::<_, i64>(2)?.to_string(),
                "to": row.get::<_, String>(3)?,
                "type": row.get::<_, String>(4)?,
                "callbackData": row.get::<_, Option<String>>(5)?,
                "at": row.get::<_, i64>(6)?,
                "status": status,
                "error": error,
            }))
        },
    )?;
    rows.collect()
}
