//! Pages: adding one step by step, and looking one over.
//!
//! Unlike an account of WhatsApp a Page has no callback of its own: its webhooks go where the app's go for the object `page`. One that
//! leads somewhere else is somebody's work and is never taken away here.

use http::Method;

use transom_domain::address::{Channel, Identity, Psid};
use transom_domain::id::SenderId;
use transom_meta::graph::{self, DebugToken};
use transom_meta::messenger::{self, Page, WEBHOOK_FIELDS};
use transom_store::{Sender, SenderState};

use super::meta_side::{TokenSaid, own_token};
use super::number::Under;
use super::step::{Step, StepName, StepState, Steps, step};
use super::{refused, sealing};
use crate::directory::OpenApp;
use crate::problem::Problem;
use crate::service::{Caller, Service};

/// Messages per second of a Page: text, links, reactions (Meta: messenger-platform/overview, rate limiting).
const PAGE_PER_SECOND: u32 = 300;
/// What a Page's token must be good for: sending, and subscribing the app.
const SCOPES: [&str; 2] = ["pages_messaging", "pages_manage_metadata"];

impl Service {
    pub(super) async fn add_page(
        &self,
        caller: &Caller,
        under: &Under<'_>,
        id: &str,
        steps: &mut Steps,
    ) -> Result<Sender, Problem> {
        steps.begin(StepName::Read);
        let page = self.read_page(id, under.token).await.map_err(|why| {
            refused(format!("Page {id} cannot be read from Meta: {why}."), "Check the Page's id and its token.")
        })?;
        steps.done(format!("Page {}", page.name.as_deref().unwrap_or("without a name")));
        steps.begin(StepName::Token);
        match self.page_token(under.id, under.app, under.token).await {
            TokenSaid::Valid(missing) if missing.is_empty() => steps.done("valid, with both permissions"),
            TokenSaid::Valid(missing) => {
                let message = format!("The token lacks the permission {}.", missing.join(" and "));
                return Err(refused(message, "Make a Page token with pages_messaging and pages_manage_metadata."));
            }
            TokenSaid::Invalid(why) => {
                return Err(refused(format!("The token cannot be used: {why}."), "Make a new Page token for this app."));
            }
            // Without the app's own token Meta does not look others over; the read above has shown that it works.
            TokenSaid::Silent(why) => {
                steps.warned(format!("its permissions could not be checked: {why}"), "Check the secret of the app.");
            }
        }
        self.reach(under, steps).await;
        steps.begin(StepName::Callback);
        self.call_back(under.id, under.app, under.callback).await?;
        steps.done(format!("Meta did the handshake; what Pages hear goes to {}", under.callback));
        steps.begin(StepName::Subscribe);
        let subscribed = self.post_as(&messenger::subscribe_path(id), under.token).await;
        subscribed.map_err(|why| {
            let message = format!("App {} cannot be subscribed to Page {id}: {why}.", under.id);
            refused(message, "Check that the token is the Page's own, with pages_manage_metadata.")
        })?;
        steps.done(format!("to {}", WEBHOOK_FIELDS.join(", ")));
        steps.begin(StepName::Store);
        let sender = self.keep_page(caller, under, id, &page).await?;
        steps.done(format!("sender {} is {}", sender.id, sender.address));
        Ok(sender)
    }

    async fn read_page(&self, page: &str, token: &str) -> Result<Page, String> {
        let said = self.upstream.call(Method::GET, &messenger::page_path(page), token, None).await.json()?;
        let read = messenger::parse_page(&said).map_err(|why| why.to_string())?;
        if read.id == page { Ok(read) } else { Err(format!("Graph shows {} in its place", read.id)) }
    }

    async fn post_as(&self, path: &str, token: &str) -> Result<(), String> {
        self.upstream.call(Method::POST, path, token, None).await.json().map(drop)
    }

    /// What Meta says of a Page's token.
    async fn page_token(&self, id: &str, app: &OpenApp, token: &str) -> TokenSaid {
        let lacks = |token: &DebugToken| {
            SCOPES.into_iter().filter(|scope| !token.scopes.iter().any(|has| has == scope)).collect::<Vec<_>>()
        };
        self.token(id, &app.secret, token, lacks).await
    }

    /// Where what Pages hear goes now; none when nowhere.
    async fn page_callback(&self, id: &str, app: &OpenApp) -> Result<Option<String>, String> {
        let path = graph::app_subscriptions_path(id);
        let said = self.upstream.call(Method::GET, &path, &own_token(id, &app.secret), None).await.json()?;
        let all = graph::parse_app_subscriptions(&said).map_err(|why| why.to_string())?;
        Ok(all.data.into_iter().find(|one| one.object == "page").and_then(|one| one.callback_url))
    }

    async fn call_back(&self, id: &str, app: &OpenApp, callback: &str) -> Result<(), Problem> {
        let unread = |why: String| {
            refused(format!("The callbacks of app {id} cannot be read: {why}."), "Check the app secret with `transom app put`.")
        };
        let present = self.page_callback(id, app).await.map_err(unread)?;
        // Ours under an address that we had before is ours.
        let ours = |url: &str| url.ends_with(&format!("/webhooks/meta/{id}"));
        if let Some(other) = present.filter(|url| !ours(url)) {
            return Err(refused(
                format!("What Pages hear through app {id} goes to {other}."),
                "An app has one callback for all its Pages: remove that one in Meta's app dashboard, or use another app.",
            ));
        }
        let body = messenger::app_subscription_body(callback, &app.verify_token);
        let path = graph::app_subscriptions_path(id);
        let called = self.upstream.call(Method::POST, &path, &own_token(id, &app.secret), Some(&body)).await.json();
        called.map(drop).map_err(|why| {
            refused(
                format!("The callback {callback} cannot be set for Pages: {why}."),
                "Meta must reach that address over https with a valid certificate; check server.public_url and the proxy before it.",
            )
        })
    }

    async fn keep_page(&self, caller: &Caller, under: &Under<'_>, id: &str, page: &Page) -> Result<Sender, Problem> {
        let address = Psid::parse(id).map_err(|why| Problem::field("pageId", why.to_string(), "give the Page's id"))?;
        let now = self.now();
        let sender = Sender {
            id: SenderId::compose(now, self.chance.draw()),
            business: caller.business,
            channel: Channel::Messenger,
            address: Identity::Psid(address),
            name: page.name.clone(),
            account: id.to_owned(),
            waba: None,
            app: under.id.to_owned(),
            token: self.key.seal(under.token.as_bytes()).map_err(sealing)?,
            throughput: PAGE_PER_SECOND,
            state: SenderState::Active,
            created_at: now,
        };
        self.keep_sender(caller, sender, &format!("Page {id} belongs to another business here.")).await
    }

    /// What Meta says of a Page.
    pub(super) async fn page_at_meta(&self, sender: &Sender, token: &str) -> Vec<Step> {
        const AGAIN: &str = "Add the Page again (`transom sender add --page …`).";
        let mut seen = Vec::new();
        match self.read_page(&sender.account, token).await {
            Ok(page) => {
                let name = page.name.as_deref().unwrap_or("without a name");
                seen.push(step(StepName::Read, StepState::Done, format!("Meta shows the Page: {name}"), ""));
            }
            Err(why) => {
                let remedy = "If the token has expired or was revoked, make a new one and give it to the sender (`transom sender add --page …`).";
                seen.push(step(StepName::Read, StepState::Failed, format!("Meta does not show the Page: {why}"), remedy));
                return seen;
            }
        }
        let Some(app) = self.directory.now().app(&sender.app).cloned() else {
            let said = format!("its app {} is not known here", sender.app);
            seen.push(step(StepName::App, StepState::Failed, said, "Add it with `transom app put`."));
            return seen;
        };
        seen.push(match self.page_token(&sender.app, &app, token).await {
            TokenSaid::Valid(missing) if missing.is_empty() => {
                step(StepName::Token, StepState::Done, "its token is valid, with both permissions", "")
            }
            TokenSaid::Valid(missing) => {
                step(StepName::Token, StepState::Failed, format!("its token lacks {}", missing.join(" and ")), AGAIN)
            }
            TokenSaid::Invalid(why) => {
                step(StepName::Token, StepState::Failed, format!("its token cannot be used: {why}"), AGAIN)
            }
            TokenSaid::Silent(why) => {
                let said = format!("its token could not be checked: {why}");
                step(StepName::Token, StepState::Warning, said, "Check the app secret with `transom app put`.")
            }
        });
        seen.push(match (self.page_callback(&sender.app, &app).await, self.callback_of_app(&sender.app)) {
            (Ok(None), _) => {
                step(StepName::Callback, StepState::Failed, "its app has no callback for Pages: nothing is heard", AGAIN)
            }
            (Ok(Some(at)), Some(ours)) if at != ours => {
                step(StepName::Callback, StepState::Failed, format!("Meta calls {at} instead of {ours}"), AGAIN)
            }
            (Ok(Some(at)), _) => step(StepName::Callback, StepState::Done, format!("Meta calls {at}"), ""),
            (Err(why), _) => {
                step(StepName::Callback, StepState::Failed, format!("its app's callback cannot be read: {why}"), AGAIN)
            }
        });
        seen.push(match self.subscribed(&sender.account, &sender.app, token).await {
            Ok(Some(_)) => step(StepName::Subscribe, StepState::Done, "the app is subscribed to the Page", ""),
            Ok(None) => {
                let said = "the app is not subscribed to the Page: nothing is heard";
                step(StepName::Subscribe, StepState::Failed, said, AGAIN)
            }
            Err(why) => step(StepName::Subscribe, StepState::Failed, format!("its subscription cannot be read: {why}"), AGAIN),
        });
        seen
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
