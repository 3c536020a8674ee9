//! Apps at Meta, under which webhooks arrive: kept for the whole house, and shared by the senders that name them.

use std::sync::Arc;

use http::Method;
use subtle::ConstantTimeEq as _;

use transom_domain::error_code::ErrorCode;
use transom_meta::graph;
use transom_store::{Action, App};

use super::step::{StepName, Steps};
use super::{meta_id, refused, sealing};
use crate::directory::OpenApp;
use crate::problem::Problem;
use crate::seal::{hex, random};
use crate::service::{Caller, Service};

impl Service {
    /// Makes or changes an app. Its verify token stays where none is given, and is made up for a new one.
    ///
    /// # Errors
    /// When the id is none of Meta's, or the secret empty.
    pub async fn put_app(&self, id: &str, secret: &str, verify_token: Option<&str>) -> Result<(), Problem> {
        meta_id("app", id)?;
        let secret = secret.trim();
        if secret.is_empty() {
            return Err(Problem::field("secret", "must not be empty", "give the app secret from the app's settings at Meta"));
        }
        let known = self.store.apps().await?.into_iter().find(|app| app.id == id);
        let seal = |text: &str| self.key.seal(text.as_bytes()).map_err(sealing);
        let verify_token = match (verify_token, known) {
            (Some(token), _) => seal(token.trim())?,
            (None, Some(app)) => app.verify_token,
            (None, None) => seal(&hex(&random::<16>().map_err(sealing)?))?,
        };
        self.store.put_app(App { id: id.to_owned(), secret: seal(secret)?, verify_token }).await?;
        Ok(self.directory.reload().await?)
    }

    /// Where Meta calls about an app, where our own address is known.
    #[must_use]
    pub fn callback_of_app(&self, app: &str) -> Option<String> {
        self.public_url.as_ref().map(|url| format!("{url}/webhooks/meta/{app}"))
    }

    /// The app that a new sender is to be under: the one named, else the only one. With a secret that is not known here, Meta is
    /// asked first: whoever knows what Meta accepts may have it kept, and nobody else can put another one in its place.
    pub(super) async fn app_of(
        &self,
        caller: &Caller,
        named: Option<&str>,
        secret: Option<&str>,
        steps: &mut Steps,
    ) -> Result<(String, Arc<OpenApp>), Problem> {
        steps.begin(StepName::App);
        self.directory.reload().await?;
        let id = match named {
            Some(id) => id.to_owned(),
            None => self.only_app().await?,
        };
        let is_known = |secret: &str| {
            self.directory.now().app(&id).is_some_and(|app| bool::from(app.secret.as_slice().ct_eq(secret.as_bytes())))
        };
        match secret.map(str::trim).filter(|secret| !is_known(secret)) {
            Some(secret) => {
                let path = graph::app_subscriptions_path(&id);
                let asked = self.upstream.call(Method::GET, &path, &format!("{id}|{secret}"), None).await.json();
                asked.map_err(|why| {
                    refused(
                        format!("Meta does not accept the secret of app {id}: {why}."),
                        "Copy the app secret from the app's settings at Meta, under Basic.",
                    )
                })?;
                self.put_app(&id, secret, None).await?;
                self.audited(caller, Action::AppPut, &id).await;
                steps.done(format!("Meta accepts the secret of app {id}; it is kept"));
            }
            None => steps.done(format!("app {id}")),
        }
        let open = self.directory.now().app(&id).cloned().ok_or_else(|| {
            Problem::new(ErrorCode::NotFound, format!("App {id} is not known here."))
                .remedy("Give its secret as `appSecret`, or add it first with `transom app put`.")
        })?;
        Ok((id, open))
    }

    async fn only_app(&self) -> Result<String, Problem> {
        let apps = self.store.apps().await?;
        match <[App; 1]>::try_from(apps) {
            Ok([app]) => Ok(app.id),
            Err(apps) if apps.is_empty() => {
                Err(Problem::field("app", "is missing, and no app is known here yet", "give the app's id with `appSecret`"))
            }
            Err(_) => Err(Problem::field("app", "is missing, and there are several", "give the id of the app at Meta")),
        }
    }
}
