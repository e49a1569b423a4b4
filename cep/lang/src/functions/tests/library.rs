//! The whole library: every function plans, evaluates without panic, and has a type of ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::Array;
use arrow_schema::{DataType, FieldRef};
use cep_types::hash::is_key_type;
use datafusion_common::config::ConfigOptions;
use datafusion_common::{Result, ScalarValue};
use datafusion_expr::type_coercion::functions::fields_with_udf;
use datafusion_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF};

use crate::functions::tests::catalog::{Catalog, sample};
use crate::functions::{AGGREGATES, FunctionRegistry, REFUSALS};

/// True for the Arrow types that R-EVT-2 maps to.
fn is_ours(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null => true,
        DataType::List(item) | DataType::Map(item, _) => is_ours(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_ours(field.data_type())),
        DataType::Dictionary(_, _) => false,
        scalar => is_key_type(scalar),
    }
}

/// Calls that no combination of up to two columns reaches, and calls whose types depend on a literal.
const FURTHER_CALLS: &[(&str, &str)] = &[
    ("array_remove_n", "array_remove_n(l, 1, 1)"),
    ("array_replace", "array_replace(l, 1, 2)"),
    ("array_replace_all", "array_replace_all(l, 1, 2)"),
    ("array_slice", "array_slice(l, 1, 2)"),
    ("nvl2", "nvl2(b, 1, 2)"),
    ("array_replace_n", "array_replace_n(l, 1, 2, 1)"),
    ("clamp", "clamp(b, 1, 3)"),
    ("convert_timezone", "convert_timezone('UTC', 'Europe/Vienna', ts)"),
    ("date_bin", "date_bin(INTERVAL '1' MINUTE, ts)"),
    ("date_diff", "date_diff('day', ts, ts)"),
    ("date_part", "date_part('hour', ts)"),
    ("date_trunc", "date_trunc('hour', ts)"),
    ("dateadd", "dateadd('day', 1, ts)"),
    ("decode", "decode('ff', 'hex')"),
    ("encode", "encode(s, 'hex')"),
    ("generate_series", "generate_series(1, 3)"),
    ("geo_distance", "geo_distance(d, d, d, d)"),
    ("get_field", "get_field(st, 'a')"),
    ("if", "if(ok, b, i)"),
    ("json_exists", "json_exists(j, '$.a')"),
    ("json_extract", "json_extract(j, '$.a')"),
    ("json_extract_string", "json_extract_string(j, '$.a')"),
    ("json_object", "json_object('a', b)"),
    ("lpad", "lpad(s, 5, '.')"),
    ("make_date", "make_date(2024, 1, 2)"),
    ("make_time", "make_time(1, 2, 3)"),
    ("make_timestamp", "make_timestamp(2024, 1, 2, 3, 4, 5.5)"),
    ("map", "map(['a'], [b])"),
    ("named_struct", "named_struct('a', b, 'c', s)"),
    ("overlay", "overlay(s PLACING 'x' FROM 2 FOR 1)"),
    ("regexp_replace", "regexp_replace(s, 'a', 'b')"),
    ("replace", "replace(s, 'a', 'b')"),
    ("rpad", "rpad(s, 5, '.')"),
    ("safe_div", "safe_div(b, 0, -1)"),
    ("set_bit", "set_bit(b, 1, 1)"),
    ("split_index", "split_index(s, 'b', 0)"),
    ("split_part", "split_part(s, 'b', 1)"),
    ("substr_index", "substr_index(s, 'b', 1)"),
    ("timestampdiff", "timestampdiff('day', ts, ts)"),
    ("to_char", "to_char(ts, '%Y')"),
    ("to_local_time", "to_local_time(ts AT TIME ZONE 'Europe/Vienna')"),
    ("translate", "translate(s, 'a', 'b')"),
    ("width_bucket", "width_bucket(d, 0, 1, 4)"),
];

/// The result field of a call over `fields`, if the function takes them.
fn planned(function: &ScalarUDF, fields: &[FieldRef]) -> Option<(Vec<FieldRef>, FieldRef)> {
    let coerced = fields_with_udf(fields, function).ok()?;
    let literals = vec![None; coerced.len()];
    let result = function
        .return_field_from_args(ReturnFieldArgs { arg_fields: &coerced, scalar_arguments: &literals })
        .ok()?;
    Some((coerced, result))
}

fn invoke(function: &ScalarUDF, columns: &[usize], coerced: &[FieldRef], result: &FieldRef) -> Result<()> {
    let batch = sample();
    let run = |scalar: bool| -> Result<ColumnarValue> {
        let args = columns
            .iter()
            .zip(coerced)
            .map(|(column, field)| {
                let array = arrow_cast::cast(batch.column(*column), field.data_type())?;
                Ok(if scalar {
                    ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)
                } else {
                    ColumnarValue::Array(array)
                })
            })
            .collect::<Result<Vec<_>>>()?;
        function.invoke_with_args(ScalarFunctionArgs {
            args,
            arg_fields: coerced.to_vec(),
            number_rows: batch.num_rows(),
            return_field: Arc::clone(result),
            config_options: Arc::new(ConfigOptions::default()),
        })
    };
    let (columns, constants) = (run(false), run(true));
    if let (Ok(columns), Ok(constants)) = (columns, constants) {
        let columns = columns.into_array(batch.num_rows())?;
        assert_eq!(columns.data_type(), result.data_type(), "{} over columns", function.name());
        let constants = constants.into_array(batch.num_rows())?;
        assert_eq!(constants.data_type(), result.data_type(), "{} over constants", function.name());
        assert_eq!(
            columns.slice(0, 1).to_data(),
            constants.slice(0, 1).to_data(),
            "{} over columns and over constants differ",
            function.name()
        );
    }
    Ok(())
}

#[test]
fn every_scalar_function_takes_some_columns_and_gives_a_type_of_ours() {
    let catalog = Catalog::new();
    let schema = sample().schema();
    let count = schema.fields().len();
    let mut shapes: Vec<Vec<usize>> = vec![vec![]];
    shapes.extend((0..count).map(|a| vec![a]));
    shapes.extend((0..count * count).map(|pair| vec![pair / count, pair % count]));

    let mut unreached = BTreeSet::new();
    let mut foreign = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for name in catalog.registry.scalar_names() {
        let function = catalog.registry.scalar(&name).expect("listed");
        if !seen.insert(function.name().to_string()) {
            continue;
        }
        let mut reached = false;
        for shape in &shapes {
            let fields: Vec<FieldRef> =
                shape.iter().map(|column| Arc::clone(&schema.fields()[*column])).collect();
            let Some((coerced, result)) = planned(&function, &fields) else {
                continue;
            };
            reached = true;
            if !is_ours(result.data_type()) {
                foreign.insert(format!("{name} gives {}", result.data_type()));
            }
            // A function may refuse values; it must not panic, and constants must equal columns.
            let _ = invoke(&function, shape, &coerced, &result);
        }
        if !reached {
            unreached.insert(function.name().to_string());
        }
    }
    for (name, call) in FURTHER_CALLS {
        let column =
            crate::functions::tests::evaluate(&catalog, call).unwrap_or_else(|e| panic!("{call}: {e}"));
        if !is_ours(column.data_type()) {
            foreign.insert(format!("{call} gives {}", column.data_type()));
        }
        assert_eq!(column.len(), 2, "{call}");
        unreached.remove(*name);
    }
    assert!(foreign.is_empty(), "{foreign:#?}");
    assert!(unreached.is_empty(), "no call is known for {unreached:?}");
}

#[test]
fn names_match_in_any_case() {
    let registry = FunctionRegistry::new();
    assert_eq!(registry.scalar("CONCAT_WS").unwrap().name(), "concat_ws");
    assert_eq!(registry.scalar("ifThenElse").unwrap().name(), "if");
    assert_eq!(registry.aggregate("distinctCount").unwrap().name(), "count_distinct");
    assert_eq!(registry.aggregate("minForever").unwrap().name(), "min_forever");
    assert_eq!(registry.aggregate("stdDev").unwrap().name(), "stddev");
    assert_eq!(registry.window("Prev").unwrap().name(), "lag");
    assert!(registry.scalar("no_such_function").is_none());
}

#[test]
fn refused_functions_are_in_no_list_and_say_what_to_do() {
    let registry = FunctionRegistry::new();
    for refusal in REFUSALS {
        for name in refusal.names {
            assert!(registry.scalar(name).is_none(), "{name}");
            assert!(registry.aggregate(name).is_none(), "{name}");
            assert!(registry.window(name).is_none(), "{name}");
            let found = registry.refused(&name.to_uppercase()).expect("refused");
            assert!(!found.reason.is_empty() && !found.alternative.is_empty());
        }
    }
    assert!(registry.refused("concat").is_none());
}

/// Volatile and environment-reading functions must never come in with an upgrade of DataFusion.
#[test]
fn nothing_in_the_library_is_volatile() {
    use datafusion_expr::Volatility;
    let registry = FunctionRegistry::new();
    for name in registry.scalar_names() {
        let function = registry.scalar(&name).expect("listed");
        let volatility = function.signature().volatility;
        let is_mark =
            crate::functions::log_time::bound(&function, &datafusion_expr::lit(1), &datafusion_expr::lit(1))
                .is_some();
        assert!(volatility == Volatility::Immutable || is_mark, "{name} is {volatility:?}");
    }
    for name in registry.aggregate_names() {
        let function = registry.aggregate(&name).expect("listed");
        assert_eq!(function.signature().volatility, Volatility::Immutable, "{name}");
    }
}

#[test]
fn the_aggregate_catalog_and_the_registry_agree() {
    let registry = FunctionRegistry::new();
    let mut names = BTreeSet::new();
    for doc in AGGREGATES {
        let function =
            registry.aggregate(doc.name).unwrap_or_else(|| panic!("{} has no declaration", doc.name));
        assert_eq!(function.name(), doc.name);
        for name in doc.aliases.iter().chain([&doc.name]) {
            assert!(names.insert(*name), "{name} is twice in the catalog");
            assert_eq!(registry.aggregate(name).unwrap().name(), doc.name, "{name}");
        }
    }
    let listed: Vec<&str> = AGGREGATES.iter().map(|doc| doc.name).collect();
    assert!(listed.is_sorted(), "the catalog is sorted by name");
    for name in registry.aggregate_names() {
        assert!(names.contains(name.as_str()), "{name} is not in the catalog");
    }
}
