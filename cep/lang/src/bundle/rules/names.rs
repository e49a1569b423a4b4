//! What an expression of a rule may name.

use std::sync::Arc;

use crate::cel::{Declared, Record, Scope, Type};

/// Fields of a metric, in the order of their slots.
pub(super) const METRIC_FIELDS: [&str; 7] =
    ["value", "has_value", "labels", "flags", "window_start_ns", "window_end_ns", "watermark_ns"];
/// Fields of `headers`, in the order of their slots.
pub(super) const HEADER_FIELDS: [&str; 2] = ["part_id", "raft_log_index"];
/// Names that a binding cannot have.
pub(crate) const RESERVED: [&str; 8] = [
    "payload",
    "headers",
    "partition_key",
    "watermark_ns",
    "window_start_ns",
    "window_end_ns",
    "rule_version",
    "policy_version",
];

/// A query that a binding stands for.
#[derive(Debug, Clone)]
pub(crate) struct BoundQuery {
    /// Its name.
    pub name: String,
    /// Labels of its result, each with the column it is read from; ascending.
    pub labels: Vec<(String, String)>,
    /// Length of its window and how far back it ends, ns.
    pub window: (i64, i64),
    /// Index into the queries of the input.
    pub at: usize,
}

/// Names of the expressions of a phase.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    /// Aliases with what they stand for.
    pub bindings: Vec<(String, Vec<BoundQuery>)>,
    /// Column of the partition key and its type, if it is one column.
    pub partition_key: Option<(String, Type)>,
    /// `def_version`.
    pub version: u64,
    /// `policy_version`.
    pub policy_version: Option<u64>,
}

impl Names {
    /// Names besides `payload`.
    pub(crate) fn declared(&self) -> Vec<Declared> {
        let declared = |name: &str, ty: Type| Declared { name: name.to_owned(), ty };
        let headers = HEADER_FIELDS.iter().map(|name| ((*name).to_owned(), Type::Int)).collect();
        let mut out = vec![
            declared("headers", record("headers", headers)),
            declared("rule_version", Type::Int),
            declared("watermark_ns", Type::Int),
        ];
        out.extend(self.partition_key.iter().map(|(_, ty)| declared("partition_key", ty.clone())));
        out.extend(self.policy_version.map(|_| declared("policy_version", Type::Int)));
        if self.window().is_some() {
            out.push(declared("window_start_ns", Type::Int));
            out.push(declared("window_end_ns", Type::Int));
        }
        let metric = metric_type();
        out.extend(
            self.bindings.iter().map(|(alias, _)| declared(alias, Type::map(Type::String, metric.clone()))),
        );
        out
    }

    /// All names, `payload` first.
    pub(crate) fn scope(&self, payload: Type) -> Scope {
        let payload = Declared { name: "payload".to_owned(), ty: payload };
        Scope {
            variables: std::iter::once(payload).chain(self.declared()).collect(),
            container: String::new(),
        }
    }

    /// The window of all queries, if it is the same.
    pub(crate) fn window(&self) -> Option<(i64, i64)> {
        let mut windows = self.bindings.iter().flat_map(|(_, queries)| queries).map(|query| query.window);
        let first = windows.next()?;
        windows.all(|window| window == first).then_some(first)
    }

    /// The queries of an alias.
    pub(super) fn binding(&self, alias: &str) -> Option<&[BoundQuery]> {
        self.bindings.iter().find(|(name, _)| name == alias).map(|(_, queries)| queries.as_slice())
    }
}

fn record(name: &str, fields: Vec<(String, Type)>) -> Type {
    Type::Record(Arc::new(Record { name: name.to_owned(), fields }))
}

fn metric_type() -> Type {
    let types = [
        Type::Double,
        Type::Bool,
        Type::map(Type::String, Type::String),
        Type::list(Type::String),
        Type::Int,
        Type::Int,
        Type::Int,
    ];
    record("a metric", METRIC_FIELDS.iter().map(|name| (*name).to_owned()).zip(types).collect())
}
