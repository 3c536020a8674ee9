//! One Graph call taken apart: version, path, parameters, token.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method, header};
use bytes::Bytes;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::graph::error::GraphError;
use crate::graph::read::Fields;

/// The versions that exist in November 2026: older ones are gone, newer ones not there yet.
const VERSIONS: std::ops::RangeInclusive<u32> = 21..=26;

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Nothing: the caller left it out.
    pub(crate) version: Option<u32>,
    pub(crate) segments: Vec<String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) token: Option<String>,
    pub(crate) body: Bytes,
}

impl Call {
    /// Takes the head of a request apart; the body comes later.
    pub(crate) fn new(method: Method, path: &str, query: Option<&str>, headers: HeaderMap) -> Result<Self, GraphError> {
        let mut segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect();
        let version = segments.first().and_then(|first| version_of(first));
        if version.is_some() {
            segments.remove(0);
        }
        if let Some(version) = version
            && !VERSIONS.contains(&version)
        {
            return Err(GraphError::graph(
                2635,
                400,
                format!("You are calling a version that does not exist or has expired: v{version}.0. Use v21.0 to v26.0."),
            ));
        }
        let mut query: BTreeMap<String, String> = form_urlencoded::parse(query.unwrap_or("").as_bytes()).into_owned().collect();
        let in_query = query.remove("access_token");
        let token = bearer(&headers).or(in_query);
        Ok(Self { method, version, segments, query, headers, token, body: Bytes::new() })
    }

    /// The path and query as logged: no token in it.
    pub(crate) fn logged_path(path: &str, query: Option<&str>) -> String {
        let Some(query) = query else { return path.to_owned() };
        let rest: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .filter(|(key, _)| key != "access_token" && key != "input_token")
            .collect();
        if rest.is_empty() {
            return path.to_owned();
        }
        format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).extend_pairs(rest).finish())
    }

    pub(crate) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, GraphError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| GraphError::invalid(format!("The request body is not valid JSON: {error}.")))
    }

    /// The parameters of a call, wherever they stand: query, form, or JSON.
    pub(crate) fn parameters(&self) -> Result<Value, GraphError> {
        let mut all = Map::new();
        for (key, value) in &self.query {
            all.insert(key.clone(), guessed(value));
        }
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if self.body.is_empty() {
            return Ok(Value::Object(all));
        }
        if kind.starts_with("application/x-www-form-urlencoded") {
            for (key, value) in form_urlencoded::parse(&self.body).into_owned() {
                if key != "access_token" {
                    all.insert(key, guessed(&value));
                }
            }
        } else {
            let value = self.json()?;
            Fields::body(&value)?;
            if let Value::Object(body) = value {
                all.extend(body);
            }
        }
        Ok(Value::Object(all))
    }

    /// The names in `fields=`; what stands in braces behind one is ignored.
    pub(crate) fn fields(&self) -> Vec<String> {
        let mut depth = 0usize;
        let mut names = vec![String::new()];
        for c in self.query.get("fields").map_or("", String::as_str).chars() {
            match c {
                '{' | '(' => depth += 1,
                '}' | ')' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => names.push(String::new()),
                _ if depth > 0 => {}
                _ => names.last_mut().into_iter().for_each(|name| name.push(c)),
            }
        }
        names
            .into_iter()
            .map(|name| name.split('.').next().unwrap_or("").trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect()
    }
}

fn decoded(segment: &str) -> String {
    // A `+` in a path is a plus; only in a query it is a space.
    form_urlencoded::parse(format!("x={}", segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

fn version_of(segment: &str) -> Option<u32> {
    let (major, minor) = segment.strip_prefix('v')?.split_once('.')?;
    minor.parse::<u32>().ok()?;
    major.parse().ok()
}

/// Form values that hold JSON are JSON; Graph has no other way to send a list in a form.
fn guessed(text: &str) -> Value {
    if text.starts_with(['[', '{'])
        && let Ok(value) = serde_json::from_str(text)
    {
        return value;
    }
    Value::String(text.to_owned())
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth")).then(|| token.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(path: &str, query: Option<&str>) -> Result<Call, GraphError> {
        Call::new(Method::GET, path, query, HeaderMap::new())
    }

    #[test]
    fn the_version_may_be_missing_but_not_expired() {
        assert_eq!(call("/v23.0/1/messages", None).unwrap().version, Some(23));
        assert_eq!(call("/1/messages", None).unwrap().segments(), ["1", "messages"]);
        assert_eq!(call("/v20.0/1", None).unwrap_err().code, 2635);
        assert_eq!(call("/v27.0/1", None).unwrap_err().code, 2635);
    }

    #[test]
    fn tokens_are_taken_out_of_the_query() {
        let call = call("/1", Some("access_token=secret&fields=id,name{x,y},a.limit(2)")).unwrap();
        assert_eq!(call.token.as_deref(), Some("secret"));
        assert_eq!(call.fields(), ["id", "name", "a"]);
        assert_eq!(Call::logged_path("/1", Some("access_token=secret&a=b")), "/1?a=b");
        assert_eq!(Call::logged_path("/1", Some("access_token=secret")), "/1");
    }

    #[test]
    fn forms_carry_json_where_lists_are_needed() {
        let mut call = call("/1", None).unwrap();
        call.headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        call.body = Bytes::from_static(b"name=a&components=%5B%7B%22type%22%3A%22BODY%22%7D%5D");
        let parameters = call.parameters().unwrap();
        assert_eq!(parameters["name"], "a");
        assert_eq!(parameters["components"][0]["type"], "BODY");
    }
}
