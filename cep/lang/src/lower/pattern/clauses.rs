//! WITHIN, AFTER MATCH SKIP, ORDER BY and the limits of partial matches.

use cep_types::options::RunsOver;

use crate::ast::{Name, SkipKind, SkipTo, Span, WithinBound, WithinKind};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{AfterMatch, ElementId, LatePolicy, Node, OverBound, PatternOrder, Within};

use super::super::context::Context;
use super::super::from::check_late_order;
use super::super::held::held_by;
use super::super::sqlast::{SqlOrderBy, ordering, span_of, text_of};
use super::super::window::fixed_ns;
use super::elements::Elements;

/// Bounds as the plan has them.
pub(super) fn within(bounds: &[WithinBound]) -> Result<Vec<Within>> {
    bounds
        .iter()
        .map(|WithinBound { kind, span }| {
            Ok(match kind {
                WithinKind::Time(length) => Within::Time(fixed_ns(*length, *span)?),
                WithinKind::Step(length) => Within::Step(fixed_ns(*length, *span)?),
                WithinKind::Events(rows) => Within::Events(*rows),
            })
        })
        .collect()
}

/// Where the next match may begin; `default` when nothing was written.
pub(super) fn skip(written: Option<&SkipTo>, elements: &Elements, default: AfterMatch) -> Result<AfterMatch> {
    let Some(SkipTo { kind, span: _ }) = written else {
        return Ok(default);
    };
    Ok(match kind {
        SkipKind::PastLastRow => AfterMatch::PastLastRow,
        SkipKind::ToNextRow => AfterMatch::ToNextRow,
        SkipKind::ToFirst(name) => AfterMatch::ToFirst(target(name, elements)?),
        SkipKind::ToLast(name) => AfterMatch::ToLast(target(name, elements)?),
    })
}

fn target(name: &Name, elements: &Elements) -> Result<Vec<ElementId>> {
    let of = elements.named(&name.text, None).map_err(|failure| {
        let mut error = failure.boxed(Some(name.span));
        error.code = codes::PATTERN_SKIP;
        error
    })?;
    if let Some(absent) = of.iter().find(|id| elements.get(**id).is_absent) {
        let message = format!("`{}` is behind NOT and has no rows", elements.get(*absent).name);
        return Err(Box::new(
            Diagnostic::at(codes::PATTERN_SKIP, name.span, message).help("skip to another element"),
        ));
    }
    Ok(of)
}

/// The order of `input`, whose columns `times` are its event time.
pub(super) fn order(
    context: &Context<'_>,
    order_by: &[SqlOrderBy],
    is_time: &dyn Fn(&str) -> bool,
    time: Option<&str>,
    input: &Node,
    span: Span,
) -> Result<PatternOrder> {
    let Some(first) = order_by.first() else {
        return Ok(PatternOrder::Log);
    };
    let place = |item: &SqlOrderBy| context.places.at(span_of(&item.expr)).unwrap_or(span);
    let item = ordering(first);
    let name = text_of(&item.expr);
    let help = match time {
        Some(time) => format!("write ORDER BY {time}, or leave it out to take rows as they stand in the log"),
        None => "leave it out to take rows as they stand in the log, or set \"event.time\" on the stream"
            .to_owned(),
    };
    if item.descending || !is_time(name.trim_matches(['"', '`'])) {
        let message = "a pattern is ordered by the event time of its rows, ascending";
        return Err(Box::new(Diagnostic::at(codes::PATTERN_ORDER, place(first), message).help(help)));
    }
    if let Some(second) = order_by.get(1) {
        let message = "rows of one event time keep the order of the log; no other column orders them";
        let help = "leave out what stands behind the event time";
        return Err(Box::new(Diagnostic::at(codes::PATTERN_ORDER, place(second), message).help(help)));
    }
    check_late(context, input, place(first))?;
    Ok(PatternOrder::EventTime)
}

/// Rows in order of event time must come with the watermark, and late ones go nowhere else.
fn check_late(context: &Context<'_>, input: &Node, span: Span) -> Result<()> {
    if let Some(what) = held_by(input, context.catalog) {
        let message = format!(
            "{what} keeps rows back until the watermark has passed them; a pattern in order of event time would drop them as late"
        );
        let help = "leave out ORDER BY, or give the rows a stream with an event time of its own: CREATE STREAM d WITH (\"event.time\" = 'ts') AS SELECT …";
        return Err(Box::new(Diagnostic::at(codes::PATTERN_ORDER, span, message).help(help)));
    }
    for id in input.scans() {
        let stream = &context.catalog.stream(id).stream;
        if stream.time.late_policy == LatePolicy::Retract {
            let message =
                format!("matches cannot be corrected by late rows, and `{}` asks for it", stream.name);
            let help = "leave out ORDER BY, or use late.policy = 'drop'";
            return Err(Box::new(Diagnostic::at(codes::LATE_POLICY, span, message).help(help)));
        }
    }
    check_late_order(context, input, "a pattern", span)
}

/// What is done with one partial match too many.
pub(super) fn over_bound(over: RunsOver) -> OverBound {
    match over {
        RunsOver::Reject => OverBound::Reject,
        RunsOver::EvictOldest => OverBound::EvictOldest,
        RunsOver::Fail => OverBound::Fail,
    }
}
