//! CSV in.

use std::collections::BTreeSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use expect_test::expect;
use net_connect::{ConnectError, RejectReason};
use proptest::prelude::*;

use crate::rows::{options, read, read_with, schema};

#[test]
fn columns_map_by_name_whatever_their_order_and_case() {
    let schema = schema("symbol STRING; price DOUBLE; volume BIGINT");
    let text = "Volume,other,SYMBOL,Price\n10,x,IBM,1.5\r\n20,,,\n\n30,z,\"A,\"\"B\",-0.25\n";
    let rows = read(text, &[("format", "csv")], &schema);
    expect![[r#"
        {"symbol":"IBM","price":1.5,"volume":10}
        {"symbol":null,"price":null,"volume":20}
        {"symbol":"A,\"B","price":-0.25,"volume":30}
    "#]]
    .assert_eq(&rows.json());
    assert_eq!(rows.positions, [26, 40, 47]);
    assert_eq!(rows.rejects, []);
}

#[test]
fn without_a_header_columns_map_by_position_or_index() {
    let wide = schema("a BIGINT; b STRING");
    let no_header = ("csv.has-header", "false");
    let pairs = [("format", "csv"), no_header, ("csv.delimiter", " ")];
    // A delimiter at the end of every line is not a cell.
    let rows = read("1 x  \n2 y \n3\n4 y z\n", &pairs, &wide);
    assert_eq!(rows.json(), "{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n");
    assert_eq!(
        rows.rejects.iter().map(|r| r.reason.clone()).collect::<Vec<_>>(),
        [1, 3].map(|found| RejectReason::CellCount { found, expected: 2 })
    );
    let mapped = [("csv.mapping.a", "3"), ("csv.mapping.b", "0")];
    let rows = read("x 0 0 7 0 0\n", &[&pairs[..], &mapped].concat(), &wide);
    assert_eq!(rows.json(), "{\"a\":7,\"b\":\"x\"}\n");
}

#[test]
fn a_header_that_lacks_a_column_says_so_and_what_it_has() {
    let schema = schema("ts STRING; price DOUBLE");
    let failure = |text: &str, more: &[(&str, &str)]| {
        let pairs = [&[("format", "csv")], more].concat();
        let options = options(&pairs, &schema);
        read_with(text.as_bytes(), &options, &schema, 7, 10).unwrap_err().to_string()
    };
    let text = [
        failure("ts,Prise\n", &[]),
        failure("ts,PRICE,Price\n", &[]),
        failure("ts,x\n", &[("csv.mapping.price", "2")]),
        failure("ts,\"x\n", &[]),
        failure(&"x".repeat(2_000_000), &[]),
        failure("\u{feff}a,b\n", &[]),
    ];
    expect![[r#"
        'input': the header has no cell 'price' for column 'price'; it has ts, Prise (add 'csv.mapping.price' = 'Prise')
        'input': the header has several cells named 'price' (add 'csv.mapping.price' = the cell's position)
        'input': column 'price' is mapped to cell 2, but the header has 2 cells (cells count from 0)
        'input': the header: a quoted cell is not closed
        'input': the header: the record is longer than 1048576 bytes
        'input': the header has no cell 'ts' for column 'ts'; it has a, b"#]].assert_eq(&text.join("\n"));
}

#[test]
fn an_empty_file_and_a_file_of_a_header_have_no_rows() {
    let schema = schema("a BIGINT");
    for text in ["", "\n\n", "a\n", "a", "\u{feff}a\r\n"] {
        let rows = read(text, &[("format", "csv")], &schema);
        assert_eq!((rows.batch.num_rows(), rows.rejects.len()), (0, 0), "{text:?}");
    }
}

#[test]
fn utf16_is_refused_by_its_mark() {
    let schema = schema("a BIGINT");
    let options = options(&[("format", "csv")], &schema);
    let error = read_with(b"\xff\xfea\0\n\0", &options, &schema, 1, 10).unwrap_err();
    assert!(matches!(error, ConnectError::Encoding { .. }), "{error}");
}

#[test]
fn every_fault_is_a_reject_with_its_place_and_the_rest_goes_on() {
    let schema = schema("i INT NOT NULL; l BIGINT; d DOUBLE; n DECIMAL(12,3); s STRING; t TIMESTAMP; b BOOL");
    let good = "7,7,7,7,seven,1970-01-01,true\n";
    let lines: &[&[u8]] = &[
        b"x,1,1,1,,1970-01-01,true\n",
        b"2147483648,1,1,1,,1970-01-01,true\n",
        b",1,1,1,,1970-01-01,true\n",
        b"1,9223372036854775808,1,1,,1970-01-01,true\n",
        b"1,1.5,1,1,,1970-01-01,true\n",
        b"1,1,1e999,1,,1970-01-01,true\n",
        b"1,1,one,1,,1970-01-01,true\n",
        b"1,1,1,9999999999,,1970-01-01,true\n",
        b"1,1,1,1,\xff\xfe,1970-01-01,true\n",
        b"1,1,1,1,,1970-02-30,true\n",
        b"1,1,1,1,,2500-01-01,true\n",
        b"1,1,1,1,,,maybe\n",
        b"1,1,1\n",
        b"1,1,1,1,,,true,8\n",
        b"1,1,1,1,\"a\"b,,true\n",
        b"1,1,1,1,\"never closed,,true\n",
    ];
    let mut text = b"i,l,d,n,s,t,b\n".to_vec();
    for line in lines {
        text.extend_from_slice(line);
        text.extend_from_slice(good.as_bytes());
    }
    let options = options(&[("format", "csv")], &schema);
    let rows = read_with(&text, &options, &schema, 11, 3).unwrap();
    assert_eq!(rows.batch.num_rows(), lines.len());
    let one =
        "{\"i\":7,\"l\":7,\"d\":7.0,\"n\":7.000,\"s\":\"seven\",\"t\":\"1970-01-01T00:00:00Z\",\"b\":true}\n";
    assert_eq!(rows.json(), one.repeat(lines.len()));
    let before: Vec<usize> = rows.rejects.iter().map(|reject| reject.rows_before).collect();
    assert_eq!(before, (0..lines.len()).collect::<Vec<_>>());
    expect![[r#"
        line 2 (byte 14): column 'i': 'x' is not INT <- "x,1,1,1,,1970-01-01,true"
        line 4 (byte 69): column 'i': '2147483648' does not fit INT <- "2147483648,1,1,1,,1970-01-01,true"
        line 6 (byte 133): column 'i': the value is missing, and the column is NOT NULL <- ",1,1,1,,1970-01-01,true"
        line 8 (byte 187): column 'l': '9223372036854775808' does not fit BIGINT <- "1,9223372036854775808,1,1,,1970-01-01,true"
        line 10 (byte 260): column 'l': '1.5' is not BIGINT <- "1,1.5,1,1,,1970-01-01,true"
        line 12 (byte 317): column 'd': '1e999' does not fit DOUBLE <- "1,1,1e999,1,,1970-01-01,true"
        line 14 (byte 376): column 'd': 'one' is not DOUBLE <- "1,1,one,1,,1970-01-01,true"
        line 16 (byte 433): column 'n': '9999999999' does not fit DECIMAL(12, 3) <- "1,1,1,9999999999,,1970-01-01,true"
        line 18 (byte 497): column 's': invalid UTF-8 at byte 0 of the value <- "1,1,1,1,��,1970-01-01,true"
        line 20 (byte 554): column 't': '1970-02-30' is not TIMESTAMP <- "1,1,1,1,,1970-02-30,true"
        line 22 (byte 609): column 't': '2500-01-01' does not fit TIMESTAMP <- "1,1,1,1,,2500-01-01,true"
        line 24 (byte 664): column 'b': 'maybe' is not BOOL <- "1,1,1,1,,,maybe"
        line 26 (byte 710): number of cells: 3, expected 7 <- "1,1,1"
        line 28 (byte 746): number of cells: 8, expected 7 <- "1,1,1,1,,,true,8"
        line 30 (byte 793): text follows the closing quote of a cell <- "1,1,1,1,\"a\"b,,true"
        line 32 (byte 842): a quoted cell is not closed <- "1,1,1,1,\"never closed,,true"
    "#]].assert_eq(&rows.reject_lines());
}

#[test]
fn infinities_and_nan_are_numbers_in_csv() {
    let schema = schema("d DOUBLE; f FLOAT");
    let rows = read("d,f\nNaN,inf\n-Infinity,-nan\n", &[("format", "csv")], &schema);
    assert_eq!(rows.json(), "{\"d\":\"NaN\",\"f\":\"Infinity\"}\n{\"d\":\"-Infinity\",\"f\":\"NaN\"}\n");
}

#[test]
fn null_is_what_the_options_say() {
    let schema = schema("s STRING; i BIGINT");
    let text = "s,i\n,\n\"\",\"\"\nNA,NA\n\"NA\",1\n a , 2 \n";
    let show = |pairs: &[(&str, &str)]| {
        let rows = read(text, &[&[("format", "csv")], pairs].concat(), &schema);
        format!("{}{}", rows.json(), rows.reject_lines())
    };
    expect![[r#"
        {"s":null,"i":null}
        {"s":"","i":null}
        {"s":"NA","i":1}
        {"s":" a ","i":2}
        line 4 (byte 12): column 'i': 'NA' is not BIGINT <- "NA,NA"
    "#]]
    .assert_eq(&show(&[]));
    expect![[r#"
        {"s":"","i":null}
        {"s":"","i":null}
        {"s":null,"i":null}
        {"s":"NA","i":1}
        {"s":" a ","i":2}
    "#]]
    .assert_eq(&show(&[("csv.null", "NA")]));
}

#[test]
fn nested_values_are_json_in_a_cell() {
    let schema = schema("a ARRAY<BIGINT>; m MAP<STRING, DOUBLE>; r STRUCT<a INT, b ARRAY<BIGINT>>; j JSON");
    let text = "a,m,r,j\n\
        \"[1,null,2]\",\"{\"\"x\"\":1}\",\"{\"\"B\"\":[3],\"\"z\"\":0}\",\"[1, 2]\"\n\
        null,,null,null\n\
        \"[1,\",,,\n\
        \"[\"\"x\"\"]\",,,\n\
        ,,,{bad}\n";
    let rows = read(text, &[("format", "csv")], &schema);
    expect![[r#"
        {"a":[1,null,2],"m":{"x":1.0},"r":{"a":null,"b":[3]},"j":[1, 2]}
        {"a":null,"m":null,"r":null,"j":null}
    "#]]
    .assert_eq(&rows.json());
    expect![[r#"
        line 4 (byte 80): column 'a': not valid JSON: EOF while parsing a value at line 1 column 3 <- "\"[1,\",,,"
        line 5 (byte 89): column 'a': 'x' is not BIGINT <- "\"[\"\"x\"\"]\",,,"
        line 6 (byte 102): column 'j': not valid JSON: key must be a string at line 1 column 2 <- ",,,{bad}"
    "#]].assert_eq(&rows.reject_lines());
}

#[test]
fn an_oversized_record_costs_itself_alone() {
    let schema = schema("a BIGINT; s STRING");
    let mut options = options(&[("format", "csv")], &schema);
    options.record_bytes_max = 20;
    let long = "x".repeat(50);
    let text = format!("a,s\n1,{long}\n2,ok\n3,\"{long}\n{long}\"\n4,ok\n5,\"{}", "y\n".repeat(30));
    for block in [1, 3, 16, 21, 4096] {
        let rows = read_with(text.as_bytes(), &options, &schema, block, 100).unwrap();
        let numbers = rows.batch.column(0).as_primitive::<Int64Type>();
        assert_eq!(numbers.values().as_ref(), [2, 4], "block {block}");
        let oversized = RejectReason::Oversized { bytes_max: 20 };
        let reasons: Vec<_> = rows.rejects.iter().map(|reject| &reject.reason).collect();
        assert_eq!(reasons[..3], [&oversized, &oversized, &oversized], "block {block}");
        assert_eq!(reasons[3], &RejectReason::UnclosedQuote);
        assert_eq!(rows.rejects.len(), 4 + 29, "block {block}");
    }
}

#[test]
fn a_line_of_ten_megabytes_is_passed_over_in_bounded_memory() {
    let schema = schema("a BIGINT; s STRING");
    let text = format!("a,s\n1,x\n2,{}\n3,z\n", "y".repeat(10_000_000));
    let options = options(&[("format", "csv")], &schema);
    let rows = read_with(text.as_bytes(), &options, &schema, 1 << 18, 1024).unwrap();
    assert_eq!(rows.json(), "{\"a\":1,\"s\":\"x\"}\n{\"a\":3,\"s\":\"z\"}\n");
    assert_eq!(rows.rejects[0].reason, RejectReason::Oversized { bytes_max: 1 << 20 });
    assert_eq!(rows.rejects[0].original.len(), net_connect::OVERSIZED_KEPT_BYTES);
}

#[test]
fn event_time_comes_from_its_column_in_every_form() {
    let times = |schema: &str, pairs: &[(&str, &str)], cell: &str| {
        let schema = self::schema(schema);
        let pairs = [&[("format", "csv"), ("event.time", "t")], pairs].concat();
        let read = read(&format!("t\n{cell}\n"), &pairs, &schema);
        (read.event_time_ns.clone().unwrap(), read.reject_lines())
    };
    let expected = (vec![1_500_000_000], String::new());
    assert_eq!(times("t TIMESTAMP", &[], "1970-01-01 00:00:01.5"), expected);
    assert_eq!(times("t STRING", &[], "1970-01-01T01:00:01.5+01:00"), expected);
    assert_eq!(times("t BIGINT", &[], "1500"), expected);
    assert_eq!(times("t DOUBLE", &[("event.time.unit", "s")], "1.5"), expected);
    assert_eq!(times("t TIMESTAMP", &[("event.time.format", "epoch")], "1500"), expected);
    assert_eq!(times("t DATE", &[], "1970-01-02"), (vec![86_400_000_000_000], String::new()));
    for (columns, cell) in [("t BIGINT", "9223372036854775807"), ("t STRING", "soon"), ("t INT", "\"\"")] {
        let (none, rejects) = times(columns, &[], cell);
        assert!(none.is_empty() && rejects.contains("column 't'"), "{rejects}");
    }
}

#[test]
fn columns_not_wanted_are_null_and_not_checked() {
    let schema = schema("a BIGINT NOT NULL; t BIGINT; c DOUBLE");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.csv"), "a,t,c\nbad,5,0.5\nworse,6,1.5\n").unwrap();
    let pairs = [("type", "source"), ("extension", "file"), ("file.path", "x.csv"), ("event.time", "t")]
        .map(|(key, value)| (key.to_owned(), cep_types::options::OptionValue::Str(value.into())));
    let options = cep_types::options::StreamOptions::from_pairs(&pairs, schema.fields()).unwrap();
    let mut source =
        net_connect::open_source_columns(&options, &schema, &[false, false, true], folder.path()).unwrap();
    assert!(source.schema().field(0).is_nullable());
    let chunk = source.next(10, 0).unwrap();
    assert_eq!(chunk.batch.column(0).null_count(), 2);
    assert_eq!(chunk.batch.column(2).as_primitive::<Float64Type>().values().as_ref(), [0.5, 1.5]);
    assert_eq!(chunk.event_time_ns, Some(vec![5_000_000, 6_000_000]));
    assert!(chunk.rejects.is_empty() && chunk.end);
}

/// Reads records, each with a line end, with the `csv-core` crate.
fn reference(text: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut output, mut ends) = (vec![0; text.len() + 16], vec![0; text.len() + 16]);
    let mut records = Vec::new();
    let mut rest = text;
    loop {
        let (result, taken, _, count) = reader.read_record(rest, &mut output, &mut ends);
        rest = &rest[taken..];
        match result {
            csv_core::ReadRecordResult::Record => {
                let mut start = 0;
                let cells = ends[..count].iter().map(|&end| {
                    let cell = String::from_utf8_lossy(&output[start..end]).into_owned();
                    start = end;
                    cell
                });
                records.push(cells.collect());
            }
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::End => return records,
            other => panic!("{other:?}"),
        }
    }
}

proptest! {
    #[test]
    fn well_formed_records_are_cut_as_csv_core_cuts_them(
        rows in prop::collection::vec(prop::collection::vec(("[a,;\" \n]{0,5}", any::<bool>()), 3), 0..8),
        semicolon: bool,
        crlf: bool,
        last_line_ends: bool,
        block in 1_usize..40,
    ) {
        let delimiter = if semicolon { ';' } else { ',' };
        let end = if crlf { "\r\n" } else { "\n" };
        let mut lines = vec!["a,b,c".replace(',', &delimiter.to_string())];
        for row in &rows {
            let cells: Vec<String> = row
                .iter()
                .map(|(text, quote)| match *quote || text.contains([delimiter, '"', '\n']) {
                    true => format!("\"{}\"", text.replace('"', "\"\"")),
                    false => text.clone(),
                })
                .collect();
            lines.push(cells.join(&delimiter.to_string()));
        }
        let mut text = lines.join(end);
        if last_line_ends {
            text.push_str(end);
        }
        let expected: Vec<Vec<String>> = reference(format!("{text}\n").as_bytes(), delimiter as u8).split_off(1);
        prop_assert_eq!(expected.len(), rows.len());
        let schema = schema("a STRING; b STRING; c STRING");
        let delimiter = delimiter.to_string();
        // A NULL text of its own keeps empty cells strings.
        let pairs = [("format", "csv"), ("csv.delimiter", &*delimiter), ("csv.null", "NULL")];
        let read = read_with(text.as_bytes(), &options(&pairs, &schema), &schema, block, 100).unwrap();
        prop_assert_eq!(&read.rejects, &[]);
        for (index, row) in expected.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                prop_assert_eq!(read.batch.column(column).as_string::<i32>().value(index), cell);
            }
        }
    }

    #[test]
    fn blocks_and_chunks_change_nothing(
        text in "[a1,\"\n\r ]{0,120}",
        block in 1_usize..40,
        rows_max in 1_usize..9,
        bytes_max in 4_usize..30,
        header: bool,
    ) {
        let schema = schema("a STRING; b BIGINT");
        let has_header = if header { "true" } else { "false" };
        let mut options = options(&[("format", "csv"), ("csv.has-header", has_header)], &schema);
        options.record_bytes_max = bytes_max;
        let text = format!("{}{text}", if header { "b,a\n" } else { "" });
        let whole = read_with(text.as_bytes(), &options, &schema, 4096, 1000).unwrap();
        let parts = read_with(text.as_bytes(), &options, &schema, block, rows_max).unwrap();
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn garbage_never_panics_and_never_costs_a_good_line(
        garbage in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..12),
        block in 1_usize..64,
    ) {
        let schema = schema("id BIGINT; s STRING; t TIMESTAMP");
        let mut text = b"id,s,t\n".to_vec();
        for (id, bytes) in garbage.iter().enumerate() {
            // Quotes that pair up over lines make a record of them, so here there are none.
            text.extend(bytes.iter().map(|&byte| if byte == b'"' { b'\'' } else { byte }));
            text.extend_from_slice(format!("\n{id},good,2024-01-01 00:00:00\n").as_bytes());
        }
        let mut options = options(&[("format", "csv")], &schema);
        options.record_bytes_max = 50;
        let read = read_with(&text, &options, &schema, block, 7).unwrap();
        let ids: BTreeSet<i64> = read.batch.column(0).as_primitive::<Int64Type>().iter().flatten().collect();
        for id in 0..garbage.len() as i64 {
            prop_assert!(ids.contains(&id), "line {id} was lost");
        }
    }

    #[test]
    fn one_stray_quote_costs_one_line(
        before in 0_usize..5,
        after in 0_usize..40,
        cell in "[a-z,]{0,5}",
        block in 1_usize..64,
    ) {
        let schema = schema("id BIGINT; s STRING");
        let line = |id: usize| format!("{id},good\n");
        let mut text = String::from("id,s\n");
        (0..before).for_each(|id| text.push_str(&line(id)));
        text.push_str(&format!("999,\"{cell}\n"));
        (before..before + after).for_each(|id| text.push_str(&line(id)));
        let read = read_with(text.as_bytes(), &options(&[("format", "csv")], &schema), &schema, block, 100).unwrap();
        prop_assert_eq!(read.batch.num_rows(), before + after);
        prop_assert_eq!(read.rejects.len(), 1);
        prop_assert_eq!(read.rejects[0].position.line, before as u64 + 2);
    }

    #[test]
    fn random_bytes_with_quotes_never_panic(
        bytes in prop::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), any::<u8>()], 0..200),
        block in 1_usize..64,
    ) {
        let schema = schema("a STRING; b DOUBLE; c JSON");
        for header in ["true", "false"] {
            let options = options(&[("format", "csv"), ("csv.has-header", header)], &schema);
            match read_with(&bytes, &options, &schema, block, 7) {
                Ok(_) | Err(
                    ConnectError::Header { .. }
                    | ConnectError::Encoding { .. }
                    | ConnectError::Read { .. },
                ) => {}
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
