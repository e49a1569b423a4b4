//! The wall clock of the host. Waits use tokio's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use cep_types::StampNs;

/// Now. A host whose clock is outside 1678 to 2262 gets the nearest time there is.
#[expect(clippy::disallowed_methods, reason = "an append says when it was first sent, by the client's clock")]
pub(crate) fn now() -> StampNs {
    let ns = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    };
    StampNs(ns)
}
