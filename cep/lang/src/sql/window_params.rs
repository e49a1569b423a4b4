//! The kinds of stream windows and their parameters: one table for the parser, for "did you mean"
//! and for SHOW WINDOWS.

/// What a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParamType {
    /// A positive length of time, months allowed.
    Calendar,
    /// A positive length of time without months.
    Fixed,
    /// A length of time, 0 allowed.
    Offset,
    /// A whole number ≥ 1.
    Count,
    /// A number between 0 and 1, both excluded.
    Fraction,
    /// A cron expression in quotes.
    Cron,
    /// A time zone in quotes.
    Zone,
    /// One expression.
    Expr,
    /// A condition, bare or in quotes.
    Condition,
    /// TRUE or FALSE; the name alone means TRUE.
    Bool,
    /// Expressions, up to the end.
    Exprs,
    /// `expr [ASC|DESC]`, up to the end.
    Orders,
}

/// A parameter of a window kind.
#[derive(Debug)]
pub struct ParamDoc {
    /// Its name in `WINDOW KIND (NAME value)`.
    pub name: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// What it means, half a sentence.
    pub help: &'static str,
    pub(super) aliases: &'static [&'static str],
    pub(super) takes: ParamType,
}

/// A window kind.
#[derive(Debug)]
pub struct WindowDoc {
    /// Its name in `WINDOW NAME (…)`.
    pub name: &'static str,
    /// Other spellings; case and `_` never matter.
    pub aliases: &'static [&'static str],
    /// Parameters in the order of `WINDOW NAME (…)` without names.
    pub params: &'static [ParamDoc],
    /// What it does, one sentence.
    pub help: &'static str,
    /// Parameters in the order of `TABLE(NAME(TABLE s, DESCRIPTOR(ts), …))`, where it differs.
    pub(super) table_order: Option<&'static [&'static str]>,
}

impl WindowDoc {
    /// `TUMBLING (SIZE …, [OFFSET …], [ZONE …])`.
    pub fn usage(&self) -> String {
        let params: Vec<String> = self
            .params
            .iter()
            .map(|p| match (p.required, p.takes) {
                (true, ParamType::Exprs | ParamType::Orders) => format!("{} …, …", p.name),
                (true, _) => format!("{} …", p.name),
                (false, _) => format!("[{} …]", p.name),
            })
            .collect();
        format!("{} ({})", self.name, params.join(", "))
    }
}

const fn required(name: &'static str, takes: ParamType, help: &'static str) -> ParamDoc {
    ParamDoc { name, required: true, help, aliases: &[], takes }
}

const fn optional(name: &'static str, takes: ParamType, help: &'static str) -> ParamDoc {
    ParamDoc { required: false, ..required(name, takes, help) }
}

const fn aliased(param: ParamDoc, aliases: &'static [&'static str]) -> ParamDoc {
    ParamDoc { aliases, ..param }
}

const SIZE_CALENDAR: ParamDoc = required("SIZE", ParamType::Calendar, "length of a window");
const SIZE_FIXED: ParamDoc = required("SIZE", ParamType::Fixed, "length of the window");
const OFFSET: ParamDoc = optional("OFFSET", ParamType::Offset, "shifts the edges, default 0");
const ZONE: ParamDoc =
    optional("ZONE", ParamType::Zone, "time zone whose midnight aligns the edges, default UTC");
const ROWS: ParamDoc = aliased(required("ROWS", ParamType::Count, "number of rows"), &["LENGTH", "SIZE"]);
const KEYS: ParamDoc = aliased(required("KEY", ParamType::Exprs, "what tells the keys apart"), &["BY"]);
const KEYS_OPTIONAL: ParamDoc =
    aliased(optional("KEY", ParamType::Exprs, "what tells the keys apart"), &["BY"]);
const START: ParamDoc = optional("START", ParamType::Expr, "time of an edge, default the epoch");

/// All window kinds, in the order of the documentation.
pub fn window_docs() -> &'static [WindowDoc] {
    DOCS
}

const DOCS: &[WindowDoc] = &[
    WindowDoc {
        name: "TUMBLING",
        aliases: &["TUMBLE"],
        params: &[SIZE_CALENDAR, OFFSET, ZONE],
        help: "Windows of equal length, one behind the other, by event time.",
        table_order: None,
    },
    WindowDoc {
        name: "HOP",
        aliases: &["SLIDING", "HOPPING"],
        params: &[
            SIZE_CALENDAR,
            required("SLIDE", ParamType::Calendar, "distance of two starts"),
            OFFSET,
            ZONE,
        ],
        help: "Windows of equal length that overlap, by event time.",
        table_order: Some(&["SLIDE", "SIZE", "OFFSET", "ZONE"]),
    },
    WindowDoc {
        name: "CUMULATE",
        aliases: &[],
        params: &[
            required("STEP", ParamType::Calendar, "how much each window grows"),
            required("SIZE", ParamType::Calendar, "length at which it starts over"),
            OFFSET,
            ZONE,
        ],
        help: "Windows that grow step by step up to a size, then start over, by event time.",
        table_order: None,
    },
    WindowDoc {
        name: "SESSION",
        aliases: &[],
        params: &[required("GAP", ParamType::Fixed, "silence that ends a session"), KEYS_OPTIONAL],
        help: "Windows that end after a gap without rows, by event time and key.",
        table_order: None,
    },
    WindowDoc {
        name: "TIME",
        aliases: &[],
        params: &[SIZE_FIXED],
        help: "Sliding: the rows of the last stretch of time, by stamp.",
        table_order: None,
    },
    WindowDoc {
        name: "TIMEBATCH",
        aliases: &[],
        params: &[SIZE_FIXED, START],
        help: "Batches of a length of time, by stamp.",
        table_order: None,
    },
    WindowDoc {
        name: "LENGTH",
        aliases: &[],
        params: &[ROWS],
        help: "Sliding: the last n rows.",
        table_order: None,
    },
    WindowDoc {
        name: "LENGTHBATCH",
        aliases: &[],
        params: &[ROWS],
        help: "Batches of n rows.",
        table_order: None,
    },
    WindowDoc {
        name: "TIMELENGTH",
        aliases: &[],
        params: &[SIZE_FIXED, aliased(required("ROWS", ParamType::Count, "number of rows"), &["LENGTH"])],
        help: "Sliding: the last n rows that are not older than a length of time.",
        table_order: None,
    },
    WindowDoc {
        name: "EXTERNALTIME",
        aliases: &[],
        params: &[
            aliased(required("COLUMN", ParamType::Expr, "the column with the time"), &["TS"]),
            SIZE_FIXED,
        ],
        help: "Sliding: the rows of the last stretch of time, by a column.",
        table_order: None,
    },
    WindowDoc {
        name: "EXTERNALTIMEBATCH",
        aliases: &[],
        params: &[
            aliased(required("COLUMN", ParamType::Expr, "the column with the time"), &["TS"]),
            SIZE_FIXED,
            START,
            optional("TIMEOUT", ParamType::Fixed, "closes a batch when no row comes"),
        ],
        help: "Batches of a length of time, by a column.",
        table_order: None,
    },
    WindowDoc { name: "BATCH", aliases: &[], params: &[], help: "The rows of one stamp.", table_order: None },
    WindowDoc {
        name: "SORT",
        aliases: &[],
        params: &[
            aliased(required("ROWS", ParamType::Count, "number of rows"), &["LENGTH", "SIZE"]),
            aliased(required("BY", ParamType::Orders, "the order"), &["ORDER"]),
        ],
        help: "The n first rows in an order.",
        table_order: None,
    },
    WindowDoc {
        name: "UNIQUE",
        aliases: &[],
        params: &[KEYS],
        help: "The last row of each key.",
        table_order: None,
    },
    WindowDoc {
        name: "FIRSTUNIQUE",
        aliases: &[],
        params: &[KEYS],
        help: "The first row of each key.",
        table_order: None,
    },
    WindowDoc {
        name: "DELAY",
        aliases: &[],
        params: &[aliased(required("DELAY", ParamType::Fixed, "how much later rows pass"), &["SIZE"])],
        help: "Rows pass a length of time later.",
        table_order: None,
    },
    WindowDoc {
        name: "CRON",
        aliases: &[],
        params: &[aliased(required("EXPRESSION", ParamType::Cron, "when batches close"), &["SCHEDULE"])],
        help: "Batches that close at the times of a cron expression.",
        table_order: None,
    },
    WindowDoc {
        name: "EXPRESSION",
        aliases: &[],
        params: &[aliased(required("CONDITION", ParamType::Condition, "what must hold"), &["EXPRESSION"])],
        help: "Sliding: drops the oldest rows while a condition does not hold.",
        table_order: None,
    },
    WindowDoc {
        name: "EXPRESSIONBATCH",
        aliases: &[],
        params: &[
            aliased(required("CONDITION", ParamType::Condition, "what must hold"), &["EXPRESSION"]),
            optional(
                "INCLUDE_TRIGGERING",
                ParamType::Bool,
                "whether the row that ends a batch belongs to it, default FALSE",
            ),
        ],
        help: "Batches that close when a condition stops to hold.",
        table_order: None,
    },
    WindowDoc {
        name: "FREQUENT",
        aliases: &[],
        params: &[
            aliased(required("COUNTERS", ParamType::Count, "number of keys kept"), &["ROWS"]),
            KEYS_OPTIONAL,
        ],
        help: "The latest row of the most frequent keys (Misra–Gries).",
        table_order: None,
    },
    WindowDoc {
        name: "LOSSYFREQUENT",
        aliases: &[],
        params: &[
            required("SUPPORT", ParamType::Fraction, "share a key must reach"),
            optional("ERROR", ParamType::Fraction, "share that may be missed, default SUPPORT ÷ 10"),
            KEYS_OPTIONAL,
        ],
        help: "The latest row of keys above a share of all rows (lossy counting).",
        table_order: None,
    },
];

/// The window kind a word names: case and `_` do not matter.
pub(super) fn window_doc(word: &str) -> Option<&'static WindowDoc> {
    let folded = word.replace('_', "");
    DOCS.iter().find(|doc| {
        doc.name.eq_ignore_ascii_case(&folded) || doc.aliases.iter().any(|a| a.eq_ignore_ascii_case(&folded))
    })
}
