//! Forms and queries as the SDKs send them: repeated keys, empty values that are not the same as none, keys that nobody knows.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use transom_store::IdempotencyKey;

use crate::http::App;
use crate::http::call::{IDEMPOTENCY_KEY, idempotency_key, keyed, with_body};

use super::codes::Code;
use super::refusal::Refusal;

/// Most parameters of one request; the SDKs know fewer than forty.
const PARAMETERS_MAX: usize = 1_000;
/// Headers that name a request, so that its repetition is known: the one of the native dialect, and the one that Twilio names its own
/// repeated requests with. No SDK sends either by itself; an HTTP client of one's own can.
const KEYS: [&str; 2] = [IDEMPOTENCY_KEY, "I-Twilio-Idempotency-Token"];
/// What the body of a form is called.
const FORM: &str = "application/x-www-form-urlencoded";

/// The parameters of one request, as they came. Keys that nobody asks for are passed over, as Twilio does.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads a form, or a query.
    ///
    /// # Errors
    /// When an escape is broken, what is escaped is no UTF-8, or there are more than a thousand parameters.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut pairs = Vec::new();
        for pair in bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == PARAMETERS_MAX {
                let message = format!("The request has more than {PARAMETERS_MAX} parameters.");
                return Err(Refusal::new(Code::ParameterInvalid, message));
            }
            let (name, value) = match pair.iter().position(|b| *b == b'=') {
                Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default()),
                None => (pair, &[][..]),
            };
            let name = decoded(name).ok_or_else(|| broken("The name of a parameter"))?;
            let value = decoded(value).ok_or_else(|| broken(&format!("The value of {}", shown(&name))))?;
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// A parameter that may be given once; an empty one is `Some("")`.
    ///
    /// # Errors
    /// When it is given more than once: which one is meant, nobody could tell.
    pub(crate) fn given(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Refusal::parameter(name, "is given more than once", "give it once")),
        }
    }

    /// As [`Form::given`]; an empty one counts as left out.
    ///
    /// # Errors
    /// When it is given more than once.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        Ok(self.given(name)?.filter(|value| !value.is_empty()))
    }

    /// A parameter that may be repeated; empty values count as left out.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.pairs.iter().filter(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str()).collect()
    }

    /// A parameter that is `true` or `false`.
    ///
    /// # Errors
    /// When it is neither.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.text(name)? {
            None => Ok(None),
            Some(word) if word.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(word) if word.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::parameter(name, "is neither true nor false", "write true or false")),
        }
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// When it is none, under `code`.
    pub(crate) fn number(&self, name: &str, bounds: std::ops::RangeInclusive<u64>, code: Code) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        let (min, max) = bounds.into_inner();
        let rule = format!("must be a whole number from {min} to {max}");
        number.map(Some).ok_or_else(|| Refusal::parameter(name, rule, "leave it out for the default").coded(code))
    }

    /// All parameters but these, as a query: what the links of a list go on with.
    pub(crate) fn without(&self, names: &[&str]) -> Vec<(&str, &str)> {
        let kept = self.pairs.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        kept.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

/// A form out of a request's body.
impl FromRequest<App> for Form {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        Ok(KeyedForm::from_request(request, app).await?.form)
    }
}

/// A form, and what its repetition would be known by.
#[derive(Debug)]
pub(crate) struct KeyedForm {
    /// The form.
    pub(crate) form: Form,
    /// Where the caller named the request.
    pub(crate) idempotency: Option<IdempotencyKey>,
}

impl FromRequest<App> for KeyedForm {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let (parts, body, _held) = with_body(request, app).await?;
        if !body.is_empty() {
            must_be_a_form(&parts.headers)?;
        }
        let form = Form::read(&body)?;
        let mut idempotency = None;
        for name in KEYS {
            if let Some(key) = idempotency_key(&parts.headers, name)? {
                idempotency.get_or_insert(keyed(key, &parts, &body));
            }
        }
        Ok(Self { form, idempotency })
    }
}

/// The query of a request.
#[derive(Debug)]
pub(crate) struct Asked(pub(crate) Form);

impl FromRequestParts<App> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Refusal> {
        Form::read(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

fn must_be_a_form(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let bare = given.split(';').next().unwrap_or_default().trim();
    if bare.eq_ignore_ascii_case(FORM) {
        return Ok(());
    }
    let message = format!("The body must be a form: Content-Type must be {FORM}.");
    Err(Refusal::new(Code::ParameterInvalid, message).status(415))
}

/// Undoes `+` and percent escapes; none where an escape is broken or the bytes are no UTF-8.
fn decoded(escaped: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn broken(what: &str) -> Refusal {
    let message = format!("{what} is not percent-encoded UTF-8. Send a form as RFC 3986 and HTML define it.");
    Refusal::new(Code::ParameterInvalid, message)
}

/// What a caller wrote, short enough to be said again.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn empty_is_not_the_same_as_none() {
        let form = Form::read(b"Body=&To=whatsapp%3A%2B1555+0&flag&MediaUrl=a&MediaUrl=&MediaUrl=b").unwrap();
        assert_eq!((form.given("Body").unwrap(), form.text("Body").unwrap()), (Some(""), None));
        assert_eq!(form.given("From").unwrap(), None);
        assert_eq!(form.given("To").unwrap(), Some("whatsapp:+1555 0"));
        assert_eq!(form.given("flag").unwrap(), Some(""));
        assert_eq!(form.all("MediaUrl"), ["a", "b"]);
        assert_eq!(form.given("MediaUrl").unwrap_err().code, Code::ParameterInvalid);
    }

    #[test]
    fn broken_escapes_are_told() {
        for broken in ["a=%", "a=%4", "a=%zz", "%ff=1", "a=%c3%28", "a=1&b=%f"] {
            let refused = Form::read(broken.as_bytes()).unwrap_err();
            assert_eq!((refused.code, refused.status), (Code::ParameterInvalid, 400), "{broken}");
        }
        let many = "a=1&".repeat(PARAMETERS_MAX + 1);
        assert!(Form::read(many.as_bytes()).is_err());
        assert!(Form::read(&many.as_bytes()[..many.len() - 4]).is_ok());
    }

    #[test]
    fn only_forms_are_forms() {
        let of = |kind: &str| must_be_a_form(&HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]));
        assert!(of("application/x-www-form-urlencoded").is_ok());
        assert!(of("Application/X-WWW-Form-Urlencoded; charset=utf-8").is_ok());
        for other in ["application/json", "multipart/form-data; boundary=x", "text/plain"] {
            assert_eq!(of(other).unwrap_err().status, 415, "{other}");
        }
        assert!(must_be_a_form(&HeaderMap::new()).is_err());
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(pairs in prop::collection::vec(("[a-zA-Z<>]{1,8}", "\\PC{0,12}"), 0..6)) {
            let mut encoded = url::form_urlencoded::Serializer::new(String::new());
            encoded.extend_pairs(&pairs);
            prop_assert_eq!(Form::read(encoded.finish().as_bytes()).unwrap().pairs, pairs);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::read(&bytes);
        }
    }
}
