//! Which of several servers is spoken to: the one that takes writes; where two say so, the one that took over from the other. All
//! connections of a process follow the first that found out.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_postgres::{Client, Config, Error, SimpleQueryMessage};

use super::session::{PAUSE, fault};
use crate::StoreError;

/// A server that does not let us in within that time is passed over, whatever it is that keeps it. A name may lead to several.
const ENTER: Duration = Duration::from_secs(10);
/// Where one takes writes, the others may still say that they do, too.
const GRACE: Duration = Duration::from_millis(200);
/// While one says nothing, those that said no are asked again: one of them may be about to take over.
const AGAIN: Duration = Duration::from_millis(250);

/// A server of those that an address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Server {
    host: usize,
    /// Raised by one whenever a standby takes over; 0 where the server knows nothing of it.
    timeline: u32,
}

/// Why no server let us in.
pub(super) struct Unreached {
    pub(super) why: StoreError,
    /// It says no, and will say so again: the password, the database, a permission.
    pub(super) refused: bool,
}

/// How one server is entered: a future for a host's configuration.
pub(super) trait Enter: Clone + Send + Sync + 'static {
    /// Connects.
    fn enter(&self, config: Config) -> impl Future<Output = Result<Client, Error>> + Send;
}

/// Those servers.
pub(super) struct Hosts {
    all: Vec<Config>,
    /// What all connections lead to.
    chosen: watch::Sender<Option<Server>>,
    /// Whether they lead to one: not where the address asks for whichever server.
    one: bool,
    failed: Mutex<Failed>,
}

/// That nobody could be reached a moment ago, and whether somebody is trying again.
#[derive(Default)]
struct Failed {
    last: Option<(Instant, StoreError)>,
    trying: bool,
}

/// A connection, and where it leads.
pub(super) struct Link {
    pub(super) client: Client,
    server: Option<Server>,
    chosen: watch::Receiver<Option<Server>>,
}

impl Link {
    /// Whether it is open, and no other server was found to be the one since.
    pub(super) fn stands(&self) -> bool {
        let left = |server: Server| self.chosen.borrow().is_some_and(|now| now.host != server.host);
        !self.client.is_closed() && !self.server.is_some_and(left)
    }

    /// Waits until another server is found to be the one.
    pub(super) async fn left(&self) {
        let Some(server) = self.server else { return std::future::pending().await };
        let mut chosen = self.chosen.clone();
        if chosen.wait_for(|now| now.is_some_and(|now| now.host != server.host)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// One host's own configuration.
fn single(config: &Config, host: usize) -> Config {
    let mut one = config.get_hosts().get(host).map_or_else(Config::new, |name| {
        let mut one = Config::new();
        match name {
            Host::Tcp(name) => one.host(name),
            #[cfg(unix)]
            Host::Unix(path) => one.host_path(path),
        };
        one
    });
    if let Some(address) = config.get_hostaddrs().get(host) {
        one.hostaddr(*address);
    }
    // One port stands for all hosts.
    if let Some(port) = config.get_ports().get(host).or_else(|| config.get_ports().first()) {
        one.port(*port);
    }
    for (text, set) in [
        (config.get_user(), Config::user as fn(&mut Config, String) -> &mut Config),
        (config.get_dbname(), Config::dbname),
        (config.get_options(), Config::options),
        (config.get_application_name(), Config::application_name),
    ] {
        if let Some(text) = text {
            set(&mut one, text.to_owned());
        }
    }
    if let Some(password) = config.get_password() {
        one.password(password);
    }
    if let Some(timeout) = config.get_connect_timeout() {
        one.connect_timeout(*timeout);
    }
    if let Some(timeout) = config.get_tcp_user_timeout() {
        one.tcp_user_timeout(*timeout);
    }
    if let Some(interval) = config.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one.keepalives(config.get_keepalives()).keepalives_idle(config.get_keepalives_idle());
    one.ssl_mode(config.get_ssl_mode()).ssl_negotiation(config.get_ssl_negotiation());
    one.channel_binding(config.get_channel_binding()).target_session_attrs(config.get_target_session_attrs());
    // Of the addresses of one name, any.
    one.load_balance_hosts(config.get_load_balance_hosts());
    one
}

fn refuses(error: &Error) -> bool {
    error.as_db_error().is_some_and(|db| matches!(db.code().code().get(..2), Some("28" | "3D" | "42")))
}

/// Enters one, and asks it which timeline it is on where that matters.
async fn within(enter: impl Enter, config: Config, several: bool) -> Result<(Client, u32), Unreached> {
    let tried = async {
        let client = enter.enter(config).await?;
        let timeline = if several { timeline(&client).await } else { 0 };
        Ok((client, timeline))
    };
    match tokio::time::timeout(ENTER, tried).await {
        Ok(Ok(entered)) => Ok(entered),
        Ok(Err(error)) => Err(Unreached { why: fault(&error), refused: refuses(&error) }),
        Err(_) => {
            let why = format!("PostgreSQL cannot be reached: it did not let us in within {} s", ENTER.as_secs());
            Err(Unreached { why: StoreError::Unavailable(why), refused: false })
        }
    }
}

/// The name of a file of the log begins with its timeline.
async fn timeline(client: &Client) -> u32 {
    let rows = client.simple_query("SELECT pg_walfile_name(pg_current_wal_insert_lsn())").await.unwrap_or_default();
    let name = rows.iter().find_map(|row| match row {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    name.and_then(|name| u32::from_str_radix(name.get(..8)?, 16).ok()).unwrap_or(0)
}

impl Hosts {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            all: (0..config.get_hosts().len()).map(|host| single(config, host)).collect(),
            chosen: watch::Sender::new(None),
            one: config.get_load_balance_hosts() != LoadBalanceHosts::Random,
            failed: Mutex::default(),
        }
    }

    fn failed(&self) -> MutexGuard<'_, Failed> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Hosts::reach`]. Where that has just failed, or somebody tries it since it has, it is not tried: a server that comes back is
    /// not to find everybody at its door, and all who wait for it are told soon.
    pub(super) async fn reach_in_turn(&self, enter: impl Enter) -> Result<Link, StoreError> {
        let again = {
            let mut failed = self.failed();
            let trying = failed.trying;
            if let Some((at, why)) = &failed.last {
                if trying || at.elapsed() < PAUSE {
                    return Err(why.clone());
                }
                failed.trying = true;
                true
            } else {
                false
            }
        };
        let reached = self.reach(enter).await;
        let mut failed = self.failed();
        failed.trying &= !again;
        failed.last = reached.as_ref().err().map(|unreached| (Instant::now(), unreached.why.clone()));
        drop(failed);
        reached.map_err(|unreached| unreached.why)
    }

    /// Connects to the server that takes writes.
    pub(super) async fn reach(&self, enter: impl Enter) -> Result<Link, Unreached> {
        let link = |client, server| Link { client, server, chosen: self.chosen.subscribe() };
        if let [only] = self.all.as_slice() {
            return Ok(link(within(enter, only.clone(), false).await?.0, None));
        }
        let (mut found, why) = self.ask_all(enter).await;
        let at_now = *self.chosen.borrow();
        let best = found.iter().enumerate().max_by_key(|(n, (server, _))| {
            let among_equals = if !self.one {
                RandomState::new().hash_one(n)
            } else {
                u64::from(at_now.is_some_and(|now| now.host == server.host))
            };
            (server.timeline, among_equals, std::cmp::Reverse(server.host))
        });
        let Some((at, _)) = best else { return Err(why) };
        let (server, client) = found.swap_remove(at);
        if !self.one {
            return Ok(link(client, None));
        }
        let (mut behind, mut other) = (0, false);
        self.chosen.send_if_modified(|now| {
            behind = now.map_or(0, |now| now.timeline).saturating_sub(server.timeline);
            other = behind == 0 && now.is_some_and(|now| now.host != server.host);
            let changed = behind == 0 && *now != Some(server);
            if changed {
                *now = Some(server);
            }
            changed
        });
        if behind > 0 && server.timeline > 0 {
            let why = "PostgreSQL cannot be reached: the only server that takes writes was left behind by another that took over";
            return Err(Unreached { why: StoreError::Unavailable(why.to_owned()), refused: false });
        }
        if other {
            tracing::warn!(host = self.name(server.host), timeline = server.timeline, "another PostgreSQL server has taken over");
        }
        Ok(link(client, Some(server)))
    }

    /// A host, as the address names it.
    fn name(&self, host: usize) -> String {
        let Some(config) = self.all.get(host) else { return String::new() };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match config.get_hosts().first() {
            Some(Host::Tcp(name)) => format!("{name}:{port}"),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => String::new(),
        }
    }

    /// Asks all at once: those that take writes, or why none does.
    async fn ask_all(&self, enter: impl Enter) -> (Vec<(Server, Client)>, Unreached) {
        let mut tries = JoinSet::new();
        let ask = |tries: &mut JoinSet<_>, host: usize, wait: Duration| {
            if let Some(config) = self.all.get(host) {
                let (enter, config) = (enter.clone(), config.clone());
                tries.spawn(async move {
                    tokio::time::sleep(wait).await;
                    (host, within(enter, config, true).await)
                });
            }
        };
        (0..self.all.len()).for_each(|host| ask(&mut tries, host, Duration::ZERO));
        let mut silent: Vec<usize> = (0..self.all.len()).collect();
        let mut said: Vec<Option<Unreached>> = self.all.iter().map(|_| None).collect();
        let mut found = Vec::new();
        let mut until = tokio::time::Instant::now() + ENTER;
        while let Ok(Some(Ok((host, answer)))) = tokio::time::timeout_at(until, tries.join_next()).await {
            silent.retain(|one| *one != host);
            match answer {
                Ok((client, timeline)) => {
                    found.push((Server { host, timeline }, client));
                    until = until.min(tokio::time::Instant::now() + GRACE);
                }
                Err(unreached) => {
                    if let Some(said) = said.get_mut(host) {
                        *said = Some(unreached);
                    }
                    ask(&mut tries, host, AGAIN);
                }
            }
            if silent.is_empty() {
                break;
            }
        }
        let refused = said.iter().flatten().any(|unreached| unreached.refused);
        let all: Vec<String> = said
            .iter()
            .enumerate()
            .map(|(host, said)| {
                let why = said.as_ref().map_or_else(|| "nothing was heard".to_owned(), |unreached| unreached.why.to_string());
                format!("{}: {why}", self.name(host))
            })
            .collect();
        (found, Unreached { why: StoreError::Unavailable(all.join("; ")), refused })
    }
}
