//! The repository as tidy sees it: every tracked or not yet tracked (but not ignored) file.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

use crate::error::XtaskError;
use crate::process;

/// The workspace root, known from where cargo runs this crate. Where it was compiled says nothing:
/// several clones may share a target folder.
///
/// # Panics
///
/// If this was not started by `cargo run` or `cargo test`.
pub(crate) fn workspace_root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("start this by `cargo xtask`");
    Path::new(&here).ancestors().nth(2).expect("tools/xtask lies two folders below the root").to_path_buf()
}

/// One text file, with its path relative to the root and written with `/`.
pub(crate) struct SourceFile {
    /// Path relative to the root.
    pub(crate) path: String,
    /// Its whole text.
    pub(crate) text: String,
    tokens: OnceCell<Option<TokenStream>>,
}

impl SourceFile {
    /// A file of the given path and text; nothing is read from disk.
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), tokens: OnceCell::new() }
    }

    /// Whether this is Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether this file was written by a generator and is exempt from rules on form.
    pub(crate) fn is_generated(&self) -> bool {
        self.path.contains("/generated/")
    }

    /// The Rust tokens of the file, without comments; `None` when it does not lex.
    pub(crate) fn tokens(&self) -> Option<&TokenStream> {
        self.tokens.get_or_init(|| self.text.parse().ok()).as_ref()
    }
}

/// All files of the repository; only text that is ours is loaded.
pub(crate) struct Tree {
    /// Every path, also those whose text is not loaded.
    pub(crate) paths: BTreeSet<String>,
    /// Text files written in this repository, in path order.
    pub(crate) files: Vec<SourceFile>,
}

impl Tree {
    /// Reads the repository at `root` as git lists it.
    ///
    /// # Errors
    /// When git cannot be run or a listed file cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self, XtaskError> {
        let listed =
            process::capture(root, "git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let mut tree = Tree { paths: BTreeSet::new(), files: Vec::new() };
        for path in listed.split('\0').filter(|path| !path.is_empty()) {
            let full = root.join(path);
            if !full.is_file() {
                continue; // deleted in the working copy, still in the index
            }
            tree.paths.insert(path.to_owned());
            if is_ours(path) {
                let bytes = std::fs::read(&full).map_err(XtaskError::file("read", &full))?;
                if let Ok(text) = String::from_utf8(bytes) {
                    tree.files.push(SourceFile::new(path, text));
                }
            }
        }
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// The file at `path`, when its text is loaded.
    pub(crate) fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// File names and endings whose text is written here by hand. Everything else (recorded data,
/// expected output, lock files) belongs to others or to tools and is judged by its owner's tests.
const OUR_ENDINGS: [&str; 10] =
    [".rs", ".toml", ".md", ".sh", ".yml", ".yaml", ".fbs", ".sql", ".py", ".json"];
const OUR_NAMES: [&str; 4] = [".ci/run", ".gitignore", "docs/rules.txt", "LICENSE"];

fn is_ours(path: &str) -> bool {
    let recorded = path.starts_with("deploy/apps/") && path.ends_with(".json");
    let named = OUR_NAMES.contains(&path);
    !recorded && (named || OUR_ENDINGS.iter().any(|ending| path.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_data_is_not_ours_and_source_is() {
        for (path, ours) in [
            ("cep/types/src/lib.rs", true),
            (".ci/run", true),
            ("deploy/apps/stocks/app.sql", true),
            ("deploy/apps/stocks/prices.csv", false),
            ("deploy/apps/stocks/expected.json", false),
            ("Cargo.lock", false),
        ] {
            assert_eq!(is_ours(path), ours, "{path}");
        }
    }

    #[test]
    fn the_tree_is_read_from_git_with_this_file_in_it() {
        let tree = Tree::read(&workspace_root()).unwrap();
        assert!(tree.paths.contains("Cargo.lock"));
        assert!(tree.file("Cargo.lock").is_none());
        assert!(tree.file("tools/xtask/src/tree.rs").unwrap().tokens().is_some());
    }
}
