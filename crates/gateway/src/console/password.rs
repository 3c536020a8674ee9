//! Passwords: what makes one, and what is kept of it.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use subtle::ConstantTimeEq as _;

use transom_domain::field::FieldError;

use crate::problem::Problem;
use crate::seal::{SealError, random};

/// Fewest characters of a password.
pub(crate) const LEAST: usize = 12;
/// Most bytes: a longer one costs more than it is worth.
pub(crate) const MOST: usize = 256;
/// KiB of memory, passes and lanes (OWASP, password storage: Argon2id).
const COSTS: (u32, u32, u32) = (19 * 1_024, 2, 1);
/// Bytes of what comes out.
const HASH_BYTES: usize = 32;
/// Highest costs that are believed of what the store holds, so that a changed row cannot take all memory.
const COSTS_MAX: (u32, u32, u32) = (256 * 1_024, 16, 8);

/// Says what is wrong with a new password.
///
/// # Errors
/// When it is too short or too long.
pub(crate) fn check(field: &str, text: &str) -> Result<(), Problem> {
    if text.chars().count() >= LEAST && text.len() <= MOST {
        return Ok(());
    }
    Err(Problem::fields(&[FieldError {
        field: field.to_owned(),
        rule: format!("must have at least {LEAST} characters, and at most {MOST} bytes"),
        remedy: "choose a sentence, or let a password manager make one".to_owned(),
    }]))
}

/// A password that nobody has to think of: 100 random bits, in groups that can be read out.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn made_up() -> Result<String, SealError> {
    /// No letters that look like digits.
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let letters: String =
        random::<20>()?.iter().map(|byte| char::from(LETTERS.get(usize::from(byte & 31)).copied().unwrap_or(b'a'))).collect();
    let groups: Vec<&str> = (0..4).filter_map(|group| letters.get(group * 5..group * 5 + 5)).collect();
    Ok(groups.join("-"))
}

/// What is kept: the hash with its salt and costs, in the form of PHC. Takes some 20 ms and 19 MiB.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn hashed(text: &str) -> Result<String, SealError> {
    let salt = random::<16>()?;
    let hash = derived(text, &salt, COSTS).ok_or(SealError::NoChance)?;
    let (memory, passes, lanes) = COSTS;
    Ok(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${}${}", BASE64.encode(salt), BASE64.encode(hash)))
}

/// Whether a password is the one that a hash was made of. Where there is no hash, it takes the same time.
pub(crate) fn fits(text: &str, kept: Option<&str>) -> bool {
    let Some((costs, salt, hash)) = kept.and_then(read) else {
        let _ = derived(text, &[0; 16], COSTS);
        return false;
    };
    derived(text, &salt, costs).is_some_and(|derived| bool::from(derived.as_slice().ct_eq(&hash)))
}

fn derived(text: &str, salt: &[u8], (memory, passes, lanes): (u32, u32, u32)) -> Option<[u8; HASH_BYTES]> {
    let params = Params::new(memory, passes, lanes, Some(HASH_BYTES)).ok()?;
    let mut hash = [0; HASH_BYTES];
    let text = text.as_bytes();
    let text = text.get(..MOST).unwrap_or(text);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(text, salt, &mut hash).ok()?;
    Some(hash)
}

type Kept = ((u32, u32, u32), Vec<u8>, Vec<u8>);

fn read(kept: &str) -> Option<Kept> {
    let mut parts = kept.strip_prefix("$argon2id$v=19$")?.split('$');
    let costs = parts.next()?;
    let (salt, hash) = (BASE64.decode(parts.next()?).ok()?, BASE64.decode(parts.next()?).ok()?);
    let cost = |name: &str| costs.split(',').find_map(|pair| pair.strip_prefix(name)?.parse::<u32>().ok());
    let costs = (cost("m=")?, cost("t=")?, cost("p=")?);
    let bounded = costs.0 <= COSTS_MAX.0 && costs.1 <= COSTS_MAX.1 && costs.2 <= COSTS_MAX.2;
    (bounded && parts.next().is_none() && hash.len() == HASH_BYTES).then_some((costs, salt, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let made = made_up().unwrap();
        assert!(made.len() == 23 && check("password", &made).is_ok(), "{made}");
        let kept = hashed(&made).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && !kept.contains(&made));
        assert_ne!(kept, hashed(&made).unwrap(), "each has a salt of its own");
        assert!(fits(&made, Some(&kept)) && !fits("something else entirely", Some(&kept)) && !fits(&made, None));
        for broken in
            ["", "$argon2id$", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA", &kept.replace("m=19456", "m=4000000000"), &kept[..60]]
        {
            assert!(!fits(&made, Some(broken)), "{broken}");
        }
        assert!(check("password", "short").is_err() && check("password", &"x".repeat(MOST + 1)).is_err());
        assert!(!fits(&"x".repeat(10_000), Some(&kept)));
    }
}
