//! Two replicas that keep files in one place: what the one brings the other does not remove.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};

use transom_clock::WorldClock;
use transom_domain::id::{BusinessId, MediaId};
use transom_domain::time::{Span, Timestamp};
use transom_store::{Loose, Media, MediaState, MemoryStore, Store};

use super::links::Links;
use super::stage::{Stage, Staged};
use super::vault::tests::{read, staged};
use super::vault::{Doing, Folder, Name, Vault};
use super::{EXPECTED_FOR, Files, MediaSettings};
use crate::seal::SealingKey;
use crate::service::AddressRules;
use crate::wire::stream::Flow;
use crate::wire::{NoWire, Wires};

const SHOP: BusinessId = BusinessId(1);

fn replica(store: &MemoryStore, place: &Path, clock: &WorldClock) -> Files {
    replica_in(store, Arc::new(Folder::new(place.to_owned())), clock)
}

fn replica_in(store: &MemoryStore, vault: Arc<dyn Vault>, clock: &WorldClock) -> Files {
    let key = SealingKey::of_bytes(&[7; 32]).unwrap();
    let settings = MediaSettings { vault, ..MediaSettings::nowhere() };
    let links = Arc::new(Links::new(&key, None, clock.clone(), Span::days(1)));
    let wires = Wires::without_files(Arc::new(NoWire), Arc::new(NoWire));
    Files::new(&settings, links, Arc::new(store.clone()), clock.clone(), &wires, AddressRules::default())
}

fn stored(id: u128, name: Name, at: Timestamp) -> Media {
    Media {
        id: MediaId(id),
        business: name.business,
        message: None,
        sender: None,
        kind: None,
        mime_type: "image/png".to_owned(),
        filename: None,
        at,
        state: MediaState::Stored { digest: name.digest, size: 9 },
    }
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
    store.expect_bytes(SHOP, name.digest, clock.now(), clock.now()).await.unwrap();
    assert_eq!(store.loose(clock.now(), 9).await.unwrap(), vec![]);
    let now = clock.now().plus(EXPECTED_FOR);
    let until = now.plus(Span::secs(2));
    assert_eq!(store.remove_bytes(SHOP, name.digest, now.plus(Span::secs(1)), until).await.unwrap(), Loose::Yes);
    store.end_removal(SHOP, name.digest, until, true).await.unwrap();
    store.expect_bytes(SHOP, name.digest, clock.now(), clock.now()).await.unwrap();
    let (gone, too) = tokio::join!(one.reap_one(name), other.reap_one(name));
    gone.unwrap();
    too.unwrap();
    assert_eq!(read(&*one.vault, name, None).await, None);
    assert_eq!(store.loose(late, 9).await.unwrap(), vec![]);
}

/// A folder from which bytes go only once the test lets them.
struct Slow {
    folder: Folder,
    asked: Notify,
    goes: Semaphore,
}

impl Vault for Slow {
    fn place(&self) -> String {
        self.folder.place()
    }

    fn keep(&self, name: Name, staged: Staged) -> Doing<'_, ()> {
        self.folder.keep(name, staged)
    }

    fn open(&self, name: Name, part: Option<Range<u64>>) -> Doing<'_, Option<Flow>> {
        self.folder.open(name, part)
    }

    fn remove(&self, name: Name) -> Doing<'_, ()> {
        Box::pin(async move {
            self.asked.notify_one();
            let _goes = self.goes.acquire().await.unwrap();
            self.folder.remove(name).await
        })
    }

    fn probe(&self) -> Doing<'_, ()> {
        self.folder.probe()
    }
}

#[tokio::test]
async fn what_is_brought_anew_while_another_removes_it_is_there_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (stage, place) = (Stage::new(dir.path().join("in")), dir.path().join("media"));
    let (store, clock) = (MemoryStore::new(), WorldClock::wall());
    let slow = Arc::new(Slow { folder: Folder::new(place.clone()), asked: Notify::new(), goes: Semaphore::new(0) });
    let (one, other) = (replica(&store, &place, &clock), replica_in(&store, slow.clone(), &clock));
    let (picture, again) = (staged(&stage, "a picture").await, staged(&stage, "a picture").await);
    let name = Name { business: SHOP, digest: picture.digest };
    let add = async |id| store.add_media(stored(id, name, clock.now())).await;
    one.keep(SHOP, picture, async || add(1).await).await.unwrap();
    store.delete_media(SHOP, MediaId(1), clock.now()).await.unwrap();
    // The other one has begun to remove them, and has not come to it.
    let reaping = tokio::spawn(async move { other.reap().await });
    slow.asked.notified().await;
    let kept = one.keep(SHOP, again, async || add(2).await);
    let goes = async {
        // Whoever brings them has asked, and waits.
        tokio::task::yield_now().await;
        slow.goes.add_permits(1);
    };
    let (kept, ()) = tokio::join!(kept, goes);
    kept.unwrap();
    assert_eq!(reaping.await.unwrap(), (1, true));
    assert_eq!(read(&*one.vault, name, None).await.as_deref(), Some("a picture"));
    assert_eq!(store.loose(Timestamp::FAR, 9).await.unwrap(), vec![]);
}
