//! Two replicas that keep files in one place: what the one brings the other does not remove.

use std::path::Path;
use std::sync::Arc;

use transom_clock::WorldClock;
use transom_domain::id::{BusinessId, MediaId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{MemoryStore, Store};

use super::links::Links;
use super::stage::Stage;
use super::vault::tests::{read, staged};
use super::vault::{Folder, Name};
use super::{EXPECTED_FOR, Files, MediaSettings};
use crate::seal::SealingKey;
use crate::service::AddressRules;
use crate::wire::{NoWire, Wires};

const SHOP: BusinessId = BusinessId(1);

fn replica(store: &MemoryStore, place: &Path, clock: &WorldClock) -> Files {
    let key = SealingKey::of_bytes(&[7; 32]).unwrap();
    let settings = MediaSettings { vault: Arc::new(Folder::new(place.to_owned())), ..MediaSettings::nowhere() };
    let links = Arc::new(Links::new(&key, None, clock.clone(), Span::days(1)));
    let wires = Wires::without_files(Arc::new(NoWire), Arc::new(NoWire));
    Files::new(&settings, links, Arc::new(store.clone()), clock.clone(), &wires, AddressRules::default())
}

#[tokio::test]
async fn what_one_replica_brings_another_does_not_remove() {
    let dir = tempfile::tempdir().unwrap();
    let (stage, place) = (Stage::new(dir.path().join("in")), dir.path().join("media"));
    let (store, clock) = (MemoryStore::new(), WorldClock::wall());
    let (one, other) = (replica(&store, &place, &clock), replica(&store, &place, &clock));
    let picture = staged(&stage, "a picture").await;
    let name = Name { business: SHOP, digest: picture.digest };
    // The other one looks for what is loose while the bytes are there and nobody is known to have them.
    let kept = one.keep(SHOP, picture, async || {
        assert_eq!(other.reap().await, (0, true));
        store.delete_media(SHOP, MediaId(9), clock.now()).await.map(drop)
    });
    kept.await.unwrap();
    assert_eq!(read(&*one.vault, name, None).await.as_deref(), Some("a picture"));
    // Nothing came of it: they go, by whoever looks, once they are expected no more; and by both at once without harm.
    let late: Timestamp = clock.now().plus(EXPECTED_FOR).plus(Span::secs(1));
    assert_eq!(store.loose(late, 9).await.unwrap(), vec![(SHOP, name.digest)]);
    store.expect_bytes(SHOP, name.digest, clock.now()).await.unwrap();
    assert_eq!(store.loose(clock.now(), 9).await.unwrap(), vec![]);
    let (gone, too) = tokio::join!(one.reap_one(name), other.reap_one(name));
    gone.unwrap();
    too.unwrap();
    assert_eq!(read(&*one.vault, name, None).await, None);
    assert_eq!(store.loose(late, 9).await.unwrap(), vec![]);
}
