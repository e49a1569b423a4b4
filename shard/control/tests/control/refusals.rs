//! What is refused, why, and what the text says to do.

use cep_types::Epoch;
use expect_test::{Expect, expect};
use serde_json::json;
use shard_control::*;

use crate::sample::{Group, acknowledgements, activate, by_role, command, deploy, reads, stop, stream};

fn says(refusal: &Refusal, wanted: &Expect) {
    wanted.assert_eq(&refusal.to_string());
}

#[test]
fn two_apps_do_not_declare_one_stream_differently_and_readers_are_named() {
    let mut group = Group::founded();
    let wide = || vec![stream("orders", &["k STRING", "v INT?"])];
    group.accept(deploy("shop", "1", wide(), vec![]));
    group.accept(activate("shop", 1));
    says(
        &group.refuse(deploy("other", "1", vec![stream("Orders", &["k STRING"])], vec![])),
        &expect![[r#"
            PERMANENT_SCHEMA: definition/other: it does not fit what runs already; see the problems
              /streams/Orders: definition 'shop' declares it differently; declare it the same, or use another name"#]],
    );
    group.accept(deploy("view", "1", vec![], vec![reads("orders", &["v"])]));
    group.accept(activate("view", 1));
    says(
        &group.refuse(stop("shop")),
        &expect![[r#"
            PERMANENT_SCHEMA: definition/shop: it does not fit what runs already; see the problems
              /streams/orders: definition 'view' reads it; stop that one first, or keep the stream"#]],
    );
    says(
        &group.refuse(deploy("shop", "2", vec![stream("orders", &["k STRING", "w INT"])], vec![])),
        &expect![[r#"
            PERMANENT_SCHEMA: definition/shop: it does not fit what runs already; see the problems
              /streams/orders/columns/w: rows written so far lack it; let it be NULL, or give it a default"#]],
    );
    says(
        &group.refuse(deploy("shop", "2", vec![stream("orders", &["k STRING"])], vec![])),
        &expect![[r#"
            PERMANENT_SCHEMA: definition/shop: it does not fit what runs already; see the problems
              /streams/orders/columns/v: definition 'view' reads it; keep the column, or change that one first"#]],
    );
    says(
        &group.refuse(deploy("typo", "1", vec![], vec![reads("order", &["v"])])),
        &expect![[r#"
            PERMANENT_SCHEMA: definition/typo: it does not fit what runs already; see the problems
              /reads/order: no definition that runs declares this stream; did you mean 'orders'?"#]],
    );
    // With the reader gone the same stop is fine, and the stream goes.
    group.accept(stop("view"));
    group.accept(stop("shop"));
    assert!(group.control.stream("orders").is_none());
}

#[test]
fn a_stream_is_filled_by_the_sources_of_one_definition() {
    let mut group = Group::founded();
    let connected = |name: &str, feeds: &[&str]| {
        let mut change = deploy(name, "1", vec![stream("orders", &["k STRING"])], vec![]);
        if let Change::Deploy { compiled, .. } = &mut change {
            let feeds = feeds.iter().map(|feed| (*feed).to_owned()).collect();
            compiled.connected = Some(Connected { feeds, console: false });
        }
        change
    };
    group.accept(connected("shop", &["orders"]));
    group.accept(activate("shop", 1));
    says(
        &group.refuse(connected("other", &["Orders"])),
        &expect![[r#"
            PERMANENT_SCHEMA: definition/other: it does not fit what runs already; see the problems
              /streams/Orders: the sources of definition 'shop' fill it already; deploy with connectors off, or stop that one"#]],
    );
    group.accept(connected("other", &[]));
    group.accept(stop("shop"));
    group.accept(connected("other", &["orders"]));
}

#[test]
fn a_schema_changes_with_the_activation_and_going_back_is_an_activation() {
    let mut group = Group::founded();
    group.accept(deploy("app", "1", vec![stream("s", &["k STRING"])], vec![]));
    assert!(group.control.stream("s").is_none());
    group.accept(activate("app", 1));
    group.accept(deploy("app", "2", vec![stream("s", &["k STRING", "v INT?"])], vec![]));
    let ids = |group: &Group| -> Vec<u32> {
        group.control.stream("s").unwrap().schema().columns.iter().map(|column| column.id.0).collect()
    };
    assert_eq!(ids(&group), [0]);
    let before = group.control.routing_epoch();
    group.accept(activate("app", 2));
    assert!(group.control.routing_epoch() > before);
    assert_eq!(ids(&group), [0, 1]);
    group.accept(activate("app", 1));
    assert_eq!(ids(&group), [0]);
    group.accept(activate("app", 2));
    assert_eq!(ids(&group), [0, 2]);
}

#[test]
fn all_problems_of_a_patch_are_listed_with_their_place() {
    let mut group = Group::founded();
    let patch = json!({
        "cluster": {"watermark.latness": "2s", "lanes.max": 0, "lanes.warn": "x"},
        "nodes": {"n1": {"watermark.lateness": "2s"}, "n4": {"log.level": "loud"}},
        "partitions": {"main/3": {}, "main/x": {"series.max": 5}},
        "definition": {},
    });
    let base = group.control.config().version;
    says(
        &group.refuse(Change::PatchConfig { base, patch }),
        &expect![[r#"
            PERMANENT_INVALID: config: values are not in order; see the problems
              /cluster/watermark.latness: is not a key; did you mean 'watermark.lateness'?
              /cluster/lanes.max: out of range; it may be 1 to 64
              /cluster/lanes.warn: write a whole number
              /nodes/n1/watermark.lateness: cannot be set for a node; it may be set for cluster, partition, definition
              /nodes/n4: there is no such node; did you mean 'n1'?
              /nodes/n4/log.level: write one of error, warn, info, debug, trace
              /partitions/main/x: write SPACE/N, such as main/0
              /definition: is not a part of the config; did you mean 'definitions'?"#]],
    );
    let base = group.control.config().version;
    says(
        &group.refuse(Change::PatchConfig { base, patch: json!({"cluster": {"lanes.max": 40}}) }),
        &expect![[r#"
            PERMANENT_INVALID: config: values are not in order; see the problems
              /cluster/lanes.warn: 48 is above lanes.max, which is 40 here; change one of them"#]],
    );
}

/// An override that would break a rule only when another begins is refused now.
#[test]
fn overrides_are_checked_for_all_of_their_time() {
    let mut group = Group::founded();
    let mut set = |settings: serde_json::Value, from, until| {
        let settings = settings.as_object().unwrap().clone();
        let (from, until) = (Some(cep_types::StampNs(from)), cep_types::StampNs(until));
        group.change(Change::SetOverride { scope: Scope::Cluster, settings, from, until }).outcome
    };
    assert!(set(json!({"lanes.max": 50}), 2_000, 3_000).epoch().is_some());
    assert!(set(json!({"lanes.warn": 60}), 1_000, 2_000).epoch().is_some());
    assert!(set(json!({"lanes.warn": 60}), 1_000, 2_001).refusal().is_some());
    assert!(set(json!({"lanes.warn": 60}), 3_000, 4_000).epoch().is_some());
}

#[test]
fn what_was_looked_at_too_long_ago_is_not_changed() {
    let mut group = Group::founded();
    group.accept(deploy("app", "1", vec![], vec![]));
    let seen = group.control.epoch();
    group.accept(deploy("app", "2", vec![], vec![]));
    let stale = Command { base: Some(seen), ..by_role(900, activate("app", 1)) };
    let refusal = group.apply(&stale).outcome.refusal().cloned().unwrap();
    assert_eq!(refusal.reason.code(), "PERMANENT_EPOCH");
    let later = Command { base: Some(Epoch(seen.0 + 100)), ..by_role(901, activate("app", 1)) };
    assert_eq!(group.apply(&later).outcome.refusal().map(|refusal| refusal.reason), Some(Reason::Stale));
    let fresh = Command { base: Some(group.control.epoch()), ..by_role(902, activate("app", 1)) };
    assert!(group.apply(&fresh).outcome.epoch().is_some());
}

#[test]
fn roles_do_what_is_theirs() {
    let mut group = Group::founded();
    let may = |group: &mut Group, role, change| {
        let command = command(group.index + 1, role, change);
        group.apply(&command).outcome.refusal().is_none_or(|refusal| refusal.reason != Reason::NotAllowed)
    };
    for (role, operates, administers, reports) in [
        (Role::Ingest, false, false, false),
        (Role::Observer, false, false, false),
        (Role::Operator, true, false, false),
        (Role::Admin, true, true, false),
        (Role::Node, false, false, true),
    ] {
        assert_eq!(may(&mut group, role, stop("x")), operates, "{role:?}");
        assert_eq!(may(&mut group, role, Change::RemoveNode { node: NodeId(9) }), administers, "{role:?}");
        assert_eq!(may(&mut group, role, Change::Tick {}), reports, "{role:?}");
    }
}

#[test]
fn a_fenced_version_runs_again_only_on_purpose() {
    let mut group = Group::founded();
    group.accept(deploy("app", "1", vec![], vec![]));
    let owed = group.accept(activate("app", 1)).effects;
    acknowledgements(&owed).into_iter().for_each(|marker| drop(group.change(marker)));
    let version = DefinitionVersion(1);
    let fence = Change::Quarantine {
        definition: "app".into(),
        version,
        partition: cep_types::PartitionId(1),
        index: cep_types::LogIndex(77),
    };
    let effects = group.accept(fence.clone()).effects;
    assert!(matches!(&effects[..], [Effect::Quarantine { .. }]), "{effects:?}");
    assert_eq!(group.change(fence).outcome, Outcome::Noted);
    says(
        &group.refuse(activate("app", 1)),
        &expect![
            "PERMANENT_QUARANTINED: definition/app: version 1 aborted partition 1 at entry 77; deploy one that does not, or activate it despite that"
        ],
    );
    let owed = group
        .accept(Change::Activate { definition: "app".into(), version, despite_quarantine: true })
        .effects;
    acknowledgements(&owed).into_iter().for_each(|marker| drop(group.change(marker)));
    assert!(group.control.definition("app").unwrap().quarantined.is_empty());
}

#[test]
fn secrets_in_a_definition_are_not_printed() {
    let change = deploy("app", "password = 'hunter2'", vec![], vec![]);
    assert!(!format!("{:?}", by_role(1, change)).contains("hunter2"));
}
