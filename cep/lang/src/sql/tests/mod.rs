//! Tests of the parser: golden trees, refusals with their places, windows in their spellings,
//! hostile input.

pub(crate) mod corpus;
mod describe;
mod durations;
mod errors;
mod fuzz;
mod joins;
mod options;
mod patterns;
mod queries;
mod spans;
mod statements;
mod stress;
mod types;
mod unsupported;
mod unsupported_parts;
mod windows;

use crate::ast::Statement;
use crate::diag::Diagnostic;

use super::parse_script;

/// An environment with `HOME` and nothing else.
pub(crate) fn env(name: &str) -> Option<String> {
    (name == "HOME").then(|| "/home/me".to_owned())
}

/// Parses a script that must be well-formed.
fn parsed(text: &str) -> Vec<Statement> {
    parse_script(text, &env).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"))
}

/// Parses a script that must not be.
fn errors(text: &str) -> Vec<Diagnostic> {
    match parse_script(text, &env) {
        Ok(statements) => panic!("accepted: {text}\n{statements:#?}"),
        Err(errors) => errors,
    }
}

/// Code, place and message of the only error, and its help.
fn refused(text: &str) -> String {
    let errors = errors(text);
    assert_eq!(errors.len(), 1, "{text}\n{errors:#?}");
    let error = &errors[0];
    let place = error.span.map_or("nowhere", |span| &text[span.start..span.end]);
    let help = error.help.as_deref().unwrap_or("-");
    format!("{} at «{place}»: {}\n  help: {help}", error.code, error.message)
}
