//! Webhook registrations: create, change, list, remove; and which addresses may be called at all.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use url::{Host, Url};

use transom_domain::error_code::ErrorCode;
use transom_domain::id::{BusinessId, EndpointId};
use transom_store::{Endpoint, EndpointState, Filter, PutEndpoint, Topic};

use super::Service;
use super::command::Caller;
use crate::problem::Problem;
use crate::seal;

/// Kinds of registration that are published; all but the plain one are told the same way.
const KINDS: [&str; 4] = ["custom", "zapier", "webengage", "integromat_make"];
/// Longest address.
const ADDRESS_MAX: usize = 2_000;

/// Which webhook addresses are allowed.
#[derive(Debug, Clone, Copy, Default)]
pub struct AddressRules {
    /// Plain http, too.
    pub allow_http: bool,
    /// This machine, too.
    pub allow_loopback: bool,
    /// Every private, loopback and link-local network, too.
    pub allow_private: bool,
}

/// A registration to be made.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Topic.
    pub topic: Topic,
    /// Where to.
    pub address: String,
    /// Published `type`.
    pub kind: Option<String>,
    /// Our own outbound messages, too.
    pub echo: bool,
    /// What it wants.
    pub filter: Filter,
}

/// What is to change; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// Where to.
    pub address: Option<String>,
    /// Our own outbound messages, too.
    pub echo: Option<bool>,
    /// What it wants.
    pub filter: Option<Filter>,
}

/// A registration that was made.
#[derive(Debug, Clone)]
pub struct CreatedWebhook {
    /// Names it.
    pub id: EndpointId,
    /// What its deliveries are signed with; shared by all registrations of the business.
    pub secret: String,
}

impl AddressRules {
    /// Whether a resolved address may be called.
    #[must_use]
    pub fn reaches(self, ip: IpAddr) -> bool {
        self.allow_private || (self.allow_loopback && ip.is_loopback()) || !is_private(ip)
    }

    /// Checks an address as far as that goes without resolving its name; names are checked at each delivery.
    ///
    /// # Errors
    /// Why it may not be called.
    pub fn check(self, address: &str) -> Result<Url, Problem> {
        let refused = |why: String| Problem::new(ErrorCode::WebhookAddressRefused, why);
        if address.len() > ADDRESS_MAX {
            return Err(refused(format!("address is longer than {ADDRESS_MAX} characters.")));
        }
        let url = Url::parse(address).map_err(|why| refused(format!("address is no address: {why}.")))?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            other => return Err(refused(format!("address must begin with https, not {other}."))),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("address must not contain a user name or a password.".to_owned()));
        }
        let ip = match url.host() {
            None => return Err(refused("address names no host.".to_owned())),
            Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
            Some(Host::Domain(name)) => {
                if !self.allow_private
                    && !self.allow_loopback
                    && (name.eq_ignore_ascii_case("localhost") || name.ends_with(".localhost"))
                {
                    return Err(refused(format!("address leads to this machine: {name}.")));
                }
                None
            }
        };
        if ip.is_some_and(|ip| !self.reaches(ip)) {
            return Err(refused("address leads to a private network.".to_owned()));
        }
        Ok(url)
    }
}

/// Whether an address is not on the public internet: what a webhook must not be used to reach.
#[must_use]
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || ip.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b))
        }
        IpAddr::V6(ip) => {
            let first = ip.segments().first().copied().unwrap_or_default();
            let embedded = ip.to_ipv4();
            embedded.is_some_and(|v4| is_private(IpAddr::V4(v4)))
                || ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || (first & 0xfe00) == 0xfc00
                || (first & 0xffc0) == 0xfe80
                || (first == 0x2001 && ip.segments().get(1) == Some(&0x0db8))
                || first == 0x0064
                || first == 0x2002
        }
    }
}

/// A new webhook secret as its owner sees it: `whsec_` and 32 bytes in Base64.
///
/// # Errors
/// When the system has no randomness.
pub fn webhook_secret() -> Result<String, seal::SealError> {
    Ok(format!("whsec_{}", BASE64.encode(seal::random::<32>()?)))
}

impl Service {
    /// Registers a webhook.
    ///
    /// # Errors
    /// 400 for an address that may not be called, 409 when the topic has a registration.
    pub async fn create_webhook(&self, caller: &Caller, new: NewWebhook) -> Result<CreatedWebhook, Problem> {
        self.addresses.check(&new.address)?;
        let kind = new.kind.unwrap_or_else(|| "custom".to_owned());
        if !KINDS.contains(&kind.as_str()) {
            return Err(Problem::field(
                "type",
                format!("{kind} is not a type of webhook"),
                format!("use one of {}", KINDS.join(", ")),
            ));
        }
        let now = self.now();
        let id = EndpointId::compose(now, self.chance.draw());
        let topic = new.topic;
        let endpoint = Endpoint {
            id,
            business: caller.business,
            topic,
            address: new.address,
            kind,
            echo: new.echo,
            filter: new.filter,
            cursor: 0,
            state: EndpointState::default(),
            created_at: now,
        };
        match self.store.put_endpoint(endpoint).await? {
            PutEndpoint::Stored => {
                self.relay.reload().await?;
                Ok(CreatedWebhook { id, secret: self.secret_of(caller.business).await? })
            }
            PutEndpoint::TopicTaken(taken) => Err(Problem::new(
                ErrorCode::WebhookTopicExists,
                format!("The topic {} has the registration {taken} already.", topic.as_str()),
            )
            .detail("webhookId", taken.to_string())),
        }
    }

    /// Changes a registration; it is tried again at once if it was switched off.
    ///
    /// # Errors
    /// 404 when there is none with this id, 400 for an address that may not be called.
    pub async fn update_webhook(&self, caller: &Caller, id: EndpointId, change: WebhookChange) -> Result<(), Problem> {
        let found = self.store.endpoints(Some(caller.business)).await?.into_iter().find(|e| e.id == id);
        let mut endpoint = found.ok_or_else(|| webhook_missing(id))?;
        if let Some(address) = change.address {
            self.addresses.check(&address)?;
            endpoint.address = address;
        }
        endpoint.echo = change.echo.unwrap_or(endpoint.echo);
        endpoint.filter = change.filter.unwrap_or(endpoint.filter);
        endpoint.state.disabled = None;
        self.store.put_endpoint(endpoint).await?;
        self.relay.reload().await?;
        Ok(())
    }

    /// The registrations.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn webhooks(&self, caller: &Caller) -> Result<Vec<Endpoint>, Problem> {
        Ok(self.store.endpoints(Some(caller.business)).await?)
    }

    /// Removes a registration.
    ///
    /// # Errors
    /// 404 when there is none with this id.
    pub async fn delete_webhook(&self, caller: &Caller, id: EndpointId) -> Result<(), Problem> {
        if !self.store.delete_endpoint(caller.business, id).await? {
            return Err(webhook_missing(id));
        }
        self.relay.reload().await?;
        Ok(())
    }

    async fn secret_of(&self, business: BusinessId) -> Result<String, Problem> {
        let businesses = self.store.businesses().await?;
        let sealed = businesses.into_iter().find(|b| b.id == business).map(|b| b.webhook_secret);
        let absent = || Problem::new(ErrorCode::BusinessKeySecretAbsent, "This business has no webhook secret.");
        self.key.open_text(&sealed.ok_or_else(absent)?).map_err(|_| absent())
    }
}

fn webhook_missing(id: EndpointId) -> Problem {
    Problem::new(ErrorCode::WebhookNotFound, format!("This business has no webhook registration {id}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_https_addresses_are_allowed_unless_the_operator_says_so() {
        let strict = AddressRules::default();
        for bad in [
            "http://shop.example/hook",
            "https://localhost/hook",
            "https://127.0.0.1/",
            "https://10.1.2.3/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fd00::1]/",
            "https://169.254.169.254/latest",
            "https://user:pass@shop.example/",
            "ftp://shop.example/",
            "shop.example",
            "https://2130706433/",
        ] {
            assert!(strict.check(bad).is_err(), "{bad}");
        }
        assert!(strict.check("https://shop.example/hook?x=1").is_ok());
        let dev = AddressRules { allow_http: true, allow_loopback: true, allow_private: false };
        assert!(dev.check("http://127.0.0.1:9000/hook").is_ok() && dev.check("http://localhost:9000/hook").is_ok());
        for bad in ["http://169.254.169.254/", "https://10.0.0.1/", "http://0.0.0.0/"] {
            assert!(dev.check(bad).is_err(), "{bad}");
        }
    }
}
