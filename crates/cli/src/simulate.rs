//! `transom simulate`: the simulator of Meta alone.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;

use transom_clock::WorldClock;
use transom_domain::time::Span;
use transom_simulator::{Options, Seed, Simulator, stored_offset_ms};

use crate::args::SimulateArgs;
use crate::fail::Fail;
use crate::signals::Signals;
use crate::{house, logs, out};

/// Runs until a signal.
///
/// # Errors
/// When it cannot start.
pub(crate) async fn run(args: &SimulateArgs) -> Result<(), Fail> {
    logs::start(&args.log, transom_gateway::config::LogFormat::Text)?;
    let failed = |why| house::simulator_failed(why, "--port");
    let offset = if args.dir.exists() { stored_offset_ms(&args.dir).map_err(failed)? } else { 0 };
    let options =
        Options { dir: args.dir.clone(), listen: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)), seed: Seed::random() };
    let mut signals = Signals::catch()?;
    let simulator = Simulator::start(options, WorldClock::turnable(Span::millis(offset))).await.map_err(failed)?;
    let (url, meta) = (simulator.graph_url(), simulator.identity());
    if args.json {
        out::json(&json!({
            "graphUrl": url,
            "appId": meta.app_id,
            "appSecret": meta.app_secret,
            "verifyToken": meta.verify_token,
            "accessToken": meta.access_token,
            "wabaId": meta.waba_id,
            "phoneNumberId": meta.phone_number_id,
            "displayNumber": meta.display_number,
            "catalogId": meta.catalog_id,
            "pageId": meta.page_id,
            "pageToken": meta.page_token,
        }))?;
    } else {
        out::line(format!("The simulator is ready at {url}; its controls are under {url}/sim/v1/.\n"));
        out::line(format!("To connect a gateway that runs on it (`transom serve --graph-url {url}`):\n"));
        out::line(format!(
            "  export META_APP_ID={} META_APP_SECRET={} META_VERIFY_TOKEN={}",
            meta.app_id, meta.app_secret, meta.verify_token
        ));
        out::line(format!("  export META_WABA_ID={} META_PHONE_NUMBER_ID={}", meta.waba_id, meta.phone_number_id));
        out::line(format!("  export META_ACCESS_TOKEN={}", meta.access_token));
        out::line("  transom business add --name 'Example Shop'");
        out::line("  transom sender add");
        out::line(format!("  MESSENGER_PAGE_TOKEN={} transom sender add --page {}", meta.page_token, meta.page_id));
    }
    let ended = tokio::select! {
        () = signals.first() => Ok(()),
        () = simulator.failed() => Err(Fail::new("the simulator could not write to its folder")
            .remedy("Make room on the disk, then start again: everything that was answered is there.")),
    };
    simulator.stop().await;
    ended
}
