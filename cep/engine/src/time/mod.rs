//! Time inside a partition: stamps, watermarks, idleness (R-DET-2, R-LATE-1).
//!
//! Invariants:
//! - Stamps and watermarks never go back.
//! - Nothing here reads a clock: time comes from entries and rows.

mod stream;
mod watermark;

pub use stream::StreamClock;
pub use watermark::{NodeTime, Watermarks};

/// A watermark before any row.
pub const WATERMARK_START: i64 = i64::MIN;
/// The watermark after the end of input.
pub const WATERMARK_END: i64 = i64::MAX;
