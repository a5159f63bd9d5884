//! Takes the members of one object, or the parameters of a query, by name and collects what is wrong
//! with them: missing, twice, of the wrong type, unknown. A fault names the member and never repeats
//! its value.

use std::borrow::Cow;
use std::fmt::Display;

use crate::json::read::Value;
use crate::problem::{Fault, Place};

/// Faults reported at most: enough for every member of a message, and a bound on the answer.
const FAULTS_MAX: usize = 24;

/// The longest name of an unknown member that is repeated to the caller.
const NAME_MAX: usize = 40;

/// What is said of a member that is not there.
pub(crate) const MISSING: &str = "is missing";

/// What is wrong with a request, in the order found.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds one.
    pub(crate) fn add(&mut self, place: Place, detail: impl Into<Cow<'static, str>>) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(Fault {
                place,
                detail: detail.into(),
            });
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults.
    pub(crate) fn into_vec(self) -> Vec<Fault> {
        self.0
    }
}

/// Members by their names.
pub(crate) type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// Where members come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// An object of the body at this JSON pointer: empty for the body itself.
    Body(&'static str),
    /// The query, where everything is text.
    Query,
}

impl Source {
    fn place(self, name: &str) -> Place {
        match self {
            Self::Body(at) => Place::Pointer(format!("{at}/{name}")),
            Self::Query => Place::Parameter(name.to_owned()),
        }
    }

    fn itself(self) -> Place {
        match self {
            Self::Body(at) => Place::Pointer(at.to_owned()),
            Self::Query => Place::Parameter(String::new()),
        }
    }
}

/// The members that have not been taken yet.
pub(crate) struct Fields<'a, 'f> {
    members: Members<'a>,
    source: Source,
    faults: &'f mut Faults,
}

impl<'a, 'f> Fields<'a, 'f> {
    /// Opens a value as an object; anything else is a fault, and then has no members.
    pub(crate) fn open(value: Value<'a>, at: &'static str, faults: &'f mut Faults) -> Self {
        let source = Source::Body(at);
        if let Value::Object(members) = value {
            return Self {
                members,
                source,
                faults,
            };
        }
        faults.add(source.itself(), "must be a JSON object");
        Self {
            members: Members::new(),
            source,
            faults,
        }
    }

    /// The parameters of a query.
    pub(crate) fn of_query(parameters: Members<'a>, faults: &'f mut Faults) -> Self {
        Self {
            members: parameters,
            source: Source::Query,
            faults,
        }
    }

    /// Takes a member; `null` is as good as absent.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Value<'a>> {
        let place = self.members.iter().position(|(found, _)| found == name)?;
        let (_, value) = self.members.swap_remove(place);
        while let Some(again) = self.members.iter().position(|(found, _)| found == name) {
            self.members.swap_remove(again);
            let twice = "is there twice: which one is meant?";
            self.faults.add(self.source.place(name), twice);
        }
        (value != Value::Null).then_some(value)
    }

    /// A text that may be absent.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<Cow<'a, str>> {
        match self.take(name)? {
            Value::Text(text) => Some(text),
            _ => self.fault(name, "must be a text"),
        }
    }

    /// A text that must be there.
    pub(crate) fn required(&mut self, name: &'static str) -> Option<Cow<'a, str>> {
        match self.take(name) {
            Some(Value::Text(text)) => Some(text),
            Some(_) => self.fault(name, "must be a text"),
            None => self.fault(name, MISSING),
        }
    }

    /// A whole number that may be absent.
    pub(crate) fn whole(&mut self, name: &'static str) -> Option<u64> {
        let number = match (self.take(name)?, self.source) {
            (Value::Whole(number), _) => Some(number),
            (Value::Text(text), Source::Query) => digits(&text),
            _ => None,
        };
        match number {
            Some(number) => Some(number),
            None => self.fault(
                name,
                "must be a whole number, not negative and without quotes",
            ),
        }
    }

    /// A yes or no that may be absent.
    pub(crate) fn flag(&mut self, name: &'static str) -> Option<bool> {
        match (self.take(name)?, self.source) {
            (Value::Flag(flag), _) => Some(flag),
            (Value::Text(text), Source::Query) if text == "true" => Some(true),
            (Value::Text(text), Source::Query) if text == "false" => Some(false),
            _ => self.fault(name, "must be true or false"),
        }
    }

    /// A required text, read by a parser whose errors repeat nothing.
    pub(crate) fn parsed<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.required(name)?;
        self.checked(name, parse(&text))
    }

    /// The same for a text that may be absent.
    pub(crate) fn parsed_if_there<T, E: Display>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name)?;
        self.checked(name, parse(&text))
    }

    /// Keeps a value, or its error as a fault.
    pub(crate) fn checked<T, E: Display>(
        &mut self,
        name: &'static str,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.fault(name, error.to_string()),
        }
    }

    /// Opens a member as an object of its own.
    pub(crate) fn object(
        &mut self,
        name: &'static str,
        at: &'static str,
    ) -> Option<Fields<'a, '_>> {
        let value = self.take(name)?;
        Some(Fields::open(value, at, self.faults))
    }

    /// Records a fault of a member.
    pub(crate) fn fault<T>(
        &mut self,
        name: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Option<T> {
        self.faults.add(self.source.place(name), detail);
        None
    }

    /// Ends the object: whatever is left is unknown.
    pub(crate) fn close(self) {
        for (name, _) in &self.members {
            // The name itself may be a number or a key that went astray.
            let shown = may_be_repeated(name);
            let place = if shown {
                self.source.place(name)
            } else {
                self.source.itself()
            };
            self.faults
                .add(place, "is not known here: remove it, or check its spelling");
        }
    }
}

/// A whole number in decimal digits alone: no sign, no spaces, no other script's digits.
fn digits(text: &str) -> Option<u64> {
    text.bytes()
        .all(|octet| octet.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// Whether the name of an unknown member may stand in an answer: it looks like a name, and not like
/// a number, a key or a text.
fn may_be_repeated(name: &str) -> bool {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    name.len() <= NAME_MAX
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !name.starts_with("ssk_")
        && name.chars().all(plain)
        && name.chars().filter(char::is_ascii_digit).count() <= 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::read;

    fn faults_of(body: &str) -> Vec<String> {
        let mut faults = Faults::default();
        let mut fields = Fields::open(read(body.as_bytes(), 50).unwrap(), "", &mut faults);
        let _ = fields.required("to");
        let _ = fields.text("note");
        let _ = fields.whole("seconds");
        if let Some(mut risk) = fields.object("risk", "/risk") {
            let _ = risk.text("ip");
            risk.close();
        }
        fields.close();
        let line = |fault: Fault| format!("{}: {}", fault.place, fault.detail);
        faults.into_vec().into_iter().map(line).collect()
    }

    #[test]
    fn every_wrong_member_is_reported_at_once() {
        let found = faults_of(r#"{"note":1,"seconds":"9","risk":{"ip":[],"x":1},"colour":"red"}"#);
        assert_eq!(
            found,
            [
                "#/to: is missing",
                "#/note: must be a text",
                "#/seconds: must be a whole number, not negative and without quotes",
                "#/risk/ip: must be a text",
                "#/risk/x: is not known here: remove it, or check its spelling",
                "#/colour: is not known here: remove it, or check its spelling",
            ]
        );
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused_even_when_both_are_alike() {
        let found = faults_of(r#"{"to":"a","to":"a"}"#);
        assert_eq!(found, ["#/to: is there twice: which one is meant?"]);
    }

    #[test]
    fn null_is_as_good_as_absent() {
        assert_eq!(
            faults_of(r#"{"to":"a","note":null,"risk":null}"#),
            Vec::<String>::new()
        );
        assert_eq!(faults_of(r#"{"to":null}"#), ["#/to: is missing"]);
    }

    #[test]
    fn a_name_that_may_be_personal_is_not_repeated() {
        for name in [
            "+447700900123",
            "447700900123",
            "ssk_Ab12Cd34",
            "Dear Anna",
            "a".repeat(41).as_str(),
        ] {
            let found = faults_of(&format!(r#"{{"to":"a","{name}":1}}"#));
            assert_eq!(
                found,
                ["#: is not known here: remove it, or check its spelling"],
                "{name}"
            );
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_told_so() {
        assert_eq!(
            faults_of("[]"),
            ["#: must be a JSON object", "#/to: is missing"]
        );
    }
}
