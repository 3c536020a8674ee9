//! Parameters of a template send by their published names (`body_1`, `header_image`, `button_2_url`, …), checked against the
//! template and put in order. Order of arrival never counts: `body_10` comes after `body_9`.

use serde::{Deserialize, Serialize};

use crate::content::{Piece, pieces};
use crate::field::{FieldError, Findings};
use crate::free_form::{File, MediaKind, MediaSource, is_web_address};
use crate::template::{
    BodyDefinition, ButtonDefinition, ButtonParameter, ButtonValue, CardParameters, Definition, HeaderDefinition,
    HeaderParameter, ParameterFormat, Template, TemplateSend, TextDefinition, TextParameter,
};

/// One parameter as the caller gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Published name.
    pub name: String,
    /// Value.
    pub value: String,
    /// Shown name of a header document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Longest payload of a quick reply.
const PAYLOAD: usize = 128;
/// Longest coupon code.
const COUPON: usize = 20;

struct Given<'a> {
    parameters: Vec<(&'a Parameter, bool)>,
}

impl<'a> Given<'a> {
    fn take(&mut self, name: &str) -> Option<&'a Parameter> {
        let (parameter, used) = self.parameters.iter_mut().find(|(p, _)| p.name == name)?;
        *used = true;
        Some(parameter)
    }
}

/// Fits parameters to a template.
///
/// # Errors
/// Each missing, unknown, doubled or malformed parameter; `field` is its published name.
pub fn fit(template: &Template, parameters: &[Parameter]) -> Result<TemplateSend, Vec<FieldError>> {
    let mut findings = Findings::default();
    for (i, parameter) in parameters.iter().enumerate() {
        if parameters.iter().take(i).any(|p| p.name == parameter.name) {
            findings.note(&parameter.name, "is given twice", "give each parameter once");
        }
    }
    let mut given = Given { parameters: parameters.iter().map(|p| (p, false)).collect() };
    let definition = &template.definition;
    let send = TemplateSend {
        name: template.name.clone(),
        language: template.language.clone(),
        header: definition.header.as_ref().and_then(|h| header(h, definition, "header", &mut given, &mut findings)),
        body: body(definition, &mut given, &mut findings),
        buttons: buttons(&definition.buttons, "", &mut given, &mut findings),
        cards: cards(definition, &mut given, &mut findings),
    };
    for (i, (parameter, used)) in given.parameters.iter().enumerate() {
        let doubled = given.parameters.iter().take(i).any(|(p, _)| p.name == parameter.name);
        if !used && !doubled {
            findings.note(&parameter.name, "is not a parameter of this template", "remove it, or check the template's variables");
        }
    }
    findings.result(send)
}

fn header(
    header: &HeaderDefinition,
    definition: &Definition,
    prefix: &str,
    given: &mut Given<'_>,
    f: &mut Findings,
) -> Option<HeaderParameter> {
    let mut file = |kind: MediaKind| {
        let name = format!("{prefix}_{}", kind.as_str());
        let Some(parameter) = given.take(&name) else {
            f.note(&name, "is missing", format!("give the public URL of the {}", kind.as_str()));
            return None;
        };
        if !is_web_address(&parameter.value) {
            f.note(&name, "must be an http or https address", "give the public URL of the file");
        }
        if parameter.filename.is_some() && kind != MediaKind::Document {
            f.note(&name, "takes no filename", "a filename is possible only with header_document");
        }
        Some(HeaderParameter::File(File {
            kind,
            source: MediaSource::Link(parameter.value.clone()),
            filename: parameter.filename.clone(),
        }))
    };
    match header {
        HeaderDefinition::Text(text) => {
            let name = text.names().first().copied()?;
            let parameter = require(&format!("{prefix}_text"), given, f)?;
            check_value(parameter, f);
            let named = (definition.format == ParameterFormat::Named).then(|| name.to_owned());
            Some(HeaderParameter::Text(TextParameter { name: named, text: parameter.value.clone() }))
        }
        HeaderDefinition::Image { .. } => file(MediaKind::Image),
        HeaderDefinition::Video { .. } => file(MediaKind::Video),
        HeaderDefinition::Document { .. } => file(MediaKind::Document),
        HeaderDefinition::Location => location(require(&format!("{prefix}_location"), given, f)?, f),
        HeaderDefinition::Product => {
            let parameter = require(&format!("{prefix}_product"), given, f)?;
            match parameter.value.split_once(',') {
                Some((catalog, product)) if !catalog.is_empty() && !product.is_empty() => {
                    Some(HeaderParameter::Product { catalog_id: catalog.trim().to_owned(), product: product.trim().to_owned() })
                }
                _ => {
                    f.note(&parameter.name, "must be a catalog id, a comma and a product's retailer id", "such as 7700,sku-1");
                    None
                }
            }
        }
    }
}

fn location(parameter: &Parameter, f: &mut Findings) -> Option<HeaderParameter> {
    let mut parts = parameter.value.splitn(4, ',').map(str::trim);
    let degrees = |part: Option<&str>, most: f64| part.and_then(|p| p.parse::<f64>().ok()).filter(|d| d.abs() <= most);
    let (latitude, longitude) = (degrees(parts.next(), 90.0), degrees(parts.next(), 180.0));
    let (Some(latitude), Some(longitude)) = (latitude, longitude) else {
        f.note(
            &parameter.name,
            "must be latitude,longitude and perhaps a name and an address",
            "such as 52.52,13.40,Shop,Street 1",
        );
        return None;
    };
    let text = |part: Option<&str>| part.filter(|p| !p.is_empty()).map(str::to_owned);
    Some(HeaderParameter::Location { latitude, longitude, name: text(parts.next()), address: text(parts.next()) })
}

fn body(definition: &Definition, given: &mut Given<'_>, f: &mut Findings) -> Vec<TextParameter> {
    match &definition.body {
        BodyDefinition::Own(text) => texts(text, definition.format, "body", given, f),
        BodyDefinition::Authentication { .. } => {
            // The code goes in twice, and callers may give it under either name.
            let code = given.take("body_1").or_else(|| given.take("button_1_code"));
            code.map(|p| vec![TextParameter { name: None, text: p.value.clone() }]).unwrap_or_default()
        }
    }
}

fn texts(
    text: &TextDefinition,
    format: ParameterFormat,
    prefix: &str,
    given: &mut Given<'_>,
    f: &mut Findings,
) -> Vec<TextParameter> {
    let mut values = Vec::new();
    for name in text.parameters() {
        if let Some(parameter) = require(&format!("{prefix}_{name}"), given, f) {
            check_value(parameter, f);
            let named = (format == ParameterFormat::Named).then(|| name.to_owned());
            values.push(TextParameter { name: named, text: parameter.value.clone() });
        }
    }
    values
}

fn buttons(buttons: &[ButtonDefinition], prefix: &str, given: &mut Given<'_>, f: &mut Findings) -> Vec<ButtonParameter> {
    let mut values = Vec::new();
    for (index, button) in buttons.iter().enumerate() {
        let at = format!("{prefix}button_{}", index + 1);
        let value = match button {
            ButtonDefinition::Url { url, .. } if button.wants_parameter() => require(&format!("{at}_url"), given, f)
                .and_then(|p| url_suffix(url, p, f))
                .map(|suffix| ButtonValue::UrlSuffix { suffix }),
            ButtonDefinition::QuickReply { .. } => given.take(&format!("{at}_payload")).map(|p| {
                f.at_most(&p.name, &p.value, PAYLOAD);
                ButtonValue::Payload { payload: p.value.clone() }
            }),
            ButtonDefinition::CopyCode { .. } => require(&format!("{at}_code"), given, f).map(|p| {
                f.required(&p.name, &p.value, COUPON);
                ButtonValue::CouponCode { code: p.value.clone() }
            }),
            ButtonDefinition::Otp { .. } => {
                let code = given.take(&format!("{at}_code"));
                let code = code.or_else(|| given.take("body_1"));
                match code {
                    Some(p) => {
                        f.required(&p.name, &p.value, crate::content::ONE_TIME_CODE_MAX);
                        Some(ButtonValue::OneTimeCode { code: p.value.clone() })
                    }
                    None => {
                        f.note(&format!("{at}_code"), "is missing", "give the one-time code");
                        None
                    }
                }
            }
            ButtonDefinition::Flow { .. } => {
                given.take(&format!("{at}_flow_token")).map(|p| ButtonValue::Flow { token: Some(p.value.clone()), data: None })
            }
            ButtonDefinition::Catalog => {
                given.take(&format!("{at}_thumbnail")).map(|p| ButtonValue::Catalog { thumbnail: Some(p.value.clone()) })
            }
            ButtonDefinition::MultiProduct => require(&format!("{at}_products"), given, f).and_then(|p| {
                let products: Vec<String> = p.value.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
                let Some(first) = products.first().cloned() else {
                    f.note(&p.name, "must be retailer ids with commas between them", "such as sku-1,sku-2");
                    return None;
                };
                let sections = vec![crate::free_form::ProductSection { title: Some("Products".to_owned()), products }];
                Some(ButtonValue::MultiProduct { thumbnail: first, sections })
            }),
            _ => None,
        };
        if let (Some(value), Ok(index)) = (value, u8::try_from(index)) {
            values.push(ButtonParameter { index, value });
        }
    }
    values
}

/// A URL value is the suffix or the whole address: where it begins with what was approved, that is taken off.
fn url_suffix(approved: &str, parameter: &Parameter, f: &mut Findings) -> Option<String> {
    let base: String = pieces(approved).into_iter().map_while(|p| if let Piece::Plain(t) = p { Some(t) } else { None }).collect();
    let value = parameter.value.trim();
    let suffix = value.strip_prefix(base.as_str()).unwrap_or(value);
    if suffix.contains("://") {
        f.note(
            &parameter.name,
            format!("is another address than the approved one, which begins with {base}"),
            "give only the end of the address",
        );
        return None;
    }
    if suffix.is_empty() {
        f.note(&parameter.name, "must not be empty", "give the end of the address");
        return None;
    }
    Some(suffix.to_owned())
}

fn cards(definition: &Definition, given: &mut Given<'_>, f: &mut Findings) -> Vec<CardParameters> {
    definition
        .cards
        .iter()
        .enumerate()
        .map(|(i, card)| {
            let prefix = format!("card_{}", i + 1);
            CardParameters {
                header: header(&card.header, definition, &format!("{prefix}_header"), given, f),
                body: card
                    .body
                    .as_ref()
                    .map(|b| texts(b, definition.format, &format!("{prefix}_body"), given, f))
                    .unwrap_or_default(),
                buttons: buttons(&card.buttons, &format!("{prefix}_"), given, f),
            }
        })
        .collect()
}

fn require<'a>(name: &str, given: &mut Given<'a>, f: &mut Findings) -> Option<&'a Parameter> {
    let found = given.take(name);
    if found.is_none() {
        f.note(name, "is missing", "every variable of the template must be filled");
    }
    found
}

fn check_value(parameter: &Parameter, f: &mut Findings) {
    if parameter.value.trim().is_empty() {
        f.note(&parameter.name, "must not be empty", "give a value");
    }
    if parameter.value.contains(['\n', '\r', '\t']) || parameter.value.contains("     ") {
        f.note(
            &parameter.name,
            "must not contain a line break, a tab or more than four blanks in a row",
            "Meta refuses such values: use single blanks",
        );
    }
}
