//! What is in a directory: reading all segments, checking them, making the tail durable.
//!
//! Invariants: a read that goes astray once harms nothing: what would end the log or damage it is read
//! twice; blocks that cannot be read are holes; of sealed segments payloads of large entries are left (`skim`);
//! the tail is durable before anything builds on it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use shard_rt::{BLOCK, BlockAddr, BlockWrite, File, OpenMode, Rt};

use super::segments::{new_number, segment_name, segment_of_name, spare_number};
use super::skim::skim;
use super::state::Sealed;
use crate::error::{Result, WalError};
use crate::format::{Checks, HEADER_BYTES_MAX, HeaderFault, SegmentHeader};
use crate::id::{DamagedRange, PartitionId, Position};
use crate::options::Options;
#[cfg(feature = "sabotage")]
use crate::options::Sabotage;
use crate::replay::{Part, Replayed, replay};
use crate::scan::{Extent, Scan, ScanOf, find_header, scan, was_used};
use crate::survey::{counting, newest};

/// Bytes of one read.
const READ_BYTES: u64 = 1 << 20;

/// What opening a log found.
#[derive(Clone, Debug, Default)]
pub struct Recovered {
    /// Partitions that cannot be opened, and why.
    pub damaged: Vec<(PartitionId, Vec<DamagedRange>)>,
    /// Damage that may have hit partitions of which nothing is known: all such are refused.
    pub unattributed: bool,
    /// All ranges that could not be read, whether something was lost there or not.
    pub holes: Vec<DamagedRange>,
    /// Where the log ended.
    pub end: Option<Position>,
    /// Segments that were read.
    pub segments: usize,
    /// Records that were read.
    pub records: u64,
}

/// A file with the name of a segment.
struct Candidate {
    file: File,
    header: std::result::Result<SegmentHeader, HeaderFault>,
}

/// What is on disk.
#[derive(Default)]
pub(super) struct Inventory {
    candidates: BTreeMap<u64, Candidate>,
    pub(super) spares: Vec<String>,
    pub(super) files_made: u64,
}

/// Everything before the new tail.
pub(super) struct Past {
    pub(super) log_id: u64,
    pub(super) replayed: Replayed,
    pub(super) sealed: BTreeMap<u64, Sealed>,
    pub(super) spares: Vec<String>,
    /// The newest segment, if it never took a record that counts.
    pub(super) empty: Option<(SegmentHeader, File)>,
    pub(super) next: u64,
    pub(super) recovered: Recovered,
}

pub(super) struct Reader {
    pub(super) rt: Rt,
    pub(super) dir: PathBuf,
    pub(super) options: Options,
}

impl Reader {
    fn damaged(&self, reason: impl Into<String>) -> WalError {
        WalError::LogDamaged { dir: self.dir.display().to_string(), reason: reason.into() }
    }

    fn checks(&self) -> Checks {
        #[cfg(feature = "sabotage")]
        match self.options.sabotage {
            Some(Sabotage::IgnoreCrc) => return Checks { crc: false, ..Checks::ALL },
            Some(Sabotage::ForgetGeneration) => return Checks { generation: false, ..Checks::ALL },
            _ => {}
        }
        Checks::ALL
    }

    /// Opens all segments and reads their headers; what was being made is removed.
    pub(super) async fn inventory(&self) -> Result<Inventory> {
        let disk = self.rt.disk();
        let mut inventory = Inventory::default();
        // A start before may have ended between a change of names and its flush.
        disk.sync_dir(&self.dir).await?;
        for entry in disk.list(&self.dir).await? {
            let path = self.dir.join(&entry.name);
            let whole = entry.len == self.options.segment_bytes;
            if let Some(segment) = segment_of_name(&entry.name) {
                let file = disk.open(&path, OpenMode::Existing).await?;
                let header = self.header(&file, entry.len).await?;
                let fault = |version| WalError::Version { file: path.display().to_string(), version };
                match &header {
                    Err(HeaderFault::Version(version)) => return Err(fault(*version)),
                    Ok(header) if header.segment_bytes != self.options.segment_bytes => {
                        let reason = format!("the log's segments have {} bytes", header.segment_bytes);
                        let value = self.options.segment_bytes;
                        return Err(WalError::Option { name: "segment_bytes", value, reason });
                    }
                    _ => {}
                }
                inventory.candidates.insert(segment, Candidate { file, header });
            } else if let Some(number) = spare_number(&entry.name) {
                inventory.files_made = inventory.files_made.max(number);
                if whole {
                    inventory.spares.push(entry.name);
                } else {
                    disk.remove(&path).await?;
                }
            } else if let Some(number) = new_number(&entry.name) {
                inventory.files_made = inventory.files_made.max(number);
                disk.remove(&path).await?;
            }
        }
        Ok(inventory)
    }

    async fn header(&self, file: &File, len: u64) -> Result<std::result::Result<SegmentHeader, HeaderFault>> {
        let part = HEADER_BYTES_MAX.min(self.options.segment_bytes / 4) / BLOCK as u64 * BLOCK as u64;
        let mut first = self.read(file, 0, BLOCK as u64).await?;
        if let Some(bytes) = SegmentHeader::bytes_of(&first).filter(|bytes| *bytes > BLOCK as u64) {
            first = self.read(file, 0, bytes.min(part)).await?;
        }
        let front = find_header(&first, &[]);
        if front.is_ok() || len < self.options.segment_bytes {
            return Ok(front);
        }
        let last = self.read(file, self.options.segment_bytes - part, self.options.segment_bytes).await?;
        Ok(find_header(&first, &last))
    }

    /// The bytes of a range. Blocks that cannot be read are zeros: a hole, if something was there.
    async fn read(&self, file: &File, from: u64, to: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; (to - from) as usize];
        for start in (from..to).step_by(READ_BYTES as usize) {
            let end = to.min(start + READ_BYTES);
            if self.read_into(file, start, end, &mut bytes[(start - from) as usize..]).await.is_ok() {
                continue;
            }
            for block in (start..end).step_by(BLOCK) {
                let place = &mut bytes[(block - from) as usize..];
                // One that fails again is lost, and named by the scan.
                let _ = self.read_into(file, block, block + BLOCK as u64, place).await;
            }
        }
        Ok(bytes)
    }

    async fn read_into(&self, file: &File, from: u64, to: u64, out: &mut [u8]) -> Result<()> {
        let blocks = (to - from).div_ceil(BLOCK as u64);
        let buf = self.rt.buffer(blocks as usize);
        let (result, buf) = file.read_at(BlockAddr::from_bytes(from)?, buf).await;
        let count = result?.min((to - from) as usize);
        out[..count].copy_from_slice(&buf[..count]);
        Ok(())
    }

    /// Reads the log.
    pub(super) async fn past(&self, inventory: Inventory) -> Result<Past> {
        let Inventory { candidates, mut spares, .. } = inventory;
        let next = candidates.keys().max().map_or(1, |segment| segment + 1);
        let headers = candidates.iter().map(|(segment, of)| (*segment, of.header.as_ref().ok()));
        let tail = newest(headers).cloned();
        self.check_unused(&candidates, tail.as_ref()).await?;
        let Some(tail) = tail else {
            spares.extend(candidates.keys().map(|segment| segment_name(*segment)));
            return Ok(Past {
                log_id: self.rt.rng().draw(),
                replayed: Replayed::default(),
                sealed: BTreeMap::new(),
                spares,
                empty: None,
                next,
                recovered: Recovered::default(),
            });
        };
        let tail_scan = self.scan_tail(&candidates[&tail.segment].file, &tail).await?;
        let mut expected = counting(&tail, &tail_scan);
        let mut parts = self.scan_sealed(&candidates, &expected, tail.log_id).await;
        let (tail_end, tail_empty) = (tail_scan.end, tail_scan.is_empty());
        let log_id = tail.log_id;
        let end = Position::new(tail.segment, tail_end);
        let empty = tail_empty.then(|| (tail.clone(), candidates[&tail.segment].file.clone()));
        if !tail_empty {
            expected.insert(tail.segment, tail_end);
        }
        parts.push(Part { scan: tail_scan, header: Some(tail) });
        let replayed = replay(&parts);
        let recovered = summary(&parts, &replayed, end);
        let mut sealed = BTreeMap::new();
        for (segment, candidate) in candidates {
            match expected.get(&segment) {
                Some(end) => {
                    sealed.insert(segment, Sealed { end: *end, file: candidate.file, freeing: false });
                }
                None if segment == end.segment() => {}
                None => spares.push(segment_name(segment)),
            }
        }
        Ok(Past { log_id, replayed, sealed, spares, empty, next, recovered })
    }

    /// Files named as segments behind the tail never took records, or the log's newest part is lost.
    async fn check_unused(
        &self,
        candidates: &BTreeMap<u64, Candidate>,
        tail: Option<&SegmentHeader>,
    ) -> Result<()> {
        let after = tail.map_or(0, |tail| tail.segment + 1);
        for (segment, candidate) in candidates.range(after..) {
            let bytes = self.read(&candidate.file, 0, self.options.segment_bytes).await?;
            if was_used(&bytes, *segment) {
                let name = segment_name(*segment);
                return Err(
                    self.damaged(format!("{name} has records, and both copies of its header are lost"))
                );
            }
        }
        Ok(())
    }

    /// Reads the tail and makes durable what counts in it.
    async fn scan_tail(&self, file: &File, header: &SegmentHeader) -> Result<Scan> {
        let of = self.scan_of(header.log_id, header.segment, header.bytes());
        let limit = self.options.segment_bytes - header.bytes();
        let mut bytes = self.read(file, 0, limit).await?;
        let mut found = scan(&bytes, of, Extent::Tail);
        // A read may have gone astray: what ends the log or damages it is read once more.
        let next = (found.end + READ_BYTES).min(limit);
        let again = self.read(file, found.end, next).await?;
        if !found.holes.is_empty() || again != bytes[found.end as usize..next as usize] {
            bytes = self.read(file, 0, limit).await?;
            found = scan(&bytes, of, Extent::Tail);
        }
        // What no later record says was flushed may be in a cache alone, and a failed flush may have
        // dropped it there: it is written again.
        for start in (found.durable..found.end).step_by(READ_BYTES as usize) {
            let part = &bytes[start as usize..found.end.min(start + READ_BYTES) as usize];
            let mut buf = self.rt.buffer(part.len() / BLOCK);
            buf.copy_from_slice(part);
            let write = BlockWrite { at: BlockAddr::from_bytes(start)?, buf };
            let (result, _) = file.write_durable(vec![write]).await;
            result?;
        }
        file.sync().await?;
        Ok(found)
    }

    fn scan_of(&self, log_id: u64, segment: u64, start: u64) -> ScanOf {
        ScanOf { log_id, segment, start, checks: self.checks() }
    }

    /// Reads all sealed segments, some at the same time.
    async fn scan_sealed(
        &self,
        candidates: &BTreeMap<u64, Candidate>,
        expected: &BTreeMap<u64, u64>,
        log_id: u64,
    ) -> Vec<Part> {
        let mut parts = Vec::with_capacity(expected.len());
        let all: Vec<(u64, u64)> = expected.iter().map(|(segment, end)| (*segment, *end)).collect();
        for some in all.chunks(self.options.recovery_parallel) {
            let tasks: Vec<_> = some
                .iter()
                .map(|(segment, end)| {
                    let candidate = candidates.get(segment);
                    let file = candidate.map(|candidate| candidate.file.clone());
                    let header = candidate.and_then(|candidate| candidate.header.as_ref().ok());
                    let sound =
                        |header: &&SegmentHeader| header.segment == *segment && header.log_id == log_id;
                    let header = header.filter(sound).cloned();
                    let reader =
                        Self { rt: self.rt.clone(), dir: self.dir.clone(), options: self.options.clone() };
                    let (segment, end) = (*segment, *end);
                    let scan = async move { reader.part(log_id, segment, end, file, header).await };
                    self.rt.spawn("wal recovery", scan)
                })
                .collect();
            for task in tasks {
                parts.extend(task.await.ok());
            }
        }
        parts
    }

    async fn part(
        &self,
        log_id: u64,
        segment: u64,
        end: u64,
        file: Option<File>,
        header: Option<SegmentHeader>,
    ) -> Part {
        let start = header.as_ref().map_or(BLOCK as u64, SegmentHeader::bytes);
        let end = end.min(self.options.segment_bytes);
        let of = self.scan_of(log_id, segment, start);
        let mut found = scan(&[], of, Extent::Sealed(end));
        if let Some(file) = file {
            if header.is_some()
                && let Some(skimmed) = skim(&self.rt, &file, of, end).await
            {
                return Part { scan: skimmed, header };
            }
            for _ in 0..2 {
                if found.holes.is_empty() {
                    break;
                }
                let bytes = self.read(&file, 0, end).await.unwrap_or_default();
                found = scan(&bytes, of, Extent::Sealed(end));
            }
        }
        Part { scan: found, header }
    }
}

fn summary(parts: &[Part], replayed: &Replayed, end: Position) -> Recovered {
    let damaged = replayed.partitions.iter();
    Recovered {
        damaged: damaged.filter_map(|(id, image)| image.damage.clone().map(|damage| (*id, damage))).collect(),
        unattributed: replayed.unattributed,
        holes: replayed.holes.clone(),
        end: Some(end),
        segments: parts.len(),
        records: parts.iter().map(|part| part.scan.records.len() as u64).sum(),
    }
}
