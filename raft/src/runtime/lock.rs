//! The lock that may be held across an await.

use std::future::Future;

use shard_rt::sync;

/// The seam's lock under openraft's trait.
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T: 'static> openraft::async_runtime::Mutex<T> for Mutex<T> {
    type Guard<'a> = sync::MutexGuard<'a, T>;

    fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    fn lock(&self) -> impl Future<Output = Self::Guard<'_>> {
        self.0.lock()
    }
}
