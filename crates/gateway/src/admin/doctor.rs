//! The doctor: what is wrong with the house or with a sender, and how to mend it.

use transom_domain::id::SenderId;
use transom_store::Sender;

use super::Admin;
use super::command::{AdminAnswer, Finding, Level};
use crate::config::ByteSize;
use crate::problem::Problem;
use crate::service::{Step, StepName, StepState};
use crate::work::replicas::unlike;

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
        if self.service.store.is_shared() {
            let unlike = unlike(&self.service.store.replicas().await?);
            found.extend(
                unlike.into_iter().map(|said| finding(Level::Warning, "replicas", said, "Mend the one, and start it again.")),
            );
        }
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
        found.extend(self.look_at_sign_in().await);
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

    /// The provider at which people sign in to the console.
    async fn look_at_sign_in(&self) -> Option<Finding> {
        let oidc = self.oidc.as_ref()?;
        Some(match oidc.probe().await {
            Ok(()) => finding(Level::Fine, "oidc", format!("{} says what it is, and its keys can be read", oidc.issuer()), ""),
            Err(why) => finding(
                Level::Problem,
                "oidc",
                format!("nobody can sign in at {}: {why}", oidc.issuer()),
                "Check oidc.issuer (to the letter as the provider spells it), and that this server reaches it over https.",
            ),
        })
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
        let Some(url) = &self.service.public_url else {
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
            let (Some(callback), Some(open)) =
                (self.service.callback_of_app(&app.id), self.service.directory.now().app(&app.id).cloned())
            else {
                continue;
            };
            found.push(match self.service.own_handshake(&callback, &open.verify_token).await {
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

    /// Looks one sender over.
    pub(super) async fn sender_check(&self, id: SenderId) -> Result<AdminAnswer, Problem> {
        let sender = self.sender(id).await?;
        let mut data = self.look_over(&sender).await?;
        data.sort_by_key(|f| f.level);
        Ok(AdminAnswer::Findings { data })
    }

    /// Looks one sender over, here and at Meta. Of what is in order at Meta one line is enough.
    async fn look_over(&self, sender: &Sender) -> Result<Vec<Finding>, Problem> {
        let about = format!("sender {}", sender.address);
        let here = self.service.look_here(sender).await?;
        let mut found: Vec<Finding> = here
            .into_iter()
            .filter(|step| step.what != StepName::State || step.state != StepState::Done)
            .map(|s| told(&about, s))
            .collect();
        let at_meta = self.service.look_at_meta(sender).await?;
        let wrong: Vec<Finding> =
            at_meta.into_iter().filter(|step| step.state != StepState::Done).map(|step| told(&about, step)).collect();
        if wrong.is_empty() {
            found.push(finding(Level::Fine, &about, "Meta knows it, the app is subscribed, its token works", ""));
        }
        found.extend(wrong);
        Ok(found)
    }
}

/// What was seen of a sender, among all that was found.
fn told(about: &str, step: Step) -> Finding {
    let level = match step.state {
        StepState::Failed => Level::Problem,
        StepState::Warning => Level::Warning,
        StepState::Done | StepState::Skipped => Level::Fine,
    };
    finding(level, about, step.explanation, step.remedy.unwrap_or_default())
}
