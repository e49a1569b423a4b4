//! Every example of docs/bundles.md compiles, and the JSON Schema in docs is the one of the table.

use cep_lang::bundle::{compile, is_bundle, json_schema};
use cep_lang::lower::CompileOptions;

use crate::{manifest_dir, shown};

/// The blocks of YAML in the guide with the line each begins at.
fn examples() -> Vec<(usize, String)> {
    let text =
        std::fs::read_to_string(manifest_dir().join("../../docs/bundles.md")).expect("the guide is there");
    let mut out: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some("yaml") => {
                open = true;
                out.push((at + 2, String::new()));
            }
            Some(_) => open = false,
            None if open => {
                let last = &mut out.last_mut().expect("an example has begun").1;
                last.push_str(line);
                last.push('\n');
            }
            None => {}
        }
    }
    out
}

#[test]
fn every_example_of_the_guide_compiles() {
    let examples = examples();
    assert!(examples.len() >= 5, "{} examples", examples.len());
    for (line, text) in examples {
        assert!(is_bundle(&text), "docs/bundles.md, line {line}: it is not taken for a bundle");
        match compile(&text, &CompileOptions::default()) {
            Ok(compiled) => {
                let warnings = shown(&compiled.warnings, &text);
                let expected = text.contains("# warns");
                assert_eq!(
                    !compiled.warnings.is_empty(),
                    expected,
                    "docs/bundles.md, line {line}:\n{warnings}"
                );
            }
            Err(errors) => panic!("docs/bundles.md, line {line}:\n{}", shown(&errors, &text)),
        }
    }
}

#[test]
fn the_json_schema_is_the_one_in_docs() {
    expect_test::expect_file![manifest_dir().join("../../docs/bundle.schema.json")].assert_eq(&json_schema());
}

#[test]
fn the_loader_takes_the_keys_of_the_json_schema_and_no_others() {
    let schema: serde_json::Value = serde_json::from_str(&json_schema()).unwrap();
    let mut count = 0;
    keys(&schema, &mut |object, name| {
        count += 1;
        let known = object["properties"].as_object().unwrap();
        // What the loader says about a key that no table has.
        assert!(!known.contains_key("surely_unknown"), "{name}");
        assert_eq!(object["additionalProperties"], serde_json::json!(false), "{name}");
    });
    assert!(count > 10, "{count} objects");
    // A bundle with a key of each object misspelt is refused by the loader, which reads the same table.
    let head = "bundle: {name: b, def_version: 1}\nworkflow:\n  phases:\n";
    let phases = [
        "    - {name: in, type: source.file, options: {metrics: {m: {value: 1, lables: [a]}}}}\n",
        "    - {name: f, type: aggregate.promql, options: {queries: {q: {expression: m, every: 1s}}}}\n",
        "    - {name: f, type: aggregate.sql, options: {query: SELECT 1, from: x}}\n",
        "    - {name: f, type: classify.cel, options: {rules: [{name: r, when: 'true', emit: {channel: 'log://', key: k}}]}}\n",
        "    - {name: f, type: sink.checkpoint, options: {interval: 10s}}\n",
        "    - {name: f, type: sink.log, option: {from: x}}\n",
    ];
    for phase in phases {
        let text = format!("{head}{phase}");
        let errors = compile(&text, &CompileOptions::default()).expect_err(phase);
        assert!(errors.iter().any(|error| error.code == "E1202"), "{phase}: {}", shown(&errors, &text));
    }
}

/// Calls `visit` on each object of a schema that has fixed keys.
fn keys(schema: &serde_json::Value, visit: &mut dyn FnMut(&serde_json::Value, &str)) {
    match schema {
        serde_json::Value::Object(object) => {
            if object.get("properties").is_some_and(serde_json::Value::is_object)
                && object.contains_key("additionalProperties")
            {
                visit(schema, object.get("description").and_then(|d| d.as_str()).unwrap_or_default());
            }
            object.values().for_each(|value| keys(value, visit));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, visit)),
        _ => {}
    }
}

#[test]
fn every_bundle_that_ships_compiles() {
    let apps = manifest_dir().join("../../deploy/apps");
    let mut count = 0;
    for entry in std::fs::read_dir(apps).unwrap() {
        let path = entry.unwrap().path().join("app.yaml");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        match compile(&text, &CompileOptions::default()) {
            Ok(compiled) => assert!(!compiled.program.queries.is_empty(), "{}", path.display()),
            Err(errors) => panic!("{}:\n{}", path.display(), shown(&errors, &text)),
        }
        count += 1;
    }
    assert!(count >= 6, "{count} bundles");
}
