//! The keys of a bundle, once: the loader checks by this table, and the JSON Schema is made from it.

/// A mapping with fixed keys.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What it is called in messages and in the JSON Schema.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// Whether it also takes the options of a stream, as SQL's `WITH` does.
    pub takes_options: bool,
}

/// A key.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub name: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// What it takes.
    pub value: Value,
    /// What it does, in one line.
    pub doc: &'static str,
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    /// A text; numbers and truth values are taken as they are written.
    Text,
    /// A name: letters, digits and `_`, not beginning with a digit.
    Name,
    /// A whole number in bounds.
    Whole(u64, u64),
    /// A duration, such as `30s` or `1h 30m`.
    Duration,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text or a list of texts.
    Texts,
    /// A list of texts, or a mapping from name to text.
    TextsOrMap,
    /// A list.
    List(&'static Value),
    /// A mapping from any name.
    Map(&'static Value),
    /// A mapping with fixed keys.
    Shape(&'static Shape),
    /// A phase: `name`, `type`, and the options of that type.
    Phase,
    /// Options of a stream, as in SQL's `WITH`.
    Options,
}

/// A type of phase.
#[derive(Debug)]
pub(crate) struct PhaseType {
    /// Its name; of a family, such as `source.*`, what stands before the `.`.
    pub name: &'static str,
    /// Members of a family; none: it is no family.
    pub members: &'static [&'static str],
    /// Its options.
    pub options: &'static Shape,
}

const fn key(name: &'static str, required: bool, value: Value, doc: &'static str) -> Key {
    Key { name, required, value, doc }
}

/// Sources that exist.
pub(crate) const SOURCES: &[&str] = &["file", "stdin", "stream", "generator", "timer"];
/// Sinks that exist.
pub(crate) const SINKS: &[&str] = &["file", "stdout", "log", "blackhole"];

/// A bundle.
pub(crate) const ROOT: Shape = Shape {
    name: "a bundle",
    doc: "Metrics, rules and where their events go.",
    takes_options: false,
    keys: &[
        key("bundle", true, Value::Shape(&BUNDLE), "What the bundle is."),
        key("workflow", true, Value::Shape(&WORKFLOW), "What it does."),
    ],
};

const BUNDLE: Shape = Shape {
    name: "`bundle`",
    doc: "What the bundle is.",
    takes_options: false,
    keys: &[
        key("name", true, Value::Name, "Its name."),
        key(
            "def_version",
            true,
            Value::Whole(1, u32::MAX as u64),
            "Version of its rules: part of the ids of events.",
        ),
        key("policy_version", false, Value::Whole(0, u32::MAX as u64), "`policy_version` in CEL."),
        key(
            "lane_domains",
            false,
            Value::Map(&Value::Shape(&DOMAIN)),
            "Bounds of the labels that expressions group by.",
        ),
        key("pane", false, Value::Duration, "Width of a pane, 50ms to 1m; 250ms by default."),
        key("scope", false, Value::Word(&["partition"]), "Whose rows metrics see: those of the partition."),
    ],
};

const DOMAIN: Shape = Shape {
    name: "a lane domain",
    doc: "How many values a label has.",
    takes_options: false,
    keys: &[key("max_per_partition", true, Value::Whole(1, 1_000_000), "Values in one partition at most.")],
};

const WORKFLOW: Shape = Shape {
    name: "`workflow`",
    doc: "What the bundle does.",
    takes_options: false,
    keys: &[key("phases", true, Value::List(&Value::Phase), "Its phases; one uses those before it.")],
};

/// A phase without its options.
pub(crate) const PHASE: Shape = Shape {
    name: "a phase",
    doc: "A step of the workflow.",
    takes_options: false,
    keys: &[
        key("name", true, Value::Name, "Its name, unique in the bundle."),
        key("type", true, Value::Text, "What it does."),
        key("options", false, Value::Options, "What its type takes."),
    ],
};

/// Types of phases.
pub(crate) const PHASE_TYPES: &[PhaseType] = &[
    PhaseType { name: "source", members: SOURCES, options: &SOURCE },
    PhaseType { name: "aggregate.promql", members: &[], options: &PROMQL },
    PhaseType { name: "aggregate.sql", members: &[], options: &SQL },
    PhaseType { name: "classify.cel", members: &[], options: &CEL },
    PhaseType { name: "sink.checkpoint", members: &[], options: &CHECKPOINT },
    PhaseType { name: "sink", members: SINKS, options: &SINK },
];

const SOURCE: Shape = Shape {
    name: "a source",
    doc: "Rows from outside, and what they say of metrics.",
    takes_options: true,
    keys: &[
        key("path", false, Value::Text, "The file: `file.path`."),
        key("partition.by", false, Value::Texts, "Columns of the partition key."),
        key("columns", false, Value::Map(&Value::Text), "Types of columns, as in SQL."),
        key(
            "metrics",
            false,
            Value::Map(&Value::Shape(&METRIC)),
            "Metrics by name; without it each numeric column is one.",
        ),
    ],
};

const METRIC: Shape = Shape {
    name: "a metric",
    doc: "What a row says of a metric.",
    takes_options: false,
    keys: &[
        key("value", true, Value::Text, "Column, JSON path such as `$.a.b`, or a number: the sample."),
        key(
            "labels",
            false,
            Value::TextsOrMap,
            "Columns that are labels, or a mapping from label to column or JSON path.",
        ),
    ],
};

const PROMQL: Shape = Shape {
    name: "aggregate.promql",
    doc: "PromQL expressions over the rows of a phase.",
    takes_options: false,
    keys: &[
        key("from", false, Value::Name, "The phase whose rows are read; by default the only source before."),
        key("window", false, Value::Duration, "The range that its expressions are meant to have."),
        key(
            "series_max",
            false,
            Value::Whole(1, 1_000_000),
            "Series of a selector at most, 10000 by default.",
        ),
        key("queries", true, Value::Map(&Value::Shape(&QUERY)), "Expressions by name."),
    ],
};

const QUERY: Shape = Shape {
    name: "a query",
    doc: "A PromQL expression.",
    takes_options: false,
    keys: &[key("expression", true, Value::Text, "PromQL.")],
};

const SQL: Shape = Shape {
    name: "aggregate.sql",
    doc: "A SELECT over the phases before it.",
    takes_options: false,
    keys: &[key("query", true, Value::Text, "The SELECT.")],
};

const CEL: Shape = Shape {
    name: "classify.cel",
    doc: "Rules: CEL conditions, and the events they emit.",
    takes_options: false,
    keys: &[
        key(
            "from",
            false,
            Value::Name,
            "The phase whose rows are judged; by default that of the bindings, or the only source.",
        ),
        key("bindings", false, Value::Map(&Value::Text), "Names for metrics: `phase.<name>.metrics`."),
        key(
            "channels",
            false,
            Value::Map(&Value::Options),
            "Options of the streams behind channels, by URI.",
        ),
        key("rules", true, Value::List(&Value::Shape(&RULE)), "The rules."),
    ],
};

const RULE: Shape = Shape {
    name: "a rule",
    doc: "A condition and what it emits.",
    takes_options: false,
    keys: &[
        key("name", true, Value::Name, "Its name, unique in the bundle."),
        key("when", true, Value::Text, "A CEL condition."),
        key("emit", true, Value::Shape(&EMIT), "The event."),
    ],
};

const EMIT: Shape = Shape {
    name: "`emit`",
    doc: "An event and where it goes.",
    takes_options: false,
    keys: &[
        key("channel", true, Value::Text, "URI: `stream://name`, `file://path` or `log://prefix`."),
        key("schema_key", false, Value::Text, "Key of the schema that consumers know the event by."),
        key("metadata", false, Value::Map(&Value::Text), "CEL expressions of texts beside the payload."),
        key("payload", false, Value::Map(&Value::Text), "CEL expressions of the columns."),
    ],
};

const CHECKPOINT: Shape = Shape {
    name: "sink.checkpoint",
    doc: "How often state is saved.",
    takes_options: false,
    keys: &[
        key("full_interval", false, Value::Duration, "Distance of full checkpoints, 15s to 5m."),
        key("incremental_interval", false, Value::Duration, "Distance of incremental checkpoints, 5s to 5m."),
        key("include", false, Value::Texts, "Phases whose state is meant."),
    ],
};

const SINK: Shape = Shape {
    name: "a sink",
    doc: "Where the rows of a phase go.",
    takes_options: true,
    keys: &[
        key("from", true, Value::Name, "The phase whose rows are written."),
        key("path", false, Value::Text, "The file: `file.path`."),
    ],
};

impl Shape {
    /// The key called `name`.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// The type of phase that `name` stands for, with the member of a family.
pub(crate) fn phase_type(name: &str) -> Option<(&'static PhaseType, &str)> {
    PHASE_TYPES.iter().find_map(|known| {
        if known.members.is_empty() {
            return (known.name == name).then_some((known, ""));
        }
        let member = name.strip_prefix(known.name)?.strip_prefix('.')?;
        known.members.contains(&member).then_some((known, member))
    })
}

/// All types of phases, as they are written.
pub(crate) fn phase_type_names() -> Vec<String> {
    let of = |known: &'static PhaseType| match known.members {
        [] => vec![known.name.to_owned()],
        members => members.iter().map(|member| format!("{}.{member}", known.name)).collect(),
    };
    PHASE_TYPES.iter().flat_map(of).collect()
}
