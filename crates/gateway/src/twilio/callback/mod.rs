//! Webhooks to the business in Twilio's form: what they say, how they are signed and repeated, and what their answers ask for.
//!
//! All of it is pure. Who is told of what, and when again, is the relay's.

pub mod book;
pub mod form;
pub mod hook;
pub mod inbound;
mod names;
pub mod replies;
pub mod signature;
pub mod status;
pub mod twiml;

use transom_domain::id::ServiceId;

use super::sid::Sid as _;

pub(crate) use super::sid::message_sid;

/// The SID of a messaging service.
pub(crate) fn service_sid(service: ServiceId) -> String {
    service.sid()
}

#[cfg(test)]
pub(crate) mod tests {
    use transom_domain::address::Identity;
    use transom_domain::event::Party;
    use transom_domain::id::{CustomerId, SenderId};

    /// A conversation with this customer, through a sender of the same channel.
    pub(crate) fn party(customer: &str) -> Party {
        let customer: Identity = customer.parse().unwrap();
        let sender = if matches!(customer, Identity::Psid(_)) { "messenger:4000000000000004" } else { "+15550001111" };
        Party {
            channel: customer.channel(),
            sender: SenderId(5),
            sender_address: sender.parse().unwrap(),
            sender_name: Some("Shop".into()),
            customer: CustomerId(6),
            member: None,
            phone: customer.phone().cloned(),
            bsuid: customer.bsuid().cloned(),
            customer_address: customer,
            name: Some("Ana".into()),
            username: None,
            named_as: Vec::new(),
        }
    }
}
