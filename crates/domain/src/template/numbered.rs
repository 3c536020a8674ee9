//! A definition as Meta takes one whose variables are counted: each text numbered from 1, in order of first appearance.

use super::{BodyDefinition, ButtonDefinition, Definition, HeaderDefinition, ParameterFormat, TextDefinition};

impl TextDefinition {
    fn numbered(self) -> Self {
        // Samples stand in order of first appearance already.
        Self { samples: self.samples.clone(), ..self.canonical() }
    }
}

fn button(button: ButtonDefinition) -> ButtonDefinition {
    match button {
        ButtonDefinition::Url { text, url, sample } => {
            ButtonDefinition::Url { text, url: TextDefinition::new(url, Vec::new()).numbered().text, sample }
        }
        other => other,
    }
}

impl Definition {
    /// The same template with counted variables, whatever its author called them: names go, samples stay.
    #[must_use]
    pub fn numbered(self) -> Self {
        let header = self.header.map(|header| match header {
            HeaderDefinition::Text(text) => HeaderDefinition::Text(text.numbered()),
            other => other,
        });
        let body = match self.body {
            BodyDefinition::Own(text) => BodyDefinition::Own(text.numbered()),
            authentication @ BodyDefinition::Authentication { .. } => authentication,
        };
        let buttons = self.buttons.into_iter().map(button).collect();
        let cards = self.cards.into_iter().map(|mut card| {
            card.body = card.body.map(TextDefinition::numbered);
            card.buttons = card.buttons.into_iter().map(button).collect();
            card
        });
        Self { format: ParameterFormat::Positional, header, body, buttons, cards: cards.collect(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_numbers_with_their_samples() {
        let text = TextDefinition::new("Hi {{ name }}, {{7}} of {{name}}.", vec!["Ana".into(), "A-17".into()]);
        let url =
            ButtonDefinition::Url { text: "Go".into(), url: "https://a.example/{{order}}".into(), sample: Some("x".into()) };
        let definition = Definition {
            header: Some(HeaderDefinition::Text(TextDefinition::new("Order {{order}}", vec!["A-17".into()]))),
            body: BodyDefinition::Own(text),
            buttons: vec![url],
            ..Definition::default()
        };
        let numbered = definition.clone().numbered();
        let body = TextDefinition::new("Hi {{1}}, {{2}} of {{1}}.", vec!["Ana".into(), "A-17".into()]);
        assert_eq!(numbered.body, BodyDefinition::Own(body));
        assert_eq!(numbered.header, Some(HeaderDefinition::Text(TextDefinition::new("Order {{1}}", vec!["A-17".into()]))));
        assert!(matches!(&numbered.buttons[0], ButtonDefinition::Url { url, sample: Some(_), .. } if url.ends_with("/{{1}}")));
        assert_eq!(numbered.canonical(), definition.canonical());
        assert_eq!(numbered.clone().numbered(), numbered);
    }
}
