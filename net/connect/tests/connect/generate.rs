//! Generated rows.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use cep_types::options::{OptionValue, StreamOptions};
use expect_test::expect;
use net_connect::{ConnectError, Source, open_source};

use crate::rows::{Read, drain, schema};

fn open(columns: &str, pairs: &[(&str, &str)]) -> Box<dyn Source> {
    let schema = schema(columns);
    let mut all = vec![("extension".to_owned(), OptionValue::Str("generator".into()))];
    all.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), OptionValue::Str((*value).to_owned()))));
    let options = StreamOptions::from_pairs(&all, schema.fields()).unwrap();
    open_source(&options, &schema, Path::new("")).unwrap()
}

fn rows(columns: &str, pairs: &[(&str, &str)], rows_max: usize) -> Read {
    drain(open(columns, pairs), rows_max).unwrap()
}

const COLUMNS: &str = "ts TIMESTAMP; id BIGINT; symbol STRING; price DOUBLE; side STRING; up BOOL; \
                       size INT; day DATE; f FLOAT";
const PAIRS: &[(&str, &str)] = &[
    ("generator.rows", "200"),
    ("generator.rate", "10/s"),
    ("generator.seed", "42"),
    ("generator.symbol.max", "9"),
    ("generator.symbol.prefix", "S"),
    ("generator.price.mean", "100"),
    ("generator.side.values", "buy, sell"),
    ("generator.size.min", "-5"),
    ("generator.size.max", "5"),
    ("generator.size.null-rate", "0.25"),
    ("generator.f.start", "1.5"),
    ("generator.f.step", "0.25"),
    ("event.time", "ts"),
];

#[test]
fn the_same_seed_makes_the_same_rows_however_they_are_taken() {
    let all = rows(COLUMNS, PAIRS, 1000);
    assert_eq!(rows(COLUMNS, PAIRS, 7), all);
    let mut other_seed = PAIRS.to_vec();
    other_seed[2].1 = "43";
    assert_ne!(rows(COLUMNS, &other_seed, 1000).batch, all.batch);
    let shown: String = all.json().lines().take(4).map(|line| format!("{line}\n")).collect();
    expect![[r#"
        {"ts":"2024-01-01T00:00:00Z","id":0,"symbol":"S6","price":99.52321527239152,"side":"sell","up":true,"size":-3,"day":"2024-01-01","f":1.5}
        {"ts":"2024-01-01T00:00:00.100Z","id":1,"symbol":"S6","price":100.0653169735465,"side":"buy","up":true,"size":3,"day":"2024-01-02","f":1.75}
        {"ts":"2024-01-01T00:00:00.200Z","id":2,"symbol":"S6","price":99.59309194288193,"side":"sell","up":true,"size":-4,"day":"2024-01-03","f":2.0}
        {"ts":"2024-01-01T00:00:00.300Z","id":3,"symbol":"S5","price":100.57701554776246,"side":"sell","up":false,"size":0,"day":"2024-01-04","f":2.25}
    "#]].assert_eq(&shown);
}

#[test]
fn values_stay_within_their_rules() {
    let all = rows(COLUMNS, PAIRS, 64).batch;
    let size = all.column(6).as_primitive::<Int32Type>();
    assert!(size.iter().flatten().all(|value| (-5..=5).contains(&value)));
    let nulls = size.iter().filter(Option::is_none).count();
    assert!((25..75).contains(&nulls), "{nulls}");
    let prices = all.column(3).as_primitive::<Float64Type>();
    let mean = prices.iter().flatten().sum::<f64>() / 200.0;
    assert!((mean - 100.0).abs() < 0.3, "{mean}");
    let ids = all.column(1).as_primitive::<Int64Type>();
    assert_eq!(ids.values().as_ref(), (0..200).collect::<Vec<i64>>());
    for side in all.column(4).as_string::<i32>().iter().flatten() {
        assert!(["buy", "sell"].contains(&side));
    }
}

#[test]
fn a_value_that_leaves_its_type_stops_the_source_by_name() {
    let pairs = [("generator.rows", "3"), ("generator.n.start", "2147483646")];
    let error = drain(open("n INT", &pairs), 10).unwrap_err();
    assert!(matches!(&error, ConnectError::GeneratedRange { row: 2, .. }), "{error}");
}

#[test]
fn without_a_count_it_never_ends() {
    let mut source = open("n BIGINT", &[]);
    assert!(!source.is_bounded());
    for _ in 0..50 {
        assert!(!source.next(1000, 0).unwrap().end);
    }
    assert_eq!(source.progress().rows, 50_000);
}

#[test]
fn a_uniform_column_may_span_all_doubles() {
    let pairs = [("generator.rows", "100"), ("generator.d.min", "-1.7e308"), ("generator.d.max", "1.7e308")];
    let read = rows("d DOUBLE", &pairs, 7);
    let values = read.batch.column(0).as_primitive::<Float64Type>().values();
    assert!(values.iter().all(|v| v.is_finite()), "{values:?}");
    assert!(values.iter().any(|v| *v < -1e307) && values.iter().any(|v| *v > 1e307), "{values:?}");
}
