//! `ceptra repl`: statements typed one by one, results at once.

use std::borrow::Cow;

use crate::args::ReplArgs;
use crate::failure::{Failure, Result};
use crate::repl::{Editor, Line, Next, Session, Statements};
use crate::run::Signals;
use crate::talk::Talk;

/// Reads statements until the end of the input. From a pipe the exit code says whether all of
/// them did what they should.
///
/// # Errors
/// If the app to start with is wrong, or the input cannot be read.
pub fn repl(args: &ReplArgs, talk: &Talk) -> Result<u8> {
    let signals =
        Signals::install().map_err(|error| Failure::run(format!("cannot handle signals: {error}")))?;
    let mut editor = Editor::open()?;
    let confirms = editor.is_terminal() && !talk.quiet();
    let mut session = Session::new(args.output.into(), confirms, talk, &signals);
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
        if statements.is_empty()
            && let Some(command) = command_in(&line)
        {
            editor.remember(line.trim());
            match session.backslash(&command) {
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

/// The backslash command that a line is: `help`, `quit` and `exit` alone on a line need no backslash.
fn command_in(line: &str) -> Option<Cow<'_, str>> {
    let text = line.trim();
    if text.starts_with('\\') {
        return Some(Cow::Borrowed(line));
    }
    let word = text.trim_end_matches(';').trim_end();
    let is_command = ["help", "quit", "exit"].iter().any(|command| word.eq_ignore_ascii_case(command));
    is_command.then(|| Cow::Owned(format!("\\{}", word.to_ascii_lowercase())))
}
