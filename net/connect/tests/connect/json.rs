//! JSON in.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use expect_test::expect;
use net_connect::RejectReason;
use proptest::prelude::*;

use crate::rows::{options, read, read_with, schema};

const JSON: (&str, &str) = ("format", "json");

#[test]
fn every_type_is_read_from_its_json() {
    let schema = schema(
        "b BOOL; i INT; l BIGINT; f FLOAT; d DOUBLE; n DECIMAL(12,3); s STRING; x BYTES; \
         t TIMESTAMP; day DATE; clock TIME; span INTERVAL; a ARRAY<BIGINT>; \
         m MAP<STRING, DOUBLE>; r STRUCT<a INT, b ARRAY<BIGINT>>; j JSON",
    );
    let text = r#"
        {"b":true,"i":-1,"l":9223372036854775807,"f":0.1,"d":1e300,"n":123456789.1235,"s":"a\u00e9\n","x":"Zm9v","t":"2024-05-01T12:30:00.5+02:00","day":"2024-05-01","clock":"12:30","span":"P1DT2H","a":[1,null],"m":{"k":1,"z":"NaN"},"r":{"A":1,"b":[2],"c":{}},"j":{"k": [1, "x"]}}
        {"d":"-Infinity","f":"Infinity"}
        {"b":null,"i":null,"l":null,"f":null,"d":null,"n":null,"s":null,"x":null,"t":null,"day":null,"clock":null,"span":null,"a":null,"m":null,"r":null,"j":null}
    "#;
    let rows = read(text, &[JSON], &schema);
    expect![[r#"
        {"b":true,"i":-1,"l":9223372036854775807,"f":0.1,"d":1e300,"n":123456789.124,"s":"aé\n","x":"Zm9v","t":"2024-05-01T10:30:00.500Z","day":"2024-05-01","clock":"12:30:00","span":"P1DT2H","a":[1,null],"m":{"k":1.0,"z":"NaN"},"r":{"a":1,"b":[2]},"j":{"k": [1, "x"]}}
        {"b":null,"i":null,"l":null,"f":"Infinity","d":"-Infinity","n":null,"s":null,"x":null,"t":null,"day":null,"clock":null,"span":null,"a":null,"m":null,"r":null,"j":null}
        {"b":null,"i":null,"l":null,"f":null,"d":null,"n":null,"s":null,"x":null,"t":null,"day":null,"clock":null,"span":null,"a":null,"m":null,"r":null,"j":null}
    "#]].assert_eq(&format!("{}{}", rows.json(), rows.reject_lines()));
}

#[test]
fn doubles_are_the_nearest_ones() {
    let schema = schema("d DOUBLE");
    // Numbers that a fast and careless parser gets wrong in the last bit.
    for text in [
        "9007199254740993",
        "0.30000000000000004",
        "1.7976931348623157e308",
        "5e-324",
        "2.2250738585072011e-308",
        "123456789012345678901234567890",
        "31.245270191439438",
    ] {
        let rows = read(&format!("{{\"d\":{text}}}"), &[JSON], &schema);
        let read = rows.batch.column(0).as_primitive::<arrow_array::types::Float64Type>().value(0);
        assert_eq!(read.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
}

#[test]
fn what_does_not_fit_is_a_reject_with_its_column() {
    let schema = schema(
        "i INT NOT NULL; l BIGINT; d DOUBLE; n DECIMAL(12,3); s STRING; t TIMESTAMP; \
         a ARRAY<BIGINT>; m MAP<STRING, DOUBLE>; r STRUCT<a INT, b ARRAY<BIGINT>>; x BYTES",
    );
    let bad = [
        r#"{"l":1}"#,
        r#"{"i":null}"#,
        r#"{"i":"1"}"#,
        r#"{"i":2147483648}"#,
        r#"{"i":1.0}"#,
        r#"{"i":1,"l":9223372036854775808}"#,
        r#"{"i":1,"l":99999999999999999999}"#,
        r#"{"i":1,"d":"1"}"#,
        r#"{"i":1,"d":1e999}"#,
        r#"{"i":1,"d":[1]}"#,
        r#"{"i":1,"n":9999999999}"#,
        r#"{"i":1,"s":1}"#,
        r#"{"i":1,"s":{"x":1}}"#,
        r#"{"i":1,"t":1446249499322}"#,
        r#"{"i":1,"t":"yesterday"}"#,
        r#"{"i":1,"a":[1,"2"]}"#,
        r#"{"i":1,"a":{}}"#,
        r#"{"i":1,"m":{"k":true}}"#,
        r#"{"i":1,"r":{"a":1.5}}"#,
        r#"{"i":1,"x":"!"}"#,
        r#"{"i":1} {"i":2}"#,
        r#"{"i":1"#,
        r#"{'i':1}"#,
        r#"[1]"#,
        "1",
        "null",
        "{\"i\":1,\"s\":\"\u{1}\"}",
    ];
    let good = "{\"i\":7}\n";
    let mut text = bad.map(|line| format!("{line}\n{good}")).concat().into_bytes();
    text.extend_from_slice(b"{\"i\":1,\"s\":\"\xff\"}\n{\"i\":7}");
    let options = options(&[JSON], &schema);
    let rows = read_with(&text, &options, &schema, 13, 4).unwrap();
    assert_eq!(rows.batch.num_rows(), bad.len() + 1);
    assert!(rows.json().lines().all(|line| line.starts_with("{\"i\":7,\"l\":null")));
    expect![[r#"
        line 1 (byte 0): column 'i': the value is missing, and the column is NOT NULL <- "{\"l\":1}"
        line 3 (byte 16): column 'i': the value is missing, and the column is NOT NULL <- "{\"i\":null}"
        line 5 (byte 35): column 'i': '1' is not INT <- "{\"i\":\"1\"}"
        line 7 (byte 53): column 'i': '2147483648' does not fit INT <- "{\"i\":2147483648}"
        line 9 (byte 78): column 'i': '1.0' is not INT <- "{\"i\":1.0}"
        line 11 (byte 96): column 'l': '9223372036854775808' does not fit BIGINT <- "{\"i\":1,\"l\":9223372036854775808}"
        line 13 (byte 136): column 'l': '1e20' does not fit BIGINT <- "{\"i\":1,\"l\":99999999999999999999}"
        line 15 (byte 177): column 'd': '\"1\"' is not DOUBLE <- "{\"i\":1,\"d\":\"1\"}"
        line 17 (byte 201): column 'd': '1e999' does not fit DOUBLE <- "{\"i\":1,\"d\":1e999}"
        line 19 (byte 227): column 'd': '[1]' is not DOUBLE <- "{\"i\":1,\"d\":[1]}"
        line 21 (byte 251): column 'n': '9999999999' does not fit DECIMAL(12, 3) <- "{\"i\":1,\"n\":9999999999}"
        line 23 (byte 282): column 's': '1' is not STRING <- "{\"i\":1,\"s\":1}"
        line 25 (byte 304): column 's': an object is not STRING <- "{\"i\":1,\"s\":{\"x\":1}}"
        line 27 (byte 332): column 't': '1446249499322' is not TIMESTAMP <- "{\"i\":1,\"t\":1446249499322}"
        line 29 (byte 366): column 't': 'yesterday' is not TIMESTAMP <- "{\"i\":1,\"t\":\"yesterday\"}"
        line 31 (byte 398): column 'a': '2' is not BIGINT <- "{\"i\":1,\"a\":[1,\"2\"]}"
        line 33 (byte 426): column 'a': an object is not ARRAY<BIGINT> <- "{\"i\":1,\"a\":{}}"
        line 35 (byte 449): column 'm': 'true' is not DOUBLE <- "{\"i\":1,\"m\":{\"k\":true}}"
        line 37 (byte 480): column 'r': '1.5' is not INT <- "{\"i\":1,\"r\":{\"a\":1.5}}"
        line 39 (byte 510): column 'x': '!' is not BYTES <- "{\"i\":1,\"x\":\"!\"}"
        line 41 (byte 534): not valid JSON: trailing characters at line 1 column 9 <- "{\"i\":1} {\"i\":2}"
        line 43 (byte 558): not valid JSON: EOF while parsing an object at line 1 column 6 <- "{\"i\":1"
        line 45 (byte 573): not valid JSON: key must be a string at line 1 column 2 <- "{'i':1}"
        line 47 (byte 589): a record must be a JSON object, found an array <- "[1]"
        line 49 (byte 601): a record must be a JSON object, found a number <- "1"
        line 51 (byte 611): a record must be a JSON object, found null <- "null"
        line 53 (byte 624): not valid JSON: control character (\u0000-\u001F) found while parsing a string at line 1 column 13 <- "{\"i\":1,\"s\":\"\u{1}\"}"
        line 55 (byte 648): not valid JSON: invalid unicode code point at line 1 column 13 <- "{\"i\":1,\"s\":\"�\"}"
    "#]].assert_eq(&rows.reject_lines());
}

#[test]
fn paths_reach_into_objects_and_arrays() {
    let schema = schema("total BIGINT; zone BIGINT; peer STRING; peers JSON; first BIGINT; All JSON");
    let pairs = [
        JSON,
        ("json.mapping.total", "$.requests.total"),
        ("json.mapping.zone", "$.zones['hg.nginx.org'].n"),
        ("json.mapping.peer", "$.peers[1].name"),
        ("json.mapping.peers", "$.peers"),
        ("json.mapping.first", "$.peers[0].id"),
        ("json.mapping.all", "$"),
    ];
    let text = r#"{"requests":{"total":5,"x":[1]},"zones":{"hg.nginx.org":{"n":6}},"peers":[{"id":1},{"name":"b","id":2},3]}
{"requests":7,"peers":[],"zones":null}
"#;
    let rows = read(text, &pairs, &schema);
    expect![[r#"
        {"total":5,"zone":6,"peer":"b","peers":[{"id":1},{"name":"b","id":2},3],"first":1,"All":{"requests":{"total":5,"x":[1]},"zones":{"hg.nginx.org":{"n":6}},"peers":[{"id":1},{"name":"b","id":2},3]}}
        {"total":null,"zone":null,"peer":null,"peers":[],"first":null,"All":{"requests":7,"peers":[],"zones":null}}
    "#]].assert_eq(&format!("{}{}", rows.json(), rows.reject_lines()));
}

#[test]
fn names_match_in_any_case_and_exactly_before_that() {
    let schema = schema("Name STRING; n BIGINT");
    let text = "{\"NAME\":\"x\",\"N\":1}\n{\"Name\":\"exact\",\"name\":\"other\"}\n\
                {\"name\":\"other\",\"Name\":\"exact\"}\n{\"n\":1,\"n\":2}\n";
    let rows = read(text, &[JSON], &schema);
    expect![[r#"
        {"Name":"x","n":1}
        {"Name":"exact","n":null}
        {"Name":"exact","n":null}
        {"Name":null,"n":2}
    "#]]
    .assert_eq(&rows.json());
}

#[test]
fn one_array_is_read_as_its_elements() {
    let schema = schema("n BIGINT; s STRING");
    let rows = read(" [ {\"n\":1,\"s\":\"],[\"}\n,{\"n\":2},\n3 , {\"n\":4}] \n", &[JSON], &schema);
    assert_eq!(rows.json(), "{\"n\":1,\"s\":\"],[\"}\n{\"n\":2,\"s\":null}\n{\"n\":4,\"s\":null}\n");
    let line_of = |index: usize| rows.rejects[index].position.line;
    assert_eq!((rows.rejects.len(), line_of(0)), (1, 3));
    let bad = |text: &str| {
        let rows = read(text, &[JSON], &schema);
        (rows.batch.num_rows(), rows.reject_lines())
    };
    let shown: Vec<String> = [
        "[]",
        "[",
        "[{\"n\":1}",
        "[{\"n\":1},",
        "[{\"n\":1},{\"n\":2",
        "[{\"n\":1},]",
        "[,{\"n\":1}]",
        "[{\"n\":1}{\"n\":2}]",
        "[{\"n\":1}][{\"n\":2}]",
        "[{\"n\":\"x},\n{\"n\":2}]",
    ]
    .map(|text| {
        let (rows, rejects) = bad(text);
        format!("{text:?}: {rows} rows\n{rejects}")
    })
    .into();
    expect![[r#"
        "[]": 0 rows
        "[": 0 rows
        line 1 (byte 1): the input ends before the array is closed <- ""
        "[{\"n\":1}": 1 rows
        line 1 (byte 8): the input ends before the array is closed <- ""
        "[{\"n\":1},": 1 rows
        line 1 (byte 9): the input ends before the array is closed <- ""
        "[{\"n\":1},{\"n\":2": 1 rows
        line 1 (byte 9): the input ends before the array is closed <- "{\"n\":2"
        "[{\"n\":1},]": 1 rows
        line 1 (byte 9): not valid JSON: an element is missing <- ""
        "[,{\"n\":1}]": 1 rows
        line 1 (byte 1): not valid JSON: an element is missing <- ""
        "[{\"n\":1}{\"n\":2}]": 2 rows
        line 1 (byte 8): not valid JSON: a comma is missing between elements <- ""
        "[{\"n\":1}][{\"n\":2}]": 2 rows
        "[{\"n\":\"x},\n{\"n\":2}]": 1 rows
        line 1 (byte 1): not valid JSON: EOF while parsing a string at line 1 column 9 <- "{\"n\":\"x},"
    "#]]
    .assert_eq(&shown.concat());
}

#[test]
fn an_oversized_record_costs_itself_alone() {
    let schema = schema("n BIGINT");
    let mut options = options(&[JSON], &schema);
    options.record_bytes_max = 20;
    let long = "x".repeat(60);
    let lines = format!("{{\"n\":1}}\n{{\"n\":2,\"x\":\"{long}\"}}\n{{\"n\":3}}\n");
    let array = format!("[{}]", lines.trim_end().replace('\n', ",\n"));
    for text in [lines, array] {
        for block in [1, 5, 21, 4096] {
            let rows = read_with(text.as_bytes(), &options, &schema, block, 100).unwrap();
            let numbers = rows.batch.column(0).as_primitive::<Int64Type>();
            assert_eq!(numbers.values().as_ref(), [1, 3]);
            assert_eq!(rows.rejects.len(), 1);
            assert_eq!(rows.rejects[0].reason, RejectReason::Oversized { bytes_max: 20 });
            assert!(rows.rejects[0].original.starts_with(b"{\"n\":2,"));
            assert_eq!(rows.rejects[0].position.line, 2);
        }
    }
}

#[test]
fn event_time_may_be_an_epoch_in_any_unit() {
    let times = |columns: &str, pairs: &[(&str, &str)], value: &str| {
        let schema = schema(columns);
        let pairs = [&[JSON, ("event.time", "t")], pairs].concat();
        read(&format!("{{\"t\":{value}}}\n"), &pairs, &schema).event_time_ns.unwrap()
    };
    let epoch = ("event.time.format", "epoch");
    let seconds = ("event.time.unit", "s");
    assert_eq!(times("t TIMESTAMP", &[epoch], "1446249499322"), [1_446_249_499_322_000_000]);
    assert_eq!(times("t TIMESTAMP", &[epoch, seconds], "1.25"), [1_250_000_000]);
    assert_eq!(times("t BIGINT", &[seconds], "2"), [2_000_000_000]);
    assert_eq!(times("t STRING", &[epoch], "\"3\""), [3_000_000]);
    assert_eq!(times("t TIMESTAMP", &[], "\"1970-01-01T00:00:04Z\""), [4_000_000_000]);
}

#[test]
fn a_deep_nest_is_refused_and_not_followed() {
    let schema = schema("j JSON; n BIGINT; a ARRAY<BIGINT>");
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
    for text in [
        format!("{{\"a\":{}}}\n{{\"n\":1}}\n", deep("[", "]")),
        format!("{{\"a\":{}}}\n{{\"n\":1}}\n", deep("{\"x\":", "}")),
    ] {
        let rows = read(&text, &[JSON], &schema);
        assert_eq!((rows.batch.num_rows(), rows.rejects.len()), (1, 1));
    }
    // Passing over costs no stack.
    let rows = read(&format!("{{\"z\":{},\"n\":1}}\n", deep("[", "]")), &[JSON], &schema);
    assert_eq!((rows.batch.num_rows(), rows.rejects.len()), (1, 0));
}

proptest! {
    #[test]
    fn blocks_and_chunks_change_nothing(
        text in "[\\[\\]{},:\"na1\n \\\\]{0,120}|(\\{\"n\":[0-9]{1,3}\\}[,\n]){0,9}\\]?",
        array: bool,
        block in 1_usize..40,
        rows_max in 1_usize..9,
        bytes_max in 4_usize..30,
    ) {
        let schema = schema("n BIGINT; a ARRAY<BIGINT>");
        let mut options = options(&[JSON], &schema);
        options.record_bytes_max = bytes_max;
        let text = format!("{}{text}", if array { "[" } else { "" });
        let whole = read_with(text.as_bytes(), &options, &schema, 4096, 1000).unwrap();
        let parts = read_with(text.as_bytes(), &options, &schema, block, rows_max).unwrap();
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn an_array_and_its_lines_are_the_same_rows(
        numbers in prop::collection::vec((any::<i64>(), "\\PC{0,6}"), 0..10),
        block in 1_usize..40,
    ) {
        let schema = schema("n BIGINT; s STRING");
        let records: Vec<String> = numbers
            .iter()
            .map(|(n, s)| format!("{{\"n\":{n},\"s\":{}}}", serde_json::to_string(s).unwrap()))
            .collect();
        let options = options(&[JSON], &schema);
        let lines = read_with(records.join("\n").as_bytes(), &options, &schema, block, 100).unwrap();
        let array = format!("[{}]", records.join(" ,"));
        let array = read_with(array.as_bytes(), &options, &schema, block, 100).unwrap();
        prop_assert_eq!(&lines.batch, &array.batch);
        prop_assert_eq!(lines.batch.num_rows(), numbers.len());
        prop_assert!(array.rejects.is_empty());
    }

    #[test]
    fn garbage_never_panics_and_never_costs_a_good_line(
        garbage in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..12),
        block in 1_usize..64,
    ) {
        let schema = schema("id BIGINT; j JSON; a ARRAY<BIGINT>; s STRING");
        let mut text = b"{}\n".to_vec();
        for (id, bytes) in garbage.iter().enumerate() {
            text.extend_from_slice(bytes);
            text.extend_from_slice(format!("\n{{\"id\":{id},\"j\":[]}}\n").as_bytes());
        }
        let mut options = options(&[JSON], &schema);
        options.record_bytes_max = 50;
        let read = read_with(&text, &options, &schema, block, 7).unwrap();
        let ids: BTreeSet<i64> = read.batch.column(0).as_primitive::<Int64Type>().iter().flatten().collect();
        for id in 0..garbage.len() as i64 {
            prop_assert!(ids.contains(&id), "line {id} was lost");
        }
    }

    #[test]
    fn json_shaped_noise_never_panics(text in "[\\[\\]{},:\"ajnst10.eE\n \\\\u-]{0,200}", block in 1_usize..64) {
        let schema = schema("j JSON; a ARRAY<BIGINT>; s STRING; n DOUBLE; t TIMESTAMP");
        let read = read_with(text.as_bytes(), &options(&[JSON], &schema), &schema, block, 7);
        prop_assert!(read.is_ok());
    }
}
