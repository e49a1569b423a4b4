//! What can go wrong in a chore, and what to do about it.

use std::path::PathBuf;

/// Every error of this crate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum XtaskError {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("cannot start `{program}`: {source}; is it installed and on PATH?")]
    Start {
        /// The program's name.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program ran and failed.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// The command line.
        command: String,
        /// Its exit status and, when captured, what it wrote to stderr.
        status: String,
    },
    /// A program's output or a file did not have the expected shape.
    #[error("{what} is not as expected: {reason}")]
    Shape {
        /// The output or file.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// House rules are broken; the findings are printed already.
    #[error("tidy: {count} finding(s); fix them or, where a rule is wrong, change the rule")]
    Tidy {
        /// Number of findings that are errors.
        count: usize,
    },
    /// Generated code differs from its schema.
    #[error("generated code is out of date: {paths}; run `cargo xtask gen` and commit the result")]
    Drift {
        /// The files, separated by commas.
        paths: String,
    },
    /// The schema compiler cannot be had on this host.
    #[error("no usable flatc {version}: {reason}; set FLATC to a binary of that version")]
    NoFlatc {
        /// The version that matches the `flatbuffers` crate.
        version: &'static str,
        /// Why none was found.
        reason: String,
    },
    /// Some steps of `ci` failed; each is printed already.
    #[error("ci: failed steps: {steps}")]
    Ci {
        /// Their names, separated by commas.
        steps: String,
    },
}

impl XtaskError {
    /// Wraps an I/O error with what was tried and on which path.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> XtaskError {
        let path = path.into();
        move |source| XtaskError::File { action, path, source }
    }
}
