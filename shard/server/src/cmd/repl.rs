//! `ceptra repl`: statements typed one by one, results at once.

use crate::args::{OutputFormat, ReplArgs};
use crate::failure::{Failure, Result};
use crate::repl::{Editor, Line, Next, Session, Statements};
use crate::run::Signals;
use crate::talk::Talk;

/// Reads statements until the end of the input. From a pipe the exit code says whether all of
/// them did what they should.
///
/// # Errors
/// If the app to start with is wrong, or the input cannot be read.
pub fn repl(args: &ReplArgs, format: OutputFormat, talk: &Talk) -> Result<u8> {
    let signals =
        Signals::install().map_err(|error| Failure::run(format!("cannot handle signals: {error}")))?;
    let mut editor = Editor::open()?;
    let confirms = editor.is_terminal() && !talk.quiet();
    let mut session = Session::new(format.into(), confirms, talk, &signals);
    if let Some(app) = &args.app {
        session.load(app)?;
    }
    if confirms {
        talk.plain(&format!("ceptra {} — \\help for help, \\q to leave", env!("CARGO_PKG_VERSION")));
    }
    let mut worst = Worst::default();
    let read = read_all(&mut session, &mut editor, talk, &mut worst);
    editor.close();
    worst.note(session.stop(), talk)?;
    read?;
    Ok(if editor.is_terminal() { 0 } else { worst.code })
}

/// The exit code of the worst failure so far.
#[derive(Debug, Default)]
struct Worst {
    code: u8,
}

impl Worst {
    /// Says what went wrong; only a closed output ends the session.
    fn note(&mut self, result: Result<()>, talk: &Talk) -> Result<()> {
        match result {
            Err(Failure::OutputClosed) => Err(Failure::OutputClosed),
            Err(failure) => {
                self.code = self.code.max(failure.exit_code());
                failure.report(talk);
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

fn read_all(session: &mut Session, editor: &mut Editor, talk: &Talk, worst: &mut Worst) -> Result<()> {
    let mut statements = Statements::default();
    loop {
        let line = match editor.line(!statements.is_empty())? {
            Line::Text(line) => line,
            Line::Interrupted => {
                statements.take_rest();
                continue;
            }
            Line::End => break,
        };
        if statements.is_empty() && line.trim_start().starts_with('\\') {
            editor.remember(line.trim());
            match session.backslash(&line) {
                Ok(Next::Leave) => return Ok(()),
                done => worst.note(done.map(|_| ()), talk)?,
            }
            continue;
        }
        for statement in statements.push(&line) {
            editor.remember(&statement);
            worst.note(session.statement(&statement), talk)?;
        }
    }
    let rest = statements.take_rest();
    if rest.is_empty() { Ok(()) } else { worst.note(session.statement(&rest), talk) }
}
