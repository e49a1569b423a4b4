//! A script on its way from a file to a program.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cep_engine::Partition;
use cep_lang::bundle::{self, LaneUse, is_bundle};
use cep_lang::diag::{Diagnostic, render};
use cep_lang::lower::{CompileOptions, Session, StatementResult};
use cep_lang::plan::Program;
use cep_lang::sql::{Locations, SCRIPT_BYTES_MAX};

use crate::failure::{Failure, Result};
use crate::talk::Talk;

/// A script's text and where it came from.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its path; `-` is standard input.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// A script that is right.
#[derive(Debug)]
pub struct Compiled {
    /// What it runs.
    pub program: Arc<Program>,
    /// What its statements gave back: tables of SHOW, DESCRIBE and EXPLAIN among it.
    pub results: Vec<StatementResult>,
    /// What a bundle has that is allowed and worth a word.
    pub warnings: Vec<Diagnostic>,
    /// The lanes of a bundle's expressions.
    pub lanes: Vec<LaneUse>,
}

impl Script {
    /// Reads a script; `-` is standard input.
    ///
    /// # Errors
    /// If it cannot be read, is too long or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self> {
        let (bytes, name) = if path == Path::new("-") {
            (read_some(io::stdin().lock()), "standard input".to_owned())
        } else {
            (File::open(path).and_then(read_some), format!("'{}'", path.display()))
        };
        let bytes = bytes.map_err(|error| Failure::Usage {
            message: format!("cannot read {name}: {error}"),
            help: (error.kind() == io::ErrorKind::NotFound)
                .then(|| "give the path of a SQL file, from the current folder".to_owned()),
        })?;
        if bytes.len() > SCRIPT_BYTES_MAX {
            let message = format!("{name} has more than {SCRIPT_BYTES_MAX} bytes, the limit of a script");
            return Err(Failure::usage(message, "give a file of SQL statements"));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Failure::usage(format!("{name} is not UTF-8: byte {at} is wrong"), "save it as UTF-8")
        })?;
        Ok(Script { path: path.to_owned(), text })
    }

    /// Its name in messages.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Compiles it.
    ///
    /// # Errors
    /// All diagnostics, rendered.
    pub fn compile(&self, talk: &Talk) -> Result<Compiled> {
        let compiled = self.diagnose().map_err(|diagnostics| self.failure(&diagnostics, talk))?;
        self.warn(&compiled.warnings, talk);
        Ok(compiled)
    }

    /// Says what is worth a word.
    pub fn warn(&self, warnings: &[Diagnostic], talk: &Talk) {
        for warning in warnings {
            let place = warning.span.map_or_else(String::new, |span| {
                let (line, column) = Locations::new(&self.text).line_column(span.start);
                format!("{}:{line}:{column}: ", self.name())
            });
            let help = warning.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
            talk.warn(&format!("{place}{} ({}){help}", warning.message, warning.code));
        }
    }

    /// Whether it is a bundle: by its name, else by what is in it.
    pub fn is_bundle(&self) -> bool {
        let ending = self.path.extension().map(|ending| ending.to_ascii_lowercase());
        ending.is_some_and(|ending| ending == "yaml" || ending == "yml") || is_bundle(&self.text)
    }

    /// Compiles it, and builds its operators, so that what is right can be run.
    ///
    /// # Errors
    /// All diagnostics.
    pub fn diagnose(&self) -> Result<Compiled, Vec<Diagnostic>> {
        if self.is_bundle() {
            let bundle::Compiled { program, warnings, lanes } = bundle::compile(&self.text, &options())?;
            let program = Arc::new(program);
            check_runs(&program)?;
            return Ok(Compiled { program, results: Vec::new(), warnings, lanes });
        }
        let mut session = Session::new(options());
        let results = session.run(&self.text)?;
        let program = Arc::new(session.program());
        check_runs(&program)?;
        Ok(Compiled { program, results, warnings: Vec::new(), lanes: Vec::new() })
    }

    /// Diagnostics as a failure.
    pub fn failure(&self, diagnostics: &[Diagnostic], talk: &Talk) -> Failure {
        Failure::Script(render_all(diagnostics, &self.name(), &self.text, talk.color()))
    }
}

/// All bytes, or one more than a script may have: a device has no end.
fn read_some(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(SCRIPT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Builds the operators of a program, to see whether they can be had.
///
/// # Errors
/// What cannot be computed.
pub fn check_runs(program: &Arc<Program>) -> Result<(), Vec<Diagnostic>> {
    Partition::new(Arc::clone(program), &[]).map(drop).map_err(|error| vec![error.diagnostic()])
}

/// Diagnostics with the lines they stand in, one behind the other.
pub fn render_all(diagnostics: &[Diagnostic], name: &str, text: &str, color: bool) -> String {
    let shown: Vec<String> =
        diagnostics.iter().map(|d| render(d, name, text, color).trim_end().to_owned()).collect();
    shown.join("\n\n")
}

/// Looks up `${VAR}` in the environment of the process.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// How this program compiles: event time where rows have one, variables from the environment.
pub fn options() -> CompileOptions {
    CompileOptions { environment: Arc::new(environment), ..CompileOptions::default() }
}
