//! Random cases.

use cep_lang::plan::{AfterMatch, ElementId, Matching, Pattern, Within};

use crate::case::{Case, Cond, Row, SECOND};
use crate::harness::Random;

const START: i64 = 1_700_000_000 * SECOND;

fn rows(random: &mut Random, max: usize, disorder: bool) -> Vec<Row> {
    let keys = 1 + random.below(3);
    let mut time = START;
    (0..random.below(max) as i64)
        .map(|id| {
            let step = [0, 1, 1, 2, 5][random.below(5)];
            time += step * SECOND / 2;
            let behind = if disorder && random.one_in(3) { random.below(4) as i64 * SECOND / 2 } else { 0 };
            let n = (!random.one_in(12)).then(|| random.below(6) as i64);
            Row { time: time - behind, key: random.below(keys), n, id }
        })
        .collect()
}

fn cuts(random: &mut Random) -> Vec<usize> {
    (0..1 + random.below(4)).map(|_| 1 + random.below(5)).collect()
}

fn cond(random: &mut Random, own: usize, elements: usize, next: bool) -> Cond {
    let other = random.below(elements);
    match random.below(16) {
        0 => Cond::True,
        1 => Cond::AbovePrev,
        2 if next => Cond::BelowNext,
        3 => Cond::AboveLast(other),
        4 => Cond::BelowFirst(other),
        5 => Cond::BelowBeforeLast(other),
        6 => Cond::SumAtMost(vec![own, other], random.below(12) as i64),
        7 => Cond::SmallAndAbove(other),
        8 => Cond::SumAtMost(vec![other], random.below(12) as i64),
        _ => Cond::In((0..1 + random.below(3)).map(|_| random.below(6) as i64).collect()),
    }
}

fn element(random: &mut Random, elements: usize) -> Pattern {
    Pattern::Element(ElementId(random.below(elements)))
}

fn quantified(random: &mut Random, body: Pattern) -> Pattern {
    let (min, max) =
        [(0, Some(1)), (0, None), (1, None), (2, Some(2)), (1, Some(3)), (2, None), (0, Some(2))]
            [random.below(7)];
    Pattern::Repeat { body: Box::new(body), min, max, greedy: !random.one_in(3) }
}

fn within(random: &mut Random) -> Vec<Within> {
    match random.below(6) {
        0 => vec![Within::Time(SECOND * (1 + random.below(4) as i64))],
        1 => vec![Within::Step(SECOND / 2 * (1 + random.below(3) as i64))],
        2 => vec![Within::Events(1 + random.below(5) as u64)],
        3 => vec![Within::Time(3 * SECOND), Within::Events(4)],
        _ => vec![],
    }
}

fn regular(random: &mut Random, depth: usize, elements: usize) -> Pattern {
    if depth == 0 {
        return element(random, elements);
    }
    let list = |random: &mut Random, n: usize| (0..n).map(|_| regular(random, depth - 1, elements)).collect();
    match random.below(12) {
        0..3 => {
            let n = 2 + random.below(2);
            Pattern::Then(list(random, n))
        }
        3..5 => Pattern::Or(list(random, 2)),
        5..8 => {
            let body = regular(random, depth - 1, elements);
            quantified(random, body)
        }
        8 => {
            let n = 2 + random.below(2);
            Pattern::Permute(list(random, n))
        }
        9 => Pattern::Exclude(Box::new(regular(random, depth - 1, elements))),
        10 if random.one_in(2) => match random.below(3) {
            0 => Pattern::Then(vec![Pattern::Start, regular(random, depth - 1, elements)]),
            1 => Pattern::Then(vec![regular(random, depth - 1, elements), Pattern::End]),
            _ => Pattern::Or(vec![Pattern::Empty, regular(random, depth - 1, elements)]),
        },
        10 => {
            Pattern::Bounded { body: Box::new(regular(random, depth - 1, elements)), within: within(random) }
        }
        _ => element(random, elements),
    }
}

pub fn preferred(random: &mut Random) -> Case {
    let elements = 1 + random.below(4);
    let next = random.one_in(3);
    let depth = 1 + random.below(3);
    let pattern = Pattern::Then(vec![regular(random, depth, elements), regular(random, 1, elements)]);
    let skip = skip(random, elements);
    let event_time = random.one_in(2);
    let disorder = event_time || random.one_in(4);
    Case {
        matching: Matching::Preferred,
        pattern,
        conds: (0..elements).map(|e| cond(random, e, elements, next)).collect(),
        within: within(random),
        skip,
        event_time,
        all: random.one_in(2).then(|| (random.one_in(2), random.one_in(3))),
        timed_out: false,
        rows: rows(random, 24, disorder),
        cuts: cuts(random),
    }
}

fn absent(random: &mut Random, elements: usize) -> Pattern {
    let for_ns = Some(SECOND / 2 * (1 + random.below(4) as i64));
    Pattern::Absent { element: ElementId(random.below(elements)), for_ns }
}

/// A step of a chain.
fn step(random: &mut Random, depth: usize, elements: usize) -> Pattern {
    if depth == 0 {
        return element(random, elements);
    }
    match random.below(14) {
        0..4 => element(random, elements),
        4 | 5 => {
            let body = step(random, depth - 1, elements);
            quantified(random, body)
        }
        6 => Pattern::And(vec![chain(random, depth - 1, elements), chain(random, depth - 1, elements)]),
        7 => Pattern::Or(vec![chain(random, depth - 1, elements), chain(random, depth - 1, elements)]),
        8 => {
            let never = Pattern::Absent { element: ElementId(random.below(elements)), for_ns: None };
            Pattern::And(vec![chain(random, depth - 1, elements), never])
        }
        9 => Pattern::And(vec![element(random, elements), absent(random, elements)]),
        10 => absent(random, elements),
        11 | 12 => {
            let mut body = chain(random, depth - 1, elements);
            without_every(&mut body);
            Pattern::Every(Box::new(body))
        }
        _ => Pattern::Bounded { body: Box::new(chain(random, depth - 1, elements)), within: within(random) },
    }
}

fn chain(random: &mut Random, depth: usize, elements: usize) -> Pattern {
    let n = 1 + random.below(3);
    if n == 1 {
        return step(random, depth, elements);
    }
    Pattern::Then((0..n).map(|_| step(random, depth, elements)).collect())
}

fn skip(random: &mut Random, elements: usize) -> AfterMatch {
    let some = |random: &mut Random| vec![ElementId(random.below(elements))];
    match random.below(8) {
        0..4 => AfterMatch::PastLastRow,
        4 | 5 => AfterMatch::ToNextRow,
        6 => AfterMatch::ToFirst(some(random)),
        _ => AfterMatch::ToLast(some(random)),
    }
}

fn of_runs(random: &mut Random, matching: Matching) -> Case {
    let elements = 1 + random.below(4);
    let depth = 1 + random.below(3);
    let mut pattern = chain(random, depth, elements);
    if matching == Matching::Contiguous {
        // EVERY stands at the beginning alone.
        without_every(&mut pattern);
        if random.one_in(2) {
            let mut first = chain(random, 1, elements);
            without_every(&mut first);
            pattern = Pattern::Then(vec![Pattern::Every(Box::new(first)), pattern]);
        } else if !random.one_in(3) {
            pattern = Pattern::Every(Box::new(pattern));
        }
    } else if random.one_in(2) {
        let mut body = step(random, 1, elements);
        without_every(&mut body);
        let first = Pattern::Every(Box::new(body));
        pattern = Pattern::Then(vec![first, pattern]);
    } else if random.one_in(3) {
        without_every(&mut pattern);
        pattern = Pattern::Every(Box::new(pattern));
    }
    let event_time = random.one_in(2);
    let disorder = event_time || random.one_in(4);
    Case {
        matching,
        pattern,
        conds: (0..elements).map(|e| cond(random, e, elements, false)).collect(),
        within: within(random),
        skip: if random.one_in(2) { AfterMatch::Overlap } else { skip(random, elements) },
        event_time,
        all: random.one_in(4).then_some((false, false)),
        timed_out: random.one_in(3),
        rows: rows(random, 24, disorder),
        cuts: cuts(random),
    }
}

fn without_every(pattern: &mut Pattern) {
    while let Pattern::Every(body) = pattern {
        *pattern = (**body).clone();
    }
    match pattern {
        Pattern::Then(list) | Pattern::Or(list) | Pattern::And(list) => {
            list.iter_mut().for_each(without_every)
        }
        Pattern::Repeat { body, .. } | Pattern::Bounded { body, .. } => without_every(body),
        _ => {}
    }
}

pub fn followed(random: &mut Random) -> Case {
    of_runs(random, Matching::Followed)
}

pub fn contiguous(random: &mut Random) -> Case {
    of_runs(random, Matching::Contiguous)
}
