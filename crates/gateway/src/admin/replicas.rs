//! Who holds what among the replicas of a house.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use transom_domain::holding::{ReplicaId, Thing};
use transom_domain::time::Span;
use transom_store::{Holding, Replica};

use super::command::AdminAnswer;
use super::{Admin, rfc3339};
use crate::problem::Problem;

/// A replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaView {
    /// Names it, until it is started anew.
    pub id: String,
    /// Where the others reach it.
    pub address: String,
    /// `live`, `draining`, or `over`: its lease is.
    pub state: String,
    /// Since when, by the store's clock.
    pub started_at: String,
    /// How much of its lease is left, in milliseconds; 0 when it is over.
    pub lease_left_ms: i64,
    /// Senders that it speaks for.
    pub senders: usize,
    /// Endpoints that it tells.
    pub endpoints: usize,
    /// Duties of the house that it does.
    pub duties: usize,
}

/// One thing that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldingView {
    /// `sender`, `endpoint` or `duty`.
    pub kind: String,
    /// Its id, or the name of the duty.
    pub thing: String,
    /// What people call it: the number of a sender, the address of an endpoint.
    pub name: String,
    /// Who holds it; null for what was given back and not taken yet.
    pub replica: Option<String>,
    /// Since when, by the store's clock.
    pub since: String,
}

impl Admin {
    pub(super) async fn replicas(&self) -> Result<AdminAnswer, Problem> {
        let store = &self.service.store;
        if !store.is_shared() {
            return Ok(AdminAnswer::Replicas { shared: false, data: Vec::new(), held: Vec::new() });
        }
        let (replicas, holdings) = (store.replicas().await?, store.holdings().await?);
        let addresses: BTreeMap<_, _> = store.endpoints(None).await?.into_iter().map(|one| (one.id, one.address)).collect();
        let directory = self.service.directory.now();
        let held = holdings.iter().map(|held| {
            let name = match held.thing {
                Thing::Sender(id) => directory.sender(id).map(|speaker| speaker.sender.address.to_string()),
                Thing::Endpoint(id) => addresses.get(&id).cloned(),
                Thing::Duty(duty) => Some(duty.as_str().to_owned()),
            };
            holding_view(held, name.unwrap_or_default())
        });
        let data = replicas.iter().map(|replica| replica_view(replica, &holdings)).collect();
        Ok(AdminAnswer::Replicas { shared: true, data, held: held.collect() })
    }
}

fn replica_view(replica: &Replica, holdings: &[Holding]) -> ReplicaView {
    let state = match (replica.left > Span::ZERO, replica.draining) {
        (false, _) => "over",
        (true, true) => "draining",
        (true, false) => "live",
    };
    let holds = |kind: &str| holdings.iter().filter(|held| held.by == replica.id && held.thing.kind() == kind).count();
    ReplicaView {
        id: replica.id.to_string(),
        address: replica.address.clone(),
        state: state.to_owned(),
        started_at: rfc3339(replica.started_at),
        lease_left_ms: replica.left.as_millis().max(0),
        senders: holds("sender"),
        endpoints: holds("endpoint"),
        duties: holds("duty"),
    }
}

fn holding_view(held: &Holding, name: String) -> HoldingView {
    let thing = match held.thing {
        Thing::Sender(id) => id.to_string(),
        Thing::Endpoint(id) => id.to_string(),
        Thing::Duty(duty) => duty.as_str().to_owned(),
    };
    HoldingView {
        kind: held.thing.kind().to_owned(),
        thing,
        name,
        replica: (held.by != ReplicaId::NOBODY).then(|| held.by.to_string()),
        since: rfc3339(held.since),
    }
}
