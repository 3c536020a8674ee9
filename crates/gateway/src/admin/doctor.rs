//! The doctor: what is wrong with the house or with a sender, and how to mend it.

use transom_domain::address::Channel;
use transom_meta::graph::{NumberStatus, Quality};
use transom_store::{Sender, SenderState};

use super::command::{Finding, Level};
use super::meta_side::TokenSaid;
use super::sender::in_words;
use super::{Admin, rfc3339};
use crate::config::ByteSize;
use crate::problem::Problem;

/// Fewer messages than this say nothing about what is lost.
const SILENCE_LEAST: u64 = 50;
/// One in so many of which nothing at all was heard is told.
const SILENCE_SHARE: u64 = 50;

pub(super) fn finding(level: Level, about: &str, said: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { level, about: about.to_owned(), said: said.into(), remedy: remedy.into() }
}

impl Admin {
    /// Looks everything over; the worst first.
    pub(super) async fn doctor(&self) -> Result<Vec<Finding>, Problem> {
        let mut found = Vec::new();
        match self.service.store.probe(self.service.now()).await {
            Ok(()) => found.push(finding(Level::Fine, "store", "commits work", "")),
            Err(why) => found.push(finding(
                Level::Problem,
                "store",
                why.to_string(),
                "Check that the disk has room and the folder can be written.",
            )),
        }
        self.look_at_store(&mut found);
        let vault = &self.service.files.vault;
        match vault.probe().await {
            Ok(()) => found.push(finding(Level::Fine, "media", format!("files are kept in {}", vault.place()), "")),
            Err(why) => found.push(finding(
                Level::Problem,
                "media",
                why.to_string(),
                "Check that it can be reached and written; what customers send is fetched for seven days, then Meta forgets it.",
            )),
        }
        self.look_at_address(&mut found).await?;
        let businesses = self.service.store.businesses().await?;
        if businesses.is_empty() {
            found.push(finding(
                Level::Problem,
                "businesses",
                "there is none yet",
                "Make one with `transom business add --name NAME`.",
            ));
        }
        let now = self.service.now();
        let senders = self.service.store.senders().await?;
        for business in &businesses {
            let about = format!("business {}", business.name);
            let keys = self.service.store.keys(business.id).await?;
            let usable = keys.iter().any(|k| k.revoked_at.is_none() && k.expires_at.is_none_or(|at| at > now));
            if !usable {
                found.push(finding(
                    Level::Warning,
                    &about,
                    "it has no API key that works",
                    format!("Make one with `transom key add --business {}`.", business.id),
                ));
            }
            if !senders.iter().any(|s| s.business == business.id) {
                found.push(finding(Level::Warning, &about, "it has no sender", "Add one with `transom sender add`."));
            }
        }
        for endpoint in self.service.store.endpoints(None).await? {
            let about = format!("endpoint {}", endpoint.address);
            if let Some(why) = &endpoint.health.disabled {
                found.push(finding(
                    Level::Problem,
                    &about,
                    format!("it is switched off: {why}"),
                    format!("Mend it, then `transom endpoint enable {}`.", endpoint.id),
                ));
            } else if endpoint.health.failures > 0 {
                let last = endpoint.health.last_error.as_deref().unwrap_or("no reason noted");
                let said = format!("{} deliveries in a row failed; last: {last}", endpoint.health.failures);
                found.push(finding(
                    Level::Warning,
                    &about,
                    said,
                    "Events wait and are tried again for three days; look at the endpoint's own log.",
                ));
            }
        }
        for sender in &senders {
            found.extend(self.look_at_silence(sender).await?);
            found.extend(self.look_over(sender).await?);
        }
        found.sort_by_key(|f| f.level);
        Ok(found)
    }

    /// Statuses that never came: what Meta tells of every message is not heard of too many.
    async fn look_at_silence(&self, sender: &Sender) -> Result<Option<Finding>, Problem> {
        let silence = self.service.store.silence(sender.id, self.service.now()).await?;
        // A few say nothing: a phone that is switched off is no loss.
        if silence.messages < SILENCE_LEAST || silence.unheard * SILENCE_SHARE < silence.messages {
            return Ok(None);
        }
        let said = format!(
            "of {} messages of the last days that Meta took, no status came of {}, and {} were sent and neither delivered nor refused",
            silence.messages, silence.unheard, silence.undelivered
        );
        let remedy = "Check that the app is subscribed to `messages` at the account, and that Meta reaches this server; `transom journal search --field statuses` shows what came.";
        Ok(Some(finding(Level::Warning, &format!("sender {}", sender.address), said, remedy)))
    }

    fn look_at_store(&self, found: &mut Vec<Finding>) {
        let condition = self.service.store.condition();
        if let Some(disk) = condition.disk.filter(|disk| disk.low) {
            found.push(finding(
                Level::Problem,
                "disk",
                format!(
                    "it has {} left, and {} are kept for what is heard: sends are refused",
                    ByteSize(disk.free),
                    ByteSize(disk.reserve)
                ),
                "Make room on the store's disk; sends go on by themselves once there is.",
            ));
        }
        if condition.log_max > 0 && condition.log_bytes > condition.log_max {
            found.push(finding(
                Level::Warning,
                "store",
                format!(
                    "its write-ahead log has {}, more than its ceiling of {}",
                    ByteSize(condition.log_bytes),
                    ByteSize(condition.log_max)
                ),
                "Look for a program that reads transom.db, such as a shell with an open transaction, and end it.",
            ));
        }
    }

    async fn look_at_address(&self, found: &mut Vec<Finding>) -> Result<(), Problem> {
        let apps = self.service.store.apps().await?;
        if apps.is_empty() {
            found.push(finding(
                Level::Warning,
                "apps",
                "there is none yet",
                "Add the app's id and secret with `transom app put`.",
            ));
        }
        let Some(url) = &self.public_url else {
            found.push(finding(
                Level::Warning,
                "server.public_url",
                "no server runs on this folder, or it does not know its public address: Meta cannot reach it",
                "Set server.public_url to the https address under which Meta reaches this server, and start `transom serve`.",
            ));
            return Ok(());
        };
        let local = url.starts_with("http://127.") || url.starts_with("http://localhost") || url.starts_with("http://[::1]");
        if url.starts_with("http://") && !local {
            found.push(finding(
                Level::Problem,
                "server.public_url",
                format!("{url} is not https: Meta refuses it"),
                "Put a proxy with a valid certificate in front.",
            ));
        }
        for app in apps {
            let about = format!("app {}", app.id);
            let (Some(callback), Some(open)) = (self.callback(&app.id), self.service.directory.now().app(&app.id).cloned())
            else {
                continue;
            };
            found.push(match self.own_handshake(&callback, &open.verify_token).await {
                Ok(()) => finding(Level::Fine, &about, format!("{callback} answers the handshake"), ""),
                Err(why) => finding(
                    Level::Warning,
                    &about,
                    format!("{callback} could not be tried from here: {why}"),
                    "Try it from outside; Meta must reach it over https.",
                ),
            });
        }
        Ok(())
    }

    /// Looks one sender over, here and at Meta.
    pub(super) async fn look_over(&self, sender: &Sender) -> Result<Vec<Finding>, Problem> {
        let about = format!("sender {}", sender.address);
        let mut found = Vec::new();
        if let SenderState::Stopped { failure, since } = &sender.state {
            found.push(finding(
                Level::Problem,
                &about,
                format!("it is stopped since {}: {}", rfc3339(*since), failure.message),
                format!("Mend what is said of it here, then `transom sender resume {}`; its queue is kept.", sender.address),
            ));
        }
        found.extend(self.look_at_queue(sender, &about).await?);
        let at_meta = self.at_meta(sender, &about).await?;
        if at_meta.is_empty() {
            found.push(finding(Level::Fine, &about, "Meta knows it, the app is subscribed, its token works", ""));
        }
        found.extend(at_meta);
        Ok(found)
    }

    /// What Meta says of a sender; empty when all is well.
    pub(super) async fn at_meta(&self, sender: &Sender, about: &str) -> Result<Vec<Finding>, Problem> {
        let mut found = Vec::new();
        let Ok(token) = self.service.key.open_text(&sender.token) else {
            found.push(finding(
                Level::Problem,
                about,
                "its token was sealed with another key",
                "Start with the sealing key this folder was made with, or add the sender again.",
            ));
            return Ok(found);
        };
        if sender.channel == Channel::Messenger {
            return Ok(self.page_at_meta(sender, &token, about).await);
        }
        let number = match self.number(&sender.account, &token).await {
            Ok(number) => number,
            Err(why) => {
                found.push(finding(
                    Level::Problem,
                    about,
                    format!("Meta does not show the number: {why}"),
                    "If the token has expired or was revoked, make a new one and run `transom sender add` again.",
                ));
                return Ok(found);
            }
        };
        if number.wants_registration() {
            let said = format!("the number is not registered{}", in_words(number.status));
            found.push(finding(Level::Problem, about, said, "Run `transom sender add` again with --pin."));
        } else if matches!(number.status, NumberStatus::Banned | NumberStatus::Deleted | NumberStatus::Migrated) {
            let said = format!("the number cannot send{}", in_words(number.status));
            found.push(finding(Level::Problem, about, said, "Look it up in WhatsApp Manager; Meta's support can lift a ban."));
        }
        if number.quality == Quality::Red {
            found.push(finding(
                Level::Warning,
                about,
                "Meta rates its quality RED",
                "Send less marketing, and only to those who asked for it.",
            ));
        }
        if number.name_status.as_deref().is_some_and(|s| matches!(s, "DECLINED" | "EXPIRED")) {
            found.push(finding(
                Level::Warning,
                about,
                "Meta has not approved its display name",
                "Submit another display name in WhatsApp Manager.",
            ));
        }
        let app = self.service.directory.now().app(&sender.app).cloned();
        match app {
            None => found.push(finding(
                Level::Problem,
                about,
                format!("its app {} is not known here", sender.app),
                "Add it with `transom app put`.",
            )),
            Some(app) => match self.token(&sender.app, &app.secret, &token, sender.waba.as_deref().unwrap_or_default()).await {
                TokenSaid::Valid(missing) if missing.is_empty() => {}
                TokenSaid::Valid(missing) => {
                    found.push(finding(
                        Level::Problem,
                        about,
                        format!("its token lacks {}", missing.join(" and ")),
                        "Make a token with both WhatsApp scopes and run `transom sender add` again.",
                    ));
                }
                TokenSaid::Invalid(why) => {
                    found.push(finding(
                        Level::Problem,
                        about,
                        format!("its token cannot be used: {why}"),
                        "Make a new system user token and run `transom sender add` again.",
                    ));
                }
                TokenSaid::Silent(why) => {
                    found.push(finding(
                        Level::Warning,
                        about,
                        format!("its token's scopes could not be checked: {why}"),
                        "Check the app secret with `transom app put`.",
                    ));
                }
            },
        }
        if let Some(waba) = &sender.waba {
            let ours = self.callback(&sender.app);
            match self.subscribed(waba, &sender.app, &token).await {
                Ok(None) => found.push(finding(
                    Level::Problem,
                    about,
                    "the app is not subscribed to its account: nothing is heard",
                    "Run `transom sender add` again.",
                )),
                Ok(Some(at)) if !at.is_empty() && ours.as_ref().is_some_and(|o| *o != at) => {
                    found.push(finding(
                        Level::Problem,
                        about,
                        format!("Meta calls {at} instead of {}", ours.unwrap_or_default()),
                        "Run `transom sender add` again.",
                    ));
                }
                Ok(Some(_)) => {}
                Err(why) => found.push(finding(
                    Level::Problem,
                    about,
                    format!("its subscription cannot be read: {why}"),
                    "Check that the token may manage the account.",
                )),
            }
        }
        Ok(found)
    }
}
