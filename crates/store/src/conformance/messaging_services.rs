//! Messaging services: kept and changed, a sender in one pool at most, and the one that spoke with a customer last speaks again.

use std::sync::Arc;

use transom_domain::address::Channel;
use transom_domain::error_code::ErrorCode;
use transom_domain::id::{SenderId, ServiceId};
use transom_domain::limits::LimitsTold;
use transom_domain::messaging_service::{Because, CallbackMethod, Callbacks, MessagingService, PoolMember, ServiceOptions};
use transom_domain::time::Span;

use super::desk::{DESK, Desk, RIVAL, SHOP, business, failure, identity, sender};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{App, ChangeService, JoinPool, Page, Sealed, StoreError};

const SECOND: SenderId = SenderId(12);
const PAGE: SenderId = SenderId(13);

async fn make(desk: &mut Desk, name: &str) -> Result<ServiceId, Broken> {
    let id = ServiceId(desk.id());
    let options = ServiceOptions { friendly_name: name.to_owned(), ..ServiceOptions::default() };
    let service = MessagingService { id, business: SHOP, options, created_at: desk.now, updated_at: desk.now };
    hold!(desk.store.add_service(service).await?);
    Ok(id)
}

async fn with_senders(factory: &dyn Factory) -> Result<Desk, Broken> {
    let desk = Desk::new(factory).await?;
    desk.store.put_business(business(RIVAL)).await?;
    desk.store.put_sender(sender(SECOND.0, SHOP, "+493012345679")?).await?;
    let page = crate::Sender { channel: Channel::Messenger, waba: None, ..sender(PAGE.0, SHOP, "messenger:700")? };
    desk.store.put_sender(page).await?;
    desk.store.put_sender(sender(14, RIVAL, "+493012345670")?).await?;
    Ok(desk)
}

pub(super) async fn services_are_kept_changed_and_listed(factory: &dyn Factory) -> Outcome {
    let mut desk = with_senders(factory).await?;
    let mut made = Vec::new();
    for name in ["one", "two", "three"] {
        made.insert(0, make(&mut desk, name).await?);
    }
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let (page, next) = desk.store.services(SHOP, Page { size: 2, token }).await?;
        found.extend(page.into_iter().map(|service| service.id));
        token = next;
        if token.is_none() {
            break;
        }
    }
    same!(found, made);
    same!(desk.store.services(RIVAL, Page { size: 2, token: None }).await?, (Vec::new(), None));
    same!(desk.store.services(SHOP, Page { size: 2, token: Some("x".to_owned()) }).await, Err(StoreError::BadToken));

    let id = made[0];
    desk.turn(Span::secs(5));
    let callbacks = Callbacks {
        inbound_url: Some("https://shop.example.com/in".to_owned()),
        inbound_method: CallbackMethod::Get,
        ..Callbacks::default()
    };
    let wanted = callbacks.clone();
    let change: ChangeService = Arc::new(move |options| {
        options.sticky_sender = false;
        options.callbacks = wanted.clone();
    });
    same!(desk.store.change_service(RIVAL, id, change.clone(), desk.now).await?, None);
    let changed = desk.store.change_service(SHOP, id, change, desk.now).await?;
    let Some(changed) = changed else { return Err(Broken("the service is gone".to_owned())) };
    let ServiceOptions { sticky_sender, callbacks: kept, friendly_name, .. } = &changed.options;
    same!((*sticky_sender, kept, friendly_name.as_str()), (false, &callbacks, "three"));
    same!((changed.created_at.plus(Span::secs(5)), changed.updated_at), (desk.now, desk.now));
    desk.store.close().await?;
    desk.store = factory.open();
    same!(desk.store.service(SHOP, id).await?, Some(changed));
    same!(desk.store.service(RIVAL, id).await?, None);
    Ok(())
}

pub(super) async fn a_sender_is_in_one_pool_at_most(factory: &dyn Factory) -> Outcome {
    let mut desk = with_senders(factory).await?;
    let (one, two) = (make(&mut desk, "one").await?, make(&mut desk, "two").await?);
    let store = desk.store.clone();
    let join = |service, sender, now| store.join_pool(SHOP, service, sender, now);
    let first = PoolMember { sender: DESK, since: desk.now };
    same!(join(one, DESK, desk.now).await?, JoinPool::Joined(first));
    desk.turn(Span::secs(1));
    // Again, it stays as it was.
    same!(join(one, DESK, desk.now).await?, JoinPool::Joined(first));
    same!(join(two, DESK, desk.now).await?, JoinPool::Elsewhere(one));
    same!(join(one, SenderId(14), desk.now).await?, JoinPool::NoSender);
    same!(join(one, SenderId(99), desk.now).await?, JoinPool::NoSender);
    same!(join(ServiceId(7), SECOND, desk.now).await?, JoinPool::NoService);
    same!(store.join_pool(RIVAL, one, SenderId(14), desk.now).await?, JoinPool::NoService);
    hold!(matches!(join(one, SECOND, desk.now).await?, JoinPool::Joined(_)));
    let senders = |pool: Option<Vec<PoolMember>>| pool.map(|pool| pool.into_iter().map(|m| m.sender).collect::<Vec<_>>());
    same!(senders(store.pool(SHOP, one).await?), Some(vec![DESK, SECOND]));
    same!(store.pool(RIVAL, one).await?, None);
    same!(store.service_of(SHOP, SECOND).await?.map(|s| s.id), Some(one));
    same!(store.service_of(RIVAL, SECOND).await?, None);
    same!(store.service_of(SHOP, PAGE).await?, None);

    hold!(!store.leave_pool(SHOP, two, DESK).await?);
    hold!(!store.leave_pool(RIVAL, one, DESK).await?);
    hold!(store.leave_pool(SHOP, one, DESK).await?);
    hold!(!store.leave_pool(SHOP, one, DESK).await?);
    hold!(matches!(join(two, DESK, desk.now).await?, JoinPool::Joined(_)));
    // What is removed leaves its senders free.
    hold!(!store.delete_service(RIVAL, two).await?);
    hold!(store.delete_service(SHOP, two).await?);
    hold!(!store.delete_service(SHOP, two).await?);
    same!(store.service_of(SHOP, DESK).await?, None);
    hold!(matches!(join(one, DESK, desk.now).await?, JoinPool::Joined(_)));
    Ok(())
}

pub(super) async fn who_spoke_with_a_customer_last_speaks_again(factory: &dyn Factory) -> Outcome {
    let mut desk = with_senders(factory).await?;
    let service = make(&mut desk, "pool").await?;
    let store = desk.store.clone();
    let ana = identity("+4915112345678")?;
    let choose = |to, now| store.choose_sender(SHOP, service, to, now);
    let chosen = |answer: Option<crate::ChosenSender>| answer.and_then(|answer| answer.chosen);
    let nobody = choose(ana.clone(), desk.now).await?;
    same!(nobody.map(|c| (c.service.id, c.pool, c.chosen)), Some((service, 0, None)));
    same!(store.choose_sender(RIVAL, service, ana.clone(), desk.now).await?, None);
    for sender in [DESK, SECOND, PAGE] {
        store.join_pool(SHOP, service, sender, desk.now).await?;
    }
    // A new customer has always the same one, of their own channel.
    let first = chosen(choose(ana.clone(), desk.now).await?);
    hold!(matches!(first, Some((DESK | SECOND, Because::LeastBusy))));
    same!(chosen(choose(ana.clone(), desk.now).await?), first);
    same!(chosen(choose(identity("messenger:44")?, desk.now).await?), Some((PAGE, Because::LeastBusy)));

    // Whoever wrote last, in either direction, is who spoke last.
    for speaker in [SECOND, DESK] {
        let mut accept = desk.text("+4915112345678")?;
        accept.sender = speaker;
        desk.accept(accept).await?;
        same!(chosen(choose(ana.clone(), desk.now).await?), Some((speaker, Because::SpokeLast)));
    }
    // Once it has left the pool the one before it is.
    hold!(store.leave_pool(SHOP, service, DESK).await?);
    same!(chosen(choose(ana.clone(), desk.now).await?), Some((SECOND, Because::SpokeLast)));
    store.join_pool(SHOP, service, DESK, desk.now).await?;
    // One that is stopped is passed over as long as another goes.
    store.set_sender_state(SHOP, DESK, Some(failure(ErrorCode::UpstreamError)), desk.now).await?;
    same!(chosen(choose(ana.clone(), desk.now).await?).map(|(sender, _)| sender), Some(SECOND));
    store.set_sender_state(SHOP, DESK, None, desk.now).await?;
    // Where they do not stick, the one with least to do is: the first has a message that waits, and so has the second.
    store.change_service(SHOP, service, Arc::new(|options| options.sticky_sender = false), desk.now).await?;
    same!(chosen(choose(ana, desk.now).await?), first);
    Ok(())
}

pub(super) async fn every_change_of_the_directory_is_counted(factory: &dyn Factory) -> Outcome {
    let mut desk = with_senders(factory).await?;
    let mut known = desk.store.directory_version().await?;
    // Says whether it has grown since the last time.
    macro_rules! grown {
        () => {{
            let before = std::mem::replace(&mut known, desk.store.directory_version().await?);
            before < known
        }};
    }
    desk.store.put_business(business(SHOP)).await?;
    hold!(grown!());
    desk.store.change_settings(SHOP, Arc::new(|settings| settings.retention.journal = Some(3))).await?;
    hold!(grown!());
    desk.store.put_app(App { id: "7".to_owned(), secret: Sealed(vec![1]), verify_token: Sealed(vec![2]) }).await?;
    hold!(grown!());
    desk.store.put_sender(sender(SECOND.0, SHOP, "+493012345679")?).await?;
    hold!(grown!());
    desk.store.set_sender_state(SHOP, SECOND, Some(failure(ErrorCode::UpstreamError)), desk.now).await?;
    hold!(grown!());
    let told = LimitsTold { throughput: Some(1_000), at: desk.now, ..LimitsTold::default() };
    hold!(desk.store.put_limits(SHOP, SECOND, told, desk.now).await?);
    hold!(grown!());
    let service = make(&mut desk, "one").await?;
    hold!(grown!());
    desk.store.change_service(SHOP, service, Arc::new(|options| options.sticky_sender = false), desk.now).await?;
    hold!(grown!());
    desk.store.join_pool(SHOP, service, SECOND, desk.now).await?;
    hold!(grown!());
    hold!(desk.store.leave_pool(SHOP, service, SECOND).await?);
    hold!(grown!());
    hold!(desk.store.delete_service(SHOP, service).await?);
    hold!(grown!());
    // What changes nothing of it, and what is refused.
    hold!(!desk.store.set_sender_state(SHOP, DESK, None, desk.now).await?);
    hold!(!desk.store.delete_service(SHOP, service).await?);
    hold!(!desk.store.leave_pool(SHOP, service, SECOND).await?);
    let accept = desk.text("+491701234567")?;
    desk.store.accept(accept).await?;
    hold!(!grown!());
    // It is what is kept, and not what one process has counted.
    drop(std::mem::replace(&mut desk.store, Arc::new(crate::MemoryStore::new())));
    desk.store = factory.open();
    same!(desk.store.directory_version().await?, known);
    Ok(())
}
