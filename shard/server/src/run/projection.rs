//! Which columns of a source any query looks at: the others are not decoded.
//!
//! A column is wanted when an expression, key, time or window reads it, when it leaves a query
//! unchanged, or when whole rows are kept (late streams, dead letters of processing errors).

use cep_lang::plan::{
    AggCall, BatchWindow, Expr, ExprKind, JoinBound, JoinNode, JoinWindow, NamedExpr, Node, OverCall,
    OverFunc, PatternNode, Probe, Program, SlidingNode, SlidingWindow, Slot, SortKey, StreamOrigin,
    TableAction, TableJoinKind, WindowBody, WindowCondition, WindowKey, WindowNode,
};
use cep_types::StreamId;
use cep_types::options::{ErrorStrategy, Role};

/// For each stream, a flag for each column.
pub fn wanted_columns(program: &Program) -> Vec<Vec<bool>> {
    let mut wanted =
        Wanted { columns: program.streams.iter().map(|s| vec![false; s.schema.fields().len()]).collect() };
    for stream in &program.streams {
        let whole = stream.time.late_stream.is_some()
            || stream.origin == StreamOrigin::Derived
            || matches!(stream.options.role, Role::Sink(_))
            || matches!(stream.options.errors.strategy, ErrorStrategy::DeadLetter { .. });
        if whole {
            wanted.columns[stream.id.index()].fill(true);
        }
        if let Some(column) = stream.time.column {
            wanted.columns[stream.id.index()][column] = true;
        }
    }
    for seed in program.tables.iter().filter_map(|table| table.seed) {
        wanted.columns[seed.index()].fill(true);
    }
    for query in &program.queries {
        wanted.node(&query.plan, &all(&query.plan));
    }
    for aggregation in &program.aggregations {
        let mut used = vec![false; aggregation.input.schema().fields().len()];
        aggregation.filter.iter().chain(&aggregation.time).for_each(|e| mark(e, &mut used));
        mark_named(&aggregation.keys, &mut used);
        aggregation.calls.iter().for_each(|c| mark_call(c, &mut used));
        wanted.node(&aggregation.input, &used);
    }
    wanted.columns
}

fn mark_probe(probe: &Probe, used: &mut [bool]) {
    match probe {
        Probe::Key(exprs) | Probe::Index { index: _, exprs } => exprs.iter().for_each(|e| mark(e, used)),
        Probe::Scan => {}
    }
}

struct Wanted {
    columns: Vec<Vec<bool>>,
}

impl Wanted {
    fn scan(&mut self, stream: StreamId, used: &[bool]) {
        for (flag, &used) in self.columns[stream.index()].iter_mut().zip(used) {
            *flag |= used;
        }
    }

    /// `used`: columns of the node's output that are looked at above it.
    fn node(&mut self, node: &Node, used: &[bool]) {
        match node {
            Node::Scan { stream, schema: _ } => self.scan(*stream, used),
            Node::Filter { input, predicate } => {
                let mut used = used.to_vec();
                mark(predicate, &mut used);
                self.node(input, &used);
            }
            Node::Project { input, exprs, schema: _ } => {
                // All expressions are evaluated, and all may fail.
                let mut below = none(input);
                mark_named(exprs, &mut below);
                self.node(input, &below);
            }
            Node::Union { inputs, schema: _ } => inputs.iter().for_each(|input| self.node(input, used)),
            Node::Delay { input, delay_ns: _ } => self.node(input, used),
            Node::Join(node) => self.join(node),
            Node::Window(node) => self.window(node),
            Node::Sliding(node) => self.sliding(node, used),
            Node::Group(node) => {
                let mut below = none(&node.input);
                mark_named(&node.keys, &mut below);
                node.calls.iter().for_each(|c| mark_call(c, &mut below));
                self.node(&node.input, &below);
            }
            Node::Over(node) => {
                let mut below = kept(&node.input, used);
                node.calls.iter().for_each(|c| mark_over(c, &mut below));
                self.node(&node.input, &below);
            }
            Node::Rate(node) => {
                let mut below = used.to_vec();
                node.keys.iter().for_each(|&key| below[key] = true);
                self.node(&node.input, &below);
            }
            Node::TableJoin(node) => {
                let width = node.input.schema().fields().len();
                let mut both = vec![false; width + node.columns.fields().len()];
                node.kept.iter().zip(used).for_each(|(&kept, &used)| both[kept] |= used);
                let equal = match &node.kind {
                    TableJoinKind::In { equal, by_value: _ } => Some(equal),
                    TableJoinKind::Inner | TableJoinKind::Left | TableJoinKind::Exists => None,
                };
                mark_probe(&node.probe, &mut both);
                node.condition.iter().chain(equal).for_each(|e| mark(e, &mut both));
                self.node(&node.input, &both[..width]);
            }
            Node::TableWrite(node) => {
                let width = node.input.schema().fields().len();
                let mut both = vec![false; width + node.columns.fields().len()];
                match &node.action {
                    TableAction::Insert(_) | TableAction::Upsert => both.fill(true),
                    TableAction::Update { probe, condition, set } => {
                        mark_probe(probe, &mut both);
                        condition.iter().chain(set.iter().map(|(_, e)| e)).for_each(|e| mark(e, &mut both));
                    }
                    TableAction::Delete { probe, condition } => {
                        mark_probe(probe, &mut both);
                        condition.iter().for_each(|e| mark(e, &mut both));
                    }
                }
                self.node(&node.input, &both[..width]);
            }
            Node::Pattern(node) => self.pattern(node),
            // A bundle's input has the columns that it reads, and no others.
            Node::Metrics(node) => self.node(&node.input, &all(&node.input)),
            Node::Rules(node) => self.node(&node.input, &all(&node.input)),
        }
    }

    fn join(&mut self, node: &JoinNode) {
        for (at, side) in node.sides.iter().enumerate() {
            let mut below = none(&side.input);
            // All that is kept was asked for above, or by the condition on pairs.
            side.kept.iter().for_each(|&column| below[column] = true);
            node.keys.iter().for_each(|(left, right)| mark(if at == 0 { left } else { right }, &mut below));
            if let JoinBound::Windows(windows) = &node.bound
                && let JoinWindow::ExternalTime { time, size_ns: _ } = &windows[at]
            {
                mark(time, &mut below);
            }
            self.node(&side.input, &below);
        }
    }

    /// Expressions of a pattern read slots, and slots read columns.
    fn pattern(&mut self, node: &PatternNode) {
        let mut below = none(&node.input);
        node.tag.iter().for_each(|&tag| below[tag] = true);
        node.keys.iter().for_each(|e| mark(e, &mut below));
        let conditions = node.elements.iter().filter_map(|e| e.condition.as_ref());
        for slot in node.slots.iter().chain(conditions.flat_map(|c| &c.slots)) {
            match slot {
                Slot::Input(column) | Slot::Row { column, at: _ } => below[*column] = true,
                Slot::Aggregate { call, of: _, scope: _ } => mark_call(call, &mut below),
                Slot::Classifier(_)
                | Slot::MatchNumber
                | Slot::TimedOut
                | Slot::FirstTime
                | Slot::LastTime => {}
            }
        }
        self.node(&node.input, &below);
    }

    fn window(&mut self, node: &WindowNode) {
        let mut below = none(&node.input);
        match &node.body {
            WindowBody::Groups { filter, keys, calls, schema: _ } => {
                filter.iter().for_each(|e| mark(e, &mut below));
                for key in keys {
                    match key {
                        WindowKey::Input(named) => mark(&named.expr, &mut below),
                        // Over `[window_start, window_end]`, which no input makes.
                        WindowKey::Window(_) => {}
                    }
                }
                calls.iter().for_each(|c| mark_call(c, &mut below));
            }
            WindowBody::Rows { filter: _, schema: _ } => below.fill(true),
        }
        match &node.window {
            BatchWindow::Session { keys, gap_ns: _ } => keys.iter().for_each(|e| mark(e, &mut below)),
            BatchWindow::ExternalTimeBatch { time, size_ns: _, start_ns: _, timeout_ns: _ } => {
                mark(time, &mut below);
            }
            BatchWindow::ExpressionBatch { condition, include_triggering: _ } => {
                mark_condition(condition, &mut below);
            }
            BatchWindow::Tumbling { .. }
            | BatchWindow::Hop { .. }
            | BatchWindow::Cumulate { .. }
            | BatchWindow::TimeBatch { .. }
            | BatchWindow::LengthBatch { .. }
            | BatchWindow::Batch
            | BatchWindow::Cron { .. } => {}
        }
        self.node(&node.input, &below);
    }

    fn sliding(&mut self, node: &SlidingNode, used: &[bool]) {
        let mut below = kept(&node.input, used);
        node.filter.iter().chain(&node.keys).for_each(|e| mark(e, &mut below));
        node.calls.iter().for_each(|c| mark_call(c, &mut below));
        match &node.window {
            SlidingWindow::ExternalTime { time, size_ns: _ } => mark(time, &mut below),
            SlidingWindow::Sort { order, rows: _ } => mark_order(order, &mut below),
            SlidingWindow::Unique { keys } | SlidingWindow::FirstUnique { keys } => {
                keys.iter().for_each(|e| mark(e, &mut below));
            }
            SlidingWindow::Expression { condition } => mark_condition(condition, &mut below),
            SlidingWindow::Frequent { keys, counters: _ }
            | SlidingWindow::LossyFrequent { keys, support: _, error: _ } => {
                if keys.is_empty() {
                    below.fill(true);
                }
                keys.iter().for_each(|e| mark(e, &mut below));
            }
            SlidingWindow::Length { .. } | SlidingWindow::Time { .. } | SlidingWindow::TimeLength { .. } => {}
        }
        self.node(&node.input, &below);
    }
}

fn all(node: &Node) -> Vec<bool> {
    vec![true; node.schema().fields().len()]
}

fn none(node: &Node) -> Vec<bool> {
    vec![false; node.schema().fields().len()]
}

/// Input columns of a node whose output is its input's columns, then its own.
fn kept(input: &Node, used: &[bool]) -> Vec<bool> {
    used[..input.schema().fields().len()].to_vec()
}

fn mark(expr: &Expr, used: &mut [bool]) {
    expr.walk(&mut |e| {
        if let ExprKind::Column(index) = e.kind
            && let Some(flag) = used.get_mut(index)
        {
            *flag = true;
        }
    });
}

fn mark_named(exprs: &[NamedExpr], used: &mut [bool]) {
    exprs.iter().for_each(|named| mark(&named.expr, used));
}

fn mark_order(keys: &[SortKey], used: &mut [bool]) {
    keys.iter().for_each(|key| mark(&key.expr, used));
}

fn mark_call(call: &AggCall, used: &mut [bool]) {
    call.args.iter().chain(&call.filter).for_each(|e| mark(e, used));
    mark_order(&call.order_by, used);
}

fn mark_over(call: &OverCall, used: &mut [bool]) {
    call.partition_by.iter().for_each(|e| mark(e, used));
    mark_order(&call.order_by, used);
    match &call.func {
        OverFunc::Aggregate(call) => mark_call(call, used),
        OverFunc::Lag { value, default, offset: _, ignore_nulls: _ } => {
            mark(value, used);
            default.iter().for_each(|e| mark(e, used));
        }
        OverFunc::FirstValue { value, ignore_nulls: _ }
        | OverFunc::LastValue { value, ignore_nulls: _ }
        | OverFunc::NthValue { value, n: _, ignore_nulls: _ } => mark(value, used),
        OverFunc::RowNumber
        | OverFunc::Rank
        | OverFunc::DenseRank
        | OverFunc::PercentRank
        | OverFunc::CumeDist
        | OverFunc::Ntile(_) => {}
    }
}

/// The test reads `[aggregates…, columns of the first row…, columns of the last row…]`.
fn mark_condition(condition: &WindowCondition, used: &mut [bool]) {
    condition.calls.iter().for_each(|c| mark_call(c, used));
    let (calls, width) = (condition.calls.len(), used.len());
    condition.test.walk(&mut |e| {
        if let ExprKind::Column(index) = e.kind
            && index >= calls
        {
            used[(index - calls) % width] = true;
        }
    });
}
