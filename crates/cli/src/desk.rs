//! The desk: a gateway and a simulator in one process, set up for each other. They still talk through HTTP alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use transom_clock::WorldClock;
use transom_domain::id::BusinessId;
use transom_domain::time::Span;
use transom_gateway::admin::{AdminAnswer, AdminCommand, AdminRefusal, Secret};
use transom_gateway::config::{BaseUrl, Config, Setting as _};
use transom_gateway::seal::SealingKey;
use transom_simulator::{Identity, Options, Seed, Simulator, stored_offset_ms};
use transom_store::PostgresAddress;

use crate::client::Client;
use crate::env_file::{DevEnv, FILE};
use crate::fail::Fail;
use crate::house::{self, House};

/// The gateway's part of the desk's folder.
pub(crate) const GATEWAY_DIR: &str = "gateway";
/// The simulator's part.
const SIMULATOR_DIR: &str = "simulator";
/// Which arguments choose the ports: both are named whichever is taken, since another `transom dev` takes both.
const PORT_FLAGS: &str = "--port (gateway) or --simulator-port (simulator)";
/// PIN of the simulated number, in case somebody has taken its registration away.
const PIN: &str = "246810";

/// How a desk is set up.
pub(crate) struct DeskOptions {
    /// Where everything is kept.
    pub(crate) dir: PathBuf,
    /// Port of the gateway.
    pub(crate) port: u16,
    /// Port of the simulator.
    pub(crate) simulator_port: u16,
    /// Whether to make two customers at the first start.
    pub(crate) customers: bool,
    /// PostgreSQL, where the gateway's store is not to be in the folder.
    pub(crate) store: Option<PostgresAddress>,
    /// Address of a collector of traces.
    pub(crate) traces: Option<BaseUrl>,
}

/// A desk at work.
pub(crate) struct Desk {
    house: House,
    simulator: Simulator,
    env: DevEnv,
    people: Vec<Person>,
}

/// A simulated customer to try it on.
pub(crate) struct Person {
    /// Name.
    pub(crate) name: String,
    /// `+` and digits.
    pub(crate) phone: String,
    /// Whether a session is open.
    pub(crate) open: bool,
    /// Whether the number is a US one (+1), to which Meta lets no marketing template through.
    pub(crate) in_us: bool,
}

impl Desk {
    /// Starts both, sets them up for each other, and writes `dev.env` once both ports listen.
    ///
    /// # Errors
    /// When a port is in use, or the folder is held or cannot be written.
    pub(crate) async fn start(options: DeskOptions) -> Result<Self, Fail> {
        let DeskOptions { dir, port, simulator_port, customers, store, traces } = options;
        make_private(&dir)?;
        let simulator_dir = dir.join(SIMULATOR_DIR);
        let simulator_failed = |why| house::simulator_failed(why, PORT_FLAGS);
        // A folder that is not there yet has no offset to keep; the simulator makes it.
        let offset = if simulator_dir.exists() { stored_offset_ms(&simulator_dir).map_err(simulator_failed)? } else { 0 };
        let clock = WorldClock::turnable(Span::millis(offset));
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, simulator_port));
        let simulator = Simulator::start(Options { dir: simulator_dir, listen, seed: Seed::random() }, clock.clone())
            .await
            .map_err(simulator_failed)?;
        let furnished = match settings(&dir, port, &simulator.graph_url(), store) {
            Ok(mut config) => {
                config.traces.endpoint = traces;
                Box::pin(Self::furnish(config, &dir, &simulator, clock, customers)).await
            }
            Err(why) => Err(why),
        };
        match furnished {
            Ok((house, env, people)) => Ok(Self { house, simulator, env, people }),
            Err(why) => {
                simulator.stop().await;
                Err(why)
            }
        }
    }

    async fn furnish(
        config: Config,
        dir: &Path,
        simulator: &Simulator,
        clock: WorldClock,
        customers: bool,
    ) -> Result<(House, DevEnv, Vec<Person>), Fail> {
        if config.store.url.is_some() {
            // Everywhere else the key is the operator's to give, since others need the same one: here nobody else is.
            make_private(&config.store.dir)?;
            SealingKey::load_or_create(&config.store.dir).map_err(|why| Fail::new(why.to_string()))?;
        }
        let house = House::start(config, clock, PORT_FLAGS, Some(simulator.graph_url())).await?;
        let path = dir.join(FILE);
        let earlier = if path.exists() { Some(DevEnv::read(&path)?) } else { None };
        let ready = async {
            let env = set_up(&house, &simulator.identity(), &simulator.graph_url(), earlier).await?;
            let people = if customers { people(&env).await? } else { Vec::new() };
            env.write(&path)?;
            Ok((env, people))
        };
        match ready.await {
            Ok((env, people)) => Ok((house, env, people)),
            Err(why) => {
                house.stop().await;
                Err(why)
            }
        }
    }

    /// What `dev.env` says.
    pub(crate) fn env(&self) -> &DevEnv {
        &self.env
    }

    /// The customers to try it on.
    pub(crate) fn people(&self) -> &[Person] {
        &self.people
    }

    /// Runs until a signal, or until the gateway's store has failed.
    ///
    /// # Errors
    /// When the store has failed.
    pub(crate) async fn until_stopped(&self) -> Result<(), Fail> {
        self.house.until_stopped().await
    }

    /// Stops the gateway first, so that the simulator can still answer it.
    pub(crate) async fn stop(self) -> bool {
        let in_time = self.house.stop().await;
        self.simulator.stop().await;
        in_time
    }
}

/// Makes a folder that only this user can look into.
fn make_private(dir: &Path) -> Result<(), Fail> {
    use std::os::unix::fs::DirBuilderExt as _;
    if dir.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|why| {
        Fail::new(format!("the folder {} cannot be made: {why}", dir.display())).remedy("Choose another with --dir.")
    })
}

/// A gateway for the desk: the defaults, the simulator as its Meta, and webhooks to this machine allowed.
fn settings(dir: &Path, port: u16, graph_url: &str, store: Option<PostgresAddress>) -> Result<Config, Fail> {
    let mut config = Config::default();
    config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    config.server.drain = Span::secs(5);
    config.store.dir = dir.join(GATEWAY_DIR);
    config.store.url = store;
    config.upstream.graph_url = BaseUrl::read(graph_url).map_err(|why| Fail::new(format!("{graph_url}: {why}")))?;
    config.webhooks.allow_http = true;
    config.webhooks.allow_loopback = true;
    // A desk works without the internet: what is tried on it names files that are not there.
    config.media.check_links = false;
    Ok(config)
}

async fn ask(house: &House, command: AdminCommand) -> Result<AdminAnswer, Fail> {
    house.admin().handle(command).await.map_err(|problem| AdminRefusal::from(&problem).into())
}

fn unexpected(answer: &AdminAnswer) -> Fail {
    Fail::new(format!("an unexpected answer to a command: {answer:?}"))
}

/// Business, key, app and sender: made at the first start, found again at every later one.
async fn set_up(house: &House, meta: &Identity, graph_url: &str, earlier: Option<DevEnv>) -> Result<DevEnv, Fail> {
    let known: Option<BusinessId> = earlier.as_ref().and_then(|env| env.business.parse().ok());
    let business = match ask(house, AdminCommand::BusinessList {}).await? {
        AdminAnswer::Businesses { data } => {
            match known.filter(|id| data.iter().any(|b| b.id == *id)).or_else(|| data.first().map(|b| b.id)) {
                Some(id) => id,
                None => match ask(house, AdminCommand::BusinessAdd { name: "Desk business".to_owned() }).await? {
                    AdminAnswer::Business(made) => made.id,
                    other => return Err(unexpected(&other)),
                },
            }
        }
        other => return Err(unexpected(&other)),
    };
    let api_key = match earlier.filter(|_| known == Some(business)) {
        Some(env) => env.api_key,
        None => {
            let command =
                AdminCommand::KeyAdd { business, label: "dev".to_owned(), scopes: Vec::new(), expires_in_seconds: None };
            match ask(house, command).await? {
                AdminAnswer::KeyMade { text, .. } => text.0,
                other => return Err(unexpected(&other)),
            }
        }
    };
    let verify_token = Some(Secret(meta.verify_token.clone()));
    ask(house, AdminCommand::AppPut { id: meta.app_id.clone(), secret: Secret(meta.app_secret.clone()), verify_token }).await?;
    let sender = AdminCommand::SenderAdd {
        business,
        app: meta.app_id.clone(),
        waba: meta.waba_id.clone(),
        phone_number_id: meta.phone_number_id.clone(),
        token: Secret(meta.access_token.clone()),
        pin: Some(Secret(PIN.to_owned())),
    };
    // Done at every start: the port may be another one, and then the callback at the simulator is, too.
    let sender = match ask(house, sender).await? {
        AdminAnswer::SenderAdded { sender, .. } => sender.address,
        other => return Err(unexpected(&other)),
    };
    let page = AdminCommand::PageAdd {
        business,
        app: meta.app_id.clone(),
        page: meta.page_id.clone(),
        token: Secret(meta.page_token.clone()),
    };
    match ask(house, page).await? {
        AdminAnswer::SenderAdded { .. } => {}
        other => return Err(unexpected(&other)),
    }
    let twilio = match ask(house, AdminCommand::Twilio { business, rotate: None, refuse_at_once: None }).await? {
        AdminAnswer::Twilio(view) => view,
        other => return Err(unexpected(&other)),
    };
    Ok(DevEnv {
        transom_url: house.url(),
        business: business.to_string(),
        api_key,
        sender,
        simulator_url: graph_url.to_owned(),
        graph_url: graph_url.to_owned(),
        app_id: meta.app_id.clone(),
        app_secret: meta.app_secret.clone(),
        verify_token: meta.verify_token.clone(),
        access_token: meta.access_token.clone(),
        waba_id: meta.waba_id.clone(),
        phone_number_id: meta.phone_number_id.clone(),
        catalog_id: meta.catalog_id.clone(),
        page_id: meta.page_id.clone(),
        page_token: meta.page_token.clone(),
        twilio_account_sid: twilio.account_sid,
        twilio_auth_token: twilio.auth_token.0,
    })
}

/// Ana, outside the US, who has just written, and Bo, in the US (a number of the range kept for fiction), who has not.
const PEOPLE: [(&str, &str); 2] = [("Ana", "+4915550100001"), ("Bo", "+12025550142")];

async fn people(env: &DevEnv) -> Result<Vec<Person>, Fail> {
    let sim = Client::plain(&env.simulator_url)?;
    let mut people = Vec::new();
    for (at, (name, phone)) in PEOPLE.into_iter().enumerate() {
        let path = format!("/sim/v1/customers/{}", phone.replace('+', "%2B"));
        if let (404, _) = sim.call(Method::GET, &path, None).await? {
            sim.must(Method::POST, "/sim/v1/customers", Some(&json!({ "name": name, "phone": phone }))).await?;
            if at == 0 {
                let hello =
                    json!({ "to": env.phone_number_id, "type": "text", "text": { "body": "Hello! Are you open today?" } });
                sim.must(Method::POST, &format!("{path}/messages"), Some(&hello)).await?;
            }
        }
        let shown = sim.must(Method::GET, &path, None).await?;
        let open = shown["sessions"].as_array().is_some_and(|all| all.iter().any(|s| s["open"] == Value::Bool(true)));
        people.push(Person { name: name.to_owned(), phone: phone.to_owned(), open, in_us: phone.starts_with("+1") });
    }
    Ok(people)
}
