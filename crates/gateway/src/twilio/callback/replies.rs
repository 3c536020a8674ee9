//! What an application answers, as messages to be sent.

use std::collections::{BTreeMap, VecDeque};

use sha2::{Digest as _, Sha256};
use url::Url;
use url::form_urlencoded::Serializer;

use transom_domain::event::{Event, Party};
use transom_domain::id::{CustomerId, MessageId, SenderId};
use transom_domain::message::WhenRefused;
use transom_domain::time::{Span, Timestamp};

use super::names;
use super::twiml::{Remark, Reply};
use crate::problem::Problem;
use crate::service::SendCommand;
use crate::twilio::creation;
use crate::twilio::form::Form;
use crate::twilio::refusal::Refusal;

/// Replies between two sides within [`WITHIN`]: two machines that answer each other come to an end.
const PAIR_MAX: usize = 15;
/// See [`PAIR_MAX`].
const WITHIN: Span = Span::secs(30);
/// Pairs that are remembered; when there are more, those that are over are forgotten.
const PAIRS_KEEP: usize = 4_096;
/// More replies between two numbers than are allowed.
pub const LOOPED: u32 = 14_107;

/// Counts replies of each pair.
#[derive(Debug, Default)]
pub struct Pairs(BTreeMap<(SenderId, CustomerId), VecDeque<Timestamp>>);

impl Pairs {
    /// Whether one more may go now; counts it if so.
    pub fn allow(&mut self, pair: (SenderId, CustomerId), now: Timestamp) -> bool {
        let over = |at: &Timestamp| now >= at.plus(WITHIN);
        if self.0.len() >= PAIRS_KEEP && !self.0.contains_key(&pair) {
            self.0.retain(|_, times| times.back().is_some_and(|last| !over(last)));
        }
        let times = self.0.entry(pair).or_default();
        while times.front().is_some_and(over) {
            times.pop_front();
        }
        let allowed = times.len() < PAIR_MAX;
        if allowed {
            times.push_back(now);
        }
        allowed
    }
}

/// The id of a reply, made from what it answers: told again after a crash, the same answer is the same message.
#[must_use]
pub fn id(event: &Event, index: usize) -> MessageId {
    let mut digest = Sha256::new();
    digest.update(b"reply");
    digest.update(event.id.to_bytes());
    digest.update(index.to_be_bytes());
    let chance = digest.finalize().iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte));
    MessageId::compose(event.at, chance)
}

/// A reply as the send that it is: read as the same parameters of a request would be. `answered` is the address that gave it.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn command(reply: &Reply, party: &Party, answered: &Url, when_refused: WhenRefused) -> Result<SendCommand, Remark> {
    let mut form = Serializer::new(String::new());
    let own = (names::address(&party.customer_address), names::sender(party));
    form.append_pair("To", reply.to.as_deref().unwrap_or(&own.0));
    form.append_pair("From", reply.from.as_deref().unwrap_or(&own.1));
    form.append_pair("Body", &reply.body);
    for link in &reply.media {
        form.append_pair("MediaUrl", &absolute(answered, link));
    }
    if let Some(callback) = &reply.status_callback {
        form.append_pair("StatusCallback", &absolute(answered, callback));
    }
    let read = Form::read(form.finish().as_bytes()).and_then(|form| creation::read(&form, when_refused));
    let mut command = read.map_err(|refusal| remark(&refusal))?;
    command.origin = Some(transom_domain::message::Origin { reply: true, ..command.origin.unwrap_or_default() });
    Ok(command)
}

/// Addresses in an answer may be relative to where it came from.
fn absolute(answered: &Url, address: &str) -> String {
    answered.join(address).map_or_else(|_| address.to_owned(), String::from)
}

/// What the service says against a reply.
pub(crate) fn refused(problem: Problem) -> Remark {
    remark(&Refusal::from(problem))
}

/// A refusal in words that name nobody: it is kept in an event.
pub(crate) fn remark(refusal: &Refusal) -> Remark {
    Remark { code: refusal.code.number(), why: format!("a reply could not be sent: {}", refusal.code.what()) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::party;
    use super::*;
    use crate::service::What;
    use transom_domain::event::EventBody;
    use transom_domain::free_form::FreeForm;
    use transom_domain::id::{BusinessId, EndpointId, EventId};

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn read(reply: &Reply, side: &Party) -> Result<SendCommand, Remark> {
        command(reply, side, &Url::parse("https://shop.example/hooks/in?x=1").unwrap(), WhenRefused::Accept)
    }

    #[test]
    fn a_reply_goes_back_where_the_message_came_from() {
        for customer in ["+15550002222", "bsuid:DE.44A1B2", "messenger:8000000000000001"] {
            let side = party(customer);
            let reply = Reply { body: "Hi & <b>".into(), status_callback: Some("../status".into()), ..Reply::default() };
            let command = read(&reply, &side).unwrap();
            assert_eq!((&command.to, command.from.as_ref()), (&side.customer_address, Some(&side.sender_address)));
            assert!(matches!(&command.what, What::FreeForm(FreeForm::Text { body, .. }) if body == "Hi & <b>"));
            let origin = command.origin.unwrap();
            assert_eq!((origin.reply, origin.status_callback.as_deref()), (true, Some("https://shop.example/status")));
        }
    }

    #[test]
    fn a_reply_may_go_elsewhere_and_carry_a_file() {
        let side = party("+15550002222");
        let media = vec!["/map.png".to_owned()];
        let reply = Reply { to: Some("whatsapp:+15550003333".into()), body: "Here".into(), media, ..Reply::default() };
        let command = read(&reply, &side).unwrap();
        assert_eq!(command.to.to_string(), "+15550003333");
        assert!(matches!(&command.what, What::FreeForm(FreeForm::Media { .. })));
        assert!(command.origin.unwrap().media);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_code_and_names_nobody() {
        let side = party("+15550002222");
        let wrong = |reply: Reply| read(&reply, &side).unwrap_err();
        let text = || Reply { body: "x".into(), ..Reply::default() };
        let to = wrong(Reply { to: Some("+15550003333".into()), ..text() });
        assert_eq!(to.code, 21_211);
        assert!(!to.why.contains("15550003333"), "{to}");
        assert_eq!(wrong(Reply { media: vec!["/a.png".into(), "/b.png".into()], ..text() }).code, 21_623);
        assert_eq!(wrong(Reply { body: "x".repeat(1_601), ..text() }).code, 21_617);
    }

    #[test]
    fn the_same_answer_to_the_same_event_is_the_same_message() {
        let event = |id| {
            let body = EventBody::EndpointRecovered { endpoint: EndpointId(1) };
            Event { position: 1, id: EventId(id), business: BusinessId(1), at: NOW, body }
        };
        assert_eq!(id(&event(1), 0), id(&event(1), 0));
        assert_ne!(id(&event(1), 0), id(&event(1), 1));
        assert_ne!(id(&event(1), 0), id(&event(2), 0));
    }

    #[test]
    fn two_machines_come_to_an_end() {
        let mut pairs = Pairs::default();
        let pair = |customer| (SenderId(1), CustomerId(customer));
        let allowed = (0..40).filter(|_| pairs.allow(pair(1), NOW)).count();
        assert_eq!(allowed, PAIR_MAX);
        assert!(pairs.allow(pair(2), NOW), "others go on");
        assert!(!pairs.allow(pair(1), NOW.plus(Span::secs(29))));
        assert!(pairs.allow(pair(1), NOW.plus(Span::secs(30))));
        for customer in 0..10_000 {
            pairs.allow(pair(customer), NOW.plus(Span::secs(i64::try_from(customer).unwrap())));
        }
        assert!(pairs.0.len() <= PAIRS_KEEP + 1, "{}", pairs.0.len());
    }
}
