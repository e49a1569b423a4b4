//! Rows out.

use arrow_array::RecordBatch;
use cep_types::op::Op;
use cep_types::options::{CsvOptions, Format, OptionValue, StreamOptions};
use expect_test::expect;
use net_connect::{ConnectError, OutputFormat, Printing, open_sink, open_sink_at, writer_sink};
use proptest::prelude::*;

use crate::rows::{Shared, json_of, options, read, read_with, schema};
use crate::tables::{table, table_schema};

fn csv() -> Format {
    Format::Csv(CsvOptions::default())
}

/// Batches as the named format prints them.
fn printed(
    batches: &[(&str, &RecordBatch, Option<&[Op]>)],
    format: Option<&Format>,
    printing: Printing,
) -> String {
    let shared = Shared::default();
    let mut sink = writer_sink("test", Box::new(shared.clone()), format, printing);
    for (stream, batch, ops) in batches {
        sink.write(batch, *ops, stream).unwrap();
    }
    sink.close().unwrap();
    shared.text()
}

fn sample() -> RecordBatch {
    let schema = schema(
        "b BOOL; l BIGINT; f FLOAT; d DOUBLE; n DECIMAL(12,3); s STRING; x BYTES; t TIMESTAMP; \
         day DATE; clock TIME; span INTERVAL; a ARRAY<BIGINT>; m MAP<STRING, DOUBLE>; \
         r STRUCT<a INT, b ARRAY<BIGINT>>; j JSON",
    );
    let text = r#"{"b":true,"l":-5,"f":0.1,"d":73,"n":1.5,"s":"say \"hi\",\n","x":"Zm9v","t":"2024-05-01T12:30:00Z","day":"2024-05-01","clock":"12:30:00.25","span":"P1DT2H","a":[1,null],"m":{"k":1,"z":"NaN"},"r":{"a":1,"b":[2]},"j":{"k": [1, "x"]}}
{"b":false,"l":9223372036854775807,"f":"Infinity","d":1e21,"n":-0.001,"s":"","x":"","t":"2024-05-01T12:30:00.123456Z","day":"0001-01-01","clock":"00:00","span":"PT0S","a":[],"m":{},"r":{},"j":"text"}
{"d":"NaN","t":"1969-12-31T23:59:59.999999999Z","f":1e-7}
{"d":-0.0,"t":"1970-01-01T00:00:00.001Z"}
{}
"#;
    let rows = read(text, &[("format", "json")], &schema);
    assert_eq!(rows.reject_lines(), "");
    rows.batch
}

#[test]
fn json_lines_are_as_documented() {
    let batch = sample();
    let plain = printed(&[("s", &batch, None)], None, Printing::default());
    expect![[r#"
        {"b":true,"l":-5,"f":0.1,"d":73.0,"n":1.500,"s":"say \"hi\",\n","x":"Zm9v","t":"2024-05-01T12:30:00Z","day":"2024-05-01","clock":"12:30:00.250","span":"P1DT2H","a":[1,null],"m":{"k":1.0,"z":"NaN"},"r":{"a":1,"b":[2]},"j":{"k": [1, "x"]}}
        {"b":false,"l":9223372036854775807,"f":"Infinity","d":1e21,"n":-0.001,"s":"","x":"","t":"2024-05-01T12:30:00.123456Z","day":"0001-01-01","clock":"00:00:00","span":"PT0S","a":[],"m":{},"r":{"a":null,"b":null},"j":"text"}
        {"b":null,"l":null,"f":1e-7,"d":"NaN","n":null,"s":null,"x":null,"t":"1969-12-31T23:59:59.999999999Z","day":null,"clock":null,"span":null,"a":null,"m":null,"r":null,"j":null}
        {"b":null,"l":null,"f":null,"d":-0.0,"n":null,"s":null,"x":null,"t":"1970-01-01T00:00:00.001Z","day":null,"clock":null,"span":null,"a":null,"m":null,"r":null,"j":null}
        {"b":null,"l":null,"f":null,"d":null,"n":null,"s":null,"x":null,"t":null,"day":null,"clock":null,"span":null,"a":null,"m":null,"r":null,"j":null}
    "#]].assert_eq(&plain);
    let two = batch.slice(3, 2).project(&[1, 3]).unwrap();
    let ops = [Op::UpdateBefore, Op::UpdateAfter];
    let tagged = Printing { tag_streams: true, ..Printing::default() };
    let tagged = printed(&[("a", &two, Some(&ops)), ("b\"", &two, None)], None, tagged);
    expect![[r#"
        {"_stream":"a","_op":"-U","l":null,"d":-0.0}
        {"_stream":"a","_op":"+U","l":null,"d":null}
        {"_stream":"b\"","l":null,"d":-0.0}
        {"_stream":"b\"","l":null,"d":null}
    "#]]
    .assert_eq(&tagged);
}

#[test]
fn csv_is_as_documented() {
    let batch = sample();
    expect![[r#"
        b,l,f,d,n,s,x,t,day,clock,span,a,m,r,j
        true,-5,0.1,73.0,1.500,"say ""hi"",
        ",Zm9v,2024-05-01T12:30:00Z,2024-05-01,12:30:00.250,P1DT2H,"[1,null]","{""k"":1.0,""z"":""NaN""}","{""a"":1,""b"":[2]}","{""k"": [1, ""x""]}"
        false,9223372036854775807,Infinity,1e21,-0.001,"","",2024-05-01T12:30:00.123456Z,0001-01-01,00:00:00,PT0S,[],{},"{""a"":null,""b"":null}","""text"""
        ,,1e-7,NaN,,,,1969-12-31T23:59:59.999999999Z,,,,,,,
        ,,,-0.0,,,,1970-01-01T00:00:00.001Z,,,,,,,
        ,,,,,,,,,,,,,,
    "#]].assert_eq(&printed(&[("s", &batch, None)], Some(&csv()), Printing::default()));
    let narrow = batch.project(&[5]).unwrap();
    let options = CsvOptions { delimiter: b'\t', null_text: Some("NULL".into()), ..CsvOptions::default() };
    let text = printed(&[("s", &narrow, None)], Some(&Format::Csv(options)), Printing::default());
    assert_eq!(text, "s\n\"say \"\"hi\"\",\n\"\n\"\"\nNULL\nNULL\nNULL\n");
    let tagged = Printing { tag_streams: true, format: OutputFormat::Csv };
    let ops = [Op::Insert, Op::Delete];
    let (two, other) = (narrow.slice(3, 2), batch.slice(0, 1).project(&[1, 0]).unwrap());
    let streams = [("a", &two, Some(&ops[..])), ("b", &other, None), ("b", &other, None)];
    expect![[r#"
        _stream,_op,s
        a,+I,
        a,-D,
        _stream,l,b
        b,-5,true
        b,-5,true
    "#]]
    .assert_eq(&printed(&streams, None, tagged));
}

#[test]
fn a_table_is_aligned_and_repeats_its_header_when_it_must() {
    let schema = schema("symbol STRING; price DOUBLE; n BIGINT");
    let batch = |lines: &str| read(lines, &[("format", "json")], &schema).batch;
    let narrow = batch("{\"symbol\":\"A\",\"price\":1.5,\"n\":1}\n{\"symbol\":\"日本\",\"n\":-20}\n");
    let same = batch("{\"symbol\":\"tab\\t\",\"price\":2,\"n\":3}\n");
    let wide = batch("{\"symbol\":\"a longer name\",\"price\":1234567.25,\"n\":100}\n{\"n\":1}\n");
    let table = Printing { format: OutputFormat::Table, ..Printing::default() };
    let streams = [("s", &narrow, None), ("s", &same, None), ("s", &wide, None)];
    expect![[r#"
        symbol  price    n
        ------  -----  ---
        A         1.5    1
        日本           -20
        tab\t     2.0    3

        symbol                   price    n
        ----------------  ------------  ---
        a longer name       1234567.25  100
                                          1
    "#]]
    .assert_eq(&printed(&streams, None, table));
    let tagged = Printing { tag_streams: true, ..table };
    let ops = [Op::Insert];
    let streams = [("s", &same, Some(&ops[..])), ("other", &same, None), ("s", &same, Some(&ops[..]))];
    expect![[r#"
        s:
        _op  symbol  price  n
        ---  ------  -----  -
        +I   tab\t     2.0  3

        other:
        symbol  price  n
        ------  -----  -
        tab\t     2.0  3

        s:
        _op  symbol  price  n
        ---  ------  -----  -
        +I   tab\t     2.0  3
    "#]]
    .assert_eq(&printed(&streams, None, tagged));
}

#[test]
fn types_that_only_functions_return_are_written_as_their_relatives() {
    use arrow_array::*;
    use arrow_schema::{Field, Schema};
    use std::sync::Arc;
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("u64", Arc::new(UInt64Array::from(vec![u64::MAX]))),
        ("i8", Arc::new(Int8Array::from(vec![-8]))),
        ("view", Arc::new(StringViewArray::from(vec!["v"]))),
        ("ms", Arc::new(TimestampMillisecondArray::from(vec![1_500]).with_timezone("+02:00"))),
        ("date64", Arc::new(Date64Array::from(vec![86_400_000]))),
        ("time32", Arc::new(Time32SecondArray::from(vec![61]))),
        ("took", Arc::new(DurationMillisecondArray::from(vec![90_500]))),
        ("none", Arc::new(NullArray::new(1))),
        ("dict", Arc::new(vec!["d"].into_iter().collect::<DictionaryArray<types::Int32Type>>())),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    expect![[r#"
        {"u64":18446744073709551615,"i8":-8,"view":"v","ms":"1970-01-01T00:00:01.500Z","date64":"1970-01-02","time32":"00:01:01","took":"PT1M30.5S","none":null,"dict":"d"}
    "#]]
    .assert_eq(&json_of(&batch));
}

#[test]
fn json_that_is_not_json_or_has_line_ends_stays_on_its_line() {
    use arrow_array::{RecordBatch, StringArray};
    use std::sync::Arc;
    let texts = StringArray::from(vec!["{\n \"a\":\r\n 1 }", "{oops\n", ""]);
    let batch = RecordBatch::try_new(schema("j JSON"), vec![Arc::new(texts)]).unwrap();
    expect![[r#"
        {"j":{ "a": 1 }}
        {"j":"{oops\n"}
        {"j":""}
    "#]]
    .assert_eq(&json_of(&batch));
}

fn sink_options(pairs: &[(&str, &str)]) -> StreamOptions {
    let pairs: Vec<(String, OptionValue)> = [&[("type", "sink")], pairs]
        .concat()
        .into_iter()
        .map(|(key, value)| (key.to_owned(), OptionValue::Str(value.to_owned())))
        .collect();
    StreamOptions::from_pairs(&pairs, schema("n BIGINT").fields()).unwrap()
}

#[test]
fn a_file_is_truncated_or_appended_to_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let rows = read("n\n1\n", &[("format", "csv")], &schema("n BIGINT")).batch;
    let write = |pairs: &[(&str, &str)]| {
        let options = sink_options(&[&[("extension", "file")], pairs].concat());
        let mut sink = open_sink(&options, "s", folder.path(), Printing::default()).unwrap();
        sink.write(&rows, None, "s").unwrap();
        sink.close().unwrap();
        assert_eq!(sink.rows(), 1);
    };
    let append = ("file.mode", "append");
    let text = || std::fs::read_to_string(folder.path().join("o.csv")).unwrap();
    let path = ("file.path", "o.csv");
    write(&[path]);
    assert_eq!(text(), "n\n1\n");
    write(&[path, append]);
    assert_eq!(text(), "n\n1\n1\n");
    write(&[path]);
    assert_eq!(text(), "n\n1\n");
    let path = ("file.path", "o.jsonl.gz");
    write(&[path]);
    write(&[path, append]);
    let packed = std::fs::read(folder.path().join("o.jsonl.gz")).unwrap();
    assert_eq!(packed[..2], [0x1f, 0x8b]);
    let schema = schema("n BIGINT");
    let options = options(&[("format", "json")], &schema);
    let back = read_with(&packed, &options, &schema, 64, 10).unwrap();
    assert_eq!(back.json(), "{\"n\":1}\n{\"n\":1}\n");
}

#[test]
fn a_file_that_cannot_be_made_and_a_source_are_no_sinks() {
    let folder = tempfile::tempdir().unwrap();
    let options = sink_options(&[("extension", "file"), ("file.path", "no/such/x.csv")]);
    let Err(error) = open_sink(&options, "s", folder.path(), Printing::default()) else { panic!("opened") };
    assert!(error.to_string().starts_with("cannot open 'no/such/x.csv'"), "{error}");
    let source = self::options(&[("format", "csv")], &schema("n BIGINT"));
    let opened = open_sink(&source, "s", folder.path(), Printing::default());
    assert!(matches!(opened, Err(ConnectError::Options(_))));
}

#[test]
fn a_blackhole_counts() {
    let options = sink_options(&[("extension", "blackhole")]);
    let mut sink = open_sink(&options, "s", std::path::Path::new(""), Printing::default()).unwrap();
    sink.write(&sample(), None, "s").unwrap();
    sink.write(&sample(), None, "s").unwrap();
    assert_eq!(sink.rows(), 10);
}

/// A reader that went away.
struct Gone;

impl std::io::Write for Gone {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_goes_away_is_told_apart_from_a_failure() {
    let mut sink = writer_sink("stdout", Box::new(Gone), None, Printing::default());
    sink.write(&sample(), None, "s").unwrap();
    assert!(matches!(sink.flush(), Err(ConnectError::OutputClosed)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn json_lines_are_read_back_as_they_were(batch in table(6), block in 1_usize..200) {
        let text = json_of(&batch);
        prop_assert!(text.lines().all(|line| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()));
        let schema = table_schema();
        let back = read_with(text.as_bytes(), &options(&[("format", "json")], &schema), &schema, block, 4).unwrap();
        prop_assert_eq!(&back.rejects, &[]);
        prop_assert_eq!(json_of(&back.batch), text);
        prop_assert_eq!(back.batch, batch);
    }

    #[test]
    fn csv_is_read_back_as_it_was(batch in table(6), block in 1_usize..200, null in prop::option::of("NA|-")) {
        let format = Format::Csv(CsvOptions { null_text: null.clone(), ..CsvOptions::default() });
        let text = printed(&[("s", &batch, None)], Some(&format), Printing::default());
        let schema = table_schema();
        let null = null.unwrap_or_default();
        let pairs = [("format", "csv"), ("csv.null", &*null)];
        let back = read_with(text.as_bytes(), &options(&pairs, &schema), &schema, block, 4).unwrap();
        prop_assert_eq!(&back.rejects, &[], "{}", text);
        prop_assert_eq!(back.batch, batch, "{}", text);
    }

    #[test]
    fn what_is_written_does_not_depend_on_the_batches(batch in table(8), cut in 0_usize..9) {
        let cut = cut.min(batch.num_rows());
        let parts = [&batch.slice(0, cut), &batch.slice(cut, batch.num_rows() - cut)];
        for format in [None, Some(&csv())] {
            let whole = printed(&[("s", &batch, None)], format, Printing::default());
            let halves = parts.map(|part| ("s", part, None));
            prop_assert_eq!(printed(&halves, format, Printing::default()), whole);
        }
    }
}

/// Three times two rows into a file; after the second the sink is lost, and another one goes on from the
/// first settlement.
fn gone_on_with(path: &str, mode: &str, before: &str) -> Vec<u8> {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join(path);
    std::fs::write(&file, before).unwrap();
    let schema = schema("n BIGINT");
    let rows = |text: &str| read(text, &[("format", "json")], &schema).batch;
    let pairs = [("extension", "file"), ("format", "csv"), ("file.path", path), ("file.mode", mode)];
    let options = sink_options(&pairs);
    let mut sink = open_sink(&options, "s", dir.path(), Printing::default()).unwrap();
    sink.write(&rows("{\"n\":1}\n{\"n\":2}\n"), None, "s").unwrap();
    let length = sink.settle().unwrap().unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().len(), length);
    sink.write(&rows("{\"n\":3}\n{\"n\":4}\n"), None, "s").unwrap();
    sink.flush().unwrap();
    drop(sink);
    let mut sink = open_sink_at(&options, "s", dir.path(), Printing::default(), length).unwrap();
    sink.write(&rows("{\"n\":5}\n{\"n\":6}\n"), None, "s").unwrap();
    sink.settle().unwrap();
    sink.close().unwrap();
    let found = std::fs::read(&file).unwrap();
    assert!(open_sink_at(&options, "s", dir.path(), Printing::default(), found.len() as u64 + 1).is_err());
    found
}

#[test]
fn a_file_is_gone_on_with_where_it_was_settled() {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert_eq!(text(gone_on_with("o.csv", "truncate", "n\n0\n")), "n\n1\n2\n5\n6\n");
    assert_eq!(text(gone_on_with("o.csv", "append", "n\n0\n")), "n\n0\n1\n2\n5\n6\n");
    let packed = gone_on_with("o.csv.gz", "truncate", "");
    let mut plain = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&packed[..]), &mut plain).unwrap();
    assert_eq!(plain, "n\n1\n2\n5\n6\n");
}
