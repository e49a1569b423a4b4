//! What has been declared, and what a statement does.
//!
//! Declarations go into the compiler's session. A query that prints is tried on a copy of it and
//! gets a program of everything declared; the session itself stays free of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cep_lang::ast::{InsertSource, Statement, StatementKind};
use cep_lang::diag::Diagnostic;
use cep_lang::lower::{self, StatementResult};
use cep_lang::plan::{Program, ReadOf, TableId, Target};
use cep_lang::sql::parse_script;
use cep_types::StreamId;
use cep_types::options::{Role, SourceConnector};
use net_connect::OutputFormat;

use super::backslash::{Backslash, HELP};
use super::live::{LiveQuery, Ways};
use crate::answer::{print_answers, print_table};
use crate::cmd::write_stdout;
use crate::failure::{Failure, Result};
use crate::run::{
    OutputPlan, Playback, Run, RunSettings, Show, Signals, base_dir, has_source, reaching, read_streams,
};
use crate::script::{Script, check_runs, environment, options, render_all};
use crate::talk::Talk;

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It does.
    GoOn,
    /// The user wants to leave.
    Leave,
}

/// An interactive session.
pub struct Session {
    declared: lower::Session,
    live: Vec<LiveQuery>,
    /// Queries started so far, for names.
    started: u64,
    base_dir: PathBuf,
    format: OutputFormat,
    talk: Talk,
    signals: Signals,
    /// A person wants to see that a declaration was taken.
    confirms: bool,
}

impl Session {
    /// A session in which nothing has been declared; with `confirms` it says what it took.
    pub fn new(format: OutputFormat, confirms: bool, talk: &Talk, signals: &Signals) -> Self {
        Session {
            declared: lower::Session::new(options()),
            live: Vec::new(),
            started: 0,
            base_dir: PathBuf::from("."),
            format,
            talk: talk.clone(),
            signals: signals.clone(),
            confirms,
        }
    }

    /// Takes over the declarations of an app; its queries that print are left out.
    ///
    /// # Errors
    /// If the app is wrong.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        let script = Script::read(path)?;
        if script.is_bundle() {
            let message = format!("'{}' is a bundle, and has no statements to go on with", script.name());
            return Err(Failure::usage(message, "run it with `\\run`"));
        }
        let declarations: String = parse_script(&script.text, &environment)
            .map_err(|diagnostics| script.failure(&diagnostics, &self.talk))?
            .iter()
            .filter(|statement| declares(statement))
            .map(|statement| format!("{};\n", &script.text[statement.span.start..statement.span.end]))
            .collect();
        // The whole script is judged, so that errors have their places in it.
        script.compile(&self.talk)?;
        self.declared.run(&declarations).map_err(|diagnostics| self.refused(&declarations, &diagnostics))?;
        self.base_dir = base_dir(path);
        Ok(())
    }

    /// Does a backslash command.
    ///
    /// # Errors
    /// What went wrong; the session can go on.
    pub fn backslash(&mut self, line: &str) -> Result<Next> {
        let command = Backslash::parse(line).map_err(|message| Failure::Usage { message, help: None })?;
        match command {
            Backslash::Quit => return Ok(Next::Leave),
            Backslash::Help => write_stdout(HELP)?,
            Backslash::List => self.list()?,
            Backslash::Describe(name) => {
                self.statement(&format!("DESCRIBE \"{}\";", name.replace('"', "\"\"")))?;
            }
            Backslash::Run(path) => self.run_app(path)?,
            Backslash::Stop => self.stop()?,
        }
        Ok(Next::GoOn)
    }

    /// Does what is typed up to a `;`.
    ///
    /// # Errors
    /// What went wrong; the session is as it was.
    pub fn statement(&mut self, text: &str) -> Result<()> {
        let statements =
            parse_script(text, &environment).map_err(|diagnostics| self.refused(text, &diagnostics))?;
        for live in &mut self.live {
            live.tick()?;
        }
        for statement in &statements {
            self.one(statement, &format!("{};", &text[statement.span.start..statement.span.end]))?;
        }
        Ok(())
    }

    fn one(&mut self, statement: &Statement, text: &str) -> Result<()> {
        let mut trial = self.declared.clone();
        let results = trial.run(text).map_err(|diagnostics| self.refused(text, &diagnostics))?;
        let program = Arc::new(trial.program());
        check_runs(&program).map_err(|diagnostics| self.refused(text, &diagnostics))?;
        let program = Arc::unwrap_or_clone(program);
        if declares(statement) {
            self.declared = trial;
        }
        print_answers(&results, self.format)?;
        let declared = results
            .iter()
            .any(|result| matches!(result, StatementResult::Created(_) | StatementResult::Dropped(_)));
        if declared && self.confirms {
            self.talk.plain("ok");
        }
        match &statement.kind {
            StatementKind::Select(_) => self.query(program, &results, text),
            StatementKind::Insert(insert) => match &insert.source {
                InsertSource::Values(_) => self.feed(&program),
                InsertSource::Query(_) => self.connect(program, &results, text),
            },
            StatementKind::Show(cep_lang::ast::ShowKind::Queries) => self.list_live(),
            StatementKind::CreateStream(_)
            | StatementKind::CreateView(_)
            | StatementKind::CreateAggregation(_)
            | StatementKind::CreateTable(_)
            | StatementKind::CreateIndex(_)
            | StatementKind::CreateTrigger(_)
            | StatementKind::CreateFunction(_)
            | StatementKind::Update(_)
            | StatementKind::Delete(_)
            | StatementKind::Explain(_)
            | StatementKind::Show(_)
            | StatementKind::Describe(_)
            | StatementKind::Drop { .. } => Ok(()),
        }
    }

    fn refused(&self, text: &str, diagnostics: &[Diagnostic]) -> Failure {
        Failure::Script(render_all(diagnostics, "statement", text, self.talk.color()))
    }

    /// Starts a query that prints, or runs it when it reads sources. A SELECT of constants has
    /// been answered already.
    fn query(&mut self, mut program: Program, results: &[StatementResult], text: &str) -> Result<()> {
        let Some(StatementResult::Started(_)) = results.first() else { return Ok(()) };
        self.started += 1;
        let name = format!("query_{}", self.started);
        // The session holds no SELECT: what prints is this one.
        if let Some(at) = program.reads.iter().position(|read| read.target == Target::Print) {
            program.reads[at].name = name;
            let plan = OutputPlan { queries: vec![], sinks: vec![], reads: vec![at] };
            let reached = match &program.reads[at].of {
                ReadOf::Aggregation(range) => {
                    reaching(&program, &program.aggregations[range.aggregation].input)
                }
                ReadOf::Table(look) => self.reaching_table(&program, look.table),
            };
            return self.run_here(program, plan, reached);
        }
        let Some(query) = program.queries.iter_mut().find(|query| query.target == Target::Print) else {
            return Ok(());
        };
        query.name.clone_from(&name);
        let plan = OutputPlan { queries: vec![query.id], sinks: vec![], reads: vec![] };
        let reached = reaching(&program, &program.queries[plan.queries[0].0 as usize].plan);
        self.start(program, plan, reached, &name, text)
    }

    /// Runs a query that writes to a sink; others wait until somebody reads their stream.
    fn connect(&mut self, program: Program, results: &[StatementResult], text: &str) -> Result<()> {
        let Some(StatementResult::Started(target)) = results.first() else { return self.feed(&program) };
        let Some(stream) = program.streams.iter().find(|s| s.name.eq_ignore_ascii_case(target)) else {
            return Ok(());
        };
        if !matches!(stream.options.role, Role::Sink(_)) {
            return Ok(());
        }
        let id = stream.id;
        let plan = OutputPlan { queries: vec![], sinks: vec![id], reads: vec![] };
        let reached = self.reaching_stream(&program, id);
        let name = target.clone();
        self.start(program, plan, reached, &name, text)
    }

    /// The streams that a table is written from.
    fn reaching_table(&self, program: &Program, table: TableId) -> Vec<bool> {
        self.reaching_target(program, Target::Table(table))
    }

    fn reaching_stream(&self, program: &Program, stream: StreamId) -> Vec<bool> {
        self.reaching_target(program, Target::Stream(stream))
    }

    fn reaching_target(&self, program: &Program, target: Target) -> Vec<bool> {
        let feeding = program.queries.iter().filter(|query| query.target == target);
        let mut reached = vec![false; program.streams.len()];
        for query in feeding {
            for (flag, more) in reached.iter_mut().zip(reaching(program, &query.plan)) {
                *flag |= more;
            }
        }
        reached
    }

    fn start(
        &mut self,
        program: Program,
        plan: OutputPlan,
        reached: Vec<bool>,
        name: &str,
        text: &str,
    ) -> Result<()> {
        if has_source(&program, &reached) {
            return self.run_here(program, plan, reached);
        }
        let show = Show { format: self.format, limit: None, tag: Some(true) };
        let ways = Ways { plan: &plan, show, base_dir: &self.base_dir };
        let live = LiveQuery::start(name, text, program, &ways, &self.talk, &self.signals)?;
        self.live.push(live);
        Ok(())
    }

    /// Runs a program in the foreground, until its sources end or Ctrl-C.
    fn run_here(&mut self, program: Program, plan: OutputPlan, streams: Vec<bool>) -> Result<()> {
        for stream in program.streams.iter().filter(|s| streams[s.id.index()]) {
            if matches!(stream.options.role, Role::Source(SourceConnector::Stdin { .. })) {
                return Err(Failure::usage(
                    format!("stream '{}' reads standard input, where you are typing", stream.name),
                    "put the statements into a file, and use `ceptra run`",
                ));
            }
        }
        let settings = RunSettings {
            base_dir: &self.base_dir,
            show: Show { format: self.format, limit: None, tag: None },
            playback: Playback::Max,
            plan,
            streams,
            all_columns: false,
            names_unread: false,
        };
        self.finish(Run::open(Arc::new(program), &settings, &self.talk, &self.signals)?)
    }

    fn finish(&mut self, run: Run) -> Result<()> {
        // A signal that came between runs meant none of them.
        self.signals.rearm();
        let (summary, result) = run.finish();
        self.signals.rearm();
        if !self.talk.quiet() {
            self.talk.plain(&summary.head());
        }
        result
    }

    /// `\run`: an app of its own.
    fn run_app(&mut self, path: &Path) -> Result<()> {
        let compiled = Script::read(path)?.compile(&self.talk)?;
        print_answers(&compiled.results, self.format)?;
        let program = compiled.program;
        let base_dir = base_dir(path);
        let settings = RunSettings {
            base_dir: &base_dir,
            show: Show { format: self.format, limit: None, tag: None },
            playback: Playback::Max,
            plan: OutputPlan::of(&program),
            streams: read_streams(&program),
            all_columns: false,
            names_unread: true,
        };
        self.finish(Run::open(program, &settings, &self.talk, &self.signals)?)
    }

    /// Feeds the rows just inserted to the queries that go on.
    fn feed(&mut self, program: &Program) -> Result<()> {
        let Some(constants) = program.constants.last() else { return Ok(()) };
        let stream = &program.streams[constants.stream.index()].name;
        for live in &mut self.live {
            live.feed(stream, &constants.rows)?;
        }
        Ok(())
    }

    /// `\d`: all objects.
    fn list(&mut self) -> Result<()> {
        let mut rows = Vec::new();
        for (kind, show) in [("stream", "STREAMS"), ("view", "VIEWS"), ("aggregation", "AGGREGATIONS")] {
            let text = format!("SHOW {show};");
            let results =
                self.declared.run(&text).map_err(|diagnostics| self.refused(&text, &diagnostics))?;
            for result in results {
                if let StatementResult::Rows { rows: listed, .. } = result {
                    rows.extend(listed.into_iter().map(|row| vec![row[0].clone(), kind.to_owned()]));
                }
            }
        }
        print_table(&["name".to_owned(), "kind".to_owned()], &rows, self.format)
    }

    /// The queries that go on, behind those between streams.
    fn list_live(&self) -> Result<()> {
        if self.live.is_empty() {
            return Ok(());
        }
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let rows: Vec<Vec<String>> =
            self.live.iter().map(|live| vec![live.name.clone(), one_line(&live.text)]).collect();
        print_table(&["running".to_owned(), "statement".to_owned()], &rows, self.format)
    }

    /// Ends the queries that go on: their open windows close and print.
    ///
    /// # Errors
    /// If a write fails.
    pub fn stop(&mut self) -> Result<()> {
        let mut result = Ok(());
        for live in std::mem::take(&mut self.live) {
            result = result.and(live.end());
        }
        result
    }
}

/// Whether a statement stays in the session: all but queries that print and questions.
fn declares(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::CreateStream(_)
        | StatementKind::CreateView(_)
        | StatementKind::CreateAggregation(_)
        | StatementKind::CreateTable(_)
        | StatementKind::CreateIndex(_)
        | StatementKind::CreateTrigger(_)
        | StatementKind::CreateFunction(_)
        | StatementKind::Update(_)
        | StatementKind::Delete(_)
        | StatementKind::Insert(_)
        | StatementKind::Drop { .. } => true,
        StatementKind::Select(_)
        | StatementKind::Explain(_)
        | StatementKind::Show(_)
        | StatementKind::Describe(_) => false,
    }
}
