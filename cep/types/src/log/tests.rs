//! What is written is read; what is damaged is refused; what was written once is read for ever.

use arrow_buffer::Buffer;
use expect_test::expect_file;
use proptest::prelude::*;

use super::*;
use crate::frame::ALIGNMENT;
use crate::frame::{ColumnId, SchemaVersion};
use crate::{Epoch, EventId, LogIndex, ProducerId};

fn ids(rows: u32) -> impl Strategy<Value = PartIds> {
    let sequence = (1..=u64::MAX, 0..=u64::MAX - u64::from(rows))
        .prop_map(|(producer, first)| PartIds::Sequence { producer: ProducerId(producer), first });
    let opaque = proptest::collection::vec(any::<u128>().prop_map(EventId), rows as usize);
    let source = (1..=u64::MAX, 0..=u64::MAX - u64::from(rows))
        .prop_map(|(source, first)| PartIds::Source { source: ProducerId(source), first });
    prop_oneof![sequence, opaque.prop_map(PartIds::Opaque), source]
}

fn part() -> impl Strategy<Value = (PartHead, Vec<u8>)> {
    let head = (1_u32..40).prop_flat_map(|rows| {
        (any::<u32>(), any::<u32>(), ids(rows), any::<i64>(), any::<bool>()).prop_map(
            move |(stream, version, ids, sent, replay): (_, _, PartIds, _, bool)| PartHead {
                stream: StreamId(stream),
                schema_version: SchemaVersion(version),
                rows,
                replay: replay && !matches!(ids, PartIds::Source { .. }),
                ids,
                first_sent: StampNs(sent),
            },
        )
    });
    let frame = (0..4_usize, any::<u8>()).prop_map(|(blocks, byte)| vec![byte; blocks * ALIGNMENT]);
    (head, frame)
}

fn binding() -> impl Strategy<Value = Binding> {
    (".{0,8}", any::<u32>(), any::<u32>(), proptest::collection::vec(any::<u32>().prop_map(ColumnId), 0..4))
        .prop_map(|(name, stream, version, columns)| Binding {
            name,
            stream: StreamId(stream),
            schema_version: SchemaVersion(version),
            columns,
        })
}

fn written(parts: &[(PartHead, Vec<u8>)], stamp: i64) -> Buffer {
    let mut writer = EventsWriter::new();
    for (head, frame) in parts {
        assert!(writer.fits(head, frame.len()));
        writer.push(head, frame);
    }
    let len = writer.len();
    let bytes = writer.finish(StampNs(stamp));
    assert_eq!((bytes.len(), writer.is_empty()), (len, true));
    bytes
}

proptest! {
    #[test]
    fn appends_come_out_as_they_went_in(parts in proptest::collection::vec(part(), 1..6), stamp in any::<i64>()) {
        let entry = LogEntry::open(&written(&parts, stamp)).unwrap();
        prop_assert_eq!(entry.stamp, StampNs(stamp));
        let Body::Events(read) = entry.body else { panic!("rows") };
        prop_assert_eq!(read.len(), parts.len());
        for (read, (head, frame)) in read.iter().zip(&parts) {
            prop_assert_eq!(&read.head, head);
            prop_assert_eq!(read.frame.as_slice(), frame.as_slice());
            prop_assert_eq!(read.frame.as_ptr().align_offset(ALIGNMENT), 0);
        }
    }

    #[test]
    fn definitions_come_out_as_they_went_in(
        streams in proptest::collection::vec(binding(), 0..4),
        (epoch, version, stamp, index) in (any::<u64>(), any::<u32>(), any::<i64>(), any::<u64>()),
        (name, text) in (".{0,8}", ".{0,40}"),
        stops in any::<bool>(),
        language in prop_oneof![Just(Language::Sql), Just(Language::Bundle)],
        connectors in prop_oneof![Just(Connectors::Off), Just(Connectors::On), Just(Connectors::Console)],
        positions in proptest::collection::vec((any::<u64>(), any::<u32>()), 1..4),
    ) {
        let epoch = Epoch(epoch);
        let action = if stops { Action::Stop } else { Action::Run { language, text: text.clone(), streams, connectors } };
        let wanted = Activate { name: name.clone(), version, epoch, action };
        let entry = LogEntry::open(&activate(StampNs(stamp), &wanted)).unwrap();
        prop_assert!(matches!(entry.body, Body::Activate(read) if read == wanted));
        let all: Vec<_> =
            positions.iter().map(|&(index, ordinal)| OutputPosition { index: LogIndex(index), ordinal }).collect();
        let lengths = positions.iter().map(|&(bytes, stream)| (StreamId(stream), bytes)).collect();
        let wanted = Marker { name: name.clone(), epoch, upto: all[0], all, lengths };
        let entry = LogEntry::open(&marker(StampNs(stamp), &wanted)).unwrap();
        prop_assert!(matches!(entry.body, Body::Marker(read) if read == wanted));
        let retry_window_ns = stamp.saturating_abs().max(1);
        let wanted = Config { epoch, retry_window_ns, ids_max: index.clamp(1, i64::MAX as u64) };
        let entry = LogEntry::open(&config(StampNs(stamp), &wanted)).unwrap();
        prop_assert!(matches!(entry.body, Body::Config(read) if read == wanted));
        let wanted = Quarantine { name, version, epoch, index: LogIndex(index), reason: text };
        let entry = LogEntry::open(&quarantine(StampNs(stamp), &wanted)).unwrap();
        prop_assert!(matches!(entry.body, Body::Quarantine(read) if read == wanted));
    }

    /// A changed byte of anything but a frame, an id or a number is refused, or read as another
    /// entry that is written as it was read.
    #[test]
    fn damage_is_refused_or_means_something_else(
        parts in proptest::collection::vec(part(), 1..4),
        at in any::<proptest::sample::Index>(),
        flip in 1..=u8::MAX,
        cut in any::<Option<proptest::sample::Index>>(),
    ) {
        let mut bytes = written(&parts, 7).to_vec();
        let place = at.index(bytes.len());
        bytes[place] ^= flip;
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(LogEntry { stamp, body: Body::Events(read) }) = LogEntry::open(&Buffer::from(&bytes[..])) {
            let read: Vec<_> = read.into_iter().map(|part| (part.head, part.frame.to_vec())).collect();
            let again = written(&read, stamp.0);
            prop_assert_eq!(again.as_slice(), &bytes[..]);
        }
    }
}

fn every_kind() -> Vec<(&'static str, Buffer)> {
    let head = |ids, replay| PartHead {
        stream: StreamId(3),
        schema_version: SchemaVersion(2),
        rows: 2,
        ids,
        first_sent: StampNs(1_700_000_000_000_000_000),
        replay,
    };
    let numbered = head(PartIds::Sequence { producer: ProducerId(77), first: 5 }, false);
    let opaque = head(PartIds::Opaque(vec![EventId(1), EventId(u128::MAX)]), true);
    let binding = Binding {
        name: "s".into(),
        stream: StreamId(3),
        schema_version: SchemaVersion(2),
        columns: vec![ColumnId(1), ColumnId(4)],
    };
    let run = |connectors| Action::Run {
        language: Language::Sql,
        text: "SELECT 1;".into(),
        streams: vec![binding.clone()],
        connectors,
    };
    let epoch = Epoch(9);
    let of = |action| Activate { name: "app".into(), version: 4, epoch, action };
    let fence =
        Quarantine { name: "app".into(), version: 4, epoch, index: LogIndex(12), reason: "why".into() };
    let from_source = head(PartIds::Source { source: ProducerId(78), first: 6 }, false);
    let upto = OutputPosition { index: LogIndex(11), ordinal: 3 };
    let handed =
        Marker { name: "app".into(), epoch, upto, all: vec![upto], lengths: vec![(StreamId(5), 4096)] };
    let stamp = StampNs(1_700_000_000_000_000_001);
    vec![
        ("events", written(&[(numbered, vec![0xab; 64]), (opaque, vec![0xcd; 128])], stamp.0)),
        ("tick", tick(stamp)),
        ("end of input", end_of_input(stamp, StreamId(3))),
        ("run", activate(stamp, &of(run(Connectors::Off)))),
        ("stop", activate(stamp, &of(Action::Stop))),
        ("quarantine", quarantine(stamp, &fence)),
        ("run connected", activate(stamp, &of(run(Connectors::On)))),
        ("run on a console", activate(stamp, &of(run(Connectors::Console)))),
        ("rows of a source", written(&[(from_source, vec![0xef; 64])], stamp.0)),
        ("marker", marker(stamp, &handed)),
        ("config", config(stamp, &Config { epoch, retry_window_ns: 60_000_000_000, ids_max: 5_000 })),
    ]
}

#[test]
fn entries_are_written_as_ever() {
    let mut dump = String::new();
    for (name, bytes) in every_kind() {
        dump.push_str(&format!("# {name}\n"));
        for row in bytes.chunks(32) {
            let hex: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            dump.push_str(&hex.join(""));
            dump.push('\n');
        }
    }
    expect_file!["golden/v1.hex"].assert_eq(&dump);
}

#[test]
fn entries_of_old_are_read() {
    let golden = include_str!("golden/v1.hex");
    let kinds = every_kind();
    assert_eq!(golden.matches("# ").count(), kinds.len());
    for (section, (name, bytes)) in golden.split("# ").skip(1).zip(&kinds) {
        let (title, hex) = section.split_once('\n').unwrap();
        assert_eq!(title, *name);
        let hex: String = hex.split_whitespace().collect();
        let old: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        LogEntry::open(&Buffer::from(&old[..])).unwrap();
        assert_eq!(old, bytes.as_slice(), "{name}");
    }
}

#[test]
fn what_another_version_wrote_is_refused_by_name() {
    let mut bytes = tick(StampNs(1)).to_vec();
    bytes[0] = 2;
    assert_eq!(LogEntry::open(&Buffer::from(&bytes[..])).unwrap_err(), LogError::Version { found: 2 });
    bytes[0] = 1;
    bytes[2] = 6;
    assert_eq!(LogEntry::open(&Buffer::from(&bytes[..])).unwrap_err(), LogError::Kind { found: 6 });
}
