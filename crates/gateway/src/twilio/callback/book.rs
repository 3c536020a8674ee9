//! Which address of a business an event goes to.

use std::collections::BTreeMap;

use transom_domain::event::{Event, EventBody};
use transom_domain::id::{KeyId, SenderId, ServiceId};
use transom_domain::messaging_service::ServiceOptions;
use transom_store::{CallbackMethod, SenderCallbacks};

use super::hook::Hook;
use super::signature::TokenSigner;
use super::status::Word;

/// What a business has called back, and with what those calls are signed.
#[derive(Clone, Default)]
pub struct Book {
    /// The primary auth token, where there is one, and the key that it is.
    pub token: Option<(KeyId, TokenSigner)>,
    /// Refuse replies at once that the verdict does not let go.
    pub refuse_at_once: bool,
    /// The addresses of senders.
    pub senders: BTreeMap<SenderId, SenderCallbacks>,
    /// Messaging services.
    pub services: BTreeMap<ServiceId, ServiceOptions>,
    /// The service in whose pool a sender is.
    pub service_of: BTreeMap<SenderId, ServiceId>,
}

/// Where an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The address.
    pub address: &'a str,
    /// How it is called.
    pub method: CallbackMethod,
    /// Who is called where that one fails.
    pub fallback: Option<(&'a str, CallbackMethod)>,
    /// The messaging service in whose name.
    pub service: Option<ServiceId>,
}

impl Book {
    /// Where an event goes; none where it goes nowhere. A message's own address counts before its messaging service's, and that
    /// before its sender's.
    #[must_use]
    pub fn target<'a>(&'a self, event: &'a Event) -> Option<Target<'a>> {
        let post = CallbackMethod::Post;
        match &event.body {
            EventBody::MessageReceived { party, .. } => {
                let (callbacks, service) = self.hears(party.sender)?;
                let address = callbacks.inbound_url.as_deref()?;
                let fallback = callbacks.fallback_url.as_deref().map(|address| (address, callbacks.fallback_method));
                Some(Target { address, method: callbacks.inbound_method, fallback, service })
            }
            EventBody::MessageStatus { party, status, origin, .. } => {
                Word::of(*status, false)?;
                let own = origin.as_ref().and_then(|origin| origin.status_callback.as_deref());
                let of_sender = || self.senders.get(&party.sender)?.status_callback.as_deref();
                let service = origin.as_ref().and_then(|origin| origin.service);
                let of_service = || self.services.get(&service?)?.callbacks.status_callback.as_deref();
                let address = own.or_else(of_service).or_else(of_sender)?;
                Some(Target { address, method: post, fallback: None, service })
            }
            _ => None,
        }
    }
}

impl Book {
    /// Who hears what customers write to a sender: the service in whose pool it is, unless that leaves it to the sender's own
    /// address; else the sender.
    fn hears(&self, sender: SenderId) -> Option<(&SenderCallbacks, Option<ServiceId>)> {
        let own = self.senders.get(&sender).filter(|own| own.inbound_url.is_some());
        let service = self.service_of.get(&sender).and_then(|id| Some((*id, self.services.get(id)?)));
        let service = service.filter(|(_, options)| options.callbacks.inbound_url.is_some());
        match (service, own) {
            (Some((_, options)), Some(own)) if options.use_inbound_webhook_on_number => Some((own, None)),
            (Some((id, options)), _) => Some((&options.callbacks, Some(id))),
            (None, own) => own.map(|own| (own, None)),
        }
    }
}

impl Target<'_> {
    /// Whether its address leads to this origin. One that cannot be read leads nowhere.
    #[must_use]
    pub fn is_at(&self, origin: &str) -> bool {
        Hook::parse(self.address).is_ok_and(|hook| hook.origin() == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::party;
    use super::*;
    use transom_domain::event::Party;
    use transom_domain::fact::{Inbound, InboundBody, Person};
    use transom_domain::id::{BusinessId, EventId, MessageId};
    use transom_domain::message::Origin;
    use transom_domain::status::Status;
    use transom_domain::time::Timestamp;

    fn event(body: EventBody) -> Event {
        Event { position: 1, id: EventId(1), business: BusinessId(1), at: Timestamp::EPOCH, body }
    }

    fn status(party: Party, status: Status, own: Option<&str>) -> Event {
        let origin = own.map(|own| Origin { status_callback: Some(own.to_owned()), ..Origin::default() });
        event(EventBody::MessageStatus {
            party,
            message: MessageId(7),
            status,
            at: Timestamp::EPOCH,
            failure: None,
            taken: false,
            campaign: None,
            callback_data: None,
            pricing: None,
            origin: origin.map(Box::new),
        })
    }

    fn received(party: Party) -> Event {
        let inbound = Inbound {
            provider_id: "wamid.1".into(),
            at: Timestamp::EPOCH,
            from: Person::default(),
            body: InboundBody::Text { body: "x".into() },
            reply_to: None,
            forwarded: false,
            often_forwarded: false,
            product: None,
            referral: None,
        };
        event(EventBody::MessageReceived {
            party,
            message: MessageId(7),
            inbound: Box::new(inbound),
            reply_to: None,
            callback_data: None,
            retold: false,
        })
    }

    #[test]
    fn an_event_goes_to_the_address_that_is_nearest_to_it() {
        let side = party("+15550002222");
        let callbacks = SenderCallbacks {
            inbound_url: Some("https://shop.example/in#rc=2".into()),
            inbound_method: CallbackMethod::Get,
            fallback_url: Some("https://spare.example/in".into()),
            fallback_method: CallbackMethod::Post,
            status_callback: Some("https://shop.example/status".into()),
        };
        let book = Book { senders: [(side.sender, callbacks)].into_iter().collect(), ..Book::default() };
        let inbound = received(side.clone());
        let target = book.target(&inbound).unwrap();
        assert_eq!((target.address, target.method), ("https://shop.example/in#rc=2", CallbackMethod::Get));
        assert_eq!(target.fallback, Some(("https://spare.example/in", CallbackMethod::Post)));
        assert!(target.is_at("https://shop.example") && !target.is_at("https://spare.example"));
        let sent = status(side.clone(), Status::Sent, None);
        assert_eq!(book.target(&sent).unwrap().address, "https://shop.example/status");
        let own = status(side.clone(), Status::Read, Some("http://other.example:8080/s"));
        assert!(book.target(&own).unwrap().is_at("http://other.example:8080"));
        // What only happens on this side is no callback.
        for silent in [Status::Accepted, Status::Queued, Status::Sending, Status::Unknown, Status::Received] {
            assert_eq!(book.target(&status(side.clone(), silent, Some("https://shop.example/"))), None, "{silent:?}");
        }
        // In a pool, the service hears it, unless it leaves that to the number.
        let of_service = SenderCallbacks {
            inbound_url: Some("https://pool.example/in".into()),
            status_callback: Some("https://pool.example/s".into()),
            ..SenderCallbacks::default()
        };
        let options = ServiceOptions { callbacks: of_service, ..ServiceOptions::default() };
        let mut pooled = book.clone();
        pooled.services.insert(ServiceId(3), options);
        pooled.service_of.insert(side.sender, ServiceId(3));
        let target = pooled.target(&inbound).unwrap();
        assert_eq!((target.address, target.service), ("https://pool.example/in", Some(ServiceId(3))));
        pooled.services.entry(ServiceId(3)).and_modify(|options| options.use_inbound_webhook_on_number = true);
        assert_eq!(pooled.target(&inbound).unwrap().address, "https://shop.example/in#rc=2");
        let mut through = status(side, Status::Sent, None);
        if let EventBody::MessageStatus { origin, .. } = &mut through.body {
            *origin = Some(Box::new(Origin { service: Some(ServiceId(3)), ..Origin::default() }));
        }
        assert_eq!(pooled.target(&through).unwrap().address, "https://pool.example/s");
        assert_eq!(Book::default().target(&inbound), None);
        assert_eq!(Book::default().target(&sent), None);
    }
}
