//! E01xx: the text is no statement.

codes! {
    SYNTAX "E0101" "unexpected word or symbol"
"The statement is well-formed up to the marked place, and something else should stand there.

Mistake:
```sql
SELECT symbol, FROM trades;
```
Fix:
```sql
SELECT symbol FROM trades;
```
A name that is a word of SQL takes double quotes: `\"order\"`. Strings take single quotes."

    TOKEN "E0102" "unclosed string, name or comment"
"A string, a quoted name or a comment is never closed, so everything behind it belongs to it.

Mistake:
```sql
SELECT 'it's' FROM s;
```
Fix: a quote inside a string is written twice.
```sql
SELECT 'it''s' FROM s;
```"

    NUMBER "E0103" "malformed number"
"Letters stand directly behind a number. Elsewhere `12abc` means the number 12 under the name
`abc`, which is hardly ever meant.

Mistake:
```sql
SELECT * FROM s WINDOW TUMBLING (SIZE 5MINUTES);
```
Fix:
```sql
SELECT * FROM s WINDOW TUMBLING (SIZE 5 MINUTES);
```"

    SCRIPT_TOO_LONG "E0104" "script too long"
"Scripts are bounded in length, because parsing takes a multiple of their size in memory.

Fix: split the script, and feed many rows through a source (a file, standard input) instead of
`INSERT INTO … VALUES`."

    TOO_DEEP "E0105" "nested too deeply"
"Expressions, types and queries nest to a bounded depth, so that no script can exhaust the stack.

Mistake: a generated chain of hundreds of conditions.
```sql
SELECT * FROM s WHERE a = 1 OR a = 2 OR a = 3 /* … */;
```
Fix:
```sql
SELECT * FROM s WHERE a IN (1, 2, 3 /* … */);
```
or compute parts of the expression in a view."

    TOO_COMPLEX "E0106" "malformed and too complex to tell where"
"The statement is malformed inside deeply nested brackets, and finding the best place to report
would take too long. Check the brackets and the CASE … END pairs before the marked place."

    UNKNOWN_STATEMENT "E0107" "unknown statement"
"Statements start with CREATE, INSERT, SELECT, WITH, EXPLAIN, SHOW, DESCRIBE or DROP.

Mistake:
```sql
SELEKT * FROM s;
```
Fix:
```sql
SELECT * FROM s;
```"

    LITERAL "E0108" "literal that cannot be used"
"A number, string or other literal has a form that is not supported or a value out of range.

Mistake: this whole number does not fit BIGINT.
```sql
SELECT 99999999999999999999;
```
Fix:
```sql
SELECT CAST('99999999999999999999' AS DECIMAL(20, 0));
```"
}
