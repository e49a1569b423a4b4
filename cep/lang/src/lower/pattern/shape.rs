//! What is to be found: from the statement's tree to the plan's, and the checks of its form.

use std::collections::BTreeSet;

use crate::ast::{PatternExpr, PatternExprKind, PatternKind, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::plan::{ElementId, MatchRows, Matching, Pattern, PatternNode, Within};

use super::super::window::fixed_ns;
use super::clauses::within;

/// Longest PERMUTE.
const PERMUTE_MAX: usize = 8;

/// Turns the parts of a pattern into the plan's. Elements of PATTERN are numbered in order of appearance.
pub(super) struct Shaper<'a> {
    /// Where PATTERN and SEQUENCE differ; `None`: MATCH_RECOGNIZE.
    kind: Option<PatternKind>,
    /// The variables of MATCH_RECOGNIZE by name, folded.
    variables: &'a [String],
    next: usize,
}

/// What is around a part.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Around {
    /// An operand of AND.
    in_and: bool,
    /// Nothing comes before it.
    leads: bool,
    /// Inside `{- … -}`.
    excluded: bool,
}

impl<'a> Shaper<'a> {
    /// For PATTERN and SEQUENCE.
    pub(super) fn of_source(kind: PatternKind) -> Self {
        Self { kind: Some(kind), variables: &[], next: 0 }
    }

    /// For MATCH_RECOGNIZE.
    pub(super) fn of_rows(variables: &'a [String]) -> Self {
        Self { kind: None, variables, next: 0 }
    }

    /// The whole pattern.
    ///
    /// # Errors
    /// Parts that do not fit together.
    pub(super) fn shape(&mut self, written: &PatternExpr) -> Result<Pattern> {
        let pattern = self.part(written, Around { in_and: false, leads: true, excluded: false })?;
        if self.kind.is_some() && may_be_empty(&pattern) {
            return Err(Box::new(
                Diagnostic::at(
                    codes::PATTERN_SHAPE,
                    written.span,
                    "no row at all would be a match: every part may be left out",
                )
                .help("let one part occur at least once: e1 = s+"),
            ));
        }
        Ok(pattern)
    }

    fn part(&mut self, written: &PatternExpr, around: Around) -> Result<Pattern> {
        let span = written.span;
        let alone = Around { in_and: false, ..around };
        Ok(match &written.kind {
            PatternExprKind::Stream { alias: _, stream: _, filter: _ } => {
                self.next += 1;
                Pattern::Element(ElementId(self.next - 1))
            }
            PatternExprKind::Variable(name) => Pattern::Element(self.variable(&name.text)),
            PatternExprKind::Then(parts) => {
                let mut steps = Vec::with_capacity(parts.len());
                for (at, part) in parts.iter().enumerate() {
                    steps.push(self.part(part, Around { leads: around.leads && at == 0, ..alone })?);
                }
                Pattern::Then(steps)
            }
            PatternExprKind::Or(parts) => Pattern::Or(self.parts(parts, Around { leads: false, ..alone })?),
            PatternExprKind::And(parts) => self.and(parts, span, around)?,
            PatternExprKind::Permute(parts) => self.permute(parts, span, alone)?,
            PatternExprKind::Repeat { body, min, max, reluctant } => {
                let inner = self.part(body, Around { leads: false, ..alone })?;
                Pattern::Repeat { body: Box::new(inner), min: *min, max: *max, greedy: !reluctant }
            }
            PatternExprKind::Every(body) => self.every(body, span, around)?,
            PatternExprKind::Not { body, length } => {
                let for_ns = length.map(|length| fixed_ns(length, span)).transpose()?;
                if for_ns.is_none() && !around.in_and {
                    return Err(Box::new(
                        Diagnostic::at(
                            codes::PATTERN_SHAPE,
                            span,
                            "when is it certain that no such row came? NOT needs a time, or another part beside it",
                        )
                        .help("write NOT s FOR 10 SECONDS, or e2 = t AND NOT s"),
                    ));
                }
                let mut absent = Vec::new();
                self.absent(body, for_ns, &mut absent)?;
                if absent.len() == 1 { absent.swap_remove(0) } else { Pattern::And(absent) }
            }
            PatternExprKind::Within { body, bounds } => {
                let inner = self.part(body, alone)?;
                Pattern::Bounded { body: Box::new(inner), within: within(bounds)? }
            }
            // What is left out is left out, whatever stands around it.
            PatternExprKind::Exclude(body) if around.excluded => self.part(body, alone)?,
            PatternExprKind::Exclude(body) => {
                Pattern::Exclude(Box::new(self.part(body, Around { excluded: true, ..alone })?))
            }
            PatternExprKind::Start => Pattern::Start,
            PatternExprKind::End => Pattern::End,
            PatternExprKind::Empty => Pattern::Empty,
        })
    }

    fn parts(&mut self, parts: &[PatternExpr], around: Around) -> Result<Vec<Pattern>> {
        parts.iter().map(|part| self.part(part, around)).collect()
    }

    fn variable(&self, name: &str) -> ElementId {
        let folded = name.to_ascii_lowercase();
        let at = self.variables.iter().position(|known| *known == folded);
        ElementId(at.expect("the variables are those of the pattern"))
    }

    /// AND: a NOT of several is several operands.
    fn and(&mut self, parts: &[PatternExpr], span: Span, around: Around) -> Result<Pattern> {
        let mut operands = Vec::new();
        for part in parts {
            let is_not = matches!(part.kind, PatternExprKind::Not { .. });
            let operand = self.part(part, Around { in_and: true, leads: false, ..around })?;
            match operand {
                Pattern::And(inner) if is_not => operands.extend(inner),
                operand => operands.push(operand),
            }
        }
        if operands.iter().all(|operand| matches!(operand, Pattern::Absent { for_ns: None, .. })) {
            return Err(Box::new(
                Diagnostic::at(codes::PATTERN_SHAPE, span, "nothing here says when it is over").help(
                    "give one NOT a time: NOT a FOR 10 SECONDS, or write a part that must come beside it",
                ),
            ));
        }
        Ok(Pattern::And(operands))
    }

    fn permute(&mut self, parts: &[PatternExpr], span: Span, around: Around) -> Result<Pattern> {
        if parts.len() > PERMUTE_MAX {
            return Err(Box::new(
                Diagnostic::at(
                    codes::PATTERN_SHAPE,
                    span,
                    format!(
                        "PERMUTE of {} parts has too many orders; {PERMUTE_MAX} is the most",
                        parts.len()
                    ),
                )
                .help("match them with one variable and count kinds in its condition"),
            ));
        }
        Ok(Pattern::Permute(self.parts(parts, around)?))
    }

    fn every(&mut self, body: &PatternExpr, span: Span, around: Around) -> Result<Pattern> {
        if self.kind == Some(PatternKind::Sequence) && !around.leads {
            return Err(Box::new(
                Diagnostic::at(codes::PATTERN_SHAPE, span, "EVERY stands at the beginning of a SEQUENCE")
                    .help("write SEQUENCE (EVERY (a, b)), or PATTERN, where EVERY stands anywhere"),
            ));
        }
        let inner = self.part(body, Around { in_and: false, ..around })?;
        if may_be_empty(&inner) {
            return Err(Box::new(
                Diagnostic::at(codes::PATTERN_SHAPE, span, "EVERY of something that may be left out")
                    .help("let it occur at least once: EVERY e1 = s+"),
            ));
        }
        Ok(Pattern::Every(Box::new(inner)))
    }

    /// NOT of one element, or of one of several.
    fn absent(&mut self, body: &PatternExpr, for_ns: Option<i64>, out: &mut Vec<Pattern>) -> Result<()> {
        match &body.kind {
            PatternExprKind::Stream { alias: None, stream: _, filter: _ } => {
                self.next += 1;
                out.push(Pattern::Absent { element: ElementId(self.next - 1), for_ns });
                Ok(())
            }
            PatternExprKind::Stream { alias: Some(alias), stream: _, filter: _ } => Err(Box::new(
                Diagnostic::at(
                    codes::PATTERN_NAME,
                    alias.span,
                    format!("`{}` is behind NOT: it has no rows, so it needs no name", alias.text),
                )
                .help("leave out the name; its own columns need none in its condition"),
            )),
            PatternExprKind::Or(parts) => parts.iter().try_for_each(|part| self.absent(part, for_ns, out)),
            _other => Err(Box::new(
                Diagnostic::at(
                    codes::PATTERN_SHAPE,
                    body.span,
                    "NOT is of single rows: s[condition], or one of several with OR",
                )
                .help("write NOT s FOR 10 SECONDS or NOT (s OR t) FOR 10 SECONDS"),
            )),
        }
    }
}

/// Whether no row may be a match of it.
pub(super) fn may_be_empty(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Element(_) => false,
        Pattern::Then(parts) | Pattern::And(parts) | Pattern::Permute(parts) => {
            parts.iter().all(may_be_empty)
        }
        Pattern::Or(parts) => parts.iter().any(may_be_empty),
        Pattern::Repeat { body, min, max: _, greedy: _ } => *min == 0 || may_be_empty(body),
        Pattern::Exclude(body) | Pattern::Every(body) | Pattern::Bounded { body, within: _ } => {
            may_be_empty(body)
        }
        // Time must pass, or another part says when.
        Pattern::Absent { element: _, for_ns } => for_ns.is_none(),
        Pattern::Start | Pattern::End | Pattern::Empty => true,
    }
}

/// For each of `count` elements, those that may have rows when its condition is tested.
pub(super) fn seen_before(pattern: &Pattern, count: usize) -> Vec<BTreeSet<ElementId>> {
    let mut seen = vec![BTreeSet::new(); count];
    walk(pattern, &BTreeSet::new(), &mut seen);
    seen
}

/// Elements in `pattern`, those with rows.
fn captured(pattern: &Pattern) -> BTreeSet<ElementId> {
    match pattern {
        Pattern::Element(id) => BTreeSet::from([*id]),
        Pattern::Then(parts) | Pattern::And(parts) | Pattern::Permute(parts) | Pattern::Or(parts) => {
            parts.iter().flat_map(captured).collect()
        }
        Pattern::Repeat { body, .. }
        | Pattern::Exclude(body)
        | Pattern::Every(body)
        | Pattern::Bounded { body, .. } => captured(body),
        Pattern::Absent { .. } | Pattern::Start | Pattern::End | Pattern::Empty => BTreeSet::new(),
    }
}

fn walk(pattern: &Pattern, before: &BTreeSet<ElementId>, seen: &mut [BTreeSet<ElementId>]) {
    let with = |more: &BTreeSet<ElementId>| before.union(more).copied().collect::<BTreeSet<_>>();
    match pattern {
        Pattern::Element(id) | Pattern::Absent { element: id, for_ns: _ } => seen[id.0].extend(before),
        Pattern::Then(parts) => {
            let mut before = before.clone();
            for part in parts {
                walk(part, &before, seen);
                before.extend(captured(part));
            }
        }
        Pattern::Or(parts) => parts.iter().for_each(|part| walk(part, before, seen)),
        Pattern::And(parts) | Pattern::Permute(parts) => {
            for (at, part) in parts.iter().enumerate() {
                let others = parts.iter().enumerate().filter(|(other, _)| *other != at);
                let others = others.flat_map(|(_, part)| captured(part)).collect();
                walk(part, &with(&others), seen);
            }
        }
        Pattern::Repeat { body, min: _, max, greedy: _ } => match max {
            Some(1) => walk(body, before, seen),
            _more => walk(body, &with(&captured(body)), seen),
        },
        Pattern::Exclude(body) | Pattern::Every(body) | Pattern::Bounded { body, within: _ } => {
            walk(body, before, seen);
        }
        Pattern::Start | Pattern::End | Pattern::Empty => {}
    }
}

/// Whether each match is given with its last row, at the time of that row.
pub(crate) fn is_prompt(node: &PatternNode) -> bool {
    let waits = |part: &Pattern| matches!(part, Pattern::Absent { for_ns: Some(_), element: _ });
    node.matching != Matching::Preferred
        && node.rows == MatchRows::One { timed_out: false }
        && !any(&node.pattern, &waits)
}

/// Whether a part, or the whole, is bounded in time.
pub(super) fn is_timed(pattern: &Pattern, bounds: &[Within]) -> bool {
    let timed = |bounds: &[Within]| bounds.iter().any(|b| matches!(b, Within::Time(_) | Within::Step(_)));
    timed(bounds)
        || any(pattern, &|part| matches!(part, Pattern::Bounded { within, body: _ } if timed(within)))
}

/// Whether `{- … -}` is in it.
pub(super) fn excludes(pattern: &Pattern) -> bool {
    any(pattern, &|part| matches!(part, Pattern::Exclude(_)))
}

fn any(pattern: &Pattern, is: &dyn Fn(&Pattern) -> bool) -> bool {
    is(pattern)
        || match pattern {
            Pattern::Then(parts) | Pattern::And(parts) | Pattern::Permute(parts) | Pattern::Or(parts) => {
                parts.iter().any(|part| any(part, is))
            }
            Pattern::Repeat { body, .. }
            | Pattern::Exclude(body)
            | Pattern::Every(body)
            | Pattern::Bounded { body, .. } => any(body, is),
            Pattern::Element(_) | Pattern::Absent { .. } | Pattern::Start | Pattern::End | Pattern::Empty => {
                false
            }
        }
}
