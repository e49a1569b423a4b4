//! FROM: a stream, view, common table expression, aggregation or derived query, filtered before
//! its window, and the window.

use crate::ast::{Name, Relation as Written, RelationSource, Span, Window, WindowKind, WithinPer};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{AggregationRange, Changelog, LatePolicy, Node, Probe, ReadOf, TableLook};

use super::catalog::{Catalog, Object};
use super::columns::{Columns, WINDOW_COLUMNS, with_window_columns};
use super::context::Context;
use super::held::held_by;
use super::join;
use super::pattern;
use super::query::{self, Ctes, renamed};
use super::relation::{Edge, FilterClause, Flow, OpenRead, OpenSliding, OpenWindow, Relation, StateLimits};
use super::sqlast::Scope;
use super::window::{self, Kind};
use super::within;

/// The name that qualifies the relation's columns.
pub(crate) fn qualifier(written: &Written) -> Option<&str> {
    match (&written.alias, &written.source) {
        (Some(alias), _) => Some(&alias.text),
        (None, RelationSource::Name(name)) => Some(&name.text),
        (None, RelationSource::Derived(_) | RelationSource::Pattern(_) | RelationSource::Recognize(_)) => {
            None
        }
    }
}

/// Lowers the only relation of a FROM.
///
/// # Errors
/// Unknown names, windows that do not fit their input.
pub(crate) fn lower(context: &Context<'_>, written: &Written, ctes: &Ctes<'_>) -> Result<Relation> {
    match written.unidirectional {
        Some(span) => Err(join::no_sides(span)),
        None => lower_side(context, written, ctes),
    }
}

/// Lowers a relation of FROM, which may be a side of a join.
///
/// # Errors
/// As [`lower`].
pub(crate) fn lower_side(context: &Context<'_>, written: &Written, ctes: &Ctes<'_>) -> Result<Relation> {
    let Written {
        source,
        pre_filter,
        window,
        within_per,
        as_of,
        unidirectional: _,
        alias: _,
        alias_columns,
        span,
    } = written;
    if let Some(as_of) = as_of {
        return Err(join::no_versions(as_of));
    }
    let relation = match source {
        RelationSource::Name(name) => named(context, name, within_per.as_ref(), ctes)?,
        RelationSource::Derived(derived) => {
            if let Some(within) = within_per {
                return Err(no_aggregation("this query", within));
            }
            query::lower(context, &derived.query, ctes)?
        }
        RelationSource::Recognize(recognize) => {
            if let Some(within) = within_per {
                return Err(no_aggregation("MATCH_RECOGNIZE", within));
            }
            pattern::recognize(context, recognize, ctes)?
        }
        // A SELECT over a pattern alone is lowered with it.
        RelationSource::Pattern(source) => {
            let message = "a pattern is no side of a join";
            let help =
                "put it into a query of its own: FROM (SELECT e1.k AS k, … FROM PATTERN (…)) AS m JOIN …";
            return Err(Box::new(Diagnostic::at(codes::JOIN, source.span, message).help(help)));
        }
    };
    let mut relation = renamed(relation, alias_columns, *span)?;
    if let Flow::Once(_) = relation.flow {
        let message = "a SELECT without FROM is one row, not a stream";
        let help = "write its values where they are used";
        return Err(Box::new(Diagnostic::at(codes::NO_INPUT, *span, message).help(help)));
    }
    if let Some(filter) = pre_filter {
        let schema = relation.schema.clone();
        let scope = Scope::of(qualifier(written), &schema, context.registry());
        let predicate = context.condition(filter, &scope, &Columns::named(&schema))?;
        let place = predicate.span;
        relation = relation
            .filter(predicate, FilterClause::Where)
            .map_err(|failure| failure.boxed(place.or(Some(*span))))?;
    }
    match window {
        None => Ok(relation),
        Some(window) => windowed(context, relation, window, written),
    }
}

pub(super) fn named(
    context: &Context<'_>,
    name: &Name,
    within: Option<&WithinPer>,
    ctes: &Ctes<'_>,
) -> Result<Relation> {
    let catalog = context.catalog;
    if let Some(cte) = ctes.find(&name.text) {
        return match within {
            None => Ok(cte.clone()),
            Some(within) => Err(no_aggregation(&format!("`{}`", name.text), within)),
        };
    }
    let object = catalog.get(name)?;
    context.uses(&name.text);
    if let (Object::Stream(_) | Object::View(_) | Object::Table(_), Some(within)) = (object, within) {
        return Err(no_aggregation(&format!("`{}`", catalog.name(object)), within));
    }
    match object {
        Object::Stream(at) => Ok(stream(catalog, at)),
        Object::View(at) => Ok(catalog.views[at].relation.clone()),
        Object::Aggregation(at) => aggregation(context, at, name, within),
        Object::Table(at) => Ok(table(catalog, at)),
    }
}

/// The rows that a table has when it is asked.
fn table(catalog: &Catalog, at: usize) -> Relation {
    let table = &catalog.tables[at].table;
    // How its rows are found is known when the conditions are.
    let look = TableLook { table: table.id, probe: Probe::Scan, now_ns: None };
    Relation {
        flow: Flow::Read(Box::new(OpenRead { of: ReadOf::Table(look), ops: Vec::new() })),
        schema: table.schema.clone(),
        times: Vec::new(),
        changelog: Changelog::Append,
        limits: StateLimits::default(),
    }
}

fn stream(catalog: &Catalog, at: usize) -> Relation {
    let entry = &catalog.streams[at];
    let node = Node::Scan { stream: entry.stream.id, schema: entry.stream.schema.clone() };
    let limits = catalog.limits(&node);
    Relation::stream(node, entry.times.clone(), entry.stream.changelog, limits)
}

fn aggregation(
    context: &Context<'_>,
    at: usize,
    name: &Name,
    within: Option<&WithinPer>,
) -> Result<Relation> {
    let entry = &context.catalog.aggregations[at];
    let Some(within) = within else {
        let message = format!("`{}` is an aggregation and answers for a time and a grain", name.text);
        let help = format!("write FROM {} WITHIN '2024-05-** **:**:**' PER 'days'", name.text);
        return Err(Box::new(Diagnostic::at(codes::GRAIN, name.span, message).help(help)));
    };
    let grains = &entry.aggregation.grains;
    if !within::is_kept(grains, within.per) {
        let kept: Vec<&str> = grains.iter().map(|grain| within::grain_text(*grain)).collect();
        let message = format!("`{}` keeps no {}", name.text, within::grain_text(within.per));
        let help = format!("it keeps {}", kept.join(", "));
        return Err(Box::new(Diagnostic::at(codes::GRAIN, within.span, message).help(help)));
    }
    let (from_ns, to_ns) = within::range(context, within, entry.aggregation.zone)?;
    let range = AggregationRange { aggregation: at, from_ns, to_ns, per: within.per };
    let open = OpenRead { of: ReadOf::Aggregation(range), ops: Vec::new() };
    Ok(Relation {
        flow: Flow::Read(Box::new(open)),
        schema: entry.aggregation.output.clone(),
        times: Vec::new(),
        changelog: Changelog::Append,
        limits: entry.limits,
    })
}

fn no_aggregation(what: &str, within: &WithinPer) -> Box<Diagnostic> {
    let message = format!("{what} is no aggregation, so it takes no WITHIN … PER …");
    let help = "filter by time with WHERE, or put a window on the stream: WINDOW TUMBLING (SIZE 1 HOUR)";
    Box::new(Diagnostic::at(codes::WRONG_KIND, within.span, message).help(help))
}

fn windowed(
    context: &Context<'_>,
    relation: Relation,
    window: &Window,
    written: &Written,
) -> Result<Relation> {
    let limits = relation.limits;
    let (input, times, changelog) = query::closed(relation, window.span)?;
    if changelog != Changelog::Append {
        let message = "a window cannot take rows that are replaced or taken back later";
        let help = "put the window on the stream below, before the GROUP BY";
        return Err(Box::new(Diagnostic::at(codes::CHANGELOG, window.span, message).help(help)));
    }
    let retract = retracts(context.catalog, &input);
    let schema = input.schema().clone();
    let builder = window::Builder { context, schema: &schema, times: &times, qualifier: qualifier(written) };
    let kind = builder.window(window)?;
    check_late(context, &input, &kind, window)?;
    let flow = match kind {
        Kind::Delay(delay_ns) => {
            // Its rows are older than the watermark behind it.
            let node = Node::Delay { input: Box::new(input), delay_ns };
            return Ok(Relation::stream(node, Vec::new(), changelog, limits));
        }
        Kind::Sliding(kind) => {
            let flow = Flow::Sliding(Box::new(OpenSliding { input, window: kind }));
            return Ok(Relation { flow, schema, times, changelog, limits });
        }
        Kind::Batch(kind) => {
            let width = schema.fields().len();
            let edges = vec![Edge { column: width, is_end: false }, Edge { column: width + 1, is_end: true }];
            let span = window.span;
            Flow::Window(Box::new(OpenWindow { input, window: kind, ops: Vec::new(), edges, retract, span }))
        }
    };
    if let Some(taken) =
        schema.fields().iter().find(|f| WINDOW_COLUMNS.iter().any(|c| c.eq_ignore_ascii_case(f.name())))
    {
        let message = format!("the input has a column `{}` already, and the window adds one", taken.name());
        let help =
            format!("rename it below the window: SELECT {} AS inner_{}, …", taken.name(), taken.name());
        return Err(Box::new(Diagnostic::at(codes::COLUMN_TWICE, window.span, message).help(help)));
    }
    Ok(Relation { flow, schema: with_window_columns(&schema), times, changelog, limits })
}

/// Whether one of the streams read corrects results by late rows.
fn retracts(catalog: &Catalog, input: &Node) -> bool {
    input.scans().iter().any(|id| catalog.stream(*id).stream.time.late_policy == LatePolicy::Retract)
}

/// A stream's late policy holds for the windows directly on it. Sessions are not corrected: a late
/// row could join two that were given.
fn check_late(context: &Context<'_>, input: &Node, kind: &Kind, window: &Window) -> Result<()> {
    let by_event_time = matches!(
        window.kind,
        WindowKind::Tumbling { .. }
            | WindowKind::Hop { .. }
            | WindowKind::Cumulate { .. }
            | WindowKind::Session { .. }
    );
    if by_event_time && let Some(what) = held_by(input, context.catalog) {
        let message = format!(
            "{what} keeps rows back until the watermark has passed them; this window would drop them as late"
        );
        let help = "put the window below, or give the rows a stream with an event time of its own: CREATE STREAM d WITH (\"event.time\" = 'ts') AS SELECT …";
        return Err(Box::new(Diagnostic::at(codes::WINDOW_TIME, window.span, message).help(help)));
    }
    let is_session = matches!(window.kind, WindowKind::Session { .. });
    for id in input.scans() {
        let entry = context.catalog.stream(id);
        let stream = &entry.stream;
        if stream.time.late_policy == LatePolicy::Retract && (!by_event_time || is_session) {
            let what = match kind {
                _ if is_session => "a session",
                Kind::Sliding(_) => "a sliding window",
                Kind::Batch(_) | Kind::Delay(_) => "a window that is not closed by event time",
            };
            let message =
                format!("{what} cannot be corrected by late rows, and `{}` asks for it", stream.name);
            let help = "use TUMBLING, HOP or CUMULATE, or late.policy = 'drop'";
            return Err(Box::new(Diagnostic::at(codes::LATE_POLICY, window.span, message).help(help)));
        }
        if entry.has_late_stream && by_event_time && !is_direct(input) {
            let message = format!(
                "late rows of `{}` go to another stream as they came, so its window must stand directly on it",
                stream.name
            );
            let help = "put the window on the stream itself, filters allowed, and project behind it";
            return Err(Box::new(Diagnostic::at(codes::LATE_POLICY, window.span, message).help(help)));
        }
    }
    Ok(())
}

/// A stream's late stream takes the late rows of an OVER in event-time order as they came.
///
/// # Errors
/// Rows that are not the stream's own any more, and may yet be late.
pub(crate) fn check_late_order(context: &Context<'_>, input: &Node, what: &str, span: Span) -> Result<()> {
    for id in input.scans() {
        let entry = context.catalog.stream(id);
        if entry.has_late_stream && !is_direct(input) && !is_final(input) {
            let message = format!(
                "late rows of `{}` go to another stream as they came, so {what} in order of event time must stand directly on it",
                entry.stream.name
            );
            let help = "put it on the stream itself, filters allowed, and project behind it; or leave out its ORDER BY";
            return Err(Box::new(Diagnostic::at(codes::LATE_POLICY, span, message).help(help)));
        }
    }
    Ok(())
}

/// Rows that the watermark has not passed when they come: none of them is late.
pub(crate) fn is_final(node: &Node) -> bool {
    match node {
        Node::Window(_) => true,
        Node::Join(join) => join.bound.is_by_event_time(),
        Node::Over(over) => over.event_time_order,
        Node::Filter { input, predicate: _ } | Node::Project { input, .. } => is_final(input),
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

/// A scan under filters only.
pub(crate) fn is_direct(node: &Node) -> bool {
    match node {
        Node::Scan { .. } => true,
        Node::Filter { input, predicate: _ } => is_direct(input),
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
