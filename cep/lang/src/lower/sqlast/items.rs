//! Select items, group keys and orders, ready for the planner.

use datafusion_sql::sqlparser::ast::{self as sql, Expr, Spanned};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diag::codes;
use crate::lower::columns::MARK;

use super::resolve::{Relation, Scope, column_name};
use super::{Refusal, refuse, row_count};

/// One output column of a SELECT.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// Its name.
    pub name: String,
    /// Whether the name was given with AS.
    pub is_alias: bool,
    /// What it computes; names are not resolved yet.
    pub expr: Expr,
}

/// One ORDER BY item.
#[derive(Debug, Clone)]
pub(crate) struct Ordering {
    /// What to sort by; names are not resolved yet.
    pub expr: Expr,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST: NULL counts as the greatest value unless it was written otherwise.
    pub nulls_first: bool,
}

/// The select list with its wildcards expanded over the relations of `scope`.
///
/// # Errors
/// A wildcard of an unknown relation, or one that leaves out or replaces an unknown column.
pub(crate) fn expand(items: &[sql::SelectItem], scope: &Scope<'_>) -> Result<Vec<Item>, Box<Refusal>> {
    let mut out = Vec::new();
    for item in items {
        match item {
            sql::SelectItem::UnnamedExpr(expr) => {
                let name = column_name(scope, expr).unwrap_or_else(|| expr.to_string());
                out.push(Item { name, is_alias: false, expr: expr.clone() });
            }
            sql::SelectItem::ExprWithAlias { expr, alias } => {
                out.push(Item { name: alias.value.clone(), is_alias: true, expr: expr.clone() })
            }
            sql::SelectItem::ExprWithAliases { expr, aliases: _aliases } => {
                return Err(refuse(
                    codes::CLAUSE,
                    expr.span(),
                    "one expression has one name",
                    "write expression AS name",
                ));
            }
            sql::SelectItem::Wildcard(options) => {
                let mut open = scope.relations.iter().filter(|r| r.open);
                if scope.joined {
                    all_columns(&open.collect::<Vec<_>>(), options, &mut out)?;
                } else {
                    wildcard(open.next(), options, &mut out)?;
                }
            }
            sql::SelectItem::QualifiedWildcard(kind, options) => {
                let name = match kind {
                    sql::SelectItemQualifiedWildcardKind::ObjectName(name) => name.to_string(),
                    sql::SelectItemQualifiedWildcardKind::Expr(expr) => expr.to_string(),
                };
                let bare = name.trim_matches(['"', '`']);
                let relation = scope
                    .relations
                    .iter()
                    .rfind(|r| r.qualifier.is_some_and(|q| q.eq_ignore_ascii_case(bare)));
                wildcard(relation, options, &mut out).map_err(|refusal| match relation {
                    Some(_known) => refusal,
                    None => refuse(
                        codes::UNKNOWN_STREAM,
                        options.wildcard_token.0.span,
                        format!("`{bare}` is not in FROM"),
                        "write `*` alone, or the name or alias of the stream in FROM",
                    ),
                })?;
            }
        }
    }
    Ok(out)
}

/// `*` over relations side by side. Columns that have one name are called by their relation as well:
/// `orders_id` and `payments_id`.
fn all_columns(
    relations: &[&Relation<'_>],
    options: &sql::WildcardAdditionalOptions,
    out: &mut Vec<Item>,
) -> Result<(), Box<Refusal>> {
    let span = options.wildcard_token.0.span;
    let has_option =
        options.opt_exclude.is_some() || options.opt_except.is_some() || options.opt_replace.is_some();
    if has_option {
        let help = "write it behind one relation: a.* EXCLUDE (x), b.*";
        return Err(refuse(
            codes::WILDCARD,
            span,
            "`*` over a join takes no EXCLUDE, EXCEPT or REPLACE",
            help,
        ));
    }
    for relation in relations {
        let first = out.len();
        wildcard(Some(relation), options, out)?;
        let is_elsewhere = |name: &str| {
            let others = relations.iter().filter(|other| !std::ptr::eq(**other, *relation));
            others.flat_map(|other| other.columns.fields()).any(|f| f.name().eq_ignore_ascii_case(name))
        };
        for item in &mut out[first..] {
            if let (true, Some(qualifier)) = (is_elsewhere(&item.name), relation.qualifier) {
                item.name = format!("{qualifier}_{}", item.name);
            }
        }
    }
    Ok(())
}

fn wildcard(
    relation: Option<&Relation<'_>>,
    options: &sql::WildcardAdditionalOptions,
    out: &mut Vec<Item>,
) -> Result<(), Box<Refusal>> {
    let span = options.wildcard_token.0.span;
    let Some(relation) = relation else {
        return Err(refuse(codes::WILDCARD, span, "`*` needs a FROM clause", "name the values instead"));
    };
    let known = |name: &sql::Ident| {
        let known = relation.columns.fields().iter().any(|f| f.name().eq_ignore_ascii_case(&name.value));
        if known {
            return Ok(());
        }
        let scope_columns: Vec<&str> = relation.columns.fields().iter().map(|f| f.name().as_str()).collect();
        let help = format!("columns are {}", scope_columns.join(", "));
        Err(refuse(codes::UNKNOWN_COLUMN, name.span, format!("there is no column `{}`", name.value), help))
    };
    let left_out = left_out(options);
    left_out.iter().try_for_each(known)?;
    let replaced: &[Box<sql::ReplaceSelectElement>] =
        options.opt_replace.as_ref().map_or(&[], |replace| &replace.items);
    replaced.iter().try_for_each(|element| known(&element.column_name))?;
    for field in relation.columns.fields() {
        // Some are made by the query itself.
        if field.name().starts_with(MARK) {
            continue;
        }
        let is = |name: &sql::Ident| field.name().eq_ignore_ascii_case(&name.value);
        if left_out.iter().any(is) {
            continue;
        }
        let replacement = replaced.iter().find(|element| is(&element.column_name));
        let column = || {
            let ident = sql::Ident { value: field.name().clone(), quote_style: Some('"'), span };
            match relation.qualifier {
                Some(qualifier) => {
                    Expr::CompoundIdentifier(vec![sql::Ident::with_quote('"', qualifier), ident])
                }
                None => Expr::Identifier(ident),
            }
        };
        out.push(Item {
            name: field.name().clone(),
            is_alias: replacement.is_some(),
            expr: replacement.map_or_else(column, |element| element.expr.clone()),
        });
    }
    Ok(())
}

fn left_out(options: &sql::WildcardAdditionalOptions) -> Vec<sql::Ident> {
    let part = |name: &sql::ObjectName| name.0.first().and_then(|part| part.as_ident()).cloned();
    let mut out = Vec::new();
    match &options.opt_exclude {
        None => {}
        Some(sql::ExcludeSelectItem::Single(name)) => out.extend(part(name)),
        Some(sql::ExcludeSelectItem::Multiple(names)) => out.extend(names.iter().filter_map(part)),
    }
    if let Some(except) = &options.opt_except {
        out.push(except.first_element.clone());
        out.extend(except.additional_elements.iter().cloned());
    }
    out
}

/// The item that `GROUP BY 2` or `ORDER BY 2` means; `None` when `expr` is no position.
///
/// # Errors
/// A position that is not in the select list.
pub(crate) fn by_position<'a>(expr: &Expr, items: &'a [Item]) -> Result<Option<&'a Item>, Box<Refusal>> {
    let Some(position) = row_count(expr) else {
        return Ok(None);
    };
    let index = usize::try_from(position).ok().and_then(|p| p.checked_sub(1));
    match index.and_then(|index| items.get(index)) {
        Some(item) => Ok(Some(item)),
        None => Err(refuse(
            codes::UNKNOWN_COLUMN,
            expr.span(),
            format!("position {position} is not in the select list"),
            format!("it has {} columns, counted from 1", items.len()),
        )),
    }
}

/// An ORDER BY item in parts.
pub(crate) fn ordering(item: &sql::OrderByExpr) -> Ordering {
    let sql::OrderByExpr { expr, options, with_fill: _refused_by_the_parser } = item;
    let sql::OrderByOptions { asc, nulls_first } = options;
    let descending = *asc == Some(false);
    Ordering { expr: expr.clone(), descending, nulls_first: nulls_first.unwrap_or(descending) }
}

/// Where an expression was written, in `sqlparser`'s lines and columns.
pub(crate) fn span_of(expr: &Expr) -> Span {
    expr.span()
}

/// Every expression within `expr`, what is inside before what is around it, itself last.
pub(crate) fn parts_of(expr: &Expr) -> Vec<Expr> {
    let mut parts = Vec::new();
    let outcome: std::ops::ControlFlow<()> = sql::visit_expressions(expr, |part| {
        parts.push(part.clone());
        std::ops::ControlFlow::Continue(())
    });
    debug_assert!(outcome.is_continue(), "nothing breaks the walk");
    // The walk is outside in.
    parts.reverse();
    parts
}

/// `expr` as text in one line.
pub(crate) fn text_of(expr: &Expr) -> String {
    expr.to_string()
}

/// The text of a string literal; `None` for anything else.
pub(crate) fn string_literal(expr: &Expr) -> Option<&str> {
    if let Expr::Value(literal) = expr
        && let sql::Value::SingleQuotedString(text) = &literal.value
    {
        return Some(text);
    }
    None
}

/// The first OVER in `expr` whose frame reaches behind the current row, with what was written.
pub(crate) fn frame_ahead(expr: &Expr, windows: &[sql::NamedWindowDefinition]) -> Option<Span> {
    parts_of(expr).iter().find_map(|part| {
        let Expr::Function(function) = part else {
            return None;
        };
        let spec = match function.over.as_ref()? {
            sql::WindowType::WindowSpec(spec) => spec,
            sql::WindowType::NamedWindow(name) => named(windows, name)?,
        };
        let frame = spec.window_frame.as_ref()?;
        let ahead = match frame.end_bound.as_ref() {
            Some(sql::WindowFrameBound::Following(_distance)) => true,
            Some(sql::WindowFrameBound::CurrentRow | sql::WindowFrameBound::Preceding(_)) | None => false,
        };
        ahead.then(|| function.name.span())
    })
}

fn named<'a>(windows: &'a [sql::NamedWindowDefinition], name: &sql::Ident) -> Option<&'a sql::WindowSpec> {
    windows.iter().find_map(|sql::NamedWindowDefinition(defined, definition)| match definition {
        sql::NamedWindowExpr::WindowSpec(spec) => {
            defined.value.eq_ignore_ascii_case(&name.value).then_some(spec)
        }
        sql::NamedWindowExpr::NamedWindow(_other) => None,
    })
}
