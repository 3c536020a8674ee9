//! The webhook endpoint of the benchmark: counts what it is told, and looks at the signature of some of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::sync::Semaphore;

use transom_domain::time::Timestamp;
use transom_gateway::signing::Signer;

use super::http::{Answers, Received, quoted_after, serve};
use super::upstream::Tally;

/// One in so many signatures is checked: all of them would cost as much as making them did.
const CHECKED: u64 = 64;

/// The endpoint.
pub(super) struct Endpoint {
    /// Messages of which it was told that they were read: the end of a life.
    pub(super) lives: Tally,
    /// Posts in all.
    pub(super) told: Tally,
    /// Room for lives under way: one more with each that ends.
    pub(super) room: Arc<Semaphore>,
    checked: AtomicU64,
    forged: AtomicU64,
    failed: AtomicU64,
    signer: std::sync::OnceLock<Signer>,
}

impl Endpoint {
    /// Starts one. Gives its address too.
    pub(super) async fn start(room: usize) -> Result<(Arc<Self>, String)> {
        let endpoint = Arc::new(Self {
            lives: Tally::default(),
            told: Tally::default(),
            room: Arc::new(Semaphore::new(room)),
            checked: AtomicU64::new(0),
            forged: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            signer: std::sync::OnceLock::new(),
        });
        let address = serve(endpoint.clone()).await?;
        Ok((endpoint, format!("http://{address}/hooks")))
    }

    /// The secret with which it is to be signed.
    pub(super) fn expect(&self, secret: &str) {
        let _ = self.signer.set(Signer::new(secret, None));
    }

    /// Says what was wrong with what it was told.
    ///
    /// # Errors
    /// When a signature did not fit, none was looked at, or a message failed.
    pub(super) fn verify(&self) -> Result<()> {
        let [checked, forged, failed] = [&self.checked, &self.forged, &self.failed].map(|count| count.load(Ordering::SeqCst));
        match (checked, forged, failed) {
            (1.., 0, 0) => Ok(()),
            _ => bail!("of {checked} signatures {forged} did not fit; {failed} messages failed"),
        }
    }
}

impl Answers for Endpoint {
    fn answer(&self, request: Received<'_>, _: &mut Vec<u8>) -> Duration {
        if self.told.add().is_multiple_of(CHECKED)
            && let Some(signer) = self.signer.get()
        {
            self.checked.fetch_add(1, Ordering::SeqCst);
            let header = |name| request.header(name).unwrap_or_default();
            let (id, stamp) = (header("webhook-id:"), header("webhook-timestamp:"));
            let wanted = signer.sign(id, stamp, request.body, Timestamp::EPOCH).standard;
            if !header("webhook-signature:").split(' ').any(|given| given == wanted) {
                self.forged.fetch_add(1, Ordering::SeqCst);
            }
        }
        match quoted_after(request.body, br#""status":""#) {
            Some(b"read") => {
                self.lives.add();
                self.room.add_permits(1);
            }
            Some(b"delivery_failed") => {
                self.failed.fetch_add(1, Ordering::SeqCst);
            }
            _ => {}
        }
        Duration::ZERO
    }
}
