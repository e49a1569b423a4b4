//! Tests of lowering: golden plans, an error for each refused construct, types, names, bounds.

mod apps;
mod as_of;
mod bounds;
mod errors;
mod guide;
mod joins;
mod names;
mod pattern_refusals;
mod patterns;
mod plans;
mod tables;
mod types;

use datafusion_common::ScalarValue;

use crate::diag::Diagnostic;
use crate::lower::{CompileOptions, Session, StatementResult, compile};
use crate::plan::{Program, explain_query};

/// Streams that most tests read.
const STREAMS: &str = "
CREATE STREAM trades (ts TIMESTAMP, symbol STRING, price DOUBLE, volume BIGINT)
    WITH (\"event.time\" = 'ts');
CREATE STREAM arrivals (k STRING, n INT);
";

/// Compiles `STREAMS` and `sql`.
fn program(sql: &str) -> Program {
    let text = format!("{STREAMS}{sql}");
    match compile(&text, &CompileOptions::default()) {
        Ok(program) => program,
        Err(errors) => panic!("{}", shown(&errors, &text)),
    }
}

/// The plans of all queries of `sql` as text.
fn plan(sql: &str) -> String {
    let program = program(sql);
    let names = |id: cep_types::StreamId| program.streams[id.0 as usize].name.clone();
    program.queries.iter().map(|query| explain_query(query, &names)).collect()
}

/// The errors of `sql`, each with the text it points at.
fn errors(sql: &str) -> String {
    let text = format!("{STREAMS}{sql}");
    match compile(&text, &CompileOptions::default()) {
        Ok(program) => panic!("no error, but {:#?}", program.queries),
        Err(errors) => shown(&errors, &text),
    }
}

fn shown(errors: &[Diagnostic], text: &str) -> String {
    errors
        .iter()
        .map(|error| {
            let place = match error.span {
                Some(span) => format!(" at «{}»", &text[span.start..span.end]),
                None => String::new(),
            };
            let help = error.help.as_deref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
            format!("{}: {}{place}{help}\n", error.code, error.message)
        })
        .collect()
}

/// Runs `STREAMS` and `sql`; the rows of its last statement, one line each.
fn rows(sql: &str) -> String {
    let mut session = Session::new(CompileOptions::default());
    session.run(STREAMS).unwrap();
    let results = match session.run(sql) {
        Ok(results) => results,
        Err(errors) => panic!("{}", shown(&errors, sql)),
    };
    match results.last() {
        Some(StatementResult::Rows { header, rows }) => {
            let lines = std::iter::once(header).chain(rows).map(|row| row.join(" | "));
            lines.collect::<Vec<_>>().join("\n") + "\n"
        }
        Some(StatementResult::Constants(row)) => {
            let names: Vec<&str> = row.schema_ref().fields().iter().map(|f| f.name().as_str()).collect();
            let value =
                |column: &arrow_array::ArrayRef| ScalarValue::try_from_array(column, 0).unwrap().to_string();
            let values: Vec<String> = row.columns().iter().map(value).collect();
            format!("{}\n{}\n", names.join(" | "), values.join(" | "))
        }
        other => panic!("no rows: {other:?}"),
    }
}

/// Name and type of each column that the last query of `sql` gives.
fn columns(sql: &str) -> String {
    let program = program(sql);
    let query = program.queries.last().unwrap();
    let fields = query.plan.schema().fields().iter();
    fields
        .map(|f| format!("{} {}", f.name(), super::types::field_type_name(f)))
        .collect::<Vec<_>>()
        .join(", ")
}
