//! A node, over its lives: the same folder and the same ports.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
const APP: &str = "CREATE STREAM rows (key STRING NOT NULL, number BIGINT NOT NULL) WITH (\"partition.by\" = 'key');\n\
     CREATE STREAM passed AS SELECT key, number FROM rows;";

pub struct Node {
    child: Option<Child>,
    pub client: SocketAddr,
    admin: SocketAddr,
    more: Vec<String>,
    folder: TempDir,
}

impl Node {
    /// Starts a node that passes rows on.
    pub fn new(more: &[&str]) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut node = Node {
            child: None,
            client: two_free_ports(),
            admin: two_free_ports(),
            more: more.iter().map(|word| (*word).to_owned()).collect(),
            folder,
        };
        node.start();
        node.deploy("app", APP);
        node
    }

    /// Deploys a definition and waits until it runs.
    pub fn deploy(&mut self, name: &str, text: &str) {
        let body = json!({"name": name, "text": text}).to_string();
        let answer = self.ask("POST", "/v1/definitions", &body).unwrap();
        assert_eq!(answer.0, 200, "{}", answer.1);
        let path = format!("/v1/definitions/{name}");
        self.wait(|node| node.ask("GET", &path, "").is_some_and(|(_, body)| body.contains("\"active\"")));
    }

    /// Starts the process and waits until it is ready.
    pub fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_ceptra"))
            .arg("serve")
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .args(["--listen", &self.client.to_string(), "--admin", &self.admin.to_string()])
            .args(&self.more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
        self.wait(|node| node.ask("GET", "/readyz", "").is_some_and(|(code, _)| code == 200));
    }

    fn wait(&mut self, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "{ended:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Asks the admin HTTP: code and body.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(self.admin).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Ends it in order, and demands that nothing panicked.
    pub fn stop(mut self) {
        let mut child = self.child.take().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let status = child.wait().unwrap();
        let log = self.log();
        assert!(status.success() && !log.contains("panic"), "{status}\n{log}");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that is free, as the next one is: nodes of two shards take both.
fn two_free_ports() -> SocketAddr {
    loop {
        let first = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        if first.port() < u16::MAX && TcpListener::bind(("127.0.0.1", first.port() + 1)).is_ok() {
            return first;
        }
    }
}
