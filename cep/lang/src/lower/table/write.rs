//! INSERT INTO and UPSERT INTO a table.

use crate::ast::{InsertVerb, Name, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::catalog::changelog_text;
use crate::lower::columns::no_columns;
use crate::lower::insert::Rows;
use crate::plan::{Changelog, Node, OnConflict, Table, TableAction, TableWriteNode};

use super::unique_key;

/// The conflict policy of a verb.
pub(crate) fn conflict(verb: InsertVerb, table: &Table) -> OnConflict {
    match verb {
        InsertVerb::Insert => table.conflict,
        InsertVerb::Upsert => OnConflict::Replace,
    }
}

/// Checks that the rows may be written so.
///
/// # Errors
/// UPSERT without a key; rows that are corrected later into a table that cannot follow.
pub(crate) fn check_changelog(table: &Table, verb: InsertVerb, rows: &Rows, name: &Name) -> Result<()> {
    let refused = |code, message: String, help: String| {
        Err(Box::new(Diagnostic::at(code, name.span, message).help(help)))
    };
    if verb == InsertVerb::Upsert && table.key.is_empty() {
        return refused(
            codes::CONSTRAINT,
            format!("`{}` has no PRIMARY KEY, by which UPSERT could replace a row", table.name),
            "declare it with PRIMARY KEY (…), or write INSERT INTO".to_owned(),
        );
    }
    if rows.changelog == Changelog::Append {
        return Ok(());
    }
    let rows_are = changelog_text(rows.changelog);
    if verb == InsertVerb::Insert {
        return refused(
            codes::CHANGELOG,
            format!("these rows are {rows_are}: later ones correct them, and INSERT only adds"),
            format!("write UPSERT INTO {} SELECT …", table.name),
        );
    }
    let column = |at: &usize| table.schema.field(*at).name().as_str();
    let Some(parts) = unique_key(&rows.node) else {
        return refused(
            codes::CHANGELOG,
            format!(
                "these rows are {rows_are}, and the key by which they correct each other is not among the columns"
            ),
            "select the keys of GROUP BY, and window_end where there is a window".to_owned(),
        );
    };
    let covered = parts.iter().all(|part| part.iter().any(|at| table.key.contains(at)));
    let only = table.key.iter().all(|at| parts.iter().any(|part| part.contains(at)));
    if covered && only {
        return Ok(());
    }
    let parts: Vec<&str> = parts.iter().filter_map(|part| part.first()).map(column).collect();
    let key: Vec<&str> = table.key.iter().map(column).collect();
    refused(
        codes::CHANGELOG,
        format!(
            "these rows correct each other by ({}), and the PRIMARY KEY of `{}` is ({})",
            parts.join(", "),
            table.name,
            key.join(", ")
        ),
        "give the table that key, or put a window on the stream, whose rows are final".to_owned(),
    )
}

/// The rows, which have the table's columns, on their way into it.
pub(crate) fn rows_into(table: &Table, verb: InsertVerb, rows: Rows) -> Rows {
    let action = match verb {
        InsertVerb::Insert => TableAction::Insert(table.conflict),
        InsertVerb::Upsert => TableAction::Upsert,
    };
    let node = TableWriteNode {
        input: rows.node,
        table: table.id,
        name: table.name.clone(),
        columns: table.schema.clone(),
        action,
        schema: no_columns(),
    };
    Rows { node: Node::TableWrite(Box::new(node)), times: Vec::new(), changelog: Changelog::Append }
}

/// The error for a query that has no rows for a table.
pub(crate) fn no_rows(span: Span) -> Box<Diagnostic> {
    let message = "the answer of an aggregation is no stream, and tables are written by streams";
    let help = "insert the rows of the stream below, grouped in a window";
    Box::new(Diagnostic::at(codes::WRONG_KIND, span, message).help(help))
}
