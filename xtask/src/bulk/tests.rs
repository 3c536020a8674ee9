use transom_domain::address::{Identity, Phone};
use transom_domain::id::CustomerId;
use transom_domain::session::Session;
use transom_domain::time::Timestamp;
use transom_gateway::seal::SealingKey;
use transom_store::{
    LookUp, MessageFilter, Page, PostgresAddress, PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, Store, carry,
};
use transom_testing::Postgres;

use super::database::fill_at as fill_database_at;
use super::house::APP_SECRET;
use super::people::{phone, sender_of};
use super::{Plan, fill, fill_at, now};

const PLAN: Plan = Plan { businesses: 1, customers: 1_000, messages: 0, senders: 7 };

#[test]
fn what_is_loaded_reads_back_through_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let furnished = fill(folder.path(), PLAN).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(folder.path(), SqliteOptions::default()).unwrap();
        let seal = SealingKey::load_or_create(folder.path()).unwrap();
        let apps = store.apps().await.unwrap();
        assert_eq!(seal.open_text(&apps[0].secret).unwrap(), APP_SECRET);
        assert_eq!(store.senders().await.unwrap().len(), 7);
        let now = Timestamp::from_millis(i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap());
        let business = furnished.first().business;
        let ask = |sender, address| LookUp { business, sender, address, idempotency: None, now };
        let (mut open, mut known) = (0, 0);
        for i in 0..PLAN.customers {
            let sender = furnished.senders[usize::try_from(sender_of(i, PLAN.customers, PLAN.senders)).unwrap()];
            let address = Identity::Phone(Phone::parse(&phone(i)).unwrap());
            let look = store.look(ask(Some(sender), address.clone())).await.unwrap();
            let customer = look.customer.unwrap();
            assert_eq!(look.phone, address.phone().cloned());
            open += usize::from(matches!(look.evidence.at(now), Session::Open { .. }));
            if look.evidence.heard.is_some() {
                known += 1;
                assert_eq!(store.look(ask(None, address)).await.unwrap().sender, Some(sender));
                let view = store.customer(furnished.first().business, customer).await.unwrap().unwrap();
                assert_eq!(view.identities.len(), 2, "{view:?}");
                for (_, claim) in view.identities {
                    assert_eq!(store.look(ask(Some(sender), claim.identity)).await.unwrap().customer, Some(customer));
                }
            }
        }
        assert!((650..850).contains(&known) && (300..450).contains(&open), "{known} known, {open} open");
        // The list goes by an index that was made anew.
        let page = Page { size: 200, token: None };
        let (rows, more) = store.sessions(furnished.first().business, MessageFilter::default(), page).await.unwrap();
        assert!(rows.len() == 200 && more.is_some());
        assert!(store.customer(furnished.first().business, CustomerId(1)).await.unwrap().is_none());
        // By a word of their names, those too that are digits in the name and no number.
        let connection = rusqlite::Connection::open(folder.path().join("transom.db")).unwrap();
        let words = "SELECT count(*) FROM customer_word w JOIN customer c ON c.business = w.business AND c.id = w.customer
             WHERE c.name = 'Customer ' || w.word";
        let words: i64 = connection.query_row(words, [], |row| row.get(0)).unwrap();
        assert_eq!(u64::try_from(words).unwrap(), PLAN.customers);
    });
}

#[test]
fn every_index_of_the_schema_is_there_again() {
    let (loaded, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(loaded.path(), PLAN).unwrap();
    drop(SqliteStore::open(fresh.path(), SqliteOptions::default()).unwrap());
    let indexes = |dir: &std::path::Path| -> Vec<(String, Option<String>)> {
        let connection = rusqlite::Connection::open(dir.join("transom.db")).unwrap();
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        let mut statement = connection.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' ORDER BY name").unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(indexes(loaded.path()), indexes(fresh.path()));
}

#[test]
fn a_folder_is_filled_once_and_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), PLAN).unwrap();
    let again = fill(folder.path(), PLAN).unwrap_err().to_string();
    assert!(again.contains("was filled before"), "{again}");
    for plan in [
        Plan { senders: 0, ..PLAN },
        Plan { senders: 1_001, ..PLAN },
        Plan { customers: 100_000_001, ..PLAN },
        Plan { businesses: 0, ..PLAN },
        Plan { businesses: 8, ..PLAN },
        Plan { customers: 0, messages: 1, ..PLAN },
    ] {
        let other = tempfile::tempdir().unwrap();
        assert!(fill(other.path(), plan).is_err(), "{plan:?}");
    }
}

/// What a database holds of a load, in words that are the same however its rows are numbered.
fn held(name: &str) -> Vec<String> {
    let ask = |sql: &str| Postgres::shared().sql(name, sql);
    let shown = |table: &str| {
        let columns = ask(&format!(
            "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns
             WHERE table_name = '{table}' AND column_name NOT IN ('seq', 'position')"
        ));
        let of = match table {
            "message" | "customer" | "customer_word" | "identity" | "conversation" | "tally" => {
                format!("SELECT {columns} FROM {table}")
            }
            // A message's rows are told apart by whose they are.
            _ => format!(
                "SELECT m.id AS whose, t.* FROM (SELECT seq AS n, {columns} FROM {table}) t JOIN message m ON m.seq = t.n"
            ),
        };
        let sql = format!(
            "SELECT '{table}', count(*), md5(string_agg(row, '' ORDER BY row)) FROM (SELECT (to_jsonb(r) - 'n')::text AS row FROM ({of}) r) s"
        );
        ask(&sql)
    };
    let indexes = "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY tablename, indexname";
    let tables = ["customer", "customer_word", "identity", "conversation", "message", "standing", "provider", "word", "tally"];
    tables.into_iter().map(shown).chain([ask(indexes)]).collect()
}

#[test]
fn a_database_is_filled_with_what_a_folder_would_bring_there() {
    let plan = Plan { customers: 300, messages: 1_000, ..PLAN };
    let (folder, other, now) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), now().unwrap());
    let name_of = |url: &str| url.rsplit('/').next().unwrap().to_owned();
    fill_at(folder.path(), plan, now).unwrap();
    let carried = Postgres::shared().database();
    let to = PostgresAddress::read(&carried).unwrap();
    carry(folder.path(), &to, PostgresOptions::default(), 500, |_| {}).unwrap();
    let filled = Postgres::shared().database();
    let furnished = fill_database_at(&filled, other.path(), plan, now).unwrap();
    let (there, here) = (held(&name_of(&filled)), held(&name_of(&carried)));
    assert!(here.iter().any(|table| table.starts_with("message|") && !table.starts_with("message|0")), "{here:?}");
    assert_eq!(there, here);
    // All that was said to anybody or by anybody is counted.
    let both = "SELECT (SELECT sum(received + accepted) FROM tally) = (SELECT count(*) FROM message)";
    assert_eq!(Postgres::shared().sql(&name_of(&filled), both), "t");
    // What is accepted now takes the next number.
    let counted = "SELECT (t.ordinal << 40) | t.numbers = (SELECT max(seq) FROM message) FROM turn t";
    assert_eq!(Postgres::shared().sql(&name_of(&filled), counted), "t");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = PostgresStore::open(&PostgresAddress::read(&filled).unwrap(), PostgresOptions::default()).unwrap();
        let page = Page { size: 200, token: None };
        let (rows, more) = store.messages(furnished.first().business, MessageFilter::default(), page).await.unwrap();
        assert!(rows.len() == 200 && more.is_some());
    });
    let again = fill_database_at(&filled, other.path(), plan, now).unwrap_err().to_string();
    assert!(again.contains("was filled before"), "{again}");
}

#[test]
fn businesses_have_a_block_of_the_senders_each() {
    let url = Postgres::shared().database();
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { businesses: 3, messages: 600, ..PLAN };
    let furnished = fill_database_at(&url, folder.path(), plan, now().unwrap()).unwrap();
    let whose: Vec<_> = (0..7).map(|sender| furnished.owner_of(sender).business.to_string()).collect();
    let mut blocks = whose.clone();
    blocks.dedup();
    assert!(blocks.len() == 3 && furnished.owners().count() == 3, "{whose:?}");
    let name = url.rsplit('/').next().unwrap();
    let apart = "SELECT count(*) FROM message m JOIN sender s ON s.id = m.sender WHERE s.business <> m.business";
    assert_eq!(Postgres::shared().sql(name, apart), "0");
    assert_eq!(Postgres::shared().sql(name, "SELECT count(DISTINCT business) FROM conversation"), "3");
}
