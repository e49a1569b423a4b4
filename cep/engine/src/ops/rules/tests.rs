//! Rules over rows, beside a reference that asks every rule.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use cep_lang::cel::{self, Declared, Scope, Type};
use cep_lang::plan::{Node, RULE_COLUMNS, Rule, RuleSlot, RulesNode, SlotSource};
use cep_types::{LogIndex, StreamId};
use proptest::prelude::*;

use super::{RulesOp, derived_event_id};
use crate::chunk::{Chunk, Phase, position};
use crate::column::{Column, Values};
use crate::ops::{OpContext, OpError, Origin};
use crate::time::{NodeTime, Watermarks};

const VERSION: u64 = 3;

/// Columns: site (text), level (whole), load (double), fast (value of a binding).
fn input_schema() -> Schema {
    let field = |name: &str, ty| Field::new(name, ty, true);
    Schema::new(vec![
        field("site", DataType::Utf8),
        field("level", DataType::Int64),
        field("load", DataType::Float64),
        field("fast", DataType::Float64),
    ])
}

fn node(rules: &[(&str, &str)]) -> RulesNode {
    let slot = |name: &str, source, ty| RuleSlot { name: name.into(), source, ty };
    let slots = vec![
        slot("site", SlotSource::Column(0), Type::String),
        slot("level", SlotSource::Column(1), Type::Int),
        slot("load", SlotSource::Column(2), Type::Double),
        slot("fast", SlotSource::Value(3), Type::Double),
        slot("has_fast", SlotSource::HasValue(3), Type::Bool),
        slot("index", SlotSource::LogIndex, Type::Int),
    ];
    let variables = slots.iter().map(|s| Declared { name: s.name.clone(), ty: s.ty.clone() }).collect();
    let scope = Scope { variables, ..Scope::default() };
    let checked = |text: &str| cel::check(text, &scope).expect("the test's expressions are right");
    let mut fields: Vec<Field> = RULE_COLUMNS
        .iter()
        .map(|name| {
            let whole = matches!(*name, "_rule_version" | "_flags");
            Field::new(*name, if whole { DataType::Int64 } else { DataType::Utf8 }, true)
        })
        .collect();
    fields.push(Field::new("what", DataType::Utf8, true));
    fields.push(Field::new("value", DataType::Float64, true));
    RulesNode {
        input: Node::Scan { stream: StreamId(0), schema: Arc::new(input_schema()) },
        bundle: "b".into(),
        version: VERSION,
        slots,
        rules: rules
            .iter()
            .map(|(when, value)| Rule {
                name: (*when).to_owned(),
                when: checked(when),
                channel: 0,
                schema_key: None,
                metadata: vec![("at".into(), checked("index"))],
                payload: vec![(7, checked("site")), (8, checked(value))],
                flags: vec![],
                span: None,
            })
            .collect(),
        channels: vec!["stream://out".into()],
        schema: Arc::new(Schema::new(fields)),
    }
}

type Row = (Option<&'static str>, Option<i64>, Option<f64>, Option<f64>);

fn chunk(rows: &[Row]) -> Chunk {
    let mut chunk = Chunk::new(&input_schema());
    for (at, (site, level, load, fast)) in rows.iter().enumerate() {
        match site {
            Some(site) => super::event::push_text(&mut chunk.columns[0], site),
            None => chunk.columns[0].push_null(),
        }
        match level {
            Some(level) => chunk.columns[1].push_i64(*level),
            None => chunk.columns[1].push_null(),
        }
        for (column, value) in [(2, load), (3, fast)] {
            push_double(&mut chunk.columns[column], *value);
        }
        chunk.time.push(at as i64);
        chunk.pos.push(position(at, Phase::Row));
    }
    chunk
}

fn push_double(column: &mut Column, value: Option<f64>) {
    match (value, &mut column.values) {
        (Some(value), Values::F64(values)) => {
            values.to_mut().push(value);
            column.mark_valid();
        }
        _ => column.push_null(),
    }
}

/// Events as texts, and errors.
fn run(op: &mut RulesOp, schema: &Schema, rows: &[Row], index: u64) -> (Vec<String>, Vec<OpError>) {
    let (input, mut out, mut errors) = (chunk(rows), Chunk::new(schema), Vec::new());
    let stamps: Vec<i64> = (0..rows.len() as i64).collect();
    let mut watermarks = Watermarks::default();
    watermarks.set_constant(0, false);
    let time = NodeTime { stamps: &stamps, watermarks: &watermarks, flush: false };
    let origin = Origin { partition: 7, index: LogIndex(index) };
    let mut cx = OpContext { time, origin, errors: &mut errors, late: None, left_out: None, tables: &mut [] };
    op.process(&input, &mut out, &mut cx);
    let line = |row| out.columns.iter().map(|c| c.text_at(row)).collect::<Vec<_>>().join(" | ");
    ((0..out.rows()).map(line).collect(), errors)
}

#[test]
fn an_event_has_its_id_and_payload() {
    let node = node(&[("site == 'a' && load > 1.5", "load * 2.0")]);
    let mut op = RulesOp::new(&node).expect("it builds");
    let rows = [
        (Some("a"), None, Some(2.0), None),
        (Some("a"), None, Some(1.0), None),
        (Some("b"), None, Some(2.0), None),
        (Some("a"), None, Some(3.0), None),
    ];
    let (events, errors) = run(&mut op, &node.schema, &rows, 9);
    assert!(errors.is_empty(), "{errors:?}");
    let rule = "site == 'a' && load > 1.5";
    let id = |index, ordinal| {
        let origin = Origin { partition: 7, index: LogIndex(index) };
        derived_event_id(origin, VERSION, &format!("b/{rule}"), "stream://out", ordinal)
    };
    let event = |index, ordinal, value| {
        format!(
            "{:016x} | {rule} | 3 | stream://out | ∅ | {{\"at\":{index}}} | 0 | a | {value}",
            id(index, ordinal)
        )
    };
    assert_eq!(events, [event(9, 0, "4.0"), event(9, 1, "6.0")]);
    // The next entry counts from the beginning.
    assert_eq!(run(&mut op, &node.schema, &rows[..1], 10).0, [event(10, 0, "4.0")]);
}

#[test]
fn ids_are_those_of_the_published_vectors() {
    let origin = |partition, index| Origin { partition, index: LogIndex(index) };
    let id = |o, v, r, c, n| format!("{:016x}", derived_event_id(o, v, r, c, n));
    assert_eq!(id(origin(0, 1), 1, "b/r", "stream://s", 0), "a3bf84fa9f1177b6");
    assert_eq!(
        id(origin(3, 1_000_000), 42, "cell_qos/bad_cell", "file://alerts.jsonl", 7),
        "cab1e42e4929dce3"
    );
}

#[test]
fn a_failing_rule_is_an_error_of_its_row_and_of_nothing_else() {
    let node = node(&[("10 / level > 1", "1.0"), ("level >= 0", "2.0"), ("5 / level > 1", "1.0")]);
    let mut op = RulesOp::new(&node).expect("it builds");
    let rows = [(Some("x"), Some(0), None, None), (Some("y"), Some(1), None, None)];
    let (events, errors) = run(&mut op, &node.schema, &rows, 1);
    assert_eq!(events.len(), 4, "{events:#?}");
    assert!(events[0].contains("level >= 0 |") && events[0].ends_with("x | 2.0"), "{events:#?}");
    let [error] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!((error.pos, error.code), (position(0, Phase::Row), "E1040"));
    assert_eq!(error.message, "rule '10 / level > 1': divide by zero (and 1 other rules)");
}

#[test]
fn a_binding_without_a_value_makes_a_rule_not_hold_quietly() {
    let node = node(&[
        ("fast > 1.0", "fast"),
        ("!has_fast || fast > 1.0", "fast"),
        ("coalesce(fast, 9.0) > 5.0", "coalesce(fast, 9.0)"),
    ]);
    let mut op = RulesOp::new(&node).expect("it builds");
    let rows = [(None, None, None, None), (None, None, None, Some(0.5)), (None, None, None, Some(2.0))];
    let (events, errors) = run(&mut op, &node.schema, &rows, 1);
    assert!(errors.is_empty(), "{errors:?}");
    let ends: Vec<&str> = events.iter().map(|e| e.rsplit(" | ").next().unwrap_or("")).collect();
    assert_eq!(ends, ["∅", "9.0", "2.0", "2.0"]);
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..4usize).prop_map(|s| format!("site == '{}'", ["a", "b", "c", "d"][s])),
        (0..4usize).prop_map(|s| format!("site in ['{}', 'a']", ["a", "b", "c", "d"][s])),
        (0..4usize).prop_map(|s| format!("site != '{}'", ["a", "b", "c", "d"][s])),
        (-2..3i64).prop_map(|n| format!("level == {n}")),
        (-2..3i64).prop_map(|n| format!("level > {n}")),
        (-2..3i64).prop_map(|n| format!("{n} >= level")),
        (-2..3i64).prop_map(|n| format!("load < {n}.5")),
        (-2..3i64).prop_map(|n| format!("load >= {n}.0")),
        (-2..3i64).prop_map(|n| format!("fast > {n}.0")),
        (-2..3i64).prop_map(|n| format!("1 / level == {n}")),
        Just("has_fast".to_owned()),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    (prop::collection::vec(part(), 1..4), any::<bool>()).prop_map(|(parts, or)| {
        if or && parts.len() > 2 {
            format!("({} || {}) && {}", parts[0], parts[1], parts[2])
        } else {
            parts.join(" && ")
        }
    })
}

fn row() -> impl Strategy<Value = Row> {
    let double = || {
        prop::option::of(prop_oneof![Just(f64::NAN), Just(-0.0), (-3..4i32).prop_map(f64::from), Just(0.5)])
    };
    (
        prop::option::of(prop::sample::select(vec!["a", "b", "c", "e"])),
        prop::option::of(-3..4i64),
        double(),
        double(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// Rules that are found by the index are all that hold or fail: the same events and errors as by asking one
    /// rule after the other.
    #[test]
    fn the_index_leaves_out_nothing(rules in prop::collection::vec(condition(), 1..12), rows in prop::collection::vec(row(), 1..12)) {
        let all: Vec<(&str, &str)> = rules.iter().map(|r| (r.as_str(), "load")).collect();
        let node_of_all = node(&all);
        let mut op = RulesOp::new(&node_of_all).expect("it builds");
        let (events, errors) = run(&mut op, &node_of_all.schema, &rows, 1);
        let short = |event: &String| {
            let parts: Vec<&str> = event.split(" | ").collect();
            format!("{} {} {}", parts[1], parts[7], parts[8])
        };
        let mut wanted = Vec::new();
        let mut failing = Vec::new();
        for (at, one) in rows.iter().enumerate() {
            let mut fails = false;
            for rule in &all {
                // A conditional is not looked into by the index.
                let unindexed = format!("({}) ? true : false", rule.0);
                let single = node(&[(&unindexed, rule.1)]);
                let mut op = RulesOp::new(&single).expect("it builds");
                let (events, errors) = run(&mut op, &single.schema, std::slice::from_ref(one), 1);
                wanted.extend(events.iter().map(|e| short(e).replace(&unindexed, rule.0)));
                fails |= !errors.is_empty();
            }
            if fails {
                failing.push(position(at, Phase::Row));
            }
        }
        prop_assert_eq!(events.iter().map(short).collect::<Vec<_>>(), wanted);
        prop_assert_eq!(errors.iter().map(|e| e.pos).collect::<Vec<_>>(), failing);
    }
}
