//! Overrides in time, against a list that is looked through (R-CP-3).

use cep_types::StampNs;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use shard_control::*;

use crate::sample::{Group, deploy};

/// One value at one place in a window of time; `window: None` is the config itself.
#[derive(Debug, Clone)]
struct Set {
    scope: usize,
    value: i64,
    window: Option<(i64, i64)>,
}

fn scopes() -> [Scope; 3] {
    [Scope::Definition("app".into()), Scope::Partition("main".into(), 1), Scope::Cluster]
}

/// What holds at `now`: the most particular scope with a value; in it the last override whose window
/// contains `now`, else the last value of the config.
fn oracle(sets: &[Set], now: i64) -> i64 {
    for scope in 0..3 {
        let here = || sets.iter().rev().filter(move |set| set.scope == scope);
        let covers = |set: &&Set| set.window.is_some_and(|(from, until)| from <= now && now < until);
        if let Some(set) = here().find(covers).or_else(|| here().find(|set| set.window.is_none())) {
            return set.value;
        }
    }
    1_000_000
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_holds_is_what_a_search_finds(
        steps in vec((0..4_u8, 0..3_usize, 1..1_000_i64, -10..40_i64, 0..60_i64, 0..25_i64), 1..40),
    ) {
        let mut group = Group::founded();
        group.accept(deploy("app", "x", vec![], vec![]));
        let mut sets: Vec<Set> = Vec::new();
        let target = Target { node: None, partition: Some(("main".into(), 1)), definition: Some("app".into()) };
        for (what, scope, value, from, length, pause) in steps {
            group.stamp += pause;
            let now = group.stamp;
            let settings = json!({ "state.keys.max": value });
            match what {
                0 => {
                    let patch = match scope {
                        0 => json!({ "definitions": { "app": settings } }),
                        1 => json!({ "partitions": { "main/1": settings } }),
                        _ => json!({ "cluster": settings }),
                    };
                    prop_assert!(group.patch(patch).outcome.refusal().is_none());
                    sets.push(Set { scope, value, window: None });
                }
                1 | 2 => {
                    let (from, until) = (now + from, now + from + length);
                    let good = until > from && until > now;
                    let applied = group.change(Change::SetOverride {
                        scope: scopes()[scope].clone(),
                        settings: settings.as_object().unwrap().clone(),
                        from: Some(StampNs(from)),
                        until: StampNs(until),
                    });
                    prop_assert_eq!(applied.outcome.refusal().is_none(), good);
                    if good {
                        sets.push(Set { scope, value, window: Some((from, until)) });
                    }
                }
                _ => drop(group.change(Change::Tick {})),
            }
            let found = group.control.effective(&target);
            let found = found.iter().find(|resolved| resolved.key.name == "state.keys.max").unwrap();
            prop_assert_eq!(&found.setting, &Setting::Count(oracle(&sets, now)));
            let explained = group.control.explain("state.keys.max", &target).unwrap();
            prop_assert_eq!(&explained[0], found);
            prop_assert_eq!(&explained.last().unwrap().source, &Source::Default);
            // The next instant at which time does something is the next end of a window.
            let ends = sets.iter().filter_map(|set| set.window).flat_map(|(from, until)| [from, until]);
            let next = ends.filter(|end| *end > now).min();
            prop_assert_eq!(group.control.next_due(), next.map(StampNs));
        }
    }
}

#[test]
fn an_override_begins_and_ends_by_itself_and_says_so() {
    let mut group = Group::founded();
    let settings = json!({"watermark.lateness": "10m", });
    let settings = settings.as_object().unwrap().clone();
    let (from, until) = (StampNs(2_000), StampNs(3_000));
    let quiet =
        group.accept(Change::SetOverride { scope: Scope::Cluster, settings, from: Some(from), until });
    assert_eq!(quiet.effects, []);
    let names = |applied: &Applied| -> Vec<String> {
        let carried = applied.effects.iter().filter(|effect| matches!(effect, Effect::Config { .. })).count();
        let records = applied.audit.iter().map(|record| format!("{} by {}", record.action, record.actor));
        records.chain([format!("{carried} partitions")]).collect()
    };
    group.stamp = 2_500;
    let begun = group.change(Change::Tick {});
    assert_eq!(names(&begun), ["override.begin by clock", "4 partitions"]);
    group.stamp = 9_000;
    // Any entry tells the time, also one that is refused.
    let ended = group.change(Change::CancelOverride { id: OverrideId(1) });
    assert_eq!(names(&ended), ["override.end by clock", "override.cancel by ana", "4 partitions"]);
    assert_eq!(ended.outcome.refusal().map(|refusal| refusal.reason), Some(Reason::NotFound));
    assert_eq!(group.control.overrides().count(), 0);
}
