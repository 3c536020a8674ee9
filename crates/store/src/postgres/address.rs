//! Where PostgreSQL is, as whom it is asked, and whose certificates are believed: read once, and never said with its password.

use std::fmt;
use std::str::FromStr;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How an address is written.
const FORM: &str = "postgres://user@host:5432/database";

/// The address of a database on a PostgreSQL server.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresAddress {
    config: Config,
    roots: Vec<CertificateDer<'static>>,
}

impl PostgresAddress {
    /// Reads an address as PostgreSQL's own tools take it: `postgres://user:password@host:5432/database`, several hosts parted by commas.
    /// TLS is asked for, and the certificate verified, unless it says `sslmode=disable` or every host is this machine.
    ///
    /// # Errors
    /// What is wrong, without the address, which may hold a password.
    pub fn read(url: &str) -> Result<Self, String> {
        let address = Self::parse(url)?;
        match address.config.get_application_name() {
            // A command that must not meet a server would not know it.
            Some(_) => Err("no application_name: by theirs servers are told from commands".to_owned()),
            None => Ok(address),
        }
    }

    /// As [`PostgresAddress::read`], also where it gives its connections a name: tests tell those of their stores by it.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let url = url.trim();
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(format!("an address such as \"{FORM}\""));
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut rest) = (None, String::new());
        for part in query.split('&').filter(|part| !part.is_empty()) {
            match part.split_once('=').unwrap_or((part, "")) {
                ("sslmode", "disable") => mode = Some(SslMode::Disable),
                // Whoever is encrypted with is also verified.
                ("sslmode", "require" | "verify-full") => mode = Some(SslMode::Require),
                ("sslmode", _) => {
                    return Err("sslmode=verify-full (or require, which is the same here), or sslmode=disable".to_owned());
                }
                ("sslrootcert", _) => {
                    return Err("no sslrootcert: the file with its certificates is named in store.ca_file".to_owned());
                }
                ("target_session_attrs", _) => {
                    return Err("no target_session_attrs: a server that takes writes is always looked for".to_owned());
                }
                _ => {
                    rest.push(if rest.is_empty() { '?' } else { '&' });
                    rest.push_str(part);
                }
            }
        }
        let mut config = Config::from_str(&format!("{base}{rest}")).map_err(|why| {
            let why = std::error::Error::source(&why).map_or_else(|| why.to_string(), |source| format!("{why}: {source}"));
            format!("an address such as \"{FORM}\" ({why})")
        })?;
        for (missing, what) in [
            (!config.get_hosts().iter().any(is_named), "the host"),
            (config.get_user().is_none_or(str::is_empty), "the user"),
            (config.get_dbname().is_none_or(str::is_empty), "the database"),
        ] {
            if missing {
                return Err(format!("{what} as well, as in \"{FORM}\""));
            }
        }
        let here = config.get_hosts().iter().all(is_this_machine);
        config.ssl_mode(mode.unwrap_or(if here { SslMode::Disable } else { SslMode::Require }));
        Ok(Self { config, roots: Vec::new() })
    }

    /// With a password, in place of the one that the address has.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// With certificates (PEM) that are believed as well as the machine's own.
    ///
    /// # Errors
    /// When there is none in it, or one does not read.
    pub fn trusting(mut self, pem: &[u8]) -> Result<Self, String> {
        self.roots = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|why| format!("it does not read as certificates in PEM: {why}"))?;
        if self.roots.is_empty() { Err("it has no certificate in PEM".to_owned()) } else { Ok(self) }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn roots(&self) -> &[CertificateDer<'static>] {
        &self.roots
    }
}

fn is_named(host: &Host) -> bool {
    !matches!(host, Host::Tcp(name) if name.is_empty())
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

impl fmt::Display for PostgresAddress {
    /// As it is written, without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        write!(f, "postgres://{}@", config.get_user().unwrap_or_default())?;
        for (n, host) in config.get_hosts().iter().enumerate() {
            f.write_str(if n == 0 { "" } else { "," })?;
            match host {
                Host::Tcp(name) if name.contains(':') => write!(f, "[{name}]")?,
                Host::Tcp(name) => f.write_str(name)?,
                #[cfg(unix)]
                Host::Unix(path) => f.write_str(&path.display().to_string().replace('/', "%2F"))?,
            }
            // One port stands for all hosts, as it does where they are read.
            if let Some(port) = config.get_ports().get(n).or_else(|| config.get_ports().first()) {
                write!(f, ":{port}")?;
            }
        }
        let mode = if config.get_ssl_mode() == SslMode::Disable { "disable" } else { "verify-full" };
        write!(f, "/{}?sslmode={mode}", config.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_without_its_password_and_with_what_is_meant_by_silence() {
        for (written, said) in [
            ("postgres://me:secret@db.example/shop", "postgres://me@db.example:5432/shop?sslmode=verify-full"),
            (
                "postgresql://me:s%40cret@a:5433,b:5434/shop?sslmode=require",
                "postgres://me@a:5433,b:5434/shop?sslmode=verify-full",
            ),
            ("postgres://me@127.0.0.1/shop?password=secret", "postgres://me@127.0.0.1:5432/shop?sslmode=disable"),
            ("postgres://me@%2Frun%2Fpostgresql/shop", "postgres://me@%2Frun%2Fpostgresql:5432/shop?sslmode=disable"),
            ("postgres://me@localhost/shop?sslmode=verify-full", "postgres://me@localhost:5432/shop?sslmode=verify-full"),
            ("postgres://me@10.0.0.1/shop?sslmode=disable", "postgres://me@10.0.0.1:5432/shop?sslmode=disable"),
        ] {
            let read = PostgresAddress::read(written).unwrap();
            assert_eq!(read.to_string(), said);
            assert!(!format!("{read:?}").contains("secret"));
            assert_eq!(PostgresAddress::read(said).map(|again| again.to_string()).as_deref(), Ok(said));
        }
    }

    #[test]
    fn what_does_not_read_is_told_without_the_password() {
        for wrong in [
            "mysql://me:secret@db/shop",
            "host=db password=secret user=me dbname=shop",
            "postgres://me:secret@db:nonsense/shop",
            "postgres://me:secret@db",
            "postgres://:secret@db/shop",
            "postgres://me:secret@/shop",
            "postgres://me:secret@db/shop?sslmode=prefer",
            "postgres://me:secret@db/shop?sslmode=verify-ca",
            "postgres://me:secret@db/shop?sslrootcert=ca.pem",
            "postgres://me:secret@db/shop?target_session_attrs=any",
            "postgres://me:secret@db/shop?application_name=shop",
            "postgres://me:secret@db/shop?nonsense=1",
        ] {
            let why = PostgresAddress::read(wrong).unwrap_err();
            assert!(!why.contains("secret"), "{wrong}: {why}");
        }
    }

    #[test]
    fn certificates_that_are_none_are_refused() {
        let address = PostgresAddress::read("postgres://me@db/shop").unwrap();
        assert!(address.clone().trusting(b"").is_err());
        assert!(address.trusting(b"-----BEGIN CERTIFICATE-----\nAAAA").is_err());
    }
}
