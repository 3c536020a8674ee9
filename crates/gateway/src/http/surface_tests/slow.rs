//! Bodies that never come, on every way that is open before anybody has shown who they are.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// How long a connection may be held by who sends nothing more, at most. Far more than the server's own time.
const HELD_MAX: Duration = Duration::from_secs(10);

/// Announces a body and sends a byte of it; what was answered until the server closed.
async fn drips(house: &House, head: &str) -> String {
    let mut client = TcpStream::connect(house.base.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!("{head}\r\ncontent-length: 100\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{{");
    client.write_all(head.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let closed = tokio::time::timeout(HELD_MAX, client.read_to_end(&mut heard)).await;
    assert!(closed.is_ok(), "held by {head}");
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn a_body_that_drips_holds_no_connection_and_without_a_token_none_is_waited_for() {
    let begun = std::time::Instant::now();
    let clock = move || Timestamp::from_millis(i64::try_from(begun.elapsed().as_millis()).unwrap());
    let http = HttpSettings { body_timeout: Duration::from_millis(50), ..HttpSettings::default() };
    let folder = tempfile::tempdir().unwrap();
    let house = opened_within(MemoryStore::shared(clock), folder, ConsoleSettings::default(), http).await;
    let at = house.base.strip_prefix("http://").unwrap();
    let hex = "ab".repeat(32);
    for (head, wanted) in [
        (format!("POST /console/api/session HTTP/1.1\r\nhost: {at}\r\norigin: http://{at}"), "400"),
        (format!("POST /admin/v1 HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {OPERATOR}"), "400"),
        (format!("POST /replicas/v1/hints HTTP/1.1\r\nhost: {at}\r\nauthorization: Transom {hex}"), "400"),
    ] {
        let said = drips(&house, &head).await;
        assert!(said.split(' ').nth(1) == Some(wanted) && said.contains("did not arrive in time"), "{head}: {said}");
    }
    house.close().await;
    // Who shows nothing is told so before: here no body is ever too late.
    let http = HttpSettings { body_timeout: HELD_MAX * 10, ..HttpSettings::default() };
    let folder = tempfile::tempdir().unwrap();
    let house = opened_within(MemoryStore::shared(clock), folder, ConsoleSettings::default(), http).await;
    let at = house.base.strip_prefix("http://").unwrap();
    for head in [
        format!("PUT /console/api/password HTTP/1.1\r\nhost: {at}\r\norigin: http://{at}"),
        format!("POST /admin/v1 HTTP/1.1\r\nhost: {at}"),
        format!("POST /admin/v1 HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer wrong"),
        format!("POST /replicas/v1/hints HTTP/1.1\r\nhost: {at}"),
        format!("POST /replicas/v1/hints HTTP/1.1\r\nhost: {at}\r\nauthorization: Transom abc"),
    ] {
        let said = drips(&house, &head).await;
        assert_eq!(said.split(' ').nth(1), Some("401"), "{head}: {said}");
    }
    house.close().await;
}
