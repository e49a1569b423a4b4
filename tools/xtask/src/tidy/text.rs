//! Rules on plain text: whitespace, and words that belong to one machine.

use super::Finding;
use super::tokens;
use crate::tree::SourceFile;

/// Trailing whitespace, tabs in Rust, a missing newline at the end. Lines inside a string literal
/// are exempt: there whitespace is content (tables in golden tests).
pub(super) fn whitespace(file: &SourceFile) -> Vec<Finding> {
    if file.is_generated() {
        return Vec::new();
    }
    let literals: Vec<(usize, usize)> = tokens::flat(file)
        .iter()
        .filter(|token| token.literal && token.line_last > token.line)
        .map(|token| (token.line, token.line_last))
        .collect();
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let number = index + 1;
        let inside = |last_too: usize| {
            literals.iter().any(|(first, last)| *first <= number && number < *last + last_too)
        };
        if line.ends_with([' ', '\t']) && !inside(0) {
            findings.push(Finding::at(&file.path, number, "trailing whitespace"));
        }
        if file.is_rust() && line.contains('\t') && !inside(1) {
            findings.push(Finding::at(&file.path, number, "tab; rustfmt indents with spaces"));
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        findings.push(Finding::of_file(&file.path, "no newline at the end"));
    }
    findings
}

/// Words that tie the repository to one machine or one registry. Split so that this file itself
/// does not contain them.
const MACHINE_WORDS: [&str; 5] = [
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("npm", "js"),
];

/// Absolute paths of a home or work folder, and registry hosts.
pub(super) fn machine_words(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for word in MACHINE_WORDS {
            let hit = line.match_indices(word).any(|(at, _)| {
                // `net/wo…/x` is a relative path, not the absolute one.
                let before = line[..at].chars().next_back();
                !(word.starts_with('/') && before.is_some_and(|c| c.is_alphanumeric() || "._-}".contains(c)))
            });
            if hit {
                findings.push(Finding::at(&file.path, index + 1, format!("contains `{word}`")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::testing::on_file;
    use super::*;

    #[test]
    fn trailing_whitespace_tabs_and_a_missing_newline_are_found() {
        expect![[r#"
            [
                "1: trailing whitespace",
                "2: tab; rustfmt indents with spaces",
                "no newline at the end",
            ]
        "#]]
        .assert_debug_eq(&on_file(whitespace, "x.rs", "fn f() { \n\tg()\n}"));
    }

    #[test]
    fn whitespace_inside_a_literal_and_tabs_outside_rust_are_content() {
        let literal = "const T: &str = \"a \n\tb \n\";\n";
        assert!(on_file(whitespace, "x.rs", literal).is_empty());
        assert!(on_file(whitespace, "x.sh", "if x; then\n\ty\nfi\n").is_empty());
        assert!(on_file(whitespace, "a/generated/x.rs", "fn f() { \n").is_empty());
    }

    #[test]
    fn whitespace_after_a_literal_is_still_found() {
        let text = "const T: &str = \"a\nb\"; \n";
        assert_eq!(on_file(whitespace, "x.rs", text), ["2: trailing whitespace"]);
    }

    #[test]
    fn machine_words_are_found_in_any_text() {
        for word in MACHINE_WORDS {
            let found = on_file(machine_words, "docs/x.md", &format!("see\nhere: {word}abc\n"));
            assert_eq!(found, [format!("2: contains `{word}`")]);
        }
    }

    #[test]
    fn relative_paths_with_the_same_ending_pass() {
        let text = concat!("frame", "/wo", "rk/x and $HOME/.cache and crates/io\n");
        assert!(on_file(machine_words, "docs/x.md", text).is_empty());
    }
}
