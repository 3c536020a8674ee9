//! `keywords`: the stop and start words of a business.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use transom_domain::keywords::{BUILT_IN, Keywords, Words};

use super::read::{read, request_bodies};
use crate::http::App;
use crate::http::call::{ADMIN, Asked, Authorised, json as answer};
use crate::http::refusal::{ChangeRefusals, ListRefusals};
use crate::problem::Problem;

/// Stop and start words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "builtIn": true,
    "languages": { "de": { "stop": ["Genug"], "stopMarketing": ["Keine Angebote"], "start": ["Weiter"], "startMarketing": ["Angebote, ja"] } }
}))]
pub(crate) struct KeywordsRequest {
    /// Whether the built-in words count too; true where it is left out.
    built_in: Option<bool>,
    /// By language: `stop` and `start` for all messages, `stopMarketing` and `startMarketing` for marketing. Each word is a whole
    /// message, up to 64 characters; case, accents and punctuation do not count. Up to 50 words a list.
    #[schema(value_type = Option<Object>)]
    languages: Option<Value>,
}

request_bodies!(KeywordsRequest);

/// The words that count.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Keywords)]
pub(crate) struct KeywordsView {
    /// Whether the built-in words count too.
    built_in: bool,
    /// The business's own words by language.
    #[schema(value_type = Object)]
    languages: BTreeMap<String, Words>,
    /// The built-in words by language; empty where they do not count.
    #[schema(value_type = Object)]
    built_in_words: BTreeMap<&'static str, Words>,
}

impl From<Keywords> for KeywordsView {
    fn from(keywords: Keywords) -> Self {
        let built_in_words = BUILT_IN.iter().filter(|_| keywords.built_in).map(|b| (b.language, b.words())).collect();
        Self { built_in: keywords.built_in, languages: keywords.languages, built_in_words }
    }
}

pub(super) fn parse(asked: &Asked) -> Result<Keywords, Problem> {
    let (request, mut notes) = read::<KeywordsRequest>(&asked.body)?;
    let keywords = request.map(|request| {
        let mut languages = BTreeMap::new();
        let given = match request.languages {
            Some(Value::Object(given)) => given,
            _ => Default::default(),
        };
        for (language, words) in given {
            match serde_json::from_value(words) {
                Ok(words) => drop(languages.insert(language, words)),
                Err(why) => {
                    let shown: String = language.chars().take(20).collect();
                    notes.note(
                        &format!("languages.{shown}"),
                        format!("cannot be read: {why}"),
                        "give lists of texts under stop, stopMarketing, start and startMarketing",
                    );
                }
            }
        }
        Keywords { built_in: request.built_in.unwrap_or(true), languages }
    });
    notes.finish(keywords)
}

/// Read the stop and start words
#[utoipa::path(
    get,
    path = "/v1/businesses/{business}/keywords",
    operation_id = "getKeywords",
    tag = "Customers",
    params(("business" = String, Path, description = "Id of the business")),
    responses((status = 200, description = "The words that count", body = KeywordsView), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn get(State(app): State<App>, Authorised(caller): Authorised<ADMIN>) -> Result<Response, Problem> {
    answer(StatusCode::OK, &KeywordsView::from(app.service.keywords(&caller).await?))
}

/// Set the stop and start words
///
/// All of them at once: what is left out is gone. They count from the next message on, as a text of their own or as a button's
/// payload or label.
#[utoipa::path(
    put,
    path = "/v1/businesses/{business}/keywords",
    operation_id = "setKeywords",
    tag = "Customers",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = KeywordsRequest),
    responses((status = 200, description = "The words that count now", body = KeywordsView), ChangeRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn put(
    State(app): State<App>,
    Authorised(caller): Authorised<ADMIN>,
    asked: Asked,
) -> Result<Response, Problem> {
    let keywords = app.service.put_keywords(&caller, parse(&asked)?).await?;
    answer(StatusCode::OK, &KeywordsView::from(keywords))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_taken_in_both_spellings_and_what_is_wrong_is_named() {
        let body = json!({ "built_in": false, "languages": { "de": { "stop_marketing": ["Genug"] } } });
        let keywords = parse(&Asked::of(body.to_string())).unwrap();
        assert!(!keywords.built_in && keywords.languages["de"].stop_marketing == ["Genug"]);
        let body = json!({ "languages": { "de": { "stopp": ["Genug"] }, "en": 7 } });
        let refused = parse(&Asked::of(body.to_string())).unwrap_err();
        let fields: Vec<_> = refused.details["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
        assert_eq!(fields, [json!("languages.de"), json!("languages.en")]);
    }
}
