//! Random tables of every scalar type, for the tests that write and read them.

use std::sync::Arc;

use arrow_array::builder::{Float64Builder, Int64Builder, StringBuilder};
use arrow_array::builder::{ListBuilder, MapBuilder};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int32Array, Int64Array, IntervalMonthDayNanoArray, RecordBatch, StringArray, StructArray,
    Time64NanosecondArray, TimestampNanosecondArray,
};
use arrow_buffer::IntervalMonthDayNano;
use arrow_schema::SchemaRef;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::rows::schema;

/// Columns of the random tables.
pub fn table_schema() -> SchemaRef {
    schema(
        "b BOOL; i INT; l BIGINT; f FLOAT; d DOUBLE; n DECIMAL(12,3); s STRING; x BYTES; \
         t TIMESTAMP; day DATE; clock TIME; span INTERVAL; a ARRAY<BIGINT>; \
         m MAP<STRING, DOUBLE>; r STRUCT<a INT, b ARRAY<BIGINT>>; j JSON",
    )
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c,;\"'\n\r\t ]{0,6}", "\\PC{0,8}", "NA|null|"]
}

fn double() -> impl Strategy<Value = f64> {
    // One NaN, as the engine has one.
    any::<f64>().prop_map(|value| if value.is_nan() { f64::NAN } else { value })
}

fn ints() -> impl Strategy<Value = Vec<Option<i64>>> {
    vec(of(any::<i64>()), 0..3)
}

/// A random table of up to `rows_max` rows.
pub fn table(rows_max: usize) -> impl Strategy<Value = RecordBatch> {
    (0..=rows_max).prop_flat_map(|rows| {
        let scalars = (
            vec(of(any::<bool>()), rows),
            vec(of(any::<i32>()), rows),
            vec(of(any::<i64>()), rows),
            vec(of(double()), rows),
            vec(of(-999_999_999_999_i128..=999_999_999_999), rows),
            vec(of(text()), rows),
            vec(of(vec(any::<u8>(), 0..6)), rows),
        );
        let times = (
            vec(of(any::<i64>()), rows),
            vec(of(-719_528_i32..2_932_896), rows),
            vec(of(0..86_400_000_000_000_i64), rows),
            vec(of(any::<(i32, i32, i64)>()), rows),
        );
        let nested = (
            vec(of(ints()), rows),
            vec(of(vec((text(), of(double())), 0..3)), rows),
            vec(of((of(any::<i32>()), of(ints()))), rows),
            vec(of(of(any::<i32>())), rows),
        );
        (scalars, times, nested).prop_map(|(scalars, times, nested)| {
            let (b, i, l, d, n, s, x) = scalars;
            let (t, day, clock, span) = times;
            let (a, m, r, j) = nested;
            let f: Vec<Option<f32>> = d.iter().rev().map(|d| d.map(|d| d as f32)).collect();
            let span =
                span.into_iter().map(|span| span.map(|(m, d, ns)| IntervalMonthDayNano::new(m, d, ns)));
            let x: Vec<Option<&[u8]>> = x.iter().map(Option::as_deref).collect();
            let json = |v: Option<i32>| v.map_or("{\"v\":null}".into(), |v| format!("{{\"v\": [{v}]}}"));
            let columns: Vec<ArrayRef> = vec![
                Arc::new(BooleanArray::from(b)),
                Arc::new(Int32Array::from(i)),
                Arc::new(Int64Array::from(l)),
                Arc::new(Float32Array::from(f)),
                Arc::new(Float64Array::from(d)),
                Arc::new(Decimal128Array::from(n).with_precision_and_scale(12, 3).unwrap()),
                Arc::new(StringArray::from(s)),
                Arc::new(BinaryArray::from(x)),
                Arc::new(TimestampNanosecondArray::from(t)),
                Arc::new(Date32Array::from(day)),
                Arc::new(Time64NanosecondArray::from(clock)),
                Arc::new(span.collect::<IntervalMonthDayNanoArray>()),
                lists(&a),
                maps(&m),
                structs(&r),
                Arc::new(j.into_iter().map(|v| v.map(json)).collect::<StringArray>()),
            ];
            RecordBatch::try_new(table_schema(), columns).unwrap()
        })
    })
}

fn lists(rows: &[Option<Vec<Option<i64>>>]) -> ArrayRef {
    let mut builder = ListBuilder::new(Int64Builder::new());
    for row in rows {
        builder.append_option(row.clone());
    }
    Arc::new(builder.finish())
}

type MapRow = Vec<(String, Option<f64>)>;

fn maps(rows: &[Option<MapRow>]) -> ArrayRef {
    let names = arrow_array::builder::MapFieldNames {
        entry: "entries".into(),
        key: "key".into(),
        value: "value".into(),
    };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), Float64Builder::new());
    for row in rows {
        for (key, value) in row.iter().flatten() {
            builder.keys().append_value(key);
            builder.values().append_option(*value);
        }
        builder.append(row.is_some()).unwrap();
    }
    Arc::new(builder.finish())
}

type StructRow = (Option<i32>, Option<Vec<Option<i64>>>);

fn structs(rows: &[Option<StructRow>]) -> ArrayRef {
    let a: Int32Array = rows.iter().map(|row| row.as_ref().and_then(|row| row.0)).collect();
    let b: Vec<_> = rows.iter().map(|row| row.as_ref().and_then(|row| row.1.clone())).collect();
    let nulls = rows.iter().map(Option::is_some).collect::<Vec<bool>>();
    let schema = table_schema();
    let fields = match schema.field_with_name("r").unwrap().data_type() {
        arrow_schema::DataType::Struct(fields) => fields.clone(),
        _ => unreachable!(),
    };
    let rows = nulls.len();
    Arc::new(
        StructArray::try_new_with_length(fields, vec![Arc::new(a), lists(&b)], Some(nulls.into()), rows)
            .unwrap(),
    )
}
