//! E03xx: types.

codes! {
    UNKNOWN_TYPE "E0301" "unknown type"
"Types are BOOL, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BYTES, TIMESTAMP, DATE, TIME,
INTERVAL, JSON, ARRAY<T>, MAP<K, V> and STRUCT<name T, …>, with common synonyms.

Mistake:
```sql
CREATE STREAM s (price DUBLE);
```
Fix:
```sql
CREATE STREAM s (price DOUBLE);
```"

    TYPE "E0302" "type that is not supported"
"The type is known elsewhere, but some part of it would be ignored here: a length that is not
checked, a width, a precision, a time zone. The message names the type to use instead.

Mistake:
```sql
CREATE STREAM s (name VARCHAR(20), n SMALLINT);
```
Fix:
```sql
CREATE STREAM s (name STRING, n INT);
```"

    TYPE_PARAMETER "E0303" "type parameter out of range"
"DECIMAL(p, s) takes 1 to 38 digits p, of which 0 to p stand behind the point."

    TYPE_MISMATCH "E0304" "types do not match"
"An operator, function or column needs another type, and there is no conversion that always works.

Mistake:
```sql
SELECT price + symbol FROM trades;
```
Fix: convert explicitly, with CAST, or with TRY_CAST, which gives NULL where it does not work."

    NO_CAST "E0305" "no such conversion"
"There is no conversion between these two types."

    CONSTRAINT "E0306" "column constraint that is not supported"
"A column of a stream has a name, a type, and perhaps NOT NULL. Defaults, keys, checks and computed
columns have no meaning on a sequence of events.

Mistake:
```sql
CREATE STREAM s (id BIGINT PRIMARY KEY, v DOUBLE DEFAULT 0);
```
Fix:
```sql
CREATE STREAM s (id BIGINT NOT NULL, v DOUBLE);
SELECT id, coalesce(v, 0) AS v FROM s;
```"

    NOT_A_CONDITION "E0307" "not a condition"
"WHERE, HAVING, QUALIFY, FILTER and filters of streams need something that is true or false.

Mistake:
```sql
SELECT * FROM s WHERE price;
```
Fix:
```sql
SELECT * FROM s WHERE price > 0;
```"
}
