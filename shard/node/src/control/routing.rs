//! The routing table that clients get.

use std::collections::BTreeMap;

use cep_types::StreamId;
use net_wire::{Changelog, Column, Endpoint, Routing, Space, Stream};
use shard_control::{Action, Control, PartitionRef};

use super::deploy::{DeployError, connectors_of, outer};
use super::programs::Programs;
use crate::ids::shard_of;
use crate::settings::Settings;

/// The table as the control group's state has it, for the one node that there is. The streams of a definition
/// that does not compile any more are left out; `wrong` is told.
pub(crate) fn table(
    control: &Control,
    settings: &Settings,
    programs: &Programs,
    wrong: impl FnMut(DeployError),
) -> Routing {
    let node = control.nodes().find(|node| node.spec.name == settings.node);
    let mut endpoints = Vec::new();
    if let Some(node) = node {
        let (host, port) = node.spec.addresses.client.rsplit_once(':').unwrap_or_default();
        let port: u32 = port.parse().unwrap_or_default();
        for shard in 0..node.spec.shards {
            let address = format!("{host}:{}", port.saturating_add(shard));
            endpoints.push(Endpoint { address, node: node.id.0, shard });
        }
    }
    let spaces = control.spaces().map(|space| Space {
        id: space.id,
        name: space.name.clone(),
        seed: space.seed,
        leaders: space
            .placements
            .values()
            .map(|placement| {
                let partition = PartitionRef { space: space.id, partition: placement.partition };
                placement.settled.then(|| shard_of(partition, settings.shards))
            })
            .collect(),
    });
    let spaces = spaces.collect();
    let streams = streams(control, programs, wrong);
    // Placement is settled by reports, which have no epoch of their own for clients; every change has one
    // of the control group.
    Routing { epoch: control.epoch(), endpoints, spaces, streams: streams.into_values().collect() }
}

/// The streams of all definitions that are to run.
fn streams(
    control: &Control,
    programs: &Programs,
    mut wrong: impl FnMut(DeployError),
) -> BTreeMap<StreamId, Stream> {
    let mut streams = BTreeMap::new();
    for definition in control.definitions() {
        let Some(Action::Run(version)) = definition.wanted.as_ref().map(|wanted| wanted.action) else {
            continue;
        };
        let Some(record) = definition.versions.get(&version) else { continue };
        let program = match programs.get(&definition.name, version, &record.text.0, connectors_of(record)) {
            Ok(program) => program,
            Err(error) => {
                wrong(error);
                continue;
            }
        };
        for outer in outer(&definition.name, &program) {
            let Some(stream) = control.stream(outer.name()) else { continue };
            let fields = outer.schema().fields();
            let column = |column: &shard_control::Column| {
                let field = fields.iter().find(|field| field.name() == &column.decl.name)?;
                Some(Column { id: column.id, field: field.as_ref().clone() })
            };
            let entry = Stream {
                id: stream.id,
                name: stream.name.clone(),
                space: stream.space,
                schema_version: stream.schema().version,
                columns: stream.schema().columns.iter().filter_map(column).collect(),
                key: stream.key.clone(),
                event_time: stream.event_time,
                changelog: match stream.changelog {
                    shard_control::Changelog::Append => Changelog::Append,
                    shard_control::Changelog::Retract => Changelog::Retract,
                    shard_control::Changelog::Upsert => Changelog::Upsert,
                },
                can_append: outer.is_input(),
                can_subscribe: !outer.is_input(),
            };
            streams.insert(stream.id, entry);
        }
    }
    streams
}
