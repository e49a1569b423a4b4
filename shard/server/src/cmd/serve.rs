//! `ceptra serve`.

use crate::args::ServeArgs;
use crate::cmd::write_stdout;
use crate::failure::Result;
use crate::serve::config::Config;

/// Runs a node, or prints its settings.
///
/// # Errors
/// If a setting is wrong, or the node does not start or fails.
pub fn serve(args: &ServeArgs) -> Result<u8> {
    let config = Config::of(args.config.as_deref(), args.settings.clone())?;
    if args.dump_config {
        write_stdout(&config.dump())?;
        return Ok(0);
    }
    crate::serve::serve(config)
}
