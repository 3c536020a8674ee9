//! Stop and start words: what a customer writes or taps to be sent no more, or to be sent again.
//!
//! A message is such a word only as a whole, so that "please stop by tomorrow" stops nothing. Case, accents, punctuation and the
//! space around it do not count.

mod built_in;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::consent::{Choice, Scope};
use crate::content::Language;
use crate::fact::InboundBody;
use crate::field::FieldError;

pub use built_in::BUILT_IN;

/// Longest word, in characters: longer than any button's label, shorter than anything said in passing.
pub const WORD_MAX: usize = 64;
/// Most words of one list.
pub const WORDS_MAX: usize = 50;
/// Most languages that a business has words of its own in.
pub const LANGUAGES_MAX: usize = 40;

/// The words of one language. Those against hold for all there is, unless they are against marketing only; see [`Scope`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Words {
    /// No more messages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// No more marketing.
    #[serde(alias = "stop_marketing", skip_serializing_if = "Vec::is_empty")]
    pub stop_marketing: Vec<String>,
    /// Messages again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<String>,
    /// Marketing again, or for the first time.
    #[serde(alias = "start_marketing", skip_serializing_if = "Vec::is_empty")]
    pub start_marketing: Vec<String>,
}

impl Words {
    /// The lists by name, each with what its words mean.
    fn lists(&self) -> [(&'static str, &[String], Meaning); 4] {
        let meaning = |scope, choice| Meaning { scope, choice };
        [
            ("stop", &self.stop, meaning(Scope::Everything, Choice::OptedOut)),
            ("stopMarketing", &self.stop_marketing, meaning(Scope::Marketing, Choice::OptedOut)),
            ("start", &self.start, meaning(Scope::Everything, Choice::OptedIn)),
            ("startMarketing", &self.start_marketing, meaning(Scope::Marketing, Choice::OptedIn)),
        ]
    }
}

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// About what.
    pub scope: Scope,
    /// What.
    pub choice: Choice,
}

/// The words of one business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Keywords {
    /// Whether the built-in words count too, where the business gives them no other meaning.
    pub built_in: bool,
    /// Its own, by language. The language is for people: a word counts whatever language a customer speaks.
    pub languages: BTreeMap<String, Words>,
}

impl Default for Keywords {
    fn default() -> Self {
        Self { built_in: true, languages: BTreeMap::new() }
    }
}

/// The built-in words as they are compared.
static KNOWN: LazyLock<HashMap<String, Meaning>> = LazyLock::new(|| {
    let of = |words: &built_in::BuiltIn| words.words().lists().map(|(_, list, meaning)| (list.to_vec(), meaning));
    let all = BUILT_IN.iter().flat_map(of);
    all.flat_map(|(list, meaning)| list.into_iter().filter_map(move |word| Some((normal(&word)?, meaning)))).collect()
});

impl Keywords {
    /// What a text means as a whole; none for all that is no such word.
    #[must_use]
    pub fn meaning(&self, text: &str) -> Option<Meaning> {
        let said = normal(text)?;
        let own = self.languages.values().flat_map(Words::lists);
        for (_, list, meaning) in own {
            if list.iter().any(|word| normal(word).as_ref() == Some(&said)) {
                return Some(meaning);
            }
        }
        if self.built_in { KNOWN.get(&said).copied() } else { None }
    }

    /// What a message of a customer's means: a text as a whole, or a button by its payload or by its label. With the words that say
    /// it.
    #[must_use]
    pub fn heard<'a>(&self, body: &'a InboundBody) -> Option<(Meaning, &'a str)> {
        let texts: [Option<&str>; 2] = match body {
            InboundBody::Text { body, .. } => [Some(body), None],
            InboundBody::Button { payload, text, .. } => [Some(payload), Some(text)],
            InboundBody::ButtonReply { id, title, .. } => [Some(id), Some(title)],
            _ => [None, None],
        };
        texts.into_iter().flatten().find_map(|text| Some((self.meaning(text)?, text)))
    }

    /// Whether it can be taken over.
    ///
    /// # Errors
    /// Names every field that is wrong: a language that is none, too many or too long words, one word with two meanings.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut found = Vec::new();
        let mut note =
            |field: String, rule: String, remedy: &str| found.push(FieldError { field, rule, remedy: remedy.to_owned() });
        if self.languages.len() > LANGUAGES_MAX {
            note(
                "languages".to_owned(),
                format!("has more than {LANGUAGES_MAX} languages"),
                "keep those that your customers write in",
            );
        }
        let mut meanings: HashMap<String, Meaning> = HashMap::new();
        for (language, words) in self.languages.iter().take(LANGUAGES_MAX) {
            let shown: String = language.chars().take(20).collect();
            let at = format!("languages.{shown}");
            if Language::parse(language).is_err() {
                note(at.clone(), "is not a language".to_owned(), "use a code such as en or pt_BR");
            }
            for (name, list, meaning) in words.lists() {
                if list.len() > WORDS_MAX {
                    note(format!("{at}.{name}"), format!("has more than {WORDS_MAX} words"), "keep the ones that customers use");
                }
                for (i, word) in list.iter().take(WORDS_MAX).enumerate() {
                    let field = format!("{at}.{name}[{i}]");
                    match normal(word) {
                        None => note(
                            field,
                            format!("must have a letter or a digit, and at most {WORD_MAX} characters"),
                            "give the whole message that a customer would write",
                        ),
                        Some(word) => {
                            if *meanings.entry(word).or_insert(meaning) != meaning {
                                note(field, "is in another list too".to_owned(), "give each word one meaning");
                            }
                        }
                    }
                }
            }
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

/// A text as it is compared: lower case, without accents and marks, words apart by one space. None for what cannot be a word: nothing
/// but signs, or too long.
#[must_use]
pub fn normal(text: &str) -> Option<String> {
    let text = text.trim();
    // Four bytes are the most that a character has: what is longer is not looked through.
    if text.is_empty() || text.len() > WORD_MAX * 4 || text.chars().count() > WORD_MAX {
        return None;
    }
    let mut said = String::with_capacity(text.len());
    let mut apart = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        if is_mark(c) {
            continue;
        }
        if !c.is_alphanumeric() {
            apart = !said.is_empty();
            continue;
        }
        if std::mem::take(&mut apart) {
            said.push(' ');
        }
        match plain(c) {
            Some(letters) => said.push_str(letters),
            None => said.push(c),
        }
    }
    (!said.is_empty()).then_some(said)
}

/// Signs that stand on or in a word and make it no other one: combining accents, Arabic vowel signs and stretching, joiners and
/// apostrophes.
const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{200b}'..='\u{200f}' | '\u{fe0e}' | '\u{fe0f}' | '\u{2060}' | '\u{feff}' | '\'' | '’' | '‘' | '`' | '´')
}

/// A letter without its accent, for the scripts in which people leave it out. In lower case.
const fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' | 'ả' | 'ạ' | 'ấ' | 'ầ' | 'ẩ' | 'ẫ' | 'ậ' | 'ắ' | 'ằ' | 'ẳ' | 'ẵ'
        | 'ặ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẻ' | 'ẽ' | 'ẹ' | 'ế' | 'ề' | 'ể' | 'ễ' | 'ệ' => {
            "e"
        }
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ỉ' | 'ị' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | 'ỏ' | 'ọ' | 'ố' | 'ồ' | 'ổ' | 'ỗ' | 'ộ' | 'ớ' | 'ờ' | 'ở'
        | 'ỡ' | 'ợ' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ủ' | 'ụ' | 'ứ' | 'ừ' | 'ử' | 'ữ' | 'ự' => {
            "u"
        }
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | 'ỳ' | 'ỷ' | 'ỹ' | 'ỵ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'ё' => "е",
        'أ' | 'إ' | 'آ' | 'ٱ' => "ا",
        'ى' => "ي",
        'ة' => "ه",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OUT: Option<Meaning> = Some(Meaning { scope: Scope::Everything, choice: Choice::OptedOut });
    const IN: Option<Meaning> = Some(Meaning { scope: Scope::Everything, choice: Choice::OptedIn });
    const NO_MARKETING: Option<Meaning> = Some(Meaning { scope: Scope::Marketing, choice: Choice::OptedOut });

    #[test]
    fn words_count_in_any_dress_and_only_as_a_whole() {
        let words = Keywords::default();
        for text in [
            "STOP",
            " stop ",
            "Stop!",
            "«stop»",
            "stop.",
            "ARRÊT",
            "arret",
            "Arre\u{302}t",
            "BAJA",
            "parar",
            "СТОП",
            "退订",
            "إلغاء الاشتراك",
            "الغاء الإشتراك",
        ] {
            assert_eq!(words.meaning(text), OUT, "{text}");
        }
        for text in ["START", "Unstop", "Alta"] {
            assert_eq!(words.meaning(text), IN, "{text}");
        }
        assert_eq!(words.meaning("Stop promotions"), NO_MARKETING);
        for text in
            ["please stop by tomorrow", "don't stop", "stop it now", "", "   ", "🛑", "cancel", "yes", &"stop ".repeat(20)]
        {
            assert_eq!(words.meaning(text), None, "{text}");
        }
    }

    #[test]
    fn a_business_has_words_of_its_own_and_may_do_without_ours() {
        let own = Words { stop: vec!["Genug jetzt".into()], start: vec!["stop".into()], ..Words::default() };
        let mut words = Keywords { built_in: true, languages: BTreeMap::from([("de".to_owned(), own)]) };
        assert_eq!(words.check(), Ok(()));
        assert_eq!(words.meaning("GENUG, JETZT!"), OUT);
        // Its own meaning counts, and ours for the rest.
        assert_eq!(words.meaning("Stop"), IN);
        assert_eq!(words.meaning("Unsubscribe"), OUT);
        words.built_in = false;
        assert_eq!(words.meaning("Unsubscribe"), None);
    }

    #[test]
    fn buttons_count_by_payload_and_by_label() {
        let words = Keywords::default();
        let button = |payload: &str, text: &str| InboundBody::Button { payload: payload.into(), text: text.into() };
        assert_eq!(words.heard(&button("opt-7", "Stop promotions")), NO_MARKETING.map(|m| (m, "Stop promotions")));
        assert_eq!(words.heard(&button("STOP", "Not for me")), OUT.map(|m| (m, "STOP")));
        assert_eq!(words.heard(&button("yes", "Yes")), None);
    }

    #[test]
    fn what_cannot_be_taken_over_is_named() {
        let own = Words { stop: vec!["a".into(), "…".into(), "x".repeat(65)], start: vec!["Á".into()], ..Words::default() };
        let words = Keywords { built_in: true, languages: BTreeMap::from([("no language".to_owned(), own)]) };
        let fields: Vec<String> = words.check().unwrap_err().into_iter().map(|e| e.field).collect();
        let at = "languages.no language";
        assert_eq!(fields, [at.to_owned(), format!("{at}.stop[1]"), format!("{at}.stop[2]"), format!("{at}.start[0]")]);
    }

    #[test]
    fn the_built_in_words_have_one_meaning_each() {
        let all = BUILT_IN.iter().map(|b| (b.language.to_owned(), b.words())).collect();
        assert_eq!(Keywords { built_in: false, languages: all }.check(), Ok(()));
    }

    proptest! {
        #[test]
        fn what_is_normal_stays_so(text in "\\PC{0,80}") {
            if let Some(said) = normal(&text) {
                prop_assert!(said.len() <= WORD_MAX * 12);
                if let Some(again) = normal(&said) {
                    prop_assert_eq!(again, said);
                }
            }
        }
    }
}
