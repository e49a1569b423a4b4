//! Tests of bundles: pinned plans, and a message for each mistake.

mod broken;
mod docs;
mod fuzz;
mod plans;

use cep_lang::bundle::{Compiled, compile};
use cep_lang::diag::Diagnostic;
use cep_lang::lower::CompileOptions;

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

/// The folder of this crate, asked when the test runs.
fn manifest_dir() -> std::path::PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests").into()
}
