//! EXPLAIN of tables, of joins with them and of writes to them.

use arrow_schema::{Schema, SchemaRef};
use cep_types::options::format_duration;
use cep_types::sql_type::field_type_name;

use super::explain::Text;
use super::text::list;
use super::{
    Expr, OnConflict, Probe, Table, TableAction, TableJoinKind, TableJoinNode, TableWriteNode, WhenFull,
    expr_text,
};

/// A table with what bounds it.
pub fn explain_table(table: &Table) -> String {
    let Table { id: _, name, schema, key, indexes, rows_max, full, ttl_ns, conflict, rows, seed, span: _ } =
        table;
    let columns = list(schema.fields(), |f| {
        format!("{} {}{}", f.name(), field_type_name(f), if f.is_nullable() { "" } else { " NOT NULL" })
    });
    let names = |columns: &[usize]| list(columns, |&c| schema.field(c).name().clone());
    let mut out = Text::default();
    out.line(0, format_args!("table {name} ({columns})"));
    let key = if key.is_empty() { "no key".to_owned() } else { format!("key ({})", names(key)) };
    let indexes: String = indexes.iter().map(|index| format!(", index ({})", names(index))).collect();
    let conflict = match conflict {
        OnConflict::Error => "an error",
        OnConflict::Replace => "replaced",
        OnConflict::Ignore => "kept",
    };
    let full = match full {
        WhenFull::Reject => "others are left out",
        WhenFull::EvictOldest => "the oldest goes",
        WhenFull::Fail => "others are errors",
    };
    let ttl = ttl_ns.map(|ttl| format!(", forgotten {} after the last write", format_duration(ttl)));
    let begins = match (rows.iter().map(|(_, rows)| rows.num_rows()).sum::<usize>(), seed) {
        (0, None) => String::new(),
        (rows, None) => format!(", begins with {rows} rows"),
        (0, Some(_)) => ", begins with a file".to_owned(),
        (rows, Some(_)) => format!(", begins with {rows} rows and a file"),
    };
    out.line(1, format_args!("{key}{indexes}, INSERT of a key that is there: {conflict}"));
    out.line(1, format_args!("state: at most {rows_max} rows, {full}{}{begins}", ttl.unwrap_or_default()));
    out.text
}

impl Text {
    pub(super) fn table_join(&mut self, depth: usize, join: &TableJoinNode) {
        let TableJoinNode { input, table: _, name, columns, probe, condition, kind, kept: _, schema: _ } =
            join;
        let both = both(input.schema(), columns, name);
        let what = match kind {
            TableJoinKind::Inner => "join".to_owned(),
            TableJoinKind::Left => "left join".to_owned(),
            TableJoinKind::Exists => "exists in".to_owned(),
            TableJoinKind::In { equal, by_value: _ } => format!("in ({})", expr_text(equal, &both)),
        };
        self.line(depth, format_args!("{what} table {name} {}", probe_text(probe, input.schema())));
        if let Some(condition) = condition {
            self.line(depth + 1, format_args!("where: {}", expr_text(condition, &both)));
        }
        self.line(
            depth + 1,
            format_args!("sees: what statements before this one wrote for the row, and earlier rows"),
        );
    }

    pub(super) fn table_write(&mut self, depth: usize, write: &TableWriteNode) {
        let TableWriteNode { input, table: _, name, columns, action, schema: _ } = write;
        let both = both(input.schema(), columns, name);
        let (what, probe, condition) = match action {
            TableAction::Insert(_) => return self.line(depth, format_args!("insert into table {name}")),
            TableAction::Upsert => return self.line(depth, format_args!("upsert into table {name} by key")),
            TableAction::Update { probe, condition, set } => {
                let set = list(set, |(at, value)| {
                    format!("{} = {}", columns.field(*at).name(), expr_text(value, &both))
                });
                (format!("update table {name} set {set}"), probe, condition)
            }
            TableAction::Delete { probe, condition } => {
                (format!("delete from table {name}"), probe, condition)
            }
        };
        self.line(depth, format_args!("{what} {}", probe_text(probe, input.schema())));
        if let Some(condition) = condition {
            self.line(depth + 1, format_args!("where: {}", expr_text(condition, &both)));
        }
    }
}

/// The input's columns, then the table's with its name in front.
fn both(input: &SchemaRef, table: &SchemaRef, name: &str) -> Schema {
    let table =
        table.fields().iter().map(|f| f.as_ref().clone().with_name(format!("{name}.{}", f.name())).into());
    Schema::new(input.fields().iter().cloned().chain(table).collect::<Vec<_>>())
}

fn probe_text(probe: &Probe, input: &SchemaRef) -> String {
    let exprs = |exprs: &[Expr]| list(exprs, |expr| expr_text(expr, input));
    match probe {
        Probe::Key(by) => format!("by key ({})", exprs(by)),
        Probe::Index { index: _, exprs: by } => format!("by index ({})", exprs(by)),
        Probe::Scan => "looking at every row".to_owned(),
    }
}
