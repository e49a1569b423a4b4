//! Promises of `StreamOptions::from_pairs`.

use arrow_schema::{DataType, Field, FieldRef, TimeUnit};
use expect_test::expect;
use proptest::prelude::*;

use super::*;

fn columns() -> Vec<FieldRef> {
    let timestamp = DataType::Timestamp(TimeUnit::Nanosecond, None);
    vec![
        Field::new("ts", timestamp, true).into(),
        Field::new("v", DataType::Int64, true).into(),
        Field::new("Name", DataType::Utf8, true).into(),
    ]
}

fn read_with(text: &[(&str, &str)], columns: &[FieldRef]) -> Result<StreamOptions, OptionError> {
    let pairs: Vec<(String, OptionValue)> =
        text.iter().map(|(key, value)| ((*key).to_owned(), OptionValue::Str((*value).to_owned()))).collect();
    StreamOptions::from_pairs(&pairs, columns)
}

fn read(text: &[(&str, &str)]) -> Result<StreamOptions, OptionError> {
    read_with(text, &columns())
}

const CSV: [(&str, &str); 3] = [("type", "source"), ("extension", "file"), ("file.path", "in.csv")];

fn csv_with(more: &[(&'static str, &'static str)]) -> Result<StreamOptions, OptionError> {
    read(&[&CSV[..], more].concat())
}

#[test]
fn no_options_make_an_internal_stream_with_the_documented_defaults() {
    let options = read(&[]).unwrap();
    assert_eq!(options, StreamOptions::internal());
    assert_eq!(options.role, Role::Internal);
    assert_eq!(options.watermark.lateness_ns, 2_000_000_000);
    assert_eq!(options.watermark.guard_ns, 200_000_000);
    assert_eq!(options.watermark.idle_ns, 30_000_000_000);
    assert_eq!(options.correction_horizon_ns, 3_600_000_000_000);
    assert_eq!(options.state_keys_max, 1_000_000);
    assert_eq!(options.quantile_exact_max, 4096);
    assert_eq!(options.record_bytes_max, 1 << 20);
    assert_eq!(options.clock, ClockKind::Ingest);
}

#[test]
fn the_defaults_of_the_table_are_the_defaults_of_the_reader() {
    let explicit: Vec<(&str, &str)> = OPTION_KEYS
        .iter()
        .filter(|key| key.needs.is_empty() && key.name != "clock" && key.name != "csv.null")
        .map(|key| (key.name, key.default))
        .filter(|(key, default)| !default.is_empty() && !["type", "format"].contains(key))
        .collect();
    assert!(explicit.len() >= 8, "{explicit:?}");
    assert_eq!(read(&[&CSV[..], &explicit].concat()).unwrap(), csv_with(&[]).unwrap());
    let csv: &[(&str, &str)] = &[
        ("csv.delimiter", ","),
        ("csv.quote", "\""),
        ("csv.has-header", "true"),
        ("file.compression", "auto"),
        ("record.bytes_max", "1048576"),
    ];
    assert_eq!(csv_with(csv).unwrap(), csv_with(&[]).unwrap());
}

/// Options under which a key has an effect.
fn setting(key: &str) -> Vec<(&'static str, &'static str)> {
    let sink = [("type", "sink"), ("extension", "file"), ("file.path", "o")];
    let with =
        |base: &[(&'static str, &'static str)], more: &[(&'static str, &'static str)]| [base, more].concat();
    match key {
        "file.mode" => with(&sink, &[("format", "json")]),
        "csv.include-header" => with(&sink, &[("format", "csv")]),
        "emit.policy" => vec![("extension", "blackhole")],
        "log.prefix" => vec![("extension", "log")],
        "timer.interval" => vec![("extension", "timer")],
        "format" => vec![("extension", "stdin")],
        "type" => CSV[1..].to_vec(),
        "extension" => vec![CSV[0], CSV[2]],
        "file.path" => CSV[..2].to_vec(),
        "event.time.unit" => with(&CSV, &[("event.time", "v")]),
        "event.time.year" => with(&CSV, &[("event.time", "ts"), ("event.time.format", "%b %d %T")]),
        "late.stream" => with(&CSV, &[("late.policy", "drop")]),
        _ if key.starts_with("generator.<col>.") => vec![
            ("extension", "generator"),
            if key.ends_with("prefix") {
                ("generator.Name.kind", "uniform")
            } else {
                ("generator.seed", "1")
            },
        ],
        _ if key.starts_with("generator") => vec![("extension", "generator")],
        _ if key.starts_with("json") => with(&CSV, &[("format", "json")]),
        _ if key.starts_with("regex") => vec![("extension", "stdin"), ("format", "regex")],
        _ if key.starts_with("error.retry") => with(&CSV, &[("error.strategy", "retry")]),
        _ if key.starts_with("error.dlq") => with(&CSV, &[("error.strategy", "dlq")]),
        _ if key.starts_with("event.time.") => with(&CSV, &[("event.time", "ts")]),
        _ if key.starts_with("clock") => with(&CSV, &[("event.time", "ts")]),
        _ => CSV.to_vec(),
    }
}

#[test]
fn every_key_of_the_table_takes_its_example_and_changes_something() {
    for key in OPTION_KEYS {
        let column = if key.name.ends_with("prefix") { "Name" } else { "v" };
        let mut columns = columns();
        let mut setting = setting(key.name);
        if setting.contains(&("format", "regex")) {
            columns = vec![columns[1].clone()];
            if key.name != "regex.pattern" {
                setting.push(("regex.pattern", "^(?<v>x)"));
            }
        }
        if key.name == "timer.interval" {
            columns.truncate(2);
        }
        let name = key.name.replace("<col>", column);
        setting.retain(|(given, _)| *given != name);
        let before = read_with(&setting, &columns);
        let after = read_with(&[&setting[..], &[(&name, key.example)]].concat(), &columns);
        assert!(after.is_ok(), "{name}: {:?}", after.unwrap_err());
        if !["error.strategy", "csv.has-header"].contains(&key.name) {
            assert_ne!(before, after, "{name} has no effect");
        }
    }
}

#[test]
fn a_key_without_effect_is_refused_with_what_it_needs() {
    for key in OPTION_KEYS.iter().filter(|key| !key.needs.is_empty()) {
        let name = key.name.replace("<col>", "v");
        // Dropping late rows is the default; every other need must be met by the user.
        let other = match name.as_str() {
            "late.stream" => ("late.policy", "retract"),
            _ => ("state.keys.max", "5"),
        };
        let error = read(&[other, (&name, key.example)]).unwrap_err();
        assert!(error.reason.contains("needs"), "{error}");
        assert_eq!(error.key, name);
    }
}

#[test]
fn errors_say_what_is_wrong_and_what_was_meant() {
    let cases: Vec<Vec<(&'static str, &'static str)>> = vec![
        vec![("csv.delimeter", ";")],
        vec![("csv.maping.v", "x")],
        vec![("generator.v.maxx", "x")],
        vec![("async.workers", "2")],
        vec![("csv.delimiter", ";"), ("format", "json")],
        vec![("csv.delimiter", "ab")],
        vec![("csv.delimiter", ";"), ("CSV.Delimiter", ";")],
        vec![("event.time", "tss")],
        vec![("event.time", "ts"), ("event.time.unit", "ms")],
        vec![("event.time", "v"), ("event.time.format", "iso")],
        vec![("event.time", "ts"), ("event.time.format", "%b %d %T")],
        vec![("event.time", "ts"), ("event.time.year", "2015")],
        vec![("event.time", "ts"), ("event.time.format", "rfc339")],
        vec![("event.time", "ts"), ("event.time.zone", "Europe/Berlni")],
        vec![("event.time", "ts"), ("event.time.format", "%F %T %Z")],
        vec![("clock", "event")],
        vec![("watermark.lateness", "5")],
        vec![("partition.by", "v, nam")],
        vec![("late.policy", "retract"), ("late.stream", "x")],
        vec![("error.strategy", "dlq")],
        vec![("error.strategy", "dropp")],
        vec![("csv.mapping.x", "1")],
        vec![("csv.mapping.v", "a"), ("csv.has-header", "false")],
        vec![("record.bytes_max", "10")],
        vec![("log.prefix", "x")],
    ];
    let mut text = String::new();
    for case in &cases {
        let error = csv_with(case).unwrap_err();
        text.push_str(&format!("{error}\n"));
    }
    for case in [
        &[("extension", "file")][..],
        &[("type", "source"), ("extension", "file")],
        &[("type", "source"), ("extension", "stdout")],
        &[("type", "source"), ("extension", "kafka")],
        &[("extension", "stdin")],
        &[("extension", "stdin"), ("format", "regex"), ("regex.pattern", "(?<v>x")],
        &[("extension", "stdin"), ("format", "regex"), ("regex.pattern", "(?<vv>x)")],
        &[("extension", "stdin"), ("format", "regex"), ("regex.pattern", "(?<v>x)")],
        &[("extension", "timer"), ("timer.interval", "1s")],
        &[("extension", "generator"), ("generator.v.min", "9"), ("generator.v.max", "1")],
        &[("extension", "generator"), ("generator.Name.values", "a"), ("generator.Name.min", "1")],
        &[("type", "sink"), ("extension", "stdout"), ("event.time", "ts")],
    ] {
        text.push_str(&format!("{}\n", read(case).unwrap_err()));
    }
    expect![[r#"
        option 'csv.delimeter': is not an option of a stream (did you mean 'csv.delimiter'?)
        option 'csv.maping.v': is not an option of a stream (did you mean 'csv.mapping.<col>'?)
        option 'generator.v.maxx': is not an option of a stream (did you mean 'generator.<col>.max'?)
        option 'async.workers': streams are not asynchronous here: a shard is a single thread that owns its partitions, so there are no buffers or workers to set (leave it out; use more partitions for more cores)
        option 'csv.delimiter': has no effect on this stream: it needs format = 'csv'
        option 'csv.delimiter': 'ab' is not one ASCII character (write '\t' for a tab)
        option 'CSV.Delimiter': is given twice
        option 'event.time': the stream has no column 'tss' (did you mean 'ts'?)
        option 'event.time.unit': 'ts' is written as text, which has no unit (use 'event.time.format' = 'epoch' for numbers)
        option 'event.time.format': column 'v' is BIGINT, a number since 1970 (leave the format out, or declare the column TIMESTAMP or STRING)
        option 'event.time.format': the pattern has no year (add 'event.time.year' = '2024')
        option 'event.time.year': the format carries the year
        option 'event.time.format': 'rfc339' does not say the day (did you mean 'rfc3339'?)
        option 'event.time.zone': 'Europe/Berlni' is not an IANA time zone (did you mean 'Europe/Berlin'?)
        option 'event.time.format': '%Z' reads a zone's abbreviation, which does not tell the offset (use '%z', or leave it out and set 'event.time.zone')
        option 'clock': 'event' needs to know when a row happened (add 'event.time' = 'ts')
        option 'watermark.lateness': '5' has no unit; write for example '5s' or '5ms'
        option 'partition.by': the stream has no column 'nam' (did you mean 'Name'?)
        option 'late.stream': has no effect on this stream: it needs late.policy = 'drop'
        option 'error.strategy': 'dlq' needs the stream that takes the failed records (add 'error.dlq.stream' = 'name')
        option 'error.strategy': 'dropp' is not one of drop, retry, dlq, fail (did you mean 'drop'?)
        option 'csv.mapping.x': the stream has no column 'x'
        option 'csv.mapping.v': 'a' names a cell, but there is no header (give the position, from 0)
        option 'record.bytes_max': 10 is outside 65536 to 8388608
        option 'log.prefix': has no effect on this stream: it needs extension = 'log'
        option 'extension': a file can be read or written (add 'type' = 'source' or 'sink')
        option 'extension': 'file' needs a path (add 'file.path' = 'name')
        option 'extension': 'stdout' is not a source (use 'stdin')
        option 'extension': 'kafka' is not one of file, stdin, timer, generator, stdout, log, blackhole
        option 'format': is not given, and the path does not tell (add 'format' = one of csv, json or regex)
        option 'regex.pattern': does not compile: regex parse error:
            (?<v>x
            ^
        error: unclosed group
        option 'regex.pattern': the stream has no column 'vv' (did you mean 'v'?)
        option 'regex.pattern': no named group feeds column 'ts' (add (?<ts>…))
        option 'extension': a timer cannot fill column 'Name', which is STRING (use TIMESTAMP for the time, BIGINT or INT for the number of the row)
        option 'generator.v.max': is below min
        option 'generator.Name.min': has no effect on this kind of column
        option 'event.time': has no effect on this stream: it is for source, internal
    "#]].assert_eq(&text);
}

#[test]
fn intervals_and_numbers_are_taken_as_they_are_written_in_sql() {
    let options = StreamOptions::from_pairs(
        &[
            ("watermark.lateness".into(), OptionValue::Interval(5)),
            ("state.keys.max".into(), OptionValue::Number("10".into())),
        ],
        &columns(),
    )
    .unwrap();
    assert_eq!(options.watermark.lateness_ns, 5);
    assert_eq!(options.state_keys_max, 10);
}

#[test]
fn an_event_time_sets_the_event_clock_and_knows_its_column() {
    let options = csv_with(&[("event.time", "TS"), ("event.time.zone", "europe/berlin")]).unwrap();
    let time = options.event_time.unwrap();
    assert_eq!((time.column, time.name.as_str()), (0, "ts"));
    assert_eq!(time.zone, chrono_tz::Europe::Berlin);
    assert_eq!(options.clock, ClockKind::Event);
}

proptest! {
    #[test]
    fn any_values_are_options_or_an_error(
        keys in proptest::collection::vec((0..OPTION_KEYS.len(), ".{0,12}", any::<bool>()), 0..6),
    ) {
        let pairs: Vec<(String, OptionValue)> = keys
            .into_iter()
            .map(|(index, text, own)| {
                let key = &OPTION_KEYS[index];
                let value = if own { text } else { key.example.to_owned() };
                (key.name.replace("<col>", "v"), OptionValue::Str(value))
            })
            .collect();
        if let Err(error) = StreamOptions::from_pairs(&pairs, &columns()) {
            prop_assert!(!error.reason.is_empty());
        }
    }
}
