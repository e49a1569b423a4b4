//! `--playback`: rows are released by their event time, at a multiple of the speed at which they
//! happened.

use std::str::FromStr;

/// How fast rows are taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Playback {
    /// As fast as possible.
    Max,
    /// This many times as fast as they happened, above 0.
    Times(f64),
}

impl FromStr for Playback {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Playback::Max);
        }
        let number = text.strip_suffix(['x', 'X']).unwrap_or(text);
        match number.parse::<f64>() {
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Playback::Times(times)),
            _ => Err("write 1x, 10x, 0.5x or max".to_owned()),
        }
    }
}

/// Ties event time to the wall clock from the first row on.
#[derive(Debug)]
pub struct Pace {
    playback: Playback,
    /// Event time and wall clock of the first row, ns.
    start: Option<(i64, i64)>,
}

impl Pace {
    /// Not started.
    pub fn new(playback: Playback) -> Self {
        Pace { playback, start: None }
    }

    /// Whether every row is due at once.
    pub fn is_max(&self) -> bool {
        self.playback == Playback::Max
    }

    /// Latest event time that is due now; the first call with a row's time starts the playback.
    pub fn horizon_ns(&mut self, first_ns: i64, now_ns: i64) -> i64 {
        let Playback::Times(times) = self.playback else { return i64::MAX };
        let (event, wall) = *self.start.get_or_insert((first_ns, now_ns));
        event.saturating_add((now_ns.saturating_sub(wall) as f64 * times) as i64)
    }

    /// Wall clock at which a row of this event time is due, ns; `i64::MIN` when it is due at once.
    pub fn due_ns(&self, event_ns: i64) -> i64 {
        match (self.playback, self.start) {
            (Playback::Times(times), Some((event, wall))) => {
                // Rounded up, so that the row is due when the clock shows this.
                wall.saturating_add((event_ns.saturating_sub(event) as f64 / times).ceil() as i64)
            }
            _ => i64::MIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read_and_nonsense_is_refused() {
        assert_eq!("10x".parse(), Ok(Playback::Times(10.0)));
        assert_eq!("0.5".parse(), Ok(Playback::Times(0.5)));
        assert_eq!("MAX".parse(), Ok(Playback::Max));
        for text in ["", "x", "0x", "-1x", "infx", "NaN", "fast"] {
            assert!(text.parse::<Playback>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_row_is_due_when_its_share_of_the_time_has_passed() {
        let mut pace = Pace::new(Playback::Times(10.0));
        assert_eq!(pace.horizon_ns(5_000, 70), 5_000);
        assert_eq!(pace.due_ns(6_000), 170);
        assert_eq!(pace.horizon_ns(0, 169), 5_990);
        assert_eq!(pace.horizon_ns(0, 170), 6_000);
        assert_eq!(Pace::new(Playback::Max).horizon_ns(1, 2), i64::MAX);
    }
}
