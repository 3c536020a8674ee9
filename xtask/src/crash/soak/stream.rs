//! A reader of the live stream, which comes back where it was whenever it breaks off.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::crash::house::House;

/// Wait before it comes back.
const AGAIN: Duration = Duration::from_millis(100);

/// The reader; it reads until the end of the soak.
pub(super) struct Reader {
    seen: Arc<Mutex<Vec<u64>>>,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Reader {
    /// Begins with the first event that there is.
    pub(super) fn start(house: &House) -> Self {
        let (seen, connections) = (Arc::<Mutex<Vec<u64>>>::default(), Arc::<AtomicUsize>::default());
        let url = format!("{}{}", house.api().base(), house.path("/events/stream?after=0"));
        let key = house.api().key().to_owned();
        let (kept, count) = (seen.clone(), connections.clone());
        let task = tokio::spawn(async move {
            let Ok(http) = reqwest::Client::builder().no_proxy().build() else { return };
            loop {
                let last = kept.lock().unwrap_or_else(PoisonError::into_inner).last().copied().unwrap_or(0);
                let request = http.get(&url).header("x-api-key", &key).header("last-event-id", last);
                if let Ok(mut response) = request.send().await
                    && response.status().is_success()
                {
                    count.fetch_add(1, Ordering::SeqCst);
                    let mut rest = Vec::new();
                    while let Ok(Some(bytes)) = response.chunk().await {
                        rest.extend_from_slice(&bytes);
                        take(&mut rest, &kept);
                    }
                }
                tokio::time::sleep(AGAIN).await;
            }
        });
        Self { seen, connections, task }
    }

    /// The positions of all events that came, in the order in which they came.
    pub(super) fn seen(&self) -> Vec<u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often it came back.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes the whole events out of what came in.
fn take(bytes: &mut Vec<u8>, seen: &Mutex<Vec<u64>>) {
    let Some(end) = bytes.windows(2).rposition(|pair| pair == b"\n\n") else { return };
    let left = bytes.split_off(end + 2);
    let text = String::from_utf8_lossy(bytes).into_owned();
    *bytes = left;
    for block in text.split("\n\n").filter(|block| block.contains("\ndata: ")) {
        let id: Option<u64> = block.lines().find_map(|line| line.strip_prefix("id: ")?.parse().ok());
        seen.lock().unwrap_or_else(PoisonError::into_inner).extend(id);
    }
}
