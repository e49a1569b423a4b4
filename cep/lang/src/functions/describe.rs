//! What `SHOW FUNCTIONS` prints and `docs/functions.md` is made of.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use datafusion_expr::Documentation;

use super::aggregates::AGGREGATES;
use super::registry::FunctionRegistry;

/// The kind of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FunctionKind {
    /// One value per row from the row's values.
    Scalar,
    /// One value per row, with lambda arguments.
    Lambda,
    /// One value per group.
    Aggregate,
    /// One value per row from its OVER window.
    Window,
}

impl FunctionKind {
    /// Lower-case word for tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Lambda => "lambda",
            Self::Aggregate => "aggregate",
            Self::Window => "window",
        }
    }
}

/// One function as a user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionDoc {
    /// Canonical name.
    pub name: String,
    /// What it is.
    pub kind: FunctionKind,
    /// Other names, sorted.
    pub aliases: Vec<String>,
    /// How it is called.
    pub syntax: String,
    /// One line.
    pub doc: String,
}

impl FunctionRegistry {
    /// Every function once, sorted by kind and name.
    pub fn describe(&self) -> Vec<FunctionDoc> {
        let mut docs = BTreeMap::new();
        for (name, function) in self.scalars() {
            add(&mut docs, FunctionKind::Scalar, name, function.name(), function.documentation());
        }
        for (name, function) in self.higher_orders() {
            add(&mut docs, FunctionKind::Lambda, name, function.name(), function.documentation());
        }
        for (name, function) in self.windows() {
            add(&mut docs, FunctionKind::Window, name, function.name(), function.documentation());
        }
        for aggregate in AGGREGATES {
            docs.insert(
                (FunctionKind::Aggregate, aggregate.name.to_string()),
                FunctionDoc {
                    name: aggregate.name.into(),
                    kind: FunctionKind::Aggregate,
                    aliases: aggregate.aliases.iter().map(|a| (*a).into()).collect(),
                    syntax: aggregate.syntax.into(),
                    doc: aggregate.doc.into(),
                },
            );
        }
        docs.into_values()
            .map(|mut doc| {
                doc.aliases.sort();
                doc
            })
            .collect()
    }
}

fn add(
    docs: &mut BTreeMap<(FunctionKind, String), FunctionDoc>,
    kind: FunctionKind,
    name: &str,
    canonical: &str,
    documentation: Option<&Documentation>,
) {
    let doc = match docs.entry((kind, canonical.to_string())) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => entry.insert(FunctionDoc {
            name: canonical.into(),
            kind,
            aliases: Vec::new(),
            syntax: documentation.map_or_else(|| format!("{canonical}(…)"), |d| one_line(&d.syntax_example)),
            doc: documentation.map_or_else(String::new, |d| first_sentence(&d.description)),
        }),
    };
    if name != canonical {
        doc.aliases.push(name.into());
    }
}

fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" | ")
}

/// The first sentence of a description, on one line.
fn first_sentence(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (index, _) in text.match_indices(". ") {
        let before = &text[..index];
        if !before.ends_with("e.g") && !before.ends_with("i.e") {
            return format!("{before}.");
        }
    }
    text
}
