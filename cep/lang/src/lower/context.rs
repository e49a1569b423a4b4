//! What every step of lowering one statement needs: the planner, the catalog, places.

use std::cell::RefCell;
use std::collections::BTreeSet;

use arrow_schema::DataType;
use datafusion_common::ScalarValue;
use datafusion_common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion_expr::Expr as Typed;
use datafusion_expr::simplify::SimplifyContext;
use datafusion_optimizer::simplify_expressions::ExprSimplifier;

use crate::ast::Span;
use crate::diag::{Diagnostic, Result, codes};
use crate::functions::FunctionRegistry;
use crate::plan::Expr;

use super::catalog::Catalog;
use super::columns::{Columns, no_columns};
use super::error::Failure;
use super::expr::{Conversion, cast_to, literal};
use super::places::Places;
use super::planner::Planner;
use super::sqlast::{Scope, SqlExpr, expand_calls, parts_of, text_of};
use super::types::{type_name, widens};

/// One statement's surroundings.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// Plans expressions.
    pub planner: &'a Planner,
    /// What has been declared so far.
    pub catalog: &'a Catalog,
    /// Places in the script.
    pub places: Places<'a>,
    /// Folded names of the objects read so far.
    used: RefCell<BTreeSet<String>>,
}

impl<'a> Context<'a> {
    /// The surroundings of a statement in `text`.
    pub(crate) fn new(planner: &'a Planner, catalog: &'a Catalog, text: &'a str) -> Self {
        Self { planner, catalog, places: Places::of_text(text), used: RefCell::default() }
    }

    /// The function library.
    pub(crate) fn registry(&self) -> &FunctionRegistry {
        self.planner.registry()
    }

    /// Notes that the statement reads the object `name`.
    pub(crate) fn uses(&self, name: &str) {
        self.used.borrow_mut().insert(super::catalog::folded(name));
    }

    /// The folded names of the objects that were read.
    pub(crate) fn into_used(self) -> BTreeSet<String> {
        self.used.into_inner()
    }

    /// A conversion over `columns`.
    pub(crate) fn conversion<'b>(&'b self, columns: &'b Columns) -> Conversion<'b> {
        Conversion { columns, places: &self.places }
    }

    /// `sql` with its names resolved.
    ///
    /// # Errors
    /// A name that stands for nothing.
    pub(crate) fn resolved(&self, sql: &SqlExpr, scope: &Scope<'_>) -> Result<SqlExpr> {
        let mut sql = sql.clone();
        let find = |name: &str| self.catalog.function(name);
        expand_calls(&mut sql, &find).map_err(|refusal| self.places.refused(*refusal))?;
        scope.resolve(&mut sql).map_err(|refusal| self.places.refused(*refusal))?;
        Ok(sql)
    }

    /// A resolved expression with types; aggregates and OVER calls may be inside.
    ///
    /// # Errors
    /// Types that do not fit; the place is the smallest part that fails by itself.
    pub(crate) fn typed(&self, resolved: &SqlExpr, columns: &Columns) -> Result<Typed> {
        let planned = self.planner.plan(resolved.clone(), columns).map_err(Failure::from);
        planned.map_err(|failure| {
            let span = self.failing_part(resolved, columns, &failure);
            failure.boxed(span.or_else(|| self.places.of(resolved)))
        })
    }

    /// The smallest part of `resolved` that fails as the whole does.
    fn failing_part(&self, resolved: &SqlExpr, columns: &Columns, failure: &Failure) -> Option<Span> {
        parts_of(resolved).iter().find_map(|part| {
            let error = self.planner.plan(part.clone(), columns).map_err(Failure::from).err()?;
            (error == *failure).then(|| self.places.of(part)).flatten()
        })
    }

    /// An expression over single rows.
    ///
    /// # Errors
    /// Unknown names, types that do not fit, aggregates and OVER calls.
    pub(crate) fn scalar(&self, sql: &SqlExpr, scope: &Scope<'_>, columns: &Columns) -> Result<Expr> {
        let resolved = self.resolved(sql, scope)?;
        let typed = self.typed(&resolved, columns)?;
        self.converted(&typed, sql, columns)
    }

    /// The plan's form of a typed expression that was written as `sql`.
    ///
    /// # Errors
    /// What the engine cannot evaluate.
    pub(crate) fn converted(&self, typed: &Typed, sql: &SqlExpr, columns: &Columns) -> Result<Expr> {
        let span = self.places.of(sql);
        let mut expr = self.conversion(columns).expr(typed).map_err(|failure| failure.boxed(span))?;
        expr.span = span.or(expr.span);
        Ok(expr)
    }

    /// A condition over single rows.
    ///
    /// # Errors
    /// As [`Self::scalar`], and values that are not BOOL.
    pub(crate) fn condition(&self, sql: &SqlExpr, scope: &Scope<'_>, columns: &Columns) -> Result<Expr> {
        let expr = self.scalar(sql, scope, columns)?;
        self.as_condition(expr, sql)
    }

    /// `expr`, written as `sql`, as a condition.
    ///
    /// # Errors
    /// A value that is not BOOL.
    pub(crate) fn as_condition(&self, expr: Expr, sql: &SqlExpr) -> Result<Expr> {
        match expr.data_type {
            DataType::Boolean => Ok(expr),
            DataType::Null => Ok(cast_to(expr, &DataType::Boolean)),
            ref other => {
                let message = format!("a condition is TRUE or FALSE, and this is {}", type_name(other));
                Err(Box::new(Diagnostic {
                    code: codes::NOT_A_CONDITION,
                    message,
                    span: self.places.of(sql),
                    help: Some("compare it with something".to_owned()),
                }))
            }
        }
    }

    /// The value of an expression without columns.
    ///
    /// # Errors
    /// Anything that depends on a row or on time, and values that cannot be computed.
    pub(crate) fn constant(&self, sql: &SqlExpr) -> Result<ScalarValue> {
        let nothing = no_columns();
        let scope = Scope { relations: Vec::new(), ..Scope::of(None, &nothing, self.registry()) };
        let resolved = self.resolved(sql, &scope)?;
        let columns = Columns::named(&no_columns());
        let typed = self.typed(&resolved, &columns)?;
        let refused = |message: String, help: &str| {
            Box::new(Diagnostic {
                code: codes::LITERAL,
                message,
                span: self.places.of(sql),
                help: Some(help.to_owned()),
            })
        };
        if !is_constant(&typed) {
            return Err(refused(
                format!("`{}` is not constant", text_of(sql)),
                "write the value out; rows that depend on time or other rows come from SELECT",
            ));
        }
        let context = SimplifyContext::builder().with_schema(columns.planner().clone()).build();
        match ExprSimplifier::new(context).simplify(typed) {
            Ok(Typed::Literal(value, _metadata)) => Ok(value),
            Ok(_) => Err(refused(format!("`{}` cannot be computed", text_of(sql)), "check its operands")),
            Err(error) => Err(Failure::from(error).boxed(self.places.of(sql))),
        }
    }

    /// `value`, written as `sql`, as `to`, without loss.
    ///
    /// # Errors
    /// A value that `to` does not have.
    pub(crate) fn constant_as(
        &self,
        value: &ScalarValue,
        to: &DataType,
        sql: &SqlExpr,
    ) -> Result<ScalarValue> {
        fits(value, to).ok_or_else(|| {
            let from = type_name(&value.data_type());
            Box::new(Diagnostic {
                code: codes::TYPE_MISMATCH,
                message: format!("`{}` is {from}, and no value of {}", text_of(sql), type_name(to)),
                span: self.places.of(sql),
                help: Some(format!("write a value of {}, or CAST it", type_name(to))),
            })
        })
    }

    /// A time as nanoseconds since 1970: TIMESTAMP, DATE, text, or a number of milliseconds.
    ///
    /// # Errors
    /// Anything else.
    pub(crate) fn constant_time(&self, sql: &SqlExpr) -> Result<i64> {
        let value = self.constant(sql)?;
        let millis = DataType::Timestamp(arrow_schema::TimeUnit::Millisecond, None);
        let value = match &value {
            ScalarValue::Int64(_) | ScalarValue::Int32(_) => {
                value.cast_to(&DataType::Int64).and_then(|v| v.cast_to(&millis))
            }
            other => Ok(other.clone()),
        };
        match value.and_then(|v| v.cast_to(&super::types::TIMESTAMP)) {
            Ok(ScalarValue::TimestampNanosecond(Some(ns), _zone)) => Ok(ns),
            Ok(_) | Err(_) => Err(Box::new(Diagnostic {
                code: codes::LITERAL,
                message: format!("`{}` is no time", text_of(sql)),
                span: self.places.of(sql),
                help: Some(
                    "write TIMESTAMP '2024-05-01 12:00:00', or a number of milliseconds since 1970"
                        .to_owned(),
                ),
            })),
        }
    }
}

/// `value` as `to` when nothing is lost: widening casts, numbers that are exactly representable,
/// texts that read as the type.
pub(crate) fn fits(value: &ScalarValue, to: &DataType) -> Option<ScalarValue> {
    let from = value.data_type();
    let cast = value.cast_to(to).ok()?;
    if cast.is_null() != value.is_null() {
        return None;
    }
    if value.is_null() || widens(&from, to) || from == DataType::Utf8 {
        return Some(cast);
    }
    if !(from.is_numeric() && to.is_numeric()) {
        return None;
    }
    // Decimal fractions are written as DOUBLE; the nearest FLOAT or DECIMAL is what was meant.
    let approximate = from.is_floating() && !to.is_integer();
    (approximate || cast.cast_to(&from).ok().as_ref() == Some(value)).then_some(cast)
}

/// A constant expression of the plan.
pub(crate) fn constant_expr(value: ScalarValue) -> Expr {
    literal(value)
}

/// Whether no row, time, aggregate or OVER call is inside.
fn is_constant(typed: &Typed) -> bool {
    let mut constant = true;
    let walked = typed.apply(|part| {
        let depends = matches!(
            part,
            Typed::Column(_) | Typed::AggregateFunction(_) | Typed::WindowFunction(_) | Typed::Placeholder(_)
        );
        constant &= !depends;
        Ok(TreeNodeRecursion::Continue)
    });
    constant && walked.is_ok()
}
