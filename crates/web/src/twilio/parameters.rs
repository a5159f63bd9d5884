//! The parameters of a form: which are taken, which change nothing and are passed over, and which cannot be honoured
//! and are therefore refused by name. `docs/twilio.md` lists them.

use bytes::Bytes;
use http::Method;
use hyper::body::Incoming;

use crate::api::body::{self, Media};
use crate::api::{Api, Call, refuse_query};
use crate::json::Value;
use crate::json::fields::{Faults, Members};
use crate::problem::{Code, Fault, Place, Problem};
use crate::twilio::form::{self, Pairs};

/// A parameter that cannot be honoured.
pub(crate) struct Declined {
    /// Its name.
    pub(crate) name: &'static str,
    /// Values that ask for what is done anyway.
    pub(crate) harmless: &'static [&'static str],
    /// Why it is refused, and what to do.
    pub(crate) why: &'static str,
}

/// A parameter that cannot be honoured, whatever its value.
pub(crate) const fn declined(name: &'static str, why: &'static str) -> Declined {
    unless(name, &[], why)
}

/// A parameter that cannot be honoured, unless it asks for what is done anyway.
pub(crate) const fn unless(
    name: &'static str,
    harmless: &'static [&'static str],
    why: &'static str,
) -> Declined {
    Declined {
        name,
        harmless,
        why,
    }
}

/// What a call makes of the parameters that it does not take.
pub(crate) struct Rules {
    /// Names that change nothing here, whatever their values.
    pub(crate) ignored: &'static [&'static str],
    /// Names that are refused.
    pub(crate) declined: &'static [Declined],
}

impl Rules {
    /// What is left to be taken. An empty value is as good as none, but in `kept`.
    pub(crate) fn sort_out<'a>(
        &self,
        pairs: Pairs<'a>,
        kept: &[&str],
        faults: &mut Faults,
    ) -> Members<'a> {
        let mut members = Members::new();
        for (name, value) in pairs {
            let is_empty = value.is_empty() && !kept.contains(&name.as_ref());
            if is_empty || self.ignored.contains(&name.as_ref()) {
                continue;
            }
            let declined = self.declined.iter().find(|other| other.name == name);
            match declined {
                Some(declined) if declined.harmless.contains(&value.as_ref()) => {}
                Some(declined) => {
                    faults.add(Place::Parameter(declined.name.to_owned()), declined.why);
                }
                None => members.push((name, Value::Text(value))),
            }
        }
        members
    }
}

/// Splits a body into parameters.
pub(crate) fn pairs(body: &[u8]) -> Result<Pairs<'_>, Problem> {
    form::read(body).map_err(|error| {
        let detail = format!("{error}; nothing was done");
        Problem::new(Code::InvalidRequest, detail)
    })
}

/// A problem of the engine's that names parts of our own requests, with the names of the parameters.
pub(crate) fn renamed(problem: Problem, names: &[(&str, &str)]) -> Problem {
    let place = |place: Place| match &place {
        Place::Pointer(pointer) => names
            .iter()
            .find(|(ours, _)| ours == pointer)
            .map_or(place.clone(), |(_, theirs)| {
                Place::Parameter((*theirs).to_owned())
            }),
        _ => place,
    };
    let faults = problem.faults.into_iter().map(|fault| Fault {
        place: place(fault.place),
        ..fault
    });
    Problem {
        faults: faults.collect(),
        ..problem
    }
}

impl Api {
    /// Takes in a form on a route without a query.
    pub(crate) async fn form(
        &self,
        call: &Call<'_>,
        incoming: &mut Incoming,
    ) -> Result<Bytes, Problem> {
        refuse_query(call.parts)?;
        if call.parts.method == Method::POST {
            body::require(Media::Form, &call.parts.headers)?;
        }
        self.octets_up_to(self.settings.body_bytes_max, call, incoming)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        ignored: &["Attempt"],
        declined: &[Declined {
            name: "SendAsMms",
            harmless: &["false"],
            why: "is not sent here",
        }],
    };

    fn left(body: &str) -> (Vec<String>, Vec<String>) {
        let mut faults = Faults::default();
        let members = RULES.sort_out(pairs(body.as_bytes()).unwrap(), &["Body"], &mut faults);
        let names = members.iter().map(|(name, _)| name.to_string()).collect();
        let faults = faults.into_vec();
        let faults = faults.iter().map(|fault| fault.place.to_string());
        (names, faults.collect())
    }

    #[test]
    fn what_changes_nothing_is_passed_over_and_what_cannot_be_honoured_is_named() {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let check = |body: &str, names: &[&str], faults: &[&str]| {
            let expected: (Vec<String>, Vec<String>) = (owned(names), owned(faults));
            assert_eq!(left(body), expected, "{body}");
        };
        check("To=1&Attempt=7&Attempt=8", &["To"], &[]);
        check("SendAsMms=true", &[], &["SendAsMms"]);
        check("SendAsMms=false&SendAsMms=", &[], &[]);
        check("To=&Body=", &["Body"], &[]);
        check("Colour=red", &["Colour"], &[]);
    }

    #[test]
    fn a_part_of_our_own_requests_is_told_by_the_name_of_the_parameter() {
        let place = |pointer: &str| Place::Pointer(pointer.to_owned());
        let problem = |pointer| Problem::with_fault(place(pointer), "is too long");
        let names = [("/valid_for_seconds", "ValidityPeriod")];
        let told = |pointer| renamed(problem(pointer), &names).faults[0].place.clone();
        let parameter = Place::Parameter("ValidityPeriod".to_owned());
        assert_eq!(told("/valid_for_seconds"), parameter);
        assert_eq!(told("/other"), place("/other"));
    }
}
