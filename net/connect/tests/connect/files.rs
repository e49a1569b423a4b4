//! Files, packed and not, and what is made of their failed records.

use std::io::{self, Write as _};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use cep_types::options::{OptionValue, StreamOptions};
use expect_test::expect;
use flate2::Compression;
use flate2::write::GzEncoder;
use net_connect::{ConnectError, Source, dead_letter_batch, open_source, reader_source};

use crate::rows::{json_of, options, read, read_with, schema};

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn open(path: &str, folder: &Path) -> Result<Box<dyn Source>, ConnectError> {
    let schema = schema("n BIGINT");
    let pairs = [("type", "source"), ("extension", "file"), ("file.path", path), ("format", "csv")]
        .map(|(key, value)| (key.to_owned(), OptionValue::Str(value.to_owned())));
    let options = StreamOptions::from_pairs(&pairs, schema.fields()).unwrap();
    open_source(&options, &schema, folder)
}

#[test]
fn gzip_is_known_by_its_first_bytes_and_may_have_several_members() {
    let schema = schema("n BIGINT");
    let bytes = [packed(b"n\n1\n"), packed(b"2\n3\n")].concat();
    let options = options(&[("format", "csv")], &schema);
    for block in [1, 3, 4096] {
        let rows = read_with(&bytes, &options, &schema, block, 100).unwrap();
        assert_eq!(rows.json(), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    }
    // One byte of the mark is not the mark.
    let rows = read_with(
        b"\x1f\n5\n",
        &self::options(&[("format", "csv"), ("csv.has-header", "false")], &schema),
        &schema,
        1,
        9,
    )
    .unwrap();
    assert_eq!((rows.batch.num_rows(), rows.rejects.len()), (1, 1));
}

#[test]
fn a_cut_gzip_gives_its_rows_and_then_the_error() {
    let schema = schema("n BIGINT");
    let text: String = (0..20_000).map(|n| format!("{n}\n")).collect();
    let mut bytes = packed(format!("n\n{text}").as_bytes());
    bytes.truncate(bytes.len() / 2);
    let options = options(&[("format", "csv")], &schema);
    let reader = Box::new(io::Cursor::new(bytes));
    let mut source = reader_source(&options, &schema, "x.csv.gz", reader, 4096).unwrap();
    let mut expected = 0;
    let error = loop {
        match source.next(512, 0) {
            Ok(chunk) => {
                assert!(!chunk.end && chunk.rejects.is_empty());
                for n in chunk.batch.column(0).as_primitive::<Int64Type>().iter() {
                    assert_eq!(n, Some(expected));
                    expected += 1;
                }
            }
            Err(error) => break error,
        }
    };
    assert!(expected > 5_000, "{expected}");
    assert!(error.to_string().starts_with("reading 'x.csv.gz' failed after byte"), "{error}");
    let after = source.next(512, 0).unwrap();
    assert!(after.end && after.batch.num_rows() == 0);
}

#[test]
fn a_missing_file_and_a_folder_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &str| match open(path, folder.path()) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    };
    assert!(message("none.csv").starts_with("cannot open 'none.csv': No such file"));
    assert!(message(".").starts_with("cannot open '.': is a directory"), "{}", message("."));
}

#[test]
fn progress_reaches_the_length_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..100_000).map(|n| format!("{n}\n")).collect();
    let text = format!("n\n{text}x\n");
    for (name, bytes) in [("a.csv", text.clone().into_bytes()), ("a.csv.gz", packed(text.as_bytes()))] {
        std::fs::write(folder.path().join(name), &bytes).unwrap();
        let mut source = open(name, folder.path()).unwrap();
        assert!(source.is_bounded());
        assert_eq!(source.progress().total, Some(bytes.len() as u64));
        let first = source.next(1000, 0).unwrap();
        assert_eq!(first.batch.num_rows(), 1000);
        assert!(source.progress().done <= bytes.len() as u64);
        while !source.next(1000, 0).unwrap().end {}
        let progress = source.progress();
        assert_eq!(progress.done, bytes.len() as u64);
        assert_eq!((progress.rows, progress.rejects), (100_000, 1));
    }
}

/// Gives its pieces one read at a time, `None` being an interruption.
struct Pieces(Vec<Option<&'static [u8]>>);

impl io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.pop() {
            None => Ok(0),
            Some(None) => Err(io::ErrorKind::Interrupted.into()),
            Some(Some(mut bytes)) => {
                let count = io::Read::read(&mut bytes, buffer)?;
                if !bytes.is_empty() {
                    self.0.push(Some(bytes));
                }
                Ok(count)
            }
        }
    }
}

#[test]
fn rows_of_a_live_input_come_as_they_are_complete_and_a_signal_returns_control() {
    let schema = schema("n BIGINT");
    let mut pieces = vec![Some(&b"n\n1\n2"[..]), None, Some(b"0\n3\n"), None, Some(b"4")];
    pieces.reverse();
    let options = options(&[("format", "csv")], &schema);
    let mut source = reader_source(&options, &schema, "stdin", Box::new(Pieces(pieces)), 4096).unwrap();
    let mut next = || {
        let chunk = source.next(100, 0).unwrap();
        (json_of(&chunk.batch).lines().collect::<Vec<_>>().join(" "), chunk.end)
    };
    assert_eq!(next(), ("{\"n\":1}".into(), false));
    assert_eq!(next(), (String::new(), false));
    assert_eq!(next(), ("{\"n\":20} {\"n\":3}".into(), false));
    assert_eq!(next(), (String::new(), false));
    assert_eq!(next(), ("{\"n\":4}".into(), true));
    assert_eq!(next(), (String::new(), true));
}

#[test]
fn failed_records_fill_a_dead_letter_stream() {
    let source = schema("n BIGINT; s STRING");
    let text = "n,s\n1,a\nx,b\n2\n";
    let rejects = read(text, &[("format", "csv")], &source).rejects;
    let letters =
        schema("original BYTES; reason STRING; column STRING; line BIGINT; position BIGINT; stream STRING");
    let batch = dead_letter_batch(&letters, "orders", &source, &rejects).unwrap();
    expect![[r#"
        {"original":"eCxi","reason":"'x' is not BIGINT","column":"n","line":3,"position":8,"stream":"orders"}
        {"original":"Mg==","reason":"number of cells: 1, expected 2","column":null,"line":4,"position":12,"stream":"orders"}
    "#]].assert_eq(&json_of(&batch));
    let wrong = dead_letter_batch(&schema("why STRING"), "orders", &source, &rejects);
    assert!(matches!(wrong, Err(ConnectError::Options(_))));
}
