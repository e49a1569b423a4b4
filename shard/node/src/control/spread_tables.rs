//! Tables on several partitions: each partition has its own, with the rows that it wrote.
//!
//! A table that no stream writes is the same everywhere, and any row may look at all of it. One that
//! streams write must be looked at by its own keys: every access names, for each column of the key of
//! `partition.by`, the same column of the table. The rows of a key are then all on its partition.

use std::collections::BTreeMap;

use cep_lang::plan::{
    Expr, ExprKind, Node, Probe, Program, Table, TableAction, TableId, TableJoinNode, TableWriteNode,
};

/// What is known about the tables of a program.
pub(super) struct Tables {
    tables: Vec<Table>,
    written: Vec<bool>,
    /// Columns of each written table that hold the key of `partition.by`, as found so far.
    keys: BTreeMap<TableId, Vec<usize>>,
}

impl Tables {
    pub(super) fn of(program: &Program) -> Tables {
        let mut written: Vec<bool> = program.tables.iter().map(|table| table.seed.is_some()).collect();
        for query in &program.queries {
            if let Node::TableWrite(write) = &query.plan {
                written[write.table.index()] = true;
            }
        }
        Tables { tables: program.tables.clone(), written, keys: BTreeMap::new() }
    }

    /// Checks a join, IN or EXISTS of rows with this key.
    pub(super) fn read(&mut self, join: &TableJoinNode, key: Option<&[usize]>) -> Result<(), String> {
        if !self.written[join.table.index()] {
            return Ok(());
        }
        self.access(join.table, &join.name, columns_probed(&self.tables, join.table, &join.probe, key))
    }

    /// Checks a write by rows with this key.
    pub(super) fn write(&mut self, write: &TableWriteNode, key: Option<&[usize]>) -> Result<(), String> {
        let columns = match &write.action {
            // The rows are those of the table, column by column.
            TableAction::Insert(_) | TableAction::Upsert => key.map(<[usize]>::to_vec),
            TableAction::Update { probe, .. } | TableAction::Delete { probe, .. } => {
                columns_probed(&self.tables, write.table, probe, key)
            }
        };
        self.access(write.table, &write.name, columns)
    }

    fn access(&mut self, table: TableId, name: &str, columns: Option<Vec<usize>>) -> Result<(), String> {
        if self.tables[table.index()].seed.is_some() {
            return Err(format!(
                "uses table '{name}', which begins with a file that no partition has to itself"
            ));
        }
        let Some(columns) = columns else {
            return Err(format!(
                "reads or writes table '{name}' by other columns than its stream's partition.by"
            ));
        };
        let known = self.keys.entry(table).or_insert_with(|| columns.clone());
        if *known == columns {
            return Ok(());
        }
        Err(format!("uses other columns of table '{name}' as the key of a partition than another query"))
    }
}

/// For each column of the key, the column of the table that the probe says equals it.
fn columns_probed(
    tables: &[Table],
    table: TableId,
    probe: &Probe,
    key: Option<&[usize]>,
) -> Option<Vec<usize>> {
    let own = &tables[table.index()];
    let (columns, exprs): (&[usize], &[Expr]) = match probe {
        Probe::Key(exprs) => (&own.key, exprs),
        Probe::Index { index, exprs } => (&own.indexes[*index], exprs),
        Probe::Scan => return None,
    };
    let place = |at: &usize| {
        let same = exprs.iter().position(|expr| matches!(expr.kind, ExprKind::Column(c) if c == *at));
        same.map(|nth| columns[nth])
    };
    key?.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use cep_lang::lower::{CompileOptions, compile};

    use crate::control::spread::check;

    fn checked(sql: &str) -> Result<(), String> {
        let text = format!(
            "CREATE STREAM s (k STRING, n BIGINT) WITH (\"partition.by\" = 'k'); \
             CREATE TABLE t (k STRING, n BIGINT, PRIMARY KEY (k), INDEX (n)); \
             CREATE TABLE fixed (n BIGINT PRIMARY KEY); INSERT INTO fixed VALUES (1); {sql};"
        );
        check(&compile(&text, &CompileOptions::default()).expect("it compiles"))
    }

    #[test]
    fn tables_are_used_by_the_key_of_the_partition() {
        for right in [
            "UPSERT INTO t SELECT k, n FROM s; SELECT s.n, t.n AS m FROM s JOIN t ON s.k = t.k",
            "UPSERT INTO t SELECT k, n FROM s; UPDATE t SET n = s.n FROM s WHERE t.k = s.k; DELETE FROM t USING s WHERE t.k = s.k",
            "UPSERT INTO t SELECT k, n FROM s; SELECT k FROM s WHERE EXISTS (SELECT * FROM t WHERE t.k = s.k)",
            "SELECT s.k FROM s JOIN fixed ON s.n = fixed.n; SELECT s.k FROM s JOIN fixed ON s.n > fixed.n",
        ] {
            assert_eq!(checked(right), Ok(()), "{right}");
        }
        for (wrong, why) in [
            (
                "INSERT INTO t SELECT k, n FROM s; SELECT s.k, t.k AS o FROM s JOIN t ON s.n = t.n",
                "other columns",
            ),
            (
                "INSERT INTO t SELECT k, n FROM s; SELECT s.k, t.k AS o FROM s JOIN t ON s.n > t.n",
                "other columns",
            ),
            ("INSERT INTO t SELECT k || 'x', n FROM s", "other columns"),
            ("INSERT INTO t SELECT k, n FROM s; DELETE FROM t USING s WHERE t.n = s.n", "other columns"),
            ("CREATE TRIGGER e AT EVERY 1 SECOND", "every partition"),
        ] {
            let refused = checked(wrong).expect_err(wrong);
            assert!(refused.contains(why), "{wrong}: {refused}");
        }
    }
}
