//! House rules, as a table: each rule has a name, a reason and a check over one file or the tree.
//!
//! Invariants:
//! - A rule is tested on snippets that break it and snippets that keep it, in its own file.
//! - A rule that needs a list (forbidden names, allowed arrows) keeps it as data on top of its file.
//! - Errors fail `tidy`; warnings are listed and do not.

mod arrows;
mod citations;
mod code;
mod generated;
mod layout;
mod links;
mod lowering;
mod text;
mod tokens;

use crate::error::XtaskError;
use crate::tree::{SourceFile, Tree};

/// Whether a finding fails the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Error,
    Warning,
}

/// One place that breaks a rule.
#[derive(Debug)]
struct Finding {
    path: String,
    /// 1-based; `None` when the finding is about the whole file.
    line: Option<usize>,
    severity: Severity,
    message: String,
}

impl Finding {
    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(line), severity: Severity::Error, message: message.into() }
    }

    fn of_file(path: &str, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, severity: Severity::Error, message: message.into() }
    }

    fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

/// What a rule looks at.
enum Check {
    File(fn(&SourceFile) -> Vec<Finding>),
    Tree(fn(&Tree) -> Vec<Finding>),
}

/// One house rule.
struct Rule {
    name: &'static str,
    /// What it protects; printed under the first finding.
    why: &'static str,
    check: Check,
}

/// Every rule, in the order in which findings are printed.
const RULES: &[Rule] = &[
    Rule {
        name: "whitespace",
        why: "diffs show what changed and nothing else",
        check: Check::File(text::whitespace),
    },
    Rule {
        name: "machine-words",
        why: "the repository builds anywhere: no paths of one machine, no registry hosts",
        check: Check::File(text::machine_words),
    },
    Rule {
        name: "file-size",
        why: "a file is one type or one step; a reader finds things by file name",
        check: Check::File(layout::file_size),
    },
    Rule {
        name: "function-size",
        why: "a function fits a screen",
        check: Check::File(layout::function_size),
    },
    Rule {
        name: "module-names",
        why: "a name says what lives there",
        check: Check::File(layout::module_names),
    },
    Rule {
        name: "crate-docs",
        why: "a crate's first lines are its table of contents and invariants",
        check: Check::File(layout::crate_docs),
    },
    Rule {
        name: "unfinished",
        why: "what is on the main branch works",
        check: Check::File(code::unfinished),
    },
    Rule {
        name: "ignored-tests",
        why: "a test that does not run says why",
        check: Check::File(code::ignored_tests),
    },
    Rule {
        name: "unsafe",
        why: "unsafe lives in listed files, each block with its proof",
        check: Check::File(code::unsafe_code),
    },
    Rule {
        name: "lowering",
        why: "nothing is parsed and then ignored: a new sqlparser field must fail to compile",
        check: Check::File(lowering::check),
    },
    Rule { name: "arrows", why: "crates depend one way (DESIGN)", check: Check::Tree(arrows::check) },
    Rule {
        name: "rule-citations",
        why: "a cited rule exists (docs/rules.txt)",
        check: Check::Tree(citations::check),
    },
    Rule {
        name: "links",
        why: "a reader who follows a link arrives",
        check: Check::Tree(links::targets_exist),
    },
    Rule {
        name: "docs-reachable",
        why: "every page is found from the README",
        check: Check::Tree(links::pages_reachable),
    },
    Rule {
        name: "generated-code",
        why: "generated code is what its schema says; `gen --check` compares in full",
        check: Check::Tree(generated::check),
    },
];

/// Runs every rule over `tree` and prints what it finds.
///
/// # Errors
/// When at least one finding is an error.
pub(crate) fn run(tree: &Tree) -> Result<(), XtaskError> {
    judge(RULES, tree)
}

fn judge(rules: &[Rule], tree: &Tree) -> Result<(), XtaskError> {
    let mut errors = 0;
    let mut warnings = 0;
    for rule in rules {
        let findings = apply(rule, tree);
        for finding in &findings {
            println!("{}", line(rule, finding));
        }
        let bad = findings.iter().filter(|f| f.severity == Severity::Error).count();
        if bad > 0 {
            println!("  = why: {}", rule.why);
        }
        errors += bad;
        warnings += findings.len() - bad;
    }
    println!(
        "tidy: {} rules over {} files: {errors} error(s), {warnings} warning(s)",
        rules.len(),
        tree.files.len()
    );
    if errors > 0 { Err(XtaskError::Tidy { count: errors }) } else { Ok(()) }
}

fn line(rule: &Rule, finding: &Finding) -> String {
    let place = match finding.line {
        Some(line) => format!("{}:{line}", finding.path),
        None => finding.path.clone(),
    };
    let label = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("{label}[{}]: {place}: {}", rule.name, finding.message)
}

fn apply(rule: &Rule, tree: &Tree) -> Vec<Finding> {
    match rule.check {
        Check::File(check) => tree.files.iter().flat_map(check).collect(),
        Check::Tree(check) => check(tree),
    }
}

#[cfg(test)]
mod testing {
    //! Snippets in, findings as lines out.

    use super::{Finding, Severity};
    use crate::tree::{SourceFile, Tree};

    fn show(findings: &[Finding]) -> Vec<String> {
        findings
            .iter()
            .map(|finding| {
                let mark = if finding.severity == Severity::Warning { "warning " } else { "" };
                let line = finding.line.map(|line| format!("{line}: ")).unwrap_or_default();
                format!("{mark}{line}{}", finding.message)
            })
            .collect()
    }

    /// Findings of a file rule on one snippet.
    pub(super) fn on_file(check: fn(&SourceFile) -> Vec<Finding>, path: &str, text: &str) -> Vec<String> {
        show(&check(&SourceFile::new(path, text)))
    }

    /// Findings of a tree rule on the given (path, text) pairs.
    pub(super) fn on_tree(check: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree {
            paths: files.iter().map(|(path, _)| (*path).to_owned()).collect(),
            files: files.iter().map(|(path, text)| SourceFile::new(*path, *text)).collect(),
        };
        check(&tree).iter().map(|f| format!("{}: {}", f.path, f.message)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_fail_the_run_and_warnings_do_not() {
        let rules = [Rule { name: "size", why: "x", check: Check::File(layout::file_size) }];
        let of_lines = |count: usize| Tree {
            paths: Default::default(),
            files: vec![SourceFile::new("a/src/x.rs", "// x\n".repeat(count))],
        };
        assert!(judge(&rules, &of_lines(500)).is_ok());
        let error = judge(&rules, &of_lines(701)).unwrap_err();
        assert!(matches!(error, XtaskError::Tidy { count: 1 }));
    }

    #[test]
    fn a_finding_is_printed_with_rule_and_place() {
        let rule = &RULES[0];
        let text = line(rule, &Finding::at("a.rs", 3, "bad").warning());
        assert_eq!(text, format!("warning[{}]: a.rs:3: bad", rule.name));
        let text = line(rule, &Finding::of_file("a.rs", "bad"));
        assert_eq!(text, format!("error[{}]: a.rs: bad", rule.name));
    }

    #[test]
    fn rule_names_are_unique() {
        let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }
}
