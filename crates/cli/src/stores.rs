//! The store that a configuration names, and the key that opens what is sealed in it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use transom_gateway::config::Config;
use transom_gateway::seal::{KEY_FILE, KEY_VARIABLE, SealingKey};
use transom_store::{
    CARRIED_FILE, FolderLock, OpenError, PostgresAddress, PostgresError, PostgresOptions, PostgresStore, SqliteOptions,
    SqliteStore, Store,
};

use crate::fail::Fail;
use crate::house::duration;

/// The embedded store's file: what says that a folder holds one.
pub(crate) const STORE_FILE: &str = "transom.db";

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// To be served: it is made where there is none, brought up to date, and waited for.
    Serving,
    /// A command that may be the first one: as for serving, but without waiting.
    Making,
    /// A command that only looks, or changes what is there: nothing is made.
    Looking,
}

/// A store, open.
pub(crate) enum Opened {
    /// The embedded one.
    Folder(Arc<SqliteStore>),
    /// PostgreSQL.
    Postgres(Arc<PostgresStore>),
}

impl Opened {
    /// Opens the store that a configuration names.
    ///
    /// # Errors
    /// When it is held by another process, cannot be reached or written, or is of another version.
    pub(crate) async fn open(config: &Config, what: For) -> Result<Self, Fail> {
        let Some(address) = address(config)? else {
            let options = SqliteOptions {
                log_max: config.store.log_max.0,
                disk_reserve: config.store.disk_reserve.0,
                ..SqliteOptions::default()
            };
            let opened = SqliteStore::open(&config.store.dir, options);
            return opened.map(|store| Self::Folder(Arc::new(store))).map_err(|why| match &why {
                OpenError::Carried { done: true, .. } => Fail::new(why.to_string()).remedy(format!(
                    "Start with store.url. To go on here all the same, without what happened there since, remove {CARRIED_FILE} from the folder."
                )),
                OpenError::Carried { done: false, .. } => Fail::new(why.to_string()).remedy(format!(
                    "Finish it with `transom store copy`; or to go on here, remove {CARRIED_FILE} from the folder and empty the database."
                )),
                _ => Fail::new(why.to_string()),
            });
        };
        let place = address.to_string();
        let options = options(config, what);
        let opened = tokio::task::spawn_blocking(move || PostgresStore::open(&address, options)).await;
        let opened = opened.map_err(|why| Fail::new(format!("the store at {place} was not opened: {why}")))?;
        opened.map(|store| Self::Postgres(Arc::new(store))).map_err(|why| not_opened(&place, &why))
    }

    /// As the house sees it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Folder(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }

    /// Why it can no longer make anything durable, once that is so. PostgreSQL is waited for instead, whatever becomes of it.
    pub(crate) async fn failed(&self) -> String {
        match self {
            Self::Folder(store) => store.failed().await,
            Self::Postgres(_) => std::future::pending().await,
        }
    }
}

/// Where PostgreSQL is, with its password and whom it trusts; none where the store is a folder.
pub(crate) fn address(config: &Config) -> Result<Option<PostgresAddress>, Fail> {
    let Some(mut address) = config.store.url.clone() else { return Ok(None) };
    if let Some(file) = &config.store.password_file {
        let text = std::fs::read_to_string(file).map_err(|why| unreadable("store.password_file", file, &why))?;
        let password = text.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            return Err(Fail::usage(format!("store.password_file: {} is empty", file.display()))
                .remedy("Write the password into it, on one line."));
        }
        address = address.with_password(password);
    }
    if let Some(file) = &config.store.ca_file {
        let pem = std::fs::read(file).map_err(|why| unreadable("store.ca_file", file, &why))?;
        address = address.trusting(&pem).map_err(|why| {
            Fail::usage(format!("store.ca_file: {}: {why}", file.display()))
                .remedy("Give the file with the CA's certificate in PEM.")
        })?;
    }
    Ok(Some(address))
}

fn unreadable(key: &str, file: &Path, why: &std::io::Error) -> Fail {
    Fail::usage(format!("{key}: {} cannot be read: {why}", file.display())).remedy("Make it readable for this user alone.")
}

pub(crate) fn options(config: &Config, what: For) -> PostgresOptions {
    // The house, the journal and the lease have one each.
    let of_businesses = config.store.connections.saturating_sub(3).max(2);
    let writers = (of_businesses / 3).max(1);
    PostgresOptions {
        writers,
        readers: of_businesses - writers,
        statement_timeout: duration(config.store.statement_timeout),
        // A process that was stopped holds up the others for as long as its lease at most: what it holds is taken over then, and
        // whoever takes it waits for the turn no longer than this.
        stall_timeout: duration(config.replica.lease) / 2,
        patience: if what == For::Serving { duration(config.store.start_timeout) } else { Duration::ZERO },
        make: what != For::Looking,
        application: if what == For::Serving { "transom" } else { "transom-command" },
        ..PostgresOptions::default()
    }
}

pub(crate) fn not_opened(place: &str, why: &PostgresError) -> Fail {
    let fail = Fail::new(format!("the store at {place} cannot be opened: {why}"));
    match why {
        PostgresError::Refused(_) => {
            fail.remedy("Mend the user, the password or the database in store.url (or store.password_file), or what they may do there.")
        }
        PostgresError::Unreachable { .. } => fail.remedy(
            "Check that it runs, that host, port and sslmode in store.url are right, and that its certificate is trusted (store.ca_file).",
        ),
        PostgresError::Missing => fail.remedy("Check the database in store.url; `transom serve` and `transom business add` make a new store."),
        PostgresError::Half => fail.remedy("Finish it with `transom store copy`, or empty the database."),
        PostgresError::Older { .. } => fail.remedy("Start a server of this version, which brings it up to date, or use the older program."),
        PostgresError::Tls(_) | PostgresError::Threads(_) | PostgresError::Stopped | PostgresError::Store(_) => {
            fail.remedy("Mend what it says, then start again: everything that was accepted is there.")
        }
        PostgresError::Newer { .. } | PostgresError::Other(_) => fail,
    }
}

/// Makes the folder of this process its own, where the store itself is not in it; the embedded store locks its folder itself.
///
/// # Errors
/// When another process holds it, or it cannot be written.
pub(crate) fn own_folder(config: &Config) -> Result<Option<FolderLock>, Fail> {
    let Some(place) = &config.store.url else { return Ok(None) };
    let dir = &config.store.dir;
    let lock = FolderLock::take(dir).map_err(|why| {
        Fail::new(why.to_string()).remedy("Each process has a folder of its own: choose another with store.dir (--dir).")
    })?;
    if dir.join(STORE_FILE).exists() {
        tracing::warn!(
            folder = %dir.display(), store = %place,
            "the folder holds an embedded store, which is not used: store.url names another"
        );
    }
    Ok(Some(lock))
}

/// The sealing key that a configuration names.
///
/// # Errors
/// When it cannot be read or made. For a store that many processes share it is not made: each of them needs the same one.
pub(crate) fn sealing_key(config: &Config) -> Result<SealingKey, Fail> {
    let key = match &config.seal.key_file {
        Some(file) => SealingKey::of_file(file),
        None => {
            if config.store.url.is_some() && !has_own_key(config) {
                return Err(Fail::usage("the store is on PostgreSQL, and no sealing key is given").remedy(format!(
                    "Give every process the same one, in seal.key_file or {KEY_VARIABLE}; make it with `openssl rand -hex 32`, and keep it."
                )));
            }
            SealingKey::load_or_create(&config.store.dir)
        }
    };
    key.map_err(|why| Fail::new(why.to_string()))
}

/// Whether there is a key, without one being made.
pub(crate) fn has_own_key(config: &Config) -> bool {
    config.seal.key_file.is_some() || std::env::var_os(KEY_VARIABLE).is_some() || config.store.dir.join(KEY_FILE).exists()
}
