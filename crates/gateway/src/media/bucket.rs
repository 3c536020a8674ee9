//! The vault in a bucket: any store that speaks S3. Bytes come whole or not at all there too: an object appears when its last
//! byte has been taken.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, GetOptions, GetRange, ObjectStore as _, ObjectStoreExt as _, PutPayload, RetryConfig,
    WriteMultipart,
};
use tokio::io::AsyncReadExt as _;

use super::stage::Staged;
use super::vault::{Doing, Name, Vault, VaultError};
use crate::wire::stream::Flow;

/// Up to so many bytes go in one request; more goes in parts of this size (S3 takes none below 5 MiB but the last).
const PART: usize = 8 << 20;
/// Parts of one file under way at once.
const PARTS_AT_ONCE: usize = 2;
/// How long one request may take, a whole file over a slow line included.
const TIMEOUT: Duration = Duration::from_secs(900);
/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request is tried again in all: whoever waits tries again later anyway.
const RETRY_FOR: Duration = Duration::from_secs(20);

/// Where a bucket is.
#[derive(Debug, Clone)]
pub struct BucketPlace {
    /// Its name.
    pub bucket: String,
    /// What names in it begin with.
    pub prefix: Option<String>,
    /// Address of the store; none for Amazon's.
    pub endpoint: Option<String>,
    /// Region.
    pub region: String,
}

/// A bucket.
pub struct Bucket {
    store: AmazonS3,
    place: BucketPlace,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Bucket {
    /// The bucket at a place. Its credentials come from the environment, under Amazon's names, or from the machine's own role.
    ///
    /// # Errors
    /// When what is configured makes no store.
    pub fn new(place: BucketPlace) -> Result<Self, VaultError> {
        let retry = RetryConfig { max_retries: 5, retry_timeout: RETRY_FOR, backoff: BackoffConfig::default() };
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&place.bucket)
            .with_region(&place.region)
            .with_virtual_hosted_style_request(place.endpoint.is_none())
            .with_client_options(ClientOptions::new().with_timeout(TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT))
            .with_retry(retry);
        if let Some(endpoint) = &place.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        let store = builder.build().map_err(|why| VaultError(format!("the bucket {} cannot be used: {why}", place.bucket)))?;
        Ok(Self { store, place })
    }

    fn path(&self, name: &str) -> Path {
        match &self.place.prefix {
            Some(prefix) => Path::from(format!("{prefix}/{name}")),
            None => Path::from(name),
        }
    }

    fn failed(&self, what: &str, why: &Error) -> VaultError {
        VaultError(format!("files in the bucket {} cannot be {what}: {why}", self.place.bucket))
    }

    async fn put(&self, path: &Path, staged: &Staged) -> Result<(), VaultError> {
        let written = |why: &Error| self.failed("written", why);
        let disk = |why: std::io::Error| VaultError(format!("a staged file cannot be read: {why}"));
        let mut file = tokio::fs::File::open(&staged.path).await.map_err(disk)?;
        if staged.size <= PART as u64 {
            let mut whole = Vec::with_capacity(usize::try_from(staged.size).unwrap_or_default());
            file.read_to_end(&mut whole).await.map_err(disk)?;
            self.store.put(path, PutPayload::from(whole)).await.map_err(|why| written(&why))?;
            return Ok(());
        }
        let upload = self.store.put_multipart(path).await.map_err(|why| written(&why))?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
        loop {
            let mut piece = Vec::with_capacity(PART);
            let read = (&mut file).take(PART as u64).read_to_end(&mut piece).await;
            let taken = match read {
                Ok(0) => break,
                Ok(_) => parts.wait_for_capacity(PARTS_AT_ONCE).await.map_err(|why| written(&why)),
                Err(why) => Err(disk(why)),
            };
            if let Err(why) = taken {
                // Parts of an upload that never ends are paid for.
                let _ = parts.abort().await;
                return Err(why);
            }
            parts.put(Bytes::from(piece));
        }
        parts.finish().await.map_err(|why| written(&why))?;
        Ok(())
    }
}

impl Vault for Bucket {
    fn place(&self) -> String {
        let at = self.place.endpoint.as_deref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
        format!("the bucket {}{at}", self.place.bucket)
    }

    fn keep(&self, name: Name, staged: Staged) -> Doing<'_, ()> {
        Box::pin(async move {
            let path = self.path(&name.to_string());
            match self.store.head(&path).await {
                Ok(there) if there.size == staged.size => return Ok(()),
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(why) => return Err(self.failed("read", &why)),
            }
            self.put(&path, &staged).await
        })
    }

    fn open(&self, name: Name, part: Option<Range<u64>>) -> Doing<'_, Option<Flow>> {
        Box::pin(async move {
            let options = GetOptions { range: part.map(GetRange::Bounded), ..GetOptions::default() };
            match self.store.get_opts(&self.path(&name.to_string()), options).await {
                Ok(got) => Ok(Some(Box::pin(got.into_stream().map_err(|why| why.to_string())) as Flow)),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(why) => Err(self.failed("read", &why)),
            }
        })
    }

    fn remove(&self, name: Name) -> Doing<'_, ()> {
        Box::pin(async move {
            match self.store.delete(&self.path(&name.to_string())).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(why) => Err(self.failed("removed", &why)),
            }
        })
    }

    fn probe(&self) -> Doing<'_, ()> {
        Box::pin(async move {
            let probe = self.path(".probe");
            self.store.put(&probe, PutPayload::from_static(b"probe")).await.map_err(|why| self.failed("written", &why))?;
            Ok(())
        })
    }
}
