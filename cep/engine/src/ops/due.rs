//! When an operator emits although no row comes.

use super::Operator;

impl Operator {
    /// The least watermark that makes it emit without a row; `None`: none does.
    pub fn due_watermark(&self) -> Option<i64> {
        match self {
            Operator::Aligned(op) => op.due_watermark(),
            Operator::Session(op) => op.due_watermark(),
            Operator::Over(op) => op.due_watermark(),
            Operator::Join(op) => op.due_watermark(),
            Operator::AsOf(op) => op.due_watermark(),
            Operator::Pattern(op) => op.due_watermark(),
            Operator::Metrics(op) => op.due_watermark(),
            Operator::Rows(_)
            | Operator::Batch(_)
            | Operator::Group(_)
            | Operator::Rate(_)
            | Operator::Aggregation(_)
            | Operator::Sliding(_)
            | Operator::Delay(_)
            | Operator::TableJoin(_)
            | Operator::TableWrite(_)
            | Operator::Trigger(_)
            | Operator::Rules(_) => None,
        }
    }

    /// The same for stamps.
    pub fn due_stamp(&self) -> Option<i64> {
        match self {
            Operator::Batch(op) => op.due_stamp(),
            Operator::Rate(op) => op.due_stamp(),
            Operator::Delay(op) => op.due_stamp(),
            Operator::Trigger(op) => op.due_stamp(),
            Operator::Join(op) => op.due_stamp(),
            Operator::Pattern(op) => op.due_stamp(),
            Operator::Rows(_)
            | Operator::Aligned(_)
            | Operator::Session(_)
            | Operator::Over(_)
            | Operator::AsOf(_)
            | Operator::Group(_)
            | Operator::Aggregation(_)
            | Operator::Sliding(_)
            | Operator::TableJoin(_)
            | Operator::TableWrite(_)
            | Operator::Metrics(_)
            | Operator::Rules(_) => None,
        }
    }
}
