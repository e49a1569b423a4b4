//! PATTERN and SEQUENCE: elements over streams.

use std::collections::BTreeSet;

use crate::ast::{Name, PatternExpr, PatternExprKind, PatternKind, PatternSource, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{AfterMatch, ElementId, Matching, Pattern, PatternElement, PatternOrder, Within};

use super::super::context::Context;
use super::super::error::Failure;
use super::super::from;
use super::super::query::Ctes;
use super::super::sqlast::SqlExpr;
use super::clauses;
use super::elements::{Element, Elements};
use super::input::{Input, Source, input};
use super::shape::{Shaper, is_timed, seen_before};
use super::sheet::{About, Sheet, Surface};

/// A pattern without its output.
pub(super) struct Found {
    pub(super) input: Input,
    pub(super) elements: Elements,
    pub(super) planned: Vec<PatternElement>,
    pub(super) pattern: Pattern,
    pub(super) matching: Matching,
    pub(super) order: PatternOrder,
    pub(super) skip: AfterMatch,
    pub(super) within: Vec<Within>,
    pub(super) timed_out: bool,
    pub(super) span: Span,
}

/// One element as it was written.
struct Written<'a> {
    alias: Option<&'a Name>,
    stream: &'a Name,
    filter: Option<&'a SqlExpr>,
    is_absent: bool,
}

/// Lowers what is to be found.
///
/// # Errors
/// Unknown streams and names, parts that do not fit together.
pub(super) fn lower(context: &Context<'_>, written: &PatternSource, ctes: &Ctes<'_>) -> Result<Found> {
    let PatternSource { kind, shape, within, partition_by, order_by, skip, timed_out, span } = written;
    let mut parts = Vec::new();
    collect(shape, false, &mut parts);
    let (sources, source_of) = sources(context, &parts, ctes)?;
    let mut elements = named_elements(&parts, &sources, &source_of)?;
    let time = sources[0].times.first().map(|time| sources[0].schema.field(*time).name().clone());
    let is_common_time: Vec<String> = sources[0]
        .times
        .iter()
        .map(|time| sources[0].schema.field(*time).name().clone())
        .filter(|name| sources.iter().all(|source| source.is_time(name)))
        .collect();
    let input = input(context, sources, partition_by)?;
    for (element, source) in elements.list.iter_mut().zip(&source_of) {
        element.columns.clone_from(&input.columns[*source]);
        element.tag = input.tag.map(|_| i32::try_from(*source).expect("streams are few"));
    }
    let mut pattern = Shaper::of_source(*kind).shape(shape)?;
    let mut bounds = clauses::within(within)?;
    // WITHIN at the end of the brackets is that of the whole.
    if let Pattern::Bounded { body, within } = pattern {
        bounds.extend(within);
        pattern = *body;
    }
    let timed_out = check_timed_out(timed_out.as_ref(), &pattern, &bounds)?;
    let is_time = |name: &str| is_common_time.iter().any(|time| time.eq_ignore_ascii_case(name));
    let order = clauses::order(context, order_by, &is_time, time.as_deref(), &input.node, *span)?;
    let skip = clauses::skip(skip.as_ref(), &elements, AfterMatch::Overlap)?;
    let seen = seen_before(&pattern, parts.len());
    let planned = conditions(context, &parts, &elements, &input, &seen)?;
    let matching = match kind {
        PatternKind::Pattern => Matching::Followed,
        PatternKind::Sequence => Matching::Contiguous,
    };
    Ok(Found {
        input,
        elements,
        planned,
        pattern,
        matching,
        order,
        skip,
        within: bounds,
        timed_out,
        span: *span,
    })
}

fn collect<'a>(shape: &'a PatternExpr, is_absent: bool, out: &mut Vec<Written<'a>>) {
    match &shape.kind {
        PatternExprKind::Stream { alias, stream, filter } => {
            out.push(Written { alias: alias.as_ref(), stream, filter: filter.as_ref(), is_absent });
        }
        PatternExprKind::Then(parts)
        | PatternExprKind::Or(parts)
        | PatternExprKind::And(parts)
        | PatternExprKind::Permute(parts) => parts.iter().for_each(|part| collect(part, is_absent, out)),
        PatternExprKind::Not { body, length: _ } => collect(body, true, out),
        PatternExprKind::Repeat { body, .. }
        | PatternExprKind::Every(body)
        | PatternExprKind::Within { body, .. }
        | PatternExprKind::Exclude(body) => collect(body, is_absent, out),
        PatternExprKind::Variable(_)
        | PatternExprKind::Start
        | PatternExprKind::End
        | PatternExprKind::Empty => {}
    }
}

/// The distinct streams, and which of them each element is of.
fn sources(
    context: &Context<'_>,
    parts: &[Written<'_>],
    ctes: &Ctes<'_>,
) -> Result<(Vec<Source>, Vec<usize>)> {
    let mut sources: Vec<Source> = Vec::new();
    let mut source_of = Vec::with_capacity(parts.len());
    for part in parts {
        let known = sources.iter().position(|source| source.name.matches(&part.stream.text));
        let at = match known {
            Some(at) => at,
            None => {
                let relation = from::named(context, part.stream, None, ctes)?;
                sources.push(Source::new(part.stream.clone(), relation, part.stream.span)?);
                sources.len() - 1
            }
        };
        source_of.push(at);
    }
    Ok((sources, source_of))
}

/// The elements with their names, which must differ.
fn named_elements(parts: &[Written<'_>], sources: &[Source], source_of: &[usize]) -> Result<Elements> {
    let mut elements = Elements::default();
    for (part, source) in parts.iter().zip(source_of) {
        if let Some(alias) = part.alias {
            let stream_too =
                parts.iter().any(|p| p.alias.is_none() && !p.is_absent && p.stream.matches(&alias.text));
            if elements.by_alias(&alias.text).is_some() || stream_too {
                let message = format!("two elements are called `{}`", alias.text);
                return Err(Box::new(
                    Diagnostic::at(codes::PATTERN_NAME, alias.span, message)
                        .help("give one of them another name"),
                ));
            }
        }
        let base = part.alias.unwrap_or(part.stream).text.clone();
        // What has no rows is not referred to, so its name gives way.
        let base = if part.is_absent { format!("not_{base}") } else { base };
        let taken = |name: &str| elements.list.iter().any(|e: &Element| e.name.eq_ignore_ascii_case(name));
        let name = match taken(&base) {
            false => base,
            true => (2..).map(|n| format!("{base}_{n}")).find(|n| !taken(n)).expect("one number is free"),
        };
        elements.list.push(Element {
            name,
            alias: part.alias.map(|alias| alias.text.clone()),
            stream: Some(part.stream.text.clone()),
            schema: sources[*source].schema.clone(),
            columns: Vec::new(),
            tag: None,
            is_absent: part.is_absent,
        });
    }
    Ok(elements)
}

fn check_timed_out(written: Option<&Span>, pattern: &Pattern, bounds: &[Within]) -> Result<bool> {
    let Some(span) = written else {
        return Ok(false);
    };
    if is_timed(pattern, bounds) {
        return Ok(true);
    }
    let message = "no partial match ever times out: nothing bounds its time";
    Err(Box::new(
        Diagnostic::at(codes::PATTERN_BOUND, *span, message).help("write WITHIN 1 MINUTE behind the pattern"),
    ))
}

/// The conditions of all elements.
fn conditions(
    context: &Context<'_>,
    parts: &[Written<'_>],
    elements: &Elements,
    input: &Input,
    seen: &[BTreeSet<ElementId>],
) -> Result<Vec<PatternElement>> {
    let surface = Surface::Source { timed_out: false };
    let schema = input.node.schema();
    let about = About { context, elements, input: schema, seen: Some(seen), surface, limits: input.limits };
    let mut planned = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let element = &elements.list[at];
        let condition =
            part.filter.map(|filter| Sheet::condition(about, ElementId(at), filter)).transpose()?;
        planned.push(PatternElement { name: element.name.clone(), tag: element.tag, condition });
    }
    Ok(planned)
}

/// The error for a clause that cannot stand over a pattern.
pub(super) fn refused(message: &str, help: &str, span: Span) -> Box<Diagnostic> {
    Failure::new(codes::CLAUSE, message, help).boxed(Some(span))
}
