//! How the two sides of a conversation are named to an application that speaks Twilio's form.

use transom_domain::address::{Channel, Identity};
use transom_domain::event::Party;

use crate::twilio::address::written;

/// The version that every webhook names.
pub(super) const API_VERSION: &str = "2010-04-01";

/// An address with its channel in front: `whatsapp:+15550001111`, `whatsapp:DE.44…`, `messenger:8000…`.
pub(super) fn address(identity: &Identity) -> String {
    written(identity)
}

/// The customer: by number where one is known, as on Twilio, else by what there is.
pub(super) fn customer(party: &Party) -> String {
    match &party.phone {
        Some(phone) if party.channel == Channel::Whatsapp => format!("whatsapp:{phone}"),
        _ => address(&party.customer_address),
    }
}

/// The business's side.
pub(super) fn sender(party: &Party) -> String {
    address(&party.sender_address)
}
