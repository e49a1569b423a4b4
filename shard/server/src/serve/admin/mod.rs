//! Admin HTTP, on a thread of its own (R-CP-2).
//!
//! `door` connections · `guard` what every request goes through · `ask` questions to shards · `health` /healthz,
//! /readyz · `metrics` /metrics · `definitions` /v1/definitions · `state` /v1/state, /v1/streams, /v1/audit · `config` /v1/config, /v1/loglevel.
//!
//! Invariants: nothing here touches a shard but by its lane; every answer is JSON but /metrics, and an error is
//! `{"error": {"code", "message", "help"}}` with a status that says whose fault it is.

mod ask;
mod config;
mod definitions;
mod door;
mod fail;
mod guard;
mod health;
mod metrics;
mod state;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use shard_node::lanes::Lanes;
use shard_node::settings::Settings;
use tokio::sync::watch;

use super::log::Log;
use crate::failure::{Failure, Result};

/// Bytes of a request at most: a definition and something around it.
const REQUEST_BYTES_MAX: usize = 2 << 20;
/// How long a stop waits for answers that are under way.
const GOODBYE: Duration = Duration::from_secs(2);

/// What handlers share.
#[derive(Clone)]
pub struct Node {
    lanes: Lanes,
    settings: Arc<Settings>,
    log: Log,
}

/// Admin HTTP as it runs.
pub struct Admin {
    thread: std::thread::JoinHandle<()>,
    end: watch::Sender<bool>,
}

impl Admin {
    /// Ends it when what it is answering is answered.
    pub fn stop(self) {
        self.end.send_replace(true);
        let _ = self.thread.join();
    }
}

/// Starts admin HTTP on a listener.
///
/// # Errors
/// If the system gives no thread.
pub fn start(listener: TcpListener, lanes: Lanes, settings: Settings, log: Log) -> Result<Admin> {
    let node = Node { lanes, settings: Arc::new(settings), log };
    let (end, ended) = watch::channel(false);
    let failed = |error: std::io::Error| Failure::run(format!("admin HTTP cannot start: {error}"));
    listener.set_nonblocking(true).map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let thread = std::thread::Builder::new().name("admin".into()).spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            let (mut end, mut asked) = (ended.clone(), ended);
            let served = axum::serve(door::Door::new(listener), router(node))
                .with_graceful_shutdown(async move { drop(end.wait_for(|end| *end).await) });
            // Who was told that it ends gets its answer, but not for ever.
            let too_long = async move {
                let _ = asked.wait_for(|end| *end).await;
                tokio::time::sleep(GOODBYE).await;
            };
            tokio::select! {
                served = served.into_future() => drop(served),
                () = too_long => {}
            }
        });
    });
    Ok(Admin { thread: thread.map_err(failed)?, end })
}

fn router(node: Node) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/state", get(state::state))
        .route("/v1/streams", get(state::streams))
        .route("/v1/streams/{name}/end", post(state::end_of_input))
        .route("/v1/audit", get(state::audit))
        .route("/v1/definitions", get(definitions::list).post(definitions::deploy))
        .route("/v1/definitions/validate", post(definitions::validate))
        .route("/v1/definitions/{name}", get(definitions::show).delete(definitions::remove))
        .route("/v1/definitions/{name}/activate", post(definitions::activate))
        .route("/v1/definitions/{name}/stop", post(definitions::stop))
        .route("/v1/config", get(config::show).patch(config::patch))
        .route("/v1/config/rollback", post(config::rollback))
        .route("/v1/loglevel", get(config::log_level).put(config::set_log_level))
        .fallback(fail::unknown)
        .method_not_allowed_fallback(guard::method)
        .layer(axum::middleware::from_fn_with_state(node.clone(), guard::guard))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(axum::middleware::from_fn(guard::as_json))
        .with_state(node)
}
