//! Links to files: signed, and good for a time. Whoever has one may read that file until then; no key is asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use transom_clock::WorldClock;
use transom_domain::id::{BusinessId, MediaId};
use transom_domain::time::{Span, Timestamp};

use crate::seal::SealingKey;

/// Links end at full hours, so that the same file has the same link for a while and can be cached.
const ROUND_SECS: i64 = 3_600;

/// Makes and checks links.
pub struct Links {
    key: Hmac<Sha256>,
    base: String,
    clock: WorldClock,
    life: Span,
}

/// What is wrong with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadLink {
    /// Its signature is not ours, or not for this.
    Forged,
    /// Its time is over.
    Over,
}

impl Links {
    /// Links below `base`, or relative ones without it, that are good for `life` at least.
    #[must_use]
    pub fn new(key: &SealingKey, base: Option<&str>, clock: WorldClock, life: Span) -> Self {
        // Any key length fits.
        let key = Hmac::new_from_slice(&key.derived("links to files")).unwrap_or_else(|_| Hmac::new(&Default::default()));
        Self { key, base: base.unwrap_or_default().trim_end_matches('/').to_owned(), clock, life }
    }

    /// Where this server is, as configured; empty where it is not.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A link to a file, from now on.
    #[must_use]
    pub fn link(&self, business: BusinessId, media: MediaId) -> String {
        let ends = self.clock.now().plus(self.life).as_secs();
        let ends = (ends.saturating_add(ROUND_SECS - 1) / ROUND_SECS).saturating_mul(ROUND_SECS);
        let signature = BASE64.encode(self.mac(business, media, ends).finalize().into_bytes());
        format!("{}/media/{business}/{media}?expires={ends}&signature={signature}", self.base)
    }

    fn mac(&self, business: BusinessId, media: MediaId, ends: i64) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        mac.update(&business.to_bytes());
        mac.update(&media.to_bytes());
        mac.update(&ends.to_be_bytes());
        mac
    }

    /// Checks what a link carries; answers how long it is still good.
    ///
    /// # Errors
    /// When it is not one of ours, or its time is over.
    pub fn check(&self, business: BusinessId, media: MediaId, expires: &str, signature: &str) -> Result<Span, BadLink> {
        // Only the one spelling that we write: another that reads as the same number is another link.
        let ends: i64 = expires.parse().ok().filter(|ends: &i64| ends.to_string() == expires).ok_or(BadLink::Forged)?;
        let given = BASE64.decode(signature).map_err(|_| BadLink::Forged)?;
        // In constant time.
        self.mac(business, media, ends).verify_slice(&given).map_err(|_| BadLink::Forged)?;
        let left = Timestamp::from_secs(ends).since(self.clock.now());
        let longest = self.life.as_millis().saturating_add(ROUND_SECS * 1_000);
        // Longer than any that is made now: from before a shorter life was configured, or from a clock that ran ahead.
        if left <= Span::ZERO || left.as_millis() > longest { Err(BadLink::Over) } else { Ok(left) }
    }

    /// The file that one of our own links leads to, whatever its time; none for any other address.
    #[must_use]
    pub fn own(&self, link: &str) -> Option<(BusinessId, MediaId)> {
        let rest = link.strip_prefix(&self.base)?.strip_prefix("/media/")?;
        let (path, query) = rest.split_once('?')?;
        let (business, media) = path.split_once('/')?;
        let (business, media) = (business.parse().ok()?, media.parse().ok()?);
        let part = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name));
        let (ends, given) = (part("expires=")?.parse().ok()?, BASE64.decode(part("signature=")?).ok()?);
        self.mac(business, media, ends).verify_slice(&given).ok()?;
        Some((business, media))
    }

    /// Puts a link beside each file of ours in what is told of a message: its `mediaId` names it.
    pub fn sign(&self, business: BusinessId, told: &mut Value) {
        for place in ["/message/attachments", "/edit/message/attachments"] {
            let Some(attachments) = told.pointer_mut(place).and_then(Value::as_array_mut) else { continue };
            for attachment in attachments.iter_mut().filter_map(Value::as_object_mut) {
                let media: Option<MediaId> = attachment.get("mediaId").and_then(Value::as_str).and_then(|id| id.parse().ok());
                if let Some(media) = media {
                    attachment.insert("url".to_owned(), self.link(business, media).into());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SHOP: BusinessId = BusinessId(1);
    const FILE: MediaId = MediaId(7);

    fn links(clock: &WorldClock) -> Links {
        let key = SealingKey::of_bytes(&[3; 32]).unwrap();
        Links::new(&key, Some("https://gw.example/"), clock.clone(), Span::days(7))
    }

    fn parts(link: &str) -> (String, String) {
        let query = link.split_once("?expires=").unwrap().1;
        let (expires, signature) = query.split_once("&signature=").unwrap();
        (expires.to_owned(), signature.to_owned())
    }

    #[tokio::test]
    async fn a_link_is_good_for_its_file_and_its_time_only() {
        let clock = WorldClock::turnable(Span::ZERO);
        let links = links(&clock);
        let link = links.link(SHOP, FILE);
        assert!(link.starts_with(&format!("https://gw.example/media/{SHOP}/{FILE}?expires=")), "{link}");
        let (expires, signature) = parts(&link);
        assert!(links.check(SHOP, FILE, &expires, &signature).unwrap() >= Span::days(7));
        assert_eq!(links.own(&link), Some((SHOP, FILE)));
        let later = (expires.parse::<i64>().unwrap() + 3_600).to_string();
        let mut other = signature.clone().into_bytes();
        other[5] = if other[5] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(other).unwrap();
        for (business, media, expires, signature) in [
            (BusinessId(2), FILE, &expires, &signature),
            (SHOP, MediaId(8), &expires, &signature),
            (SHOP, FILE, &later, &signature),
            (SHOP, FILE, &format!("+{expires}"), &signature),
            (SHOP, FILE, &format!("0{expires}"), &signature),
            (SHOP, FILE, &expires, &other),
            (SHOP, FILE, &expires, &signature[..20].to_owned()),
            (SHOP, FILE, &expires, &String::new()),
            (SHOP, FILE, &String::new(), &signature),
        ] {
            assert_eq!(links.check(business, media, expires, signature), Err(BadLink::Forged), "{expires} {signature}");
        }
        assert_eq!(links.own(&link.replace(&expires, &later)), None);
        assert_eq!(links.own("https://shop.example/media/a/b?expires=1&signature=x"), None);
        clock.turn(Span::days(7), |_| async { Ok(()) }).await.unwrap();
        assert!(
            links.check(SHOP, FILE, &expires, &signature).is_ok() || expires.parse::<i64>().unwrap() <= clock.now().as_secs()
        );
        clock.turn(Span::hours(1), |_| async { Ok(()) }).await.unwrap();
        assert_eq!(links.check(SHOP, FILE, &expires, &signature), Err(BadLink::Over));
        // Still known as ours: it names the file, even where it no longer opens it.
        assert_eq!(links.own(&link), Some((SHOP, FILE)));
    }

    #[test]
    fn another_key_makes_other_links() {
        let clock = WorldClock::wall();
        let (one, other) = (links(&clock), SealingKey::of_bytes(&[4; 32]).unwrap());
        let (expires, signature) = parts(&one.link(SHOP, FILE));
        let other = Links::new(&other, None, clock, Span::days(7));
        assert_eq!(other.check(SHOP, FILE, &expires, &signature), Err(BadLink::Forged));
        assert!(other.link(SHOP, FILE).starts_with("/media/"));
    }

    #[test]
    fn what_is_told_of_a_file_has_its_link() {
        let links = links(&WorldClock::wall());
        let mut told =
            json!({ "message": { "attachments": [{ "type": "image", "mediaId": FILE.to_string() }, { "type": "image" }] } });
        links.sign(SHOP, &mut told);
        assert_eq!(told["message"]["attachments"][0]["url"], links.link(SHOP, FILE));
        assert!(told["message"]["attachments"][1].get("url").is_none());
        let mut text = json!({ "message": { "text": "Hallo" } });
        links.sign(SHOP, &mut text);
        assert_eq!(text, json!({ "message": { "text": "Hallo" } }));
    }
}
