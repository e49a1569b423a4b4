//! E09xx: aggregates and functions.

codes! {
    UNKNOWN_FUNCTION "E0901" "unknown function"
"There is no function of this name. `SHOW FUNCTIONS` lists them all.

Mistake:
```sql
SELECT averge(price) FROM trades;
```
Fix:
```sql
SELECT avg(price) FROM trades;
```"

    ARGUMENTS "E0902" "wrong arguments"
"The function takes another number or other types of arguments; the message shows its signature."

    VOLATILE "E0903" "function with hidden input"
"Results must be the same every time a log is replayed, so functions that draw random numbers, read
the wall clock or the network are refused. The message names the deterministic alternative, for
example `now()`, which reads the time of the log."

    AGGREGATE_PLACE "E0904" "aggregate in the wrong place"
"Aggregates stand in the select list, HAVING, QUALIFY and ORDER BY, not in WHERE, GROUP BY or inside
each other.

Mistake:
```sql
SELECT symbol FROM trades WHERE count(*) > 5 GROUP BY symbol;
```
Fix:
```sql
SELECT symbol FROM trades GROUP BY symbol HAVING count(*) > 5;
```"

    NOT_CORRECTABLE "E0905" "aggregate that cannot take rows back"
"The aggregate cannot be corrected, and its input or late policy asks for corrections."

    NOT_GROUPED "E0906" "column that is neither grouped nor aggregated"
"In a grouped query every column is a group's key or stands inside an aggregate.

Mistake:
```sql
SELECT symbol, price FROM trades GROUP BY symbol;
```
Fix:
```sql
SELECT symbol, last(price) AS price FROM trades GROUP BY symbol;
```"

    CALL_CLAUSE "E0907" "clause that the function does not take"
"DISTINCT, ORDER BY, FILTER, IGNORE NULLS, WITHIN GROUP and OVER are for aggregates and window
functions; the planner would ignore them on others.

Mistake:
```sql
SELECT upper(DISTINCT symbol) FROM trades;
```
Fix:
```sql
SELECT DISTINCT upper(symbol) FROM trades;
```"
}
