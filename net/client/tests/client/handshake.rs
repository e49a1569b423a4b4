//! What is said first, and every way it can end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use net_client::{Client, ClientError, ClientOptions, Credentials, Features};
use net_wire::*;
use tokio::time::Instant;

use crate::fake::{Fake, Got, tables};
use crate::options;

/// What a client makes of an answer to Hello, and how often it asked.
async fn answered(answer: Message<'static>) -> (ClientError, usize) {
    let fake = Fake::bind().await;
    let mut options = options(&[&fake.address]);
    options.timeouts.connect = Duration::from_secs(3);
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let server = tokio::spawn(async move {
        loop {
            let mut peer = fake.accept().await;
            counted.fetch_add(1, Ordering::Relaxed);
            let (request, _) = peer.next().await.unwrap();
            peer.send(request, answer.clone()).await;
            peer.next().await;
        }
    });
    let error = Client::connect(ClientOptions { cluster: "tests".to_owned(), ..options }).await.err();
    server.abort();
    (error.expect("the client is refused"), connections.load(Ordering::Relaxed))
}

#[tokio::test]
async fn hello_says_who_the_client_is_and_what_it_knows() {
    let fake = Fake::bind().await;
    let options = ClientOptions {
        cluster: "tests".to_owned(),
        client: "probe 2".to_owned(),
        credentials: Credentials::Token(b"secret".to_vec()),
        ..options(&[&fake.address])
    };
    assert!(!format!("{options:?}").contains("secret"), "tokens are not printed");
    let server = tokio::spawn(async move {
        let mut peer = fake.accept().await;
        let hello = peer.welcome(&tables::welcome()).await;
        let (request, got) = peer.next().await.unwrap();
        assert_eq!(got, Got::GetRouting(None));
        peer.send(request, tables::routing(1, &[&fake.address])).await;
        (hello, peer)
    });
    let client = Client::connect(options).await.unwrap();
    let (hello, _peer) = server.await.unwrap();
    let expected = Got::Hello {
        features: Features::ALL,
        client: "probe 2".to_owned(),
        cluster: "tests".to_owned(),
        auth: AuthMethod::Token,
        proof: b"secret".to_vec(),
    };
    assert_eq!(hello, expected);
    let sessions = client.sessions();
    assert_eq!((sessions.len(), sessions[0].server.as_str(), sessions[0].version), (1, "fake 1", 1));
    assert!(sessions[0].is_clock_off(), "the fake lives in 1970");
    assert_eq!(client.routing().streams.len(), 4);
}

#[tokio::test]
async fn a_refusal_is_given_back_at_once_with_the_server_s_words() {
    let (error, connections) =
        answered(Failure::new(Status::PermanentAuth, "the token has expired").into()).await;
    let ClientError::Refused { refusal, .. } = &error else { panic!("{error:?}") };
    assert_eq!((refusal.status, refusal.text.as_str()), (Status::PermanentAuth, "the token has expired"));
    assert_eq!(connections, 1);
    assert!(error.to_string().contains("PermanentAuth: the token has expired"), "{error}");

    let versions = Some(Versions { min: 2, max: 3 });
    let failure = Failure { versions, ..Failure::new(Status::PermanentVersion, "too old") };
    let (error, connections) = answered(failure.into()).await;
    assert_eq!(connections, 1);
    assert!(error.to_string().ends_with("too old (the server speaks versions 2 to 3)"), "{error}");
}

#[tokio::test]
async fn a_server_that_drains_is_tried_again_until_the_time_is_over() {
    let failure = Failure::new(Status::TransientRetry, "going down");
    let began = Instant::now();
    let (error, connections) = answered(Goodbye { failure, drain_ms: 0 }.into()).await;
    assert!(matches!(error, ClientError::Refused { .. }), "{error:?}");
    assert!(began.elapsed() >= Duration::from_secs(3) && connections > 2, "{connections}");
}

#[tokio::test]
async fn another_cluster_is_not_this_one() {
    let (error, _) = answered(Welcome { cluster: "other", ..tables::welcome() }.into()).await;
    assert!(error.to_string().contains("is of cluster other, not tests"), "{error}");
}

#[tokio::test]
async fn a_welcome_to_what_was_not_offered_is_malformed() {
    let welcome = tables::welcome;
    for wrong in [
        Welcome { version: 2, ..welcome() },
        Welcome { version: 0, ..welcome() },
        Welcome { features: Features(1 << 40), ..welcome() },
        Welcome { heartbeat_ms: 0, ..welcome() },
        Welcome { message_bytes_max: 1_000, ..welcome() },
    ] {
        let fake = Fake::bind().await;
        let mut options = options(&[&fake.address]);
        options.timeouts.connect = Duration::from_millis(300);
        let server = tokio::spawn(async move {
            loop {
                fake.accept_with(&wrong).await;
            }
        });
        let error = Client::connect(options).await.err().unwrap();
        assert!(matches!(error, ClientError::Malformed { .. }), "{error:?}");
        server.abort();
    }
}

#[tokio::test]
async fn what_is_no_server_is_told_apart() {
    for said in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"", b"CEPW\x07"] {
        let fake = Fake::bind().await;
        let mut options = options(&[&fake.address]);
        options.timeouts.connect = Duration::from_millis(300);
        let server = tokio::spawn(async move {
            loop {
                fake.accept().await.send_bytes(said).await;
            }
        });
        let error = Client::connect(options).await.err().unwrap();
        let is_told = matches!(error, ClientError::Malformed { .. } | ClientError::Unreachable { .. });
        assert!(is_told, "{error:?}");
        server.abort();
    }
}

#[tokio::test]
async fn silence_in_the_handshake_has_an_end() {
    let fake = Fake::bind().await;
    let mut options = options(&[&fake.address]);
    options.timeouts.dial = Duration::from_millis(200);
    options.timeouts.connect = Duration::from_millis(500);
    let server = tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            kept.push(fake.accept().await);
        }
    });
    let error = Client::connect(options).await.err().unwrap();
    assert!(error.to_string().contains("no answer within 200ms"), "{error}");
    server.abort();
}

#[tokio::test]
async fn the_first_address_that_answers_is_taken() {
    let dead = Fake::bind().await.address;
    let fake = Fake::bind().await;
    let options = options(&[dead, fake.address.clone()]);
    let routing = tables::routing(1, &[&fake.address]);
    let (client, _peer) = tokio::join!(Client::connect(options), fake.accept_routed(&routing));
    assert_eq!(client.unwrap().sessions()[0].address, fake.address);
}

#[tokio::test]
async fn options_that_cannot_work_are_refused_before_anything_is_sent() {
    let none: [String; 0] = [];
    let good = || options(&["127.0.0.1:1"]);
    for options in [
        options(&none),
        ClientOptions { message_bytes_max: 1, ..good() },
        ClientOptions { credentials: Credentials::Certificate, ..good() },
        ClientOptions { credentials: Credentials::Token(vec![0; 5_000]), ..good() },
    ] {
        let error = Client::connect(options).await.err().unwrap();
        assert!(matches!(error, ClientError::Options { .. }), "{error:?}");
    }
}
