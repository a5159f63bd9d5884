//! Forms for providers and from them; how they are encoded is said in [`crate::twilio::form`].

use crate::twilio::form::{FormError, encoded, read as pairs};

/// Fields with their values, in their order.
pub(super) type Fields = Vec<(String, String)>;

/// Writes fields.
pub(super) fn write(fields: &[(&str, &str)]) -> String {
    let written = fields.iter();
    let written = written.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    written.collect::<Vec<_>>().join("&")
}

/// Reads fields.
pub(super) fn read(octets: &[u8]) -> Result<Fields, FormError> {
    let pairs = pairs(octets)?.into_iter();
    Ok(pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect())
}

/// The value of a field that is there exactly once.
pub(super) fn one<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    let mut found = fields.iter().filter(|(other, _)| other == name);
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_were_written_and_none_that_is_there_twice() {
        let written = write(&[("To", "+44 7"), ("Body", "a&b=c%\né€😀"), ("Body ", "")]);
        let fields = read(written.as_bytes()).unwrap();
        assert_eq!(one(&fields, "To"), Some("+44 7"));
        assert_eq!(one(&fields, "Body"), Some("a&b=c%\né€😀"));
        let twice = read(b"a=1&a=1").unwrap();
        assert_eq!((one(&twice, "a"), one(&twice, "b")), (None, None));
        assert!(read(b"a=%").is_err());
    }
}
