//! Numbers of the protocol, each with its unit.

use crate::message::Versions;

/// Versions of the protocol that this crate speaks.
pub const PROTOCOL: Versions = Versions { min: 1, max: 1 };

/// Longest message before the connection is established: a stranger makes nobody hold more.
pub const HANDSHAKE_BYTES_MAX: u32 = 16 << 10;

/// Least a side may announce as its longest message: the smallest largest event, and room around it.
pub const MESSAGE_BYTES_MIN: u32 = 128 << 10;
/// Longest message that a side takes unless it says otherwise.
pub const MESSAGE_BYTES_DEFAULT: u32 = 4 << 20;
/// Most a side may announce as its longest message.
pub const MESSAGE_BYTES_MAX: u32 = 64 << 20;

/// Least that may be set as the largest event (R-FLOW-3).
pub const EVENT_BYTES_MIN: u32 = 64 << 10;
/// Largest event unless set otherwise.
pub const EVENT_BYTES_DEFAULT: u32 = 1 << 20;
/// Most that may be set as the largest event.
pub const EVENT_BYTES_MAX: u32 = 8 << 20;

/// How often each side sends something, unless set otherwise.
pub const HEARTBEAT_MS_DEFAULT: u32 = 5_000;
/// A connection that was silent for so many heartbeats is dead.
pub const SILENCE_HEARTBEATS: u32 = 3;

/// How long an append may be sent again, unless set otherwise (R-IDEM-1).
pub const RETRY_WINDOW_MS_DEFAULT: u32 = 30 * 60 * 1_000;

/// What a [`Decoder`](crate::Decoder) holds at least, and room that it offers beyond the message it waits
/// for, so that one read takes several small messages.
pub const READ_BYTES: usize = 16 << 10;

/// Deepest nesting of tables in a message: a nested column, and what is around it.
pub(crate) const TABLE_DEPTH_MAX: usize = cep_types::frame::NESTING_MAX + 4;
/// Most tables in a message of the data path.
pub(crate) const TABLES_MAX: usize = 8;
/// Most tables in a message with columns or streams in it.
pub(crate) const TABLES_MANY_MAX: usize = 1 << 20;
/// How many times its length a message may count when what is shared in it is counted each time.
pub(crate) const APPARENT_SIZE_FACTOR: usize = 8;

const _: () = assert!(MESSAGE_BYTES_MAX >= EVENT_BYTES_MAX + MESSAGE_BYTES_MIN);
const _: () = assert!(MESSAGE_BYTES_DEFAULT >= EVENT_BYTES_DEFAULT + MESSAGE_BYTES_MIN);
const _: () = assert!(MESSAGE_BYTES_MIN >= EVENT_BYTES_MIN + HANDSHAKE_BYTES_MAX);
