//! `ceptra fmt`: one style for SQL files.

use std::fs;
use std::path::Path;

use cep_lang::fmt::format;

use super::write::write_stdout;
use crate::args::FmtArgs;
use crate::failure::{Failure, Result};
use crate::script::{Script, render_all};
use crate::talk::Talk;

/// Lays out files: to standard output, back to the files, or only to say which would change.
///
/// # Errors
/// If a file cannot be read, parsed or written, or with `--check` if one would change.
pub fn fmt(args: &FmtArgs, talk: &Talk) -> Result<u8> {
    if args.files.len() > 1 && !args.write && !args.check {
        return Err(Failure::usage(
            "several files cannot go to standard output together",
            "add --write or --check, or give one file",
        ));
    }
    let mut changed = false;
    for path in &args.files {
        let script = Script::read(path)?;
        if script.is_bundle() {
            let message = format!("'{}' is a bundle, and only SQL is laid out", script.name());
            return Err(Failure::usage(message, "leave it out"));
        }
        let text = format(&script.text).map_err(|diagnostics| {
            Failure::Script(render_all(&diagnostics, &script.name(), &script.text, talk.color()))
        })?;
        if args.check {
            if text != script.text {
                changed = true;
                write_stdout(&format!("{}\n", script.name()))?;
            }
        } else if args.write && path != Path::new("-") {
            if text != script.text {
                fs::write(path, &text)
                    .map_err(|error| Failure::run(format!("cannot write '{}': {error}", path.display())))?;
            }
        } else {
            write_stdout(&text)?;
        }
    }
    if changed { Err(Failure::Found) } else { Ok(0) }
}
