//! Pages: adding one step by step, and looking one over.
//!
//! Unlike an account of WhatsApp a Page has no callback of its own: its webhooks go where the app's go for the object `page`. One that
//! leads somewhere else is somebody's work and is never taken away here.

use http::Method;

use transom_domain::address::{Channel, Identity, Psid};
use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, SenderId};
use transom_meta::graph;
use transom_meta::messenger::{self, Page, WEBHOOK_FIELDS};
use transom_store::{Action, PutSender, Sender, SenderState};

use super::command::{AdminAnswer, Finding, Level, Secret, StepOutcome};
use super::doctor::finding;
use super::sender::{Steps, refused};
use super::{Admin, meta_id, sealing};
use crate::directory::OpenApp;
use crate::problem::Problem;

/// What `sender add` is given for a Page.
pub(super) struct NewPage {
    pub(super) app: String,
    pub(super) page: String,
    pub(super) token: Secret,
}

/// Messages per second of a Page: text, links, reactions (Meta: messenger-platform/overview, rate limiting).
const PAGE_PER_SECOND: u32 = 300;
/// What a Page's token must be good for: sending, and subscribing the app.
const SCOPES: [&str; 2] = ["pages_messaging", "pages_manage_metadata"];

impl Admin {
    /// Reads, checks, sets the callback, subscribes, stores. Nothing is stored unless all that comes before went well; doing it again is
    /// safe.
    pub(super) async fn page_add(&self, business: BusinessId, new: NewPage) -> Result<AdminAnswer, Problem> {
        meta_id("app", &new.app)?;
        meta_id("page", &new.page)?;
        let mut steps = Steps::default();
        let app = self.opened_app(&new.app).await?;
        let callback = self.reachable_callback(&new.app)?;
        let page = self.read_page(&new.page, &new.token.0).await.map_err(|why| {
            refused(format!("Page {} cannot be read from Meta: {why}.", new.page), "Check the Page's id and its token.")
        })?;
        steps.done("read", format!("Page {}", page.name.as_deref().unwrap_or("without a name")));
        match self.page_token(&new.app, &app, &new.token.0).await {
            Ok(missing) if missing.is_empty() => steps.done("token", "valid, with both permissions"),
            Ok(missing) => {
                let message = format!("The token lacks the permission {}.", missing.join(" and "));
                return Err(refused(message, "Make a Page token with pages_messaging and pages_manage_metadata."));
            }
            Err(why) => steps.note("token", StepOutcome::Warned, format!("its permissions could not be checked: {why}")),
        }
        match self.own_handshake(&callback, &app.verify_token).await {
            Ok(()) => steps.done("reach", format!("{callback} answers the handshake")),
            Err(why) => steps.note("reach", StepOutcome::Warned, format!("{callback} could not be tried from here: {why}")),
        }
        self.call_back(&new.app, &app, &callback).await?;
        steps.done("callback", format!("Meta did the handshake; what Pages hear goes to {callback}"));
        let subscribed = self.post_as(&messenger::subscribe_path(&new.page), &new.token.0).await;
        subscribed.map_err(|why| {
            let message = format!("App {} cannot be subscribed to Page {}: {why}.", new.app, new.page);
            refused(message, "Check that the token is the Page's own, with pages_manage_metadata.")
        })?;
        steps.done("subscribe", format!("to {}", WEBHOOK_FIELDS.join(", ")));
        let sender = self.keep_page(business, &new, &page).await?;
        steps.done("store", format!("sender {} is {}", sender.id, sender.address));
        Ok(AdminAnswer::SenderAdded { sender: self.sender_view(&sender).await?, steps: steps.0 })
    }

    async fn read_page(&self, page: &str, token: &str) -> Result<Page, String> {
        let said = self.service.upstream.call(Method::GET, &messenger::page_path(page), token, None).await.json()?;
        let read = messenger::parse_page(&said).map_err(|why| why.to_string())?;
        if read.id == page { Ok(read) } else { Err(format!("Graph shows {} in its place", read.id)) }
    }

    async fn post_as(&self, path: &str, token: &str) -> Result<(), String> {
        self.service.upstream.call(Method::POST, path, token, None).await.json().map(drop)
    }

    /// The permissions that a Page's token lacks.
    async fn page_token(&self, id: &str, app: &OpenApp, token: &str) -> Result<Vec<&'static str>, String> {
        let said =
            self.service.upstream.call(Method::GET, &graph::debug_token_path(token), &own_token(id, app), None).await.json()?;
        let token = graph::parse_debug_token(&said).map_err(|why| why.to_string())?;
        match token.app_id {
            _ if !token.is_valid => Err("Meta says that the token is not valid".to_owned()),
            Some(of) if of != id => Err(format!("the token is of app {of}, not of app {id}")),
            _ => Ok(SCOPES.into_iter().filter(|scope| !token.scopes.iter().any(|has| has == scope)).collect()),
        }
    }

    /// Where what Pages hear goes now; none when nowhere.
    async fn page_callback(&self, id: &str, app: &OpenApp) -> Result<Option<String>, String> {
        let path = graph::app_subscriptions_path(id);
        let said = self.service.upstream.call(Method::GET, &path, &own_token(id, app), None).await.json()?;
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
        let called = self.service.upstream.call(Method::POST, &path, &own_token(id, app), Some(&body)).await.json();
        called.map(drop).map_err(|why| {
            refused(
                format!("The callback {callback} cannot be set for Pages: {why}."),
                "Meta must reach that address over https with a valid certificate; check server.public_url and the proxy before it.",
            )
        })
    }

    async fn keep_page(&self, business: BusinessId, new: &NewPage, page: &Page) -> Result<Sender, Problem> {
        let address = Psid::parse(&new.page).map_err(|why| Problem::field("page", why.to_string(), "give the Page's id"))?;
        let now = self.service.now();
        let senders = self.service.store.senders().await?;
        let known =
            senders.into_iter().find(|s| s.channel == Channel::Messenger && s.account == new.page && s.business == business);
        let (id, created_at) =
            known.map_or_else(|| (SenderId::compose(now, self.service.chance.draw()), now), |s| (s.id, s.created_at));
        let sender = Sender {
            id,
            business,
            channel: Channel::Messenger,
            address: Identity::Psid(address),
            name: page.name.clone(),
            account: new.page.clone(),
            waba: None,
            app: new.app.clone(),
            token: self.service.key.seal(new.token.0.as_bytes()).map_err(sealing)?,
            throughput: PAGE_PER_SECOND,
            state: SenderState::Active,
            created_at,
        };
        match self.service.store.put_sender(sender.clone()).await? {
            PutSender::Stored => {}
            PutSender::TakenByAnotherBusiness => {
                let message = format!("Page {} belongs to another business here.", new.page);
                return Err(
                    Problem::new(ErrorCode::StateConflict, message).remedy("A Page belongs to one business; use that one.")
                );
            }
        }
        self.audited(business, Action::SenderPut, sender.id).await;
        self.service.directory.reload().await?;
        Ok(sender)
    }

    /// What Meta says of a Page; empty when all is well.
    pub(super) async fn page_at_meta(&self, sender: &Sender, token: &str, about: &str) -> Vec<Finding> {
        const AGAIN: &str = "Run `transom sender add --page …` again.";
        let mut found = Vec::new();
        if let Err(why) = self.read_page(&sender.account, token).await {
            let remedy = "If the token has expired or was revoked, make a new one and run `transom sender add --page …` again.";
            found.push(finding(Level::Problem, about, format!("Meta does not show the Page: {why}"), remedy));
            return found;
        }
        let Some(app) = self.service.directory.now().app(&sender.app).cloned() else {
            let said = format!("its app {} is not known here", sender.app);
            found.push(finding(Level::Problem, about, said, "Add it with `transom app put`."));
            return found;
        };
        match self.page_token(&sender.app, &app, token).await {
            Ok(missing) if missing.is_empty() => {}
            Ok(missing) => {
                found.push(finding(Level::Problem, about, format!("its token lacks {}", missing.join(" and ")), AGAIN));
            }
            Err(why) => {
                found.push(finding(Level::Warning, about, format!("its token could not be checked: {why}"), AGAIN));
            }
        }
        match (self.page_callback(&sender.app, &app).await, self.callback(&sender.app)) {
            (Ok(None), _) => {
                found.push(finding(Level::Problem, about, "its app has no callback for Pages: nothing is heard", AGAIN));
            }
            (Ok(Some(at)), Some(ours)) if at != ours => {
                found.push(finding(Level::Problem, about, format!("Meta calls {at} instead of {ours}"), AGAIN));
            }
            (Ok(Some(_)), _) => {}
            (Err(why), _) => {
                found.push(finding(Level::Problem, about, format!("its app's callback cannot be read: {why}"), AGAIN));
            }
        }
        match self.subscribed(&sender.account, &sender.app, token).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                let said = "the app is not subscribed to the Page: nothing is heard";
                found.push(finding(Level::Problem, about, said, AGAIN));
            }
            Err(why) => {
                found.push(finding(Level::Problem, about, format!("its subscription cannot be read: {why}"), AGAIN));
            }
        }
        found
    }
}

/// An app speaks for itself with its id and its secret.
fn own_token(id: &str, app: &OpenApp) -> String {
    format!("{id}|{}", String::from_utf8_lossy(&app.secret))
}
