//! Errors, and the exit codes they lead to.

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The node refused.
    #[error("{code}: {message}")]
    Refused {
        /// Stable.
        code: String,
        /// For people.
        message: String,
        /// Everything that is wrong.
        problems: Vec<String>,
    },
    /// The node cannot be reached.
    #[error("the node at {address} cannot be reached: {reason}")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// Why.
        reason: String,
    },
    /// The client protocol led to nothing.
    #[error("{0}")]
    Client(#[from] net_client::ClientError),
    /// Rows cannot be read or written.
    #[error("{0}")]
    Rows(net_connect::ConnectError),
    /// Something is not as it should be; it has been said.
    #[error("{0}")]
    Found(String),
    /// The command line, or a file it names, cannot be used.
    #[error("{0}")]
    Usage(String),
    /// Standard output is closed.
    #[error("standard output is closed")]
    OutputClosed,
}

impl Failure {
    /// Exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Refused { code, .. } if code.starts_with("TRANSIENT") => 3,
            Failure::Refused { .. } | Failure::Found(_) => 1,
            Failure::Client(error) if error.is_transient() => 3,
            Failure::Client(_) | Failure::Rows(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Unreachable { .. } => 3,
            Failure::OutputClosed => 0,
        }
    }

    /// Says on standard error what went wrong.
    pub fn report(&self) {
        match self {
            Failure::OutputClosed => {}
            Failure::Found(text) if text.is_empty() => {}
            Failure::Refused { problems, .. } => {
                eprintln!("error: {self}");
                problems.iter().for_each(|problem| eprintln!("  {problem}"));
            }
            Failure::Unreachable { .. } => {
                eprintln!("error: {self}");
                eprintln!("help: is it running? --admin or CEPTRA_ADMIN says where it listens");
            }
            Failure::Client(net_client::ClientError::Unreachable { .. }) => {
                eprintln!("error: {self}");
                eprintln!("help: is it running? --client or CEPTRA_CLIENT says where it listens for clients");
            }
            Failure::Client(_) | Failure::Rows(_) | Failure::Found(_) | Failure::Usage(_) => {
                eprintln!("error: {self}");
            }
        }
    }
}

impl From<net_connect::ConnectError> for Failure {
    fn from(error: net_connect::ConnectError) -> Self {
        match error {
            net_connect::ConnectError::OutputClosed => Failure::OutputClosed,
            error => Failure::Rows(error),
        }
    }
}

/// Result of this program's functions.
pub type Result<T, E = Failure> = std::result::Result<T, E>;
