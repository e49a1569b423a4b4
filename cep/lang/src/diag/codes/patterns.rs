//! E11xx: patterns.

codes! {
    PATTERN_NAME "E1101" "name of a pattern variable"
"A pattern variable or element is unknown, has the name of another one, or is named where it has no rows.

Mistake: `C` is not in the pattern.
```sql
SELECT * FROM trades MATCH_RECOGNIZE (
  ORDER BY ts MEASURES last(B.price) AS p
  PATTERN (A B+) DEFINE C AS price > 10);
```
Fix: define variables of the pattern."

    PATTERN_SHAPE "E1102" "pattern that cannot be"
"The parts of the pattern do not fit together: a quantifier behind NOT, NOT without FOR outside of AND,
EVERY in the middle of a SEQUENCE, an element of PATTERN that no row is needed for.

Mistake: when is it certain that no B came?
```sql
SELECT e1.id FROM PATTERN (EVERY e1 = A -> NOT B);
```
Fix: say for how long.
```sql
SELECT e1.id FROM PATTERN (EVERY e1 = A -> NOT B FOR 10 SECONDS);
```"

    PATTERN_BOUND "E1103" "bound of a pattern"
"WITHIN bounds the time or the rows of a match: `WITHIN 1 MINUTE`, `WITHIN 10 EVENTS`,
`WITHIN 5 SECONDS BETWEEN STEPS`, several with AND. It stands behind the bracket of what it bounds."

    PATTERN_SKIP "E1104" "place to skip to"
"AFTER MATCH SKIP goes PAST LAST ROW, TO NEXT ROW, TO FIRST x or TO LAST x, where x is a variable of the
pattern that has rows."

    PATTERN_ROW "E1105" "row of a match"
"A reference to rows of a match that has no meaning where it stands: FINAL in DEFINE, rows of an element
that cannot have come yet, columns of two variables inside one FIRST, LAST, PREV, NEXT or aggregate.

Mistake: which row before, A's or B's?
```sql
SELECT * FROM trades MATCH_RECOGNIZE (
  ORDER BY ts MEASURES prev(A.price + B.price) AS p
  PATTERN (A B) DEFINE B AS B.price > A.price);
```
Fix: one variable in each call.
```sql
SELECT * FROM trades MATCH_RECOGNIZE (
  ORDER BY ts MEASURES prev(A.price) + prev(B.price) AS p
  PATTERN (A B) DEFINE B AS B.price > A.price);
```"

    PATTERN_ORDER "E1106" "order of a pattern"
"Rows are matched as they stand in the log, or with ORDER BY the event time ascending, behind the
watermark. No other order can be kept on a stream that does not end."
}
