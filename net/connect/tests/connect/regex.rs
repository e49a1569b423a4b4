//! Log lines in.

use expect_test::expect;
use proptest::prelude::*;

use crate::rows::{options, read, read_with, schema};

const SYSLOG: &str = r"^(?<ts>\w{3} [ \d]\d \d\d:\d\d:\d\d) (?<host>\S+) (?<process>[^\[:]+)(?:\[(?<pid>\d+)\])?: (?<message>.*)$";

#[test]
fn syslog_lines_become_rows_with_the_year_that_is_given() {
    let schema = schema("ts TIMESTAMP; host STRING; process STRING; pid INT; message STRING");
    let pairs = [
        ("format", "regex"),
        ("regex.pattern", SYSLOG),
        ("event.time", "ts"),
        ("event.time.format", "%b %d %H:%M:%S"),
        ("event.time.year", "2015"),
    ];
    let text = "Mar 27 13:06:56 ip-10 sshd[1291]: Server listening on :: port 22.\n\
                Apr  3 00:00:01 ip-10 CRON: \n\
                not a log line\n\
                Feb 29 00:00:01 ip-10 CRON: no such day in 2015\n\
                Apr  4 00:00:01 ip-10 sshd[99999999999]: no such process\n\
                Apr  4 00:00:02 ip-10 sshd[1]: caf\u{e9}\r\n";
    let rows = read(text, &pairs, &schema);
    expect![[r#"
        {"ts":"2015-03-27T13:06:56Z","host":"ip-10","process":"sshd","pid":1291,"message":"Server listening on :: port 22."}
        {"ts":"2015-04-03T00:00:01Z","host":"ip-10","process":"CRON","pid":null,"message":""}
        {"ts":"2015-04-04T00:00:02Z","host":"ip-10","process":"sshd","pid":1,"message":"café"}
        line 4 (byte 110): column 'ts': 'Feb 29 00:00:01' is not TIMESTAMP <- "Feb 29 00:00:01 ip-10 CRON: no such day in 2015"
        line 5 (byte 158): column 'pid': '99999999999' does not fit INT <- "Apr  4 00:00:01 ip-10 sshd[99999999999]: no such process"
    "#]].assert_eq(&format!("{}{}", rows.json(), rows.reject_lines()));
    assert_eq!(rows.skipped, 1);
    let strict = read(text, &[&pairs[..], &[("regex.no-match", "error")]].concat(), &schema);
    assert_eq!((strict.skipped, strict.rejects.len()), (0, 3));
}

#[test]
fn access_log_lines_carry_their_offset() {
    let schema = schema("client STRING; at TIMESTAMP; status INT; bytes BIGINT");
    let pattern = r#"^(?<client>\S+) \S+ \S+ \[(?<at>[^\]]+)\] "[^"]*" (?<status>\d+) (?:(?<bytes>\d+)|-)"#;
    let pairs = [
        ("format", "regex"),
        ("regex.pattern", pattern),
        ("event.time", "at"),
        ("event.time.format", "%d/%b/%Y:%H:%M:%S %z"),
    ];
    let text = "83.149.9.216 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 203023 \"-\" \"x\"\n\
                ::1 - - [17/May/2015:10:05:03 +0200] \"GET /b HTTP/1.1\" 304 - \"-\" \"x\"\n";
    let rows = read(text, &pairs, &schema);
    expect![[r#"
        {"client":"83.149.9.216","at":"2015-05-17T10:05:03Z","status":200,"bytes":203023}
        {"client":"::1","at":"2015-05-17T08:05:03Z","status":304,"bytes":null}
    "#]]
    .assert_eq(&rows.json());
}

proptest! {
    #[test]
    fn blocks_and_chunks_change_nothing(
        text in "([a-c]{0,3} [0-9]{0,3}\r?\n|[ -~]{0,30}\n){0,9}",
        block in 1_usize..40,
        rows_max in 1_usize..9,
    ) {
        let schema = schema("w STRING; n BIGINT NOT NULL");
        let pairs = [("format", "regex"), ("regex.pattern", "^(?<w>[a-c]*) (?<n>[0-9]*)$")];
        let mut options = options(&pairs, &schema);
        options.record_bytes_max = 12;
        let whole = read_with(text.as_bytes(), &options, &schema, 4096, 1000).unwrap();
        let parts = read_with(text.as_bytes(), &options, &schema, block, rows_max).unwrap();
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn any_bytes_are_lines_that_match_or_do_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let schema = schema("a STRING; b TIMESTAMP");
        let pairs = [("format", "regex"), ("regex.pattern", "(?s-u)^(?<a>..)(?<b>.*)$")];
        let pairs = [&pairs[..], &[("file.compression", "none")]].concat();
        if let Ok(read) = read_with(&bytes, &options(&pairs, &schema), &schema, 16, 5) {
            prop_assert!(read.rejects.len() + read.batch.num_rows() <= bytes.len());
        }
    }
}
