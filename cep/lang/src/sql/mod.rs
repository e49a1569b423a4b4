//! The SQL parser: text in, [`Statement`]s or diagnostics out.
//!
//! `tokens` cuts the text and remembers bytes · `dialect` our SQL flavour and the fuel that bounds
//! parsing time · `depth` refuses nesting that could exhaust a stack · `cursor` one statement's
//! tokens and everything that is delegated to `sqlparser` · `statement`, `create`, `columns`,
//! `options`, `query`, `table`, `trigger`, `function`, `subquery`, `relation`, `pattern`, `window`, `table_function`, `duration`, `output` our grammar,
//! one file a clause · `variables` `${VAR}` in strings · `refuse` what has no place here, with the reason · `location` lines and
//! columns to bytes.
//!
//! Invariants:
//! - Whatever is accepted has a field in [`crate::ast`] and has passed
//!   [`crate::lower::sqlast::check_expr`]; the rest is an error with a span.
//! - Time is linear in the text (the fuel of `dialect`), stack is bounded (`depth`), for any input.

mod aggregation;
mod columns;
mod create;
mod cursor;
mod depth;
mod dialect;
mod duration;
mod function;
mod join;
mod location;
mod options;
mod output;
mod pattern;
mod query;
mod refuse;
mod relation;
mod statement;
mod subquery;
mod table;
mod table_function;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tokens;
mod trigger;
mod variables;
mod window;
mod window_params;

use crate::ast::Statement;
use crate::diag::{Diagnostic, codes};

pub use depth::EXPR_DEPTH_MAX;
pub use duration::parse_duration_text;
pub use location::Locations;
pub(crate) use variables::substitute;
pub use window_params::{ParamDoc, WindowDoc, window_docs};

/// Longest script in bytes. Tokens take some 30 times the text, so this also bounds memory.
pub const SCRIPT_BYTES_MAX: usize = 4 << 20;

/// Most errors reported for one script.
pub const ERRORS_MAX: usize = 20;

/// Looks up an environment variable for `${VAR}`.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What a variable of this name and default stands for; `None`: nothing.
pub(crate) type Variables<'a> = dyn Fn(&str, Option<&str>) -> Option<String> + 'a;

/// Parses a script: statements separated by `;`.
///
/// `env` answers for `${VAR}` and `${VAR:default}` in strings.
///
/// # Errors
/// All errors found, in order of position, at most [`ERRORS_MAX`]: after an error parsing goes on
/// behind the next `;`.
pub fn parse_script(text: &str, env: &Environment<'_>) -> Result<Vec<Statement>, Vec<Diagnostic>> {
    parse_with(text, &|name, default| env(name).or_else(|| default.map(str::to_owned)))
}

/// As [`parse_script`]; `variables` gets the name and the default of a variable.
pub(crate) fn parse_with(text: &str, variables: &Variables<'_>) -> Result<Vec<Statement>, Vec<Diagnostic>> {
    if text.len() > SCRIPT_BYTES_MAX {
        return Err(vec![script_too_long(text.len())]);
    }
    let script = tokens::Script::cut(text);
    let mut statements = Vec::new();
    let mut errors = Vec::new();
    for piece in script.statements {
        if errors.len() == ERRORS_MAX {
            break;
        }
        match statement::parse(text, piece, variables) {
            Ok(statement) => statements.push(statement),
            Err(error) => errors.push(*error),
        }
    }
    if let Some(error) = script.error
        && errors.len() < ERRORS_MAX
    {
        errors.push(error);
    }
    if errors.is_empty() { Ok(statements) } else { Err(errors) }
}

fn script_too_long(bytes: usize) -> Diagnostic {
    Diagnostic {
        code: codes::SCRIPT_TOO_LONG,
        message: format!("the script has {bytes} bytes; the limit is {SCRIPT_BYTES_MAX}"),
        span: None,
        help: Some(
            "split it into several scripts, and feed rows through a source instead of VALUES".to_owned(),
        ),
    }
}
