//! Prints how many rows of a stream come, from the oldest one that is kept, and how far it is.
//!
//! `cargo run -p net-client --example subscribe -- 127.0.0.1:7400 readings`

use std::error::Error;

use net_client::{Client, ClientOptions, SubscribeOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7400".to_owned());
    let stream = arguments.next().unwrap_or_else(|| "readings".to_owned());

    let client = Client::connect(ClientOptions::new([address])).await?;
    let mut subscription = client.subscribe(&stream, &SubscribeOptions::default())?;
    let mut rows = 0;
    while let Some(item) = subscription.next().await {
        match item {
            Ok(delivered) => {
                rows += delivered.rows.num_rows();
                let partition = delivered.partition.0;
                match delivered.positions.last() {
                    Some(last) => println!(
                        "{rows} rows; partition {partition} at entry {}, row {}",
                        last.index.0, last.ordinal
                    ),
                    None => println!("partition {partition}: watermark {:?}", delivered.watermark_ns),
                }
            }
            Err(error) => eprintln!("{error}"),
        }
    }
    Ok(())
}
