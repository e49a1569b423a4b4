//! An app in a folder of its own, and the binary that runs it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// The binary under test.
pub const CEPTRA: &str = env!("CARGO_BIN_EXE_ceptra");

/// What a process did.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Asserts the exit code, showing everything when it is another.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Asserts that standard error holds all of these texts.
    #[track_caller]
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "no '{text}' in stderr:\n{}", self.stderr);
        }
        self
    }
}

/// A folder with a script and its files.
#[derive(Debug)]
pub struct App {
    dir: TempDir,
}

impl App {
    /// An app of this script.
    pub fn new(sql: &str) -> Self {
        let app = App { dir: TempDir::new().unwrap() };
        app.file("app.sql", sql.as_bytes())
    }

    /// Adds a file.
    pub fn file(self, name: &str, bytes: &[u8]) -> Self {
        std::fs::write(self.dir.path().join(name), bytes).unwrap();
        self
    }

    /// Path of a file of the app.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Content of a file of the app.
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// `ceptra run app.sql` with arguments behind it.
    pub fn run(&self, args: &[&str]) -> Outcome {
        self.run_with(args, b"")
    }

    /// The same with standard input.
    pub fn run_with(&self, args: &[&str], stdin: &[u8]) -> Outcome {
        let mut all = vec!["run", "app.sql"];
        all.extend_from_slice(args);
        ceptra(self.dir.path(), &all, stdin)
    }

    /// `ceptra check app.sql`.
    pub fn check(&self) -> Outcome {
        ceptra(self.dir.path(), &["check", "app.sql"], b"")
    }

    /// A running `ceptra run app.sql` whose pipes the test holds.
    pub fn start(&self, args: &[&str]) -> Child {
        Command::new(CEPTRA)
            .args(["run", "app.sql"])
            .args(args)
            .current_dir(self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

/// Runs the binary in a folder.
pub fn ceptra(dir: &Path, args: &[&str], stdin: &[u8]) -> Outcome {
    let mut child = Command::new(CEPTRA)
        .args(args)
        .current_dir(dir)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    // A process that ends early closes its end: that is no failure of the test.
    let writer = std::thread::Builder::new().spawn(move || drop(pipe.write_all(&bytes))).unwrap();
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the binary in a folder of its own.
pub fn ceptra_alone(args: &[&str], stdin: &[u8]) -> Outcome {
    let dir = TempDir::new().unwrap();
    ceptra(dir.path(), args, stdin)
}

/// Bytes packed with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// A CSV source `s (ts, k, v)` with event time, from `in.csv`.
pub const SOURCE: &str = "CREATE STREAM s (ts TIMESTAMP, k STRING, v BIGINT) WITH (type = 'source', \
     extension = 'file', \"file.path\" = 'in.csv', \"event.time\" = 'ts');\n";

/// Rows for [`SOURCE`].
pub const ROWS: &str = "ts,k,v\n\
     2024-05-01 00:00:00,a,1\n\
     2024-05-01 00:00:01,b,2\n\
     2024-05-01 00:00:02,a,3\n\
     2024-05-01 00:00:03,c,4\n";
