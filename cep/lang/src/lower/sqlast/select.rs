//! Select items and ORDER BY.

use datafusion_sql::sqlparser::ast::{self as sql, Spanned};

use crate::diag::codes;

use super::{Checked, Walk, ident, refuse, single_name};

impl Walk {
    pub(super) fn select_item(&mut self, item: &sql::SelectItem) -> Checked {
        match item {
            sql::SelectItem::UnnamedExpr(expr) => self.expr(expr),
            sql::SelectItem::ExprWithAlias { expr, alias } => {
                self.expr(expr)?;
                ident(alias)
            }
            sql::SelectItem::ExprWithAliases {
                expr,
                aliases: _aliases,
            } => Err(refuse(
                codes::CLAUSE,
                expr.span(),
                "one expression has one name",
                "write expression AS name",
            )),
            sql::SelectItem::Wildcard(options) => self.wildcard(options),
            sql::SelectItem::QualifiedWildcard(kind, options) => {
                match kind {
                    sql::SelectItemQualifiedWildcardKind::ObjectName(name) => {
                        single_name(name, "the name before `.*`")?;
                    }
                    sql::SelectItemQualifiedWildcardKind::Expr(expr) => {
                        return Err(refuse(
                            codes::WILDCARD,
                            expr.span(),
                            "`.*` stands behind a stream's name only",
                            "name the fields: s.a, s.b",
                        ));
                    }
                }
                self.wildcard(options)
            }
        }
    }

    fn wildcard(&mut self, options: &sql::WildcardAdditionalOptions) -> Checked {
        let sql::WildcardAdditionalOptions {
            wildcard_token,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        let span = wildcard_token.0.span;
        let no = |what: &str, help: &str| {
            Err(refuse(
                codes::WILDCARD,
                span,
                format!("`*` with {what} is not supported"),
                help,
            ))
        };
        if opt_rename.is_some() {
            return no("RENAME", "name the columns: a AS b");
        }
        if opt_alias.is_some() {
            return no("AS", "name the columns");
        }
        if let Some(sql::IlikeSelectItem { pattern: _pattern }) = opt_ilike {
            return no("ILIKE", "name the columns");
        }
        match opt_exclude {
            None => {}
            Some(sql::ExcludeSelectItem::Single(name)) => {
                single_name(name, "a column to leave out")?;
            }
            Some(sql::ExcludeSelectItem::Multiple(names)) => {
                for name in names {
                    single_name(name, "a column to leave out")?;
                }
            }
        }
        if let Some(sql::ExceptSelectItem {
            first_element,
            additional_elements,
        }) = opt_except
        {
            ident(first_element)?;
            additional_elements.iter().try_for_each(ident)?;
        }
        let Some(sql::ReplaceSelectItem { items }) = opt_replace else {
            return Ok(());
        };
        items.iter().try_for_each(|item| {
            let sql::ReplaceSelectElement {
                expr,
                column_name,
                as_keyword: _as_keyword,
            } = item.as_ref();
            ident(column_name)?;
            self.expr(expr)
        })
    }

    pub(super) fn order_bys(&mut self, items: &[sql::OrderByExpr]) -> Checked {
        items.iter().try_for_each(|item| self.order_by(item))
    }

    pub(super) fn order_by(&mut self, item: &sql::OrderByExpr) -> Checked {
        let sql::OrderByExpr {
            expr,
            options:
                sql::OrderByOptions {
                    asc: _asc,
                    nulls_first: _nulls_first,
                },
            with_fill,
        } = item;
        if with_fill.is_some() {
            return Err(refuse(
                codes::CLAUSE,
                expr.span(),
                "WITH FILL is not supported",
                "empty windows emit nothing",
            ));
        }
        self.expr(expr)
    }
}
