use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Decimal128Array, Float32Array, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields};

use super::batches::json;
use super::{HEAD, framed, opened};
use crate::frame::{ColumnId, FrameError, ReadColumn, ReadSchema, encode};

fn wanted(id: u32, field: Field) -> ReadColumn {
    ReadColumn { id: ColumnId(id), field: Arc::new(field), default: None }
}

/// Column 10 of the frame of `array`, read as `field`.
fn read_as(array: &ArrayRef, from: Field, to: Field) -> Result<ArrayRef, FrameError> {
    let schema = Arc::new(arrow_schema::Schema::new(vec![from]));
    let batch = RecordBatch::try_new(schema, vec![array.clone()]).unwrap();
    let target = ReadSchema::new(vec![wanted(10, to)]).unwrap();
    Ok(opened(&framed(&batch)).read(&target)?.column(0).clone())
}

fn plain(data_type: DataType) -> Field {
    Field::new("c", data_type, true)
}

fn ints() -> ArrayRef {
    Arc::new(Int32Array::from(vec![Some(7), None, Some(i32::MIN)]))
}

#[test]
fn columns_are_found_by_id_filled_when_added_and_left_out_when_dropped() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    let batch = RecordBatch::try_from_iter_with_nullable([("n", ints(), true), ("t", text.clone(), true)]);
    let bytes = encode(HEAD, &[ColumnId(5), ColumnId(3)], &batch.unwrap()).unwrap();
    let default: ArrayRef = Arc::new(Int64Array::from(vec![42]));
    let target = ReadSchema::new(vec![
        wanted(9, Field::new("added", DataType::Utf8, true)),
        ReadColumn { default: Some(default), ..wanted(8, Field::new("filled", DataType::Int64, false)) },
        wanted(3, Field::new("renamed", DataType::Utf8, false)),
    ])
    .unwrap();
    let back = opened(&bytes).read(&target).unwrap();
    assert_eq!(back.schema(), *target.schema());
    assert_eq!(back.column(0).null_count(), 3);
    assert_eq!(back.column(1).as_ref(), &Int64Array::from(vec![42; 3]) as &dyn Array);
    assert_eq!(back.column(2), &text);
}

#[test]
fn an_added_column_that_cannot_be_filled_is_refused() {
    let frame = opened(&framed(&RecordBatch::try_from_iter([("n", ints())]).unwrap()));
    let target = ReadSchema::new(vec![wanted(11, Field::new("new", DataType::Int32, false))]).unwrap();
    let error = frame.read(&target).unwrap_err();
    assert_eq!(error, FrameError::Missing { id: ColumnId(11), name: "new".to_owned() });
}

#[test]
fn wider_types_read_the_same_values() {
    let wide = read_as(&ints(), plain(DataType::Int32), plain(DataType::Int64)).unwrap();
    let expected = Int64Array::from(vec![Some(7), None, Some(i64::from(i32::MIN))]);
    assert_eq!(wide.as_ref(), &expected as &dyn Array);
    let halves: ArrayRef = Arc::new(Float32Array::from(vec![0.1]));
    for (array, to) in [
        (ints(), DataType::Float64),
        (ints(), DataType::Decimal128(12, 2)),
        (Arc::new(Int64Array::from(vec![i64::MIN])) as ArrayRef, DataType::Decimal128(19, 0)),
        (halves, DataType::Float64),
    ] {
        let back = read_as(&array, plain(array.data_type().clone()), plain(to.clone())).unwrap();
        let again = arrow_cast::cast(&back, array.data_type()).unwrap();
        assert_eq!((back.data_type(), &again), (&to, &array));
    }
    let decimal: ArrayRef =
        Arc::new(Decimal128Array::from(vec![999]).with_precision_and_scale(3, 1).unwrap());
    let to = DataType::Decimal128(4, 2);
    let back = read_as(&decimal, plain(decimal.data_type().clone()), plain(to.clone())).unwrap();
    let expected = Decimal128Array::from(vec![9990]).with_precision_and_scale(4, 2).unwrap();
    assert_eq!(back.as_ref(), &expected as &dyn Array);
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    assert_eq!(&read_as(&text, json("c"), plain(DataType::Utf8)).unwrap(), &text);
}

#[test]
fn narrowing_is_refused() {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let long: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let decimal: ArrayRef = Arc::new(Decimal128Array::from(vec![1]).with_precision_and_scale(5, 2).unwrap());
    for (array, to) in [
        (long.clone(), plain(DataType::Int32)),
        (long.clone(), plain(DataType::Float64)),
        (long.clone(), plain(DataType::Decimal128(19, 1))),
        (long.clone(), plain(DataType::Utf8)),
        (ints(), plain(DataType::Float32)),
        (ints(), Field::new("c", DataType::Int32, false)),
        (text.clone(), json("c")),
        (text, plain(DataType::Binary)),
        (decimal.clone(), plain(DataType::Decimal128(5, 3))),
        (decimal, plain(DataType::Decimal128(5, 1))),
    ] {
        let error = read_as(&array, plain(array.data_type().clone()), to.clone()).unwrap_err();
        assert!(matches!(error, FrameError::Narrowing { id: ColumnId(10), .. }), "{to:?}: {error}");
        assert!(!error.to_string().contains("Int"), "types are told in SQL: {error}");
    }
}

fn pair(second: Option<Field>) -> DataType {
    let fields = std::iter::once(Field::new("a", DataType::Int64, false)).chain(second);
    DataType::List(Arc::new(Field::new("item", DataType::Struct(fields.collect()), true)))
}

#[test]
fn nested_types_follow_the_same_rules_inside() {
    let fields = Fields::from(vec![Field::new("x", DataType::Int32, true)]);
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
    // The NULL number lies under a NULL record: it is no value of the field.
    let nulls = Some(NullBuffer::from(vec![true, false, true]));
    let records = StructArray::new(fields.clone(), vec![numbers], nulls);
    let item = Arc::new(Field::new("item", DataType::Struct(fields), true));
    let list: ArrayRef =
        Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([2, 1]), Arc::new(records), None));
    let from = || plain(list.data_type().clone());
    let wide = pair(Some(Field::new("b", DataType::Utf8, true)));
    let back = read_as(&list, from(), plain(wide.clone())).unwrap();
    assert_eq!(back.data_type(), &wide);
    back.to_data().validate_full().unwrap();
    let text = arrow_cast::display::array_value_to_string(&back, 0).unwrap();
    assert_eq!(text, "[{a: 1, b: }, ]");

    let strict = pair(Some(Field::new("b", DataType::Utf8, false)));
    assert!(matches!(read_as(&list, from(), plain(strict)), Err(FrameError::Narrowing { .. })));
    let two_fields = plain(wide);
    let shrunk = read_as(&back, two_fields, plain(pair(None)));
    assert!(matches!(shrunk, Err(FrameError::Narrowing { .. })));
}

#[test]
fn a_read_schema_that_contradicts_itself_is_refused() {
    let column = || wanted(1, plain(DataType::Int32));
    assert!(matches!(ReadSchema::new(vec![column(), column()]), Err(FrameError::Ids { .. })));
    let two: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    let other: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    for default in [two, other] {
        let column = ReadColumn { default: Some(default), ..column() };
        assert!(matches!(ReadSchema::new(vec![column]), Err(FrameError::Ids { .. })));
    }
    let odd = wanted(1, plain(DataType::UInt8));
    assert!(matches!(ReadSchema::new(vec![odd]), Err(FrameError::Unsupported { .. })));
}
