//! HTTP/1.1 by hand, as little of it as a benchmark needs: callers and servers must be cheaper than what they measure.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Largest head or body that is read.
const LENGTH_MAX: usize = 4 << 20;
/// What is read at once.
const CHUNK: usize = 16 << 10;

/// Where the parts of a message lie in its buffer.
#[derive(Debug, Clone, Copy)]
struct Shape {
    /// Length of the head, with the empty line.
    head: usize,
    /// Length of the body.
    body: usize,
}

/// Finds head and body; none as long as the head is not whole.
fn shape(bytes: &[u8]) -> Result<Option<Shape>> {
    let (mut from, mut body) = (0, 0);
    while let Some(length) = bytes.get(from..).and_then(|rest| rest.iter().position(|b| *b == b'\n')) {
        let line = bytes.get(from..from + length).unwrap_or_default().trim_ascii_end();
        from += length + 1;
        if line.is_empty() {
            return Ok(Some(Shape { head: from, body }));
        }
        if let Some(value) = header_in(line, b"content-length:") {
            body = std::str::from_utf8(value)?.parse().context("a content-length")?;
        } else if header_in(line, b"transfer-encoding:").is_some() {
            bail!("the other side sends in chunks, which this client does not read");
        }
        if body > LENGTH_MAX {
            bail!("a body of {body} bytes");
        }
    }
    if bytes.len() > LENGTH_MAX {
        bail!("a head without an end");
    }
    Ok(None)
}

fn header_in<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

/// A message that was received: its head and its body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received<'a> {
    pub(super) head: &'a [u8],
    pub(super) body: &'a [u8],
}

impl<'a> Received<'a> {
    /// The path of a request, with its query.
    pub(super) fn path(&self) -> &'a str {
        self.head.split(|b| *b == b' ').nth(1).and_then(|path| std::str::from_utf8(path).ok()).unwrap_or_default()
    }

    /// Whether a request posts something.
    pub(super) fn is_post(&self) -> bool {
        self.head.starts_with(b"POST ")
    }

    /// A header, by its name in lower case with a colon.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        let value = self.head.split(|b| *b == b'\n').find_map(|line| header_in(line, name.as_bytes()))?;
        std::str::from_utf8(value).ok()
    }

    /// The status of an answer.
    fn status(&self) -> Option<u16> {
        std::str::from_utf8(self.head.get(9..12)?).ok()?.parse().ok()
    }
}

/// A connection and what has been read of it.
struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How much of the buffer is used up.
    used: usize,
}

impl Line {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(CHUNK), used: 0 })
    }

    /// The next message; none when the other side has closed in between.
    async fn next(&mut self) -> Result<Option<Received<'_>>> {
        self.buffer.drain(..self.used);
        self.used = 0;
        let shape = loop {
            if let Some(shape) = shape(&self.buffer)?
                && self.buffer.len() >= shape.head + shape.body
            {
                break shape;
            }
            self.buffer.reserve(CHUNK);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                bail!("the connection was closed in the middle of a message");
            }
        };
        self.used = shape.head + shape.body;
        let (head, body) = (self.buffer.get(..shape.head), self.buffer.get(shape.head..self.used));
        Ok(Some(Received { head: head.unwrap_or_default(), body: body.unwrap_or_default() }))
    }
}

/// One caller's connection.
pub(super) struct Caller(Line);

impl Caller {
    /// Connects.
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("{address} cannot be reached"))?;
        Ok(Self(Line::new(stream)?))
    }

    /// Sends a whole request and reads its answer, which must be a success.
    pub(super) async fn call(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.0.stream.write_all(request).await?;
        let answer = self.0.next().await?.context("the connection was closed before the answer came")?;
        match answer.status() {
            Some(200..=299) => Ok(answer.body),
            _ => bail!(
                "{} was answered with {}{}",
                String::from_utf8_lossy(request).lines().next().unwrap_or_default(),
                String::from_utf8_lossy(answer.head),
                String::from_utf8_lossy(answer.body)
            ),
        }
    }
}

/// What answers requests: writes the body of a 200, and says how long that is to wait.
pub(super) trait Answers: Send + Sync + 'static {
    /// Answers one request into an empty buffer.
    fn answer(&self, request: Received<'_>, body: &mut Vec<u8>) -> Duration;
}

/// Serves on a free port of this machine until the runtime ends.
pub(super) async fn serve(answers: Arc<impl Answers>) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answers = answers.clone();
            // Whoever closes in the middle of a message has gone: there is nobody to tell.
            tokio::spawn(async move { attend(stream, answers.as_ref()).await.ok() });
        }
    });
    Ok(address)
}

async fn attend(stream: TcpStream, answers: &impl Answers) -> Result<()> {
    let mut line = Line::new(stream)?;
    let (mut body, mut whole) = (Vec::with_capacity(1024), Vec::with_capacity(1024));
    while let Some(request) = line.next().await? {
        body.clear();
        let wait = answers.answer(request, &mut body);
        whole.clear();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        whole.extend_from_slice(head.as_bytes());
        whole.extend_from_slice(&body);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        line.stream.write_all(&whole).await?;
    }
    Ok(())
}

/// A whole POST of JSON.
pub(super) fn post(path: &str, headers: &[(&str, &str)], body: &[u8], into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(b"POST ");
    into.extend_from_slice(path.as_bytes());
    into.extend_from_slice(b" HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n");
    for (name, value) in headers {
        for part in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            into.extend_from_slice(part);
        }
    }
    into.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    into.extend_from_slice(body);
}

/// The text between a mark and the next quotation mark.
pub(super) fn quoted_after<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let first = *mark.first()?;
    let mut from = 0;
    loop {
        from += text.get(from..)?.iter().position(|b| *b == first)?;
        if text.get(from..)?.starts_with(mark) {
            let rest = text.get(from + mark.len()..)?;
            return rest.get(..rest.iter().position(|b| *b == b'"')?);
        }
        from += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Echo;

    impl Answers for Echo {
        fn answer(&self, request: Received<'_>, body: &mut Vec<u8>) -> Duration {
            body.extend_from_slice(request.path().as_bytes());
            body.extend_from_slice(request.header("x-test:").unwrap_or("none").as_bytes());
            body.extend_from_slice(request.body);
            Duration::ZERO
        }
    }

    #[tokio::test]
    async fn a_caller_hears_what_a_server_answers_on_one_connection() {
        let address = serve(Arc::new(Echo)).await.unwrap();
        let mut caller = Caller::connect(address).await.unwrap();
        let mut request = Vec::new();
        for i in 0..3 {
            let body = "x".repeat(i * CHUNK);
            post("/a?b", &[("X-Test", "yes")], body.as_bytes(), &mut request);
            assert_eq!(caller.call(&request).await.unwrap(), format!("/a?byes{body}").as_bytes());
        }
    }

    #[test]
    fn texts_are_found_by_what_stands_before_them() {
        let json = br#"{"a":"1","ab":"2"}"#;
        assert_eq!(quoted_after(json, br#""ab":""#), Some(&b"2"[..]));
        assert_eq!(quoted_after(json, br#""c":""#), None);
        assert_eq!(quoted_after(br#"{"a":"1"#, br#""a":""#), None);
    }
}
