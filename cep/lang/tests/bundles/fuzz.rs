//! What people and editors do to a good bundle never ends in a panic, and each message has its place.

use cep_lang::bundle::{compile, is_bundle};
use cep_lang::diag::render;
use cep_lang::lower::CompileOptions;
use proptest::prelude::*;

use crate::plans::{QOS, WIDE};

/// Pieces that mean something somewhere in a bundle.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "'",
    "\"",
    ":",
    ": ",
    "- ",
    "#",
    "&a ",
    "*a",
    "!!str ",
    "|",
    ">-\n",
    "---\n",
    "${X}",
    "${X:1}",
    "$$",
    "\t",
    "\n",
    "    ",
    "null",
    "true",
    "1",
    "-1",
    "0.5",
    "1e999",
    "30s",
    "by ",
    "without ",
    "offset -1m",
    "@ 1",
    "distinct",
    "topk(3,",
    "rate(",
    "[5m]",
    "[5m:1m]",
    "{a=~\"[\"}",
    "payload.",
    "payload.x",
    "fast[\"jitter\"]",
    ".value",
    ".labels",
    ".flags",
    "has(",
    "&&",
    "||",
    "?",
    "==",
    "null",
    "coalesce(",
    "file://",
    "stream://in",
    "é",
    "\u{feff}",
    "\u{0}",
    "metrics",
    "columns",
    "STRING",
    "labels",
    "value",
];

#[derive(Debug, Clone)]
enum Edit {
    Delete(usize, usize),
    Double(usize, usize),
    Insert(usize, usize),
    Swap(usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let (at, length) = (0_usize..4_000, 1_usize..40);
    prop_oneof![
        (at.clone(), length.clone()).prop_map(|(at, length)| Edit::Delete(at, length)),
        (at.clone(), length).prop_map(|(at, length)| Edit::Double(at, length)),
        (at.clone(), 0..PIECES.len()).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (at.clone(), at).prop_map(|(a, b)| Edit::Swap(a, b)),
    ]
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for edit in edits {
        let end = chars.len().max(1);
        match *edit {
            Edit::Delete(at, length) => {
                let at = at % end;
                chars.drain(at..(at + length).min(chars.len()).max(at));
            }
            Edit::Double(at, length) => {
                let at = at % end;
                let copy: Vec<char> = chars.iter().skip(at).take(length).copied().collect();
                chars.splice(at..at, copy);
            }
            Edit::Insert(at, piece) => {
                let at = at % end;
                chars.splice(at.min(chars.len())..at.min(chars.len()), PIECES[piece].chars());
            }
            Edit::Swap(a, b) if !chars.is_empty() => {
                let (a, b) = (a % chars.len(), b % chars.len());
                chars.swap(a, b);
            }
            Edit::Swap(..) => {}
        }
    }
    chars.into_iter().collect()
}

fn check(text: &str) {
    let _ = is_bundle(text);
    if let Err(errors) = compile(text, &CompileOptions::default()) {
        assert!(!errors.is_empty());
        for error in &errors {
            let span = error.span.unwrap_or_else(|| panic!("{error} has no place"));
            assert!(text.get(span.start..span.end).is_some(), "{error} at {span:?}");
            let _ = render(error, "bundle.yaml", text, false);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edited_bundle_compiles_or_says_where_it_does_not(
        wide in any::<bool>(),
        edits in proptest::collection::vec(edit(), 1..6),
    ) {
        check(&edited(if wide { WIDE } else { QOS }, &edits));
    }

    #[test]
    fn any_text_is_a_bundle_or_an_error(text in "(bundle|workflow|[-:{}\\[\\]'\"#&*!|>%@, \n\ta-z0-9$é]){0,60}") {
        check(&text);
    }

    #[test]
    fn any_promql_is_computed_or_refused_at_its_place(parts in proptest::collection::vec(0..PROMQL.len(), 1..14)) {
        let expression: String = parts.iter().map(|part| PROMQL[*part]).collect();
        check(&QOS.replace("avg by (cell_id)(avg_over_time(cell_jitter_seconds[30s]))", &expression.replace('\'', "''")));
    }

    #[test]
    fn any_cel_is_checked_at_its_place(parts in proptest::collection::vec(0..CEL.len(), 1..14)) {
        let expression: String = parts.iter().map(|part| CEL[*part]).collect();
        let quoted = format!("when: '{}'", expression.replace('\'', "''"));
        check(&QOS.replace("when: fast[\"jitter\"].value > 0.005 && fast[\"drops\"].value >= 20.0 && payload.tier == \"urban\"", &quoted));
    }
}

const PROMQL: &[&str] = &[
    "sum",
    "avg ",
    "topk(",
    "quantile(0.9, ",
    "distinct",
    " by (cell_id)",
    " without (x)",
    "(",
    ")",
    "rate(",
    "increase(",
    "m",
    "drops",
    "{",
    "}",
    "direction=\"down\"",
    "a=~\"x|y\"",
    ",",
    "[30s]",
    "[1h:5m]",
    "[100ms]",
    " offset 1m",
    " offset -1m",
    "@ start()",
    " + ",
    " > bool ",
    " and on (a) ",
    "1",
    "0.5",
    "NaN",
    "\"text\"",
    "'",
    "`",
    "# c\n",
    "-",
    "quantile_over_time(0.5, ",
    "last_over_time(",
    "é",
    ":",
    "histogram_quantile(",
];

const CEL: &[&str] = &[
    "payload.tier",
    "payload.x",
    "payload",
    "fast[\"jitter\"]",
    "fast.drops",
    ".value",
    ".labels[\"cell_id\"]",
    ".labels",
    ".flags",
    ".has_value",
    ".window_start_ns",
    " == ",
    " > ",
    " && ",
    " || ",
    " ? ",
    " : ",
    "!",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "1",
    "1.0",
    "\"a\"",
    "'b'",
    "null",
    "true",
    " in ",
    ".exists(x, ",
    ".map(x, x)",
    "has(",
    "coalesce(",
    "clamp(",
    "max(",
    "size(",
    ",",
    "watermark_ns",
    "partition_key",
    "headers.part_id",
    "rule_version",
    ".?",
    "[?",
    "é",
    "optional.of(",
    "math.abs(",
    "x",
    "-",
    "+",
    "string(",
    "dyn(",
];
