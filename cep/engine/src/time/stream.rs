//! Clock of one stream: its largest event time, watermark and idleness.

use cep_lang::plan::{Clock, StreamTime};

use super::{WATERMARK_END, WATERMARK_START, Watermarks};
use crate::codec::{Reader, Result, Writer};

/// State of a stream's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamClock {
    max_time: i64,
    watermark: i64,
    /// Stamp of the latest row; `None` before the first.
    last_stamp: Option<i64>,
    /// Watermark when the stream became idle.
    idle_base: Option<i64>,
    ended: bool,
}

impl Default for StreamClock {
    fn default() -> Self {
        StreamClock {
            max_time: WATERMARK_START,
            watermark: WATERMARK_START,
            last_stamp: None,
            idle_base: None,
            ended: false,
        }
    }
}

impl StreamClock {
    /// The current watermark.
    pub fn watermark(&self) -> i64 {
        self.watermark
    }

    /// Stamp at which it becomes idle if no row comes; `None` when it is or has no rows.
    pub fn idle_at(&self, spec: &StreamTime) -> Option<i64> {
        let waits = !self.ended && self.idle_base.is_none();
        self.last_stamp.filter(|_| waits).map(|stamp| stamp.saturating_add(spec.idle_ns))
    }

    /// The watermark as it is, for a step in which this stream moves no further.
    pub fn stay(&self, out: &mut Watermarks) {
        out.set_constant(self.watermark, self.ended);
    }

    /// Rows of this stream: event time and the step row each belongs to, ascending; fills `out` for
    /// all step rows.
    pub fn rows(
        &mut self,
        spec: &StreamTime,
        times: &[i64],
        step_rows: &[usize],
        stamps: &[i64],
        out: &mut Watermarks,
    ) {
        if times.is_empty() {
            return self.silence(spec, stamps, out);
        }
        let (steps, idle) = out.steps_and_idle();
        let mut next = 0;
        for (row, &stamp) in stamps.iter().enumerate() {
            let first = next;
            while next < times.len() && step_rows[next] == row {
                self.max_time = self.max_time.max(times[next]);
                next += 1;
            }
            idle.push(if next > first { self.row(spec, stamp) } else { self.pass(spec, stamp) });
            steps.push(self.watermark);
        }
    }

    /// Rows of this stream, one for each step row.
    pub fn dense_rows(&mut self, spec: &StreamTime, times: &[i64], stamps: &[i64], out: &mut Watermarks) {
        out.set_idle(self.ended);
        let steps = out.steps();
        if spec.clock == Clock::Event && !self.ended {
            let (mut max_time, mut watermark) = (self.max_time, self.watermark);
            steps.extend(times.iter().map(|&time| {
                max_time = max_time.max(time);
                watermark = watermark.max(max_time.saturating_sub(spec.lateness_ns));
                watermark
            }));
            self.max_time = max_time;
            self.watermark = watermark;
            self.last_stamp = stamps.last().copied().or(self.last_stamp);
            self.idle_base = None;
        } else {
            steps.extend(times.iter().zip(stamps).map(|(&time, &stamp)| {
                self.max_time = self.max_time.max(time);
                self.row(spec, stamp);
                self.watermark
            }));
        }
    }

    /// A step row with rows of this stream, whose times have been taken; whether it is idle.
    fn row(&mut self, spec: &StreamTime, stamp: i64) -> bool {
        self.last_stamp = Some(stamp);
        self.idle_base = None;
        self.advance(spec, stamp);
        self.ended
    }

    /// A step row without a row of this stream: only the stamp moved. Whether it is idle.
    fn pass(&mut self, spec: &StreamTime, stamp: i64) -> bool {
        let Some(last) = self.last_stamp.filter(|_| !self.ended) else {
            // Before its first row and after its last a stream holds nothing back.
            return true;
        };
        self.advance(spec, stamp);
        let idle_at = last.saturating_add(spec.idle_ns);
        if stamp < idle_at {
            return false;
        }
        let base = *self.idle_base.get_or_insert(self.watermark);
        if base != WATERMARK_START {
            self.watermark = self.watermark.max(base.saturating_add(stamp - idle_at));
        }
        true
    }

    fn advance(&mut self, spec: &StreamTime, stamp: i64) {
        if self.ended || self.max_time == WATERMARK_START {
            return;
        }
        let mut watermark = self.max_time.saturating_sub(spec.lateness_ns);
        if spec.clock == Clock::Ingest {
            watermark = watermark.min(stamp.saturating_sub(spec.guard_ns));
        }
        self.watermark = self.watermark.max(watermark);
    }

    /// A step in which this stream had no rows.
    pub fn silence(&mut self, spec: &StreamTime, stamps: &[i64], out: &mut Watermarks) {
        let idle_at = self.last_stamp.filter(|_| !self.ended).map(|s| s.saturating_add(spec.idle_ns));
        let Some(idle_at) = idle_at else { return out.set_constant(self.watermark, true) };
        if spec.clock == Clock::Event && stamps.last().is_some_and(|&last| last < idle_at) {
            return out.set_constant(self.watermark, false);
        }
        let (steps, idle) = out.steps_and_idle();
        for &stamp in stamps {
            idle.push(self.pass(spec, stamp));
            steps.push(self.watermark);
        }
    }

    /// The end of input: the watermark passes everything, and holds nothing back.
    pub fn end(&mut self, out: &mut Watermarks) {
        self.ended = true;
        self.watermark = WATERMARK_END;
        out.set_constant(WATERMARK_END, true);
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.i64(self.max_time);
        out.i64(self.watermark);
        out.opt_i64(self.last_stamp);
        out.opt_i64(self.idle_base);
        out.bool(self.ended);
    }

    /// Reads the state.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self> {
        Ok(StreamClock {
            max_time: input.i64()?,
            watermark: input.i64()?,
            last_stamp: input.opt_i64()?,
            idle_base: input.opt_i64()?,
            ended: input.bool()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use cep_lang::plan::LatePolicy;

    use super::*;

    fn spec(clock: Clock) -> StreamTime {
        StreamTime {
            clock,
            column: Some(0),
            lateness_ns: 10,
            guard_ns: 3,
            idle_ns: 100,
            late_policy: LatePolicy::Drop,
            correction_ns: 0,
            late_stream: None,
            future_skew_ns: 0,
            past_skew_ns: 0,
        }
    }

    fn all(w: &Watermarks, n: usize) -> Vec<i64> {
        (0..n).map(|i| w.after(i)).collect()
    }

    #[test]
    fn watermark_is_running_maximum_less_lateness() {
        let mut clock = StreamClock::default();
        let mut out = Watermarks::default();
        clock.dense_rows(&spec(Clock::Event), &[50, 40, 70, 60], &[50, 50, 70, 70], &mut out);
        assert_eq!(all(&out, 4), [40, 40, 60, 60]);
        assert_eq!(out.first_reaching(41, 0), Some(2));
        assert_eq!(out.first_reaching(61, 0), None);
    }

    #[test]
    fn ingest_watermark_stays_below_stamp_less_guard() {
        let mut clock = StreamClock::default();
        let mut out = Watermarks::default();
        clock.dense_rows(&spec(Clock::Ingest), &[50, 200], &[55, 60], &mut out);
        assert_eq!(all(&out, 2), [40, 57]);
    }

    #[test]
    fn idle_stream_advances_by_stamp_time_elapsed_since_it_became_idle() {
        let mut clock = StreamClock::default();
        let mut out = Watermarks::default();
        clock.dense_rows(&spec(Clock::Event), &[50], &[50], &mut out);
        clock.silence(&spec(Clock::Event), &[149], &mut out);
        assert_eq!((out.after(0), out.is_idle(0)), (40, false));
        clock.silence(&spec(Clock::Event), &[149, 150, 170], &mut out);
        assert_eq!(all(&out, 3), [40, 40, 60]);
        assert_eq!([0, 1, 2].map(|row| out.is_idle(row)), [false, true, true]);
        clock.silence(&spec(Clock::Event), &[171], &mut out);
        assert_eq!(out.after(0), 61);
    }

    #[test]
    fn silence_between_rows_of_one_step_is_silence() {
        let (mut clock, mut apart) = (StreamClock::default(), StreamClock::default());
        let mut out = Watermarks::default();
        clock.rows(&spec(Clock::Event), &[50, 60], &[0, 3], &[50, 149, 170, 180], &mut out);
        assert_eq!(all(&out, 4), [40, 40, 60, 60]);
        assert_eq!([0, 1, 2, 3].map(|row| out.is_idle(row)), [false, false, true, false]);
        apart.rows(&spec(Clock::Event), &[50], &[0], &[50, 149], &mut out);
        apart.rows(&spec(Clock::Event), &[], &[], &[170], &mut out);
        apart.rows(&spec(Clock::Event), &[60], &[0], &[180], &mut out);
        assert_eq!(apart, clock);
    }

    #[test]
    fn ingest_watermark_follows_the_stamp_in_silence() {
        let mut clock = StreamClock::default();
        let mut out = Watermarks::default();
        clock.dense_rows(&spec(Clock::Ingest), &[200], &[55], &mut out);
        clock.silence(&spec(Clock::Ingest), &[60, 80], &mut out);
        assert_eq!(all(&out, 2), [57, 77]);
    }
}
