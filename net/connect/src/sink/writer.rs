//! A sink that writes encoded rows to a stream of bytes.

use std::fs::File;
use std::io::{self, ErrorKind, Write};

use arrow_array::RecordBatch;
use cep_types::op::Op;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Sink;
use crate::ConnectError;
use crate::encode::{Encoder, Output};

/// Encoded bytes gathered before they are written.
const BUFFER_BYTES: usize = 64 * 1024;

/// Where bytes go.
pub(super) enum Target {
    /// A file.
    File(File),
    /// A file, packed.
    Gzip(Packed),
    /// Standard output, or anything else that takes bytes.
    Other(Box<dyn Write + Send>),
}

/// A file of packed members (RFC 1952 §2.2), one after the other: it may be cut between them.
pub(super) struct Packed {
    file: File,
    /// The member under way.
    member: Option<GzEncoder<File>>,
    /// One has been written.
    has_some: bool,
}

impl Packed {
    fn member(&mut self) -> io::Result<&mut GzEncoder<File>> {
        if self.member.is_none() {
            self.member = Some(GzEncoder::new(self.file.try_clone()?, Compression::default()));
            self.has_some = true;
        }
        Ok(self.member.as_mut().expect("it was just put there"))
    }

    /// Ends the member under way.
    fn end_member(&mut self) -> io::Result<()> {
        if let Some(member) = &mut self.member {
            member.try_finish()?;
            self.member = None;
        }
        Ok(())
    }
}

impl Write for Packed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.member()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.member.as_mut().map_or(Ok(()), GzEncoder::flush)
    }
}

impl Target {
    pub(super) fn gzip(file: File) -> Target {
        Target::Gzip(Packed { file, member: None, has_some: false })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Target::File(file) => file,
            Target::Gzip(file) => file,
            Target::Other(other) => other,
        }
    }

    fn close(&mut self) -> io::Result<()> {
        match self {
            Target::File(file) => sync(file),
            Target::Gzip(packed) => {
                // An empty file is no packed file.
                if !packed.has_some && !packed.file.metadata().is_ok_and(|metadata| metadata.len() > 0) {
                    packed.member()?;
                }
                packed.end_member()?;
                sync(&packed.file)
            }
            Target::Other(other) => other.flush(),
        }
    }

    /// Brings everything to the disk; the length of the file then.
    fn settle(&mut self) -> io::Result<Option<u64>> {
        let file = match self {
            Target::File(file) => file,
            Target::Gzip(packed) => {
                packed.end_member()?;
                &packed.file
            }
            Target::Other(other) => return other.flush().map(|()| None),
        };
        sync(file)?;
        let metadata = file.metadata()?;
        Ok(metadata.is_file().then_some(metadata.len()))
    }
}

/// Brings a file's bytes to the disk. A pipe or a device has none to bring them to.
fn sync(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() { file.sync_data() } else { Ok(()) }
}

/// Encodes rows and writes them to a target.
pub(super) struct WriterSink {
    name: String,
    target: Target,
    encoder: Box<dyn Encoder>,
    buffer: Vec<u8>,
    rows: u64,
    closed: bool,
}

impl WriterSink {
    pub(super) fn new(name: &str, target: Target, encoder: Box<dyn Encoder>) -> WriterSink {
        WriterSink { name: name.to_owned(), target, encoder, buffer: Vec::new(), rows: 0, closed: false }
    }

    fn failed(&self, error: io::Error) -> ConnectError {
        match error.kind() {
            ErrorKind::BrokenPipe => ConnectError::OutputClosed,
            _ => ConnectError::Write { name: self.name.clone(), error },
        }
    }

    fn drain(&mut self) -> Result<(), ConnectError> {
        let mut done = 0;
        let written = loop {
            if done == self.buffer.len() {
                break Ok(());
            }
            match self.target.writer().write(&self.buffer[done..]) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        // What was not taken waits for the next try.
        self.buffer.drain(..done);
        written.map_err(|error| self.failed(error))
    }
}

impl Sink for WriterSink {
    fn write(&mut self, batch: &RecordBatch, ops: Option<&[Op]>, stream: &str) -> Result<(), ConnectError> {
        let rows = Output { batch, ops, stream };
        let start = self.buffer.len();
        if let Err(error) = self.encoder.encode(&rows, &mut self.buffer) {
            self.buffer.truncate(start);
            return Err(ConnectError::Batch { stream: stream.to_owned(), error });
        }
        self.rows += batch.num_rows() as u64;
        if self.buffer.len() >= BUFFER_BYTES {
            self.drain()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ConnectError> {
        self.drain()?;
        let flushed = self.target.writer().flush();
        flushed.map_err(|error| self.failed(error))
    }

    fn close(&mut self) -> Result<(), ConnectError> {
        if self.closed {
            return Ok(());
        }
        self.drain()?;
        self.closed = true;
        let closed = self.target.close();
        closed.map_err(|error| self.failed(error))
    }

    fn settle(&mut self) -> Result<Option<u64>, ConnectError> {
        self.drain()?;
        let settled = self.target.settle();
        settled.map_err(|error| self.failed(error))
    }

    fn discard(&mut self) {
        self.buffer.clear();
    }

    fn rows(&self) -> u64 {
        self.rows
    }
}

impl Drop for WriterSink {
    fn drop(&mut self) {
        if !self.closed {
            // Nobody is left to be told; `close` reports.
            let _ = self.drain();
        }
    }
}
