//! Patterns as text, for EXPLAIN.

use arrow_schema::{DataType, Field, Schema};
use cep_types::options::format_duration;

use super::text::list;
use super::{
    AfterMatch, ElementId, End, MatchRows, Matching, OverBound, Pattern, PatternElement, PatternNode,
    PatternOrder, Position, Scope, Slot, Within, call_text, expr_text,
};

/// What is to be found, on one line.
pub(super) fn shape_text(node: &PatternNode) -> String {
    part(&node.pattern, &node.elements, Around::Nothing)
}

/// What is around a part: in another part, one of several parts stands in brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    Part,
}

fn part(pattern: &Pattern, elements: &[PatternElement], around: Around) -> String {
    let several = |parts: &[Pattern], between: &str| {
        let texts: Vec<String> = parts.iter().map(|p| part(p, elements, Around::Part)).collect();
        let text = texts.join(between);
        if around == Around::Nothing { text } else { format!("({text})") }
    };
    let name = |id: &ElementId| elements[id.0].name.as_str();
    match pattern {
        Pattern::Element(id) => name(id).to_owned(),
        Pattern::Then(parts) => several(parts, " -> "),
        Pattern::Or(parts) => several(parts, " | "),
        Pattern::And(parts) => several(parts, " & "),
        Pattern::Permute(parts) => {
            format!("PERMUTE({})", list(parts, |p| part(p, elements, Around::Nothing)))
        }
        Pattern::Repeat { body, min, max, greedy } => {
            let times = match (min, max) {
                (0, None) => "*".to_owned(),
                (1, None) => "+".to_owned(),
                (0, Some(1)) => "?".to_owned(),
                (min, None) => format!("{{{min},}}"),
                (min, Some(max)) if min == max => format!("{{{min}}}"),
                (min, Some(max)) => format!("{{{min},{max}}}"),
            };
            let reluctant = if *greedy { "" } else { "?" };
            format!("{}{times}{reluctant}", part(body, elements, Around::Part))
        }
        Pattern::Exclude(body) => format!("{{- {} -}}", part(body, elements, Around::Nothing)),
        Pattern::Every(body) => format!("EVERY {}", part(body, elements, Around::Part)),
        Pattern::Absent { element, for_ns: None } => format!("NOT {}", name(element)),
        Pattern::Absent { element, for_ns: Some(ns) } => {
            format!("NOT {} FOR {}", name(element), format_duration(*ns))
        }
        Pattern::Bounded { body, within } => {
            format!("({}) WITHIN {}", part(body, elements, Around::Nothing), within_text(within))
        }
        Pattern::Start => "^".to_owned(),
        Pattern::End => "$".to_owned(),
        Pattern::Empty => "()".to_owned(),
    }
}

/// Bounds, with AND between.
pub(super) fn within_text(within: &[Within]) -> String {
    let text = |bound: &Within| match bound {
        Within::Time(ns) => format_duration(*ns),
        Within::Step(ns) => format!("{} between steps", format_duration(*ns)),
        Within::Events(1) => "1 event".to_owned(),
        Within::Events(rows) => format!("{rows} events"),
    };
    within.iter().map(text).collect::<Vec<_>>().join(" AND ")
}

/// What kind of pattern it is, and in which order it looks at rows.
pub(super) fn head_text(node: &PatternNode) -> String {
    let kind = match node.matching {
        Matching::Followed => "pattern",
        Matching::Contiguous => "sequence",
        Matching::Preferred => "match_recognize",
    };
    let order = match node.order {
        PatternOrder::Log => "log order",
        PatternOrder::EventTime => "event-time order",
    };
    format!("{kind} in {order}: {}", shape_text(node))
}

/// Where the next match may begin.
pub(super) fn skip_text(node: &PatternNode) -> String {
    let names = |of: &[ElementId]| list(of, |id| node.elements[id.0].name.clone());
    match &node.skip {
        AfterMatch::Overlap => "as EVERY says".to_owned(),
        AfterMatch::PastLastRow => "past the last row".to_owned(),
        AfterMatch::ToNextRow => "at the row after the first".to_owned(),
        AfterMatch::ToFirst(of) => format!("at the first row of {}", names(of)),
        AfterMatch::ToLast(of) => format!("at the last row of {}", names(of)),
    }
}

/// Which rows come out.
pub(super) fn rows_text(rows: MatchRows) -> &'static str {
    match rows {
        MatchRows::One { timed_out: false } => "one a match",
        MatchRows::One { timed_out: true } => "one a match, and one a partial match that times out",
        MatchRows::All { empty: true, unmatched: false } => "all of a match, one of an empty match",
        MatchRows::All { empty: false, unmatched: false } => "all of a match",
        MatchRows::All { empty: true, unmatched: true } => "all, matched or not",
        MatchRows::All { empty: false, unmatched: true } => "all but those of empty matches",
    }
}

/// What bounds the state.
pub(super) fn state_text(node: &PatternNode) -> String {
    let over = match node.over_bound {
        OverBound::Reject => "a row begins no more of them then",
        OverBound::EvictOldest => "the oldest is given up then",
        OverBound::Fail => "a row that would begin one more is an error then",
    };
    let bound = if node.within.is_empty() && !is_bounded(&node.pattern) {
        ", nothing else bounds how long one is kept"
    } else {
        ""
    };
    format!("at most {} partial matches of all keys; {over}{bound}", node.runs_max)
}

/// Whether WITHIN bounds the whole.
fn is_bounded(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Bounded { .. } => true,
        Pattern::Every(body) | Pattern::Exclude(body) => is_bounded(body),
        Pattern::Or(parts) => parts.iter().all(is_bounded),
        Pattern::Element(_)
        | Pattern::Then(_)
        | Pattern::And(_)
        | Pattern::Permute(_)
        | Pattern::Repeat { .. }
        | Pattern::Absent { .. }
        | Pattern::Start
        | Pattern::End
        | Pattern::Empty => false,
    }
}

/// A schema with the slots' texts as names, so that expressions over them can be shown.
pub(super) fn slots_schema(slots: &[Slot], node: &PatternNode) -> Schema {
    let names = slots.iter().map(|slot| slot_text(slot, node));
    Schema::new(names.map(|name| Field::new(name, DataType::Null, true)).collect::<Vec<_>>())
}

fn slot_text(slot: &Slot, node: &PatternNode) -> String {
    let input = node.input.schema();
    let column = |column: &usize| input.field(*column).name().clone();
    match slot {
        Slot::Input(index) => column(index),
        Slot::Row { at, column: index } => position_text(at, &column(index), node),
        Slot::Aggregate { of, call, scope } => {
            let of = if of.is_empty() { "all rows".to_owned() } else { names(of, node) };
            format!("{}{} of {of}", finality(*scope, node), call_text(call, input))
        }
        Slot::Classifier(at) => format!("classifier({})", position_text(at, "", node)),
        Slot::MatchNumber => "match_number()".to_owned(),
        Slot::TimedOut => "timed_out".to_owned(),
        Slot::FirstTime => "match_start".to_owned(),
        Slot::LastTime => "match_end".to_owned(),
    }
}

fn names(of: &[ElementId], node: &PatternNode) -> String {
    of.iter().map(|id| node.elements[id.0].name.as_str()).collect::<Vec<_>>().join("|")
}

/// FINAL where RUNNING is possible too.
fn finality(scope: Scope, node: &PatternNode) -> &'static str {
    match (scope, node.rows) {
        (Scope::Final, MatchRows::All { .. }) => "final ",
        (Scope::Final, MatchRows::One { .. }) | (Scope::Running, _) => "",
    }
}

fn position_text(at: &Position, column: &str, node: &PatternNode) -> String {
    let Position { of, from, skip, offset, scope } = at;
    let of = names(of, node);
    let dotted = match (of.is_empty(), column.is_empty()) {
        (true, _) => column.to_owned(),
        (false, true) => of.clone(),
        (false, false) => format!("{of}.{column}"),
    };
    let row = match (from, skip) {
        (End::Current, _) | (End::Last, 0) if !of.is_empty() => dotted,
        (End::Current, _) => dotted,
        (End::Last, 0) => format!("last({dotted})"),
        (End::Last, skip) => format!("last({dotted}, {skip})"),
        (End::First, 0) => format!("first({dotted})"),
        (End::First, skip) => format!("first({dotted}, {skip})"),
    };
    let row = format!("{}{row}", finality(*scope, node));
    match offset {
        0 => row,
        rows if *rows < 0 => format!("prev({row}, {})", rows.unsigned_abs()),
        rows => format!("next({row}, {rows})"),
    }
}

/// One line for each element: its condition.
pub(super) fn element_text(element: &PatternElement, node: &PatternNode, stream: Option<&str>) -> String {
    let PatternElement { name, tag: _, condition } = element;
    let of = stream.map(|stream| format!(" of {stream}")).unwrap_or_default();
    let condition = match condition {
        None => "any row".to_owned(),
        Some(condition) => expr_text(&condition.expr, &slots_schema(&condition.slots, node)),
    };
    format!("{name}{of}: {condition}")
}
