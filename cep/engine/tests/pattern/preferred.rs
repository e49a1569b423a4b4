//! MATCH_RECOGNIZE by backtracking over the whole input.

use cep_lang::plan::{AfterMatch, ElementId, Pattern, Within};

use crate::case::{Case, Cond, Outcome, Row, by_partition, lines};

/// Steps of backtracking in one case at most: some patterns take exponential time.
const STEPS_MAX: usize = 300_000;

struct Matcher<'a> {
    case: &'a Case,
    rows: &'a [(Row, i64)],
    steps: usize,
}

/// Rows of a match: element, index, excluded.
type Taken = Vec<(usize, usize, bool)>;
type Goal<'g> = &'g mut dyn FnMut(&mut Matcher<'_>, usize, &mut Taken) -> bool;

impl Matcher<'_> {
    /// Whether a match of `p` from row `at` leads to the goal, in order of preference.
    fn find(&mut self, p: &Pattern, at: usize, excluded: bool, taken: &mut Taken, goal: Goal<'_>) -> bool {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return true;
        }
        match p {
            Pattern::Element(ElementId(e)) => {
                if at >= self.rows.len() || !holds(&self.case.conds[*e], *e, self.rows, at, taken) {
                    return false;
                }
                taken.push((*e, at, excluded));
                let found = goal(self, at + 1, taken);
                if !found {
                    taken.pop();
                }
                found
            }
            Pattern::Then(list) => self.then(list, at, excluded, taken, goal),
            Pattern::Or(list) => list.iter().any(|p| self.find(p, at, excluded, taken, goal)),
            Pattern::Permute(list) => {
                let mut orders = Vec::new();
                permutations(&mut Vec::new(), list.len(), &mut orders);
                orders.iter().any(|order| {
                    let list: Vec<Pattern> = order.iter().map(|&i| list[i].clone()).collect();
                    self.then(&list, at, excluded, taken, goal)
                })
            }
            Pattern::Repeat { body, min, max, greedy } => {
                self.repeat(body, *min, *max, *greedy, at, excluded, taken, goal)
            }
            Pattern::Exclude(body) => self.find(body, at, true, taken, goal),
            Pattern::Bounded { body, within } => {
                let from = at;
                let before = taken.len();
                self.find(body, at, excluded, taken, &mut |m, to, taken| {
                    let _ = before;
                    keeps(within, &m.rows[from..to]) && goal(m, to, taken)
                })
            }
            Pattern::Start => at == 0 && goal(self, at, taken),
            Pattern::End => at == self.rows.len() && goal(self, at, taken),
            Pattern::Empty => goal(self, at, taken),
            Pattern::And(_) | Pattern::Every(_) | Pattern::Absent { .. } => {
                unreachable!("not in MATCH_RECOGNIZE")
            }
        }
    }

    fn then(
        &mut self,
        list: &[Pattern],
        at: usize,
        excluded: bool,
        taken: &mut Taken,
        goal: Goal<'_>,
    ) -> bool {
        let Some((first, rest)) = list.split_first() else { return goal(self, at, taken) };
        self.find(first, at, excluded, taken, &mut |m, at, taken| m.then(rest, at, excluded, taken, goal))
    }

    #[allow(clippy::too_many_arguments)]
    fn repeat(
        &mut self,
        body: &Pattern,
        min: u32,
        max: Option<u32>,
        greedy: bool,
        at: usize,
        excluded: bool,
        taken: &mut Taken,
        goal: Goal<'_>,
    ) -> bool {
        if max == Some(0) {
            return goal(self, at, taken);
        }
        if !greedy && min == 0 && goal(self, at, taken) {
            return true;
        }
        let more = self.find(body, at, excluded, taken, &mut |m, to, taken| {
            // Beyond what is needed, an empty repetition is none.
            let is_none = min == 0 && to == at;
            !is_none
                && m.repeat(
                    body,
                    min.saturating_sub(1),
                    max.map(|m| m - 1),
                    greedy,
                    to,
                    excluded,
                    taken,
                    goal,
                )
        });
        more || (greedy && min == 0 && goal(self, at, taken))
    }
}

fn permutations(order: &mut Vec<usize>, of: usize, out: &mut Vec<Vec<usize>>) {
    if order.len() == of {
        return out.push(order.clone());
    }
    for next in 0..of {
        if !order.contains(&next) {
            order.push(next);
            permutations(order, of, out);
            order.pop();
        }
    }
}

/// Whether rows one after the other keep the bounds.
fn keeps(within: &[Within], rows: &[(Row, i64)]) -> bool {
    let Some((first, last)) = rows.first().zip(rows.last()) else { return true };
    within.iter().all(|within| match *within {
        Within::Time(ns) => last.1 - first.1 <= ns,
        Within::Step(ns) => rows.windows(2).all(|w| w[1].1 - w[0].1 <= ns),
        Within::Events(n) => rows.len() as u64 <= n,
    })
}

/// Whether row `at` of the partition fits element `own` behind the rows taken.
pub fn holds(
    cond: &Cond,
    own: usize,
    rows: &[(Row, i64)],
    at: usize,
    taken: &[(usize, usize, bool)],
) -> bool {
    let n = rows[at].0.n;
    let of = |i: Option<usize>| i.and_then(|i| rows.get(i)).and_then(|r| r.0.n);
    let taken_or_own = |e: usize| {
        let mut all: Vec<usize> = taken.iter().filter(|t| t.0 == e).map(|t| t.1).collect();
        if e == own {
            all.push(at);
        }
        all
    };
    let both =
        |a: Option<i64>, b: Option<i64>, f: fn(i64, i64) -> bool| a.zip(b).is_some_and(|(a, b)| f(a, b));
    match cond {
        Cond::True => true,
        Cond::In(list) => n.is_some_and(|n| list.contains(&n)),
        Cond::AbovePrev => both(n, of(at.checked_sub(1)), |a, b| a > b),
        Cond::BelowNext => both(n, of(Some(at + 1)), |a, b| a < b),
        Cond::AboveLast(e) => both(n, of(taken_or_own(*e).last().copied()), |a, b| a >= b),
        Cond::BelowFirst(e) => both(n, of(taken_or_own(*e).first().copied()), |a, b| a <= b),
        Cond::BelowBeforeLast(e) => {
            both(n, of(taken_or_own(*e).last().and_then(|&i| i.checked_sub(1))), |a, b| a < b)
        }
        Cond::SumAtMost(list, c) => {
            let mut all: Vec<usize> = taken.iter().filter(|t| list.contains(&t.0)).map(|t| t.1).collect();
            if list.contains(&own) {
                all.push(at);
            }
            let values: Vec<i64> = all.iter().filter_map(|&i| rows[i].0.n).collect();
            !values.is_empty() && values.iter().sum::<i64>() <= *c
        }
        Cond::SmallAndAbove(e) => {
            n.is_some_and(|n| n < 3) && both(n, of(taken_or_own(*e).last().copied()), |a, b| a >= b)
        }
    }
}

/// What comes out; `None`: the reference takes too long.
pub fn outcome(case: &Case) -> Option<Outcome> {
    let mut out = Outcome::default();
    for (key, rows) in by_partition(case).0.iter().enumerate() {
        let mut matcher = Matcher { case, rows, steps: 0 };
        let (mut start, mut number, mut covered) = (0, 0, 0);
        while start < rows.len() {
            let mut found = None;
            let within = case.within.clone();
            matcher.find(&case.pattern, start, false, &mut Vec::new(), &mut |m, to, taken| {
                if !keeps(&within, &m.rows[start..to]) {
                    return false;
                }
                found = Some(taken.clone());
                true
            });
            if matcher.steps > STEPS_MAX {
                return None;
            }
            let key = format!("k{key}");
            let Some(taken) = found else {
                if case.all.is_some_and(|all| all.1) && start >= covered {
                    out.lines.push(format!("{key} {} ∅ ∅ ∅", rows[start].0.id));
                }
                start += 1;
                continue;
            };
            let end = start + taken.len();
            let place = |of: &[ElementId], first: bool| {
                let mut own = taken.iter().filter(|t| of.contains(&ElementId(t.0))).map(|t| t.1);
                let place = if first { own.next() } else { own.next_back() };
                place.filter(|&p| p != start)
            };
            let next = match &case.skip {
                _ if taken.is_empty() => Some(start + 1),
                AfterMatch::ToNextRow | AfterMatch::Overlap => Some(start + 1),
                AfterMatch::PastLastRow => Some(end),
                AfterMatch::ToFirst(of) => place(of, true),
                AfterMatch::ToLast(of) => place(of, false),
            };
            let Some(next) = next else {
                out.errors += 1;
                start = end;
                continue;
            };
            number += 1;
            let matched: Vec<(usize, Row, bool)> =
                taken.iter().map(|&(e, at, excluded)| (e, rows[at].0.clone(), excluded)).collect();
            out.lines.extend(lines(case, &key, number, &matched, false, Some(rows[start].0.id)));
            covered = covered.max(end.max(start + 1));
            start = next;
        }
    }
    Some(out)
}
