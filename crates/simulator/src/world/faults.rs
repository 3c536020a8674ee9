//! Faults on order: a share of calls or webhooks goes wrong, with dice of its own for each.

use serde::{Deserialize, Serialize};

use crate::chance::{Chance, Seed};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// The call is refused with `code`.
    Error,
    /// The call is carried out and the connection dropped before the answer.
    LostAnswer,
    /// The connection is dropped before the call is carried out.
    LostCall,
    /// The call is carried out and answered with a bare 502 page, as by a proxy on the way.
    BadGateway,
    /// The call is carried out `ms` later, in machine time; not at all if the caller hangs up before.
    Latency,
    /// The call is carried out at once and answered `ms` later, in machine time.
    LateAnswer,
    WebhookDuplicate,
    WebhookReorder,
    /// A try of a webhook is lost on its way. Each further try is thrown for anew, so that with share 1 nothing arrives until
    /// the fault is lifted.
    WebhookDrop,
    /// The webhook comes `ms` later, in world time.
    WebhookDelay,
    /// The webhook never comes: it was given up before it was tried.
    WebhookLoss,
}

impl FaultKind {
    const fn is_of_webhooks(self) -> bool {
        matches!(self, Self::WebhookDuplicate | Self::WebhookReorder | Self::WebhookDrop | Self::WebhookDelay | Self::WebhookLoss)
    }
}

/// Which calls a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// `POST /{phone_number_id}/messages`.
    #[default]
    Messages,
    /// Every Graph call.
    Graph,
}

/// One fault on order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    #[serde(default = "always")]
    pub(crate) share: f64,
    /// Only every n-th of what it could happen to, counted since it was ordered or the simulator started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) every: Option<u64>,
    /// Only webhooks of these fields; none named: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<String>,
    #[serde(default)]
    pub(crate) seed: u64,
    /// How often it still happens; left out: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<i64>,
    #[serde(default)]
    pub(crate) on: Target,
}

fn always() -> f64 {
    1.0
}

impl Fault {
    /// Whether what it says of fields and counting makes sense.
    pub(crate) fn is_sound(&self) -> Result<(), (&'static str, &'static str)> {
        let is_known = |name: &String| super::owed::field(name).is_some();
        if self.every == Some(0) {
            return Err(("every", "every needs a number from 1 on"));
        }
        if !self.fields.is_empty() && !self.kind.is_of_webhooks() {
            return Err(("fields", "only faults of webhooks are for fields"));
        }
        if self.fields.iter().all(is_known) { Ok(()) } else { Err(("fields", "no such webhook field is ever sent")) }
    }
}

/// What is to go wrong with one Graph call.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallFaults {
    pub(crate) error: Option<u32>,
    pub(crate) lost_call: bool,
    pub(crate) lost_answer: bool,
    pub(crate) bad_gateway: bool,
    pub(crate) latency_ms: u64,
    pub(crate) late_ms: u64,
}

/// The faults on order and their dice.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<Ordered>,
}

#[derive(Debug)]
struct Ordered {
    fault: Fault,
    dice: Chance,
    /// How often it could have happened.
    seen: u64,
}

impl Faults {
    pub(crate) fn new(list: Vec<Fault>) -> Self {
        Self {
            list: list
                .into_iter()
                .map(|fault| {
                    let dice = Chance::new(Seed::fixed(fault.seed));
                    Ordered { fault, dice, seen: 0 }
                })
                .collect(),
        }
    }

    pub(crate) fn list(&self) -> impl Iterator<Item = &Fault> {
        self.list.iter().map(|ordered| &ordered.fault)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Throws the dice of every fault of this kind; the first that comes up counts one down.
    fn draw(&mut self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut drawn = None;
        for Ordered { fault, dice, seen } in self.list.iter_mut().filter(|ordered| wanted(&ordered.fault)) {
            *seen += 1;
            let is_due = fault.every.is_none_or(|every| *seen % every == 0);
            if fault.count == Some(0) || !is_due || !dice.happens(fault.share) || drawn.is_some() {
                continue;
            }
            fault.count = fault.count.map(|left| left.saturating_sub(1));
            drawn = Some(fault.clone());
        }
        drawn
    }

    /// What goes wrong with this call.
    pub(crate) fn for_call(&mut self, is_message: bool) -> CallFaults {
        let on = |fault: &Fault, kind| fault.kind == kind && (is_message || fault.on == Target::Graph);
        let mut drawn = |kind| self.draw(|fault| on(fault, kind));
        let millis = |fault: Option<Fault>| fault.and_then(|f| u64::try_from(f.ms.unwrap_or(0)).ok()).unwrap_or(0);
        CallFaults {
            error: drawn(FaultKind::Error).map(|fault| fault.code.unwrap_or(131_000)),
            lost_call: drawn(FaultKind::LostCall).is_some(),
            lost_answer: drawn(FaultKind::LostAnswer).is_some(),
            bad_gateway: drawn(FaultKind::BadGateway).is_some(),
            latency_ms: millis(drawn(FaultKind::Latency)),
            late_ms: millis(drawn(FaultKind::LateAnswer)),
        }
    }

    /// Whether this happens to this webhook of a field; answers the fault's milliseconds.
    pub(crate) fn for_webhook(&mut self, kind: FaultKind, field: &str) -> Option<i64> {
        let is_for = |fault: &Fault| fault.fields.is_empty() || fault.fields.iter().any(|named| named == field);
        self.draw(|fault| fault.kind == kind && is_for(fault)).map(|fault| fault.ms.unwrap_or(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: FaultKind, share: f64, count: Option<u64>) -> Fault {
        Fault {
            kind,
            share,
            every: None,
            fields: Vec::new(),
            seed: 1,
            count,
            code: Some(131_016),
            ms: Some(5),
            on: Target::Messages,
        }
    }

    #[test]
    fn every_third_is_every_third_of_the_fields_named() {
        let lost = fault(FaultKind::WebhookLoss, 1.0, None);
        let mut faults = Faults::new(vec![Fault { every: Some(3), fields: vec!["calls".into()], ..lost }]);
        let mut drawn = |field: &str| faults.for_webhook(FaultKind::WebhookLoss, field).is_some();
        let found: Vec<bool> = (0..7).map(|_| drawn("messages") || drawn("calls")).collect();
        assert_eq!(found, [false, false, true, false, false, true, false]);
    }

    #[test]
    fn a_share_of_one_always_happens_until_the_count_is_used_up() {
        let mut faults = Faults::new(vec![fault(FaultKind::Error, 1.0, Some(2))]);
        assert_eq!(faults.for_call(false), CallFaults::default());
        assert_eq!(faults.for_call(true).error, Some(131_016));
        assert_eq!(faults.for_call(true).error, Some(131_016));
        assert_eq!(faults.for_call(true).error, None);
    }

    #[test]
    fn the_same_seed_throws_the_same_dice() {
        let run = || {
            let mut faults = Faults::new(vec![fault(FaultKind::LostAnswer, 0.3, None)]);
            (0..50).map(|_| faults.for_call(true).lost_answer).collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
        assert!(run().contains(&true) && run().contains(&false));
    }
}
