//! Diagnostics: what went wrong in a script, where, why, and what to do next.
//!
//! Every error has a stable code that `ceptra explain-error CODE` tells more about. `codes` lists
//! them, `render` shows an error with its place in the text, `excerpt` cuts what is shown of it,
//! `suggest` finds what was meant.

pub mod codes;
mod excerpt;
mod render;
mod suggest;

pub use codes::{CodeDoc, explain};
pub use render::{render, render_json};
pub use suggest::suggest;

use crate::ast::Span;

/// A user's error in a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Diagnostic {
    /// Stable code, e.g. `E0102`.
    pub code: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// Where; `None` when it concerns no place in the text.
    pub span: Option<Span>,
    /// What to do next ("did you mean `price`?").
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn at(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), span: Some(span), help: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Result of the languages' functions.
pub type Result<T, E = Box<Diagnostic>> = std::result::Result<T, E>;
