//! `cargo xtask bench`: the micro benchmarks in release, with their conditions.

use std::path::Path;
use std::process::Command;

use crate::error::XtaskError;
use crate::{host, process};

/// Where the figures are kept: JSON lines, the first of which holds the conditions.
const RESULTS: &str = "perf/results/micro.jsonl";

/// Runs `ceptra-perf micro --json` and, unless `dry_run`, writes [`RESULTS`].
///
/// # Errors
/// When the benchmark does not build, fails, or prints something else than JSON lines.
pub(crate) fn run(root: &Path, dry_run: bool) -> Result<(), XtaskError> {
    let mut command = Command::new("cargo");
    command.current_dir(root).args([
        "run",
        "--release",
        "--locked",
        "-p",
        "ceptra-perf",
        "--",
        "micro",
        "--json",
    ]);
    let mut lines = vec![host::conditions(root).to_string()];
    let mut bad = None;
    let code = process::watch(command, |line| match serde_json::from_str::<serde_json::Value>(line) {
        Ok(_) => lines.push(line.to_owned()),
        Err(error) => bad = Some(format!("{line:?}: {error}")),
    })?;
    if code != Some(0) {
        return Err(XtaskError::Failed {
            command: "ceptra-perf micro --json".to_owned(),
            status: format!("exit code {code:?}"),
        });
    }
    if let Some(reason) = bad {
        return Err(XtaskError::Shape { what: "output of ceptra-perf".to_owned(), reason });
    }
    if lines.len() == 1 {
        return Err(XtaskError::Shape {
            what: "output of ceptra-perf".to_owned(),
            reason: "it printed no figure".to_owned(),
        });
    }
    if !dry_run {
        write_lines(&root.join(RESULTS), &lines)?;
        eprintln!("xtask: figures written to {RESULTS}");
    }
    Ok(())
}

/// Writes `lines` to `path`, making its folder when missing.
///
/// # Errors
/// When the folder or the file cannot be written.
pub(crate) fn write_lines(path: &Path, lines: &[String]) -> Result<(), XtaskError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(XtaskError::file("create", folder))?;
    }
    let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    std::fs::write(path, text).map_err(XtaskError::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_one_a_line_into_a_folder_that_may_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.jsonl");
        write_lines(&path, &["{}".to_owned(), "[]".to_owned()]).unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "{}\n[]\n");
    }
}
