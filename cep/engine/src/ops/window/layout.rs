//! Where event-time windows lie on the time axis.
//!
//! Time is cut into *panes*, numbered by consecutive integers: the finest pieces that window edges
//! make. A window is a run of panes; tumbling, hopping and cumulating windows differ only in which
//! runs. Panes are `[start, end)`.
//!
//! Invariants at the ends of time: an edge beyond the range of TIMESTAMP is at its end. The last
//! instant of all belongs to the pane before it, for no pane could end behind it.

use cep_lang::ast::Duration;
use cep_lang::plan::{BatchWindow, Calendar};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

const DAY_NS: i64 = 86_400_000_000_000;

/// Number of a pane.
pub type Pane = i64;

/// Panes and the windows made of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    unit: Unit,
    /// Panes of a window; of the largest for cumulating ones.
    size: i64,
    /// Panes between starts; between ends for cumulating ones (1).
    slide: i64,
    cumulate: bool,
}

/// Length of a pane.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unit {
    /// Nanoseconds.
    Fixed { length_ns: i64, offset_ns: i64 },
    /// Local days of a zone.
    Days { zone: Tz, days: i64, offset_ns: i64 },
    /// Calendar months of a zone.
    Months { zone: Tz, months: i64, offset_ns: i64 },
}

/// The units of a duration.
enum Length {
    Ns(i64),
    Days(i64),
    Months(i64),
}

impl Layout {
    /// The layout of an aligned window; `None` for windows that are not aligned to time.
    ///
    /// # Errors
    /// Lengths that cannot be laid out, with the reason for the user.
    pub fn new(window: &BatchWindow) -> Result<Option<Layout>, String> {
        match window {
            BatchWindow::Tumbling { size, calendar } => Self::build(size, size, calendar, false).map(Some),
            BatchWindow::Hop { size, slide, calendar } => Self::build(size, slide, calendar, false).map(Some),
            BatchWindow::Cumulate { step, size, calendar } => {
                Self::build(size, step, calendar, true).map(Some)
            }
            BatchWindow::Session { .. }
            | BatchWindow::TimeBatch { .. }
            | BatchWindow::LengthBatch { .. }
            | BatchWindow::ExternalTimeBatch { .. }
            | BatchWindow::Batch
            | BatchWindow::Cron { .. }
            | BatchWindow::ExpressionBatch { .. } => Ok(None),
        }
    }

    fn build(size: &Duration, slide: &Duration, calendar: &Calendar, cumulate: bool) -> Result<Self, String> {
        let zone = calendar.zone;
        let offset_ns = offset_ns(&calendar.offset)?;
        let lengths = (length(size, zone)?, length(slide, zone)?);
        let (size, slide, make): (i64, i64, Box<dyn Fn(i64) -> Unit>) = match lengths {
            (Length::Ns(a), Length::Ns(b)) => {
                (a, b, Box::new(move |n| Unit::Fixed { length_ns: n, offset_ns: offset_ns.rem_euclid(n) }))
            }
            (Length::Days(a), Length::Days(b)) => {
                let zone = zone.unwrap_or(Tz::UTC);
                (a, b, Box::new(move |n| Unit::Days { zone, days: n, offset_ns }))
            }
            (Length::Months(a), Length::Months(b)) => {
                let zone = zone.unwrap_or(Tz::UTC);
                (a, b, Box::new(move |n| Unit::Months { zone, months: n, offset_ns }))
            }
            _ => return Err("the lengths of the window mix months, days and shorter units".to_string()),
        };
        if cumulate && size % slide != 0 {
            return Err("the SIZE of a cumulating window must be a multiple of its STEP".to_string());
        }
        let pane = gcd(size, slide);
        // The offset of fixed panes is relative to the slide, so that windows start on it.
        let mut unit = make(pane);
        if let Unit::Fixed { offset_ns: shift, .. } = &mut unit {
            *shift = offset_ns.rem_euclid(if cumulate { size } else { slide });
        }
        Ok(Layout { unit, size: size / pane, slide: slide / pane, cumulate })
    }

    /// Whether every window is one pane.
    pub fn is_tumbling(&self) -> bool {
        !self.cumulate && self.size == 1 && self.slide == 1
    }

    /// The pane of a time.
    pub fn pane_of(&self, time_ns: i64) -> Pane {
        let time_ns = time_ns.min(LAST_NS);
        match &self.unit {
            Unit::Fixed { length_ns, offset_ns } => match time_ns.checked_sub(*offset_ns) {
                Some(since) => since.div_euclid(*length_ns),
                None => {
                    clamped((i128::from(time_ns) - i128::from(*offset_ns)).div_euclid((*length_ns).into()))
                }
            },
            Unit::Days { zone, days, offset_ns } => {
                let day = local(*zone, time_ns.saturating_sub(*offset_ns)).date();
                i64::from(day.num_days_from_ce() - EPOCH_DAY_CE).div_euclid(*days)
            }
            Unit::Months { zone, months, offset_ns } => {
                let day = local(*zone, time_ns.saturating_sub(*offset_ns)).date();
                (i64::from(day.year() - 1970) * 12 + i64::from(day.month0())).div_euclid(*months)
            }
        }
    }

    /// The pane edge that a watermark has passed: all of them at the end of time.
    pub fn passed(&self, watermark_ns: i64) -> Pane {
        if watermark_ns == i64::MAX { Pane::MAX } else { self.pane_of(watermark_ns) }
    }

    /// Start of a pane, ns; also the end of the pane before it.
    pub fn start_of(&self, pane: Pane) -> i64 {
        match &self.unit {
            Unit::Fixed { length_ns, offset_ns } => {
                match pane.checked_mul(*length_ns).and_then(|start| start.checked_add(*offset_ns)) {
                    Some(start) => start,
                    None => clamped(i128::from(pane) * i128::from(*length_ns) + i128::from(*offset_ns)),
                }
            }
            Unit::Days { zone, days, offset_ns } => {
                let day = i32::try_from(pane.saturating_mul(*days)).unwrap_or(i32::MAX / 2);
                midnight(*zone, NaiveDate::from_num_days_from_ce_opt(day.saturating_add(EPOCH_DAY_CE)))
                    .saturating_add(*offset_ns)
            }
            Unit::Months { zone, months, offset_ns } => {
                let month = pane.saturating_mul(*months);
                let year = i32::try_from(month.div_euclid(12).saturating_add(1970)).unwrap_or(i32::MAX);
                let date = NaiveDate::from_ymd_opt(year, month.rem_euclid(12) as u32 + 1, 1);
                midnight(*zone, date).saturating_add(*offset_ns)
            }
        }
    }

    /// One past the last pane of the last window that holds `pane`; `None` if no window does (a
    /// hop whose slide is longer than its size).
    pub fn last_end(&self, pane: Pane) -> Option<Pane> {
        if self.cumulate {
            return Some(pane.div_euclid(self.size).saturating_mul(self.size).saturating_add(self.size));
        }
        let end = pane.div_euclid(self.slide).saturating_mul(self.slide).saturating_add(self.size);
        (end > pane).then_some(end)
    }

    /// One past the last pane of the first window that holds `pane` and ends after pane edge
    /// `after`.
    pub fn next_end(&self, pane: Pane, after: Pane) -> Option<Pane> {
        let last = self.last_end(pane)?;
        // The first edge past both the pane and `after`.
        let past = pane.max(after).checked_add(1)?;
        let end = if self.cumulate {
            past
        } else {
            // Ends are k·slide + size.
            let k = past.saturating_sub(self.size).saturating_add(self.slide - 1).div_euclid(self.slide);
            k.saturating_mul(self.slide).saturating_add(self.size)
        };
        (after < end && end <= last).then_some(end)
    }

    /// First pane of the window that ends before pane `end`.
    pub fn first_pane(&self, end: Pane) -> Pane {
        if self.cumulate {
            (end - 1).div_euclid(self.size).saturating_mul(self.size)
        } else {
            end.saturating_sub(self.size)
        }
    }
}

/// The last instant that a pane can hold.
pub const LAST_NS: i64 = i64::MAX - 1;

/// The nearest that fits.
fn clamped(value: i128) -> i64 {
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Days from 0001-01-01 to 1970-01-01 as chrono counts them.
const EPOCH_DAY_CE: i32 = 719_163;

fn length(d: &Duration, zone: Option<Tz>) -> Result<Length, String> {
    let out = match (d.months, d.days, d.nanos) {
        (m, 0, 0) if m > 0 => Length::Months(i64::from(m)),
        (0, days, 0) if days > 0 && zone.is_some() => Length::Days(i64::from(days)),
        (0, days, ns) if zone.is_none() => Length::Ns(
            i64::from(days)
                .checked_mul(DAY_NS)
                .and_then(|d| d.checked_add(ns))
                .filter(|&n| n > 0)
                .ok_or("the length of the window is out of range")?,
        ),
        (0, _, _) => {
            return Err(
                "a window with a ZONE is whole days or months long; shift shorter ones by OFFSET".to_string()
            );
        }
        _ => return Err("the length of the window mixes months with shorter units".to_string()),
    };
    Ok(out)
}

fn offset_ns(d: &Duration) -> Result<i64, String> {
    if d.months != 0 {
        return Err("OFFSET cannot be in months".to_string());
    }
    i64::from(d.days)
        .checked_mul(DAY_NS)
        .and_then(|days| days.checked_add(d.nanos))
        .ok_or_else(|| "OFFSET is out of range".to_string())
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn local(zone: Tz, time_ns: i64) -> NaiveDateTime {
    zone.from_utc_datetime(&DateTime::from_timestamp_nanos(time_ns).naive_utc()).naive_local()
}

/// First instant of a local day; where the clock jumps over midnight, the first instant after the
/// gap.
fn midnight(zone: Tz, date: Option<NaiveDate>) -> i64 {
    let Some(start) = date.and_then(|d| d.and_hms_opt(0, 0, 0)) else { return i64::MAX };
    let mut at = start;
    for _ in 0..=96 {
        if let Some(found) = zone.from_local_datetime(&at).earliest() {
            return found.timestamp_nanos_opt().unwrap_or(if date.is_some_and(|d| d.year() < 1970) {
                i64::MIN
            } else {
                i64::MAX
            });
        }
        at += TimeDelta::minutes(15);
    }
    i64::MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ns(nanos: i64) -> Duration {
        Duration { months: 0, days: 0, nanos }
    }

    fn calendar(offset: i64, zone: Option<Tz>) -> Calendar {
        Calendar { offset: ns(offset), zone }
    }

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap()
    }

    proptest! {
        /// All windows that hold a time, straight from the definition, against the pane arithmetic.
        #[test]
        fn hop_windows_of_a_time_are_those_of_the_definition(
            size in 1i64..30, slide in 1i64..30, offset in -40i64..40, time in -100i64..100,
        ) {
            let window = BatchWindow::Hop { size: ns(size), slide: ns(slide), calendar: calendar(offset, None) };
            let layout = Layout::new(&window).unwrap().unwrap();
            let expected: Vec<(i64, i64)> = (-200..200)
                .map(|k| (k * slide + offset, k * slide + offset + size))
                .filter(|(s, e)| *s <= time && time < *e)
                .collect();
            let pane = layout.pane_of(time);
            prop_assert!(layout.start_of(pane) <= time && time < layout.start_of(pane + 1));
            let mut found = Vec::new();
            let mut after = i64::MIN / 2;
            while let Some(end) = layout.next_end(pane, after) {
                found.push((layout.start_of(layout.first_pane(end)), layout.start_of(end)));
                after = end;
            }
            prop_assert_eq!(&found, &expected);
            prop_assert_eq!(layout.last_end(pane).map(|e| layout.start_of(e)), expected.last().map(|w| w.1));
        }

        #[test]
        fn cumulating_windows_of_a_time_are_those_of_the_definition(
            step in 1i64..10, times in 1i64..6, offset in -40i64..40, time in -100i64..100,
        ) {
            let size = step * times;
            let window = BatchWindow::Cumulate { step: ns(step), size: ns(size), calendar: calendar(offset, None) };
            let layout = Layout::new(&window).unwrap().unwrap();
            let base = (time - offset).div_euclid(size) * size + offset;
            let expected: Vec<(i64, i64)> =
                (1..=times).map(|k| (base, base + k * step)).filter(|(_, e)| time < *e).collect();
            let pane = layout.pane_of(time);
            let mut found = Vec::new();
            let mut after = i64::MIN / 2;
            while let Some(end) = layout.next_end(pane, after) {
                found.push((layout.start_of(layout.first_pane(end)), layout.start_of(end)));
                after = end;
            }
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_ends_of_time_are_in_windows_that_reach_them() {
        for (size, slide, offset) in
            [(1, 1, 0), (2, 1, 0), (7, 3, 2), (DAY_NS, DAY_NS, 3), (3 * DAY_NS, DAY_NS, 5)]
        {
            let window =
                BatchWindow::Hop { size: ns(size), slide: ns(slide), calendar: calendar(offset, None) };
            let layout = Layout::new(&window).unwrap().unwrap();
            for time in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
                let pane = layout.pane_of(time);
                assert!(layout.start_of(pane) <= time, "{size}/{slide}: {time}");
                assert!(layout.start_of(pane + 1) > time || time == i64::MAX, "{size}/{slide}: {time}");
                let (mut ends, mut after) = (Vec::new(), Pane::MIN);
                while let Some(end) = layout.next_end(pane, after) {
                    assert!(end > after && layout.first_pane(end) <= pane);
                    ends.push(end);
                    after = end;
                }
                assert_eq!(ends.last().copied(), layout.last_end(pane), "{size}/{slide}: {time}");
                assert!(
                    !ends.is_empty() && ends.len() as i64 <= size / slide + 1,
                    "{size}/{slide}: {ends:?}"
                );
                assert_eq!(layout.next_end(pane, layout.passed(i64::MAX)), None);
            }
        }
    }

    #[test]
    fn days_of_a_zone_follow_its_clock() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let day = Duration { months: 0, days: 1, nanos: 0 };
        let window = BatchWindow::Tumbling { size: day, calendar: calendar(0, Some(zone)) };
        let layout = Layout::new(&window).unwrap().unwrap();
        let pane = layout.pane_of(at("2024-03-31T12:00:00Z"));
        assert_eq!(layout.start_of(pane), at("2024-03-30T23:00:00Z"));
        assert_eq!(layout.start_of(pane + 1), at("2024-03-31T22:00:00Z"), "23 hours long");
    }

    #[test]
    fn months_have_their_own_length() {
        let month = Duration { months: 1, days: 0, nanos: 0 };
        let window = BatchWindow::Tumbling { size: month, calendar: calendar(0, None) };
        let layout = Layout::new(&window).unwrap().unwrap();
        let pane = layout.pane_of(at("2024-02-29T23:59:59Z"));
        assert_eq!(layout.start_of(pane), at("2024-02-01T00:00:00Z"));
        assert_eq!(layout.start_of(pane + 1), at("2024-03-01T00:00:00Z"));
        assert_eq!(layout.pane_of(at("1969-12-31T23:59:59Z")), -1);
    }
}
