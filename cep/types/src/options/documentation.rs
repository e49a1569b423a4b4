//! The options section of `docs/sql.md` is made from the table of keys.

use super::options_markdown;

const BEGIN: &str = "<!-- options: written by the test of cep_types::options; UPDATE_DOCS=1 renews it -->\n";
const END: &str = "<!-- end of options -->";

#[test]
fn options_in_the_sql_guide_are_those_of_the_table() {
    // Asked when run: with a target folder shared by several clones, the one of the build may be another.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let path = std::path::Path::new(&here).join("../../docs/sql.md");
    let text = std::fs::read_to_string(&path).expect("the guide is there");
    let from = text.find(BEGIN).expect("the mark of the options") + BEGIN.len();
    let to = text.find(END).expect("the mark of their end");
    let made = options_markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let renewed = format!("{}{made}{}", &text[..from], &text[to..]);
        std::fs::write(&path, renewed).expect("the guide can be written");
        return;
    }
    assert_eq!(&text[from..to], made, "run the test with UPDATE_DOCS=1");
}
