use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// This machine stands for what may be called, a private network for what may not: no test leaves the machine.
const RULES: AddressRules = AddressRules { allow_http: true, allow_loopback: true, allow_private: false };
// Within it everything happens that happens at all.
const SOON: Duration = Duration::from_secs(20);

/// Answers every request with `answer`, one per connection, and counts the connections.
async fn server(answer: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, calls)
}

async fn called(wire: &Http, address: &str) -> Called {
    wire.call(Request::post(address).body(Bytes::new()).unwrap(), Wanted::Status(1_024)).await
}

fn resolves(name: &str, turn: usize) -> Vec<SocketAddr> {
    let all: &[&str] = match (name, turn) {
        // First public, then private: what a rebinding name server does between a check and a connection.
        ("rebinds.example", 0) | ("mixed.example", 1) => &["127.0.0.1:0"],
        ("rebinds.example", _) => &["10.0.0.1:0", "[::ffff:192.168.0.1]:0", "[64:ff9b::a00:1]:0"],
        ("mixed.example", _) => &["10.0.0.1:0", "169.254.169.254:0", "[fd00::1]:0", "127.0.0.1:0"],
        ("private.example", _) => &["172.16.0.1:0", "0.0.0.0:0"],
        _ => &[],
    };
    all.iter().map(|a| a.parse().unwrap()).collect()
}

static LOOKED_UP: AtomicUsize = AtomicUsize::new(0);

fn counted(name: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>> {
    let turn = LOOKED_UP.fetch_add(1, Ordering::SeqCst);
    Box::pin(async move { Ok(resolves(&name, turn)) })
}

#[tokio::test]
async fn a_name_that_turns_private_is_not_followed_and_each_connection_looks_it_up_once() {
    let (port, calls) = server("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
    let wire = Http::looking_up(SOON, RULES, counted).unwrap();
    let address = format!("http://rebinds.example:{port}/");
    let there = called(&wire, &address).await;
    assert!(matches!(&there, Called::Answer { status: 204, body, .. } if body.is_empty()), "{there:?}");
    assert_eq!(
        (LOOKED_UP.load(Ordering::SeqCst), calls.load(Ordering::SeqCst)),
        (1, 1),
        "one look, and the connection goes there"
    );
    let second = called(&wire, &address).await;
    assert!(matches!(&second, Called::NeverLeft(why) if why.contains("private network")), "{second:?}");
    assert_eq!((LOOKED_UP.load(Ordering::SeqCst), calls.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test]
async fn of_several_addresses_only_the_public_ones_are_called() {
    fn mixed(name: String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>> {
        Box::pin(async move { Ok(resolves(&name, 2)) })
    }
    let (port, calls) = server("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
    let wire = Http::looking_up(SOON, RULES, mixed).unwrap();
    // Had it tried the others, it would have waited for them.
    assert!(matches!(called(&wire, &format!("http://mixed.example:{port}/")).await, Called::Answer { status: 204, .. }));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    for name in ["private.example", "nowhere.example"] {
        let said = called(&wire, &format!("http://{name}:{port}/")).await;
        assert!(matches!(&said, Called::NeverLeft(why) if why.contains("private network, or nowhere")), "{said:?}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (inside, reached) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let moved = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{inside}/\r\ncontent-length: 0\r\n\r\n");
    let (port, _) = server(moved.leak()).await;
    let wire = Http::endpoints(SOON, RULES).unwrap();
    assert!(matches!(called(&wire, &format!("http://127.0.0.1:{port}/")).await, Called::Answer { status: 307, .. }));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_endpoint_s_endless_answer_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = [0; 1024];
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        // Ends only when the other side closes.
        while stream.write_all(&[b'x'; 4_096]).await.is_ok() {}
    });
    let wire = Http::endpoints(SOON, RULES).unwrap();
    assert!(matches!(called(&wire, &format!("http://127.0.0.1:{port}/")).await, Called::Answer { status: 200, .. }));
    server.await.unwrap();
}
