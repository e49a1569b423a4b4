//! `ceptra explain-error`: more about an error code.

use cep_lang::diag::{codes, explain};

use super::write::write_stdout;
use crate::args::ExplainErrorArgs;
use crate::failure::{Failure, Result};

/// Prints the explanation of a code, or all codes with their titles.
///
/// # Errors
/// If there is no such code.
pub fn explain_error(args: &ExplainErrorArgs) -> Result<u8> {
    if args.code.eq_ignore_ascii_case("list") {
        let list: String = codes::all().map(|doc| format!("{}  {}\n", doc.code, doc.title)).collect();
        write_stdout(&list)?;
        return Ok(0);
    }
    let doc = explain(&args.code).ok_or_else(|| {
        Failure::usage(
            format!("there is no error code '{}'", args.code),
            "`ceptra explain-error list` shows all codes",
        )
    })?;
    write_stdout(&format!("{}: {}\n\n{}\n", doc.code, doc.title, doc.explanation.trim()))?;
    Ok(0)
}
