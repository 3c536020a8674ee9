//! Meta on your desk: a pure world, and the HTTP around it.
//!
//! The world (`world`) is a state machine without I/O, written from Meta's documents; `graph` reads requests as those documents
//! describe them and refuses what they do not name; `engine` makes every step durable before it is answered, fires timers, and
//! `deliver` posts the webhooks that are owed; `http` is the Graph API and the controls under `/sim/v1/`.

mod chance;
mod deliver;
mod engine;
mod folder;
mod graph;
mod http;
mod offline;
#[cfg(feature = "fuzz")]
pub mod probe;
mod sign;
mod store;
mod told;
mod world;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use transom_clock::{Settles, WorldClock};

pub use chance::Seed;
pub use folder::StartError;
pub use offline::{Number, Offline, Parcel, Standing, Taken};

use engine::Engine;
use folder::Folder;
use http::log::RequestLog;

/// How to start a simulator.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its folder; made when it is not there.
    pub dir: PathBuf,
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where this run's chance starts; ids that the folder has already stay as they are.
    pub seed: Seed,
}

/// What `dev.env` hands to whoever speaks with the simulator. Ids are decimal, at most 15 digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The app.
    pub app_id: String,
    /// Signs the app's webhooks.
    pub app_secret: String,
    /// Meant for the handshake of the app's callback.
    pub verify_token: String,
    /// The system user's token, good for everything.
    pub access_token: String,
    /// The WhatsApp Business Account.
    pub waba_id: String,
    /// The first phone number's id.
    pub phone_number_id: String,
    /// The first phone number, `+` and digits; not a US one.
    pub display_number: String,
    /// The first catalog.
    pub catalog_id: String,
    /// The business portfolio.
    pub business_id: String,
    /// The first Page.
    pub page_id: String,
    /// Its token.
    pub page_token: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("app_id", &self.app_id)
            .field("waba_id", &self.waba_id)
            .field("phone_number_id", &self.phone_number_id)
            .field("display_number", &self.display_number)
            .field("catalog_id", &self.catalog_id)
            .field("business_id", &self.business_id)
            .field("page_id", &self.page_id)
            .finish_non_exhaustive()
    }
}

/// A running simulator.
pub struct Simulator {
    engine: Arc<Engine>,
    address: SocketAddr,
    identity: Identity,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    tasks: JoinSet<()>,
    writer: std::thread::JoinHandle<()>,
}

/// The clock's offset that the folder keeps, in milliseconds; 0 for a new folder. Asked before the clock is made.
///
/// # Errors
/// When the folder's database cannot be read.
pub fn stored_offset_ms(dir: &Path) -> Result<i64, StartError> {
    store::offset(&folder::database(dir))
}

impl Simulator {
    /// Starts on a folder: holds it, reads back what it keeps, and listens.
    ///
    /// # Errors
    /// See [`StartError`]; nothing runs then.
    pub async fn start(options: Options, clock: WorldClock) -> Result<Self, StartError> {
        let listen = options.listen;
        let failed = |source| StartError::Listen { address: listen, source };
        let folder = Folder::hold(&options.dir)?;
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let file = folder.database();
        let db = store::open(&file)?;
        let (mut world, boots) = store::load(&db, &file, options.seed)?;
        world.base_url = format!("http://{}", reachable(address));
        let identity = identity_of(&world);
        let reader = store::open_reader(&file)?;
        let engine = Arc::new(Engine::new(world, clock.clone(), folder, reader, boots));
        let writer = {
            let engine = Arc::clone(&engine);
            let thread = std::thread::Builder::new().name("simulator-writer".into());
            thread.spawn(move || engine.write(db)).map_err(|error| StartError::System(error.to_string()))?
        };
        // The first day, and this start's number, are on disk before anybody can ask.
        if let Err(fault) = engine.commit(|_, _| ()).await {
            return Err(StartError::System(fault.to_string()));
        }
        let gone = engine.commit(|world, now| world.clear_media(now.world)).await.unwrap_or_default();
        gone.into_iter().for_each(|id| engine.folder.remove_media(id));
        let client = deliver::client().map_err(|error| StartError::System(error.to_string()))?;
        let settles: Arc<dyn Settles> = engine.clone();
        clock.enlist(&settles);
        let mut tasks = JoinSet::new();
        deliver::start(&engine, &client, &mut tasks);
        tasks.spawn(Arc::clone(&engine).run_timers());
        let (stop, stopped) = watch::channel(false);
        let router = http::router(http::App { engine: Arc::clone(&engine), client, log: Arc::new(RequestLog::new(boots)) });
        let server = tokio::spawn(http::server::serve(listener, router, stopped));
        Ok(Self { engine, address, identity, stop, server, tasks, writer })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of its Graph API, without a version and without a slash at the end.
    #[must_use]
    pub fn graph_url(&self) -> String {
        format!("http://{}", reachable(self.address))
    }

    /// Its ids, tokens and secrets.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.identity.clone()
    }

    /// Resolves when the simulator could not write to its folder: it then refuses everything, and the process should end.
    pub async fn failed(&self) {
        self.engine.broken().await;
    }

    /// Stops: no new calls, those under way are answered, everything accepted is on disk, and the folder is free again.
    pub async fn stop(mut self) {
        // Who watches is let go: nothing else ends such a connection.
        self.engine.told.end();
        self.stop.send_replace(true);
        if let Err(error) = self.server.await {
            tracing::error!(%error, "the simulator's server ended badly");
        }
        self.tasks.shutdown().await;
        self.engine.stop_writer();
        let writer = self.writer;
        let _ = tokio::task::spawn_blocking(move || writer.join()).await;
    }
}

/// An address that a client on this machine can use: a listener on every interface is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), address.port())
    } else {
        address
    }
}

fn identity_of(world: &world::World) -> Identity {
    let home = world.app.home;
    Identity {
        app_id: world.app.id.to_string(),
        app_secret: world.app.secret.clone(),
        verify_token: world.app.verify_token.clone(),
        access_token: world.app.access_token.clone(),
        waba_id: home.waba.to_string(),
        phone_number_id: home.number.to_string(),
        display_number: world.numbers.get(&home.number).map(world::account::Number::display).unwrap_or_default(),
        catalog_id: home.catalog.to_string(),
        business_id: world.app.business_id.to_string(),
        page_id: home.page.to_string(),
        page_token: world.messenger.pages.get(&home.page).map(|page| page.token.clone()).unwrap_or_default(),
    }
}
