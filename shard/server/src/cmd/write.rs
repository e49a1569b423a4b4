//! Text to standard output.

use std::io::{self, Write};

use crate::failure::{Failure, Result};

/// Writes text to standard output as it is.
///
/// # Errors
/// If standard output is closed or cannot be written.
pub fn write_stdout(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::run(format!("cannot write to standard output: {error}")),
    })
}
