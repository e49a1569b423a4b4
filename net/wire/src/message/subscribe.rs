//! Rows out: Subscribe, Subscribed, Delivery, Allow, SubscriptionEnd.

use cep_types::frame::SchemaVersion;
use cep_types::{Epoch, LogIndex, Op, PartitionId, StreamId};

use super::{Body, Column, Position, Window, columns};
use crate::encoder::Builder;
use crate::generated as wire;
use crate::limits::TABLES_MANY_MAX;
use crate::list::{Fixed, List, Sealed};
use crate::status::Failure;

/// Where a subscription begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the oldest row that is kept.
    Earliest,
    /// With the first row after the subscription was made.
    Latest,
    /// With the first row after this one.
    After(Position),
}

/// How the rows of a stream relate (R-SQL-3a).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Changelog {
    /// Rows are only added.
    Append = 0,
    /// Rows are taken back by rows that repeat them.
    Retract = 1,
    /// A row replaces the one before it with the same key.
    Upsert = 2,
}

impl Changelog {
    /// All of them, in ascending order of number.
    pub const ALL: &'static [Changelog] = &[Changelog::Append, Changelog::Retract, Changelog::Upsert];

    /// The number on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    pub(super) fn wire(self) -> wire::Changelog {
        wire::Changelog(self.code())
    }

    pub(super) fn from_wire(value: wire::Changelog) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|kind| kind.code() == value.0);
        known.copied().ok_or_else(|| format!("unknown changelog {}", value.0))
    }
}

/// Asks for the rows of one stream and one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscribe {
    /// The stream.
    pub stream: StreamId,
    /// The partition of its space.
    pub partition: PartitionId,
    /// The routing table that the client believes.
    pub routing_epoch: Epoch,
    /// Where to begin.
    pub start: Start,
    /// What the server may send in all, until [`Allow`] raises it.
    pub allowed: Window,
}

impl<'a> Body<'a> for Subscribe {
    type Table = wire::Subscribe<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        let start = match (table.start(), table.after()) {
            (wire::Start::Earliest, _) => Start::Earliest,
            (wire::Start::Latest, _) => Start::Latest,
            (wire::Start::After, Some(after)) => Start::After(Position::read_wire(after)),
            (wire::Start::After, None) => return Err("a start without a position".to_owned()),
            (other, _) => return Err(format!("unknown start {}", other.0)),
        };
        Ok(Subscribe {
            stream: StreamId(table.stream()),
            partition: PartitionId(table.partition()),
            routing_epoch: Epoch(table.routing_epoch()),
            start,
            allowed: Window::read_wire(table.allowed()),
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let (start, after) = match self.start {
            Start::Earliest => (wire::Start::Earliest, None),
            Start::Latest => (wire::Start::Latest, None),
            Start::After(position) => (wire::Start::After, Some(position.wire())),
        };
        let args = wire::SubscribeArgs {
            stream: self.stream.0,
            partition: self.partition.0,
            routing_epoch: self.routing_epoch.0,
            start,
            after: after.as_ref(),
            allowed: Some(&self.allowed.wire()),
        };
        let root = wire::Subscribe::create(builder, &args);
        builder.finish_minimal(root);
    }
}

/// Answers Subscribe; deliveries follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscribed {
    /// Version of the stream's schema now.
    pub schema_version: SchemaVersion,
    /// How its rows relate.
    pub changelog: Changelog,
    /// Its columns.
    pub columns: Vec<Column>,
    /// The first delivered row comes after this one.
    pub after: Position,
}

impl<'a> Body<'a> for Subscribed {
    type Table = wire::Subscribed<'a>;
    const TABLES: usize = TABLES_MANY_MAX;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(Subscribed {
            schema_version: SchemaVersion(table.schema_version()),
            changelog: Changelog::from_wire(table.changelog())?,
            columns: columns::read(table.columns())?,
            after: table.after().map(Position::read_wire).unwrap_or_default(),
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let columns = columns::write(&self.columns, builder);
        let args = wire::SubscribedArgs {
            schema_version: self.schema_version.0,
            changelog: self.changelog.wire(),
            columns,
            after: Some(&self.after.wire()),
        };
        let root = wire::Subscribed::create(builder, &args);
        builder.finish_minimal(root);
    }

    fn check(&self) -> Result<(), String> {
        columns::check(&self.columns)
    }
}

/// Rows of a delivery with consecutive ordinals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionRun {
    /// Position of the first row; the others have the same index and the ordinals behind it.
    pub first: Position,
    /// How many rows.
    pub count: u32,
}

impl PositionRun {
    fn wire(self) -> wire::PositionRun {
        wire::PositionRun::new(self.first.index.0, self.first.ordinal, self.count)
    }
}

impl Sealed for PositionRun {}

impl Fixed for PositionRun {
    const BYTES: usize = size_of::<wire::PositionRun>();

    fn read(bytes: &[u8]) -> Self {
        let mut run = wire::PositionRun::default();
        run.0.copy_from_slice(bytes);
        let first = Position { index: LogIndex(run.index()), ordinal: run.ordinal() };
        PositionRun { first, count: run.count() }
    }
}

impl Sealed for u64 {}

impl Fixed for u64 {
    const BYTES: usize = 8;

    fn read(bytes: &[u8]) -> Self {
        let mut number = [0; 8];
        number.copy_from_slice(bytes);
        u64::from_le_bytes(number)
    }
}

impl Sealed for Op {}

impl Fixed for Op {
    const BYTES: usize = 1;

    fn read(bytes: &[u8]) -> Self {
        Op::from_code(bytes[0]).expect("operations are checked when the message is read")
    }
}

/// Rows of a subscription, or without rows news of the watermark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivery<'a> {
    /// Where the rows are.
    pub positions: List<'a, PositionRun>,
    /// Id of each row (R-IDEM-2).
    pub derived_ids: List<'a, u64>,
    /// Operation of each row; empty when all are inserts.
    pub ops: List<'a, Op>,
    /// No row with an earlier event time will come, late ones apart.
    pub watermark_ns: Option<i64>,
    /// The rows: one event frame, not verified yet; empty when there are none.
    pub rows: &'a [u8],
}

impl<'a> Body<'a> for Delivery<'a> {
    type Table = wire::Delivery<'a>;

    fn read(table: Self::Table, rows: &'a [u8]) -> Result<Self, String> {
        let ops = table.ops().map_or(&[][..], |ops| ops.bytes());
        if let Some(code) = ops.iter().find(|code| Op::from_code(**code).is_none()) {
            return Err(format!("unknown operation {code}"));
        }
        Ok(Delivery {
            positions: List::of_bytes(table.positions().map_or(&[][..], |runs| runs.bytes())),
            derived_ids: List::of_bytes(table.derived_ids().map_or(&[][..], |ids| ids.bytes())),
            ops: List::of_bytes(ops),
            watermark_ns: Some(table.watermark_ns()).filter(|time| *time != i64::MIN),
            rows,
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let positions = (!self.positions.is_empty())
            .then(|| builder.create_vector_from_iter(self.positions.iter().map(PositionRun::wire)));
        let derived_ids =
            (!self.derived_ids.is_empty()).then(|| builder.create_vector_from_iter(self.derived_ids.iter()));
        let ops =
            (!self.ops.is_empty()).then(|| builder.create_vector_from_iter(self.ops.iter().map(Op::code)));
        let watermark_ns = self.watermark_ns.unwrap_or(i64::MIN);
        let args = wire::DeliveryArgs { positions, derived_ids, ops, watermark_ns };
        let root = wire::Delivery::create(builder, &args);
        builder.finish_minimal(root);
    }

    fn rows(&self) -> &'a [u8] {
        self.rows
    }

    fn check(&self) -> Result<(), String> {
        let rows: u64 = self.positions.iter().map(|run| u64::from(run.count)).sum();
        if rows != self.derived_ids.len() as u64 {
            return Err(format!("{} derived ids for {rows} rows", self.derived_ids.len()));
        }
        if !self.ops.is_empty() && rows != self.ops.len() as u64 {
            return Err(format!("{} operations for {rows} rows", self.ops.len()));
        }
        if (rows == 0) != self.rows.is_empty() {
            return Err(format!("{rows} positions for {} bytes of rows", self.rows.len()));
        }
        let overflows =
            |run: PositionRun| run.count == 0 || run.first.ordinal.checked_add(run.count).is_none();
        if self.positions.iter().any(overflows) {
            return Err("a run of positions is empty or has no end".to_owned());
        }
        Ok(())
    }
}

/// Raises what the subscription with this request id may send, counted from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allow {
    /// In all.
    pub allowed: Window,
}

impl<'a> Body<'a> for Allow {
    type Table = wire::Allow<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(Allow { allowed: Window::read_wire(table.allowed()) })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let args = wire::AllowArgs { allowed: Some(&self.allowed.wire()) };
        let root = wire::Allow::create(builder, &args);
        builder.finish_minimal(root);
    }
}

/// Ends a subscription.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubscriptionEnd<'a> {
    /// Why; [`Failure::none`] after Cancel.
    pub failure: Failure<'a>,
    /// The last row delivered, or where it began.
    pub last: Position,
}

impl<'a> Body<'a> for SubscriptionEnd<'a> {
    type Table = wire::SubscriptionEnd<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(SubscriptionEnd {
            failure: table.failure().map_or_else(Failure::none, Failure::read),
            last: table.last().map(Position::read_wire).unwrap_or_default(),
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let failure = Some(self.failure.write(builder));
        let args = wire::SubscriptionEndArgs { failure, last: Some(&self.last.wire()) };
        let root = wire::SubscriptionEnd::create(builder, &args);
        builder.finish_minimal(root);
    }
}
