//! Server-sent events, read piece by piece as they come in (WHATWG HTML, 9.2.6).

use crate::fail::Fail;

/// The longest line that is read: an event of ours has far less.
const LINE_MAX: usize = 8 << 20;

/// What one block of lines says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// Position reached.
    pub(super) id: Option<String>,
    /// What happened; none where the block only says how far we are.
    pub(super) data: Option<String>,
}

/// Puts lines together that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Parser {
    text: Vec<u8>,
    block: Block,
    said: bool,
}

impl Parser {
    /// Takes what came in.
    ///
    /// # Errors
    /// When a line has no end.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Block>, Fail> {
        let mut blocks = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                if self.text.len() >= LINE_MAX {
                    return Err(
                        Fail::new("the stream has a line without an end").remedy("Check that the address is a gateway's.")
                    );
                }
                self.text.push(*byte);
                continue;
            }
            let line = std::mem::take(&mut self.text);
            let line = String::from_utf8_lossy(&line);
            if self.line(line.trim_end_matches('\r')) {
                blocks.push(std::mem::take(&mut self.block));
            }
        }
        Ok(blocks)
    }

    /// Reads a line; whether it ends a block that says something.
    fn line(&mut self, line: &str) -> bool {
        if line.is_empty() {
            return std::mem::take(&mut self.said);
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => self.block.id = Some(value.to_owned()),
            "data" => match &mut self.block.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.block.data = Some(value.to_owned()),
            },
            // The type is in the data too; of others, and of comments, nothing follows.
            _ => return false,
        }
        self.said = true;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &str = "retry: 1000\nid: 3\n\n: heartbeat\n\nid: 4\r\nevent: message.received\r\ndata: {\"a\":\r\ndata:1}\r\n\r\nevent: x\n\n: heartbeat\nid: 9\n\nid: 10\nda";

    fn block(id: &str, data: Option<&str>) -> Block {
        Block { id: Some(id.to_owned()), data: data.map(str::to_owned) }
    }

    proptest! {
        #[test]
        fn it_is_the_same_in_whatever_pieces_it_comes(cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let (mut found, mut from) = (Vec::new(), 0);
            for to in cuts.into_iter().chain([STREAM.len()]) {
                found.extend(parser.take(&STREAM.as_bytes()[from..to]).unwrap());
                from = to;
            }
            prop_assert_eq!(found, vec![block("3", None), block("4", Some("{\"a\":\n1}")), block("9", None)]);
        }
    }

    #[test]
    fn a_line_without_an_end_is_not_kept() {
        let mut parser = Parser::default();
        let long = vec![b'x'; LINE_MAX + 1];
        assert!(parser.take(&long).is_err());
    }
}
