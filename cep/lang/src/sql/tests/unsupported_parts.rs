//! Clauses and expressions that are refused, with reason and alternative.

use expect_test::expect;

use super::refused;

fn golden(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("{text}\n  {}\n", refused(text))).collect()
}

#[test]
fn clauses() {
    expect![[r#"
        SELECT a FROM s UNION SELECT b FROM t
          E0605 at «UNION»: UNION without ALL would have to remember every row of endless streams
          help: write UNION ALL; for distinct rows put SELECT DISTINCT around it
        SELECT a FROM s UNION DISTINCT SELECT b FROM t
          E0605 at «UNION DISTINCT»: UNION without ALL would have to remember every row of endless streams
          help: write UNION ALL; for distinct rows put SELECT DISTINCT around it
        SELECT a FROM s UNION ALL BY NAME SELECT b FROM t
          E0605 at «ALL»: UNION matches columns by position
          help: list the columns in the same order in both SELECTs
        SELECT a FROM s INTERSECT SELECT b FROM t
          E0605 at «INTERSECT»: INTERSECT has no meaning on streams that never end
          help: filter with WHERE, or count both sides in a window and compare
        SELECT a FROM s EXCEPT ALL SELECT b FROM t
          E0605 at «EXCEPT»: EXCEPT has no meaning on streams that never end
          help: filter with WHERE, or count both sides in a window and compare
        SELECT a FROM s MINUS SELECT b FROM t
          E0605 at «MINUS»: MINUS has no meaning on streams that never end
          help: filter with WHERE, or count both sides in a window and compare
        WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r
          E0607 at «RECURSIVE»: a recursive query never ends on a stream
          help: leave out RECURSIVE; each name may read the ones before it
        WITH r AS MATERIALIZED (SELECT 1) SELECT * FROM r
          E0607 at «MATERIALIZED»: MATERIALIZED has no meaning on a stream
          help: leave it out
        SELECT DISTINCT ON (a) a FROM s
          E0607 at «ON»: DISTINCT ON is not supported yet
          help: keep the first row of each key with WINDOW FIRSTUNIQUE (key)
        SELECT TOP 5 a FROM s
          E0607 at «TOP»: SELECT has no TOP
          help: write LIMIT n at the end of the query
        SELECT a INTO t FROM s
          E0607 at «INTO»: SELECT has no INTO
          help: write INSERT INTO stream SELECT …
        SELECT a FROM s INTO t
          E0607 at «INTO»: SELECT has no INTO
          help: write INSERT INTO stream SELECT …
        SELECT a FROM s INSERT INTO t
          E0607 at «INSERT INTO»: INSERT INTO stands before the query
          help: write INSERT INTO stream SELECT …
        SELECT a FROM s GROUP BY GROUPING SETS ((a), (b))
          E0606 at «GROUPING»: GROUPING SETS, ROLLUP and CUBE are not supported yet
          help: write one query for each grouping
        SELECT a FROM s GROUP BY ROLLUP (a, b)
          E0606 at «ROLLUP»: GROUPING SETS, ROLLUP and CUBE are not supported yet
          help: write one query for each grouping
        SELECT a FROM s GROUP BY CUBE (a, b)
          E0606 at «CUBE»: GROUPING SETS, ROLLUP and CUBE are not supported yet
          help: write one query for each grouping
        SELECT a FROM s GROUP BY a WITH ROLLUP
          E0606 at «WITH»: WITH ROLLUP, CUBE and TOTALS are not supported yet
          help: write one query for each grouping
        SELECT a FROM s GROUP BY ALL
          E0606 at «ALL»: GROUP BY ALL is not supported yet
          help: name the columns
        SELECT a FROM s CONNECT BY PRIOR a = b
          E0607 at «CONNECT BY»: CONNECT BY is not supported
          help: hierarchies cannot be walked on a stream
        SELECT a FROM s START WITH a = 1
          E0607 at «START WITH»: START WITH … CONNECT BY is not supported
          help: hierarchies cannot be walked on a stream
        SELECT a FROM s FOR UPDATE
          E0607 at «FOR»: FOR UPDATE and the like have no meaning on a stream: nothing is locked
          help: leave it out
        SELECT a FROM s ORDER BY a FOR SHARE
          E0607 at «FOR»: FOR UPDATE and the like have no meaning on a stream: nothing is locked
          help: leave it out
        SELECT a FROM s CLUSTER BY a
          E0607 at «CLUSTER BY»: CLUSTER BY is not supported
          help: order with ORDER BY
        SELECT a FROM s DISTRIBUTE BY a
          E0607 at «DISTRIBUTE BY»: DISTRIBUTE BY is not supported
          help: the planner repartitions by GROUP BY by itself
        SELECT a FROM s SORT BY a
          E0607 at «SORT BY»: SORT BY is not supported
          help: order with ORDER BY
        SELECT a FROM s PARTITION BY a
          E0607 at «PARTITION BY»: PARTITION BY stands only in OVER (…) and in windows
          help: group with GROUP BY
        SELECT a FROM s EMIT CHANGES
          E0607 at «EMIT»: EMIT is not supported
          help: windows emit when they close; OUTPUT … EVERY … sets another rate
        SELECT a FROM s SETTINGS x = 1
          E0607 at «SETTINGS»: queries have no settings
          help: options stand in WITH (…) of CREATE STREAM
        SELECT a FROM s FORMAT JSON
          E0607 at «FORMAT»: a query has no format
          help: the format is an option of the stream: WITH ('format' = 'json')
        SELECT a FROM s OPTION (x)
          E0607 at «OPTION»: queries have no options
          help: leave it out
        SELECT a FROM s PREWHERE b
          E0607 at «PREWHERE»: PREWHERE is not supported
          help: write s[condition] or FROM s WHERE condition WINDOW … to filter before the window
        SELECT a FROM s ORDER BY ALL
          E0607 at «ALL»: ORDER BY ALL is not supported
          help: name the columns
        SELECT a FROM s ORDER SIBLINGS BY a
          E0607 at «SIBLINGS»: ORDER SIBLINGS BY is not supported
          help: -
        SELECT a FROM s LIMIT ALL
          E0101 at «ALL»: expected the number of rows, found `ALL`
          help: leave out LIMIT ALL
        SELECT a FROM s LIMIT 1 BY b
          E0607 at «BY»: LIMIT BY is not supported
          help: number the rows: QUALIFY row_number() OVER (PARTITION BY key ORDER BY x) <= n
        SELECT a FROM s FETCH FIRST 5 PERCENT ROWS ONLY
          E0607 at «PERCENT»: FETCH … PERCENT is not supported
          help: give the number of rows
        SELECT a FROM s FETCH FIRST 5 ROWS WITH TIES
          E0607 at «WITH»: FETCH … WITH TIES is not supported
          help: write ROWS ONLY, or QUALIFY rank() OVER (ORDER BY x) <= n
        SELECT a FROM s QUALIFY x WINDOW LENGTH (5)
          E0101 at «WINDOW»: expected the end of the SELECT, found `WINDOW`
          help: the window of a stream stands directly behind it: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)
        SELECT sum(x) OVER v FROM s WINDOW w AS (ORDER BY a), v AS w
          E0613 at «w»: a window cannot be defined as another name of `w`
          help: write its definition in parentheses
        SELECT sum(x) OVER (w ROWS 1 PRECEDING) FROM s WINDOW w AS (ORDER BY a)
          E0613 at «w»: a window cannot extend the window `w`
          help: write OVER w without parentheses, or the whole definition
        SELECT * RENAME (a AS b) FROM s
          E0611 at «*»: `*` with RENAME is not supported
          help: name the columns: a AS b
        SELECT * ILIKE 'a%' FROM s
          E0611 at «*»: `*` with ILIKE is not supported
          help: name the columns
        SELECT x.y.* FROM s
          E0206 at «x.y»: the name before `.*` has one part, not `x.y`
          help: there are no databases or schemas
    "#]]
    .assert_eq(&golden(&[
        "SELECT a FROM s UNION SELECT b FROM t",
        "SELECT a FROM s UNION DISTINCT SELECT b FROM t",
        "SELECT a FROM s UNION ALL BY NAME SELECT b FROM t",
        "SELECT a FROM s INTERSECT SELECT b FROM t",
        "SELECT a FROM s EXCEPT ALL SELECT b FROM t",
        "SELECT a FROM s MINUS SELECT b FROM t",
        "WITH RECURSIVE r AS (SELECT 1) SELECT * FROM r",
        "WITH r AS MATERIALIZED (SELECT 1) SELECT * FROM r",
        "SELECT DISTINCT ON (a) a FROM s",
        "SELECT TOP 5 a FROM s",
        "SELECT a INTO t FROM s",
        "SELECT a FROM s INTO t",
        "SELECT a FROM s INSERT INTO t",
        "SELECT a FROM s GROUP BY GROUPING SETS ((a), (b))",
        "SELECT a FROM s GROUP BY ROLLUP (a, b)",
        "SELECT a FROM s GROUP BY CUBE (a, b)",
        "SELECT a FROM s GROUP BY a WITH ROLLUP",
        "SELECT a FROM s GROUP BY ALL",
        "SELECT a FROM s CONNECT BY PRIOR a = b",
        "SELECT a FROM s START WITH a = 1",
        "SELECT a FROM s FOR UPDATE",
        "SELECT a FROM s ORDER BY a FOR SHARE",
        "SELECT a FROM s CLUSTER BY a",
        "SELECT a FROM s DISTRIBUTE BY a",
        "SELECT a FROM s SORT BY a",
        "SELECT a FROM s PARTITION BY a",
        "SELECT a FROM s EMIT CHANGES",
        "SELECT a FROM s SETTINGS x = 1",
        "SELECT a FROM s FORMAT JSON",
        "SELECT a FROM s OPTION (x)",
        "SELECT a FROM s PREWHERE b",
        "SELECT a FROM s ORDER BY ALL",
        "SELECT a FROM s ORDER SIBLINGS BY a",
        "SELECT a FROM s LIMIT ALL",
        "SELECT a FROM s LIMIT 1 BY b",
        "SELECT a FROM s FETCH FIRST 5 PERCENT ROWS ONLY",
        "SELECT a FROM s FETCH FIRST 5 ROWS WITH TIES",
        "SELECT a FROM s QUALIFY x WINDOW LENGTH (5)",
        "SELECT sum(x) OVER v FROM s WINDOW w AS (ORDER BY a), v AS w",
        "SELECT sum(x) OVER (w ROWS 1 PRECEDING) FROM s WINDOW w AS (ORDER BY a)",
        "SELECT * RENAME (a AS b) FROM s",
        "SELECT * ILIKE 'a%' FROM s",
        "SELECT x.y.* FROM s",
    ]));
}

#[test]
fn expressions() {
    let expressions = [
        "a IN (SELECT b FROM t)",
        "a NOT IN (SELECT b FROM t)",
        "a IN ((SELECT b FROM t))",
        "EXISTS (SELECT 1)",
        "NOT EXISTS (SELECT 1)",
        "(SELECT max(b) FROM t)",
        "a = (SELECT max(b) FROM t)",
        "a > ALL (SELECT b FROM t)",
        "a = ANY (SELECT b FROM t)",
        "ARRAY(SELECT b FROM t)",
        "f((SELECT b FROM t))",
        "a IN (VALUES (1), (2))",
        "a IN UNNEST(b)",
        "(a, b) = (1, 2)",
        "(a, b)",
        "a SIMILAR TO 'x'",
        "a RLIKE 'x'",
        "a REGEXP 'x'",
        "a LIKE ANY ('x')",
        "a LIKE 'x' ESCAPE 'ab'",
        "a COLLATE x",
        "a XOR b",
        "a <=> b",
        "a && b",
        "a # b",
        "a ^@ b",
        "a #> b",
        "a #>> b",
        "a @@ b",
        "a := b",
        "a OVERLAPS b",
        "~a",
        "a:b",
        "payload:a.b",
        "CONVERT(a, CHAR)",
        "CONVERT(a USING utf8)",
        "SAFE_CAST(a AS INT)",
        "CAST(a AS VARCHAR(5))",
        "CAST(a AS SMALLINT)",
        "CAST(a AS WIBBLE)",
        "CAST(a AS DATE FORMAT 'YYYY')",
        "a::TIMESTAMPTZ",
        "a IS NORMALIZED",
        "a AT TIME ZONE b",
        "a AT TIME ZONE 'Mars/Olympus'",
        "EXTRACT(CENTURY FROM a)",
        "EXTRACT(WEEK(MONDAY) FROM a)",
        "CEIL(a TO DAY)",
        "FLOOR(a, 2)",
        "TRIM('x', 'a', 'b')",
        "INTERVAL '1-2' YEAR TO MONTH",
        "INTERVAL '5' SECOND (3)",
        "INTERVAL a DAY",
        "INTERVAL INTERVAL '5' DAY",
        "a MEMBER OF (b)",
        "$1",
        "?",
        ":a",
        "@a",
        "N'x'",
        "U&'x'",
        "B'01'",
        "X'0'",
        "X'zz'",
        "_utf8 'x'",
        "99999999999999999999",
        "9223372036854775808",
        "1e999",
        "{d '2024-01-01'}",
        "{fn f(a)}",
        "{}",
        "STRUCT<a INT>(1)",
        "a[1:]",
        "a[:2]",
        "a.b.5",
        "a.'b'",
        "x.f(a)",
        "count(s.*)",
        "count(*, a)",
        "count(* EXCLUDE (a))",
        "f(a)(b)",
        "f(a := 1)",
        "array_agg(a LIMIT 5)",
        "listagg(a ON OVERFLOW ERROR)",
        "f(SELECT 1)",
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY a, b)",
        "json_object('a': 1)",
        "json_array(a NULL ON NULL)",
        "lambda x : x",
        "a IS JSON",
        "GROUPING SETS (a)",
        "MATCH (a) AGAINST ('x')",
    ];
    let mut out = String::new();
    for expression in expressions {
        let text = format!("SELECT {expression} FROM s");
        if crate::sql::parse_script(&text, &super::env).is_ok() {
            eprintln!("ACCEPTED {expression}");
            continue;
        }
        out.push_str(&format!("{expression}\n  {}\n", refused(&text)));
    }
    expect![[r#"
        a IN ((SELECT b FROM t))
          E0604 at «a IN ((SELECT b FROM t»: a query as a value is not supported
          help: compute it in a stream or a view of its own, then join that in FROM
        EXISTS (SELECT 1)
          E0604 at «)»: a query inside an expression reads one table, and takes nothing but WHERE
          help: write (SELECT column FROM table WHERE condition)
        NOT EXISTS (SELECT 1)
          E0604 at «SELECT 1»: a query as a value is not supported
          help: compute it in a stream or a view of its own, then join that in FROM
        (SELECT max(b) FROM t)
          E0604 at «(»: a query inside an expression is the right side of IN or EXISTS, and reads a table
          help: write x IN (SELECT c FROM t WHERE …) or EXISTS (SELECT * FROM t WHERE …); compute other values in a stream or view of their own
        a = (SELECT max(b) FROM t)
          E0604 at «(»: a query inside an expression is the right side of IN or EXISTS, and reads a table
          help: write x IN (SELECT c FROM t WHERE …) or EXISTS (SELECT * FROM t WHERE …); compute other values in a stream or view of their own
        a > ALL (SELECT b FROM t)
          E0604 at «(»: a query inside an expression is the right side of IN or EXISTS, and reads a table
          help: write x IN (SELECT c FROM t WHERE …) or EXISTS (SELECT * FROM t WHERE …); compute other values in a stream or view of their own
        a = ANY (SELECT b FROM t)
          E0604 at «(»: a query inside an expression is the right side of IN or EXISTS, and reads a table
          help: write x IN (SELECT c FROM t WHERE …) or EXISTS (SELECT * FROM t WHERE …); compute other values in a stream or view of their own
        ARRAY(SELECT b FROM t)
          E0604 at «ARRAY»: a query inside an expression is the right side of IN or EXISTS, and reads a table
          help: write x IN (SELECT c FROM t WHERE …) or EXISTS (SELECT * FROM t WHERE …); compute other values in a stream or view of their own
        f((SELECT b FROM t))
          E0604 at «(»: a query inside an expression is the right side of IN or EXISTS, and reads a table
          help: write x IN (SELECT c FROM t WHERE …) or EXISTS (SELECT * FROM t WHERE …); compute other values in a stream or view of their own
        a IN (VALUES (1), (2))
          E0604 at «VALUES»: a query inside an expression reads one table, and takes nothing but WHERE
          help: write (SELECT column FROM table WHERE condition)
        a IN UNNEST(b)
          E0608 at «a IN UNNEST(b»: IN UNNEST is not supported
          help: write array_has(array, value)
        (a, b) = (1, 2)
          E0608 at «a, b»: a list in parentheses as a value is not supported
          help: compare the columns one by one with AND, or write STRUCT(a, b)
        (a, b)
          E0608 at «a, b»: a list in parentheses as a value is not supported
          help: compare the columns one by one with AND, or write STRUCT(a, b)
        a SIMILAR TO 'x'
          E0608 at «a SIMILAR TO 'x'»: SIMILAR TO is not supported
          help: use LIKE, or a regular expression: x ~ '^a.*z$'
        a RLIKE 'x'
          E0608 at «'x'»: RLIKE is not supported
          help: write x ~ 'pattern', or x ~* 'pattern' to ignore case
        a REGEXP 'x'
          E0608 at «'x'»: RLIKE is not supported
          help: write x ~ 'pattern', or x ~* 'pattern' to ignore case
        a LIKE ANY ('x')
          E0608 at «a LIKE ANY ('x'»: LIKE ANY is not supported
          help: combine several LIKE with OR
        a LIKE 'x' ESCAPE 'ab'
          E0108 at «a LIKE 'x'»: ESCAPE takes one ASCII character in quotes
          help: for example LIKE '100!%' ESCAPE '!'
        a COLLATE x
          E0608 at «a COLLATE x»: COLLATE is not supported
          help: text is compared by its UTF-8 bytes; use lower(x) to ignore case
        a XOR b
          E0610 at «a XOR b»: the operator `XOR` is not supported
          help: write a <> b for conditions, a ^ b for integers
        a <=> b
          E0610 at «a <=> b»: the operator `<=>` is not supported
          help: write IS NOT DISTINCT FROM
        a && b
          E0101 at «&&»: no infix parser for token Overlap
          help: -
        a # b
          E0101 at «#»: no infix parser for token Sharp
          help: -
        a ^@ b
          E0101 at «^@»: no infix parser for token CaretAt
          help: -
        a #> b
          E0610 at «a #> b»: the operator `#>` is not supported
          help: chain `->` and end with `->>`: payload->'a'->>'b'
        a #>> b
          E0610 at «a #>> b»: the operator `#>>` is not supported
          help: chain `->` and end with `->>`: payload->'a'->>'b'
        a @@ b
          E0610 at «a @@ b»: the operator `@@` is not supported
          help: use `->` and `->>` on JSON
        a := b
          E0610 at «a := b»: the operator `:=` is not supported
          help: write `=` to compare, `=>` to name an argument
        a OVERLAPS b
          E0610 at «a OVERLAPS b»: the operator `OVERLAPS` is not supported
          help: compare the ends: a_start < b_end AND b_start < a_end
        ~a
          E0610 at «a»: the operator `~` is not supported
          help: write bitnot(x)
        a:b
          E0101 at «:»: expected the end of the statement, found `:`
          help: -
        payload:a.b
          E0101 at «:»: expected the end of the statement, found `:`
          help: -
        CONVERT(a, CHAR)
          E0608 at «a»: CONVERT is not supported
          help: write CAST(x AS TYPE) or TRY_CAST(x AS TYPE)
        CONVERT(a USING utf8)
          E0608 at «a USING utf8»: CONVERT is not supported
          help: write CAST(x AS TYPE) or TRY_CAST(x AS TYPE)
        SAFE_CAST(a AS INT)
          E0608 at «a»: SAFE_CAST is not supported
          help: write TRY_CAST(x AS TYPE)
        CAST(a AS VARCHAR(5))
          E0302 at «a»: the type VARCHAR(5) is not supported
          help: a length would not be checked: leave it out
        CAST(a AS SMALLINT)
          E0302 at «a»: the type SMALLINT is not supported
          help: use INT (32 bits) or BIGINT (64 bits)
        CAST(a AS WIBBLE)
          E0301 at «WIBBLE»: there is no type `WIBBLE`
          help: BOOL, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BYTES, TIMESTAMP, DATE, TIME, INTERVAL, JSON, ARRAY<T>, MAP<K, V> or STRUCT<name T, …>
        CAST(a AS DATE FORMAT 'YYYY')
          E0608 at «a»: CAST … FORMAT is not supported
          help: use to_timestamp(text, format) or to_char(value, format)
        a::TIMESTAMPTZ
          E0302 at «a»: the type TIMESTAMPTZ is not supported
          help: write TIMESTAMP: it is an instant in UTC; AT TIME ZONE shows it elsewhere
        a IS NORMALIZED
          E0608 at «a»: IS NORMALIZED is not supported
          help: leave it out
        a AT TIME ZONE b
          E0408 at «a AT TIME ZONE b»: behind AT TIME ZONE stands a zone in quotes
          help: for example AT TIME ZONE 'Europe/Berlin'
        a AT TIME ZONE 'Mars/Olympus'
          E0408 at «'Mars/Olympus'»: 'Mars/Olympus' is no time zone
          help: take a name of the IANA database such as 'Europe/Berlin', or an offset such as '+02:00'
        EXTRACT(CENTURY FROM a)
          E0608 at «a»: EXTRACT(CENTURY …) is not supported
          help: year, quarter, month, week, day, dow, doy, hour, minute, second, milliseconds, microseconds, nanoseconds, epoch, isodow, isoyear
        EXTRACT(WEEK(MONDAY) FROM a)
          E0101 at «(»: expected 'FROM' or ','
          help: -
        CEIL(a TO DAY)
          E0608 at «a»: rounding to DAY is not supported here
          help: write date_trunc('day', ts)
        FLOOR(a, 2)
          E0608 at «a»: CEIL and FLOOR take no number of digits
          help: write round(x, digits), or ceil(x * 100) / 100
        TRIM('x', 'a', 'b')
          E0608 at «'x', 'a', 'b'»: TRIM with several lists of characters is not supported
          help: write TRIM(BOTH 'xy' FROM text)
        INTERVAL '1-2' YEAR TO MONTH
          E0403 at «'1-2'»: intervals of several fields or with a precision are not supported
          help: write INTERVAL '5' MINUTE or INTERVAL '1 hour 30 minutes'
        INTERVAL '5' SECOND (3)
          E0403 at «'5'»: intervals of several fields or with a precision are not supported
          help: write INTERVAL '5' MINUTE or INTERVAL '1 hour 30 minutes'
        INTERVAL a DAY
          E0403 at «a»: the length of an interval is a number or a string, written out
          help: write INTERVAL '5' MINUTE or INTERVAL '1 hour 30 minutes'
        INTERVAL INTERVAL '5' DAY
          E0101 at «INTERVAL»: expected the length of the interval, found `INTERVAL`
          help: write it as INTERVAL '5' MINUTE
        a MEMBER OF (b)
          E0608 at «a MEMBER OF (b»: MEMBER OF is not supported
          help: write array_has(array, value)
        $1
          E0108 at «$1»: `$1` is a placeholder, and scripts have no parameters
          help: write the value; `${VAR}` is replaced in the strings of WITH options only
        ?
          E0108 at «?»: `?` is a placeholder, and scripts have no parameters
          help: write the value; `${VAR}` is replaced in the strings of WITH options only
        :a
          E0108 at «:a»: `:a` is a placeholder, and scripts have no parameters
          help: write the value; `${VAR}` is replaced in the strings of WITH options only
        @a
          E0108 at «@a»: `@a` is a placeholder, and scripts have no parameters
          help: write the value; `${VAR}` is replaced in the strings of WITH options only
        N'x'
          E0108 at «N'x'»: N'…' is not supported
          help: all strings are UTF-8: leave out the N
        U&'x'
          E0108 at «U&'x'»: U&'…' is not supported
          help: strings are UTF-8: write the character itself, or E'\u00e9'
        B'01'
          E0206 at «'01'»: a name stands here, not the string '01'
          help: names take double quotes: "01"
        X'0'
          E0108 at «X'0'»: bytes are written as pairs of hexadecimal digits
          help: for example X'00ff'
        X'zz'
          E0108 at «X'zz'»: bytes are written as pairs of hexadecimal digits
          help: for example X'00ff'
        _utf8 'x'
          E0608 at «'x'»: a character set before a string is not supported
          help: all text is UTF-8; leave it out
        99999999999999999999
          E0108 at «99999999999999999999»: 99999999999999999999 does not fit BIGINT
          help: write it as text and cast it: CAST('…' AS DECIMAL(38, 0)), or as DOUBLE with a point: 1e19
        9223372036854775808
          E0108 at «9223372036854775808»: 9223372036854775808 does not fit BIGINT
          help: write it as text and cast it: CAST('…' AS DECIMAL(38, 0)), or as DOUBLE with a point: 1e19
        1e999
          E0108 at «1e999»: 1e999 is no number that DOUBLE can hold
          help: the largest is about 1.8e308
        {d '2024-01-01'}
          E0108 at «'2024-01-01'»: `{d '…'}` is not supported
          help: write DATE '…', TIME '…' or TIMESTAMP '…'
        {fn f(a)}
          E0612 at «f(a»: `{fn …}` is not supported in a function call
          help: call the function as it is
        {}
          E0608 at «}»: an empty struct is not supported
          help: give it at least one field: {'a': 1}
        STRUCT<a INT>(1)
          E0608 at «)»: STRUCT<…>(…) with types is not supported
          help: name the fields and cast the values: STRUCT(CAST(x AS INT) AS a)
        a[1:]
          E0608 at «a[1»: a slice without both bounds is not supported
          help: write array[1:3]; positions count from 1
        a[:2]
          E0608 at «a[:2»: a slice without both bounds is not supported
          help: write array[1:3]; positions count from 1
        a.b.5
          E0101 at «.5»: expected the end of the statement, found `.5`
          help: -
        a.'b'
          E0206 at «'b'»: a name stands here, not the string 'b'
          help: names take double quotes: "b"
        x.f(a)
          E0206 at «x.f»: a function's name has one part, not `x.f`
          help: there are no databases or schemas
        count(s.*)
          E0612 at «count(s»: `s.*` is not supported in a function call
          help: write count(*), or name the columns
        count(*, a)
          E0612 at «count(*, a»: `*` beside other arguments is not supported in a function call
          help: count(*) takes `*` alone
        count(* EXCLUDE (a))
          E0612 at «count»: `*` with EXCLUDE, REPLACE and the like is not supported in a function call
          help: name the columns
        f(a)(b)
          E0101 at «(»: expected the end of the statement, found `(`
          help: -
        f(a := 1)
          E0610 at «a := 1»: the operator `:=` is not supported
          help: write `=` to compare, `=>` to name an argument
        array_agg(a LIMIT 5)
          E0612 at «array_agg(a LIMIT 5»: LIMIT is not supported in a function call
          help: slice the array: array_agg(x)[1:10]
        listagg(a ON OVERFLOW ERROR)
          E0612 at «listagg(a»: ON OVERFLOW is not supported in a function call
          help: leave it out
        f(SELECT 1)
          E0101 at «SELECT»: expected an expression, found `SELECT`
          help: a name that is a word of SQL needs double quotes
        percentile_cont(0.5) WITHIN GROUP (ORDER BY a, b)
          E0612 at «percentile_cont(0.5) WITHIN GROUP (ORDER BY a, b»: WITHIN GROUP with several orders is not supported in a function call
          help: give one: WITHIN GROUP (ORDER BY x)
        json_object('a': 1)
          E0101 at «:»: expected `)`, found `:`
          help: -
        json_array(a NULL ON NULL)
          E0612 at «json_array(a»: NULL ON NULL is not supported in a function call
          help: leave it out
        lambda x : x
          E0101 at «:»: expected the end of the statement, found `:`
          help: -
        a IS JSON
          E0101 at «JSON»: expected [NOT] NULL | TRUE | FALSE | DISTINCT | [form] NORMALIZED FROM after IS, found `JSON`
          help: -
        GROUPING SETS (a)
          E0101 at «(»: expected the end of the statement, found `(`
          help: -
        MATCH (a) AGAINST ('x')
          E0101 at «(»: expected the end of the statement, found `(`
          help: -
    "#]].assert_eq(&out);
}
