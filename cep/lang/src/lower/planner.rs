//! DataFusion's planner for one expression: resolved SQL in, a typed and coerced expression out.
//!
//! Invariants:
//! - No optimizer rule runs: nothing is evaluated, so nothing can fail before its row comes.
//! - Names are resolved before (`sqlast::resolve`); the planner finds them exactly.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef};
use datafusion_common::config::ConfigOptions;
use datafusion_common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion_common::{Result as PlanResult, TableReference, plan_err};
use datafusion_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion_expr::{AggregateUDF, Expr, ExprSchemable, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use datafusion_sql::planner::{ParserOptions, PlannerContext, SqlToRel};

use crate::functions::{FunctionRegistry, json_field, lower_calls};

use super::coerce::coerced;
use super::columns::{Columns, log_time};
use super::sqlast::{SqlExpr, SqlType, check_arguments, column_type};
use super::types::widens;

/// Most nodes an expression may have once calls such as `coalesce` are spelled out; each of them
/// repeats its arguments, so nesting them doubles.
const NODES_MAX: u64 = 100_000;

/// Why an expression has no plan.
#[derive(Debug)]
pub(crate) enum PlanError {
    /// The planner's own error.
    Planner(Box<datafusion_common::DataFusionError>),
    /// It would grow past [`NODES_MAX`].
    TooLarge,
    /// An argument of a user function has another type.
    Argument {
        /// Which.
        name: String,
        /// Its type.
        given: DataType,
        /// That of the parameter.
        wanted: DataType,
    },
}

impl From<datafusion_common::DataFusionError> for PlanError {
    fn from(error: datafusion_common::DataFusionError) -> Self {
        PlanError::Planner(Box::new(error))
    }
}

/// Plans expressions. Made once, used for many.
#[derive(Debug)]
pub(crate) struct Planner {
    registry: Arc<FunctionRegistry>,
    config: ConfigOptions,
}

impl Planner {
    /// A planner that knows the functions of `registry`.
    pub(crate) fn new(registry: Arc<FunctionRegistry>) -> Self {
        let mut config = ConfigOptions::new();
        config.sql_parser.enable_ident_normalization = false;
        config.sql_parser.map_string_types_to_utf8view = false;
        config.sql_parser.collect_spans = true;
        Self { registry, config }
    }

    /// The functions it knows.
    pub(crate) fn registry(&self) -> &FunctionRegistry {
        &self.registry
    }

    /// A resolved expression over `columns`, typed, with every coercion as an explicit cast, calls
    /// that are only rewrites spelled out and times bound. Aggregates and OVER calls are still
    /// inside.
    ///
    /// # Errors
    /// Types that do not fit, wrong arguments.
    pub(crate) fn plan(&self, sql: SqlExpr, columns: &Columns) -> Result<Expr, PlanError> {
        let mut sql = sql;
        check_arguments(&mut sql, &mut |value, wanted, name| {
            self.check_argument(value, wanted, name, columns)
        })?;
        let options = ParserOptions::from(&self.config.sql_parser);
        let planner = SqlToRel::new_with_options(self, options);
        let expr = planner.sql_to_expr(sql, columns.planner(), &mut PlannerContext::new())?;
        let expr = expr.transform_up(without_alias).data()?;
        if expanded_nodes(&expr) > NODES_MAX {
            return Err(PlanError::TooLarge);
        }
        self.coerce(expr, columns)
    }

    /// Whether an argument of a user function has a type that its parameter takes without loss.
    fn check_argument(
        &self,
        value: &SqlExpr,
        wanted: &SqlType,
        name: &str,
        columns: &Columns,
    ) -> Result<(), PlanError> {
        let given = self.plan(value.clone(), columns)?.get_type(columns.planner().as_ref())?;
        let wanted = match column_type(wanted) {
            Ok(found) => found.data_type,
            Err(_) => return Ok(()),
        };
        if widens(&super::types::column_type(&given), &wanted) {
            return Ok(());
        }
        Err(PlanError::Argument { name: name.to_owned(), given, wanted })
    }

    /// Coerces the types in `expr` and spells out what is only a rewrite.
    ///
    /// # Errors
    /// Types that do not fit.
    pub(crate) fn coerce(&self, expr: Expr, columns: &Columns) -> Result<Expr, PlanError> {
        let expr = coerced(expr, columns.planner())?;
        let expr = lower_calls(expr, &log_time()).data()?;
        Ok(expr)
    }
}

fn without_alias(expr: Expr) -> PlanResult<Transformed<Expr>> {
    Ok(match expr {
        Expr::Alias(alias) => Transformed::yes(*alias.expr),
        other => Transformed::no(other),
    })
}

/// Nodes that `expr` has once everything that repeats its operands is spelled out, at least.
fn expanded_nodes(expr: &Expr) -> u64 {
    let mut inside: u64 = 0;
    let counted = expr.apply_children(|child| {
        inside = inside.saturating_add(expanded_nodes(child));
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(counted.is_ok(), "counting does not fail");
    let copies = match expr {
        Expr::ScalarFunction(call) if REPEATING.contains(&call.func.name()) => 2,
        Expr::Between(_) => 2,
        Expr::Case(case) if case.expr.is_some() => {
            u64::try_from(case.when_then_expr.len()).unwrap_or(u64::MAX).max(1)
        }
        _once => 1,
    };
    inside.saturating_mul(copies).saturating_add(1)
}

/// Functions whose rewrite uses an argument twice.
const REPEATING: &[&str] = &["coalesce", "nvl", "nvl2"];

#[derive(Debug)]
struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql_type: &SqlType) -> PlanResult<Option<FieldRef>> {
        match column_type(sql_type) {
            Ok(found) if found.json => Ok(Some(Arc::new(json_field("cast")))),
            Ok(found) => Ok(Some(Arc::new(Field::new("cast", found.data_type, true)))),
            Err(refusal) => plan_err!("{}", refusal.message),
        }
    }
}

impl ContextProvider for Planner {
    fn get_table_source(&self, name: TableReference) -> PlanResult<Arc<dyn TableSource>> {
        plan_err!("expressions read no table, not even {name}")
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.registry.expr_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(Types))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.registry.scalar(name)
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.registry.higher_order(name)
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.registry.aggregate(name)
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.registry.window(name)
    }

    fn get_variable_type(&self, _variable_names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.config
    }

    fn udf_names(&self) -> Vec<String> {
        self.registry.scalar_names()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.registry.higher_order_names()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.registry.aggregate_names()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.registry.window_names()
    }
}
