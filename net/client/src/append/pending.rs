//! The answer to an append, awaited.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::receipt::{AppendError, PartEnd, Receipt, RowOutcome, RowsOf};
use crate::error::ClientError;

/// An append that was taken: a future of its [`Receipt`]. It ends at the append's deadline at the
/// latest. The rows are sent whether it is awaited or dropped.
#[must_use = "only the receipt tells what became of the rows"]
pub struct Pending {
    parts: Vec<(RowsOf, oneshot::Receiver<PartEnd>)>,
    rows: Vec<RowOutcome>,
    /// The first row that failed, and why.
    failure: Option<(usize, ClientError)>,
}

impl Pending {
    pub(super) fn new(rows: usize, parts: Vec<(RowsOf, oneshot::Receiver<PartEnd>)>) -> Self {
        Pending { parts, rows: vec![RowOutcome::Duplicate; rows], failure: None }
    }

    /// How many rows the append has.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }
}

impl Future for Pending {
    type Output = Result<Receipt, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        while let Some((of, receiver)) = this.parts.last_mut() {
            let end = ready!(Pin::new(receiver).poll(context))
                .unwrap_or(PartEnd { result: Err(ClientError::Closed), maybe_applied: true });
            let failed = end.write(of, &mut this.rows);
            if let (Some(error), Some(row)) = (failed, of.iter().next())
                && this.failure.as_ref().is_none_or(|(first, _)| row < *first)
            {
                this.failure = Some((row, error));
            }
            this.parts.pop();
        }
        let receipt = Receipt::new(std::mem::take(&mut this.rows));
        Poll::Ready(match this.failure.take() {
            None => Ok(receipt),
            Some((_, error)) => Err(AppendError { error, receipt }),
        })
    }
}
