//! Which streams feed a query, directly or through other queries.

use cep_lang::plan::{Node, Program, Target};
use cep_types::StreamId;
use cep_types::options::{ErrorStrategy, Role};

/// For each stream, whether its rows can reach `plan`.
pub fn reaching(program: &Program, plan: &Node) -> Vec<bool> {
    let mut reached = vec![false; program.streams.len()];
    let mut tables = vec![false; program.tables.len()];
    let mut open = Vec::new();
    read(program, plan, &mut tables, &mut open);
    while let Some(stream) = open.pop() {
        if std::mem::replace(&mut reached[stream.index()], true) {
            continue;
        }
        let name = &program.streams[stream.index()].name;
        for query in program.queries.iter().filter(|q| q.target == Target::Stream(stream)) {
            read(program, &query.plan, &mut tables, &mut open);
        }
        for other in &program.streams {
            let dead_letters = matches!(&other.options.errors.strategy,
                ErrorStrategy::DeadLetter { stream } if stream.eq_ignore_ascii_case(name));
            if dead_letters || other.time.late_stream == Some(stream) {
                open.push(other.id);
            }
        }
    }
    reached
}

/// Adds the streams that `plan` reads, and those that write the tables it reads.
fn read(program: &Program, plan: &Node, tables: &mut [bool], open: &mut Vec<StreamId>) {
    open.extend(plan.scans());
    for table in plan.tables_read() {
        if std::mem::replace(&mut tables[table.index()], true) {
            continue;
        }
        open.extend(program.tables[table.index()].seed);
        for query in program.queries.iter().filter(|q| q.target == Target::Table(table)) {
            read(program, &query.plan, tables, open);
        }
    }
}

/// Whether any of the streams has a source.
pub fn has_source(program: &Program, reached: &[bool]) -> bool {
    program.streams.iter().any(|s| reached[s.id.index()] && matches!(s.options.role, Role::Source(_)))
}
