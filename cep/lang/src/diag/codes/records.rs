//! E10xx: errors of single records at run time; `error.strategy` decides what happens to them.

codes! {
    DIVISION_BY_ZERO "E1001" "division by zero"
"An integer or decimal was divided by zero. `a / nullif(b, 0)` gives NULL instead."

    OVERFLOW "E1002" "number out of range"
"The result of an operation or of an aggregate does not fit its type. Cast the operands to a wider
type first: `sum(CAST(x AS DECIMAL(38, 0)))`."

    BAD_CAST "E1003" "value that cannot be converted"
"A CAST met a value it cannot convert, for example `CAST('abc' AS INT)`. TRY_CAST gives NULL instead."

    BAD_PATTERN "E1004" "text that is no pattern"
"A regular expression came from a column and is malformed."

    BAD_ARGUMENT "E1005" "argument that the function cannot use"
"A function met a value outside of its domain."

    MISSING_EVENT_TIME "E1006" "missing event time"
"The record has no value in the column that is the stream's event time."

    TIME_AHEAD "E1007" "event time too far ahead"
"With `clock = 'ingest'`, the event time lies too far ahead of the clock."

    TIME_OUT_OF_RANGE "E1008" "time out of range"
"The event time, or the window it falls into, lies outside of the years 1677 to 2262, which nanoseconds
since 1970 can count."

    TOO_MANY_KEYS "E1010" "too many keys"
"The record has a new key, and `state.keys.max` keys are kept already. Add a window or `state.ttl`, or
raise the limit."

    NO_ROOM "E1012" "no room for the row"
"The open windows of a query hold as much text as one operator may keep (1 GiB). Select fewer columns
below the window, or make it shorter."

    DUPLICATE_KEY "E1020" "key that is there"
"INSERT INTO met a key that the table has already. UPSERT INTO replaces the row; `insert.conflict` of the
table decides what INSERT does."

    NULL_KEY "E1021" "NULL in a key"
"A column of the PRIMARY KEY is NULL in a row that is to be written."

    TABLE_FULL "E1022" "table that is full"
"The table has `table.rows.max` rows, and `table.full` is 'fail'. Raise the limit, delete rows, or set
`table.full` to 'evict-oldest' or `state.ttl`."

    RULE_FAILED "E1040" "rule that fails"
"The condition, payload or metadata of a rule has no value for the record, as where a whole number is divided
by zero. The rule emits nothing for it; the other rules go on."

    TOO_MANY_MATCHES "E1030" "too many partial matches"
"The record would begin a partial match of a pattern, which has as many as it may (`pattern.runs.max`)
already. Add WITHIN, or a filter to the first step, or raise the limit."

    BAD_SKIP "E1031" "no row to skip to"
"AFTER MATCH SKIP TO names an element that the match has no row of, or whose row is the match's first:
the next match would be the same one. Name an element that every match has, behind its first row."
}
