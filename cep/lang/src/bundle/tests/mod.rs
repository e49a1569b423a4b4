//! Tests of bundles: pinned plans, and a message for each mistake.

mod plans;

use crate::diag::Diagnostic;
use crate::lower::CompileOptions;

use super::{Compiled, compile};

/// Compiles a bundle that is right.
fn compiled(text: &str) -> Compiled {
    match compile(text, &CompileOptions::default()) {
        Ok(compiled) => compiled,
        Err(errors) => panic!("{}", shown(&errors, text)),
    }
}

/// Diagnostics, each with the text it points at.
fn shown(errors: &[Diagnostic], text: &str) -> String {
    errors
        .iter()
        .map(|error| {
            let place = match error.span {
                Some(span) => format!(" at «{}»", text[span.start..span.end].replace('\n', "⏎")),
                None => String::new(),
            };
            let help = error.help.as_deref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
            format!("{}: {}{place}{help}\n", error.code, error.message)
        })
        .collect()
}
