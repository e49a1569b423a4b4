//! The apps that ship with CEPtra print what their independent oracles say.

use std::path::{Path, PathBuf};

use crate::harness::ceptra;

pub fn apps_dir() -> PathBuf {
    // Asked when run: with a target folder shared by several clones, the one of the build may be another.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    Path::new(&here).join("../../deploy/apps")
}

pub fn apps() -> Vec<String> {
    let entries = std::fs::read_dir(apps_dir()).unwrap().map(|e| e.unwrap().path());
    let mut names: Vec<String> = entries
        .filter(|path| path.join("app.sql").is_file())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The first difference with its line number, or nothing.
fn first_difference(expected: &str, printed: &str) -> Option<String> {
    let mut lines =
        (1..).zip(expected.lines().map(Some).chain([None])).zip(printed.lines().map(Some).chain([None]));
    let ((line, expected), printed) = lines.find(|((_, expected), printed)| expected != printed)?;
    Some(format!(
        "line {line}\n  expected {}\n  printed  {}",
        expected.unwrap_or("nothing"),
        printed.unwrap_or("nothing")
    ))
}

#[test]
fn every_app_prints_what_its_oracle_says() {
    let apps = apps();
    assert!(apps.len() >= 13, "the apps are gone: {apps:?}");
    let mut failures = Vec::new();
    for app in &apps {
        let dir = apps_dir().join(app);
        let outcome = ceptra(&dir, &["run", "app.sql", "--output", "json"], b"");
        let expected = std::fs::read_to_string(dir.join("expected.jsonl")).unwrap();
        if outcome.code != 0 {
            failures.push(format!("{app}: exit code {}\n{}", outcome.code, outcome.stderr));
        } else if let Some(difference) = first_difference(&expected, &outcome.stdout) {
            failures.push(format!("{app}: {difference}"));
        }
    }
    assert!(failures.is_empty(), "{} of {} apps:\n{}", failures.len(), apps.len(), failures.join("\n"));
}

#[test]
fn every_app_checks_and_explains() {
    for app in apps() {
        let dir = apps_dir().join(&app);
        let checked = ceptra(&dir, &["check", "app.sql"], b"").expect_code(0);
        assert!(checked.stdout.starts_with("ok: "), "{app}: {}", checked.stdout);
        let explained = ceptra(&dir, &["explain", "app.sql"], b"").expect_code(0);
        assert!(!explained.stdout.trim().is_empty(), "{app}");
    }
}

#[test]
fn an_app_runs_from_any_folder() {
    let outcome = ceptra(
        &apps_dir().join(".."),
        &["run", "apps/machine-temperature/app.sql", "--output", "json", "--limit", "3"],
        b"",
    )
    .expect_code(0);
    assert_eq!(outcome.stdout.lines().count(), 3);
}
