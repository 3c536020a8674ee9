//! The languages a template can be in, and the script that each is written in.

use super::words::Script;

/// Meta's list (templates/supported-languages, November 2025).
pub const SUPPORTED: [&str; 111] = [
    "af", "sq", "ar", "ar_EG", "ar_AE", "ar_LB", "ar_MA", "ar_QA", "az", "be_BY", "bn", "bn_IN", "bg", "ca", "zh_CN", "zh_HK",
    "zh_TW", "hr", "cs", "da", "prs_AF", "nl", "nl_BE", "en", "en_GB", "en_US", "en_AE", "en_AU", "en_CA", "en_GH", "en_IE",
    "en_IN", "en_JM", "en_MY", "en_NZ", "en_QA", "en_SG", "en_UG", "en_ZA", "et", "fil", "fi", "fr", "fr_BE", "fr_CA", "fr_CH",
    "fr_CI", "fr_MA", "ka", "de", "de_AT", "de_CH", "el", "gu", "ha", "he", "hi", "hu", "id", "ga", "it", "ja", "kn", "kk",
    "rw_RW", "ko", "ky_KG", "lo", "lv", "lt", "mk", "ms", "ml", "mr", "nb", "ps_AF", "fa", "pl", "pt_BR", "pt_PT", "pa", "ro",
    "ru", "sr", "si_LK", "sk", "sl", "es", "es_AR", "es_CL", "es_CO", "es_CR", "es_DO", "es_EC", "es_HN", "es_MX", "es_PA",
    "es_PE", "es_ES", "es_UY", "sw", "sv", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi", "zu",
];

/// Whether Meta has templates in this language.
#[must_use]
pub fn is_supported(code: &str) -> bool {
    SUPPORTED.contains(&code)
}

/// The supported code that was probably meant: the same tongue without its region, or with one.
#[must_use]
pub(super) fn nearest(code: &str) -> Option<&'static str> {
    let tongue = tongue(code);
    // Words people use for a tongue that Meta files under another code.
    let tongue = match tongue {
        "iw" => "he",
        "in" => "id",
        "no" | "nn" => "nb",
        "tl" => "fil",
        "jp" => "ja",
        "cn" => "zh",
        "gr" => "el",
        "cz" => "cs",
        "dk" => "da",
        "se" => "sv",
        other => other,
    };
    let same = |known: &&&str| **known == tongue || known.split('_').next() == Some(tongue);
    SUPPORTED.iter().find(same).copied()
}

fn tongue(code: &str) -> &str {
    code.split('_').next().unwrap_or(code)
}

/// The script that texts of this language are written in; none where more than one is used (Serbian, Uzbek, Kazakh, Azerbaijani).
#[must_use]
pub(super) fn script(code: &str) -> Option<Script> {
    Some(match tongue(code) {
        "ar" | "fa" | "ur" | "ps" | "prs" => Script::Arabic,
        "ru" | "uk" | "bg" | "mk" | "be" | "ky" => Script::Cyrillic,
        "el" => Script::Greek,
        "he" => Script::Hebrew,
        "hi" | "mr" => Script::Devanagari,
        "bn" => Script::Bengali,
        "gu" => Script::Gujarati,
        "pa" => Script::Gurmukhi,
        "ta" => Script::Tamil,
        "te" => Script::Telugu,
        "kn" => Script::Kannada,
        "ml" => Script::Malayalam,
        "si" => Script::Sinhala,
        "th" => Script::Thai,
        "lo" => Script::Lao,
        "ka" => Script::Georgian,
        "ko" => Script::Hangul,
        "zh" | "ja" => Script::Han,
        "sr" | "uz" | "kk" | "az" => return None,
        _ => Script::Latin,
    })
}
