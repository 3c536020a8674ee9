//! After an erasure: PostgreSQL keeps what a row was before it was changed or removed, until a vacuum takes it away. The server's own comes
//! once a fifth of a table has changed, which in a large one may take months; so the erasure asks for one.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use super::connect::Connect;
use super::migrate::tables;
use super::session::fault;
use crate::StoreError;

/// On a connection of its own: a vacuum runs in no transaction and for as long as it takes, but leaves the disk to others and waits
/// for no other vacuum.
const GENTLY: &str = "SET statement_timeout = 0; SET lock_timeout = '10s'; SET vacuum_cost_delay = '2ms'";

/// So long is waited for whoever still sees former rows: as long as a report or a dump may take. Each try begins with a moment of its own,
/// so that short waits could go on for ever where there is always somebody.
pub(super) const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// After so long the log says who it is.
const TOLD_AFTER: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// A vacuum that nobody waits for any more ends, where the server can look; it would stand in the way of the next schema.
const WATCHFUL: &str = "SELECT set_config(name, '5s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'";

/// What will not go another time either: the server has no such thing, or does not do it for this user.
const NEVER: [SqlState; 5] = [
    SqlState::INSUFFICIENT_PRIVILEGE,
    SqlState::FEATURE_NOT_SUPPORTED,
    SqlState::SYNTAX_ERROR,
    SqlState::UNDEFINED_OBJECT,
    SqlState::UNDEFINED_FUNCTION,
];

/// Which tables are there, and whether they may be vacuumed: a vacuum says nothing of those that it passes over.
const THERE: &str = "SELECT relname, pg_has_role(relowner, 'USAGE') OR pg_has_role((SELECT datdba FROM pg_database
         WHERE datname = current_database()), 'USAGE')
     FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relkind = 'r'";

/// The moment up to which all must be over that could still see former rows.
const MOMENT: &str = "SELECT pg_snapshot_xmax(pg_current_snapshot())";

/// Who still sees a state from before a moment: transactions, standbys that ask for it, and slots. A vacuum looks, and keeps nothing. The moment is taken back to the 32
/// bits by which the server tells transactions apart.
fn who_sees(moment: u64) -> String {
    let moment = moment & u64::from(u32::MAX);
    format!(
        "WITH here AS (SELECT * FROM pg_stat_activity
             WHERE pid <> pg_backend_pid() AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
                 AND coalesce(datname, current_database()) = current_database())
         SELECT who FROM (
             SELECT 'connection ' || pid, backend_xmin FROM here UNION ALL SELECT 'connection ' || pid, backend_xid FROM here
             UNION ALL SELECT 'slot ' || slot_name, xmin FROM pg_replication_slots
             UNION ALL SELECT 'prepared transaction ' || gid, transaction FROM pg_prepared_xacts WHERE database = current_database()
         ) AS seen (who, since) WHERE since IS NOT NULL AND age(since) > age('{moment}'::xid)"
    )
}

/// Removes what former rows left, in all our tables, their indexes and statistics. `false` where somebody still sees them after waiting
/// for so long, or another vacuum is at work. A server that cannot, or will not do it for us, keeps what it keeps: that is said in the log.
pub(super) async fn scrub(connect: &Connect, patience: Duration) -> Result<bool, StoreError> {
    let link = connect.link().await?;
    let client = &link.client;
    // A server that stands still and was replaced meanwhile answers no more.
    let vacuumed = tokio::select! {
        biased;
        vacuumed = vacuum(client, patience) => vacuumed,
        () = link.left() => return Err(StoreError::Unavailable("the server was left while it vacuumed".to_owned())),
    };
    match vacuumed {
        Ok(done) => Ok(done),
        Err(why) if client.is_closed() || why.as_db_error().is_none() => Err(fault(&why)),
        Err(why) if why.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            tracing::info!("a table is being vacuumed already: what an erasure removed is taken out of it later");
            Ok(false)
        }
        Err(why) if !why.code().is_some_and(|code| NEVER.contains(code)) => Err(fault(&why)),
        Err(why) => {
            tracing::warn!(error = %fault(&why), "PostgreSQL does not vacuum for us: it keeps what an erasure removed until it does so itself");
            Ok(true)
        }
    }
}

async fn vacuum(client: &Client, patience: Duration) -> Result<bool, Error> {
    client.batch_execute(GENTLY).await?;
    client.batch_execute(WATCHFUL).await?;
    let moment = texts(client, MOMENT).await?.first().and_then(|row| row.first()?.as_ref()?.parse().ok()).unwrap_or(0);
    let (sees, begun, mut told) = (who_sees(moment), Instant::now(), false);
    while let Some(row) = texts(client, &sees).await?.first() {
        let over = begun.elapsed() > patience;
        if !told && (over || begun.elapsed() > TOLD_AFTER) {
            let who = row.first().cloned().flatten().unwrap_or_default();
            tracing::warn!(who, "somebody still sees what an erasure removed: it is done once they do not any more");
            told = true;
        }
        if over {
            return Ok(false);
        }
        tokio::time::sleep(LOOK).await;
    }
    let known = tables();
    let mut there = texts(client, THERE).await?;
    there.retain(|row| row.first().is_some_and(|name| name.as_deref().is_some_and(|name| known.contains(&name))));
    let named = |row: &Vec<Option<String>>| row.first().cloned().flatten();
    // Indexes hold what was looked up by, and are else passed over where little was removed. Statistics hold samples of the values: they
    // are made anew, and the former ones taken out as well. To give back the end of a table would hold up whoever works on it.
    let all: Vec<String> = there.iter().filter_map(named).chain(["pg_catalog.pg_statistic".to_owned()]).collect();
    client.batch_execute(&format!("VACUUM (ANALYZE, INDEX_CLEANUP ON, TRUNCATE OFF) {}", all.join(", "))).await?;
    there.retain(|row| row.get(1).is_none_or(|may| may.as_deref() != Some("t")));
    let others: Vec<String> = there.iter().filter_map(named).collect();
    if !others.is_empty() {
        let tables = others.join(" ");
        tracing::warn!(tables, "tables of another owner: PostgreSQL keeps what an erasure removed until it vacuums them itself");
    }
    Ok(true)
}

/// The rows of an answer, as texts.
async fn texts(client: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
    let answer = client.simple_query(sql).await?;
    let row = |one: SimpleQueryMessage| match one {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect()),
        _ => None,
    };
    Ok(answer.into_iter().filter_map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, empty};
    use super::super::{PostgresAddress, PostgresOptions, PostgresStore};
    use super::*;

    /// How many rows of a table, former ones too, and how many entries of statistics hold a text.
    fn found(address: &PostgresAddress, text: &str) -> [String; 2] {
        let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let rows = format!(
            "SELECT count(*) FROM generate_series(0, pg_relation_size('customer_word') / 8192 - 1) AS page,
                 public.heap_page_items(public.get_raw_page('customer_word', page::int)) WHERE position('\\x{digits}' IN t_data) > 0"
        );
        let statistics =
            format!("SELECT count(*) FROM pg_stats WHERE schemaname = current_schema() AND pg_stats::text LIKE '%{text}%'");
        let mut answers = ask(address, vec![rows, statistics]).into_iter().map(|mut column| column.remove(0));
        [answers.next().unwrap(), answers.next().unwrap()]
    }

    #[tokio::test]
    async fn what_rows_were_before_is_taken_out_once_nobody_sees_it() {
        let address = PostgresAddress::parse(&empty()).unwrap();
        drop(PostgresStore::open(&address, PostgresOptions::default()).unwrap());
        let named = |n: u32| format!("INSERT INTO customer_word (business, word, customer) VALUES ('s', 'axolotl-{n}', 'c')");
        let all = ["CREATE EXTENSION IF NOT EXISTS pageinspect SCHEMA public".to_owned()];
        ask(&address, all.into_iter().chain((0..9).map(named)).chain(["ANALYZE customer_word".to_owned()]).collect());
        let connect = Connect::new(&address, PostgresOptions::default()).unwrap();
        let reader = connect.connect().await.unwrap();
        reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM customer_word").await.unwrap();
        ask(
            &address,
            vec!["DELETE FROM customer_word WHERE business = 's' AND word = 'axolotl-3' AND customer = 'c'".to_owned()],
        );
        assert_eq!(found(&address, "axolotl-3"), ["1", "1"]);
        assert!(!scrub(&connect, Duration::ZERO).await.unwrap(), "somebody still sees it");
        reader.batch_execute("COMMIT").await.unwrap();
        assert!(scrub(&connect, Duration::from_secs(30)).await.unwrap());
        assert_eq!(found(&address, "axolotl-3"), ["0", "0"]);
        assert_eq!(found(&address, "axolotl-4"), ["1", "1"]);
    }

    #[test]
    fn every_table_is_known_by_its_name() {
        let known = tables();
        assert!(known.len() > 60, "{known:?}");
        assert!(known.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '_')), "{known:?}");
    }
}
