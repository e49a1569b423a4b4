//! A source that decodes bytes: files and standard input.

use std::io::ErrorKind;
use std::sync::atomic::Ordering;

use arrow_schema::SchemaRef;

use super::input::Input;
use super::window::Window;
use super::{CHUNK_BYTES_MAX, Progress, Rows, Source, SourceChunk, Span};
use crate::ConnectError;
use crate::decode::Decoder;

/// An input, its window and its decoder.
pub(super) struct ByteSource {
    input: Input,
    window: Window,
    decoder: Box<dyn Decoder>,
    rows: Rows,
    progress: Progress,
    /// The byte order mark has been looked for.
    begun: bool,
    /// An error that came behind rows; it is returned after them.
    failed: Option<ConnectError>,
    ended: bool,
}

impl ByteSource {
    pub(super) fn new(input: Input, decoder: Box<dyn Decoder>, rows: Rows, block_bytes: usize) -> ByteSource {
        ByteSource {
            progress: Progress { total: input.total, ..Progress::default() },
            input,
            window: Window::new(block_bytes),
            decoder,
            rows,
            begun: false,
            failed: None,
            ended: false,
        }
    }

    /// Gets past a byte order mark. `false`: too few bytes to tell.
    fn begin(&mut self) -> Result<bool, ConnectError> {
        let bytes = self.window.bytes();
        // A short first line must not wait for bytes that no mark could still need.
        let undecided = matches!(bytes, [] | [0xef] | [0xef, 0xbb] | [0xff] | [0xfe]);
        if undecided && !self.window.at_end() {
            return Ok(false);
        }
        let encoding = match bytes {
            [0xef, 0xbb, 0xbf, ..] => {
                self.window.take(3, 0);
                None
            }
            [0xff, 0xfe, ..] => Some("UTF-16 (little endian)"),
            [0xfe, 0xff, ..] => Some("UTF-16 (big endian)"),
            _ => None,
        };
        if let Some(encoding) = encoding {
            return Err(ConnectError::Encoding { name: self.input.name.clone(), encoding });
        }
        self.begun = true;
        Ok(true)
    }

    /// Decodes and reads until the chunk is complete; `true` at the end of the input.
    fn gather(&mut self, chunk_start: u64) -> Result<bool, ConnectError> {
        loop {
            if self.begun || self.begin()? {
                self.decoder.decode(&mut self.window, &mut self.rows)?;
                let covered = self.window.position().byte - chunk_start;
                if self.rows.is_full() || covered >= CHUNK_BYTES_MAX as u64 {
                    return Ok(false);
                }
                if self.window.at_end() {
                    return Ok(true);
                }
                if self.input.live && !self.rows.is_empty() {
                    return Ok(false);
                }
            }
            match self.window.fill(&mut self.input.reader) {
                Ok(()) => {}
                // The caller decides whether a signal ends the run.
                Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
                Err(error) => {
                    return Err(ConnectError::Read {
                        name: self.input.name.clone(),
                        position: self.window.position().byte,
                        error,
                    });
                }
            }
        }
    }
}

/// Whether a call of [`Source::next`] after this error may succeed. Damaged packed data stays
/// damaged, and reading behind it would look like the end.
fn is_passing(error: &ConnectError) -> bool {
    let ConnectError::Read { error, .. } = error else { return false };
    !matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof)
}

impl Source for ByteSource {
    fn schema(&self) -> &SchemaRef {
        self.rows.schema()
    }

    fn next(&mut self, rows_max: usize, _now_ns: i64) -> Result<SourceChunk, ConnectError> {
        if let Some(error) = self.failed.take() {
            self.ended = !is_passing(&error);
            return Err(error);
        }
        let start = self.window.position();
        self.rows.begin(rows_max);
        if !self.ended {
            match self.gather(start.byte) {
                Ok(ended) => self.ended = ended,
                Err(error) if self.rows.is_empty() => {
                    self.ended = !is_passing(&error);
                    return Err(error);
                }
                Err(error) => self.failed = Some(error),
            }
        }
        let end = self.window.position();
        let span =
            Span { byte_start: start.byte, byte_end: end.byte, line_start: start.line, line_end: end.line };
        let chunk = self.rows.finish(span, self.ended)?;
        self.progress.done = self.input.taken.load(Ordering::Relaxed);
        self.progress.rows += chunk.row_positions.len() as u64;
        self.progress.rejects += chunk.rejects.len() as u64;
        Ok(chunk)
    }

    fn progress(&self) -> Progress {
        self.progress
    }

    fn is_bounded(&self) -> bool {
        self.input.total.is_some()
    }
}
