//! Lists as the SDKs walk them: both forms of their links, forth and back.
//!
//! The store only goes forth. A page token therefore carries, beside where its page begins, where the pages before it began: at
//! most so many, so that whoever walks on and on can go back that far and no further.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Serialize;
use serde_json::{Value, json};

use transom_store::{PAGE_MAX, Page};

use super::base::Base;
use super::codes::Code;
use super::form::Form;
use super::refusal::Refusal;
use crate::problem::Problem;

/// Entries of a page, unless the caller says how many.
const SIZE_DEFAULT: u64 = 50;
/// Most entries of a page.
const SIZE_MAX: u64 = 1_000;
/// Most pages that a token remembers.
const TRAIL_MAX: usize = 32;
/// Most pages of the store that one of ours is gathered from: where a filter leaves little, a page is not full.
const ASKED_MAX: usize = 8;
/// Longest token that is looked at.
const TOKEN_MAX: usize = 8_192;
/// What parts the places in a token; the store's own tokens have none.
const PART: char = '\n';
/// What is said of a page in a query.
const PARAMETERS: [&str; 3] = ["PageSize", "Page", "PageToken"];

/// Which page of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paging {
    /// 1 to 1,000.
    pub(crate) size: usize,
    /// The caller's count of pages, from 0; told again, not believed.
    number: u64,
    /// Where the pages before it began; the first page, which begins at the beginning, is not among them.
    trail: Vec<String>,
    /// Where it begins; none for the beginning.
    from: Option<String>,
}

impl Paging {
    /// Reads `PageSize`, `Page` and `PageToken`.
    ///
    /// # Errors
    /// When one breaks its rule, or the token is none that a page gave.
    pub(crate) fn read(query: &Form) -> Result<Self, Refusal> {
        let size = query.number("PageSize", 1..=SIZE_MAX, Code::ParameterInvalid)?.unwrap_or(SIZE_DEFAULT);
        let number = query.number("Page", 0..=u64::from(u32::MAX), Code::ParameterInvalid)?.unwrap_or(0);
        let made_up = || Refusal::parameter("PageToken", "is none that a page gave", "follow the links of the list as they are");
        let mut trail = Vec::new();
        if let Some(token) = query.text("PageToken")? {
            let bytes = (token.len() <= TOKEN_MAX).then(|| BASE64.decode(token).ok()).flatten().ok_or_else(made_up)?;
            let text = String::from_utf8(bytes).map_err(|_| made_up())?;
            trail = text.split(PART).map(str::to_owned).collect();
            if trail.len() > TRAIL_MAX + 1 || trail.iter().any(String::is_empty) {
                return Err(made_up());
            }
        } else if number > 0 {
            return Err(Refusal::parameter("Page", "is given without PageToken", "follow the links of the list as they are"));
        }
        let from = trail.pop();
        let number = if from.is_some() { number } else { 0 };
        Ok(Self { size: usize::try_from(size).unwrap_or(PAGE_MAX), number, trail, from })
    }

    /// Whether it begins at the beginning.
    pub(crate) const fn is_first(&self) -> bool {
        self.from.is_none()
    }

    /// All entries of this page, out of as many pages of the store as it takes, and where the next page begins.
    ///
    /// # Errors
    /// What the store says; its word on a token that is none is said in this dialect's form.
    pub(crate) async fn gather<T, F>(&self, mut ask: impl FnMut(Page) -> F) -> Result<(Vec<T>, Option<String>), Refusal>
    where
        F: Future<Output = Result<(Vec<T>, Option<String>), Problem>>,
    {
        let mut found = Vec::new();
        let mut token = self.from.clone();
        for _ in 0..ASKED_MAX {
            let size = (self.size - found.len()).min(PAGE_MAX);
            let (entries, next) = ask(Page { size, token }).await.map_err(|problem| self.refused(problem))?;
            found.extend(entries);
            token = next;
            if token.is_none() || found.len() >= self.size {
                break;
            }
        }
        // A page that is not full and has a next one looked as far as it may: its caller goes on from there.
        Ok((found, token))
    }

    fn refused(&self, problem: Problem) -> Refusal {
        let of_token = problem.details.get("errors").and_then(|errors| errors.get(0)?.get("field")?.as_str());
        if self.from.is_some() && of_token == Some("pageToken") {
            return Refusal::parameter("PageToken", "is none that a page gave", "follow the links of the list as they are");
        }
        problem.into()
    }

    /// The token of the next page, which begins there.
    fn following(&self, next: &str) -> String {
        let mut trail: Vec<&str> = self.trail.iter().chain(&self.from).map(String::as_str).collect();
        if trail.len() > TRAIL_MAX {
            trail.remove(0);
        }
        trail.push(next);
        BASE64.encode(trail.join("\n"))
    }

    /// The query of each neighbour: first, this, previous, next.
    fn queries(&self, filters: &Form, next: Option<&str>) -> Queries {
        let kept = filters.without(&PARAMETERS);
        let query = |number: u64, token: Option<&str>| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&kept).append_pair("PageSize", &self.size.to_string()).append_pair("Page", &number.to_string());
            if let Some(token) = token {
                query.append_pair("PageToken", token);
            }
            query.finish()
        };
        let here = |trail: &[String]| BASE64.encode(trail.join("\n"));
        let whole: Vec<String> = self.trail.iter().chain(&self.from).cloned().collect();
        let before = self.number.saturating_sub(1);
        let previous = match (self.trail.is_empty(), &self.from) {
            (_, None) => None,
            // The second page, or one whose trail was cut: what lies before it begins at the beginning only if it is the second.
            (true, Some(_)) => (before == 0).then(|| query(0, None)),
            (false, Some(_)) => Some(query(before, Some(&here(&self.trail)))),
        };
        Queries {
            first: query(0, None),
            this: query(self.number, self.from.as_ref().map(|_| here(&whole)).as_deref()),
            previous,
            next: next.map(|next| query(self.number.saturating_add(1), Some(&self.following(next)))),
        }
    }

    /// A list of the Messages API: the entries under one key, and beside it nothing but what its links are.
    pub(crate) fn list(&self, path: &str, filters: &Form, key: &str, entries: &[Value], next: Option<&str>) -> Value {
        let Queries { first, this, previous, next } = self.queries(filters, next);
        let link = |query: &str| format!("{path}?{query}");
        let start = self.number.saturating_mul(self.size as u64);
        json!({
            key: entries, "page": self.number, "page_size": self.size, "start": start,
            "end": start.saturating_add((entries.len() as u64).saturating_sub(1)), "uri": link(&this),
            "first_page_uri": link(&first), "next_page_uri": next.as_deref().map(link),
            "previous_page_uri": previous.as_deref().map(link),
        })
    }

    /// The `meta` of a list of the Content and Messaging APIs, with absolute links.
    pub(crate) fn meta(&self, base: &Base, path: &str, filters: &Form, key: &'static str, next: Option<&str>) -> Meta {
        let Queries { first, this, previous, next } = self.queries(filters, next);
        let link = |query: &str| base.link(&format!("{path}?{query}"));
        Meta {
            page: self.number,
            page_size: self.size,
            first_page_url: link(&first),
            previous_page_url: previous.as_deref().map(link),
            url: link(&this),
            next_page_url: next.as_deref().map(link),
            key,
        }
    }
}

struct Queries {
    first: String,
    this: String,
    previous: Option<String>,
    next: Option<String>,
}

/// What a list of the Content and Messaging APIs says of itself: every field is there, null where there is nothing.
#[derive(Debug, Serialize)]
pub(crate) struct Meta {
    page: u64,
    page_size: usize,
    first_page_url: String,
    previous_page_url: Option<String>,
    url: String,
    next_page_url: Option<String>,
    key: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::error_code::ErrorCode;

    const ENTRIES: usize = 1_234;

    /// A store of numbers, 200 at a time.
    async fn numbers(page: Page) -> Result<(Vec<usize>, Option<String>), Problem> {
        let from = match page.token {
            None => 0,
            Some(token) => token.parse().map_err(|_| Problem::field("pageToken", "is none", "pass it on"))?,
        };
        assert!(page.size <= PAGE_MAX);
        let until = (from + page.size).min(ENTRIES);
        Ok(((from..until).collect(), (until < ENTRIES).then(|| until.to_string())))
    }

    fn form(query: &str) -> Form {
        Form::read(query.as_bytes()).unwrap()
    }

    fn query_of(link: &Value) -> Option<String> {
        link.as_str().map(|link| link.split_once('?').unwrap().1.to_owned())
    }

    /// A page, and the list it prints.
    async fn page(query: &str) -> (Vec<usize>, Value) {
        let filters = form(query);
        let paging = Paging::read(&filters).unwrap();
        let (found, next) = paging.gather(numbers).await.unwrap();
        let shown: Vec<Value> = found.iter().map(|n| json!(n)).collect();
        let list = paging.list("/list.json", &filters, "numbers", &shown, next.as_deref());
        (found, list)
    }

    #[tokio::test]
    async fn all_is_walked_once_forth_and_back_again() {
        for size in [7, 200, 450, 1_000] {
            let mut at = Some(format!("PageSize={size}&To=whatsapp%3A%2B1&DateSent%3C=2026-01-01"));
            let (mut seen, mut last) = (Vec::new(), Value::Null);
            while let Some(query) = at {
                let (found, list) = page(&query).await;
                assert_eq!(list["start"], seen.len());
                seen.extend(found);
                at = query_of(&list["next_page_uri"]);
                last = list;
            }
            assert_eq!(seen, (0..ENTRIES).collect::<Vec<_>>());
            let mut back = 0;
            while let Some(query) = query_of(&last["previous_page_uri"]) {
                assert!(query.contains("To=whatsapp%3A%2B1&DateSent%3C=2026-01-01"), "{query}");
                let (found, list) = page(&query).await;
                assert_eq!(list["start"], found[0]);
                assert_eq!(query_of(&list["uri"]).unwrap(), query);
                (last, back) = (list, back + 1);
            }
            let before = ENTRIES.div_ceil(size) - 1;
            assert_eq!(back, if before > TRAIL_MAX + 1 { TRAIL_MAX } else { before }, "size {size}");
        }
    }

    #[tokio::test]
    async fn a_list_has_one_key_that_is_no_link() {
        let (_, list) = page("").await;
        let known = ["page", "page_size", "start", "end", "uri", "first_page_uri", "next_page_uri", "previous_page_uri"];
        let other: Vec<&String> = list.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())).collect();
        assert_eq!(other, ["numbers"]);
        assert_eq!((&list["page_size"], &list["previous_page_uri"], &list["end"]), (&json!(50), &Value::Null, &json!(49)));
        let (filters, base) = (form("Language=en&Language=es"), Base::new("https://gw.example.com"));
        let meta = Paging::read(&filters).unwrap().meta(&base, "/v2/Content", &filters, "contents", Some("7"));
        let meta = serde_json::to_value(meta).unwrap();
        assert_eq!(meta["first_page_url"], "https://gw.example.com/v2/Content?Language=en&Language=es&PageSize=50&Page=0");
        assert!(
            meta["next_page_url"].as_str().unwrap().starts_with("https://gw.example.com/v2/Content?Language=en&Language=es&")
        );
        assert_eq!((&meta["previous_page_url"], &meta["key"]), (&Value::Null, &json!("contents")));
    }

    #[tokio::test]
    async fn a_token_that_was_made_up_is_refused() {
        let long = "A".repeat(TOKEN_MAX + 1);
        let many = BASE64.encode(vec!["1"; TRAIL_MAX + 2].join("\n"));
        for query in [
            "PageToken=%21",
            &format!("PageToken={long}"),
            &format!("PageToken={many}"),
            "PageToken=Cg",
            "Page=2",
            "PageSize=0",
            "PageSize=1001",
            "Page=-1",
        ] {
            assert_eq!(Paging::read(&form(query)).unwrap_err().code, Code::ParameterInvalid, "{query}");
        }
        let theirs = format!("Page=1&PageToken={}", BASE64.encode("x7"));
        let refused = Paging::read(&form(&theirs)).unwrap().gather(numbers).await.unwrap_err();
        assert!(refused.message.starts_with("PageToken"), "{refused:?}");
        let down = async |_| Err::<(Vec<usize>, _), _>(Problem::new(ErrorCode::StoreUnavailable, "No."));
        assert_eq!(Paging::read(&form("")).unwrap().gather(down).await.unwrap_err().code, Code::Unavailable);
    }
}
