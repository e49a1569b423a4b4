//! Scripts of the repository: apps, the SQL in the documentation, statements in the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::harness::Random;

/// Streams that most statements of the tests read, with a column of every type.
pub const STREAMS: &str = "\
CREATE STREAM s (ts TIMESTAMP, k STRING, v DOUBLE, n BIGINT, i INT, f FLOAT, b BOOL, p DECIMAL(12,2), \
w DECIMAL(38,10), x BYTES, d DATE, t TIME, l INTERVAL, j JSON, a ARRAY<BIGINT>, z ARRAY<STRING>, \
m MAP<STRING, DOUBLE>, r STRUCT<a INT, b STRING>) WITH (\"event.time\" = 'ts');
CREATE STREAM trades (ts TIMESTAMP, symbol STRING, price DOUBLE, volume BIGINT) WITH (\"event.time\" = 'ts');
CREATE STREAM arrivals (k STRING, n INT);
";

/// What else may stand behind the event time.
const OPTIONS: &[&str] = &[
    "",
    ", \"watermark.lateness\" = '1 second'",
    ", \"watermark.lateness\" = '106751 days', \"watermark.idle\" = '1 ns'",
    ", \"watermark.lateness\" = '1 second', \"late.policy\" = 'retract', \"correction.horizon\" = '10 seconds'",
    ", \"late.stream\" = 'late'",
    ", \"state.ttl\" = '1 ns'",
    ", \"state.ttl\" = '3 seconds', \"state.keys.max\" = 2",
    ", clock = 'ingest', \"watermark.guard\" = '1 second', \"watermark.idle\" = '2 seconds'",
];

/// The streams, the first of them with each of the options.
pub fn streams() -> impl Iterator<Item = String> {
    OPTIONS.iter().map(|options| STREAMS.replacen("'ts')", &format!("'ts'{options})"), 1))
}

/// Everything below is put together once.
pub struct Corpus {
    /// Whole scripts, which declare what they read.
    pub scripts: Vec<String>,
    /// Single statements over [`STREAMS`] and others.
    pub statements: Vec<String>,
}

impl Corpus {
    /// One of the scripts.
    pub fn script(&self, random: &mut Random) -> &str {
        random.pick::<String>(&self.scripts)
    }

    /// One of the statements.
    pub fn statement(&self, random: &mut Random) -> &str {
        random.pick::<String>(&self.statements)
    }
}

/// The corpus.
pub static CORPUS: LazyLock<Corpus> = LazyLock::new(|| {
    let root = root();
    let mut scripts = Vec::new();
    let mut statements = Vec::new();
    for path in files(&root.join("deploy/apps")) {
        if path.file_name().is_some_and(|name| name == "app.sql") {
            scripts.push(read(&path));
        }
    }
    for path in files(&root.join("docs")).into_iter().chain([root.join("README.md")]) {
        if path.extension().is_some_and(|e| e == "md") {
            statements.extend(code_blocks(&read(&path)));
        }
    }
    for folder in ["cep/lang/src", "cep/engine/tests", "shard/server/tests"] {
        for path in files(&root.join(folder)) {
            let is_test = path.components().any(|part| part.as_os_str() == "tests");
            if is_test && path.extension().is_some_and(|e| e == "rs") {
                statements.extend(literals(&read(&path)));
            }
        }
    }
    statements.sort();
    statements.dedup();
    Corpus { scripts, statements }
});

fn root() -> PathBuf {
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    PathBuf::from(folder).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder, in order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all.sort();
    all
}

/// What stands between ```sql and ```.
fn code_blocks(text: &str) -> impl Iterator<Item = String> {
    text.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned)
}

/// String literals of Rust that begin like a statement.
fn literals(text: &str) -> Vec<String> {
    let statement = r#""\s*((?:SELECT|CREATE|INSERT|WITH|EXPLAIN|SHOW|DROP|DESCRIBE)\b(?:[^"\\]|\\.)*)""#;
    let statement = Regex::new(&format!("(?s){statement}")).expect("a pattern");
    let continued = Regex::new(r"\\\n\s*").expect("a pattern");
    statement
        .captures_iter(text)
        .map(|found| continued.replace_all(&found[1], "").replace("\\\"", "\"").replace("\\n", "\n"))
        .map(|found| found.replace("\\\\", "\\"))
        .filter(|found| found.len() < 4_000 && !found.contains('{'))
        .collect()
}

#[test]
fn the_corpus_has_scripts_and_statements() {
    assert!(CORPUS.scripts.len() >= 8, "{}", CORPUS.scripts.len());
    assert!(CORPUS.statements.len() >= 300, "{}", CORPUS.statements.len());
}
