//! Any octets are read as a form, without panic and with a bound; what is read and written again is read the same.
//! Any text is read as a SID of each kind; what is one is written as it was, but for the letters that are read too.

use web::twilio::form::{PARAMETERS_MAX, encoded, read};
use web::twilio::sid::{Account, ApiKey, Letters, Message, Sid, Verification};

pub fn check(octets: &[u8]) {
    if let Ok(pairs) = read(octets) {
        assert!(pairs.len() <= PARAMETERS_MAX);
        let written: Vec<String> = pairs
            .iter()
            .filter(|(name, value)| !name.is_empty() || !value.is_empty())
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        let written = written.join("&");
        let again = read(written.as_bytes()).expect("what is encoded is read");
        let kept = pairs
            .iter()
            .filter(|(name, value)| !name.is_empty() || !value.is_empty());
        assert!(again.iter().eq(kept));
        for (name, value) in &pairs {
            sid(name);
            sid(value);
        }
    }
    if let Ok(text) = core::str::from_utf8(octets) {
        sid(text);
    }
}

fn sid(text: &str) {
    let kinds = [
        one::<Account>(text),
        one::<ApiKey>(text),
        one::<Message>(text),
        one::<Verification>(text),
    ];
    assert!(
        kinds.iter().filter(|is_one| **is_one).count() <= 1,
        "two kinds"
    );
}

fn one<L: Letters>(text: &str) -> bool {
    let Ok(sid) = text.parse::<Sid<L>>() else {
        return false;
    };
    let written = sid.to_string();
    assert_eq!(written.get(2..), text.get(2..));
    assert!(written == text || L::READ_TOO.is_some_and(|too| text.starts_with(too)));
    true
}
