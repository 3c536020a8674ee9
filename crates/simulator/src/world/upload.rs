//! Samples for the headers of templates, as the resumable upload brings them: FB graph-api/guides/upload. The bytes lie beside the store.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use transom_domain::{Span, Timestamp};

use super::effects::{Change, Entity};
use super::message::to_json;
use super::template::rules;
use super::{Now, World};
use crate::graph::error::GraphError;

/// What a sample can be and the most bytes of it: FB graph-api/reference/application/uploads; sizes: WA
/// business-phone-numbers/media, for the kind of message that the sample stands for.
pub(crate) const TYPES: [(&str, u64, &str); 5] = [
    ("application/pdf", 100 << 20, "DOCUMENT"),
    ("image/jpeg", 5 << 20, "IMAGE"),
    ("image/jpg", 5 << 20, "IMAGE"),
    ("image/png", 5 << 20, "IMAGE"),
    ("video/mp4", 16 << 20, "VIDEO"),
];

/// Sessions of one world; a bound for scripts that run away.
const UPLOADS_MAX: usize = 20_000;
/// How long a session waits for the rest of its bytes. On no page of Meta's; a bound.
const SESSION_LIVES: Span = Span::days(1);

/// A session and, once all bytes are there, its handle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub(crate) id: u64,
    pub(crate) length: u64,
    pub(crate) mime: String,
    pub(crate) at: i64,
    pub(crate) handle: Option<String>,
}

impl Upload {
    /// The format of header that it is a sample for.
    fn format(&self) -> Option<&'static str> {
        TYPES.iter().find(|(mime, ..)| *mime == self.mime).map(|(_, _, format)| *format)
    }
}

impl World {
    /// Lets go of sessions that were never finished; answers which, so that their bytes can follow.
    pub(crate) fn clear_uploads(&mut self, now: Now) -> Vec<u64> {
        let is_stale =
            |upload: &Upload| upload.handle.is_none() && now.world >= Timestamp::from_millis(upload.at).plus(SESSION_LIVES);
        let stale: Vec<u64> = self.uploads.values().filter(|upload| is_stale(upload)).map(|upload| upload.id).collect();
        for id in &stale {
            self.uploads.remove(id);
            self.effects.changes.push(Change::Remove { kind: Entity::Upload, id: *id });
        }
        stale
    }

    /// Opens a session.
    pub(crate) fn open_upload(&mut self, now: Now, length: u64, mime: &str) -> Result<u64, GraphError> {
        if self.uploads.len() >= UPLOADS_MAX {
            return Err(GraphError::new(131_000, "There are 20000 uploads already; start with a fresh folder."));
        }
        let id = self.fresh_id();
        self.put_upload(Upload { id, length, mime: mime.to_owned(), at: now.world.as_millis(), handle: None });
        Ok(id)
    }

    /// All bytes are there: the handle, the same one however often it is asked for.
    pub(crate) fn finish_upload(&mut self, id: u64) -> Option<String> {
        let mut upload = self.uploads.get(&id)?.clone();
        if upload.handle.is_none() {
            upload.handle = Some(format!("4::{}:{id}", self.chance.alphanumeric(80)));
            self.put_upload(upload.clone());
        }
        upload.handle
    }

    fn put_upload(&mut self, upload: Upload) {
        self.effects.changes.push(Change::Put { kind: Entity::Upload, id: upload.id, json: to_json(&upload) });
        self.uploads.insert(upload.id, upload);
    }

    /// The finished upload that a handle stands for.
    pub(crate) fn upload_of(&self, handle: &str) -> Option<&Upload> {
        let id: u64 = handle.rsplit(':').next()?.parse().ok()?;
        self.uploads.get(&id).filter(|upload| upload.handle.as_deref() == Some(handle))
    }

    /// Every sample must be one that was uploaded, of a type that fits the header.
    pub(crate) fn check_handles(&self, components: &[Value]) -> Result<(), GraphError> {
        for component in components {
            for card in component.get("cards").and_then(Value::as_array).into_iter().flatten() {
                self.check_handles(card.get("components").and_then(Value::as_array).map_or(&[], Vec::as_slice))?;
            }
            let Some(handle) = component.pointer("/example/header_handle/0").and_then(Value::as_str) else { continue };
            let Some(upload) = self.upload_of(handle) else {
                return Err(rules::HANDLE_INVALID.refuse("Uploaded media handle is invalid: no upload to this app has it."));
            };
            let format = component.get("format").and_then(Value::as_str);
            if upload.format() != format {
                return Err(rules::HANDLE_INVALID.refuse(format!(
                    "Uploaded media handle is invalid: a file of type {} is no sample for a header of format {}.",
                    upload.mime,
                    format.unwrap_or("")
                )));
            }
        }
        Ok(())
    }
}
