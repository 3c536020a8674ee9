//! Whether a template is likely to be filed under another category or language than it was submitted with.
//!
//! Meta's reviewers judge the whole text; here a few words that stand for a purpose are looked for. So these are warnings.

use super::buttons::{Kind, kinds};
use super::finding::{Notes, Rule};
use super::words::Script;
use super::{Case, languages};
use crate::content::{Language, Piece, pieces};
use crate::template::{BodyDefinition, ButtonDefinition, Category, FooterDefinition, HeaderDefinition};

/// Words that stand for a purpose, by tongue; lower case.
type Words = [(&'static str, &'static [&'static str])];

/// Words that promote (templates/template-categorization: offers, announcements, calls to buy).
const PROMOTING: &Words = &[
    (
        "en",
        &[
            "% off",
            "sale",
            "discount",
            "discounts",
            "promo",
            "promo code",
            "promotion",
            "special offer",
            "exclusive offer",
            "limited time",
            "limited-time",
            "coupon",
            "voucher",
            "buy now",
            "shop now",
            "order now",
            "best deal",
            "deals",
            "black friday",
            "cyber monday",
            "free gift",
            "don't miss",
            "new arrivals",
            "new collection",
            "cashback",
            "save up to",
            "giveaway",
            "flash sale",
            "best price",
        ],
    ),
    (
        "de",
        &[
            "rabatt",
            "rabatte",
            "sonderangebot",
            "angebote",
            "gutschein",
            "jetzt kaufen",
            "jetzt bestellen",
            "nur heute",
            "schnäppchen",
            "ausverkauf",
            "neue kollektion",
            "gewinnspiel",
            "aktionspreis",
        ],
    ),
    (
        "es",
        &[
            "descuento",
            "descuentos",
            "oferta",
            "ofertas",
            "promoción",
            "promociones",
            "rebajas",
            "cupón",
            "compra ahora",
            "aprovecha",
            "sorteo",
        ],
    ),
    (
        "pt",
        &[
            "desconto",
            "descontos",
            "oferta",
            "ofertas",
            "promoção",
            "promoções",
            "cupom",
            "compre agora",
            "aproveite",
            "liquidação",
            "sorteio",
        ],
    ),
    (
        "fr",
        &[
            "réduction",
            "remise",
            "soldes",
            "promotion",
            "promotions",
            "offre spéciale",
            "offre exclusive",
            "code promo",
            "achetez maintenant",
            "profitez",
            "bon d'achat",
        ],
    ),
    (
        "it",
        &[
            "sconto",
            "sconti",
            "offerta speciale",
            "offerte",
            "promozione",
            "promozioni",
            "saldi",
            "codice sconto",
            "acquista ora",
            "approfitta",
        ],
    ),
    ("nl", &["korting", "aanbieding", "aanbiedingen", "uitverkoop", "kortingscode", "koop nu"]),
    ("id", &["diskon", "promo", "beli sekarang", "gratis ongkir", "voucher"]),
    ("tr", &["indirim", "kampanya", "fırsat", "hemen al"]),
    ("ru", &["скидка", "скидки", "скидку", "акция", "распродажа", "промокод", "купон"]),
];

/// Words for one-time codes.
const CODES: &Words = &[
    (
        "en",
        &[
            "verification code",
            "one-time password",
            "one time password",
            "one-time code",
            "otp",
            "login code",
            "sign-in code",
            "passcode",
        ],
    ),
    ("de", &["bestätigungscode", "verifizierungscode", "einmalpasswort", "einmalcode"]),
    ("es", &["código de verificación", "contraseña de un solo uso"]),
    ("pt", &["código de verificação", "senha de uso único"]),
    ("fr", &["code de vérification", "mot de passe à usage unique"]),
    ("it", &["codice di verifica", "codice otp"]),
    ("nl", &["verificatiecode"]),
    ("id", &["kode verifikasi", "kode otp"]),
    ("tr", &["doğrulama kodu"]),
    ("ru", &["код подтверждения"]),
];

/// Letters below which nothing is said about a text's script.
const LETTERS_MIN: usize = 6;

/// Looks at the purpose of a template that is no authentication.
pub(super) fn purpose(case: Case<'_>, language: &Language, notes: &mut Notes) {
    let tongue = language.as_str().split('_').next().unwrap_or_default();
    let BodyDefinition::Own(body) = &case.definition.body else { return };
    let has_variable = !body.names().is_empty();
    let code = texts(case).find_map(|(field, text)| Some((field, first_of(CODES, tongue, text)?)));
    if let Some((field, word)) = code.filter(|_| has_variable) {
        notes.note(
            Rule::LikelyAuthentication,
            field,
            format!("\"{word}\" reads like a one-time code, and the category is {}.", case.category.as_str()),
            "Make it an authentication template; if it carries no code, choose other words.",
        );
    }
    if case.category != Category::Utility {
        return;
    }
    if let Some((field, word)) = texts(case).find_map(|(field, text)| Some((field, first_of(PROMOTING, tongue, text)?))) {
        notes.note(
            Rule::LikelyMarketing,
            field,
            format!("\"{word}\" reads like an offer, and the category is UTILITY."),
            "Leave out what promotes, or set the category to MARKETING, which is what Meta will charge.",
        );
    } else if let Some(kind) = kinds(&case.definition.buttons).into_iter().find(|kind| sells(*kind)) {
        notes.note(
            Rule::LikelyMarketing,
            "buttons",
            format!("{} buttons are for marketing, and the category is UTILITY.", kind.as_str()),
            "Set the category to MARKETING, or leave the button out.",
        );
    }
}

const fn sells(kind: Kind) -> bool {
    matches!(kind, Kind::CopyCode | Kind::Catalog | Kind::MultiProduct | Kind::SingleProduct)
}

/// Looks at the script of a template's texts.
pub(super) fn script(case: Case<'_>, language: &Language, notes: &mut Notes) {
    let Some(wanted) = languages::script(language.as_str()) else { return };
    let (mut letters, mut wanted_ones) = (0usize, 0usize);
    for (_, text) in texts(case) {
        for piece in pieces(text) {
            let Piece::Plain(plain) = piece else { continue };
            for script in plain.chars().filter_map(Script::of) {
                letters += 1;
                wanted_ones += usize::from(script == wanted);
            }
        }
    }
    if letters >= LETTERS_MIN && wanted_ones == 0 {
        notes.note(
            Rule::LanguageMismatch,
            "language",
            format!("No letter of the text is in the script of the language {language}."),
            "Set the language that the text is in, or write the text in this language.",
        );
    }
}

/// The texts that the author wrote, with their fields.
fn texts(case: Case<'_>) -> impl Iterator<Item = (String, &str)> {
    let definition = case.definition;
    let header = match &definition.header {
        Some(HeaderDefinition::Text(text)) => Some(("header.text".to_owned(), text.text.as_str())),
        _ => None,
    };
    let body = match &definition.body {
        BodyDefinition::Own(text) => Some(("body.text".to_owned(), text.text.as_str())),
        BodyDefinition::Authentication { .. } => None,
    };
    let footer = match &definition.footer {
        Some(FooterDefinition::Text { text }) => Some(("footer.text".to_owned(), text.as_str())),
        _ => None,
    };
    let cards = definition.cards.iter().take(super::LOOKED_AT).enumerate();
    let cards = cards.filter_map(|(i, card)| Some((format!("cards[{i}].body.text"), card.body.as_ref()?.text.as_str())));
    let labels = definition.buttons.iter().take(super::LOOKED_AT).enumerate().filter_map(|(i, button)| match button {
        ButtonDefinition::QuickReply { text }
        | ButtonDefinition::Url { text, .. }
        | ButtonDefinition::PhoneNumber { text, .. }
        | ButtonDefinition::Flow { text, .. }
        | ButtonDefinition::VoiceCall { text, .. } => Some((format!("buttons[{i}].text"), text.as_str())),
        _ => None,
    });
    header.into_iter().chain(body).chain(footer).chain(labels).chain(cards)
}

/// The first of the tongue's words that a text has, as whole words.
fn first_of(words: &Words, tongue: &str, text: &str) -> Option<&'static str> {
    let (_, words) = words.iter().find(|(known, _)| *known == tongue)?;
    let text = text.to_lowercase().replace('\u{2019}', "'");
    words.iter().find(|word| has_word(&text, word)).copied()
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        let parted = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        // What begins with a sign, such as a percent sign, needs nothing before it.
        (parted(before) || !word.starts_with(char::is_alphanumeric)) && parted(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_and_in_their_tongue() {
        assert_eq!(first_of(PROMOTING, "en", "Get 20% off today"), Some("% off"));
        assert_eq!(first_of(PROMOTING, "en", "Your wholesale order"), None);
        assert_eq!(first_of(PROMOTING, "es", "Su vuelo sale a las {{1}} horas"), None);
        assert_eq!(first_of(PROMOTING, "de", "Ihr RABATT: heute"), Some("rabatt"));
        assert_eq!(first_of(PROMOTING, "en", "Don\u{2019}t miss this"), Some("don't miss"));
        assert_eq!(first_of(CODES, "en", "Your OTP is {{1}}."), Some("otp"));
        assert_eq!(first_of(CODES, "xx", "Your OTP is {{1}}."), None);
    }
}
