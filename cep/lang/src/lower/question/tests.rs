//! What may be asked, what a parameter is, and what is refused with which words.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};

use super::*;
use crate::lower::CompileOptions;

const SCRIPT: &str = "
CREATE STREAM readings (ts TIMESTAMP NOT NULL, sensor STRING NOT NULL, value DOUBLE)
    WITH (clock = 'event', \"event.time\" = 'ts');
CREATE AGGREGATION gone AS SELECT count(*) AS n FROM readings AGGREGATE BY ts EVERY DAYS;
DROP AGGREGATION gone;
CREATE AGGREGATION totals AS SELECT sensor, sum(value) AS total, count(*) AS n FROM readings GROUP BY sensor
    AGGREGATE BY ts EVERY SECONDS … DAYS;
CREATE TABLE dropped (k STRING PRIMARY KEY);
DROP TABLE dropped;
CREATE TABLE latest (sensor STRING, place INT, value DOUBLE, PRIMARY KEY (sensor, place), INDEX (place));
UPSERT INTO latest SELECT sensor, 1, value FROM readings;
CREATE VIEW days AS SELECT sensor, total FROM totals WITHIN '2024-05-** **:**:**' PER 'days';
";

fn session() -> Session {
    let mut session = Session::new(CompileOptions::default());
    session.run(SCRIPT).unwrap();
    session
}

fn read(sql: &str, parameters: Option<&RecordBatch>) -> Result<Box<Read>, String> {
    let question = Question::parse(sql, parameters).map_err(|error| error.0)?;
    match session().ask(&question).map_err(|error| error.0)? {
        QuestionPlan::Read(read) => Ok(read),
        QuestionPlan::Constants(row) => Err(format!("{row:?}")),
    }
}

fn row(values: Vec<ArrayRef>) -> RecordBatch {
    let names: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
    RecordBatch::try_from_iter_with_nullable(
        names.iter().zip(values).map(|(name, value)| (name.as_str(), value, true)),
    )
    .unwrap()
}

#[test]
fn aggregations_and_views_on_them_are_read_by_their_place_in_the_program() {
    for sql in [
        "SELECT total FROM totals WITHIN '2024-05-01', '2024-05-02' PER 'hours' WHERE sensor = 'a' ORDER BY total LIMIT 3;",
        "SELECT * FROM Days",
        "WITH d AS (SELECT * FROM totals WITHIN '2024-05-01' PER 'days') SELECT sum(n) AS n FROM d",
    ] {
        let read = read(sql, None).unwrap();
        let ReadOf::Aggregation(range) = read.of else { panic!("{sql}") };
        assert_eq!(session().program().aggregations[range.aggregation].name, "totals", "{sql}");
    }
}

#[test]
fn the_first_name_and_the_definition_are_found() {
    let of = |sql: &str| {
        let question = Question::parse(sql, None).unwrap();
        (question.definition().map(str::to_owned), question.source().map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(of("SELECT 1"), (None, None));
    assert_eq!(of("SELECT n FROM totals WITHIN '2024-05-01' PER 'days'"), (None, some("totals")));
    assert_eq!(
        of("SELECT n FROM \"my-app.v2\" . totals WITHIN '2024-05-01' PER 'days'"),
        (some("my-app.v2"), some("totals"))
    );
    assert_eq!(
        of("WITH d AS (SELECT * FROM app.totals WITHIN '2024-05-01' PER 'days') SELECT n FROM d"),
        (some("app"), some("totals"))
    );
    let odd = "SELECT extract(hour FROM t.agg_timestamp) AS h FROM totals WITHIN '2024-05-01' PER 'days' AS t
        WHERE n IS DISTINCT FROM t.n";
    assert_eq!(Question::parse(odd, None).map(|q| q.definition).unwrap_or_default(), None);
}

#[test]
fn parameters_are_values_and_nothing_else() {
    let evil: ArrayRef = Arc::new(StringArray::from(vec!["it's ${HOME} $1 '; DROP STREAM x; --"]));
    let from: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_714_521_600_000_000_001]));
    let more: ArrayRef = Arc::new(Float64Array::from(vec![-1.5e-7]));
    let limit: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    let parameters = row(vec![evil, from, more, limit]);
    let sql =
        "SELECT total, $1 AS s FROM totals WITHIN $2 PER 'days' WHERE sensor = $1 AND total > $3 LIMIT $4";
    let plan = read(sql, Some(&parameters)).unwrap();
    let ReadOf::Aggregation(range) = plan.of else { panic!("an aggregation") };
    assert_eq!(range.from_ns, 1_714_521_600_000_000_001);
    let shown = format!("{:?}", plan.ops);
    assert!(shown.contains("it's ${HOME} $1 '; DROP STREAM x; --"), "{shown}");
    assert!(shown.contains("(-0.00000015)") && shown.contains("fetch: Some(7)"), "{shown}");
    let nothing: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(1)]).slice(0, 1));
    read("SELECT coalesce($1, n) AS n FROM totals WITHIN '2024-05-01' PER 'days'", Some(&row(vec![nothing])))
        .unwrap();
}

#[test]
fn what_cannot_be_asked_is_said_with_its_place() {
    let one = row(vec![Arc::new(Int64Array::from(vec![1]))]);
    for (sql, parameters, words) in [
        ("", None, "no statement"),
        ("SELECT 1; SELECT 2", None, "one statement"),
        ("DROP AGGREGATION totals", None, "a query is a SELECT"),
        ("SELECT * FROM readings", None, "no end"),
        ("SELECT * FROM readings WINDOW TUMBLING (SIZE 1 HOUR)", None, "no end"),
        ("SELECT * FROM totals", None, "PER"),
        ("SELECT * FROM totals WITHIN '2024-05-01' PER 'weeks'", None, "keeps no weeks"),
        ("SELECT nobody FROM totals WITHIN '2024-05-01' PER 'days'", None, "nobody"),
        ("SELECT * FROM nowhere", None, "nowhere"),
        ("SELEC 1", None, "SELEC"),
        ("SELECT 'open", None, "not closed"),
        ("SELECT $1 AS x", None, "no value for `$1`"),
        ("SELECT $2 AS x", Some(&one), "no value for `$2`"),
        ("SELECT 1 AS x", Some(&one), "no place for `$1`"),
        (
            "SELECT n FROM a.totals WITHIN $1 PER 'days' UNION ALL SELECT n FROM b.totals",
            Some(&one),
            "`a` and `b`",
        ),
    ] {
        let error = read(sql, parameters).unwrap_err();
        assert!(error.contains(words), "{sql}: {error}");
    }
    assert!(Question::parse(&"x".repeat(QUESTION_BYTES_MAX + 1), None).is_err());
}

#[test]
fn constants_are_an_answer() {
    let question =
        Question::parse("SELECT 1 + $1 AS x", Some(&row(vec![Arc::new(Int64Array::from(vec![2]))])));
    let QuestionPlan::Constants(row) = session().ask(&question.unwrap()).unwrap() else { panic!("a row") };
    assert_eq!(row.num_rows(), 1);
}

#[test]
fn tables_are_read_by_key_by_index_or_whole() {
    for (sql, way) in [
        ("SELECT value FROM latest WHERE sensor = 'a' AND place = 1", "Key"),
        ("SELECT value FROM app.latest WHERE place = 1 + 1 AND value > 3", "Index"),
        (
            "SELECT sensor, max(value) AS m FROM latest WHERE value > 3 GROUP BY sensor ORDER BY m LIMIT 3",
            "Scan",
        ),
        ("SELECT * FROM latest WHERE sensor = 'a' OR place = 1", "Scan"),
        ("WITH l AS (SELECT place + 1 AS p FROM latest) SELECT count(*) AS n FROM l WHERE p = 2", "Scan"),
    ] {
        let read = read(sql, None).unwrap();
        let ReadOf::Table(look) = read.of else { panic!("{sql}") };
        assert_eq!(session().program().tables[look.table.index()].name, "latest", "{sql}");
        assert!(format!("{:?}", look.probe).starts_with(way), "{sql}: {:?}", look.probe);
    }
    for (sql, words) in [
        ("SELECT * FROM dropped", "dropped"),
        ("SELECT * FROM latest WINDOW TUMBLING (SIZE 1 HOUR)", "table"),
        ("SELECT sensor FROM latest UNION ALL SELECT sensor FROM latest", "table"),
        ("SELECT a.sensor FROM latest AS a JOIN latest AS b ON a.place = b.place", "tables"),
    ] {
        let error = read(sql, None).unwrap_err();
        assert!(error.contains(words), "{sql}: {error}");
    }
}
