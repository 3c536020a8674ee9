//! Whether what stands at Meta is what its author asked for: finer than what a send can tell.

use super::{ButtonDefinition, Definition, Handover};

impl ButtonDefinition {
    /// Whether no detail differs that both tell: which form a button opens, how a code gets into an app, how long a call can be made.
    /// What Meta leaves out, or settles by itself, makes no difference. Two of different kinds have no details in common.
    #[must_use]
    pub fn is_as_asked(&self, asked: &Self) -> bool {
        fn agree<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.is_none() || other.is_none() || one == other
        }
        match (self, asked) {
            (Self::Otp { otp_type, handover, .. }, Self::Otp { otp_type: asked_type, handover: asked_handover, .. }) => {
                fn apps(handover: Option<&Handover>) -> Option<&[super::App]> {
                    handover.map(|handover| handover.apps.as_slice()).filter(|apps| !apps.is_empty())
                }
                otp_type.eq_ignore_ascii_case(asked_type) && agree(apps(handover.as_ref()), apps(asked_handover.as_ref()))
            }
            (Self::Flow { flow_id, flow_action, .. }, Self::Flow { flow_id: asked_id, flow_action: asked_action, .. }) => {
                let action = |said: &Option<String>| said.as_deref().unwrap_or("navigate").to_ascii_lowercase();
                agree(flow_id.as_ref(), asked_id.as_ref()) && action(flow_action) == action(asked_action)
            }
            (Self::VoiceCall { ttl_minutes, .. }, Self::VoiceCall { ttl_minutes: asked_minutes, .. }) => {
                agree(ttl_minutes.as_ref(), asked_minutes.as_ref())
            }
            _ => true,
        }
    }
}

impl Definition {
    /// Whether a template of this definition says what was asked for: its canonical form is the same, and where one of the forms at
    /// Meta was asked for by its id, it opens that one in that way.
    #[must_use]
    pub fn says(&self, asked: &Self) -> bool {
        self.canonical() == asked.canonical() && self.opens(asked)
    }

    /// The second half of [`Definition::says`], for definitions whose canonical forms are known to be the same.
    #[must_use]
    pub fn opens(&self, asked: &Self) -> bool {
        self.buttons.iter().zip(&asked.buttons).all(|(one, other)| match (one, other) {
            (ButtonDefinition::Flow { flow_id, .. }, ButtonDefinition::Flow { flow_id: asked_id @ Some(_), .. }) => {
                flow_id == asked_id && one.is_as_asked(other)
            }
            _ => true,
        })
    }

    /// Whether it needs no edit to be what was asked for: the same to a send ([`Definition::is_same`]), and in the details of
    /// its buttons. Samples make no difference: they are for the reviewers.
    #[must_use]
    pub fn is_as_asked(&self, asked: &Self) -> bool {
        fn buttons(definition: &Definition) -> impl Iterator<Item = &ButtonDefinition> {
            definition.buttons.iter().chain(definition.cards.iter().flat_map(|card| &card.buttons))
        }
        self.is_same(asked) && buttons(self).zip(buttons(asked)).all(|(one, other)| one.is_as_asked(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(id: Option<&str>, action: Option<&str>) -> ButtonDefinition {
        ButtonDefinition::Flow {
            text: "Book".into(),
            flow_id: id.map(str::to_owned),
            flow_name: None,
            flow_json: None,
            flow_action: action.map(str::to_owned),
            navigate_screen: None,
        }
    }

    #[test]
    fn another_form_is_another_template_to_its_author() {
        let with = |button| Definition { buttons: vec![button], ..Definition::default() };
        let (one, other) = (with(flow(Some("1"), None)), with(flow(Some("2"), None)));
        assert!(one.is_same(&other));
        assert!(one.says(&one) && !one.says(&other));
        // Whoever asks for no form by its id made it with the template.
        assert!(one.says(&with(flow(None, None))) && !with(flow(None, None)).says(&one));
        assert!(!one.says(&with(flow(Some("1"), Some("data_exchange")))));
        assert!(!one.is_as_asked(&other));
        // A form made with the template comes back by id, and navigating is what Meta does by itself.
        assert!(one.is_as_asked(&with(flow(None, Some("navigate")))));
        assert!(!one.is_as_asked(&with(flow(None, Some("data_exchange")))));
        let call = |ttl_minutes| with(ButtonDefinition::VoiceCall { text: "Call".into(), ttl_minutes });
        assert!(call(Some(10)).is_as_asked(&call(None)));
        assert!(!call(Some(10)).is_as_asked(&call(Some(20))));
        let code = |otp_type: &str| with(ButtonDefinition::Otp { otp_type: otp_type.into(), text: None, handover: None });
        assert!(!code("COPY_CODE").is_as_asked(&code("ONE_TAP")));
        assert!(code("COPY_CODE").is_as_asked(&code("copy_code")));
    }
}
