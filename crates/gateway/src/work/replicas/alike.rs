//! What all replicas of a house have alike, and what is said of one that has not.

use transom_domain::time::Span;
use transom_store::{Alike, Replica, StoreError};

use super::Inner;

/// Why a process did not become a replica.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The store does not answer.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Its sealing key is another one.
    #[error(
        "the sealing key here is another one than that of the replica at {0}: neither could read what the other seals; give both the \
         same `seal.key_file` or `TRANSOM_SEAL_KEY`"
    )]
    Key(String),
}

/// Compares what is here with what each replica that is there has; gives what differs and may, in sentences.
fn compared(mine: &Alike, lease: Span, roll: &[Replica]) -> Result<Vec<String>, BeginError> {
    let mut differs = Vec::new();
    for other in roll.iter().filter(|other| other.left > Span::ZERO) {
        let at = &other.address;
        if other.alike.key != mine.key {
            return Err(BeginError::Key(at.clone()));
        }
        if other.alike.media != mine.media {
            differs.push(format!(
                "files are kept in {} here and in {} by the replica at {at}: unless both are the same place, neither finds the other's \
                 files; give all replicas the same `media.bucket` or one folder as `media.dir`",
                mine.media, other.alike.media
            ));
        }
        if other.lease != lease {
            differs.push(format!(
                "`replica.lease` is {} s here and {} s at the replica at {at}: while it is changed from one to the next that does no harm, but \
                 what a replica holds that dies is silent for as long as its own; give all the same",
                lease.as_millis() / 1_000,
                other.lease.as_millis() / 1_000
            ));
        }
    }
    Ok(differs)
}

impl Inner {
    /// Says what differs from the replicas that are there.
    pub(super) fn compare(&self, roll: &[Replica]) -> Result<(), BeginError> {
        for differs in compared(&self.parts.alike, self.parts.settings.lease, roll)? {
            tracing::warn!("{differs}");
        }
        Ok(())
    }
}

/// What the replicas of a roll have that one of them has otherwise; in sentences, for the doctor.
pub(crate) fn unlike(roll: &[Replica]) -> Vec<String> {
    let mut live = roll.iter().filter(|one| one.left > Span::ZERO);
    let Some(first) = live.next() else { return Vec::new() };
    let others: Vec<Replica> = live.cloned().collect();
    match compared(&first.alike, first.lease, &others) {
        Ok(differs) => differs.into_iter().map(|said| said.replace(" here ", &format!(" at {} ", first.address))).collect(),
        Err(why) => vec![why.to_string().replace(" here ", &format!(" at {} ", first.address))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::holding::ReplicaId;
    use transom_domain::time::Timestamp;

    fn alike(key: &str, media: &str) -> Alike {
        Alike { key: key.to_owned(), media: media.to_owned() }
    }

    fn replica(alike: Alike, lease: Span, left: Span) -> Replica {
        let (address, started_at) = ("http://10.0.0.2:8080".to_owned(), Timestamp::EPOCH);
        Replica { id: ReplicaId(7), address, started_at, left, draining: false, lease, alike }
    }

    #[test]
    fn who_has_another_key_is_refused_and_other_differences_are_said() {
        let (mine, lease) = (alike("k", "the bucket b"), Span::secs(10));
        let says = |other: Replica| compared(&mine, lease, &[other]);
        assert!(says(replica(mine.clone(), lease, lease)).unwrap().is_empty());
        let why = says(replica(alike("other", "the bucket b"), lease, lease)).unwrap_err().to_string();
        assert!(why.contains("http://10.0.0.2:8080") && why.contains("seal.key_file"), "{why}");
        // Who is gone has nothing to say.
        assert!(says(replica(alike("other", "elsewhere"), lease, Span::ZERO)).unwrap().is_empty());
        let differs = says(replica(alike("k", "the folder /files"), Span::secs(20), lease)).unwrap();
        assert_eq!(differs.len(), 2, "{differs:?}");
        assert!(differs[0].contains("the folder /files") && differs[1].contains("20 s"), "{differs:?}");
        let roll = [replica(mine.clone(), lease, lease), replica(alike("k", "the folder /files"), lease, lease)];
        assert_eq!((unlike(&roll[..1]).len(), unlike(&roll).len()), (0, 1));
    }
}
