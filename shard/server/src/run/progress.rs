//! The progress bar: on standard error, when it is a terminal and the inputs are bounded.

use std::io::{self, IsTerminal};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::inputs::Input;
use crate::clock::Stopwatch;
use crate::talk::Talk;

/// Milliseconds between two looks at the inputs.
const LOOK_MS: u128 = 100;
/// Runs that are done before this show no bar at all, ms.
const APPEAR_MS: u128 = 300;

/// How far the inputs have come, on screen.
pub struct ProgressMeter {
    bar: Option<ProgressBar>,
    shown: bool,
    started: Stopwatch,
    looked: Stopwatch,
}

impl ProgressMeter {
    /// A bar over `inputs`, if it makes sense.
    pub fn new(inputs: &[Input], talk: &Talk) -> Self {
        let makes_sense = !talk.quiet()
            && io::stderr().is_terminal()
            && !inputs.is_empty()
            && inputs.iter().all(|input| input.is_bounded() && input.progress().1.is_some());
        let bar = makes_sense.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()));
        ProgressMeter { bar, shown: false, started: Stopwatch::start(), looked: Stopwatch::start() }
    }

    /// Draws, unless it has just been drawn.
    pub fn look(&mut self, inputs: &[Input], talk: &Talk) {
        let Some(bar) = &self.bar else { return };
        if self.looked.millis() < LOOK_MS || self.started.millis() < APPEAR_MS {
            return;
        }
        self.looked = Stopwatch::start();
        if !self.shown {
            self.shown = true;
            bar.set_style(style(self.started));
            bar.set_draw_target(ProgressDrawTarget::stderr());
            talk.set_bar(Some(bar.clone()));
        }
        let (mut done, mut total, mut rows) = (0, 0, 0);
        for input in inputs {
            let (input_done, input_total) = input.progress();
            done += input_done;
            total += input_total.unwrap_or(input_done).max(input_done);
            rows += input.counts.rows;
        }
        bar.set_length(total);
        bar.set_message(format!("{} rows", HumanCount(rows)));
        bar.set_position(done);
    }

    /// Takes the bar away.
    pub fn finish(&mut self, talk: &Talk) {
        if let Some(bar) = self.bar.take() {
            talk.set_bar(None);
            bar.finish_and_clear();
        }
    }
}

fn style(started: Stopwatch) -> ProgressStyle {
    let rate = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let per_second = state.pos() as f64 / started.seconds().max(1e-3);
        // A bar that cannot be drawn is not worth a failure.
        let _ = write!(out, "{}/s", HumanBytes(per_second as u64));
    };
    ProgressStyle::with_template("{wide_bar:.cyan/dim} {percent:>3} %  {msg}  {rate}  {eta} left")
        .expect("the template is a constant")
        .with_key("rate", rate)
}
