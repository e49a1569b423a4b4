//! What several rooms' tests share.

use std::path::{Path, PathBuf};

/// The folder of this crate, asked when the test runs: with a target folder shared by several
/// clones, the one it was built in may be another.
pub(crate) fn manifest_dir() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests").into()
}

/// A block of SQL in a document.
pub(crate) struct SqlBlock {
    /// What stands behind the word `sql` on its first line.
    pub(crate) info: String,
    /// Line of the document it starts at, from 1.
    pub(crate) line: usize,
    /// The SQL.
    pub(crate) text: String,
}

/// The blocks of a document that are statements: those that begin with `sql` and are not marked
/// as a `fragment`. `path` starts at the root of the workspace.
pub(crate) fn sql_blocks(path: &Path) -> Vec<SqlBlock> {
    let path = manifest_dir().join("../..").join(path);
    let document =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut blocks: Vec<SqlBlock> = Vec::new();
    let mut open = false;
    for (at, line) in document.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(info) => {
                open = true;
                let info = info.trim().to_owned();
                blocks.push(SqlBlock { info, line: at + 2, text: String::new() });
            }
            None if open => {
                let block = blocks.last_mut().expect("a block is open");
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    let is_statements = |info: &str| {
        let mut words = info.split_whitespace();
        words.next() == Some("sql") && words.all(|word| word != "fragment")
    };
    blocks.retain(|block| is_statements(&block.info));
    blocks
}
