//! EXPLAIN: a plan as text, the last operator first, inputs indented below.
//!
//! The text is for people and golden tests; nothing reads it back.

use std::fmt::Write;

use arrow_schema::Schema;
use cep_types::StreamId;
use cep_types::options::format_duration;
use cep_types::sql_type::field_type_name;

use crate::ast::{Duration, Grain, RateEvery, RateKind, Schedule};

use super::explain_table::explain_table;
use super::pattern_text;
use super::text::list;
use super::{
    AggCall, Aggregation, AggregationRange, AsOfBound, BatchWindow, BoundedJoin, BoundedOp, Calendar,
    Changelog, Clock, Expr, GroupNode, JoinBound, JoinNode, JoinWindow, LatePolicy, NamedExpr, Node,
    OverBound, OverNode, PatternNode, Probe, Program, Query, RateNode, Read, ReadOf, SlidingNode,
    SlidingWindow, Stream, StreamOrigin, Table, TableLook, Target, Trigger, WindowBody, WindowCondition,
    WindowKey, WindowNode, call_text, expr_text, over_text, sort_text,
};

/// Tells the names of streams.
pub type StreamNames<'a> = dyn Fn(StreamId) -> String + 'a;

/// Every stream, query, aggregation and read of a program.
pub fn explain_program(program: &Program) -> String {
    let names = |id: StreamId| match program.streams.get(id.0 as usize) {
        Some(stream) => stream.name.clone(),
        None => format!("#{}", id.0),
    };
    let mut parts: Vec<String> = program.streams.iter().map(|s| explain_stream(s, &names)).collect();
    parts.extend(program.triggers.iter().map(|t| explain_trigger(t, &names)));
    parts.extend(program.tables.iter().map(explain_table));
    parts.extend(program.aggregations.iter().map(|a| explain_aggregation(a, &names)));
    parts.extend(program.queries.iter().map(|q| explain_query(q, &names)));
    for read in &program.reads {
        parts.push(explain_read(read, &program.aggregations, &program.tables, &names));
    }
    for rows in &program.constants {
        parts.push(format!("constants → stream {}: {} rows\n", names(rows.stream), rows.rows.num_rows()));
    }
    parts.concat()
}

/// A stream and its time.
pub fn explain_stream(stream: &Stream, names: &StreamNames<'_>) -> String {
    let Stream { id: _, name, schema, origin, time, changelog, options: _ } = stream;
    let columns = list(schema.fields(), |f| {
        format!("{} {}{}", f.name(), field_type_name(f), if f.is_nullable() { "" } else { " NOT NULL" })
    });
    let origin = match origin {
        StreamOrigin::External => "external",
        StreamOrigin::Derived => "derived",
    };
    let clock = match time.clock {
        Clock::Ingest => "ingest",
        Clock::Event => "event",
    };
    let by = match time.column {
        Some(column) => format!("event time {}", schema.field(column).name()),
        None => "event time of the row".to_owned(),
    };
    let late = match (time.late_policy, time.late_stream) {
        (LatePolicy::Drop, None) => "dropped".to_owned(),
        (LatePolicy::Drop, Some(stream)) => format!("copied to {}", names(stream)),
        (LatePolicy::Retract, _) => format!("correct results for {}", format_duration(time.correction_ns)),
    };
    let lateness = format_duration(time.lateness_ns);
    format!(
        "stream {name} ({columns})\n  {origin}, {}, clock {clock}, {by}, lateness {lateness}, late rows {late}\n",
        changelog_text(*changelog)
    )
}

/// A trigger.
pub fn explain_trigger(trigger: &Trigger, names: &StreamNames<'_>) -> String {
    let when = match &trigger.schedule {
        Schedule::Start => "with the first stamp".to_owned(),
        Schedule::Every(ns) => format!("every {}", format_duration(*ns)),
        Schedule::Cron(expression) => format!("at '{expression}' UTC"),
    };
    format!("trigger {} {when}, in log time\n  state: when it is due next\n", names(trigger.stream))
}

fn changelog_text(changelog: Changelog) -> &'static str {
    match changelog {
        Changelog::Append => "append",
        Changelog::Retract => "retract",
        Changelog::Upsert => "upsert",
    }
}

/// A query with its operators.
pub fn explain_query(query: &Query, names: &StreamNames<'_>) -> String {
    let Query { id: _, name, target, plan, changelog, span: _ } = query;
    let target = target_text(target, names);
    let mut out = format!("query {name} → {target}, {}\n", changelog_text(*changelog));
    out.push_str(&explain_node(plan, names));
    out
}

fn target_text(target: &Target, names: &StreamNames<'_>) -> String {
    match target {
        Target::Print => "print".to_owned(),
        Target::Stream(id) => format!("stream {}", names(*id)),
        // The topmost operator says which, and how.
        Target::Table(_) => "table".to_owned(),
    }
}

/// An aggregation.
pub fn explain_aggregation(aggregation: &Aggregation, names: &StreamNames<'_>) -> String {
    let Aggregation {
        name,
        input,
        filter,
        time,
        keys,
        calls,
        schema,
        project,
        output: _,
        grains,
        zone,
        span: _,
    } = aggregation;
    let rows = input.schema();
    let mut out = Text::default();
    let grains = list(grains, |g| grain_text(*g).to_owned());
    let zone = zone.map(|z| format!(", zone {z}")).unwrap_or_default();
    out.line(0, format_args!("aggregation {name} every {grains}{zone}"));
    if let Some(time) = time {
        out.line(1, format_args!("by: {}", expr_text(time, rows)));
    }
    out.groups(1, keys, calls, rows);
    out.line(1, format_args!("select: {}", named_list(project, schema)));
    out.line(1, format_args!("state: one entry a group and bucket of each grain"));
    if let Some(filter) = filter {
        out.line(1, format_args!("filter {}", expr_text(filter, rows)));
    }
    out.node(1, input, names);
    out.text
}

fn grain_text(grain: Grain) -> &'static str {
    match grain {
        Grain::Second => "second",
        Grain::Minute => "minute",
        Grain::Hour => "hour",
        Grain::Day => "day",
        Grain::Week => "week",
        Grain::Month => "month",
        Grain::Year => "year",
    }
}

/// A read of one of these aggregations or tables.
pub fn explain_read(
    read: &Read,
    aggregations: &[Aggregation],
    tables: &[Table],
    names: &StreamNames<'_>,
) -> String {
    let Read { name, of, ops, schema: _, target } = read;
    let mut out = Text::default();
    out.line(0, format_args!("read {name} → {}", target_text(target, names)));
    let look = match of {
        ReadOf::Aggregation(range) => {
            out.ops(1, ops, &aggregations[range.aggregation].output);
            range_text(range, aggregations)
        }
        ReadOf::Table(look) => {
            let TableLook { table, probe, now_ns: _ } = look;
            let table = &tables[table.index()];
            out.ops(1, ops, &table.schema);
            let columns = |at: &[usize]| list(at, |&at| table.schema.field(at).name().clone());
            match probe {
                Probe::Key(_) => format!("table {} by key {}", table.name, columns(&table.key)),
                Probe::Index { index, exprs: _ } => {
                    format!("table {} by index {}", table.name, columns(&table.indexes[*index]))
                }
                Probe::Scan => format!("table {}, all rows", table.name),
            }
        }
    };
    out.line(1, format_args!("{look}"));
    out.text
}

fn range_text(range: &AggregationRange, aggregations: &[Aggregation]) -> String {
    let AggregationRange { aggregation, from_ns, to_ns, per } = range;
    let time = |ns: i64| match ns {
        i64::MAX => "the end".to_owned(),
        ns => chrono::DateTime::from_timestamp_nanos(ns).format("%Y-%m-%dT%H:%M:%S%.fZ").to_string(),
    };
    let (name, from, to) = (&aggregations[*aggregation].name, time(*from_ns), time(*to_ns));
    format!("aggregation {name} from {from} to {to} per {}", grain_text(*per))
}

/// Operators, one line each or more, indented by one.
pub fn explain_node(node: &Node, names: &StreamNames<'_>) -> String {
    let mut out = Text::default();
    out.node(1, node, names);
    out.text
}

pub(super) fn named_list(exprs: &[NamedExpr], schema: &Schema) -> String {
    list(exprs, |named| named_text(named, schema))
}

fn named_text(named: &NamedExpr, schema: &Schema) -> String {
    let text = expr_text(&named.expr, schema);
    if text == named.name { text } else { format!("{text} AS {}", named.name) }
}

fn exprs_text(exprs: &[Expr], schema: &Schema) -> String {
    list(exprs, |expr| expr_text(expr, schema))
}

#[derive(Default)]
pub(super) struct Text {
    pub(super) text: String,
}

impl Text {
    pub(super) fn line(&mut self, depth: usize, line: std::fmt::Arguments<'_>) {
        let indent = 2 * depth;
        writeln!(self.text, "{:indent$}{line}", "").expect("writing to a string does not fail");
    }

    fn node(&mut self, depth: usize, node: &Node, names: &StreamNames<'_>) {
        match node {
            Node::Scan { stream, schema: _ } => self.line(depth, format_args!("scan {}", names(*stream))),
            Node::Filter { input, predicate } => {
                self.line(depth, format_args!("filter {}", expr_text(predicate, input.schema())));
            }
            Node::Project { input, exprs, schema: _ } => {
                self.line(depth, format_args!("project {}", named_list(exprs, input.schema())));
            }
            Node::Union { inputs: _, schema: _ } => self.line(depth, format_args!("union")),
            Node::Window(window) => self.window(depth, window),
            Node::Sliding(sliding) => self.sliding(depth, sliding),
            Node::Delay { input: _, delay_ns } => {
                self.line(depth, format_args!("delay {}", format_duration(*delay_ns)));
                self.line(depth + 1, format_args!("state: the rows of that time"));
            }
            Node::Group(group) => self.group(depth, group),
            Node::Over(over) => self.over(depth, over),
            Node::Rate(rate) => self.rate(depth, rate),
            Node::TableJoin(join) => self.table_join(depth, join),
            Node::TableWrite(write) => self.table_write(depth, write),
            Node::Join(join) => self.join(depth, join),
            Node::Pattern(pattern) => self.pattern(depth, pattern, names),
            Node::Metrics(metrics) => self.metrics(depth, metrics),
            Node::Rules(rules) => self.rules(depth, rules),
        }
        for input in node.inputs() {
            self.node(depth + 1, input, names);
        }
    }

    fn groups(&mut self, depth: usize, keys: &[NamedExpr], calls: &[AggCall], schema: &Schema) {
        if !keys.is_empty() {
            self.line(depth, format_args!("keys: {}", named_list(keys, schema)));
        }
        if !calls.is_empty() {
            self.line(depth, format_args!("aggregates: {}", list(calls, |call| call_text(call, schema))));
        }
    }

    fn window(&mut self, depth: usize, node: &WindowNode) {
        let WindowNode { input, window, body, ops, schema: _, span: _ } = node;
        let rows = input.schema();
        self.line(depth, format_args!("window {}", batch_text(window, rows)));
        match body {
            WindowBody::Groups { filter, keys, calls, schema } => {
                if let Some(filter) = filter {
                    self.line(depth + 1, format_args!("rows: {}", expr_text(filter, rows)));
                }
                let edges = window_edges();
                let keys = list(keys, |key| match key {
                    WindowKey::Input(named) => named_text(named, rows),
                    WindowKey::Window(named) => named_text(named, &edges),
                });
                if !keys.is_empty() {
                    self.line(depth + 1, format_args!("keys: {keys}"));
                }
                self.groups(depth + 1, &[], calls, rows);
                self.ops(depth + 1, ops, schema);
                self.line(depth + 1, format_args!("state: one entry a group and open window"));
            }
            WindowBody::Rows { filter, schema } => {
                if let Some(filter) = filter {
                    self.line(depth + 1, format_args!("rows: {}", expr_text(filter, rows)));
                }
                self.ops(depth + 1, ops, schema);
                self.line(depth + 1, format_args!("state: the rows of each open window"));
            }
        }
    }

    /// The steps at a close, in order.
    fn ops(&mut self, depth: usize, ops: &[BoundedOp], content: &Schema) {
        let mut schema = content;
        for op in ops {
            match op {
                BoundedOp::Filter(predicate) => {
                    self.line(depth, format_args!("then filter {}", expr_text(predicate, schema)));
                }
                BoundedOp::Project { exprs, schema: out } => {
                    self.line(depth, format_args!("then project {}", named_list(exprs, schema)));
                    schema = out;
                }
                BoundedOp::Aggregate { keys, calls, schema: out } => {
                    self.line(depth, format_args!("then group"));
                    self.groups(depth + 1, keys, calls, schema);
                    schema = out;
                }
                BoundedOp::Over { calls, schema: out } => {
                    let shared =
                        calls.first().map(|call| over_clause(&call.partition_by, &call.order_by, schema));
                    let shared = shared.unwrap_or_default();
                    let calls = list(calls, |call| over_text(call, schema));
                    self.line(depth, format_args!("then over ({shared}) {calls}"));
                    schema = out;
                }
                BoundedOp::Join(join) => {
                    let BoundedJoin { side: _, widths: _, keys, residual, outer, schema: out } =
                        join.as_ref();
                    self.line(depth, format_args!("then join {}", kind_text(*outer)));
                    if !keys.is_empty() {
                        let pair = |(a, b): &(Expr, Expr)| {
                            format!("{} = {}", expr_text(a, schema), expr_text(b, schema))
                        };
                        self.line(depth + 1, format_args!("keys: {}", list(keys, pair)));
                    }
                    if let Some(residual) = residual {
                        self.line(depth + 1, format_args!("pairs: {}", expr_text(residual, out)));
                    }
                    schema = out;
                }
                BoundedOp::Sort(keys) => {
                    let keys = list(keys, |key| sort_text(key, schema));
                    self.line(depth, format_args!("then sort by {keys}"));
                }
                BoundedOp::Limit { skip, fetch } => {
                    let skip = if *skip == 0 { String::new() } else { format!(" behind {skip}") };
                    let fetch = fetch.map_or("all".to_owned(), |rows| rows.to_string());
                    self.line(depth, format_args!("then keep {fetch} rows{skip}"));
                }
            }
        }
    }

    fn join(&mut self, depth: usize, node: &JoinNode) {
        let JoinNode { sides, keys, residual, bound, schema, rows_max, over_bound, span: _ } = node;
        let kind = kind_text([sides[0].outer, sides[1].outer]);
        match bound {
            JoinBound::AsOf(_) => self.line(depth, format_args!("join {kind}, with the version in force")),
            JoinBound::Windows(_) | JoinBound::Interval { .. } => {
                self.line(depth, format_args!("join {kind}"));
            }
        }
        let [left, right] = [sides[0].input.schema(), sides[1].input.schema()];
        if !keys.is_empty() {
            let keys = list(keys, |(a, b)| format!("{} = {}", expr_text(a, left), expr_text(b, right)));
            self.line(depth + 1, format_args!("keys: {keys}"));
        }
        if let Some(residual) = residual {
            self.line(depth + 1, format_args!("pairs: {}", expr_text(residual, schema)));
        }
        let kept: Vec<String> = ["left", "right"]
            .iter()
            .enumerate()
            .map(|(at, name)| format!("{name} {}", kept_text(bound, at, [left, right][at])))
            .collect();
        if let JoinBound::Interval { low_ns, high_ns } = bound {
            let (low, high) = (signed_duration(*low_ns), signed_duration(*high_ns));
            self.line(depth + 1, format_args!("time of right − time of left: {low} to {high}"));
        }
        if let JoinBound::AsOf(bound) = bound {
            self.line(depth + 1, format_args!("time of left − time of right: {}", age_text(*bound)));
        }
        let columns: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        self.line(depth + 1, format_args!("columns kept: {}", columns.join(", ")));
        let over = match (over_bound, bound) {
            (OverBound::EvictOldest, JoinBound::AsOf(_)) => {
                "the oldest version in force leaves for a row beyond"
            }
            (over, _) => match over {
                OverBound::Reject => "rows beyond are left out",
                OverBound::EvictOldest => "the oldest row leaves for one beyond",
                OverBound::Fail => "rows beyond fail",
            },
        };
        let kept = kept.join("; ");
        self.line(depth + 1, format_args!("state: {kept}; at most {rows_max} rows, {over}"));
    }

    fn sliding(&mut self, depth: usize, node: &SlidingNode) {
        let SlidingNode { input, window, filter, keys, calls, schema: _, keys_max: _ } = node;
        let rows = input.schema();
        let (window, state) = sliding_text(window, rows);
        self.line(depth, format_args!("sliding window {window}"));
        if let Some(filter) = filter {
            self.line(depth + 1, format_args!("rows: {}", expr_text(filter, rows)));
        }
        if !keys.is_empty() {
            self.line(depth + 1, format_args!("keys: {}", exprs_text(keys, rows)));
        }
        self.groups(depth + 1, &[], calls, rows);
        self.line(depth + 1, format_args!("state: {state}"));
    }

    fn group(&mut self, depth: usize, node: &GroupNode) {
        let GroupNode { input, keys, calls, having, schema, keys_max, ttl_ns } = node;
        let what = if calls.is_empty() { "distinct" } else { "group, one row replaces another" };
        self.line(depth, format_args!("{what}"));
        self.groups(depth + 1, keys, calls, input.schema());
        if let Some(having) = having {
            self.line(depth + 1, format_args!("having {}", expr_text(having, schema)));
        }
        let ttl = ttl_ns.map(|ns| format!(", forgotten after {}", format_duration(ns))).unwrap_or_default();
        self.line(depth + 1, format_args!("state: at most {keys_max} keys{ttl}"));
    }

    fn over(&mut self, depth: usize, node: &OverNode) {
        let OverNode { input, calls, event_time_order, schema: _, keys_max } = node;
        let rows = input.schema();
        let shared = calls.first().map(|call| over_clause(&call.partition_by, &call.order_by, rows));
        let order = if *event_time_order { "event-time order" } else { "arrival order" };
        self.line(depth, format_args!("over ({}) in {order}", shared.unwrap_or_default()));
        for call in calls {
            self.line(depth + 1, format_args!("{}", over_text(call, rows)));
        }
        self.line(depth + 1, format_args!("state: the frames of at most {keys_max} partitions"));
    }

    fn pattern(&mut self, depth: usize, node: &PatternNode, names: &StreamNames<'_>) {
        let PatternNode { input, tag: _, keys, order: _, elements, pattern: _, matching: _, .. } = node;
        let PatternNode { skip: _, within, rows, slots, exprs, schema: _, .. } = node;
        self.line(depth, format_args!("{}", pattern_text::head_text(node)));
        let streams: Vec<String> = match input {
            Node::Union { inputs, schema: _ } => {
                inputs.iter().map(|input| list(&input.scans(), |id| names(*id))).collect()
            }
            _one => Vec::new(),
        };
        for element in elements {
            let tag = element.tag.and_then(|tag| usize::try_from(tag).ok());
            let stream = tag.and_then(|tag| streams.get(tag)).map(String::as_str);
            let text = pattern_text::element_text(element, node, stream);
            self.line(depth + 1, format_args!("{text}"));
        }
        if !keys.is_empty() {
            self.line(depth + 1, format_args!("keys: {}", exprs_text(keys, input.schema())));
        }
        if !within.is_empty() {
            self.line(depth + 1, format_args!("within: {}", pattern_text::within_text(within)));
        }
        self.line(depth + 1, format_args!("next match: {}", pattern_text::skip_text(node)));
        self.line(depth + 1, format_args!("rows: {}", pattern_text::rows_text(*rows)));
        let schema = pattern_text::slots_schema(slots, node);
        self.line(depth + 1, format_args!("columns: {}", named_list(exprs, &schema)));
        self.line(depth + 1, format_args!("state: {}", pattern_text::state_text(node)));
    }

    fn rate(&mut self, depth: usize, node: &RateNode) {
        let RateNode { input, kind, every, keys } = node;
        let kind = match kind {
            RateKind::All => "all",
            RateKind::First => "first",
            RateKind::Last => "last",
            RateKind::Snapshot => "snapshot",
        };
        let every = match every {
            RateEvery::Events(rows) => format!("{rows} rows"),
            RateEvery::Time(length) => duration_text(*length),
        };
        let keys = list(keys, |key| input.schema().field(*key).name().clone());
        let of = if keys.is_empty() { String::new() } else { format!(" of each {keys}") };
        self.line(depth, format_args!("output {kind}{of} every {every}"));
    }
}

fn window_edges() -> Schema {
    use arrow_schema::{DataType, Field, TimeUnit};
    let edge = |name: &str| Field::new(name, DataType::Timestamp(TimeUnit::Nanosecond, None), false);
    Schema::new(vec![edge("window_start"), edge("window_end")])
}

fn over_clause(partition_by: &[Expr], order_by: &[super::SortKey], schema: &Schema) -> String {
    let mut parts = Vec::new();
    if !partition_by.is_empty() {
        parts.push(format!("PARTITION BY {}", exprs_text(partition_by, schema)));
    }
    if !order_by.is_empty() {
        parts.push(format!("ORDER BY {}", list(order_by, |key| sort_text(key, schema))));
    }
    parts.join(" ")
}

/// A length of time as people write it.
fn duration_text(duration: Duration) -> String {
    let Duration { months, days, nanos } = duration;
    let mut parts = Vec::new();
    if months != 0 {
        parts.push(format!("{months} months"));
    }
    if days != 0 {
        parts.push(format!("{days}d"));
    }
    if nanos != 0 || parts.is_empty() {
        parts.push(format_duration(nanos));
    }
    parts.join(" ")
}

fn calendar_text(calendar: &Calendar) -> String {
    let Calendar { offset, zone } = calendar;
    let mut out = String::new();
    if *offset != Duration::default() {
        out.push_str(&format!(", offset {}", duration_text(*offset)));
    }
    if let Some(zone) = zone {
        out.push_str(&format!(", zone {zone}"));
    }
    out
}

fn batch_text(window: &BatchWindow, schema: &Schema) -> String {
    let ns = |ns: &i64| format_duration(*ns);
    let start = |start: &Option<i64>| match start {
        None => String::new(),
        Some(ns) => {
            format!(", start {}", chrono::DateTime::from_timestamp_nanos(*ns).format("%Y-%m-%dT%H:%M:%SZ"))
        }
    };
    match window {
        BatchWindow::Tumbling { size, calendar } => {
            format!("tumbling, size {}{}", duration_text(*size), calendar_text(calendar))
        }
        BatchWindow::Hop { size, slide, calendar } => format!(
            "hop, size {}, slide {}{}",
            duration_text(*size),
            duration_text(*slide),
            calendar_text(calendar)
        ),
        BatchWindow::Cumulate { step, size, calendar } => format!(
            "cumulate, step {}, size {}{}",
            duration_text(*step),
            duration_text(*size),
            calendar_text(calendar)
        ),
        BatchWindow::Session { gap_ns, keys } => {
            let by =
                if keys.is_empty() { String::new() } else { format!(", key {}", exprs_text(keys, schema)) };
            format!("session, gap {}{by}", ns(gap_ns))
        }
        BatchWindow::TimeBatch { size_ns, start_ns } => {
            format!("timeBatch, size {}{}", ns(size_ns), start(start_ns))
        }
        BatchWindow::LengthBatch { rows } => format!("lengthBatch, {rows} rows"),
        BatchWindow::ExternalTimeBatch { time, size_ns, start_ns, timeout_ns } => {
            let timeout = timeout_ns.map(|t| format!(", timeout {}", ns(&t))).unwrap_or_default();
            let time = expr_text(time, schema);
            format!("externalTimeBatch by {time}, size {}{}{timeout}", ns(size_ns), start(start_ns))
        }
        BatchWindow::Batch => "batch of one stamp".to_owned(),
        BatchWindow::Cron { expression } => format!("cron '{expression}'"),
        BatchWindow::ExpressionBatch { condition, include_triggering } => {
            let with = if *include_triggering { ", with the row that ends it" } else { "" };
            format!("expressionBatch while {}{with}", condition_text(condition, schema))
        }
    }
}

/// The window, and what it keeps.
fn sliding_text(window: &SlidingWindow, schema: &Schema) -> (String, String) {
    let ns = |ns: &i64| format_duration(*ns);
    let keyed = |keys: &[Expr]| match keys {
        [] => "the whole row".to_owned(),
        keys => exprs_text(keys, schema),
    };
    match window {
        SlidingWindow::Length { rows } => (format!("length, {rows} rows"), format!("the last {rows} rows")),
        SlidingWindow::Time { size_ns } => {
            (format!("time, size {}", ns(size_ns)), format!("the rows of the last {}", ns(size_ns)))
        }
        SlidingWindow::TimeLength { size_ns, rows } => (
            format!("timeLength, size {}, {rows} rows", ns(size_ns)),
            format!("the last {rows} rows, none older than {}", ns(size_ns)),
        ),
        SlidingWindow::ExternalTime { time, size_ns } => (
            format!("externalTime by {}, size {}", expr_text(time, schema), ns(size_ns)),
            format!("the rows of the last {}", ns(size_ns)),
        ),
        SlidingWindow::Sort { rows, order } => {
            let order = list(order, |key| sort_text(key, schema));
            (format!("sort, first {rows} by {order}"), format!("{rows} rows"))
        }
        SlidingWindow::Unique { keys } => {
            (format!("unique by {}", keyed(keys)), "the last row of each key".to_owned())
        }
        SlidingWindow::FirstUnique { keys } => {
            (format!("firstUnique by {}", keyed(keys)), "the first row of each key".to_owned())
        }
        SlidingWindow::Expression { condition } => (
            format!("expression while {}", condition_text(condition, schema)),
            "the rows for which the condition holds".to_owned(),
        ),
        SlidingWindow::Frequent { counters, keys } => (
            format!("frequent, {counters} counters by {}", keyed(keys)),
            format!("one row for each of {counters} keys"),
        ),
        SlidingWindow::LossyFrequent { support, error, keys } => (
            format!("lossyFrequent, support {support}, error {error} by {}", keyed(keys)),
            "one row for each key above the error".to_owned(),
        ),
    }
}

fn condition_text(condition: &WindowCondition, schema: &Schema) -> String {
    use arrow_schema::Field;
    let WindowCondition { calls, test } = condition;
    let call = |call: &AggCall| Field::new(call_text(call, schema), call.data_type.clone(), true);
    let end = |end: &str| -> Vec<Field> {
        let named = |f: &std::sync::Arc<Field>| f.as_ref().clone().with_name(format!("{end}.{}", f.name()));
        schema.fields().iter().map(named).collect()
    };
    let fields: Vec<Field> = calls.iter().map(call).chain(end("first")).chain(end("last")).collect();
    expr_text(test, &Schema::new(fields))
}

fn kind_text(outer: [bool; 2]) -> &'static str {
    match outer {
        [false, false] => "inner",
        [true, false] => "left",
        [false, true] => "right",
        [true, true] => "full",
    }
}

/// How long a join keeps the rows of a side.
fn kept_text(bound: &JoinBound, side: usize, rows: &Schema) -> String {
    let windows = match bound {
        JoinBound::Windows(windows) => windows,
        JoinBound::Interval { low_ns, high_ns } => {
            let reach = if side == 0 { *high_ns } else { low_ns.saturating_neg() };
            return format!("until the watermark is {} past it", signed_duration(reach));
        }
        JoinBound::AsOf(_) if side == 0 => return "until the watermark is past it".to_owned(),
        JoinBound::AsOf(bound) => {
            let versions = "the latest version of each key that the watermark is past, and those after it";
            return match bound.greatest_age_ns {
                Some(age_ns) => format!("{versions}, for {}", format_duration(age_ns)),
                None => versions.to_owned(),
            };
        }
    };
    match &windows[side] {
        JoinWindow::Passing => "none: its rows pass".to_owned(),
        JoinWindow::Length(count) => format!("the last {count} rows"),
        JoinWindow::Time(size_ns) => format!("rows of {}", format_duration(*size_ns)),
        JoinWindow::TimeLength(size_ns, count) => {
            format!("the last {count} rows of {}", format_duration(*size_ns))
        }
        JoinWindow::ExternalTime { time, size_ns } => {
            format!("rows of {} by {}", format_duration(*size_ns), expr_text(time, rows))
        }
    }
}

/// The ages of a version in force.
fn age_text(bound: AsOfBound) -> String {
    let AsOfBound { least_age_ns, greatest_age_ns } = bound;
    let least = match least_age_ns {
        1 => "more than 0".to_owned(),
        least => format!("at least {}", format_duration(least)),
    };
    let greatest = greatest_age_ns.map(|ns| format!(", at most {}", format_duration(ns))).unwrap_or_default();
    format!("{least}{greatest}; the least of them")
}

fn signed_duration(ns: i64) -> String {
    match ns {
        0.. => format_duration(ns),
        _ => format!("-{}", format_duration(ns.saturating_neg())),
    }
}
