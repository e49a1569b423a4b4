//! Functions that are known elsewhere and refused here, each with what to write instead (R-DET-4).

/// Why a function is refused and what to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The names it goes by, lower case.
    pub names: &'static [&'static str],
    /// What it reads or changes that is not in the log.
    pub reason: &'static str,
    /// What to write instead.
    pub alternative: &'static str,
}

const RANDOM: &str = "it gives another value on every replica and every replay";
const CLOCK: &str = "it reads the clock of one host while the query runs";
const SESSION: &str = "a definition runs without a session, a user or a catalog";
const SIDE_EFFECT: &str = "it changes or reads something outside the log";

/// Every refused function.
pub const REFUSALS: &[Refusal] = &[
    Refusal {
        names: &["random", "rand", "randn", "random_uniform", "rand_integer", "randbetween", "rnd"],
        reason: RANDOM,
        alternative: "sample by a hash of the event, for example `hash64(key) % 100 < 10` keeps one key in ten",
    },
    Refusal {
        names: &["uuid", "gen_random_uuid", "uuid_generate_v4", "uuidv4", "uuidv7", "newid"],
        reason: RANDOM,
        alternative: "every event already has an `event_id`; for an id of your own hash its key, for example `to_hex(hash64(key))` or `md5(key)`",
    },
    Refusal {
        names: &["setseed", "random_seed"],
        reason: RANDOM,
        alternative: "pass the seed as an argument of the hash: `hash64('seed', key)`",
    },
    Refusal {
        names: &[
            "clock_timestamp",
            "statement_timestamp",
            "timeofday",
            "sysdate",
            "systimestamp",
            "getdate",
            "current_time_millis",
            "currenttimemillis",
            "currentdate",
            "currenttime",
            "currenttimestamp",
            "transaction_timestamp",
            "proctime",
            "current_row_timestamp",
            "unix_millis",
            "get_current_timestamp",
            "get_current_time",
        ],
        reason: CLOCK,
        alternative: "`now()` is the stamp of the row's log entry and `event_time()` the row's event time",
    },
    Refusal {
        names: &["sleep", "pg_sleep"],
        reason: SIDE_EFFECT,
        alternative: "a delay is a window: `FROM s WINDOW('delay', 5 SECONDS)`",
    },
    Refusal {
        names: &[
            "version",
            "current_user",
            "session_user",
            "user",
            "current_role",
            "system_user",
            "current_database",
            "current_catalog",
            "current_schema",
            "current_setting",
            "inet_client_addr",
            "pg_backend_pid",
            "connection_id",
            "hostname",
            "database",
        ],
        reason: SESSION,
        alternative: "write the value as a literal, or take it from the environment with `'${NAME:default}'`",
    },
    Refusal {
        names: &["input_file_name", "file_row_index"],
        reason: "a row's file is not part of the log",
        alternative: "the position of a connector's row is in its `event_id` (source, position); carry a file name as a column",
    },
    Refusal {
        names: &["nextval", "currval", "lastval", "setval", "row_id", "rowid", "monotonically_increasing_id"],
        reason: SIDE_EFFECT,
        alternative: "number rows with `count(*) OVER (…)` or `row_number() OVER (…)`",
    },
    Refusal {
        names: &[
            "getenv",
            "env",
            "read_file",
            "read_text",
            "read_csv",
            "http_get",
            "http_post",
            "dblink",
            "log_message",
        ],
        reason: SIDE_EFFECT,
        alternative: "read it as a stream or table with its own source; `'${NAME:default}'` takes a value from the environment when the app is loaded; the `log` sink writes messages",
    },
    Refusal {
        names: &[
            "unnest",
            "unnest_outer",
            "explode",
            "posexplode",
            "generate_subscripts",
            "json_each",
            "json_array_elements",
        ],
        reason: "a call in a SELECT list yields one value per row",
        alternative: "work inside the list with `array_…` functions or take one element with `list[1]`",
    },
    Refusal {
        names: &["grouping", "grouping_id"],
        reason: "GROUPING SETS, ROLLUP and CUBE are not available on streams",
        alternative: "write one query per grouping and join them with UNION ALL",
    },
    Refusal {
        names: &[
            "arrow_cast",
            "arrow_try_cast",
            "cast_to_type",
            "try_cast_to_type",
            "arrow_typeof",
            "arrow_field",
            "arrow_metadata",
            "with_metadata",
            "union_extract",
            "union_tag",
        ],
        reason: "it speaks of Arrow's types, and columns have SQL types",
        alternative: "`CAST(x AS type)`, `TRY_CAST(x AS type)` and `typeof(x)`",
    },
    Refusal {
        names: &[
            "tumble",
            "hop",
            "cumulate",
            "tumble_start",
            "tumble_end",
            "tumble_rowtime",
            "tumble_proctime",
            "hop_start",
            "hop_end",
            "hop_rowtime",
            "session_start",
            "session_end",
            "session_rowtime",
        ],
        reason: "windows stand in FROM",
        alternative: "`FROM s WINDOW TUMBLING (SIZE 1 MINUTE)`; its edges are the columns `window_start` and `window_end`",
    },
    Refusal {
        names: &["approx_percentile_cont_with_weight"],
        reason: "weighted sketches are not kept",
        alternative: "`percentile(x, p)`, exact up to 4,096 values",
    },
];

/// The refusal of `name` in any case, if it is refused.
pub(super) fn find(name: &str) -> Option<&'static Refusal> {
    REFUSALS.iter().find(|refusal| refusal.names.iter().any(|refused| refused.eq_ignore_ascii_case(name)))
}
