//! What can be wrong with bytes, messages and addresses.

use std::net::SocketAddr;

use crate::header::{FRAMING_VERSION, RequestId};
use crate::kind::Kind;
use crate::message::Versions;
use crate::status::{Failure, Status};

/// Every error of this crate. [`is_fatal`](Self::is_fatal) tells whether the connection can go on;
/// [`failure`](Self::failure) is what to answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes are not those of a message.
    #[error(
        "not a message of this protocol: it begins with {found:02x?}; is the port right, and does the \
         other side use TLS exactly when this one does?"
    )]
    NotAMessage {
        /// The first bytes.
        found: [u8; 4],
    },
    /// Another framing than this crate's.
    #[error("framing version {found}; this side reads {FRAMING_VERSION}: upgrade the older side")]
    Framing {
        /// The version found.
        found: u8,
    },
    /// The header was damaged.
    #[error("header is damaged: crc32c is {found:08x}, it says {wanted:08x}; connect anew")]
    HeaderChecksum {
        /// The checksum in the header.
        wanted: u32,
        /// The checksum of its bytes.
        found: u32,
    },
    /// The lengths in the header contradict each other.
    #[error("a message of {total} bytes cannot have {meta} bytes of metadata; connect anew")]
    Lengths {
        /// Length of the message.
        total: usize,
        /// Length of its FlatBuffers part.
        meta: usize,
    },
    /// The FlatBuffers part was damaged.
    #[error("{kind:?} is damaged: crc32c is {found:08x}, its header says {wanted:08x}; connect anew")]
    BodyChecksum {
        /// The kind of the message.
        kind: Kind,
        /// The checksum in the header.
        wanted: u32,
        /// The checksum of the bytes.
        found: u32,
    },
    /// A message that has no place before the connection is established.
    #[error("{kind:?} of {bytes} bytes before the handshake is over; begin with a short Hello")]
    Handshake {
        /// The kind of the message.
        kind: Kind,
        /// Its length.
        bytes: u32,
    },
    /// A message above the limit of this side. Its bytes are skipped.
    #[error("{kind:?} has {bytes} bytes; this side takes {max}: split it")]
    TooLarge {
        /// The request.
        request: RequestId,
        /// The kind of the message.
        kind: Kind,
        /// Its length.
        bytes: u32,
        /// The limit.
        max: u32,
    },
    /// A kind that this version does not know, or that the other side must not send.
    #[error("kind {} has no place here; use what the handshake agreed on", kind.code())]
    Kind {
        /// The request.
        request: RequestId,
        /// The kind of the message.
        kind: Kind,
    },
    /// A flag that must be understood and is not.
    #[error("{kind:?} has flags {flags:#04x}, which this version does not know; send it without them")]
    Flags {
        /// The request.
        request: RequestId,
        /// The kind of the message.
        kind: Kind,
        /// All its flags.
        flags: u8,
    },
    /// The body is not what its kind says.
    #[error("{kind:?} is malformed: {reason}")]
    Malformed {
        /// The request.
        request: RequestId,
        /// The kind of the message.
        kind: Kind,
        /// What is wrong.
        reason: String,
    },
    /// A message that cannot be written.
    #[error("{kind:?} cannot be sent: {reason}")]
    Unsendable {
        /// The kind of the message.
        kind: Kind,
        /// Why, and what to do.
        reason: String,
    },
    /// No version in common.
    #[error(
        "the other side speaks versions {} to {}, this one {} to {}: upgrade the older side",
        theirs.min, theirs.max, ours.min, ours.max
    )]
    Version {
        /// What this side speaks.
        ours: Versions,
        /// What the other side speaks.
        theirs: Versions,
    },
    /// An address that others can reach, without protection (R-SEC-2).
    #[error(
        "{address} can be reached from other hosts: listen on loopback, set up TLS with client \
         certificates, or say `--insecure`"
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
}

impl WireError {
    /// Whether the connection is over: what follows can no longer be cut into messages, or is not to
    /// be trusted. Else the message was skipped and the next one follows.
    pub fn is_fatal(&self) -> bool {
        match self {
            WireError::NotAMessage { .. }
            | WireError::Framing { .. }
            | WireError::HeaderChecksum { .. }
            | WireError::Lengths { .. }
            | WireError::BodyChecksum { .. }
            | WireError::Handshake { .. }
            | WireError::Version { .. }
            | WireError::Exposed { .. } => true,
            WireError::TooLarge { .. }
            | WireError::Kind { .. }
            | WireError::Flags { .. }
            | WireError::Malformed { .. }
            | WireError::Unsendable { .. } => false,
        }
    }

    /// The request that failed; [`RequestId::NONE`] when it is the connection.
    pub fn request(&self) -> RequestId {
        match self {
            WireError::TooLarge { request, .. }
            | WireError::Kind { request, .. }
            | WireError::Flags { request, .. }
            | WireError::Malformed { request, .. } => *request,
            _ => RequestId::NONE,
        }
    }

    /// The status to answer with.
    pub fn status(&self) -> Status {
        match self {
            WireError::HeaderChecksum { .. } | WireError::BodyChecksum { .. } => Status::TransientRetry,
            WireError::NotAMessage { .. }
            | WireError::Lengths { .. }
            | WireError::TooLarge { .. }
            | WireError::Malformed { .. }
            | WireError::Unsendable { .. } => Status::PermanentPayload,
            WireError::Kind { .. } | WireError::Flags { .. } => Status::PermanentUnsupported,
            WireError::Framing { .. } | WireError::Version { .. } => Status::PermanentVersion,
            WireError::Handshake { .. } | WireError::Exposed { .. } => Status::PermanentAuth,
        }
    }

    /// The failure to answer with; `text` is this error as text.
    pub fn failure<'a>(&self, text: &'a str) -> Failure<'a> {
        let versions = match self {
            WireError::Version { ours, .. } => Some(*ours),
            _ => None,
        };
        Failure { versions, ..Failure::new(self.status(), text) }
    }
}
