//! Triggers: rows that time makes. A row is due at a stamp; it comes when the stamp is reached, before the
//! row that brought it, and its time is the one at which it was due.

use cep_lang::ast::Schedule;
use croner::Cron;

use super::window::{cron, cron_bounds};
use super::{CLOSE_ROWS, FEW_CLOSES, OpContext};
use crate::chunk::{Chunk, Phase, position};
use crate::codec::{Reader, Result, Writer};

/// When rows are due.
#[derive(Debug)]
enum When {
    Start,
    Every(i64),
    Cron(Box<Cron>),
}

/// A trigger.
#[derive(Debug)]
pub struct TriggerOp {
    when: When,
    /// The first stamp has been seen.
    has_begun: bool,
    /// When the next row is due; `None`: never.
    due: Option<i64>,
}

impl TriggerOp {
    /// Builds the operator of a schedule.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(schedule: &Schedule) -> std::result::Result<Self, String> {
        let when = match schedule {
            Schedule::Start => When::Start,
            Schedule::Every(ns) => When::Every(*ns),
            Schedule::Cron(expression) => When::Cron(Box::new(cron(expression)?)),
        };
        Ok(TriggerOp { when, has_begun: false, due: None })
    }

    /// The least stamp that makes a row.
    pub fn due_stamp(&self) -> Option<i64> {
        if self.has_begun { self.due } else { Some(i64::MIN + 1) }
    }

    /// Stamp up to which about `CLOSE_ROWS` rows are made.
    pub fn stamp_horizon(&self) -> Option<i64> {
        let rows = CLOSE_ROWS as i64 - 1;
        self.due.map(|due| due.saturating_add(self.distance_ns().saturating_mul(rows)))
    }

    /// An advance of the stamp that makes more than `FEW_CLOSES` rows.
    pub fn jump_ns(&self) -> Option<i64> {
        match self.when {
            When::Start => None,
            When::Every(_) | When::Cron(_) => Some(self.distance_ns().saturating_mul(FEW_CLOSES)),
        }
    }

    /// The least distance of two rows.
    fn distance_ns(&self) -> i64 {
        match self.when {
            When::Start => i64::MAX,
            When::Every(ns) => ns,
            When::Cron(_) => 1_000_000_000,
        }
    }

    /// The first time after `stamp` at which a row is due.
    fn after(&self, stamp: i64) -> Option<i64> {
        match &self.when {
            When::Start => None,
            When::Every(ns) => stamp.checked_sub(stamp.rem_euclid(*ns))?.checked_add(*ns),
            When::Cron(cron) => {
                cron_bounds(cron, stamp).ok().map(|(_, next)| next).filter(|&next| next < i64::MAX)
            }
        }
    }

    /// Processes a step; it has no input.
    pub fn process(&mut self, out: &mut Chunk, cx: &mut OpContext<'_>) {
        let stamps = cx.time.stamps;
        if !self.has_begun {
            self.has_begun = true;
            self.due = match self.when {
                When::Start => Some(stamps[0]),
                When::Every(_) | When::Cron(_) => self.after(stamps[0]),
            };
        }
        let mut from = 0;
        while let Some(due) = self.due {
            let Some(row) = cx.time.first_stamp_reaching(due, from) else { break };
            out.columns[0].push_i64(due);
            out.time.push(due);
            out.pos.push(position(row, Phase::Stamp));
            self.due = self.after(due);
            from = row;
        }
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.bool(self.has_begun);
        out.opt_i64(self.due);
    }

    /// Reads what [`TriggerOp::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.has_begun = input.bool()?;
        self.due = input.opt_i64()?;
        Ok(())
    }
}
