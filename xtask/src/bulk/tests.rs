use transom_domain::address::{Identity, Phone};
use transom_domain::id::CustomerId;
use transom_domain::session::Session;
use transom_domain::time::Timestamp;
use transom_gateway::seal::SealingKey;
use transom_store::{LookUp, MessageFilter, Page, SqliteOptions, SqliteStore, Store};

use super::house::APP_SECRET;
use super::people::{phone, sender_of};
use super::{Plan, fill};

const PLAN: Plan = Plan { customers: 1_000, senders: 7 };

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
        let business = furnished.business;
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
                let view = store.customer(furnished.business, customer).await.unwrap().unwrap();
                assert_eq!(view.identities.len(), 2, "{view:?}");
                for (_, claim) in view.identities {
                    assert_eq!(store.look(ask(Some(sender), claim.identity)).await.unwrap().customer, Some(customer));
                }
            }
        }
        assert!((650..850).contains(&known) && (300..450).contains(&open), "{known} known, {open} open");
        // The list goes by an index that was made anew.
        let page = Page { size: 200, token: None };
        let (rows, more) = store.sessions(furnished.business, MessageFilter::default(), page).await.unwrap();
        assert!(rows.len() == 200 && more.is_some());
        assert!(store.customer(furnished.business, CustomerId(1)).await.unwrap().is_none());
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
    for plan in [Plan { senders: 0, ..PLAN }, Plan { senders: 1_001, ..PLAN }, Plan { customers: 100_000_001, ..PLAN }] {
        let other = tempfile::tempdir().unwrap();
        assert!(fill(other.path(), plan).is_err(), "{plan:?}");
    }
}
