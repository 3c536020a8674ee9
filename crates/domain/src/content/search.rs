//! Looking for content: words that stand in one of its texts, in that order, whatever their case.

use super::Content;

/// Most words of one search; each is looked for in every text.
pub const WORDS_MAX: usize = 30;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle(Vec<String>);

impl Needle {
    /// The words of a text; none where it has none, or more than [`WORDS_MAX`].
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        (!words.is_empty() && words.len() <= WORDS_MAX).then_some(Self(words))
    }

    /// Whether the words stand in this text, one after the other; each may be part of a longer one.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let mut rest = text.as_str();
        self.0.iter().all(|word| match rest.split_once(word.as_str()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    }

    /// Whether the words stand in the name or in one text of the content.
    #[must_use]
    pub fn finds(&self, friendly_name: &str, content: &Content) -> bool {
        self.is_in(friendly_name) || content.types.values().any(|body| body.texts().into_iter().any(|text| self.is_in(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_found_in_order_and_in_one_text() {
        let content = Content::read(
            &json!({ "language": "de", "types": {
                "twilio/quick-reply": { "body": "Grüße, {{1}}! Ihr Paket ist da.", "actions": [{ "title": "Danke" }] },
                "twilio/text": { "body": "Hallo" },
            } }),
            "",
        )
        .unwrap();
        let finds = |text: &str| Needle::of(text).unwrap().finds("Parcel here", &content);
        for there in ["PAKET", "ihr paket", "grüsse".replace("ss", "ß").as_str(), "danke", "par here", "hallo"] {
            assert!(finds(there), "{there}");
        }
        for not in ["paket ihr", "hallo danke", "parcels", "xyz"] {
            assert!(!finds(not), "{not}");
        }
        assert_eq!(Needle::of(" \n"), None);
        assert_eq!(Needle::of(&"a ".repeat(WORDS_MAX + 1)), None);
    }
}
