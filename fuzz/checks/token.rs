//! Any text is read as a token of client validation on a request, without panic: the token, the target and the body, one
//! a line. What a token names is one request: the same with another body, another method or another host is none.

use http::request::{Builder, Parts};
use web::twilio::validation::names;

pub fn check(octets: &[u8]) {
    let Ok(text) = core::str::from_utf8(octets) else {
        return;
    };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (token, target, body) = (line(), line(), line().as_bytes());
    let with = |method: &str, host: &str| request(method, host, target, token);
    let Some(parts) = with("POST", "gateway.example") else {
        return;
    };
    let named = names(&parts, body);
    assert_eq!(named, names(&parts, body));
    if named != Ok(true) {
        return;
    }
    assert_eq!(names(&parts, &[body, b"&"].concat()), Ok(false));
    for (method, host) in [("GET", "gateway.example"), ("POST", "gateway.example:1")] {
        let other = with(method, host).expect("as good as the first");
        assert_eq!(names(&other, body), Ok(false));
    }
}

fn request(method: &str, host: &str, target: &str, token: &str) -> Option<Parts> {
    let request = Builder::new().method(method).uri(target);
    let request = request
        .header("host", host)
        .header("authorization", "Basic QUM6a2V5")
        .header("twilio-client-validation", token);
    Some(request.body(()).ok()?.into_parts().0)
}
