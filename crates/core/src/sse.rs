//! Server-sent events: bytes in, events out, without IO. Accepts LF, CRLF and CR line ends, split anywhere.

use memchr::memchr2;
use thiserror::Error;

/// The longest event that is accepted, in bytes: far above any provider's, far below what hurts.
pub const MAX_EVENT: usize = 16 * 1024 * 1024;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Exactly the bytes that arrived, with the blank line that ended them.
    pub raw: Vec<u8>,
    /// The `event:` field.
    pub name: Option<String>,
    /// The `data:` lines joined by line feeds; `None` for a comment (a keep-alive).
    pub data: Option<String>,
}

/// An event grew beyond [`MAX_EVENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an event of the stream is longer than {MAX_EVENT} bytes")]
pub struct TooLong;

/// Cuts a byte stream into events.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    /// Everything before this was given away. It is thrown away when more arrives, not with each event: many come in one piece.
    taken: usize,
    /// Everything before this was looked at.
    scanned: usize,
    /// Where the current line began.
    line_start: usize,
}

impl Reader {
    /// Takes bytes as they arrive.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.forget_taken();
        if self.buffer.len() + bytes.len() > MAX_EVENT {
            return Err(TooLong);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn forget_taken(&mut self) {
        self.buffer.drain(..self.taken);
        self.scanned -= self.taken;
        self.line_start -= self.taken;
        self.taken = 0;
    }

    /// The next whole event, if there is one.
    pub fn next_event(&mut self) -> Option<Event> {
        while let Some(length) = memchr2(b'\n', b'\r', &self.buffer[self.scanned..]) {
            let at = self.scanned + length;
            self.scanned = at;
            let end = match (self.buffer[at], self.buffer.get(at + 1)) {
                // Whether a line feed follows is not known yet at the end of the buffer.
                (b'\r', None) => return None,
                (b'\r', Some(b'\n')) => at + 2,
                _ => at + 1,
            };
            let blank = at == self.line_start;
            self.scanned = end;
            self.line_start = end;
            if blank {
                return Some(self.take(end));
            }
        }
        self.scanned = self.buffer.len();
        None
    }

    /// What is left when the stream ends: an event whose blank line is missing, which some servers leave out.
    pub fn finish(mut self) -> Option<Event> {
        let rest = self.buffer.len();
        if rest == self.taken {
            return None;
        }
        let event = self.take(rest);
        (event.data.is_some()).then_some(event)
    }

    fn take(&mut self, end: usize) -> Event {
        let event = parse(self.buffer[self.taken..end].to_vec());
        self.taken = end;
        event
    }
}

fn parse(raw: Vec<u8>) -> Event {
    let text = String::from_utf8_lossy(&raw);
    let mut name = None;
    let mut data: Option<String> = None;
    for line in text.split(['\n', '\r']) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = Some(value.to_owned()),
            "data" => match &mut data {
                Some(joined) => {
                    joined.push('\n');
                    joined.push_str(value);
                }
                None => data = Some(value.to_owned()),
            },
            _ => {}
        }
    }
    Event { raw, name, data }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_in_pieces(bytes: &[u8], cuts: &[usize]) -> Vec<Event> {
        let mut reader = Reader::default();
        let mut events = Vec::new();
        let mut from = 0;
        for &cut in cuts.iter().chain([&bytes.len()]) {
            let to = cut.clamp(from, bytes.len());
            reader.push(&bytes[from..to]).expect("short");
            events.extend(std::iter::from_fn(|| reader.next_event()));
            from = to;
        }
        events.extend(reader.finish());
        events
    }

    #[test]
    fn events_names_comments_and_line_ends_are_read() {
        let events = read_in_pieces(
            b": hi\n\nevent: error\r\ndata:{\"a\":1}\r\n\r\ndata: x\ndata: y\n\ndata: [DONE]",
            &[],
        );
        let data: Vec<_> = events.iter().map(|e| (e.name.as_deref(), e.data.as_deref())).collect();
        assert_eq!(
            data,
            [(None, None), (Some("error"), Some("{\"a\":1}")), (None, Some("x\ny")), (None, Some("[DONE]"))]
        );
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut reader = Reader::default();
        let block = vec![b'x'; MAX_EVENT / 4];
        assert!((0..4).all(|_| reader.push(&block).is_ok()));
        assert_eq!(reader.push(b"x"), Err(TooLong));
    }

    proptest! {
        #[test]
        fn splitting_the_bytes_anywhere_changes_nothing(
            lines in proptest::collection::vec("(data: |event: |: |)[a-zé€ ]{0,6}(\n|\r\n|\n\n|\r\n\r\n)", 0..12),
            mut cuts in proptest::collection::vec(0_usize..120, 0..12),
        ) {
            let bytes = lines.concat().into_bytes();
            cuts.sort_unstable();
            let whole = read_in_pieces(&bytes, &[]);
            prop_assert_eq!(&read_in_pieces(&bytes, &cuts), &whole);
            let joined: Vec<u8> = whole.iter().flat_map(|event| event.raw.clone()).collect();
            prop_assert!(bytes.starts_with(&joined));
        }
    }
}
