//! Schemas of streams, and how they may change.
//!
//! The host compiles a definition and says what streams it declares; the control group decides what that
//! means beside what is there. It gives the numbers of streams and columns itself, because only it sees
//! all definitions in one order. Rules (`docs/formats.md`, reading with another schema):
//! - A column keeps its number as long as its name stays; a number is never used again, so a column that
//!   is dropped and declared anew is another one.
//! - An added column is nullable or has a default: rows that were written before must be readable.
//! - A type may become wider, NOT NULL may go; everything else is refused.
//! - What decides where a row belongs (`partition.by`), its event time and its changelog kind stay.

use cep_types::frame::{ColumnId, SchemaVersion};
use cep_types::{Epoch, SpaceId, StreamId};
use serde::{Deserialize, Serialize};

use crate::codec::list::Keyed;
use crate::codec::written;
use crate::limits::{COLUMNS_MAX, DEFAULT_BYTES_MAX, SCHEMA_VERSIONS_MAX, TYPE_BYTES_MAX};
use crate::name::{folded, identifier_fault};
use crate::outcome::Problem;

/// How the rows of a stream relate (R-SQL-3a).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changelog {
    /// Rows are only added.
    Append,
    /// Rows are taken back by rows that repeat them.
    Retract,
    /// A row replaces the one before it with the same key.
    Upsert,
}

/// A column as a definition declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnDecl {
    /// Its name.
    pub name: String,
    /// Its type as `cep_types::sql_type::field_type_name` spells it: `BIGINT`, `DECIMAL(10, 2)`.
    pub sql_type: String,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// The SQL literal that stands for it in rows that lack it.
    pub default: Option<String>,
}

/// A stream as a definition declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamDecl {
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<ColumnDecl>,
    /// The columns of `partition.by`, in order; empty for a stream that is not keyed.
    pub key: Vec<String>,
    /// The column with the event time.
    pub event_time: Option<String>,
    /// How its rows relate.
    pub changelog: Changelog,
}

/// A column of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its number within the stream.
    #[serde(with = "written")]
    pub id: ColumnId,
    /// What was declared.
    pub decl: ColumnDecl,
}

/// One version of a stream's schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// From 1, dense.
    #[serde(with = "written")]
    pub version: SchemaVersion,
    /// In the order of the declaration.
    pub columns: Vec<Column>,
    /// When it was made.
    #[serde(with = "written")]
    pub epoch: Epoch,
}

impl Schema {
    /// The column of that name, whatever its case.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| folded(&column.decl.name) == folded(name))
    }
}

/// A stream of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Its number.
    #[serde(with = "written")]
    pub id: StreamId,
    /// Its name, as first declared.
    pub name: String,
    /// Its space.
    #[serde(with = "written")]
    pub space: SpaceId,
    /// All versions, oldest first; never empty.
    pub schemas: Vec<Schema>,
    /// The columns of `partition.by`.
    #[serde(with = "written")]
    pub key: Vec<ColumnId>,
    /// The column with the event time.
    #[serde(with = "written")]
    pub event_time: Option<ColumnId>,
    /// How its rows relate.
    pub changelog: Changelog,
    /// The number of the next new column.
    pub next_column: u32,
    /// When it was changed last.
    #[serde(with = "written")]
    pub epoch: Epoch,
}

/// Streams are found by their folded name.
impl Keyed for Stream {
    type Key = String;
    fn key(&self) -> String {
        folded(&self.name)
    }
}

impl Stream {
    /// The newest schema.
    pub fn schema(&self) -> &Schema {
        self.schemas.last().expect("a stream has a schema: it was founded with one, and restore checks it")
    }

    /// A new stream of a declaration that [`StreamDecl::faults`] finds nothing in.
    pub(crate) fn found(id: StreamId, space: SpaceId, decl: &StreamDecl, epoch: Epoch) -> Stream {
        let columns: Vec<Column> = decl
            .columns
            .iter()
            .zip(0..)
            .map(|(column, id)| Column { id: ColumnId(id), decl: column.clone() })
            .collect();
        let next_column =
            u32::try_from(columns.len()).expect("a declaration has at most COLUMNS_MAX columns");
        let schema = Schema { version: SchemaVersion(1), columns, epoch };
        let id_of = |name: &String| schema.column(name).map(|column| column.id);
        Stream {
            id,
            name: decl.name.clone(),
            space,
            key: decl.key.iter().filter_map(id_of).collect(),
            event_time: decl.event_time.as_ref().and_then(id_of),
            changelog: decl.changelog,
            schemas: vec![schema],
            next_column,
            epoch,
        }
    }

    /// This stream as `decl` wants it: `None` when it is so already.
    ///
    /// # Errors
    /// Every change that is not allowed.
    pub(crate) fn evolved(&self, decl: &StreamDecl, epoch: Epoch) -> Result<Option<Stream>, Vec<Problem>> {
        let at = |part: &str| format!("/streams/{}{part}", self.name);
        let mut problems = Vec::new();
        let mut next = self.clone();
        let mut columns = Vec::new();
        for column in &decl.columns {
            let path = at(&format!("/columns/{}", column.name));
            let id = match self.schema().column(&column.name) {
                Some(old) => {
                    problems.extend(column_change(&old.decl, column).map(|text| Problem::new(path, text)));
                    old.id
                }
                None => {
                    if !column.nullable && column.default.is_none() {
                        let text = "rows written so far lack it; let it be NULL, or give it a default";
                        problems.push(Problem::new(path, text));
                    }
                    let id = ColumnId(next.next_column);
                    next.next_column = next.next_column.saturating_add(1);
                    id
                }
            };
            columns.push(Column { id, decl: column.clone() });
        }
        let version = SchemaVersion(self.schema().version.0.saturating_add(1));
        let schema = Schema { version, columns, epoch };
        let id_of = |name: &String| schema.column(name).map(|column| column.id);
        if decl.key.iter().filter_map(id_of).collect::<Vec<_>>() != self.key {
            problems.push(Problem::new(
                at("/key"),
                "partition.by of a stream never changes; declare another stream",
            ));
        }
        if decl.event_time.as_ref().and_then(id_of) != self.event_time {
            problems.push(Problem::new(
                at("/event_time"),
                "the event time of a stream never changes; declare another stream",
            ));
        }
        if decl.changelog != self.changelog {
            problems.push(Problem::new(
                at("/changelog"),
                "the changelog kind of a stream never changes; declare another stream",
            ));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        if schema.columns == self.schema().columns {
            return Ok(None);
        }
        if self.schemas.len() >= SCHEMA_VERSIONS_MAX {
            let text = format!(
                "it has {SCHEMA_VERSIONS_MAX} schema versions, the most there can be; declare another stream"
            );
            return Err(vec![Problem::new(at(""), text)]);
        }
        next.schemas.push(schema);
        next.epoch = epoch;
        Ok(Some(next))
    }
}

/// Why `new` may not take the place of `old`.
fn column_change(old: &ColumnDecl, new: &ColumnDecl) -> Option<String> {
    if old.sql_type != new.sql_type && !widens(&old.sql_type, &new.sql_type) {
        return Some(format!(
            "{} cannot become {}; keep the type, or add a column of another name",
            old.sql_type, new.sql_type
        ));
    }
    if old.nullable && !new.nullable {
        return Some("rows written so far may have NULL in it; keep it nullable".to_owned());
    }
    if old.default != new.default {
        return Some("its default stands in rows written so far; keep it".to_owned());
    }
    None
}

const SCALARS: [&str; 12] = [
    "BOOL",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "STRING",
    "BYTES",
    "TIMESTAMP",
    "DATE",
    "TIME",
    "INTERVAL",
    "JSON",
];

/// Precision and scale of `DECIMAL(p, s)`.
fn decimal(sql_type: &str) -> Option<(u32, u32)> {
    let (precision, scale) = sql_type.strip_prefix("DECIMAL(")?.strip_suffix(')')?.split_once(", ")?;
    let (precision, scale) = (precision.parse().ok()?, scale.parse().ok()?);
    ((1..=38).contains(&precision) && scale <= precision).then_some((precision, scale))
}

/// Whether it is one of the types of R-EVT-2. What is inside of nested ones is the compiler's word.
fn is_type(sql_type: &str) -> bool {
    let nested = ["ARRAY<", "MAP<", "STRUCT<"].iter().any(|head| sql_type.starts_with(head));
    let whole = sql_type.len() <= TYPE_BYTES_MAX && !sql_type.chars().any(char::is_control);
    whole
        && (SCALARS.contains(&sql_type) || decimal(sql_type).is_some() || (nested && sql_type.ends_with('>')))
}

/// Whether every value of `old` is one of `new`; of the frame's rules those for scalars. Nested types
/// must stay as they are.
fn widens(old: &str, new: &str) -> bool {
    let digits = |sql_type: &str| match sql_type {
        "INT" => Some((10, 0)),
        "BIGINT" => Some((19, 0)),
        other => decimal(other),
    };
    match (old, new) {
        ("INT", "BIGINT" | "DOUBLE") | ("FLOAT", "DOUBLE") | ("JSON", "STRING") => true,
        _ => match (digits(old), decimal(new)) {
            (Some((precision, scale)), Some((wide, wide_scale))) => {
                wide_scale >= scale && wide - wide_scale >= precision - scale
            }
            _ => false,
        },
    }
}

impl StreamDecl {
    /// What is wrong in itself.
    pub(crate) fn faults(&self, problems: &mut Vec<Problem>) {
        let at = |part: &str| format!("/streams/{}{part}", self.name);
        problems.extend(identifier_fault(&self.name).map(|text| Problem::new(at(""), text)));
        if !(1..=COLUMNS_MAX).contains(&self.columns.len()) {
            let text = format!("{} columns; a stream has 1 to {COLUMNS_MAX}", self.columns.len());
            problems.push(Problem::new(at("/columns"), text));
        }
        let mut names = std::collections::BTreeSet::new();
        for column in &self.columns {
            let path = at(&format!("/columns/{}", column.name));
            problems.extend(identifier_fault(&column.name).map(|text| Problem::new(path.clone(), text)));
            if !names.insert(folded(&column.name)) {
                problems.push(Problem::new(path.clone(), "declared twice; names match in either case"));
            }
            if !is_type(&column.sql_type) {
                let text = format!("'{}' is not a type", column.sql_type.escape_debug());
                problems.push(Problem::new(path.clone(), text));
            }
            if column.default.as_ref().is_some_and(|default| default.len() > DEFAULT_BYTES_MAX) {
                let text = format!("its default is longer than {DEFAULT_BYTES_MAX} bytes");
                problems.push(Problem::new(path, text));
            }
        }
        for name in self.key.iter().chain(&self.event_time) {
            if !names.contains(&folded(name)) {
                problems
                    .push(Problem::new(at(""), format!("column '{}' is not declared", name.escape_debug())));
            }
        }
        if self.key.len() > self.columns.len() {
            problems.push(Problem::new(at("/key"), "partition.by names a column twice"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decl(columns: &[(&str, &str, bool, Option<&str>)]) -> StreamDecl {
        let columns = columns.iter().map(|(name, sql_type, nullable, default)| ColumnDecl {
            name: (*name).to_owned(),
            sql_type: (*sql_type).to_owned(),
            nullable: *nullable,
            default: default.map(str::to_owned),
        });
        StreamDecl {
            name: "s".to_owned(),
            columns: columns.collect(),
            key: vec!["K".to_owned()],
            event_time: None,
            changelog: Changelog::Append,
        }
    }

    fn stream(columns: &[(&str, &str, bool, Option<&str>)]) -> Stream {
        Stream::found(StreamId(1), SpaceId(1), &decl(columns), Epoch(1))
    }

    #[test]
    fn added_columns_get_new_numbers_that_are_never_used_again() {
        let first = stream(&[("k", "STRING", false, None), ("a", "INT", true, None)]);
        let second = first.evolved(&decl(&[("k", "STRING", false, None)]), Epoch(2)).unwrap().unwrap();
        let third = second
            .evolved(&decl(&[("a", "STRING", true, None), ("K", "STRING", false, None)]), Epoch(3))
            .unwrap()
            .unwrap();
        let ids: Vec<u32> = third.schema().columns.iter().map(|column| column.id.0).collect();
        assert_eq!((ids, third.schema().version, third.schemas.len()), (vec![2, 0], SchemaVersion(3), 3));
        assert_eq!(
            third.evolved(&decl(&[("a", "STRING", true, None), ("K", "STRING", false, None)]), Epoch(4)),
            Ok(None)
        );
    }

    #[test]
    fn what_older_rows_could_not_follow_is_refused() {
        let old = stream(&[("k", "STRING", false, None), ("a", "BIGINT", true, Some("1"))]);
        let keep = ("k", "STRING", false, None);
        for (change, wanted) in [
            (vec![keep, ("a", "INT", true, Some("1"))], "BIGINT cannot become INT"),
            (vec![keep, ("a", "STRING", true, Some("1"))], "BIGINT cannot become STRING"),
            (vec![keep, ("a", "BIGINT", false, Some("1"))], "keep it nullable"),
            (vec![keep, ("a", "BIGINT", true, Some("2"))], "its default stands"),
            (vec![keep, ("b", "BIGINT", false, None)], "rows written so far lack it"),
            (vec![("a", "BIGINT", true, Some("1"))], "partition.by of a stream never changes"),
        ] {
            let problems = old.evolved(&decl(&change), Epoch(2)).unwrap_err();
            assert!(problems.iter().any(|problem| problem.text.contains(wanted)), "{wanted}: {problems:?}");
        }
    }

    #[test]
    fn widening_is_that_of_the_frame() {
        for (old, new) in [
            ("INT", "BIGINT"),
            ("INT", "DOUBLE"),
            ("FLOAT", "DOUBLE"),
            ("JSON", "STRING"),
            ("INT", "DECIMAL(12, 2)"),
            ("BIGINT", "DECIMAL(19, 0)"),
            ("DECIMAL(5, 2)", "DECIMAL(6, 3)"),
        ] {
            assert!(widens(old, new), "{old} → {new}");
            assert!(!widens(new, old), "{new} → {old}");
        }
        assert!(
            !widens("BIGINT", "DECIMAL(19, 1)") && !widens("BIGINT", "DOUBLE") && !widens("STRING", "JSON")
        );
    }

    #[test]
    fn declarations_are_checked_in_full() {
        let mut problems = Vec::new();
        decl(&[("a", "INTEGER", true, None), ("A", "DECIMAL(39, 0)", true, None), ("", "INT", true, None)])
            .faults(&mut problems);
        assert_eq!(problems.len(), 5, "{problems:?}");
        problems.clear();
        decl(&[("k", "MAP<STRING, INT>", true, None)]).faults(&mut problems);
        assert_eq!(problems, []);
    }
}
