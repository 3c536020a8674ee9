//! `transom backup` and `transom restore`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use transom_domain::time::{Span, Timestamp};
use transom_gateway::admin::{AdminAnswer, AdminCommand, BackupState};
use transom_gateway::config::{ByteSize, Config, Setting as _};
use transom_gateway::seal::{KEY_FILE, KEY_VARIABLE, write_private};
use transom_store::{
    BATCH_MAX, BackupFacts, Restoring, Revive, RevivePoint, SqliteOptions, SqliteStore, Store, check_backup, finish_backup,
    journal_of,
};

use crate::admin::{Hand, config_of};
use crate::args::{BackupArgs, QueueArg, RestoreArgs};
use crate::fail::Fail;
use crate::out;

/// How often it is asked how far a copy has come.
const LOOK: Duration = Duration::from_millis(200);
/// Version of the manifest.
const FORMAT: u32 = 1;
/// The largest manifest that is read.
const MANIFEST_MAX: u64 = 64 * 1024;

/// What lies beside a backup and says what it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manifest {
    format: u32,
    /// Version of the program that made it.
    transom: String,
    made_at: String,
    #[serde(flatten)]
    facts: BackupFacts,
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn manifest_of(file: &Path) -> PathBuf {
    beside(file, ".json")
}

fn cannot(path: &Path, what: &str, why: impl std::fmt::Display) -> Fail {
    Fail::new(format!("{} cannot be {what}: {why}", path.display()))
}

/// `transom backup`
///
/// # Errors
/// When the copy cannot be made, or one is not sound.
pub(crate) async fn run(args: &BackupArgs) -> Result<(), Fail> {
    match (&args.check, &args.to) {
        (Some(file), _) => check(file).await,
        (None, Some(to)) => make(args, to).await,
        (None, None) => Err(Fail::usage("--to is missing").remedy("Name the new file.")),
    }
}

async fn make(args: &BackupArgs, to: &Path) -> Result<(), Fail> {
    let to = std::path::absolute(to).map_err(|why| cannot(to, "used", why))?;
    let (partial, manifest) = (beside(&to, ".partial"), manifest_of(&to));
    let journal = journal_of(&to);
    for there in [&to, &journal, &manifest, &partial] {
        if there.exists() {
            return Err(Fail::usage(format!("{} is there already", there.display()))
                .remedy("Give another name with --to, or remove it; a backup never overwrites anything."));
        }
    }
    let config = config_of(&args.place)?;
    if config.store.url.is_some() {
        return Err(Fail::usage("the store is on PostgreSQL, which is backed up by its own tools")
            .remedy("Use pg_basebackup or pg_dump; docs/operating.md says how to come back from one."));
    }
    let key = if args.with_key { Some(key_text(&config)?) } else { None };
    let hand = Hand::find(&args.place).await?;
    hand.ask(AdminCommand::BackupStart { to: partial.clone() }).await?;
    copied(&hand, args.place.json).await?;
    drop(hand);
    let made = finish(&partial, &to, &manifest).await;
    if made.is_err() {
        // Of no use to anybody, and it would stand in the way of the next one.
        let _ = std::fs::remove_file(&partial);
        let _ = std::fs::remove_file(journal_of(&partial));
    }
    let facts = made?;
    if let Some(key) = &key {
        let file = beside(&to, ".key");
        write_private(&file, key.as_bytes()).map_err(|why| cannot(&file, "written", why))?;
    }
    if args.place.json {
        return out::json(&serde_json::json!({ "file": to, "manifest": manifest, "facts": facts, "withKey": key.is_some() }));
    }
    out::line(format!("{} is whole: {}, SHA-256 {}", to.display(), ByteSize(facts.bytes), facts.sha256));
    out::line(format!(
        "{} beside it has the journal: {} raw bodies, {}",
        journal.display(),
        facts.journal.entries,
        ByteSize(facts.journal.bytes)
    ));
    out::note(if key.is_some() {
        "The sealing key is beside it: whoever has both can read every token and secret."
    } else {
        "Tokens and secrets in it are sealed: keep the sealing key (seal.key, or TRANSOM_SEAL_KEY) as well, in another place."
    });
    Ok(())
}

/// Waits until the copy is whole.
async fn copied(hand: &Hand, quiet: bool) -> Result<(), Fail> {
    let mut tenth = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        let AdminAnswer::Backup(view) = hand.ask(AdminCommand::BackupLook {}).await? else {
            return Err(Fail::new("the server's answer is not about a backup").remedy("Use the same version of `transom`."));
        };
        match view.state {
            BackupState::Copied => return Ok(()),
            BackupState::Failed { why } => return Err(Fail::new(why)),
            BackupState::Copying => {
                let now = (view.copied * 10).checked_div(view.pages).unwrap_or(0);
                if now > tenth && !quiet {
                    tenth = now;
                    out::note(format!("{}0 % of {}", now, ByteSize(view.pages * 4_096)));
                }
            }
        }
    }
}

/// Checks the copy and gives it its name; last, so that a file with this name is a backup that is whole.
async fn finish(partial: &Path, to: &Path, manifest: &Path) -> Result<BackupFacts, Fail> {
    let copy = partial.to_owned();
    let facts = tokio::task::spawn_blocking(move || {
        // What is left of the machine's time is the server's.
        let _ = rustix::process::nice(10);
        finish_backup(&copy)
    })
    .await
    .map_err(|why| Fail::new(format!("the check of the copy stopped: {why}")))?
    .map_err(|why| Fail::new(why.to_string()))?;
    let said = Manifest {
        format: FORMAT,
        transom: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: jiff::Timestamp::now().to_string(),
        facts: facts.clone(),
    };
    let text = serde_json::to_vec_pretty(&said).map_err(|why| cannot(manifest, "written", why))?;
    write_private(manifest, &text).map_err(|why| cannot(manifest, "written", why))?;
    std::fs::rename(journal_of(partial), journal_of(to)).map_err(|why| cannot(to, "written", why))?;
    std::fs::rename(partial, to).map_err(|why| cannot(to, "written", why))?;
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|dir| dir.sync_all()).map_err(|why| cannot(folder, "synced", why))?;
    Ok(facts)
}

/// The sealing key as it stands in the environment or in its file.
fn key_text(config: &Config) -> Result<String, Fail> {
    if config.seal.key_file.is_none()
        && let Ok(text) = std::env::var(KEY_VARIABLE)
    {
        return Ok(text);
    }
    let file = config.seal.key_file.clone().unwrap_or_else(|| config.store.dir.join(KEY_FILE));
    std::fs::read_to_string(&file).map_err(|why| cannot(&file, "read", why))
}

/// `transom restore`
///
/// # Errors
/// When the backup is damaged, or the folder is not for it.
pub(crate) async fn restore(args: &RestoreArgs) -> Result<(), Fail> {
    let manifest = read_manifest(&args.from)?;
    let hold = hold(&args.hold)?;
    let (from, dir, replace) = (args.from.clone(), args.dir.clone(), args.replace);
    let facts = manifest.facts.clone();
    let restoring = tokio::task::spawn_blocking(move || Restoring::begin(&from, &facts, &dir, replace))
        .await
        .map_err(|why| Fail::new(format!("the restore stopped: {why}")))?
        .map_err(refused)?;
    let store = SqliteStore::open(&restoring.stage(), SqliteOptions::default()).map_err(|why| Fail::new(why.to_string()))?;
    let messages = revive(&store, args.queue, hold).await?;
    store.close().await.map_err(|why| Fail::new(format!("the queue cannot be decided: {why}")))?;
    // Once more, now as it is opened from here on: what was made ready is sound too.
    let (restoring, after) = tokio::task::spawn_blocking(move || {
        let facts = restoring.facts();
        (restoring, facts)
    })
    .await
    .map_err(|why| Fail::new(format!("the check stopped: {why}")))?;
    let after = after.map_err(|why| Fail::new(why.to_string()))?;
    if after.journal.entries != manifest.facts.journal.entries {
        return Err(Fail::new("the journal has another number of entries than the backup; the folder is left as it was"));
    }
    for table in ["business", "api_key", "sender", "customer", "conversation", "message"] {
        if after.rows.get(table) != manifest.facts.rows.get(table) {
            return Err(Fail::new(format!("{table} has another number of rows than the backup; the folder is left as it was")));
        }
    }
    if let Some(key) = &args.key {
        let text = std::fs::read_to_string(key).map_err(|why| cannot(key, "read", why))?;
        let file = args.dir.join(KEY_FILE);
        write_private(&file, text.as_bytes()).map_err(|why| cannot(&file, "written", why))?;
    }
    restoring.finish().map_err(refused)?;
    told(args, &manifest, messages, &after)
}

/// Decides what waited when the backup was made. Gives how many messages it was about.
pub(crate) async fn revive(store: &dyn Store, queue: QueueArg, hold: Span) -> Result<usize, Fail> {
    let failed = |why: transom_store::StoreError| Fail::new(format!("the queue cannot be decided: {why}"));
    let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    let how = match queue {
        QueueArg::Hold => Revive::Hold { until: now.plus(hold) },
        QueueArg::Fail => Revive::Fail,
        QueueArg::Send => Revive::Send,
    };
    let (mut from, mut messages) = (Some(RevivePoint::START), 0);
    while let Some(point) = from {
        let done = store.revive(how, point, BATCH_MAX, now).await.map_err(failed)?;
        messages += done.messages;
        from = done.next;
    }
    Ok(messages)
}

/// How long what waited is held.
pub(crate) fn hold(text: &str) -> Result<Span, Fail> {
    Span::read(text).map_err(|expected| Fail::usage(format!("--hold {text}: write {expected}")))
}

/// What became of what waited, in words.
pub(crate) fn decided(queue: QueueArg, messages: usize, hold: &str) -> String {
    match queue {
        QueueArg::Hold => format!("{messages} messages that waited then are held as unknown for {hold}."),
        QueueArg::Fail => format!("{messages} messages that waited then have failed as unknown."),
        QueueArg::Send => "What waited then is sent at the next start.".to_owned(),
    }
}

fn told(args: &RestoreArgs, manifest: &Manifest, messages: usize, after: &BackupFacts) -> Result<(), Fail> {
    if args.json {
        return out::json(&serde_json::json!({
            "dir": args.dir, "madeAt": manifest.made_at, "queue": args.queue.as_str(), "messages": messages, "rows": after.rows,
        }));
    }
    out::line(format!("{} holds the store as of {}.", args.dir.display(), manifest.made_at));
    out::line(decided(args.queue, messages, &args.hold));
    out::note("What was accepted, heard, revoked or opted out of after that moment is not in it: see docs/operating.md.");
    if !args.dir.join(KEY_FILE).exists() {
        out::note(format!(
            "Put the sealing key into {} (or {KEY_VARIABLE}) before you start it.",
            args.dir.join(KEY_FILE).display()
        ));
    }
    Ok(())
}

fn refused(why: transom_store::BackupError) -> Fail {
    let not_empty = matches!(why, transom_store::BackupError::NotEmpty { .. });
    let fail = Fail::new(why.to_string());
    if not_empty {
        fail.remedy("Choose another folder, or allow it with --replace: a store that is there is put aside, not removed.")
    } else {
        fail
    }
}

fn read_manifest(file: &Path) -> Result<Manifest, Fail> {
    let path = manifest_of(file);
    let missing = |why: String| {
        cannot(&path, "read", why).remedy("The manifest lies beside the backup, with .json at the end of its name; keep both.")
    };
    let size = std::fs::metadata(&path).map_err(|why| missing(why.to_string()))?.len();
    if size > MANIFEST_MAX {
        return Err(missing(format!("it has {size} bytes, at most {MANIFEST_MAX} are read")));
    }
    let text = std::fs::read(&path).map_err(|why| missing(why.to_string()))?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|why| missing(why.to_string()))?;
    if manifest.format != FORMAT {
        return Err(Fail::new(format!("{} has format {}, and this program knows {FORMAT}", path.display(), manifest.format))
            .remedy("Use the program that made it."));
    }
    Ok(manifest)
}

/// Sees that a backup is what its manifest says.
async fn check(file: &Path) -> Result<(), Fail> {
    let (manifest, path) = (read_manifest(file)?, file.to_owned());
    let facts = manifest.facts;
    tokio::task::spawn_blocking(move || check_backup(&path, &facts))
        .await
        .map_err(|why| Fail::new(format!("the check stopped: {why}")))?
        .map_err(|why| Fail::new(why.to_string()))?;
    out::line(format!("{} is sound, made at {}.", file.display(), manifest.made_at));
    Ok(())
}
