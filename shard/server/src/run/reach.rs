//! Which streams feed a query, directly or through other queries.

use cep_lang::plan::{Node, Program, Target};
use cep_types::options::{ErrorStrategy, Role};

/// For each stream, whether its rows can reach `plan`.
pub fn reaching(program: &Program, plan: &Node) -> Vec<bool> {
    let mut reached = vec![false; program.streams.len()];
    let mut open = plan.scans();
    while let Some(stream) = open.pop() {
        if std::mem::replace(&mut reached[stream.index()], true) {
            continue;
        }
        let name = &program.streams[stream.index()].name;
        for query in program.queries.iter().filter(|q| q.target == Target::Stream(stream)) {
            open.extend(query.plan.scans());
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

/// Whether any of the streams has a source.
pub fn has_source(program: &Program, reached: &[bool]) -> bool {
    program.streams.iter().any(|s| reached[s.id.index()] && matches!(s.options.role, Role::Source(_)))
}
