//! Rows in: Append, Ack, Credits.

use cep_types::frame::SchemaVersion;
use cep_types::{Epoch, EventId, LogIndex, PartitionId, ProducerId, SpaceId, StampNs, StreamId};

use super::{Body, Window};
use crate::code::open_codes;
use crate::encoder::Builder;
use crate::generated as wire;
use crate::list::{Fixed, List, Sealed, Texts};
use crate::status::Failure;

/// Ids of the rows of an append (R-IDEM-1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EventIds<'a> {
    /// Row i is number `first` + i of the producer.
    Sequence {
        /// Who numbers its rows.
        producer: ProducerId,
        /// Number of the first row.
        first: u64,
    },
    /// One id a row.
    Opaque(List<'a, EventId>),
}

impl Sealed for EventId {}

impl Fixed for EventId {
    const BYTES: usize = size_of::<wire::Id128>();

    fn read(bytes: &[u8]) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(bytes);
        EventId(u128::from_le_bytes(id))
    }
}

/// `value` as two halves.
pub(super) fn id128(value: u128) -> wire::Id128 {
    wire::Id128::new(value as u64, (value >> 64) as u64)
}

/// Rows for one stream and one partition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Append<'a> {
    /// The stream, as in the frame.
    pub stream: StreamId,
    /// The schema that the rows were written with, as in the frame.
    pub schema_version: SchemaVersion,
    /// The partition that owns the keys of all rows, as the client believes.
    pub partition: PartitionId,
    /// The routing table that the client believes.
    pub routing_epoch: Epoch,
    /// Ids of the rows.
    pub ids: EventIds<'a>,
    /// When they were first sent; unchanged on retry.
    pub first_sent: StampNs,
    /// Whether this is a replay of old rows, with ids of their own space.
    pub replay: bool,
    /// Give up when it cannot be logged within that long; 0 for no limit.
    pub timeout_ms: u32,
    /// The rows: one event frame, not verified yet.
    pub rows: &'a [u8],
}

impl<'a> Body<'a> for Append<'a> {
    type Table = wire::Append<'a>;

    fn read(table: Self::Table, rows: &'a [u8]) -> Result<Self, String> {
        let opaque = table.event_ids().filter(|ids| !ids.is_empty());
        let ids = match (table.producer(), opaque) {
            (0, None) => return Err("neither a producer nor event ids".to_owned()),
            (0, Some(ids)) => EventIds::Opaque(List::of_bytes(ids.bytes())),
            (producer, None) => {
                EventIds::Sequence { producer: ProducerId(producer), first: table.first_sequence() }
            }
            (_, Some(_)) => return Err("both a producer and event ids".to_owned()),
        };
        Ok(Append {
            stream: StreamId(table.stream()),
            schema_version: SchemaVersion(table.schema_version()),
            partition: PartitionId(table.partition()),
            routing_epoch: Epoch(table.routing_epoch()),
            ids,
            first_sent: StampNs(table.first_sent_ns()),
            replay: table.replay(),
            timeout_ms: table.timeout_ms(),
            rows,
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let mut args = wire::AppendArgs {
            stream: self.stream.0,
            schema_version: self.schema_version.0,
            partition: self.partition.0,
            routing_epoch: self.routing_epoch.0,
            first_sent_ns: self.first_sent.0,
            replay: self.replay,
            timeout_ms: self.timeout_ms,
            ..wire::AppendArgs::default()
        };
        match self.ids {
            EventIds::Sequence { producer, first } => {
                args.producer = producer.0;
                args.first_sequence = first;
            }
            EventIds::Opaque(ids) => {
                let ids = ids.iter().map(|id| id128(id.0));
                args.event_ids = Some(builder.create_vector_from_iter(ids));
            }
        }
        let root = wire::Append::create(builder, &args);
        builder.finish_minimal(root);
    }

    fn rows(&self) -> &'a [u8] {
        self.rows
    }

    fn check(&self) -> Result<(), String> {
        if self.rows.is_empty() {
            return Err("no rows follow it".to_owned());
        }
        match self.ids {
            EventIds::Sequence { producer: ProducerId(0), .. } => Err("producer 0".to_owned()),
            EventIds::Opaque(ids) if ids.is_empty() => Err("no event ids".to_owned()),
            EventIds::Sequence { .. } | EventIds::Opaque(_) => Ok(()),
        }
    }
}

open_codes! {
    /// Why a row was rejected.
    pub enum Reason: u16 {
        /// The event is larger than allowed.
        EventTooLarge = 1,
        /// A value does not fit its column.
        Value = 2,
        /// Its key belongs to another partition.
        WrongPartition = 3,
        /// Its event time is too far in the future (R-LATE-3).
        FutureTime = 4,
        /// First sent too long ago.
        RetryExpired = 5,
        /// Its id is neither the next of its producer nor one already seen.
        SequenceGap = 6,
    }
}

/// Why rows were rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// In general.
    pub reason: Reason,
    /// Index of the text in [`Ack::details`] that says more.
    pub detail: Option<u16>,
}

/// What became of a row (R-ACK-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Committed and applied.
    Applied,
    /// Applied before, under the same id.
    Duplicate,
    /// Too late for every reader.
    LateDropped,
    /// Not applied.
    Rejected(Rejected),
}

/// Rows of an append that fared alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// How many.
    pub count: u32,
    /// What became of them.
    pub outcome: Outcome,
    /// Log index and row of the first one, the others following; `None` when they are not in the log.
    /// An entry with rows never has index 0.
    pub place: Option<(LogIndex, u32)>,
}

impl Run {
    fn wire(self) -> wire::Run {
        let (outcome, rejected) = match self.outcome {
            Outcome::Applied => (wire::Outcome::Applied, None),
            Outcome::Duplicate => (wire::Outcome::Duplicate, None),
            Outcome::LateDropped => (wire::Outcome::LateDropped, None),
            Outcome::Rejected(rejected) => (wire::Outcome::Rejected, Some(rejected)),
        };
        let reason = rejected.map_or(0, |rejected| rejected.reason.code());
        let detail = rejected.and_then(|rejected| rejected.detail).map_or(0, |detail| detail + 1);
        let (index, row) = self.place.unwrap_or_default();
        wire::Run::new(index.0, row, self.count, wire::Reason(reason), detail, outcome)
    }

    fn of_wire(run: &wire::Run) -> Option<Self> {
        let outcome = match run.outcome() {
            wire::Outcome::Applied => Outcome::Applied,
            wire::Outcome::Duplicate => Outcome::Duplicate,
            wire::Outcome::LateDropped => Outcome::LateDropped,
            wire::Outcome::Rejected => Outcome::Rejected(Rejected {
                reason: Reason::from_code(run.reason().0),
                detail: run.detail().checked_sub(1),
            }),
            _ => return None,
        };
        let place = (run.index() != 0).then_some((LogIndex(run.index()), run.row()));
        Some(Run { count: run.count(), outcome, place })
    }

    fn check(&self, details: usize) -> Result<(), String> {
        if self.count == 0 {
            return Err("a run of no rows".to_owned());
        }
        if self.place.is_some_and(|(index, _)| index.0 == 0) {
            return Err("a run at log index 0".to_owned());
        }
        match self.outcome {
            // The number on the wire is one higher.
            Outcome::Rejected(Rejected { detail: Some(u16::MAX), .. }) => Err("too many details".to_owned()),
            Outcome::Rejected(Rejected { detail: Some(detail), .. }) if usize::from(detail) >= details => {
                Err(format!("detail {detail} of {details}"))
            }
            _ => Ok(()),
        }
    }
}

impl Sealed for Run {}

impl Fixed for Run {
    const BYTES: usize = size_of::<wire::Run>();

    fn read(bytes: &[u8]) -> Self {
        let mut run = wire::Run::default();
        run.0.copy_from_slice(bytes);
        Run::of_wire(&run).expect("outcomes are checked when the message is read")
    }
}

/// Answers Append, after commit and apply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ack<'a> {
    /// What became of the rows, in their order. Empty when `failure` is about all of them.
    pub runs: List<'a, Run>,
    /// Texts that runs refer to.
    pub details: Texts<'a>,
    /// Credit window of the partition from now on.
    pub credits: Window,
    /// Set when no row was taken.
    pub failure: Option<Failure<'a>>,
}

impl<'a> Body<'a> for Ack<'a> {
    type Table = wire::Ack<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        let runs = table.runs().unwrap_or_default();
        if runs.iter().any(|run| Run::of_wire(run).is_none()) {
            return Err("an unknown outcome".to_owned());
        }
        Ok(Ack {
            runs: List::of_bytes(runs.bytes()),
            details: Texts::of_wire(table.details()),
            credits: Window::read_wire(table.credits()),
            failure: table.failure().map(Failure::read),
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let runs =
            (!self.runs.is_empty()).then(|| builder.create_vector_from_iter(self.runs.iter().map(Run::wire)));
        let details: Vec<_> = self.details.iter().map(|text| builder.create_string(text)).collect();
        let details = (!details.is_empty()).then(|| builder.create_vector(&details));
        let failure = self.failure.map(|failure| failure.write(builder));
        let args = wire::AckArgs { runs, details, credits: Some(&self.credits.wire()), failure };
        let root = wire::Ack::create(builder, &args);
        builder.finish_minimal(root);
    }

    fn check(&self) -> Result<(), String> {
        match self.failure {
            Some(failure) if failure.status.is_ok() => return Err("a failure without a status".to_owned()),
            Some(_) if !self.runs.is_empty() => return Err("both runs and a failure".to_owned()),
            Some(_) | None => {}
        }
        let details = self.details.len();
        self.runs.iter().try_for_each(|run| run.check(details))
    }
}

/// A new credit window for one partition, without an ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credits {
    /// The space.
    pub space: SpaceId,
    /// The partition of it.
    pub partition: PartitionId,
    /// Its window from now on.
    pub credits: Window,
}

impl<'a> Body<'a> for Credits {
    type Table = wire::Credits<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(Credits {
            space: SpaceId(table.space()),
            partition: PartitionId(table.partition()),
            credits: Window::read_wire(table.credits()),
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let args = wire::CreditsArgs {
            space: self.space.0,
            partition: self.partition.0,
            credits: Some(&self.credits.wire()),
        };
        let root = wire::Credits::create(builder, &args);
        builder.finish_minimal(root);
    }
}
