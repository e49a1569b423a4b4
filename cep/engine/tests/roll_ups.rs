//! CREATE AGGREGATION and its reads (R-SQL-7) against a slow reference: all rows are kept, and every
//! read puts them into buckets by the calendar anew. Rows come in any order: a late row corrects what
//! was read before it.

mod harness;

use std::collections::BTreeMap;
use std::sync::Arc;

use cep_engine::{Actions, Budget, Partition, Progress};
use cep_types::{Entry, EntryKind, Events, LogIndex, StampNs, StreamId};
use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use harness::{Row, Rows, SECOND};
use proptest::prelude::*;

const CALLS: &str = "count(*) AS c, sum(n) AS t, min(n) AS lo, max(n) AS hi, first(n) AS f, last(n) AS l, \
     count(DISTINCT n) AS d";

/// The values of [`CALLS`]; first and last by (event time, arrival).
fn values(rows: &[&Row]) -> String {
    let mut ordered = rows.to_vec();
    ordered.sort_by_key(|r| r.0);
    let numbers: Vec<i64> = rows.iter().filter_map(|r| r.3).collect();
    let mut different = numbers.clone();
    different.sort();
    different.dedup();
    [
        rows.len().to_string(),
        shown((!numbers.is_empty()).then(|| numbers.iter().sum::<i64>())),
        shown(numbers.iter().min()),
        shown(numbers.iter().max()),
        shown(ordered[0].3),
        shown(ordered[ordered.len() - 1].3),
        different.len().to_string(),
    ]
    .join(" | ")
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "∅".to_string(), |v| v.to_string())
}

/// Start of the bucket of a time, ns. Days and longer are those of the zone, weeks begin on Monday.
fn bucket(time: i64, grain: &str, zone: Tz) -> i64 {
    let date = zone.from_utc_datetime(&DateTime::from_timestamp_nanos(time).naive_utc()).date_naive();
    let day = |date: NaiveDate| {
        let midnight = date.and_time(NaiveTime::MIN);
        zone.from_local_datetime(&midnight).earliest().expect("it exists").timestamp() * SECOND
    };
    let multiple = |seconds: i64| time.div_euclid(seconds * SECOND) * seconds * SECOND;
    match grain {
        "seconds" => multiple(1),
        "minutes" => multiple(60),
        "hours" => multiple(3600),
        "days" => day(date),
        "weeks" => day(date - Duration::days(date.weekday().num_days_from_monday().into())),
        "months" => day(date.with_day(1).expect("the first")),
        "years" => day(date.with_day(1).expect("the first").with_month(1).expect("January")),
        _ => unreachable!("a grain"),
    }
}

/// A key, if there are keys, with its rows.
type Group<'a> = (Option<&'a Option<String>>, Vec<&'a Row>);

/// A definition: its grains as written and in full, its zone, and whether it groups and filters.
struct Definition {
    every: &'static str,
    kept: &'static [&'static str],
    zone: &'static str,
    grouped: bool,
    filtered: bool,
}

const fn definition(every: &'static str, kept: &'static [&'static str], zone: &'static str) -> Definition {
    Definition { every, kept, zone, grouped: true, filtered: false }
}

const DEFINITIONS: &[Definition] = &[
    definition("SECONDS … YEARS", &["seconds", "minutes", "hours", "days", "months", "years"], ""),
    Definition { grouped: false, ..definition("HOURS, MONTHS", &["hours", "months"], "") },
    Definition { filtered: true, ..definition("DAYS, WEEKS, MONTHS", &["days", "weeks", "months"], "") },
    definition("MONTHS", &["months"], ""),
    definition("WEEKS, MONTHS, YEARS", &["weeks", "months", "years"], ""),
    definition("HOURS … YEARS", &["hours", "days", "months", "years"], "Europe/Berlin"),
    Definition { grouped: false, ..definition("HOURS, DAYS", &["hours", "days"], "Asia/Kolkata") },
    Definition { filtered: true, ..definition("WEEKS, MONTHS", &["weeks", "months"], "America/New_York") },
    definition("DAYS … WEEKS", &["days", "weeks"], "Europe/Berlin"),
];

impl Definition {
    fn zone(&self) -> Tz {
        if self.zone.is_empty() { Tz::UTC } else { self.zone.parse().expect("a zone") }
    }

    /// The definition and a read per grain and range.
    fn script(&self, ranges: &[Range]) -> String {
        let zone =
            if self.zone.is_empty() { String::new() } else { format!("WITH (zone = '{}')", self.zone) };
        let filter = if self.filtered { "WHERE n > 1" } else { "" };
        let (key, group) = if self.grouped { ("k,", "GROUP BY k") } else { ("", "") };
        let mut script = format!(
            "CREATE AGGREGATION a {zone} AS SELECT {key} {CALLS} FROM s {filter} {group} AGGREGATE BY ts EVERY {}",
            self.every
        );
        for range in ranges {
            for grain in self.kept {
                script += &format!("; SELECT * FROM a WITHIN {} PER '{grain}'", range.text);
                script += &format!("; SELECT c FROM a WITHIN {} PER '{grain}' WHERE c > 1", range.text);
            }
        }
        script
    }

    /// The answers in the order of [`Definition::script`].
    fn answers(&self, rows: &[Row], ranges: &[Range]) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        for range in ranges {
            for grain in self.kept {
                let lines = self.answer(rows, range.bounds(self.zone()), grain);
                let counts =
                    lines.iter().map(|l| l.split(" | ").nth(1 + usize::from(self.grouped)).expect("c"));
                let several = counts.filter(|c| *c != "1").map(str::to_string).collect();
                out.extend([lines, several]);
            }
        }
        out
    }

    fn answer(&self, rows: &[Row], (from, to): (i64, i64), grain: &str) -> Vec<String> {
        // Buckets in order of time, groups in order of arrival.
        let mut buckets: BTreeMap<i64, Vec<Group>> = BTreeMap::new();
        for row in rows.iter().filter(|r| !self.filtered || r.3.is_some_and(|n| n > 1)) {
            let start = bucket(row.0, grain, self.zone());
            if (from..to).contains(&start) {
                let groups = buckets.entry(start).or_default();
                let key = self.grouped.then_some(&row.1);
                match groups.iter_mut().find(|(k, _)| *k == key) {
                    Some((_, rows)) => rows.push(row),
                    None => groups.push((key, vec![row])),
                }
            }
        }
        let line = |start: i64, key: Option<&Option<String>>, rows: &[&Row]| match key {
            Some(key) => format!("{start} | {} | {}", shown(key.as_ref()), values(rows)),
            None => format!("{start} | {}", values(rows)),
        };
        buckets
            .iter()
            .flat_map(|(start, groups)| groups.iter().map(|(k, rows)| line(*start, *k, rows)))
            .collect()
    }
}

/// What a read covers.
#[derive(Debug, Clone)]
struct Range {
    text: String,
    of: Of,
}

#[derive(Debug, Clone)]
enum Of {
    /// Seconds since 1970, in UTC; `None`: open.
    Seconds(i64, Option<i64>),
    /// Local days, the second one exclusive.
    Days(NaiveDate, NaiveDate),
}

impl Range {
    fn bounds(&self, zone: Tz) -> (i64, i64) {
        match self.of {
            Of::Seconds(from, to) => (from * SECOND, to.map_or(i64::MAX, |to| to * SECOND)),
            Of::Days(from, to) => {
                let at = |d: NaiveDate| {
                    let midnight = d.and_time(NaiveTime::MIN);
                    zone.from_local_datetime(&midnight).earliest().expect("it exists").timestamp() * SECOND
                };
                (at(from), at(to))
            }
        }
    }
}

fn range() -> impl Strategy<Value = Range> {
    let utc = |s: i64| DateTime::<Utc>::from_timestamp(s, 0).expect("in range").format("%Y-%m-%d %H:%M:%SZ");
    let moment = || (MOMENTS_S[0] - 90_000_000)..(MOMENTS_S[MOMENTS_S.len() - 1] + 1_000_000);
    let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a date");
    prop_oneof![
        (moment(), 1i64..90_000_000).prop_map(move |(from, length)| Range {
            text: format!("'{}', '{}'", utc(from), utc(from + length)),
            of: Of::Seconds(from, Some(from + length)),
        }),
        moment()
            .prop_map(move |from| Range { text: format!("'{}'", utc(from)), of: Of::Seconds(from, None) }),
        (2023..2026i32).prop_map(move |year| Range {
            text: format!("'{year}-**-** **:**:**'"),
            of: Of::Days(date(year, 1, 1), date(year + 1, 1, 1)),
        }),
        (1u32..12).prop_map(move |month| Range {
            text: format!("'2024-{month:02}-** **:**:**'"),
            of: Of::Days(date(2024, month, 1), date(2024, month + 1, 1)),
        }),
        (1u32..31).prop_map(move |day| Range {
            text: format!("'2024-03-{day:02} **:**:**'"),
            of: Of::Days(date(2024, 3, day), date(2024, 3, day + 1)),
        }),
    ]
}

/// Around these rows lie: a leap day, clock changes, ends of months and years, 1970; ascending.
const MOMENTS_S: &[i64] = &[
    0,
    1_704_067_200,
    1_709_164_800,
    1_709_251_200,
    1_710_054_000,
    1_711_846_800,
    1_730_419_200,
    1_735_689_600,
];

fn rows(count: std::ops::Range<usize>) -> impl Strategy<Value = Rows> {
    let near = prop_oneof![-3i64..3, -4_000i64..4_000, -100_000i64..100_000, -1_000_000i64..1_000_000];
    let time = (proptest::sample::select(MOMENTS_S), near, 0i64..3)
        .prop_map(|(moment, near, third)| (moment + near) * SECOND + third * SECOND / 3);
    let row = (time, 0u8..4, -3i64..9)
        .prop_map(|(time, key, n)| (time, (key > 0).then(|| format!("k{key}")), None, (n > -3).then_some(n)));
    proptest::collection::vec(row, count)
}

fn check(
    definition: &Definition,
    rows: &Rows,
    cuts: &[usize],
    ranges: &[Range],
) -> Result<(), TestCaseError> {
    let script = definition.script(ranges);
    let program = harness::program(&script);
    let mut partition = Partition::new(Arc::clone(&program), &[]).expect("it can be built");
    let (mut at, mut index) = (0, 0);
    for &cut in cuts.iter().cycle() {
        let to = (at + cut).min(rows.len());
        let events = Events { stream: StreamId(0), rows: harness::batch(&rows[at..to]), times: None };
        index += 1;
        let entry = Entry { index: LogIndex(index), stamp: StampNs(0), kind: EntryKind::Events(events) };
        let (mut actions, mut budget) = (Actions::new(), Budget::UNLIMITED);
        prop_assert_eq!(partition.apply(&entry, &mut budget, &mut actions), Progress::Done);
        prop_assert_eq!(actions.rows() + actions.errors.len(), 0);
        let found = harness::answers(&mut partition);
        for (nth, (found, expected)) in found.iter().zip(definition.answers(&rows[..to], ranges)).enumerate()
        {
            prop_assert_eq!(found, &expected, "read {} after {} rows of {}", nth + 1, to, script);
        }
        let bytes = partition.checkpoint();
        partition = Partition::new(Arc::clone(&program), &[]).expect("built before");
        partition.restore(&bytes).expect("its own checkpoint");
        prop_assert_eq!(&harness::answers(&mut partition), &found, "restored: {}", script);
        if to == rows.len() {
            break;
        }
        at = to;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(harness::cases(24)))]

    #[test]
    fn reads_give_what_the_reference_gives(
        rows in rows(1..60),
        cuts in proptest::collection::vec(1usize..40, 1..6),
        ranges in proptest::collection::vec(range(), 1..3),
    ) {
        for definition in DEFINITIONS {
            check(definition, &rows, &cuts, &ranges)?;
        }
    }
}
