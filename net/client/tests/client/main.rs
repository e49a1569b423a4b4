//! The client against servers that do what the tests say.

#![allow(clippy::unwrap_used)] // the lint knows test functions, not what they share

mod append;
mod chaos;
mod credits;
mod damage;
mod fake;
mod handshake;
mod liveness;
mod query;
mod refusals;
mod resume;
mod retry;
mod routes;
mod subscribe;
#[cfg(feature = "tls")]
mod tls;

use std::time::Duration;

use net_client::{Client, ClientOptions, RetryPolicy, Timeouts};

use crate::fake::cluster::Cluster;

/// Options for tests: short waits between tries, long patience, for hosts that are busy.
pub fn options(addresses: &[impl AsRef<str>]) -> ClientOptions {
    let seconds = Duration::from_secs;
    ClientOptions {
        timeouts: Timeouts {
            dial: seconds(10),
            connect: seconds(20),
            request: seconds(10),
            append: seconds(40),
            ack: seconds(20),
            query: seconds(30),
            resume: seconds(30),
            drain: seconds(20),
        },
        retry: RetryPolicy { initial: Duration::from_millis(5), max: Duration::from_millis(200) },
        ..ClientOptions::new(addresses.iter().map(AsRef::as_ref))
    }
}

/// A client of a cluster.
pub async fn connect(cluster: &Cluster) -> Client {
    Client::connect(options(&cluster.addresses)).await.unwrap()
}
