//! What has no place in this SQL: each construct with the reason and what to write instead.

use datafusion_sql::sqlparser::tokenizer::Token;

use crate::ast::Name;
use crate::diag::{Diagnostic, codes, suggest};

use super::cursor::Cursor;
use super::window_params::window_doc;

/// Words, code, message, help.
type Refused = (&'static [&'static str], &'static str, &'static str, &'static str);

fn find(c: &Cursor<'_>, table: &[Refused]) -> Option<Box<Diagnostic>> {
    let (words, code, message, help) = table.iter().find(|(words, _, _, _)| c.are(words))?;
    let span = c.span(0).to(c.span(words.len() - 1));
    Some(Box::new(Diagnostic::at(code, span, *message).help(*help)))
}

/// Starts of statements that are known elsewhere.
#[rustfmt::skip]
const STATEMENTS: &[Refused] = &[
    (&["MERGE"], codes::STATEMENT, "MERGE is not supported", "write UPSERT INTO table SELECT …, or UPDATE table SET … FROM stream WHERE …"),
    (&["REPLACE"], codes::STATEMENT, "REPLACE is not supported", "write UPSERT INTO table SELECT …"),
    (&["ALTER"], codes::STATEMENT, "ALTER is not supported yet", "DROP the object and CREATE it again"),
    (&["TRUNCATE"], codes::STATEMENT, "a stream cannot be emptied", "DROP it"),
    (&["SET"], codes::STATEMENT, "there are no session variables", "options stand in WITH (…) of CREATE STREAM; `${VAR}` reads the environment"),
    (&["RESET"], codes::STATEMENT, "there are no session variables", "options stand in WITH (…) of CREATE STREAM"),
    (&["BEGIN"], codes::STATEMENT, "a stream has no transactions: every event is applied on its own, in order", "leave out BEGIN and COMMIT"),
    (&["START"], codes::STATEMENT, "a stream has no transactions: every event is applied on its own, in order", "leave out START TRANSACTION and COMMIT"),
    (&["COMMIT"], codes::STATEMENT, "a stream has no transactions: every event is applied on its own, in order", "leave out BEGIN and COMMIT"),
    (&["ROLLBACK"], codes::STATEMENT, "a stream has no transactions: every event is applied on its own, in order", "leave out BEGIN and ROLLBACK"),
    (&["SAVEPOINT"], codes::STATEMENT, "a stream has no transactions: every event is applied on its own, in order", "leave it out"),
    (&["END"], codes::STATEMENT, "END closes nothing here", "leave it out; PARTITION WITH … BEGIN … END is not supported yet"),
    (&["PARTITION", "WITH"], codes::STATEMENT, "PARTITION WITH … BEGIN … END is not supported yet", "group by the key: SELECT … GROUP BY key"),
    (&["PARTITION"], codes::STATEMENT, "PARTITION is no statement; PARTITION WITH … BEGIN … END is not supported yet", "group by the key: SELECT … GROUP BY key"),
    (&["DEFINE", "STREAM"], codes::STATEMENT, "DEFINE STREAM is written CREATE STREAM here", "write CREATE STREAM name (column TYPE, …)"),
    (&["DEFINE"], codes::STATEMENT, "DEFINE is written CREATE here", "write CREATE STREAM, CREATE VIEW or CREATE AGGREGATION"),
    (&["FROM"], codes::STATEMENT, "a query starts with SELECT", "write SELECT … FROM …"),
    (&["VALUES"], codes::STATEMENT, "VALUES stands only in INSERT INTO", "write INSERT INTO stream VALUES (…)"),
    (&["TABLE"], codes::STATEMENT, "a query starts with SELECT", "write SELECT * FROM stream"),
    (&["USE"], codes::STATEMENT, "there are no databases or schemas", "leave it out"),
    (&["COPY"], codes::STATEMENT, "COPY is not supported", "read files with CREATE STREAM … WITH ('type' = 'source', 'extension' = 'file', …)"),
    (&["LOAD"], codes::STATEMENT, "LOAD is not supported", "read files with CREATE STREAM … WITH ('type' = 'source', 'extension' = 'file', …)"),
    (&["ATTACH"], codes::STATEMENT, "ATTACH is not supported", "sources are streams: CREATE STREAM … WITH (…)"),
    (&["INSTALL"], codes::STATEMENT, "there are no extensions to install", "leave it out"),
    (&["ANALYZE"], codes::STATEMENT, "there are no statistics to gather", "EXPLAIN shows the plan"),
    (&["VACUUM"], codes::STATEMENT, "there is nothing to vacuum", "leave it out"),
    (&["GRANT"], codes::STATEMENT, "rights are not managed in SQL", "roles belong to the server's configuration"),
    (&["REVOKE"], codes::STATEMENT, "rights are not managed in SQL", "roles belong to the server's configuration"),
    (&["CALL"], codes::STATEMENT, "there are no procedures", "write queries"),
    (&["EXECUTE"], codes::STATEMENT, "there are no prepared statements", "write the statement itself"),
    (&["PREPARE"], codes::STATEMENT, "there are no prepared statements", "write the statement itself"),
    (&["DEALLOCATE"], codes::STATEMENT, "there are no prepared statements", "leave it out"),
    (&["DECLARE"], codes::STATEMENT, "there are no variables or cursors", "name queries with CREATE VIEW"),
    (&["COMMENT"], codes::STATEMENT, "objects have no comments", "write an SQL comment: -- text"),
    (&["LOCK"], codes::STATEMENT, "there are no locks", "leave it out"),
    (&["KILL"], codes::STATEMENT, "KILL is not supported", "DROP the stream that the query feeds"),
    (&["REFRESH"], codes::STATEMENT, "continuous queries are always fresh", "leave it out"),
    (&["LISTEN"], codes::STATEMENT, "LISTEN is not supported", "SELECT prints its rows as they come"),
    (&["NOTIFY"], codes::STATEMENT, "NOTIFY is not supported", "INSERT INTO a stream"),
    (&["PRAGMA"], codes::STATEMENT, "there are no pragmas", "options stand in WITH (…) of CREATE STREAM"),
];

const STARTS: &[&str] = &[
    "CREATE", "INSERT", "UPSERT", "UPDATE", "DELETE", "SELECT", "WITH", "EXPLAIN", "SHOW", "DESCRIBE", "DROP",
];

/// A statement that starts with none of ours.
pub(super) fn statement(c: &Cursor<'_>) -> Box<Diagnostic> {
    if let Some(error) = find(c, STATEMENTS) {
        return error;
    }
    let Some(word) = c.word(0) else {
        return c.unexpected("a statement");
    };
    let error = c.error(codes::UNKNOWN_STATEMENT, format!("`{word}` starts no statement"));
    Box::new(match suggest(word, STARTS.iter().copied()) {
        Some(close) => error.help(format!("did you mean `{close}`?")),
        None => {
            error.help("statements start with CREATE, INSERT, UPSERT, UPDATE, DELETE, SELECT, WITH, EXPLAIN, SHOW, DESCRIBE or DROP")
        }
    })
}

#[rustfmt::skip]
const CREATED: &[Refused] = &[
    (&["MATERIALIZED"], codes::STATEMENT, "a materialized view is a stream here", "write CREATE STREAM name AS SELECT …"),
    (&["TEMPORARY"], codes::STATEMENT, "nothing is temporary", "leave out TEMPORARY; WITH names a query inside one statement"),
    (&["TEMP"], codes::STATEMENT, "nothing is temporary", "leave out TEMP; WITH names a query inside one statement"),
    (&["EXTERNAL"], codes::STATEMENT, "sources are streams", "write CREATE STREAM … WITH ('type' = 'source', 'extension' = 'file', …)"),
    (&["SOURCE"], codes::STATEMENT, "a source is an option of a stream", "write CREATE STREAM … WITH ('type' = 'source', 'extension' = …)"),
    (&["SINK"], codes::STATEMENT, "a sink is an option of a stream", "write CREATE STREAM … WITH ('type' = 'sink', 'extension' = …)"),
    (&["UNIQUE", "INDEX"], codes::STATEMENT, "an index does not check uniqueness", "the PRIMARY KEY of a table is unique; others are CREATE INDEX ON table (column)"),
    (&["WINDOW"], codes::STATEMENT, "windows have no names of their own yet", "put the window behind the stream: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)"),
    (&["SCHEMA"], codes::STATEMENT, "there are no databases or schemas", "leave it out"),
    (&["DATABASE"], codes::STATEMENT, "there are no databases or schemas", "leave it out"),
    (&["TYPE"], codes::STATEMENT, "CREATE TYPE is not supported", "write the type out: STRUCT<a INT, b STRING>"),
    (&["SEQUENCE"], codes::STATEMENT, "CREATE SEQUENCE is not supported", "row_number() OVER () numbers rows"),
    (&["ROLE"], codes::STATEMENT, "rights are not managed in SQL", "roles belong to the server's configuration"),
    (&["USER"], codes::STATEMENT, "rights are not managed in SQL", "roles belong to the server's configuration"),
    (&["EXTENSION"], codes::STATEMENT, "there are no extensions", "leave it out"),
    (&["MACRO"], codes::STATEMENT, "CREATE MACRO is written CREATE FUNCTION here", "write CREATE FUNCTION f(a DOUBLE) AS a * 2"),
];

/// CREATE of something else.
pub(super) fn created(c: &Cursor<'_>) -> Box<Diagnostic> {
    find(c, CREATED).unwrap_or_else(|| kind_expected(c, "CREATE"))
}

/// DROP of something else.
pub(super) fn dropped(c: &Cursor<'_>) -> Box<Diagnostic> {
    kind_expected(c, "DROP")
}

fn kind_expected(c: &Cursor<'_>, verb: &str) -> Box<Diagnostic> {
    const KINDS: &[&str] = &["STREAM", "VIEW", "TABLE", "TRIGGER", "FUNCTION", "AGGREGATION"];
    let error = c.unexpected(&format!("STREAM, VIEW, TABLE, TRIGGER, FUNCTION or AGGREGATION behind {verb}"));
    let close = c.word(0).and_then(|word| suggest(word, KINDS.iter().copied()));
    match close {
        Some(close) => Box::new(error.help(format!("did you mean `{close}`?"))),
        None => error,
    }
}

/// Joins that other SQL has.
#[rustfmt::skip]
const JOINS: &[Refused] = &[
    (&["NATURAL"], codes::JOIN, "NATURAL JOIN would change its meaning when a column is added to a stream", "name the columns: JOIN b USING (id)"),
    (&["OUTER"], codes::JOIN, "an outer join says of which side all rows are kept", "write LEFT JOIN, RIGHT JOIN or FULL JOIN"),
    (&["ANTI"], codes::JOIN, "ANTI JOIN is not supported", "write a LEFT JOIN b ON … WHERE b.id IS NULL"),
    (&["SEMI"], codes::JOIN, "SEMI JOIN is not supported", "write a JOIN b ON … and take the columns of a"),
    (&["LEFT", "ANTI"], codes::JOIN, "ANTI JOIN is not supported", "write a LEFT JOIN b ON … WHERE b.id IS NULL"),
    (&["LEFT", "SEMI"], codes::JOIN, "SEMI JOIN is not supported", "write a JOIN b ON … and take the columns of a"),
    (&["RIGHT", "ANTI"], codes::JOIN, "ANTI JOIN is not supported", "write a RIGHT JOIN b ON … WHERE a.id IS NULL"),
    (&["RIGHT", "SEMI"], codes::JOIN, "SEMI JOIN is not supported", "write a JOIN b ON … and take the columns of b"),
    (&["GLOBAL"], codes::JOIN, "GLOBAL JOIN is not supported", "leave out GLOBAL"),
    (&["STRAIGHT_JOIN"], codes::JOIN, "STRAIGHT_JOIN is not supported", "write JOIN: joins are done in the order in which they are written"),
    (&["CROSS", "APPLY"], codes::JOIN, "APPLY is not supported", "write JOIN … ON …"),
    (&["OUTER", "APPLY"], codes::JOIN, "APPLY is not supported", "write LEFT JOIN … ON …"),
    (&["APPLY"], codes::JOIN, "APPLY is not supported", "write JOIN … ON …"),
];

/// A join that is refused.
pub(super) fn join(c: &Cursor<'_>) -> Option<Box<Diagnostic>> {
    find(c, JOINS)
}

/// What may stand behind a relation elsewhere.
#[rustfmt::skip]
const RELATIONS: &[Refused] = &[
    (&["MATCH_RECOGNIZE"], codes::CLAUSE, "MATCH_RECOGNIZE stands directly behind the stream or query it reads", "write FROM s MATCH_RECOGNIZE (…), or put what is before it into a query of its own: FROM (SELECT …) MATCH_RECOGNIZE (…)"),
    (&["TABLESAMPLE"], codes::CLAUSE, "TABLESAMPLE is random, and a result must be the same every time", "filter by a column instead"),
    (&["SAMPLE"], codes::CLAUSE, "SAMPLE is random, and a result must be the same every time", "filter by a column instead"),
    (&["PIVOT"], codes::CLAUSE, "PIVOT is not supported", "write sum(x) FILTER (WHERE kind = 'a') AS a for each column"),
    (&["UNPIVOT"], codes::CLAUSE, "UNPIVOT is not supported", "write one SELECT for each column and UNION ALL them"),
    (&["FOR", "SYSTEM_TIME"], codes::JOIN, "FOR SYSTEM_TIME AS OF stands directly behind the relation's name, once", "write prices FOR SYSTEM_TIME AS OF o.ts AS p"),
    (&["FINAL"], codes::CLAUSE, "FINAL has no meaning on a stream", "leave it out"),
];

/// What stands behind a relation and is refused.
pub(super) fn relation(c: &Cursor<'_>) -> Option<Box<Diagnostic>> {
    find(c, RELATIONS)
}

/// What cannot stand behind PATTERN and SEQUENCE.
pub(super) fn behind_pattern(c: &Cursor<'_>) -> Option<Box<Diagnostic>> {
    #[rustfmt::skip]
    const BEHIND: &[Refused] = &[
        (&["WINDOW"], codes::CLAUSE, "a window does not stand directly behind a pattern", "put the pattern into a query of its own: FROM (SELECT … FROM PATTERN (…)) WINDOW …"),
        (&["FOR"], codes::CLAUSE, "FOR belongs to NOT, inside the brackets", "write NOT s FOR 10 SECONDS inside of PATTERN (…)"),
    ];
    if c.at_named_window() { None } else { find(c, BEHIND) }
}

/// What a relation may start with elsewhere.
pub(super) fn relation_start(c: &Cursor<'_>) -> Option<Box<Diagnostic>> {
    #[rustfmt::skip]
    const STARTS: &[Refused] = &[
        (&["LATERAL"], codes::JOIN, "LATERAL is not supported", "use unnest(array) in the select list"),
        (&["ONLY"], codes::CLAUSE, "ONLY has no meaning: streams have no children", "leave it out"),
        (&["VALUES"], codes::CLAUSE, "VALUES stands only in INSERT INTO", "write INSERT INTO stream VALUES (…)"),
    ];
    let is_name = |c: &Cursor<'_>| {
        matches!(c.token(1), Token::EOF | Token::RParen | Token::LBracket | Token::Comma)
            || c.is_one_of(1, &["WHERE", "WINDOW", "GROUP", "AS", "ORDER", "LIMIT"])
    };
    if is_name(c) { None } else { find(c, STARTS) }
}

/// `name(…)` in FROM.
pub(super) fn table_function(c: &Cursor<'_>, name: &Name) -> Box<Diagnostic> {
    if window_doc(&name.text).is_some() {
        return Box::new(
            c.unexpected("the end of the relation").help(format!(
                "a window takes its rows with TABLE: {}(TABLE s, DESCRIPTOR(ts), …)",
                name.text
            )),
        );
    }
    let help = if name.text.eq_ignore_ascii_case("unnest") {
        "use unnest(array) in the select list"
    } else {
        "only windows stand here: TABLE(TUMBLE(TABLE s, DESCRIPTOR(ts), INTERVAL '1' MINUTE))"
    };
    Box::new(
        Diagnostic::at(codes::CLAUSE, name.span, format!("there is no table function `{}`", name.text))
            .help(help),
    )
}

/// Clauses that other SQL has behind a query.
#[rustfmt::skip]
const CLAUSES: &[Refused] = &[
    (&["FOR"], codes::CLAUSE, "FOR UPDATE and the like have no meaning on a stream: nothing is locked", "leave it out"),
    (&["CONNECT", "BY"], codes::CLAUSE, "CONNECT BY is not supported", "hierarchies cannot be walked on a stream"),
    (&["START", "WITH"], codes::CLAUSE, "START WITH … CONNECT BY is not supported", "hierarchies cannot be walked on a stream"),
    (&["CLUSTER", "BY"], codes::CLAUSE, "CLUSTER BY is not supported", "order with ORDER BY"),
    (&["DISTRIBUTE", "BY"], codes::CLAUSE, "DISTRIBUTE BY is not supported", "the planner repartitions by GROUP BY by itself"),
    (&["SORT", "BY"], codes::CLAUSE, "SORT BY is not supported", "order with ORDER BY"),
    (&["PARTITION", "BY"], codes::CLAUSE, "PARTITION BY stands only in OVER (…) and in windows", "group with GROUP BY"),
    (&["EMIT"], codes::CLAUSE, "EMIT is not supported", "windows emit when they close; OUTPUT … EVERY … sets another rate"),
    (&["INSERT", "INTO"], codes::CLAUSE, "INSERT INTO stands before the query", "write INSERT INTO stream SELECT …"),
    (&["INTO"], codes::CLAUSE, "SELECT has no INTO", "write INSERT INTO stream SELECT …"),
    (&["RETURNING"], codes::CLAUSE, "INSERT returns nothing", "leave out RETURNING"),
    (&["ON", "CONFLICT"], codes::CLAUSE, "rows of a stream never conflict", "leave out ON CONFLICT"),
    (&["ON", "DUPLICATE"], codes::CLAUSE, "rows of a stream never conflict", "leave out ON DUPLICATE KEY"),
    (&["SETTINGS"], codes::CLAUSE, "queries have no settings", "options stand in WITH (…) of CREATE STREAM"),
    (&["FORMAT"], codes::CLAUSE, "a query has no format", "the format is an option of the stream: WITH ('format' = 'json')"),
    (&["OPTION"], codes::CLAUSE, "queries have no options", "leave it out"),
    (&["PREWHERE"], codes::CLAUSE, "PREWHERE is not supported", "write s[condition] or FROM s WHERE condition WINDOW … to filter before the window"),
];

/// What stands behind a query or statement and is refused.
pub(super) fn clause(c: &Cursor<'_>) -> Option<Box<Diagnostic>> {
    if c.is(0, "WHERE") || c.is(0, "GROUP") || c.is(0, "HAVING") {
        return Some(Box::new(
            c.unexpected("the end of the query").help(
                "the order is: FROM, WHERE, GROUP BY, HAVING, WINDOW, QUALIFY, ORDER BY, LIMIT, OUTPUT",
            ),
        ));
    }
    if c.is_one_of(0, &["ORDER", "LIMIT", "OFFSET", "FETCH"]) {
        return Some(Box::new(
            c.unexpected("the end of the query").help("ORDER BY, then LIMIT and OFFSET, then OUTPUT"),
        ));
    }
    find(c, CLAUSES).or_else(|| find(c, RELATIONS)).or_else(|| misplaced_join(c)).or_else(|| mistyped(c))
}

/// A join, or what belongs to one, where none can stand.
fn misplaced_join(c: &Cursor<'_>) -> Option<Box<Diagnostic>> {
    let words = ["JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "ASOF", "ON", "USING", "UNIDIRECTIONAL"];
    c.is_one_of(0, &words).then(|| {
        let help = "joins stand in FROM, before WHERE; filter a side before it with a[condition]: FROM a[x > 1] JOIN b ON …";
        Box::new(c.unexpected("the end of the query").help(help))
    })
}

/// Words that may go on a query.
const KEYWORDS: &[&str] =
    &["FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "OUTPUT", "UNION"];

/// A word that looks like a keyword.
fn mistyped(c: &Cursor<'_>) -> Option<Box<Diagnostic>> {
    let close = suggest(c.word(0)?, KEYWORDS.iter().copied())?;
    Some(Box::new(c.unexpected("the end of the statement").help(format!("did you mean `{close}`?"))))
}
