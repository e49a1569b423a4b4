use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_schema::{DataType, Field, Schema};
use proptest::prelude::*;

use super::batches::{any_batch, every_type};
use super::{HEAD, cases, framed, ids, opened};
use crate::frame::{
    ALIGNMENT, ColumnId, Encoder, Frame, FrameError, NESTING_MAX, ReadSchema, encode, frame_bytes,
};

fn read_back(bytes: &[u8], batch: &RecordBatch) -> RecordBatch {
    opened(bytes).read(&ReadSchema::of(&batch.schema(), &ids(batch)).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(cases(256, 20_000))]

    #[test]
    fn a_batch_comes_back_equal_and_valid(batch in any_batch()) {
        let bytes = framed(&batch);
        prop_assert!(bytes.len().is_multiple_of(ALIGNMENT));
        prop_assert_eq!(frame_bytes(&bytes), Ok(Some(bytes.len())));
        let frame = opened(&bytes);
        prop_assert_eq!((frame.head(), frame.rows()), (HEAD, batch.num_rows()));
        let back = read_back(&bytes, &batch);
        for column in back.columns() {
            column.to_data().validate_full().unwrap();
        }
        prop_assert_eq!(&back, &batch);
        // What was read is framed to the same bytes: the layout is canonical. (A dictionary that
        // was written plain comes back as a dictionary made anew, which is another frame.)
        if !batch.schema().fields().iter().any(|field| has_dictionary(field.data_type())) {
            prop_assert_eq!(framed(&back), bytes);
        }
    }

    #[test]
    fn columns_in_any_order_make_the_same_frame(batch in any_batch(), seed in any::<u64>()) {
        let mut order: Vec<usize> = (0..batch.num_columns()).collect();
        order.sort_by_key(|index| (*index as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
        let shuffled = batch.project(&order).unwrap();
        let shuffled_ids: Vec<ColumnId> = order.iter().map(|index| ids(&batch)[*index]).collect();
        prop_assert_eq!(encode(HEAD, &shuffled_ids, &shuffled).unwrap(), framed(&batch));
    }
}

fn has_dictionary(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, _) => true,
        DataType::List(inner) | DataType::Map(inner, _) => has_dictionary(inner.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_dictionary(field.data_type())),
        _ => false,
    }
}

#[test]
fn several_frames_go_into_one_reused_vector() {
    let batch = every_type();
    let (mut encoder, mut out) = (Encoder::default(), Vec::new());
    let first = encoder.encode_into(HEAD, &ids(&batch), &batch, &mut out).unwrap();
    let half = batch.slice(1, 2);
    let second = encoder.encode_into(HEAD, &ids(&half), &half, &mut out).unwrap();
    assert_eq!((first.start, first.end, second.end), (0, second.start, out.len()));
    assert_eq!(read_back(&out[first], &batch), batch);
    assert_eq!(read_back(&out[second], &half), half);
}

/// `bytes` in memory `shift` bytes beyond a multiple of the alignment.
fn placed(bytes: &[u8], shift: usize) -> Buffer {
    let mut memory = MutableBuffer::new(bytes.len() + 2 * ALIGNMENT);
    let lead = memory.as_ptr().align_offset(ALIGNMENT) + shift;
    memory.extend_zeros(lead);
    memory.extend_from_slice(bytes);
    Buffer::from(memory).slice(lead)
}

#[test]
fn an_aligned_frame_is_read_in_place_and_any_other_is_moved_once() {
    let batch = every_type();
    let bytes = framed(&batch);
    for shift in [0, 1, 8, 32] {
        let piece = placed(&bytes, shift);
        assert_eq!(piece.as_ptr().align_offset(ALIGNMENT), (ALIGNMENT - shift) % ALIGNMENT);
        let frame = Frame::open(&piece).unwrap();
        let values = frame.columns()[1].array.as_primitive::<Int32Type>().values().inner().as_ptr();
        assert_eq!(piece.as_ptr_range().contains(&values), shift == 0, "shift {shift}");
        assert_eq!(values.align_offset(ALIGNMENT), 0);
        let schema = ReadSchema::of(&batch.schema(), &ids(&batch)).unwrap();
        assert_eq!(frame.read(&schema).unwrap(), batch);
    }
}

#[test]
fn a_dictionary_stays_one_unless_it_is_larger_than_the_rows_or_has_nulls() {
    let values: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c"]));
    let with_null: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let kept = |indices: Vec<i32>, values: &ArrayRef| {
        let array: ArrayRef = Arc::new(DictionaryArray::new(Int32Array::from(indices), values.clone()));
        let batch = RecordBatch::try_from_iter([("c", array.clone())]).unwrap();
        let frame = opened(&framed(&batch));
        let plain = arrow_cast::cast(&array, &DataType::Utf8).unwrap();
        let found = arrow_cast::cast(&frame.columns()[0].array, &DataType::Utf8).unwrap();
        assert_eq!(&found, &plain);
        matches!(frame.columns()[0].array.data_type(), DataType::Dictionary(_, _))
    };
    assert!(kept(vec![2, 0, 1], &values));
    assert!(!kept(vec![2, 0], &values));
    assert!(!kept(vec![1, 0, 1], &with_null));
}

#[test]
fn what_cannot_be_framed_is_refused_with_its_reason_and_leaves_the_output_alone() {
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let mut deep = number.clone();
    for _ in 0..NESTING_MAX {
        let item = Arc::new(Field::new("item", deep.data_type().clone(), true));
        let offsets = arrow_buffer::OffsetBuffer::from_lengths([1]);
        deep = Arc::new(arrow_array::ListArray::new(item, offsets, deep, None));
    }
    let views: ArrayRef = Arc::new(arrow_array::StringViewArray::from(vec!["x"]));
    let zoned: ArrayRef = Arc::new(arrow_array::TimestampNanosecondArray::from(vec![0]).with_timezone("UTC"));
    for (column, word) in [(deep, "deep"), (views, "Utf8View"), (zoned, "UTC")] {
        let schema = Schema::new(vec![Field::new("c", column.data_type().clone(), true)]);
        let batch = RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap();
        let mut out = vec![1, 2, 3];
        let error = Encoder::default().encode_into(HEAD, &ids(&batch), &batch, &mut out).unwrap_err();
        assert!(matches!(error, FrameError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert_eq!(out, [1, 2, 3]);
    }
    let two = RecordBatch::try_from_iter([("a", number.clone()), ("b", number)]).unwrap();
    for wrong in [vec![ColumnId(1)], vec![ColumnId(1), ColumnId(1)]] {
        assert!(matches!(encode(HEAD, &wrong, &two), Err(FrameError::Ids { .. })));
    }
    let rows = Int64Array::from(vec![0; crate::frame::FRAME_ROWS_MAX + 1]);
    let many = RecordBatch::try_from_iter([("a", Arc::new(rows) as ArrayRef)]).unwrap();
    assert!(matches!(encode(HEAD, &ids(&many), &many), Err(FrameError::TooLarge { .. })));
}
