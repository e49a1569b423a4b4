//! Lines from a terminal, with editing and history, or from a pipe.

use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::failure::{Failure, Result};

/// One line, or what came instead.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line without its end.
    Text(String),
    /// Ctrl-C: what has been begun is given up.
    Interrupted,
    /// The end of the input.
    End,
}

/// Where lines come from.
pub enum Editor {
    /// A person.
    Terminal {
        /// The line editor.
        editor: Box<DefaultEditor>,
        /// Where the history is kept.
        history: Option<PathBuf>,
    },
    /// A pipe or a file: no prompt.
    Pipe,
}

impl Editor {
    /// An editor on standard input.
    ///
    /// # Errors
    /// If the terminal cannot be used.
    pub fn open() -> Result<Self> {
        if !io::stdin().is_terminal() {
            return Ok(Editor::Pipe);
        }
        let mut editor = DefaultEditor::new()
            .map_err(|error| Failure::run(format!("cannot use the terminal: {error}")))?;
        let history = history_path();
        if let Some(path) = &history {
            // There is none before the first session.
            let _ = editor.load_history(path);
        }
        Ok(Editor::Terminal { editor: Box::new(editor), history })
    }

    /// Whether a person is typing.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Editor::Terminal { .. })
    }

    /// The next line. `continues`: a statement has been begun.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub fn line(&mut self, continues: bool) -> Result<Line> {
        match self {
            Editor::Pipe => {
                let mut bytes = Vec::new();
                let count = io::stdin()
                    .lock()
                    .read_until(b'\n', &mut bytes)
                    .map_err(|error| Failure::run(format!("cannot read standard input: {error}")))?;
                if count == 0 {
                    return Ok(Line::End);
                }
                let text = String::from_utf8(bytes)
                    .map_err(|_| Failure::usage("the input is not UTF-8", "write it as UTF-8"))?;
                Ok(Line::Text(text.trim_end_matches(['\n', '\r']).to_owned()))
            }
            Editor::Terminal { editor, .. } => {
                match editor.readline(if continues { "   ...> " } else { "ceptra> " }) {
                    Ok(text) => Ok(Line::Text(text)),
                    Err(ReadlineError::Interrupted) => Ok(Line::Interrupted),
                    Err(ReadlineError::Eof) => Ok(Line::End),
                    Err(error) => Err(Failure::run(format!("cannot read the terminal: {error}"))),
                }
            }
        }
    }

    /// Remembers a statement.
    pub fn remember(&mut self, statement: &str) {
        if let Editor::Terminal { editor, .. } = self {
            // A history that is full or refuses a line is no reason to stop.
            let _ = editor.add_history_entry(statement);
        }
    }

    /// Writes the history.
    pub fn close(&mut self) {
        if let Editor::Terminal { editor, history: Some(path) } = self {
            if let Some(folder) = path.parent() {
                let _ = fs::create_dir_all(folder);
            }
            let _ = editor.save_history(path);
        }
    }
}

/// `$XDG_STATE_HOME/ceptra/history`, by default under `~/.local/state`.
fn history_path() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("ceptra").join("history"))
}
