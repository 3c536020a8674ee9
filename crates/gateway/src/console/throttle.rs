//! Guessing takes long: after a few wrong tries from an address, or at an account, each further one waits longer.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// Names remembered of each kind.
const KEPT_MAX: usize = 10_000;
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);
/// After so long without a wrong try all is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// Wrong tries that cost nothing: at one account from one address; from one address; at one account from anywhere. The last is high, so
/// that nobody keeps somebody else out for long by guessing.
const FREE: [u32; 3] = [5, 20, 50];

#[derive(Debug, Clone, Copy)]
struct Tries {
    wrong: u32,
    last: Instant,
    until: Instant,
}

#[derive(Debug)]
struct Kind<K> {
    free: u32,
    tries: HashMap<K, Tries>,
}

impl<K: Hash + Eq + Clone> Kind<K> {
    fn new(free: u32) -> Self {
        Self { free, tries: HashMap::new() }
    }

    fn wait(&self, key: &K, now: Instant) -> Duration {
        self.tries.get(key).map_or(Duration::ZERO, |tries| tries.until.saturating_duration_since(now))
    }

    fn take_back(&mut self, key: &K) {
        if let Some(tries) = self.tries.get_mut(key) {
            tries.wrong = tries.wrong.saturating_sub(1);
        }
    }

    fn wrong(&mut self, key: K, now: Instant) {
        if self.tries.len() >= KEPT_MAX && !self.tries.contains_key(&key) {
            self.tries.retain(|_, tries| now.saturating_duration_since(tries.last) < FORGOTTEN_AFTER);
            // Still full: of those who tried least whoever was quiet for longest, so that a flood pushes out itself.
            if self.tries.len() >= KEPT_MAX
                && let Some(oldest) =
                    self.tries.iter().min_by_key(|(_, tries)| (tries.wrong, tries.last)).map(|(key, _)| key.clone())
            {
                self.tries.remove(&oldest);
            }
        }
        let tries = self.tries.entry(key).or_insert(Tries { wrong: 0, last: now, until: now });
        if now.saturating_duration_since(tries.last) >= FORGOTTEN_AFTER {
            tries.wrong = 0;
        }
        tries.wrong = tries.wrong.saturating_add(1);
        tries.last = now;
        if let Some(over) = tries.wrong.checked_sub(self.free) {
            tries.until = now + Duration::from_secs(1 << over.min(10)).min(WAIT_MAX);
        }
    }
}

/// What is remembered of wrong tries. Bounded, and machine time: a turned clock forgives nothing.
#[derive(Debug)]
pub(super) struct Throttle {
    pairs: Kind<(String, IpAddr)>,
    addresses: Kind<IpAddr>,
    accounts: Kind<String>,
}

impl Default for Throttle {
    fn default() -> Self {
        let [pair, address, account] = FREE;
        Self { pairs: Kind::new(pair), addresses: Kind::new(address), accounts: Kind::new(account) }
    }
}

impl Throttle {
    /// How long a try has to wait. Without an address, where many come from one, the account alone counts: else one of them would keep
    /// all others out.
    pub(super) fn wait(&self, account: &str, from: Option<IpAddr>, now: Instant) -> Duration {
        let account = account.to_owned();
        let at_account = self.accounts.wait(&account, now);
        let Some(from) = from else { return at_account };
        self.pairs.wait(&(account, from), now).max(self.addresses.wait(&from, now)).max(at_account)
    }

    /// A try was wrong.
    pub(super) fn wrong(&mut self, account: &str, from: Option<IpAddr>, now: Instant) {
        if let Some(from) = from {
            self.pairs.wrong((account.to_owned(), from), now);
            self.addresses.wrong(from, now);
        }
        self.accounts.wrong(account.to_owned(), now);
    }

    /// How long a try has to wait that names no account.
    pub(super) fn wait_from(&self, from: Option<IpAddr>, now: Instant) -> Duration {
        from.map_or(Duration::ZERO, |from| self.addresses.wait(&from, now))
    }

    /// A try that names no account came to nothing.
    pub(super) fn wrong_from(&mut self, from: Option<IpAddr>, now: Instant) {
        if let Some(from) = from {
            self.addresses.wrong(from, now);
        }
    }

    /// A try that was counted was right: this account at this address has nothing against it, and of the others it is taken back.
    pub(super) fn right(&mut self, account: &str, from: Option<IpAddr>) {
        if let Some(from) = from {
            self.pairs.tries.remove(&(account.to_owned(), from));
            self.addresses.take_back(&from);
        }
        self.accounts.take_back(&account.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_waits_longer_and_longer_and_others_hardly() {
        let mut throttle = Throttle::default();
        let [here, there] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().ok());
        let mut now = Instant::now();
        for _ in 0..FREE[0] - 1 {
            throttle.wrong("ana", here, now);
        }
        assert_eq!(throttle.wait("ana", here, now), Duration::ZERO);
        let mut before = Duration::ZERO;
        for _ in 0..8 {
            throttle.wrong("ana", here, now);
            let wait = throttle.wait("ana", here, now);
            assert!(wait > before, "{wait:?}");
            before = wait;
            now += wait;
        }
        assert_eq!(throttle.wait("ana", there, now), Duration::ZERO);
        assert_eq!(throttle.wait("bo", here, now), Duration::ZERO);
        // Many accounts from one address, as with a list of leaked passwords.
        for n in 0..FREE[1] {
            throttle.wrong(&n.to_string(), here, now);
        }
        assert!(throttle.wait("bo", here, now) > Duration::ZERO);
        // And one account from many.
        for n in 0..FREE[2] + 20 {
            throttle.wrong("cy", format!("10.1.{}.{}", n / 250, n % 250).parse().ok(), now);
        }
        assert_eq!(throttle.wait("cy", there, now), WAIT_MAX);
        assert_eq!(throttle.wait("cy", there, now + WAIT_MAX), Duration::ZERO);
    }

    #[test]
    fn who_guesses_behind_what_many_come_through_keeps_out_nobody_else() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..1_000 {
            throttle.wrong(&n.to_string(), None, now);
            throttle.wrong_from(None, now);
        }
        assert_eq!((throttle.wait("ana", None, now), throttle.wait_from(None, now)), (Duration::ZERO, Duration::ZERO));
        // Guessing at one account waits all the same.
        for _ in 0..FREE[2] + 20 {
            throttle.wrong("ana", None, now);
        }
        assert_eq!(throttle.wait("ana", None, now), WAIT_MAX);
    }

    #[test]
    fn who_knows_the_password_never_waits_for_it() {
        let mut throttle = Throttle::default();
        let (here, now) = ("10.0.0.1".parse().ok(), Instant::now());
        for _ in 0..500 {
            assert_eq!(throttle.wait("ana", here, now), Duration::ZERO);
            throttle.wrong("ana", here, now);
            throttle.right("ana", here);
        }
    }

    #[test]
    fn no_flood_makes_it_forget_whoever_waits() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..FREE[2] + 20 {
            throttle.wrong("ana", None, now);
        }
        for n in 0..KEPT_MAX as u64 + 50 {
            throttle.wrong(&n.to_string(), None, now + Duration::from_millis(n));
        }
        assert_eq!(throttle.wait("ana", None, now), WAIT_MAX);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut throttle = Throttle::default();
        let (here, now) = ("10.0.0.1".parse().ok(), Instant::now());
        for n in 0..KEPT_MAX + 50 {
            throttle.wrong(&n.to_string(), here, now + Duration::from_millis(n as u64));
        }
        assert!(throttle.accounts.tries.len() <= KEPT_MAX && throttle.pairs.tries.len() <= KEPT_MAX);
        assert!(throttle.accounts.tries.contains_key(&(KEPT_MAX + 49).to_string()) && !throttle.accounts.tries.contains_key("0"));
    }
}
