//! Bytes of a file or of standard input, unpacked when they are packed.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cep_types::options::Compression;
use flate2::read::MultiGzDecoder;

use crate::ConnectError;

/// The first two bytes of gzip (RFC 1952 §2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An input and what is known about it.
pub(crate) struct Input {
    /// The path as written, or `stdin`.
    pub(crate) name: String,
    /// Unpacked bytes.
    pub(crate) reader: Box<dyn Read + Send>,
    /// Bytes taken from the input as it lies there.
    pub(crate) taken: Arc<AtomicU64>,
    /// Its length, when it has one.
    pub(crate) total: Option<u64>,
    /// Rows are handed out as they come instead of waiting for more.
    pub(crate) live: bool,
}

impl Input {
    /// Opens a file; relative paths start at `base_dir`.
    pub(crate) fn file(path: &str, base_dir: &Path, compression: Compression) -> Result<Input, ConnectError> {
        let failed = |error| ConnectError::Open { path: path.to_owned(), error };
        let file = File::open(base_dir.join(path)).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let mut input = Input::reader(path, Box::new(file), compression);
        // A pipe or a device has no length, and its rows should not wait for a full chunk.
        input.total = metadata.is_file().then_some(metadata.len());
        input.live = !metadata.is_file();
        Ok(input)
    }

    /// The standard input of the process.
    pub(crate) fn stdin(compression: Compression) -> Input {
        Input::reader("stdin", Box::new(io::stdin()), compression)
    }

    /// Any reader; taken for live.
    pub(crate) fn reader(name: &str, reader: Box<dyn Read + Send>, compression: Compression) -> Input {
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Box::new(Counted { reader, taken: Arc::clone(&taken) });
        let reader: Box<dyn Read + Send> = match compression {
            Compression::None => counted,
            Compression::Gzip => Box::new(MultiGzDecoder::new(counted)),
            Compression::Auto => Box::new(Sniff::Undecided { reader: Some(counted), head: Vec::new() }),
        };
        Input { name: name.to_owned(), reader, taken, total: None, live: true }
    }
}

/// Counts what is read.
struct Counted {
    reader: Box<dyn Read + Send>,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Decides by the first two bytes, when they are first asked for: opening must not block.
enum Sniff {
    Undecided { reader: Option<Box<dyn Read + Send>>, head: Vec<u8> },
    Decided(Box<dyn Read + Send>),
}

impl Read for Sniff {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Sniff::Undecided { reader, head } = self {
            let Some(input) = reader else {
                return Ok(0);
            };
            // An interruption is the caller's; what came before it is kept.
            while head.len() < GZIP_MAGIC.len() && head[..] == GZIP_MAGIC[..head.len()] {
                let mut byte = [0];
                if input.read(&mut byte)? == 0 {
                    break;
                }
                head.push(byte[0]);
            }
            let packed = head[..] == GZIP_MAGIC;
            let rest = reader.take().unwrap_or_else(|| Box::new(io::empty()));
            let whole = Cursor::new(std::mem::take(head)).chain(rest);
            *self =
                Sniff::Decided(if packed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) });
        }
        match self {
            Sniff::Decided(reader) => reader.read(buffer),
            Sniff::Undecided { .. } => Ok(0),
        }
    }
}
