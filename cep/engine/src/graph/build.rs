//! From a program to a graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use cep_lang::ast::Span;
use cep_lang::diag::{Diagnostic, codes};
use cep_lang::plan::{
    Aggregation, Clock, Expr, JoinBound, JoinNode, MetricsOutput, NamedExpr, Node, Program, Query, QueryId,
    Stream, StreamOrigin, StreamTime, Target,
};
use cep_types::StreamId;

use super::pace::Pace;
use crate::actions::Output;
use crate::chunk::Chunk;
use crate::ops::{self, AggregationOp, Merge, Operator, Origin, TriggerOp};
use crate::table::Table;
use crate::time::{StreamClock, Watermarks};

/// Why a program cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Something in a query or aggregation that the engine cannot compute.
    #[error("{owner} cannot be run: {reason}")]
    Query {
        /// The query or aggregation, with its name.
        owner: String,
        /// Its statement.
        span: Option<Span>,
        /// Why, and behind a semicolon what to write instead.
        reason: String,
    },
    /// Queries feed each other in a circle.
    #[error("streams feed each other in a circle: {names}")]
    Cycle {
        /// The queries.
        names: String,
        /// The first one's statement.
        span: Option<Span>,
    },
}

impl BuildError {
    /// The error as the compiler says its own.
    pub fn diagnostic(&self) -> Diagnostic {
        let text = self.to_string();
        let (code, span, default_help) = match self {
            BuildError::Query { span, .. } => {
                (codes::CANNOT_RUN, *span, "write the expression or window in another way")
            }
            BuildError::Cycle { span, .. } => {
                (codes::RECURSION, *span, "read something that does not depend on what is written")
            }
        };
        let (message, help) = text.split_once("; ").unwrap_or((&text, default_help));
        Diagnostic { code, message: message.to_owned(), span, help: Some(help.to_owned()) }
    }
}

/// Index of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EdgeId(pub usize);

/// Index of a watermark slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SlotId(pub usize);

/// What a node does.
#[derive(Debug)]
pub(crate) enum NodeKind {
    /// Merges edges by position.
    Merge {
        inputs: Vec<EdgeId>,
        merge: Merge,
        /// Slots of the inputs, without repetition.
        slots: Vec<SlotId>,
    },
    /// A stream written by queries that has an event time column of its own.
    Retime { input: EdgeId, column: usize, time: Box<StreamTime>, clock: StreamClock },
    /// An operator of one input.
    Operator { input: EdgeId, operator: Operator },
    /// A join of two inputs.
    Join {
        inputs: [EdgeId; 2],
        /// Slots of the inputs, without repetition.
        slots: Vec<SlotId>,
        /// Late rows of each side, where its stream has `late.stream`.
        late: [Option<EdgeId>; 2],
        /// Always [`Operator::Join`].
        operator: Operator,
    },
}

/// A node.
#[derive(Debug)]
pub(crate) struct GraphNode {
    pub kind: NodeKind,
    pub output: EdgeId,
    /// Late rows, for windows and OVER on a stream with `late.stream`.
    pub late: Option<EdgeId>,
    pub slot: SlotId,
    /// Query it belongs to, for errors. Aggregations have the numbers behind the queries'.
    pub query: QueryId,
    /// External streams above it.
    pub sources: Vec<StreamId>,
    /// Rows come to it later than the records they are made of: what fails here is no fault of
    /// the record at its position.
    pub detached: bool,
    /// It has flushed.
    pub flushed: bool,
}

/// Where rows leave the graph.
#[derive(Debug)]
pub(crate) struct GraphOutput {
    pub output: Output,
    pub edge: EdgeId,
    /// A later output leaves by the same edge, and needs the rows too.
    pub shared: bool,
}

impl GraphOutput {
    fn new(output: Output, edge: EdgeId) -> Self {
        GraphOutput { output, edge, shared: false }
    }
}

/// A program's operators with their state.
#[derive(Debug)]
pub struct Graph {
    pub(crate) nodes: Vec<GraphNode>,
    pub(crate) edges: Vec<Chunk>,
    pub(crate) schemas: Vec<SchemaRef>,
    pub(crate) slots: Vec<Watermarks>,
    /// The entry that is applied.
    pub(crate) origin: Origin,
    /// Largest watermark of each slot so far: merges of idle and active inputs never go back.
    pub(crate) slot_floor: Vec<i64>,
    pub(crate) outputs: Vec<GraphOutput>,
    /// Edge and slot of each stream; of external ones, those that rows from outside are put on.
    pub(crate) streams: Vec<(EdgeId, SlotId)>,
    /// Node of each aggregation.
    pub(crate) aggregations: Vec<usize>,
    /// Clocks of external streams; `None` for derived ones.
    pub(crate) clocks: Vec<Option<StreamClock>>,
    /// Where rows of external streams go that are far behind the clock as they come.
    pub(crate) far_behind: Vec<Option<EdgeId>>,
    /// Rows that came too late in the latest step: the query, and the position.
    pub(crate) left_out: Vec<(QueryId, u32)>,
    /// An advance of time, ns, that is cut into several steps; `None`: none is.
    pub(crate) jump_ns: Option<i64>,
    /// Limits of the watermarks in this step.
    pub(crate) pace: Pace,
    /// By number.
    pub(crate) tables: Vec<Table>,
    /// By stream: its steps have one row each, because somebody reads a table in them that somebody
    /// else writes.
    pub(crate) row_by_row: Vec<bool>,
}

impl Graph {
    /// Builds the operators of `program`; rows of the streams in `watched` leave the graph too.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(program: &Program, watched: &[StreamId]) -> Result<Graph, BuildError> {
        Builder::new(program).build(watched)
    }
}

struct Builder<'a> {
    program: &'a Program,
    graph: Graph,
    /// Output of each stream that has been built.
    built: Vec<Option<Built>>,
    /// Where rows of external streams come in.
    inlets: Vec<Option<(EdgeId, SlotId)>>,
    /// Edges that late rows go to, by the stream that takes them.
    late: BTreeMap<StreamId, Vec<Built>>,
    /// Edges of triggers, by the stream of each.
    triggers: BTreeMap<StreamId, Built>,
    /// Output edge of each query that has been built.
    queries: BTreeMap<QueryId, Built>,
    query: QueryId,
}

/// Output of a built plan node or stream.
#[derive(Clone)]
struct Built {
    edge: EdgeId,
    slot: SlotId,
    sources: Vec<StreamId>,
    /// See [`GraphNode::detached`].
    detached: bool,
}

impl<'a> Builder<'a> {
    fn new(program: &'a Program) -> Self {
        let count = program.streams.len();
        Builder {
            program,
            graph: Graph {
                nodes: Vec::new(),
                edges: Vec::new(),
                schemas: Vec::new(),
                slots: Vec::new(),
                origin: Origin::default(),
                slot_floor: Vec::new(),
                outputs: Vec::new(),
                streams: Vec::new(),
                aggregations: Vec::new(),
                clocks: vec![None; count],
                far_behind: vec![None; count],
                left_out: Vec::new(),
                jump_ns: None,
                pace: Pace::default(),
                tables: Vec::new(),
                row_by_row: Vec::new(),
            },
            built: vec![None; count],
            inlets: vec![None; count],
            late: BTreeMap::new(),
            triggers: BTreeMap::new(),
            queries: BTreeMap::new(),
            query: QueryId(0),
        }
    }

    fn build(mut self, watched: &[StreamId]) -> Result<Graph, BuildError> {
        for table in &self.program.tables {
            let made = Table::new(table).map_err(|reason| BuildError::Query {
                owner: format!("table '{}'", table.name),
                span: table.span,
                reason,
            })?;
            self.graph.tables.push(made);
        }
        // Rows of a file that a table begins with go into it past the operators, and move no time.
        let seeds: Vec<StreamId> = self.program.tables.iter().filter_map(|table| table.seed).collect();
        let outer = self.program.streams.iter().filter(|s| s.origin == StreamOrigin::External);
        for stream in outer.filter(|stream| !seeds.contains(&stream.id)) {
            self.inlet(stream);
        }
        self.build_triggers()?;
        for query in self.order()? {
            self.query = query.id;
            for stream in query.plan.scans() {
                self.stream(stream)?;
            }
            let built = self.node(&query.plan)?;
            if query.target == Target::Print {
                self.graph.outputs.push(GraphOutput::new(Output::Query(query.id), built.edge));
            }
            self.queries.insert(query.id, built);
        }
        for stream in &self.program.streams {
            self.stream(stream.id)?;
        }
        for (at, aggregation) in self.program.aggregations.iter().enumerate() {
            self.query = QueryId((self.program.queries.len() + at) as u32);
            self.aggregation(aggregation)?;
        }
        for &stream in watched {
            let edge = self.stream(stream)?.edge;
            self.graph.outputs.push(GraphOutput::new(Output::Stream(stream), edge));
        }
        // Prints in statement order, then watched streams.
        self.graph.outputs.sort_by_key(|o| o.output);
        for at in 0..self.graph.outputs.len() {
            let (output, later) = self.graph.outputs[at..].split_first_mut().expect("`at` is in range");
            output.shared = later.iter().any(|o| o.edge == output.edge);
        }
        self.graph.streams = self
            .built
            .iter()
            .zip(&self.inlets)
            .map(|(b, inlet)| inlet.or(b.as_ref().map(|b| (b.edge, b.slot))).expect("all streams were built"))
            .collect();
        self.graph.row_by_row = super::tables::row_by_row(&self.graph);
        self.graph.jump_ns = self.graph.operators().filter_map(|(_, op)| op.jump_ns()).min();
        Ok(self.graph)
    }

    /// Triggers come before every query.
    fn build_triggers(&mut self) -> Result<(), BuildError> {
        for trigger in &self.program.triggers {
            let stream = &self.program.streams[trigger.stream.index()];
            let op = TriggerOp::new(&trigger.schedule).map_err(|reason| BuildError::Query {
                owner: format!("trigger '{}'", stream.name),
                span: trigger.span,
                reason,
            })?;
            let (input, output) = (self.edge(&stream.schema), self.edge(&stream.schema));
            // It ends when all that comes from outside has.
            let outer = self.program.streams.iter().filter(|s| s.origin == StreamOrigin::External);
            let sources = outer.map(|s| s.id).collect();
            let slot = self.slot();
            let kind = NodeKind::Operator { input, operator: Operator::Trigger(Box::new(op)) };
            let built = self.push(kind, output, Built { edge: output, slot, sources, detached: true });
            self.triggers.insert(trigger.stream, built);
        }
        Ok(())
    }

    /// An aggregation: its operator keeps everything and gives out nothing.
    fn aggregation(&mut self, aggregation: &Aggregation) -> Result<(), BuildError> {
        let input = self.node(&aggregation.input)?;
        let op = AggregationOp::new(aggregation).map_err(|reason| self.error(&reason))?;
        let operator = Operator::Aggregation(Box::new(op));
        let output = self.edge(&Arc::new(arrow_schema::Schema::empty()));
        let kind = NodeKind::Operator { input: input.edge, operator };
        self.push(kind, output, Built { edge: output, ..input });
        self.graph.aggregations.push(self.graph.nodes.len() - 1);
        Ok(())
    }

    /// Producers of a stream: queries, and windows that send late rows there.
    fn feeds(&self, query: &Query, stream: StreamId) -> bool {
        query.target == Target::Stream(stream)
            || query
                .plan
                .scans()
                .iter()
                .any(|s| self.program.streams[s.index()].time.late_stream == Some(stream))
    }

    /// Queries such that producers of a stream come before its readers; statement order otherwise.
    fn order(&self) -> Result<Vec<&'a Query>, BuildError> {
        let mut left: Vec<&Query> = self.program.queries.iter().collect();
        let mut out = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let ready = left.iter().position(|query| {
                let scans = query.plan.scans();
                !left.iter().any(|other| scans.iter().any(|&s| self.feeds(other, s)))
            });
            let Some(at) = ready else {
                let names: Vec<&str> = left.iter().map(|q| q.name.as_str()).collect();
                return Err(BuildError::Cycle { names: names.join(" → "), span: left[0].span });
            };
            out.push(left.remove(at));
        }
        Ok(out)
    }

    /// The edge of a stream; all its producers have been built.
    fn stream(&mut self, id: StreamId) -> Result<Built, BuildError> {
        if let Some(done) = &self.built[id.index()] {
            return Ok(done.clone());
        }
        let stream = &self.program.streams[id.index()];
        let mut inputs: Vec<Built> = self
            .program
            .queries
            .iter()
            .filter(|q| q.target == Target::Stream(id))
            .filter_map(|q| self.queries.get(&q.id).cloned())
            .collect();
        inputs.extend(self.late.get(&id).into_iter().flatten().cloned());
        inputs.extend(self.triggers.get(&id).cloned());
        let derived = !inputs.is_empty() || stream.origin == StreamOrigin::Derived;
        if let Some((edge, slot)) = self.inlets[id.index()] {
            // Rows from outside come before those that queries make of the same row.
            inputs.insert(0, Built { edge, slot, sources: vec![id], detached: false });
        }
        let built = match inputs.as_slice() {
            [one] => one.clone(),
            _ => self.merge(inputs, &stream.schema),
        };
        let built = match stream.time.column {
            Some(column) if derived => {
                let (output, slot) = (self.edge(&stream.schema), self.slot());
                let kind = NodeKind::Retime {
                    input: built.edge,
                    column,
                    time: Box::new(stream.time.clone()),
                    clock: StreamClock::default(),
                };
                self.push(kind, output, Built { slot, ..built })
            }
            _ => built,
        };
        self.built[id.index()] = Some(built.clone());
        Ok(built)
    }

    fn node(&mut self, node: &Node) -> Result<Built, BuildError> {
        match node {
            Node::Scan { stream, .. } => self.stream(*stream),
            Node::Filter { .. } | Node::Project { .. } => self.rows(node),
            Node::Union { inputs, schema } => {
                let inputs = inputs.iter().map(|n| self.node(n)).collect::<Result<Vec<_>, _>>()?;
                Ok(self.merge(inputs, schema))
            }
            Node::Join(join) => self.join(node, join),
            Node::Window(_)
            | Node::Sliding(_)
            | Node::Delay { .. }
            | Node::Group(_)
            | Node::Over(_)
            | Node::Rate(_)
            | Node::TableJoin(_)
            | Node::TableWrite(_)
            | Node::Pattern(_)
            | Node::Metrics(_)
            | Node::Rules(_) => {
                let [input] = node.inputs()[..] else { unreachable!("these have one input") };
                let built = self.node(input)?;
                let late = self.late_edge(node, input, &built)?;
                let operator = ops::build(node, self.program).map_err(|e| self.error(&e))?;
                let output = self.edge(node.schema());
                let kind = NodeKind::Operator { input: built.edge, operator };
                let mut built = self.push(kind, output, built);
                built.detached |= detaches(node);
                self.graph.nodes.last_mut().expect("just pushed").late = late;
                Ok(built)
            }
        }
    }

    fn join(&mut self, node: &Node, join: &JoinNode) -> Result<Built, BuildError> {
        let [left, right] = [self.node(&join.sides[0].input)?, self.node(&join.sides[1].input)?];
        let mut late = [None, None];
        if join.bound.is_by_event_time() {
            for ((late, side), built) in late.iter_mut().zip(&join.sides).zip([&left, &right]) {
                if is_final(&side.input) {
                    continue;
                }
                *late = self.late_edge_of("the join", &side.input, built)?;
            }
        }
        let operator = ops::build(node, self.program).map_err(|e| self.error(&e))?;
        let output = self.edge(node.schema());
        let (inputs, detached) = ([left.edge, right.edge], left.detached || right.detached);
        let (slots, slot, sources) = self.common(&[left, right]);
        let kind = NodeKind::Join { inputs, slots, late, operator };
        let mut built = self.push(kind, output, Built { edge: output, slot, sources, detached });
        built.detached |= detaches(node);
        Ok(built)
    }

    /// The edge for late rows of a window or an OVER in event-time order, if the stream below it
    /// wants them.
    ///
    /// Late rows are copied as they enter, so these must be the stream's own rows.
    fn late_edge(&mut self, node: &Node, input: &Node, built: &Built) -> Result<Option<EdgeId>, BuildError> {
        let what = match node {
            Node::Window(_) => "the window",
            Node::Over(over) if over.event_time_order => "OVER",
            Node::Metrics(_) => "the metrics",
            _ => return Ok(None),
        };
        if what == "OVER" && is_final(input) {
            return Ok(None);
        }
        self.late_edge_of(what, input, built)
    }

    /// The edge for the late rows of `input`, if the stream below it wants them; `what` finds them.
    fn late_edge_of(
        &mut self,
        what: &str,
        input: &Node,
        built: &Built,
    ) -> Result<Option<EdgeId>, BuildError> {
        let time = |id: &StreamId| &self.program.streams[id.index()].time;
        let scans = input.scans();
        let Some((stream, target)) = scans.iter().find_map(|id| Some((*id, time(id).late_stream?))) else {
            return Ok(None);
        };
        if !is_stream_itself(input) {
            return Err(self.error(&format!(
                "late.stream takes the rows of the stream itself: put {what} on the stream, and compute columns after it"
            )));
        }
        let edge = self.edge(&self.program.streams[stream.index()].schema);
        self.late.entry(target).or_default().push(Built { edge, ..built.clone() });
        Ok(Some(edge))
    }

    /// Where rows of an external stream come in.
    fn inlet(&mut self, stream: &Stream) {
        let at = stream.id.index();
        let (edge, slot) = (self.edge(&stream.schema), self.slot());
        self.graph.clocks[at] = Some(StreamClock::default());
        self.inlets[at] = Some((edge, slot));
        if let (Clock::Ingest, Some(target)) = (stream.time.clock, stream.time.late_stream) {
            let behind = self.edge(&stream.schema);
            self.graph.far_behind[at] = Some(behind);
            let built = Built { edge: behind, slot, sources: vec![stream.id], detached: false };
            self.late.entry(target).or_default().push(built);
        }
    }

    /// A chain of filters and projections, fused as far as one projection goes.
    fn rows(&mut self, node: &Node) -> Result<Built, BuildError> {
        let mut project: Option<&[NamedExpr]> = None;
        let mut below = node;
        if let Node::Project { input, exprs, .. } = node {
            project = Some(exprs);
            below = input;
        }
        let mut filters: Vec<&Expr> = Vec::new();
        while let Node::Filter { input, predicate } = below {
            filters.insert(0, predicate);
            below = input;
        }
        let built = self.node(below)?;
        let pipeline = ops::RowPipeline::new(&filters, project, below.schema().fields().len())
            .map_err(|e| self.error(&e.to_string()))?;
        let output = self.edge(node.schema());
        let kind = NodeKind::Operator { input: built.edge, operator: Operator::Rows(pipeline) };
        Ok(self.push(kind, output, built))
    }

    fn merge(&mut self, inputs: Vec<Built>, schema: &SchemaRef) -> Built {
        let (slots, slot, sources) = self.common(&inputs);
        let output = self.edge(schema);
        let detached = inputs.iter().any(|i| i.detached);
        let edges = inputs.into_iter().map(|i| i.edge).collect();
        let kind = NodeKind::Merge { inputs: edges, merge: Merge::default(), slots };
        self.push(kind, output, Built { edge: output, slot, sources, detached })
    }

    /// Slots and sources of several inputs without repetition, and the slot of their minimum.
    fn common(&mut self, inputs: &[Built]) -> (Vec<SlotId>, SlotId, Vec<StreamId>) {
        let mut slots: Vec<SlotId> = Vec::new();
        let mut sources: Vec<StreamId> = Vec::new();
        for input in inputs {
            if !slots.contains(&input.slot) {
                slots.push(input.slot);
            }
            sources.extend(input.sources.iter().filter(|s| !sources.contains(s)).collect::<Vec<_>>());
        }
        let slot = if let [one] = slots[..] { one } else { self.slot() };
        (slots, slot, sources)
    }

    /// Adds a node that writes `output`; the rest of `of` is as its input has it.
    fn push(&mut self, kind: NodeKind, output: EdgeId, of: Built) -> Built {
        let Built { edge: _, slot, sources, detached } = of;
        self.graph.nodes.push(GraphNode {
            kind,
            output,
            late: None,
            slot,
            query: self.query,
            sources: sources.clone(),
            detached,
            flushed: false,
        });
        Built { edge: output, slot, sources, detached }
    }

    fn edge(&mut self, schema: &SchemaRef) -> EdgeId {
        self.graph.edges.push(Chunk::new(schema));
        self.graph.schemas.push(schema.clone());
        EdgeId(self.graph.edges.len() - 1)
    }

    fn slot(&mut self) -> SlotId {
        self.graph.slots.push(Watermarks::default());
        self.graph.slot_floor.push(crate::time::WATERMARK_START);
        SlotId(self.graph.slots.len() - 1)
    }

    fn error(&self, reason: &str) -> BuildError {
        let at = self.query.0 as usize;
        let (owner, span) = match self.program.queries.get(at) {
            Some(query) => (format!("query '{}'", query.name), query.span),
            None => {
                let aggregation = &self.program.aggregations[at - self.program.queries.len()];
                (format!("aggregation '{}'", aggregation.name), aggregation.span)
            }
        };
        BuildError::Query { owner, span, reason: reason.to_string() }
    }
}

/// Whether rows leave `node` later than the records they are made of.
fn detaches(node: &Node) -> bool {
    match node {
        Node::Window(_) | Node::Delay { .. } | Node::Rate(_) | Node::Pattern(_) => true,
        Node::Metrics(metrics) => matches!(metrics.output, MetricsOutput::Final { .. }),
        Node::Over(over) => over.event_time_order,
        Node::Join(join) => {
            matches!(join.bound, JoinBound::AsOf(_)) || join.sides.iter().any(|side| side.outer)
        }
        Node::Scan { .. }
        | Node::Filter { .. }
        | Node::Project { .. }
        | Node::Union { .. }
        | Node::Sliding(_)
        | Node::Group(_)
        | Node::TableJoin(_)
        | Node::TableWrite(_)
        | Node::Rules(_) => false,
    }
}

/// Whether rows come out of `node` that the watermark has not passed, so that none of them is late.
fn is_final(node: &Node) -> bool {
    match node {
        Node::Window(_) => true,
        Node::Join(join) => join.bound.is_by_event_time(),
        Node::Over(over) => over.event_time_order,
        Node::Filter { input, .. } | Node::Project { input, .. } => is_final(input),
        Node::Scan { .. }
        | Node::Union { .. }
        | Node::Sliding(_)
        | Node::Delay { .. }
        | Node::Group(_)
        | Node::Rate(_)
        | Node::TableJoin(_)
        | Node::TableWrite(_)
        | Node::Pattern(_)
        | Node::Metrics(_)
        | Node::Rules(_) => false,
    }
}

/// Whether the rows of `node` are those of a stream, perhaps fewer.
fn is_stream_itself(node: &Node) -> bool {
    match node {
        Node::Scan { .. } => true,
        Node::Filter { input, .. } => is_stream_itself(input),
        Node::Project { .. }
        | Node::Union { .. }
        | Node::Window(_)
        | Node::Sliding(_)
        | Node::Delay { .. }
        | Node::Group(_)
        | Node::Over(_)
        | Node::Join(_)
        | Node::Rate(_)
        | Node::TableJoin(_)
        | Node::TableWrite(_)
        | Node::Pattern(_)
        | Node::Metrics(_)
        | Node::Rules(_) => false,
    }
}
