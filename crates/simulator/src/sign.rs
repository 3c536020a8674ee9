//! Hashes: the proof in media URLs, and the SHA-256 of files.

use sha2::{Digest, Sha256};

/// A proof that only the holder of the key can make, in lower-case hexadecimal.
pub(crate) fn proof(key: &str, message: &str) -> String {
    let signed = transom_meta::signature::sign(key.as_bytes(), message.as_bytes());
    signed.trim_start_matches("sha256=").chars().take(32).collect()
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().map_or('0', char::from);
    Sha256::digest(bytes).iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
