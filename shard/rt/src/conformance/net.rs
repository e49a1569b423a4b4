//! The network.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::Env;
use crate::{Listener, RtError, Stream, net, sleep, spawn};

fn listen() -> Listener {
    net().listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port")
}

async fn pair() -> (Stream, Stream) {
    let listener = listen();
    let address = listener.local_addr();
    let dialled = spawn("dial", async move { net().dial(address).await });
    let accepted = listener.accept().await.expect("a connection");
    (dialled.await.expect("not aborted").expect("a connection"), accepted)
}

async fn read_to_end(stream: &Stream) -> Vec<u8> {
    let mut all = BytesMut::new();
    loop {
        let (count, buf) = stream.read(all).await;
        all = buf;
        if count.expect("a read") == 0 {
            return all.to_vec();
        }
    }
}

pub(super) async fn bytes_come_back_in_order(_: Env) {
    let (here, there) = pair().await;
    spawn("echo", async move {
        loop {
            let (count, buf) = there.read(BytesMut::with_capacity(100)).await;
            assert!(buf.len() <= 128, "no more than fits");
            if count.expect("a read") == 0 {
                there.finish().await.expect("open");
                return;
            }
            there.write_all(buf.freeze()).await.expect("a write");
        }
    });
    let sent: Vec<u8> = (0..10_000u32).map(|index| (index % 251) as u8).collect();
    here.write_all(Bytes::from(sent.clone())).await.expect("a write");
    here.finish().await.expect("open");
    assert!(read_to_end(&here).await == sent);
}

pub(super) async fn a_finished_direction_ends_and_the_other_goes_on(_: Env) {
    let (here, there) = pair().await;
    here.write_all(Bytes::from_static(b"ask")).await.expect("a write");
    here.finish().await.expect("open");
    assert_eq!(read_to_end(&there).await, b"ask");
    sleep(Duration::from_millis(5)).await;
    there.write_all(Bytes::from_static(b"answer")).await.expect("still open this way");
    drop(there);
    assert_eq!(read_to_end(&here).await, b"answer");
}

pub(super) async fn a_dial_to_nobody_is_refused(_: Env) {
    let listener = listen();
    let address = listener.local_addr();
    drop(listener);
    let nobody = net().dial(address).await;
    assert!(matches!(nobody, Err(RtError::Refused { .. })), "{nobody:?}");
}

pub(super) async fn a_slow_reader_holds_its_writer_back(_: Env) {
    const BYTES: usize = 32 << 20;
    let (here, there) = pair().await;
    let written = Rc::new(Cell::new(0));
    let count = Rc::clone(&written);
    let writer = spawn("writer", async move {
        let chunk = Bytes::from(vec![7; 1 << 20]);
        while count.get() < BYTES {
            here.write_all(chunk.clone()).await.expect("a write");
            count.set(count.get() + chunk.len());
        }
    });
    sleep(Duration::from_millis(50)).await;
    assert!(!writer.is_finished(), "{} bytes went ahead of the reader", written.get());
    let mut read = 0;
    let mut buf = BytesMut::with_capacity(256 << 10);
    while read < BYTES {
        buf.clear();
        let (count, back) = there.read(buf).await;
        buf = back;
        read += count.expect("a read");
    }
    assert_eq!(writer.await, Ok(()));
    assert_eq!(read, BYTES);
}

pub(super) async fn one_task_reads_while_another_writes(_: Env) {
    let (here, there) = pair().await;
    let tasks: Vec<_> = [here, there]
        .into_iter()
        .map(|stream| {
            let reader = stream.clone();
            let writer = spawn("writer", async move {
                for _ in 0..200 {
                    stream.write_all(Bytes::from(vec![3; 10_000])).await.expect("a write");
                }
                stream.finish().await.expect("open");
            });
            (writer, spawn("reader", async move { read_to_end(&reader).await.len() }))
        })
        .collect();
    for (writer, reader) in tasks {
        assert_eq!(writer.await, Ok(()));
        assert_eq!(reader.await, Ok(2_000_000));
    }
}

pub(super) async fn a_dropped_connection_ends_for_the_peer(_: Env) {
    let (here, there) = pair().await;
    let peer = there.peer_addr();
    assert_eq!(peer.ip(), here.peer_addr().ip());
    drop(there);
    sleep(Duration::from_millis(5)).await;
    let mut failed = None;
    for _ in 0..100 {
        if let Err(error) = here.write_all(Bytes::from_static(b"hello")).await {
            failed = Some(error);
            break;
        }
        sleep(Duration::from_millis(1)).await;
    }
    assert!(matches!(failed, Some(RtError::Reset { .. })), "{failed:?}");
}

pub(super) async fn a_listener_takes_many(_: Env) {
    let listener = listen();
    let address = listener.local_addr();
    let taken = net().listen(address).map(|_| ());
    assert!(matches!(taken, Err(RtError::AddressInUse { .. })), "{taken:?}");
    let server = spawn("server", async move {
        for _ in 0..20 {
            let stream = listener.accept().await.expect("a connection");
            drop(spawn("answer", async move {
                let (count, buf) = stream.read(BytesMut::new()).await;
                count.expect("a read");
                stream.write_all(buf.freeze()).await.expect("a write");
            }));
        }
    });
    for index in 0..20u8 {
        let stream = net().dial(address).await.expect("a connection");
        stream.write_all(Bytes::from(vec![index])).await.expect("a write");
        assert_eq!(read_to_end(&stream).await, [index]);
    }
    assert_eq!(server.await, Ok(()));
}
