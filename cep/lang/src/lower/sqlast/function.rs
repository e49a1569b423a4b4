//! Function calls, OVER and WINDOW.

use datafusion_sql::sqlparser::ast::{self as sql, Expr, Spanned};
use datafusion_sql::sqlparser::tokenizer::Span;

use crate::diag::codes;

use super::{Checked, Walk, ident, refuse, single_name};

fn no(span: Span, what: &str, help: &str) -> Checked {
    Err(refuse(codes::CALL, span, format!("{what} is not supported in a function call"), help))
}

/// A clause of a call that only some functions take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionClause {
    /// `f(DISTINCT x)`.
    Distinct,
    /// `f(x ORDER BY y)`.
    OrderBy,
    /// `f(…) FILTER (WHERE …)`.
    Filter,
    /// `f(x) IGNORE NULLS` or `RESPECT NULLS`.
    NullTreatment,
    /// `f(…) WITHIN GROUP (ORDER BY …)`.
    WithinGroup,
    /// `f(…) OVER …`.
    Over,
}

impl FunctionClause {
    /// As written in SQL.
    pub fn name(self) -> &'static str {
        match self {
            FunctionClause::Distinct => "DISTINCT",
            FunctionClause::OrderBy => "ORDER BY",
            FunctionClause::Filter => "FILTER",
            FunctionClause::NullTreatment => "IGNORE NULLS",
            FunctionClause::WithinGroup => "WITHIN GROUP",
            FunctionClause::Over => "OVER",
        }
    }
}

/// The clauses of a call. The planner drops all of them in silence for scalar functions, so
/// whoever knows that a function is scalar must refuse every clause listed here.
pub fn function_clauses(function: &sql::Function) -> Vec<FunctionClause> {
    let sql::Function {
        name: _name,
        uses_odbc_syntax: _odbc,
        parameters: _parameters,
        args,
        filter,
        null_treatment,
        over,
        within_group,
    } = function;
    let mut clauses = Vec::new();
    let mut add = |present: bool, clause: FunctionClause| {
        if present && !clauses.contains(&clause) {
            clauses.push(clause);
        }
    };
    if let sql::FunctionArguments::List(list) = args {
        let distinct = list.duplicate_treatment == Some(sql::DuplicateTreatment::Distinct);
        add(distinct, FunctionClause::Distinct);
        for clause in &list.clauses {
            let order_by = matches!(clause, sql::FunctionArgumentClause::OrderBy(_));
            let nulls = matches!(clause, sql::FunctionArgumentClause::IgnoreOrRespectNulls(_));
            add(order_by, FunctionClause::OrderBy);
            add(nulls, FunctionClause::NullTreatment);
        }
    }
    add(filter.is_some(), FunctionClause::Filter);
    add(null_treatment.is_some(), FunctionClause::NullTreatment);
    add(!within_group.is_empty(), FunctionClause::WithinGroup);
    add(over.is_some(), FunctionClause::Over);
    clauses
}

impl Walk {
    pub(super) fn function(&mut self, node: &Expr, function: &sql::Function) -> Checked {
        let sql::Function {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            filter,
            null_treatment,
            over,
            within_group,
        } = function;
        if *uses_odbc_syntax {
            return no(node.span(), "`{fn …}`", "call the function as it is");
        }
        single_name(name, "a function's name")?;
        match parameters {
            sql::FunctionArguments::None => {}
            sql::FunctionArguments::Subquery(_) | sql::FunctionArguments::List(_) => {
                return no(node.span(), "a second list of arguments", "give all arguments in one list");
            }
        }
        match args {
            // current_date and the like.
            sql::FunctionArguments::None => {}
            sql::FunctionArguments::Subquery(_query) => {
                return Err(refuse(
                    codes::SUBQUERY,
                    node.span(),
                    "a query inside an expression is not supported yet",
                    "compute it in a stream or a view of its own, then read that in FROM",
                ));
            }
            sql::FunctionArguments::List(list) => self.arguments(node, list)?,
        }
        match null_treatment {
            None | Some(sql::NullTreatment::IgnoreNulls | sql::NullTreatment::RespectNulls) => {}
        }
        self.optional(filter.as_deref())?;
        if within_group.len() > 1 {
            return no(
                node.span(),
                "WITHIN GROUP with several orders",
                "give one: WITHIN GROUP (ORDER BY x)",
            );
        }
        self.order_bys(within_group)?;
        match over {
            None => Ok(()),
            Some(sql::WindowType::NamedWindow(name)) => ident(name),
            Some(sql::WindowType::WindowSpec(spec)) => self.window_spec(spec),
        }
    }

    fn arguments(&mut self, node: &Expr, list: &sql::FunctionArgumentList) -> Checked {
        let sql::FunctionArgumentList { duplicate_treatment, args, clauses } = list;
        match duplicate_treatment {
            None | Some(sql::DuplicateTreatment::Distinct | sql::DuplicateTreatment::All) => {}
        }
        for arg in args {
            match arg {
                sql::FunctionArg::Unnamed(arg) => self.argument(node, arg, args.len() == 1)?,
                sql::FunctionArg::Named { name, arg, operator } => {
                    ident(name)?;
                    self.named(node, operator)?;
                    self.argument(node, arg, false)?;
                }
                sql::FunctionArg::ExprNamed { name: _name, arg: _arg, operator: _operator } => {
                    return no(
                        node.span(),
                        "an expression as the name of an argument",
                        "write name => value",
                    );
                }
            }
        }
        self.clauses(node, clauses)
    }

    fn named(&mut self, node: &Expr, operator: &sql::FunctionArgOperator) -> Checked {
        match operator {
            sql::FunctionArgOperator::RightArrow => Ok(()),
            sql::FunctionArgOperator::Equals
            | sql::FunctionArgOperator::Assignment
            | sql::FunctionArgOperator::Colon
            | sql::FunctionArgOperator::Value => no(
                node.span(),
                &format!("`{operator}` behind the name of an argument"),
                "write name => value",
            ),
        }
    }

    fn argument(&mut self, node: &Expr, arg: &sql::FunctionArgExpr, alone: bool) -> Checked {
        match arg {
            sql::FunctionArgExpr::Expr(expr) => self.expr(expr),
            sql::FunctionArgExpr::Wildcard if alone => Ok(()),
            sql::FunctionArgExpr::Wildcard => {
                no(node.span(), "`*` beside other arguments", "count(*) takes `*` alone")
            }
            sql::FunctionArgExpr::QualifiedWildcard(name) if alone && self.in_match => {
                single_name(name, "the name before `.*`").map(|_name| ())
            }
            sql::FunctionArgExpr::QualifiedWildcard(name) => {
                no(node.span(), &format!("`{name}.*`"), "write count(*), or name the columns")
            }
            sql::FunctionArgExpr::WildcardWithOptions(_options) => {
                no(node.span(), "`*` with EXCLUDE, REPLACE and the like", "name the columns")
            }
        }
    }

    fn clauses(&mut self, node: &Expr, clauses: &[sql::FunctionArgumentClause]) -> Checked {
        let mut order_bys = 0;
        for clause in clauses {
            match clause {
                sql::FunctionArgumentClause::OrderBy(items) => {
                    order_bys += 1;
                    self.order_bys(items)?;
                }
                sql::FunctionArgumentClause::IgnoreOrRespectNulls(
                    sql::NullTreatment::IgnoreNulls | sql::NullTreatment::RespectNulls,
                ) => {}
                sql::FunctionArgumentClause::Limit(_rows) => {
                    return no(node.span(), "LIMIT", "slice the array: array_agg(x)[1:10]");
                }
                sql::FunctionArgumentClause::OnOverflow(_overflow) => {
                    return no(node.span(), "ON OVERFLOW", "leave it out");
                }
                sql::FunctionArgumentClause::Having(_bound) => {
                    return no(node.span(), "HAVING", "filter: f(x) FILTER (WHERE …)");
                }
                sql::FunctionArgumentClause::Separator(_separator) => {
                    return no(node.span(), "SEPARATOR", "write string_agg(x, ', ')");
                }
                sql::FunctionArgumentClause::JsonNullClause(_clause) => {
                    return no(node.span(), "NULL ON NULL", "leave it out");
                }
                sql::FunctionArgumentClause::JsonReturningClause(_clause) => {
                    return no(node.span(), "RETURNING", "cast the result");
                }
            }
        }
        if order_bys > 1 {
            return no(node.span(), "a second ORDER BY", "list all orders in one");
        }
        Ok(())
    }

    pub(super) fn named_window(&mut self, window: &sql::NamedWindowDefinition) -> Checked {
        let sql::NamedWindowDefinition(name, definition) = window;
        ident(name)?;
        match definition {
            sql::NamedWindowExpr::WindowSpec(spec) => self.window_spec(spec),
            sql::NamedWindowExpr::NamedWindow(other) => Err(refuse(
                codes::OVER,
                other.span,
                format!("a window cannot be defined as another name of `{other}`"),
                "write its definition in parentheses",
            )),
        }
    }

    fn window_spec(&mut self, spec: &sql::WindowSpec) -> Checked {
        let sql::WindowSpec { window_name, partition_by, order_by, window_frame } = spec;
        if let Some(base) = window_name {
            return Err(refuse(
                codes::OVER,
                base.span,
                format!("a window cannot extend the window `{base}`"),
                format!("write OVER {base} without parentheses, or the whole definition"),
            ));
        }
        self.exprs(partition_by)?;
        self.order_bys(order_by)?;
        let Some(frame) = window_frame else {
            return Ok(());
        };
        let sql::WindowFrame {
            units: sql::WindowFrameUnits::Rows | sql::WindowFrameUnits::Range | sql::WindowFrameUnits::Groups,
            start_bound,
            end_bound,
        } = frame;
        self.frame_bound(start_bound)?;
        end_bound.as_ref().map_or(Ok(()), |bound| self.frame_bound(bound))
    }

    fn frame_bound(&mut self, bound: &sql::WindowFrameBound) -> Checked {
        match bound {
            sql::WindowFrameBound::CurrentRow => Ok(()),
            sql::WindowFrameBound::Preceding(distance) | sql::WindowFrameBound::Following(distance) => {
                self.optional(distance.as_deref())
            }
        }
    }
}
