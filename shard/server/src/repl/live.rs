//! A continuous query over streams that are fed by hand.

use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use cep_lang::plan::Program;

use crate::clock::wall_ns;
use crate::failure::Result;
use crate::run::{Engine, EntryRows, ErrorDesk, OutputPlan, Outputs, Show, Signals};
use crate::talk::Talk;

/// A query that goes on while statements are typed.
pub struct LiveQuery {
    /// Its name.
    pub name: String,
    /// Its statement.
    pub text: String,
    program: Arc<Program>,
    engine: Engine,
    outputs: Outputs,
    desk: ErrorDesk,
}

/// Where the rows of a query go.
#[derive(Debug, Clone, Copy)]
pub struct Ways<'a> {
    /// What leaves the engine.
    pub plan: &'a OutputPlan,
    /// How rows are shown.
    pub show: Show,
    /// Folder that relative paths start at.
    pub base_dir: &'a Path,
}

impl LiveQuery {
    /// Starts a query: it sees what was inserted before.
    ///
    /// # Errors
    /// If it cannot be built, or its output cannot be written.
    pub fn start(
        name: &str,
        text: &str,
        program: Program,
        ways: &Ways<'_>,
        talk: &Talk,
        signals: &Signals,
    ) -> Result<Self> {
        let program = Arc::new(program);
        let mut live = LiveQuery {
            name: name.to_owned(),
            text: text.to_owned(),
            engine: Engine::new(Arc::clone(&program), &ways.plan.sinks)?,
            outputs: Outputs::open(&program, ways.plan, ways.base_dir, ways.show, None, talk, signals)?,
            desk: ErrorDesk::new(Arc::clone(&program), talk.clone()),
            program,
        };
        let program = Arc::clone(&live.program);
        for constants in &program.constants {
            live.feed(&program.streams[constants.stream.index()].name, &constants.rows)?;
        }
        live.outputs.flush()?;
        Ok(live)
    }

    /// Rows of a stream, if this query's program knows it; results are printed at once.
    ///
    /// # Errors
    /// If a record fails whose stream's strategy is to stop, or a write fails.
    pub fn feed(&mut self, stream: &str, rows: &RecordBatch) -> Result<()> {
        let Some(found) = self.program.streams.iter().find(|s| s.name.eq_ignore_ascii_case(stream)) else {
            return Ok(());
        };
        let id = found.id;
        let errors = self.engine.rows(id, rows.clone(), None, wall_ns(), &mut self.outputs)?;
        // Streams that are fed by hand are internal: bad records are counted and said.
        self.desk.record_errors(Some(id), Some(EntryRows::made(rows)), &errors)?.without_dead_letters()?;
        self.outputs.flush()
    }

    /// Lets the engine know the time, for windows over the clock.
    ///
    /// # Errors
    /// If a write fails.
    pub fn tick(&mut self) -> Result<()> {
        if self.engine.wants_ticks() {
            let errors = self.engine.tick(wall_ns(), &mut self.outputs)?;
            self.desk.record_errors(None, None, &errors)?.without_dead_letters()?;
            self.outputs.flush()?;
        }
        Ok(())
    }

    /// Ends the query: its open windows close and print.
    ///
    /// # Errors
    /// If a write fails.
    pub fn end(mut self) -> Result<()> {
        let program = Arc::clone(&self.program);
        for stream in crate::run::external_streams(&program) {
            let errors = self.engine.end(stream, wall_ns(), &mut self.outputs)?;
            self.desk.record_errors(Some(stream), None, &errors)?.without_dead_letters()?;
        }
        self.desk.finish();
        self.outputs.close()
    }
}
