//! Nothing is held: this process alone writes to the folder.

use super::SqliteRows;
use crate::rows::ReplicaRows;

impl ReplicaRows for SqliteRows<'_> {}
