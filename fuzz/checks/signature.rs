//! Any text is read as `Signature-Input`, `Signature` and `Content-Digest`, one a line, without panic. What is read is
//! written again as one line a component, with no line break that is not ours, and reads as the same.

use domain::signature::{Head, MessageSignature, Needs, Presence, content_digest};

pub fn check(octets: &[u8]) {
    let Ok(text) = core::str::from_utf8(octets) else {
        return;
    };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (input, signature, digest) = (line(), line(), line());
    let _ = content_digest(digest);
    let Ok(read) = MessageSignature::read(input, signature) else {
        return;
    };
    let needs = Needs {
        query: Presence::Present,
        fields: &["content-digest"],
    };
    let covers_all = read.require(needs).is_ok();
    if covers_all {
        assert!(read.covers("@method") && read.covers("content-digest"));
    }
    if let Ok(claims) = read.claims() {
        assert!((16..=64).contains(&claims.nonce.len()));
    }
    let field = |name: &str| (name != "x-gone").then(|| "value".to_owned());
    let head = Head {
        method: "POST",
        authority: "gateway.example".to_owned(),
        path: "/v1/messages",
        query: Some("a=b"),
        field: &field,
    };
    if let Ok(base) = read.base(&head) {
        let (covered, last) = base.rsplit_once('\n').unwrap_or(("", &base));
        let params = last
            .strip_prefix("\"@signature-params\": ")
            .expect("the last line");
        assert!(
            covered
                .lines()
                .all(|line| line.starts_with('"') && line.contains("\": "))
        );
        let again = MessageSignature::read(&format!("sig={params}"), "sig=:AAAA:");
        let again = again.expect("what was written is read");
        assert_eq!(again.base(&head).as_deref(), Ok(base.as_str()));
        assert_eq!(again.claims(), read.claims());
    }
}
