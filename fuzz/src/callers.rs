//! What callers write: the bodies of the native operations, and what clients send to Graph at the simulator.

use serde_json::Value;
use transom_domain::message::Draft;
use transom_gateway::native::probe;
use transom_gateway::problem::Problem;
use transom_gateway::service::{AddressRules, SendCommand, What};

use crate::content;

/// Longest refusal, in bytes: what a hostile body makes us write is bounded, whatever it repeats.
pub(crate) const REFUSAL_MAX: usize = 64 * 1024;

fn refused(problem: &Problem) {
    let refusal = probe::refusal(problem);
    assert!(refusal.len() <= REFUSAL_MAX, "a refusal of {} bytes", refusal.len());
    let _: Value = serde_json::from_slice(&refusal).expect("a refusal is JSON");
}

pub(crate) fn accepted(command: SendCommand) {
    if let Some(data) = &command.callback_data {
        assert!(data.len() <= transom_gateway::service::CALLBACK_DATA_MAX);
        let _: Value = serde_json::from_str(data).expect("callbackData is JSON");
    }
    assert_eq!(command.to.to_string().parse().as_ref(), Ok(&command.to));
    let human = command.human;
    let draft = match command.what {
        What::Content { content, variables, template, when_closed } => {
            content::whole(&content);
            let _ = content.rendered(&variables);
            Draft::Content { id: None, content, variables, template, when_closed, human }
        }
        What::FreeForm(say) => {
            content::leaves(&say);
            Draft::FreeForm { say, human }
        }
        What::Template { .. } | What::ContentById { .. } => return,
    };
    // A message waits in the store in this form.
    let kept = serde_json::to_value(&draft).expect("a draft is written");
    let again: Draft = serde_json::from_value(kept.clone()).unwrap_or_else(|why| panic!("{why}: {kept}"));
    let again = serde_json::to_value(&again).expect("a draft is written");
    assert!(super::wire::same(&kept, &again), "{kept} became {again}");
}

/// `POST send/messages`.
pub(crate) fn session(data: &[u8]) {
    match probe::send_session(data) {
        Ok(command) => accepted(command),
        Err(problem) => refused(&problem),
    }
    if let Err(problem) = probe::mark_read(data) {
        refused(&problem);
    }
}

/// `POST send/whatsapp_templated_messages`.
pub(crate) fn templated(data: &[u8]) {
    match probe::send_template(data) {
        Ok(command) => accepted(command),
        Err(problem) => refused(&problem),
    }
}

/// `POST messages` and `POST verdicts`.
pub(crate) fn send(data: &[u8]) {
    match probe::send(data) {
        Ok(command) => accepted(command),
        Err(problem) => refused(&problem),
    }
}

/// `POST webhooks`, and a change to one.
pub(crate) fn webhooks(data: &[u8]) {
    match probe::create_webhook(data) {
        Ok(new) => drop(AddressRules::default().check(&new.address).map_err(|problem| refused(&problem))),
        Err(problem) => refused(&problem),
    }
    if let Err(problem) = probe::update_webhook(data) {
        refused(&problem);
    }
}

/// Sends, templates and customers' messages at the simulator.
pub(crate) fn graph(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(data) else { return };
    let _ = transom_simulator::probe::send(&json);
    let _ = transom_simulator::probe::create_template(&json);
    let _ = transom_simulator::probe::customer_writes(&json);
}
