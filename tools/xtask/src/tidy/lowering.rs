//! Rule: code that takes sqlparser's syntax trees apart names every field and every variant, so
//! that a construct added by a new sqlparser fails to compile instead of being ignored.
//!
//! All such code lives in one folder. In it, outside `#[cfg(test)]`:
//! - no pattern contains `..` (a bound rest, `rest @ ..`, ignores nothing and is fine);
//! - no match arm is a catch-all (`_` or a plain name), unless all its other arms are literals:
//!   words and numbers cannot be listed in full;
//! - the pattern of `matches!` and of `if let` follows the first rule.
//!
//! Elsewhere under the lowering folder `sqlparser::ast` is not named at all.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Finding;
use super::tokens;
use crate::tree::SourceFile;

/// Where SQL is lowered.
const LOWERING: &str = "cep/lang/src/lower/";
/// The part of it that may name `sqlparser::ast`, and is held to the rules above.
const SQL_TREES: &str = "cep/lang/src/lower/sqlast/";

/// Catch-alls in the code that takes syntax trees apart, and such code elsewhere.
pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() || !file.path.starts_with(LOWERING) {
        return Vec::new();
    }
    if !file.path.starts_with(SQL_TREES) {
        return outside(file);
    }
    let Ok(syntax) = syn::parse_file(&file.text) else {
        return vec![Finding::of_file(&file.path, "does not parse as Rust")];
    };
    let mut patterns = Patterns { path: &file.path, findings: Vec::new() };
    patterns.visit_file(&syntax);
    patterns.findings
}

fn outside(file: &SourceFile) -> Vec<Finding> {
    let tokens = tokens::flat(file);
    let mut lines = tokens::find(&tokens, &["sqlparser", ":", ":", "ast"]);
    // `use …::sqlparser::{ast::Expr, …}`: look through the braces to their end.
    for (index, token) in tokens.iter().enumerate() {
        let opens = token.text == "sqlparser" && tokens.get(index + 3).is_some_and(|token| token.text == "{");
        if opens {
            let inside = tokens[index + 4..].iter().take_while(|token| token.text != ";");
            lines.extend(inside.filter(|token| token.text == "ast").map(|token| token.line));
        }
    }
    let message = format!("`sqlparser::ast` is taken apart under {SQL_TREES} only");
    lines.into_iter().map(|line| Finding::at(&file.path, line, message.clone())).collect()
}

struct Patterns<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Patterns<'_> {
    fn find(&mut self, line: usize, message: &str) {
        self.findings.push(Finding::at(self.path, line, message));
    }
}

const REST: &str = "`..` ignores fields; name each, `field: _` where it carries no meaning";
const CATCH_ALL: &str = "catch-all arm; name every variant";

impl<'ast> Visit<'ast> for Patterns<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        // `name @ ..` binds what the dots stand for.
        if let Some((_, inner)) = &pattern.subpat
            && !matches!(**inner, syn::Pat::Rest(_))
        {
            self.visit_pat(inner);
        }
    }

    fn visit_pat_rest(&mut self, rest: &'ast syn::PatRest) {
        self.find(rest.span().start().line, REST);
    }

    fn visit_expr_match(&mut self, matched: &'ast syn::ExprMatch) {
        let (catch_all, named): (Vec<_>, Vec<_>) =
            matched.arms.iter().partition(|arm| is_catch_all(&arm.pat));
        let open_ended = !named.is_empty() && named.iter().all(|arm| is_literal(&arm.pat));
        if !open_ended {
            for arm in catch_all {
                self.find(arm.pat.span().start().line, CATCH_ALL);
            }
        }
        visit::visit_expr_match(self, matched);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|segment| segment.ident.to_string());
        if name.as_deref() == Some("matches") {
            if let Ok(pattern) = matches_pattern.parse2(call.tokens.clone()) {
                self.visit_pat(&pattern);
            }
        } else if let Ok(arguments) = arguments.parse2(call.tokens.clone()) {
            for argument in &arguments {
                self.visit_expr(argument);
            }
        } else if let Some(line) = match_keyword(call.tokens.clone()) {
            self.find(line, "`match` inside a macro that cannot be checked; move it out");
        }
        visit::visit_macro(self, call);
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

/// `_` or a plain lower-case name, alone or in a tuple or an alternative made only of them.
fn is_catch_all(pattern: &syn::Pat) -> bool {
    match pattern {
        syn::Pat::Wild(_) => true,
        syn::Pat::Ident(ident) => {
            let name = ident.ident.to_string();
            ident.subpat.as_ref().is_none_or(|(_, inner)| is_catch_all(inner))
                && name.starts_with(|c: char| c.is_lowercase() || c == '_')
        }
        syn::Pat::Or(or) => or.cases.iter().any(is_catch_all),
        syn::Pat::Paren(inner) => is_catch_all(&inner.pat),
        syn::Pat::Reference(inner) => is_catch_all(&inner.pat),
        syn::Pat::Tuple(tuple) => !tuple.elems.is_empty() && tuple.elems.iter().all(is_catch_all),
        _ => false,
    }
}

/// A pattern over words or numbers: literals, ranges, constants, and tuples and alternatives of
/// them in which at least one part is such a literal.
fn is_literal(pattern: &syn::Pat) -> bool {
    match pattern {
        syn::Pat::Lit(_) | syn::Pat::Range(_) => true,
        syn::Pat::Or(or) => or.cases.iter().all(is_literal),
        syn::Pat::Paren(inner) => is_literal(&inner.pat),
        syn::Pat::Reference(inner) => is_literal(&inner.pat),
        syn::Pat::Ident(ident) => ident.subpat.as_ref().is_some_and(|(_, inner)| is_literal(inner)),
        syn::Pat::Slice(slice) => slice.elems.iter().all(is_literal),
        syn::Pat::Tuple(tuple) => {
            tuple.elems.iter().any(is_literal)
                && tuple.elems.iter().all(|part| is_literal(part) || is_catch_all(part))
        }
        syn::Pat::TupleStruct(some) => some.path.is_ident("Some") && some.elems.iter().all(is_literal),
        _ => false,
    }
}

/// The pattern of `matches!(value, pattern if guard)`.
fn matches_pattern(input: ParseStream<'_>) -> syn::Result<syn::Pat> {
    input.parse::<syn::Expr>()?;
    input.parse::<syn::Token![,]>()?;
    let pattern = syn::Pat::parse_multi_with_leading_vert(input)?;
    input.parse::<TokenStream>()?; // guard and trailing comma
    Ok(pattern)
}

/// The arguments of a macro that looks like a function call (`format!`, `vec!`, `assert!`).
fn arguments(input: ParseStream<'_>) -> syn::Result<Vec<syn::Expr>> {
    let list = input.parse_terminated(<syn::Expr as syn::parse::Parse>::parse, syn::Token![,])?;
    Ok(list.into_iter().collect())
}

/// The line of a `match` keyword inside tokens that are not expressions.
fn match_keyword(stream: TokenStream) -> Option<usize> {
    stream.into_iter().find_map(|tree| match tree {
        TokenTree::Ident(ident) if ident == "match" => Some(ident.span().start().line),
        TokenTree::Group(group) => match_keyword(group.stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::on_file;
    use super::*;

    const PATH: &str = "cep/lang/src/lower/sqlast/query.rs";

    fn found(body: &str) -> Vec<String> {
        on_file(check, PATH, &format!("fn f() {{\n{body}\n}}\n"))
    }

    #[test]
    fn rest_patterns_are_found_wherever_a_pattern_stands() {
        for body in [
            "let Query { body, .. } = query;",
            "let Value(first, ..) = value;",
            "if let Expr::Case { operand, .. } = e {}",
            "let Some(Query { with, .. }) = q else { return };",
            "match e { Expr::A { .. } => 1, Expr::B => 2 }",
            "for Join { relation, .. } in joins {}",
            "let g = |Ident { value, .. }: &Ident| value;",
            "matches!(e, Expr::A { .. })",
            "assert!(matches!(e, Expr::A(..)));",
            "if let [first, ..] = items {}",
        ] {
            assert_eq!(found(body), [format!("2: {REST}")], "{body}");
        }
        let parameter = "fn g(Query { body, .. }: Query) {}\n";
        assert_eq!(on_file(check, PATH, parameter), [format!("1: {REST}")]);
    }

    #[test]
    fn catch_all_arms_are_found() {
        for body in [
            "match e { Expr::A => 1, _ => 2 }",
            "match e { Expr::A => 1, other => fail(other) }",
            "match e { Expr::A | _ => 1 }",
            "match e { Expr::A => 1, _ if late => 2, Expr::B => 3 }",
            "match (a, b) { (Expr::A, Expr::B) => 1, (_, _) => 2 }",
            "match e { Expr::A => 1, x @ _ => 2 }",
            "match e { _ => 2 }",
            "vec![match e { Expr::A => 1, _ => 2 }];",
        ] {
            assert_eq!(found(body), [format!("2: {CATCH_ALL}")], "{body}");
        }
    }

    #[test]
    fn full_patterns_pass() {
        for body in [
            "let Query { body, with: _, limit: None } = query;",
            "match e { Expr::A { x } => x, Expr::B(_) | Expr::C => 2 }",
            "match word { \"a\" | \"b\" => 1, \"c\" => 2, _ => 3 }",
            "match word { Some(\"a\") => 1, _ => 3 }",
            "match (kind, n) { (\"a\", 1) => 1, (\"b\", _) => 2, _ => 3 }",
            "match n { 0 => 1, 1..=9 => 2, other => other }",
            "if let [first, rest @ ..] = items {}",
            "let all = Options { limit: 1, ..Options::default() };",
            "let part = &items[1..];",
            "matches!(e, Expr::A | Expr::B { x: 1 } if late)",
            "let f = |_| 1;",
        ] {
            assert_eq!(found(body), Vec::<String>::new(), "{body}");
        }
    }

    #[test]
    fn a_match_that_a_macro_hides_is_found() {
        let body = "choose! { x => match e { A => 1, _ => 2 } }";
        assert_eq!(found(body).len(), 1);
    }

    #[test]
    fn tests_and_other_folders_are_free() {
        let test = "#[cfg(test)]\nmod tests { fn f() { let A { x, .. } = a; } }\n";
        assert!(on_file(check, PATH, test).is_empty());
        let other = "fn f() { match e { A => 1, _ => 2 } }\n";
        assert!(on_file(check, "cep/engine/src/x.rs", other).is_empty());
        assert!(on_file(check, "cep/lang/src/lower/window.rs", other).is_empty());
    }

    #[test]
    fn syntax_trees_are_not_named_elsewhere_in_the_lowering() {
        let path = "cep/lang/src/lower/window.rs";
        for text in [
            "use datafusion_sql::sqlparser::ast::Expr;\n",
            "use datafusion_sql::sqlparser::{tokenizer::Span, ast::Expr};\n",
            "fn f(e: &sqlparser::ast::Expr) {}\n",
        ] {
            assert_eq!(on_file(check, path, text).len(), 1, "{text}");
        }
        let span = "use datafusion_sql::sqlparser::tokenizer::Span;\n";
        assert!(on_file(check, path, span).is_empty());
    }
}
