//! The document of a command.

use serde::{Deserialize, Serialize};

use super::{CodecError, canonical};
use crate::command::Command;
use crate::limits::COMMAND_BYTES_MAX;

const FORMAT: &str = "ceptra.control.command";
/// The version that is written.
const VERSION: u32 = 1;

/// What a document says about itself, whatever else is in it.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) format: String,
    pub(super) version: u32,
}

#[derive(Serialize)]
struct Written<'a> {
    format: &'a str,
    version: u32,
    command: &'a Command,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    command: Command,
}

/// Checks length, format and version of a document.
pub(super) fn check_head(
    bytes: &[u8],
    bytes_max: usize,
    what: &'static str,
    (format, version): (&'static str, u32),
) -> Result<(), CodecError> {
    if bytes.len() > bytes_max {
        return Err(CodecError::TooLong { what, bytes: bytes.len(), bytes_max });
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| malformed(what, &error))?;
    if head.format != format {
        return Err(CodecError::Format { found: crate::name::cut(&head.format, 64), wanted: format });
    }
    if head.version != version {
        return Err(CodecError::Version { what, found: head.version, known: version });
    }
    Ok(())
}

pub(super) fn malformed(what: &'static str, error: &serde_json::Error) -> CodecError {
    CodecError::Malformed { what, text: crate::name::cut(&error.to_string(), 256) }
}

impl Command {
    /// Its canonical bytes: the payload of an entry of the control group's log.
    pub fn encode(&self) -> Vec<u8> {
        canonical(&Written { format: FORMAT, version: VERSION, command: self })
    }

    /// The command of these bytes. They need not be canonical: people may write them.
    ///
    /// # Errors
    /// Bytes that are no command of this version. The proposer finds that before the log; in the log it
    /// means that this binary is too old, and the control group of this node must stop.
    pub fn decode(bytes: &[u8]) -> Result<Command, CodecError> {
        check_head(bytes, COMMAND_BYTES_MAX, "command", (FORMAT, VERSION))?;
        let read: Read = serde_json::from_slice(bytes).map_err(|error| malformed("command", &error))?;
        Ok(read.command)
    }
}
