//! What keeps a measurement from being one.

use std::io;

/// Every error of the harness: a figure that cannot be trusted is none.
#[derive(Debug, thiserror::Error)]
pub enum E2eError {
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The node does not do what it should.
    #[error("the node: {0}")]
    Node(String),
    /// The node broke the protocol, or closed the connection.
    #[error("the connection: {0}")]
    Wire(String),
    /// Rows were lost, repeated, refused or invented: the figure would be one of something else.
    #[error("not what was asked for: {0}")]
    Wrong(String),
    /// Some bars are missed; they have been named.
    #[error("{0} of the bars are missed")]
    Bars(usize),
}

impl E2eError {
    /// Says what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| E2eError::Io { what, source }
    }
}

/// Result of this module's functions.
pub type Result<T> = std::result::Result<T, E2eError>;
