//! The cases of `tests/golden/patterns/*.txt`: events, query, rows that come out and when. The format
//! stands in `tests/golden/patterns/README.md`. Each case runs one event an entry, and once more with a
//! checkpoint and a restore after every entry.
#![allow(missing_docs)]

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
struct Case {
    name: String,
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
                _ => assert!(line.starts_with("from:"), "{}: {line}", case.name),
            },
        }
    }
    cases
}

/// Streams `a`, `b`, `c`, each with the columns `ts, k, v, w`.
fn script(query: &str) -> String {
    let stream = |name: &str| {
        format!(
            "CREATE STREAM {name} (ts TIMESTAMP, k STRING, v BIGINT, w BIGINT) WITH (\"event.time\" = 'ts', \
             clock = 'event', \"watermark.lateness\" = '0 seconds');\n"
        )
    };
    ["a", "b", "c"].map(stream).concat() + query.trim_end().trim_end_matches(';') + ";"
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

#[test]
fn every_case_gives_its_rows_and_no_others() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/patterns");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    let (mut count, mut failures) = (0, Vec::new());
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a text");
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for case in cases(&text) {
            count += 1;
            let found = run(&case, false);
            let missing: Vec<&String> =
                case.absent.iter().filter(|a| found.iter().any(|f| f.ends_with(*a))).collect();
            if found != case.expected || !missing.is_empty() {
                failures.push(format!(
                    "{file}: {}\n  expected: {:#?}\n  found: {found:#?}\n  must not come: {missing:?}",
                    case.name, case.expected
                ));
            }
            assert_eq!(run(&case, true), found, "restored: {}", case.name);
        }
    }
    assert!(failures.is_empty(), "{} of {count} cases:\n{}", failures.len(), failures.join("\n"));
    assert!(count >= 25, "only {count} cases were found");
}
