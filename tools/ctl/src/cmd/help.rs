//! Completions and the manual page.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::show::write;

/// Prints completions for a shell.
pub fn completions(shell: Shell) -> Result<()> {
    let mut out = Vec::new();
    generate(shell, &mut Args::command(), "ceptra-ctl", &mut out);
    write(&String::from_utf8_lossy(&out))
}

/// Prints the manual page.
pub fn man() -> Result<()> {
    let mut out = Vec::new();
    let made = clap_mangen::Man::new(Args::command()).render(&mut out);
    made.map_err(|error| Failure::Found(error.to_string()))?;
    write(&String::from_utf8_lossy(&out))
}
