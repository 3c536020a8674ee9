//! `transom config`, and reading the configuration for every other command.

use serde_json::json;

use transom_gateway::config::{Config, Loaded, Sources};

use crate::args::{ConfigCommand, ServeArgs};
use crate::fail::Fail;
use crate::out;

/// Reads file, environment and flags.
///
/// # Errors
/// Everything that is wrong, one finding per line.
pub(crate) fn load(args: &ServeArgs) -> Result<Loaded, Fail> {
    let mut sources = Sources::of_process(args.config.clone());
    if let Some(dir) = &args.dir {
        sources = sources.flag("store.dir", dir.display().to_string(), "--dir");
    }
    if let Some(listen) = &args.listen {
        sources = sources.flag("server.listen", listen.to_string(), "--listen");
    }
    if let Some(url) = &args.public_url {
        sources = sources.flag("server.public_url", url, "--public-url");
    }
    if let Some(url) = &args.graph_url {
        sources = sources.flag("upstream.graph_url", url, "--graph-url");
    }
    read(sources, &args.set)
}

/// Reads the sources and what `--set` says.
///
/// # Errors
/// As [`load`].
pub(crate) fn read(mut sources: Sources, sets: &[String]) -> Result<Loaded, Fail> {
    for set in sets {
        let (key, value) = set.split_once('=').ok_or_else(|| {
            Fail::usage(format!("--set {set}: is no section.key=value")).remedy("Write it like --set server.drain=1m.")
        })?;
        sources = sources.flag(key, value, "--set");
    }
    Config::load(&sources).map_err(|errors| {
        Fail::usage(format!("the configuration is not valid:\n{errors}")).remedy("docs/configuration.md describes every key.")
    })
}

/// Checks or shows it.
///
/// # Errors
/// When it is not valid.
pub(crate) fn run(command: &ConfigCommand) -> Result<(), Fail> {
    match command {
        ConfigCommand::Reference => out::line(transom_gateway::config::reference_file().trim_end()),
        ConfigCommand::Check(args) => {
            load(args)?;
            out::line("The configuration is valid.");
        }
        ConfigCommand::Show { source, origin, json: false } => {
            let loaded = load(source)?;
            let mut section = "";
            for value in &loaded.in_force {
                let (of, key) = value.key.split_once('.').unwrap_or(("", value.key));
                if of != section {
                    out::line(format!("{}[{of}]", if section.is_empty() { "" } else { "\n" }));
                    section = of;
                }
                let written = match &value.value {
                    Some(text) if text.parse::<u64>().is_ok() || text == "true" || text == "false" => format!("{key} = {text}"),
                    Some(text) => format!("{key} = {}", json!(text)),
                    None => format!("# {key} is not set"),
                };
                let origin = if *origin { format!("  # {}", value.origin) } else { String::new() };
                out::line(format!("{written}{origin}"));
            }
        }
        ConfigCommand::Show { source, json: true, .. } => {
            let loaded = load(source)?;
            let shown: Vec<_> = loaded
                .in_force
                .iter()
                .map(|v| json!({ "key": v.key, "value": v.value, "origin": v.origin.to_string() }))
                .collect();
            out::json(&shown)?;
        }
    }
    Ok(())
}
