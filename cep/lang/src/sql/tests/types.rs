//! Column types (R-EVT-2) and constraints.

use expect_test::expect;

use crate::ast::StatementKind;

use super::{parsed, refused};

#[test]
fn every_type_and_its_synonyms() {
    let mut out = String::new();
    for types in [
        "BOOL, BOOLEAN",
        "INT, INTEGER, INT4, INT32",
        "BIGINT, INT8, INT64, LONG",
        "FLOAT, REAL, FLOAT4, FLOAT32",
        "DOUBLE, DOUBLE PRECISION, FLOAT8, FLOAT64",
        "DECIMAL(10, 2), NUMERIC(10, 2), DEC(10, 2)",
        "DECIMAL(5), DECIMAL(38, 38), DECIMAL",
        "STRING, TEXT, VARCHAR, CHARACTER VARYING, CLOB",
        "BYTES, BYTEA, BLOB, BINARY, VARBINARY",
        "TIMESTAMP, TIMESTAMP WITHOUT TIME ZONE, DATETIME, TIMESTAMP(9)",
        "DATE",
        "TIME",
        "INTERVAL",
        "JSON",
        "ARRAY<INT>, INT[]",
        "ARRAY<ARRAY<INT>>, INT[][]",
        "MAP<STRING, DOUBLE>",
        "STRUCT<a INT, b STRING>, STRUCT<a: INT, b: STRING>",
        "ARRAY<JSON>",
        "MAP<STRING, STRUCT<x INT, y ARRAY<STRUCT<z JSON>>>>",
    ] {
        let mut described: Vec<String> = Vec::new();
        for one in split(types) {
            let statements = parsed(&format!("CREATE STREAM s (c {one})"));
            let StatementKind::CreateStream(create) = &statements[0].kind else {
                panic!("a stream");
            };
            let json = if create.columns[0].json { " json" } else { "" };
            let debug = format!("{:?}{json}", create.columns[0].data_type);
            if described.last() != Some(&debug) {
                described.push(debug);
            }
        }
        out.push_str(&format!("{types}: {}\n", described.join(" | ")));
    }
    expect![[r#"
        BOOL, BOOLEAN: Boolean
        INT, INTEGER, INT4, INT32: Int32
        BIGINT, INT8, INT64, LONG: Int64
        FLOAT, REAL, FLOAT4, FLOAT32: Float32
        DOUBLE, DOUBLE PRECISION, FLOAT8, FLOAT64: Float64
        DECIMAL(10, 2), NUMERIC(10, 2), DEC(10, 2): Decimal128(10, 2)
        DECIMAL(5), DECIMAL(38, 38), DECIMAL: Decimal128(5, 0) | Decimal128(38, 38) | Decimal128(38, 10)
        STRING, TEXT, VARCHAR, CHARACTER VARYING, CLOB: Utf8
        BYTES, BYTEA, BLOB, BINARY, VARBINARY: Binary
        TIMESTAMP, TIMESTAMP WITHOUT TIME ZONE, DATETIME, TIMESTAMP(9): Timestamp(Nanosecond, None)
        DATE: Date32
        TIME: Time64(Nanosecond)
        INTERVAL: Interval(MonthDayNano)
        JSON: Utf8 json
        ARRAY<INT>, INT[]: List(Field { data_type: Int32, nullable: true })
        ARRAY<ARRAY<INT>>, INT[][]: List(Field { data_type: List(Field { data_type: Int32, nullable: true }), nullable: true })
        MAP<STRING, DOUBLE>: Map(Field { name: "entries", data_type: Struct([Field { name: "key", data_type: Utf8 }, Field { name: "value", data_type: Float64, nullable: true }]) }, false)
        STRUCT<a INT, b STRING>, STRUCT<a: INT, b: STRING>: Struct([Field { name: "a", data_type: Int32, nullable: true }, Field { name: "b", data_type: Utf8, nullable: true }])
        ARRAY<JSON>: List(Field { data_type: Utf8, nullable: true, metadata: {"ceptra.type": "json"} })
        MAP<STRING, STRUCT<x INT, y ARRAY<STRUCT<z JSON>>>>: Map(Field { name: "entries", data_type: Struct([Field { name: "key", data_type: Utf8 }, Field { name: "value", data_type: Struct([Field { name: "x", data_type: Int32, nullable: true }, Field { name: "y", data_type: List(Field { data_type: Struct([Field { name: "z", data_type: Utf8, nullable: true, metadata: {"ceptra.type": "json"} }]), nullable: true }), nullable: true }]), nullable: true }]) }, false)
    "#]].assert_eq(&out);
}

/// Splits at the commas outside of brackets.
fn split(list: &str) -> Vec<&str> {
    let mut depth = 0;
    list.split(|c| {
        match c {
            '(' | '<' => depth += 1,
            ')' | '>' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

#[test]
fn other_types_are_refused_with_one_to_use() {
    let mut out = String::new();
    for one in [
        "DUBLE",
        "WIBBLE",
        "VARCHAR(20)",
        "CHAR(3)",
        "SMALLINT",
        "TINYINT",
        "INT UNSIGNED",
        "UINT64",
        "INT(11)",
        "FLOAT(24)",
        "DOUBLE(3)",
        "DECIMAL(0)",
        "DECIMAL(39)",
        "DECIMAL(5, 6)",
        "DECIMAL(5, -1)",
        "TIMESTAMP(3)",
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMPTZ",
        "TIME(3)",
        "JSONB",
        "UUID",
        "ENUM('a')",
        "ARRAY",
        "ARRAY<WIBBLE>",
        "INT[3]",
        "MAP",
        "MAP<STRING>",
        "STRUCT",
        "STRUCT<INT>",
        "STRUCT<a INT, A STRING>",
        "STRUCT<a INT NOT NULL>",
        "ARRAY<INT>>",
        "BIT",
        "TABLE",
        "STRING(5)",
        "BLOB(5)",
    ] {
        let text = format!("CREATE STREAM s (c {one})");
        out.push_str(&format!("{one}\n  {}\n", refused(&text)));
    }
    expect![[r#"
        DUBLE
          E0301 at «DUBLE»: there is no type `DUBLE`
          help: did you mean `DOUBLE`?
        WIBBLE
          E0301 at «WIBBLE»: there is no type `WIBBLE`
          help: BOOL, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BYTES, TIMESTAMP, DATE, TIME, INTERVAL, JSON, ARRAY<T>, MAP<K, V> or STRUCT<name T, …>
        VARCHAR(20)
          E0302 at «VARCHAR(20)»: the type VARCHAR(20) is not supported
          help: a length would not be checked: leave it out
        CHAR(3)
          E0302 at «CHAR(3)»: the type CHAR(3) is not supported
          help: CHAR pads with blanks: use STRING
        SMALLINT
          E0302 at «SMALLINT»: the type SMALLINT is not supported
          help: use INT (32 bits) or BIGINT (64 bits)
        TINYINT
          E0302 at «TINYINT»: the type TINYINT is not supported
          help: use INT (32 bits) or BIGINT (64 bits)
        INT UNSIGNED
          E0302 at «INT UNSIGNED»: the type INT UNSIGNED is not supported
          help: use BIGINT, or DECIMAL(20, 0) for unsigned 64 bits
        UINT64
          E0302 at «UINT64»: the type UInt64 is not supported
          help: use BIGINT, or DECIMAL(20, 0) for unsigned 64 bits
        INT(11)
          E0302 at «INT(11)»: the type INT(11) is not supported
          help: a display width has no meaning: leave it out
        FLOAT(24)
          E0302 at «FLOAT(24)»: the type FLOAT(24) is not supported
          help: write FLOAT (32 bits) or DOUBLE (64 bits)
        DOUBLE(3)
          E0302 at «DOUBLE(3)»: the type DOUBLE(3) is not supported
          help: write DOUBLE
        DECIMAL(0)
          E0303 at «DECIMAL(0)»: DECIMAL(0) is out of range
          help: DECIMAL(p, s) takes 1 to 38 digits p, 0 to p of them behind the point
        DECIMAL(39)
          E0303 at «DECIMAL(39)»: DECIMAL(39) is out of range
          help: DECIMAL(p, s) takes 1 to 38 digits p, 0 to p of them behind the point
        DECIMAL(5, 6)
          E0303 at «DECIMAL(5, 6)»: DECIMAL(5,6) is out of range
          help: DECIMAL(p, s) takes 1 to 38 digits p, 0 to p of them behind the point
        DECIMAL(5, -1)
          E0303 at «DECIMAL(5, -1)»: DECIMAL(5,-1) is out of range
          help: DECIMAL(p, s) takes 1 to 38 digits p, 0 to p of them behind the point
        TIMESTAMP(3)
          E0302 at «TIMESTAMP(3)»: the type TIMESTAMP(3) is not supported
          help: write TIMESTAMP; it always holds nanoseconds
        TIMESTAMP WITH TIME ZONE
          E0302 at «TIMESTAMP WITH TIME ZONE»: the type TIMESTAMP WITH TIME ZONE is not supported
          help: write TIMESTAMP: it is an instant in UTC; AT TIME ZONE shows it elsewhere
        TIMESTAMPTZ
          E0302 at «TIMESTAMPTZ»: the type TIMESTAMPTZ is not supported
          help: write TIMESTAMP: it is an instant in UTC; AT TIME ZONE shows it elsewhere
        TIME(3)
          E0302 at «TIME(3)»: the type TIME(3) is not supported
          help: write TIME; it always holds nanoseconds
        JSONB
          E0302 at «JSONB»: the type JSONB is not supported
          help: use JSON
        UUID
          E0302 at «UUID»: the type UUID is not supported
          help: use STRING
        ENUM('a')
          E0302 at «ENUM('a')»: the type ENUM('a') is not supported
          help: use STRING
        ARRAY
          E0101 at «)»: expected `<`, found `)`
          help: -
        ARRAY<WIBBLE>
          E0301 at «ARRAY<WIBBLE>»: there is no type `WIBBLE`
          help: BOOL, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BYTES, TIMESTAMP, DATE, TIME, INTERVAL, JSON, ARRAY<T>, MAP<K, V> or STRUCT<name T, …>
        INT[3]
          E0302 at «INT[3]»: the type INT[3] is not supported
          help: arrays have any length: leave out the number
        MAP
          E0101 at «)»: expected `<`, found `)`
          help: -
        MAP<STRING>
          E0101 at «>»: expected `,`, found `>`
          help: -
        STRUCT
          E0302 at «STRUCT»: the type STRUCT is not supported
          help: write STRUCT<a INT, b STRING>
        STRUCT<INT>
          E0302 at «STRUCT<INT>»: the type STRUCT<INT> is not supported
          help: every field needs a name: STRUCT<a INT, b STRING>
        STRUCT<a INT, A STRING>
          E0205 at «STRUCT<a INT, A STRING>»: the field `A` is declared twice
          help: names match in any case; rename one of them
        STRUCT<a INT NOT NULL>
          E0101 at «NOT»: expected `>`, found `NOT`
          help: -
        ARRAY<INT>>
          E0101 at «)»: unmatched > after parsing data type ARRAY<INT>)
          help: -
        BIT
          E0302 at «BIT»: the type BIT is not supported
          help: use BYTES, or BOOL for one bit
        TABLE
          E0302 at «TABLE»: the type TABLE is not supported
          help: use ARRAY<STRUCT<…>>
        STRING(5)
          E0302 at «STRING(5)»: the type STRING(5) is not supported
          help: a length would not be checked: leave it out
        BLOB(5)
          E0302 at «BLOB(5)»: the type BLOB(5) is not supported
          help: a length would not be checked: leave it out
    "#]].assert_eq(&out);
}

#[test]
fn constraints_other_than_not_null_are_refused() {
    let mut out = String::new();
    for columns in [
        "a INT PRIMARY KEY",
        "a INT NOT NULL PRIMARY KEY",
        "a INT UNIQUE",
        "a INT DEFAULT 0",
        "a INT CHECK (a > 0)",
        "a INT REFERENCES t (a)",
        "a INT NULL",
        "a INT COLLATE x",
        "a INT GENERATED ALWAYS AS (1)",
        "a INT COMMENT 'x'",
        "a INT, PRIMARY KEY (a)",
        "a INT, UNIQUE (a)",
        "a INT, CONSTRAINT c CHECK (a > 0)",
        "a INT, WATERMARK FOR a AS a - INTERVAL '5' SECOND",
        "a INT NOT NULL NOT NULL",
        "a",
        "a, b INT",
        "a INT,",
        "",
        "a INT b INT",
        "a INT, A STRING",
        "'a' INT",
        "select INT",
    ] {
        let text = format!("CREATE STREAM s ({columns})");
        out.push_str(&format!("{columns}\n  {}\n", refused(&text)));
    }
    expect![[r#"
        a INT PRIMARY KEY
          E0306 at «PRIMARY»: a stream has no primary key: it is a sequence of events, not a set of rows
          help: leave it out, or declare a table: CREATE TABLE name (…, PRIMARY KEY (key))
        a INT NOT NULL PRIMARY KEY
          E0306 at «PRIMARY»: a stream has no primary key: it is a sequence of events, not a set of rows
          help: leave it out, or declare a table: CREATE TABLE name (…, PRIMARY KEY (key))
        a INT UNIQUE
          E0306 at «UNIQUE»: a stream does not check uniqueness
          help: leave it out; WINDOW FIRSTUNIQUE (key) passes the first row of each key
        a INT DEFAULT 0
          E0306 at «DEFAULT»: columns have no default values
          help: leave it out and use coalesce(column, value) in the query
        a INT CHECK (a > 0)
          E0306 at «CHECK»: a stream does not check conditions
          help: leave it out and put the condition into WHERE
        a INT REFERENCES t (a)
          E0306 at «REFERENCES»: a stream has no foreign keys
          help: leave it out
        a INT NULL
          E0306 at «NULL»: columns accept NULL unless declared NOT NULL
          help: leave out NULL
        a INT COLLATE x
          E0306 at «COLLATE»: text is compared by its UTF-8 bytes; collations are not supported
          help: leave it out; use lower(column) to ignore case
        a INT GENERATED ALWAYS AS (1)
          E0306 at «GENERATED»: columns of a stream cannot be computed
          help: compute them with CREATE VIEW … AS SELECT
        a INT COMMENT 'x'
          E0306 at «COMMENT»: columns have no comments in the schema
          help: write an SQL comment: -- text
        a INT, PRIMARY KEY (a)
          E0306 at «PRIMARY»: a stream has no primary key: it is a sequence of events, not a set of rows
          help: leave it out, or declare a table: CREATE TABLE name (…, PRIMARY KEY (key))
        a INT, UNIQUE (a)
          E0306 at «UNIQUE»: a stream does not check uniqueness
          help: leave it out; WINDOW FIRSTUNIQUE (key) passes the first row of each key
        a INT, CONSTRAINT c CHECK (a > 0)
          E0306 at «CONSTRAINT»: a stream has no named constraints
          help: leave it out; NOT NULL is the only constraint
        a INT, WATERMARK FOR a AS a - INTERVAL '5' SECOND
          E0306 at «WATERMARK»: watermarks are options of the stream
          help: write WITH ('event.time' = 'ts', 'watermark.lateness' = '2s')
        a INT NOT NULL NOT NULL
          E0101 at «NOT»: expected `,`, `)` or NOT NULL behind the column's type, found `NOT`
          help: a column is written: name TYPE [NOT NULL]
        a
          E0101 at «)»: expected the type of column `a`, found `)`
          help: for example STRING, BIGINT, DOUBLE or TIMESTAMP
        a, b INT
          E0101 at «,»: expected the type of column `a`, found `,`
          help: for example STRING, BIGINT, DOUBLE or TIMESTAMP
        a INT,
          E0101 at «)»: expected a column, found `)`
          help: remove the comma before `)`

          E0101 at «)»: expected a column name, found `)`
          help: -
        a INT b INT
          E0101 at «b»: expected `,`, `)` or NOT NULL behind the column's type, found `b`
          help: a column is written: name TYPE [NOT NULL]
        a INT, A STRING
          E0205 at «A»: the column `a` is declared twice
          help: names match in any case; rename one of them
        'a' INT
          E0101 at «'a'»: expected a column name, found `'a'`
          help: names take double quotes: "a"
        select INT
          E0101 at «select»: expected a column name, found `select`
          help: `select` is a word of SQL; to use it as a name write "select"
    "#]]
    .assert_eq(&out);
}

#[test]
fn words_of_sql_may_name_columns() {
    let statements = parsed(
        "CREATE STREAM s (key STRING, value DOUBLE, timestamp TIMESTAMP, date DATE, unique INT, check BOOL, primary STRING, comment STRING, \"select\" INT, type STRING, watermark INT)",
    );
    let StatementKind::CreateStream(create) = &statements[0].kind else {
        panic!("a stream");
    };
    let names: Vec<&str> = create.columns.iter().map(|c| c.name.text.as_str()).collect();
    assert_eq!(
        names,
        [
            "key",
            "value",
            "timestamp",
            "date",
            "unique",
            "check",
            "primary",
            "comment",
            "select",
            "type",
            "watermark"
        ]
    );
}
