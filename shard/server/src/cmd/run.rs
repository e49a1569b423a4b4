//! `ceptra run`: an app from its sources to its sinks.

use std::path::Path;

use cep_lang::lower::StatementResult;
use cep_lang::plan::Program;
use cep_types::options::{ErrorStrategy, Role, SourceConnector};

use crate::answer::print_answers;
use crate::args::{OutputFormat, RunArgs};
use crate::failure::{Failure, Result};
use crate::run::{Ending, OutputPlan, Run, RunSettings, Show, Signals, base_dir, read_streams};
use crate::script::Script;
use crate::serve::console::{self, Console};
use crate::talk::Talk;

/// Runs an app until its inputs end or a signal comes.
///
/// # Errors
/// If the script is wrong, or the run fails.
pub fn run(args: &RunArgs, talk: &Talk) -> Result<u8> {
    let signals =
        Signals::install().map_err(|error| Failure::run(format!("cannot handle signals: {error}")))?;
    let script = Script::read(&args.app)?;
    let compiled = script.compile(talk)?;
    print_answers(&compiled.results, args.output.into())?;
    let program = compiled.program;
    let reads_stdin =
        |s: &cep_lang::plan::Stream| matches!(s.options.role, Role::Source(SourceConnector::Stdin { .. }));
    if args.app == Path::new("-") && program.streams.iter().any(reads_stdin) {
        return Err(Failure::usage(
            "the script came from standard input, and one of its streams reads standard input too",
            "put the script into a file",
        ));
    }
    let base_dir = if args.app == Path::new("-") { ".".into() } else { base_dir(&args.app) };
    let settings = RunSettings {
        base_dir: &base_dir,
        show: Show { format: args.output.into(), limit: args.limit, tag: None },
        playback: args.playback,
        plan: OutputPlan::of(&program),
        streams: read_streams(&program),
        all_columns: false,
        names_unread: true,
    };
    let plan = &settings.plan;
    let answers =
        |r: &StatementResult| matches!(r, StatementResult::Rows { .. } | StatementResult::Constants(_));
    let has_outputs = !(plan.queries.is_empty() && plan.sinks.is_empty() && plan.reads.is_empty());
    if !has_outputs && !compiled.results.iter().any(answers) {
        talk.warn("nothing comes out of this app: add a SELECT, or a stream with type = 'sink'");
    }
    let (summary, result) = match &args.data_dir {
        None => Run::open(program, &settings, talk, &signals)?.finish(),
        Some(data_dir) => {
            warn_of_strategies(&program, talk);
            let console = Console {
                data_dir,
                text: &script.text,
                base_dir: &base_dir,
                show: settings.show,
                playback: args.playback,
            };
            console::run(&console, talk, &signals)?
        }
    };
    if !talk.quiet() {
        talk.plain(&summary.render());
    }
    result?;
    Ok(match summary.ending {
        Ending::Interrupted(signal) => signal.exit_code(),
        Ending::Complete | Ending::Limit | Ending::OutputClosed | Ending::Failed => 0,
    })
}

/// With a log `error.strategy` holds for records that cannot be read, not for what queries make of rows.
fn warn_of_strategies(program: &Program, talk: &Talk) {
    for stream in &program.streams {
        let strategy = match &stream.options.errors.strategy {
            ErrorStrategy::Fail => "fail",
            ErrorStrategy::DeadLetter { .. } => "dlq",
            ErrorStrategy::Drop | ErrorStrategy::Retry(_) => continue,
        };
        if matches!(stream.options.role, Role::Source(_)) {
            talk.warn(&format!(
                "stream '{}': with --data-dir error.strategy = '{strategy}' is for records that cannot be read; a row on \
                 which a query fails is left out and counted",
                stream.name
            ));
        }
    }
}

impl From<OutputFormat> for net_connect::OutputFormat {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Table => net_connect::OutputFormat::Table,
            OutputFormat::Json => net_connect::OutputFormat::Json,
            OutputFormat::Csv => net_connect::OutputFormat::Csv,
        }
    }
}
