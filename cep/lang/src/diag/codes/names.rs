//! E02xx: names that mean nothing, or too much.

codes! {
    UNKNOWN_STREAM "E0201" "unknown stream, view or aggregation"
"Nothing of this name has been created before this statement. Statements are read in order.

Mistake:
```sql
CREATE STREAM trades (symbol STRING, price DOUBLE);
SELECT * FROM trade;
```
Fix:
```sql
SELECT * FROM trades;
```"

    UNKNOWN_COLUMN "E0202" "unknown column"
"The relations in FROM have no column of this name. Names match in any case.

Mistake:
```sql
SELECT prize FROM trades;
```
Fix:
```sql
SELECT price FROM trades;
```"

    AMBIGUOUS_COLUMN "E0203" "ambiguous column"
"Several columns have this name. Write the stream or its alias before it: `t.price`."

    OBJECT_EXISTS "E0204" "name already taken"
"A stream, view, aggregation or common table expression of this name exists already.

Fix: choose another name, DROP the old object first, or write `CREATE STREAM IF NOT EXISTS`."

    COLUMN_TWICE "E0205" "column declared twice"
"Two columns have the same name. Names match in any case, so `Price` and `price` are the same.

Mistake:
```sql
CREATE STREAM s (price DOUBLE, Price DOUBLE);
```
Fix: rename one of them."

    NAME "E0206" "malformed name"
"Names have one part, are not empty, and take double quotes if any.

Mistake:
```sql
SELECT * FROM public.trades;
```
Fix:
```sql
SELECT * FROM trades;
```"

    RECURSION "E0207" "definition in terms of itself"
"A view or a stream is computed from itself, directly or through others, and would never end.

Mistake:
```sql
CREATE VIEW v AS SELECT * FROM v;
```
Fix: read something that does not depend on what is being defined."

    WRONG_KIND "E0208" "object of another kind"
"The name exists, but it is a view where a stream is needed, or the other way round.

Mistake:
```sql
CREATE VIEW cheap AS SELECT * FROM trades WHERE price < 10;
INSERT INTO cheap SELECT * FROM trades;
```
Fix: insert into a stream; a view only names a query."

    STILL_USED "E0209" "object still in use"
"Other objects or queries still read or write this one, so it cannot be dropped. Drop them first."

    COLUMN_COUNT "E0210" "wrong number of columns"
"The number of values or columns does not match: rows of VALUES, branches of UNION ALL, the column
list of INSERT or of a view.

Mistake:
```sql
INSERT INTO s (a, b) VALUES (1, 2, 3);
```
Fix:
```sql
INSERT INTO s (a, b) VALUES (1, 2);
```"
}
