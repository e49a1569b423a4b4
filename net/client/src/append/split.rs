//! Rows by the partition that owns their key (R-PART-1).
//!
//! Invariant: within a partition rows keep their order, and each row is in exactly one part.

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;
use cep_types::PartitionId;
use cep_types::hash::KeyForm;
use net_wire::{Space, Stream};

use super::fit::Fitted;
use super::receipt::RowsOf;
use crate::error::ClientError;

/// Rows of one partition.
pub(super) struct Share {
    pub(super) partition: PartitionId,
    pub(super) rows: RecordBatch,
    /// Which rows of the batch they are.
    pub(super) of: RowsOf,
}

/// The shares of all partitions that have rows, in ascending order. Rows of a stream that is not keyed
/// go to `unkeyed`.
///
/// # Errors
/// [`ClientError::Rows`] when a key column has a type that no key may have.
pub(super) fn split(
    fitted: &Fitted,
    stream: &Stream,
    space: &Space,
    unkeyed: PartitionId,
) -> Result<Vec<Share>, ClientError> {
    let count = fitted.rows.num_rows();
    let whole = |partition| {
        let of = RowsOf::Range { first: 0, count };
        vec![Share { partition, rows: fitted.rows.clone(), of }]
    };
    if stream.key.is_empty() {
        return Ok(whole(unkeyed));
    }
    if space.leaders.len() == 1 {
        return Ok(whole(PartitionId(0)));
    }
    let owners = owners(fitted, stream, space)?;
    let Some(first) = owners.first() else {
        return Ok(Vec::new());
    };
    if owners.iter().all(|owner| owner == first) {
        return Ok(whole(*first));
    }
    let mut by_owner: Vec<Vec<u32>> = vec![Vec::new(); space.leaders.len()];
    for (row, owner) in (0..).zip(&owners) {
        by_owner[owner.0 as usize].push(row);
    }
    let mut shares = Vec::new();
    for (partition, rows) in (0..).map(PartitionId).zip(by_owner) {
        if rows.is_empty() {
            continue;
        }
        let indices = UInt32Array::from(rows);
        let taken = take_record_batch(&fitted.rows, &indices)
            .map_err(|error| ClientError::Rows { reason: error.to_string() })?;
        let of = RowsOf::Each(indices.values().to_vec());
        shares.push(Share { partition, rows: taken, of });
    }
    Ok(shares)
}

/// The partition of each row.
fn owners(fitted: &Fitted, stream: &Stream, space: &Space) -> Result<Vec<PartitionId>, ClientError> {
    let columns: Vec<Option<&ArrayRef>> = stream.key.iter().map(|id| fitted.column(*id)).collect();
    let mut key = KeyForm::default();
    let mut owners = Vec::with_capacity(fitted.rows.num_rows());
    for row in 0..fitted.rows.num_rows() {
        key.clear();
        for column in &columns {
            match column {
                Some(array) => key
                    .push_cell(array.as_ref(), row)
                    .map_err(|error| ClientError::Rows { reason: error.to_string() })?,
                // Left out, so NULL.
                None => key.push_null(),
            }
        }
        owners.push(space.partition_of(&key));
    }
    Ok(owners)
}
