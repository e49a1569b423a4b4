//! E04xx: windows, durations and rates.

codes! {
    WINDOW "E0401" "unknown window"
"There is no window of this name. `SHOW WINDOWS` lists them all.

Mistake:
```sql
SELECT count(*) FROM s WINDOW TUMBELING (SIZE 1 MINUTE);
```
Fix:
```sql
SELECT count(*) FROM s WINDOW TUMBLING (SIZE 1 MINUTE);
```"

    WINDOW_PARAM "E0402" "wrong window parameters"
"A parameter of the window is missing, unknown, given twice, or one too many.

Mistake:
```sql
SELECT count(*) FROM s WINDOW HOP (SIZE 1 MINUTE);
```
Fix:
```sql
SELECT count(*) FROM s WINDOW HOP (SIZE 1 MINUTE, SLIDE 10 SECONDS);
```"

    DURATION "E0403" "malformed length of time"
"A length of time is a number with a unit: `5 SECONDS`, `1 HOUR 30 MINUTES`, `INTERVAL '5' SECOND`,
or the same in quotes: `'250 ms'`. Units go from nanoseconds to years; months and years have no
fixed length and stand only where a calendar is meant.

Mistake:
```sql
SELECT count(*) FROM s WINDOW TUMBLING (SIZE 5);
```
Fix:
```sql
SELECT count(*) FROM s WINDOW TUMBLING (SIZE 5 SECONDS);
```"

    COUNT "E0404" "number out of range"
"Counts of rows are whole numbers from 1 on; shares lie between 0 and 1, both excluded.

Mistake:
```sql
SELECT avg(x) FROM s WINDOW LENGTH (0);
```
Fix:
```sql
SELECT avg(x) FROM s WINDOW LENGTH (100);
```"

    WINDOW_PLACE "E0405" "window in the wrong place"
"A relation has at most one window, directly behind it.

Mistake:
```sql
SELECT * FROM s WINDOW LENGTH (5) WINDOW TUMBLING (SIZE 1 MINUTE);
```
Fix: put the first window into a query of its own.
```sql
SELECT * FROM (SELECT * FROM s WINDOW LENGTH (5)) WINDOW TUMBLING (SIZE 1 MINUTE);
```"

    WINDOW_TIME "E0406" "window over another column than the event time"
"Windows by event time follow the stream's event time; `DESCRIPTOR(column)` must name that column.

Fix: declare the column as `'event.time'` in WITH (…) of the stream, or use EXTERNALTIME, which
takes any column."

    CRON "E0407" "malformed cron expression"
"A cron expression has five fields (minute, hour, day of month, month, day of week), or six with the
second first.

Mistake:
```sql
SELECT count(*) FROM s WINDOW CRON ('every five minutes');
```
Fix:
```sql
SELECT count(*) FROM s WINDOW CRON ('*/5 * * * *');
```"

    ZONE "E0408" "unknown time zone"
"Time zones are names of the IANA database such as `'Europe/Berlin'` or `'UTC'`."

    GRAIN "E0409" "unknown grain"
"Aggregations are kept per SECONDS, MINUTES, HOURS, DAYS, WEEKS, MONTHS and YEARS, as a list or as a
range from fine to coarse. A range leaves out weeks, which do not nest with months.

Mistake:
```sql
CREATE AGGREGATION a AS SELECT symbol, sum(price) AS total FROM trades GROUP BY symbol
AGGREGATE BY ts EVERY YEARS … SECONDS;
```
Fix: `EVERY SECONDS … YEARS`."

    RATE "E0410" "malformed output rate"
"Output rates are `OUTPUT ALL|FIRST|LAST EVERY n EVENTS`, `OUTPUT ALL|FIRST|LAST EVERY 5 SECONDS` and
`OUTPUT SNAPSHOT EVERY 5 SECONDS`."
}
