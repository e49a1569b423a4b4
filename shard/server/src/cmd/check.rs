//! `ceptra check`: validates without running.

use cep_lang::bundle::LaneUse;
use cep_lang::diag::render_json;

use super::write::write_stdout;
use crate::args::CheckArgs;
use crate::failure::{Failure, Result};
use crate::run::unread_warnings;
use crate::script::{Compiled, Script};
use crate::talk::Talk;

/// Compiles a script and says what it found.
///
/// # Errors
/// If the script has errors; with `--json` they are on standard output.
pub fn check(args: &CheckArgs, talk: &Talk) -> Result<u8> {
    let script = Script::read(&args.app)?;
    match script.diagnose() {
        Ok(Compiled { program, results: _, warnings, lanes }) => {
            script.warn(&warnings, talk);
            unread_warnings(&program).iter().for_each(|warning| talk.warn(warning));
            if args.lanes {
                write_stdout(&lanes_table(&lanes))?;
            } else if !args.json {
                let (streams, queries) = (program.streams.len(), program.queries.len());
                write_stdout(&format!("ok: {}, {}\n", plural(streams, "stream"), plural_y(queries)))?;
            }
            Ok(0)
        }
        Err(diagnostics) if args.json => {
            let name = script.name();
            let lines: String =
                diagnostics.iter().map(|d| format!("{}\n", render_json(d, &name, &script.text))).collect();
            write_stdout(&lines)?;
            Err(Failure::Script(String::new()))
        }
        Err(diagnostics) => Err(script.failure(&diagnostics, talk)),
    }
}

/// The lanes of expressions as a table: what makes them up, and how many there are.
fn lanes_table(lanes: &[LaneUse]) -> String {
    let mut rows = vec![["expression", "labels", "lanes", "series"].map(str::to_owned)];
    for lane in lanes {
        let labels: Vec<String> = lane
            .labels
            .iter()
            .map(|label| {
                format!("{} {}{}", label.label, label.values, if label.by_matcher { " matched" } else { "" })
            })
            .collect();
        let labels = if labels.is_empty() { "-".to_owned() } else { labels.join(" x ") };
        let expression = format!("{}.{}", lane.phase, lane.query);
        rows.push([expression, labels, lane.lanes.to_string(), lane.series_max.to_string()]);
    }
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |row: &[String; 4]| {
        let [a, b, c, d] = row;
        let [w, x, y, z] = widths;
        format!("{a:<w$}  {b:<x$}  {c:>y$}  {d:>z$}\n")
    };
    rows.iter().map(line).collect()
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn plural_y(count: usize) -> String {
    if count == 1 { "1 query".to_owned() } else { format!("{count} queries") }
}
