//! What partitions are told reaches each of them once, whatever crashes.

use std::collections::BTreeMap;

use cep_types::Epoch;
use proptest::collection::vec;
use proptest::prelude::*;
use shard_control::*;

use crate::sample::{Dice, Group, acknowledgements, activate, by_role, deploy, random_command, stop, stream};

/// A partition as a model: for each object the newest epoch in its log, and how often each was done.
#[derive(Default)]
struct Partition {
    held: BTreeMap<String, (Epoch, String)>,
    done: BTreeMap<(String, Epoch), u32>,
}

/// Partitions, and a host that carries effects to them.
#[derive(Default)]
struct Host {
    partitions: BTreeMap<PartitionRef, Partition>,
    /// Lost in a crash.
    queue: Vec<Effect>,
    markers: Vec<Change>,
}

/// The object that an effect speaks about, and what it says, for each partition.
fn told(effect: &Effect) -> Vec<(PartitionRef, String, String)> {
    match effect {
        Effect::CreatePartition { partition, voters, .. }
        | Effect::MovePartition { partition, voters, .. } => {
            vec![(*partition, "voters".into(), format!("{voters:?}"))]
        }
        Effect::Config { partition, config, .. } => {
            vec![(*partition, "config".into(), format!("{:?} {:?}", config.partition, config.definitions))]
        }
        Effect::Activate { space, partitions, definition, action, .. } => partitions
            .iter()
            .map(|at| {
                (
                    PartitionRef { space: *space, partition: *at },
                    format!("definition {definition}"),
                    format!("{action:?}"),
                )
            })
            .collect(),
        Effect::Quarantine { partition, definition, version, .. } => {
            vec![(*partition, format!("fence {definition}"), format!("{version:?}"))]
        }
        Effect::NodeConfig { .. } => Vec::new(),
    }
}

impl Host {
    /// Carries one effect: writes the entry where it is newer than what is there, and hears the Marker.
    fn carry(&mut self, effect: &Effect) {
        for (at, object, says) in told(effect) {
            let partition = self.partitions.entry(at).or_default();
            if partition.held.get(&object).is_none_or(|(epoch, _)| *epoch < effect.epoch()) {
                partition.held.insert(object.clone(), (effect.epoch(), says));
                *partition.done.entry((object, effect.epoch())).or_default() += 1;
            }
        }
        self.markers.extend(acknowledgements(std::slice::from_ref(effect)));
    }

    fn crash(&mut self, control: &Control) {
        self.queue = control.pending_effects();
        self.markers.clear();
    }
}

fn only_owed(effects: Vec<Effect>) -> impl Iterator<Item = Effect> {
    effects.into_iter().filter(|effect| !matches!(effect, Effect::NodeConfig { .. }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_partition_is_told_once_across_crashes(steps in vec((any::<Dice>(), 0..8_u8), 1..60)) {
        let mut group = Group::founded();
        let mut host = Host::default();
        host.crash(&group.control);
        for (dice, what) in steps {
            match what {
                0 => {
                    host.crash(&group.control);
                    group.control = Control::restore(&group.control.snapshot()).unwrap();
                }
                1 | 2 if !host.queue.is_empty() => {
                    let at = dice[0] as usize % host.queue.len();
                    let effect = host.queue[at].clone();
                    // Now and then it is carried and stays in the queue: it will be carried again.
                    if dice[1] % 4 != 0 {
                        host.queue.remove(at);
                    }
                    host.carry(&effect);
                }
                3 if !host.markers.is_empty() => {
                    let at = dice[0] as usize % host.markers.len();
                    let marker = host.markers.swap_remove(at);
                    prop_assert!(group.change(marker).outcome.refusal().is_none());
                }
                _ => {
                    // Acknowledgements come from the host alone here.
                    let dice = if (18..23).contains(&(dice[0] % 26)) { [0, dice[1], dice[2], dice[3], dice[4]] } else { dice };
                    group.stamp += i64::from(dice[1] % 30);
                    let command = random_command(group.index + 1, dice, &group.control);
                    let (old, epoch) = (group.control.pending_effects(), group.control.epoch());
                    let applied = group.apply(&command);
                    let new: Vec<Effect> = only_owed(applied.effects).collect();
                    prop_assert!(new.iter().all(|effect| effect.epoch() > epoch));
                    for effect in group.control.pending_effects() {
                        prop_assert!(new.contains(&effect) || effect.epoch() <= epoch, "not handed out: {:?} before {:?}", effect, old);
                    }
                    host.queue.extend(new);
                }
            }
        }
        // Quiet at last: whatever is owed is carried and reported until nothing is.
        for _ in 0..4 {
            host.crash(&group.control);
            for effect in std::mem::take(&mut host.queue) {
                host.carry(&effect);
            }
            for marker in std::mem::take(&mut host.markers) {
                let command = by_role(group.index + 1, marker);
                prop_assert!(group.apply(&command).outcome.refusal().is_none());
            }
        }
        prop_assert_eq!(group.control.pending_effects(), vec![]);
        for (at, partition) in &host.partitions {
            prop_assert!(partition.done.values().all(|times| *times == 1), "{:?}", partition.done);
            let config = group.control.carried_config(*at).unwrap();
            prop_assert_eq!(&partition.held["config"].1, &format!("{:?} {:?}", config.partition, config.definitions));
            let placement = &group.control.space(at.space).unwrap().placements[&at.partition];
            prop_assert_eq!(&partition.held["voters"].1, &format!("{:?}", placement.voters));
            for definition in group.control.definitions().filter(|definition| definition.space == at.space) {
                let held = partition.held.get(&format!("definition {}", definition.name));
                if let Some(wanted) = &definition.wanted {
                    prop_assert_eq!(held.map(|(_, says)| says.clone()), Some(format!("{:?}", wanted.action)));
                    prop_assert_eq!(definition.settled, Some(wanted.action));
                }
            }
        }
    }
}

#[test]
fn an_activation_is_done_when_the_last_partition_passed_the_barrier() {
    let mut group = Group::founded();
    group.accept(deploy("app", "1", vec![stream("s", &["k STRING"])], vec![]));
    let owed = group.accept(activate("app", 1)).effects;
    let [Effect::Activate { partitions, .. }] = &owed[..] else { panic!("{owed:?}") };
    assert_eq!(partitions.len(), 3);
    let status = |group: &Group| group.control.definition("app").unwrap().status();
    for (at, marker) in acknowledgements(&owed).into_iter().enumerate() {
        assert_eq!(status(&group), Status::Activating(DefinitionVersion(1)));
        assert_eq!(group.change(marker.clone()).outcome.epoch().is_some(), at == 2);
        assert_eq!(group.change(marker).outcome, Outcome::Noted);
    }
    assert_eq!(status(&group), Status::Active(DefinitionVersion(1)));
}

/// Going back amid an activation: reports of the barrier that was given up change nothing.
#[test]
fn a_newer_activation_takes_the_place_of_one_that_is_under_way() {
    let mut group = Group::founded();
    group.accept(deploy("app", "1", vec![], vec![]));
    let first = group.accept(activate("app", 1)).effects;
    group.accept(deploy("app", "2", vec![], vec![]));
    let second = group.accept(activate("app", 2)).effects;
    let back = group.accept(activate("app", 1)).effects;
    for late in acknowledgements(&first).into_iter().chain(acknowledgements(&second)) {
        assert_eq!(group.change(late).outcome, Outcome::Noted);
    }
    let status = |group: &Group| group.control.definition("app").unwrap().status();
    assert_eq!(status(&group), Status::Activating(DefinitionVersion(1)));
    for marker in acknowledgements(&back) {
        group.change(marker);
    }
    assert_eq!(status(&group), Status::Active(DefinitionVersion(1)));
    let stopping = group.accept(stop("app")).effects;
    assert_eq!(status(&group), Status::Stopping);
    for marker in acknowledgements(&stopping) {
        group.change(marker);
    }
    assert_eq!(status(&group), Status::Stopped);
}

/// Who hears of a value: the partitions that it counts for, and no other.
#[test]
fn a_changed_value_is_told_where_it_counts() {
    let mut group = Group::founded();
    group.accept(deploy("app", "1", vec![], vec![]));
    let mut heard = |patch: serde_json::Value| -> Vec<String> {
        let effects = group.patch(patch).effects;
        let name = |effect: &Effect| match effect {
            Effect::Config { partition, .. } => partition.to_string(),
            Effect::NodeConfig { node, .. } => format!("node {node}"),
            other => panic!("{other:?}"),
        };
        effects.iter().map(name).collect()
    };
    let lateness = serde_json::json!({"watermark.lateness": "1m"});
    let level = serde_json::json!({"log.level": "warn"});
    let all = ["0/0", "0/1", "0/2", "1/0"];
    assert_eq!(heard(serde_json::json!({"definitions": {"app": lateness}})), all[..3]);
    assert_eq!(heard(serde_json::json!({"partitions": {"main/1": lateness}})), all[1..2]);
    assert_eq!(heard(serde_json::json!({"cluster": lateness})), all);
    assert_eq!(heard(serde_json::json!({"nodes": {"n2": level}})), ["node 2"]);
    // Node 2 has that value already.
    assert_eq!(heard(serde_json::json!({"cluster": level})), ["node 1", "node 3"]);
}
