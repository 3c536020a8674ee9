//! The one binary: `transom`.

mod admin;
mod api;
mod args;
mod backup;
mod client;
mod config;
mod consent;
mod customer;
mod desk;
mod dev;
mod endpoints;
mod env_file;
mod events;
mod fail;
mod house;
mod import;
mod journal;
mod logs;
mod media;
mod out;
mod send;
mod serve;
mod show;
mod signals;
mod simulate;
mod store;
mod stores;
mod templates;
mod tour;
mod twilio;
mod user;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command, ImportCommand};
use fail::Fail;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => {
            out::failed(&Fail::new(format!("no threads can be started: {why}")));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => {
            out::failed(&fail);
            ExitCode::from(fail.code)
        }
    }
}

async fn run(command: Command) -> Result<(), Fail> {
    match command {
        Command::Dev(args) => Box::pin(dev::run(&args)).await,
        Command::Tour(args) => Box::pin(tour::run(&args)).await,
        Command::Serve(args) => serve::run(&args).await,
        Command::Simulate(args) => simulate::run(&args).await,
        Command::Business(command) => admin::business(command).await,
        Command::Key(command) => admin::key(command).await,
        Command::User(command) => user::run(command).await,
        Command::Twilio(command) => twilio::run(command).await,
        Command::App(command) => admin::app(command).await,
        Command::Sender(command) => admin::sender(command).await,
        Command::Endpoint(command) => endpoints::endpoint(command).await,
        Command::Events(command) => events::run(command).await,
        Command::Media(command) => media::run(command).await,
        Command::Template(command) => templates::run(command).await,
        Command::Customer(command) => customer::run(command).await,
        Command::Consent(command) => consent::consent(command).await,
        Command::Keywords(command) => consent::keywords(command).await,
        Command::Journal(command) => journal::run(command).await,
        Command::Retention(command) => journal::retention(command).await,
        Command::Import(ImportCommand::Twilio(args)) => import::twilio(&args).await,
        Command::Audit(args) => consent::audit(&args).await,
        Command::Store(command) => store::run(command).await,
        Command::Backup(args) => backup::run(&args).await,
        Command::Restore(args) => backup::restore(&args).await,
        Command::Replicas(place) => admin::replicas(&place).await,
        Command::Doctor(place) => admin::doctor(&place).await,
        Command::Send(args) => send::send(&args).await,
        Command::Verdict(args) => send::verdict(&args).await,
        Command::Config(command) => config::run(&command),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "transom", &mut std::io::stdout());
            Ok(())
        }
        Command::Version { json: true } => out::json(&serde_json::json!({ "version": env!("CARGO_PKG_VERSION") })),
        Command::Version { json: false } => {
            out::line(format!("transom {}", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
    }
}
