//! OVER: functions over rows related to the current row.

mod bounded;

pub use bounded::BoundedOver;
