//! `cargo xtask ci`: every check in order, each timed; all run even after one failed, so that one
//! run shows everything there is to mend.
//!
//! Contracts with what it runs:
//! - Scripts get `CEPTRA_BIN`, the release binary. Exit code 77 means "skipped: an oracle cannot be
//!   installed here"; that fails the run unless `CEPTRA_ALLOW_SKIP=1`.
//! - With `--deep`, everything sees `CEPTRA_DEEP=1` and may append JSON lines to the file named by
//!   `CEPTRA_FIGURES`; they end up in `perf/results/ci-deep.jsonl` with the conditions of the run.

mod plan;
mod totals;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::ci::plan::{Action, Step};
use crate::ci::totals::Totals;
use crate::error::XtaskError;
use crate::tree::Tree;
use crate::{bench, codegen, host, process, tidy};

/// Where the figures of a deep run are kept.
const RESULTS: &str = "perf/results/ci-deep.jsonl";
/// Exit code of a script that could not get its oracle.
const EXIT_SKIPPED: i32 = 77;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(String),
    /// Not run, with the reason.
    Skipped(String),
}

/// A step that ran.
struct Ran {
    name: String,
    outcome: Outcome,
    took: Duration,
    totals: Totals,
}

/// Runs all steps and prints one line for each.
///
/// # Errors
/// When a step failed, or was skipped for want of an oracle without `CEPTRA_ALLOW_SKIP=1`.
pub(crate) fn run(root: &Path, deep: bool) -> Result<(), XtaskError> {
    let tree = Tree::read(root)?;
    let has_deny = process::capture(root, "cargo", &["deny", "--version"]).is_ok();
    let allow_skip = std::env::var("CEPTRA_ALLOW_SKIP").is_ok_and(|value| value == "1");
    let runner = Runner { root, figures: deep.then(|| target_folder(root).join("figures.jsonl")) };
    if let Some(figures) = &runner.figures {
        std::fs::create_dir_all(target_folder(root))
            .map_err(XtaskError::file("create", target_folder(root)))?;
        std::fs::write(figures, "").map_err(XtaskError::file("write", figures))?;
    }
    let mut all = Vec::new();
    for step in plan::steps(&tree.paths, has_deny) {
        println!("ci: {} …", step.name);
        let started = Instant::now();
        let mut totals = Totals::default();
        let outcome = runner.run(&step, &mut totals);
        let ran = Ran { name: step.name, outcome, took: started.elapsed(), totals };
        println!("ci: {}", line(&ran));
        all.push(ran);
    }
    println!("ci: summary");
    for ran in &all {
        println!("ci:   {}", line(ran));
    }
    println!("ci:   all steps took {:.1} s", all.iter().map(|ran| ran.took.as_secs_f64()).sum::<f64>());
    if let Some(figures) = &runner.figures {
        write_figures(root, figures, &all)?;
    }
    let failed = failed_steps(&all, allow_skip);
    if failed.is_empty() { Ok(()) } else { Err(XtaskError::Ci { steps: failed.join(", ") }) }
}

fn line(ran: &Ran) -> String {
    let what = match &ran.outcome {
        Outcome::Passed => "ok".to_owned(),
        Outcome::Failed(reason) => format!("FAILED ({reason})"),
        Outcome::Skipped(reason) => format!("skipped: {reason}"),
    };
    let seconds = ran.took.as_secs_f64();
    let tests = if ran.totals.is_empty() { String::new() } else { format!(" ({})", ran.totals) };
    format!("{:<32} {seconds:>8.1} s  {what}{tests}", ran.name)
}

/// Names of the steps that make the run fail. `cargo deny` is the one check with a stand-in (a
/// test over the licences), so its absence is reported and accepted.
fn failed_steps(all: &[Ran], allow_skip: bool) -> Vec<String> {
    let fails = |ran: &Ran| match &ran.outcome {
        Outcome::Passed => false,
        Outcome::Failed(_) => true,
        Outcome::Skipped(_) => !allow_skip && ran.name != plan::DENY,
    };
    all.iter().filter(|ran| fails(ran)).map(|ran| ran.name.clone()).collect()
}

struct Runner<'a> {
    root: &'a Path,
    /// Where deep tests append their figures; `None` in an ordinary run.
    figures: Option<PathBuf>,
}

impl Runner<'_> {
    fn run(&self, step: &Step, totals: &mut Totals) -> Outcome {
        let result = match &step.action {
            Action::Cargo { args, env } => {
                let mut command = Command::new("cargo");
                command.args(args).envs(env.iter().copied());
                self.watch(command, totals)
            }
            Action::Script(path) => {
                let mut command = Command::new("bash");
                command.arg(path).env("CEPTRA_BIN", release_binary(self.root));
                self.watch(command, totals)
            }
            Action::Tidy => Tree::read(self.root).and_then(|tree| tidy::run(&tree)).map(passed),
            Action::GenCheck => match codegen::run(self.root, true) {
                Err(XtaskError::NoFlatc { reason, .. }) => Ok(Outcome::Skipped(reason)),
                other => other.map(passed),
            },
            Action::Nothing(reason) => Ok(Outcome::Skipped((*reason).to_owned())),
        };
        result.unwrap_or_else(|error| Outcome::Failed(error.to_string()))
    }

    fn watch(&self, mut command: Command, totals: &mut Totals) -> Result<Outcome, XtaskError> {
        command.current_dir(self.root);
        if let Some(figures) = &self.figures {
            command.env("CEPTRA_DEEP", "1").env("CEPTRA_FIGURES", figures);
        }
        Ok(match process::watch(command, |line| totals.read(line))? {
            Some(0) => Outcome::Passed,
            Some(EXIT_SKIPPED) => Outcome::Skipped("its oracle cannot be had here".to_owned()),
            Some(code) => Outcome::Failed(format!("exit code {code}")),
            None => Outcome::Failed("ended by a signal".to_owned()),
        })
    }
}

fn passed((): ()) -> Outcome {
    Outcome::Passed
}

fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn release_binary(root: &Path) -> PathBuf {
    target_folder(root).join("release/ceptra")
}

fn write_figures(root: &Path, figures: &Path, all: &[Ran]) -> Result<(), XtaskError> {
    let mut lines = vec![host::conditions(root).to_string()];
    for ran in all {
        let row = json!({
            "name": format!("step/{}", ran.name),
            "seconds": (ran.took.as_secs_f64() * 10.0).round() / 10.0,
            "passed": ran.outcome == Outcome::Passed,
            "tests_passed": ran.totals.passed,
            "tests_failed": ran.totals.failed,
        });
        lines.push(row.to_string());
    }
    let own = std::fs::read_to_string(figures).map_err(XtaskError::file("read", figures))?;
    for row in own.lines().filter(|row| !row.trim().is_empty()) {
        let value: serde_json::Value = serde_json::from_str(row).map_err(|error| XtaskError::Shape {
            what: format!("figure {row:?}"),
            reason: error.to_string(),
        })?;
        lines.push(value.to_string());
    }
    bench::write_lines(&root.join(RESULTS), &lines)?;
    println!("ci: figures written to {RESULTS}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(name: &str, outcome: Outcome) -> Ran {
        let totals = Totals::default();
        Ran { name: name.to_owned(), outcome, took: Duration::from_millis(1500), totals }
    }

    #[test]
    fn a_skipped_oracle_fails_the_run_unless_allowed() {
        let all = [
            ran("fmt", Outcome::Passed),
            ran(plan::DENY, Outcome::Skipped("not installed".to_owned())),
            ran("tests/differential/run.sh", Outcome::Skipped("no oracle".to_owned())),
            ran("clippy", Outcome::Failed("exit code 101".to_owned())),
        ];
        assert_eq!(failed_steps(&all, false), ["tests/differential/run.sh", "clippy"]);
        assert_eq!(failed_steps(&all, true), ["clippy"]);
    }

    #[test]
    fn a_line_names_step_time_outcome_and_tests() {
        let mut step = ran("test", Outcome::Failed("exit code 101".to_owned()));
        step.totals = Totals { passed: 7, failed: 1 };
        let text = line(&step);
        assert!(text.starts_with("test "), "{text}");
        assert!(text.ends_with("1.5 s  FAILED (exit code 101) (7 passed, 1 failed)"), "{text}");
    }

    #[test]
    fn scripts_are_judged_by_their_exit_code() {
        let folder = tempfile::tempdir().unwrap();
        let runner = Runner { root: folder.path(), figures: None };
        let judge = |body: &str| {
            std::fs::write(folder.path().join("run.sh"), body).unwrap();
            let action = Action::Script("run.sh".to_owned());
            runner.run(&Step { name: "x".to_owned(), action }, &mut Totals::default())
        };
        assert_eq!(judge("case $CEPTRA_BIN in */release/ceptra) ;; *) exit 1 ;; esac"), Outcome::Passed);
        assert!(matches!(judge("exit 77"), Outcome::Skipped(_)));
        assert_eq!(judge("exit 3"), Outcome::Failed("exit code 3".to_owned()));
        assert!(matches!(judge("kill -9 $$"), Outcome::Failed(_)));
    }

    #[test]
    fn deep_figures_are_gathered_with_the_conditions() {
        let folder = tempfile::tempdir().unwrap();
        let figures = folder.path().join("figures.jsonl");
        let runner = Runner { root: folder.path(), figures: Some(figures.clone()) };
        let script =
            "test \"$CEPTRA_DEEP\" = 1 && echo '{\"name\":\"cases\",\"count\":9}' >>\"$CEPTRA_FIGURES\"\n";
        std::fs::write(folder.path().join("run.sh"), script).unwrap();
        let action = Action::Script("run.sh".to_owned());
        let outcome = runner.run(&Step { name: "x".to_owned(), action }, &mut Totals::default());
        write_figures(folder.path(), &figures, &[ran("x", outcome)]).unwrap();
        let text = std::fs::read_to_string(folder.path().join(RESULTS)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].contains("\"conditions\"") && lines[0].contains("\"cores\""));
        assert!(lines[1].contains("\"step/x\"") && lines[1].contains("\"passed\":true"));
        assert_eq!(lines[2], "{\"name\":\"cases\",\"count\":9}");
    }
}
