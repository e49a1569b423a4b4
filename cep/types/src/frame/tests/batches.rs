//! Random batches of every type of R-EVT-2, nested and sliced.

use std::sync::Arc;

use arrow_array::RecordBatchOptions;
use arrow_array::types::{IntervalMonthDayNano, TimestampNanosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int32Array, Int64Array, IntervalMonthDayNanoArray, ListArray, MapArray, PrimitiveArray,
    RecordBatch, StringArray, StructArray, Time64NanosecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields, IntervalUnit, Schema, TimeUnit};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;

/// A JSON field.
pub(super) fn json(name: &str) -> Field {
    let tag = [("ceptra.type".to_owned(), "json".to_owned())];
    Field::new(name, DataType::Utf8, true).with_metadata(tag.into())
}

fn scalar_field() -> impl Strategy<Value = Field> {
    prop::sample::select(vec![
        json("c"),
        Field::new("c", DataType::Boolean, true),
        Field::new("c", DataType::Int32, true),
        Field::new("c", DataType::Int64, true),
        Field::new("c", DataType::Float32, true),
        Field::new("c", DataType::Float64, true),
        Field::new("c", DataType::Decimal128(12, 3), true),
        Field::new("c", DataType::Utf8, true),
        Field::new("c", DataType::Binary, true),
        Field::new("c", DataType::Timestamp(TimeUnit::Nanosecond, None), true),
        Field::new("c", DataType::Date32, true),
        Field::new("c", DataType::Time64(TimeUnit::Nanosecond), true),
        Field::new("c", DataType::Interval(IntervalUnit::MonthDayNano), true),
        Field::new("c", dictionary(DataType::Utf8), true),
        Field::new("c", dictionary(DataType::Binary), true),
    ])
}

fn dictionary(values: DataType) -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(values))
}

/// A field of any type, nested up to three deep.
fn any_field() -> impl Strategy<Value = Field> {
    scalar_field().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner
                .clone()
                .prop_map(|item| { Field::new("c", DataType::List(Arc::new(item.with_name("item"))), true) }),
            (inner.clone(), prop::bool::ANY).prop_map(|(value, text)| {
                let key = if text { DataType::Utf8 } else { DataType::Int64 };
                let key = Field::new("key", key, false);
                let entries = DataType::Struct(vec![key, value.with_name("value")].into());
                let entries = Arc::new(Field::new("entries", entries, false));
                Field::new("c", DataType::Map(entries, false), true)
            }),
            vec(inner, 1..4).prop_map(|fields| {
                let named = fields.into_iter().enumerate().map(|(at, f)| f.with_name(at.to_string()));
                Field::new("c", DataType::Struct(named.collect()), true)
            }),
        ]
    })
}

fn cells<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
    rows: usize,
    nullable: bool,
) -> BoxedStrategy<Vec<Option<T>>> {
    if nullable { vec(weighted(0.8, value), rows).boxed() } else { vec(value.prop_map(Some), rows).boxed() }
}

fn nulls(rows: usize) -> impl Strategy<Value = Option<NullBuffer>> {
    weighted(0.6, vec(prop::bool::weighted(0.8), rows)).prop_map(|valid| valid.map(NullBuffer::from))
}

/// Offsets of `rows` ranges, with the number of values that they cover.
fn ranges(rows: usize) -> impl Strategy<Value = OffsetBuffer<i32>> {
    vec(0_usize..4, rows).prop_map(OffsetBuffer::from_lengths)
}

/// A column of `rows` values of the type of `field`.
fn column(field: &Field, rows: usize) -> BoxedStrategy<ArrayRef> {
    let nullable = field.is_nullable();
    macro_rules! plain {
        ($values:expr, $array:ty) => {
            cells($values, rows, nullable)
                .prop_map(|values| Arc::new(<$array>::from(values)) as ArrayRef)
                .boxed()
        };
    }
    match field.data_type() {
        DataType::Boolean => plain!(any::<bool>(), BooleanArray),
        DataType::Int32 => plain!(any::<i32>(), Int32Array),
        DataType::Int64 => plain!(any::<i64>(), Int64Array),
        DataType::Float32 => plain!(-1e9_f32..1e9, Float32Array),
        DataType::Float64 => plain!(-1e99_f64..1e99, Float64Array),
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            cells(-999_999_999_999_i128..=999_999_999_999, rows, nullable)
                .prop_map(move |values| {
                    let array = Decimal128Array::from(values);
                    Arc::new(array.with_precision_and_scale(precision, scale).unwrap()) as ArrayRef
                })
                .boxed()
        }
        DataType::Utf8 => plain!("\\PC{0,6}", StringArray),
        DataType::Binary => cells(vec(any::<u8>(), 0..6), rows, nullable)
            .prop_map(|values| {
                Arc::new(values.iter().map(Option::as_deref).collect::<BinaryArray>()) as ArrayRef
            })
            .boxed(),
        DataType::Timestamp(_, _) => plain!(any::<i64>(), PrimitiveArray<TimestampNanosecondType>),
        DataType::Date32 => plain!(any::<i32>(), Date32Array),
        DataType::Time64(_) => plain!(0_i64..86_400_000_000_000, Time64NanosecondArray),
        DataType::Interval(_) => {
            let value = (any::<i32>(), any::<i32>(), any::<i64>())
                .prop_map(|(months, days, ns)| IntervalMonthDayNano::new(months, days, ns));
            plain!(value, IntervalMonthDayNanoArray)
        }
        DataType::Dictionary(_, values) => coded(values, rows),
        DataType::List(item) => {
            let item = item.clone();
            (ranges(rows), nulls(rows))
                .prop_flat_map(move |(offsets, nulls)| {
                    let (item, count) = (item.clone(), *offsets.last().unwrap() as usize);
                    column(&item, count).prop_map(move |values| {
                        Arc::new(ListArray::new(item.clone(), offsets.clone(), values, nulls.clone()))
                            as ArrayRef
                    })
                })
                .boxed()
        }
        DataType::Map(entries, _) => {
            let entries = entries.clone();
            (ranges(rows), nulls(rows))
                .prop_flat_map(move |(offsets, nulls)| {
                    let (entries, count) = (entries.clone(), *offsets.last().unwrap() as usize);
                    let DataType::Struct(fields) = entries.data_type().clone() else { panic!() };
                    record(fields, count, None).prop_map(move |records| {
                        let (offsets, nulls) = (offsets.clone(), nulls.clone());
                        Arc::new(MapArray::new(entries.clone(), offsets, records, nulls, false)) as ArrayRef
                    })
                })
                .boxed()
        }
        DataType::Struct(fields) => {
            let fields = fields.clone();
            nulls(rows)
                .prop_flat_map(move |nulls| record(fields.clone(), rows, nulls))
                .prop_map(|record| Arc::new(record) as ArrayRef)
                .boxed()
        }
        other => panic!("no strategy for {other}"),
    }
}

fn record(fields: Fields, rows: usize, nulls: Option<NullBuffer>) -> impl Strategy<Value = StructArray> {
    let columns: Vec<_> = fields.iter().map(|field| column(field, rows)).collect();
    columns.prop_map(move |columns| StructArray::new(fields.clone(), columns, nulls.clone()))
}

/// A dictionary; now and then with more values than rows.
fn coded(values: &DataType, rows: usize) -> BoxedStrategy<ArrayRef> {
    let field = Field::new("c", values.clone(), false);
    (1_usize..6)
        .prop_flat_map(move |count| (column(&field, count), cells(0..count as i32, rows, true)))
        .prop_map(|(values, indices)| {
            Arc::new(DictionaryArray::new(Int32Array::from(indices), values)) as ArrayRef
        })
        .boxed()
}

/// A batch of up to five columns and twenty rows, cut out of a larger one.
pub(super) fn any_batch() -> impl Strategy<Value = RecordBatch> {
    (vec(any_field(), 0..5), 0_usize..20, 0_usize..12, 0_usize..3).prop_flat_map(
        |(fields, rows, before, after)| {
            let all = before + rows + after;
            let named = fields.into_iter().enumerate().map(|(at, f)| f.with_name(format!("c{at}")));
            let schema = Arc::new(Schema::new(named.collect::<Vec<_>>()));
            let columns: Vec<_> = schema.fields().iter().map(|field| column(field, all)).collect();
            columns.prop_map(move |columns| {
                let columns: Vec<ArrayRef> =
                    columns.iter().map(|column| column.slice(before, rows)).collect();
                let options = RecordBatchOptions::new().with_row_count(Some(rows));
                RecordBatch::try_new_with_options(schema.clone(), columns, &options).unwrap()
            })
        },
    )
}

/// One column of each type, four rows, with and without nulls: the batch of the golden file.
pub(super) fn every_type() -> RecordBatch {
    let text = || StringArray::from(vec![Some("a"), None, Some("größer"), Some("")]);
    let item = Arc::new(Field::new("item", DataType::Int32, true));
    let list = ListArray::new(
        item.clone(),
        OffsetBuffer::from_lengths([2, 0, 1, 0]),
        Arc::new(Int32Array::from(vec![Some(1), None, Some(3)])),
        Some(NullBuffer::from(vec![true, false, true, true])),
    );
    let key = Field::new("key", DataType::Utf8, false);
    let value = Field::new("value", DataType::Float64, true);
    let entries_fields = Fields::from(vec![key, value]);
    let entries = Arc::new(Field::new("entries", DataType::Struct(entries_fields.clone()), false));
    let pairs: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["x", "y"])),
        Arc::new(Float64Array::from(vec![Some(0.5), None])),
    ];
    let pairs = StructArray::new(entries_fields, pairs, None);
    let map = MapArray::new(entries.clone(), OffsetBuffer::from_lengths([1, 0, 0, 1]), pairs, None, false);
    let fields =
        Fields::from(vec![Field::new("0", DataType::Date32, true), Field::new("1", DataType::Boolean, true)]);
    let parts: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from(vec![Some(19_000), Some(-1), None, Some(0)])),
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)])),
    ];
    let record = StructArray::new(fields, parts, Some(NullBuffer::from(vec![true, true, false, true])));
    let decimals = Decimal128Array::from(vec![Some(12_345), None, Some(-1), Some(0)]);
    let coded = DictionaryArray::new(
        Int32Array::from(vec![Some(1), None, Some(0), Some(1)]),
        Arc::new(StringArray::from(vec!["red", "blue"])),
    );
    let intervals = vec![
        Some(IntervalMonthDayNano::new(14, -3, 5)),
        None,
        Some(IntervalMonthDayNano::new(0, 0, i64::MIN)),
        Some(IntervalMonthDayNano::new(0, 1, 0)),
    ];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)])),
        Arc::new(Int32Array::from(vec![1, -2, i32::MAX, i32::MIN])),
        Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MAX), Some(i64::MIN)])),
        Arc::new(Float32Array::from(vec![0.5, -0.0, f32::INFINITY, 1e-40])),
        Arc::new(Float64Array::from(vec![Some(0.1), Some(-1e300), None, Some(0.0)])),
        Arc::new(decimals.with_precision_and_scale(10, 2).unwrap()),
        Arc::new(text()),
        Arc::new(BinaryArray::from(vec![Some(&[0_u8, 255][..]), Some(&[]), None, Some(b"x")])),
        Arc::new(PrimitiveArray::<TimestampNanosecondType>::from(vec![0, -1, 1_700_000_000_000_000_000, 1])),
        Arc::new(Date32Array::from(vec![Some(19_000), None, Some(-719_528), Some(0)])),
        Arc::new(Time64NanosecondArray::from(vec![Some(0), Some(86_399_999_999_999), None, Some(1)])),
        Arc::new(IntervalMonthDayNanoArray::from(intervals)),
        Arc::new(list),
        Arc::new(map),
        Arc::new(record),
        Arc::new(StringArray::from(vec![Some("{\"a\":1}"), None, Some("[]"), Some("null")])),
        Arc::new(coded),
    ];
    let names: Vec<Field> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| match at {
            15 => json("c15"),
            _ => Field::new(format!("c{at}"), column.data_type().clone(), true),
        })
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(names)), columns).unwrap()
}
