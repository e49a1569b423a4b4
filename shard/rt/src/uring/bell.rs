//! How a wake reaches a driver that is idle: directly on its own thread, by eventfd from another.

use std::cell::RefCell;
use std::os::fd::{AsFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use glommio::io::BufferedFile;
use rustix::event::{EventfdFlags, eventfd};

use crate::error::{Result, RtError};

/// The driver of this thread: whose it is, and glommio's waker of it.
struct Driver {
    bell: u64,
    waker: Option<Waker>,
}

thread_local! {
    static DRIVER: RefCell<Driver> = const { RefCell::new(Driver { bell: 0, waker: None }) };
}

static BELLS: AtomicU64 = AtomicU64::new(1);

/// One shard's bell.
#[derive(Clone)]
pub(super) struct Bell {
    id: u64,
    event: Arc<OwnedFd>,
}

impl Bell {
    /// The bell of the calling thread's shard.
    pub(super) fn new() -> Result<Self> {
        let failed = |errno: rustix::io::Errno| RtError::from_io("open", "eventfd", &errno.into());
        let event = eventfd(0, EventfdFlags::CLOEXEC).map_err(failed)?;
        let bell = Self { id: BELLS.fetch_add(1, Ordering::Relaxed), event: Arc::new(event) };
        DRIVER.with(|driver| *driver.borrow_mut() = Driver { bell: bell.id, waker: None });
        Ok(bell)
    }

    /// Wakes the driver, from any thread.
    pub(super) fn ring(&self) {
        let here = DRIVER.try_with(|driver| {
            let driver = driver.borrow();
            if driver.bell != self.id {
                return false;
            }
            if let Some(waker) = &driver.waker {
                waker.wake_by_ref();
            }
            true
        });
        if !matches!(here, Ok(true)) {
            self.ring_from_afar();
        }
    }

    /// Wakes the listener. A full counter, the one error there is, means that it is rung already.
    pub(super) fn ring_from_afar(&self) {
        let _ = rustix::io::write(&*self.event, &1u64.to_ne_bytes());
    }

    /// The file the listener reads.
    pub(super) fn file(&self) -> Result<BufferedFile> {
        let own = self.event.as_fd().try_clone_to_owned();
        let own = own.map_err(|error| RtError::from_io("open", "eventfd", &error))?;
        // SAFETY: the descriptor is open and was just made for this file alone, which closes it; nobody
        // else has its number. It is an eventfd, whose reads of 8 bytes glommio passes on as they are.
        Ok(unsafe { BufferedFile::from_raw_fd(own.into_raw_fd()) })
    }
}

/// Remembers the driver's waker on its thread.
pub(super) fn set_driver(waker: &Waker) {
    DRIVER.with(|driver| {
        let mut driver = driver.borrow_mut();
        match &mut driver.waker {
            Some(known) => known.clone_from(waker),
            None => driver.waker = Some(waker.clone()),
        }
    });
}

/// Forgets the driver, so that no waker of it outlives its executor.
pub(super) fn forget_driver() {
    DRIVER.with(|driver| *driver.borrow_mut() = Driver { bell: 0, waker: None });
}
