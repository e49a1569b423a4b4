//! What is joined: a stream, with its window.

use crate::ast::{Relation as Written, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::columns::{WINDOW_COLUMNS, schema_of};
use crate::lower::context::Context;
use crate::lower::query::{self, Ctes};
use crate::lower::relation::{Flow, OpenWindow, StateLimits};
use crate::lower::{catalog, from};
use crate::plan::{Changelog, JoinWindow, Node, SlidingWindow};

use super::names::Source;
use super::span_of_time::TimeColumn;
use super::{Joined, refused};

/// One side of a join.
#[derive(Debug)]
pub(super) struct Side {
    /// Rows.
    pub node: Node,
    /// Whose columns they have.
    pub sources: Vec<Source>,
    /// Columns whose distance to the rows' event time is bounded.
    pub times: Vec<TimeColumn>,
    /// The window it was written with.
    pub window: Option<JoinWindow>,
    /// The window that emits when it closes it was written with.
    pub batch: Option<OpenWindow>,
    /// Where UNIDIRECTIONAL was written.
    pub unidirectional: Option<Span>,
    /// Limits of the streams below.
    pub limits: StateLimits,
    /// Where it was written.
    pub span: Span,
}

impl Side {
    /// The name to call it by in messages.
    pub(super) fn name(&self) -> &str {
        match self.sources.as_slice() {
            [Source { qualifier: Some(name), .. }] => name,
            _ => "it",
        }
    }
}

/// Lowers a relation of FROM as a side; `sources` counts them.
pub(super) fn lower(
    context: &Context<'_>,
    written: &Written,
    ctes: &Ctes<'_>,
    sources: &mut usize,
) -> Result<Side> {
    let (side, changelog) = lower_any(context, written, ctes, sources)?;
    if changelog != Changelog::Append {
        let kind = catalog::changelog_text(changelog);
        let message = format!(
            "a join takes rows that are new facts, and these are {kind} rows, which are replaced or taken back later"
        );
        let help = "put a window below the join, then its results are final: (SELECT … FROM s WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY …) AS x; or join the row in force at a time: JOIN x FOR SYSTEM_TIME AS OF a.ts";
        return Err(Box::new(Diagnostic::at(codes::CHANGELOG, written.span, message).help(help)));
    }
    Ok(side)
}

/// Lowers a relation of FROM whose rows are versions: new facts, or rows that replace each other.
pub(super) fn lower_versions(
    context: &Context<'_>,
    written: &Written,
    ctes: &Ctes<'_>,
    sources: &mut usize,
) -> Result<(Side, Changelog)> {
    let (side, changelog) = lower_any(context, written, ctes, sources)?;
    if changelog == Changelog::Retract {
        let message = "versions are replaced by later ones, and these rows are taken back by corrections";
        let help = "set late.policy = 'drop' on the stream below";
        return Err(Box::new(Diagnostic::at(codes::CHANGELOG, written.span, message).help(help)));
    }
    Ok((side, changelog))
}

fn lower_any(
    context: &Context<'_>,
    written: &Written,
    ctes: &Ctes<'_>,
    sources: &mut usize,
) -> Result<(Side, Changelog)> {
    let relation = from::lower_side(context, written, ctes)?;
    let limits = relation.limits;
    let mut schema = relation.schema.clone();
    let mut batch = None;
    let own_times = relation.times.clone();
    let (node, times, changelog, window) = match relation.flow {
        Flow::Sliding(open) => {
            let window = sliding(&open.window, written)?;
            (open.input, own_times, relation.changelog, Some(window))
        }
        Flow::Window(open) if written.window.is_some() => {
            let width = schema.fields().len() - WINDOW_COLUMNS.len();
            schema = schema_of(schema.fields().iter().take(width).cloned().collect::<Vec<_>>());
            let node = open.input.clone();
            batch = Some(*open);
            (node, Vec::new(), relation.changelog, None)
        }
        _ => {
            let (node, times, changelog) = query::closed(relation, written.span)?;
            (node, times, changelog, None)
        }
    };
    let source = Source::new(from::qualifier(written), &schema, *sources);
    *sources += 1;
    let side = Side {
        node,
        sources: vec![source],
        times: times.into_iter().map(TimeColumn::exact).collect(),
        window,
        batch,
        unidirectional: written.unidirectional,
        limits,
        span: written.span,
    };
    Ok((side, changelog))
}

/// A join as a side of another one.
pub(super) fn of_join(joined: Joined, span: Span) -> Result<Side> {
    let Joined { relation, sources, times } = joined;
    let limits = relation.limits;
    let (node, _, _) = query::closed(relation, span)?;
    Ok(Side { node, sources, times, window: None, batch: None, unidirectional: None, limits, span })
}

fn sliding(window: &SlidingWindow, written: &Written) -> Result<JoinWindow> {
    let name = match window {
        SlidingWindow::Length { rows } => return Ok(JoinWindow::Length(*rows)),
        SlidingWindow::Time { size_ns } => return Ok(JoinWindow::Time(*size_ns)),
        SlidingWindow::TimeLength { size_ns, rows } => return Ok(JoinWindow::TimeLength(*size_ns, *rows)),
        SlidingWindow::ExternalTime { time, size_ns } => {
            return Ok(JoinWindow::ExternalTime { time: time.clone(), size_ns: *size_ns });
        }
        SlidingWindow::Sort { .. } => "SORT",
        SlidingWindow::Unique { .. } => "UNIQUE",
        SlidingWindow::FirstUnique { .. } => "FIRSTUNIQUE",
        SlidingWindow::Expression { .. } => "EXPRESSION",
        SlidingWindow::Frequent { .. } => "FREQUENT",
        SlidingWindow::LossyFrequent { .. } => "LOSSYFREQUENT",
    };
    let span = written.window.as_ref().map_or(written.span, |window| window.span);
    Err(refused(
        format!("a side of a join cannot have a {name} window"),
        "use TIME, LENGTH, TIMELENGTH or EXTERNALTIME",
        span,
    ))
}
