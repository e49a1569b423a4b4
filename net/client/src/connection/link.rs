//! The task that owns a socket: reads all the time, writes what is queued, beats when it is quiet.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use net_wire::{Decoder, Heartbeat, RequestId};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::dial::Duplex;
use super::dispatch::Next;
use super::{Connection, Outgoing, Purpose, locked};
use crate::clock;
use crate::error::ClientError;

/// Messages are gathered up to this many bytes before they are written.
const WRITE_BYTES: usize = 256 << 10;
/// Rows of at least this many bytes are written from where they lie.
const ROWS_BYTES_APART: usize = 64 << 10;

/// Serves the connection until its end.
pub(super) async fn serve(
    connection: Arc<Connection>,
    socket: Box<dyn Duplex>,
    decoder: Decoder,
    queue: mpsc::UnboundedReceiver<Outgoing>,
) {
    let (reading, writing) = tokio::io::split(socket);
    let end = tokio::select! {
        end = read(&connection, reading, decoder) => end,
        end = write(&connection, writing, queue) => end,
        () = connection.killed.notified() => {
            let reason = locked(&connection.kill_reason).clone();
            connection.lost(reason.unwrap_or_default())
        }
    };
    connection.finish(&end);
}

/// Reads until the connection must end, and returns why.
async fn read(
    connection: &Connection,
    mut socket: ReadHalf<Box<dyn Duplex>>,
    mut decoder: Decoder,
) -> ClientError {
    let silence = connection.session.silence();
    let mut drained_at: Option<Instant> = None;
    loop {
        loop {
            let taken = match decoder.next() {
                Ok(Some(envelope)) => connection.take(envelope.request, &envelope.message),
                Ok(None) => break,
                Err(error) => connection.take_wrong(&error).map(|()| Next::Read),
            };
            match taken {
                Ok(Next::Read) => {}
                Ok(Next::DrainFor(limit)) => drained_at = Some(Instant::now() + limit),
                Err(end) => return end,
            }
        }
        if drained_at.is_some() && locked(&connection.routes).is_idle() {
            return connection.lost("the server said goodbye");
        }
        let silent_at = Instant::now() + silence;
        let until = drained_at.map_or(silent_at, |drained_at| drained_at.min(silent_at));
        match timeout_at(until, socket.read(decoder.room())).await {
            Ok(Ok(0)) => return connection.lost("the server closed it"),
            Ok(Ok(count)) => decoder.advance(count),
            Ok(Err(error)) => return connection.lost(error.to_string()),
            Err(_) if until == silent_at => {
                return connection.lost(format!("it was silent for {silence:?}"));
            }
            Err(_) => return connection.lost("the server said goodbye"),
        }
    }
}

/// Writes until the connection must end, and returns why.
async fn write(
    connection: &Connection,
    mut socket: WriteHalf<Box<dyn Duplex>>,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
) -> ClientError {
    let (heartbeat, silence) = (connection.session.heartbeat, connection.session.silence());
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let mut next = match timeout(heartbeat, queue.recv()).await {
            Ok(None) => return pending().await,
            Ok(Some(next)) => Some(next),
            Err(_) => match beat(connection, &mut bytes) {
                Ok(()) => None,
                Err(end) => return end,
            },
        };
        let mut is_last = false;
        while let Some(Outgoing { head, rows, purpose }) = next.take() {
            is_last |= purpose == Purpose::Goodbye;
            if purpose == Purpose::Reply {
                connection.replies.fetch_sub(1, Ordering::Relaxed);
            }
            bytes.extend_from_slice(&head);
            if let Some(rows) = rows {
                if rows.len() < ROWS_BYTES_APART {
                    bytes.extend_from_slice(&rows);
                } else {
                    if let Err(end) = put(connection, &mut socket, &bytes, silence).await {
                        return end;
                    }
                    bytes.clear();
                    if let Err(end) = put(connection, &mut socket, &rows, silence).await {
                        return end;
                    }
                }
            }
            if bytes.len() < WRITE_BYTES && !is_last {
                next = queue.try_recv().ok();
            }
        }
        if let Err(end) = put(connection, &mut socket, &bytes, silence).await {
            return end;
        }
        if is_last {
            // The peer may be gone already; either way it is over.
            let _ = timeout(silence, socket.shutdown()).await;
            return ClientError::Closed;
        }
    }
}

async fn put(
    connection: &Connection,
    socket: &mut WriteHalf<Box<dyn Duplex>>,
    mut bytes: &[u8],
    silence: Duration,
) -> Result<(), ClientError> {
    while !bytes.is_empty() {
        match timeout(silence, socket.write(bytes)).await {
            Ok(Ok(0)) => return Err(connection.lost("the server closed it")),
            Ok(Ok(count)) => bytes = &bytes[count..],
            Ok(Err(error)) => return Err(connection.lost(error.to_string())),
            Err(_) => return Err(connection.lost(format!("it took nothing for {silence:?}"))),
        }
    }
    match timeout(silence, socket.flush()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(connection.lost(error.to_string())),
        Err(_) => Err(connection.lost(format!("it took nothing for {silence:?}"))),
    }
}

/// A heartbeat of this side.
fn beat(connection: &Connection, bytes: &mut Vec<u8>) -> Result<(), ClientError> {
    let request: RequestId = locked(&connection.routes).next_request();
    let heartbeat = Heartbeat { reply: false, sent_ns: clock::now().0 };
    let encoded = connection.encoder().encode(request, &heartbeat.into(), bytes);
    encoded.map(drop).map_err(|error| connection.malformed(error.to_string()))
}
