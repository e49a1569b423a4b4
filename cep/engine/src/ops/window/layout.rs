//! Where event-time windows lie on the time axis.
//!
//! Time is cut into *panes*, numbered by consecutive integers: the finest pieces that window edges
//! make. A window is a run of panes; tumbling, hopping and cumulating windows differ only in which
//! runs. Panes are `[start, end)`.

use cep_lang::ast::Duration;
use cep_lang::plan::{BatchWindow, Calendar};
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone};
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
    Days { zone: Tz, days: i64, offset: Offset },
    /// Calendar months of a zone.
    Months { zone: Tz, months: i64, offset: Offset },
}

/// An OFFSET in a zone: days by its calendar, then time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offset {
    days: i64,
    ns: i64,
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
        let offset = Offset { days: i64::from(calendar.offset.days), ns: calendar.offset.nanos };
        let lengths = (length(size, zone)?, length(slide, zone)?);
        let (size, slide, make): (i64, i64, Box<dyn Fn(i64) -> Unit>) = match lengths {
            (Length::Ns(a), Length::Ns(b)) => {
                (a, b, Box::new(move |n| Unit::Fixed { length_ns: n, offset_ns: offset_ns.rem_euclid(n) }))
            }
            (Length::Days(a), Length::Days(b)) => {
                let zone = zone.unwrap_or(Tz::UTC);
                (a, b, Box::new(move |n| Unit::Days { zone, days: n, offset }))
            }
            (Length::Months(a), Length::Months(b)) => {
                let zone = zone.unwrap_or(Tz::UTC);
                (a, b, Box::new(move |n| Unit::Months { zone, months: n, offset }))
            }
            _ => {
                return Err(
                    "the lengths of the window mix months, days and shorter units; write all in one of them"
                        .to_string(),
                );
            }
        };
        if cumulate && size % slide != 0 {
            return Err(
                "the SIZE of a cumulating window is no multiple of its STEP; change one of them".to_string()
            );
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
        match &self.unit {
            Unit::Fixed { length_ns, offset_ns } => match time_ns.checked_sub(*offset_ns) {
                Some(time) => time.div_euclid(*length_ns),
                None => {
                    let time = i128::from(time_ns) - i128::from(*offset_ns);
                    let pane = time.div_euclid(i128::from(*length_ns));
                    pane.clamp(i128::from(Pane::MIN), i128::from(Pane::MAX)) as Pane
                }
            },
            Unit::Days { zone, days, offset } => {
                let day = local_day_before(*zone, time_ns, offset.ns);
                day.saturating_sub(offset.days).div_euclid(*days)
            }
            Unit::Months { zone, months, offset } => {
                let day = local_day_before(*zone, time_ns, offset.ns).saturating_sub(offset.days);
                let day = date_of(day).unwrap_or(NaiveDate::MIN);
                (i64::from(day.year() - 1970) * 12 + i64::from(day.month0())).div_euclid(*months)
            }
        }
    }

    /// Start of a pane, ns; also the end of the pane before it.
    pub fn start_of(&self, pane: Pane) -> i64 {
        match &self.unit {
            Unit::Fixed { length_ns, offset_ns } => {
                let start = i128::from(pane) * i128::from(*length_ns) + i128::from(*offset_ns);
                start.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
            }
            Unit::Days { zone, days, offset } => {
                let day = pane.saturating_mul(*days).saturating_add(offset.days);
                later(midnight(*zone, date_of(day)), offset.ns)
            }
            Unit::Months { zone, months, offset } => {
                let month = pane.saturating_mul(*months);
                let year = i32::try_from(month.div_euclid(12).saturating_add(1970)).unwrap_or(i32::MAX);
                let date = NaiveDate::from_ymd_opt(year, month.rem_euclid(12) as u32 + 1, 1);
                let date = date.and_then(|d| d.checked_add_signed(TimeDelta::try_days(offset.days)?));
                later(midnight(*zone, date), offset.ns)
            }
        }
    }

    /// One past the last pane of the last window that holds `pane`; `None` if no window does (a
    /// hop whose slide is longer than its size).
    pub fn last_end(&self, pane: Pane) -> Option<Pane> {
        if self.cumulate {
            return Some(pane.div_euclid(self.size) * self.size + self.size);
        }
        let end = pane.div_euclid(self.slide) * self.slide + self.size;
        (end > pane).then_some(end)
    }

    /// One past the last pane of the first window that holds `pane` and ends after pane edge
    /// `after`.
    pub fn next_end(&self, pane: Pane, after: Pane) -> Option<Pane> {
        let last = self.last_end(pane)?;
        let past = pane.saturating_add(1).max(after.saturating_add(1));
        let end = if self.cumulate {
            past
        } else {
            // Ends are k·slide + size; the first one past both the pane and `after`.
            let k = (past - self.size + self.slide - 1).div_euclid(self.slide);
            k * self.slide + self.size
        };
        (end <= last).then_some(end)
    }

    /// First pane that a window which ends after edge `after` may hold.
    pub fn first_live(&self, after: Pane) -> Pane {
        if after == Pane::MIN {
            return after;
        }
        if self.cumulate {
            return after.div_euclid(self.size) * self.size;
        }
        // Window k ends at k·slide + size; the first that ends after `after`.
        ((after - self.size).div_euclid(self.slide) + 1) * self.slide
    }

    /// Windows that hold a pane, at most.
    pub fn windows_of_pane(&self) -> i64 {
        if self.cumulate {
            self.size
        } else {
            self.size.div_euclid(self.slide) + i64::from(self.size % self.slide != 0)
        }
    }

    /// End of the `count`-th window after the one that ends before pane `end`.
    pub fn end_after(&self, end: Pane, count: i64) -> Pane {
        end.saturating_add(count.saturating_mul(if self.cumulate { 1 } else { self.slide }))
    }

    /// About the time between the ends of two windows, ns; never 0.
    pub fn slide_ns(&self) -> i64 {
        let pane_ns = match &self.unit {
            Unit::Fixed { length_ns, .. } => *length_ns,
            Unit::Days { days, .. } => days.saturating_mul(DAY_NS),
            Unit::Months { months, .. } => months.saturating_mul(28 * DAY_NS),
        };
        pane_ns.saturating_mul(if self.cumulate { 1 } else { self.slide }).max(1)
    }

    /// Whether all windows that hold a pane begin and end at times that can be written down.
    pub fn fits(&self, pane: Pane) -> bool {
        // A pane number is that of a time: far fewer than there are numbers.
        let width = self.size.saturating_add(self.slide);
        if pane.checked_add(width).is_none() || pane.checked_sub(width).is_none() {
            return false;
        }
        let Some((first, last)) = self.next_end(pane, Pane::MIN).zip(self.last_end(pane)) else {
            return true;
        };
        self.start_of(self.first_pane(first)) > i64::MIN && self.start_of(last) < i64::MAX
    }

    /// First pane of the window that ends before pane `end`.
    pub fn first_pane(&self, end: Pane) -> Pane {
        if self.cumulate { (end - 1).div_euclid(self.size) * self.size } else { end - self.size }
    }
}

/// The local day `ns`, less than a day, before a time.
fn local_day_before(zone: Tz, time_ns: i64, ns: i64) -> i64 {
    match time_ns.checked_sub(ns) {
        Some(time) => local_day(zone, time),
        // Beyond the ends of time it is the day next to theirs.
        None => local_day(zone, time_ns) - ns.signum(),
    }
}

/// `ns` after a time; an end of time stays one.
fn later(at: i64, ns: i64) -> i64 {
    if at == i64::MIN || at == i64::MAX { at } else { at.saturating_add(ns) }
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
        _ => {
            return Err("the length of the window mixes months with shorter units; write it in one of them"
                .to_string());
        }
    };
    Ok(out)
}

fn offset_ns(d: &Duration) -> Result<i64, String> {
    if d.months != 0 {
        return Err("OFFSET cannot be in months; count it in days".to_string());
    }
    i64::from(d.days)
        .checked_mul(DAY_NS)
        .and_then(|days| days.checked_add(d.nanos))
        .ok_or_else(|| "OFFSET is out of range".to_string())
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Local date of a time, in days since 1970.
fn local_day(zone: Tz, time_ns: i64) -> i64 {
    let local = zone.from_utc_datetime(&DateTime::from_timestamp_nanos(time_ns).naive_utc()).naive_local();
    i64::from(local.date().num_days_from_ce() - EPOCH_DAY_CE)
}

/// The date that is `day` days after 1970-01-01.
fn date_of(day: i64) -> Option<NaiveDate> {
    let day = i32::try_from(day.saturating_add(i64::from(EPOCH_DAY_CE))).ok()?;
    NaiveDate::from_num_days_from_ce_opt(day)
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
    fn an_offset_in_days_is_local_days() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        let days = |days| Duration { months: 0, days, nanos: 0 };
        let calendar = Calendar { offset: days(4), zone: Some(zone) };
        let window = BatchWindow::Tumbling { size: days(7), calendar };
        let layout = Layout::new(&window).unwrap().unwrap();
        let pane = layout.pane_of(at("2024-04-02T12:00:00Z"));
        assert_eq!(layout.start_of(pane), at("2024-03-31T22:00:00Z"), "Monday, the day after the change");
        assert_eq!(layout.pane_of(at("2024-03-31T21:59:59Z")), pane - 1);
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
