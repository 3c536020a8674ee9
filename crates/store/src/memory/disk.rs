//! A disk for the store in memory: whoever tries the store decides when a write is made, when its caller hears of it, and
//! whether it fails.

use std::future::Future;
use std::pin::Pin;

use crate::StoreError;

/// A wait on the disk.
pub type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What happens to the moves of a store. `what` names the move, for a person to read.
pub trait Disk: Send + Sync + 'static {
    /// A move that writes was asked for. Resolves when it is made and safe; an error fails it, and nothing of it is there.
    fn write(&self, what: &'static str) -> Waiting<Result<(), StoreError>>;
    /// It was made, or refused itself. Resolves when its caller is to hear so.
    fn written(&self, what: &'static str) -> Waiting<()>;
    /// A move that reads was asked for. Resolves when it looks.
    fn read(&self, what: &'static str) -> Waiting<Result<(), StoreError>>;
}

/// The name of the contract's method that a closure was made in.
pub(super) fn name_of<F>(_: &F) -> &'static str {
    let closure = std::any::type_name::<F>();
    closure.trim_end_matches("::{{closure}}").rsplit("::").next().unwrap_or(closure)
}
