//! Calls of everything with anything: text of expressions over the columns of the corpus' stream.

use crate::harness::Random;
use crate::words::{FUNCTIONS, NUMBERS, TEXTS};

const COLUMNS: &[&str] = &[
    "ts", "k", "v", "n", "i", "f", "b", "p", "w", "x", "d", "t", "l", "j", "a", "z", "m", "r", "r.a",
    "m['k0']",
];

const OPERATORS: &[&str] = &[
    "+",
    "-",
    "*",
    "/",
    "%",
    "=",
    "<>",
    "<",
    ">=",
    "AND",
    "OR",
    "||",
    "&",
    "|",
    "^",
    "<<",
    ">>",
    "LIKE",
    "ILIKE",
    "~",
    "!~*",
    "IS DISTINCT FROM",
    "->",
    "->>",
    "SIMILAR TO",
];

const TYPES: &[&str] = &[
    "BOOL",
    "INT",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL(38,0)",
    "DECIMAL(38,38)",
    "DECIMAL(5,2)",
    "STRING",
    "BYTES",
    "TIMESTAMP",
    "DATE",
    "TIME",
    "INTERVAL",
    "JSON",
    "ARRAY<INT>",
    "SMALLINT",
    "TINYINT",
];

const LITERALS: &[&str] = &[
    "NULL",
    "TRUE",
    "-1",
    "INTERVAL '1' DAY",
    "INTERVAL '9999999' YEAR",
    "INTERVAL '-1' NANOSECOND",
    "INTERVAL '0' SECOND",
    "DATE '0001-01-01'",
    "DATE '9999-12-31'",
    "TIMESTAMP '1677-09-21 00:12:44'",
    "TIMESTAMP '2262-04-11 23:47:16'",
    "TIME '23:59:59.999999999'",
    "[1, NULL, 3]",
    "['a', 'b']",
    "[]",
    "{'a': 1}",
    "MAP {'k': 1}",
    "X'00ff'",
    "-9223372036854775808",
    "'year'",
    "'hour'",
    "'nanosecond'",
    "'UTC'",
    "'%Y-%m-%d'",
    "'a'",
    "','",
    "x -> x + 1",
    "x -> x > 1",
    "(x, y) -> x + y",
    "0.5",
    "2",
    "10",
];

const UNITS: &[&str] =
    &["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOW", "DOY", "HOUR", "SECOND", "NANOSECOND", "EPOCH"];

fn leaf(random: &mut Random) -> String {
    match random.below(9) {
        0 => (*random.pick(NUMBERS)).to_owned(),
        1 => (*random.pick(TEXTS)).to_owned(),
        2 | 3 => (*random.pick(LITERALS)).to_owned(),
        4 => format!("CAST({} AS {})", random.pick(COLUMNS), random.pick(TYPES)),
        _ => (*random.pick(COLUMNS)).to_owned(),
    }
}

/// A call of this function with leaves.
pub fn call(function: &str, random: &mut Random) -> String {
    let count = *random.pick(&[0, 1, 1, 1, 2, 2, 2, 3, 3, 4]);
    let arguments: Vec<String> = (0..count).map(|_| leaf(random)).collect();
    let clause = *random.pick(&[
        "",
        "",
        "",
        "",
        " FILTER (WHERE n > 1)",
        " OVER (PARTITION BY k ORDER BY ts)",
        " OVER (ORDER BY ts ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)",
        " OVER (ORDER BY ts RANGE BETWEEN INTERVAL '2' SECOND PRECEDING AND CURRENT ROW)",
        " WITHIN GROUP (ORDER BY v)",
    ]);
    format!("{function}({}){clause}", arguments.join(", "))
}

/// Any expression of at most so many levels.
pub fn any(levels: usize, random: &mut Random) -> String {
    if levels == 0 {
        return leaf(random);
    }
    let one = |random: &mut Random| any(levels - 1 - random.below(levels), random);
    match random.below(14) {
        0..4 => format!("({} {} {})", one(random), random.pick(OPERATORS), one(random)),
        4..6 => format!("{}({})", random.pick(&FUNCTIONS), one(random)),
        6 => format!("{}({}, {})", random.pick(&FUNCTIONS), one(random), one(random)),
        7 => format!("CAST({} AS {})", one(random), random.pick(TYPES)),
        8 => format!("TRY_CAST({} AS {})", one(random), random.pick(TYPES)),
        9 => format!("CASE WHEN {} THEN {} ELSE {} END", one(random), one(random), one(random)),
        10 => format!("{} {}IN ({}, {})", one(random), random.pick(&["", "NOT "]), one(random), leaf(random)),
        11 => format!("({} BETWEEN {} AND {})", one(random), one(random), leaf(random)),
        12 => format!("EXTRACT({} FROM {})", random.pick(UNITS), one(random)),
        _ => format!("{}{}", random.pick(&["- ", "NOT ", "~", "+ "]), one(random)),
    }
}
