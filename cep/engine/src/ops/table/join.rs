//! JOIN, LEFT JOIN, IN and EXISTS: rows of a stream with those of a table.
//!
//! Rows come out in the order in which they came in, the matches of one in the order of the table.
//! A row whose condition fails for one of the rows it looks at is an error of its record, and nothing
//! of it comes out.

use cep_lang::plan::{Expr, TableJoinKind, TableJoinNode};

use super::lookup::{Keys, Lookup, Way, candidates};
use super::pairs::{PAIRS, PairColumns, Pairs, gather_or_null, passing};
use crate::chunk::{Chunk, step_row};
use crate::column::{Column, Values};
use crate::expr::{Compiled, RowErrors, Rows};
use crate::ops::prepare::Prepare;
use crate::ops::{OpContext, OpError};
use crate::table::{NONE, Table};

/// A join with a table. The rows it looks at are the table's state; it has none.
#[derive(Debug)]
pub struct TableJoinOp {
    table: usize,
    prepare: Prepare,
    lookup: Lookup,
    kind: Kind,
    /// Columns that come out, of the input's and then the table's.
    kept: Vec<usize>,
    condition: Option<Compiled>,
    /// `x = c` of IN.
    equal: Option<Compiled>,
    /// A NULL in the key looks at every row.
    nulls_scan: bool,
    columns: PairColumns,
    pairs: Pairs,
    /// Rows of the block whose pairs are in `pairs`, with the end of their pairs.
    block: Vec<(u32, u32)>,
    /// What comes out: rows of the input with rows of the table, or with an answer.
    out: Pairs,
    answers: Vec<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Inner,
    Left,
    Exists,
    In,
}

/// What EXISTS or IN says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    False,
    True,
    Null,
}

impl TableJoinOp {
    /// Builds the operator of `node`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &TableJoinNode) -> Result<Self, String> {
        let (way, exprs) = Way::of(&node.probe);
        let equal = match &node.kind {
            TableJoinKind::In { equal, by_value: _ } => Some(equal),
            TableJoinKind::Inner | TableJoinKind::Left | TableJoinKind::Exists => None,
        };
        let compile = |expr: Option<&Expr>| expr.map(Compiled::new).transpose().map_err(|e| e.to_string());
        let fields = node.input.schema().fields().iter().chain(node.columns.fields());
        let kinds = fields.map(|f| Column::new(f.data_type())).collect();
        Ok(TableJoinOp {
            table: node.table.index(),
            prepare: Prepare::new(None, &exprs).map_err(|e| e.to_string())?,
            lookup: Lookup::new(way),
            kind: match node.kind {
                TableJoinKind::Inner => Kind::Inner,
                TableJoinKind::Left => Kind::Left,
                TableJoinKind::Exists => Kind::Exists,
                TableJoinKind::In { .. } => Kind::In,
            },
            kept: node.kept.clone(),
            condition: compile(node.condition.as_ref())?,
            columns: PairColumns::new(node.condition.iter().chain(equal), kinds),
            equal: compile(equal)?,
            nulls_scan: matches!(node.kind, TableJoinKind::In { by_value: true, .. }),
            pairs: Pairs::default(),
            block: Vec::new(),
            out: Pairs::default(),
            answers: Vec::new(),
        })
    }

    /// The table it reads, by number.
    pub fn table(&self) -> usize {
        self.table
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        if input.is_empty() {
            return;
        }
        self.prepare.run(input, cx);
        let table = &cx.tables[self.table];
        self.out.clear();
        self.answers.clear();
        let rows = self.prepare.rows(input);
        let mut work = Work {
            kind: self.kind,
            nulls_scan: self.nulls_scan,
            condition: &mut self.condition,
            equal: &mut self.equal,
            columns: &mut self.columns,
            pairs: &mut self.pairs,
            block: &mut self.block,
            out: &mut self.out,
            answers: &mut self.answers,
            input,
            table,
            stamps: cx.time.stamps,
        };
        let exprs = self.prepare.columns(input, 0..self.prepare.expr_count());
        let (way, keys) = self.lookup.keys(table, &exprs, rows);
        if way == Way::Key && work.condition.is_none() && work.equal.is_none() {
            work.by_key(&self.prepare, &keys, rows);
        } else if way == Way::Scan && work.kind == Kind::Exists && work.condition.is_none() {
            work.if_any(&self.prepare, rows);
        } else {
            work.in_blocks(&self.prepare, way, &keys, rows, cx.errors);
        }
        self.emit(input, out, &cx.tables[self.table]);
    }

    fn emit(&self, input: &Chunk, out: &mut Chunk, table: &Table) {
        let Pairs { left, right } = &self.out;
        let width = input.columns.len();
        let is_whole = left.len() == input.rows() && left.iter().zip(0..).all(|(&row, at)| row == at);
        for (column, &kept) in out.columns.iter_mut().zip(&self.kept) {
            match (kept.checked_sub(width), is_whole) {
                (None, true) => column.append(&input.columns[kept]),
                (None, false) => column.append_gather(&input.columns[kept], left),
                (Some(at), _) => gather_or_null(column, &table.columns()[at], right),
            }
        }
        if let (Kind::Exists | Kind::In, Some(column)) = (self.kind, out.columns.last_mut()) {
            self.answers.iter().for_each(|&answer| push_answer(column, answer));
        }
        if is_whole {
            out.time.extend_from_slice(&input.time);
            out.pos.extend_from_slice(&input.pos);
        } else {
            out.time.extend(left.iter().map(|&row| input.time[row as usize]));
            out.pos.extend(left.iter().map(|&row| input.pos[row as usize]));
        }
        if !input.ops.is_empty() {
            out.ops.extend(left.iter().map(|&row| input.ops[row as usize]));
        }
    }
}

fn push_answer(column: &mut Column, answer: Answer) {
    if answer == Answer::Null {
        return column.push_null();
    }
    let Values::Bool(values) = &mut column.values else { unreachable!("the plan makes it BOOL") };
    values.push(answer == Answer::True);
    column.mark_valid();
}

/// One step of a join.
struct Work<'a> {
    kind: Kind,
    nulls_scan: bool,
    condition: &'a mut Option<Compiled>,
    equal: &'a mut Option<Compiled>,
    columns: &'a mut PairColumns,
    pairs: &'a mut Pairs,
    block: &'a mut Vec<(u32, u32)>,
    out: &'a mut Pairs,
    answers: &'a mut Vec<Answer>,
    input: &'a Chunk,
    table: &'a Table,
    stamps: &'a [i64],
}

impl Work<'_> {
    fn stamp(&self, row: u32) -> i64 {
        self.stamps[step_row(self.input.pos[row as usize])]
    }

    /// At most one match a row, and nothing else to hold.
    fn by_key(&mut self, prepare: &Prepare, keys: &Keys<'_>, rows: usize) {
        let (index, table) = (self.table.key(), self.table);
        for row in 0..rows {
            let original = prepare.original(row);
            let mut found = keys.get(row).map_or(NONE, |key| index.find(key));
            if found != NONE && !table.keeps_all() && !table.sees(found, self.stamp(original)) {
                found = NONE;
            }
            match self.kind {
                Kind::Inner if found == NONE => continue,
                Kind::Inner | Kind::Left => self.out.right.push(found),
                Kind::Exists | Kind::In => {
                    self.answers.push(if found == NONE { Answer::False } else { Answer::True });
                }
            }
            self.out.left.push(original);
        }
    }

    /// Whether there is any row at all.
    fn if_any(&mut self, prepare: &Prepare, rows: usize) {
        for row in 0..rows {
            let original = prepare.original(row);
            // The newest row is past the TTL last.
            let found =
                self.table.newest().is_some_and(|newest| self.table.sees(newest, self.stamp(original)));
            self.answers.push(if found { Answer::True } else { Answer::False });
            self.out.left.push(original);
        }
    }

    fn in_blocks(
        &mut self,
        prepare: &Prepare,
        way: Way,
        keys: &Keys<'_>,
        rows: usize,
        errors: &mut Vec<OpError>,
    ) {
        self.pairs.clear();
        self.block.clear();
        for row in 0..rows {
            let original = prepare.original(row);
            let stamp = self.stamp(original);
            let way = if self.nulls_scan && keys.is_null(row) { Way::Scan } else { way };
            candidates(self.table, way, keys, row, stamp, &mut self.pairs.right);
            self.pairs.left.resize(self.pairs.right.len(), original);
            self.block.push((original, self.pairs.len() as u32));
            if self.pairs.len() >= PAIRS {
                self.finish_block(errors);
            }
        }
        self.finish_block(errors);
    }

    /// Tests the pairs and tells what becomes of their rows.
    fn finish_block(&mut self, errors: &mut Vec<OpError>) {
        let tested = self.condition.is_some() || self.equal.is_some();
        if tested {
            self.columns.load(self.input, self.table, self.pairs, self.stamps);
        }
        let mut failed = RowErrors::new();
        let mut kept: Vec<u32> = Vec::new();
        match self.condition {
            Some(condition) => passing(condition, self.columns, &mut failed, &mut kept),
            None => kept.extend(0..self.pairs.len() as u32),
        }
        let outcome: Vec<Answer> = match self.equal {
            Some(equal) => {
                let input = self.columns.input();
                let equal = equal.eval(&input, Rows::Some(&kept), &mut failed);
                (0..kept.len()).map(|at| answer_at(equal, at)).collect()
            }
            None => vec![Answer::True; kept.len()],
        };
        let failed = failed.settle();
        let (mut pair, mut at, mut error) = (0, 0, 0);
        for &(row, end) in self.block.iter() {
            let first = at;
            while at < kept.len() && kept[at] < end {
                at += 1;
            }
            let in_error = error < failed.len() && failed[error].row < end;
            if in_error {
                let failure = &failed[error].failure;
                let pos = self.input.pos[row as usize];
                errors.push(OpError::of_record(pos, failure.kind.code(), failure.message.clone()));
                while error < failed.len() && failed[error].row < end {
                    error += 1;
                }
            } else {
                let matches = kept[first..at].iter().map(|&pair| self.pairs.right[pair as usize]);
                settle(self.kind, row, matches, &outcome[first..at], self.out, self.answers);
            }
            pair = end;
        }
        debug_assert_eq!(pair as usize, self.pairs.len(), "every pair belongs to a row of the block");
        self.pairs.clear();
        self.block.clear();
    }
}

fn answer_at(column: &Column, row: usize) -> Answer {
    let Values::Bool(values) = &column.values else { return Answer::Null };
    match (column.is_valid(row), values[row]) {
        (false, _) => Answer::Null,
        (true, false) => Answer::False,
        (true, true) => Answer::True,
    }
}

/// What becomes of one row with its matches.
fn settle(
    kind: Kind,
    row: u32,
    matches: impl ExactSizeIterator<Item = u32>,
    outcome: &[Answer],
    out: &mut Pairs,
    answers: &mut Vec<Answer>,
) {
    match kind {
        Kind::Left if matches.len() == 0 => {
            out.left.push(row);
            out.right.push(NONE);
        }
        Kind::Inner | Kind::Left => {
            out.left.extend(std::iter::repeat_n(row, matches.len()));
            out.right.extend(matches);
        }
        Kind::Exists | Kind::In => {
            out.left.push(row);
            answers.push(match () {
                () if outcome.contains(&Answer::True) => Answer::True,
                () if outcome.contains(&Answer::Null) => Answer::Null,
                () => Answer::False,
            });
        }
    }
}
