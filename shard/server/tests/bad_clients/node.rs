//! A node of the tests, and what is demanded of it at the end of each.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::good::Good;

const PATIENCE: Duration = Duration::from_secs(60);

/// One node at a time: latencies are judged.
static ALONE: Mutex<()> = Mutex::new(());

/// The app of most tests: rows by number, each leads to one.
pub const APP: &str = "CREATE STREAM events (seq BIGINT NOT NULL, payload STRING NOT NULL);\n\
     CREATE STREAM passed AS SELECT seq, payload FROM events;";

pub struct Node {
    command: Command,
    child: Child,
    pub client: SocketAddr,
    pub admin: SocketAddr,
    log: PathBuf,
    resident_bytes: u64,
    _folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Node {
    /// Starts a node with [`APP`].
    pub fn start(more: &[&str]) -> Self {
        Node::start_with_defect(more, "")
    }

    /// Starts a node with [`APP`] on which a definition of that name has a defect.
    pub fn start_with_defect(more: &[&str], defect: &str) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let (client, admin) = (free_address(), free_address());
        let log = folder.path().join("log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_ceptra"));
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .args(["--listen", &client.to_string(), "--admin", &admin.to_string()])
            .args(more)
            .env("CEPTRA_DEFECT", defect)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap());
        let child = command.spawn().unwrap();
        let mut node =
            Node { command, child, client, admin, log, resident_bytes: 0, _folder: folder, _alone: alone };
        node.wait_until_ready();
        node.deploy("app", APP);
        node.resident_bytes = node.resident();
        node
    }

    fn wait_until_ready(&self) {
        self.wait("it is ready", |node| {
            node.try_http("GET", "/readyz", None).is_some_and(|(code, _)| code == 200)
        });
    }

    /// Waits until it has ended by itself, which is not in order.
    pub fn wait_until_it_ends(&mut self) {
        let begun = Instant::now();
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return assert!(!status.success(), "{}", self.log_text()),
                None => assert!(begun.elapsed() < PATIENCE, "it does not end\n{}", self.log_text()),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it as SIGKILL does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, as a supervisor does.
    pub fn start_again(&mut self) {
        self.command.stderr(File::options().append(true).open(&self.log).unwrap());
        self.child = self.command.spawn().unwrap();
    }

    /// Starts it again, and waits until it is ready.
    pub fn restart(&mut self) {
        self.start_again();
        self.wait_until_ready();
    }

    /// Deploys an app and waits until it runs.
    pub fn deploy(&self, name: &str, text: &str) {
        let (code, said) = self.http("POST", "/v1/definitions", Some(&json!({"name": name, "text": text})));
        assert_eq!(code, 200, "{said}");
        self.wait("the app runs", |node| {
            node.http("GET", &format!("/v1/definitions/{name}"), None).1["status"] == "active"
        });
    }

    /// Waits until something holds.
    pub fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < PATIENCE, "waited for: {what}\n{}", self.log_text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it logged.
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A request to admin HTTP: status and JSON.
    pub fn http(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.try_http(method, path, body).expect("admin HTTP answers")
    }

    fn try_http(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(self.admin).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let code = head.split(' ').nth(1)?.parse().ok()?;
        Some((code, serde_json::from_str(body).unwrap_or(Value::Null)))
    }

    /// Partition 0 of `/v1/state`.
    pub fn partition(&self) -> Value {
        self.http("GET", "/v1/state", None).1["partitions"][0].clone()
    }

    /// Open connections of clients.
    pub fn connections(&self) -> u64 {
        self.http("GET", "/v1/state", None).1["shards"][0]["connections"].as_u64().unwrap()
    }

    /// Resident memory, bytes.
    pub fn resident(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
    }

    /// What it has grown by since the start, bytes.
    pub fn grown(&self) -> u64 {
        self.resident().saturating_sub(self.resident_bytes)
    }

    /// Demands that the node is unharmed: the good client got everything and in time, memory has grown by no more
    /// than `grown_max` bytes, nothing panicked, and the node ends in order.
    pub fn end(mut self, good: Good, grown_max: u64) {
        let told = good.stop();
        let grown = self.grown();
        let log = self.log_text();
        assert!(self.child.try_wait().unwrap().is_none(), "the node has ended\n{log}");
        assert!(grown <= grown_max, "the node has grown by {} MiB\n{log}", grown >> 20);
        told.judge(&self);
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "the node does not end\n{}", self.log_text());
            std::thread::sleep(Duration::from_millis(5));
        };
        let log = self.log_text();
        assert!(status.success(), "{status}\n{log}");
        assert!(!log.contains("panic"), "{log}");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}
