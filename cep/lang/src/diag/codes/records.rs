//! E10xx: errors of single records at run time; `error.strategy` decides what happens to them.

codes! {
    BAD_CAST "E1001" "value that cannot be converted"
"A CAST met a value it cannot convert, for example `CAST('abc' AS INT)`. TRY_CAST gives NULL instead."

    DIVISION_BY_ZERO "E1002" "division by zero"
"An integer or decimal was divided by zero. `a / nullif(b, 0)` gives NULL instead."

    OVERFLOW "E1003" "number out of range"
"The result of an operation does not fit its type. Cast the operands to a wider type first."

    NULL_VIOLATION "E1004" "NULL in a NOT NULL column"
"The record has no value for a column that is declared NOT NULL."

    MALFORMED_RECORD "E1005" "malformed record"
"The record is not of the stream's format: broken JSON, a CSV line with another number of fields, a
log line that the regular expression does not match."

    UNKNOWN_FIELD "E1006" "unknown field"
"The record has a field that the stream does not declare, and the format is strict about it."

    RECORD_TOO_LARGE "E1007" "record too large"
"The record is larger than the limit for one event."

    TIME_OUT_OF_RANGE "E1008" "event time out of range"
"The event time is too far in the future, cannot be read, or does not fit nanoseconds since 1970
(years 1677 to 2262)."

    INVALID_TEXT "E1009" "invalid UTF-8"
"The record holds bytes that are no UTF-8 text in a column of text."

    MISSING_EVENT_TIME "E1010" "missing event time"
"The record has no value in the column that is the stream's event time."

    BAD_ARGUMENT "E1011" "argument that the function cannot use"
"A function met a value outside of its domain, for example a regular expression that is malformed."

    NO_ROOM "E1012" "no room for the row"
"The open windows of a query hold as much text as one operator may keep (1 GiB). Select fewer columns
below the window, or make it shorter."
}
