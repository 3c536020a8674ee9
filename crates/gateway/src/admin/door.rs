//! The operator's door of a running server: `POST /admin/v1` under a token that only readers of the folder know.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use transom_domain::error_code::ErrorCode;

use super::command::AdminRefusal;
use super::{Admin, AdminCommand};
use crate::http::call::Bodies;
use crate::problem::Problem;
use crate::seal::{hex, random, write_private};

/// The file in the store's folder that says how to talk to the server that holds it.
pub const DOOR_FILE: &str = "admin.json";
/// The path of the door.
pub const DOOR_PATH: &str = "/admin/v1";
/// Largest command; the longest holds a token of a few hundred characters.
const COMMAND_MAX: usize = 64 * 1024;
/// Commands of that size in memory at once.
const AT_ONCE: usize = 16;

/// How to talk to a running server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// Where, with the path.
    pub url: String,
    /// Bearer token; new at every start.
    pub token: String,
    /// Process id of the server.
    pub pid: u32,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("url", &self.url).field("pid", &self.pid).finish_non_exhaustive()
    }
}

impl Door {
    /// A door at this address, with a new token.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new(base: &str) -> Result<Self, crate::seal::SealError> {
        let token = hex(&random::<32>()?);
        Ok(Self { url: format!("{base}{DOOR_PATH}"), token, pid: std::process::id() })
    }

    /// Writes it into the folder, for this user alone.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(&self, dir: &Path) -> std::io::Result<()> {
        write_private(&door_file(dir), &serde_json::to_vec(self)?)
    }

    /// Takes it out of the folder, if it is this one.
    pub fn close(&self, dir: &Path) {
        if Self::of(dir).is_some_and(|there| there.token == self.token) {
            // A door that is left behind leads nowhere, and the next start replaces it.
            let _ = std::fs::remove_file(door_file(dir));
        }
    }

    /// The door of the server that holds this folder, if there is one.
    #[must_use]
    pub fn of(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(door_file(dir)).ok()?).ok()
    }
}

fn door_file(dir: &Path) -> PathBuf {
    dir.join(DOOR_FILE)
}

#[derive(Clone)]
struct Behind {
    admin: Admin,
    token: Arc<[u8; 32]>,
    bodies: Bodies,
}

/// The door's route, to be merged into the server's. A command must arrive within this time.
pub fn routes(admin: Admin, token: &str, within: Duration) -> axum::Router {
    let token = Arc::new(Sha256::digest(token.as_bytes()).into());
    let bodies = Bodies::new("command_bytes", COMMAND_MAX, within, AT_ONCE);
    axum::Router::new().route(DOOR_PATH, post(knock)).with_state(Behind { admin, token, bodies })
}

impl Behind {
    fn is_theirs(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
        // Hashes are compared, in constant time: neither content nor length of the token can be learned from how long it takes.
        let hash: [u8; 32] = Sha256::digest(given.unwrap_or_default().as_bytes()).into();
        aws_lc_rs::constant_time::verify_slices_are_equal(&hash, self.token.as_slice()).is_ok()
    }
}

async fn knock(State(behind): State<Behind>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // Before a byte of the body is read.
    if !behind.is_theirs(&parts.headers) {
        return refusal(
            &Problem::new(ErrorCode::ApiKeyInvalid, "The operator's token is missing or wrong.")
                .remedy(format!("Read it from {DOOR_FILE} in the store's folder.")),
        );
    }
    let (body, _held) = match behind.bodies.read(&parts.headers, body).await {
        Ok(read) => read,
        Err(problem) => return refusal(&problem),
    };
    let command: AdminCommand = match serde_json::from_slice(&body) {
        Ok(command) => command,
        Err(why) => {
            let wrong = Problem::new(ErrorCode::RequestInvalid, format!("This is no command: {why}."));
            return refusal(&wrong.remedy("Use the same version of `transom` as the server's."));
        }
    };
    match behind.admin.handle(command).await {
        Ok(answer) => axum::Json(answer).into_response(),
        Err(problem) => refusal(&problem),
    }
}

fn refusal(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(AdminRefusal::from(problem))).into_response()
}

impl From<&Problem> for AdminRefusal {
    fn from(problem: &Problem) -> Self {
        Self {
            code: problem.code.as_str().to_owned(),
            message: problem.message.clone(),
            remedy: Some(problem.remedy.clone().unwrap_or_else(|| problem.code.remedy().to_owned())),
        }
    }
}
