//! `transom serve`: the gateway alone, against Meta or any other Graph address.

use transom_clock::WorldClock;

use crate::args::ServeArgs;
use crate::fail::Fail;
use crate::house::House;
use crate::{config, logs, out};

/// Runs until a signal, then drains.
///
/// # Errors
/// When it cannot start, or something under way did not end in time.
pub(crate) async fn run(args: &ServeArgs) -> Result<(), Fail> {
    let config = config::load(args)?.config;
    logs::start(&config.log.level, config.log.format)?;
    let graph_url = config.upstream.graph_url.clone();
    let house = House::start(config, WorldClock::wall(), "--listen", None).await?;
    tracing::info!(url = %house.url(), graph = %graph_url, "the gateway is ready");
    out::line(format!("ready {}", house.url()));
    let ended = house.until_stopped().await;
    tracing::info!("draining");
    let in_time = house.stop().await;
    ended?;
    if in_time { Ok(()) } else { Err(Fail::new("some work did not end in time; it goes on at the next start")) }
}
