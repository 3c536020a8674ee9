//! Backups: a copy of the store that is begun, goes on by itself, and is looked at.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use transom_domain::error_code::ErrorCode;
use transom_store::CopyProgress;

use super::Admin;
use super::command::{AdminAnswer, BackupState, BackupView};
use crate::problem::Problem;

/// The copy that was asked for last.
pub(super) type Last = Arc<Mutex<Option<Backup>>>;

/// A copy.
pub(super) struct Backup {
    progress: Arc<CopyProgress>,
    state: BackupState,
}

impl Admin {
    /// Begins a copy, unless one is being made.
    pub(super) fn backup_start(&self, to: PathBuf) -> Result<AdminAnswer, Problem> {
        if !to.is_absolute() {
            return Err(Problem::field("to", "must be an absolute path", "give the path from / on"));
        }
        let progress = Arc::new(CopyProgress::default());
        {
            let mut last = self.backup.lock().unwrap_or_else(PoisonError::into_inner);
            if last.as_ref().is_some_and(|backup| backup.state == BackupState::Copying) {
                return Err(Problem::new(ErrorCode::Overloaded, "Another backup is being made.").retry_after(60));
            }
            *last = Some(Backup { progress: Arc::clone(&progress), state: BackupState::Copying });
        }
        let (store, last) = (Arc::clone(&self.service.store), Arc::clone(&self.backup));
        tokio::spawn(async move {
            let state = match store.copy(to, progress).await {
                Ok(()) => BackupState::Copied,
                Err(why) => BackupState::Failed { why: why.to_string() },
            };
            tracing::info!(?state, "a copy of the store has ended");
            if let Some(backup) = last.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                backup.state = state;
            }
        });
        self.backup_look()
    }

    /// How far the last copy has come.
    pub(super) fn backup_look(&self) -> Result<AdminAnswer, Problem> {
        let last = self.backup.lock().unwrap_or_else(PoisonError::into_inner);
        let backup = last.as_ref().ok_or_else(|| Problem::new(ErrorCode::NotFound, "No backup was begun since the start."))?;
        let count = |pages: &std::sync::atomic::AtomicU64| pages.load(Ordering::Relaxed);
        let (pages, copied) = (count(&backup.progress.pages), count(&backup.progress.copied));
        Ok(AdminAnswer::Backup(BackupView { pages, copied, state: backup.state.clone() }))
    }
}
