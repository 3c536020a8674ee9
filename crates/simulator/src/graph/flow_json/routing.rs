//! Where the screens of a form lead: routes, ends, and what is handed on from one to the next.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Faults;
use super::screens::{Action, Screen};

/// Ways out of a screen at most: FB whatsapp/flows/reference/error-codes.
const BRANCHES_MAX: usize = 10;

type Routes<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

pub(super) fn check(root: &Map<String, Value>, screens: &[Screen], faults: &mut Faults) {
    let has_endpoint = root.contains_key("data_api_version") || root.contains_key("data_channel_uri");
    for screen in screens {
        for action in &screen.actions {
            one(action, screen, screens, has_endpoint, faults);
        }
    }
    if !faults.all.is_empty() {
        return;
    }
    let mut walked = Routes::new();
    for screen in screens {
        let onward = screen.actions.iter().filter(|action| action.name == "navigate").filter_map(|a| a.next.as_deref());
        walked.insert(&screen.id, onward.collect());
    }
    match root.get("routing_model") {
        Some(model) => given(model, screens, &walked, faults),
        None if has_endpoint => {
            let message = "The property 'routing_model' is required for property 'data_api_version'.";
            faults.note("MISSING_REQUIRED_PROPERTY", "routing_model", message);
        }
        None => connected(screens, &walked, "screens", faults),
    }
}

fn one(action: &Action, screen: &Screen, screens: &[Screen], has_endpoint: bool, faults: &mut Faults) {
    match action.name.as_str() {
        "complete" if !screen.is_terminal => {
            let message = "On-click-action 'complete' can only be configured on a terminal screen.";
            faults.note("INVALID_COMPLETE_ACTION", &action.path, message);
        }
        "data_exchange" if !has_endpoint => {
            let message = "The property 'data_api_version' is required for data_exchange action.";
            faults.note("MISSING_REQUIRED_PROPERTY", &action.path, message);
        }
        "navigate" => navigate(action, screen, screens, faults),
        _ => {}
    }
    for (key, value) in &action.payload {
        bound(value, &format!("{}.payload.{key}", action.path), screen, screens, faults);
    }
}

fn navigate(action: &Action, screen: &Screen, screens: &[Screen], faults: &mut Faults) {
    let Some(next) = &action.next else { return };
    let path = format!("{}.next.name", action.path);
    if *next == screen.id {
        let message = format!("Same screen navigation is not allowed. Loop detected at [{next}].");
        return faults.note("INVALID_NAVIGATE_ACTION_NEXT_SCREEN_NAME", path, message);
    }
    let Some(target) = screens.iter().find(|other| other.id == *next) else {
        return faults.note("INVALID_NAVIGATE_ACTION_NEXT_SCREEN_NAME", path, format!("Unknown screen ids found: [{next}]."));
    };
    let path = format!("{}.payload", action.path);
    let Some(model) = &target.data else {
        if !action.payload.is_empty() {
            let message = format!("No data model is defined in the next screen '{next}'.");
            faults.note("INVALID_NAVIGATE_ACTION_PAYLOAD", path, message);
        }
        return;
    };
    let missing: Vec<&str> = action.payload.keys().filter(|key| !model.contains(key)).map(String::as_str).collect();
    if !missing.is_empty() {
        let message = format!("Following fields are missing in the next screen's data model: [{}].", missing.join(", "));
        faults.note("INVALID_NAVIGATE_ACTION_PAYLOAD", &path, message);
    }
    let expected: Vec<&str> = model.iter().filter(|key| !action.payload.contains_key(*key)).map(String::as_str).collect();
    if !expected.is_empty() {
        let message = format!(
            "Following fields are expected in the next screen's data model but missing in payload: [{}].",
            expected.join(", ")
        );
        faults.note("INVALID_NAVIGATE_ACTION_PAYLOAD", path, message);
    }
}

/// `${form.name}`, `${data.name}` and `${screen.ID.form.name}` must name something that is there.
fn bound(value: &Value, path: &str, screen: &Screen, screens: &[Screen], faults: &mut Faults) {
    let Some(expression) = value.as_str().and_then(|text| text.strip_prefix("${")).and_then(|text| text.strip_suffix('}')) else {
        return;
    };
    let steps: Vec<&str> = expression.split('.').collect();
    let (owner, rest) = match steps.as_slice() {
        ["screen", id, rest @ ..] => (screens.iter().find(|other| other.id == *id), rest),
        rest => (Some(screen), rest),
    };
    let is_there = match (owner, rest) {
        (Some(owner), ["form", name, ..]) => owner.inputs.iter().any(|known| known == name),
        (Some(owner), ["data", name, ..]) => owner.data.iter().flatten().any(|known| known == name),
        _ => false,
    };
    if !is_there {
        let what = if expression.contains("data.") { "dynamic data" } else { "Form component" };
        let message = format!("Missing {what} '${{{expression}}}' for screen '{}'.", screen.id);
        faults.note("INVALID_ON_CLICK_ACTION_PAYLOAD", path, message);
    }
}

/// The routes that a form with an endpoint writes down.
fn given(model: &Value, screens: &[Screen], walked: &Routes<'_>, faults: &mut Faults) {
    let note = |faults: &mut Faults, message: String| faults.note("INVALID_ROUTING_MODEL", "routing_model", message);
    let Some(map) = model.as_object() else { return faults.wrong_type("routing_model", "object", model) };
    let known: BTreeSet<&str> = screens.iter().map(|screen| screen.id.as_str()).collect();
    let mut routes = Routes::new();
    for (from, to) in map {
        let Some(list) = to.as_array() else { return faults.wrong_type(&format!("routing_model.{from}"), "array", to) };
        routes.insert(from, list.iter().filter_map(Value::as_str).collect());
    }
    let strangers: Vec<&str> = routes.keys().copied().filter(|id| !known.contains(id)).collect();
    if !strangers.is_empty() {
        note(faults, format!("Invalid screens found in the routing model: [{}].", strangers.join(", ")));
    }
    let missing: Vec<&str> = known.iter().copied().filter(|id| !routes.contains_key(id)).collect();
    if !missing.is_empty() {
        note(faults, format!("Following screens are missing in the routing model: [{}].", missing.join(", ")));
    }
    for (from, to) in &routes {
        for target in to {
            if !known.contains(target) {
                note(faults, format!("Invalid screen found in the routing model: {target}."));
            } else if routes.get(target).is_some_and(|back| back.contains(from)) && from < target {
                note(
                    faults,
                    format!(
                        "Backward route [{target}->{from}] corresponding to forward route [{from}->{target}] is not allowed in \
                         the routing model. Only forward routes can be specified."
                    ),
                );
            }
        }
    }
    for (from, to) in walked {
        for target in to.iter().filter(|target| routes.get(from).is_some_and(|known| !known.contains(*target))) {
            note(
                faults,
                format!(
                    "Missing direct route from screen '{from}' to screen '{target}' in the routing model, while it exists in the \
                     navigate screen action of screen '{from}'."
                ),
            );
        }
    }
    if faults.all.is_empty() {
        connected(screens, &routes, "routing_model", faults);
    }
}

/// One way in, no circles, nothing left over.
fn connected(screens: &[Screen], routes: &Routes<'_>, path: &str, faults: &mut Faults) {
    let mut note = |message: String| faults.note("INVALID_ROUTING_MODEL", path, message);
    for (from, to) in routes {
        if to.len() > BRANCHES_MAX {
            note(format!("Number of branches exceeds the max limit of {BRANCHES_MAX} for screen: {from}."));
        }
    }
    let entered: BTreeSet<&str> = routes.values().flatten().copied().collect();
    let Some(entry) = screens.iter().find(|screen| !entered.contains(screen.id.as_str())) else {
        let message = "No entry screen found in the routing model. Expected a screen with no inbound edges as the entry screen.";
        return note(message.to_owned());
    };
    if let Some(circle) = circle(routes) {
        note(format!("Loop detected in the routing model for screens: [{circle}]."));
    }
    // Connected in either direction: a second way in is a way in all the same.
    let mut seen = BTreeSet::from([entry.id.as_str()]);
    loop {
        let more: Vec<&str> = routes
            .iter()
            .flat_map(|(from, to)| to.iter().map(move |target| (*from, *target)))
            .filter_map(|(from, target)| match (seen.contains(from), seen.contains(target)) {
                (true, false) => Some(target),
                (false, true) => Some(from),
                _ => None,
            })
            .collect();
        if more.is_empty() {
            break;
        }
        seen.extend(more);
    }
    let apart: Vec<&str> = screens.iter().map(|screen| screen.id.as_str()).filter(|id| !seen.contains(id)).collect();
    if !apart.is_empty() {
        note(format!(
            "Following screens are not connected with the rest of the screens: [{}]. All screens should be connected.",
            apart.join(", ")
        ));
    }
}

/// A screen that leads back to itself: what is left when screens without a way out are taken away again and again.
fn circle(routes: &Routes<'_>) -> Option<String> {
    let mut left = routes.clone();
    loop {
        let ends: Vec<&str> =
            left.iter().filter(|(_, to)| to.iter().all(|target| !left.contains_key(target))).map(|(from, _)| *from).collect();
        if ends.is_empty() {
            break;
        }
        ends.iter().for_each(|end| {
            left.remove(end);
        });
    }
    (!left.is_empty()).then(|| left.keys().copied().collect::<Vec<_>>().join(", "))
}
