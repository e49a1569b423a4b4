//! E08xx: time.

codes! {
    NO_EVENT_TIME "E0801" "no event time"
"The window or function needs the event time of the rows, and the stream declares none.

Mistake:
```sql
CREATE STREAM s (ts TIMESTAMP, x DOUBLE);
SELECT avg(x) FROM s WINDOW TUMBLING (SIZE 1 MINUTE);
```
Fix:
```sql
CREATE STREAM s (ts TIMESTAMP, x DOUBLE) WITH ('event.time' = 'ts');
```"

    EVENT_TIME_TYPE "E0802" "event time of another type"
"The event time is a TIMESTAMP, or an integer or text that `'event.time.unit'` or
`'event.time.format'` explains."

    LATE_POLICY "E0803" "late policy that the query cannot keep"
"Late rows can be corrected only by aggregates that can take rows back and windows that are kept."

    CLOCK "E0804" "clock that does not fit the source"
"`'clock' = 'ingest'` stamps rows as they arrive and belongs to live sources; files and replays use
`'clock' = 'event'`."
}
