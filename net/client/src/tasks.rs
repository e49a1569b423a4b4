//! The tasks of a client, which end with it.

use std::sync::{Mutex, PoisonError};

use tokio::task::JoinSet;

use crate::error::ClientError;

/// Runs tasks until it is closed. Dropping it ends them too.
pub(crate) struct Tasks {
    /// `None` after the end.
    running: Mutex<Option<JoinSet<()>>>,
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Tasks { running: Mutex::new(Some(JoinSet::new())) }
    }

    /// Runs `task` on the runtime of the caller.
    ///
    /// # Errors
    /// After the end.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Result<(), ClientError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let set = running.as_mut().ok_or(ClientError::Closed)?;
        // Ended ones are let go here, so their number is bounded by what runs.
        while set.try_join_next().is_some() {}
        set.spawn(task);
        Ok(())
    }

    /// Ends all of them.
    pub(crate) fn close(&self) {
        let set = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(set);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}
