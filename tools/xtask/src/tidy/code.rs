//! Rules on Rust tokens: unfinished code, ignored tests, unsafe.

use super::Finding;
use super::tokens;
use crate::tree::SourceFile;

/// Macros that stand for code that is not there.
const MACROS_UNFINISHED: [&str; 2] = ["todo", "unimplemented"];
/// Words that mark known faults. Split so that this file itself does not contain them.
const WORDS_UNFINISHED: [&str; 2] = [concat!("FIX", "ME"), concat!("X", "XX")];

/// Unfinished code: macros anywhere in the code, words anywhere in the text.
pub(super) fn unfinished(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tokens = tokens::flat(file);
    for name in MACROS_UNFINISHED {
        for line in tokens::find(&tokens, &[name, "!"]) {
            findings.push(Finding::at(&file.path, line, format!("`{name}!` is not code")));
        }
    }
    let code = [".rs", ".sh", ".py", ".sql", ".fbs"].iter().any(|end| file.path.ends_with(end));
    for (index, line) in file.text.lines().enumerate().filter(|_| code) {
        for word in line.split(|c: char| !c.is_alphanumeric() && c != '_') {
            if WORDS_UNFINISHED.contains(&word) {
                let message = format!("`{word}`: mend it or write down the limit");
                findings.push(Finding::at(&file.path, index + 1, message));
            }
        }
    }
    findings
}

/// `#[ignore]` without a reason.
pub(super) fn ignored_tests(file: &SourceFile) -> Vec<Finding> {
    let tokens = tokens::flat(file);
    let bare = tokens::find(&tokens, &["[", "ignore", "]"]);
    let empty = tokens::find(&tokens, &["[", "ignore", "=", "\"\"", "]"]);
    bare.into_iter()
        .chain(empty)
        .map(|line| Finding::at(&file.path, line, "write `#[ignore = \"why\"]`"))
        .collect()
}

/// Files and folders that may contain `unsafe`. The generated FlatBuffers accessors need it; the
/// codecs of frames and messages call only their checked entry points. The io_uring backend gives
/// descriptors away.
const UNSAFE_ALLOWED: [&str; 5] = [
    "cep/types/src/frame/generated/",
    "net/wire/src/generated/",
    "cep/engine/tests/allocations.rs",
    "shard/rt/src/uring/bell.rs",
    "shard/rt/src/uring/net.rs",
];

/// `unsafe` outside [`UNSAFE_ALLOWED`].
pub(super) fn unsafe_code(file: &SourceFile) -> Vec<Finding> {
    if UNSAFE_ALLOWED.iter().any(|allowed| file.path.starts_with(allowed)) {
        return Vec::new();
    }
    tokens::find(&tokens::flat(file), &["unsafe"])
        .into_iter()
        .map(|line| Finding::at(&file.path, line, "`unsafe` outside the listed files"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_file;
    use super::*;

    #[test]
    fn unfinished_code_is_found() {
        let text = format!("fn f() {{\n    todo!()\n}} // {}: later\n", WORDS_UNFINISHED[0]);
        let found = on_file(unfinished, "x.rs", &text);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("2: `todo!`") && found[1].starts_with("3: "), "{found:?}");
        assert_eq!(on_file(unfinished, "x.rs", "fn f() { unimplemented!(\"x\") }").len(), 1);
        let script = format!("# {} x\n", WORDS_UNFINISHED[1]);
        assert_eq!(on_file(unfinished, "x.sh", &script).len(), 1);
    }

    #[test]
    fn words_about_unfinished_code_pass() {
        let text = "/// Refuses `todo!`.\nfn todo() { let s = \"todo!()\"; let _ = XXXL; }\n";
        assert!(on_file(unfinished, "x.rs", text).is_empty());
    }

    #[test]
    fn ignored_tests_need_a_reason() {
        let text = "#[test]\n#[ignore]\nfn f() {}\n#[ignore = \"\"]\nfn g() {}\n";
        assert_eq!(on_file(ignored_tests, "x.rs", text).len(), 2);
        let good = "#[test]\n#[ignore = \"needs two hosts\"]\nfn f() {}\n// #[ignore]\n";
        assert!(on_file(ignored_tests, "x.rs", good).is_empty());
    }

    #[test]
    fn unsafe_is_found_outside_the_listed_files() {
        let text = "fn f() {\n    unsafe { g() }\n}\n";
        let found = on_file(unsafe_code, "cep/types/src/x.rs", text);
        assert_eq!(found, ["2: `unsafe` outside the listed files"]);
        assert!(on_file(unsafe_code, "cep/types/src/frame/generated/x.rs", text).is_empty());
        let good = "#![deny(unsafe_op_in_unsafe_fn)]\n// unsafe\nconst A: &str = \"unsafe\";\n";
        assert!(on_file(unsafe_code, "cep/types/src/x.rs", good).is_empty());
    }
}
