//! /metrics in Prometheus' text format (R-OBS-1).

use std::fmt;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use shard_node::report::{PartitionReport, SLICE_BOUNDS_NS, ShardReport};

use super::Node;
use super::fail::Fail;

/// What the node did and how it is.
pub async fn metrics(State(node): State<Node>) -> Result<impl IntoResponse, Fail> {
    let reports = node.reports(false).await?;
    let mut registry = Registry::with_prefix("ceptra");
    registry.register_collector(Box::new(Snapshot { reports }));
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|error| Fail::busy(error.to_string()))?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text))
}

#[derive(Debug)]
struct Snapshot {
    reports: Vec<ShardReport>,
}

type Labels = Vec<(&'static str, String)>;

/// One family: samples by labels.
struct Family<'a> {
    name: &'a str,
    help: &'a str,
    counts: bool,
    samples: Vec<(Labels, f64)>,
}

impl Family<'_> {
    fn write(self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let kind = if self.counts { MetricType::Counter } else { MetricType::Gauge };
        let mut family = encoder.encode_descriptor(self.name, self.help, None, kind)?;
        for (labels, value) in self.samples {
            let sample: MetricEncoder<'_> = family.encode_family(&labels)?;
            if self.counts {
                ConstCounter::new(value).encode(sample)?;
            } else {
                ConstGauge::new(value).encode(sample)?;
            }
        }
        Ok(())
    }
}

/// Name, help, whether it only rises, and its value.
type OfPartition = (&'static str, &'static str, bool, fn(&PartitionReport) -> f64);
type OfShard = (&'static str, &'static str, bool, fn(&ShardReport) -> f64);

const OF_PARTITION: &[OfPartition] = &[
    ("partition_ready", "Whether the partition takes rows", false, |p| f64::from(u8::from(p.ready))),
    ("partition_applied_index", "Log index of the last entry applied", false, |p| p.applied.0 as f64),
    ("partition_stamp_seconds", "Time of the partition, since 1970", false, |p| {
        p.stamp.0.max(0) as f64 / 1e9
    }),
    ("entries", "Entries applied", true, |p| p.counts.entries as f64),
    ("rows_applied", "Rows applied", true, |p| p.counts.applied as f64),
    ("rows_duplicate", "Rows that had been applied before", true, |p| p.counts.duplicates as f64),
    ("rows_late", "Rows too late for every reader", true, |p| p.counts.late as f64),
    ("rows_rejected", "Rows rejected", true, |p| p.counts.rejected as f64),
    ("rows_derived", "Rows of derived streams", true, |p| p.counts.outputs as f64),
    ("rows_shed", "Rows that sinks never got because they fell behind", true, |p| p.counts.shed as f64),
    ("definition_errors", "Errors of records in definitions", true, |p| p.counts.errors as f64),
    ("appends_backpressured", "Appends refused because too much waited", true, |p| {
        p.counts.backpressured as f64
    }),
    ("queue_rows", "Rows that wait", false, |p| p.queued.0 as f64),
    ("queue_bytes", "Bytes of rows that wait", false, |p| p.queued.1 as f64),
    ("checkpoint_bytes", "Bytes of checkpoints written", true, |p| p.checkpoints.stats.bytes_written as f64),
    ("checkpoint_age_seconds", "Age of the newest checkpoint; NaN if there is none", false, |p| {
        p.checkpoints.age_ns.map_or(f64::NAN, |age| age as f64 / 1e9)
    }),
    ("checkpoint_state_bytes", "Bytes of the state in the newest checkpoint", false, |p| {
        p.checkpoints.stats.state_bytes as f64
    }),
    ("checkpoint_links", "Links of the newest chain of checkpoints, without the full one", false, |p| {
        p.checkpoints.stats.chain.len().saturating_sub(1) as f64
    }),
    (
        "checkpoint_full_interval_seconds",
        "Distance of full checkpoints at the pace of the shard",
        false,
        |p| p.checkpoints.full_interval_ns as f64 / 1e9,
    ),
    (
        "checkpoint_incremental_interval_seconds",
        "Distance of checkpoints of what changed at the pace of the shard",
        false,
        |p| p.checkpoints.incremental_interval_ns as f64 / 1e9,
    ),
    ("checkpoint_chain_degraded", "Whether a start had to use an older checkpoint", false, |p| {
        f64::from(u8::from(p.checkpoints.stats.degraded.is_some()))
    }),
    ("checkpoint_slice_seconds_max", "Longest time that a checkpoint held the partition", false, |p| {
        p.checkpoints.stats.slices.max_ns as f64 / 1e9
    }),
    ("definition_rows_late", "Rows left out because they were late", true, |p| {
        p.definitions.iter().map(|definition| definition.late).sum::<u64>() as f64
    }),
    (
        "definition_over_bound",
        "Rows and partial matches refused or given up because a join, a pattern or a table was full",
        true,
        |p| p.definitions.iter().map(|definition| definition.over_bound).sum::<u64>() as f64,
    ),
];

const OF_SHARD: &[OfShard] = &[
    ("connections", "Connections of clients", false, |s| s.connections as f64),
    ("connections_refused", "Connections refused because there were too many", true, |s| {
        s.connections_refused as f64
    }),
    ("log_records", "Records appended to the log", true, |s| s.log.records as f64),
    ("log_bytes", "Bytes written to the log", true, |s| s.log.bytes as f64),
    ("log_writes", "Writes of the log", true, |s| s.log.writes as f64),
    ("log_flushes", "Flushes of the log", true, |s| s.log.flushes as f64),
    ("log_segments", "Segments of the log", false, |s| s.log.segments as f64),
    ("log_poisoned", "Whether the log takes nothing any more", false, |s| {
        f64::from(u8::from(s.poisoned.is_some()))
    }),
    ("stalls", "Polls of tasks and ticks that took too long", true, |s| s.stalls as f64),
];

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for &(name, help, counts, value) in OF_SHARD {
            let samples =
                self.reports.iter().map(|shard| (vec![("shard", shard.shard.to_string())], value(shard)));
            Family { name, help, counts, samples: samples.collect() }.write(&mut encoder)?;
        }
        for &(name, help, counts, value) in OF_PARTITION {
            let samples = self.partitions().map(|partition| (labels_of(partition), value(partition)));
            Family { name, help, counts, samples: samples.collect() }.write(&mut encoder)?;
        }
        self.checkpoints(&mut encoder)
    }
}

fn labels_of(partition: &PartitionReport) -> Labels {
    vec![
        ("space", partition.partition.space.0.to_string()),
        ("partition", partition.partition.partition.0.to_string()),
    ]
}

impl Snapshot {
    fn partitions(&self) -> impl Iterator<Item = &PartitionReport> {
        self.reports.iter().flat_map(|shard| &shard.partitions)
    }

    /// What has more labels, or classes.
    fn checkpoints(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let made = self.partitions().flat_map(|partition| {
            let stats = &partition.checkpoints.stats;
            [("full", stats.fulls), ("incremental", stats.links), ("merged", stats.merges)].map(
                |(kind, count)| {
                    let labels = labels_of(partition).into_iter().chain([("kind", kind.to_owned())]);
                    (labels.collect(), count as f64)
                },
            )
        });
        let (name, help) = ("checkpoints", "Checkpoints made");
        Family { name, help, counts: true, samples: made.collect() }.write(encoder)?;
        let help = "How long checkpoints held the partition at a time";
        let mut family =
            encoder.encode_descriptor("checkpoint_slice_seconds", help, None, MetricType::Histogram)?;
        for partition in self.partitions() {
            let slices = &partition.checkpoints.stats.slices;
            let bounds = SLICE_BOUNDS_NS.iter().map(|bound| *bound as f64 / 1e9).chain([f64::MAX]);
            let classes: Vec<(f64, u64)> = bounds.zip(slices.counts).collect();
            let labels = labels_of(partition);
            let mut sample: MetricEncoder<'_> = family.encode_family(&labels)?;
            let count = slices.counts.iter().sum();
            sample.encode_histogram::<NoLabelSet>(slices.sum_ns as f64 / 1e9, count, &classes, None)?;
        }
        Ok(())
    }
}
