//! Every example of docs/sql.md compiles.

use std::path::Path;

use crate::lower::{CompileOptions, compile};
use crate::test_support::sql_blocks;

/// The streams that the guide's examples read, as the guide says.
const STREAMS: &str = "
CREATE STREAM readings (ts TIMESTAMP, sensor STRING, value DOUBLE, n BIGINT)
    WITH (\"event.time\" = 'ts');
";

#[test]
fn every_example_of_the_guide_compiles() {
    let blocks = sql_blocks(Path::new("docs/sql.md"));
    assert!(blocks.len() >= 7, "{} examples", blocks.len());
    for block in blocks {
        let text = format!("{STREAMS}{}", block.text);
        if let Err(errors) = compile(&text, &CompileOptions::default()) {
            panic!("docs/sql.md, line {}:\n{}", block.line, super::shown(&errors, &text));
        }
    }
}
