//! The planner extensions that give SQL operators and special forms their functions.

use std::sync::Arc;

use arrow_schema::{DataType, Field};
use cep_types::sql_type::sql_type_name;
use datafusion_common::{Column, DFSchema, Result, TableReference, plan_err};
use datafusion_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr};
use datafusion_expr::sqlparser::ast::BinaryOperator;
use datafusion_expr::{Expr, ExprSchemable, GetFieldAccess, ScalarUDF, lit};
use datafusion_functions::core::planner::CoreFunctionPlanner;
use datafusion_functions_aggregate::planner::AggregateFunctionPlanner;
use datafusion_functions_nested::planner::{FieldAccessPlanner, NestedFunctionPlanner};
use datafusion_functions_window::planner::WindowFunctionPlanner;

use super::aggregates::AggregateRewritePlanner;
use super::json::is_json_field;

/// Every planner, ours first; `function` finds a scalar function of the library.
pub(super) fn expr_planners(function: impl Fn(&str) -> Arc<ScalarUDF>) -> Vec<Arc<dyn ExprPlanner>> {
    vec![
        Arc::new(FormPlanner {
            json_get: function("json_get"),
            json_get_str: function("json_get_str"),
            json_contains: function("json_contains"),
            strpos: function("strpos"),
            substr: function("substr"),
            overlay: function("overlay"),
            date_part: function("date_part"),
        }),
        // Must follow at once: a planner without its own `plan_compound_identifier` is an error there.
        Arc::new(CoreFunctionPlanner::default()),
        Arc::new(AggregateRewritePlanner),
        Arc::new(NestedFunctionPlanner),
        Arc::new(FieldAccessPlanner),
        Arc::new(AggregateFunctionPlanner),
        Arc::new(WindowFunctionPlanner),
    ]
}

/// Special forms that stand for functions of the library: POSITION, SUBSTRING, OVERLAY, EXTRACT, and
/// JSON access: `j -> 'key'`, `j ->> 0`, `j @> part`, and on columns declared JSON also `j['key']`,
/// `j[0]` and `j.key.inner`.
#[derive(Debug)]
struct FormPlanner {
    json_get: Arc<ScalarUDF>,
    json_get_str: Arc<ScalarUDF>,
    json_contains: Arc<ScalarUDF>,
    strpos: Arc<ScalarUDF>,
    substr: Arc<ScalarUDF>,
    overlay: Arc<ScalarUDF>,
    date_part: Arc<ScalarUDF>,
}

impl ExprPlanner for FormPlanner {
    fn plan_position(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(self.strpos.call(args)))
    }

    fn plan_substring(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(self.substr.call(args)))
    }

    fn plan_overlay(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(self.overlay.call(args)))
    }

    fn plan_extract(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(self.date_part.call(args)))
    }

    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = raw;
        match op {
            BinaryOperator::Arrow | BinaryOperator::LongArrow => {
                let left_type = left.get_type(schema)?;
                if !is_text(&left_type) {
                    return plan_err!(
                        "{op} takes a member of a JSON value, and its left side is {}; for STRUCT and MAP write x['key']",
                        sql_type_name(&left_type)
                    );
                }
                Ok(PlannerResult::Planned(if op == BinaryOperator::Arrow {
                    self.json_get.call(vec![left, right])
                } else {
                    self.json_get_str.call(vec![left, right])
                }))
            }
            BinaryOperator::AtArrow | BinaryOperator::ArrowAt => {
                if !is_text(&left.get_type(schema)?) || !is_text(&right.get_type(schema)?) {
                    return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
                }
                let (whole, part) = if op == BinaryOperator::AtArrow { (left, right) } else { (right, left) };
                Ok(PlannerResult::Planned(self.json_contains.call(vec![whole, part])))
            }
            op => Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
        }
    }

    fn plan_field_access(
        &self,
        raw: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let (_, field) = raw.expr.to_field(schema)?;
        if !is_json_field(&field) {
            return Ok(PlannerResult::Original(raw));
        }
        let RawFieldAccessExpr { field_access, expr } = raw;
        match field_access {
            GetFieldAccess::NamedStructField { name } => {
                Ok(PlannerResult::Planned(self.json_get.call(vec![expr, lit(name)])))
            }
            GetFieldAccess::ListIndex { key } => {
                Ok(PlannerResult::Planned(self.json_get.call(vec![expr, *key])))
            }
            GetFieldAccess::ListRange { .. } => {
                plan_err!("a JSON array has no slices; take elements with j[0], or json_extract(j, '$[0]')")
            }
        }
    }

    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested_names: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        if !is_json_field(field) {
            return Ok(PlannerResult::Original(vec![]));
        }
        let mut args = vec![Expr::Column(Column::from((qualifier, field)))];
        args.extend(nested_names.iter().map(|name| lit(name.as_str())));
        Ok(PlannerResult::Planned(self.json_get.call(args)))
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}
