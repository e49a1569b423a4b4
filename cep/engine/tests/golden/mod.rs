//! Language-neutral cases: events, query, rows that come out and when. The format stands in
//! `patterns/README.md`. Each case runs one event an entry, and once more with a checkpoint and a restore
//! after every entry.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use cep_engine::{Actions, Budget, Partition, Progress};
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::Program;
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs};

const SECOND: f64 = 1e9;

/// One case of a file.
#[derive(Debug, Default)]
pub struct Case {
    name: String,
    /// Where the behaviour is published.
    pub from: String,
    /// Why the expected rows are not those that are published there.
    differs: Option<String>,
    /// Why the case fails today.
    known: Option<String>,
    query: String,
    rows: Vec<String>,
    expected: Vec<String>,
    absent: Vec<String>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut part = "";
    for line in text.lines() {
        let line = line.trim_end();
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case { name: name.to_string(), ..Case::default() });
            part = "";
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        match line {
            "query:" | "rows:" | "expected:" | "absent:" => part = line,
            _ if line.is_empty() || line.starts_with('#') => {}
            _ => match part {
                "query:" => case.query.push_str(&format!("{line}\n")),
                "rows:" => case.rows.push(line.trim().to_string()),
                "expected:" => case.expected.push(line.trim().to_string()),
                "absent:" => case.absent.push(line.trim().to_string()),
                _ => match line.split_once(": ") {
                    Some(("from", text)) => case.from = text.to_string(),
                    Some(("differs", text)) => case.differs = Some(text.to_string()),
                    Some(("known", text)) => case.known = Some(text.to_string()),
                    _ => panic!("{}: {line}", case.name),
                },
            },
        }
    }
    cases
}

/// Streams `a` to `d`, each with the columns `ts, k, v, w`.
fn script(query: &str) -> String {
    let stream = |name: &str| {
        format!(
            "CREATE STREAM {name} (ts TIMESTAMP, k STRING, v BIGINT, w BIGINT) WITH (\"event.time\" = 'ts', \
             clock = 'event', \"watermark.lateness\" = '0 seconds');\n"
        )
    };
    ["a", "b", "c", "d"].map(stream).concat() + query.trim_end().trim_end_matches(';') + ";"
}

fn number(text: &str) -> Option<i64> {
    (text != "-").then(|| text.parse().unwrap_or_else(|_| panic!("{text} is no number")))
}

fn entry(program: &Program, line: &str) -> (i64, EntryKind) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let time = (words[1].parse::<f64>().expect("seconds") * SECOND) as i64;
    if words[0] == "tick" {
        return (time, EntryKind::Tick);
    }
    let stream = program.streams.iter().find(|s| s.name == words[0]).expect("a stream").id;
    let value = |at: usize| words.get(at).and_then(|w| number(w));
    let key = words.get(2).filter(|k| **k != "-").copied();
    let columns: [(&str, ArrayRef, bool); 4] = [
        ("ts", Arc::new(TimestampNanosecondArray::from(vec![time])), true),
        ("k", Arc::new(StringArray::from(vec![key])), true),
        ("v", Arc::new(Int64Array::from(vec![value(3)])), true),
        ("w", Arc::new(Int64Array::from(vec![value(4)])), true),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length");
    (0, EntryKind::Events(Events { stream, rows, times: None }))
}

fn run(case: &Case, restores: bool) -> Vec<String> {
    let script = script(&case.query);
    let program = match compile(&script, &CompileOptions::default()) {
        Ok(program) => Arc::new(program),
        Err(errors) => return errors.iter().map(|e| format!("refused: {e}")).collect(),
    };
    let mut partition = match Partition::new(Arc::clone(&program), &[]) {
        Ok(partition) => partition,
        Err(error) => return vec![format!("refused: {error}")],
    };
    let mut out = Vec::new();
    let ends = program.streams.iter().map(|s| ("end".to_string(), 0, EntryKind::EndOfInput(s.id)));
    let rows = case.rows.iter().enumerate().map(|(at, line)| {
        let (stamp, kind) = entry(&program, line);
        ((at + 1).to_string(), stamp, kind)
    });
    let all: Vec<(String, i64, EntryKind)> = rows.chain(ends).collect();
    for (nth, (label, stamp, kind)) in all.into_iter().enumerate() {
        let entry = Entry { index: LogIndex(nth as u64 + 1), stamp: StampNs(stamp), kind };
        let mut actions = Actions::new();
        while partition.apply(&entry, &mut { Budget::UNLIMITED }, &mut actions) == Progress::More {}
        for run in actions.runs() {
            let chunk = &actions.emits()[run.emit].chunk;
            for row in run.from..run.to {
                let columns: Vec<String> = chunk.columns.iter().map(|c| c.text_at(row)).collect();
                out.push(format!("{label}: {}", columns.join(" | ")));
            }
        }
        out.extend(actions.errors.iter().map(|e| format!("{label}: error {}", e.code)));
        if restores {
            let bytes = partition.checkpoint();
            partition = Partition::new(Arc::clone(&program), &[]).expect("built before");
            partition.restore(&bytes).expect("its own checkpoint");
        }
    }
    out
}

/// The cases of a folder beside this file, each with the name of its file.
pub fn golden_cases(folder: &str) -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    let of_file = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("a text");
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        cases(&text).into_iter().map(move |case| (file.clone(), case)).collect::<Vec<_>>()
    };
    files.iter().flat_map(of_file).collect()
}

/// What is wrong with what the case gave; `known` turns it round.
fn complaint(case: &Case, found: &[String]) -> Option<String> {
    let present: Vec<&String> = case
        .absent
        .iter()
        .filter(|a| found.iter().any(|f| f.split_once(": ").is_some_and(|(_, row)| row == *a)))
        .collect();
    let right = found == case.expected && present.is_empty();
    match (&case.known, right) {
        (None, true) | (Some(_), false) => None,
        (Some(known), true) => {
            Some(format!("{}\n  is mended, so this line can go: known: {known}", case.name))
        }
        (None, false) => Some(format!(
            "{}\n  expected: {:#?}\n  found: {found:#?}\n  must not come: {present:?}",
            case.name, case.expected
        )),
    }
}

/// Runs the cases of a folder.
pub fn check(folder: &str) {
    let cases = golden_cases(folder);
    let mut failures = Vec::new();
    for (file, case) in &cases {
        let found = run(case, false);
        failures.extend(complaint(case, &found).map(|text| format!("{file}: {text}")));
        assert_eq!(run(case, true), found, "restored: {}", case.name);
    }
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), cases.len(), failures.join("\n"));
}
