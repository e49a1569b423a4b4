//! E07xx: streams and changelog.

codes! {
    CHANGELOG "E0701" "operator that cannot take corrections"
"The input is a changelog: rows may be taken back or updated later. The operator needs rows that are
final.

Mistake: a window over an unwindowed GROUP BY.
```sql
SELECT count(*) FROM (SELECT symbol, sum(x) AS total FROM s GROUP BY symbol)
WINDOW TUMBLING (SIZE 1 MINUTE);
```
Fix: put the window where rows only arrive, directly on the stream."

    UNBOUNDED_STATE "E0702" "state without a bound"
"The query would have to remember something for every row or key for ever. Give it a window, or a
bound such as `'state.keys.max'`."

    ORDER_PLACE "E0703" "ORDER BY or LIMIT without an end"
"Rows can be ordered or limited when there is a last one: within the result of a window. A stream
itself never ends.

Mistake:
```sql
SELECT * FROM s ORDER BY price LIMIT 10;
```
Fix:
```sql
SELECT symbol, max(price) AS top FROM s WINDOW TUMBLING (SIZE 1 MINUTE)
GROUP BY symbol ORDER BY top DESC LIMIT 10;
```"

    TARGET_SCHEMA "E0704" "rows do not fit the stream"
"The query's columns do not match the columns of the stream that INSERT INTO names: their number,
names or types."

    SINK_CHANGELOG "E0705" "sink that cannot take corrections"
"The sink appends only, and the query emits corrections. Set the sink's changelog kind, or use a
window that emits final rows."

    NO_INPUT "E0706" "stream that nothing feeds"
"The stream has no source and no query inserts into it, so whatever reads it would wait for ever."

    READ_ONLY "E0707" "stream that cannot be written"
"The stream is fed by a source or by its own query; other queries cannot insert into it."
}
