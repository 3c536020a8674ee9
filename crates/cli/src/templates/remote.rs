//! Templates as the gateway tells them, and the calls that change them.

use std::collections::BTreeMap;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use transom_domain::content::Language;
use transom_domain::template::Definition;

use super::file::Wanted;
use super::plan::{Block, Happened, Key, Standing};
use crate::api::{Api, encoded, refusal};
use crate::args::Account;
use crate::fail::Fail;

/// Most that one page holds.
const PAGE: usize = 200;

/// One account of templates behind a gateway.
pub(crate) struct Remote {
    api: Api,
    waba: Option<String>,
    json: bool,
}

/// What a call that changes something came to.
pub(crate) enum Answer {
    /// Done; the template as it now stands, where there is one.
    Done(Value),
    /// The published error object.
    Refused(Value),
}

/// What stands in the way of a template now.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outlook {
    /// A quota, a lock, a status.
    pub(crate) block: Option<Block>,
    /// A call for it without an outcome.
    pub(crate) under_way: Option<String>,
}

#[derive(Deserialize)]
struct Conflict {
    rule: String,
    message: String,
    remedy: String,
}

impl Remote {
    /// The account that the arguments name.
    ///
    /// # Errors
    /// When no gateway is named.
    pub(crate) fn of(account: &Account) -> Result<Self, Fail> {
        Ok(Self { api: Api::of(&account.target)?, waba: account.waba.clone(), json: account.target.json })
    }

    fn path(&self, rest: &str, query: &[(&str, &str)]) -> String {
        let waba = self.waba.as_deref().map(|waba| ("wabaId", waba));
        let query: Vec<String> =
            query.iter().copied().chain(waba).map(|(key, value)| format!("{key}={}", encoded(value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.api.path(&format!("templates{rest}")), query.join("&"))
    }

    async fn get(&self, path: &str) -> Result<Value, Fail> {
        match self.api.client.call(Method::GET, path, None).await? {
            (200..=299, answer) => Ok(answer),
            (status, answer) => Err(refusal(self.json, &answer, status)?),
        }
    }

    /// Every template of the account, as the API shows it.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub(crate) async fn views(&self) -> Result<Vec<Value>, Fail> {
        let (mut all, mut token) = (Vec::new(), None::<String>);
        loop {
            let size = PAGE.to_string();
            let mut query = vec![("pageSize", size.as_str())];
            query.extend(token.as_deref().map(|token| ("pageToken", token)));
            let mut page = self.get(&self.path("", &query)).await?;
            if let Some(Value::Array(data)) = page.get_mut("data").map(Value::take) {
                all.extend(data);
            }
            let next = page["nextPageToken"].as_str().map(str::to_owned);
            if next.is_none() || next == token {
                return Ok(all);
            }
            token = next;
        }
    }

    /// One name in all its languages, as the API shows it.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn named(&self, name: &str) -> Result<Vec<Value>, Fail> {
        let mut page = self.get(&self.path(&format!("/{}", encoded(name)), &[])).await?;
        Ok(page["data"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Every template as it stands.
    ///
    /// # Errors
    /// As [`Remote::views`]; one that this version cannot read.
    pub(crate) async fn standing(&self) -> Result<BTreeMap<Key, Standing>, Fail> {
        let mut all = BTreeMap::new();
        for view in self.views().await? {
            let standing = standing(&view)?;
            all.insert((standing.template.name.clone(), standing.template.language.clone()), standing);
        }
        Ok(all)
    }

    /// One template as it stands; none when there is none.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub(crate) async fn one(&self, name: &str, language: &Language) -> Result<Option<Standing>, Fail> {
        let path = self.path(&format!("/{}", encoded(name)), &[("language", language.as_str())]);
        match self.api.client.call(Method::GET, &path, None).await? {
            (200..=299, page) => page["data"].get(0).map(standing).transpose(),
            (404, _) => Ok(None),
            (status, answer) => Err(refusal(self.json, &answer, status)?),
        }
    }

    /// Whether quotas, locks and its status would let it be created, or edited.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub(crate) async fn outlook(&self, name: &str, language: &Language, wanted: &Wanted) -> Result<Outlook, Fail> {
        let body = self.request(name, language, wanted);
        let (status, mut answer) = self.api.client.call(Method::POST, &self.path_alone("/lint"), Some(&body)).await?;
        if !(200..300).contains(&status) {
            return Err(refusal(self.json, &answer, status)?);
        }
        let conflict = serde_json::from_value::<Option<Conflict>>(answer["conflict"].take()).unwrap_or_default();
        let not_before = answer["notBefore"].as_str().map(str::to_owned);
        let block = conflict.map(|Conflict { rule, message, remedy }| Block { rule, message, remedy, not_before });
        let under_way = answer.pointer("/underWay/action").and_then(Value::as_str).map(str::to_owned);
        Ok(Outlook { block, under_way })
    }

    /// The newest part of what happened to a template.
    ///
    /// # Errors
    /// What the gateway refuses.
    pub(crate) async fn history(&self, name: &str, language: &Language) -> Result<Vec<Happened>, Fail> {
        let path = self.path(&format!("/{}/history", encoded(name)), &[("language", language.as_str()), ("pageSize", "100")]);
        match self.api.client.call(Method::GET, &path, None).await? {
            (200..=299, mut page) => Ok(serde_json::from_value(page["data"].take()).unwrap_or_default()),
            (404, _) => Ok(Vec::new()),
            (status, answer) => Err(refusal(self.json, &answer, status)?),
        }
    }

    /// Asks Meta to review a new template.
    ///
    /// # Errors
    /// When the gateway cannot be reached.
    pub(crate) async fn create(&self, name: &str, language: &Language, wanted: &Wanted) -> Result<Answer, Fail> {
        let body = self.request(name, language, wanted);
        self.change(Method::POST, &self.path_alone(""), Some(&body)).await
    }

    /// Gives a template another content.
    ///
    /// # Errors
    /// As [`Remote::create`].
    pub(crate) async fn edit(
        &self,
        name: &str,
        language: &Language,
        wanted: &Wanted,
        with_category: bool,
    ) -> Result<Answer, Fail> {
        let mut body = self.request(name, language, wanted);
        if let Some(map) = body.as_object_mut() {
            map.retain(|key, _| !matches!(key.as_str(), "name" | "language" | "wabaId") && (with_category || key != "category"));
        }
        let path = self.path(&format!("/{}", encoded(name)), &[("language", language.as_str())]);
        self.change(Method::PATCH, &path, Some(&body)).await
    }

    /// Deletes a template in one language.
    ///
    /// # Errors
    /// As [`Remote::create`].
    pub(crate) async fn delete(&self, name: &str, language: &Language) -> Result<Answer, Fail> {
        let path = self.path(&format!("/{}", encoded(name)), &[("language", language.as_str())]);
        self.change(Method::DELETE, &path, None).await
    }

    async fn change(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, Fail> {
        Ok(match self.api.client.call(method, path, body).await? {
            (200..=299, answer) => Answer::Done(answer),
            (_, answer) => Answer::Refused(answer),
        })
    }

    /// For operations that take the account in their body.
    fn path_alone(&self, rest: &str) -> String {
        self.api.path(&format!("templates{rest}"))
    }

    fn request(&self, name: &str, language: &Language, wanted: &Wanted) -> Value {
        let mut body = request(name, language, wanted);
        if let (Some(waba), Some(map)) = (&self.waba, body.as_object_mut()) {
            map.insert("wabaId".to_owned(), waba.as_str().into());
        }
        body
    }
}

/// A template as our API takes it.
fn request(name: &str, language: &Language, wanted: &Wanted) -> Value {
    let mut printed = transom_meta::templates::to_create(name, language, wanted.category, &wanted.definition);
    let mut body = json!({
        "name": name,
        "language": language.as_str(),
        "category": wanted.category.as_str(),
        "components": printed["components"].take(),
    });
    if let Some(format) = printed.get("parameter_format") {
        body["parameterFormat"] = format.clone();
    }
    if let Some(seconds) = wanted.ttl_seconds {
        body["messageSendTtlSeconds"] = seconds.into();
    }
    body
}

/// Reads a template as our API shows it.
///
/// # Errors
/// One that says something which this version does not know.
pub(crate) fn standing(view: &Value) -> Result<Standing, Fail> {
    let read = |components: &Value| {
        let as_metas = json!({
            "id": view["id"],
            "name": view["name"],
            "language": view["language"],
            "category": view["category"],
            "status": view["status"],
            "rejected_reason": view["reason"],
            "parameter_format": view["parameterFormat"],
            "components": components,
        });
        transom_meta::templates::parse(&as_metas).map_err(|why| {
            Fail::new(format!("the template {} ({}) cannot be read: {why}", view["name"], view["language"]))
                .remedy("Use a transom as new as the gateway.")
        })
    };
    let edit: Option<Definition> = match view.pointer("/underReview/components") {
        Some(components) => Some(read(components)?.definition),
        None => None,
    };
    Ok(Standing { template: read(&view["components"])?, edit, ttl_seconds: view["messageSendTtlSeconds"].as_i64() })
}
