//! Requests to a node's admin HTTP.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use crate::failure::{Failure, Result};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node.
pub struct Node {
    agent: Agent,
    address: String,
}

impl Node {
    /// The node whose admin HTTP is at `address`.
    pub fn new(address: &str) -> Self {
        let config =
            Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build();
        let address = address.trim_start_matches("http://").trim_end_matches('/');
        Node { agent: config.into(), address: address.to_owned() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What is at a path.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.answer(self.agent.get(self.url(path)).call())
    }

    /// What is at a path, whatever the status; whether that was a success.
    pub fn look(&self, path: &str) -> Result<(bool, Value)> {
        let mut response = self.agent.get(self.url(path)).call().map_err(|error| self.unreachable(&error))?;
        let value = response.body_mut().read_json().map_err(|error| self.unreachable(&error))?;
        Ok((response.status().is_success(), value))
    }

    /// Sends a value.
    pub fn post(&self, path: &str, value: &Value) -> Result<Value> {
        self.answer(self.agent.post(self.url(path)).send_json(value))
    }

    /// Sends a value in the place of what is there.
    pub fn put(&self, path: &str, value: &Value) -> Result<Value> {
        self.answer(self.agent.put(self.url(path)).send_json(value))
    }

    /// Sends a change.
    pub fn patch(&self, path: &str, value: &Value) -> Result<Value> {
        self.answer(self.agent.patch(self.url(path)).send_json(value))
    }

    /// Takes away what is at a path.
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.answer(self.agent.delete(self.url(path)).call())
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        Failure::Unreachable { address: self.address.clone(), reason: error.to_string() }
    }

    fn answer(&self, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value> {
        let mut response = answer.map_err(|error| self.unreachable(&error))?;
        let success = response.status().is_success();
        let status = response.status();
        let text = response.body_mut().read_to_string().map_err(|error| self.unreachable(&error))?;
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text));
        if success {
            return Ok(value);
        }
        let error = &value["error"];
        let text = |key: &str| error[key].as_str().map(str::to_owned);
        let problems = error["problems"].as_array().into_iter().flatten().map(|problem| {
            format!(
                "{}: {}",
                problem["path"].as_str().unwrap_or_default(),
                problem["text"].as_str().unwrap_or_default()
            )
        });
        Err(Failure::Refused {
            code: text("code").unwrap_or_else(|| format!("HTTP {status}")),
            message: text("message").unwrap_or_else(|| value.as_str().unwrap_or_default().to_owned()),
            problems: problems.collect(),
        })
    }
}
