//! Approximate structures, each a pure function of what went in (R-DET-5).

mod buckets;
mod kll;
mod loglog;

pub use buckets::Buckets;
pub use kll::Kll;
pub use loglog::{LogLog, SlidingLogLog};
