//! What stands before several gateways: it leads each connection to the next of them.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};

/// Between two tries to take a connection after one that failed: none are free, and soon some will be.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Listens from now on, and leads each connection to one of these ports of this machine, in turn; one that nobody listens on is passed
/// over. Gives its address.
///
/// # Errors
/// When it cannot listen.
pub(crate) async fn open(ports: Vec<u16>) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let turn = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        loop {
            let Ok((mut caller, _)) = listener.accept().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let from = turn.fetch_add(1, Ordering::Relaxed);
            let ports = ports.clone();
            tokio::spawn(async move {
                for port in ports.iter().cycle().skip(from % ports.len().max(1)).take(ports.len()) {
                    if let Ok(mut gateway) = TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await {
                        let _ = tokio::io::copy_bidirectional(&mut caller, &mut gateway).await;
                        return;
                    }
                }
            });
        }
    });
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Answers every connection with one letter.
    async fn says(letter: u8) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (mut caller, _) = listener.accept().await.unwrap();
                caller.write_all(&[letter]).await.unwrap();
            }
        });
        port
    }

    #[tokio::test]
    async fn each_connection_goes_to_the_next_that_is_there() {
        let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
        let url = open(vec![says(b'a').await, nobody, says(b'b').await]).await.unwrap();
        let mut heard = String::new();
        for _ in 0..6 {
            let mut caller = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
            caller.read_to_string(&mut heard).await.unwrap();
        }
        assert_eq!(heard, "abbabb");
    }
}
