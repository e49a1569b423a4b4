//! Bytes that are not what was written: an error that says what to do, never a panic.

use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shard_control::*;

use crate::sample::{Dice, Group, acknowledgements, activate, deploy, random_command, stream};

fn grown() -> Group {
    let mut group = Group::founded();
    group.accept(deploy("a", "1", vec![stream("s", &["k STRING", "v INT?"])], vec![]));
    let owed = group.accept(activate("a", 1)).effects;
    group.change(acknowledgements(&owed)[0].clone());
    group.patch(json!({"cluster": {"lanes.max": 60}, "definitions": {"a": {"lanes.warn": 50}}}));
    let settings = json!({"log.level": "debug"}).as_object().cloned().unwrap_or_default();
    let until = cep_types::StampNs(5_000);
    group.accept(Change::SetOverride { scope: Scope::Node("n1".into()), settings, from: None, until });
    group
}

/// The snapshot with this state and the right hash. The state must be spelled canonically.
fn sealed(state: &str) -> Vec<u8> {
    let hash: String = Sha256::digest(state.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(r#"{{"format":"ceptra.control.snapshot","sha256":"{hash}","state":{state},"version":1}}"#)
        .into_bytes()
}

fn state_text(control: &Control) -> String {
    let text = String::from_utf8(control.snapshot()).expect("JSON is UTF-8");
    let from = text.find(r#""state":"#).expect("a state") + 8;
    text[from..text.rfind(r#","version":1}"#).expect("a version")].to_owned()
}

#[test]
fn what_another_release_or_program_wrote_is_told() {
    let snapshot = String::from_utf8(grown().control.snapshot()).unwrap();
    assert_eq!(sealed(&state_text(&grown().control)), snapshot.as_bytes());
    let newer = snapshot.replace(r#""version":1}"#, r#""version":2}"#);
    assert!(matches!(
        Control::restore(newer.as_bytes()),
        Err(CodecError::Version { found: 2, known: 1, .. })
    ));
    let command = by(Change::Tick {}).encode();
    assert!(matches!(Control::restore(&command), Err(CodecError::Format { .. })));
    assert!(matches!(Command::decode(snapshot.as_bytes()), Err(CodecError::Format { .. })));
    assert!(matches!(Control::restore(b""), Err(CodecError::Malformed { .. })));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(Control::restore(deep.as_bytes()), Err(CodecError::Malformed { .. })));
    let unknown = String::from_utf8(command).unwrap().replace(r#""why":"test""#, r#""why":"test","whom":1"#);
    assert!(matches!(Command::decode(unknown.as_bytes()), Err(CodecError::Malformed { .. })));
}

fn by(change: Change) -> Command {
    crate::sample::by_role(1, change)
}

/// Contradictions that a hash does not find.
#[test]
fn a_state_that_contradicts_itself_is_refused() {
    let good = state_text(&grown().control);
    for (from, to) in [
        (r#""next_node":4"#, r#""next_node":3"#),
        (r#""next_stream":1"#, r#""next_stream":0"#),
        (r#""next_override":2"#, r#""next_override":1"#),
        (r#""newest":1"#, r#""newest":2"#),
        (r#""on":true"#, r#""on":false"#),
        (r#""next_column":2"#, r#""next_column":1"#),
        (r#""waiting":[1,2]"#, r#""waiting":[1,3]"#),
        (r#""waiting":[1,2]"#, r#""waiting":[2,1]"#),
        (r#""actor":"ana""#, r#""actor":"eve""#),
        (r#""until":"5000""#, r#""until":"05000""#),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        let read = Control::restore(&sealed(&bad));
        assert!(
            matches!(read, Err(CodecError::Inconsistent(_) | CodecError::Malformed { .. })),
            "{to}: {read:?}"
        );
    }
}

/// Changes one number, text, list or truth somewhere in `value`, the `at`th of them.
fn mutate(value: &mut Value, at: &mut usize, how: u32) {
    match value {
        Value::Array(items) if *at > 0 || !how.is_multiple_of(3) => {
            items.iter_mut().for_each(|item| step(item, at, how))
        }
        Value::Object(fields) => fields.values_mut().for_each(|field| step(field, at, how)),
        _ => step(value, at, how),
    }
}

fn step(value: &mut Value, at: &mut usize, how: u32) {
    if *at == usize::MAX {
        return;
    }
    if *at > 0 {
        *at -= 1;
        if value.is_array() || value.is_object() {
            mutate(value, at, how);
        }
        return;
    }
    *at = usize::MAX;
    *value = match (&*value, how % 4) {
        (Value::Number(number), _) => {
            json!(number.as_u64().unwrap_or(0).wrapping_add(u64::from(how)) & 0xffff_ffff)
        }
        (Value::String(text), 0) => json!(how.to_string() + &text[text.len().min(1)..]),
        (Value::String(_), _) => json!(how.to_string()),
        (Value::Bool(truth), _) => json!(!truth),
        (Value::Array(items), 0) => json!(items.iter().skip(1).collect::<Vec<_>>()),
        (Value::Array(items), 1) => json!(items.iter().chain(items).collect::<Vec<_>>()),
        (Value::Array(_), _) => json!([]),
        (Value::Object(_), _) | (Value::Null, _) => json!(null),
    };
}

/// `value` as the canonical writer spells it; these states have no characters to escape but `"` and `\`.
fn spelled(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(spelled).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            let fields: Vec<String> =
                sorted.iter().map(|(key, field)| format!("{}:{}", json!(key), spelled(field))).collect();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_are_refused(at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<prop::sample::Index>()) {
        let good = grown().control.snapshot();
        let mut bad = good.clone();
        bad[at.index(good.len())] ^= 1 << bit;
        prop_assert!(Control::restore(&bad).is_err());
        prop_assert!(Control::restore(&good[..cut.index(good.len())]).is_err());
        let mut command = by(Change::JoinNode(crate::sample::node("n1"))).encode();
        let at = at.index(command.len());
        command[at] ^= 1 << bit;
        let _ = Command::decode(&command);
    }

    /// A state that someone changed and sealed anew is refused, or is a state: it goes on without a panic
    /// and can be written and read.
    #[test]
    fn a_forged_state_never_panics(at in 0..900_usize, how in any::<u32>(), steps in prop::collection::vec(any::<Dice>(), 1..12)) {
        let mut state: Value = serde_json::from_str(&state_text(&grown().control)).unwrap();
        let mut left = at;
        mutate(&mut state, &mut left, how);
        if let Ok(control) = Control::restore(&sealed(&spelled(&state))) {
            let mut group = Group { control, index: 1 << 40, stamp: 1_000 };
            for dice in steps {
                group.stamp += i64::from(dice[1] % 100);
                let command = random_command(group.index + 1, dice, &group.control);
                group.apply(&command);
            }
            let again = Control::restore(&group.control.snapshot());
            prop_assert_eq!(again.as_ref().err(), None);
        }
    }
}
