//! The webhooks about templates: WA webhooks/reference/message_template_status_update, message_template_quality_update,
//! message_template_components_update, template_category_update.

use serde_json::{Map, Value, json};

use super::Template;
use super::spec::{ButtonKind, Header};
use crate::world::{Now, World};

impl World {
    pub(super) fn tell_standing(&mut self, now: Now, id: u64, event: &str, reason: &Value, extra: &Value) {
        let Some(template) = self.templates.get(&id) else { return };
        let mut value = names(template, self.settings.webhook_language_dash);
        value.insert("event".into(), json!(event));
        value.insert("reason".into(), reason.clone());
        value.insert("message_template_category".into(), json!(template.category.as_str()));
        value.extend(extra.as_object().cloned().unwrap_or_default());
        let waba = template.waba;
        self.owe_account(now, waba, "message_template_status_update", &Value::Object(value));
    }

    pub(super) fn tell_quality(&mut self, now: Now, id: u64, before: &str, after: &str) {
        let Some(template) = self.templates.get(&id) else { return };
        let mut value = names(template, self.settings.webhook_language_dash);
        value.insert("previous_quality_score".into(), json!(before));
        value.insert("new_quality_score".into(), json!(after));
        let waba = template.waba;
        self.owe_account(now, waba, "message_template_quality_update", &Value::Object(value));
    }

    pub(super) fn tell_category(&mut self, now: Now, id: u64, categories: Value) {
        let Some(template) = self.templates.get(&id) else { return };
        let mut value = names(template, self.settings.webhook_language_dash);
        if let Value::Object(categories) = categories {
            value.extend(categories);
        }
        let waba = template.waba;
        self.owe_account(now, waba, "template_category_update", &Value::Object(value));
    }

    pub(super) fn tell_components(&mut self, now: Now, id: u64) {
        let Some(template) = self.templates.get(&id) else { return };
        let mut value = names(template, self.settings.webhook_language_dash);
        let spec = &template.spec;
        value.insert("message_template_element".into(), json!(spec.body.text));
        if let Some(Header::Text(text)) = &spec.header {
            value.insert("message_template_title".into(), json!(text.text));
        }
        if let Some(footer) = &spec.footer {
            value.insert("message_template_footer".into(), json!(footer));
        }
        let buttons: Vec<Value> = spec
            .buttons
            .iter()
            .filter_map(|button| {
                let (kind, key) = match button.kind {
                    ButtonKind::Url => ("URL", "message_template_button_url"),
                    ButtonKind::Phone => ("PHONE_NUMBER", "message_template_button_phone_number"),
                    _ => return None,
                };
                Some(json!({
                    "message_template_button_type": kind, "message_template_button_text": button.text, key: button.target.text,
                }))
            })
            .collect();
        if !buttons.is_empty() {
            value.insert("message_template_buttons".into(), json!(buttons));
        }
        let waba = template.waba;
        self.owe_account(now, waba, "message_template_components_update", &Value::Object(value));
    }
}

/// How webhooks name a template: the id is an integer here.
fn names(template: &Template, dash: bool) -> Map<String, Value> {
    let mut map = Map::new();
    let language = if dash { template.language.replace('_', "-") } else { template.language.clone() };
    map.insert("message_template_id".into(), json!(template.id));
    map.insert("message_template_name".into(), json!(template.name));
    map.insert("message_template_language".into(), json!(language));
    map
}
