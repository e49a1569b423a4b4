//! Expressions: one exhaustive table of what they are, and the checks of the longer ones.

use datafusion_sql::sqlparser::ast::{self as sql, Expr, Spanned};

use crate::diag::codes;

use super::{Checked, Walk, ident, operator, refuse, types, value};

fn unsupported(node: &Expr, what: &str, help: &str) -> Checked {
    Err(refuse(codes::EXPRESSION, node.span(), format!("{what} is not supported"), help))
}

fn subquery(node: &Expr) -> Checked {
    Err(refuse(
        codes::SUBQUERY,
        node.span(),
        "a query as a value is not supported",
        "compute it in a stream or a view of its own, then join that in FROM",
    ))
}

fn grouping(node: &Expr) -> Checked {
    Err(refuse(
        codes::GROUPING,
        node.span(),
        "GROUPING SETS, ROLLUP and CUBE are not supported yet",
        "write one query for each grouping",
    ))
}

fn wildcard(node: &Expr) -> Checked {
    Err(refuse(
        codes::EXPRESSION,
        node.span(),
        "`*` stands for columns of the select list only",
        "name the columns, or write count(*)",
    ))
}

impl Walk {
    /// Checks an expression and everything below it.
    pub(super) fn expr(&mut self, node: &Expr) -> Checked {
        self.deeper(node, |walk| walk.node(node))
    }

    fn all(&mut self, exprs: &[&Expr]) -> Checked {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    /// The table: longer than a screen because it must be exhaustive.
    #[rustfmt::skip]
    fn node(&mut self, node: &Expr) -> Checked {
        match node {
            Expr::Identifier(name) => ident(name),
            Expr::CompoundIdentifier(parts) => parts.iter().try_for_each(ident),
            Expr::CompoundFieldAccess { root, access_chain } => {
                self.expr(root)?;
                access_chain.iter().try_for_each(|access| self.access(node, access))
            }
            Expr::IsFalse(inner) | Expr::IsNotFalse(inner) | Expr::IsTrue(inner) | Expr::IsNotTrue(inner)
            | Expr::IsNull(inner) | Expr::IsNotNull(inner) | Expr::IsUnknown(inner) | Expr::IsNotUnknown(inner)
            | Expr::Nested(inner) => self.expr(inner),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => self.all(&[left, right]),
            Expr::InList { expr, list, negated: _negated } => {
                self.expr(expr)?;
                self.exprs(list)
            }
            Expr::Between { expr, negated: _negated, low, high } => self.all(&[expr, low, high]),
            Expr::BinaryOp { left, op, right } => {
                operator::binary(node, op)?;
                self.all(&[left, right])
            }
            Expr::Like { negated: _negated, any, expr, pattern, escape_char }
            | Expr::ILike { negated: _negated, any, expr, pattern, escape_char } => {
                self.like(node, *any, [expr, pattern], escape_char.as_ref())
            }
            Expr::AnyOp { left, compare_op, right, is_some: _same_as_any } => {
                operator::binary(node, compare_op)?;
                self.all(&[left, right])
            }
            Expr::AllOp { left, compare_op, right } => {
                operator::binary(node, compare_op)?;
                self.all(&[left, right])
            }
            Expr::UnaryOp { op, expr } => self.unary(node, op, expr),
            Expr::Cast { kind, expr, data_type, array, format } => {
                self.cast(node, kind, (expr, data_type), *array, format.as_ref())
            }
            Expr::AtTimeZone { timestamp, time_zone } => {
                value::time_zone(node, time_zone)?;
                self.expr(timestamp)
            }
            Expr::Extract { field, syntax: sql::ExtractSyntax::From | sql::ExtractSyntax::Comma, expr } => {
                value::date_field(node, field)?;
                self.expr(expr)
            }
            Expr::Ceil { expr, field } | Expr::Floor { expr, field } => {
                value::rounding(node, field)?;
                self.expr(expr)
            }
            Expr::Position { expr, r#in } => self.all(&[expr, r#in]),
            Expr::Substring { expr, substring_from, substring_for, special: _comma_form, shorthand: _substr } => {
                self.expr(expr)?;
                self.optional(substring_from.as_deref())?;
                self.optional(substring_for.as_deref())
            }
            Expr::Trim { trim_where, trim_what, expr, trim_characters } => {
                self.trim(node, trim_where.as_ref(), expr, trim_what.as_deref(), trim_characters.as_deref())
            }
            Expr::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                self.all(&[expr, overlay_what, overlay_from])?;
                self.optional(overlay_for.as_deref())
            }
            Expr::Value(literal) => value::literal(literal, false),
            Expr::TypedString(typed) => value::typed_string(node, typed),
            Expr::Function(function) => self.function(node, function),
            Expr::Case { case_token: _case, end_token: _end, operand, conditions, else_result } => {
                self.optional(operand.as_deref())?;
                for sql::CaseWhen { condition, result } in conditions {
                    self.all(&[condition, result])?;
                }
                self.optional(else_result.as_deref())
            }
            Expr::Struct { values, fields } => self.structure(node, values, fields),
            Expr::Dictionary(fields) => self.dictionary(node, fields),
            Expr::Map(sql::Map { entries }) => {
                entries.iter().try_for_each(|sql::MapEntry { key, value }| self.all(&[key, value]))
            }
            Expr::Array(sql::Array { elem, named: _with_the_word_array }) => self.exprs(elem),
            Expr::Interval(interval) => value::interval(node, interval),

            Expr::InSubquery { expr, subquery, negated: _negated } => {
                self.expr(expr)?;
                self.table_query(node, subquery)
            }
            Expr::Exists { subquery, negated: _negated } => self.table_query(node, subquery),
            Expr::Subquery(_query) => subquery(node),
            Expr::GroupingSets(_sets) | Expr::Cube(_sets) | Expr::Rollup(_sets) => grouping(node),
            Expr::Wildcard(_token) => wildcard(node),
            Expr::QualifiedWildcard(_name, _token) => wildcard(node),
            Expr::Tuple(_values) => unsupported(node, "a list in parentheses as a value", "compare the columns one by one with AND, or write STRUCT(a, b)"),
            Expr::Named { expr: _expr, name: _name } => unsupported(node, "AS inside an expression", "AS names the fields of STRUCT(… AS name) only"),
            Expr::JsonAccess { value: _value, path: _path } => unsupported(node, "`:` as an operator", "write payload->'key' or payload->>'key'"),
            Expr::IsNormalized { expr: _expr, form: _form, negated: _negated } => unsupported(node, "IS NORMALIZED", "leave it out"),
            Expr::InUnnest { expr: _expr, array_expr: _array, negated: _negated } => unsupported(node, "IN UNNEST", "write array_has(array, value)"),
            Expr::SimilarTo { negated: _negated, expr: _expr, pattern: _pattern, escape_char: _escape } => unsupported(node, "SIMILAR TO", "use LIKE, or a regular expression: x ~ '^a.*z$'"),
            Expr::RLike { negated: _negated, expr: _expr, pattern: _pattern, regexp: _regexp } => unsupported(node, "RLIKE", "write x ~ 'pattern', or x ~* 'pattern' to ignore case"),
            Expr::Convert { is_try: _try, expr: _expr, data_type: _type, charset: _charset, target_before_value: _order, styles: _styles } => unsupported(node, "CONVERT", "write CAST(x AS TYPE) or TRY_CAST(x AS TYPE)"),
            Expr::Collate { expr: _expr, collation: _collation } => unsupported(node, "COLLATE", "text is compared by its UTF-8 bytes; use lower(x) to ignore case"),
            Expr::Prefixed { prefix: _prefix, value: _value } => unsupported(node, "a character set before a string", "all text is UTF-8; leave it out"),
            Expr::MatchAgainst { columns: _columns, match_value: _value, opt_search_modifier: _modifier } => unsupported(node, "MATCH … AGAINST", "use LIKE, or a regular expression: x ~ 'pattern'"),
            Expr::OuterJoin(_inner) => unsupported(node, "`(+)`", "joins are not supported yet"),
            Expr::Prior(_inner) => unsupported(node, "PRIOR", "use lag(x) OVER (PARTITION BY key ORDER BY ts)"),
            Expr::Lambda(_lambda) => unsupported(node, "a lambda", "unnest the array in the select list"),
            Expr::MemberOf(_member) => unsupported(node, "MEMBER OF", "write array_has(array, value)"),
        }
    }

    /// The query of IN or EXISTS.
    fn table_query(&mut self, node: &Expr, query: &sql::Query) -> Checked {
        let Some(query) = super::TableQuery::of(query) else { return subquery(node) };
        self.optional(query.item)?;
        self.optional(query.filter)
    }

    /// `.field` and `[index]` behind an expression.
    fn access(&mut self, node: &Expr, access: &sql::AccessExpr) -> Checked {
        match access {
            sql::AccessExpr::Dot(Expr::Identifier(name)) => ident(name),
            sql::AccessExpr::Dot(field) => Err(refuse(
                codes::EXPRESSION,
                node.span(),
                format!("`{field}` is no name of a field"),
                "behind a dot stands the name of a field, in double quotes if it is unusual",
            )),
            sql::AccessExpr::Subscript(sql::Subscript::Index { index }) => self.expr(index),
            sql::AccessExpr::Subscript(sql::Subscript::Slice { lower_bound, upper_bound, stride }) => {
                if lower_bound.is_none() || upper_bound.is_none() {
                    return unsupported(
                        node,
                        "a slice without both bounds",
                        "write array[1:3]; positions count from 1",
                    );
                }
                self.optional(lower_bound.as_ref())?;
                self.optional(upper_bound.as_ref())?;
                self.optional(stride.as_ref())
            }
        }
    }

    fn unary(&mut self, node: &Expr, op: &sql::UnaryOperator, inner: &Expr) -> Checked {
        operator::unary(node, op)?;
        // The smallest BIGINT is the negative of a number that is none.
        if let (sql::UnaryOperator::Minus, Expr::Value(literal)) = (op, inner) {
            return value::literal(literal, true);
        }
        self.expr(inner)
    }

    fn like(
        &mut self,
        node: &Expr,
        any: bool,
        operands: [&Expr; 2],
        escape: Option<&sql::ValueWithSpan>,
    ) -> Checked {
        if any {
            return unsupported(node, "LIKE ANY", "combine several LIKE with OR");
        }
        if let Some(escape) = escape {
            value::escape(node, escape)?;
        }
        self.all(&operands)
    }

    fn cast(
        &mut self,
        node: &Expr,
        kind: &sql::CastKind,
        (inner, data_type): (&Expr, &sql::DataType),
        array: bool,
        format: Option<&sql::CastFormat>,
    ) -> Checked {
        match kind {
            sql::CastKind::Cast | sql::CastKind::TryCast | sql::CastKind::DoubleColon => {}
            sql::CastKind::SafeCast => {
                return unsupported(node, "SAFE_CAST", "write TRY_CAST(x AS TYPE)");
            }
        }
        if array {
            return unsupported(node, "CAST … AS TYPE ARRAY", "write CAST(x AS ARRAY<TYPE>)");
        }
        if format.is_some() {
            return unsupported(
                node,
                "CAST … FORMAT",
                "use to_timestamp(text, format) or to_char(value, format)",
            );
        }
        types::check_cast(node, data_type)?;
        self.expr(inner)
    }

    fn trim(
        &mut self,
        node: &Expr,
        side: Option<&sql::TrimWhereField>,
        inner: &Expr,
        what: Option<&Expr>,
        characters: Option<&[Expr]>,
    ) -> Checked {
        match side {
            None
            | Some(
                sql::TrimWhereField::Both | sql::TrimWhereField::Leading | sql::TrimWhereField::Trailing,
            ) => {}
        }
        let characters = characters.unwrap_or_default();
        if characters.len() > 1 || (what.is_some() && !characters.is_empty()) {
            return unsupported(
                node,
                "TRIM with several lists of characters",
                "write TRIM(BOTH 'xy' FROM text)",
            );
        }
        self.expr(inner)?;
        self.optional(what)?;
        self.exprs(characters)
    }

    fn structure(&mut self, node: &Expr, values: &[Expr], fields: &[sql::StructField]) -> Checked {
        if !fields.is_empty() {
            return unsupported(
                node,
                "STRUCT<…>(…) with types",
                "name the fields and cast the values: STRUCT(CAST(x AS INT) AS a)",
            );
        }
        values.iter().try_for_each(|value| {
            if let Expr::Named { expr, name } = value {
                ident(name)?;
                return self.expr(expr);
            }
            self.expr(value)
        })
    }

    fn dictionary(&mut self, node: &Expr, fields: &[sql::DictionaryField]) -> Checked {
        if fields.is_empty() {
            return unsupported(node, "an empty struct", "give it at least one field: {'a': 1}");
        }
        fields.iter().try_for_each(|sql::DictionaryField { key: _any_text, value }| self.expr(value))
    }
}
