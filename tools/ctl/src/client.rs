//! The connection that rows go over.

use std::time::Duration;

use net_client::{Client, ClientOptions};

use crate::failure::{Failure, Result};

/// How long a node may take to answer at all: somebody waits for it.
const CONNECT: Duration = Duration::from_secs(5);

/// Runs something that needs a client, and closes the client behind it.
///
/// # Errors
/// When the node cannot be reached, and what `work` says.
pub fn with<T>(address: &str, work: impl AsyncFnOnce(&Client) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Found(format!("the system gives no sockets: {error}")))?;
    runtime.block_on(async {
        let mut options = ClientOptions::new([address]);
        options.client = concat!("ceptra-ctl ", env!("CARGO_PKG_VERSION")).to_owned();
        options.timeouts.connect = CONNECT;
        let client = Client::connect(options).await?;
        let done = work(&client).await;
        let closed = client.close().await;
        let done = done?;
        closed?;
        Ok(done)
    })
}
