//! A process on a directory.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Node {
    child: Child,
    pub client: SocketAddr,
    admin: SocketAddr,
}

impl Node {
    /// Starts a node on a directory and waits until it is ready.
    pub fn start(data: &Path) -> Self {
        let (client, admin) = (free_address(), free_address());
        let child = command(data, client, admin).stderr(Stdio::null()).spawn().unwrap();
        let node = Node { child, client, admin };
        node.wait("it is ready", |node| {
            node.try_http("GET", "/readyz", None).is_some_and(|(code, _)| code == 200)
        });
        node
    }

    /// What a node says that does not start.
    pub fn refused(data: &Path) -> String {
        Node::refused_with(data, &[])
    }

    /// As [`Node::refused`], with more options.
    pub fn refused_with(data: &Path, more: &[&str]) -> String {
        let ended = command(data, free_address(), free_address()).args(more).output().unwrap();
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).unwrap()
    }

    /// Deploys an app and waits until it runs.
    pub fn deploy(&self, name: &str, text: &str) {
        let (code, said) = self.http("POST", "/v1/definitions", Some(&json!({"name": name, "text": text})));
        assert_eq!(code, 200, "{said}");
        self.wait("the app runs", |node| {
            node.http("GET", &format!("/v1/definitions/{name}"), None).1["status"] == "active"
        });
    }

    /// What must be the same after every start: positions apart, which a start moves.
    pub fn summary(&self) -> String {
        let state = self.http("GET", "/v1/state?hashes=true", None).1;
        let partitions: Vec<Value> = state["partitions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|p| {
                // What an older version told of definitions; newer counters are no part of it.
                let told = ["name", "version", "fenced", "late"];
                let all = p["definitions"].as_array().unwrap().iter();
                let definitions: Vec<Value> =
                    all.map(|d| told.iter().map(|&key| (key.to_owned(), d[key].clone())).collect()).collect();
                json!({"partition": p["partition"], "state_hash": p["state_hash"], "definitions": definitions})
            })
            .collect();
        let streams = self.http("GET", "/v1/streams", None).1;
        let definitions = self.http("GET", "/v1/definitions/app", None).1;
        let kept = json!({"partitions": partitions, "streams": streams["streams"],
            "status": definitions["status"], "text": definitions["versions"][0]["text"]});
        format!("{}\n", serde_json::to_string_pretty(&kept).unwrap())
    }

    /// Ends it in order.
    pub fn end(mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < PATIENCE, "waited for: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn http(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
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
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data: &Path, client: SocketAddr, admin: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ceptra"));
    command.arg("serve").arg("--data-dir").arg(data);
    command.args(["--listen", &client.to_string(), "--admin", &admin.to_string()]);
    // The same in every start: a log cannot be opened with another.
    command.args(["--segment-bytes", "33554432", "--segments-max", "8"]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn free_address() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}
