//! E05xx: WITH options.

codes! {
    UNKNOWN_OPTION "E0501" "unknown option"
"The stream, source or sink has no option of this name. Options are never ignored.

Mistake:
```sql
CREATE STREAM s (a INT) WITH ('extenson' = 'file');
```
Fix:
```sql
CREATE STREAM s (a INT) WITH ('extension' = 'file');
```"

    OPTION_TWICE "E0502" "option given twice"
"Each option stands once. Names of options match in any case."

    MISSING_OPTION "E0503" "missing option"
"The source or sink cannot work without this option.

Mistake:
```sql
CREATE STREAM s (a INT) WITH ('type' = 'source', 'extension' = 'file', 'format' = 'csv');
```
Fix: add `'file.path' = 'data.csv'`."

    OPTION_VALUE "E0504" "bad value of an option"
"The option does not take this value: another type, out of range, or none of the known words."

    VARIABLE "E0505" "environment variable that cannot be replaced"
"`${VAR}` in a string is replaced by the environment variable, `${VAR:default}` by the
default when it is not set. `$$` stands for one dollar sign.

Mistake:
```sql
CREATE STREAM s (a INT) WITH ('file.path' = '${DATA}/s.csv');   -- DATA is not set
```
Fix:
```sql
CREATE STREAM s (a INT) WITH ('file.path' = '${DATA:.}/s.csv');
```"

    OPTION_CONFLICT "E0506" "options that contradict each other"
"Two options cannot be given together; the message names both."

    OPTION_REFUSED "E0507" "option that has no meaning here"
"The option is known from other engines, but what it would change does not exist here, for example
`async.*`: a partition applies its events one after the other, which is what makes results
repeatable."
}
