//! Clients that are slow, silent, endless or broken: each is answered or cut off in bounded time, and others are served meanwhile.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::{Running, at, json};

/// By then every hostile connection must be over. The server is told to be patient for one second; without bounds it would be
/// for ever, and the machine may be busy.
const OVER: Duration = Duration::from_secs(40);
/// How often a slow client says another byte: often enough that no pause between two bytes is long.
const DRIP: Duration = Duration::from_millis(100);

struct Gateway {
    address: String,
    /// A path that takes a body, and a key for it.
    path: String,
    key: String,
    _running: Running,
}

impl Gateway {
    fn open(dir: &Path, settings: &[&str]) -> Self {
        let operator = |args: &[&str]| json(at(dir, args).arg("--json"));
        let business = operator(&["business", "add", "--name", "Tea shop"]);
        let key = operator(&["key", "add"])["text"].as_str().unwrap().to_owned();
        let mut command = at(dir, &["serve", "--listen", "127.0.0.1:0"]);
        for set in ["log.level=error", "server.header_timeout=1s", "server.body_timeout=1s"].iter().chain(settings) {
            command.args(["--set", set]);
        }
        let mut running = Running::start(&mut command);
        let ready = running.until("ready ");
        let address = ready.strip_prefix("ready http://").unwrap().to_owned();
        let path = format!("/v1/businesses/{}/send/messages", business["id"].as_str().unwrap());
        Self { address, path, key, _running: running }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// The head of a send with headers of its own.
    fn head(&self, more: &str) -> String {
        format!("POST {} HTTP/1.1\r\nhost: a\r\nx-api-key: {}\r\n{more}\r\n", self.path, self.key)
    }

    /// Says everything at once, then only listens until the server closes; gives what it said.
    async fn says(&self, said: &[u8]) -> String {
        let mut client = self.connect().await;
        // The server may close before it has heard all of it.
        let _ = client.write_all(said).await;
        until_closed(&mut client).await
    }

    /// Says `begin`, then a byte at a time until the server closes.
    async fn drips(&self, begin: &str, drop: &[u8]) -> String {
        let (mut read, mut write) = self.connect().await.into_split();
        write.write_all(begin.as_bytes()).await.unwrap();
        let drop = drop.to_vec();
        let dripping = tokio::spawn(async move {
            let mut pulse = tokio::time::interval(DRIP);
            loop {
                pulse.tick().await;
                if write.write_all(&drop).await.is_err() {
                    return;
                }
            }
        });
        let said = until_closed(&mut read).await;
        dripping.abort();
        said
    }

    async fn is_well(&self) {
        let said = self.says(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("ok\n"), "{said}");
    }
}

async fn until_closed(read: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut said = Vec::new();
    // A reset is an end, too.
    let ended = tokio::time::timeout(OVER, read.read_to_end(&mut said)).await;
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(ended.is_ok(), "the connection was still open after {OVER:?}, and the server had said {said:?}");
    said
}

fn status(said: &str) -> u16 {
    said.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("no answer in {said:?}"))
}

fn code(said: &str) -> String {
    let body = said.split_once("\r\n\r\n").unwrap().1;
    let error: Value = serde_json::from_str(body).unwrap_or_else(|why| panic!("{why}: {said:?}"));
    error["code"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_silent_clients_are_cut_off_and_others_are_served_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::open(dir.path(), &[]);
    let silent = async {
        for _ in 0..20 {
            assert_eq!(gateway.says(b"").await, "", "nobody asked, so nothing is said");
        }
    };
    let head = async {
        let said = gateway.drips("GET /healthz HTTP/1.1\r\nx-slow: ", b"a").await;
        assert!(!said.starts_with("HTTP/1.1 200"), "{said}");
        let said = gateway.drips("GET /healthz HTTP/1.1\r\n", b"a: b\r\n").await;
        assert!(!said.starts_with("HTTP/1.1 200"), "{said}");
    };
    let body = async {
        let said = gateway.drips(&gateway.head("content-length: 1000\r\n"), b" ").await;
        assert_eq!((status(&said), code(&said).as_str()), (400, "ERROR_CODE_REQUEST_INVALID"), "{said}");
        assert!(said.contains("did not arrive in time"), "{said}");
        let said = gateway.drips(&gateway.head("transfer-encoding: chunked\r\n"), b"1\r\n \r\n").await;
        assert_eq!(status(&said), 400, "{said}");
    };
    let rests = async {
        let said = gateway.says(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(said.starts_with("HTTP/1.1 200"), "a connection that rests after an answer is closed: {said}");
    };
    // Asks for a large page again and again and takes none of it: the answers fill every buffer in between.
    let takes_nothing = async {
        let (mut read, mut write) = gateway.connect().await.into_split();
        let asks = b"GET /docs/redoc.js HTTP/1.1\r\nhost: a\r\n\r\n".repeat(64);
        let asking = tokio::time::timeout(OVER, async { while write.write_all(&asks).await.is_ok() {} }).await;
        assert!(asking.is_ok(), "a client that takes nothing of its answers was still heard after {OVER:?}");
        // What the server had written is there; more is not.
        until_closed(&mut read).await;
    };
    let well = async {
        for _ in 0..20 {
            gateway.is_well().await;
        }
    };
    tokio::join!(silent, head, body, rests, takes_nothing, well);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_are_refused_with_the_right_status() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::open(dir.path(), &[]);
    let get = |more: &str| format!("GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{more}\r\n").into_bytes();
    let many: String = (0..200).map(|i| format!("x-{i}: 1\r\n")).collect();
    let huge = format!("x-huge: {}\r\n", "a".repeat(100_000));
    let post = |more: &str, body: &[u8]| [gateway.head(&format!("connection: close\r\n{more}")).as_bytes(), body].concat();
    let endless = [b"ffff\r\n".to_vec(), vec![b' '; 0xffff], b"\r\n".to_vec()].concat().repeat(40);
    let deep = [br#"{"recipient":"#.to_vec(), vec![b'['; 900_000]].concat();
    let wide = format!("{{\"message\":[{}0]}}", "0,".repeat(500_000));
    let length = |body: &[u8]| format!("content-length: {}\r\n", body.len());
    let cases: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("many headers", get(&many), &[431]),
        ("a huge header", get(&huge), &[431]),
        ("a long path", format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(100_000)).into_bytes(), &[414, 431]),
        ("headers that fit", get(&(0..40).map(|i| format!("x-{i}: 1\r\n")).collect::<String>()), &[200]),
        ("two lengths", post("content-length: 2\r\ncontent-length: 3\r\n", b"{} "), &[400]),
        ("a length and chunks", post("content-length: 2\r\ntransfer-encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"), &[400]),
        ("a negative length", post("content-length: -1\r\n", b""), &[400]),
        ("a length that overflows", post("content-length: 99999999999999999999999999\r\n", b""), &[400]),
        ("a length that lies", post("content-length: 5000000000\r\n", b"{}"), &[413]),
        ("a chunk that is none", post("transfer-encoding: chunked\r\n", b"zz\r\n{}\r\n"), &[400]),
        ("a chunk of all there is", post("transfer-encoding: chunked\r\n", b"ffffffffffffffff\r\n{}"), &[400, 413]),
        ("endless chunks", post("transfer-encoding: chunked\r\n", &endless), &[413]),
        ("brackets in brackets", post(&length(&deep), &deep), &[400]),
        ("a long list", post(&length(wide.as_bytes()), wide.as_bytes()), &[400]),
        ("a name with a blank", b"GET / HTTP/1.1\r\nhost: a\r\nx y: 1\r\n\r\n".to_vec(), &[400]),
        ("a folded header", b"GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n  2\r\n\r\n".to_vec(), &[400]),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), &[400]),
        ("another HTTP", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[400]),
        ("zeros", vec![0; 10_000], &[400]),
        ("a method nobody knows", b"BREW / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".to_vec(), &[405]),
        ("a body nobody asked for", [get("content-length: 3000000\r\n"), vec![b'x'; 3_000_000]].concat(), &[200]),
    ];
    for (what, said, wanted) in cases {
        let heard = gateway.says(&said).await;
        // Where there is more to hear than is listened to, the connection is reset, and the refusal can be lost on the way.
        let cut_off = heard.is_empty() && wanted != [200];
        assert!(cut_off || wanted.contains(&status(&heard)), "{what}: {}", heard.chars().take(300).collect::<String>());
        gateway.is_well().await;
    }
    // Many requests at once on one connection are answered one after the other.
    let requests = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n".repeat(500);
    let heard = gateway.says(&requests).await;
    assert_eq!(heard.matches("HTTP/1.1 200").count(), 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_connections_than_there_is_room_for_wait_their_turn() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::open(dir.path(), &["server.max_connections=8"]);
    let mut silent = Vec::new();
    for _ in 0..24 {
        silent.push(gateway.connect().await);
    }
    // Behind all of them, and served once the silent ones were cut off.
    gateway.is_well().await;
    for client in &mut silent {
        assert_eq!(until_closed(client).await, "");
    }
    gateway.is_well().await;
}
