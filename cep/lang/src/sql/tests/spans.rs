//! Every span is the text it claims to be.

use proptest::prelude::*;

use crate::ast::{FromItem, RelationSource, SetExpr, Span, Statement, StatementKind};
use crate::sql::tokens::tokenize;
use crate::sql::{Locations, parse_script};

use super::{corpus, env, parsed};

#[test]
fn statements_span_their_text_without_the_semicolon() {
    let text = "-- é\n  SELECT 1 ;\n\tSHOW STREAMS; -- x\nDROP VIEW v";
    let slices: Vec<&str> = parsed(text).iter().map(|s| &text[s.span.start..s.span.end]).collect();
    assert_eq!(slices, ["SELECT 1", "SHOW STREAMS", "DROP VIEW v"]);
}

#[test]
fn parts_of_a_query_span_their_text() {
    let text =
        "SELECT 'ü' FROM \"Ströme\"[a] AS x WINDOW LENGTH (5) WITHIN '1' PER DAYS OUTPUT LAST EVERY 5 EVENTS";
    let slice = |span: Span| &text[span.start..span.end];
    let statements = parsed(text);
    let StatementKind::Select(query) = &statements[0].kind else {
        panic!("a select");
    };
    let SetExpr::Select(select) = &query.body else {
        panic!("one select");
    };
    let from = select.from.as_ref().and_then(FromItem::relation).expect("a relation");
    let RelationSource::Name(name) = &from.source else {
        panic!("a name");
    };
    assert_eq!(slice(name.span), "\"Ströme\"");
    assert_eq!(name.text, "Ströme");
    assert_eq!(slice(from.alias.as_ref().expect("an alias").span), "x");
    assert_eq!(slice(from.window.as_ref().expect("a window").span), "WINDOW LENGTH (5)");
    assert_eq!(slice(from.within_per.as_ref().expect("within").span), "WITHIN '1' PER DAYS");
    assert_eq!(slice(from.span), "\"Ströme\"[a] AS x WINDOW LENGTH (5) WITHIN '1' PER DAYS");
    assert_eq!(slice(query.output.as_ref().expect("a rate").span), "OUTPUT LAST EVERY 5 EVENTS");
    assert_eq!(slice(query.span), text);
}

#[test]
fn locations_of_delegated_nodes_lead_back_to_bytes() {
    use datafusion_sql::sqlparser::ast::{SelectItem, Spanned};
    let text = "SELECT\n  'é', ärger,\r\n\t\"x y\" FROM s";
    let locations = Locations::new(text);
    let statements = parsed(text);
    let StatementKind::Select(query) = &statements[0].kind else {
        panic!("a select");
    };
    let SetExpr::Select(select) = &query.body else {
        panic!("one select");
    };
    let slices: Vec<&str> = select
        .items
        .iter()
        .map(|item| {
            let SelectItem::UnnamedExpr(expr) = item else {
                panic!("no alias");
            };
            let span = locations.span(expr.span()).expect("a place");
            &text[span.start..span.end]
        })
        .collect();
    assert_eq!(slices, ["'é'", "ärger", "\"x y\""]);
    assert_eq!(locations.line_column(text.find("ärger").expect("there")), (2, 8));
    assert_eq!(locations.line_column(usize::MAX).0, 3);
}

#[test]
fn expressions_in_strings_have_places_in_the_script() {
    use datafusion_sql::sqlparser::ast::Spanned;
    let text = "SELECT *\nFROM s WINDOW EXPRESSION ('count(*) > limit_x')";
    let statements: Vec<Statement> = parsed(text);
    let StatementKind::Select(query) = &statements[0].kind else {
        panic!("a select");
    };
    let SetExpr::Select(select) = &query.body else {
        panic!("one select");
    };
    let window =
        select.from.as_ref().and_then(FromItem::relation).and_then(|f| f.window.as_ref()).expect("a window");
    let crate::ast::WindowKind::Expression { condition } = &window.kind else {
        panic!("an expression window");
    };
    let span = Locations::new(text).span(condition.span()).expect("a place");
    assert!(text[span.start..span.end].ends_with("limit_x"), "{:?}", &text[span.start..span.end]);
}

proptest! {
    #[test]
    fn tokens_cover_the_text_without_gaps(text in "([a-z'\"(),;.<>*/ \\n\\t\\ré…-]|--|/\\*|\\*/|[0-9]){0,40}") {
        let (tokens, error) = tokenize(&text, true);
        let mut at = 0;
        for token in &tokens {
            prop_assert_eq!(token.span.start, at);
            prop_assert!(token.span.end >= at);
            at = token.span.end;
            let _ = &text[token.span.start..token.span.end];
        }
        if error.is_none() {
            prop_assert_eq!(at, text.len());
        }
    }

    #[test]
    fn an_error_in_one_statement_points_into_it(bad in 0_usize..corpus::STATEMENTS.len(), cut in 0.0_f64..1.0) {
        // A statement cut short somewhere, between two that are whole.
        let statement = corpus::STATEMENTS[bad];
        let mut end = (statement.len() as f64 * cut) as usize;
        while !statement.is_char_boundary(end) {
            end -= 1;
        }
        let text = format!("SHOW STREAMS;\n{};\nSHOW VIEWS", &statement[..end]);
        let range = 14..14 + end + 1;
        if let Err(errors) = parse_script(&text, &env) {
            for error in errors {
                let span = error.span.expect("a place");
                prop_assert!(span.start <= span.end && span.end <= text.len());
                // An open string or comment runs on; it still begins inside.
                prop_assert!(range.contains(&span.start) || span.start == range.end, "{error:?} in {text}");
                let _ = &text[span.start..span.end];
            }
        }
    }
}
