//! `ceptra explain`: the plans of an app.

use cep_lang::plan::explain_program;

use super::write::write_stdout;
use crate::args::ExplainArgs;
use crate::failure::Result;
use crate::script::Script;
use crate::talk::Talk;

/// Prints the plan of every query and aggregation.
///
/// # Errors
/// If the script is wrong.
pub fn explain(args: &ExplainArgs, talk: &Talk) -> Result<u8> {
    let script = Script::read(&args.app)?;
    let program = script.compile(talk)?.program;
    write_stdout(&explain_program(&program))?;
    Ok(0)
}
