//! `transom store …`: moving house to PostgreSQL, and coming back from a backup there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use transom_domain::id::BusinessId;
use transom_gateway::config::{Config, Sources};
use transom_gateway::media::stage::{Patience, Stage};
use transom_gateway::media::vault::{Folder, Name, Vault};
use transom_gateway::seal::KEY_FILE;
use transom_store::{CARRIED_FILE, Carried, CarryError, Carrying, carry};

use crate::args::{CopyArgs, PostgresArgs, RestoredArgs, StoreCommand};
use crate::fail::Fail;
use crate::stores::{self, For, Opened};
use crate::{backup, config, house, out};

/// Between two words about one table.
const TELL: Duration = Duration::from_secs(5);
/// How long one file may take.
const FILE: Patience = Patience { pause: Duration::from_secs(60), whole: Duration::from_secs(3_600) };
/// The largest file that there is room for anywhere.
const FILE_MAX: u64 = 4 << 30;

/// `transom store …`
pub(crate) async fn run(command: StoreCommand) -> Result<(), Fail> {
    match command {
        StoreCommand::Copy(args) => copy(args).await,
        StoreCommand::Restored(args) => restored(&args).await,
    }
}

/// The configuration of the processes that are to work there.
fn config_of(args: &PostgresArgs) -> Result<Config, Fail> {
    let mut sources = Sources::of_process(args.config.clone());
    if let Some(to) = &args.to {
        sources = sources.flag("store.url", to, "--to");
    }
    let config = config::read(sources, &args.set)?.config;
    if config.store.url.is_none() {
        return Err(Fail::usage("no PostgreSQL is named").remedy("Give its address with --to, or store.url with --config."));
    }
    Ok(config)
}

async fn copy(args: CopyArgs) -> Result<(), Fail> {
    let config = config_of(&args.postgres)?;
    let Some(address) = stores::address(&config)? else { return Err(Fail::usage("no PostgreSQL is named")) };
    let (place, quiet) = (address.to_string(), args.postgres.json);
    let (options, from, batch) = (stores::options(&config, For::Making), args.from.clone(), args.batch);
    let begun = Instant::now();
    let carried = tokio::task::spawn_blocking(move || {
        let mut told = Instant::now();
        carry(&from, &address, options, usize::try_from(batch).unwrap_or(usize::MAX), |at| {
            let Carrying::Rows { table, there, all } = at else { return };
            if quiet || all == 0 || (there < all && told.elapsed() < TELL) {
                return;
            }
            told = Instant::now();
            out::line(format!("{table}: {there} of {all}"));
        })
    });
    let carried = carried.await.map_err(|why| Fail::new(format!("the copy stopped: {why}")))?;
    let carried = carried.map_err(|why| not_carried(&args.from, &place, &why))?;
    let files = files(&args.from, &config, &carried).await?;
    told(&args, &config, &place, &carried, files, begun.elapsed())
}

fn told(
    args: &CopyArgs,
    config: &Config,
    place: &str,
    carried: &Carried,
    files: Option<u64>,
    took: Duration,
) -> Result<(), Fail> {
    let carried = &carried.tables;
    let rows: u64 = carried.iter().map(|one| one.rows).sum();
    let left: u64 = carried.iter().map(|one| one.left).sum();
    if args.postgres.json {
        return out::json(
            &json!({ "from": args.from, "to": place, "rows": rows, "left": left, "files": files, "tables": carried }),
        );
    }
    if carried.is_empty() {
        out::line(format!("All rows were carried to {place} before."));
    } else {
        out::line(format!(
            "{rows} rows are at {place}, compared with the folder's by count and digest; it took {} s.",
            took.as_secs()
        ));
    }
    for one in carried.iter().filter(|one| one.left > 0) {
        out::note(format!("{}: {} rows belong to nobody who is still there, and stay behind", one.table, one.left));
    }
    match files {
        Some(files) => out::line(format!("{files} files are in {}.", house::media(config)?.vault.place())),
        None => out::note(format!(
            "Files stay in {}: let every process have that folder as media.dir, or name a bucket and run this again.",
            args.from.join("media").display()
        )),
    }
    if config.seal.key_file.is_none() && args.from.join(KEY_FILE).exists() {
        out::note(format!(
            "Give every process the key in {} (seal.key_file or TRANSOM_SEAL_KEY): tokens and secrets are sealed with it.",
            args.from.join(KEY_FILE).display()
        ));
    }
    out::note(format!("The folder is opened no more: {CARRIED_FILE} in it says why. Start with store.url."));
    Ok(())
}

fn not_carried(from: &Path, place: &str, why: &CarryError) -> Fail {
    let fail = Fail::new(format!("{} was not carried to {place}: {why}", from.display()));
    match why {
        CarryError::Folder(_) => fail.remedy("Stop the server that holds the folder, and run this again."),
        CarryError::Nothing(_) => {
            fail.remedy("Name the folder of the store with --from; that of `transom dev` is .transom/gateway.")
        }
        CarryError::NotEmpty(_) => fail.remedy("Name an empty database: what is there is never mixed with what comes."),
        CarryError::Other => fail.remedy("Finish that one first, or name another database."),
        CarryError::InUse(_) => fail.remedy("Stop the servers that work on that database, and run this again."),
        CarryError::Differs { .. } => fail.remedy(format!(
            "The folder was used meanwhile. Empty the database, remove {CARRIED_FILE} from the folder, and begin anew."
        )),
        CarryError::Postgres(why) => stores::not_opened(place, why),
        CarryError::Store(_) => fail.remedy("Run it again: it goes on where it was."),
        CarryError::Read(_) | CarryError::Write { .. } | CarryError::Unfit { .. } => fail,
    }
}

/// Brings the folder's files to where they are to be; none where that is no other place. Those that are there already are left alone, and
/// so are those that nothing in the store knows of: they may have been deleted since.
async fn files(from: &Path, config: &Config, carried: &Carried) -> Result<Option<u64>, Fail> {
    let old = from.join("media");
    let elsewhere = config.media.bucket.is_some() || config.media.dir.as_ref().is_some_and(|dir| *dir != old);
    if !elsewhere || !old.is_dir() {
        return Ok(None);
    }
    let settings = house::media(config)?;
    let (stage, folder) = (Stage::new(settings.stage), Folder::new(old.clone()));
    let names = tokio::task::spawn_blocking(move || names(&old)).await.map_err(|why| Fail::new(why.to_string()))?;
    let mut done = 0;
    for name in names.map_err(|why| Fail::new(format!("the folder's files cannot be read: {why}")))? {
        if carried.files.contains(&(name.business, name.digest)) {
            one(&folder, &settings.vault, &stage, name).await?;
            done += 1;
        }
    }
    Ok(Some(done))
}

async fn one(folder: &Folder, vault: &Arc<dyn Vault>, stage: &Stage, name: Name) -> Result<(), Fail> {
    let failed = |why: String| Fail::new(format!("the file {name} was not brought along: {why}")).remedy("Run it again.");
    let Some(flow) = folder.open(name, None).await.map_err(|why| failed(why.to_string()))? else { return Ok(()) };
    let staged = stage.take(flow, FILE_MAX, FILE).await.map_err(|why| failed(format!("{why:?}")))?;
    if staged.digest != name.digest {
        return Err(failed("its bytes are not those of its name".to_owned()));
    }
    vault.keep(name, staged).await.map_err(|why| failed(why.to_string()))
}

/// The names of a folder's files: `<business>/<two digits>/<digest>`.
fn names(dir: &Path) -> std::io::Result<Vec<Name>> {
    let mut found = Vec::new();
    for of in entries(dir)? {
        let Some(business) = named::<BusinessId>(&of) else { continue };
        for part in entries(&of)? {
            for file in entries(&part)? {
                let digest = file.file_name().and_then(|name| digest(name.to_str()?));
                found.extend(digest.map(|digest| Name { business, digest }));
            }
        }
    }
    Ok(found)
}

fn entries(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    std::fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

fn named<T: std::str::FromStr>(path: &Path) -> Option<T> {
    if path.is_dir() { path.file_name()?.to_str()?.parse().ok() } else { None }
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (n, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(digest)
}

async fn restored(args: &RestoredArgs) -> Result<(), Fail> {
    let config = config_of(&args.postgres)?;
    let hold = backup::hold(&args.hold)?;
    let opened = Opened::open(&config, For::Looking).await?;
    let Opened::Postgres(store) = &opened else { return Err(Fail::usage("no PostgreSQL is named")) };
    match store.others().await {
        Ok(0) => {}
        Ok(others) => {
            return Err(Fail::usage(format!("{others} connections of other `transom` processes are open in that database"))
                .remedy("Stop the servers first: they would send what waits."));
        }
        Err(why) => return Err(Fail::new(why.to_string())),
    }
    let messages = backup::revive(&*opened.store(), args.queue, hold).await?;
    if args.postgres.json {
        return out::json(&json!({ "queue": args.queue.as_str(), "messages": messages }));
    }
    out::line(backup::decided(args.queue, messages, &args.hold));
    out::note("What was accepted, heard, revoked or opted out of after the backup is not in it: see docs/operating.md.");
    Ok(())
}
