//! Questions: Query, QueryRows, QueryEnd.

use cep_types::{LogIndex, PartitionId};

use super::{Body, Column, columns};
use crate::encoder::Builder;
use crate::generated as wire;
use crate::limits::TABLES_MANY_MAX;
use crate::list::{Fixed, List, Sealed};
use crate::status::Failure;

/// In place of a partition, all of them.
const ALL_PARTITIONS: u32 = u32::MAX;

/// A bounded SELECT on tables and aggregations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Query<'a> {
    /// The statement. Parameters are `$1`, `$2`, ….
    pub sql: &'a str,
    /// Name of the space; may be empty where there is only one.
    pub space: &'a str,
    /// One partition; `None` for all.
    pub partition: Option<PartitionId>,
    /// Most rows of the result; 0 for the server's limit.
    pub rows_max: u32,
    /// Give up after that long; 0 for the server's limit.
    pub timeout_ms: u32,
    /// The parameters: an event frame of one row, column id n being `$n`; empty when there are none.
    pub parameters: &'a [u8],
}

impl<'a> Body<'a> for Query<'a> {
    type Table = wire::Query<'a>;

    fn read(table: Self::Table, rows: &'a [u8]) -> Result<Self, String> {
        Ok(Query {
            sql: table.sql().unwrap_or_default(),
            space: table.space().unwrap_or_default(),
            partition: Some(PartitionId(table.partition())).filter(|id| id.0 != ALL_PARTITIONS),
            rows_max: table.rows_max(),
            timeout_ms: table.timeout_ms(),
            parameters: rows,
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let sql = Some(builder.create_string(self.sql));
        let space = Some(builder.create_string(self.space));
        let args = wire::QueryArgs {
            sql,
            space,
            partition: self.partition.map_or(ALL_PARTITIONS, |partition| partition.0),
            rows_max: self.rows_max,
            timeout_ms: self.timeout_ms,
        };
        let root = wire::Query::create(builder, &args);
        builder.finish_minimal(root);
    }

    fn rows(&self) -> &'a [u8] {
        self.parameters
    }

    fn check(&self) -> Result<(), String> {
        if self.sql.is_empty() { Err("no statement".to_owned()) } else { Ok(()) }
    }
}

/// Some rows of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryRows<'a> {
    /// Number of this part, from 0.
    pub part: u32,
    /// Columns of the result, in part 0 only.
    pub columns: Vec<Column>,
    /// The rows: one event frame, not verified yet; empty when there are none.
    pub rows: &'a [u8],
}

impl<'a> Body<'a> for QueryRows<'a> {
    type Table = wire::QueryRows<'a>;
    const TABLES: usize = TABLES_MANY_MAX;

    fn read(table: Self::Table, rows: &'a [u8]) -> Result<Self, String> {
        Ok(QueryRows { part: table.part(), columns: columns::read(table.columns())?, rows })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let columns = columns::write(&self.columns, builder);
        let root = wire::QueryRows::create(builder, &wire::QueryRowsArgs { part: self.part, columns });
        builder.finish_minimal(root);
    }

    fn rows(&self) -> &'a [u8] {
        self.rows
    }

    fn check(&self) -> Result<(), String> {
        columns::check(&self.columns)
    }
}

/// Up to where a partition had been applied when it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAt {
    /// The partition.
    pub partition: PartitionId,
    /// The last entry applied.
    pub index: LogIndex,
}

impl Sealed for ReadAt {}

impl Fixed for ReadAt {
    const BYTES: usize = size_of::<wire::ReadAt>();

    fn read(bytes: &[u8]) -> Self {
        let mut value = wire::ReadAt::default();
        value.0.copy_from_slice(bytes);
        ReadAt { partition: PartitionId(value.partition()), index: LogIndex(value.index()) }
    }
}

/// Ends a result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueryEnd<'a> {
    /// Set when the query failed; rows sent before are then of no use.
    pub failure: Option<Failure<'a>>,
    /// Rows sent.
    pub rows: u64,
    /// Parts sent.
    pub parts: u32,
    /// Whether there were more rows than asked for.
    pub is_truncated: bool,
    /// Up to where each partition that was asked had been applied.
    pub read_at: List<'a, ReadAt>,
}

impl<'a> Body<'a> for QueryEnd<'a> {
    type Table = wire::QueryEnd<'a>;

    fn read(table: Self::Table, _: &'a [u8]) -> Result<Self, String> {
        Ok(QueryEnd {
            failure: table.failure().map(Failure::read),
            rows: table.rows(),
            parts: table.parts(),
            is_truncated: table.is_truncated(),
            read_at: List::of_bytes(table.read_at().map_or(&[][..], |list| list.bytes())),
        })
    }

    fn write(&self, builder: &mut Builder<'_>) {
        let read_at = (!self.read_at.is_empty()).then(|| {
            let values = self.read_at.iter().map(|at| wire::ReadAt::new(at.index.0, at.partition.0));
            builder.create_vector_from_iter(values)
        });
        let failure = self.failure.map(|failure| failure.write(builder));
        let args = wire::QueryEndArgs {
            failure,
            rows: self.rows,
            parts: self.parts,
            is_truncated: self.is_truncated,
            read_at,
        };
        let root = wire::QueryEnd::create(builder, &args);
        builder.finish_minimal(root);
    }

    fn check(&self) -> Result<(), String> {
        match self.failure {
            Some(failure) if failure.status.is_ok() => Err("a failure without a status".to_owned()),
            Some(_) | None => Ok(()),
        }
    }
}
