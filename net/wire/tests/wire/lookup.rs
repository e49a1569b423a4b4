//! A client finds its way by the routing table.

use cep_types::hash::KeyForm;
use cep_types::{PartitionId, SpaceId};
use net_wire::{Message, Routing};

fn routing() -> Routing {
    let found = crate::fixed::all().into_iter().find_map(|(_, _, message)| match message {
        Message::Routing(routing) => Some(routing),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_row_finds_its_stream_partition_and_leader() {
    let routing = routing();
    let stream = routing.stream("readings").unwrap();
    assert_eq!(routing.stream("Readings"), Some(stream));
    assert_eq!(routing.stream("reading"), None);
    let mut key = KeyForm::default();
    key.push_text("kitchen");
    let space = routing.space(stream.space).unwrap();
    let partition = space.partition_of(&key);
    assert_eq!(partition, PartitionId(1));
    assert_eq!(routing.leader(space.id, partition).unwrap().address, "[2001:db8::1]:7401");
}

#[test]
fn a_partition_may_have_no_leader_and_an_unknown_one_has_none() {
    let routing = routing();
    for (space, partition) in [(5, 2), (5, 4), (5, u32::MAX), (6, 0)] {
        assert_eq!(routing.leader(SpaceId(space), PartitionId(partition)), None, "{space} {partition}");
    }
}
