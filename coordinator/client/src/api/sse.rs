//! The text form of server-sent events (WHATWG HTML, section 9.2), fed piece by piece.

use bytes::Bytes;

/// A line that never ends must not fill the memory; a job's own event is a few KiB.
const EVENT_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// `message` when the stream names none.
    pub name: String,
    pub data: String,
    /// The last id that the stream gave, with this event or before it.
    pub id: Option<String>,
}

/// An event or a line that is longer than any of a coordinator's.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

#[derive(Debug, Default)]
pub struct Parser {
    unread: Vec<u8>,
    name: String,
    data: String,
    id: Option<String>,
}

impl Parser {
    pub fn feed(&mut self, bytes: &Bytes) -> Result<(), TooLong> {
        self.unread.extend_from_slice(bytes);
        if self.unread.len() + self.data.len() > EVENT_BYTES_MAX {
            return Err(TooLong);
        }
        Ok(())
    }

    /// The next complete event of what was fed.
    pub fn next_event(&mut self) -> Option<Event> {
        let mut from = 0;
        let mut event = None;
        while event.is_none() {
            let Some((end, next)) = line_end(&self.unread, from) else {
                break;
            };
            let line = String::from_utf8_lossy(&self.unread[from..end]).into_owned();
            event = self.take_line(&line);
            from = next;
        }
        self.unread.drain(..from);
        event
    }

    /// One line without its end; an empty one completes an event.
    fn take_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            return self.complete();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = value.into(),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.into()),
            // Comments (an empty field), `retry` and whatever comes later.
            _ => {}
        }
        None
    }

    fn complete(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        // Without data there is no event, only a new id.
        data.pop()?;
        Some(Event {
            name: if name.is_empty() {
                "message".into()
            } else {
                name
            },
            data,
            id: self.id.clone(),
        })
    }
}

/// Where the line from `from` on ends, and where the next one begins. A CR at the very end waits for
/// more bytes: an LF that follows it belongs to the same line end.
fn line_end(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let end = from
        + bytes[from..]
            .iter()
            .position(|b| matches!(b, b'\n' | b'\r'))?;
    match (bytes[end], bytes.get(end + 1)) {
        (b'\r', Some(b'\n')) => Some((end, end + 2)),
        (b'\r', None) => None,
        _ => Some((end, end + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pieces: &[&str]) -> Vec<Event> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.feed(&Bytes::from(piece.to_string())).unwrap();
            events.extend(std::iter::from_fn(|| parser.next_event()));
        }
        events
    }

    fn event(name: &str, data: &str, id: Option<&str>) -> Event {
        Event {
            name: name.into(),
            data: data.into(),
            id: id.map(Into::into),
        }
    }

    #[test]
    fn an_event_has_a_name_data_and_an_id() {
        let events = parse(&["event: frame\nid: 7\ndata: {\"a\":1}\n\ndata:b\n\n"]);
        assert_eq!(
            events,
            [
                event("frame", "{\"a\":1}", Some("7")),
                event("message", "b", Some("7"))
            ]
        );
    }

    #[test]
    fn pieces_may_be_cut_anywhere() {
        let whole = "event: job\r\nid: 3\r\ndata: x\r\ndata: ü\r\n\r\n";
        for at in 0..=whole.len() {
            let mut parser = Parser::default();
            let mut events = Vec::new();
            for piece in [&whole.as_bytes()[..at], &whole.as_bytes()[at..], b"\n"] {
                parser.feed(&Bytes::copy_from_slice(piece)).unwrap();
                events.extend(std::iter::from_fn(|| parser.next_event()));
            }
            assert_eq!(events, [event("job", "x\nü", Some("3"))], "cut at {at}");
        }
    }

    #[test]
    fn comments_and_empty_events_say_nothing() {
        assert_eq!(parse(&[": keep-alive\n\nevent: job\n\nretry: 10\n\n"]), []);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut parser = Parser::default();
        let long = Bytes::from(vec![b'a'; EVENT_BYTES_MAX + 1]);
        assert_eq!(parser.feed(&long), Err(TooLong));
    }
}
