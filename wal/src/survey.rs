//! Which files make up a log: shared by recovery and the offline tools.

use std::collections::BTreeMap;

use crate::format::{RecordKind, SegmentHeader};
use crate::scan::Scan;

/// The newest segment: the one with the highest number whose header says that number.
pub(crate) fn newest<'a>(
    headers: impl DoubleEndedIterator<Item = (u64, Option<&'a SegmentHeader>)>,
) -> Option<&'a SegmentHeader> {
    headers.rev().find_map(|(segment, header)| header.filter(|header| header.segment == segment))
}

/// The segments before the newest one that count, with their ends: those its header names, less those
/// that its records free.
pub(crate) fn counting(newest: &SegmentHeader, scan: &Scan) -> BTreeMap<u64, u64> {
    let mut ends: BTreeMap<u64, u64> = newest.segments.iter().map(|of| (of.segment, of.end)).collect();
    for found in scan.records.iter().filter(|found| found.header.kind == RecordKind::Freed) {
        ends.remove(&found.header.index);
    }
    ends
}
