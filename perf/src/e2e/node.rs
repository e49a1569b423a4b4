//! A `ceptra serve` process of the harness's own.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use ureq::Agent;

use super::error::{E2eError, Result};

/// How long a node may take to be ready, or to end.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often readiness is asked for: the error of a start's time.
const LOOK: Duration = Duration::from_millis(1);

/// What a node is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The program.
    pub program: PathBuf,
    /// When an append is acknowledged: `strict` or `group-fsync`.
    pub durability: &'static str,
    /// Partitions of its space.
    pub partitions: u32,
    /// More of the command line, in the order given.
    pub more: Vec<String>,
}

/// The running process. It is killed when the value is dropped.
pub struct Node {
    child: Child,
    /// Where clients connect.
    pub client: SocketAddr,
    admin: SocketAddr,
    agent: Agent,
    log: PathBuf,
    /// From the start of the process to the first `ready` of /readyz.
    pub start_to_ready: Duration,
}

impl Node {
    /// Starts a node on `folder/data` and waits until it is ready.
    ///
    /// # Errors
    /// When it ends, or is not ready in time; with the end of what it logged.
    pub fn start(setup: &Setup, folder: &Path) -> Result<Self> {
        let (client, admin) = (free_address()?, free_address()?);
        let log = folder.join("log");
        let lines = File::options().create(true).append(true).open(&log);
        let lines = lines.map_err(E2eError::io("the log of the node"))?;
        let mut command = Command::new(&setup.program);
        command
            .arg("serve")
            .arg("--data-dir")
            .arg(folder.join("data"))
            .args(["--listen", &client.to_string(), "--admin", &admin.to_string()])
            .args(["--durability", setup.durability, "--partitions", &setup.partitions.to_string()])
            .args(&setup.more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(lines);
        let begun = Instant::now();
        let child = command.spawn();
        let child =
            child.map_err(E2eError::io(format!("start '{}'; give --ceptra", setup.program.display())))?;
        let config = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
        let agent = config.build().into();
        let mut node = Node { child, client, admin, agent, log, start_to_ready: Duration::ZERO };
        loop {
            if let Ok(answer) = node.agent.get(node.url("/readyz")).call()
                && answer.status().is_success()
            {
                node.start_to_ready = begun.elapsed();
                return Ok(node);
            }
            if let Ok(Some(status)) = node.child.try_wait() {
                return Err(node.failure(&format!("it ended with {status}")));
            }
            if begun.elapsed() > PATIENCE {
                return Err(node.failure("it is not ready in time"));
            }
            std::thread::sleep(LOOK);
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.admin)
    }

    /// An error with the end of what the node logged.
    pub fn failure(&self, what: &str) -> E2eError {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let from = text.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
        E2eError::Node(format!("{what}; it said:\n{}", &text[from..]))
    }

    /// The number of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What admin HTTP says.
    ///
    /// # Errors
    /// When it says nothing, or no.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.answer(self.agent.get(self.url(path)).call())
    }

    fn answer(
        &self,
        answer: std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Value> {
        let mut answer = answer.map_err(|error| self.failure(&format!("admin HTTP: {error}")))?;
        let status = answer.status();
        let text = answer.body_mut().read_to_string().map_err(|error| self.failure(&error.to_string()))?;
        if !status.is_success() {
            return Err(self.failure(&format!("admin HTTP: {status}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| self.failure(&format!("admin HTTP: {error}")))
    }

    /// Deploys an app and waits until all partitions run it.
    ///
    /// # Errors
    /// When it is refused, or does not run in time.
    pub fn deploy(&self, name: &str, text: &str) -> Result<()> {
        let wanted = json!({"name": name, "text": text});
        self.answer(self.agent.post(self.url("/v1/definitions")).send_json(&wanted))?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.get(&format!("/v1/definitions/{name}"))?["status"] == "active" {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        Err(self.failure(&format!("app {name} does not run")))
    }

    /// Partition 0, as /v1/state has it.
    ///
    /// # Errors
    /// When admin HTTP does not answer.
    pub fn partition(&self) -> Result<Value> {
        self.first_partition("/v1/state")
    }

    /// [`Node::partition`] with the hash of its state, which takes as long as a checkpoint.
    ///
    /// # Errors
    /// When admin HTTP does not answer.
    pub fn hashed_partition(&self) -> Result<Value> {
        self.first_partition("/v1/state?hashes=true")
    }

    fn first_partition(&self, path: &str) -> Result<Value> {
        let state = self.get(path)?;
        let found = state["partitions"].as_array().and_then(|all| all.first());
        found.cloned().ok_or_else(|| self.failure("it has no partition"))
    }

    /// Entries of partition 0 that are applied.
    ///
    /// # Errors
    /// When admin HTTP does not answer.
    pub fn entries(&self) -> Result<u64> {
        Ok(self.partition()?["applied_index"].as_u64().unwrap_or_default())
    }

    /// Ends it in order.
    ///
    /// # Errors
    /// When it does not end, or not with success.
    pub fn stop(mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.child.try_wait().map_err(E2eError::io("wait for the node"))? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.failure(&format!("it ended with {status}"))),
                None => std::thread::sleep(LOOK),
            }
        }
        Err(self.failure("it does not end"))
    }

    /// Ends it as a crash does.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.child.wait().map(|_| ()).map_err(E2eError::io("wait for the node"))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| E2eError::Wrong("the process has no number".into()))?;
        kill_process(pid, signal).map_err(|error| E2eError::io("signal the node")(error.into()))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Nothing is lost but the process, which no measurement needs any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of loopback that nobody has now.
fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(E2eError::io("a free port"))?;
    listener.local_addr().map_err(E2eError::io("a free port"))
}
