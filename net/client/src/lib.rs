//! The Rust client of CEPtra: appends rows to streams, subscribes to them, asks questions.
//!
//! - [`Client`] connects to a cluster and knows its streams, partitions and leaders.
//! - [`Producer`] appends record batches: split by key, numbered, within the servers' credits, sent
//!   again until they are answered. A [`Receipt`] tells what became of each row.
//! - [`Subscription`] delivers the rows of a stream, across lost connections and new leaders, each once.
//! - [`Query`] asks for a bounded result.
//!
//! Invariants:
//! - Every wait has a limit ([`Timeouts`]), and every queue a bound: appends by
//!   [`ProducerOptions::queue_bytes_max`], deliveries by [`SubscribeOptions::allowance`], results by
//!   [`ClientOptions::result_bytes_max`].
//! - An append that was answered with `Applied` or `Duplicate` is in the log once, however often it was
//!   sent (R-IDEM-1).
//! - Nothing that a server sends makes the client panic; what breaks the protocol ends the connection.
//! - The protocol is `docs/protocol.md`; its messages are those of `net_wire`.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
//! use net_client::{Client, ClientOptions, ProducerOptions, SubscribeOptions};
//!
//! # async fn program() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect(ClientOptions::new(["127.0.0.1:7400"])).await?;
//!
//! let producer = client.producer("readings", ProducerOptions::default())?;
//! let rows = RecordBatch::try_from_iter([
//!     ("sensor", Arc::new(StringArray::from(vec!["kitchen", "cellar"])) as ArrayRef),
//!     ("temperature", Arc::new(Int64Array::from(vec![21, 12])) as ArrayRef),
//! ])?;
//! let pending = producer.append(&rows).await?; // waits for room; more appends may follow at once
//! let receipt = pending.await?; // waits for commit and apply
//! for (row, reason, text) in receipt.rejected() {
//!     eprintln!("row {row} was rejected: {reason:?} {text}");
//! }
//!
//! let mut alerts = client.subscribe("alerts", &SubscribeOptions::default())?;
//! while let Some(delivered) = alerts.next().await {
//!     let delivered = delivered?;
//!     println!("{} rows up to {:?}", delivered.rows.num_rows(), delivered.positions.last());
//! }
//! client.close().await?;
//! # Ok(())
//! # }
//! ```

mod append;
mod backoff;
mod client;
mod clock;
mod connection;
mod error;
mod options;
mod pool;
mod query;
mod random;
mod refusal;
mod routing;
mod subscribe;
mod tasks;

pub use append::{AppendError, Pending, Producer, ProducerOptions, ProducerPosition, Receipt, RowOutcome};
pub use client::Client;
pub use connection::Session;
pub use error::ClientError;
pub use options::{ClientOptions, Credentials, RetryPolicy, Timeouts};
pub use query::{Query, QueryResult};
pub use refusal::Refusal;
pub use subscribe::{Delivered, SubscribeOptions, SubscribeStart, Subscription};

pub use cep_types::{EventId, LogIndex, Op, PartitionId, ProducerId};
pub use net_wire::{Changelog, Features, Position, ReadAt, Reason, Role, Routing, Status, Window};
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
