//! In which order the rows of several inputs become entries.
//!
//! *Merged* (R-DET-2): by event time, then declaration order, each input in its own order. Rows
//! without an event time come before all that have one. *Arrival*: as inputs have something to
//! give, in turn; for inputs whose rows come when they come.

use net_connect::Reject;

use super::inputs::{Input, Poll, Rows};
use super::pace::Pace;
use crate::failure::Result;
use crate::talk::Talk;

/// How inputs are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By event time, then declaration order.
    Merged,
    /// As they come.
    Arrival,
}

/// What happens next.
#[derive(Debug)]
pub enum Step {
    /// Rows for the engine.
    Rows(Rows),
    /// Records of an input that could not be read.
    Rejects {
        /// Index of the input.
        input: usize,
        /// The records.
        rejects: Vec<Reject>,
    },
    /// Nothing before this wall-clock time, ns, unless a source's thread wakes the loop.
    Wait(i64),
    /// This input has ended; others may go on.
    Ended(usize),
    /// All inputs have ended.
    End,
}

/// The inputs in declaration order with the rule that combines them.
pub struct Inputs {
    /// The inputs.
    pub all: Vec<Input>,
    order: Order,
    pace: Pace,
    /// Input whose turn it is, with [`Order::Arrival`].
    turn: usize,
    /// Inputs whose end has been said.
    said_ended: Vec<bool>,
    /// Inputs whose rows tables begin with: they come to their end before others begin.
    seeds: Vec<bool>,
}

impl Inputs {
    /// Inputs in declaration order.
    pub fn new(all: Vec<Input>, order: Order, pace: Pace) -> Self {
        let seeds = vec![false; all.len()];
        Inputs { said_ended: vec![false; all.len()], all, order, pace, turn: 0, seeds }
    }

    /// The inputs of these streams come to their end before others begin.
    pub fn seeds_first(&mut self, is_seed: impl Fn(cep_types::StreamId) -> bool) {
        self.seeds = self.all.iter().map(|input| is_seed(input.stream)).collect();
    }

    /// Rows of inputs that pass their rate limits at once: so many of each stream were taken before.
    pub fn catch_up(&mut self, known: impl Fn(cep_types::StreamId) -> u64) {
        self.all.iter_mut().for_each(|input| input.catch_up(known(input.stream)));
    }

    /// What happens next.
    ///
    /// # Errors
    /// If a source fails for good.
    pub fn next(&mut self, now_ns: i64, talk: &Talk) -> Result<Step> {
        let mut wait_ns = None;
        let seeding = (0..self.all.len()).any(|at| self.seeds[at] && !self.said_ended[at]);
        for at in 0..self.all.len() {
            let at = match self.order {
                Order::Merged => at,
                Order::Arrival => (self.turn + at) % self.all.len(),
            };
            if seeding && !self.seeds[at] {
                continue;
            }
            match self.all[at].poll(now_ns, talk)? {
                Poll::Ended if !self.said_ended[at] => {
                    self.said_ended[at] = true;
                    return Ok(Step::Ended(at));
                }
                Poll::Ended => {}
                Poll::Wait(until_ns) => wait_ns = Some(until_ns.min(wait_ns.unwrap_or(i64::MAX))),
                Poll::Ready => {
                    if let Some(step) = self.rejects(at) {
                        return Ok(step);
                    }
                    if self.order == Order::Arrival {
                        self.turn = (at + 1) % self.all.len();
                        return Ok(self.release(at, self.all[at].head_rows(), now_ns));
                    }
                }
            }
        }
        match (wait_ns, self.order) {
            (Some(until_ns), _) => Ok(Step::Wait(until_ns)),
            (None, Order::Arrival) => Ok(Step::End),
            (None, Order::Merged) => Ok(self.merged(now_ns, seeding)),
        }
    }

    /// Rejects that come next in an input.
    fn rejects(&mut self, at: usize) -> Option<Step> {
        let input = &mut self.all[at];
        let rejects = if input.rejects_in_place() { input.take_rejects() } else { input.take_all_rejects() };
        (!rejects.is_empty()).then_some(Step::Rejects { input: at, rejects })
    }

    /// The next run of rows; every input has a row in hand or has ended.
    fn merged(&mut self, now_ns: i64, seeding: bool) -> Step {
        let heads: Vec<Option<Head<'_>>> = self
            .all
            .iter()
            .zip(&self.seeds)
            .map(|(input, &seed)| {
                (!input.ended() && (seed || !seeding))
                    .then(|| Head { times: input.head_times(), rows: input.head_rows() })
            })
            .collect();
        match next_run(&heads) {
            Some((at, count)) => self.release(at, count, now_ns),
            None => Step::End,
        }
    }

    /// The next `count` rows of an input, or those of them that are due.
    fn release(&mut self, at: usize, count: usize, now_ns: i64) -> Step {
        let mut count = count;
        if !self.pace.is_max()
            && let Some(times) = self.all[at].head_times()
            && let Some(&first_ns) = times.first()
        {
            let horizon_ns = self.pace.horizon_ns(first_ns, now_ns);
            count = times[..count].iter().take_while(|&&time| time <= horizon_ns).count();
            if count == 0 {
                return Step::Wait(self.pace.due_ns(first_ns));
            }
        }
        Step::Rows(self.all[at].take(count))
    }
}

/// The unused rows of an input.
#[derive(Debug, Clone, Copy)]
struct Head<'a> {
    /// Their event times; `None`: they have none.
    times: Option<&'a [i64]>,
    /// How many may be taken.
    rows: usize,
}

impl Head<'_> {
    fn time(&self) -> i64 {
        self.times.map_or(i64::MIN, |times| times[0])
    }
}

/// The input whose rows come next, and how many before another input's: the input with the least
/// (event time of its next row, declaration order), up to the row that is no longer the least.
fn next_run(heads: &[Option<Head<'_>>]) -> Option<(usize, usize)> {
    let mut least: Option<(i64, usize)> = None;
    let mut second: Option<(i64, usize)> = None;
    for (at, head) in heads.iter().enumerate() {
        let Some(head) = head else { continue };
        let key = (head.time(), at);
        if least.is_none_or(|l| key < l) {
            second = least;
            least = Some(key);
        } else if second.is_none_or(|s| key < s) {
            second = Some(key);
        }
    }
    let (_, at) = least?;
    let head = heads[at]?;
    let count = match (head.times, second) {
        (Some(times), Some(limit)) => {
            1 + times[1..head.rows].iter().take_while(|&&time| (time, at) < limit).count()
        }
        _ => head.rows,
    };
    Some((at, count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rows (input, row) in the order of R-DET-2, one at a time.
    fn obvious(inputs: &[Option<Vec<i64>>], counts: &[usize]) -> Vec<(usize, usize)> {
        let mut next = vec![0; inputs.len()];
        let mut out = Vec::new();
        let left = |next: &[usize], at: usize| next[at] < counts[at];
        while let Some(at) = (0..inputs.len())
            .filter(|&at| left(&next, at))
            .min_by_key(|&at| (inputs[at].as_ref().map_or(i64::MIN, |t| t[next[at]]), at))
        {
            out.push((at, next[at]));
            next[at] += 1;
        }
        out
    }

    proptest! {
        /// Taking runs out of chunks of any size is taking single rows (R-DET-1, R-DET-2).
        #[test]
        fn runs_are_rows_in_event_time_then_declaration_order(
            inputs in prop::collection::vec(
                prop::option::weighted(0.9, prop::collection::vec(-5_i64..5, 0..30)), 1..5),
            untimed_rows in 0_usize..10,
            chunk_rows in 1_usize..12,
        ) {
            let counts: Vec<usize> = inputs.iter().map(|i| i.as_ref().map_or(untimed_rows, Vec::len)).collect();
            let mut next = vec![0; inputs.len()];
            let mut out = Vec::new();
            loop {
                let heads: Vec<Option<Head<'_>>> = (0..inputs.len())
                    .map(|at| {
                        let rows = (counts[at] - next[at]).min(chunk_rows - next[at] % chunk_rows);
                        let times = inputs[at].as_ref().map(|t| &t[next[at]..next[at] + rows]);
                        (rows > 0).then_some(Head { times, rows })
                    })
                    .collect();
                let Some((at, count)) = next_run(&heads) else { break };
                prop_assert!(count >= 1);
                out.extend((next[at]..next[at] + count).map(|row| (at, row)));
                next[at] += count;
            }
            prop_assert_eq!(out, obvious(&inputs, &counts));
        }
    }
}
