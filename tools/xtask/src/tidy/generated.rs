//! Rule: the stamp in a generated file agrees with its schema and with its own text. This needs no
//! schema compiler, so it runs everywhere; `gen --check` regenerates and compares in full.

use super::Finding;
use crate::codegen::{SCHEMAS, Stamp};
use crate::tree::Tree;

/// Generated files that are missing, stale, or edited by hand.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for schema in SCHEMAS {
        let Some(source) = tree.file(schema.source) else {
            findings.push(Finding::of_file(schema.source, "schema is missing"));
            continue;
        };
        let Some(output) = tree.file(schema.output) else {
            findings.push(Finding::of_file(schema.output, "is missing: run `cargo xtask gen`"));
            continue;
        };
        let reason = match Stamp::read(&output.text) {
            None => "has no stamp in its first line",
            Some((stamp, _)) if stamp.schema != Stamp::sum(&source.text) => {
                "was generated from another version of its schema"
            }
            Some((stamp, body)) if stamp.body != Stamp::sum(body) => "was edited by hand",
            Some(_) => continue,
        };
        findings.push(Finding::of_file(schema.output, format!("{reason}: run `cargo xtask gen`")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_tree;
    use super::*;

    #[test]
    fn a_stale_an_edited_and_a_missing_file_are_found() {
        let schema = &SCHEMAS[0];
        let good = Stamp::write("table A {}\n", "pub struct A;\n");
        let judge = |source: &str, output: &str| {
            let mut files = vec![(schema.source, source), (schema.output, output)];
            for other in &SCHEMAS[1..] {
                files.extend([(other.source, "table A {}\n"), (other.output, &good)]);
            }
            on_tree(check, &files).join("; ")
        };
        assert_eq!(judge("table A {}\n", &good), "");
        assert!(judge("table B {}\n", &good).contains("another version"));
        assert!(judge("table A {}\n", &format!("{good}// more\n")).contains("edited by hand"));
        assert!(judge("table A {}\n", "pub struct A;\n").contains("no stamp"));
        assert!(on_tree(check, &[(schema.source, "")])[0].contains("is missing"));
    }
}
