//! Tables against the obvious: a list of rows, and for every row of a stream one statement after the
//! other looks at all of it.
#![allow(missing_docs)]

mod harness;

use harness::{Feed, Random, Row, Rows, run};

/// A row of the table `t (k STRING, n BIGINT, c BIGINT)`.
type Kept = (Option<String>, Option<i64>, Option<i64>);

#[derive(Clone, Copy, PartialEq, Debug)]
enum Key {
    None,
    K,
    N,
    Both,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Full {
    Fail,
    Reject,
    Evict,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Conflict {
    Error,
    Replace,
    Ignore,
}

#[derive(Clone, Debug)]
struct Config {
    key: Key,
    index: Option<&'static str>,
    rows_max: usize,
    full: Full,
    ttl_seconds: Option<i64>,
    conflict: Conflict,
    values: Vec<Kept>,
}

/// What a statement compares.
#[derive(Clone, Copy, Debug)]
enum Test {
    /// `x.k = t.k`.
    K,
    /// `x.n = t.n`.
    N,
    /// `x.n > t.c`.
    NAboveC,
    /// `t.c < 5`.
    CBelow5,
    /// `12 / x.n > t.c`, which fails where `x.n` is 0 and `t` has a row to look at.
    Fails,
    /// `t.k = 'k2'`.
    Constant,
}

#[derive(Clone, Debug)]
enum What {
    Insert,
    Upsert,
    /// `SET c = coalesce(t.c, 0) + 1`, or with TRUE `SET c = 12 / x.n`.
    Update(bool, Vec<Test>),
    Delete(Vec<Test>),
    Join {
        left: bool,
        on: Vec<Test>,
    },
    /// `[NOT] EXISTS (SELECT * FROM t WHERE …)`.
    Exists(bool, Vec<Test>),
    /// `x.k IN (SELECT k …)`, or with TRUE `x.n IN (SELECT c …)`.
    In {
        numbers: bool,
        negated: bool,
        tests: Vec<Test>,
    },
}

#[derive(Clone, Debug)]
struct Statement {
    /// `s` or `u`.
    stream: &'static str,
    what: What,
    /// `WHERE x.v > 4` of the stream.
    filtered: bool,
}

fn sql_of(tests: &[Test], x: &str) -> String {
    let text = |test: &Test| match test {
        Test::K => format!("{x}.k = t.k"),
        Test::N => format!("t.n = {x}.n"),
        Test::NAboveC => format!("{x}.n > t.c"),
        Test::CBelow5 => "t.c < 5".to_owned(),
        Test::Fails => format!("12 / {x}.n > t.c"),
        Test::Constant => "t.k = 'k2'".to_owned(),
    };
    if tests.is_empty() {
        "TRUE".to_owned()
    } else {
        tests.iter().map(text).collect::<Vec<_>>().join(" AND ")
    }
}

impl Config {
    fn sql(&self) -> String {
        let key = match self.key {
            Key::None => "",
            Key::K => ", PRIMARY KEY (k)",
            Key::N => ", PRIMARY KEY (n)",
            Key::Both => ", PRIMARY KEY (n, k)",
        };
        let index = self.index.map(|columns| format!(", INDEX ({columns})")).unwrap_or_default();
        let full = match self.full {
            Full::Fail => "fail",
            Full::Reject => "reject",
            Full::Evict => "evict-oldest",
        };
        let mut options = format!("\"table.rows.max\" = {}, \"table.full\" = '{full}'", self.rows_max);
        if let Some(seconds) = self.ttl_seconds {
            options += &format!(", \"state.ttl\" = '{seconds} seconds'");
        }
        if self.key != Key::None {
            let conflict = match self.conflict {
                Conflict::Error => "error",
                Conflict::Replace => "replace",
                Conflict::Ignore => "ignore",
            };
            options += &format!(", \"insert.conflict\" = '{conflict}'");
        }
        let mut text =
            format!("CREATE TABLE t (k STRING, n BIGINT, c BIGINT{key}{index}) WITH ({options}); ");
        for (k, n, c) in &self.values {
            let number = |n: &Option<i64>| n.map_or("NULL".to_owned(), |n| n.to_string());
            let k = k.as_ref().map_or("NULL".to_owned(), |k| format!("'{k}'"));
            text += &format!("UPSERT INTO t VALUES ({k}, {}, {}); ", number(n), number(c));
        }
        if self.key == Key::None { text.replace("UPSERT", "INSERT") } else { text }
    }

    fn key_of(&self, row: &Kept) -> Option<Vec<String>> {
        let k = || row.0.clone();
        let n = || row.1.map(|n| n.to_string());
        match self.key {
            Key::None => None,
            Key::K => Some(vec![k()?]),
            Key::N => Some(vec![n()?]),
            Key::Both => Some(vec![n()?, k()?]),
        }
    }
}

impl Statement {
    fn sql(&self, nth: usize) -> String {
        let x = self.stream;
        let filter = |start: &str| if self.filtered { format!(" {start} {x}.v > 4") } else { String::new() };
        let source = if self.filtered { format!("{x}[v > 4]") } else { x.to_owned() };
        match &self.what {
            What::Insert => format!("INSERT INTO t SELECT k, n, n - 1 FROM {x}{}; ", filter("WHERE")),
            What::Upsert => format!("UPSERT INTO t SELECT k, n, n - 1 FROM {x}{}; ", filter("WHERE")),
            What::Update(fails, tests) => {
                let value = if *fails { format!("12 / {x}.n") } else { "coalesce(t.c, 0) + 1".to_owned() };
                format!("UPDATE t SET c = {value} FROM {source} WHERE {}; ", sql_of(tests, x))
            }
            What::Delete(tests) => format!("DELETE FROM t USING {source} WHERE {}; ", sql_of(tests, x)),
            What::Join { left, on } => {
                let join = if *left { "LEFT JOIN" } else { "JOIN" };
                format!(
                    "SELECT 'q{nth}' AS q, {x}.k, {x}.n, t.k AS tk, t.n AS tn, t.c FROM {source} {join} t ON {}; ",
                    sql_of(on, x)
                )
            }
            What::Exists(negated, tests) => {
                let not = if *negated { "NOT " } else { "" };
                format!(
                    "SELECT 'q{nth}' AS q, k, n, {not}EXISTS (SELECT * FROM t WHERE {}) AS e FROM {source}; ",
                    sql_of(tests, x)
                )
            }
            What::In { numbers, negated, tests } => {
                let (value, column) = if *numbers { ("n", "c") } else { ("k", "k") };
                let not = if *negated { "NOT " } else { "" };
                let given =
                    if tests.is_empty() { String::new() } else { format!(" WHERE {}", sql_of(tests, x)) };
                format!(
                    "SELECT 'q{nth}' AS q, k, n, {value} {not}IN (SELECT {column} FROM t{given}) AS e FROM {source}; "
                )
            }
        }
    }
}

/// A row failed.
struct Failed;

/// SQL's truth: `None` is NULL.
type Truth = Option<bool>;

fn test(test: Test, x: &Row, t: &Kept) -> Result<Truth, Failed> {
    let both = |a: Option<i64>, b: Option<i64>| Some((a?, b?));
    Ok(match test {
        Test::K => x.1.as_ref().zip(t.0.as_ref()).map(|(a, b)| a == b),
        Test::N => both(x.3, t.1).map(|(a, b)| a == b),
        Test::NAboveC => both(x.3, t.2).map(|(a, b)| a > b),
        Test::CBelow5 => t.2.map(|c| c < 5),
        Test::Fails => match x.3 {
            Some(0) => return Err(Failed),
            n => both(n.map(|n| 12 / n), t.2).map(|(a, b)| a > b),
        },
        Test::Constant => t.0.as_ref().map(|k| k == "k2"),
    })
}

/// Whether all tests are TRUE. What is found by key or index is tested first, and for a row that is not
/// found nothing else is: then AND stops at NULL as a predicate does.
fn all(tests: &[Test], x: &Row, t: &Kept) -> Result<bool, Failed> {
    for &one in tests {
        if test(one, x, t)? != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Reference<'a> {
    config: &'a Config,
    statements: &'a [Statement],
    /// In the order of their last writes, with the stamp of it.
    rows: Vec<(Kept, i64)>,
    stamp: Option<i64>,
    output: Vec<String>,
    errors: usize,
}

impl Reference<'_> {
    fn expire(&mut self) {
        let (ttl, stamp) = (self.config.ttl_seconds, self.stamp.expect("a row came"));
        if let Some(ttl) = ttl {
            self.rows.retain(|(_, at)| stamp - at <= ttl * harness::SECOND);
        }
    }

    fn put(&mut self, row: Kept, conflict: Conflict) -> Result<(), Failed> {
        let key = self.config.key_of(&row);
        if self.config.key != Key::None && key.is_none() {
            return Err(Failed);
        }
        let there = key
            .and_then(|key| self.rows.iter().position(|(r, _)| self.config.key_of(r).as_ref() == Some(&key)));
        match (there, conflict) {
            (Some(_), Conflict::Error) => return Err(Failed),
            (Some(_), Conflict::Ignore) => return Ok(()),
            (Some(at), Conflict::Replace) => {
                self.rows.remove(at);
            }
            (None, _) if self.rows.len() == self.config.rows_max => match self.config.full {
                Full::Fail => return Err(Failed),
                Full::Reject => return Ok(()),
                Full::Evict => {
                    self.rows.remove(0);
                }
            },
            (None, _) => {}
        }
        self.rows.push((row, self.stamp.unwrap_or(0)));
        Ok(())
    }

    fn matches(&self, tests: &[Test], x: &Row) -> Result<Vec<usize>, Failed> {
        let mut out = Vec::new();
        for (at, (row, _)) in self.rows.iter().enumerate() {
            if all(tests, x, row)? {
                out.push(at);
            }
        }
        Ok(out)
    }

    fn row(&mut self, stream: &str, x: &Row) {
        if self.stamp.is_none() {
            self.rows.iter_mut().for_each(|row| row.1 = x.0);
        }
        self.stamp = Some(self.stamp.unwrap_or(i64::MIN).max(x.0));
        self.expire();
        for nth in 0..self.statements.len() {
            let statement = &self.statements[nth];
            let passes = !statement.filtered || x.2.is_some_and(|v| v > 4.0 || v.is_nan());
            if statement.stream == stream && passes && self.run(nth, &statement.what, x).is_err() {
                self.errors += 1;
            }
        }
    }

    fn run(&mut self, nth: usize, what: &What, x: &Row) -> Result<(), Failed> {
        let null = "∅".to_owned();
        let k = |k: &Option<String>| k.clone().unwrap_or(null.clone());
        let n = |n: Option<i64>| n.map_or(null.clone(), |n| n.to_string());
        match what {
            What::Insert => self.put((x.1.clone(), x.3, x.3.map(|n| n - 1)), self.config.conflict)?,
            What::Upsert => self.put((x.1.clone(), x.3, x.3.map(|n| n - 1)), Conflict::Replace)?,
            What::Update(fails, tests) => {
                let found = self.matches(tests, x)?;
                if found.is_empty() {
                    return Ok(());
                }
                let mut fresh = Vec::new();
                for &at in &found {
                    let (mut row, _) = self.rows[at].clone();
                    row.2 = match (fails, x.3) {
                        (true, Some(0)) => return Err(Failed),
                        (true, n) => n.map(|n| 12 / n),
                        (false, _) => Some(row.2.unwrap_or(0) + 1),
                    };
                    fresh.push((row, self.stamp.expect("a row came")));
                }
                found.iter().rev().for_each(|&at| {
                    self.rows.remove(at);
                });
                self.rows.extend(fresh);
            }
            What::Delete(tests) => {
                let found = self.matches(tests, x)?;
                found.iter().rev().for_each(|&at| {
                    self.rows.remove(at);
                });
            }
            What::Join { left, on } => {
                let found = self.matches(on, x)?;
                for &at in &found {
                    let (row, _) = &self.rows[at];
                    let line = [k(&x.1), n(x.3), k(&row.0), n(row.1), n(row.2)].join(" | ");
                    self.output.push(format!("q{nth} | {line}"));
                }
                if *left && found.is_empty() {
                    self.output.push(format!("q{nth} | {} | {} | ∅ | ∅ | ∅", k(&x.1), n(x.3)));
                }
            }
            What::Exists(negated, tests) => {
                let found = !self.matches(tests, x)?.is_empty();
                self.output.push(format!("q{nth} | {} | {} | {}", k(&x.1), n(x.3), found != *negated));
            }
            What::In { numbers, negated, tests } => {
                let found = self.matches(tests, x)?;
                let equal = |at: &usize| {
                    let row = &self.rows[*at].0;
                    match numbers {
                        true => x.3.zip(row.2).map(|(a, b)| a == b),
                        false => x.1.as_ref().zip(row.0.as_ref()).map(|(a, b)| a == b),
                    }
                };
                let all: Vec<Truth> = found.iter().map(equal).collect();
                let answer = if all.contains(&Some(true)) {
                    Some(true)
                } else if all.contains(&None) {
                    None
                } else {
                    Some(false)
                };
                let text = answer.map_or(null.clone(), |a| (a != *negated).to_string());
                self.output.push(format!("q{nth} | {} | {} | {text}", k(&x.1), n(x.3)));
            }
        }
        Ok(())
    }
}

fn pick<T: Clone>(random: &mut Random, of: &[T]) -> T {
    random.pick(of).clone()
}

fn some_tests(random: &mut Random, may_fail: bool) -> Vec<Test> {
    // What may fail stands alone: in which order other conditions are looked at is not the point here.
    if may_fail && random.below(8) == 0 {
        return vec![Test::Fails];
    }
    let all = [Test::K, Test::N, Test::NAboveC, Test::CBelow5, Test::Constant];
    (0..random.below(4)).map(|_| pick(random, &all)).collect()
}

fn some_statement(random: &mut Random, config: &Config, stream: &'static str) -> Statement {
    let what = match random.below(9) {
        0 => What::Insert,
        1 if config.key != Key::None => What::Upsert,
        1 => What::Insert,
        2 => What::Update(random.below(4) == 0, some_tests(random, true)),
        3 => What::Delete(some_tests(random, true)),
        4 | 5 => What::Join { left: random.below(2) == 0, on: some_tests(random, true) },
        6 => What::Exists(random.below(2) == 0, some_tests(random, true)),
        _ => What::In {
            numbers: random.below(2) == 0,
            negated: random.below(2) == 0,
            tests: some_tests(random, false),
        },
    };
    Statement { stream, what, filtered: random.below(4) == 0 }
}

fn some_config(random: &mut Random) -> Config {
    let key = pick(random, &[Key::None, Key::K, Key::K, Key::N, Key::Both]);
    let rows_max = 2 + random.below(8);
    let values = (0..random.below(3))
        .map(|at| (Some(format!("k{}", at + 1)), Some(at as i64), Some(random.below(9) as i64)))
        .collect();
    Config {
        key,
        index: pick(random, &[None, Some("k"), Some("n"), Some("c"), Some("k, n")]),
        rows_max,
        full: pick(random, &[Full::Fail, Full::Reject, Full::Evict]),
        ttl_seconds: pick(random, &[None, None, Some(1), Some(6)]),
        conflict: pick(random, &[Conflict::Error, Conflict::Replace, Conflict::Ignore]),
        values,
    }
}

fn some_rows(random: &mut Random) -> Rows {
    let mut time = 1_700_000_000 * harness::SECOND;
    (0..random.below(60))
        .map(|_| {
            time += random.below(1_500) as i64 * 1_000_000;
            let back = random.below(2_000) as i64 * 1_000_000;
            let k = (random.below(8) > 0).then(|| format!("k{}", random.below(4)));
            let v = (random.below(8) > 0).then(|| random.below(100) as f64 / 8.0);
            let n = (random.below(8) > 0).then(|| random.below(6) as i64);
            (time - back, k, v, n)
        })
        .collect()
}

#[test]
fn tables_do_what_the_obvious_does() {
    harness::each(400, |random| {
        let config = some_config(random);
        let streams: &[&str] = if random.below(2) == 0 { &["s"] } else { &["s", "u"] };
        let statements: Vec<Statement> = (0..1 + random.below(5))
            .map(|_| {
                let stream = pick(random, &["s", "u"][..streams.len()]);
                some_statement(random, &config, stream)
            })
            .collect();
        let mut script = String::new();
        if streams.len() == 2 {
            script += &harness::stream("u", "");
        }
        script += &config.sql();
        let texts = statements.iter().enumerate().map(|(nth, statement)| statement.sql(nth));
        script += texts.collect::<String>().trim_end_matches("; ");
        let rows = some_rows(random);
        let mut reference = Reference {
            config: &config,
            statements: &statements,
            rows: config.values.iter().map(|row| (row.clone(), 0)).collect(),
            stamp: None,
            output: Vec::new(),
            errors: 0,
        };
        for (at, row) in rows.iter().enumerate() {
            let second = streams.len() == 2 && (at / 7) % 3 == 1;
            reference.row(if second { "u" } else { "s" }, row);
        }
        let cuts: Vec<usize> = (0..3).map(|_| 1 + random.below(9)).collect();
        for (how, feed) in [
            ("whole", Feed::Whole),
            ("cut", Feed::Cut(cuts.clone())),
            ("restored", Feed::Restore(cuts.clone())),
        ] {
            let outcome = run(&script, &rows, &feed);
            assert_eq!(outcome.rows(), reference.output, "{how}: {script}\n{rows:?}");
            assert_eq!(
                outcome.errors.len(),
                reference.errors,
                "{how}: {script}\n{rows:?}\n{:?}",
                outcome.errors
            );
        }
    });
}
