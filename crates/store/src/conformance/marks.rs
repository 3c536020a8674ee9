//! Watermarks: what Messenger says of all messages up to a moment.

use transom_domain::address::{Channel, Psid};
use transom_domain::fact::{Fact, Reported, Watermark};
use transom_domain::id::MessageId;
use transom_domain::message::{CallbackTag, PartTag};
use transom_domain::status::{Progress, Status};
use transom_domain::time::{Span, Timestamp};

use super::desk::{Desk, SHOP, identity, sender};
use super::{Broken, Factory, Outcome, hold, same};
use crate::{BATCH_MAX, Outcome as Of, Sender};

const ANA: &str = "messenger:8000000000000001";
const BO: &str = "messenger:8000000000000002";
const CY: &str = "messenger:8000000000000003";

/// The desk, as a Page.
async fn page(factory: &dyn Factory) -> Result<Desk, Broken> {
    let desk = Desk::new(factory).await?;
    let page = sender(super::desk::DESK.0, SHOP, "+493012345678")?;
    let page = Sender { channel: Channel::Messenger, address: identity("messenger:700000000000001")?, waba: None, ..page };
    desk.store.put_sender(page).await?;
    Ok(desk)
}

async fn send(desk: &mut Desk, to: &str) -> Result<MessageId, Broken> {
    let mut accept = desk.text(to)?;
    accept.channel = Channel::Messenger;
    desk.accept(accept).await
}

/// A message that is sent and taken, a second after the one before.
async fn handed(desk: &mut Desk, to: &str, mid: &str) -> Result<MessageId, Broken> {
    desk.turn(Span::secs(1));
    let id = send(desk, to).await?;
    let mut claim = desk.claiming(1);
    claim.pair_gap = Span::ZERO;
    let claimed = desk.store.claim(claim).await?.claimed;
    same!(claimed.len(), 1);
    same!(desk.answer(id, 1, mid).await?, Status::Sent);
    Ok(id)
}

fn mark(of: &str, status: Reported, until: Timestamp) -> Result<Fact, Broken> {
    let recipient = Psid::parse(of).map_err(|why| Broken(why.to_string()))?;
    Ok(Fact::Watermark(Watermark { recipient, status, until, at: until.plus(Span::millis(5)) }))
}

pub(super) async fn a_mark_covers_what_was_sent_up_to_it(factory: &dyn Factory) -> Outcome {
    let mut desk = page(factory).await?;
    let first = handed(&mut desk, ANA, "m_1").await?;
    let until = desk.now;
    let other = handed(&mut desk, BO, "m_2").await?;
    let later = handed(&mut desk, ANA, "m_3").await?;
    let delivered = mark(ANA, Reported::Delivered, until)?;
    same!(desk.hear(vec![delivered.clone()]).await?.news, 1);
    let shown = [desk.shows(first).await?, desk.shows(other).await?, desk.shows(later).await?];
    same!(shown, [Status::Delivered, Status::Sent, Status::Sent]);
    // Told again it says nothing new, and an older one says nothing at all.
    same!(desk.hear(vec![delivered, mark(ANA, Reported::Delivered, Timestamp::from_secs(1))?]).await?.repeated, 2);
    desk.hear(vec![mark(ANA, Reported::Read, desk.now)?]).await?;
    let shown = [desk.shows(first).await?, desk.shows(other).await?, desk.shows(later).await?];
    same!(shown, [Status::Read, Status::Sent, Status::Read]);
    same!(desk.told(first).await?, vec![Status::Sent, Status::Delivered, Status::Read]);
    same!(desk.told(later).await?, vec![Status::Sent, Status::Delivered, Status::Read]);
    Ok(())
}

pub(super) async fn a_mark_from_the_future_covers_nothing_sent_later(factory: &dyn Factory) -> Outcome {
    let mut desk = page(factory).await?;
    let first = handed(&mut desk, ANA, "m_1").await?;
    desk.hear(vec![mark(ANA, Reported::Read, desk.now.plus(Span::hours(24)))?]).await?;
    let later = handed(&mut desk, ANA, "m_2").await?;
    same!([desk.shows(first).await?, desk.shows(later).await?], [Status::Read, Status::Sent]);
    Ok(())
}

pub(super) async fn a_mark_before_the_answer_settles_what_joins_later(factory: &dyn Factory) -> Outcome {
    let mut stories = Vec::new();
    for mark_first in [true, false] {
        let mut desk = page(factory).await?;
        // A person of their own for each order: the store stays the same.
        let to = if mark_first { ANA } else { BO };
        desk.now = Timestamp::from_secs(1_800_000_000 + i64::from(mark_first) * 1_000);
        let id = {
            let mut accept = desk.text(to)?;
            accept.channel = Channel::Messenger;
            accept.id = MessageId(accept.id.0 + u128::from(mark_first) * 77);
            accept.new_customer = transom_domain::id::CustomerId(accept.id.0 + 9_000_000);
            desk.accept(accept).await?
        };
        desk.take().await?;
        let until = desk.now.plus(Span::millis(50));
        desk.turn(Span::millis(100));
        if mark_first {
            desk.hear(vec![mark(to, Reported::Read, until)?]).await?;
            same!(desk.shows(id).await?, Status::Sending);
            same!(desk.answer(id, 1, &format!("m_{to}")).await?, Status::Read);
        } else {
            desk.answer(id, 1, &format!("m_{to}")).await?;
            desk.hear(vec![mark(to, Reported::Read, until)?]).await?;
        }
        let message = desk.message(id).await?;
        stories.push((message.status, message.attempts[0].progress, message.phase));
    }
    same!(stories[0], stories[1]);
    Ok(())
}

pub(super) async fn an_echo_settles_a_lost_answer_and_a_mark_finds_it(factory: &dyn Factory) -> Outcome {
    let mut desk = page(factory).await?;
    let id = send(&mut desk, ANA).await?;
    desk.take().await?;
    let begun = desk.now;
    desk.lose(id, 1, Span::minutes(10)).await?;
    // The mark covers it, but whether it left at all is not known yet.
    desk.hear(vec![mark(ANA, Reported::Delivered, begun)?]).await?;
    same!(desk.shows(id).await?, Status::Unknown);
    let mut echo = desk.status("m_9", Reported::Sent, desk.now);
    echo.callback = Desk::tag(id, 1);
    desk.hear(vec![Fact::Status(echo)]).await?;
    same!(desk.shows(id).await?, Status::Delivered);
    desk.hear(vec![mark(ANA, Reported::Read, begun)?]).await?;
    same!(desk.shows(id).await?, Status::Read);
    same!(desk.answer(id, 1, "m_9").await?, Status::Read);
    Ok(())
}

pub(super) async fn the_first_of_two_parts_settles_nothing_and_is_remembered(factory: &dyn Factory) -> Outcome {
    let mut desk = page(factory).await?;
    let id = send(&mut desk, ANA).await?;
    desk.take().await?;
    let tag = PartTag(CallbackTag { message: id, attempt: 1 });
    let mut echo = desk.status("m_part", Reported::Sent, desk.now);
    echo.callback = Some(tag.to_string());
    same!(desk.hear(vec![Fact::Status(echo)]).await?.news, 1);
    hold!(desk.store.first_part(SHOP, tag, "m_part".to_owned()).await?);
    let message = desk.message(id).await?;
    same!((message.status, message.attempts[0].progress), (Status::Sending, Progress::Started));
    hold!(message.attempts[0].has_sent_first_part());
    // That the part arrived says nothing of the whole.
    desk.hear(vec![Fact::Status(desk.status("m_part", Reported::Delivered, desk.now))]).await?;
    same!(desk.shows(id).await?, Status::Sending);
    desk.lose(id, 1, Span::ZERO).await?;
    hold!(desk.message(id).await?.attempts[0].has_sent_first_part());
    let again = Of::Again {
        not_before: desk.now,
        failure: super::desk::failure(transom_domain::error_code::ErrorCode::UpstreamError),
        uncounted: false,
    };
    desk.settle(id, 1, again).await?;
    hold!(desk.message(id).await?.attempts[0].has_sent_first_part());
    // The id of the part goes with the message.
    desk.take().await?;
    desk.answer(id, 2, "m_whole").await?;
    desk.turn(Span::days(800));
    desk.sweep(100).await?;
    same!(desk.store.message(SHOP, id).await?, None);
    let late = desk.status("m_part", Reported::Delivered, desk.now);
    same!(desk.hear(vec![Fact::Status(late)]).await?.orphans, 1);
    Ok(())
}

pub(super) async fn the_second_of_two_parts_goes_once_the_first_is_heard_of(factory: &dyn Factory) -> Outcome {
    let mut desk = page(factory).await?;
    let ids = [send(&mut desk, ANA).await?, send(&mut desk, BO).await?, send(&mut desk, CY).await?];
    same!(desk.claim().await?.claimed.len(), 3);
    let echo = |desk: &Desk, id, part: &str| {
        let mut echo = desk.status(part, Reported::Sent, desk.now);
        echo.callback = Some(PartTag(CallbackTag { message: id, attempt: 1 }).to_string());
        vec![Fact::Status(echo)]
    };
    // The answer is lost, and then the echo comes; and the other way round.
    desk.lose_first(ids[0], 1, Span::hours(1)).await?;
    same!(desk.shows(ids[0]).await?, Status::Unknown);
    let heard = desk.hear(echo(&desk, ids[0], "m_0")).await?;
    same!((heard.news, heard.nudged.len()), (1, 1));
    same!(desk.hear(echo(&desk, ids[1], "m_1")).await?.nudged.len(), 0);
    desk.lose_first(ids[1], 1, Span::hours(1)).await?;
    // Whoever was about to make the second call is told that it is another's now.
    let tag = PartTag(CallbackTag { message: ids[0], attempt: 1 });
    hold!(!desk.store.first_part(SHOP, tag, "m_0".to_owned()).await?);
    // Where the second call may have left, its own echo is waited for.
    hold!(desk.store.first_part(SHOP, PartTag(CallbackTag { message: ids[2], attempt: 1 }), "m_2".to_owned()).await?);
    desk.lose(ids[2], 1, Span::hours(1)).await?;
    same!(desk.hear(echo(&desk, ids[2], "m_2")).await?.nudged.len(), 0);
    same!(desk.shows(ids[2]).await?, Status::Unknown);
    // The attempt that follows knows that the file is there.
    let claimed = desk.claim().await?.claimed;
    same!(claimed.len(), 2);
    hold!(claimed.iter().all(|one| one.message.attempts[0].has_sent_first_part()));
    Ok(())
}

pub(super) async fn a_mark_settles_a_bounded_number_and_the_next_goes_on(factory: &dyn Factory) -> Outcome {
    let mut desk = page(factory).await?;
    let mut ids = Vec::new();
    for n in 0..BATCH_MAX + 3 {
        ids.push(handed(&mut desk, ANA, &format!("m_{n}")).await?);
    }
    let until = desk.now;
    desk.hear(vec![mark(ANA, Reported::Read, until)?]).await?;
    let (last, edge) = (ids[BATCH_MAX + 2], ids[BATCH_MAX - 1]);
    same!((desk.shows(edge).await?, desk.shows(last).await?), (Status::Read, Status::Sent));
    desk.hear(vec![mark(ANA, Reported::Read, until)?]).await?;
    same!(desk.shows(last).await?, Status::Read);
    Ok(())
}
