//! Rules on the shape of files: size, function length, module names, crate docs.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Finding;
use super::tokens;
use crate::tree::SourceFile;

/// A Rust file longer than this is an error.
const FILE_LINES_MAX: usize = 700;
/// A Rust file longer than this is listed.
const FILE_LINES_WARN: usize = 400;
/// A function longer than this, from signature to closing brace, is listed.
const FUNCTION_LINES_WARN: usize = 70;

/// Long files.
pub(super) fn file_size(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() || file.is_generated() {
        return Vec::new();
    }
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        let message = format!("{lines} lines; at most {FILE_LINES_MAX}: split it by concept");
        vec![Finding::of_file(&file.path, message)]
    } else if lines > FILE_LINES_WARN {
        let message = format!("{lines} lines; aim at {FILE_LINES_WARN} or fewer");
        vec![Finding::of_file(&file.path, message).warning()]
    } else {
        Vec::new()
    }
}

/// Long functions.
pub(super) fn function_size(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() || file.is_generated() {
        return Vec::new();
    }
    let Ok(syntax) = syn::parse_file(&file.text) else {
        return vec![Finding::of_file(&file.path, "does not parse as Rust")];
    };
    let mut functions = Functions { path: &file.path, findings: Vec::new() };
    functions.visit_file(&syntax);
    functions.findings
}

struct Functions<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn judge(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.span().start().line;
        let lines = block.span().end().line + 1 - first;
        if lines > FUNCTION_LINES_WARN {
            let message =
                format!("`{}` has {lines} lines; aim at {FUNCTION_LINES_WARN} or fewer", signature.ident);
            self.findings.push(Finding::at(self.path, first, message).warning());
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.judge(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.judge(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}

/// Names that say nothing; their plurals too.
const NAMES_FORBIDDEN: [&str; 6] = ["util", "helper", "manager", "common", "misc", "data"];

/// Modules, by file, folder or `mod` item, whose name says nothing.
pub(super) fn module_names(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() || file.is_generated() {
        return Vec::new();
    }
    let forbidden =
        |name: &str| NAMES_FORBIDDEN.iter().any(|bad| name == *bad || name.strip_suffix('s') == Some(bad));
    let mut findings = Vec::new();
    for part in file.path.trim_end_matches(".rs").split('/').filter(|part| forbidden(part)) {
        let message = format!("`{part}` says nothing; name the concept");
        findings.push(Finding::of_file(&file.path, message));
    }
    for pair in tokens::flat(file).windows(2) {
        if pair[0].text == "mod" && forbidden(&pair[1].text) {
            let message = format!("module `{}` says nothing; name the concept", pair[1].text);
            findings.push(Finding::at(&file.path, pair[0].line, message));
        }
    }
    findings
}

/// Crate roots without docs on top.
pub(super) fn crate_docs(file: &SourceFile) -> Vec<Finding> {
    let root = ["/src/lib.rs", "/src/main.rs"].iter().any(|end| file.path.ends_with(end));
    if root && !file.text.starts_with("//! ") {
        return vec![Finding::of_file(&file.path, "does not begin with `//!` docs")];
    }
    if root && file.text.starts_with("//! Placeholder") {
        return vec![Finding::of_file(&file.path, "says `Placeholder` where its docs should be")];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_file;
    use super::*;

    #[test]
    fn files_above_the_limit_fail_and_long_ones_are_listed() {
        let lines = |count: usize| "// x\n".repeat(count);
        assert!(on_file(file_size, "a/src/x.rs", &lines(400)).is_empty());
        let found = on_file(file_size, "a/src/x.rs", &lines(700));
        assert_eq!(found, ["warning 700 lines; aim at 400 or fewer"]);
        let found = on_file(file_size, "a/src/x.rs", &lines(701));
        assert_eq!(found, ["701 lines; at most 700: split it by concept"]);
        assert!(on_file(file_size, "a/generated/x.rs", &lines(701)).is_empty());
        assert!(on_file(file_size, "docs/x.md", &lines(701)).is_empty());
    }

    #[test]
    fn long_functions_are_listed() {
        let function = |body: usize| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(body));
        assert!(on_file(function_size, "x.rs", &function(68)).is_empty());
        let method = format!("struct A;\nimpl A {{ {} }}\n", function(69));
        for text in [function(69), method] {
            let found = on_file(function_size, "x.rs", &text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("`f` has 71 lines"), "{found:?}");
        }
    }

    #[test]
    fn rust_that_does_not_parse_is_found() {
        assert_eq!(on_file(function_size, "x.rs", "fn f( {"), ["does not parse as Rust"]);
    }

    #[test]
    fn forbidden_module_names_are_found_as_file_folder_and_item() {
        for path in ["a/src/util.rs", "a/src/helpers/mod.rs", "a/src/data/x.rs"] {
            assert_eq!(on_file(module_names, path, "").len(), 1, "{path}");
        }
        let found = on_file(module_names, "a/src/lib.rs", "//! x\npub mod misc { }\n");
        assert_eq!(found, ["2: module `misc` says nothing; name the concept"]);
        let good = "mod datatype; mod utility_function; // mod util\nfn data() {}\n";
        assert!(on_file(module_names, "a/src/lib.rs", good).is_empty());
        assert!(on_file(module_names, "tests/data/readme.md", "").is_empty());
    }

    #[test]
    fn crate_roots_begin_with_docs() {
        assert_eq!(on_file(crate_docs, "a/src/lib.rs", "use x;\n").len(), 1);
        assert_eq!(on_file(crate_docs, "a/src/main.rs", "// x\n").len(), 1);
        assert_eq!(on_file(crate_docs, "a/src/lib.rs", "//! Placeholder.\n").len(), 1);
        assert!(on_file(crate_docs, "a/src/lib.rs", "//! What it is.\n").is_empty());
        assert!(on_file(crate_docs, "a/src/other.rs", "use x;\n").is_empty());
    }
}
