//! The gateway's API, spoken to like anybody else does: which gateway, which business, under which key.

use std::path::Path;

use serde_json::Value;

use crate::args::Target;
use crate::client::Client;
use crate::env_file::{DevEnv, FILE};
use crate::fail::Fail;
use crate::out;

/// A gateway and the business to speak for.
pub(crate) struct Api {
    /// Under the business's key.
    pub(crate) client: Client,
    business: String,
}

impl Api {
    /// The gateway that is named, or the one of the folder at hand.
    ///
    /// # Errors
    /// When none is named, or the file that names it cannot be read.
    pub(crate) fn of(target: &Target) -> Result<Self, Fail> {
        let fallback = Path::new(".transom").join(FILE);
        let named = target.env.clone().or_else(|| target.dir.as_ref().map(|dir| dir.join(FILE)));
        let var = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let given = |flag: &Option<String>, name: &str| flag.clone().or_else(|| var(name));
        let (url, business, key) = (
            given(&target.url, "TRANSOM_URL"),
            given(&target.business, "TRANSOM_BUSINESS"),
            given(&target.key, "TRANSOM_API_KEY"),
        );
        let (url, business, key) = match (named, url, business, key) {
            (Some(file), ..) => of_env(DevEnv::read(&file)?),
            (None, Some(url), Some(business), Some(key)) => (url, business, key),
            (None, None, None, None) if fallback.exists() => of_env(DevEnv::read(&fallback)?),
            _ => {
                return Err(Fail::usage("no gateway is named")
                    .remedy("Give --dir, the folder of `transom dev`; for any other gateway set TRANSOM_URL, TRANSOM_BUSINESS and TRANSOM_API_KEY, or give --url, --business and --key."));
            }
        };
        Ok(Self { client: Client::native(&url, &key)?, business })
    }

    /// The business's id.
    pub(crate) fn business(&self) -> &str {
        &self.business
    }

    /// A path of the business.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/businesses/{}/{rest}", self.business)
    }
}

fn of_env(env: DevEnv) -> (String, String, String) {
    (env.transom_url, env.business, env.api_key)
}

/// The published error object as a failure; with `--json` it is also printed as it came.
///
/// # Errors
/// When the object cannot be printed.
pub(crate) fn refusal(json: bool, answer: &Value, status: u16) -> Result<Fail, Fail> {
    if json {
        out::json(answer)?;
    }
    let code = answer["code"].as_str().map_or_else(|| format!("HTTP {status}"), str::to_owned);
    let fail = Fail::new(format!("{} ({code})", answer["message"].as_str().unwrap_or("refused")));
    let remedy = answer.pointer("/details/remedy").or_else(|| answer.get("userMessage")).and_then(Value::as_str);
    Ok(match remedy {
        Some(remedy) => fail.remedy(remedy),
        None => fail,
    })
}

/// A part of a path or query, with everything but plain characters in percent signs.
pub(crate) fn encoded(text: &str) -> String {
    let mut printed = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~') {
            printed.push(char::from(byte));
        } else {
            printed.push_str(&format!("%{byte:02X}"));
        }
    }
    printed
}
