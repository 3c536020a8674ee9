//! `transom media …`: a file up or down, over the API like anybody else.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use transom_domain::media::{OUTBOUND_MAX, type_of_name};

use crate::api::{Api, encoded, refusal};
use crate::args::{MediaCommand, MediaGetArgs, MediaPutArgs};
use crate::fail::Fail;
use crate::out;

/// Runs one of the commands.
///
/// # Errors
/// What the gateway refuses, or a file that cannot be read or written.
pub(crate) async fn run(command: MediaCommand) -> Result<(), Fail> {
    match command {
        MediaCommand::Get(args) => get(&args).await,
        MediaCommand::Put(args) => put(&args).await,
    }
}

async fn get(args: &MediaGetArgs) -> Result<(), Fail> {
    let api = Api::of(&args.target)?;
    let shown = match api.client.call(Method::GET, &api.path(&format!("media/{}", encoded(&args.id))), None).await? {
        (200, shown) => shown,
        (status, answer) => return Err(refusal(args.target.json, &answer, status)?),
    };
    if let Some(to) = &args.out {
        // By the address that we have of the gateway: its public one may not lead there from this machine.
        let link = shown["url"].as_str().and_then(|url| Some(url.get(url.find("/media/")?..)?.to_owned())).ok_or_else(|| {
            let why = shown["reason"].as_str().unwrap_or("it is still being fetched from Meta");
            Fail::new(format!("the file is not there: {why}"))
        })?;
        let (status, bytes) = api.client.bytes(Method::GET, &link, &[], Vec::new()).await?;
        if status != 200 {
            return Err(refusal(args.target.json, &serde_json::from_slice(&bytes).unwrap_or_default(), status)?);
        }
        tokio::fs::write(to, bytes).await.map_err(|why| Fail::new(format!("{} cannot be written: {why}", to.display())))?;
    }
    print(&shown, args.target.json)
}

async fn put(args: &MediaPutArgs) -> Result<(), Fail> {
    let api = Api::of(&args.target)?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mime_type = match &args.mime_type {
        Some(given) => given.clone(),
        None => type_of_name(&name).map(str::to_owned).ok_or_else(|| {
            Fail::usage(format!("{}: its ending stands for no type that can be sent", args.file.display()))
                .remedy("Name the type with --type, such as --type application/pdf.")
        })?,
    };
    let bytes = read(&args.file).await?;
    let path = api.path(&format!("media?filename={}", encoded(&name)));
    let (status, answer) = api.client.bytes(Method::POST, &path, &[("content-type", mime_type)], bytes).await?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    if status != 201 {
        return Err(refusal(args.target.json, &answer, status)?);
    }
    print(&answer, args.target.json)
}

async fn read(file: &Path) -> Result<Vec<u8>, Fail> {
    let failed = |why: std::io::Error| Fail::usage(format!("{} cannot be read: {why}", file.display()));
    let size = tokio::fs::metadata(file).await.map_err(failed)?.len();
    if size > OUTBOUND_MAX {
        return Err(Fail::usage(format!("{} has {size} bytes, at most {OUTBOUND_MAX} can be sent", file.display())));
    }
    tokio::fs::read(file).await.map_err(failed)
}

fn print(shown: &Value, json: bool) -> Result<(), Fail> {
    if json {
        return out::json(shown);
    }
    for name in ["id", "state", "mimeType", "size", "filename", "sha256", "reference", "reason", "url"] {
        match shown.get(name) {
            Some(Value::String(text)) => out::line(format!("{name:<10} {text}")),
            Some(other) => out::line(format!("{name:<10} {other}")),
            None => {}
        }
    }
    Ok(())
}
