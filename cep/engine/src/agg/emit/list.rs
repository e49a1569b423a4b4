//! Arrays and joined text.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, ListArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, FieldRef};

use super::{EmitError, Sink};
use crate::agg::AggError;
use crate::agg::cells::{OrderedCell, SortedCell};
use crate::agg::plan::StateSpec;
use crate::agg::value::{Val, array_of, push_array};

/// Bytes of one array or text, counting eight for each element: the largest event. A chunk of
/// 1,024 groups then stays within the 2^31 bytes of an Arrow array.
const RESULT_BYTES_MAX: usize = 1 << 20;

/// Elements of the arrays of all groups.
struct Lists<'a, T> {
    items: Vec<T>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
    field: &'a FieldRef,
}

impl<'a, T> Lists<'a, T> {
    fn new(data_type: &'a DataType) -> Self {
        let DataType::List(field) = data_type else { unreachable!("the plan checks that it is an array") };
        Lists { items: Vec::new(), lengths: Vec::new(), valid: Vec::new(), field }
    }

    /// Ends an array of `length` items; NULL if it is empty.
    fn end(&mut self, length: usize) {
        self.lengths.push(length);
        self.valid.push(length > 0);
    }

    fn finish(self, items: ArrayRef) -> ArrayRef {
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        let nulls = self.valid.contains(&false).then(|| NullBuffer::from(self.valid));
        let list = ListArray::try_new(Arc::clone(self.field), offsets, items, nulls);
        Arc::new(list.expect("items of the element type, as many as the lengths say"))
    }
}

/// Whether values fit in one result.
fn fits<'a>(values: impl Iterator<Item = &'a Val>) -> bool {
    values.map(|v| 8 + v.heap_bytes()).sum::<usize>() <= RESULT_BYTES_MAX
}

fn too_large(sink: &mut Sink, index: usize) {
    let error = AggError::TooLarge { func: sink.output.func, bytes_max: RESULT_BYTES_MAX };
    sink.errors.push(EmitError { index, call: sink.call, error });
}

fn push_lists<'a, I: Iterator<Item = &'a Val>>(
    sink: &mut Sink,
    item_type: &DataType,
    values: impl Fn(usize) -> I,
) {
    let mut lists = Lists::new(&sink.output.data_type);
    for (index, &group) in sink.groups.iter().enumerate() {
        if !fits(values(group as usize)) {
            too_large(sink, index);
            lists.end(0);
            continue;
        }
        let before = lists.items.len();
        lists.items.extend(values(group as usize));
        lists.end(lists.items.len() - before);
    }
    let items = array_of(item_type, lists.items.iter().copied());
    push_array(sink.out, lists.finish(items));
}

/// Values in order, NULLs among them.
pub(super) fn arrays(sink: &mut Sink, cells: &[OrderedCell], spec: &StateSpec) {
    push_lists(sink, &spec.types[0], |g| cells[g].values());
}

/// Distinct values; NULL at one end.
pub(super) fn sorted_arrays(
    sink: &mut Sink,
    cells: &[SortedCell],
    spec: &StateSpec,
    descending: bool,
    nulls_first: bool,
) {
    push_lists(sink, spec.item_type(), |g| {
        let null = cells[g].values().map(|(v, _)| v).next().filter(|v| **v == Val::Null);
        let mut values: Vec<&Val> =
            cells[g].values().map(|(v, _)| v).skip(usize::from(null.is_some())).collect();
        if descending {
            values.reverse();
        }
        let (head, tail) = if nulls_first { (null, None) } else { (None, null) };
        head.into_iter().chain(values).chain(tail)
    });
}

/// Most frequent values with their counts.
pub(super) fn topk(sink: &mut Sink, cells: &[SortedCell], k: usize) {
    let mut lists: Lists<(&Val, u64)> = Lists::new(&sink.output.data_type);
    for (index, &group) in sink.groups.iter().enumerate() {
        let top = cells[group as usize].top(k);
        if !fits(top.iter().map(|(v, _)| *v)) {
            too_large(sink, index);
            lists.end(0);
            continue;
        }
        lists.end(top.len());
        lists.items.extend(top);
    }
    let DataType::Struct(fields) = lists.field.data_type() else {
        unreachable!("the plan checks that elements are (value, count)")
    };
    let values = array_of(fields[0].data_type(), lists.items.iter().map(|(v, _)| *v));
    let counts: Int64Array = lists.items.iter().map(|(_, n)| Some(*n as i64)).collect();
    let pairs = StructArray::try_new(fields.clone(), vec![values, Arc::new(counts)], None)
        .expect("columns of the field types, of one length");
    push_array(sink.out, lists.finish(Arc::new(pairs)));
}

/// Text of all values with a separator between; NULL over nothing.
pub(super) fn texts<'a, I: Iterator<Item = &'a Val>>(
    sink: &mut Sink,
    values: impl Fn(usize) -> I,
    separator: &str,
) {
    for (index, &group) in sink.groups.iter().enumerate() {
        let mut text: Option<Vec<u8>> = None;
        for value in values(group as usize) {
            let Val::Bytes(bytes) = value else { unreachable!("NULLs are left out of joined text") };
            match &mut text {
                None => text = Some(bytes.to_vec()),
                Some(text) => {
                    text.extend_from_slice(separator.as_bytes());
                    text.extend_from_slice(bytes);
                }
            }
            if text.as_ref().is_some_and(|t| t.len() > RESULT_BYTES_MAX) {
                break;
            }
        }
        let value = match text {
            Some(text) if text.len() > RESULT_BYTES_MAX => {
                too_large(sink, index);
                Val::Null
            }
            Some(text) => Val::Bytes(text.into()),
            None => Val::Null,
        };
        value.push(sink.out);
    }
}

/// The same of distinct values.
pub(super) fn sorted_texts(sink: &mut Sink, cells: &[SortedCell], separator: &str, descending: bool) {
    texts(
        sink,
        |g| {
            let mut values: Vec<&Val> = cells[g].values().map(|(v, _)| v).collect();
            if descending {
                values.reverse();
            }
            values.into_iter()
        },
        separator,
    );
}
