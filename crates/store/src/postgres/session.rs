//! One connection as moves use it: they ask and wait, and what needs no answer is sent along with the next question.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use super::connect::Connect;
use super::directory::Directory;
use super::hosts::Link;
use super::migrate::PostgresError;
use crate::StoreError;
use crate::rows::Result;
use crate::sql::{Params, Value, params};

/// Statements that are put off at most.
const PUT_OFF_MAX: usize = 256;
/// A server that cannot be reached is waited for so long, from when a caller asked: longer than most switches to another server take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// A commit may wait for a standby, in a server that does not know yet that another has taken over: no statement timeout ends that.
const COMMIT: Duration = Duration::from_secs(10);
/// Between two tries.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// What went wrong with a transaction, as far as it matters for what is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The connection is gone.
    Lost,
    /// The server asks to try again: a deadlock, or a conflict on servers that find conflicts that way.
    Again,
    /// Anything else.
    Other,
}

/// Plans are made anew after so many transactions, and each time there were twice as many: one that was made while a table was empty
/// takes any of its indexes for as good as another, and would walk through all of a business by the wrong one once it is not.
const REPLAN_FROM: u64 = 32;

/// By what a statement that was put off is asked, once it ran, how many rows it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(u64);

/// A statement and its values.
struct Ask {
    sql: &'static str,
    params: Vec<Value<'static>>,
    ticket: Option<Ticket>,
}

/// A connection and the runtime that drives it while somebody waits for it.
pub(crate) struct Session {
    runtime: Runtime,
    connect: Arc<Connect>,
    link: RefCell<Option<Link>>,
    /// How long an answer may take, and one to a commit.
    limits: Option<(Duration, Duration)>,
    /// Whether anything was committed since it connected.
    proven: Cell<bool>,
    prepared: RefCell<HashMap<&'static str, Statement>>,
    put_off: RefCell<Vec<Ask>>,
    /// How many rows those changed that have a ticket, since the session was made ready.
    changed: RefCell<HashMap<Ticket, u64>>,
    tickets: Cell<u64>,
    /// Whether anything was asked since the session was made ready.
    asked: Cell<bool>,
    /// How often it was made ready on this connection.
    begun: Cell<u64>,
    trouble: Cell<Option<Trouble>>,
    why: RefCell<Option<StoreError>>,
    pub(super) directory: Arc<Directory>,
}

type Sent<'a, T> = Pin<Box<dyn Future<Output = std::result::Result<T, Error>> + 'a>>;

fn values<'v>(params: &'v [Value<'static>]) -> impl ExactSizeIterator<Item = &'v (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync))
}

impl Session {
    /// A session that connects when it is first used.
    pub(crate) fn new(connect: Arc<Connect>, directory: Arc<Directory>) -> std::io::Result<Self> {
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            connect,
            link: RefCell::default(),
            limits: None,
            proven: Cell::new(false),
            prepared: RefCell::default(),
            put_off: RefCell::default(),
            changed: RefCell::default(),
            tickets: Cell::new(0),
            asked: Cell::new(false),
            begun: Cell::new(0),
            trouble: Cell::new(None),
            why: RefCell::default(),
            directory,
        })
    }

    /// With limits on how long an answer may take: at most so long, where that is less than what any statement may.
    pub(super) fn answered_within(mut self, most: Duration) -> Self {
        let answer = self.connect.answer().min(most);
        self.limits = Some((answer, COMMIT.min(answer)));
        self
    }

    /// Waits until a server answers: see [`Connect::awaited`].
    pub(super) fn wait_for_server(&self, patience: Duration) -> std::result::Result<(), PostgresError> {
        self.runtime.block_on(self.connect.awaited(patience))
    }

    /// Connects, where there is no connection, the one there is has ended, or another server has taken over. Where connecting has just
    /// failed it is not tried again at once.
    pub(crate) fn ready(&self) -> Result<()> {
        self.trouble.set(None);
        self.asked.set(false);
        self.why.take();
        self.put_off.take();
        self.changed.take();
        if self.link.borrow().as_ref().is_some_and(Link::stands) {
            self.plan_anew();
            return Ok(());
        }
        self.begun.set(0);
        self.disconnect();
        let made = self.runtime.block_on(self.connect.link())?;
        self.link.replace(Some(made));
        Ok(())
    }

    /// From time to time, has the server make its plans anew: see [`REPLAN_FROM`].
    fn plan_anew(&self) {
        self.begun.set(self.begun.get() + 1);
        let link = self.link.borrow();
        if self.begun.get() >= REPLAN_FROM
            && self.begun.get().is_power_of_two()
            && let Some(link) = link.as_ref()
        {
            // A server that knows nothing of it keeps its plans as it likes; one that does not answer is found out by what is asked next.
            let asked = async { tokio::time::timeout(self.connect.answer(), link.client.batch_execute("DISCARD PLANS")).await };
            drop(self.runtime.block_on(asked));
        }
    }

    /// Ends the connection, with whatever was begun on it.
    pub(crate) fn disconnect(&self) {
        self.link.take();
        self.prepared.take();
        self.put_off.take();
        self.proven.set(false);
    }

    /// Whether anything was committed since it connected: if not, what is seen may be more than a standby has. A server that was started
    /// again shows what it had not been able to hand on before.
    pub(super) fn is_proven(&self) -> bool {
        self.proven.get()
    }

    /// Ends a transaction so that it stands.
    pub(super) fn commit(&self) -> Result<()> {
        self.run("COMMIT", params![])?;
        self.proven.set(true);
        Ok(())
    }

    /// What went wrong first since the session was made ready.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.trouble.get()
    }

    /// Puts a statement off.
    pub(super) fn put(&self, sql: &'static str, params: impl Params) -> Result<()> {
        self.put_ask(Ask { sql, params: params.owned(), ticket: None })
    }

    /// Puts a statement off, and remembers how many rows it changes: see [`Session::changed`].
    pub(super) fn watch(&self, sql: &'static str, params: impl Params) -> Result<Ticket> {
        let ticket = Ticket(self.tickets.get());
        self.tickets.set(ticket.0 + 1);
        self.put_ask(Ask { sql, params: params.owned(), ticket: Some(ticket) })?;
        Ok(ticket)
    }

    /// How many rows a statement changed; none where it did not run yet.
    pub(super) fn changed(&self, ticket: Ticket) -> Option<u64> {
        self.changed.borrow().get(&ticket).copied()
    }

    fn put_ask(&self, ask: Ask) -> Result<()> {
        self.put_off.borrow_mut().push(ask);
        if self.put_off.borrow().len() < PUT_OFF_MAX { Ok(()) } else { self.settle() }
    }

    /// Runs what was put off.
    pub(crate) fn settle(&self) -> Result<()> {
        let put_off = self.put_off.take();
        if put_off.is_empty() { Ok(()) } else { self.send(put_off, None).map(|_| ()) }
    }

    /// Runs a statement after what was put off, and says how many rows it changed.
    pub(super) fn execute(&self, sql: &'static str, params: impl Params) -> Result<usize> {
        let mut all = self.put_off.take();
        all.push(Ask { sql, params: params.owned(), ticket: None });
        let (changed, _) = self.send(all, None)?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Runs a query after what was put off.
    pub(super) fn query(&self, sql: &'static str, params: impl Params) -> Result<Vec<Row>> {
        let put_off = self.put_off.take();
        self.send(put_off, Some(Ask { sql, params: params.owned(), ticket: None })).map(|(_, rows)| rows)
    }

    /// Sends all of it at once and waits for all answers. What follows one that failed is not done.
    fn send(&self, first: Vec<Ask>, query: Option<Ask>) -> Result<(u64, Vec<Row>)> {
        let link = self.link.borrow();
        let Some(link) = link.as_ref() else {
            self.trouble.set(Some(self.trouble.get().unwrap_or(Trouble::Lost)));
            return Err(StoreError::Unavailable("the connection to PostgreSQL was lost".to_owned()));
        };
        let client = &link.client;
        self.connect.waited();
        self.asked.set(true);
        let commits = query.is_none() && first.last().is_some_and(|ask| ask.sql == "COMMIT");
        let limit = self.limits.map(|(any, commit)| if commits { commit } else { any });
        let answer = async {
            self.prepare(client, first.iter().chain(&query).map(|ask| ask.sql)).await?;
            let known = |sql: &str| self.prepared.borrow()[sql].clone();
            let statements: Vec<Statement> = first.iter().map(|ask| known(ask.sql)).collect();
            let mut sent: Vec<Sent<'_, u64>> = Vec::with_capacity(first.len());
            for (ask, statement) in first.iter().zip(&statements) {
                sent.push(Box::pin(client.execute_raw(statement, values(&ask.params))));
            }
            let mut asked: Option<Sent<'_, Vec<Row>>> = query.as_ref().map(|ask| -> Sent<'_, Vec<Row>> {
                let params: Vec<&(dyn ToSql + Sync)> = values(&ask.params).collect();
                let statement = known(ask.sql);
                Box::pin(async move { client.query(&statement, &params).await })
            });
            // The first poll of each puts it on the wire, so that all leave in this order before any is waited for.
            let (mut done, mut rows) = (Vec::with_capacity(sent.len()), None);
            poll_fn(|cx| {
                for one in &mut sent {
                    done.push(one.as_mut().poll(cx));
                }
                rows = asked.as_mut().map(|asked| asked.as_mut().poll(cx));
                Poll::Ready(())
            })
            .await;
            let mut changed = 0;
            for ((one, done), ask) in sent.into_iter().zip(done).zip(&first) {
                changed = match done {
                    Poll::Ready(answer) => answer?,
                    Poll::Pending => one.await?,
                };
                if let Some(ticket) = ask.ticket {
                    self.changed.borrow_mut().insert(ticket, changed);
                }
            }
            let rows = match (asked, rows) {
                (Some(_), Some(Poll::Ready(rows))) => rows?,
                (Some(asked), _) => asked.await?,
                (None, _) => Vec::new(),
            };
            Ok((changed, rows))
        };
        let answer = self.runtime.block_on(async {
            tokio::select! {
                biased;
                answer = answer => answer.map_err(|error: Error| (trouble(&error), fault(&error))),
                () = link.left() => Err(given_up("another server has taken over".to_owned())),
                limit = over(limit) => Err(given_up(format!("it did not answer within {} s", limit.as_secs_f32()))),
            }
        });
        answer.map_err(|(trouble, why)| {
            if self.trouble.get().is_none() {
                self.trouble.set(Some(trouble));
            }
            self.why.borrow_mut().get_or_insert_with(|| why.clone());
            why
        })
    }

    /// Prepares those that are not yet, all at once.
    async fn prepare(&self, client: &Client, all: impl Iterator<Item = &'static str>) -> std::result::Result<(), Error> {
        for sql in all {
            if !self.prepared.borrow().contains_key(sql) {
                // Those that both engines run number their values as SQLite does.
                let statement = client.prepare(&sql.replace('?', "$")).await?;
                #[cfg(test)]
                super::testing::record(sql);
                self.prepared.borrow_mut().insert(sql, statement);
            }
        }
        Ok(())
    }

    /// Why, in words.
    pub(crate) fn why(&self) -> Option<StoreError> {
        self.why.borrow().clone()
    }

    /// Undoes what was begun, or ends the connection where that cannot be done.
    pub(crate) fn undo(&self) {
        self.put_off.take();
        if !self.asked.get() {
            return;
        }
        if self.trouble.get() == Some(Trouble::Lost) || self.execute("ROLLBACK", params![]).is_err() {
            self.disconnect();
        }
    }

    /// Runs a statement after what was put off.
    pub(crate) fn run(&self, sql: &'static str, params: impl Params) -> Result<()> {
        self.execute(sql, params).map(|_| ())
    }
}

/// The connection is left, whatever it may still bring.
fn given_up(why: String) -> (Trouble, StoreError) {
    (Trouble::Lost, StoreError::Unavailable(format!("PostgreSQL cannot be reached: {why}")))
}

/// Waits for a limit, where there is one.
async fn over(limit: Option<Duration>) -> Duration {
    let Some(limit) = limit else { return std::future::pending().await };
    tokio::time::sleep(limit).await;
    limit
}

pub(crate) fn trouble(error: &Error) -> Trouble {
    match error.code() {
        Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED | &SqlState::LOCK_NOT_AVAILABLE) => {
            Trouble::Again
        }
        // The server is ending, or has ended this connection: a switch to another server looks like this.
        Some(
            &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN
            | &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::IDLE_SESSION_TIMEOUT
            | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            | &SqlState::READ_ONLY_SQL_TRANSACTION
            | &SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN,
        ) => Trouble::Lost,
        // A newer program added a column to a table of which this connection has prepared all columns: a new one prepares anew.
        Some(&SqlState::FEATURE_NOT_SUPPORTED)
            if error.as_db_error().and_then(DbError::routine) == Some("RevalidateCachedQuery") =>
        {
            Trouble::Lost
        }
        // So does what stands between the server and us say that it cannot reach the server.
        Some(code) if code.code().starts_with("08") => Trouble::Lost,
        Some(_) => Trouble::Other,
        None if error.is_closed()
            || std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>) =>
        {
            Trouble::Lost
        }
        None => Trouble::Other,
    }
}

/// What an error of PostgreSQL's means to a caller.
pub(crate) fn fault(error: &Error) -> StoreError {
    let Some(db) = error.as_db_error() else {
        let why = std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        return StoreError::Unavailable(format!("PostgreSQL cannot be reached: {why}"));
    };
    let said = format!("PostgreSQL says: {} ({})", db.message(), db.code().code());
    // Integrity, data and syntax: what is stored, or what was asked, is not as it should be.
    match db.code().code().get(..2) {
        Some("22" | "23" | "42") => StoreError::Corrupt(said),
        _ => StoreError::Unavailable(said),
    }
}
