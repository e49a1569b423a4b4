//! INSERT, UPSERT, UPDATE and DELETE: rows of a stream change a table, one after the other.
//!
//! What one row does is done wholly or not at all: a row that fails in a condition or a new value is
//! an error of its record, and changes nothing.

use arrow_schema::DataType;
use cep_lang::plan::{Expr, OnConflict, TableAction, TableWriteNode};
use cep_types::Op;

use super::lookup::{Lookup, Way, candidates};
use super::pairs::{PairColumns, Pairs, passing};
use crate::chunk::{Chunk, step_row};
use crate::column::Column;
use crate::expr::{Compiled, RowErrors, Rows};
use crate::ops::prepare::Prepare;
use crate::ops::{OpContext, OpError};
use crate::table::{Refused, Table};

/// Writes a table. The rows are the table's state; it has none.
#[derive(Debug)]
pub struct TableWriteOp {
    table: usize,
    action: Action,
}

#[derive(Debug)]
enum Action {
    Insert(OnConflict),
    Upsert,
    Change(Box<Change>),
}

/// UPDATE, or DELETE without new values.
#[derive(Debug)]
struct Change {
    prepare: Prepare,
    lookup: Lookup,
    condition: Option<Compiled>,
    /// Columns of the table with their new values; `None`: the rows go.
    set: Option<Vec<(usize, Compiled)>>,
    columns: PairColumns,
    types: Vec<DataType>,
    pairs: Pairs,
}

impl TableWriteOp {
    /// Builds the operator of `node`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &TableWriteNode) -> Result<Self, String> {
        let action = match &node.action {
            TableAction::Insert(conflict) => Action::Insert(*conflict),
            TableAction::Upsert => Action::Upsert,
            TableAction::Update { probe, condition, set } => {
                let lookup = Way::of(probe);
                Action::Change(Box::new(Change::new(node, lookup, condition.as_ref(), Some(set))?))
            }
            TableAction::Delete { probe, condition } => {
                Action::Change(Box::new(Change::new(node, Way::of(probe), condition.as_ref(), None)?))
            }
        };
        Ok(TableWriteOp { table: node.table.index(), action })
    }

    /// The table it writes, by number.
    pub fn table(&self) -> usize {
        self.table
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, cx: &mut OpContext<'_>) {
        if input.is_empty() {
            return;
        }
        let conflict = match &mut self.action {
            Action::Change(change) => return change.process(self.table, input, cx),
            Action::Insert(conflict) => *conflict,
            Action::Upsert => OnConflict::Replace,
        };
        let table = &mut cx.tables[self.table];
        for row in 0..input.rows() {
            let pos = input.pos[row];
            let stamp = cx.time.stamps[step_row(pos)];
            let op = input.ops.get(row).copied().unwrap_or(Op::Insert);
            if matches!(op, Op::Delete | Op::UpdateBefore) {
                table.remove_like(&input.columns, row, stamp);
            } else if let Err(refused) = table.insert(&input.columns, row, stamp, conflict) {
                cx.errors.push(error(pos, refused));
            }
        }
    }
}

fn error(pos: u32, refused: Refused) -> OpError {
    OpError::of_record(pos, refused.code, refused.message)
}

impl Change {
    fn new(
        node: &TableWriteNode,
        (way, exprs): (Way, Vec<&Expr>),
        condition: Option<&Expr>,
        set: Option<&Vec<(usize, Expr)>>,
    ) -> Result<Change, String> {
        let fields = node.input.schema().fields().iter().chain(node.columns.fields());
        let kinds = fields.map(|f| Column::new(f.data_type())).collect();
        let values = set.into_iter().flatten().map(|(_, value)| value);
        let columns = PairColumns::new(condition.into_iter().chain(values), kinds);
        let compile = |expr: &Expr| Compiled::new(expr).map_err(|e| e.to_string());
        let set = set.map(|set| {
            set.iter().map(|(at, value)| Ok((*at, compile(value)?))).collect::<Result<Vec<_>, String>>()
        });
        Ok(Change {
            prepare: Prepare::new(None, &exprs).map_err(|e| e.to_string())?,
            lookup: Lookup::new(way),
            condition: condition.map(compile).transpose()?,
            set: set.transpose()?,
            columns,
            types: node.columns.fields().iter().map(|f| f.data_type().clone()).collect(),
            pairs: Pairs::default(),
        })
    }

    fn process(&mut self, table: usize, input: &Chunk, cx: &mut OpContext<'_>) {
        self.prepare.run(input, cx);
        let table = &mut cx.tables[table];
        let Change { prepare, lookup, condition, set, columns, types, pairs } = self;
        let exprs = prepare.columns(input, 0..prepare.expr_count());
        let rows = prepare.rows(input);
        let (way, keys) = lookup.keys(table, &exprs, rows);
        let mut kept = Vec::new();
        for row in 0..rows {
            let original = prepare.original(row);
            let pos = input.pos[original as usize];
            let stamp = cx.time.stamps[step_row(pos)];
            table.expire(stamp);
            pairs.clear();
            candidates(table, way, &keys, row, stamp, &mut pairs.right);
            pairs.left.resize(pairs.right.len(), original);
            if pairs.len() == 0 {
                continue;
            }
            columns.load(input, table, pairs, cx.time.stamps);
            let mut failed = RowErrors::new();
            match condition {
                Some(condition) => passing(condition, columns, &mut failed, &mut kept),
                None => {
                    kept.clear();
                    kept.extend(0..pairs.len() as u32);
                }
            }
            let fresh = set
                .as_mut()
                .filter(|_| failed.is_empty())
                .map(|set| new_rows(table, types, set, columns, pairs, &kept, &mut failed));
            if let Some(first) = failed.settle().first() {
                let failure = &first.failure;
                cx.errors.push(OpError::of_record(pos, failure.kind.code(), failure.message.clone()));
                continue;
            }
            if let Some(Err(refused)) = fresh.as_ref().map(|fresh| table.check_room(fresh)) {
                cx.errors.push(error(pos, refused));
                continue;
            }
            for (at, &pair) in kept.iter().enumerate() {
                let old = pairs.right[pair as usize];
                match &fresh {
                    None => table.remove(old),
                    Some(fresh) => table.replace(fresh, at, stamp, old),
                }
            }
            table.tidy();
        }
    }
}

/// The rows `kept` of the pairs with their new values.
fn new_rows(
    table: &Table,
    types: &[DataType],
    set: &mut [(usize, Compiled)],
    columns: &PairColumns,
    pairs: &Pairs,
    kept: &[u32],
    failed: &mut RowErrors,
) -> Vec<Column> {
    let old: Vec<u32> = kept.iter().map(|&pair| pairs.right[pair as usize]).collect();
    let mut rows: Vec<Column> = types.iter().map(Column::new).collect();
    for (at, column) in rows.iter_mut().enumerate() {
        if !set.iter().any(|(changed, _)| *changed == at) {
            column.append_gather(&table.columns()[at], &old);
        }
    }
    for (at, value) in set {
        rows[*at].append(value.eval(&columns.input(), Rows::Some(kept), failed));
    }
    rows
}
