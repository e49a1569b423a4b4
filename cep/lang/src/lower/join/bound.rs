//! How long the rows of a join are kept.

use crate::ast::Span;
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::context::Context;
use crate::lower::from::{is_direct, is_final};
use crate::lower::held::held_by;
use crate::plan::{JoinBound, JoinWindow, LatePolicy};

use super::condition::Found;
use super::refused;
use super::side::Side;

/// The bound of a join, and which sides look for partners.
///
/// # Errors
/// A join that would keep its rows for ever.
pub(super) fn choose(
    context: &Context<'_>,
    sides: &[Side; 2],
    found: &Found,
    span: Span,
) -> Result<(JoinBound, [bool; 2])> {
    let marked = [sides[0].unidirectional, sides[1].unidirectional];
    let triggers = match marked {
        [None, None] => [true, true],
        [Some(_), None] => [true, false],
        [None, Some(_)] => [false, true],
        [Some(_), Some(second)] => {
            return Err(refused(
                "both sides are UNIDIRECTIONAL, so that no row would be kept for the other side",
                "mark the side whose rows look for partners, or none",
                second,
            ));
        }
    };
    if let Some(at) = marked.iter().position(Option::is_some) {
        return Ok((one_way(sides, at)?, triggers));
    }
    if sides.iter().any(|side| side.window.is_some()) {
        let windows = [window(&sides[0], &sides[1])?, window(&sides[1], &sides[0])?];
        return Ok((JoinBound::Windows(windows), triggers));
    }
    if let (Some(low_ns), Some(high_ns)) = (found.difference.low, found.difference.high) {
        if low_ns > high_ns {
            return Err(refused(
                "no two rows can be so far apart: the bounds of time contradict each other",
                "write the earlier bound first: b.ts BETWEEN a.ts - INTERVAL '5' SECOND AND a.ts + INTERVAL '10' SECOND",
                span,
            ));
        }
        check_event_time(context, sides, span)?;
        return Ok((JoinBound::Interval { low_ns, high_ns }, triggers));
    }
    match (sides[0].limits.ttl_ns, sides[1].limits.ttl_ns) {
        (Some(left), Some(right)) => {
            Ok((JoinBound::Windows([JoinWindow::Time(left), JoinWindow::Time(right)]), triggers))
        }
        _ => Err(unbounded(sides, found, span)),
    }
}

/// One side's rows pass, the other side's are kept.
fn one_way(sides: &[Side; 2], passing: usize) -> Result<JoinBound> {
    let (passes, keeps) = (&sides[passing], &sides[1 - passing]);
    if passes.window.is_some() {
        return Err(refused(
            "rows of the UNIDIRECTIONAL side look for partners when they arrive and are not kept, so a window has no effect on them",
            "leave its window out, or leave out UNIDIRECTIONAL",
            passes.span,
        ));
    }
    let kept = match (&keeps.window, keeps.limits.ttl_ns) {
        (Some(window), _) => window.clone(),
        (None, Some(ttl_ns)) => JoinWindow::Time(ttl_ns),
        (None, None) => {
            return Err(refused(
                format!("the rows of {} would be kept for ever", keeps.name()),
                "give it a window: a UNIDIRECTIONAL JOIN b WINDOW TIME (10 SECONDS) ON …; or set \"state.ttl\" on its stream",
                keeps.span,
            ));
        }
    };
    let mut windows = [JoinWindow::Passing, JoinWindow::Passing];
    windows[1 - passing] = kept;
    Ok(JoinBound::Windows(windows))
}

/// The window of `side`, when `other` has one.
fn window(side: &Side, other: &Side) -> Result<JoinWindow> {
    if let Some(window) = &side.window {
        return Ok(window.clone());
    }
    if let Some(ttl_ns) = side.limits.ttl_ns {
        return Ok(JoinWindow::Time(ttl_ns));
    }
    let help = if side.sources.len() > 1 {
        "give the inner join a window as a query of its own: FROM (SELECT … FROM a … JOIN b …) AS ab WINDOW TIME (10 SECONDS) JOIN c WINDOW …"
    } else {
        "give it one as well; or mark it UNIDIRECTIONAL, then its rows look for partners when they arrive and are not kept"
    };
    let message = format!("{} has a window and the other side has none", other.name());
    Err(refused(message, help, side.span))
}

/// Event time must come in time, and late rows have a place to go.
pub(super) fn check_event_time(context: &Context<'_>, sides: &[Side; 2], span: Span) -> Result<()> {
    for side in sides {
        if let Some(what) = held_by(&side.node, context.catalog) {
            let message = format!(
                "{what} keeps rows back until the watermark has passed them; a join by event time would leave them out as late"
            );
            let help = "give the rows a stream with an event time of its own: CREATE STREAM d WITH (\"event.time\" = 'ts') AS SELECT …";
            return Err(Box::new(Diagnostic::at(codes::WINDOW_TIME, side.span, message).help(help)));
        }
        for id in side.node.scans() {
            let entry = context.catalog.stream(id);
            let name = &entry.stream.name;
            if entry.stream.time.late_policy == LatePolicy::Retract {
                let message = format!("a join cannot be corrected by late rows, and `{name}` asks for it");
                let help = "set late.policy = 'drop' on the stream";
                return Err(Box::new(Diagnostic::at(codes::LATE_POLICY, span, message).help(help)));
            }
            if entry.has_late_stream && !is_direct(&side.node) && !is_final(&side.node) {
                let message = format!(
                    "late rows of `{name}` go to another stream as they came, so a join by event time must stand directly on it"
                );
                let help = "join the stream itself, filters allowed, and project behind the join";
                return Err(Box::new(Diagnostic::at(codes::LATE_POLICY, side.span, message).help(help)));
            }
        }
    }
    Ok(())
}

fn unbounded(sides: &[Side; 2], found: &Found, span: Span) -> Box<Diagnostic> {
    let has_times = sides.iter().all(|side| !side.times.is_empty());
    let message = match (found.difference.low, found.difference.high) {
        (Some(_), None) => {
            "the join would keep its rows for ever: it says how much earlier a row of the right side may be, but not how much later"
        }
        (None, Some(_)) => {
            "the join would keep its rows for ever: it says how much later a row of the right side may be, but not how much earlier"
        }
        _ => "the join would keep the rows of both sides for ever",
    };
    let (left, right) = (sides[0].name(), sides[1].name());
    let help = if has_times {
        format!(
            "bound the time: AND {right}.ts BETWEEN {left}.ts - INTERVAL '5' SECOND AND {left}.ts + INTERVAL '10' SECOND; or keep a window of each side: {left} WINDOW TIME (10 SECONDS) JOIN {right} WINDOW TIME (10 SECONDS) ON …; or set \"state.ttl\" on both streams"
        )
    } else {
        format!(
            "keep a window of each side: {left} WINDOW TIME (10 SECONDS) JOIN {right} WINDOW TIME (10 SECONDS) ON …; or set \"state.ttl\" on both streams; with \"event.time\" on both streams the time can be bounded in ON"
        )
    };
    Box::new(Diagnostic::at(codes::JOIN, span, message).help(help))
}
