//! Rules of a bundle: CEL conditions over rows and their metrics, and the events they emit (SPEC §7).
//!
//! Invariants:
//! - Every variable of an expression is a slot of its node; bindings, labels and payload columns are resolved.
//! - All rules of a node write one schema: what is fixed first, then the union of their payloads.

use arrow_schema::SchemaRef;

use crate::ast::Span;
use crate::cel;

use super::Node;

/// Rules over rows.
#[derive(Debug, Clone)]
pub struct RulesNode {
    /// Rows, as a rule with bindings those of [`super::MetricsOutput::Bound`].
    pub input: Node,
    /// Name of the bundle.
    pub bundle: String,
    /// Version of its definition: part of event ids.
    pub version: u64,
    /// What the variables of the expressions stand for: `Kind::Variable(n)` is the slot `n`.
    pub slots: Vec<RuleSlot>,
    /// The rules, in the order of their events.
    pub rules: Vec<Rule>,
    /// URIs of the channels, by number.
    pub channels: Vec<String>,
    /// [`RULE_COLUMNS`], then payload columns.
    pub schema: SchemaRef,
}

/// Columns of an emitted event before its payload, with what they are.
///
/// `_event_id` STRING: 16 hex digits (R-IDEM-2) · `_rule` STRING · `_rule_version` BIGINT · `_channel` STRING ·
/// `_schema_key` STRING or NULL · `_metadata` STRING, a JSON object, or NULL · `_flags` BIGINT, those of the bindings read.
pub const RULE_COLUMNS: [&str; 7] =
    ["_event_id", "_rule", "_rule_version", "_channel", "_schema_key", "_metadata", "_flags"];

/// What a variable stands for.
#[derive(Debug, Clone)]
pub struct RuleSlot {
    /// What it is called in messages, such as `payload.tier` or `fast["jitter"].value`.
    pub name: String,
    /// Where its value is.
    pub source: SlotSource,
    /// Its type.
    pub ty: cel::Type,
}

/// Where the value of a variable is.
#[derive(Debug, Clone, PartialEq)]
pub enum SlotSource {
    /// A column of the input; NULL is `null`.
    Column(usize),
    /// The value of a binding, a column of the input; NULL: the rule does not hold, quietly.
    Value(usize),
    /// Whether a column has a value.
    HasValue(usize),
    /// Columns as a record, with their fields in this order: `payload` as a whole. NULL: no such field.
    Record(Vec<usize>),
    /// Labels as a map from name to text; those that are NULL are left out.
    Labels(Vec<(String, usize)>),
    /// A column of TIMESTAMP and nanoseconds to add, as nanoseconds since the epoch (`window_start_ns`).
    Nanoseconds(usize, i64),
    /// Log index of the row's entry.
    LogIndex,
    /// Number of the partition.
    Partition,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name: unique in its bundle.
    pub name: String,
    /// Its condition: BOOL.
    pub when: cel::Node,
    /// Index into [`RulesNode::channels`].
    pub channel: usize,
    /// Key of the schema that consumers know the event by.
    pub schema_key: Option<String>,
    /// Texts beside the payload.
    pub metadata: Vec<(String, cel::Node)>,
    /// Columns of [`RulesNode::schema`] with what is in them; the others are NULL.
    pub payload: Vec<(usize, cel::Node)>,
    /// Slots of `flags` columns of the bindings it reads.
    pub flags: Vec<usize>,
    /// Where it was written.
    pub span: Option<Span>,
}
