//! UPDATE … FROM and DELETE … USING: rows of a stream change those of a table that match.

use crate::ast::{Delete, Name, Relation as Written, Update};
use crate::diag::{Diagnostic, Result, codes, suggest};
use crate::lower::columns::{Columns, extended, no_columns};
use crate::lower::context::{Context, fits};
use crate::lower::expr::cast_to;
use crate::lower::from;
use crate::lower::insert::{Rows, not_null, type_mismatch};
use crate::lower::join::{Names, Source};
use crate::lower::query::{self, Ctes};
use crate::lower::sqlast::SqlExpr;
use crate::lower::types::widens;
use crate::plan::{Changelog, Expr, ExprKind, Node, Table, TableAction, TableWriteNode};

use super::probe::split;

/// A stream's rows beside a table's.
struct Sides<'a> {
    context: &'a Context<'a>,
    table: &'a Table,
    input: Node,
    /// The input's columns, then the table's.
    columns: Columns,
    sources: Vec<Source>,
}

impl<'a> Sides<'a> {
    fn new(
        context: &'a Context<'a>,
        table: &'a Table,
        alias: Option<&Name>,
        written: &Written,
    ) -> Result<Sides<'a>> {
        let relation = from::lower(context, written, &Ctes::NONE)?;
        let (input, _times, changelog) = query::closed(relation, written.span)?;
        if changelog != Changelog::Append {
            let message =
                "these rows are corrected by later ones, and what they changed cannot be taken back";
            let help = "put a window on the stream below, whose rows are final";
            return Err(Box::new(Diagnostic::at(codes::CHANGELOG, written.span, message).help(help)));
        }
        let table_name = alias.map_or(&table.name, |alias| &alias.text);
        let own = from::qualifier(written);
        if own.is_some_and(|name| name.eq_ignore_ascii_case(table_name)) {
            let message = format!("two relations are called `{table_name}`");
            let help = "give one of them another name with AS";
            return Err(Box::new(Diagnostic::at(codes::OBJECT_EXISTS, written.span, message).help(help)));
        }
        let sources =
            vec![Source::new(own, input.schema(), 0), Source::new(Some(table_name), &table.schema, 1)];
        let both = extended(input.schema(), table.schema.fields().iter().cloned());
        let columns = Names::Joined(&sources).columns(&both);
        Ok(Sides { context, table, input, columns, sources })
    }

    /// The typed plan form of an expression over both.
    fn expr(&self, sql: &SqlExpr) -> Result<Expr> {
        let scope = Names::Joined(&self.sources).scope(self.columns.schema(), self.context);
        self.context.scalar(sql, &scope, &self.columns)
    }

    fn condition(&self, sql: Option<&SqlExpr>) -> Result<Option<Expr>> {
        sql.map(|sql| self.context.as_condition(self.expr(sql)?, sql)).transpose()
    }

    fn width(&self) -> usize {
        self.input.schema().fields().len()
    }

    fn rows(self, action: TableAction) -> Rows {
        let node = TableWriteNode {
            input: self.input,
            table: self.table.id,
            name: self.table.name.clone(),
            columns: self.table.schema.clone(),
            action,
            schema: no_columns(),
        };
        Rows { node: Node::TableWrite(Box::new(node)), times: Vec::new(), changelog: Changelog::Append }
    }
}

/// Lowers UPDATE.
///
/// # Errors
/// Unknown columns, the key among those that are set, values that do not fit.
pub(crate) fn update(context: &Context<'_>, table: &Table, update: &Update) -> Result<Rows> {
    let Update { table: _, alias, set, from, filter, span: _ } = update;
    let sides = Sides::new(context, table, alias.as_ref(), from)?;
    let condition = sides.condition(filter.as_ref())?;
    let (probe, condition) = split(condition, sides.width(), table);
    let set = set.iter().map(|(name, value)| new_value(&sides, name, value)).collect::<Result<Vec<_>>>()?;
    Ok(sides.rows(TableAction::Update { probe, condition, set }))
}

/// Lowers DELETE.
///
/// # Errors
/// Unknown columns, a condition that is none.
pub(crate) fn delete(context: &Context<'_>, table: &Table, delete: &Delete) -> Result<Rows> {
    let Delete { table: _, alias, using, filter, span: _ } = delete;
    let sides = Sides::new(context, table, alias.as_ref(), using)?;
    let condition = sides.condition(filter.as_ref())?;
    let (probe, condition) = split(condition, sides.width(), table);
    Ok(sides.rows(TableAction::Delete { probe, condition }))
}

/// A column with its new value, of its type.
fn new_value(sides: &Sides<'_>, name: &Name, sql: &SqlExpr) -> Result<(usize, Expr)> {
    let table = sides.table;
    let fields = table.schema.fields();
    let Some(at) = fields.iter().position(|field| name.matches(field.name())) else {
        let message = format!("`{}` has no column `{}`", table.name, name.text);
        let help = match suggest(&name.text, fields.iter().map(|f| f.name().as_str())) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("DESCRIBE {} lists its columns", table.name),
        };
        return Err(Box::new(Diagnostic::at(codes::UNKNOWN_COLUMN, name.span, message).help(help)));
    };
    let field = &fields[at];
    if table.key.contains(&at) {
        let message = format!("`{}` is in the PRIMARY KEY, by which the row is known", field.name());
        let help = "DELETE the row and INSERT one with the other key";
        return Err(Box::new(Diagnostic::at(codes::CONSTRAINT, name.span, message).help(help)));
    }
    let span = sides.context.places.of(sql).unwrap_or(name.span);
    let value = sides.expr(sql)?;
    let as_literal = match &value.kind {
        ExprKind::Literal(literal) => {
            fits(literal, field.data_type()).map(crate::lower::context::constant_expr)
        }
        _ => None,
    };
    let value = match as_literal {
        Some(literal) => literal,
        None if widens(&value.data_type, field.data_type()) => cast_to(value, field.data_type()),
        None => {
            let given = crate::lower::types::type_name(&value.data_type);
            return Err(type_mismatch(&crate::lower::sqlast::text_of(sql), &given, field, span));
        }
    };
    let value = if value.nullable && !field.is_nullable() { not_null(value, field, span)? } else { value };
    Ok((at, value))
}
