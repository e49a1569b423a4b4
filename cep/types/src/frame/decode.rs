//! Opening a frame: header, metadata, then every column in place.

use arrow_array::ArrayRef;
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_schema::Field;
use flatbuffers::VerifierOptions;

use crate::StreamId;
use crate::frame::generated::{
    Compression, Metadata, metadata_buffer_has_identifier, root_as_metadata_with_opts,
};
use crate::frame::header::{HEADER_BYTES, Header};
use crate::frame::verify::Body;
use crate::frame::{
    ALIGNMENT, ColumnId, FRAME_COLUMNS_MAX, FRAME_ROWS_MAX, FrameError, FrameHead, NESTING_MAX, SchemaVersion,
};

/// An opened frame: verified, its columns built over the frame's own memory.
#[derive(Debug, Clone)]
pub struct Frame {
    head: FrameHead,
    rows: usize,
    columns: Vec<FrameColumn>,
}

/// One column of an opened frame.
#[derive(Debug, Clone)]
pub struct FrameColumn {
    /// Its id.
    pub id: ColumnId,
    /// Its type as the frame tells it. The frame knows no names: the name is empty, nested names
    /// are positions, and everything but map keys is nullable.
    pub field: Field,
    /// Its values.
    pub array: ArrayRef,
}

impl Frame {
    /// Verifies the one frame that `bytes` holds and builds its columns. Nothing is copied when
    /// `bytes` begins at a multiple of [`ALIGNMENT`] in memory; else it is copied once.
    ///
    /// Checked are the header, the checksum, the metadata, the place, length and padding of every
    /// buffer, offsets, UTF-8, null counts, unused bits, dictionary indices, and the ranges of
    /// DECIMAL and TIME. That JSON text is JSON is not: readers of JSON parse it anyway.
    ///
    /// # Errors
    /// When anything of this is not as the format says.
    pub fn open(bytes: &Buffer) -> Result<Self, FrameError> {
        let header = Header::check(bytes)?;
        let bytes = align(bytes);
        let metadata = read_metadata(&bytes[HEADER_BYTES..HEADER_BYTES + header.meta_bytes])?;
        if bytes[HEADER_BYTES + header.meta_bytes..header.body_start()].iter().any(|byte| *byte != 0) {
            return Err(FrameError::malformed("padding after the metadata is not zero"));
        }
        let rows = limited("rows", metadata.rows(), FRAME_ROWS_MAX)?;
        let listed = metadata.columns().ok_or_else(|| FrameError::malformed("no column list"))?;
        limited("columns", listed.len() as u64, FRAME_COLUMNS_MAX)?;
        let mut body = Body::new(bytes.clone(), header.body_start());
        let mut columns: Vec<FrameColumn> = Vec::with_capacity(listed.len());
        for column in listed {
            let id = ColumnId(column.id());
            if columns.last().is_some_and(|before| before.id >= id) {
                let reason = "its id is not above the one before".to_owned();
                return Err(FrameError::Column { id, reason });
            }
            let (field, array) = body
                .column(column, "", rows, NESTING_MAX)
                .map_err(|reason| FrameError::Column { id, reason })?;
            columns.push(FrameColumn { id, field, array });
        }
        body.finish().map_err(FrameError::malformed)?;
        let head = FrameHead {
            stream: StreamId(metadata.stream()),
            schema_version: SchemaVersion(metadata.schema_version()),
        };
        Ok(Self { head, rows, columns })
    }

    /// Stream and schema version.
    pub fn head(&self) -> FrameHead {
        self.head
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in ascending order of id.
    pub fn columns(&self) -> &[FrameColumn] {
        &self.columns
    }
}

/// `bytes`, beginning at a multiple of [`ALIGNMENT`] in memory.
fn align(bytes: &Buffer) -> Buffer {
    if bytes.as_ptr().align_offset(ALIGNMENT) == 0 {
        return bytes.clone();
    }
    // The allocator's own alignment differs between hosts: leave room to begin later.
    let mut copy = MutableBuffer::new(bytes.len() + ALIGNMENT);
    let lead = copy.as_ptr().align_offset(ALIGNMENT);
    copy.extend_zeros(lead);
    copy.extend_from_slice(bytes);
    Buffer::from(copy).slice(lead)
}

fn read_metadata(bytes: &[u8]) -> Result<Metadata<'_>, FrameError> {
    let options = VerifierOptions {
        // Metadata is one table, each level of nesting another.
        max_depth: NESTING_MAX + 4,
        max_tables: 1 << 16,
        max_apparent_size: 1 << 24,
        ..VerifierOptions::default()
    };
    if bytes.len() < 8 {
        return Err(FrameError::malformed("metadata shorter than any"));
    }
    let metadata = root_as_metadata_with_opts(&options, bytes)
        .map_err(|error| FrameError::malformed(format!("metadata: {}", first_line(&error.to_string()))))?;
    if !metadata_buffer_has_identifier(bytes) {
        return Err(FrameError::malformed("metadata lacks its identifier"));
    }
    let encrypted = metadata.key_id() != 0
        || metadata.nonce().is_some_and(|bytes| !bytes.is_empty())
        || metadata.tag().is_some_and(|bytes| !bytes.is_empty());
    if encrypted {
        return Err(FrameError::Reserved { what: "encryption" });
    }
    if metadata.compression() != Compression::None {
        return Err(FrameError::Reserved { what: "compression" });
    }
    Ok(metadata)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_end_matches('.')
}

fn limited(what: &str, count: u64, max: usize) -> Result<usize, FrameError> {
    match usize::try_from(count) {
        Ok(count) if count <= max => Ok(count),
        _ => Err(FrameError::TooLarge { what: format!("{count} {what}") }),
    }
}
