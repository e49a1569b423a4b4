//! OVER: functions over rows related to the current row.

mod bounded;
mod calls;
mod frame;
mod history;
mod stream;

pub use bounded::BoundedOver;
pub use stream::StreamOver;
