//! Promises that hold for every sequence of commands.

use proptest::collection::vec;
use proptest::prelude::*;
use shard_control::*;

use crate::sample::{Dice, Group, by_role, objects, random_command};

fn steps() -> impl Strategy<Value = Vec<(Dice, u8)>> {
    vec((any::<Dice>(), 0..60_u8), 1..70)
}

/// Whether random sequences come to the interesting places at all: a property of nothing is no property.
#[test]
fn random_sequences_are_accepted_refused_and_finished() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let mut group = Group::founded();
        for (dice, pause) in steps().new_tree(&mut runner).unwrap().current() {
            group.stamp += i64::from(pause);
            let command = random_command(group.index + 1, dice, &group.control);
            let applied = group.apply(&command);
            seen.extend(applied.audit.iter().map(|record| format!("{} {:?}", record.action, record.verdict)));
        }
        let active = |definition: &Definition| matches!(definition.status(), Status::Active(_));
        if group.control.definitions().any(active) {
            seen.insert("active".to_owned());
        }
    }
    let wanted = [
        "definition.activate Accepted",
        "definition.activate Refused(Schema)",
        "definition.activate Refused(NotFound)",
        "definition.activate Refused(Quarantined)",
        "definition.deploy Refused(Schema)",
        "definition.stop Accepted",
        "definition.remove Accepted",
        "definition.remove Refused(InUse)",
        "config.patch Accepted",
        "config.patch Refused(Invalid)",
        "config.patch Refused(Stale)",
        "config.rollback Accepted",
        "override.set Accepted",
        "override.set Refused(Invalid)",
        "override.begin Accepted",
        "override.end Accepted",
        "partition.acknowledge Accepted",
        "partition.move Accepted",
        "partition.move Refused(Busy)",
        "node.remove Accepted",
        "node.remove Refused(InUse)",
        "cluster.raise_engine_level Accepted",
        "definition.quarantine Accepted",
        "active",
    ];
    let never: Vec<&str> = wanted.into_iter().filter(|wanted| !seen.contains(*wanted)).collect();
    assert!(never.is_empty(), "never seen: {never:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two replicas, one of which is restored from a snapshot again and again, stay the same.
    #[test]
    fn a_restored_group_goes_on_as_the_one_that_was_written(steps in steps(), every in 1..9_usize) {
        let mut group = Group::founded();
        let mut twin = group.clone();
        for (at, (dice, pause)) in steps.into_iter().enumerate() {
            if at % every == 0 {
                twin.control = Control::restore(&twin.control.snapshot()).unwrap();
                prop_assert_eq!(twin.control.pending_effects(), group.control.pending_effects());
            }
            group.stamp += i64::from(pause);
            twin.stamp = group.stamp;
            let command = random_command(group.index + 1, dice, &group.control);
            let sent = Command::decode(&command.encode()).unwrap();
            prop_assert_eq!(&sent, &command);
            prop_assert_eq!(group.apply(&command), twin.apply(&sent));
            prop_assert_eq!(group.control.state_hash(), twin.control.state_hash());
        }
        prop_assert_eq!(group.control.snapshot(), twin.control.snapshot());
    }

    /// Refusals change nothing, what is noted makes no epoch, an accepted change makes exactly one.
    #[test]
    fn epochs_grow_by_one_with_each_change_and_refusals_change_nothing(steps in steps()) {
        let mut group = Group::founded();
        for (dice, pause) in steps {
            group.stamp += i64::from(pause);
            group.change(Change::Tick {});
            let command = random_command(group.index + 1, dice, &group.control);
            let (before, epoch) = (objects(&group.control), group.control.epoch());
            let foreseen = group.control.would(&command);
            prop_assert_eq!(&before, &objects(&group.control));
            let applied = group.apply(&command);
            prop_assert_eq!(&foreseen, &applied.outcome);
            let now = group.control.epoch();
            match &applied.outcome {
                Outcome::Accepted { epoch: made, .. } => {
                    prop_assert_eq!((now.0, *made), (epoch.0 + 1, now));
                    prop_assert_ne!(before, objects(&group.control));
                }
                Outcome::Refused(refusal) => {
                    prop_assert_eq!(now, epoch);
                    prop_assert_eq!(before, objects(&group.control));
                    prop_assert!(applied.effects.is_empty());
                    prop_assert!(!refusal.text.is_empty() && !refusal.object.is_empty());
                }
                _ => prop_assert_eq!(now, epoch),
            }
            prop_assert!(group.control.routing_epoch() <= now);
        }
    }

    /// A command that is sent again has its first outcome and does nothing.
    #[test]
    fn a_command_is_done_once(steps in steps(), again in 0..70_usize) {
        let mut group = Group::founded();
        let mut sent: Vec<(Command, Outcome)> = Vec::new();
        for (dice, _) in steps {
            let command = random_command(group.index + 1, dice, &group.control);
            let outcome = group.apply(&command).outcome;
            if !matches!(command.change, Change::Acknowledge { .. } | Change::Tick {}) {
                sent.push((command, outcome));
            }
        }
        prop_assume!(!sent.is_empty());
        let (command, first) = &sent[again % sent.len()];
        let before = objects(&group.control);
        let applied = group.apply(command);
        prop_assert!(applied.repeated && applied.effects.is_empty() && applied.audit.is_empty());
        prop_assert_eq!(applied.outcome.epoch(), first.epoch());
        prop_assert_eq!(applied.outcome.refusal().map(|r| r.reason), first.refusal().map(|r| r.reason));
        prop_assert_eq!(&before, &objects(&group.control));
        let other = Command { why: "another".into(), ..command.clone() };
        let reason = group.apply(&other).outcome.refusal().map(|refusal| refusal.reason);
        prop_assert_eq!(reason, Some(Reason::CommandIdReused));
        prop_assert_eq!(before, objects(&group.control));
    }

    /// Entries that the state has already are skipped, whatever they say.
    #[test]
    fn the_log_may_be_played_again_over_a_snapshot(steps in steps()) {
        let mut group = Group::founded();
        let mut log = Vec::new();
        for (dice, _) in steps {
            let command = random_command(group.index + 1, dice, &group.control);
            group.apply(&command);
            log.push((group.index, command));
        }
        let before = group.control.snapshot();
        for (index, command) in &log {
            let applied = group.control.apply(cep_types::LogIndex(*index), cep_types::StampNs(i64::MAX), command);
            prop_assert_eq!(applied.outcome, Outcome::Skipped);
        }
        prop_assert_eq!(before, group.control.snapshot());
    }

    /// The records that were handed out are a chain, the newest are kept, and no change of one goes unseen.
    #[test]
    fn the_audit_is_a_chain(steps in steps(), at in any::<prop::sample::Index>()) {
        let mut group = Group::new();
        let mut records = group.change(Change::Found { id: ClusterId(1), name: "x".into(), engine_level: EngineLevel(1) }).audit;
        for (dice, pause) in steps {
            group.stamp += i64::from(pause);
            let command = random_command(group.index + 1, dice, &group.control);
            records.extend(group.apply(&command).audit);
        }
        prop_assert_eq!(verify_chain(&records), Ok(()));
        let mut kept: Vec<AuditRecord> = group.control.audit().cloned().collect();
        kept.reverse();
        prop_assert_eq!(&kept, &records);
        let at = at.index(records.len());
        let number = records[at].number;
        let mut changed = records.clone();
        changed[at].actor.push('x');
        prop_assert_eq!(verify_chain(&changed), Err(number));
        // What is left behind the first records is a chain too: the state keeps the newest only.
        if at > 0 && at + 1 < records.len() {
            let mut removed = records.clone();
            removed.remove(at);
            prop_assert_eq!(verify_chain(&removed), Err(number + 1));
        }
    }

    /// Going back to a config version gives exactly its document, as long as its objects are there.
    #[test]
    fn rollback_restores_exactly(steps in steps(), to in any::<prop::sample::Index>()) {
        let mut group = Group::founded();
        for (dice, _) in steps {
            let patch = [11, dice[1], dice[2], dice[3], dice[4]];
            let command = random_command(group.index + 1, patch, &group.control);
            group.apply(&command);
        }
        let versions: Vec<ConfigRecord> = group.control.config_history().cloned().collect();
        let wanted = &versions[to.index(versions.len())];
        let base = group.control.config().version;
        let command = by_role(group.index + 1, Change::RollbackConfig { base, to: wanted.version });
        let outcome = group.apply(&command).outcome;
        prop_assert!(outcome.refusal().is_none(), "{:?}", outcome);
        prop_assert_eq!(group.control.config().document(), wanted.document());
        if wanted.document() != versions[0].document() {
            prop_assert_eq!(group.control.config().version, ConfigVersion(base.0 + 1));
            prop_assert_eq!(&group.control.config().origin, &ConfigOrigin::RolledBack(wanted.version));
        }
    }
}
