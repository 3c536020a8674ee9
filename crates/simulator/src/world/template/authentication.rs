//! Authentication templates (WA templates/authentication-templates): Meta writes the text, and reads the code button back as
//! a URL button.

use serde_json::{Value, json};

use super::rules;
use crate::graph::error::GraphError;
use crate::graph::read::Fields;

type Read<T> = Result<T, GraphError>;

/// One language of the fixed texts.
struct Wording {
    language: &'static str,
    body: &'static str,
    advice: &'static str,
    expiry: &'static str,
    copy: &'static str,
    autofill: &'static str,
}

/// The languages this simulator can write them in; the others get the English text.
const WORDINGS: &[Wording] = &[
    Wording {
        language: "en",
        body: "*{{1}}* is your verification code.",
        advice: "For your security, do not share this code.",
        expiry: "This code expires in {} minutes.",
        copy: "Copy code",
        autofill: "Autofill",
    },
    Wording {
        language: "de",
        body: "*{{1}}* ist dein Verifizierungscode.",
        advice: "Teile diesen Code aus Sicherheitsgründen mit niemandem.",
        expiry: "Dieser Code läuft in {} Minuten ab.",
        copy: "Code kopieren",
        autofill: "Automatisch ausfüllen",
    },
    Wording {
        language: "es",
        body: "Tu código de verificación es *{{1}}*.",
        advice: "Por tu seguridad, no lo compartas.",
        expiry: "Este código caduca en {} minutos.",
        copy: "Copiar código",
        autofill: "Autocompletar",
    },
    Wording {
        language: "fr",
        body: "*{{1}}* est votre code de vérification.",
        advice: "Pour votre sécurité, ne le partagez pas.",
        expiry: "Ce code expire dans {} minutes.",
        copy: "Copier le code",
        autofill: "Remplir automatiquement",
    },
    Wording {
        language: "pt",
        body: "Seu código de verificação é *{{1}}*.",
        advice: "Para sua segurança, não o compartilhe.",
        expiry: "Este código expira em {} minutos.",
        copy: "Copiar código",
        autofill: "Preencher",
    },
    Wording {
        language: "it",
        body: "*{{1}}* è il tuo codice di verifica.",
        advice: "Per la tua sicurezza, non condividerlo.",
        expiry: "Questo codice scade tra {} minuti.",
        copy: "Copia codice",
        autofill: "Compilazione automatica",
    },
];

fn wording(language: &str) -> &'static Wording {
    const ENGLISH: &Wording = &Wording {
        language: "en",
        body: "*{{1}}* is your verification code.",
        advice: "For your security, do not share this code.",
        expiry: "This code expires in {} minutes.",
        copy: "Copy code",
        autofill: "Autofill",
    };
    let root = language.split('_').next().unwrap_or(language);
    WORDINGS.iter().find(|wording| wording.language == root).unwrap_or(ENGLISH)
}

/// Checks the components of an authentication template and writes them as they will be read back.
pub(crate) fn read(components: &[Fields<'_>], language: &str) -> Read<Vec<Value>> {
    let words = wording(language);
    let mut body = None;
    let mut footer = None;
    let mut button = None;
    for component in components {
        match component.one_of("type", &["BODY", "FOOTER", "BUTTONS"])? {
            "BODY" => {
                component.only(&["type", "add_security_recommendation"])?;
                let advised = component.flag_opt("add_security_recommendation")?.unwrap_or(false);
                let text = if advised { format!("{} {}", words.body, words.advice) } else { words.body.to_owned() };
                body = Some(json!({
                    "type": "BODY", "text": text, "add_security_recommendation": advised,
                    "example": { "body_text": [["123456"]] },
                }));
            }
            "FOOTER" => {
                component.only(&["type", "code_expiration_minutes"])?;
                let minutes = component.int_opt("code_expiration_minutes")?;
                let minutes = minutes.ok_or_else(|| GraphError::missing(&component.name("code_expiration_minutes")))?;
                if !rules::CODE_MINUTES.contains(&minutes) {
                    return Err(component.wrong("code_expiration_minutes", "must be between 1 and 90."));
                }
                footer = Some(json!({
                    "type": "FOOTER", "text": words.expiry.replace("{}", &minutes.to_string()),
                    "code_expiration_minutes": minutes,
                }));
            }
            _ => button = Some(code_button(component, words)?),
        }
    }
    let body = body.ok_or_else(|| GraphError::missing("components of type BODY"))?;
    let button = button.ok_or_else(|| GraphError::missing("components of type BUTTONS with an OTP button"))?;
    Ok([Some(body), footer, Some(button)].into_iter().flatten().collect())
}

fn code_button(component: &Fields<'_>, words: &Wording) -> Read<Value> {
    component.only(&["type", "buttons"])?;
    let buttons = component.objects("buttons", 1..=1)?;
    let Some(button) = buttons.first() else { return Err(GraphError::missing(&component.name("buttons"))) };
    button.only(&[
        "type",
        "otp_type",
        "text",
        "autofill_text",
        "supported_apps",
        "package_name",
        "signature_hash",
        "zero_tap_terms_accepted",
    ])?;
    button.one_of("type", &["OTP"])?;
    let otp = button.one_of("otp_type", &["COPY_CODE", "ONE_TAP", "ZERO_TAP"])?;
    let text = button.text_opt("text", rules::BUTTON_TEXT_MAX)?.unwrap_or(words.copy);
    button.text_opt("autofill_text", rules::BUTTON_TEXT_MAX)?;
    if otp != "COPY_CODE" {
        if button.has("supported_apps") {
            for app in button.objects("supported_apps", rules::APPS)? {
                app.only(&["package_name", "signature_hash"])?;
                signed_app(&app)?;
            }
        } else {
            signed_app(button)?;
        }
    }
    if otp == "ZERO_TAP" && button.flag_opt("zero_tap_terms_accepted")? != Some(true) {
        return Err(button.wrong("zero_tap_terms_accepted", "must be true for a zero-tap button."));
    }
    let url = format!("https://www.whatsapp.com/otp/code/?otp_type={otp}&code=otp{{{{1}}}}");
    Ok(json!({ "type": "BUTTONS", "buttons": [{
        "type": "URL", "text": text, "url": url,
        "example": [format!("https://www.whatsapp.com/otp/code/?otp_type={otp}&code=otp123456")],
    }]}))
}

/// An app that may take the code: its package, and the hash it is signed with
/// (WA templates/authentication-templates/autofill-button-authentication-templates).
fn signed_app(app: &Fields<'_>) -> Read<()> {
    let package = app.text("package_name", 224)?;
    let segments: Vec<&str> = package.split('.').collect();
    let is_segment = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if segments.len() < 2 || !segments.iter().all(is_segment) {
        return Err(app.wrong("package_name", "must be the name of a package, such as com.example.app."));
    }
    if app.text("signature_hash", rules::HASH_LENGTH)?.chars().count() != rules::HASH_LENGTH {
        return Err(app.wrong("signature_hash", "must be exactly 11 characters long."));
    }
    Ok(())
}

/// One language of `message_template_previews`.
pub(crate) fn preview(language: &str, advised: bool, minutes: Option<i64>) -> Value {
    let words = wording(language);
    let body = if advised { format!("{} {}", words.body, words.advice) } else { words.body.to_owned() };
    let mut shown = json!({
        "body": body, "language": language, "buttons": [{ "text": words.copy, "autofill_text": words.autofill }],
    });
    if let (Some(minutes), Some(map)) = (minutes, shown.as_object_mut()) {
        map.insert("footer".into(), json!(words.expiry.replace("{}", &minutes.to_string())));
    }
    shown
}
