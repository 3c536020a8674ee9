//! Sealing of secrets at rest: AES-256-GCM with a key from the environment or a 0600 file beside the store.

use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use transom_store::Sealed;

/// Name of the key's file in the store's folder.
pub const KEY_FILE: &str = "seal.key";
/// Environment variable that holds the key instead, as 64 hex digits.
pub const KEY_VARIABLE: &str = "TRANSOM_SEAL_KEY";

/// Why secrets cannot be sealed or read.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file cannot be read or made.
    #[error("the sealing key {path} cannot be used: {why}; it must be readable by this user alone")]
    File {
        /// Where.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// Not 64 hex digits.
    #[error("the sealing key in {0} is not 64 hex digits; make one with `openssl rand -hex 32`")]
    Malformed(String),
    /// Sealed with another key, or damaged.
    #[error("a secret was sealed with another key, or is damaged; start with the key that this store was made with")]
    NotOurs,
    /// The system has no randomness.
    #[error("the system gave no random bytes")]
    NoChance,
}

/// The key.
pub struct SealingKey {
    seals: RandomizedNonceKey,
    /// Keyed once: other keys are made from it.
    derives: Hmac<Sha256>,
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

impl SealingKey {
    /// The key of a store's folder: from [`KEY_VARIABLE`], else from [`KEY_FILE`], which is made when it is missing.
    ///
    /// # Errors
    /// When the key is malformed, or the file cannot be read or made.
    pub fn load_or_create(dir: &Path) -> Result<Self, SealError> {
        if let Ok(text) = std::env::var(KEY_VARIABLE) {
            return Self::parse(&text, KEY_VARIABLE);
        }
        let path = dir.join(KEY_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path.display().to_string()),
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                let text = hex(&random::<32>()?);
                write_private(&path, text.as_bytes()).map_err(|why| SealError::File { path: path.clone(), why })?;
                Self::parse(&text, KEY_FILE)
            }
            Err(why) => Err(SealError::File { path, why }),
        }
    }

    /// The key in a file of the operator's own choice.
    ///
    /// # Errors
    /// When the key is malformed, or the file cannot be read.
    pub fn of_file(path: &Path) -> Result<Self, SealError> {
        let text = std::fs::read_to_string(path).map_err(|why| SealError::File { path: path.to_owned(), why })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// The key itself, for a house that has no folder.
    ///
    /// # Errors
    /// When the system cannot use it.
    pub fn of_bytes(bytes: &[u8; 32]) -> Result<Self, SealError> {
        Self::whole(bytes).ok_or_else(|| SealError::Malformed("the bytes given".to_owned()))
    }

    fn whole(bytes: &[u8]) -> Option<Self> {
        let seals = RandomizedNonceKey::new(&AES_256_GCM, bytes).ok()?;
        Some(Self { seals, derives: Hmac::new_from_slice(bytes).ok()? })
    }

    /// Names this key among others; nothing is learnt of it from that.
    #[must_use]
    pub fn name(&self) -> String {
        let mut name = hex(&self.derived("its name"));
        name.truncate(16);
        name
    }

    /// A key for one purpose, made from this one: the same as long as this one is, and nothing is learnt of this one from it.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        let mut mac = self.derives.clone();
        mac.update(b"transom key for ");
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn parse(text: &str, whence: &str) -> Result<Self, SealError> {
        let malformed = || SealError::Malformed(whence.to_owned());
        let text = text.trim();
        if text.len() != 64 || !text.is_ascii() {
            return Err(malformed());
        }
        let bytes: Option<Vec<u8>> = (0..32).map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()).collect();
        let bytes = bytes.ok_or_else(malformed)?;
        Self::whole(&bytes).ok_or_else(malformed)
    }

    /// Seals a secret.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn seal(&self, secret: &[u8]) -> Result<Sealed, SealError> {
        let mut bytes = secret.to_vec();
        let nonce = self.seals.seal_in_place_append_tag(Aad::empty(), &mut bytes).map_err(|_| SealError::NoChance)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut bytes);
        Ok(Sealed(sealed))
    }

    /// Opens what this key sealed.
    ///
    /// # Errors
    /// When it was sealed with another key, or is damaged.
    pub fn open(&self, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let (nonce, rest) = sealed.0.split_at_checked(NONCE_LEN).ok_or(SealError::NotOurs)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::NotOurs)?;
        let mut bytes = rest.to_vec();
        let length = self.seals.open_in_place(nonce, Aad::empty(), &mut bytes).map_err(|_| SealError::NotOurs)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Opens a text.
    ///
    /// # Errors
    /// As [`SealingKey::open`].
    pub fn open_text(&self, sealed: &Sealed) -> Result<String, SealError> {
        String::from_utf8(self.open(sealed)?).map_err(|_| SealError::NotOurs)
    }
}

/// Random bytes from the system.
///
/// # Errors
/// When the system has none.
pub fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SealError::NoChance)?;
    Ok(bytes)
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Writes a file that only this user can read: first beside it, then in its place, so that nobody sees half of it.
///
/// # Errors
/// What the system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let beside = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_only() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = SealingKey::load_or_create(here.path()).unwrap();
        let sealed = key.seal(b"secret").unwrap();
        assert!(!sealed.0.windows(6).any(|w| w == b"secret"));
        let again = SealingKey::load_or_create(here.path()).unwrap();
        assert_eq!(again.open_text(&sealed).unwrap(), "secret");
        let other = SealingKey::load_or_create(there.path()).unwrap();
        assert!(matches!(other.open(&sealed), Err(SealError::NotOurs)));
        let mut damaged = sealed;
        if let Some(last) = damaged.0.last_mut() {
            *last ^= 1;
        }
        assert!(key.open(&damaged).is_err() && key.open(&Sealed(vec![1])).is_err());
    }

    #[test]
    fn the_key_is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        SealingKey::load_or_create(dir.path()).unwrap();
        let mode = std::fs::metadata(dir.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
