//! Sort keys of ORDER BY inside a call.

use super::{Val, ValKind, put_escaped};
use crate::column::{Column, Values};

/// One ORDER BY expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OrderKey {
    /// Input of the plan to sort by.
    pub input: usize,
    /// How its values are held.
    pub kind: ValKind,
    pub descending: bool,
    pub nulls_first: bool,
    /// Rows with a NULL here do not count (the second argument of arg_min and arg_max).
    pub skip_null: bool,
}

/// The key of row `row`: keys compare as the rows sort. NULL without any ORDER BY.
///
/// A single number is a word, turned round for DESC; NULLS FIRST is [`Val::Null`] and NULLS LAST
/// empty bytes, which sort before and after words. All else is bytes: per key a marker (0 NULL
/// first, 1 a value, 2 NULL last) and the value, every bit of it turned round for DESC.
pub(crate) fn sort_key(order: &[OrderKey], columns: &[&Column], row: usize) -> Val {
    match order {
        [] => Val::Null,
        [key] if matches!(key.kind, ValKind::Word(_)) => match Val::key(columns[key.input], row) {
            Val::Word(w) => Val::Word(if key.descending { !w } else { w }),
            _ if key.nulls_first => Val::Null,
            _ => Val::Bytes(Box::default()),
        },
        _ => {
            let mut out = Vec::new();
            order.iter().for_each(|key| put_key(key, columns[key.input], row, &mut out));
            Val::Bytes(out.into())
        }
    }
}

fn put_key(key: &OrderKey, column: &Column, row: usize, out: &mut Vec<u8>) {
    let value = Val::key(column, row);
    if value == Val::Null {
        return out.push(if key.nulls_first { 0 } else { 2 });
    }
    out.push(1);
    let start = out.len();
    match value {
        Val::Null => unreachable!("returned above"),
        Val::Word(w) => out.extend((w as u64 ^ 1 << 63).to_be_bytes()),
        // Text needs an end that sorts before any byte; the others are of one length or end
        // themselves.
        Val::Bytes(b) if matches!(column.values, Values::Bytes { .. }) => put_escaped(out, &b),
        Val::Bytes(b) => out.extend(b.iter()),
    }
    if key.descending {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}
