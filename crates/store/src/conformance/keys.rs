//! API keys, and the numbers of a business.

use transom_domain::id::{KeyId, SenderId};
use transom_domain::time::{Span, Timestamp};

use super::desk::{DESK, Desk, RIVAL, SHOP, identity, sender};
use super::{Factory, Outcome, hold, same};
use crate::{Key, PutSender, Scopes};

fn key(desk: &Desk, n: u8) -> Key {
    Key {
        id: KeyId(u128::from(n)),
        business: SHOP,
        label: format!("key {n}"),
        hash: [n; 32],
        scopes: Scopes::SEND,
        created_at: desk.now,
        expires_at: None,
        revoked_at: None,
        used_at: None,
    }
}

pub(super) async fn a_key_gives_way_to_another_one(factory: &dyn Factory) -> Outcome {
    let mut desk = Desk::new(factory).await?;
    let ends = |n: u8| {
        let store = desk.store.clone();
        async move { store.key_by_hash([n; 32]).await.map(|found| found.and_then(|key| key.expires_at)) }
    };
    desk.store.put_key(key(&desk, 1)).await?;
    let until = desk.now.plus(Span::hours(24));
    hold!(desk.store.rotate_key(KeyId(1), until, key(&desk, 2)).await?);
    same!((ends(1).await?, ends(2).await?), (Some(until), None));
    // Its uses are noted, the latest of them.
    let used = desk.now.plus(Span::hours(2));
    for at in [used, desk.now] {
        desk.store.note_key_used(SHOP, KeyId(1), at).await?;
    }
    desk.store.note_key_used(RIVAL, KeyId(2), used).await?;
    let noted: Vec<_> = desk.store.keys(SHOP).await?.into_iter().map(|key| key.used_at).collect();
    same!(noted, vec![Some(used), None]);
    // It ends no later for being rotated again.
    hold!(desk.store.rotate_key(KeyId(1), until.plus(Span::hours(1)), key(&desk, 3)).await?);
    same!(ends(1).await?, Some(until));
    // Another business's, one that was revoked, and one that is over give way to nothing, and nothing is stored.
    hold!(!desk.store.rotate_key(KeyId(1), until, Key { business: RIVAL, ..key(&desk, 4) }).await?);
    hold!(desk.store.revoke_key(SHOP, KeyId(2), desk.now).await?);
    hold!(!desk.store.rotate_key(KeyId(2), until, key(&desk, 4)).await?);
    desk.turn(Span::hours(25));
    hold!(!desk.store.rotate_key(KeyId(1), Timestamp::FAR, key(&desk, 4)).await?);
    hold!(desk.store.key_by_hash([4; 32]).await?.is_none());
    same!(desk.store.keys(SHOP).await?.len(), 3);
    Ok(())
}

pub(super) async fn a_number_is_one_sender_of_its_business(factory: &dyn Factory) -> Outcome {
    let desk = Desk::new(factory).await?;
    let second = crate::Sender { account: format!("account-{}", DESK.0), ..sender(33, SHOP, "+493012345678")? };
    same!(desk.store.put_sender(second.clone()).await?, PutSender::Known(DESK));
    same!(desk.store.senders().await?.len(), 1);
    let other = crate::Sender { address: identity("+493012345679")?, account: "another".to_owned(), ..second };
    same!(desk.store.put_sender(other).await?, PutSender::Stored);
    hold!(desk.store.senders().await?.iter().any(|s| s.id == SenderId(33)));
    Ok(())
}
