//! WITH options and `${VAR}`.

use expect_test::expect;

use crate::ast::{OptionLiteral, Span, StatementKind, WithOption};
use crate::sql::variables::substitute;

use super::{env, parsed, refused};

fn options(with: &str) -> Vec<WithOption> {
    let statements = parsed(&format!("CREATE STREAM s (a INT) WITH ({with})"));
    match &statements[0].kind {
        StatementKind::CreateStream(create) => create.options.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_are_quoted_or_dotted_words() {
    let keys: Vec<String> = options(
        "a = 1, 'b.c' = 1, \"D.e\" = 1, file.path = 1, csv.has-header = 1, json.mapping.x2 = 1, type = 1, x.3 = 1",
    )
    .into_iter()
    .map(|o| o.key.text)
    .collect();
    assert_eq!(keys, ["a", "b.c", "D.e", "file.path", "csv.has-header", "json.mapping.x2", "type", "x.3"]);
    assert!(options("").is_empty());
}

#[test]
fn values_keep_their_kind() {
    let values: Vec<OptionLiteral> =
        options("a = 'x', b = 1, c = -2.5, d = TRUE, e = false, f = json, g = +3, h = 1e3")
            .into_iter()
            .map(|o| o.value)
            .collect();
    let text = |t: &str| OptionLiteral::Text(t.to_owned());
    let number = |n: &str| OptionLiteral::Number(n.to_owned());
    assert_eq!(
        values,
        [
            text("x"),
            number("1"),
            number("-2.5"),
            OptionLiteral::Bool(true),
            OptionLiteral::Bool(false),
            text("json"),
            number("3"),
            number("1e3"),
        ]
    );
}

#[test]
fn spans_cover_keys_and_values() {
    let text = "CREATE STREAM s (a INT) WITH (file.path = 'x', n = -3, t = 5 SECONDS)";
    let StatementKind::CreateStream(create) = &parsed(text)[0].kind else {
        panic!("a stream");
    };
    let shown: Vec<(&str, &str)> = create
        .options
        .iter()
        .map(|o| {
            let slice = |s: Span| &text[s.start..s.end];
            (slice(o.key.span), slice(o.value_span))
        })
        .collect();
    assert_eq!(shown, [("file.path", "'x'"), ("n", "-3"), ("t", "5 SECONDS")]);
}

#[test]
fn variables_are_replaced_in_strings() {
    let named = |name: &str, default: Option<&str>| env(name).or_else(|| default.map(str::to_owned));
    let ok = |text: &str| substitute(text, &named).expect(text);
    assert_eq!(ok("${HOME}/x"), "/home/me/x");
    assert_eq!(ok("${NO:d}${NO:}${NO:a:b}"), "da:b");
    assert_eq!(ok("$$ $ $x $5 a$"), "$ $ $x $5 a$");
    assert_eq!(ok("$${HOME}"), "${HOME}");
    assert_eq!(ok("$$${HOME}"), "$/home/me");
    assert_eq!(ok("é${HOME}é"), "é/home/meé");
    // Not replaced again: what a variable holds is data.
    assert_eq!(substitute("${A}", &|_, _| Some("${B}".to_owned())).expect("set"), "${B}");
    assert_eq!(options("p = '${HOME}'")[0].value, OptionLiteral::Text("/home/me".to_owned()));
}

#[test]
fn variables_that_cannot_be_replaced_are_named() {
    let mut out = String::new();
    for with in [
        "p = 'a/${MISSING}/b'",
        "p = 'a/${HOME'",
        "p = '${}'",
        "p = '${1A}'",
        "p = '${A B:x}'",
        "p = 'it''s ${MISSING}'",
    ] {
        let text = format!("CREATE STREAM s (a INT) WITH ({with})");
        out.push_str(&format!("{with}\n  {}\n", refused(&text)));
    }
    expect![[r#"
        p = 'a/${MISSING}/b'
          E0505 at «${MISSING}»: the environment variable `MISSING` is not set
          help: set it, or give a default: ${MISSING:default}; a plain dollar sign before `{` is `$$`
        p = 'a/${HOME'
          E0505 at «${HOME»: `${` without `}`
          help: write ${VAR} or ${VAR:default}; a plain dollar sign before `{` is `$$`
        p = '${}'
          E0505 at «${}»: `` is no name of an environment variable
          help: write ${VAR} or ${VAR:default} with letters, digits and `_`
        p = '${1A}'
          E0505 at «${1A}»: `1A` is no name of an environment variable
          help: write ${VAR} or ${VAR:default} with letters, digits and `_`
        p = '${A B:x}'
          E0505 at «${A B:x}»: `A B` is no name of an environment variable
          help: write ${VAR} or ${VAR:default} with letters, digits and `_`
        p = 'it''s ${MISSING}'
          E0505 at «'it''s ${MISSING}'»: the environment variable `MISSING` is not set
          help: set it, or give a default: ${MISSING:default}; a plain dollar sign before `{` is `$$`
    "#]]
    .assert_eq(&out);
}

#[test]
fn malformed_options_are_refused() {
    let mut out = String::new();
    for with in [
        "a",
        "a 1",
        "a = ",
        "= 1",
        "a = 1, A = 2",
        "'' = 1",
        "a = 1,",
        "a = 1 b = 2",
        "a. = 1",
        "a = \"x\"",
        "a = NULL",
        "a = (1)",
        "a = -x",
        "5 = 1",
        "a = json.lines",
        "a == 1",
    ] {
        let text = format!("CREATE STREAM s (a INT) WITH ({with})");
        out.push_str(&format!("{with}\n  {}\n", refused(&text)));
    }
    expect![[r#"
        a
          E0101 at «)»: expected `=` behind the option `a`, found `)`
          help: options are written 'key' = 'value'
        a 1
          E0101 at «1»: expected `=` behind the option `a`, found `1`
          help: options are written 'key' = 'value'
        a = 
          E0101 at «)»: expected the value of `a`, found `)`
          help: -
        = 1
          E0101 at «=»: expected the name of an option, found `=`
          help: -
        a = 1, A = 2
          E0502 at «A»: the option `a` is given twice
          help: keep one of them
        '' = 1
          E0504 at «''»: an option needs a name
          help: -
        a = 1,
          E0101 at «)»: expected the name of an option, found `)`
          help: -
        a = 1 b = 2
          E0101 at «b»: expected `)`, found `b`
          help: -
        a. = 1
          E0101 at «=»: expected the rest of the option's name, found `=`
          help: -
        a = "x"
          E0101 at «"x"»: expected the value of `a`, found `"x"`
          help: strings take single quotes: 'x'
        a = NULL
          E0101 at «NULL»: expected the value of `a`, found `NULL`
          help: leave the option out to get its default
        a = (1)
          E0101 at «(»: expected the value of `a`, found `(`
          help: -
        a = -x
          E0101 at «x»: expected the number for `a`, found `x`
          help: -
        5 = 1
          E0101 at «5»: expected the name of an option, found `5`
          help: -
        a = json.lines
          E0101 at «.»: expected `)`, found `.`
          help: -
        a == 1
          E0101 at «==»: expected `=` behind the option `a`, found `==`
          help: options are written 'key' = 'value'
    "#]]
    .assert_eq(&out);
}
