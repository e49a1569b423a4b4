//! `docs/functions.md` is made from the library and must not fall behind.

use std::fmt::Write;

use crate::functions::{AGGREGATES, FunctionKind, FunctionRegistry, Order, REFUSALS};

const HEAD: &str = "# Functions\n\n\
    Names match in any case. A function sees only its arguments, the stamp of the row's log entry (`now()`) and the \
    row's event time (`event_time()`), so that a replay gives the same values (R-DET-4). Transcendental functions come \
    from one pure-Rust implementation, NaN results are one NaN, positions in texts count characters from 1.\n\n\
    This file is made by `UPDATE_DOCS=1 cargo test -p cep-lang functions::tests::docs`.\n";

const HASH: &str = "\n## The encoding of hash64\n\n\
    SipHash-2-4 with key 0 over, for each argument: one byte of kind, then the value, little-endian.\n\n\
    | kind | value |\n|---|---|\n\
    | 0 NULL | nothing |\n\
    | 1 BOOL | one byte, 0 or 1 |\n\
    | 2 INT, BIGINT | 8 bytes, two's complement |\n\
    | 3 FLOAT, DOUBLE | 8 bytes of the DOUBLE; −0 as 0, NaN as 0x7ff8000000000000 |\n\
    | 4 STRING, 5 BYTES | 8 bytes of length, then the bytes |\n\
    | 6 DECIMAL | 16 bytes of digits without trailing zeros, 4 bytes of scale |\n\
    | 7 TIMESTAMP | 8 bytes, nanoseconds since 1970-01-01 UTC |\n\
    | 8 DATE | 8 bytes, days since 1970-01-01 |\n\
    | 9 TIME | 8 bytes, nanoseconds since midnight |\n";

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn table(out: &mut String, registry: &FunctionRegistry, kind: FunctionKind) {
    out.push_str("\n| call | also | what it gives |\n|---|---|---|\n");
    for doc in registry.describe().iter().filter(|doc| doc.kind == kind) {
        let _ =
            writeln!(out, "| `{}` | {} | {} |", cell(&doc.syntax), doc.aliases.join(", "), cell(&doc.doc));
    }
}

fn rendered() -> String {
    let registry = FunctionRegistry::new();
    let mut out = String::from(HEAD);
    out.push_str("\n## Scalar functions\n");
    table(&mut out, &registry, FunctionKind::Scalar);
    out.push_str("\n## Functions with lambda arguments\n");
    table(&mut out, &registry, FunctionKind::Lambda);
    out.push_str("\n## Aggregate functions\n");
    out.push_str("\n| call | also | what it gives | order of rows |\n|---|---|---|---|\n");
    for doc in AGGREGATES {
        let order = match doc.order {
            Order::Insensitive => "does not matter",
            Order::EventTime => "(event time, log position)",
            Order::Arrival => "arrival",
        };
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {order} |",
            cell(doc.syntax),
            doc.aliases.join(", "),
            cell(doc.doc)
        );
    }
    out.push_str("\n## Window functions\n\nAggregate functions may stand before OVER too.\n");
    table(&mut out, &registry, FunctionKind::Window);
    out.push_str("\n## Refused functions\n\n| name | because | instead |\n|---|---|---|\n");
    for refusal in REFUSALS {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            refusal.names.join(", "),
            cell(refusal.reason),
            cell(refusal.alternative)
        );
    }
    out.push_str(HASH);
    out
}

#[test]
fn the_function_reference_is_up_to_date() {
    let path = crate::test_support::manifest_dir().join("../../docs/functions.md");
    let rendered = rendered();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &rendered).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == rendered,
        "docs/functions.md is out of date: UPDATE_DOCS=1 cargo test -p cep-lang functions::tests::docs"
    );
}

#[test]
fn every_function_has_a_syntax_and_a_line_of_description() {
    for doc in FunctionRegistry::new().describe() {
        assert!(!doc.doc.is_empty(), "{} has no description", doc.name);
        assert!(!doc.syntax.contains('\n') && !doc.doc.contains('\n'), "{}", doc.name);
    }
}
