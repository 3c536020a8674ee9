//! How PostgreSQL is reached: the address as its own tools take it, TLS as it says, and limits on what may take how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls_platform_verifier::Verifier;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::PostgresOptions;
use super::address::PostgresAddress;
use super::hosts::{Enter, Hosts, Link};
use super::migrate::PostgresError;
use crate::StoreError;

/// An address that does not answer in that time is passed over.
const CONNECT: Duration = Duration::from_secs(3);
/// A connection on which nothing was acknowledged for so long is given up: a server that is gone says nothing.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);
/// So long after a server should have ended a statement that takes too long, it is given up: it stands still.
const STATEMENT_MORE: Duration = Duration::from_secs(5);

/// Between two tries to reach it at the start, and between two words about it.
const BETWEEN: Duration = Duration::from_millis(500);
const TELL: Duration = Duration::from_secs(10);

/// Where, as whom, and how.
pub(crate) struct Connect {
    config: Config,
    hosts: Hosts,
    entrance: Entrance,
    answer: Duration,
    waits: AtomicU64,
}

/// How each of the servers is entered.
#[derive(Clone)]
struct Entrance(Option<MakeRustlsConnect>);

impl Enter for Entrance {
    async fn enter(&self, config: Config) -> Result<Client, Error> {
        match &self.0 {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                tokio::spawn(connection);
                Ok(steady(client).await)
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(connection);
                Ok(steady(client).await)
            }
        }
    }
}

impl std::fmt::Debug for Connect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the password.
        f.debug_struct("Connect").field("hosts", &self.config.get_hosts()).field("database", &self.config.get_dbname()).finish()
    }
}

impl Connect {
    /// How a server is reached.
    pub(super) fn new(address: &PostgresAddress, options: PostgresOptions) -> Result<Self, String> {
        let mut config = address.config().clone();
        let timeouts = format!(
            "-c client_min_messages=warning -c statement_timeout={} -c idle_in_transaction_session_timeout={}",
            options.statement_timeout.as_millis(),
            options.stall_timeout.as_millis()
        );
        let given = config.get_options().map_or_else(|| timeouts.clone(), |given| format!("{timeouts} {given}"));
        config.options(given);
        if config.get_application_name().is_none() {
            config.application_name(options.application);
        }
        // A server that only reads is of no use: after a switch the address may lead to the old one for a while.
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        config.connect_timeout(CONNECT).tcp_user_timeout(UNACKNOWLEDGED).keepalives_idle(UNACKNOWLEDGED);
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(tls(address)?),
        };
        let answer = options.statement_timeout + STATEMENT_MORE;
        Ok(Self { hosts: Hosts::new(&config), config, entrance: Entrance(tls), answer, waits: AtomicU64::new(0) })
    }

    /// How long an answer may take: a server that stands still keeps its connections open.
    pub(super) fn answer(&self) -> Duration {
        self.answer
    }

    /// A connection waits for what it has asked.
    pub(super) fn waited(&self) {
        self.waits.fetch_add(1, Ordering::Relaxed);
    }

    /// How often connections have waited for an answer.
    pub(super) fn waits(&self) -> u64 {
        self.waits.load(Ordering::Relaxed)
    }

    /// Connects, wherever that leads from then on.
    pub(crate) async fn connect(&self) -> Result<Client, StoreError> {
        self.hosts.reach(self.entrance.clone()).await.map(|link| link.client).map_err(|unreached| unreached.why)
    }

    /// Connects, unless that has just failed.
    pub(super) async fn link(&self) -> Result<Link, StoreError> {
        self.hosts.reach_in_turn(self.entrance.clone()).await
    }

    /// Waits until a server answers that lets us in: for so long, and not at all where it says no.
    pub(super) async fn awaited(&self, patience: Duration) -> Result<(), PostgresError> {
        let (begun, mut told) = (Instant::now(), Instant::now());
        loop {
            let Err(unreached) = self.hosts.reach(self.entrance.clone()).await else { return Ok(()) };
            let why = unreached.why.to_string();
            if unreached.refused {
                return Err(PostgresError::Refused(why));
            }
            if begun.elapsed() >= patience {
                return Err(PostgresError::Unreachable { why, waited: begun.elapsed() });
            }
            if told.elapsed() >= TELL || told == begun {
                told = Instant::now();
                tracing::warn!(%why, left = ?patience.saturating_sub(begun.elapsed()), "waiting for PostgreSQL");
            }
            tokio::time::sleep(BETWEEN.min(patience.saturating_sub(begun.elapsed()))).await;
        }
    }
}

/// What is asked of a server once per connection, where it knows of it; one that does not goes its own ways.
///
/// A statement is planned once, for whatever values come: one with a bound would else be planned anew each time. Such a plan must not
/// depend on how much was stored when it was made, so all go by an index, and from one row to the next. A server that has an answer for
/// us gives up too once nobody has taken any of it for a while: what its transaction holds is waited for by others.
const STEADY: &str = "SELECT set_config(wanted.name, wanted.value, false)
     FROM (VALUES ('plan_cache_mode', 'force_generic_plan'), ('enable_seqscan', 'off'), ('enable_bitmapscan', 'off'),
         ('enable_mergejoin', 'off'), ('enable_hashjoin', 'off'), ('jit', 'off'), ('tcp_user_timeout', '15000')) AS wanted (name, value)
     WHERE wanted.name IN (SELECT name FROM pg_settings)";

async fn steady(client: Client) -> Client {
    drop(client.batch_execute(STEADY).await);
    client
}

/// TLS by the machine's own certificates, and those that the address brings.
fn tls(address: &PostgresAddress) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(address.roots().iter().cloned(), Arc::clone(&provider))
        .map_err(|why| format!("certificates cannot be verified: {why}"))?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| why.to_string())?
        // The machine's own verifier, which only so can be given more roots.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
