//! Small values that several messages share.

use cep_types::LogIndex;

use crate::error::WireError;
use crate::generated as wire;

/// A place in the output of a partition: the entry that led to a row, and the row's number among all
/// that the entry led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position {
    /// Log index of the entry.
    pub index: LogIndex,
    /// Number of the row, from 0.
    pub ordinal: u32,
}

impl Position {
    pub(crate) fn wire(self) -> wire::Position {
        wire::Position::new(self.index.0, self.ordinal)
    }

    pub(crate) fn read_wire(value: &wire::Position) -> Self {
        Position { index: LogIndex(value.index()), ordinal: value.ordinal() }
    }
}

/// Versions of the protocol, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The oldest.
    pub min: u16,
    /// The newest.
    pub max: u16,
}

impl Versions {
    /// The newest version in both ranges; `self` is what this side speaks.
    ///
    /// # Errors
    /// [`WireError::Version`] when there is none.
    pub fn common(self, theirs: Versions) -> Result<u16, WireError> {
        let newest = self.max.min(theirs.max);
        if newest < self.min.max(theirs.min) {
            return Err(WireError::Version { ours: self, theirs });
        }
        Ok(newest)
    }

    pub(crate) fn wire(self) -> wire::Versions {
        wire::Versions::new(self.min, self.max)
    }

    pub(crate) fn read_wire(value: &wire::Versions) -> Self {
        Versions { min: value.min(), max: value.max() }
    }
}

/// How much may be under way: in a credit window of appends, what was sent and not acked; in an
/// allowance of a subscription, what was delivered since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// Rows.
    pub events: u64,
    /// Bytes of event frames.
    pub bytes: u64,
}

impl Window {
    /// Whether an append of `next` may follow `in_flight` (sent and not acked): it fits, or it is alone
    /// and the window is not shut.
    pub const fn admits(self, in_flight: Window, next: Window) -> bool {
        if self.events == 0 || self.bytes == 0 {
            return false;
        }
        let is_alone = in_flight.events == 0 && in_flight.bytes == 0;
        let fits = in_flight.events.saturating_add(next.events) <= self.events
            && in_flight.bytes.saturating_add(next.bytes) <= self.bytes;
        is_alone || fits
    }

    pub(crate) fn wire(self) -> wire::Window {
        wire::Window::new(self.events, self.bytes)
    }

    /// Absent means shut.
    pub(crate) fn read_wire(value: Option<&wire::Window>) -> Self {
        value.map_or(Window::default(), |value| Window { events: value.events(), bytes: value.bytes() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_spoken() {
        let ours = Versions { min: 2, max: 5 };
        let with = |min, max| ours.common(Versions { min, max });
        assert_eq!((with(1, 2), with(5, 9), with(3, 4)), (Ok(2), Ok(5), Ok(4)));
        for (min, max) in [(0, 1), (6, 9), (4, 3)] {
            let theirs = Versions { min, max };
            assert_eq!(with(min, max), Err(WireError::Version { ours, theirs }));
        }
    }

    #[test]
    fn a_window_admits_what_fits_and_one_append_that_never_would() {
        let window = |events, bytes| Window { events, bytes };
        let open = window(10, 1000);
        assert!(open.admits(window(4, 400), window(6, 600)));
        assert!(!open.admits(window(4, 400), window(7, 600)));
        assert!(!open.admits(window(4, 400), window(6, 601)));
        assert!(open.admits(window(0, 0), window(11, 5000)));
        assert!(!window(0, 1000).admits(window(0, 0), window(1, 1)));
        assert!(!open.admits(window(1, 1), window(u64::MAX, 1)));
    }
}
