//! The document of the whole state.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::command::{check_head, malformed};
use super::{CodecError, canonical, hex, sha256};
use crate::control::{Control, State};
use crate::limits::SNAPSHOT_BYTES_MAX;

const FORMAT: &str = "ceptra.control.snapshot";
/// The version that is written.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    format: &'a str,
    version: u32,
    sha256: String,
    state: &'a State,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    sha256: String,
    state: Value,
}

impl Control {
    /// The canonical bytes of the whole state.
    pub fn snapshot(&self) -> Vec<u8> {
        let sha256 = hex(&self.state_hash());
        canonical(&Written { format: FORMAT, version: VERSION, sha256, state: &self.state })
    }

    /// The state of a snapshot. It goes on exactly as the one that was written would have.
    ///
    /// # Errors
    /// Bytes that are not a snapshot of this version, are damaged, or contradict themselves.
    pub fn restore(bytes: &[u8]) -> Result<Control, CodecError> {
        const WHAT: &str = "snapshot";
        check_head(bytes, SNAPSHOT_BYTES_MAX, WHAT, (FORMAT, VERSION))?;
        let read: Read = serde_json::from_slice(bytes).map_err(|error| malformed(WHAT, &error))?;
        let spelled = canonical(&read.state);
        let found = hex(&sha256(&spelled));
        if found != read.sha256 {
            return Err(CodecError::Checksum { found, wanted: crate::name::cut(&read.sha256, 64) });
        }
        let state: State = serde_json::from_value(read.state).map_err(|error| malformed(WHAT, &error))?;
        if let Some(fault) = state.fault() {
            return Err(CodecError::Inconsistent(fault));
        }
        // What was read spells the same: no field was left out and nothing was in another order.
        if canonical(&state) != spelled {
            return Err(CodecError::Inconsistent("a value is not in its one spelling".to_owned()));
        }
        Ok(Control { state })
    }
}
