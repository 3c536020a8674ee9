//! `dev.env`: what `transom dev` writes and everything else reads to find it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::fail::Fail;

/// Name of the file in dev's folder.
pub(crate) const FILE: &str = "dev.env";

/// What is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DevEnv {
    pub(crate) transom_url: String,
    pub(crate) business: String,
    pub(crate) api_key: String,
    pub(crate) sender: String,
    pub(crate) simulator_url: String,
    pub(crate) graph_url: String,
    pub(crate) app_id: String,
    pub(crate) app_secret: String,
    pub(crate) verify_token: String,
    pub(crate) access_token: String,
    pub(crate) waba_id: String,
    pub(crate) phone_number_id: String,
    pub(crate) catalog_id: String,
    /// Empty in a file that was written before there were Pages.
    pub(crate) page_id: String,
    pub(crate) page_token: String,
    /// Empty in a file that was written before there was Twilio's dialect.
    pub(crate) twilio_account_sid: String,
    pub(crate) twilio_auth_token: String,
}

impl DevEnv {
    fn lines(&self) -> [(&'static str, &str); 17] {
        [
            ("TRANSOM_URL", &self.transom_url),
            ("TRANSOM_BUSINESS", &self.business),
            ("TRANSOM_API_KEY", &self.api_key),
            ("TRANSOM_SENDER", &self.sender),
            ("SIMULATOR_URL", &self.simulator_url),
            ("META_GRAPH_URL", &self.graph_url),
            ("META_APP_ID", &self.app_id),
            ("META_APP_SECRET", &self.app_secret),
            ("META_VERIFY_TOKEN", &self.verify_token),
            ("META_ACCESS_TOKEN", &self.access_token),
            ("META_WABA_ID", &self.waba_id),
            ("META_PHONE_NUMBER_ID", &self.phone_number_id),
            ("META_CATALOG_ID", &self.catalog_id),
            ("MESSENGER_PAGE_ID", &self.page_id),
            ("MESSENGER_PAGE_TOKEN", &self.page_token),
            ("TWILIO_ACCOUNT_SID", &self.twilio_account_sid),
            ("TWILIO_AUTH_TOKEN", &self.twilio_auth_token),
        ]
    }

    /// As it is written: `KEY=value` lines, no quotes.
    pub(crate) fn text(&self) -> String {
        self.lines().iter().map(|(key, value)| format!("{key}={value}\n")).collect()
    }

    /// Writes it whole, for this user alone.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Fail> {
        transom_gateway::seal::write_private(path, self.text().as_bytes()).map_err(|why| {
            Fail::new(format!("{} cannot be written: {why}", path.display()))
                .remedy("Make the folder writable, or choose another with --dir.")
        })
    }

    /// Reads one.
    ///
    /// # Errors
    /// When it cannot be read, or a key is missing.
    pub(crate) fn read(path: &Path) -> Result<Self, Fail> {
        let text = std::fs::read_to_string(path).map_err(|why| {
            let remedy = "Only `transom dev` writes this file; for any other gateway set TRANSOM_URL, TRANSOM_BUSINESS and TRANSOM_API_KEY.";
            Fail::usage(format!("{} cannot be read: {why}", path.display())).remedy(remedy)
        })?;
        Self::parse(&text).map_err(|key| {
            Fail::usage(format!("{} has no {key}", path.display()))
                .remedy("Give the dev.env that this version of `transom dev` has written.")
        })
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let found: BTreeMap<&str, &str> =
            text.lines().filter_map(|line| line.trim().split_once('=')).filter(|(key, _)| !key.starts_with('#')).collect();
        let get = |key: &'static str| found.get(key).filter(|v| !v.is_empty()).map(|v| (*v).to_owned()).ok_or(key);
        Ok(Self {
            transom_url: get("TRANSOM_URL")?,
            business: get("TRANSOM_BUSINESS")?,
            api_key: get("TRANSOM_API_KEY")?,
            sender: get("TRANSOM_SENDER")?,
            simulator_url: get("SIMULATOR_URL")?,
            graph_url: get("META_GRAPH_URL")?,
            app_id: get("META_APP_ID")?,
            app_secret: get("META_APP_SECRET")?,
            verify_token: get("META_VERIFY_TOKEN")?,
            access_token: get("META_ACCESS_TOKEN")?,
            waba_id: get("META_WABA_ID")?,
            phone_number_id: get("META_PHONE_NUMBER_ID")?,
            catalog_id: get("META_CATALOG_ID")?,
            page_id: get("MESSENGER_PAGE_ID").unwrap_or_default(),
            page_token: get("MESSENGER_PAGE_TOKEN").unwrap_or_default(),
            twilio_account_sid: get("TWILIO_ACCOUNT_SID").unwrap_or_default(),
            twilio_auth_token: get("TWILIO_AUTH_TOKEN").unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> DevEnv {
        let word = |n: u8| format!("value{n}");
        DevEnv {
            transom_url: word(1),
            business: word(2),
            api_key: word(3),
            sender: word(4),
            simulator_url: word(5),
            graph_url: word(6),
            app_id: word(7),
            app_secret: word(8),
            verify_token: word(9),
            access_token: word(10),
            waba_id: word(11),
            phone_number_id: word(12),
            catalog_id: word(13),
            page_id: word(14),
            page_token: word(15),
            twilio_account_sid: word(16),
            twilio_auth_token: word(17),
        }
    }

    #[test]
    fn what_is_written_reads_back_and_only_its_owner_may() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        some().write(&path).unwrap();
        assert_eq!(DevEnv::read(&path).unwrap(), some());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_missing_key_is_named() {
        let text = some().text().replace("META_WABA_ID=value11\n", "");
        assert_eq!(DevEnv::parse(&text), Err("META_WABA_ID"));
        // A folder from before there were Pages gets its Page at the next start.
        let older: String = some().text().lines().filter(|l| !l.starts_with("MESSENGER_")).map(|l| format!("{l}\n")).collect();
        assert_eq!(DevEnv::parse(&older).map(|env| env.page_id), Ok(String::new()));
    }
}
