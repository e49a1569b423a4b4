//! Plan nodes.

use arrow_schema::{DataType, SchemaRef};
use cep_types::StreamId;

use crate::ast::{RateEvery, RateKind, Span};

use super::{
    AggCall, BatchWindow, BoundedJoin, Expr, JoinNode, MetricsNode, NamedExpr, PatternNode, RulesNode,
    SlidingWindow, SortKey, TableId, TableJoinNode, TableWriteNode,
};

/// A streaming operator with its inputs below it.
#[derive(Debug, Clone)]
pub enum Node {
    /// All rows of a stream.
    Scan {
        /// Which.
        stream: StreamId,
        /// Its columns.
        schema: SchemaRef,
    },
    /// Rows for which the predicate is TRUE.
    Filter {
        /// Rows.
        input: Box<Node>,
        /// BOOL.
        predicate: Expr,
    },
    /// New columns, row by row.
    Project {
        /// Rows.
        input: Box<Node>,
        /// The columns.
        exprs: Vec<NamedExpr>,
        /// Their schema.
        schema: SchemaRef,
    },
    /// Rows of all inputs in log order, ties by input order.
    Union {
        /// At least two.
        inputs: Vec<Node>,
        /// Their common schema.
        schema: SchemaRef,
    },
    /// A window that emits on close.
    Window(Box<WindowNode>),
    /// A window that emits for every row.
    Sliding(Box<SlidingNode>),
    /// Rows pass `delay_ns` of stamp time later.
    Delay {
        /// Rows.
        input: Box<Node>,
        /// Delay, ns.
        delay_ns: i64,
    },
    /// GROUP BY or DISTINCT without a window.
    Group(Box<GroupNode>),
    /// OVER (…) on a stream.
    Over(Box<OverNode>),
    /// OUTPUT … EVERY ….
    Rate(Box<RateNode>),
    /// JOIN, IN and EXISTS with a table.
    TableJoin(Box<TableJoinNode>),
    /// INSERT, UPSERT, UPDATE and DELETE of a table: the topmost node of its query.
    TableWrite(Box<TableWriteNode>),
    /// Two streams joined.
    Join(Box<JoinNode>),
    /// PATTERN, SEQUENCE or MATCH_RECOGNIZE.
    Pattern(Box<PatternNode>),
    /// Metrics of a bundle.
    Metrics(Box<MetricsNode>),
    /// Rules of a bundle.
    Rules(Box<RulesNode>),
}

/// A batch window and what is computed from its content.
#[derive(Debug, Clone)]
pub struct WindowNode {
    /// Rows.
    pub input: Node,
    /// The window.
    pub window: BatchWindow,
    /// What is kept while it is open.
    pub body: WindowBody,
    /// What is done with the content at the close, in order.
    pub ops: Vec<BoundedOp>,
    /// Columns that come out.
    pub schema: SchemaRef,
    /// Where the window was written.
    pub span: Option<Span>,
}

/// What a batch window keeps while it is open.
#[derive(Debug, Clone)]
pub enum WindowBody {
    /// Groups with aggregate states.
    Groups {
        /// Rows let in (WHERE after the window), over the input's columns.
        filter: Option<Expr>,
        /// Group keys, in the order of the output.
        keys: Vec<WindowKey>,
        /// Aggregates; argument expressions over the input's columns.
        calls: Vec<AggCall>,
        /// Keys then aggregates.
        schema: SchemaRef,
    },
    /// The rows themselves; content = input columns, `window_start`, `window_end`.
    Rows {
        /// Rows let in.
        filter: Option<Expr>,
        /// Content's schema.
        schema: SchemaRef,
    },
}

/// One group key of a windowed aggregate.
#[derive(Debug, Clone)]
pub enum WindowKey {
    /// Over the input's columns.
    Input(NamedExpr),
    /// Over `[window_start, window_end]`: one value a window.
    Window(NamedExpr),
}

/// A relational step on the bounded result of a window.
#[derive(Debug, Clone)]
pub enum BoundedOp {
    /// Keeps rows where TRUE.
    Filter(Expr),
    /// New columns.
    Project {
        /// The columns.
        exprs: Vec<NamedExpr>,
        /// Their schema.
        schema: SchemaRef,
    },
    /// Groups, in order of first appearance.
    Aggregate {
        /// Keys.
        keys: Vec<NamedExpr>,
        /// Aggregates.
        calls: Vec<AggCall>,
        /// Keys then aggregates.
        schema: SchemaRef,
    },
    /// OVER functions; appends one column a call.
    Over {
        /// The calls.
        calls: Vec<OverCall>,
        /// Input columns then results.
        schema: SchemaRef,
    },
    /// Joins the rows of two sides.
    Join(Box<BoundedJoin>),
    /// Stable sort.
    Sort(Vec<SortKey>),
    /// OFFSET and LIMIT.
    Limit {
        /// Rows skipped.
        skip: u64,
        /// Rows kept; `None`: all.
        fetch: Option<u64>,
    },
}

/// A sliding window: output = input columns, then one column a call, for every row let in.
#[derive(Debug, Clone)]
pub struct SlidingNode {
    /// Rows.
    pub input: Node,
    /// The window.
    pub window: SlidingWindow,
    /// WHERE after the window: a row that fails it is in the window's count and time but neither
    /// in aggregates nor in the output.
    pub filter: Option<Expr>,
    /// Groups within the window (GROUP BY).
    pub keys: Vec<Expr>,
    /// Aggregates over the group's rows in the window.
    pub calls: Vec<AggCall>,
    /// Input columns then aggregates.
    pub schema: SchemaRef,
    /// `state.keys.max`, of what is kept by key: UNIQUE, FIRSTUNIQUE, FREQUENT, LOSSYFREQUENT,
    /// minForever and maxForever.
    pub keys_max: u64,
}

/// Unwindowed GROUP BY: an upsert of the group's row for every input row (R-SQL-3a).
#[derive(Debug, Clone)]
pub struct GroupNode {
    /// Rows.
    pub input: Node,
    /// Keys.
    pub keys: Vec<NamedExpr>,
    /// Aggregates; none: DISTINCT, whose output is append.
    pub calls: Vec<AggCall>,
    /// HAVING over keys then aggregates; a group that stops to satisfy it is deleted.
    pub having: Option<Expr>,
    /// Keys then aggregates.
    pub schema: SchemaRef,
    /// `state.keys.max`.
    pub keys_max: u64,
    /// Stamp time without rows after which a group is forgotten, ns (`state.ttl`).
    pub ttl_ns: Option<i64>,
}

/// OVER on a stream; output = input columns, then one column a call.
#[derive(Debug, Clone)]
pub struct OverNode {
    /// Rows.
    pub input: Node,
    /// The calls; all have the same partitioning and order.
    pub calls: Vec<OverCall>,
    /// TRUE: rows are put into event-time order behind the watermark first
    /// (`ORDER BY` the event time); FALSE: arrival order.
    pub event_time_order: bool,
    /// Input columns then results.
    pub schema: SchemaRef,
    /// `state.keys.max`.
    pub keys_max: u64,
}

/// One OVER call.
#[derive(Debug, Clone)]
pub struct OverCall {
    /// What.
    pub func: OverFunc,
    /// PARTITION BY.
    pub partition_by: Vec<Expr>,
    /// ORDER BY.
    pub order_by: Vec<SortKey>,
    /// The frame.
    pub frame: OverFrame,
    /// Column name.
    pub name: String,
    /// Result type.
    pub data_type: DataType,
}

/// Functions of OVER.
#[derive(Debug, Clone)]
pub enum OverFunc {
    /// An aggregate over the frame.
    Aggregate(AggCall),
    /// 1, 2, 3 …
    RowNumber,
    /// Rank with gaps.
    Rank,
    /// Rank without gaps.
    DenseRank,
    /// (rank − 1) / (rows − 1); bounded input only.
    PercentRank,
    /// Rows up to and with peers ÷ rows; bounded input only.
    CumeDist,
    /// Bucket 1..=n; bounded input only.
    Ntile(u64),
    /// Value `offset` rows before (negative offset, LEAD: after, bounded input only).
    Lag {
        /// Value.
        value: Expr,
        /// Rows before; negative: after.
        offset: i64,
        /// Outside of the partition.
        default: Option<Expr>,
        /// IGNORE NULLS.
        ignore_nulls: bool,
    },
    /// First value of the frame.
    FirstValue {
        /// Value.
        value: Expr,
        /// IGNORE NULLS.
        ignore_nulls: bool,
    },
    /// Last value of the frame.
    LastValue {
        /// Value.
        value: Expr,
        /// IGNORE NULLS.
        ignore_nulls: bool,
    },
    /// n-th value of the frame, 1-based.
    NthValue {
        /// Value.
        value: Expr,
        /// Which.
        n: i64,
        /// IGNORE NULLS.
        ignore_nulls: bool,
    },
}

/// Frame of an OVER call; bounds are relative to the current row, `None` is UNBOUNDED.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverFrame {
    /// Rows; negative: preceding.
    Rows {
        /// Start.
        start: Option<i64>,
        /// End.
        end: Option<i64>,
    },
    /// Values of the one ORDER BY key; for TIMESTAMP nanoseconds; current row includes its peers.
    Range {
        /// Start.
        start: Option<i64>,
        /// End.
        end: Option<i64>,
    },
    /// Groups of peers.
    Groups {
        /// Start.
        start: Option<i64>,
        /// End.
        end: Option<i64>,
    },
}

/// OUTPUT rate limiting (R-SQL-8).
#[derive(Debug, Clone)]
pub struct RateNode {
    /// Rows.
    pub input: Node,
    /// Which rows pass.
    pub kind: RateKind,
    /// The period.
    pub every: RateEvery,
    /// Groups for FIRST, LAST and SNAPSHOT: columns of the input; empty: one group.
    pub keys: Vec<usize>,
}

impl Node {
    /// Columns that come out.
    pub fn schema(&self) -> &SchemaRef {
        match self {
            Node::Scan { schema, .. } | Node::Project { schema, .. } | Node::Union { schema, .. } => schema,
            Node::Filter { input, .. } | Node::Delay { input, .. } => input.schema(),
            Node::Window(n) => &n.schema,
            Node::Sliding(n) => &n.schema,
            Node::Group(n) => &n.schema,
            Node::Over(n) => &n.schema,
            Node::Rate(n) => n.input.schema(),
            Node::TableJoin(n) => &n.schema,
            Node::TableWrite(n) => &n.schema,
            Node::Join(n) => &n.schema,
            Node::Pattern(n) => &n.schema,
            Node::Metrics(n) => &n.schema,
            Node::Rules(n) => &n.schema,
        }
    }

    /// Direct inputs.
    pub fn inputs(&self) -> Vec<&Node> {
        match self {
            Node::Scan { .. } => vec![],
            Node::Filter { input, .. } | Node::Project { input, .. } | Node::Delay { input, .. } => {
                vec![input]
            }
            Node::Union { inputs, .. } => inputs.iter().collect(),
            Node::Window(n) => vec![&n.input],
            Node::Sliding(n) => vec![&n.input],
            Node::Group(n) => vec![&n.input],
            Node::Over(n) => vec![&n.input],
            Node::Rate(n) => vec![&n.input],
            Node::TableJoin(n) => vec![&n.input],
            Node::TableWrite(n) => vec![&n.input],
            Node::Join(n) => n.sides.iter().map(|side| &side.input).collect(),
            Node::Pattern(n) => vec![&n.input],
            Node::Metrics(n) => vec![&n.input],
            Node::Rules(n) => vec![&n.input],
        }
    }

    /// Direct inputs, to change.
    pub fn inputs_mut(&mut self) -> Vec<&mut Node> {
        match self {
            Node::Scan { .. } => vec![],
            Node::Filter { input, .. } | Node::Project { input, .. } | Node::Delay { input, .. } => {
                vec![input]
            }
            Node::Union { inputs, .. } => inputs.iter_mut().collect(),
            Node::Window(n) => vec![&mut n.input],
            Node::Sliding(n) => vec![&mut n.input],
            Node::Group(n) => vec![&mut n.input],
            Node::Over(n) => vec![&mut n.input],
            Node::Rate(n) => vec![&mut n.input],
            Node::TableJoin(n) => vec![&mut n.input],
            Node::TableWrite(n) => vec![&mut n.input],
            Node::Join(n) => n.sides.iter_mut().map(|side| &mut side.input).collect(),
            Node::Pattern(n) => vec![&mut n.input],
            Node::Metrics(n) => vec![&mut n.input],
            Node::Rules(n) => vec![&mut n.input],
        }
    }

    /// Streams read below, in order of appearance, without repetition.
    pub fn scans(&self) -> Vec<StreamId> {
        let mut out = Vec::new();
        self.collect_scans(&mut out);
        out
    }

    fn collect_scans(&self, out: &mut Vec<StreamId>) {
        if let Node::Scan { stream, .. } = self
            && !out.contains(stream)
        {
            out.push(*stream);
        }
        self.inputs().into_iter().for_each(|n| n.collect_scans(out));
    }

    /// Tables read below, with repetition.
    pub fn tables_read(&self) -> Vec<TableId> {
        let mut out: Vec<TableId> = self.inputs().into_iter().flat_map(Node::tables_read).collect();
        if let Node::TableJoin(join) = self {
            out.push(join.table);
        }
        out
    }
}
