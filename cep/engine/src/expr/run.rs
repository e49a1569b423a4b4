//! Running compiled blocks.

use datafusion_expr::ColumnarValue;
use smallvec::SmallVec;

use super::error::RowErrors;
use super::input::{Input, Rows};
use super::kernel::choose::{Choice, assemble, scatter, select};
use super::kernel::map::Failures;
use super::kernel::{arith, bits, boolean, cast, compare, decimal, pattern, set, temporal, text};
use super::program::{Block, Constant, Num, Op, Operand, Step};
use super::view::{Reg, View};
use crate::column::{Column, Values};

/// Operands of a step; rarely more than these.
type Views<'a> = SmallVec<[View<'a>; 8]>;

/// Constants and scratch of one compiled expression.
#[derive(Debug, Clone, Default)]
pub(super) struct Machine {
    pub(super) constants: Vec<Constant>,
    pub(super) regs: Vec<Reg>,
    /// Row lists not in use.
    row_lists: Vec<Vec<u32>>,
    /// Choice lists not in use.
    choice_lists: Vec<Vec<Choice>>,
}

/// The rows a block runs over.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) rows: Rows<'a>,
    pub(super) count: usize,
}

impl<'a> Frame<'a> {
    pub(super) fn new(input: &'a Input<'a>, rows: Rows<'a>) -> Self {
        Frame { input, rows, count: rows.count(input.rows) }
    }
}

impl Machine {
    pub(super) fn new_reg(&mut self) -> usize {
        self.regs.push(Reg::default());
        self.regs.len() - 1
    }

    pub(super) fn take_rows(&mut self) -> Vec<u32> {
        self.row_lists.pop().unwrap_or_default()
    }

    pub(super) fn give_rows(&mut self, mut list: Vec<u32>) {
        list.clear();
        self.row_lists.push(list);
    }

    /// An operand of a block that ran over `frame`.
    pub(super) fn view<'m>(&'m self, operand: Operand, frame: Frame<'m>) -> View<'m> {
        match operand {
            Operand::Column { index, gathered } => match frame.rows {
                Rows::All => View::many(&frame.input.columns[index]),
                Rows::Some(_) => View::many(&self.regs[gathered].column),
            },
            Operand::Reg(reg) => View::many(&self.regs[reg].column),
            Operand::Const(at) => View { column: &self.constants[at].column, one: true },
        }
    }

    /// Runs `block` over `frame`; its result is then behind `block.result`.
    pub(super) fn run(&mut self, block: &Block, frame: Frame<'_>, errors: &mut RowErrors) {
        if let Rows::Some(rows) = frame.rows {
            for &(index, gathered) in &block.columns {
                self.regs[gathered].gather(&frame.input.columns[index], rows);
            }
        }
        for step in &block.steps {
            self.step(step, frame, errors);
        }
    }

    pub(super) fn step(&mut self, step: &Step, frame: Frame<'_>, errors: &mut RowErrors) {
        let mut out = std::mem::take(&mut self.regs[step.out]);
        match &step.op {
            Op::Logic { or, terms } => self.logic(&mut out, *or, terms, frame, errors),
            Op::Case { branches, otherwise, like } => {
                self.case(&mut out, (branches, otherwise.as_ref(), like), frame, errors);
            }
            Op::Coalesce { terms, like } => self.coalesce(&mut out, (terms, like), frame, errors),
            _ => self.straight(&mut out, step, frame, errors),
        }
        self.regs[step.out] = out;
    }

    fn straight(&self, out: &mut Reg, step: &Step, frame: Frame<'_>, errors: &mut RowErrors) {
        let n = frame.count;
        let arg = |at: usize| self.view(step.args[at], frame);
        let mut failures = Failures { rows: frame.rows, errors };
        match &step.op {
            Op::Copy => out.copy(arg(0), n),
            Op::Stamp => out.copy_times(frame.input.stamp, frame.rows),
            Op::EventTime => out.copy_times(frame.input.event_time, frame.rows),
            Op::Arith(op, num) => {
                let (a, b) = (arg(0), arg(1));
                match num {
                    Num::I32 => arith::arith_i32(out, n, *op, (a, b), &mut failures),
                    Num::I64 => arith::arith_i64(out, n, *op, (a, b), &mut failures),
                    Num::F32 => arith::arith_f32(out, n, *op, a, b),
                    Num::F64 => arith::arith_f64(out, n, *op, a, b),
                }
            }
            Op::Decimal(op) => decimal::decimal(out, n, *op, (arg(0), arg(1)), &mut failures),
            Op::Temporal(op) => temporal::temporal(out, n, *op, (arg(0), arg(1)), &mut failures),
            Op::Bits(op, num) => bits::bits(out, n, (*op, *num), arg(0), arg(1)),
            Op::NegateDecimal => decimal::negate(out, n, arg(0), &mut failures),
            Op::Negate(num) => match num {
                Num::I32 => arith::negate_i32(out, n, arg(0), &mut failures),
                Num::I64 => arith::negate_i64(out, n, arg(0), &mut failures),
                Num::F32 => arith::negate_f32(out, n, arg(0)),
                Num::F64 => arith::negate_f64(out, n, arg(0)),
            },
            Op::Compare(op) => compare::compare(out, n, *op, arg(0), arg(1)),
            Op::Distinct { negated } => compare::distinct(out, n, *negated, arg(0), arg(1)),
            Op::Not => boolean::not(out, n, arg(0)),
            Op::Is { test, negated } => boolean::is(out, n, *test, *negated, arg(0)),
            Op::Kleene { or } => {
                let terms: Views<'_> = (0..step.args.len()).map(arg).collect();
                boolean::kleene(out, n, *or, &terms);
            }
            Op::Select { like } => {
                let parts: Views<'_> = (0..step.args.len()).map(arg).collect();
                select(out, n, like, &parts);
            }
            Op::Cast { cast, to, safe } => cast::cast(out, n, (*cast, to, *safe), arg(0), &mut failures),
            Op::Match { matcher, negated } => pattern::match_constant(out, n, (matcher, *negated), arg(0)),
            Op::MatchEach { kind, negated } => {
                pattern::match_each(out, n, (*kind, *negated), (arg(0), arg(1)), &mut failures);
            }
            Op::InSet { set, negated } => set::in_set(out, n, (set, *negated), arg(0)),
            Op::Concat => {
                let parts: Views<'_> = (0..step.args.len()).map(arg).collect();
                text::concat(out, n, &parts, &mut failures);
            }
            Op::Foreign(foreign) => {
                let args: Vec<ColumnarValue> = step
                    .args
                    .iter()
                    .zip(&foreign.arg_types)
                    .map(|(&operand, data_type)| match operand {
                        Operand::Const(at) => ColumnarValue::Scalar(self.constants[at].scalar.clone()),
                        other => ColumnarValue::Array(self.view(other, frame).column.to_arrow(data_type)),
                    })
                    .collect();
                foreign.run(out, n, &args, &mut failures);
            }
            Op::Logic { .. } | Op::Case { .. } | Op::Coalesce { .. } => {
                unreachable!("these run their own blocks")
            }
        }
    }

    /// AND and OR: a later term runs only for the rows that the terms before leave open.
    fn logic(&mut self, out: &mut Reg, or: bool, terms: &[Block], frame: Frame<'_>, errors: &mut RowErrors) {
        let (first, later) = terms.split_first().expect("a conjunction has terms");
        self.run(first, frame, errors);
        out.copy(self.view(first.result, frame), frame.count);
        let mut open = self.take_rows();
        open.extend((0..frame.count as u32).filter(|&at| !decided(&out.column, at as usize, or)));
        for term in later {
            if open.is_empty() {
                break;
            }
            let rows = self.originals(&open, frame);
            let inner = Frame::new(frame.input, Rows::Some(&rows));
            self.run(term, inner, errors);
            let result = self.view(term.result, inner);
            boolean::merge(out, frame.count, or, &open, result);
            self.give_rows(rows);
            open.retain(|&at| !decided(&out.column, at as usize, or));
        }
        self.give_rows(open);
    }

    fn case(
        &mut self,
        out: &mut Reg,
        (branches, otherwise, like): (&[(Block, Block)], Option<&Block>, &Column),
        frame: Frame<'_>,
        errors: &mut RowErrors,
    ) {
        let mut made = Making::start(self, out, like, frame.count);
        let mut open = self.take_rows();
        open.extend(0..frame.count as u32);
        let mut matched = self.take_rows();
        for (at, (condition, value)) in branches.iter().enumerate() {
            if open.is_empty() {
                break;
            }
            let rows = self.originals(&open, frame);
            let inner = Frame::new(frame.input, Rows::Some(&rows));
            // The first condition sees every row: no need to gather them.
            let inner = if at == 0 { frame } else { inner };
            self.run(condition, inner, errors);
            split(self.view(condition.result, inner), &mut open, &mut matched);
            self.give_rows(rows);
            self.branch(&mut made, out, (at, value), &matched, frame, errors);
        }
        if let Some(value) = otherwise {
            self.branch(&mut made, out, (branches.len(), value), &open, frame, errors);
        }
        let values = branches.iter().map(|(_, v)| v).chain(otherwise);
        made.finish(self, out, like, values, frame);
        self.give_rows(matched);
        self.give_rows(open);
    }

    /// Runs one branch for the rows `at` (positions in `frame`) and puts its values there.
    fn branch(
        &mut self,
        made: &mut Making,
        out: &mut Reg,
        (index, block): (usize, &Block),
        at: &[u32],
        frame: Frame<'_>,
        errors: &mut RowErrors,
    ) {
        if at.is_empty() {
            return;
        }
        let rows = self.originals(at, frame);
        let inner = Frame::new(frame.input, Rows::Some(&rows));
        self.run(block, inner, errors);
        made.put(out, index, at, self.view(block.result, inner));
        self.give_rows(rows);
    }

    fn coalesce(
        &mut self,
        out: &mut Reg,
        (terms, like): (&[Block], &Column),
        frame: Frame<'_>,
        errors: &mut RowErrors,
    ) {
        let mut made = Making::start(self, out, like, frame.count);
        let mut open = self.take_rows();
        open.extend(0..frame.count as u32);
        for (index, term) in terms.iter().enumerate() {
            if open.is_empty() {
                break;
            }
            let rows = self.originals(&open, frame);
            let inner = Frame::new(frame.input, Rows::Some(&rows));
            self.run(term, inner, errors);
            let result = self.view(term.result, inner);
            made.put(out, index, &open, result);
            let mut position = 0;
            open.retain(|_| {
                position += 1;
                !result.is_valid(position - 1)
            });
            self.give_rows(rows);
        }
        made.finish(self, out, like, terms.iter(), frame);
        self.give_rows(open);
    }

    /// Rows of the chunk behind positions `at` of `frame`.
    fn originals(&mut self, at: &[u32], frame: Frame<'_>) -> Vec<u32> {
        let mut rows = self.take_rows();
        match frame.rows {
            Rows::All => rows.extend_from_slice(at),
            Rows::Some(list) => rows.extend(at.iter().map(|&p| list[p as usize])),
        }
        rows
    }
}

/// Moves the rows of `open` where the condition (by position) is TRUE to `matched`.
fn split(condition: View<'_>, open: &mut Vec<u32>, matched: &mut Vec<u32>) {
    matched.clear();
    let (hits, valid) = (condition.bools(), condition.validity());
    let never = condition.is_null_constant();
    let mut kept = 0;
    for at in 0..open.len() {
        let row = open[at];
        let hit = hits.at(at) && !never && valid.is_none_or(|valid| valid[at]);
        if hit {
            matched.push(row);
        }
        open[kept] = row;
        kept += usize::from(!hit);
    }
    open.truncate(kept);
}

fn decided(column: &Column, row: usize, or: bool) -> bool {
    match &column.values {
        Values::Bool(v) => v[row] == or && column.is_valid(row),
        other => unreachable!("{} result of a boolean term", other.kind_name()),
    }
}

/// A result under construction from branches: fixed-width values go to their place at once, text
/// and Arrow values are assembled at the end.
struct Making {
    choices: Option<Vec<Choice>>,
}

impl Making {
    fn start(machine: &mut Machine, out: &mut Reg, like: &Column, rows: usize) -> Self {
        if matches!(like.values, Values::Bytes { .. } | Values::Any(_)) {
            let mut choices = machine.choice_lists.pop().unwrap_or_default();
            choices.resize(rows, Choice::NONE);
            return Making { choices: Some(choices) };
        }
        out.fill_null(like, rows);
        Making { choices: None }
    }

    /// Row i of `values` belongs to position `at[i]`.
    fn put(&mut self, out: &mut Reg, branch: usize, at: &[u32], values: View<'_>) {
        match &mut self.choices {
            None => scatter(out, at, values),
            Some(choices) => {
                for (row, &at) in at.iter().enumerate() {
                    choices[at as usize] = Choice { branch: branch as u32, row: row as u32 };
                }
            }
        }
    }

    fn finish<'b>(
        self,
        machine: &mut Machine,
        out: &mut Reg,
        like: &Column,
        branches: impl Iterator<Item = &'b Block>,
        frame: Frame<'_>,
    ) {
        if let Some(mut choices) = self.choices {
            // Every branch ran under a selection; which one does not matter for finding its result.
            let inner = Frame { rows: Rows::Some(&[]), ..frame };
            let views: Vec<View<'_>> = branches.map(|b| machine.view(b.result, inner)).collect();
            assemble(out, like, &views, &choices);
            choices.clear();
            machine.choice_lists.push(choices);
        } else {
            out.forget_full_validity();
        }
    }
}
