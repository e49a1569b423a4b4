//! The disk without CEPtra: what every figure of durability is compared with.
//!
//! Files are written with zeros and synced once before they are measured, as segments of the log are:
//! writing into space that was never written costs twice as much and would flatter the ratio.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::fs::{Mode, OFlags, fdatasync, fsync, open};
use rustix::io::pwrite;

use super::error::{E2eError, Result};
use super::report::histogram;

/// Alignment that O_DIRECT asks for, in memory and in the file.
const ALIGN: usize = 4096;
/// A write of the floor.
pub const FLOOR_BYTES: usize = 4096;
/// The file of the floor; when its end is reached the writes begin anew.
const FLOOR_FILE_BYTES: u64 = 64 << 20;
/// A write of the bandwidth.
const CHUNK_BYTES: usize = 1 << 20;
/// The file of the bandwidth.
const BANDWIDTH_FILE_BYTES: u64 = 1 << 30;

/// Memory that begins at a multiple of [`ALIGN`].
struct Aligned {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    fn new(len: usize, fill: u8) -> Self {
        let bytes = vec![fill; len + ALIGN];
        let start = bytes.as_ptr().align_offset(ALIGN);
        Aligned { bytes, start, len }
    }

    fn get(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.len]
    }
}

/// A file that was written once, opened with O_DIRECT.
struct DirectFile(OwnedFd);

impl DirectFile {
    fn make(path: &Path, bytes: u64) -> Result<Self> {
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::DIRECT | OFlags::TRUNC;
        let file = open(path, flags, Mode::from_raw_mode(0o600));
        let file = DirectFile(file.map_err(|error| E2eError::Io {
            what: format!("a file with O_DIRECT in '{}'; choose --dir on a disk", parent(path)),
            source: error.into(),
        })?);
        let zeros = Aligned::new(CHUNK_BYTES, 0);
        for at in (0..bytes).step_by(CHUNK_BYTES) {
            file.write(at, zeros.get())?;
        }
        fsync(&file.0).map_err(|error| E2eError::io("fsync")(error.into()))?;
        Ok(file)
    }

    fn write(&self, at: u64, bytes: &[u8]) -> Result<()> {
        match pwrite(&self.0, bytes, at) {
            Ok(written) if written == bytes.len() => Ok(()),
            Ok(written) => Err(E2eError::Wrong(format!("{written} of {} bytes are written", bytes.len()))),
            Err(error) => Err(E2eError::io("a direct write")(error.into())),
        }
    }

    fn sync(&self) -> Result<()> {
        fdatasync(&self.0).map_err(|error| E2eError::io("fdatasync")(error.into()))
    }
}

fn parent(path: &Path) -> String {
    path.parent().map(|folder| folder.display().to_string()).unwrap_or_default()
}

/// The bare loop: 4 KiB, write, fdatasync, one after the other.
pub struct Floor {
    file: DirectFile,
    block: Aligned,
    at: u64,
}

impl Floor {
    /// Makes its file in the folder.
    ///
    /// # Errors
    /// When the folder is not on a disk with O_DIRECT, or a write fails.
    pub fn new(folder: &Path) -> Result<Self> {
        let file = DirectFile::make(&folder.join("floor"), FLOOR_FILE_BYTES)?;
        Ok(Floor { file, block: Aligned::new(FLOOR_BYTES, 0x5a), at: 0 })
    }

    /// One write with its flush; nanoseconds.
    ///
    /// # Errors
    /// When it fails.
    pub fn once(&mut self) -> Result<u64> {
        let begun = Instant::now();
        self.file.write(self.at, self.block.get())?;
        self.file.sync()?;
        let took = begun.elapsed().as_nanos() as u64;
        self.at = (self.at + FLOOR_BYTES as u64) % FLOOR_FILE_BYTES;
        Ok(took)
    }

    /// Runs the loop for a time; nanoseconds of each round.
    ///
    /// # Errors
    /// When a write fails.
    pub fn run(&mut self, length: Duration) -> Result<Histogram<u64>> {
        let mut took = histogram();
        let begun = Instant::now();
        while begun.elapsed() < length {
            took.saturating_record(self.once()?);
        }
        Ok(took)
    }
}

/// Sequential O_DIRECT bandwidth, bytes a second.
#[derive(Debug, Clone, Copy)]
pub struct Bandwidth {
    /// One writer, 1 MiB at a time.
    pub one_writer: f64,
    /// Four writers, 1 MiB at a time in turn.
    pub four_writers: f64,
}

impl Bandwidth {
    /// Measures it in the folder, each way for `length`.
    ///
    /// # Errors
    /// When a write fails.
    pub fn measure(folder: &Path, length: Duration) -> Result<Self> {
        let path = folder.join("bandwidth");
        let file = DirectFile::make(&path, BANDWIDTH_FILE_BYTES)?;
        let measured = Bandwidth {
            one_writer: write_all(&file, 1, length)?,
            four_writers: write_all(&file, 4, length)?,
        };
        std::fs::remove_file(&path).map_err(E2eError::io("remove a file"))?;
        Ok(measured)
    }

    /// The higher one: the harder bar.
    pub fn best(&self) -> f64 {
        self.one_writer.max(self.four_writers)
    }
}

/// Bytes a second of some writers that take chunks in turn, with the flush at the end.
fn write_all(file: &DirectFile, writers: u64, length: Duration) -> Result<f64> {
    let chunks = BANDWIDTH_FILE_BYTES / CHUNK_BYTES as u64;
    let begun = Instant::now();
    let written: Result<Vec<u64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|writer| {
                scope.spawn(move || {
                    let chunk = Aligned::new(CHUNK_BYTES, 0xa5);
                    let mut at = writer;
                    let mut bytes = 0;
                    while begun.elapsed() < length {
                        file.write(at % chunks * CHUNK_BYTES as u64, chunk.get())?;
                        bytes += CHUNK_BYTES as u64;
                        at += writers;
                    }
                    Ok(bytes)
                })
            })
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended
            .map(|ended| ended.unwrap_or_else(|_| Err(E2eError::Wrong("a writer panicked".into()))))
            .collect()
    });
    let bytes: u64 = written?.into_iter().sum();
    file.sync()?;
    Ok(bytes as f64 / begun.elapsed().as_secs_f64())
}
