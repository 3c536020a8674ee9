//! Media the account or a customer has put up: what is known about it; the bytes lie beside the store.

use serde::{Deserialize, Serialize};
use transom_domain::{Span, Timestamp};

use super::effects::{Change, Entity};
use super::message::to_json;
use super::{Now, World};
use crate::graph::content::{MediaKind, MediaSource, MediaUse};
use crate::graph::error::GraphError;

/// How long an upload can be used. Meta: business-phone-numbers/media.
const UPLOAD_LIVES: Span = Span::days(30);
/// How long an id from a webhook resolves. Meta: same page.
const INBOUND_LIVES: Span = Span::days(7);
/// How long a URL from a resolve works. Meta: same page.
pub(crate) const URL_LIVES: Span = Span::minutes(5);

/// One file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Media {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) mime: String,
    /// Lower-case hexadecimal.
    pub(crate) sha256: String,
    pub(crate) size: u64,
    pub(crate) at: i64,
    pub(crate) inbound: bool,
}

/// MIME types and the most bytes of each kind: Meta, business-phone-numbers/media.
const TYPES: &[(MediaKind, u64, &[&str])] = &[
    (MediaKind::Image, 5 << 20, &["image/jpeg", "image/png"]),
    (MediaKind::Video, 16 << 20, &["video/mp4", "video/3gpp"]),
    (MediaKind::Audio, 16 << 20, &["audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"]),
    (
        MediaKind::Document,
        100 << 20,
        &[
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ],
    ),
    (MediaKind::Sticker, 500 << 10, &["image/webp"]),
];

/// The kind a MIME type belongs to and its limit.
pub(crate) fn kind_of(mime: &str) -> Option<(MediaKind, u64)> {
    let bare = mime.split(';').next().unwrap_or(mime).trim().to_ascii_lowercase();
    TYPES.iter().find(|(_, _, types)| types.contains(&bare.as_str())).map(|(kind, max, _)| (*kind, *max))
}

impl World {
    /// Takes up a file whose bytes are already durable.
    pub(crate) fn add_media(&mut self, media: Media) {
        self.effects.changes.push(Change::Put { kind: Entity::Media, id: media.id, json: to_json(&media) });
        self.media.insert(media.id, media);
    }

    /// The file, if it is still there and belongs to the number asked about.
    pub(crate) fn live_media(&self, id: u64, number: Option<u64>, now: Timestamp) -> Option<&Media> {
        self.media.get(&id).filter(|media| {
            let lives = if media.inbound { INBOUND_LIVES } else { UPLOAD_LIVES };
            number.is_none_or(|number| number == media.number) && now < Timestamp::from_millis(media.at).plus(lives)
        })
    }

    pub(crate) fn remove_media(&mut self, id: u64) {
        if self.media.remove(&id).is_some() {
            self.effects.changes.push(Change::Remove { kind: Entity::Media, id });
        }
    }

    /// Lets go of files whose time is over; answers which, so that their bytes can follow.
    pub(crate) fn clear_media(&mut self, now: Timestamp) -> Vec<u64> {
        let mut gone: Vec<u64> = self.media.keys().copied().filter(|id| self.live_media(*id, None, now).is_none()).collect();
        gone.sort_unstable();
        for id in &gone {
            self.remove_media(*id);
        }
        gone
    }

    /// Media of a send: an id must be an upload of this number of a fitting kind.
    pub(crate) fn check_media(&self, now: Now, number: u64, used: &[MediaUse]) -> Result<(), GraphError> {
        for media in used {
            let MediaSource::Id(id) = &media.source else { continue };
            let known = id.parse().ok().and_then(|id| self.live_media(id, Some(number), now.world));
            let Some(known) = known else {
                return Err(GraphError::invalid(format!(
                    "Param {}['id'] is not a valid whatsapp business account media attachment ID: no upload of this number has id {id}.",
                    media.kind.as_str()
                )));
            };
            if kind_of(&known.mime).is_none_or(|(kind, _)| kind != media.kind) {
                return Err(GraphError::new(
                    131_053,
                    format!("Media {id} is of type {}, which cannot be sent as {}.", known.mime, media.kind.as_str()),
                ));
            }
        }
        Ok(())
    }
}

/// Whether a link is one that Meta could not fetch. Nothing is fetched here: what points at this or a private machine cannot be
/// reached from Meta, and a path with `/unfetchable` stands for a broken one, by a local convention.
pub(crate) fn is_unfetchable(link: &str) -> bool {
    let rest = link.split_once("://").map_or(link, |(_, rest)| rest);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => host.split(':').next().unwrap_or(host),
    };
    let is_private = match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        Ok(std::net::IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => host == "localhost" || host.ends_with(".localhost") || !host.contains('.'),
    };
    is_private || format!("/{path}").contains("/unfetchable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_meta_cannot_reach_cannot_be_fetched() {
        for link in [
            "http://127.0.0.1:8080/a.png",
            "https://localhost/a",
            "http://[::1]/a",
            "http://10.0.0.7/a",
            "https://example.com/unfetchable/a.png",
        ] {
            assert!(is_unfetchable(link), "{link}");
        }
        for link in ["https://example.com/a.png", "https://example.com:8443/b?c=d"] {
            assert!(!is_unfetchable(link), "{link}");
        }
    }
}
