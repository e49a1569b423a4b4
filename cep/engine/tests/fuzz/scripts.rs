//! Scripts, parsed, lowered, explained and formatted: an error with a place and a known code, or a
//! plan, in bounded time.

use std::time::{Duration, Instant};

use cep_lang::ast::Statement;
use cep_lang::diag::{Diagnostic, explain, render, render_json};
use cep_lang::fmt::{format, without_spans};
use cep_lang::lower::{CompileOptions, compile};
use cep_lang::plan::explain_program;
use cep_lang::sql::parse_script;

use crate::corpus::{CORPUS, STREAMS};
use crate::harness::{Random, each};
use crate::mutate::wild;

/// Far above what any script takes, far below what a person waits.
const SCRIPT_TIME_MAX: Duration = Duration::from_secs(5);

/// Every variable is its own name.
fn placeholder(name: &str) -> Option<String> {
    Some(format!("${{{name}}}"))
}

fn parsed(text: &str) -> Result<Vec<Statement>, Vec<Diagnostic>> {
    let statements = parse_script(text, &placeholder)?;
    Ok(statements.into_iter().map(without_spans).collect())
}

fn check_errors(errors: &[Diagnostic], text: &str) {
    assert!(!errors.is_empty(), "a refusal without an error: {text:?}");
    for error in errors {
        assert!(explain(error.code).is_some(), "unknown code: {error:?}");
        assert!(!error.message.is_empty(), "{error:?}");
        let span = error.span.unwrap_or_else(|| panic!("{error:?} has no place in {text:?}"));
        let place = text.get(span.start..span.end);
        assert!(span.start <= span.end && place.is_some(), "{error:?} points outside {text:?}");
        let _shown = render(error, "x.sql", text, false);
        let _shown = render_json(error, "x.sql", text);
    }
}

/// All promises about a script.
fn survives(text: &str) {
    let started = now();
    let meant = parsed(text);
    match (&meant, format(text)) {
        (Ok(meant), Ok(formatted)) => {
            assert_eq!(parsed(&formatted).as_ref(), Ok(meant), "{text:?}\nformatted:\n{formatted}");
            assert_eq!(format(&formatted).as_ref(), Ok(&formatted), "formatted twice: {text:?}");
        }
        (Err(errors), Err(_)) => check_errors(errors, text),
        (_, formatted) => panic!("{text:?}\nparsed: {meant:?}\nformatted: {formatted:?}"),
    }
    match compile(text, &CompileOptions::default()) {
        Ok(program) => assert!(!explain_program(&program).contains('\u{1}'), "{text:?}"),
        Err(errors) => check_errors(&errors, text),
    }
    assert!(started.elapsed() < SCRIPT_TIME_MAX, "{:?} for {text:?}", started.elapsed());
}

#[allow(clippy::disallowed_methods)] // The promise is about time.
fn now() -> Instant {
    Instant::now()
}

#[test]
fn the_corpus_survives_as_it_is() {
    for text in CORPUS.scripts.iter().chain(&CORPUS.statements) {
        survives(text);
        survives(&format!("{STREAMS}{text}"));
    }
}

#[test]
fn mutated_statements_are_refused_with_a_place_or_planned() {
    each(1_500, |random: &mut Random| {
        let text = wild(CORPUS.statement(random), random);
        survives(&format!("{STREAMS}{text}"));
    });
}

#[test]
fn mutated_scripts_are_refused_with_a_place_or_planned() {
    each(150, |random: &mut Random| {
        let text = wild(CORPUS.script(random), random);
        survives(&text);
    });
}
