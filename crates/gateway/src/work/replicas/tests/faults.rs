//! What goes wrong between a replica and its store, or takes long: nothing stays with nobody, and nothing waits for another's sake.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use transom_store::{Disk, DiskWait, GivenBack, StoreError, Take};

use super::*;

/// The way of one replica to the store: moves take a moment, and fail when they are told to.
#[derive(Default)]
struct Way(Mutex<BTreeMap<&'static str, VecDeque<bool>>>, AtomicBool);

/// Answers to what begins an attempt take so long, where they are slow.
const SLOW: u64 = 2_000;

impl Way {
    /// Whether the next ones of a move work; those after them do.
    fn let_work(&self, what: &'static str, works: impl IntoIterator<Item = bool>) {
        self.0.lock().unwrap().insert(what, works.into_iter().collect());
    }
}

impl Disk for Way {
    fn write(&self, what: &'static str) -> DiskWait<Result<(), StoreError>> {
        let works = self.0.lock().unwrap().get_mut(what).and_then(VecDeque::pop_front).unwrap_or(true);
        Box::pin(async move {
            pass(5).await;
            works.then_some(()).ok_or_else(|| StoreError::Unavailable("it was told to fail".to_owned()))
        })
    }

    fn written(&self, what: &'static str) -> DiskWait<()> {
        let slow = self.1.load(Ordering::SeqCst) && ["claim", "accept", "accept_judged"].contains(&what);
        Box::pin(async move {
            if slow {
                pass(SLOW).await;
            }
        })
    }

    fn read(&self, _: &'static str) -> DiskWait<Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

fn id_of(node: &Node) -> ReplicaId {
    node.house.keeper().unwrap().0.parts.holdings.replica()
}

impl Town {
    async fn node_on(&self, name: &str, way: &Arc<Way>) -> Node {
        self.begun_on(name, self.store.behind(way.clone())).await.unwrap()
    }

    /// The first number that a replica speaks for.
    async fn number_of(&self, node: &Node) -> u64 {
        let held = self.store.holdings().await.unwrap();
        let by = |n: &u64| held.iter().any(|held| held.thing == Thing::Sender(sender(*n)) && held.by == id_of(node));
        (0..SENDERS).find(by).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_row_says_and_memory_does_not_is_given_back() {
    let town = Town::new().await;
    let (one, two) = (town.node("one").await, town.node("two").await);
    town.is_spread_over(2).await;
    // The row of the one says that it has what is the other's, as after an outage in which all of them let go of everything.
    let thing = Thing::Sender(sender(town.number_of(&two).await));
    let given = GivenBack { thing, rests_until: None, gone: false };
    town.store.give_back(id_of(&two), Some(SHOP), vec![given]).await.unwrap();
    let now = town.clock.now();
    let take = Take { by: id_of(&one), business: Some(SHOP), things: vec![thing], now, unknown_until: now };
    assert_eq!(town.store.take(take).await.unwrap().len(), 1);
    town.is_spread_over(2).await;
    town.windows(&one).await;
    town.round(&[&one, &two], 0).await;
    town.all_have_left().await;
    town.look_over();
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_given_back_is_given_back_later() {
    let town = Town::new().await;
    let way = Arc::new(Way::default());
    let one = town.node_on("one", &way).await;
    town.is_spread_over(1).await;
    way.let_work("give_back", [false; 4]);
    let two = town.node("two").await;
    town.is_spread_over(2).await;
    assert!(way.0.lock().unwrap()["give_back"].is_empty());
    town.windows(&one).await;
    town.round(&[&one, &two], 0).await;
    town.all_have_left().await;
    town.look_over();
}

#[tokio::test(start_paused = true)]
async fn what_is_slow_holds_up_nothing_else_that_is_handed_over() {
    let town = Town::new().await;
    let (one, two) = (town.node("one").await, town.node("two").await);
    town.is_spread_over(2).await;
    town.windows(&one).await;
    let slow = town.number_of(&one).await;
    town.meta.0.answers.send_replace(false);
    town.send(&one, slow, 0, 0).await;
    pass(1_500).await;
    assert_eq!(town.calls().len(), 1);
    let (begun, keeper) = (town.clock.now(), one.house.keeper().unwrap().clone());
    let handing = tokio::spawn(async move { keeper.hand_over(Duration::from_secs(20)).await });
    pass(3_000).await;
    let all = usize::try_from(SENDERS).unwrap();
    assert_eq!(town.spread().await.get(&id_of(&two)), Some(&(all - 1)));
    // And whatever is under way, it leaves in time; others need not wait for its lease.
    handing.await.unwrap();
    assert!(town.clock.now().since(begun) <= Span::secs(20));
    pass(3_000).await;
    assert_eq!(town.spread().await, BTreeMap::from([(id_of(&two), all)]));
    town.meta.0.answers.send_replace(true);
    town.round(&[&two], 1).await;
    town.all_have_left().await;
    town.look_over();
    let (id, _) = town.accepted.lock().unwrap()[0].clone();
    assert_eq!(town.store.message(SHOP, id).await.unwrap().unwrap().phase, Phase::Handed);
}

#[tokio::test(start_paused = true)]
async fn what_never_comes_to_rest_goes_to_another_all_the_same() {
    let town = Town::new().await;
    let one = town.node("one").await;
    town.is_spread_over(1).await;
    town.windows(&one).await;
    town.meta.0.answers.send_replace(false);
    town.round(&[&one], 0).await;
    pass(1_500).await;
    // Every number has calls under way, and what is another's is given back in the end.
    let two = town.node("two").await;
    town.is_spread_over(2).await;
    town.meta.0.answers.send_replace(true);
    town.round(&[&one, &two], 1).await;
    town.all_have_left().await;
    town.look_over();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_taken_keeps_nothing_else_from_its_worker() {
    let town = Town::new().await;
    let rival = BusinessId(2);
    town.store.put_business(business(rival)).await.unwrap();
    let other = Sender { waba: Some("2020".into()), ..sender_of(rival, SENDERS) };
    town.store.put_sender(other).await.unwrap();
    let way = Arc::new(Way::default());
    let one = town.node_on("one", &way).await;
    town.windows(&one).await;
    // It lets go of everything, and takes the duties and the shop's senders anew, and the rival's not for long.
    way.let_work("take", [true, true].into_iter().chain([false; 60]));
    one.house.keeper().unwrap().0.lose("the test wants it").await;
    pass(3_000).await;
    town.round(&[&one], 0).await;
    town.all_have_left().await;
    let tries = way.0.lock().unwrap()["take"].len();
    assert!((1..60).contains(&tries), "{tries} tries are left");
    town.look_over();
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_under_a_name_that_was_lost_posts_nothing_under_the_next() {
    let town = Town::new().await;
    let way = Arc::new(Way::default());
    let one = town.node_on("one", &way).await;
    let (keeper, first) = (one.house.keeper().unwrap(), id_of(&one));
    town.windows(&one).await;
    way.1.store(true, Ordering::SeqCst);
    // The attempt stands in the store, and whoever is to make it hears so once the lease is over and another one was begun.
    tokio::join!(town.send(&one, 0, 0, 0), async {
        pass(SLOW / 2).await;
        town.store.leave(first).await.unwrap();
        keeper.0.renew().await;
    });
    assert_ne!(id_of(&one), first);
    way.1.store(false, Ordering::SeqCst);
    pass(SLOW / 2).await;
    assert_eq!(town.calls(), []);
    // It goes once it is known that it did not leave, or has waited long enough for a word of it.
    pass(11 * 60_000).await;
    town.all_have_left().await;
    town.look_over();
}

#[tokio::test(start_paused = true)]
async fn two_renewals_at_once_enrol_once() {
    let town = Town::new().await;
    let way = Arc::new(Way::default());
    let one = town.node_on("one", &way).await;
    let keeper = one.house.keeper().unwrap();
    town.store.leave(id_of(&one)).await.unwrap();
    tokio::join!(keeper.0.renew(), keeper.0.renew());
    let there: Vec<ReplicaId> = town.store.replicas().await.unwrap().into_iter().map(|replica| replica.id).collect();
    assert_eq!(there, vec![id_of(&one)]);
    // Nor is a name left behind that could not be used.
    town.store.leave(id_of(&one)).await.unwrap();
    way.let_work("renew", [true, false]);
    keeper.0.renew().await;
    let there: Vec<ReplicaId> = town.store.replicas().await.unwrap().into_iter().map(|replica| replica.id).collect();
    assert_eq!(there, vec![id_of(&one)]);
    assert!(way.0.lock().unwrap()["renew"].is_empty());
}
