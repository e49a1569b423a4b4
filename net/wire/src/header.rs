//! The fixed header of every message. Its layout holds for every version of the protocol.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `CEPW` |
//! | 4 | 1 | version of the framing: 1 |
//! | 5 | 1 | flags: bits 0 to 3 may be ignored, bits 4 to 7 must be understood |
//! | 6 | 2 | kind |
//! | 8 | 4 | length of the whole message, a multiple of 8 |
//! | 12 | 4 | length of the FlatBuffers part |
//! | 16 | 8 | request id |
//! | 24 | 4 | crc32c of the FlatBuffers part and its padding |
//! | 28 | 4 | crc32c of bytes 0 to 27 |

use std::ops::Range;

use crate::error::WireError;
use crate::kind::Kind;

/// Length of the header.
pub const HEADER_BYTES: usize = 32;
/// The first bytes of every message.
pub const MAGIC: [u8; 4] = *b"CEPW";
/// The only version of the framing.
pub const FRAMING_VERSION: u8 = 1;
/// The event frame behind a message begins at a multiple of this many bytes, counted from the start
/// of the message: a reader that puts messages at such addresses opens frames in place.
pub const ATTACHMENT_ALIGNMENT: usize = 64;

/// Messages are whole multiples of this many bytes.
const ALIGNMENT: usize = 8;
/// The least a FlatBuffer with a table takes.
const META_BYTES_MIN: usize = 8;

/// Number of a request: chosen by who asks, repeated by every message that answers. 0 is no request.
/// Requests that are under way on one connection have different numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RequestId(pub u64);

impl RequestId {
    /// No request: the message is about the connection, or was not asked for.
    pub const NONE: RequestId = RequestId(0);
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) flags: u8,
    pub(crate) kind: Kind,
    /// The whole message.
    pub(crate) total_bytes: u32,
    /// The FlatBuffers part, without padding.
    pub(crate) meta_bytes: u32,
    pub(crate) request: RequestId,
    /// Checksum of the FlatBuffers part and its padding.
    pub(crate) meta_crc: u32,
}

impl Header {
    /// Where the FlatBuffers part ends, without padding.
    fn meta_end(self) -> usize {
        HEADER_BYTES + self.meta_bytes as usize
    }

    /// Where the event frame lies; empty when there is none.
    pub(crate) fn attachment(self) -> Range<usize> {
        let total = self.total_bytes as usize;
        let bare = self.meta_end().next_multiple_of(ALIGNMENT);
        if total == bare { total..total } else { attachment_start(self.meta_bytes as usize)..total }
    }

    /// Where the FlatBuffers part lies.
    pub(crate) fn meta(self) -> Range<usize> {
        HEADER_BYTES..self.meta_end()
    }

    /// Where the padding behind the FlatBuffers part lies.
    pub(crate) fn padding(self) -> Range<usize> {
        self.meta_end()..self.attachment().start
    }

    /// The header's bytes.
    pub(crate) fn write(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = FRAMING_VERSION;
        bytes[5] = self.flags;
        bytes[6..8].copy_from_slice(&self.kind.code().to_le_bytes());
        bytes[8..12].copy_from_slice(&self.total_bytes.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.meta_bytes.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.request.0.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.meta_crc.to_le_bytes());
        let sum = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads a header; what it returns fits together.
    pub(crate) fn read(bytes: &[u8; HEADER_BYTES]) -> Result<Self, WireError> {
        check_prefix(bytes)?;
        let four = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (wanted, found) = (four(28), crc32c::crc32c(&bytes[..28]));
        if wanted != found {
            return Err(WireError::HeaderChecksum { wanted, found });
        }
        let header = Header {
            flags: bytes[5],
            kind: Kind::from_code(u16::from_le_bytes([bytes[6], bytes[7]])),
            total_bytes: four(8),
            meta_bytes: four(12),
            request: RequestId(u64::from(four(16)) | u64::from(four(20)) << 32),
            meta_crc: four(24),
        };
        header.check_lengths()?;
        Ok(header)
    }

    fn check_lengths(self) -> Result<(), WireError> {
        let (total, meta) = (self.total_bytes as usize, self.meta_bytes as usize);
        let bare = self.meta_end().next_multiple_of(ALIGNMENT);
        let fits = total.is_multiple_of(ALIGNMENT)
            && meta >= META_BYTES_MIN
            && (total == bare || attachment_start(meta) < total);
        if fits { Ok(()) } else { Err(WireError::Lengths { total, meta }) }
    }
}

/// Refuses bytes that no message begins with, however few there are.
pub(crate) fn check_prefix(bytes: &[u8]) -> Result<(), WireError> {
    if bytes.iter().zip(MAGIC).any(|(found, wanted)| *found != wanted) {
        let mut found = [0; 4];
        for (to, from) in found.iter_mut().zip(bytes) {
            *to = *from;
        }
        return Err(WireError::NotAMessage { found });
    }
    match bytes.get(4) {
        Some(version) if *version != FRAMING_VERSION => Err(WireError::Framing { found: *version }),
        _ => Ok(()),
    }
}

/// Where an event frame begins behind `meta_bytes` of FlatBuffers.
pub(crate) fn attachment_start(meta_bytes: usize) -> usize {
    (HEADER_BYTES + meta_bytes).next_multiple_of(ATTACHMENT_ALIGNMENT)
}

/// Length of a message with `meta_bytes` of FlatBuffers and `attachment_bytes` of an event frame.
pub(crate) fn message_bytes(meta_bytes: usize, attachment_bytes: usize) -> usize {
    if attachment_bytes == 0 {
        return (HEADER_BYTES + meta_bytes).next_multiple_of(ALIGNMENT);
    }
    (attachment_start(meta_bytes) + attachment_bytes).next_multiple_of(ALIGNMENT)
}
