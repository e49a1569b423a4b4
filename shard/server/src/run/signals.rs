//! SIGINT and SIGTERM: the first asks the run to finish, the second ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Which signal came, if one did.
#[derive(Debug, Clone)]
pub struct Signals {
    asked: Arc<AtomicBool>,
    number: Arc<AtomicUsize>,
}

impl Signals {
    /// Takes over the handling of both signals for the rest of the process.
    ///
    /// # Errors
    /// If the system refuses a handler.
    pub fn install() -> io::Result<Self> {
        let signals = Signals { asked: Arc::default(), number: Arc::default() };
        for signal in [SIGINT, SIGTERM] {
            // Handlers run in the order of registration: the first signal finds the flag down,
            // leaves its number, then raises the flag.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&signals.asked))?;
            flag::register_usize(signal, Arc::clone(&signals.number), signal.unsigned_abs() as usize)?;
            flag::register(signal, Arc::clone(&signals.asked))?;
        }
        Ok(signals)
    }

    /// The signal that came.
    pub fn taken(&self) -> Option<Signal> {
        if !self.asked.load(Ordering::SeqCst) {
            return None;
        }
        Some(Signal(u8::try_from(self.number.load(Ordering::SeqCst)).unwrap_or(u8::MAX)))
    }

    /// Forgets the signal, for the next run of the same process.
    pub fn rearm(&self) {
        self.number.store(0, Ordering::SeqCst);
        self.asked.store(false, Ordering::SeqCst);
    }
}

/// A signal by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(u8);

impl Signal {
    /// Exit code of a process that ends because of it, as shells see it.
    pub fn exit_code(self) -> u8 {
        128_u8.saturating_add(self.0)
    }
}
