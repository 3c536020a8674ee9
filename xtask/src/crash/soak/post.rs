//! Meta's side: posts signed webhooks, and posts again what was not answered 200.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use tokio::task::JoinSet;

use super::plan::Plan;
use crate::crash::house::House;

/// Webhooks under way at once.
const POSTERS: usize = 16;
/// Wait before a webhook is posted again.
const AGAIN: Duration = Duration::from_millis(50);
/// One may be posted so often: for as long as a gateway may take to come back.
const TRIES: usize = 2_400;

/// What came of posting.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Posted {
    /// Posts in all.
    pub(super) posts: usize,
    /// Of these, not answered, or not with 200: posted again.
    pub(super) unheard: usize,
}

/// Who posts.
pub(super) struct Posters {
    plan: Arc<Plan>,
    heard: Arc<AtomicUsize>,
    unheard: Arc<AtomicUsize>,
    running: JoinSet<Result<()>>,
}

impl Posters {
    /// Begins.
    pub(super) fn start(house: &House, plan: Arc<Plan>) -> Self {
        let (heard, unheard, next) =
            (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (app, secret) = house.identity.app.clone();
        let url = format!("{}/webhooks/meta/{app}", house.api().base());
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build();
        let mut running = JoinSet::new();
        for _ in 0..POSTERS {
            let (plan, url, secret, http) = (plan.clone(), url.clone(), secret.clone(), http.as_ref().ok().cloned());
            let (heard, unheard, next) = (heard.clone(), unheard.clone(), next.clone());
            running.spawn(async move {
                let http = http.context("no HTTP client")?;
                while let Some(webhook) = plan.posts.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
                    let body = plan.body(*webhook, now).to_string();
                    let signature = transom_meta::signature::sign(secret.as_bytes(), body.as_bytes());
                    for tried in 1.. {
                        let request = http.post(&url).header("x-hub-signature-256", &signature).body(body.clone());
                        match request.send().await.map(|answer| answer.status().as_u16()) {
                            Ok(200) => break,
                            Ok(status @ 400..=499) => bail!("a webhook was answered {status}"),
                            _ if tried >= TRIES => bail!("a webhook was not heard in {tried} tries"),
                            _ => {
                                unheard.fetch_add(1, Ordering::SeqCst);
                                tokio::time::sleep(AGAIN).await;
                            }
                        }
                    }
                    heard.fetch_add(1, Ordering::SeqCst);
                }
                Ok(())
            });
        }
        Self { plan, heard, unheard, running }
    }

    /// How many are to be posted.
    pub(super) fn all(&self) -> usize {
        self.plan.posts.len()
    }

    /// How many were heard.
    pub(super) fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }

    /// Whether all were, or one never will be.
    pub(super) fn are_done(&self) -> bool {
        self.heard() >= self.all() || self.running.is_empty()
    }

    /// Waits for the last.
    ///
    /// # Errors
    /// When a webhook was refused, or never heard.
    pub(super) async fn end(mut self) -> Result<Posted> {
        while let Some(done) = self.running.join_next().await {
            done??;
        }
        let (heard, unheard) = (self.heard(), self.unheard.load(Ordering::SeqCst));
        Ok(Posted { posts: heard + unheard, unheard })
    }
}
