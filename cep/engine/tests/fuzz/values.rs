//! Rows at the ends of their types.

use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    Time64NanosecondType, TimestampNanosecondType,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, ListArray, MapArray, PrimitiveArray,
    RecordBatch, StringArray, StructArray,
};
use arrow_buffer::{IntervalMonthDayNano, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, SchemaRef};

use crate::harness::{Random, SECOND};

/// Most of the times lie around here.
pub const START_NS: i64 = 1_700_000_000 * SECOND;

const DAY_NS: i64 = 86_400 * SECOND;

const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "k1",
    " ",
    "NaN",
    "0",
    "-1",
    "9223372036854775808",
    "1e999",
    "true",
    "2024-02-30",
    "2262-04-11T23:47:16.854775808Z",
    "12:00",
    "1 day",
    "{\"a\": {\"b\": [1, 2]}}",
    "[",
    "$.a",
    "%_%",
    "(a",
    "192.168.0.1/33",
    "::1",
    "http://[::1]:99999/%zz?q=é#x",
    "aGVsbG8",
    "é🦀\u{301}",
    "İß",
    "\u{0}",
    "\u{10ffff}",
];

const JSONS: &[&str] = &[
    "null",
    "0",
    "-1.5e300",
    "1e999",
    "\"\"",
    "\"é\\u0000\"",
    "[]",
    "[1,[2,{\"a\":null}]]",
    "{\"a\":{\"b\":[1,2]},\"c\":\"x\"}",
];

/// So many rows of a schema. Times mostly grow by little; now and then a row is from the ends of time.
pub fn batch(schema: &SchemaRef, time: Option<usize>, rows: usize, random: &mut Random) -> RecordBatch {
    let columns = schema.fields().iter().enumerate().map(|(at, field)| {
        if Some(at) == time && matches!(field.data_type(), DataType::Timestamp(_, _)) {
            times(rows, random)
        } else {
            array(field, rows, random)
        }
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect()).expect("arrays of the schema")
}

fn times(rows: usize, random: &mut Random) -> ArrayRef {
    let mut now = START_NS;
    let is_wild = random.one_in(4);
    let time = (0..rows).map(|_| {
        now += random.below(3 * SECOND as usize) as i64 - SECOND / 2;
        if is_wild && random.one_in(8) { instant(random) } else { now }
    });
    Arc::new(PrimitiveArray::<TimestampNanosecondType>::from_iter_values(time))
}

fn instant(random: &mut Random) -> i64 {
    let near = START_NS + random.below(100 * DAY_NS as usize) as i64;
    *random.pick(&[i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, -1, 0, 1, DAY_NS, near, near, near])
}

fn number(random: &mut Random) -> i64 {
    let small = random.below(20) as i64 - 5;
    *random.pick(&[i64::MIN, i64::MIN + 1, i64::MAX, 1 << 53, i64::from(i32::MIN), 0, small, small, small])
}

fn float(random: &mut Random) -> f64 {
    let small = random.below(400) as f64 / 8.0 - 10.0;
    let ends = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, -0.0, 5e-324, 1e16];
    if random.one_in(2) { small } else { *random.pick(&ends) }
}

/// A decimal of `digits` digits at most.
fn decimal(digits: u8, random: &mut Random) -> i128 {
    let largest = 10_i128.pow(u32::from(digits)) - 1;
    let small = random.below(10_000) as i128 - 100;
    (*random.pick(&[largest, -largest, 0, small, small, small])).clamp(-largest, largest)
}

fn interval(random: &mut Random) -> IntervalMonthDayNano {
    let part = |random: &mut Random| *random.pick(&[0, 0, 1, -1, 31, i32::MAX, i32::MIN]);
    let (months, days) = (part(random), part(random));
    IntervalMonthDayNano::new(months, days, *random.pick(&[0, 1, SECOND, -DAY_NS, i64::MAX, i64::MIN]))
}

fn text(random: &mut Random) -> String {
    match random.below(60) {
        0 => "x".repeat(100_000),
        1 => "é🦀".repeat(5_000),
        _ => (*random.pick(TEXTS)).to_owned(),
    }
}

fn array(field: &Field, rows: usize, random: &mut Random) -> ArrayRef {
    let absent = {
        let often = random.below(3);
        let nullable = field.is_nullable();
        move |random: &mut Random| nullable && often > 0 && random.one_in(2 * often)
    };
    match field.data_type() {
        DataType::Boolean => {
            let values = (0..rows).map(|_| (!absent(random)).then(|| random.one_in(2)));
            Arc::new(values.collect::<BooleanArray>())
        }
        DataType::Int32 => primitive::<Int32Type>(rows, random, |r| (!absent(r)).then(|| number(r) as i32)),
        DataType::Int64 => primitive::<Int64Type>(rows, random, |r| (!absent(r)).then(|| number(r))),
        DataType::Float32 => {
            primitive::<Float32Type>(rows, random, |r| (!absent(r)).then(|| float(r) as f32))
        }
        DataType::Float64 => primitive::<Float64Type>(rows, random, |r| (!absent(r)).then(|| float(r))),
        DataType::Decimal128(digits, scale) => {
            let values: PrimitiveArray<Decimal128Type> =
                (0..rows).map(|_| (!absent(random)).then(|| decimal(*digits, random))).collect();
            Arc::new(values.with_precision_and_scale(*digits, *scale).expect("digits that fit"))
        }
        DataType::Timestamp(_, _) => {
            primitive::<TimestampNanosecondType>(rows, random, |r| (!absent(r)).then(|| instant(r)))
        }
        DataType::Date32 => primitive::<Date32Type>(rows, random, |r| {
            (!absent(r)).then(|| *r.pick(&[i32::MIN, i32::MAX, -719_528, -1, 0, 19_800, 2_932_896]))
        }),
        DataType::Time64(_) => primitive::<Time64NanosecondType>(rows, random, |r| {
            (!absent(r)).then(|| *r.pick(&[0, 1, DAY_NS - 1, 43_200 * SECOND]))
        }),
        DataType::Interval(_) => {
            primitive::<IntervalMonthDayNanoType>(rows, random, |r| (!absent(r)).then(|| interval(r)))
        }
        DataType::Utf8 => {
            let is_json = !field.metadata().is_empty();
            let value = |r: &mut Random| if is_json { (*r.pick(JSONS)).to_owned() } else { text(r) };
            Arc::new((0..rows).map(|_| (!absent(random)).then(|| value(random))).collect::<StringArray>())
        }
        DataType::Binary => {
            Arc::new((0..rows).map(|_| (!absent(random)).then(|| text(random))).collect::<BinaryArray>())
        }
        nested => {
            let nulls: Vec<bool> = (0..rows).map(|_| !absent(random)).collect();
            collection(nested, NullBuffer::from(nulls), random)
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(
    rows: usize,
    random: &mut Random,
    mut value: impl FnMut(&mut Random) -> Option<T::Native>,
) -> ArrayRef {
    Arc::new((0..rows).map(|_| value(random)).collect::<PrimitiveArray<T>>())
}

/// Lists, maps and structs. What lies under NULL is empty.
fn collection(data_type: &DataType, nulls: NullBuffer, random: &mut Random) -> ArrayRef {
    let lengths = |random: &mut Random| {
        let length = |valid: bool| if valid { random.below(4) } else { 0 };
        OffsetBuffer::<i32>::from_lengths(nulls.iter().map(length).collect::<Vec<_>>())
    };
    match data_type {
        DataType::List(item) => {
            let offsets = lengths(random);
            let items = array(item, offsets[offsets.len() - 1] as usize, random);
            Arc::new(ListArray::new(Arc::clone(item), offsets, items, Some(nulls)))
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().map(|field| array(field, nulls.len(), random)).collect();
            Arc::new(StructArray::new(fields.clone(), columns, Some(nulls)))
        }
        DataType::Map(entries, sorted) => {
            let offsets = lengths(random);
            let DataType::Struct(fields) = entries.data_type() else { panic!("a map has entries") };
            let count = offsets[offsets.len() - 1] as usize;
            // The keys of one map differ.
            let keys = StringArray::from_iter_values((0..count).map(|at| format!("k{at}")));
            assert_eq!(keys.data_type(), fields[0].data_type(), "keys of the tests are STRING");
            let columns = vec![Arc::new(keys) as ArrayRef, array(&fields[1], count, random)];
            let entry = StructArray::new(fields.clone(), columns, None);
            Arc::new(MapArray::new(Arc::clone(entries), offsets, entry, Some(nulls), *sorted))
        }
        other => panic!("no values of {other}"),
    }
}
