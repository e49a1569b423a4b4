//! Bytes from a seed: every record becomes a row, a reject or is skipped as asked, in order, and
//! how the bytes come changes nothing.

use std::io::{Cursor, Write};

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use cep_types::options::StreamOptions;
use net_connect::{Reject, reader_source};

use crate::cases::{Random, each};
use crate::rows::{options, schema};

/// A way to read, with texts that are read well.
struct Format {
    columns: &'static str,
    pairs: &'static [(&'static str, &'static str)],
    seeds: &'static [&'static str],
}

const CSV_COLUMNS: &str = "ts TIMESTAMP; k STRING NOT NULL; i INT; n BIGINT; f FLOAT; d DOUBLE; p DECIMAL(12,3); \
     b BOOL; x BYTES; day DATE; clock TIME; span INTERVAL; j JSON";
const JSON_COLUMNS: &str = "ts TIMESTAMP; k STRING NOT NULL; n BIGINT; d DOUBLE; p DECIMAL(12,3); b BOOL; j JSON; \
     a ARRAY<BIGINT>; m MAP<STRING, DOUBLE>; r STRUCT<a INT, b ARRAY<BIGINT>>";

const CSV_SEEDS: &[&str] = &[
    "ts,k,i,n,f,d,p,b,x,day,clock,span,j\n\
     2024-05-01 00:00:00,a,1,2,0.5,1e3,1.125,true,AAEC,2024-02-29,23:59:59.5,1 day,{}\n\
     2024-05-01T00:00:01+02:00,\"b \"\"q\"\"\n2\",,,,,,,,,,,\n\
     1677-09-21 00:12:43.145224192,c,-2147483648,-9223372036854775808,NaN,-inf,-999999999.999,FALSE,,0001-01-01,00:00,PT1H,\"[1,2]\"\n\
     2262-04-11 23:47:16.854775807,d,2147483647,9223372036854775807,inf,1e308,0,1,////,9999-12-31,12:00:00,-3 months,null\r\n",
    "",
    "ts,k,i,n,f,d,p,b,x,day,clock,span,j",
];
const JSON_SEEDS: &[&str] = &[
    "{\"ts\":\"2024-05-01 00:00:00\",\"k\":\"a\",\"n\":1,\"d\":1.5,\"p\":1.125,\"b\":true,\"j\":{\"x\":[1]},\"a\":[1,2],\"m\":{\"k\":1},\"r\":{\"a\":1,\"b\":[1]}}\n\
     {\"k\":\"\\u00e9\\ud83e\\udd80\\\"\",\"ts\":null,\"n\":-9223372036854775808,\"d\":1e308}\n\
     {\"k\":\"b\",\"ts\":\"2262-04-11T23:47:16.854775807Z\",\"unknown\":[{\"deep\":[[[]]]}]}\n",
    "[{\"ts\":\"2024-05-01 00:00:00\",\"k\":\"a\"},\n {\"ts\":\"2024-05-01 00:00:01\",\"k\":\"b\",\"a\":[]}, {\"k\":\"c\",\"n\":\"7\"}]",
];
const LOG_SEEDS: &[&str] =
    &["17/May/2015:10:05:03 +0000 GET 200\n17/May/2015:10:05:04 +0200 PUT -1\n\nno match\n"];
const LOG: (&str, &str) = ("regex.pattern", r"^(?<ts>\S+ \S+) (?<k>\w+) (?<n>-?\d+)$");

const FORMATS: &[Format] = &[
    Format { columns: CSV_COLUMNS, pairs: &[("format", "csv"), ("event.time", "ts")], seeds: CSV_SEEDS },
    Format {
        columns: CSV_COLUMNS,
        pairs: &[("format", "csv"), ("csv.has-header", "false"), ("record.bytes_max", "65536")],
        seeds: CSV_SEEDS,
    },
    Format {
        columns: "k STRING; n BIGINT",
        pairs: &[
            ("format", "csv"),
            ("csv.delimiter", " "),
            ("csv.has-header", "false"),
            ("event.time", "n"),
            ("event.time.format", "epoch"),
            ("event.time.unit", "ms"),
        ],
        seeds: &["a 1\nb 9223372036854775807\n\"c d\" -5\n"],
    },
    Format { columns: JSON_COLUMNS, pairs: &[("format", "json")], seeds: JSON_SEEDS },
    Format {
        columns: JSON_COLUMNS,
        pairs: &[
            ("format", "json"),
            ("record.bytes_max", "65536"),
            ("json.mapping.n", "$.r.b[0]"),
            ("json.mapping.d", "$[\"m\"].k"),
            ("event.time", "ts"),
        ],
        seeds: JSON_SEEDS,
    },
    Format {
        columns: "ts TIMESTAMP; k STRING; n BIGINT",
        pairs: &[
            ("format", "regex"),
            LOG,
            ("regex.no-match", "error"),
            ("event.time", "ts"),
            ("event.time.format", "%d/%b/%Y:%H:%M:%S %z"),
        ],
        seeds: LOG_SEEDS,
    },
    Format {
        columns: "ts STRING; k STRING; n BIGINT",
        pairs: &[("format", "regex"), LOG, ("regex.no-match", "skip"), ("record.bytes_max", "65536")],
        seeds: LOG_SEEDS,
    },
];

/// Pieces that readers look for.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\"\"",
    b",",
    b"\n",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"\\",
    b"\\u",
    b"\\ud800",
    b"null",
    b"1e999",
    b"-",
    b"99999999999999999999",
    b"0.0000000000000000001",
    b"NaN",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x1f\x8b",
    b" ",
    b"2262-04-11 23:47:16.854775808",
    b"0000-01-01",
    b"9999-12-31",
    b"+23:59",
    b"[[[[[[[[[[[[[[[[[[[[",
    b"P9999999999Y",
    b"////",
    b"\xe2\x80\xa8",
];

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..random.below(6) {
        let at = random.below(bytes.len() + 1);
        let to = (at + random.below(30)).min(bytes.len());
        match random.below(8) {
            0 => drop(bytes.drain(at..to)),
            1 => drop(bytes.splice(at..at, bytes[at..to].to_vec())),
            2 => bytes.truncate(at),
            3 if at < to => bytes[at] ^= 1 << random.below(8),
            4 if at < to => bytes[at] = random.bits() as u8,
            5 => {
                // Now and then longer than a record may be.
                let count = if random.one_in(20) { 70_000 } else { random.below(2_000) };
                bytes.splice(at..at, vec![*random.pick(b"a[{\"1,\\ "); count]);
            }
            _ => drop(bytes.splice(at..at, random.pick(PIECES).iter().copied())),
        }
    }
}

/// What was read, up to an error if there is one.
#[derive(Debug, PartialEq)]
struct Got {
    batch: RecordBatch,
    times: Vec<i64>,
    positions: Vec<u64>,
    rejects: Vec<Reject>,
    skipped: u64,
    error: Option<String>,
}

fn read(bytes: &[u8], format: &Format, options: &StreamOptions, block: usize, rows_max: usize) -> Got {
    let schema = schema(format.columns);
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    let mut source = reader_source(options, &schema, "input", reader, block).unwrap();
    let mut batches = Vec::new();
    let empty = RecordBatch::new_empty(source.schema().clone());
    let mut got =
        Got { batch: empty, times: vec![], positions: vec![], rejects: vec![], skipped: 0, error: None };
    loop {
        let chunk = match source.next(rows_max, 0) {
            Ok(chunk) => chunk,
            Err(error) => {
                got.error = Some(error.to_string());
                break;
            }
        };
        let rows_before = got.positions.len();
        got.rejects.extend(chunk.rejects.into_iter().map(|mut reject| {
            reject.rows_before += rows_before;
            reject
        }));
        got.times.extend(chunk.event_time_ns.unwrap_or_default());
        got.positions.extend(chunk.row_positions);
        got.skipped += chunk.skipped;
        batches.push(chunk.batch);
        if chunk.end {
            break;
        }
    }
    got.batch = concat_batches(source.schema(), &batches).unwrap();
    got
}

impl Got {
    /// Rows and rejects are in the order of the input, and a reject's bytes are those of its place.
    fn check(&self, bytes: &[u8]) {
        assert_eq!(self.batch.num_rows(), self.positions.len());
        assert!(self.times.is_empty() || self.times.len() == self.positions.len());
        let mut rows = self.positions.iter().copied();
        let (mut order, mut taken) = (Vec::new(), 0);
        for reject in &self.rejects {
            order.extend(rows.by_ref().take(reject.rows_before - taken));
            taken = reject.rows_before;
            // A missing comma is told apart from the element behind it.
            if !reject.original.is_empty() {
                order.push(reject.position.byte);
            }
            let original = bytes.get(reject.position.byte as usize..).unwrap_or_default();
            // A line begins with its blanks, a record behind them.
            let is_there = original.starts_with(&reject.original)
                || original.trim_ascii_start().starts_with(&reject.original);
            assert!(is_there, "{reject:?} in \"{}\"", bytes.escape_ascii());
            let _ = reject.message(&self.batch.schema());
        }
        order.extend(rows);
        assert!(order.is_sorted_by(|a, b| a < b), "{order:?} of \"{}\"", bytes.escape_ascii());
    }
}

#[test]
fn mutated_bytes_are_read_alike_in_any_blocks() {
    each(3_000, |random| {
        let format = random.pick(FORMATS);
        let options = options(format.pairs, &schema(format.columns));
        let mut bytes = random.pick(format.seeds).as_bytes().to_vec();
        mutate(&mut bytes, random);
        let whole = read(&bytes, format, &options, 1 << 20, 1 << 20);
        whole.check(&bytes);
        let block = block_bytes(&bytes, random);
        let pieces = read(&bytes, format, &options, block, 1 + random.below(3));
        assert!(
            same(&whole, &pieces),
            "blocks of {block}: {whole:?}\n{pieces:?}\n{:?}",
            bytes.escape_ascii().to_string()
        );
    });
}

/// Bytes read at a time: few, but not for a long input.
fn block_bytes(input: &[u8], random: &mut Random) -> usize {
    1 + random.below(40) + input.len() / 100
}

/// NaN is as good as NaN.
fn same(a: &Got, b: &Got) -> bool {
    let text = |got: &Got| format!("{:?}", got);
    a == b || text(a) == text(b)
}

#[test]
fn every_line_is_a_row_a_reject_or_skipped() {
    each(2_000, |random| {
        let format = &FORMATS[FORMATS.len() - 1 - random.below(2)];
        let options = options(format.pairs, &schema(format.columns));
        let mut bytes = LOG_SEEDS[0].as_bytes().repeat(3);
        mutate(&mut bytes, random);
        let got = read(&bytes, format, &options, block_bytes(&bytes, random), 7);
        if got.error.is_some() {
            // A mark of UTF-16 in front, or a gzip header: no lines at all.
            return;
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let lines = text.split(|b| *b == b'\n').filter(|line| !matches!(line, [] | [b'\r'])).count();
        let records = got.positions.len() + got.rejects.len() + got.skipped as usize;
        assert_eq!(records, lines, "{got:?} of {:?}", bytes.escape_ascii().to_string());
    });
}

#[test]
fn damaged_gzip_gives_true_rows_and_then_an_error() {
    each(600, |random| {
        let format = random.pick(&FORMATS[..6]);
        let options = options(format.pairs, &schema(format.columns));
        let text = random.pick(format.seeds).repeat(1 + random.below(3));
        let mut packed = pack(text.as_bytes(), random);
        if random.one_in(4) {
            packed.extend(pack(random.pick(format.seeds).as_bytes(), random));
        }
        mutate(&mut packed, random);
        let whole = read(&packed, format, &options, 1 << 16, 1 << 16);
        let pieces = read(&packed, format, &options, block_bytes(&packed, random), 3);
        assert_eq!(whole.error.is_some(), pieces.error.is_some(), "{whole:?}\n{pieces:?}");
        if whole.error.is_none() {
            assert!(same(&whole, &pieces), "{whole:?}\n{pieces:?}");
        }
    });
}

fn pack(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let level = flate2::Compression::new(random.below(10) as u32);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), level);
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn any_time_format_and_any_text_is_a_time_or_a_reject() {
    let directives = b"YmdHMSyjbBaAepfzZsIDTFRcCGgUuVWwxXklPqnt%:.#3 69+-";
    each(3_000, |random| {
        let mut pattern = String::new();
        for _ in 0..random.below(8) {
            pattern.push('%');
            pattern.push(char::from(*random.pick(directives)));
            pattern.push_str(random.pick::<&str>(&["", "", "-", " ", ":", "é", "%"]));
        }
        let columns = schema("ts STRING");
        let all = [
            ("extension", "stdin"),
            ("format", "csv"),
            ("csv.has-header", "false"),
            ("csv.delimiter", "\t"),
            ("event.time", "ts"),
            ("event.time.format", pattern.as_str()),
            ("event.time.zone", *random.pick::<&str>(&["UTC", "Europe/Berlin", "Pacific/Apia"])),
        ];
        let pairs: Vec<_> = all
            .iter()
            .map(|(key, value)| {
                ((*key).to_owned(), cep_types::options::OptionValue::Str((*value).to_owned()))
            })
            .collect();
        let Ok(options) = StreamOptions::from_pairs(&pairs, columns.fields()) else { return };
        let mut text = b"2024-05-01 00:00:00\n1714521600\n-9223372036854775808\n99999-01-01\n31/Dec/9999:23:59:60 +2359\n\
            Mon, 1 Jan 0000 00:00:00 GMT\n2011-12-30 12:00:00\n".to_vec();
        mutate(&mut text, random);
        let format = Format { columns: "ts STRING", pairs: &[], seeds: &[] };
        let whole = read(&text, &format, &options, 1 << 16, 1 << 16);
        let pieces = read(&text, &format, &options, 5, 2);
        assert!(same(&whole, &pieces), "{pattern}: {whole:?}\n{pieces:?}");
    });
}
