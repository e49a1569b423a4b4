//! Messages to bytes.

use std::ops::Range;

use flatbuffers::FlatBufferBuilder;

use crate::error::WireError;
use crate::header::{self, HEADER_BYTES, Header, RequestId};
use crate::limits::MESSAGE_BYTES_DEFAULT;
use crate::message::Message;

/// What messages are built in.
pub(crate) type Builder<'b> = FlatBufferBuilder<'b>;

/// Writes messages; keeps its scratch memory from one to the next.
pub struct Encoder {
    builder: Builder<'static>,
    message_bytes_max: u32,
}

impl Default for Encoder {
    fn default() -> Self {
        Encoder::new(MESSAGE_BYTES_DEFAULT)
    }
}

impl Encoder {
    /// An encoder for a peer that takes messages of `message_bytes_max` bytes, as its Hello or Welcome
    /// says.
    pub fn new(message_bytes_max: u32) -> Self {
        Encoder { builder: Builder::new(), message_bytes_max }
    }

    /// Sets what the peer takes.
    pub fn set_message_bytes_max(&mut self, message_bytes_max: u32) {
        self.message_bytes_max = message_bytes_max;
    }

    /// Appends `message` to `out` and returns where it lies.
    ///
    /// # Errors
    /// [`WireError::Unsendable`] when it is longer than the peer takes, or its parts contradict each
    /// other. `out` is unchanged then.
    ///
    /// # Panics
    /// When what is not rows comes near 2 GiB, where FlatBuffers end.
    pub fn encode(
        &mut self,
        request: RequestId,
        message: &Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Range<usize>, WireError> {
        let start = self.encode_head(request, message, out)?.start;
        out.extend_from_slice(message.rows());
        Ok(start..out.len())
    }

    /// Appends `message` without its event frame, which the caller sends right behind, from where it
    /// lies: with one vectored write the rows are not copied.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    ///
    /// # Panics
    /// As [`encode`](Self::encode).
    pub fn encode_head(
        &mut self,
        request: RequestId,
        message: &Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Range<usize>, WireError> {
        let kind = message.kind();
        let refused = |reason: String| WireError::Unsendable { kind, reason };
        let rows = message.rows();
        check_rows(rows).map_err(refused)?;
        message.check().map_err(|reason| WireError::Unsendable { kind, reason })?;
        self.builder.reset();
        message.write(&mut self.builder);
        let meta = self.builder.finished_data();
        let total = header::message_bytes(meta.len(), rows.len());
        if total > self.message_bytes_max as usize {
            let max = self.message_bytes_max;
            let reason = format!("it has {total} bytes and the other side takes {max}: split it");
            return Err(WireError::Unsendable { kind, reason });
        }
        let start = out.len();
        let head_bytes = if rows.is_empty() { total } else { header::attachment_start(meta.len()) };
        out.reserve(head_bytes + rows.len());
        out.resize(start + HEADER_BYTES, 0);
        out.extend_from_slice(meta);
        out.resize(start + head_bytes, 0);
        let fits = "messages are below 4 GiB";
        let header = Header {
            flags: 0,
            kind,
            total_bytes: u32::try_from(total).expect(fits),
            meta_bytes: u32::try_from(meta.len()).expect(fits),
            request,
            meta_crc: crc32c::crc32c(&out[start + HEADER_BYTES..]),
        };
        out[start..start + HEADER_BYTES].copy_from_slice(&header.write());
        Ok(start..out.len())
    }
}

/// What follows a message is nothing, or one event frame by what its header says.
fn check_rows(rows: &[u8]) -> Result<(), String> {
    if rows.is_empty() {
        return Ok(());
    }
    match cep_types::frame::frame_bytes(rows) {
        Ok(Some(bytes)) if bytes == rows.len() => Ok(()),
        Ok(_) => Err(format!("{} bytes of rows are not one event frame", rows.len())),
        Err(error) => Err(format!("its rows: {error}")),
    }
}
