//! Entries that set what a partition's log decides about its config.

use super::LogError;
use crate::Epoch;
use crate::codec::{Reader, Writer};

/// From this entry on a partition goes by these values. Each entry says all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The epoch of the decision: an entry whose epoch is not above the one a partition has says nothing
    /// new.
    pub epoch: Epoch,
    /// `client.retry_window`: how long an append may be sent again, ns, above 0.
    pub retry_window_ns: i64,
    /// `dedup.capacity`: opaque event ids that are kept at most, above 0.
    pub ids_max: u64,
}

/// Numbers of the values. Never reuse one.
const RETRY_WINDOW: u16 = 1;
const IDS_MAX: u16 = 2;

pub(super) fn write(config: &Config, out: &mut Writer) {
    let Config { epoch, retry_window_ns, ids_max } = config;
    out.u64(epoch.0);
    out.u64(2);
    for (number, value) in [(RETRY_WINDOW, *retry_window_ns), (IDS_MAX, *ids_max as i64)] {
        out.bytes.extend_from_slice(&number.to_le_bytes());
        out.i64(value);
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Config, LogError> {
    let mut input = Reader::new(bytes);
    let epoch = Epoch(input.u64()?);
    let (mut retry_window_ns, mut ids_max) = (None, None);
    for _ in 0..input.len(10)? {
        let (number, value) = (u16::from_le_bytes(input.array()?), input.i64()?);
        let place = match number {
            RETRY_WINDOW => &mut retry_window_ns,
            IDS_MAX => &mut ids_max,
            found => return Err(LogError::Setting { found }),
        };
        if value <= 0 || place.replace(value).is_some() {
            return Err(super::malformed(format!("value {number} of a config is {value}, or there twice")));
        }
    }
    input.finish()?;
    let (Some(retry_window_ns), Some(ids_max)) = (retry_window_ns, ids_max) else {
        return Err(super::malformed("a config does not say everything"));
    };
    Ok(Config { epoch, retry_window_ns, ids_max: ids_max as u64 })
}
