//! What lowers is run over rows at the ends of their types: no panic, and the same output, errors
//! and state however the rows come together and wherever a checkpoint is restored.

use std::cell::Cell;
use std::sync::{Arc, LazyLock};

use cep_lang::lower::{CompileOptions, Session, compile};
use cep_lang::plan::Program;

use crate::corpus::{CORPUS, streams};
use crate::expressions;
use crate::feed::{Run, inputs};
use crate::harness::{Random, each};
use crate::mutate::mild;
use crate::words::FUNCTIONS;

/// Tells the script when it makes something panic.
pub struct Tells<'a>(pub &'a str);

impl Drop for Tells<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("while running:\n{}", self.0);
        }
    }
}

/// Runs a program in several ways and compares them; whether it could be built and gave little enough.
pub fn agrees(program: Program, text: &str, random: &mut Random) -> bool {
    let _tells = Tells(text);
    let program = Arc::new(program);
    let inputs = inputs(&program, random);
    let Ok(mut whole) = Run::new(&program) else {
        return false;
    };
    whole.feed(&inputs, usize::MAX, false);
    if !whole.is_too_long() {
        whole.end();
    }
    if whole.is_too_long() {
        return false;
    }
    let piece = 1 + random.below(4);
    for restores in [false, true] {
        let mut other = Run::new(&program).expect("built before");
        other.feed(&inputs, piece, restores);
        other.end();
        assert_eq!(other.outcome, whole.outcome, "pieces of {piece}, restored: {restores}");
    }
    true
}

static DECLARED: LazyLock<Vec<Session>> = LazyLock::new(|| {
    let declared = streams().map(|text| {
        let mut session = Session::new(CompileOptions::default());
        session.run(&text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        session
    });
    declared.collect()
});

/// The program of a query over the corpus' streams with some options, if it is one.
pub fn lowered(query: &str, random: &mut Random) -> Option<Program> {
    let mut session = random.pick::<Session>(&DECLARED).clone();
    session.run(query).ok()?;
    Some(session.program())
}

#[test]
fn mutated_statements_run_alike_in_pieces() {
    let ran = Cell::new(0);
    each(600, |random| {
        let text = mild(CORPUS.statement(random), random);
        if let Some(program) = lowered(&text, random) {
            ran.set(ran.get() + u32::from(agrees(program, &text, random)));
        }
    });
    let is_one_seed = std::env::var_os("CEPTRA_SEED").is_some();
    assert!(ran.get() > 0 || is_one_seed, "no statement is compared");
}

#[test]
fn mutated_scripts_run_alike_in_pieces() {
    each(40, |random| {
        let text = mild(CORPUS.script(random), random);
        if let Ok(program) = compile(&text, &CompileOptions::default()) {
            agrees(program, &text, random);
        }
    });
}

#[test]
fn every_function_runs_alike_in_pieces() {
    let mut nth = 0;
    each(1_000, |random| {
        let function = &FUNCTIONS[nth % FUNCTIONS.len()];
        nth += 1;
        let mut one = || {
            let text = format!("SELECT {} AS c FROM s", expressions::call(function, random));
            lowered(&text, random).map(|program| (program, text))
        };
        if let Some((program, text)) = (0..10).find_map(|_| one()) {
            agrees(program, &text, random);
        }
    });
}

#[test]
fn expressions_run_alike_in_pieces() {
    each(600, |random| {
        let expr = expressions::any(3, random);
        let text = match random.below(4) {
            0 => format!("SELECT n FROM s WHERE {expr}"),
            1 => format!(
                "SELECT {expr} AS c, count(*) AS n FROM s WINDOW TUMBLING (SIZE 5 SECONDS) GROUP BY {expr}"
            ),
            _ => format!("SELECT {expr} AS c FROM s"),
        };
        if let Some(program) = lowered(&text, random) {
            agrees(program, &text, random);
        }
    });
}
