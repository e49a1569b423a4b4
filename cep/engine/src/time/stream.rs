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
    /// Whether `end_of_input` was seen.
    pub fn ended(&self) -> bool {
        self.ended
    }

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
        out.set_constant(self.watermark);
        out.idle_from = usize::MAX;
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
        let steps = out.steps();
        let mut next = 0;
        for (row, &stamp) in stamps.iter().enumerate() {
            while next < times.len() && step_rows[next] == row {
                self.max_time = self.max_time.max(times[next]);
                self.last_stamp = Some(stamp);
                next += 1;
            }
            self.advance(spec, stamp);
            steps.push(self.watermark);
        }
        if !times.is_empty() {
            self.idle_base = None;
        }
        out.idle_from = usize::MAX;
    }

    /// Rows of this stream, one for each step row.
    pub fn dense_rows(&mut self, spec: &StreamTime, times: &[i64], stamps: &[i64], out: &mut Watermarks) {
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
        } else {
            steps.extend(times.iter().zip(stamps).map(|(&time, &stamp)| {
                self.max_time = self.max_time.max(time);
                self.advance(spec, stamp);
                self.watermark
            }));
        }
        self.last_stamp = stamps.last().copied().or(self.last_stamp);
        self.idle_base = None;
        out.idle_from = usize::MAX;
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

    /// A step in which this stream had no rows: only stamps moved.
    pub fn silence(&mut self, spec: &StreamTime, stamps: &[i64], out: &mut Watermarks) {
        let Some(idle_at) = self.last_stamp.map(|s| s.saturating_add(spec.idle_ns)) else {
            // No row yet: such a stream is idle from the start, and holds nothing back.
            out.set_constant(self.watermark);
            out.idle_from = 0;
            return;
        };
        if self.ended {
            out.set_constant(self.watermark);
            out.idle_from = 0;
            return;
        }
        let idle_from = stamps.partition_point(|&s| s < idle_at);
        if idle_from == stamps.len() {
            out.set_constant(self.watermark);
            out.idle_from = usize::MAX;
            return;
        }
        let base = *self.idle_base.get_or_insert(self.watermark);
        let steps = out.steps();
        for (row, &stamp) in stamps.iter().enumerate() {
            if row >= idle_from && base != WATERMARK_START {
                self.watermark = self.watermark.max(base.saturating_add(stamp.saturating_sub(idle_at)));
            }
            steps.push(self.watermark);
        }
        out.idle_from = idle_from;
    }

    /// The end of input: the watermark passes everything.
    pub fn end(&mut self, out: &mut Watermarks) {
        self.ended = true;
        self.watermark = WATERMARK_END;
        out.set_constant(WATERMARK_END);
        out.idle_from = usize::MAX;
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
        assert_eq!((out.after(0), out.idle_from), (40, usize::MAX));
        clock.silence(&spec(Clock::Event), &[150, 170], &mut out);
        assert_eq!((all(&out, 2), out.idle_from), (vec![40, 60], 0));
        clock.silence(&spec(Clock::Event), &[171], &mut out);
        assert_eq!(out.after(0), 61);
    }
}
