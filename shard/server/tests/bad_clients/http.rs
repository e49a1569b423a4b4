//! Admin HTTP, asked wrongly.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::good::Good;
use super::node::Node;

/// Sends bytes; status and body of the answer, 0 when the connection ends without one.
fn ask(node: &Node, bytes: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(node.admin).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    // The node may answer and close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (code, body)
}

fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Demands an error as docs/admin.md has it.
fn demand_error((code, body): (u16, String), wanted: u16) {
    assert_eq!(code, wanted, "{body}");
    let error: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{code} is not JSON: {body:?}"));
    let name = error["error"]["code"].as_str().unwrap_or_else(|| panic!("{body}"));
    assert!(name.starts_with("PERMANENT_") || name.starts_with("TRANSIENT_"), "{body}");
    assert!(!error["error"]["message"].as_str().unwrap().is_empty(), "{body}");
}

#[test]
fn wrong_requests_get_an_error_that_says_so() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    let plain = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").into_bytes()
    };
    // Paths and methods.
    demand_error(ask(&node, &plain("GET", "/v1/nothing")), 404);
    demand_error(ask(&node, &plain("GET", "/../../etc/passwd")), 404);
    demand_error(ask(&node, &plain("GET", "/v1/definitions/%00%ff")), 400);
    demand_error(ask(&node, &plain("DELETE", "/v1/state")), 405);
    demand_error(ask(&node, &plain("BREW", "/v1/config")), 405);
    demand_error(ask(&node, &plain("GET", "/v1/definitions/none")), 404);
    // Bodies.
    demand_error(ask(&node, &post("/v1/definitions", "{\"name\": ")), 400);
    demand_error(ask(&node, &post("/v1/definitions", "[]")), 400);
    demand_error(ask(&node, &post("/v1/definitions", "{\"nam\": 1}")), 400);
    demand_error(ask(&node, &post("/v1/definitions", &"[".repeat(100_000))), 400);
    demand_error(ask(&node, &post("/v1/definitions", "{\"name\": \"x\", \"text\": \"SELEC 1\"}")), 400);
    let nested = format!("{{\"name\": \"x\", \"text\": \"SELECT {}1;\"}}", "(".repeat(50_000));
    demand_error(ask(&node, &post("/v1/definitions", &nested)), 400);
    let text =
        b"POST /v1/definitions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
    demand_error(ask(&node, text), 415);
    // Larger than a request may be.
    let large = json!({"name": "x", "text": "-- ".repeat(1 << 20)}).to_string();
    demand_error(ask(&node, &post("/v1/definitions", &large)), 413);
    // Not HTTP at all, and headers without end.
    for bytes in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"CEPW\x01\x00\x01\x00\r\n\r\n", b"GET\r\n\r\n"] {
        let (code, _) = ask(&node, bytes);
        assert!(matches!(code, 0 | 400), "{code}");
    }
    let huge = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "y".repeat(4 << 20));
    assert!(matches!(ask(&node, huge.as_bytes()).0, 0 | 431));
    let many: String = (0..10_000).map(|at| format!("x{at}: y\r\n")).collect();
    let many = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{many}\r\n");
    assert!(matches!(ask(&node, many.as_bytes()).0, 0 | 431));
    assert_eq!(node.http("GET", "/healthz", None).0, 200);
    node.end(good, 64 << 20);
}

#[test]
fn slow_requests_hold_up_nobody_and_are_given_up() {
    let node = Node::start(&[]);
    let good = Good::start(node.client);
    let head = "POST /v1/definitions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    let mut slow: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(node.admin).unwrap()).collect();
    let begun = Instant::now();
    for (at, stream) in slow.iter_mut().enumerate() {
        // Half of them dawdle in the header, half in the body.
        let bytes = if at % 2 == 0 { &head.as_bytes()[..30] } else { head.as_bytes() };
        stream.write_all(bytes).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(100))).unwrap();
    }
    for _ in 0..20 {
        for stream in &mut slow {
            let _ = stream.write_all(b" ");
        }
        let begun = Instant::now();
        assert_eq!(node.http("GET", "/readyz", None).0, 200);
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
    // In the end each is answered or closed; that takes as long as an honest request may.
    if std::env::var("CEPTRA_DEEP").is_ok_and(|value| value == "1") {
        for stream in &mut slow {
            let mut answer = Vec::new();
            let ended = stream.read_to_end(&mut answer);
            assert!(ended.is_ok() || !answer.is_empty(), "{ended:?} after {:?}", begun.elapsed());
        }
        assert!(begun.elapsed() < Duration::from_secs(95), "{:?}", begun.elapsed());
    }
    // What still dawdles does not keep the node from ending.
    node.end(good, 64 << 20);
}
