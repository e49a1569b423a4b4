//! `ceptra check`: validates without running.

use cep_lang::diag::render_json;

use super::write::write_stdout;
use crate::args::CheckArgs;
use crate::failure::{Failure, Result};
use crate::run::unread_warnings;
use crate::script::{Compiled, Script};
use crate::talk::Talk;

/// Compiles a script and says what it found.
///
/// # Errors
/// If the script has errors; with `--json` they are on standard output.
pub fn check(args: &CheckArgs, talk: &Talk) -> Result<u8> {
    let script = Script::read(&args.app)?;
    match script.diagnose() {
        Ok(Compiled { program, results: _ }) => {
            unread_warnings(&program).iter().for_each(|warning| talk.warn(warning));
            if !args.json {
                let (streams, queries) = (program.streams.len(), program.queries.len());
                write_stdout(&format!("ok: {}, {}\n", plural(streams, "stream"), plural_y(queries)))?;
            }
            Ok(0)
        }
        Err(diagnostics) if args.json => {
            let name = script.name();
            let lines: String =
                diagnostics.iter().map(|d| format!("{}\n", render_json(d, &name, &script.text))).collect();
            write_stdout(&lines)?;
            Err(Failure::Script(String::new()))
        }
        Err(diagnostics) => Err(script.failure(&diagnostics, talk)),
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn plural_y(count: usize) -> String {
    if count == 1 { "1 query".to_owned() } else { format!("{count} queries") }
}
