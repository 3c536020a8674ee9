//! Whether the rows agree with each other: what every transaction must leave true.

use transom_domain::status::{Phase, Progress};

use super::table::MemoryRows;

impl MemoryRows {
    /// Says of every row that does not agree with another one how.
    pub(super) fn audit(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (sender, (_, _, waiting)) in self.counters.iter() {
            let rows = self.waits.keys().filter(|(of, _)| of == sender).count() as u64;
            if *waiting != rows {
                found.push(format!("sender {sender}: counts {waiting} waiting, and {rows} wait"));
            }
        }
        for (seq, standing) in self.standings.iter() {
            let waits = self.waits.values().filter(|wait| wait.seq == *seq).count();
            let queued = matches!(standing.phase, Phase::Queued { .. });
            if waits != usize::from(queued) {
                found.push(format!("message {seq}: is {:?} and waits {waits} times", standing.phase));
            }
            let started = self
                .attempts
                .range((*seq, 0)..=(*seq, u32::MAX))
                .filter(|(_, row)| row.attempt.progress == Progress::Started)
                .count();
            if started > 0 && standing.phase != Phase::InFlight {
                found.push(format!("message {seq}: is {:?}, and {started} attempts have no outcome", standing.phase));
            }
        }
        for wait in self.waits.values() {
            match self.lanes.get(&wait.lane) {
                None => found.push(format!("message {}: waits in a lane that is gone", wait.seq)),
                Some(lane) if lane.flight.is_none() && lane.due.is_none() => {
                    found.push(format!("message {}: waits in a lane that is never due", wait.seq));
                }
                Some(_) => {}
            }
        }
        for (key, lane) in self.lanes.iter() {
            if let Some(seq) = lane.flight
                && self.standings.get(&seq).is_none_or(|standing| standing.phase != Phase::InFlight)
            {
                found.push(format!("lane {key:?}: message {seq} holds it, and is not in flight"));
            }
        }
        for (endpoint, position) in self.deliveries.keys() {
            if self.endpoints.get(endpoint).is_none_or(|e| e.cursor < *position) {
                found.push(format!("delivery {position}: is beyond the cursor of its endpoint"));
            }
        }
        found
    }

    /// How many writes would be lost if the process ended now.
    pub(super) fn unsafe_writes(&self) -> usize {
        self.marks().iter().sum()
    }
}
