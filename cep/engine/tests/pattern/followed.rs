//! PATTERN and SEQUENCE by trees: a tree is a pattern with what was found of it so far, a run is the
//! trees that are left of one beginning. Nothing is shared, nothing is numbered; each row makes all
//! trees anew.

use std::rc::Rc;

use cep_lang::plan::{Matching, Pattern, Within};

use crate::case::{Case, Outcome, Row, by_partition, lines};
use crate::preferred::holds;

/// A row found: element, index among the rows of the key.
type Cap = (usize, usize);

/// The pattern, with a name for each EVERY.
#[derive(Debug)]
enum P {
    Element(usize),
    Then(Vec<Rc<P>>),
    Or(Vec<Rc<P>>),
    And(Vec<Rc<P>>),
    Repeat(Rc<P>, u32, Option<u32>, bool),
    Every(usize, Rc<P>),
    Absent(usize, Option<i64>),
    Bounded(Vec<Within>, Rc<P>),
    Empty,
}

/// A pattern with what was found.
#[derive(Debug, Clone)]
enum T {
    Done(Vec<Cap>),
    Fresh(Rc<P>),
    Seq(Vec<Cap>, Box<T>, Vec<T>),
    Loop(Vec<Cap>, Rc<P>, u32, Option<u32>, bool),
    And(Vec<T>),
    Or(Vec<Option<T>>),
    Every(usize, Rc<P>, Box<T>),
    Bounded(Vec<Within>, Box<T>, Option<(i64, u64)>, i64),
    Wait(usize, i64, i64),
}

/// A way to go on.
enum Way {
    /// The row is taken: the tree, what begins again, the EVERY that are complete.
    Take(T, Vec<T>, Vec<usize>),
    /// It may be left, with these rows.
    Leave(Vec<Cap>),
}

/// What time does: when, the tree if one is left, what begins again, the EVERY that are complete,
/// whether an absence is over.
type Timed = (i64, Option<T>, Vec<T>, Vec<usize>, bool);

struct World<'a> {
    case: &'a Case,
    rows: &'a [(Row, i64)],
}

fn convert(pattern: &Pattern, names: &mut usize) -> Rc<P> {
    let mut all = |list: &[Pattern]| list.iter().map(|p| convert(p, names)).collect::<Vec<_>>();
    Rc::new(match pattern {
        Pattern::Element(e) => P::Element(e.0),
        Pattern::Then(list) => P::Then(all(list)),
        Pattern::Or(list) => P::Or(all(list)),
        Pattern::And(list) => P::And(all(list)),
        Pattern::Repeat { body, min, max, greedy } => P::Repeat(convert(body, names), *min, *max, *greedy),
        Pattern::Every(body) => {
            *names += 1;
            let name = *names;
            P::Every(name, convert(body, names))
        }
        Pattern::Absent { element, for_ns } => P::Absent(element.0, *for_ns),
        Pattern::Bounded { body, within } => P::Bounded(within.clone(), convert(body, names)),
        Pattern::Empty => P::Empty,
        other => unreachable!("{other:?} is not in PATTERN"),
    })
}

fn may_be_empty(p: &P) -> bool {
    match p {
        P::Element(_) | P::Absent(_, Some(_)) => false,
        P::Then(list) | P::And(list) => list.iter().all(|p| may_be_empty(p)),
        P::Or(list) => list.iter().any(|p| may_be_empty(p)),
        P::Repeat(body, min, ..) => *min == 0 || may_be_empty(body),
        P::Every(_, body) | P::Bounded(_, body) => may_be_empty(body),
        P::Absent(_, None) | P::Empty => true,
    }
}

fn begins_with_wait(p: &P) -> bool {
    match p {
        P::Absent(_, d) => d.is_some(),
        P::Then(list) => {
            let first = list.iter().position(|p| !may_be_empty(p)).unwrap_or(list.len());
            list.iter().take(first + 1).any(|p| begins_with_wait(p))
        }
        P::Or(list) | P::And(list) => list.iter().any(|p| begins_with_wait(p)),
        P::Repeat(body, ..) | P::Every(_, body) | P::Bounded(_, body) => begins_with_wait(body),
        P::Element(_) | P::Empty => false,
    }
}

fn caps(t: &T) -> Vec<Cap> {
    let mut out = match t {
        T::Done(c) | T::Loop(c, ..) => c.clone(),
        T::Fresh(_) | T::Wait(..) => vec![],
        T::Seq(done, cur, _) => [done.clone(), caps(cur)].concat(),
        T::And(list) => list.iter().flat_map(caps).collect(),
        T::Or(list) => list.iter().flatten().flat_map(caps).collect(),
        T::Every(_, _, cur) | T::Bounded(_, cur, ..) => caps(cur),
    };
    out.sort_by_key(|c| c.1);
    out
}

fn seq(mut done: Vec<Cap>, cur: T, mut rest: Vec<T>) -> T {
    match cur {
        T::Done(c) => {
            done.extend(c);
            if rest.is_empty() {
                return T::Done(done);
            }
            let next = rest.remove(0);
            seq(done, next, rest)
        }
        cur => T::Seq(done, Box::new(cur), rest),
    }
}

fn repeat(done: Vec<Cap>, body: &Rc<P>, min: u32, max: Option<u32>, greedy: bool) -> T {
    if max == Some(0) { T::Done(done) } else { T::Loop(done, body.clone(), min, max, greedy) }
}

fn and(list: Vec<T>) -> T {
    let is_closed = |t: &T| match t {
        T::Done(_) => true,
        T::Fresh(p) => matches!(**p, P::Absent(_, None)),
        _ => false,
    };
    if list.iter().all(is_closed) {
        let done = caps(&T::And(list));
        T::Done(done)
    } else {
        T::And(list)
    }
}

/// A part in which EVERY begins again: without rows it has not begun.
fn bounded_again(within: &[Within], cur: T, first: Option<(i64, u64)>, last: i64) -> T {
    let first = first.filter(|_| !caps(&cur).is_empty());
    bounded(within, cur, first, if first.is_some() { last } else { 0 })
}

fn bounded(within: &[Within], cur: T, first: Option<(i64, u64)>, last: i64) -> T {
    match cur {
        T::Done(c) => T::Done(c),
        cur => T::Bounded(within.to_vec(), Box::new(cur), first, last),
    }
}

/// The tree before an absence was reached.
fn disarmed(t: &T) -> T {
    match t {
        T::Wait(e, _, d) => T::Fresh(Rc::new(P::Absent(*e, Some(*d)))),
        T::Seq(done, cur, rest) => {
            T::Seq(done.clone(), Box::new(disarmed(cur)), rest.iter().map(disarmed).collect())
        }
        T::And(list) => T::And(list.iter().map(disarmed).collect()),
        T::Or(list) => T::Or(list.iter().map(|t| t.as_ref().map(disarmed)).collect()),
        T::Every(n, p, cur) => T::Every(*n, p.clone(), Box::new(disarmed(cur))),
        T::Bounded(w, cur, f, l) => T::Bounded(w.clone(), Box::new(disarmed(cur)), *f, *l),
        other => other.clone(),
    }
}

fn inside(t: &T, every: usize) -> bool {
    match t {
        T::Seq(_, cur, _) | T::Bounded(_, cur, ..) => inside(cur, every),
        T::And(list) => list.iter().any(|t| inside(t, every)),
        T::Or(list) => list.iter().flatten().any(|t| inside(t, every)),
        T::Every(name, _, cur) => *name == every || inside(cur, every),
        T::Done(_) | T::Fresh(_) | T::Loop(..) | T::Wait(..) => false,
    }
}

impl World<'_> {
    fn is_contiguous(&self) -> bool {
        self.case.matching == Matching::Contiguous
    }

    fn fits(&self, e: usize, row: usize, found: &[Cap]) -> bool {
        let taken: Vec<(usize, usize, bool)> = found.iter().map(|&(e, at)| (e, at, false)).collect();
        holds(&self.case.conds[e], e, self.rows, row, &taken)
    }

    fn open(&self, p: &Rc<P>) -> Option<T> {
        let fresh = |list: &[Rc<P>]| list.iter().map(|p| T::Fresh(p.clone())).collect::<Vec<_>>();
        Some(match &**p {
            P::Then(list) => seq(vec![], T::Done(vec![]), fresh(list)),
            P::And(list) => and(fresh(list)),
            P::Or(list) if !self.is_contiguous() => T::Or(fresh(list).into_iter().map(Some).collect()),
            P::Repeat(body, min, max, greedy) => repeat(vec![], body, *min, *max, *greedy),
            P::Every(name, body) => T::Every(*name, p.clone(), Box::new(T::Fresh(body.clone()))),
            P::Bounded(within, body) => T::Bounded(within.clone(), Box::new(T::Fresh(body.clone())), None, 0),
            P::Empty => T::Done(vec![]),
            P::Element(_) | P::Absent(..) | P::Or(_) => return None,
        })
    }

    fn is_complete(&self, t: &T) -> bool {
        match t {
            T::Done(_) => true,
            T::Wait(..) => false,
            T::Fresh(p) => may_be_empty(p),
            T::Seq(_, cur, rest) => self.is_complete(cur) && rest.iter().all(|t| self.is_complete(t)),
            T::Loop(_, body, min, _, _) => *min == 0 || may_be_empty(body),
            T::And(list) => list.iter().all(|t| self.is_complete(t)),
            T::Or(list) => list.iter().flatten().any(|t| self.is_complete(t)),
            T::Every(_, _, cur) | T::Bounded(_, cur, ..) => self.is_complete(cur),
        }
    }

    /// All ways to go on with a row, the preferred first; `found`: the rows of the whole tree.
    fn ways(&self, t: &T, row: usize, found: &[Cap]) -> Vec<Way> {
        match t {
            T::Done(c) => vec![Way::Leave(c.clone())],
            T::Wait(..) => vec![],
            T::Fresh(p) => match &**p {
                P::Element(e) if self.fits(*e, row, found) => {
                    vec![Way::Take(T::Done(vec![(*e, row)]), vec![], vec![])]
                }
                P::Element(_) | P::Absent(_, Some(_)) => vec![],
                P::Absent(_, None) => vec![Way::Leave(vec![])],
                P::Or(list) if self.is_contiguous() => {
                    list.iter().flat_map(|p| self.ways(&T::Fresh(p.clone()), row, found)).collect()
                }
                _ => self.ways(&self.open(p).expect("it has parts"), row, found),
            },
            T::Seq(done, cur, rest) => {
                let mut out = vec![];
                let unarmed: Vec<T> = rest.iter().map(disarmed).collect();
                for way in self.ways(cur, row, found) {
                    match way {
                        Way::Take(t, again, over) => {
                            let wrap = |t: T| seq(done.clone(), t, unarmed.clone());
                            out.push(Way::Take(wrap(t), again.into_iter().map(wrap).collect(), over));
                        }
                        Way::Leave(c) => {
                            let all = [done.clone(), c].concat();
                            let next = seq(all, T::Done(vec![]), rest.clone());
                            out.extend(self.ways(&next, row, found));
                        }
                    }
                }
                out
            }
            T::Loop(done, body, min, max, greedy) => {
                let mut out = vec![];
                if *min == 0 && !greedy {
                    out.push(Way::Leave(done.clone()));
                }
                let left = |d: Vec<Cap>| repeat(d, body, min.saturating_sub(1), max.map(|m| m - 1), *greedy);
                for way in self.ways(&T::Fresh(body.clone()), row, found) {
                    match way {
                        Way::Take(t, again, over) => {
                            let wrap = |t: T| seq(done.clone(), t, vec![left(vec![])]);
                            out.push(Way::Take(wrap(t), again.into_iter().map(wrap).collect(), over));
                        }
                        Way::Leave(_) if *min == 0 => {}
                        Way::Leave(c) => {
                            out.extend(self.ways(&left([done.clone(), c].concat()), row, found));
                        }
                    }
                }
                if *min == 0 && *greedy {
                    out.push(Way::Leave(done.clone()));
                }
                out
            }
            T::And(list) => {
                let mut out = vec![];
                for (at, part) in list.iter().enumerate() {
                    let barred = || {
                        (0..list.len())
                            .any(|o| o != at && self.falls(&list[o], row, found).iter().any(Option::is_none))
                    };
                    for way in self.ways(part, row, found) {
                        if let Way::Take(t, again, over) = way
                            && !barred()
                        {
                            let wrap = |t: T| {
                                let mut list = list.clone();
                                list[at] = t;
                                and(list)
                            };
                            out.push(Way::Take(wrap(t), again.into_iter().map(wrap).collect(), over));
                        }
                    }
                }
                if self.is_complete(t) {
                    out.push(Way::Leave(caps(t)));
                }
                out
            }
            T::Or(list) => {
                let mut out = vec![];
                for (at, part) in list.iter().enumerate() {
                    let Some(part) = part else { continue };
                    for way in self.ways(part, row, found) {
                        match way {
                            Way::Take(t, again, over) if self.is_complete(&t) => {
                                out.push(Way::Take(t, again, over))
                            }
                            Way::Take(t, again, over) => {
                                let wrap = |t: T| {
                                    let mut list = list.clone();
                                    list[at] = Some(t);
                                    T::Or(list)
                                };
                                out.push(Way::Take(wrap(t), again.into_iter().map(wrap).collect(), over));
                            }
                            Way::Leave(c) => out.push(Way::Leave(c)),
                        }
                    }
                }
                out
            }
            T::Every(name, p, cur) => {
                let mut out = vec![];
                for way in self.ways(cur, row, found) {
                    if let Way::Take(t, mut again, mut over) = way {
                        if self.is_complete(&t) {
                            again.push(T::Fresh(p.clone()));
                            over.push(*name);
                            out.push(Way::Take(t, again, over));
                        } else {
                            out.push(Way::Take(T::Every(*name, p.clone(), Box::new(t)), again, over));
                        }
                    }
                }
                out
            }
            T::Bounded(within, cur, first, last) => {
                let now = (self.rows[row].1, row as u64 + 1);
                let mut out = vec![];
                for way in self.ways(cur, row, found) {
                    match way {
                        Way::Take(t, again, over) => {
                            let again =
                                again.into_iter().map(|t| bounded_again(within, t, *first, *last)).collect();
                            out.push(Way::Take(bounded(within, t, first.or(Some(now)), now.0), again, over));
                        }
                        Way::Leave(c) => out.push(Way::Leave(c)),
                    }
                }
                out
            }
        }
    }

    /// What is left where a row comes that had to be absent.
    fn falls(&self, t: &T, row: usize, found: &[Cap]) -> Vec<Option<T>> {
        let never = |e: usize| if self.fits(e, row, found) { vec![None] } else { vec![] };
        match t {
            T::Done(_) | T::Loop(..) => vec![],
            T::Wait(e, ..) => never(*e),
            T::Fresh(p) => match &**p {
                P::Absent(e, None) => never(*e),
                P::Absent(..) | P::Element(_) => vec![],
                P::Or(list) if self.is_contiguous() => {
                    list.iter().flat_map(|p| self.falls(&T::Fresh(p.clone()), row, found)).collect()
                }
                _ => self.falls(&self.open(p).expect("it has parts"), row, found),
            },
            T::Seq(done, cur, rest) => {
                let wrap = |t: T| seq(done.clone(), t, rest.clone());
                let mut out: Vec<Option<T>> =
                    self.falls(cur, row, found).into_iter().map(|t| t.map(wrap)).collect();
                if self.is_complete(cur) && !rest.is_empty() {
                    let all = [done.clone(), caps(cur)].concat();
                    out.extend(self.falls(&seq(all, T::Done(vec![]), rest.clone()), row, found));
                }
                out
            }
            T::And(list) => (0..list.len())
                .flat_map(|at| {
                    let wrap = |t: T| {
                        let mut list = list.clone();
                        list[at] = t;
                        and(list)
                    };
                    self.falls(&list[at], row, found).into_iter().map(|t| t.map(wrap)).collect::<Vec<_>>()
                })
                .collect(),
            T::Or(list) => (0..list.len())
                .flat_map(|at| {
                    let falls = list[at].as_ref().map(|t| self.falls(t, row, found)).unwrap_or_default();
                    let wrap = |t: Option<T>| {
                        let mut list = list.clone();
                        list[at] = t;
                        list.iter().any(Option::is_some).then_some(T::Or(list))
                    };
                    falls.into_iter().map(wrap).collect::<Vec<_>>()
                })
                .collect(),
            T::Every(n, p, cur) => {
                let wrap = |t: T| T::Every(*n, p.clone(), Box::new(t));
                self.falls(cur, row, found).into_iter().map(|t| t.map(wrap)).collect()
            }
            T::Bounded(w, cur, f, l) => {
                self.falls(cur, row, found).into_iter().map(|t| t.map(|t| bounded(w, t, *f, *l))).collect()
            }
        }
    }

    /// What time does to a tree.
    fn times(&self, t: &T) -> Vec<Timed> {
        let map = |times: Vec<Timed>, wrap: &dyn Fn(T) -> T| -> Vec<Timed> {
            times
                .into_iter()
                .map(|(due, t, again, over, absence)| {
                    (due, t.map(wrap), again.into_iter().map(wrap).collect(), over, absence)
                })
                .collect()
        };
        match t {
            T::Done(_) | T::Loop(..) | T::Fresh(_) => vec![],
            T::Wait(_, due, _) => vec![(*due, Some(T::Done(vec![])), vec![], vec![], true)],
            T::Seq(done, cur, rest) => {
                let mut out = map(self.times(cur), &|t| seq(done.clone(), t, rest.clone()));
                if self.is_complete(cur) && !rest.is_empty() {
                    let all = [done.clone(), caps(cur)].concat();
                    out.extend(self.times(&seq(all, T::Done(vec![]), rest.clone())));
                }
                out
            }
            T::And(list) => (0..list.len())
                .flat_map(|at| {
                    map(self.times(&list[at]), &|t| {
                        let mut list = list.clone();
                        list[at] = t;
                        and(list)
                    })
                })
                .collect(),
            T::Or(list) => (0..list.len())
                .flat_map(|at| {
                    let times = list[at].as_ref().map(|t| self.times(t)).unwrap_or_default();
                    let one = |(due, t, again, over, absence): Timed| {
                        let wrap = |t: Option<T>| {
                            let mut list = list.clone();
                            list[at] = t;
                            list.iter().any(Option::is_some).then_some(T::Or(list))
                        };
                        match t {
                            Some(t) if absence && self.is_complete(&t) => {
                                (due, Some(t), again, over, absence)
                            }
                            t => (
                                due,
                                wrap(t),
                                again.into_iter().filter_map(|t| wrap(Some(t))).collect(),
                                over,
                                absence,
                            ),
                        }
                    };
                    times.into_iter().map(one).collect::<Vec<_>>()
                })
                .collect(),
            T::Every(n, p, cur) => self
                .times(cur)
                .into_iter()
                .map(|(due, t, mut again, mut over, absence)| match t {
                    Some(t) if absence && self.is_complete(&t) => {
                        again.push(T::Fresh(p.clone()));
                        over.push(*n);
                        (due, Some(t), again, over, absence)
                    }
                    t => (due, t.map(|t| T::Every(*n, p.clone(), Box::new(t))), again, over, absence),
                })
                .collect(),
            T::Bounded(within, cur, first, last) => {
                let mut out: Vec<Timed> = (self.times(cur).into_iter())
                    .map(|(due, t, again, over, absence)| {
                        let again = again.into_iter().map(|t| bounded_again(within, t, *first, *last));
                        (due, t.map(|t| bounded(within, t, *first, *last)), again.collect(), over, absence)
                    })
                    .collect();
                let left = || self.is_complete(cur).then(|| T::Done(caps(cur)));
                if let Some((first, _)) = first {
                    for within in within {
                        match within {
                            Within::Time(ns) => out.push((first + ns + 1, left(), vec![], vec![], false)),
                            Within::Step(ns) => out.push((last + ns + 1, left(), vec![], vec![], false)),
                            Within::Events(_) => {}
                        }
                    }
                }
                out
            }
        }
    }

    /// What a bound in rows leaves when row number `seq` comes; outer `None`: nothing happens.
    fn rows_passed(&self, t: &T, seq_now: u64) -> Option<Option<T>> {
        match t {
            T::Done(_) | T::Loop(..) | T::Fresh(_) | T::Wait(..) => None,
            T::Seq(done, cur, rest) => {
                Some(self.rows_passed(cur, seq_now)?.map(|t| seq(done.clone(), t, rest.clone())))
            }
            T::And(list) => (0..list.len()).find_map(|at| {
                Some(self.rows_passed(&list[at], seq_now)?.map(|t| {
                    let mut list = list.clone();
                    list[at] = t;
                    and(list)
                }))
            }),
            T::Or(list) => (0..list.len()).find_map(|at| {
                let passed = self.rows_passed(list[at].as_ref()?, seq_now)?;
                let mut list = list.clone();
                list[at] = passed;
                Some(list.iter().any(Option::is_some).then_some(T::Or(list)))
            }),
            T::Every(n, p, cur) => {
                Some(self.rows_passed(cur, seq_now)?.map(|t| T::Every(*n, p.clone(), Box::new(t))))
            }
            T::Bounded(w, cur, first, last) => {
                if let Some(passed) = self.rows_passed(cur, seq_now) {
                    return Some(passed.map(|t| bounded(w, t, *first, *last)));
                }
                let (_, from) = (*first)?;
                let is_past = w.iter().any(|w| matches!(w, Within::Events(n) if seq_now - from >= *n));
                is_past.then(|| self.is_complete(cur).then(|| T::Done(caps(cur))))
            }
        }
    }

    /// The tree once it is reached: absences it begins with are under way.
    fn reached(&self, t: T, now: i64) -> T {
        match t {
            T::Fresh(ref p) => match &**p {
                P::Absent(e, Some(d)) => T::Wait(*e, now + d, *d),
                _ if begins_with_wait(p) => self.reached(self.open(p).expect("checked by the engine"), now),
                _ => t,
            },
            T::Seq(done, cur, mut rest) => {
                let cur = self.reached(*cur, now);
                if self.is_complete(&cur) && !rest.is_empty() {
                    let tail = seq(vec![], T::Done(vec![]), rest);
                    rest = vec![self.reached(tail, now)];
                }
                seq(done, cur, rest)
            }
            T::Loop(done, body, min, max, greedy) if begins_with_wait(&body) => {
                let rest = repeat(vec![], &body, min - 1, max.map(|m| m - 1), greedy);
                seq(done, self.reached(T::Fresh(body), now), vec![rest])
            }
            T::And(list) => and(list.into_iter().map(|t| self.reached(t, now)).collect()),
            T::Or(list) => T::Or(list.into_iter().map(|t| t.map(|t| self.reached(t, now))).collect()),
            T::Every(n, p, cur) => T::Every(n, p, Box::new(self.reached(*cur, now))),
            T::Bounded(w, cur, f, l) => bounded(&w, self.reached(*cur, now), f, l),
            other => other,
        }
    }

    /// What begins again when a tree fails.
    fn again(&self, t: &T) -> Option<T> {
        match t {
            T::Done(_) | T::Fresh(_) | T::Loop(..) | T::Wait(..) => None,
            T::Seq(done, cur, rest) => Some(seq(done.clone(), self.again(cur)?, rest.clone())),
            T::And(list) => (0..list.len()).find_map(|at| {
                let mut list = list.clone();
                list[at] = self.again(&list[at])?;
                Some(T::And(list))
            }),
            T::Or(list) => (0..list.len()).find_map(|at| {
                let mut list = list.clone();
                list[at] = Some(self.again(list[at].as_ref()?)?);
                Some(T::Or(list))
            }),
            T::Bounded(w, cur, f, l) => Some(bounded_again(w, self.again(cur)?, *f, *l)),
            T::Every(n, p, cur) => Some(match self.again(cur) {
                Some(inner) => T::Every(*n, p.clone(), Box::new(inner)),
                None => T::Fresh(p.clone()),
            }),
        }
    }
}

struct Run {
    trees: Vec<T>,
    holds_start: bool,
}

/// Runs behind a step: those in the place of the run before, and new ones.
#[derive(Default)]
struct Next {
    old: Vec<Run>,
    new: Vec<Run>,
}

/// One key.
struct Key<'a> {
    world: World<'a>,
    root: Rc<P>,
    begins_with_wait: bool,
    runs: Vec<Run>,
    is_busy: bool,
    /// The row ended what kept the pattern from beginning.
    is_freed: bool,
    has_matched: bool,
    number: usize,
    lines: Vec<String>,
    name: String,
    is_too_much: bool,
    /// Rows so far.
    seen: u64,
}

impl Key<'_> {
    fn give(&mut self, found: &[Cap], timed_out: bool) {
        let number = if timed_out { self.number + 1 } else { self.number };
        let rows: Vec<(usize, Row, bool)> =
            found.iter().map(|&(e, at)| (e, self.world.rows[at].0.clone(), false)).collect();
        let made = lines(self.world.case, &self.name, number, &rows, timed_out, None);
        self.lines.extend(made);
    }

    fn is_start(&self, t: &T) -> bool {
        // The whole begins again where nothing was found and the whole is an EVERY.
        match t {
            T::Fresh(_) => true,
            T::Bounded(_, cur, None, _) => self.is_start(cur),
            T::Seq(done, cur, _) => done.is_empty() && self.is_start(cur) && caps(t).is_empty(),
            _ => false,
        }
    }

    /// Ends a step of a run: what became of its trees, in order, the first tree that failed, what
    /// begins again.
    #[allow(clippy::too_many_arguments)]
    fn conclude(
        &mut self,
        mut trees: Vec<T>,
        dead: Option<(T, bool)>,
        again: Vec<T>,
        mut holds: bool,
        now: i64,
        is_new: bool,
        restarted: &mut Vec<Run>,
        next: &mut Next,
    ) {
        let mut is_new = is_new;
        for t in again {
            if caps(&t).is_empty() && self.is_start(&t) && !self.begins_with_wait {
                self.is_busy = false;
            } else {
                let is_start = caps(&t).is_empty() && self.is_start(&t);
                let t = self.world.reached(t, now);
                let run = Run { trees: vec![t], holds_start: holds || is_start };
                // It has the place of the run, which goes on as a new one.
                if is_new {
                    next.new.push(run)
                } else {
                    next.old.push(run)
                }
                is_new = true;
            }
            holds = false;
        }
        if let Some(at) = trees.iter().position(|t| self.world.is_complete(t)) {
            self.has_matched = true;
            self.number += 1;
            self.give(&caps(&trees[at]), false);
            return;
        }
        self.is_too_much |= trees.len() > 200;
        trees.truncate(200);
        if !trees.is_empty() {
            let trees = trees.into_iter().map(|t| self.world.reached(t, now)).collect();
            let run = Run { trees, holds_start: holds };
            if is_new {
                next.new.push(run)
            } else {
                next.old.push(run)
            }
            return;
        }
        let Some((mut tree, by_time)) = dead else { return };
        if by_time && self.world.case.timed_out && !caps(&tree).is_empty() && self.world.case.all.is_none() {
            self.give(&caps(&tree), true);
        }
        for _ in 0..8 {
            let Some(again) = self.world.again(&tree) else { break };
            let again = self.world.reached(again, now);
            let by_rows = matches!(self.world.rows_passed(&again, self.seen), Some(None));
            let is_late = by_rows || self.world.times(&again).iter().any(|t| !t.4 && t.0 <= now);
            if caps(&again).is_empty() || !is_late {
                if caps(&again).is_empty() && !self.begins_with_wait && self.is_start(&again) {
                    self.is_busy = false;
                    self.is_freed = true;
                } else {
                    restarted.push(Run { trees: vec![again], holds_start: holds });
                }
                return;
            }
            tree = again;
        }
        if holds && !self.has_matched {
            if self.begins_with_wait {
                let t = self.world.reached(T::Fresh(self.root.clone()), now);
                restarted.push(Run { trees: vec![t], holds_start: true });
            } else {
                self.is_busy = false;
                self.is_freed = true;
            }
        }
    }

    fn move_run(
        &mut self,
        run: Run,
        row: usize,
        is_offer: bool,
        is_new: bool,
        restarted: &mut Vec<Run>,
        next: &mut Next,
    ) {
        let now = self.world.rows[row].1;
        let mut trees: Vec<(T, bool)> = vec![];
        let mut dead = None;
        let mut taken: Vec<(usize, Vec<T>, Vec<usize>)> = vec![];
        for tree in run.trees {
            let mut tree = tree;
            let mut is_dead = false;
            while let Some(passed) = self.world.rows_passed(&tree, row as u64 + 1) {
                match passed {
                    Some(t) => tree = self.world.reached(t, now),
                    None => {
                        is_dead = true;
                        break;
                    }
                }
            }
            if is_dead {
                dead.get_or_insert((tree, false));
                continue;
            }
            let found = caps(&tree);
            let ways = self.world.ways(&tree, row, &found);
            let mut any = false;
            for way in ways {
                if let Way::Take(t, again, over) = way {
                    any = true;
                    taken.push((trees.len(), again, over));
                    trees.push((t, true));
                }
            }
            if any {
                continue;
            }
            let fall = if is_offer { None } else { self.world.falls(&tree, row, &found).into_iter().next() };
            match fall {
                Some(Some(t)) => trees.push((t, false)),
                Some(None) => {
                    dead.get_or_insert((tree, false));
                }
                None => {
                    let waits = found.is_empty() && self.world.times(&tree).iter().any(|t| t.4);
                    if self.world.is_contiguous() && !waits && !is_offer {
                        dead.get_or_insert((tree, false));
                    } else {
                        trees.push((tree, false));
                    }
                }
            }
        }
        let (trees, again) = settle(trees, taken);
        self.conclude(trees, dead, again, run.holds_start, now, is_new, restarted, next);
    }

    fn row(&mut self, row: usize) {
        let now = self.world.rows[row].1;
        self.fire_until(now);
        let was_busy = self.is_busy;
        self.seen = row as u64 + 1;
        self.is_freed = false;
        if row == 0 && self.begins_with_wait {
            self.is_busy = true;
            let t = self.world.reached(T::Fresh(self.root.clone()), now);
            self.runs.push(Run { trees: vec![t], holds_start: true });
        }
        let (mut restarted, mut next) = (vec![], Next::default());
        let mut old: Vec<(usize, Run)> = vec![];
        for (place, run) in std::mem::take(&mut self.runs).into_iter().enumerate() {
            let mut again = vec![];
            self.move_run(run, row, false, false, &mut again, &mut next);
            restarted.extend(again.into_iter().map(|run| (place, run)));
            old.extend(next.old.drain(..).map(|run| (place, run)));
        }
        for (place, run) in restarted {
            self.move_run(run, row, true, false, &mut vec![], &mut next);
            old.extend(next.old.drain(..).map(|run| (place, run)));
        }
        // What began again stands where its run stood.
        old.sort_by_key(|run| run.0);
        next.old = old.into_iter().map(|run| run.1).collect();
        if !self.is_busy && (!was_busy || self.is_freed) && !self.begins_with_wait {
            let start = T::Fresh(self.root.clone());
            let takes = self.world.ways(&start, row, &[]).iter().any(|w| matches!(w, Way::Take(..)));
            if takes {
                self.is_busy = true;
                let run = Run { trees: vec![start], holds_start: true };
                self.move_run(run, row, false, true, &mut vec![], &mut next);
            }
        }
        self.runs = next.old;
        self.runs.append(&mut next.new);
        self.is_too_much |= self.runs.len() > 300;
    }

    /// The run that something happens to first.
    fn first_due(&self) -> Option<(i64, usize)> {
        let due = |r: &Run| r.trees.iter().flat_map(|t| self.world.times(t)).map(|t| t.0).min();
        self.runs.iter().enumerate().filter_map(|(at, r)| Some((due(r)?, at))).min()
    }

    fn fire(&mut self, at: usize, due: i64) {
        let run = self.runs.remove(at);
        let mut trees: Vec<(T, bool)> = vec![];
        let mut taken = vec![];
        let mut dead = None;
        for tree in run.trees {
            match self.world.times(&tree).into_iter().find(|t| t.0 <= due) {
                None => trees.push((tree, false)),
                Some((_, None, ..)) => {
                    dead.get_or_insert((tree, true));
                }
                Some((_, Some(t), again, over, absence)) => {
                    if absence {
                        taken.push((trees.len(), again, over));
                    }
                    trees.push((t, absence));
                }
            }
        }
        let (trees, again) = settle(trees, taken);
        let (mut restarted, mut next) = (vec![], Next::default());
        self.conclude(trees, dead, again, run.holds_start, due, false, &mut restarted, &mut next);
        next.old.extend(restarted);
        for (n, run) in next.old.into_iter().enumerate() {
            self.runs.insert(at + n, run);
        }
        self.runs.append(&mut next.new);
    }

    fn fire_until(&mut self, now: i64) {
        while let Some((due, at)) = self.first_due() {
            if due > now {
                break;
            }
            self.fire(at, due);
        }
    }
}

/// An EVERY that is complete ends the other trees of its instance.
fn settle(trees: Vec<(T, bool)>, taken: Vec<(usize, Vec<T>, Vec<usize>)>) -> (Vec<T>, Vec<T>) {
    let first = taken.iter().find(|t| !t.2.is_empty());
    let is_over = |at: usize, t: &T| {
        let Some((winner, _, over)) = first else { return false };
        let own = taken.iter().find(|t| t.0 == at).map(|t| &t.2);
        *winner != at && over.iter().any(|&e| inside(t, e) || own.is_some_and(|own| own.contains(&e)))
    };
    let kept: Vec<bool> = trees.iter().enumerate().map(|(at, (t, _))| !is_over(at, t)).collect();
    let again = taken.iter().filter(|t| kept[t.0]).flat_map(|t| t.1.clone()).collect();
    let trees = trees.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|((t, _), _)| t).collect();
    (trees, again)
}

/// What comes out; `None`: the reference has too much to do.
pub fn outcome(case: &Case) -> Option<Outcome> {
    let mut out = Outcome::default();
    let (keys, end) = by_partition(case);
    let mut root = convert(&case.pattern, &mut 0);
    if !case.within.is_empty() {
        root = Rc::new(P::Bounded(case.within.clone(), root));
    }
    for (at, rows) in keys.iter().enumerate() {
        let mut key = Key {
            world: World { case, rows },
            begins_with_wait: begins_with_wait(&root),
            root: root.clone(),
            runs: vec![],
            is_busy: false,
            is_freed: false,
            has_matched: false,
            number: 0,
            lines: vec![],
            name: format!("k{at}"),
            is_too_much: false,
            seen: 0,
        };
        for row in 0..rows.len() {
            key.row(row);
            if key.is_too_much {
                return None;
            }
        }
        key.fire_until(end);
        // The end of time: what waits now happens once, in order.
        let mut left: Vec<(i64, usize)> = vec![];
        for (at, run) in key.runs.iter().enumerate() {
            let due = run.trees.iter().flat_map(|t| key.world.times(t)).map(|t| t.0).min();
            left.extend(due.map(|due| (due, at)));
        }
        left.sort_unstable();
        for (due, at) in left {
            let before = key.runs.len();
            let kept = std::mem::take(&mut key.runs);
            let (mut others, mut one) = (vec![], vec![]);
            for (n, run) in kept.into_iter().enumerate() {
                if n == at { one.push(run) } else { others.push((n, run)) }
            }
            key.runs = one;
            key.fire(0, due);
            // What became of it plays no part any more; its place stays.
            key.runs = vec![];
            for n in 0..before {
                match others.iter().position(|o| o.0 == n) {
                    Some(o) => key.runs.push(others.remove(o).1),
                    None => key.runs.push(Run { trees: vec![], holds_start: false }),
                }
            }
        }
        out.lines.append(&mut key.lines);
    }
    Some(out)
}
