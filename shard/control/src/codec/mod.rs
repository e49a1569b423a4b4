//! Bytes of commands and snapshots: JSON documents, `docs/formats.md` § Control group.
//!
//! JSON, because operators and auditors read these bytes, a command is rare (a person or an activation,
//! not an event), and explicit names survive change better than positions. What JSON lacks is set here:
//! - One spelling: the canonical writer sorts keys, writes no space and escapes one way, so equal states
//!   have equal bytes and the state hash does not hang on the order of fields in Rust.
//! - Integers that may pass 2^53 are decimal strings, 128-bit ids 32 hexadecimal digits; no fractions.
//! - A document names its format and version. Within a version the fields are fixed: an unknown one is an
//!   error, never dropped, because a node that ignored it would come to another state than its peers.
//!   A new field is a new version; the reader of version n reads n − 1 as well and fills what it lacks.

mod canonical;
mod command;
mod error;
mod fault;
pub(crate) mod list;
mod snapshot;
pub(crate) mod written;

pub(crate) use canonical::{canonical, hex, sha256};
pub use error::CodecError;
