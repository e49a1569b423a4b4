//! What a run did, in a few lines on standard error.

use std::fmt::Write;

use super::signals::Signal;

/// Counts of one run.
#[derive(Debug, Default)]
pub struct Summary {
    /// Each source: name and counts.
    pub inputs: Vec<InputLine>,
    /// Each output: name, what it is, rows.
    pub outputs: Vec<OutputLine>,
    /// Records that could not be read or refused by a stream.
    pub rejected: u64,
    /// Rows that a query could not process.
    pub errors: u64,
    /// Records that went to dead-letter streams, of the rejected and the errors.
    pub dead_letters: u64,
    /// Rows that came too late for a window.
    pub late: u64,
    /// Rows that could not be written to a sink.
    pub lost: u64,
    /// Duration, seconds.
    pub seconds: f64,
    /// How it came to its end.
    pub ending: Ending,
}

/// A source's part.
#[derive(Debug)]
pub struct InputLine {
    /// The stream.
    pub name: String,
    /// Rows taken.
    pub rows: u64,
    /// Bytes of unpacked input.
    pub bytes: u64,
    /// Lines left out as asked.
    pub skipped: u64,
}

/// An output's part.
#[derive(Debug)]
pub struct OutputLine {
    /// The stream or query.
    pub name: String,
    /// Where the rows went, in a word or a path.
    pub place: String,
    /// Rows given out.
    pub rows: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// All inputs ended.
    #[default]
    Complete,
    /// A signal came.
    Interrupted(Signal),
    /// `--limit` was reached.
    Limit,
    /// The reader of the output went away.
    OutputClosed,
    /// An error stopped it.
    Failed,
}

impl Summary {
    /// The text, without a last line end.
    pub fn render(&self) -> String {
        let mut text = self.head();
        let mut write = |line: std::fmt::Arguments<'_>| text.write_fmt(line).unwrap_or_default();
        let names = self.inputs.iter().map(|i| &i.name).chain(self.outputs.iter().map(|o| &o.name));
        let width = names.map(|name| unicode_width::UnicodeWidthStr::width(name.as_str())).max().unwrap_or(0);
        for input in &self.inputs {
            write(format_args!("\n  in   {:width$}  {:>12} rows", input.name, count(input.rows)));
            if input.skipped > 0 {
                write(format_args!(", {} lines skipped", count(input.skipped)));
            }
        }
        for output in &self.outputs {
            write(format_args!(
                "\n  out  {:width$}  {:>12} rows to {}",
                output.name,
                count(output.rows),
                output.place
            ));
        }
        text
    }

    /// Its first line: everything but the single inputs and outputs.
    pub fn head(&self) -> String {
        let mut text = String::new();
        let word = match self.ending {
            Ending::Complete => "done",
            Ending::Interrupted(_) => "interrupted",
            Ending::Limit => "stopped at the limit",
            Ending::OutputClosed => "stopped: nobody reads the output",
            Ending::Failed => "failed",
        };
        let rows: u64 = self.inputs.iter().map(|input| input.rows).sum();
        let bytes: u64 = self.inputs.iter().map(|input| input.bytes).sum();
        let seconds = self.seconds.max(1e-6);
        let mut write = |line: std::fmt::Arguments<'_>| text.write_fmt(line).unwrap_or_default();
        write(format_args!("{word} in {}: {} rows in", duration(self.seconds), count(rows)));
        write(format_args!(
            " ({} rows/s, {:.1} MB/s)",
            count((rows as f64 / seconds) as u64),
            bytes as f64 / seconds / 1e6
        ));
        write(format_args!(
            ", late {}, rejected {}, errors {}",
            count(self.late),
            count(self.rejected),
            count(self.errors)
        ));
        if self.dead_letters > 0 {
            write(format_args!(", dead letters {}", count(self.dead_letters)));
        }
        if self.lost > 0 {
            write(format_args!(", not written {}", count(self.lost)));
        }
        text
    }
}

/// A number with commas between thousands.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Seconds as a person says them.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.1} s"),
        s => format!("{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_summary_accounts_for_every_row() {
        let summary = Summary {
            inputs: vec![
                InputLine { name: "quotes".into(), rows: 1_234_567, bytes: 50_000_000, skipped: 3 },
                InputLine { name: "web".into(), rows: 12, bytes: 400, skipped: 0 },
            ],
            outputs: vec![OutputLine { name: "alerts".into(), place: "standard output".into(), rows: 9 }],
            rejected: 1,
            errors: 2,
            dead_letters: 3,
            late: 1_000,
            lost: 4,
            seconds: 0.5,
            ending: Ending::Complete,
        };
        expect![[r#"
            done in 500 ms: 1,234,579 rows in (2,469,158 rows/s, 100.0 MB/s), late 1,000, rejected 1, errors 2, dead letters 3, not written 4
              in   quotes     1,234,567 rows, 3 lines skipped
              in   web               12 rows
              out  alerts             9 rows to standard output"#]]
        .assert_eq(&summary.render());
    }

    #[test]
    fn numbers_have_commas_between_thousands() {
        let shown: Vec<String> = [0, 999, 1_000, 1_234_567].into_iter().map(count).collect();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(duration(61.04), "61.0 s");
        assert_eq!(duration(125.0), "2 min 5 s");
    }
}
