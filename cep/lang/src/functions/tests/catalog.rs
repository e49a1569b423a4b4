//! A `ContextProvider` over the registry, with one table that has a column of every type.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::types::Int64Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int32Array, Int64Array, IntervalMonthDayNanoArray, ListArray, RecordBatch, StringArray, StructArray,
    Time64NanosecondArray, TimestampNanosecondArray,
};
use arrow_buffer::IntervalMonthDayNano;
use arrow_schema::{DataType, Field, Schema};
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, TableReference, plan_err};
use datafusion_expr::logical_plan::builder::LogicalTableSource;
use datafusion_expr::planner::{ContextProvider, ExprPlanner};
use datafusion_expr::{AggregateUDF, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF};
use datafusion_optimizer::analyzer::Analyzer;
use datafusion_optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion_sql::planner::{ParserOptions, SqlToRel};
use datafusion_sql::sqlparser::dialect::GenericDialect;
use datafusion_sql::sqlparser::parser::Parser;

use crate::functions::{FunctionRegistry, json_field};

/// The registry behind DataFusion's planner.
pub(super) struct Catalog {
    pub(super) registry: FunctionRegistry,
    options: ConfigOptions,
}

impl Catalog {
    pub(super) fn new() -> Self {
        let mut options = ConfigOptions::default();
        options.sql_parser.collect_spans = true;
        options.sql_parser.map_string_types_to_utf8view = false;
        Self { registry: FunctionRegistry::new(), options }
    }

    /// The plan of one statement, types coerced.
    pub(super) fn plan(&self, sql: &str) -> Result<LogicalPlan> {
        let mut statements = match Parser::parse_sql(&GenericDialect {}, sql) {
            Ok(statements) => statements,
            Err(error) => return plan_err!("{error}"),
        };
        let options = ParserOptions {
            collect_spans: true,
            map_string_types_to_utf8view: false,
            ..ParserOptions::new()
        };
        let planner = SqlToRel::new_with_options(self, options);
        let plan = planner.sql_statement_to_plan(statements.remove(0))?;
        Analyzer::with_rules(vec![Arc::new(TypeCoercion::new())]).execute_and_check(
            plan,
            &self.options,
            |_, _| {},
        )
    }
}

impl ContextProvider for Catalog {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        if name.table() != "t" {
            return plan_err!("no table {name}");
        }
        Ok(Arc::new(LogicalTableSource::new(sample().schema())))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.registry.expr_planners()
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

    fn get_variable_type(&self, _names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
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

/// Two rows: values, then NULL everywhere.
pub(super) fn sample() -> RecordBatch {
    let columns: Vec<(Field, ArrayRef)> = vec![
        plain("i", Arc::new(Int32Array::from(vec![Some(3), None]))),
        plain("b", Arc::new(Int64Array::from(vec![Some(5), None]))),
        plain("f", Arc::new(Float32Array::from(vec![Some(1.5), None]))),
        plain("d", Arc::new(Float64Array::from(vec![Some(0.25), None]))),
        plain("n", decimals()),
        plain("s", Arc::new(StringArray::from(vec![Some("abc"), None]))),
        plain("y", Arc::new(BinaryArray::from(vec![Some(b"\x00\xff".as_slice()), None]))),
        plain("ok", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        plain(
            "ts",
            // 2024-02-29T12:34:56.789
            Arc::new(TimestampNanosecondArray::from(vec![Some(1_709_210_096_789_000_000), None])),
        ),
        plain("dt", Arc::new(Date32Array::from(vec![Some(19_782), None]))),
        plain("tm", Arc::new(Time64NanosecondArray::from(vec![Some(3_600_000_000_001), None]))),
        plain(
            "iv",
            Arc::new(IntervalMonthDayNanoArray::from(vec![
                Some(IntervalMonthDayNano::new(1, 2, 3_000_000_000)),
                None,
            ])),
        ),
        (
            json_field("j"),
            Arc::new(StringArray::from(vec![
                Some(
                    r#"{"a": {"b": [10, 20.5, null]}, "s": "x\"y", "t": true, "n": null, "big": 9007199254740993}"#,
                ),
                None,
            ])),
        ),
        plain(
            "l",
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
                Some(vec![Some(3), Some(1), Some(2)]),
                None,
            ])),
        ),
        plain("m", map()),
        plain("st", structs()),
    ];
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns match their fields")
}

fn plain(name: &str, array: ArrayRef) -> (Field, ArrayRef) {
    (Field::new(name, array.data_type().clone(), true), array)
}

fn decimals() -> ArrayRef {
    let values = Decimal128Array::from(vec![Some(12_345), None]).with_precision_and_scale(10, 2);
    Arc::new(values.expect("12345 fits DECIMAL(10,2)"))
}

fn map() -> ArrayRef {
    // The names of declared MAP columns and of DataFusion's own maps.
    let names = MapFieldNames { entry: "entries".into(), key: "key".into(), value: "value".into() };
    let mut map = MapBuilder::new(Some(names), StringBuilder::new(), Int64Builder::new());
    map.keys().append_value("k");
    map.values().append_value(7);
    map.append(true).expect("as many keys as values");
    map.append(false).expect("as many keys as values");
    Arc::new(map.finish())
}

fn structs() -> ArrayRef {
    let a: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let b: ArrayRef = Arc::new(StringArray::from(vec![Some("z"), None]));
    Arc::new(StructArray::from(vec![
        (Arc::new(Field::new("a", DataType::Int64, true)), a),
        (Arc::new(Field::new("b", DataType::Utf8, true)), b),
    ]))
}
