//! E06xx: known elsewhere, refused here.

codes! {
    JOIN "E0601" "join that cannot be done"
"Streams never end, so a join keeps rows of each side only for a while, and the query must say how long:
by bounds of the event times of both sides, by a window on each side, or by `state.ttl` of both streams.

Mistake:
```sql
SELECT o.id, p.amount FROM orders AS o JOIN payments AS p ON o.id = p.id;
```
Fix: bound the time, where both streams have an event time.
```sql
SELECT o.id, p.amount FROM orders AS o JOIN payments AS p
ON o.id = p.id AND p.ts BETWEEN o.ts AND o.ts + INTERVAL '1' HOUR;
```
Or keep a window of each side.
```sql
SELECT o.id, p.amount FROM orders WINDOW TIME (1 HOUR) AS o
JOIN payments WINDOW TIME (1 HOUR) AS p ON o.id = p.id;
```
Other joins that are refused have a message that names what to write instead."

    STATEMENT "E0603" "statement that is not supported"
"The statement is known from other databases. Either it is not supported, or it has no meaning on a stream
(transactions)."

    SUBQUERY "E0604" "query inside an expression"
"A query inside an expression is the right side of IN or EXISTS, and reads one table:
`x IN (SELECT c FROM t WHERE …)`. Scalar subqueries are not supported.

Mistake:
```sql
SELECT * FROM trades WHERE price > (SELECT avg(price) FROM trades);
```
Fix: compute it beside the rows, in a window.
```sql
SELECT * FROM trades QUALIFY price > avg(price) OVER (PARTITION BY symbol ORDER BY ts
  ROWS BETWEEN 100 PRECEDING AND CURRENT ROW);
```"

    SET_OPERATION "E0605" "set operation that would remember every row"
"Streams never end, so UNION without ALL, INTERSECT and EXCEPT would have to remember every row for
ever. UNION ALL passes the rows of both sides.

Mistake:
```sql
SELECT a FROM s UNION SELECT a FROM t;
```
Fix:
```sql
SELECT a FROM s UNION ALL SELECT a FROM t;
```"

    GROUPING "E0606" "several groupings at once"
"GROUPING SETS, ROLLUP, CUBE and GROUP BY ALL are not supported yet. Write one query for each
grouping."

    CLAUSE "E0607" "clause that is not supported"
"The clause is known from other databases. Either it has no meaning on a stream, or there is another
way to write it, which the message names."

    EXPRESSION "E0608" "expression that is not supported"
"The expression is known from other databases; the message names what to write instead.

Mistake:
```sql
SELECT * FROM s WHERE name SIMILAR TO 'a%|b%';
```
Fix:
```sql
SELECT * FROM s WHERE name ~ '^(a|b)';
```"

    OR_REPLACE "E0609" "OR REPLACE"
"Replacing a running definition would silently throw away its windows and aggregates. DROP the old
object first, or give the new one another name."

    OPERATOR "E0610" "operator that is not supported"
"The operator is known from other databases; the message names what to write instead."

    WILDCARD "E0611" "option of `*` that is not supported"
"`*` takes EXCLUDE, EXCEPT and REPLACE. Name the columns for anything else."

    CALL "E0612" "clause of a function call that is not supported"
"Function calls take DISTINCT, ORDER BY, FILTER, IGNORE NULLS, WITHIN GROUP and OVER where the
function can use them, and `name => value` for arguments with names."

    OVER "E0613" "window of OVER that is not supported"
"Windows of OVER and of the WINDOW clause are written out in full: they neither extend nor rename
another one.

Mistake:
```sql
SELECT sum(x) OVER (w ROWS 5 PRECEDING) FROM s WINDOW w AS (ORDER BY ts);
```
Fix:
```sql
SELECT sum(x) OVER (ORDER BY ts ROWS 5 PRECEDING) FROM s;
```"

    CANNOT_RUN "E0614" "query that cannot be run"
"The statement is well formed and has its types, but the engine has no way to compute a part of it;
the message names the part.

Mistake:
```sql
SELECT sum(v) FROM s WINDOW TUMBLING (SIZE 1 HOUR, ZONE 'Europe/Berlin');
```
Fix: zones are for windows of whole days or months.
```sql
SELECT sum(v) FROM s WINDOW TUMBLING (SIZE 1 DAY, ZONE 'Europe/Berlin');
```"
}
