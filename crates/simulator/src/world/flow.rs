//! Forms that came inside templates: checked before, published at once, and kept for the phone.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::effects::{Change, Entity};
use super::message::to_json;
use super::{Now, World};
use crate::graph::error::GraphError;

/// Forms of one world; a bound for scripts that run away.
const FLOWS_MAX: usize = 20_000;

/// A form.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) id: u64,
    pub(crate) waba: u64,
    pub(crate) name: String,
    /// The Flow JSON, as it was given.
    pub(crate) json: String,
    pub(crate) at: i64,
}

impl Flow {
    /// As Graph answers it: FB whatsapp/flows/reference/flowsapi.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "id": self.id.to_string(), "name": self.name, "status": "PUBLISHED", "categories": ["OTHER"], "validation_errors": [],
        })
    }
}

impl World {
    /// Keeps the forms that stand inside the buttons of a template, and names them there by their ids, as they are read back.
    pub(crate) fn keep_flows(
        &mut self,
        now: Now,
        waba: u64,
        name: &str,
        mut components: Vec<Value>,
    ) -> Result<(Vec<Value>, Vec<u64>), GraphError> {
        let mut kept = Vec::new();
        for component in &mut components {
            for button in component.get_mut("buttons").and_then(Value::as_array_mut).into_iter().flatten() {
                let Some(button) = button.as_object_mut() else { continue };
                let Some(Value::String(text)) = button.remove("flow_json") else { continue };
                if self.flows.len() >= FLOWS_MAX {
                    return Err(GraphError::new(131_000, "There are 20000 forms already; start with a fresh folder."));
                }
                let id = self.fresh_id();
                button.insert("flow_id".into(), json!(id.to_string()));
                let flow = Flow { id, waba, name: format!("{name}_{id}"), json: text, at: now.world.as_millis() };
                self.effects.changes.push(Change::Put { kind: Entity::Flow, id, json: to_json(&flow) });
                self.flows.insert(id, flow);
                kept.push(id);
            }
        }
        Ok((components, kept))
    }
}
