//! A tree of the right shape into the model.

use std::collections::{BTreeMap, BTreeSet};

use cep_types::options::parse_duration;

use crate::ast::Span;
use crate::diag::{Diagnostic, codes};

use super::check::check;
use super::keys::{ROOT, phase_type};
use super::model::{
    Bundle, CheckpointPhase, MetricDecl, MetricsPhase, Phase, PhaseKind, RuleDecl, RulesPhase, SinkPhase,
    SourcePhase, StreamOption,
};
use super::yaml::{Scalar, Yaml};

/// Width of a pane by default, ns (R-BUN-3).
pub(crate) const PANE_NS: i64 = 250_000_000;
const PANE_NS_MIN: i64 = 50_000_000;
const PANE_NS_MAX: i64 = 60_000_000_000;
/// Series of a selector at most, by default (R-BUN-1a).
const SERIES_MAX: u32 = 10_000;
/// Bounds of checkpoint intervals, ns (R-CKP-1).
const FULL_NS: std::ops::RangeInclusive<i64> = 15_000_000_000..=300_000_000_000;
const INCREMENTAL_NS: std::ops::RangeInclusive<i64> = 5_000_000_000..=300_000_000_000;

/// Checks a tree, and takes it apart.
///
/// # Errors
/// All that is wrong with its shape.
pub(crate) fn load(yaml: &Yaml) -> Result<Bundle, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    check(yaml, &ROOT, &mut errors);
    if !errors.is_empty() {
        errors.sort_by_key(|error| error.span.map_or(0, |span| span.start));
        return Err(errors);
    }
    let mut loader = Loader { errors };
    let bundle = loader.bundle(yaml);
    match bundle {
        Some(bundle) if loader.errors.is_empty() => Ok(bundle),
        _ => {
            if loader.errors.is_empty() {
                let message = "the bundle is not complete".to_owned();
                loader.error(codes::BUNDLE_KEY, yaml.span, message, "`ceptra schema bundle` prints all keys");
            }
            Err(loader.errors)
        }
    }
}

struct Loader {
    errors: Vec<Diagnostic>,
}

impl Loader {
    fn error(&mut self, code: &'static str, span: Span, message: String, help: &str) {
        let error = Diagnostic::at(code, span, message);
        self.errors.push(if help.is_empty() { error } else { error.help(help) });
    }

    fn bundle(&mut self, yaml: &Yaml) -> Option<Bundle> {
        let head = yaml.get("bundle")?;
        let domains = pairs(head.get("lane_domains"));
        let domains = domains
            .filter_map(|(label, domain)| Some((label.text.clone(), whole(domain, "max_per_partition")?)));
        let domains: BTreeMap<String, u64> = domains.collect();
        let pane_ns = duration(head, "pane").map_or(PANE_NS, |(ns, span)| {
            if !(PANE_NS_MIN..=PANE_NS_MAX).contains(&ns) {
                self.error(
                    codes::BUNDLE_VALUE,
                    span,
                    "`pane` is from 50ms to 1m".to_owned(),
                    "leave it out for 250ms",
                );
            }
            ns
        });
        let phases = yaml.get("workflow")?.get("phases").and_then(Yaml::list).unwrap_or_default();
        if phases.is_empty() {
            let span = yaml.get("workflow")?.span;
            self.error(
                codes::BUNDLE_PHASE,
                span,
                "the workflow has no phases".to_owned(),
                "begin with a source",
            );
        }
        let phases: Option<Vec<Phase>> = phases.iter().map(|phase| self.phase(phase)).collect();
        let phases = phases?;
        self.unique(&phases);
        Some(Bundle {
            name: scalar(head, "name")?.text.clone(),
            version: whole(head, "def_version")?,
            policy_version: whole(head, "policy_version"),
            domains,
            pane_ns,
            phases,
        })
    }

    /// Names of phases, of rules and of columns are told apart.
    fn unique(&mut self, phases: &[Phase]) {
        let mut names = BTreeSet::new();
        let mut rules = BTreeSet::new();
        for phase in phases {
            if !names.insert(phase.name.text.to_ascii_lowercase()) {
                let message = format!("there is a phase `{}` already", phase.name.text);
                self.error(
                    codes::BUNDLE_PHASE,
                    phase.name.span,
                    message,
                    "names match in any case; choose another",
                );
            }
            if let PhaseKind::Rules(of) = &phase.kind {
                for rule in &of.rules {
                    if !rules.insert(rule.name.text.clone()) {
                        let message = format!("there is a rule `{}` already", rule.name.text);
                        let help = "ids of events are made from the names of rules; choose another";
                        self.error(codes::BUNDLE_PHASE, rule.name.span, message, help);
                    }
                }
            }
        }
    }

    fn phase(&mut self, yaml: &Yaml) -> Option<Phase> {
        let name = scalar(yaml, "name")?.clone();
        let (known, member) = phase_type(&scalar(yaml, "type")?.text)?;
        let nothing = Yaml { kind: super::yaml::YamlKind::Map(Vec::new()), span: yaml.span };
        let options = yaml.get("options").unwrap_or(&nothing);
        let kind = match known.name {
            "source" => PhaseKind::Source(source(options, member)),
            "aggregate.promql" => PhaseKind::Metrics(self.metrics(options)?),
            "aggregate.sql" => PhaseKind::Sql(scalar(options, "query")?.clone()),
            "classify.cel" => PhaseKind::Rules(self.rules(options)?),
            "sink.checkpoint" => PhaseKind::Checkpoint(self.checkpoint(options)),
            _sink => PhaseKind::Sink(SinkPhase {
                connector: member.to_owned(),
                from: scalar(options, "from")?.clone(),
                options: stream_options(options, &["from"]),
            }),
        };
        Some(Phase { name, kind, span: yaml.span })
    }

    fn metrics(&mut self, options: &Yaml) -> Option<MetricsPhase> {
        let mut queries = Vec::new();
        for (name, query) in pairs(options.get("queries")) {
            self.name(name, "a query");
            queries.push((name.clone(), scalar(query, "expression")?.clone()));
        }
        if queries.is_empty() {
            let span = options.get("queries")?.span;
            self.error(
                codes::BUNDLE_PHASE,
                span,
                "there are no queries".to_owned(),
                "add one, or remove the phase",
            );
        }
        let series_max = whole(options, "series_max").and_then(|max| u32::try_from(max).ok());
        Some(MetricsPhase {
            from: scalar(options, "from").cloned(),
            window_ns: duration(options, "window").map(|(ns, _)| ns),
            series_max: series_max.unwrap_or(SERIES_MAX),
            queries,
        })
    }

    fn name(&mut self, name: &Scalar, what: &str) {
        if !super::check::is_name(&name.text) {
            let message = format!("`{}` is no name of {what}", name.text);
            self.error(codes::BUNDLE_VALUE, name.span, message, "a name has letters, digits and `_`");
        }
    }

    fn rules(&mut self, options: &Yaml) -> Option<RulesPhase> {
        let bindings: Vec<(Scalar, Scalar)> = texts(options.get("bindings"));
        for (alias, _phase) in &bindings {
            self.name(alias, "a binding");
        }
        let mut rules = Vec::new();
        for rule in options.get("rules").and_then(Yaml::list)? {
            let emit = rule.get("emit")?;
            rules.push(RuleDecl {
                name: scalar(rule, "name")?.clone(),
                when: scalar(rule, "when")?.clone(),
                channel: scalar(emit, "channel")?.clone(),
                schema_key: scalar(emit, "schema_key").map(|key| key.text.clone()),
                metadata: texts(emit.get("metadata")),
                payload: texts(emit.get("payload")),
                span: rule.span,
            });
        }
        for (column, _cel) in rules.iter().flat_map(|rule| &rule.payload) {
            if column.text.starts_with('_') {
                let message = format!("`{}` cannot be a column of a payload", column.text);
                self.error(
                    codes::BUNDLE_VALUE,
                    column.span,
                    message,
                    "names that begin with `_` are the event's own",
                );
            }
        }
        if rules.is_empty() {
            let span = options.get("rules")?.span;
            self.error(
                codes::BUNDLE_PHASE,
                span,
                "there are no rules".to_owned(),
                "add one, or remove the phase",
            );
        }
        let channels = pairs(options.get("channels"));
        let channels = channels.map(|(uri, options)| (uri.clone(), stream_options(options, &[]))).collect();
        Some(RulesPhase { from: scalar(options, "from").cloned(), bindings, channels, rules })
    }

    fn checkpoint(&mut self, options: &Yaml) -> CheckpointPhase {
        let full_ns = duration(options, "full_interval");
        let incremental_ns = duration(options, "incremental_interval");
        for (given, bounds, text) in [
            (full_ns, FULL_NS, "`full_interval` is from 15s to 5m"),
            (incremental_ns, INCREMENTAL_NS, "`incremental_interval` is from 5s to 5m"),
        ] {
            if let Some((ns, span)) = given
                && !bounds.contains(&ns)
            {
                self.error(codes::BUNDLE_VALUE, span, text.to_owned(), "");
            }
        }
        if let (Some((full, _)), Some((incremental, span))) = (full_ns, incremental_ns)
            && incremental > full
        {
            let message = "`incremental_interval` is longer than `full_interval`".to_owned();
            self.error(codes::BUNDLE_VALUE, span, message, "incremental checkpoints come between full ones");
        }
        CheckpointPhase { full_ns, incremental_ns, include: list_of_texts(options.get("include")) }
    }
}

fn source(options: &Yaml, member: &str) -> SourcePhase {
    let metrics = options.get("metrics").map(|metrics| {
        let of = |(name, metric): (&Scalar, &Yaml)| {
            let labels = match metric.get("labels") {
                Some(labels) if labels.entries().is_some() => texts(Some(labels)),
                labels => list_of_texts(labels).into_iter().map(|label| (label.clone(), label)).collect(),
            };
            Some(MetricDecl { name: name.clone(), value: scalar(metric, "value")?.clone(), labels })
        };
        pairs(Some(metrics)).filter_map(of).collect()
    });
    let by = list_of_texts(options.get("partition.by"));
    // `a, b` is two columns, as in SQL.
    let split = |scalar: Scalar| -> Vec<Scalar> {
        let parts: Vec<String> = scalar.text.split(',').map(|part| part.trim().to_owned()).collect();
        match parts.len() {
            1 => vec![scalar],
            _ => parts.into_iter().map(|text| Scalar { text, ..scalar.clone() }).collect(),
        }
    };
    SourcePhase {
        connector: member.to_owned(),
        options: stream_options(options, &["partition.by", "columns", "metrics"]),
        partition_by: by.into_iter().flat_map(split).collect(),
        columns: texts(options.get("columns")),
        metrics,
    }
}

fn scalar<'a>(yaml: &'a Yaml, key: &str) -> Option<&'a Scalar> {
    yaml.get(key)?.scalar()
}

fn whole(yaml: &Yaml, key: &str) -> Option<u64> {
    scalar(yaml, key)?.text.parse().ok()
}

fn duration(yaml: &Yaml, key: &str) -> Option<(i64, Span)> {
    let scalar = scalar(yaml, key)?;
    Some((parse_duration(&scalar.text).ok()?, scalar.span))
}

/// Entries of a mapping.
fn pairs(yaml: Option<&Yaml>) -> impl Iterator<Item = (&Scalar, &Yaml)> {
    let entries = yaml.and_then(Yaml::entries).unwrap_or_default();
    entries.iter().map(|entry| (&entry.key, &entry.value))
}

/// Entries of a mapping of texts.
fn texts(yaml: Option<&Yaml>) -> Vec<(Scalar, Scalar)> {
    pairs(yaml).filter_map(|(key, value)| Some((key.clone(), value.scalar()?.clone()))).collect()
}

/// A text, or a list of them.
fn list_of_texts(yaml: Option<&Yaml>) -> Vec<Scalar> {
    match yaml {
        None => Vec::new(),
        Some(yaml) => match yaml.list() {
            Some(items) => items.iter().filter_map(|item| item.scalar().cloned()).collect(),
            None => yaml.scalar().cloned().into_iter().collect(),
        },
    }
}

fn stream_options(yaml: &Yaml, without: &[&str]) -> Vec<StreamOption> {
    let taken = texts(Some(yaml)).into_iter();
    let taken = taken.filter(|(key, value)| !without.contains(&key.text.as_str()) && !value.is_null());
    taken.map(|(key, value)| StreamOption { key, value }).collect()
}
