//! Bytes as they come to whole, verified messages.
//!
//! Received bytes lie in one window. It begins with [`READ_BYTES`] and at most doubles when a message
//! needs more and has filled it, so a peer that announces much and sends little holds little.

use std::ops::Range;

use crate::error::WireError;
use crate::header::{self, HEADER_BYTES, Header, RequestId};
use crate::kind::Side;
use crate::limits::{HANDSHAKE_BYTES_MAX, MESSAGE_BYTES_MAX, READ_BYTES};
use crate::message::Message;

/// Flags that may be ignored.
const FLAGS_FREE: u8 = 0x0f;

/// A message as it arrived. What it borrows is the decoder's.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<'a> {
    /// The request it makes or answers.
    pub request: RequestId,
    /// The message.
    pub message: Message<'a>,
}

/// Cuts a byte stream into messages and verifies each once.
///
/// Until [`establish`](Self::establish) it takes nothing but the handshake. After a fatal error it
/// gives that error for ever; after any other the next message follows.
#[derive(Debug)]
pub struct Decoder {
    receiver: Side,
    message_bytes_max: u32,
    is_established: bool,
    window: Vec<u8>,
    /// What of the window is received and not yet given out.
    filled: Range<usize>,
    /// The header of the message that begins the filled part, once it was checked.
    current: Option<Header>,
    /// Bytes to come of a message that was refused for its length.
    to_skip: usize,
    fatal: Option<WireError>,
}

impl Decoder {
    /// A decoder at the `receiver`'s end of a new connection.
    pub fn new(receiver: Side) -> Self {
        Decoder {
            receiver,
            message_bytes_max: HANDSHAKE_BYTES_MAX,
            is_established: false,
            window: Vec::new(),
            filled: 0..0,
            current: None,
            to_skip: 0,
            fatal: None,
        }
    }

    /// The handshake is over: all messages of the peer are taken, up to `message_bytes_max` bytes (at
    /// most [`MESSAGE_BYTES_MAX`]), which is what this side announced.
    pub fn establish(&mut self, message_bytes_max: u32) {
        self.is_established = true;
        self.message_bytes_max = message_bytes_max.min(MESSAGE_BYTES_MAX);
    }

    /// Takes as many of `bytes` as there is room for, and returns how many: at least one, when there
    /// are any and [`next`](Self::next) has given all it had.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        let room = self.room();
        let count = room.len().min(bytes.len());
        room[..count].copy_from_slice(&bytes[..count]);
        self.advance(count);
        count
    }

    /// Where the next received bytes belong; empty only while a whole message waits in
    /// [`next`](Self::next). What was put there is announced by [`advance`](Self::advance).
    pub fn room(&mut self) -> &mut [u8] {
        if self.filled.is_empty() {
            self.filled = 0..0;
        }
        if self.filled.end == self.window.len() && self.filled.start > 0 {
            self.window.copy_within(self.filled.clone(), 0);
            self.filled = 0..self.filled.len();
        }
        if self.filled.end == self.window.len() {
            // Full from its start on: of the message there, less has come than it has, or all of it.
            let needed = self.current.map_or(HEADER_BYTES, |header| header.total_bytes as usize);
            if needed > self.window.len() || self.window.is_empty() {
                let grown = (self.window.len() * 2).clamp(READ_BYTES, needed + READ_BYTES);
                self.window.reserve_exact(grown - self.window.len());
                self.window.resize(grown, 0);
            }
        }
        &mut self.window[self.filled.end..]
    }

    /// Takes note of `count` bytes that were put where [`room`](Self::room) said.
    ///
    /// # Panics
    /// When there was not so much room.
    pub fn advance(&mut self, count: usize) {
        assert!(count <= self.window.len() - self.filled.end, "more bytes than there was room for");
        self.filled.end += count;
    }

    /// The next message, or `None` until more bytes have come.
    ///
    /// # Errors
    /// When the next message is wrong. If the error is not fatal, answer it and go on.
    #[allow(clippy::should_implement_trait, reason = "an iterator cannot lend from its own memory")]
    pub fn next(&mut self) -> Result<Option<Envelope<'_>>, WireError> {
        let cut = match &self.fatal {
            Some(error) => Err(error.clone()),
            None => self.cut(),
        };
        match cut {
            Ok(Some((header, range))) => self.read(header, range).map(Some),
            Ok(None) => Ok(None),
            Err(error) => {
                if error.is_fatal() && self.fatal.is_none() {
                    self.fatal = Some(error.clone());
                    self.window = Vec::new();
                    self.filled = 0..0;
                }
                Err(error)
            }
        }
    }

    /// Bytes of an incomplete message that are there, and how many it needs as far as is known; `None`
    /// between messages. Who owns the clock closes a connection on which this does not change.
    pub fn pending(&self) -> Option<(usize, usize)> {
        if self.to_skip > 0 {
            return Some((0, self.to_skip));
        }
        let needed = self.current.map_or(HEADER_BYTES, |header| header.total_bytes as usize);
        (!self.filled.is_empty()).then_some((self.filled.len(), needed))
    }

    /// Memory held.
    pub fn capacity_bytes(&self) -> usize {
        self.window.capacity()
    }

    /// Gives memory back when no message is under way: for connections that have gone idle.
    pub fn trim(&mut self) {
        if self.filled.is_empty() {
            self.window = Vec::new();
            self.filled = 0..0;
        }
    }

    /// Takes the next whole message off the window: its header and where it lies.
    fn cut(&mut self) -> Result<Option<(Header, Range<usize>)>, WireError> {
        let skipped = self.to_skip.min(self.filled.len());
        self.filled.start += skipped;
        self.to_skip -= skipped;
        let bytes = &self.window[self.filled.clone()];
        let header = match (self.current, bytes.first_chunk::<HEADER_BYTES>()) {
            (Some(header), _) => header,
            (None, None) => {
                header::check_prefix(bytes)?;
                return Ok(None);
            }
            (None, Some(start)) => {
                let header = Header::read(start)?;
                self.admit(header)?;
                self.current = Some(header);
                header
            }
        };
        let total = header.total_bytes as usize;
        if self.filled.len() < total {
            return Ok(None);
        }
        let range = self.filled.start..self.filled.start + total;
        self.filled.start = range.end;
        self.current = None;
        let message = &self.window[range.clone()];
        let found = crc32c::crc32c(&message[HEADER_BYTES..header.attachment().start]);
        if found != header.meta_crc {
            return Err(WireError::BodyChecksum { kind: header.kind, wanted: header.meta_crc, found });
        }
        Ok(Some((header, range)))
    }

    /// Whether a message may come, before its body is waited for.
    fn admit(&mut self, header: Header) -> Result<(), WireError> {
        let Header { kind, request, total_bytes: bytes, .. } = header;
        let max = self.message_bytes_max;
        if !self.is_established && (bytes > max || !kind.is_of_handshake(self.receiver)) {
            return Err(WireError::Handshake { kind, bytes });
        }
        if bytes > max {
            self.to_skip = bytes as usize;
            return Err(WireError::TooLarge { request, kind, bytes, max });
        }
        Ok(())
    }

    /// Reads a message that was cut off.
    fn read(&self, header: Header, range: Range<usize>) -> Result<Envelope<'_>, WireError> {
        let Header { kind, request, flags, .. } = header;
        if flags & !FLAGS_FREE != 0 {
            return Err(WireError::Flags { request, kind, flags });
        }
        if !kind.is_sent_by(self.receiver.peer()) {
            return Err(WireError::Kind { request, kind });
        }
        let malformed = |reason: String| WireError::Malformed { request, kind, reason };
        let bytes = &self.window[range];
        if bytes[header.padding()].iter().any(|byte| *byte != 0) {
            return Err(malformed("padding is not zero".to_owned()));
        }
        let rows = &bytes[header.attachment()];
        if !rows.is_empty() && !kind.may_carry_rows() {
            return Err(malformed("rows follow it".to_owned()));
        }
        let message = Message::read(kind, &bytes[header.meta()], rows).map_err(malformed)?;
        Ok(Envelope { request, message })
    }
}
