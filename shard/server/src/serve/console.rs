//! `ceptra run --data-dir`: a node for one app, in one process.
//!
//! Invariants: the same text is the same definition, and goes on where it was; another text is a new version,
//! which begins anew; the app ends when its sources have, and its sinks have all rows.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use cep_types::log::Connectors;
use shard_control::{
    Action, Change, Command, CommandId, Control, DefinitionKind, DefinitionText, DefinitionVersion, Made,
    Outcome, Role,
};
use shard_node::compile_definition;
use shard_node::lanes::{Lanes, Reply, ToShard};
use shard_node::report::ShardReport;
use shard_node::settings::Level;

use super::LOOK;
use super::config::Config;
use super::connect::{Account, HostConnectors, Shared};
use super::directory::DataDir;
use super::threads::{Levels, Lines, Threads};
use crate::clock::Stopwatch;
use crate::failure::{Failure, Result};
use crate::run::{Ending, Playback, Show, Signals, Summary};
use crate::talk::Talk;

/// The name of the definition.
const NAME: &str = "app";
/// How long an answer of the node is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// An app for a console.
pub struct Console<'a> {
    /// Where the node's data is.
    pub data_dir: &'a Path,
    /// The app.
    pub text: &'a str,
    /// Folder that relative paths start at.
    pub base_dir: &'a Path,
    /// How rows are printed.
    pub show: Show,
    /// How fast rows are taken.
    pub playback: Playback,
}

/// Runs an app to its end, a signal or an error; what was not done is done by the next run.
///
/// # Errors
/// What keeps it from starting. What goes wrong later comes with the summary.
pub fn run(console: &Console<'_>, talk: &Talk, signals: &Signals) -> Result<(Summary, Result<()>)> {
    let started = Stopwatch::start();
    if console.text.contains("${") {
        return Err(Failure::usage(
            "the app has variables, and with --data-dir it must be the same text whenever it goes on",
            "write their values into the app",
        ));
    }
    shard_rt::uring::check_host().map_err(|error| Failure::run(error.to_string()))?;
    let config = Config::console(console.data_dir);
    let data = DataDir::open(&config.data_dir, &config.node)?;
    let mut settings = config.settings(data.founding());
    // The node's record has an address for operators; nobody listens on this one.
    settings.admin = "127.0.0.1:1".into();
    let account = Shared::default();
    let connectors = HostConnectors {
        base_dir: console.base_dir.to_owned(),
        show: console.show,
        playback: console.playback,
        talk: talk.clone(),
        signals: signals.clone(),
        account: account.clone(),
    };
    let said = talk.clone();
    let lines: Lines = Arc::new(move |level, text| said.say(loudness(level), text));
    let levels: Levels = Arc::new(|_: &str| ());
    let threads = Threads::start(&settings, &config, &data, &lines, &levels, &connectors, signals)?;
    let before = deploy(&threads.lanes, console, talk).and_then(|()| report(&threads.lanes));
    let before = match before {
        Ok(before) => before,
        Err(failure) => {
            let _ = threads.stop();
            return Err(failure);
        }
    };
    let (ending, mut result) = watch(&threads, &account, signals);
    let after = report(&threads.lanes);
    let stopped = threads.stop();
    let mut summary = account.with(|account| summary_of(std::mem::take(account)));
    (summary.seconds, summary.ending) = (started.seconds(), ending);
    match after {
        Ok(after) => {
            if let Some(reason) = after.fenced {
                result = Err(Failure::run(format!("the app does not run any more: {reason}")));
            }
            summary.errors = after.errors.saturating_sub(after.rejected);
            summary.rejected += after.rejected;
            summary.late = after.late.saturating_sub(before.late);
        }
        Err(failure) => result = result.and(Err(failure)),
    }
    let result = result.and(stopped);
    if result.is_err() {
        summary.ending = Ending::Failed;
    }
    Ok((summary, result))
}

fn loudness(level: Level) -> cep_types::options::LogLevel {
    use cep_types::options::LogLevel;
    match level {
        Level::Error => LogLevel::Error,
        Level::Warn => LogLevel::Warn,
        // What a node tells its operators is detail here.
        Level::Info => LogLevel::Info,
        Level::Debug => LogLevel::Trace,
    }
}

/// Waits for the end.
#[allow(clippy::disallowed_methods, reason = "the main thread of the process waits here for signals")]
fn watch(threads: &Threads, account: &Shared, signals: &Signals) -> (Ending, Result<()>) {
    loop {
        match account.with(|account| account.ended.clone()) {
            Some(Ok(())) => return (Ending::Complete, Ok(())),
            Some(Err(error)) => {
                let failure = account.with(|account| account.failure.take());
                return match failure.unwrap_or_else(|| Failure::run(error.text)) {
                    Failure::OutputClosed => (Ending::OutputClosed, Ok(())),
                    failure => (Ending::Failed, Err(failure)),
                };
            }
            None => {}
        }
        if let Some(signal) = signals.taken() {
            return (Ending::Interrupted(signal), Ok(()));
        }
        if threads.has_ended() {
            return (Ending::Failed, Err(Failure::run("the node has ended")));
        }
        std::thread::sleep(LOOK);
    }
}

fn summary_of(account: Account) -> Summary {
    Summary {
        inputs: account.inputs,
        outputs: account.outputs,
        rejected: account.rejected,
        dead_letters: account.dead_letters,
        lost: account.lost,
        ..Summary::default()
    }
}

/// Asks a shard.
fn ask<T: Send + 'static>(lanes: &Lanes, message: impl FnOnce(Reply<T>) -> ToShard) -> Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let reply: Reply<T> = Box::new(move |answer| drop(sender.try_send(answer)));
    lanes.send(0, message(reply)).map_err(|error| Failure::run(error.to_string()))?;
    receiver.recv_timeout(PATIENCE).map_err(|_| Failure::run("the node does not answer"))
}

fn look<T: Send + 'static>(lanes: &Lanes, look: impl FnOnce(&Control) -> T + Send + 'static) -> Result<T> {
    let found = ask(lanes, |reply: Reply<Option<T>>| {
        ToShard::Control(Box::new(move |control| reply(control.map(look))))
    });
    found?.ok_or_else(|| Failure::run("the control group is not there"))
}

fn propose(lanes: &Lanes, change: Change) -> Result<Outcome> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| Failure::run(format!("no random numbers: {error}")))?;
    let command = Command {
        id: CommandId(u128::from_le_bytes(id)),
        actor: "console".into(),
        role: Role::Admin,
        why: "ceptra run --data-dir".into(),
        base: None,
        change,
    };
    let outcome = ask(lanes, |reply| ToShard::Propose(Box::new(command), reply))?.map_err(Failure::run)?;
    match outcome.refusal() {
        Some(refusal) => Err(Failure::run(refusal.to_string())),
        None => Ok(outcome),
    }
}

/// What is known of the app.
struct Known {
    /// Definitions that run beside it.
    others: Vec<String>,
    space: Option<cep_types::SpaceId>,
    newest: Option<DefinitionVersion>,
    /// Whether the newest version is this app, and whether that is to run.
    is_same: bool,
    runs: bool,
}

/// Has the node run the app.
fn deploy(lanes: &Lanes, console: &Console<'_>, talk: &Talk) -> Result<()> {
    let compiled = compile_definition(NAME, console.text, 1, Connectors::Console)
        .map_err(|error| Failure::usage(error.0, "leave --data-dir out to run it without a log"))?;
    let (text, wanted) = (console.text.to_owned(), compiled.clone());
    let known = look(lanes, move |control| {
        let runs = |definition: &&shard_control::Definition| {
            definition.wanted.as_ref().is_some_and(|wanted| matches!(wanted.action, Action::Run(_)))
        };
        let others = control.definitions().filter(runs).filter(|definition| definition.name != NAME);
        let app = control.definition(NAME);
        let newest = app.and_then(|app| app.versions.get(&app.newest));
        let is_same = newest.is_some_and(|newest| newest.text.0 == text && newest.compiled == wanted);
        Known {
            others: others.map(|definition| definition.name.clone()).collect(),
            space: control.spaces().next().map(|space| space.id),
            newest: app.map(|app| app.newest),
            is_same,
            runs: app.zip(newest).is_some_and(|(app, newest)| {
                app.wanted.as_ref().is_some_and(|wanted| wanted.action == Action::Run(newest.version))
            }),
        }
    })?;
    if let Some(other) = known.others.first() {
        return Err(Failure::usage(
            format!("the data directory is that of a node, which runs definition '{other}'"),
            "deploy the app to that node, or give this run another --data-dir",
        ));
    }
    if known.is_same && known.runs {
        return Ok(());
    }
    let space = known.space.ok_or_else(|| Failure::run("the node has no space"))?;
    let mut version = known.newest.unwrap_or(DefinitionVersion(1));
    if !known.is_same {
        let text = DefinitionText(console.text.to_owned());
        let change = Change::Deploy { name: NAME.into(), kind: DefinitionKind::Sql, space, text, compiled };
        if let Outcome::Accepted { made: Some(Made::DefinitionVersion(made)), .. } = propose(lanes, change)? {
            version = made;
        }
    }
    if known.newest.is_some() {
        talk.warn(&format!(
            "the app is not the one that this data directory ran last: it begins anew as version {}, with no state and \
             at the beginning of its sources",
            version.0
        ));
    }
    let change = Change::Activate { definition: NAME.into(), version, despite_quarantine: false };
    propose(lanes, change).map(drop)
}

/// Counts of the node.
#[derive(Default)]
struct Report {
    errors: u64,
    rejected: u64,
    late: u64,
    fenced: Option<String>,
}

fn report(lanes: &Lanes) -> Result<Report> {
    let shard: ShardReport = ask(lanes, |reply| ToShard::Report { hashes: false, reply })?;
    let mut report = Report::default();
    for partition in &shard.partitions {
        report.errors += partition.counts.errors;
        report.rejected += partition.counts.rejected;
        for definition in partition.definitions.iter().filter(|definition| definition.name == NAME) {
            report.late += definition.late;
            report.fenced = report.fenced.or_else(|| definition.fenced.clone());
        }
    }
    Ok(report)
}
