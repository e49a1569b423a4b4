//! The streaming plan: what `lower` produces and the engine builds operators from.
//!
//! Invariants:
//! - Every name is resolved to an index, every type is known, every coercion is an explicit cast.
//! - A plan is a pure value: no connection, no file, no clock.
//! - Schemas are the logical Arrow schemas of R-EVT-2; window columns come last in a windowed
//!   source: `window_start`, `window_end`.

mod aggregate;
mod explain;
mod explain_bundle;
mod explain_table;
mod expr;
mod join;
mod metrics;
mod node;
mod pattern;
mod pattern_text;
mod program;
mod rules;
mod table;
mod text;
mod window;

pub use aggregate::{AggCall, AggFunc, SortKey};
pub use explain::{
    StreamNames, explain_aggregation, explain_node, explain_program, explain_query, explain_read,
    explain_stream, explain_trigger,
};
pub use explain_table::explain_table;
pub use expr::{BinaryOp, Expr, ExprKind, NamedExpr, UnaryOp};
pub use join::{AsOfBound, BoundedJoin, JoinBound, JoinNode, JoinSide, JoinWindow};
pub use metrics::{
    LabelMatcher, MatchOp, Metric, MetricExpr, MetricQuery, MetricsNode, MetricsOutput, RangeFunc, SeriesSet,
    VectorOp, metric_flags,
};
pub use node::{
    BoundedOp, GroupNode, Node, OverCall, OverFrame, OverFunc, OverNode, RateNode, SlidingNode, WindowBody,
    WindowKey, WindowNode,
};
pub use pattern::{
    AfterMatch, ElementId, End, MatchExpr, MatchRows, Matching, OverBound, Pattern, PatternElement,
    PatternNode, PatternOrder, Position, Scope, Slot, Within,
};
pub use program::{
    Aggregation, AggregationRange, Changelog, Clock, ConstRows, LatePolicy, Program, Query, QueryId, Read,
    ReadOf, Stream, StreamOrigin, StreamTime, TableLook, Target, Trigger,
};
pub use rules::{RULE_COLUMNS, Rule, RuleSlot, RulesNode, SlotSource};
pub use table::{
    OnConflict, Probe, Table, TableAction, TableId, TableJoinKind, TableJoinNode, TableWriteNode, WhenFull,
};
pub use text::{agg_name, call_text, expr_text, over_text, sort_text};
pub use window::{BatchWindow, Calendar, SlidingWindow, WindowCondition};
