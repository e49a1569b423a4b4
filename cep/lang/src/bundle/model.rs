//! A bundle whose shape is right: what was written, by meaning, with places.

use std::collections::BTreeMap;

use crate::ast::Span;

use super::yaml::Scalar;

/// A bundle.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// Its name.
    pub name: String,
    /// `def_version`.
    pub version: u64,
    /// `policy_version`.
    pub policy_version: Option<u64>,
    /// Values of labels at most.
    pub domains: BTreeMap<String, u64>,
    /// Width of a pane, ns.
    pub pane_ns: i64,
    /// The phases, in order.
    pub phases: Vec<Phase>,
}

/// A phase.
#[derive(Debug)]
pub(crate) struct Phase {
    /// Its name.
    pub name: Scalar,
    /// What it does.
    pub kind: PhaseKind,
    /// Where it was written.
    pub span: Span,
}

/// What a phase does.
#[derive(Debug)]
pub(crate) enum PhaseKind {
    /// `source.*`.
    Source(SourcePhase),
    /// `aggregate.promql`.
    Metrics(MetricsPhase),
    /// `aggregate.sql`: its SELECT.
    Sql(Scalar),
    /// `classify.cel`.
    Rules(RulesPhase),
    /// `sink.*`.
    Sink(SinkPhase),
    /// `sink.checkpoint`.
    Checkpoint(CheckpointPhase),
}

/// An option of a stream.
#[derive(Debug, Clone)]
pub(crate) struct StreamOption {
    /// Its key.
    pub key: Scalar,
    /// Its value.
    pub value: Scalar,
}

/// `source.*`.
#[derive(Debug)]
pub(crate) struct SourcePhase {
    /// The connector: a member of [`super::keys::SOURCES`].
    pub connector: String,
    /// Options but those below.
    pub options: Vec<StreamOption>,
    /// Columns of `partition.by`.
    pub partition_by: Vec<Scalar>,
    /// Declared types, in order.
    pub columns: Vec<(Scalar, Scalar)>,
    /// `metrics`, if it is written.
    pub metrics: Option<Vec<MetricDecl>>,
}

/// An entry of `metrics`.
#[derive(Debug)]
pub(crate) struct MetricDecl {
    /// Its name.
    pub name: Scalar,
    /// Column, path or number.
    pub value: Scalar,
    /// Label, and the column or path it is read from.
    pub labels: Vec<(Scalar, Scalar)>,
}

/// `aggregate.promql`.
#[derive(Debug)]
pub(crate) struct MetricsPhase {
    /// The phase whose rows are read.
    pub from: Option<Scalar>,
    /// `window`, ns.
    pub window_ns: Option<i64>,
    /// Series of a selector at most.
    pub series_max: u32,
    /// Name and expression.
    pub queries: Vec<(Scalar, Scalar)>,
}

/// `classify.cel`.
#[derive(Debug)]
pub(crate) struct RulesPhase {
    /// The phase whose rows are judged.
    pub from: Option<Scalar>,
    /// Alias and the phase that it stands for.
    pub bindings: Vec<(Scalar, Scalar)>,
    /// Options by channel.
    pub channels: Vec<(Scalar, Vec<StreamOption>)>,
    /// The rules.
    pub rules: Vec<RuleDecl>,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct RuleDecl {
    /// Its name.
    pub name: Scalar,
    /// Its condition.
    pub when: Scalar,
    /// Where its events go.
    pub channel: Scalar,
    /// `schema_key`.
    pub schema_key: Option<String>,
    /// `metadata`.
    pub metadata: Vec<(Scalar, Scalar)>,
    /// `payload`.
    pub payload: Vec<(Scalar, Scalar)>,
    /// Where it was written.
    pub span: Span,
}

/// `sink.*`.
#[derive(Debug)]
pub(crate) struct SinkPhase {
    /// The connector: a member of [`super::keys::SINKS`].
    pub connector: String,
    /// The phase whose rows are written.
    pub from: Scalar,
    /// Options of the stream.
    pub options: Vec<StreamOption>,
}

/// `sink.checkpoint`.
#[derive(Debug)]
pub(crate) struct CheckpointPhase {
    /// `full_interval`, ns.
    pub full_ns: Option<(i64, Span)>,
    /// `incremental_interval`, ns.
    pub incremental_ns: Option<(i64, Span)>,
    /// `include`.
    pub include: Vec<Scalar>,
}
