//! The operator's commands: through the door of the server that holds the folder, else on the folder itself.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::json;

use transom_domain::address::Identity;
use transom_domain::id::{BusinessId, SenderId};
use transom_gateway::admin::{Admin, AdminAnswer, AdminCommand, AdminRefusal, Door, Scope, Secret};
use transom_gateway::config::Config;
use transom_gateway::seal::{KEY_FILE, KEY_VARIABLE};

use crate::args::{AppCommand, BusinessCommand, KeyCommand, Place, ScopeArg, SenderCommand, ServeArgs};
use crate::client::Client;
use crate::fail::Fail;
use crate::stores::{For, Opened, STORE_FILE, has_own_key};
use crate::{config, desk, house, show, stores};

/// Where `transom dev` works unless told otherwise.
const DEV_DIR: &str = ".transom";
/// Seconds of a day.
const DAY: u32 = 86_400;

/// Whom to ask.
pub(crate) enum Hand {
    /// The server that holds the folder.
    Door(Client),
    /// Ourselves.
    Alone(Box<Admin>),
}

impl Hand {
    /// Finds it, for a folder that has a store.
    ///
    /// # Errors
    /// When there is none, or it cannot be opened.
    pub(crate) async fn find(place: &Place) -> Result<Self, Fail> {
        Self::find_or_make(place, false).await
    }

    /// With `make`, a folder that has no store yet gets one; without it a misspelt folder is told.
    pub(crate) async fn find_or_make(place: &Place, make: bool) -> Result<Self, Fail> {
        let config = config_of(place)?;
        if let Some(door) = Door::of(&config.store.dir) {
            let client = Client::bearer(&door.url, &door.token)?;
            // Left behind by a server that was killed: nobody answers, and the folder is free.
            if client
                .call(Method::POST, "", Some(&json!({ "command": "business_list" })))
                .await
                .is_ok_and(|(status, _)| status == 200)
            {
                return Ok(Self::Door(client));
            }
        }
        if !make {
            must_be_there(&config)?;
        }
        let store = Opened::open(&config, if make { For::Making } else { For::Looking }).await?;
        let (key, upstream, wires) = (stores::sealing_key(&config)?, house::upstream(&config), house::wires(&config)?);
        let admin = Admin::alone(store.store(), key, upstream, wires, house::addresses(&config), house::media(&config)?).await;
        Ok(Self::Alone(Box::new(admin.map_err(|why| Fail::new(why.to_string()))?)))
    }

    /// The sender with this id, or with this number, decorated or not.
    pub(crate) async fn sender(&self, named: &str) -> Result<SenderId, Fail> {
        if let Ok(id) = named.parse() {
            return Ok(id);
        }
        let address: Identity = named.parse().map_err(|_| {
            Fail::usage(format!("{named:?} is neither an address nor an id of a sender"))
                .remedy("Give the number with + and country, messenger:<page>, or the id; `transom sender list` shows them.")
        })?;
        match self.ask(AdminCommand::SenderList { business: None }).await? {
            AdminAnswer::Senders { data } => {
                data.into_iter().find(|s| s.address == address.to_string()).map(|s| s.id).ok_or_else(|| {
                    Fail::new(format!("there is no sender {address}")).remedy("List them with `transom sender list`.")
                })
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// What was refused, and how to mend it.
    pub(crate) async fn ask(&self, command: AdminCommand) -> Result<AdminAnswer, Fail> {
        match self {
            Self::Alone(admin) => admin.handle(command).await.map_err(|problem| AdminRefusal::from(&problem).into()),
            Self::Door(client) => {
                let body = serde_json::to_value(&command).map_err(|why| Fail::new(why.to_string()))?;
                let (status, answer) = client.call(Method::POST, "", Some(&body)).await?;
                if status == 200 {
                    return serde_json::from_value(answer).map_err(|why| {
                        Fail::new(format!("the server's answer is not understood: {why}"))
                            .remedy("Use the same version of `transom` as the server's.")
                    });
                }
                match serde_json::from_value::<AdminRefusal>(answer) {
                    Ok(refusal) => Err(refusal.into()),
                    Err(_) => Err(Fail::new(format!("the server answered HTTP {status}"))),
                }
            }
        }
    }

    /// The business named, or the only one.
    pub(crate) async fn business(&self, named: Option<&str>) -> Result<BusinessId, Fail> {
        if let Some(text) = named {
            return parse(text, "business");
        }
        match self.ask(AdminCommand::BusinessList {}).await? {
            AdminAnswer::Businesses { data } => match data.as_slice() {
                [one] => Ok(one.id),
                [] => Err(Fail::new("there is no business yet").remedy("Make one with `transom business add --name NAME`.")),
                _ => Err(Fail::usage("there are several businesses")
                    .remedy("Name one with --business; `transom business list` shows them.")),
            },
            other => Err(unexpected(&other)),
        }
    }

    /// The app named, or the only one.
    async fn app(&self, named: Option<String>) -> Result<String, Fail> {
        if let Some(id) = named {
            return Ok(id);
        }
        match self.ask(AdminCommand::AppList {}).await? {
            AdminAnswer::Apps { data } => match data.as_slice() {
                [one] => Ok(one.id.clone()),
                [] => Err(Fail::new("there is no app yet").remedy("Add one with `transom app put ID`.")),
                _ => Err(Fail::usage("there are several apps").remedy("Name one with --app; `transom app list` shows them.")),
            },
            other => Err(unexpected(&other)),
        }
    }
}

/// The configuration of the gateway that a command is for.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn config_of(place: &Place) -> Result<Config, Fail> {
    let dir = place.dir.as_ref().map(|dir| folder(dir));
    let args = ServeArgs { config: place.config.clone(), dir, listen: None, public_url: None, graph_url: None, set: Vec::new() };
    Ok(config::load(&args)?.config)
}

/// A command that only looks, or that changes what is there, makes nothing new: not a folder, not a store, not a key.
fn must_be_there(config: &Config) -> Result<(), Fail> {
    let dir = &config.store.dir;
    if config.store.url.is_some() {
        // Whether there is one is known once it is opened.
        return Ok(());
    }
    if !dir.join(STORE_FILE).exists() {
        let hint = if Path::new(DEV_DIR).join(desk::GATEWAY_DIR).is_dir() {
            format!(" (such as --dir {DEV_DIR}, where `transom dev` has worked)")
        } else {
            String::new()
        };
        return Err(Fail::usage(format!("there is no store in {}", dir.display())).remedy(format!(
            "Name its folder with --dir or --config{hint}; `transom serve` and `transom business add` make a new one."
        )));
    }
    if !has_own_key(config) {
        return Err(Fail::usage(format!("the store in {} has no sealing key: {KEY_FILE} is missing", dir.display())).remedy(
            format!("Put the file back, or give the key in {KEY_VARIABLE}: without it, tokens and secrets cannot be read."),
        ));
    }
    Ok(())
}

pub(crate) fn unexpected(answer: &AdminAnswer) -> Fail {
    Fail::new(format!("an unexpected answer: {answer:?}"))
}

pub(crate) fn parse<T: std::str::FromStr<Err = transom_domain::id::BadId>>(text: &str, what: &str) -> Result<T, Fail> {
    text.parse().map_err(|why| Fail::usage(format!("{text:?} is no id of a {what}: {why}")))
}

fn variable(name: &str) -> Option<Secret> {
    std::env::var(name).ok().filter(|v| !v.trim().is_empty()).map(|v| Secret(v.trim().to_owned()))
}

/// A secret from a file, else from a variable: never from an argument, which every user of the machine can read.
fn secret(file: Option<&Path>, name: &str) -> Result<Option<Secret>, Fail> {
    let Some(path) = file else { return Ok(variable(name)) };
    let text = std::fs::read_to_string(path).map_err(|why| Fail::usage(format!("{} cannot be read: {why}", path.display())))?;
    match text.trim() {
        "" => Err(Fail::usage(format!("{} is empty", path.display())).remedy("Write the secret into it, on one line.")),
        text => Ok(Some(Secret(text.to_owned()))),
    }
}

fn required_secret(what: &str, file: Option<&Path>, flag: &str, name: &str) -> Result<Secret, Fail> {
    secret(file, name)?
        .ok_or_else(|| Fail::usage(format!("the {what} is missing")).remedy(format!("Give {flag} FILE, or set {name}.")))
}

/// The gateway's folder: the one given, or its part of a desk's folder.
fn folder(dir: &Path) -> PathBuf {
    let inside = dir.join(desk::GATEWAY_DIR);
    if inside.is_dir() { inside } else { dir.to_owned() }
}

/// Asks and prints.
pub(crate) async fn answer(hand: &Hand, place: &Place, command: AdminCommand) -> Result<(), Fail> {
    show::answer(&hand.ask(command).await?, place.json)
}

/// `transom business …`
pub(crate) async fn business(command: BusinessCommand) -> Result<(), Fail> {
    match command {
        BusinessCommand::Add { name, place } => {
            answer(&Hand::find_or_make(&place, true).await?, &place, AdminCommand::BusinessAdd { name }).await
        }
        BusinessCommand::List { place } => answer(&Hand::find(&place).await?, &place, AdminCommand::BusinessList {}).await,
    }
}

/// `transom key …`
pub(crate) async fn key(command: KeyCommand) -> Result<(), Fail> {
    match command {
        KeyCommand::Add { business, label, scopes, standard, expires_in_days, place } => {
            let hand = Hand::find(&place).await?;
            let business = hand.business(business.as_deref()).await?;
            let scopes = match standard {
                true => vec![Scope::Send, Scope::Templates, Scope::Webhooks],
                false => scopes.into_iter().map(scope).collect(),
            };
            let expires_in_seconds = expires_in_days.map(|days| u32::from(days) * DAY);
            answer(&hand, &place, AdminCommand::KeyAdd { business, label, scopes, expires_in_seconds }).await
        }
        KeyCommand::List { business, place } => {
            let hand = Hand::find(&place).await?;
            let business = hand.business(business.as_deref()).await?;
            answer(&hand, &place, AdminCommand::KeyList { business }).await
        }
        KeyCommand::Revoke { key, business, place } => {
            let hand = Hand::find(&place).await?;
            let business = hand.business(business.as_deref()).await?;
            answer(&hand, &place, AdminCommand::KeyRevoke { business, key: parse(&key, "key")? }).await
        }
    }
}

const fn scope(arg: ScopeArg) -> Scope {
    match arg {
        ScopeArg::Send => Scope::Send,
        ScopeArg::Templates => Scope::Templates,
        ScopeArg::Webhooks => Scope::Webhooks,
        ScopeArg::Read => Scope::Read,
        ScopeArg::Admin => Scope::Admin,
    }
}

/// `transom app …`
pub(crate) async fn app(command: AppCommand) -> Result<(), Fail> {
    match command {
        AppCommand::Put { id, secret_file, verify_token, place } => {
            let secret = required_secret("app secret", secret_file.as_deref(), "--secret-file", "META_APP_SECRET")?;
            let verify_token = verify_token.map(Secret).or_else(|| variable("META_VERIFY_TOKEN"));
            answer(&Hand::find(&place).await?, &place, AdminCommand::AppPut { id, secret, verify_token }).await
        }
        AppCommand::List { place } => answer(&Hand::find(&place).await?, &place, AdminCommand::AppList {}).await,
    }
}

/// `transom sender …`
pub(crate) async fn sender(command: SenderCommand) -> Result<(), Fail> {
    match command {
        SenderCommand::Add { business, app, app_secret_file, waba, phone_number_id, page, token_file, pin, place } => {
            let hand = Hand::find(&place).await?;
            let business = hand.business(business.as_deref()).await?;
            let name = if page.is_some() { "MESSENGER_PAGE_TOKEN" } else { "META_ACCESS_TOKEN" };
            let token = required_secret("access token", token_file.as_deref(), "--token-file", name)?;
            if let (Some(id), Some(secret)) = (&app, secret(app_secret_file.as_deref(), "META_APP_SECRET")?) {
                let verify_token = variable("META_VERIFY_TOKEN");
                hand.ask(AdminCommand::AppPut { id: id.clone(), secret, verify_token }).await?;
            }
            let app = hand.app(app).await?;
            if let Some(page) = page {
                return answer(&hand, &place, AdminCommand::PageAdd { business, app, page, token }).await;
            }
            let (waba, phone_number_id) = (waba.unwrap_or_default(), phone_number_id.unwrap_or_default());
            let pin = pin.map(Secret).or_else(|| variable("META_PIN"));
            answer(&hand, &place, AdminCommand::SenderAdd { business, app, waba, phone_number_id, token, pin }).await
        }
        SenderCommand::List { business, place } => {
            let business = business.as_deref().map(|b| parse(b, "business")).transpose()?;
            answer(&Hand::find(&place).await?, &place, AdminCommand::SenderList { business }).await
        }
        SenderCommand::Show { sender, place } => {
            let hand = Hand::find(&place).await?;
            let sender = hand.sender(&sender).await?;
            answer(&hand, &place, AdminCommand::SenderShow { sender }).await
        }
        SenderCommand::Check { sender, place } => {
            let hand = Hand::find(&place).await?;
            let sender = hand.sender(&sender).await?;
            answer(&hand, &place, AdminCommand::SenderCheck { sender }).await
        }
        SenderCommand::Resume { sender, place } => {
            let hand = Hand::find(&place).await?;
            let sender = hand.sender(&sender).await?;
            answer(&hand, &place, AdminCommand::SenderResume { sender }).await
        }
    }
}

/// `transom template sync`
pub(crate) async fn template_sync(business: Option<&str>, place: &Place) -> Result<(), Fail> {
    let hand = Hand::find(place).await?;
    let business = hand.business(business).await?;
    answer(&hand, place, AdminCommand::TemplateSync { business }).await
}

/// `transom template list`
pub(crate) async fn template_list(business: Option<&str>, place: &Place) -> Result<(), Fail> {
    let hand = Hand::find(place).await?;
    let business = hand.business(business).await?;
    answer(&hand, place, AdminCommand::TemplateList { business }).await
}

/// `transom replicas`
pub(crate) async fn replicas(place: &Place) -> Result<(), Fail> {
    answer(&Hand::find(place).await?, place, AdminCommand::Replicas {}).await
}

/// `transom doctor`
pub(crate) async fn doctor(place: &Place) -> Result<(), Fail> {
    answer(&Hand::find(place).await?, place, AdminCommand::Doctor {}).await
}
