//! The client protocol: messages of FlatBuffers over a byte stream, `docs/protocol.md` in code.
//!
//! - [`Encoder`] appends messages to a buffer that is used again and again.
//! - [`Decoder`] takes bytes as they come and gives whole, verified messages.
//! - [`Message`] is what both speak about: one type a message, the same for writing and for reading.
//!   What a message of the data path borrows lies in the decoder's buffer; nothing is copied.
//!
//! Invariants:
//! - No I/O, no clock, no thread: whoever owns the socket owns time.
//! - Everything is verified once, in the decoder. The one exception is the event frame behind a
//!   message, which carries its own checksum and is verified by `cep_types::frame::Frame::open`, once
//!   it has been copied to where it will stay.
//! - No input panics, and no input makes the decoder hold more memory than the longest message it
//!   accepts and [`READ_BYTES`], or more than twice what has arrived of it.
//! - A message that is wrong leaves the ones around it unharmed, unless the bytes can no longer be
//!   cut into messages: [`WireError::is_fatal`] tells.
//! - Types of the generated code are not seen outside.
//!
//! ```
//! use net_wire::{Decoder, Encoder, Heartbeat, Message, RequestId, Side};
//!
//! let mut bytes = Vec::new();
//! let sent = Message::from(Heartbeat { reply: false, sent_ns: 17 });
//! Encoder::default().encode(RequestId(1), &sent, &mut bytes)?;
//!
//! let mut decoder = Decoder::new(Side::Server);
//! decoder.establish(net_wire::MESSAGE_BYTES_DEFAULT);
//! assert_eq!(decoder.feed(&bytes), bytes.len());
//! let envelope = decoder.next()?.expect("the message is complete");
//! assert_eq!((envelope.request, envelope.message), (RequestId(1), sent));
//! # Ok::<(), net_wire::WireError>(())
//! ```

mod code;
mod decoder;
mod encoder;
mod error;
mod generated;
mod header;
mod kind;
mod limits;
mod list;
mod listen;
mod message;
mod status;

pub use decoder::{Decoder, Envelope};
pub use encoder::Encoder;
pub use error::WireError;
pub use header::{ATTACHMENT_ALIGNMENT, FRAMING_VERSION, HEADER_BYTES, MAGIC, RequestId};
pub use kind::{Kind, Side};
pub use limits::{
    EVENT_BYTES_DEFAULT, EVENT_BYTES_MAX, EVENT_BYTES_MIN, HANDSHAKE_BYTES_MAX, HEARTBEAT_MS_DEFAULT,
    MESSAGE_BYTES_DEFAULT, MESSAGE_BYTES_MAX, MESSAGE_BYTES_MIN, PROTOCOL, READ_BYTES,
    RETRY_WINDOW_MS_DEFAULT, SILENCE_HEARTBEATS,
};
pub use list::{Fixed, List, Texts};
pub use listen::{Security, may_listen};
pub use message::{
    Ack, Allow, Append, AuthMethod, Cancel, Changelog, Column, Credentials, Credits, Delivery, Endpoint,
    EventIds, Features, GetRouting, Goodbye, Heartbeat, Hello, Message, Outcome, Position, PositionRun,
    Query, QueryEnd, QueryRows, ReadAt, Reason, Rejected, Role, Routing, Run, Space, Start, Stream,
    Subscribe, Subscribed, SubscriptionEnd, Versions, Welcome, Window,
};
pub use status::{Failure, Status};
