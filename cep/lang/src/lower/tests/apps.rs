//! Every app that ships compiles.

use crate::lower::{CompileOptions, compile};

#[test]
fn every_app_compiles() {
    let apps = crate::test_support::manifest_dir().join("../../deploy/apps");
    let mut count = 0;
    for entry in std::fs::read_dir(apps).unwrap() {
        let path = entry.unwrap().path().join("app.sql");
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let program = match compile(&text, &CompileOptions::default()) {
            Ok(program) => program,
            Err(errors) => panic!("{}: {}", path.display(), super::shown(&errors, &text)),
        };
        assert!(!program.queries.is_empty(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 8, "{count} apps");
}
