//! Running other programs: inherited output, captured output, and output that is shown and read.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::XtaskError;

/// Runs `program` in `root` and returns its stdout.
///
/// # Errors
/// When it cannot be started, fails, or writes something that is not UTF-8.
pub(crate) fn capture(root: &Path, program: &str, args: &[&str]) -> Result<String, XtaskError> {
    let output = Command::new(program)
        .args(args)
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| XtaskError::Start { program: program.to_owned(), source })?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(XtaskError::Failed {
            command: format!("{program} {}", args.join(" ")),
            status: format!("{}: {}", output.status, stderr.trim()),
        });
    }
    String::from_utf8(output.stdout).map_err(|error| XtaskError::Shape {
        what: format!("output of {program}"),
        reason: error.to_string(),
    })
}

/// Runs `command` with this process's stderr, shows its stdout line by line and hands each line
/// to `line_read`. Returns its exit code, or `None` when a signal ended it.
///
/// # Errors
/// When the command cannot be started or its output cannot be read.
pub(crate) fn watch(
    mut command: Command,
    mut line_read: impl FnMut(&str),
) -> Result<Option<i32>, XtaskError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|source| XtaskError::Start { program: program.clone(), source })?;
    let stdout = child.stdout.take().expect("stdout was piped two lines above");
    let mut reader = BufReader::new(stdout);
    let mut raw = Vec::new();
    loop {
        raw.clear();
        let read =
            reader.read_until(b'\n', &mut raw).map_err(XtaskError::file("read the output of", &program))?;
        if read == 0 {
            break;
        }
        let line = String::from_utf8_lossy(&raw);
        print!("{line}");
        line_read(line.trim_end());
    }
    let status = child.wait().map_err(XtaskError::file("wait for", &program))?;
    Ok(status.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watch_hands_over_every_line_and_the_exit_code() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; printf two; exit 7"]);
        let mut lines = Vec::new();
        let code = watch(command, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!((lines, code), (vec!["one".to_owned(), "two".to_owned()], Some(7)));
    }

    #[test]
    fn capture_says_why_a_program_failed() {
        let error = capture(Path::new("."), "sh", &["-c", "echo broken >&2; exit 3"]).unwrap_err();
        assert!(error.to_string().contains("broken"), "{error}");
        assert!(capture(Path::new("."), "no-such-program", &[]).is_err());
    }
}
