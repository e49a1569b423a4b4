//! Clients that do what they should not, against a real `ceptra serve` process.
//!
//! `node` the process and what is demanded of it at the end · `raw` a connection that sends any bytes · `good` a
//! client beside that does everything right · `bytes` damaged and forged messages · `slow` connections that dawdle ·
//! `many` connections and floods · `ids` events that were sent before · `http` admin HTTP.
//!
//! Each test demands: a clear status where the protocol names one; the good client beside it loses nothing and is
//! answered in time; memory stays bounded; nothing panics, and the node ends in order.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::disallowed_methods, reason = "tests have threads and look at the clock")]

mod bytes;
mod defect;
mod good;
mod http;
mod ids;
mod limits;
mod many;
mod node;
mod raw;
mod slow;
