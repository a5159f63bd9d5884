//! Messages out of octets: frames with counted octets, and of each message what a test asks about.

/// A message of syslog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The index of the entry, from the structured data.
    pub index: u64,
    /// The whole message.
    pub text: String,
}

impl Message {
    /// What stands behind the structured data.
    pub fn body(&self) -> &str {
        let (_, body) = self.text.split_once("\"] ").expect("structured data");
        body
    }
}

/// The whole messages of one connection. It panics where a frame or its message is malformed.
pub(crate) fn read(octets: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut rest = octets;
    while let Some(space) = rest.iter().position(|octet| *octet == b' ') {
        let length = std::str::from_utf8(&rest[..space]).expect("a length");
        let length: usize = length.parse().expect("a length");
        let Some(message) = rest.get(space + 1..space + 1 + length) else {
            break;
        };
        messages.push(parse(message));
        rest = &rest[space + 1 + length..];
    }
    messages
}

fn parse(message: &[u8]) -> Message {
    let text = String::from_utf8(message.to_vec()).expect("UTF-8");
    assert!(text.starts_with('<'), "{text}");
    let (_, after) = text.split_once(" index=\"").expect("an index");
    let (index, _) = after.split_once('"').expect("an index");
    let index = index.parse().expect("an index");
    Message { index, text }
}
