//! Broken bundles, each with its message: `broken/NAME.yaml` and `broken/NAME.txt`. `UPDATE_EXPECT=1` writes the
//! messages.

use expect_test::expect_file;

use cep_lang::bundle::{BUNDLE_BYTES_MAX, compile};
use cep_lang::lower::CompileOptions;

use crate::shown;

#[test]
fn each_broken_bundle_has_its_message() {
    let folder = crate::manifest_dir().join("tests/bundles/broken");
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    assert!(paths.len() >= 60, "{} bundles", paths.len());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let message = match compile(&text, &CompileOptions::default()) {
            Ok(_) => panic!("{}: no error", path.display()),
            Err(errors) => shown(&errors, &text),
        };
        expect_file![path.with_extension("txt")].assert_eq(&message);
    }
}

fn refused(text: &str) -> String {
    let errors = compile(text, &CompileOptions::default()).expect_err("it is refused");
    assert!(errors.len() <= cep_lang::sql::ERRORS_MAX);
    errors[0].message.clone()
}

#[test]
fn a_bundle_of_ten_megabytes_is_refused_by_its_size() {
    let text = format!("bundle: {{name: b}}\n# {}", "x".repeat(10 << 20));
    assert_eq!(
        refused(&text),
        format!("the bundle has {} bytes; the limit is {BUNDLE_BYTES_MAX}", text.len())
    );
}

#[test]
fn bombs_go_off_quietly() {
    let nested = format!("bundle: {}", "[".repeat(BUNDLE_BYTES_MAX - 8));
    // The parser has a limit of its own, which it meets first here.
    assert!(refused(&nested).contains("recursion limit"), "{}", refused(&nested));
    let wide: String = (0..60_000).map(|n| format!("k{n}: 1\n")).collect();
    assert!(refused(&wide).contains("has no key `k"));
    let items = format!("bundle: [{}]", "a,".repeat(400_000));
    assert!(refused(&items).contains("more than 200000 values"));
    let blocks: String = (0..1_000).map(|depth| format!("{}- \n", " ".repeat(depth % 900))).collect();
    let _ = refused(&format!("bundle:\n{blocks}"));
}
