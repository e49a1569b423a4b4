//! The steps of `ci`, as data.

use std::collections::BTreeSet;

/// What a step does.
#[derive(Debug)]
pub(super) enum Action {
    /// `cargo` with arguments and environment.
    Cargo { args: Vec<&'static str>, env: Vec<(&'static str, &'static str)> },
    /// The house rules.
    Tidy,
    /// Generated code against its schemas.
    GenCheck,
    /// A shell script, relative to the root.
    Script(String),
    /// Cannot run here, with the reason.
    Nothing(&'static str),
}

/// One named step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) action: Action,
}

/// Name of the licence and source check by an outside program.
pub(super) const DENY: &str = "deny";

/// The script that runs every app and compares it with its expected output.
const APPS_CHECK: &str = "deploy/apps/check.sh";

/// All steps for a repository of the given paths. Cheap ones come first; `clippy` and `doc` share
/// the check artefacts, the tests and the release binary need a build of their own.
pub(super) fn steps(paths: &BTreeSet<String>, has_deny: bool) -> Vec<Step> {
    let cargo = |args: &[&'static str]| Action::Cargo { args: args.to_vec(), env: Vec::new() };
    let step = |name: &str, action| Step { name: name.to_owned(), action };
    let mut steps = vec![
        step("fmt", cargo(&["fmt", "--all", "--check"])),
        step("tidy", Action::Tidy),
        step("gen --check", Action::GenCheck),
        step(
            "clippy",
            cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        ),
        step(
            "doc",
            Action::Cargo {
                args: vec!["doc", "--workspace", "--no-deps", "--locked"],
                env: vec![("RUSTDOCFLAGS", "-D warnings")],
            },
        ),
        step("test", cargo(&["test", "--workspace", "--locked", "--no-fail-fast"])),
        step(
            DENY,
            if has_deny {
                cargo(&["deny", "check", "licenses", "bans", "sources"])
            } else {
                Action::Nothing("cargo-deny is not installed; a test checks the licences")
            },
        ),
    ];
    let differential = paths.iter().filter(|path| is_test_script(path));
    let scripts: Vec<String> = paths.get(APPS_CHECK).into_iter().chain(differential).cloned().collect();
    let release = ["build", "--release", "--locked", "-p", "ceptra", "-p", "ceptra-ctl"];
    steps.push(step("build --release", cargo(&release)));
    steps.extend(scripts.into_iter().map(|path| step(&path, Action::Script(path.clone()))));
    steps
}

/// `tests/<topic>/run.sh`
fn is_test_script(path: &str) -> bool {
    path.strip_prefix("tests/")
        .and_then(|rest| rest.strip_suffix("/run.sh"))
        .is_some_and(|topic| !topic.contains('/'))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_plan_has_every_check_and_finds_the_scripts() {
        let paths = ["deploy/apps/check.sh", "tests/differential/run.sh", "tests/a/b/run.sh", "x"];
        let steps = steps(&paths.map(str::to_owned).into(), true);
        let text: String = steps
            .iter()
            .map(|step| match &step.action {
                Action::Cargo { args, env } => {
                    format!("{}: cargo {} {env:?}\n", step.name, args.join(" "))
                }
                other => format!("{}: {other:?}\n", step.name),
            })
            .collect();
        expect![[r#"
            fmt: cargo fmt --all --check []
            tidy: Tidy
            gen --check: GenCheck
            clippy: cargo clippy --workspace --all-targets --locked -- -D warnings []
            doc: cargo doc --workspace --no-deps --locked [("RUSTDOCFLAGS", "-D warnings")]
            test: cargo test --workspace --locked --no-fail-fast []
            deny: cargo deny check licenses bans sources []
            build --release: cargo build --release --locked -p ceptra -p ceptra-ctl []
            deploy/apps/check.sh: Script("deploy/apps/check.sh")
            tests/differential/run.sh: Script("tests/differential/run.sh")
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn without_cargo_deny_the_step_says_so() {
        let steps = steps(&BTreeSet::new(), false);
        let deny = steps.iter().find(|step| step.name == DENY).unwrap();
        assert!(matches!(deny.action, Action::Nothing(reason) if reason.contains("not installed")));
    }
}
