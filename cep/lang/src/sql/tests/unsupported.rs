//! Every construct that is known elsewhere and has no place here: code, place, reason, help.

use expect_test::expect;

use super::refused;

fn golden(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("{text}\n  {}\n", refused(text))).collect()
}

#[test]
fn statements() {
    expect![[r#"
        UPDATE s SET a = 1
          E0101 at «»: expected FROM, found the end of the statement
          help: rows of a stream update a table: UPDATE t SET c = s.c FROM s WHERE t.k = s.k
        DELETE FROM s
          E0101 at «»: expected USING, found the end of the statement
          help: rows of a stream delete rows of a table: DELETE FROM t USING s WHERE t.k = s.k
        MERGE INTO s USING t ON a = b
          E0603 at «MERGE»: MERGE is not supported
          help: write UPSERT INTO table SELECT …, or UPDATE table SET … FROM stream WHERE …
        REPLACE INTO s VALUES (1)
          E0603 at «REPLACE»: REPLACE is not supported
          help: write UPSERT INTO table SELECT …
        ALTER STREAM s ADD a INT
          E0603 at «ALTER»: ALTER is not supported yet
          help: DROP the object and CREATE it again
        TRUNCATE s
          E0603 at «TRUNCATE»: a stream cannot be emptied
          help: DROP it
        SET x = 1
          E0603 at «SET»: there are no session variables
          help: options stand in WITH (…) of CREATE STREAM; `${VAR}` reads the environment
        RESET x
          E0603 at «RESET»: there are no session variables
          help: options stand in WITH (…) of CREATE STREAM
        BEGIN
          E0603 at «BEGIN»: a stream has no transactions: every event is applied on its own, in order
          help: leave out BEGIN and COMMIT
        START TRANSACTION
          E0603 at «START»: a stream has no transactions: every event is applied on its own, in order
          help: leave out START TRANSACTION and COMMIT
        COMMIT
          E0603 at «COMMIT»: a stream has no transactions: every event is applied on its own, in order
          help: leave out BEGIN and COMMIT
        ROLLBACK
          E0603 at «ROLLBACK»: a stream has no transactions: every event is applied on its own, in order
          help: leave out BEGIN and ROLLBACK
        SAVEPOINT a
          E0603 at «SAVEPOINT»: a stream has no transactions: every event is applied on its own, in order
          help: leave it out
        END
          E0603 at «END»: END closes nothing here
          help: leave it out; PARTITION WITH … BEGIN … END is not supported yet
        PARTITION WITH (symbol OF trades)
          E0603 at «PARTITION WITH»: PARTITION WITH … BEGIN … END is not supported yet
          help: group by the key: SELECT … GROUP BY key
        DEFINE STREAM s (a INT)
          E0603 at «DEFINE STREAM»: DEFINE STREAM is written CREATE STREAM here
          help: write CREATE STREAM name (column TYPE, …)
        FROM s SELECT a
          E0603 at «FROM»: a query starts with SELECT
          help: write SELECT … FROM …
        VALUES (1)
          E0603 at «VALUES»: VALUES stands only in INSERT INTO
          help: write INSERT INTO stream VALUES (…)
        TABLE s
          E0603 at «TABLE»: a query starts with SELECT
          help: write SELECT * FROM stream
        USE db
          E0603 at «USE»: there are no databases or schemas
          help: leave it out
        COPY s FROM 'x'
          E0603 at «COPY»: COPY is not supported
          help: read files with CREATE STREAM … WITH ('type' = 'source', 'extension' = 'file', …)
        LOAD 'x'
          E0603 at «LOAD»: LOAD is not supported
          help: read files with CREATE STREAM … WITH ('type' = 'source', 'extension' = 'file', …)
        ATTACH 'x'
          E0603 at «ATTACH»: ATTACH is not supported
          help: sources are streams: CREATE STREAM … WITH (…)
        INSTALL x
          E0603 at «INSTALL»: there are no extensions to install
          help: leave it out
        ANALYZE s
          E0603 at «ANALYZE»: there are no statistics to gather
          help: EXPLAIN shows the plan
        VACUUM
          E0603 at «VACUUM»: there is nothing to vacuum
          help: leave it out
        GRANT SELECT ON s TO me
          E0603 at «GRANT»: rights are not managed in SQL
          help: roles belong to the server's configuration
        REVOKE SELECT ON s FROM me
          E0603 at «REVOKE»: rights are not managed in SQL
          help: roles belong to the server's configuration
        CALL f()
          E0603 at «CALL»: there are no procedures
          help: write queries
        EXECUTE p
          E0603 at «EXECUTE»: there are no prepared statements
          help: write the statement itself
        PREPARE p AS SELECT 1
          E0603 at «PREPARE»: there are no prepared statements
          help: write the statement itself
        DEALLOCATE p
          E0603 at «DEALLOCATE»: there are no prepared statements
          help: leave it out
        DECLARE x INT
          E0603 at «DECLARE»: there are no variables or cursors
          help: name queries with CREATE VIEW
        COMMENT ON STREAM s IS 'x'
          E0603 at «COMMENT»: objects have no comments
          help: write an SQL comment: -- text
        LOCK s
          E0603 at «LOCK»: there are no locks
          help: leave it out
        KILL 5
          E0603 at «KILL»: KILL is not supported
          help: DROP the stream that the query feeds
        REFRESH s
          E0603 at «REFRESH»: continuous queries are always fresh
          help: leave it out
        LISTEN s
          E0603 at «LISTEN»: LISTEN is not supported
          help: SELECT prints its rows as they come
        NOTIFY s
          E0603 at «NOTIFY»: NOTIFY is not supported
          help: INSERT INTO a stream
        PRAGMA x
          E0603 at «PRAGMA»: there are no pragmas
          help: options stand in WITH (…) of CREATE STREAM
        CREATE FUNCTION f(a INT) RETURNS INT
          E0101 at «»: expected `AS`, found the end of the statement
          help: -
        CREATE MATERIALIZED VIEW v AS SELECT 1
          E0603 at «MATERIALIZED»: a materialized view is a stream here
          help: write CREATE STREAM name AS SELECT …
        CREATE TEMPORARY VIEW v AS SELECT 1
          E0603 at «TEMPORARY»: nothing is temporary
          help: leave out TEMPORARY; WITH names a query inside one statement
        CREATE TEMP STREAM s (a INT)
          E0603 at «TEMP»: nothing is temporary
          help: leave out TEMP; WITH names a query inside one statement
        CREATE EXTERNAL TABLE t (a INT)
          E0603 at «EXTERNAL»: sources are streams
          help: write CREATE STREAM … WITH ('type' = 'source', 'extension' = 'file', …)
        CREATE SOURCE s
          E0603 at «SOURCE»: a source is an option of a stream
          help: write CREATE STREAM … WITH ('type' = 'source', 'extension' = …)
        CREATE SINK s
          E0603 at «SINK»: a sink is an option of a stream
          help: write CREATE STREAM … WITH ('type' = 'sink', 'extension' = …)
        CREATE WINDOW w (a INT)
          E0603 at «WINDOW»: windows have no names of their own yet
          help: put the window behind the stream: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)
        CREATE UNIQUE INDEX i ON s (a)
          E0603 at «UNIQUE INDEX»: an index does not check uniqueness
          help: the PRIMARY KEY of a table is unique; others are CREATE INDEX ON table (column)
        CREATE SCHEMA x
          E0603 at «SCHEMA»: there are no databases or schemas
          help: leave it out
        CREATE DATABASE x
          E0603 at «DATABASE»: there are no databases or schemas
          help: leave it out
        CREATE TYPE t AS ENUM ('a')
          E0603 at «TYPE»: CREATE TYPE is not supported
          help: write the type out: STRUCT<a INT, b STRING>
        CREATE SEQUENCE x
          E0603 at «SEQUENCE»: CREATE SEQUENCE is not supported
          help: row_number() OVER () numbers rows
        CREATE ROLE x
          E0603 at «ROLE»: rights are not managed in SQL
          help: roles belong to the server's configuration
        CREATE USER x
          E0603 at «USER»: rights are not managed in SQL
          help: roles belong to the server's configuration
        CREATE EXTENSION x
          E0603 at «EXTENSION»: there are no extensions
          help: leave it out
        CREATE MACRO x() AS 1
          E0603 at «MACRO»: CREATE MACRO is written CREATE FUNCTION here
          help: write CREATE FUNCTION f(a DOUBLE) AS a * 2
        CREATE OR REPLACE STREAM s (a INT)
          E0609 at «OR»: OR REPLACE is refused: replacing a definition would silently throw away its state
          help: DROP the old one first, or give the new one another name
        CREATE OR REPLACE VIEW v AS SELECT 1
          E0609 at «OR»: OR REPLACE is refused: replacing a definition would silently throw away its state
          help: DROP the old one first, or give the new one another name
        CREATE VIEW IF NOT EXISTS v AS SELECT 1
          E0607 at «IF»: CREATE VIEW takes no IF NOT EXISTS
          help: a view has no state: drop it and create it again
        CREATE VIEW v WITH (a = 1) AS SELECT 1
          E0607 at «WITH»: a view has no options: it only names a query
          help: use CREATE STREAM … WITH (…) AS SELECT … for something with a sink
        CREATE AGGREGATION IF NOT EXISTS a AS SELECT 1 AGGREGATE EVERY DAYS
          E0607 at «IF»: CREATE AGGREGATION takes no IF NOT EXISTS
          help: leave it out
        DROP STREAM s CASCADE
          E0607 at «CASCADE»: DROP takes no CASCADE or RESTRICT: what is still read is never dropped
          help: drop the readers first
        EXPLAIN ANALYZE SELECT 1
          E0607 at «ANALYZE»: EXPLAIN takes no options
          help: write EXPLAIN followed by the statement
        EXPLAIN VERBOSE SELECT 1
          E0607 at «VERBOSE»: EXPLAIN takes no options
          help: write EXPLAIN followed by the statement
        EXPLAIN (FORMAT JSON) SELECT 1
          E0607 at «(»: EXPLAIN takes no options
          help: write EXPLAIN followed by the statement
        EXPLAIN EXPLAIN SELECT 1
          E0101 at «EXPLAIN»: expected a statement with a plan, found `EXPLAIN`
          help: EXPLAIN takes SELECT, INSERT, CREATE STREAM … AS, CREATE VIEW or CREATE AGGREGATION
        INSERT OVERWRITE s SELECT 1
          E0607 at «OVERWRITE»: INSERT has no variants
          help: write INSERT INTO stream SELECT …, or UPSERT INTO table SELECT … to replace rows by key
        INSERT OR REPLACE INTO s SELECT 1
          E0607 at «OR»: INSERT has no variants
          help: write INSERT INTO stream SELECT …, or UPSERT INTO table SELECT … to replace rows by key
        INSERT INTO TABLE s SELECT 1
          E0101 at «TABLE»: expected the name of a stream or table, found `TABLE`
          help: leave out TABLE: INSERT INTO name …
        INSERT INTO s DEFAULT VALUES
          E0607 at «DEFAULT»: columns have no default values
          help: write VALUES with a value for each column, NULL where there is none
        INSERT INTO s VALUES (1) ON CONFLICT DO NOTHING
          E0607 at «ON CONFLICT»: rows of a stream never conflict
          help: leave out ON CONFLICT
        INSERT INTO s VALUES (1) ON DUPLICATE KEY UPDATE a = 1
          E0607 at «ON DUPLICATE»: rows of a stream never conflict
          help: leave out ON DUPLICATE KEY
        INSERT INTO s VALUES (1) RETURNING a
          E0607 at «RETURNING»: INSERT returns nothing
          help: leave out RETURNING
    "#]]
    .assert_eq(&golden(&[
        "UPDATE s SET a = 1",
        "DELETE FROM s",
        "MERGE INTO s USING t ON a = b",
        "REPLACE INTO s VALUES (1)",
        "ALTER STREAM s ADD a INT",
        "TRUNCATE s",
        "SET x = 1",
        "RESET x",
        "BEGIN",
        "START TRANSACTION",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT a",
        "END",
        "PARTITION WITH (symbol OF trades)",
        "DEFINE STREAM s (a INT)",
        "FROM s SELECT a",
        "VALUES (1)",
        "TABLE s",
        "USE db",
        "COPY s FROM 'x'",
        "LOAD 'x'",
        "ATTACH 'x'",
        "INSTALL x",
        "ANALYZE s",
        "VACUUM",
        "GRANT SELECT ON s TO me",
        "REVOKE SELECT ON s FROM me",
        "CALL f()",
        "EXECUTE p",
        "PREPARE p AS SELECT 1",
        "DEALLOCATE p",
        "DECLARE x INT",
        "COMMENT ON STREAM s IS 'x'",
        "LOCK s",
        "KILL 5",
        "REFRESH s",
        "LISTEN s",
        "NOTIFY s",
        "PRAGMA x",
        "CREATE FUNCTION f(a INT) RETURNS INT",
        "CREATE MATERIALIZED VIEW v AS SELECT 1",
        "CREATE TEMPORARY VIEW v AS SELECT 1",
        "CREATE TEMP STREAM s (a INT)",
        "CREATE EXTERNAL TABLE t (a INT)",
        "CREATE SOURCE s",
        "CREATE SINK s",
        "CREATE WINDOW w (a INT)",
        "CREATE UNIQUE INDEX i ON s (a)",
        "CREATE SCHEMA x",
        "CREATE DATABASE x",
        "CREATE TYPE t AS ENUM ('a')",
        "CREATE SEQUENCE x",
        "CREATE ROLE x",
        "CREATE USER x",
        "CREATE EXTENSION x",
        "CREATE MACRO x() AS 1",
        "CREATE OR REPLACE STREAM s (a INT)",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "CREATE VIEW IF NOT EXISTS v AS SELECT 1",
        "CREATE VIEW v WITH (a = 1) AS SELECT 1",
        "CREATE AGGREGATION IF NOT EXISTS a AS SELECT 1 AGGREGATE EVERY DAYS",
        "DROP STREAM s CASCADE",
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN VERBOSE SELECT 1",
        "EXPLAIN (FORMAT JSON) SELECT 1",
        "EXPLAIN EXPLAIN SELECT 1",
        "INSERT OVERWRITE s SELECT 1",
        "INSERT OR REPLACE INTO s SELECT 1",
        "INSERT INTO TABLE s SELECT 1",
        "INSERT INTO s DEFAULT VALUES",
        "INSERT INTO s VALUES (1) ON CONFLICT DO NOTHING",
        "INSERT INTO s VALUES (1) ON DUPLICATE KEY UPDATE a = 1",
        "INSERT INTO s VALUES (1) RETURNING a",
    ]));
}

#[test]
fn relations() {
    expect![[r#"
        SELECT * FROM a NATURAL JOIN b
          E0601 at «NATURAL»: NATURAL JOIN would change its meaning when a column is added to a stream
          help: name the columns: JOIN b USING (id)
        SELECT * FROM a ASOF JOIN b
          E0101 at «»: expected ON or USING, found the end of the statement
          help: say which rows belong together: JOIN b ON a.id = b.id; CROSS JOIN joins all
        SELECT * FROM a RIGHT ASOF JOIN b
          E0101 at «ASOF»: expected `JOIN`, found `ASOF`
          help: -
        SELECT * FROM a ASOF FULL JOIN b ON TRUE
          E0601 at «ASOF»: ASOF goes with JOIN and LEFT JOIN
          help: it finds the nearest row of the right side for each row of the left one: a ASOF LEFT JOIN b ON …
        SELECT * FROM a JOIN b
          E0101 at «»: expected ON or USING, found the end of the statement
          help: say which rows belong together: JOIN b ON a.id = b.id; CROSS JOIN joins all
        SELECT * FROM a CROSS JOIN b ON TRUE
          E0601 at «ON»: CROSS JOIN joins all rows and takes no condition
          help: write JOIN … ON …, or put the condition into WHERE
        SELECT * FROM a OUTER JOIN b ON TRUE
          E0601 at «OUTER»: an outer join says of which side all rows are kept
          help: write LEFT JOIN, RIGHT JOIN or FULL JOIN
        SELECT * FROM a LEFT SEMI JOIN b ON TRUE
          E0601 at «LEFT SEMI»: SEMI JOIN is not supported
          help: write a JOIN b ON … and take the columns of a
        SELECT * FROM a ANTI JOIN b ON TRUE
          E0601 at «ANTI»: ANTI JOIN is not supported
          help: write a LEFT JOIN b ON … WHERE b.id IS NULL
        SELECT * FROM a GLOBAL JOIN b ON TRUE
          E0601 at «GLOBAL»: GLOBAL JOIN is not supported
          help: leave out GLOBAL
        SELECT * FROM a STRAIGHT_JOIN b
          E0601 at «STRAIGHT_JOIN»: STRAIGHT_JOIN is not supported
          help: write JOIN: joins are done in the order in which they are written
        SELECT * FROM a CROSS APPLY b
          E0601 at «CROSS APPLY»: APPLY is not supported
          help: write JOIN … ON …
        SELECT * FROM a JOIN b JOIN c ON TRUE ON TRUE
          E0601 at «JOIN»: each JOIN is followed by its own ON or USING
          help: write a JOIN b ON … JOIN c ON …, or parentheses: a JOIN (b JOIN c ON …) ON …
        SELECT * FROM a JOIN b ON TRUE WINDOW LENGTH (5)
          E0405 at «WINDOW»: a window stands behind one relation, and this is a join
          help: put the window behind a side: a WINDOW TIME (10 SECONDS) JOIN b WINDOW … ON …; or the join into a query: FROM (SELECT … FROM a JOIN b ON …) WINDOW …
        SELECT * FROM a JOIN b ON TRUE WHERE x WINDOW LENGTH (5)
          E0405 at «WINDOW»: a window stands behind one relation, and this is a join
          help: put the window behind a side: a WINDOW TIME (10 SECONDS) JOIN b WINDOW … ON …; or the join into a query: FROM (SELECT … FROM a JOIN b ON …) WINDOW …
        SELECT * FROM (a JOIN b ON TRUE) AS c
          E0601 at «AS»: a join in parentheses takes no alias, filter or window
          help: put it into a query: (SELECT … FROM a JOIN b ON …) AS x WINDOW …
        SELECT * FROM (a)
          E0101 at «(a)»: these parentheses hold no join and no query
          help: leave them out
        SELECT * FROM a JOIN b WHERE x WINDOW LENGTH (5) ON TRUE
          E0101 at «WHERE»: expected ON or USING, found `WHERE`
          help: say which rows belong together: JOIN b ON a.id = b.id; CROSS JOIN joins all
        SELECT * FROM a FOR SYSTEM_TIME AS ts
          E0101 at «AS»: expected AS OF, found `AS`
          help: write FOR SYSTEM_TIME AS OF o.ts: the rows as they were at that time
        SELECT * FROM a AS b FOR SYSTEM_TIME AS OF ts
          E0601 at «FOR SYSTEM_TIME»: FOR SYSTEM_TIME AS OF stands directly behind the relation's name, once
          help: write prices FOR SYSTEM_TIME AS OF o.ts AS p
        SELECT * FROM a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q
          E0601 at «,»: FROM joins at most 16 relations
          help: join some of them in a stream of their own: CREATE STREAM j AS SELECT …
        SELECT * FROM a WHERE x JOIN b ON TRUE
          E0101 at «JOIN»: expected the end of the query, found `JOIN`
          help: joins stand in FROM, before WHERE; filter a side before it with a[condition]: FROM a[x > 1] JOIN b ON …
        SELECT * FROM a ON TRUE
          E0101 at «ON»: expected the end of the query, found `ON`
          help: joins stand in FROM, before WHERE; filter a side before it with a[condition]: FROM a[x > 1] JOIN b ON …
        SELECT * FROM LATERAL (SELECT 1)
          E0601 at «LATERAL»: LATERAL is not supported
          help: use unnest(array) in the select list
        SELECT * FROM ONLY (a)
          E0607 at «ONLY»: ONLY has no meaning: streams have no children
          help: leave it out
        SELECT * FROM VALUES (1)
          E0607 at «VALUES»: VALUES stands only in INSERT INTO
          help: write INSERT INTO stream VALUES (…)
        SELECT * FROM (VALUES (1))
          E0101 at «VALUES»: expected SELECT, found `VALUES`
          help: only queries take parentheses here; write a stream's name without
        SELECT * FROM a TABLESAMPLE BERNOULLI (10)
          E0607 at «TABLESAMPLE»: TABLESAMPLE is random, and a result must be the same every time
          help: filter by a column instead
        SELECT * FROM a SAMPLE (10)
          E0607 at «SAMPLE»: SAMPLE is random, and a result must be the same every time
          help: filter by a column instead
        SELECT * FROM a PIVOT (sum(x) FOR y IN (1))
          E0607 at «PIVOT»: PIVOT is not supported
          help: write sum(x) FILTER (WHERE kind = 'a') AS a for each column
        SELECT * FROM a UNPIVOT (x FOR y IN (b, c))
          E0607 at «UNPIVOT»: UNPIVOT is not supported
          help: write one SELECT for each column and UNION ALL them
        SELECT * FROM a FINAL
          E0607 at «FINAL»: FINAL has no meaning on a stream
          help: leave it out
    "#]]
    .assert_eq(&golden(&[
        "SELECT * FROM a NATURAL JOIN b",
        "SELECT * FROM a ASOF JOIN b",
        "SELECT * FROM a RIGHT ASOF JOIN b",
        "SELECT * FROM a ASOF FULL JOIN b ON TRUE",
        "SELECT * FROM a JOIN b",
        "SELECT * FROM a CROSS JOIN b ON TRUE",
        "SELECT * FROM a OUTER JOIN b ON TRUE",
        "SELECT * FROM a LEFT SEMI JOIN b ON TRUE",
        "SELECT * FROM a ANTI JOIN b ON TRUE",
        "SELECT * FROM a GLOBAL JOIN b ON TRUE",
        "SELECT * FROM a STRAIGHT_JOIN b",
        "SELECT * FROM a CROSS APPLY b",
        "SELECT * FROM a JOIN b JOIN c ON TRUE ON TRUE",
        "SELECT * FROM a JOIN b ON TRUE WINDOW LENGTH (5)",
        "SELECT * FROM a JOIN b ON TRUE WHERE x WINDOW LENGTH (5)",
        "SELECT * FROM (a JOIN b ON TRUE) AS c",
        "SELECT * FROM (a)",
        "SELECT * FROM a JOIN b WHERE x WINDOW LENGTH (5) ON TRUE",
        "SELECT * FROM a FOR SYSTEM_TIME AS ts",
        "SELECT * FROM a AS b FOR SYSTEM_TIME AS OF ts",
        "SELECT * FROM a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q",
        "SELECT * FROM a WHERE x JOIN b ON TRUE",
        "SELECT * FROM a ON TRUE",
        "SELECT * FROM LATERAL (SELECT 1)",
        "SELECT * FROM ONLY (a)",
        "SELECT * FROM VALUES (1)",
        "SELECT * FROM (VALUES (1))",
        "SELECT * FROM a TABLESAMPLE BERNOULLI (10)",
        "SELECT * FROM a SAMPLE (10)",
        "SELECT * FROM a PIVOT (sum(x) FOR y IN (1))",
        "SELECT * FROM a UNPIVOT (x FOR y IN (b, c))",
        "SELECT * FROM a FINAL",
    ]));
}
