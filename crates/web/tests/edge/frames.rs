//! HTTP/2 by hand: frames and heads that no proper client would write.

/// The start of every connection: the preface and settings without any.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// DATA.
pub const DATA: u8 = 0;
/// HEADERS.
pub const HEADERS: u8 = 1;
/// RST_STREAM.
pub const RESET: u8 = 3;
/// SETTINGS.
pub const SETTINGS: u8 = 4;
/// PING.
pub const PING: u8 = 6;
/// GOAWAY.
pub const GOODBYE: u8 = 7;

/// WINDOW_UPDATE.
pub const WINDOW: u8 = 8;
/// CONTINUATION.
pub const CONTINUATION: u8 = 9;

/// The flag of the last frame of a stream, and of an answer to a PING.
pub const END: u8 = 1;
/// The flag of a head in one frame.
pub const WHOLE: u8 = 4;

/// One frame.
pub fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![0, high, low, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

/// The kinds of the frames of one stream.
pub fn kinds(mut octets: &[u8], stream: u8) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let [a, b, c, kind, _, _, _, _, of, rest @ ..] = octets {
        let length = u32::from_be_bytes([0, *a, *b, *c]);
        if *of == stream {
            kinds.push(*kind);
        }
        octets = &rest[usize::try_from(length).unwrap()..];
    }
    kinds
}

/// The head of a request to `https://localhost`, by the static table of HPACK and nothing else.
pub fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    head_for("localhost", method, path, headers)
}

/// The same for another host.
pub fn head_for(host: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let method = if method == "POST" { 0x83 } else { 0x82 };
    let mut block = vec![method, 0x87, 0x04];
    text(&mut block, path);
    block.push(0x41);
    text(&mut block, host);
    for (name, value) in headers {
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    block
}

fn text(block: &mut Vec<u8>, text: &str) {
    block.push(u8::try_from(text.len()).unwrap());
    block.extend_from_slice(text.as_bytes());
}
