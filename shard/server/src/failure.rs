//! The error of this program, with the exit code it leads to.

use net_connect::ConnectError;

use crate::talk::Talk;

/// Why a command did not do what was asked.
///
/// Exit codes: 1 the run failed, 2 the script or the command line is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The script has errors; they have been rendered already.
    #[error("{0}")]
    Script(String),
    /// The command line, or a file it names, cannot be used.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// Something failed while rows flowed.
    #[error("{message}")]
    Run {
        /// What failed.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// A check found something; what it found is on standard output or standard error already.
    #[error("")]
    Found,
    /// A source or sink failed.
    #[error("stream '{stream}': {error}")]
    Connector {
        /// The stream.
        stream: String,
        /// What happened.
        #[source]
        error: ConnectError,
    },
    /// Standard output is closed: there is nobody to talk to.
    #[error("standard output is closed")]
    OutputClosed,
}

impl Failure {
    /// A run failure.
    pub fn run(message: impl Into<String>) -> Self {
        Failure::Run { message: message.into(), help: None }
    }

    /// A usage failure.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Failure::Usage { message: message.into(), help: Some(help.into()) }
    }

    /// Exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Script(_) | Failure::Usage { .. } => 2,
            Failure::Run { .. } | Failure::Found | Failure::Connector { .. } => 1,
            Failure::OutputClosed => 0,
        }
    }

    /// Says on standard error what went wrong.
    pub fn report(&self, talk: &Talk) {
        match self {
            Failure::Script(rendered) if rendered.is_empty() => {}
            Failure::Script(rendered) => talk.plain(rendered),
            Failure::Found | Failure::OutputClosed => {}
            Failure::Usage { .. } | Failure::Run { .. } | Failure::Connector { .. } => {
                talk.error(&self.to_string());
                if let Some(help) = self.help() {
                    talk.help(help);
                }
            }
        }
    }

    /// What to do next, when there is more to say than the message.
    pub fn help(&self) -> Option<&str> {
        match self {
            Failure::Usage { help, .. } | Failure::Run { help, .. } => help.as_deref(),
            Failure::Script(_) | Failure::Found | Failure::Connector { .. } | Failure::OutputClosed => None,
        }
    }
}

/// Result of this program's functions.
pub type Result<T, E = Failure> = std::result::Result<T, E>;
