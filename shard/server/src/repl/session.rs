//! What has been declared, and what a statement does.
//!
//! The session is its accepted statements: each new one is compiled behind them, and a query gets
//! a program of all of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::SchemaRef;
use cep_lang::ast::{InsertSource, Span, Statement, StatementKind};
use cep_lang::diag::Diagnostic;
use cep_lang::lower::compile;
use cep_types::StreamId;
use cep_lang::plan::{Program, Query, Target};
use cep_lang::sql::parse_script;
use cep_types::options::{Role, SourceConnector};
use net_connect::OutputFormat;

use super::answers::Answer;
use super::backslash::{Backslash, HELP};
use super::live::{LiveQuery, Ways};
use super::reach::{has_source, reaching};
use crate::cmd::write_stdout;
use crate::failure::{Failure, Result};
use crate::run::{OutputPlan, Playback, Run, RunSettings, Show, Signals, base_dir, read_streams};
use crate::script::{Script, environment, options, render_all};
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
    /// Accepted statements, each with its `;`.
    script: String,
    /// Names and texts of views.
    views: Vec<(String, String)>,
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
            script: String::new(),
            views: Vec::new(),
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
        script.compile(&self.talk)?;
        let statements = parse_script(&script.text, &environment)
            .map_err(|diagnostics| script.failure(&diagnostics, &self.talk))?;
        self.base_dir = base_dir(path);
        for statement in statements {
            let text = format!("{};", &script.text[statement.span.start..statement.span.end]);
            match &statement.kind {
                StatementKind::Select(_)
                | StatementKind::Explain(_)
                | StatementKind::Show(_)
                | StatementKind::Describe(_) => {}
                StatementKind::CreateStream(_)
                | StatementKind::CreateView(_)
                | StatementKind::CreateAggregation(_)
                | StatementKind::Insert(_)
                | StatementKind::Drop { .. } => self.accept(&statement, &text),
            }
        }
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
            Backslash::List => Answer::objects(&self.program()?, &self.views).print(self.format)?,
            Backslash::Describe(name) => self.describe(name)?,
            Backslash::Run(path) => self.run_app(path)?,
            Backslash::Stop => self.stop()?,
        }
        Ok(Next::GoOn)
    }

    /// Does a statement.
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
            let text = format!("{};", &text[statement.span.start..statement.span.end]);
            self.one(statement, &text)?;
        }
        Ok(())
    }

    fn one(&mut self, statement: &Statement, text: &str) -> Result<()> {
        match &statement.kind {
            StatementKind::Select(_) => {
                let program = self.compile_with(text)?;
                self.query(program, text)
            }
            StatementKind::Insert(insert) => match &insert.source {
                InsertSource::Values(_) => self.insert(statement, text),
                InsertSource::Query(_) => {
                    let program = self.compile_with(text)?;
                    self.accept(statement, text);
                    self.connect(program, text)
                }
            },
            StatementKind::CreateStream(_)
            | StatementKind::CreateView(_)
            | StatementKind::CreateAggregation(_)
            | StatementKind::Drop { .. } => {
                self.compile_with(text)?;
                self.accept(statement, text);
                if self.confirms {
                    self.talk.plain("ok");
                }
                Ok(())
            }
            StatementKind::Explain(inner) => {
                let at = inner.span.start - statement.span.start;
                let text = format!("{};", text[at..].trim_end_matches(';'));
                let program = self.compile_with(&text)?;
                let plan = program.queries.last().ok_or_else(|| {
                    Failure::usage("there is no plan: the statement is no query", "EXPLAIN SELECT …")
                })?;
                let names = |id: StreamId| program.streams[id.index()].name.clone();
                write_stdout(&cep_lang::plan::explain_query(plan, &names))
            }
            StatementKind::Show(kind) => {
                Answer::show(*kind, &self.program()?, &self.views, &self.live).print(self.format)
            }
            StatementKind::Describe(name) => self.describe(&name.text),
        }
    }

    /// Remembers a statement that compiles.
    fn accept(&mut self, statement: &Statement, text: &str) {
        match &statement.kind {
            StatementKind::CreateView(view) => self.views.push((view.name.text.clone(), text.to_owned())),
            StatementKind::Drop { name, .. } => self.views.retain(|(view, _)| !name.matches(view)),
            _ => {}
        }
        self.script.push_str(text);
        self.script.push('\n');
    }

    /// The program of the accepted statements.
    fn program(&self) -> Result<Program> {
        self.compile_with("")
    }

    /// The program of the accepted statements and one more.
    fn compile_with(&self, text: &str) -> Result<Program> {
        let whole = format!("{}{text}", self.script);
        compile(&whole, &options()).map_err(|diagnostics| self.refused(text, &self.shifted(diagnostics)))
    }

    /// Diagnostics about the last statement, with places in it alone.
    fn shifted(&self, diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let offset = self.script.len();
        let shift = |mut diagnostic: Diagnostic| {
            diagnostic.span = diagnostic
                .span
                .filter(|span| span.start >= offset)
                .map(|span| Span::new(span.start - offset, span.end - offset));
            diagnostic
        };
        diagnostics.into_iter().map(shift).collect()
    }

    fn refused(&self, text: &str, diagnostics: &[Diagnostic]) -> Failure {
        Failure::Script(render_all(diagnostics, "statement", text, self.talk.color()))
    }

    /// Starts or runs the last query of a program, which prints.
    fn query(&mut self, mut program: Program, text: &str) -> Result<()> {
        // SELECTs are not kept in the script: a read that prints is this statement.
        if let Some(at) = program.reads.iter().position(|read| read.target == Target::Print) {
            let plan = OutputPlan { queries: vec![], sinks: vec![], reads: vec![at] };
            let reached = reaching(&program, &program.aggregations[program.reads[at].aggregation].input);
            return self.run_here(program, plan, reached);
        }
        let Some(query) = program.queries.last_mut() else { return Ok(()) };
        self.started += 1;
        query.name = format!("query_{}", self.started);
        let (name, query) = (query.name.clone(), query.clone());
        let plan = OutputPlan { queries: vec![query.id], sinks: vec![], reads: vec![] };
        self.start(program, &query, plan, &name, text)
    }

    /// Runs a query that writes to a sink; others wait until somebody reads their stream.
    fn connect(&mut self, program: Program, text: &str) -> Result<()> {
        let Some(query) = program.queries.last().cloned() else { return Ok(()) };
        let Target::Stream(target) = query.target else { return Ok(()) };
        let stream = &program.streams[target.index()];
        if !matches!(stream.options.role, Role::Sink(_)) {
            return Ok(());
        }
        let name = stream.name.clone();
        let plan = OutputPlan { queries: vec![], sinks: vec![target], reads: vec![] };
        self.start(program, &query, plan, &name, text)
    }

    fn start(
        &mut self,
        program: Program,
        query: &Query,
        plan: OutputPlan,
        name: &str,
        text: &str,
    ) -> Result<()> {
        let reached = reaching(&program, &query.plan);
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
            names_unread: false,
        };
        self.finish(Run::open(Arc::new(program), &settings, &self.talk, &self.signals)?)
    }

    fn finish(&mut self, run: Run) -> Result<()> {
        let (summary, result) = run.finish();
        self.signals.rearm();
        if !self.talk.quiet() {
            self.talk.plain(&summary.head());
        }
        result
    }

    /// `\run`: an app of its own.
    fn run_app(&mut self, path: &Path) -> Result<()> {
        let program = Arc::new(Script::read(path)?.compile(&self.talk)?);
        let base_dir = base_dir(path);
        let settings = RunSettings {
            base_dir: &base_dir,
            show: Show { format: self.format, limit: None, tag: None },
            playback: Playback::Max,
            plan: OutputPlan::of(&program),
            streams: read_streams(&program),
            names_unread: true,
        };
        self.finish(Run::open(program, &settings, &self.talk, &self.signals)?)
    }

    /// Feeds the rows of INSERT … VALUES to the queries that go on.
    fn insert(&mut self, statement: &Statement, text: &str) -> Result<()> {
        let program = self.compile_with(text)?;
        self.accept(statement, text);
        let Some(constants) = program.constants.last() else { return Ok(()) };
        let stream = &program.streams[constants.stream.index()].name;
        for live in &mut self.live {
            live.feed(stream, &constants.rows)?;
        }
        Ok(())
    }

    fn describe(&self, name: &str) -> Result<()> {
        let schema = self.schema_of(name)?;
        Answer::describe(&schema).print(self.format)
    }

    fn schema_of(&self, name: &str) -> Result<SchemaRef> {
        let program = self.program()?;
        let matches = |other: &str| other.eq_ignore_ascii_case(name);
        if let Some(stream) = program.streams.iter().find(|s| matches(&s.name)) {
            return Ok(stream.schema.clone());
        }
        if let Some(aggregation) = program.aggregations.iter().find(|a| matches(&a.name)) {
            return Ok(aggregation.output.clone());
        }
        let select = format!("SELECT * FROM \"{}\";", name.replace('"', "\"\""));
        let program = self.compile_with(&select)?;
        let query = program.queries.last().ok_or_else(|| Failure::run(format!("'{name}' has no columns")))?;
        Ok(query.plan.schema().clone())
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
