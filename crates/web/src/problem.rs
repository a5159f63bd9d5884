//! Problems (RFC 9457): what every answer that is no success looks like. Which problem an error of the
//! engine becomes is said in `http_errors`.

mod code;
mod throttled;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::limit::book::Meter;

pub use code::Code;
use engine::RiskRefusal;

use crate::json::Json;

/// What is wrong with one part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Which part.
    pub(crate) place: Place,
    /// What is wrong with it and what to do; never its value.
    pub(crate) detail: Cow<'static, str>,
}

/// A part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A member of the body, as a JSON pointer (RFC 6901); empty for the body itself.
    Pointer(String),
    /// A parameter of the query; empty when its name may not be repeated.
    Parameter(String),
    /// A header.
    Header(&'static str),
}

impl Place {
    /// The name of the member that holds it, and its value.
    fn member(&self) -> (&'static str, Cow<'_, str>) {
        match self {
            Self::Pointer(pointer) => ("pointer", Cow::Owned(format!("#{pointer}"))),
            Self::Parameter(name) => ("parameter", Cow::Borrowed(name)),
            Self::Header(name) => ("header", Cow::Borrowed(name)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.member().1)
    }
}

/// One problem. `detail` and `faults` hold no number, text or key.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// What it is.
    pub(crate) code: Code,
    /// What happened, why, and what to do.
    pub(crate) detail: Cow<'static, str>,
    /// The parts that are wrong.
    pub(crate) faults: Vec<Fault>,
    /// When to come back, in whole seconds.
    pub(crate) retry_after: Option<u64>,
    /// The methods of the path, for 405.
    pub(crate) allow: Option<&'static str>,
    /// How it stands with the limits that refuse, for 429.
    pub(crate) violated: Arc<[Meter]>,
    /// What a code was refused for.
    pub(crate) reason: Option<RiskRefusal>,
    /// What a refused verification leaves to the person.
    pub(crate) still_works: Option<Box<StillWorks>>,
}

/// What a person can still do whose number is out of checks or sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StillWorks {
    /// The channels whose codes are checked.
    pub(crate) checks: Vec<&'static str>,
    /// When a code is sent again, in whole seconds; 0 is now, none is not before the number is proved anew.
    pub(crate) send_after: Option<u64>,
}

impl Problem {
    /// A problem with its explanation.
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            faults: Vec::new(),
            retry_after: None,
            allow: None,
            reason: None,
            still_works: None,
            violated: Arc::default(),
        }
    }

    /// With what is wrong with which part.
    pub(crate) fn with_faults(faults: Vec<Fault>) -> Self {
        let detail = "fields of the request are wrong, so that nothing was done: correct each one \
                      listed under errors and send the request again";
        Self {
            faults,
            ..Self::new(Code::InvalidRequest, detail)
        }
    }

    /// With one wrong part.
    pub(crate) fn with_fault(place: Place, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::with_faults(vec![Fault {
            place,
            detail: detail.into(),
        }])
    }

    /// With when to come back: rounded up, at least a second.
    pub(crate) fn retry_after(self, after: Duration) -> Self {
        Self {
            retry_after: Some(whole_seconds(after).max(1)),
            ..self
        }
    }

    /// Writes the members of the problem into an object that is open.
    pub(crate) fn write(&self, json: &mut Json) {
        json.name("type")
            .word(format_args!("/docs/errors#{}", self.code.as_str()));
        json.name("title").text(self.code.title());
        json.name("status").bare(self.code.status().as_u16());
        json.name("code").word(self.code.as_str());
        json.name("detail").text(&self.detail);
        if let Some(reason) = self.reason {
            json.name("reason").word(reason.code());
        }
        if !self.faults.is_empty() {
            json.name("errors").open_list();
            for fault in &self.faults {
                let (name, place) = fault.place.member();
                json.open()
                    .name(name)
                    .text(&place)
                    .name("detail")
                    .text(&fault.detail)
                    .close();
            }
            json.close_list();
        }
        if !self.violated.is_empty() {
            json.name("violated-policies").open_list();
            for meter in self.violated.iter() {
                json.word(&meter.name);
            }
            json.close_list();
        }
        if let Some(seconds) = self.retry_after {
            json.name("retry_after_seconds").bare(seconds);
        }
        if let Some(works) = &self.still_works {
            json.name("still_works").open();
            json.name("checks").open_list();
            for channel in &works.checks {
                json.word(channel);
            }
            json.close_list();
            if let Some(seconds) = works.send_after {
                json.name("send_after_seconds").bare(seconds);
            }
            json.close();
        }
    }
}

/// Rounded up.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_written_as_the_page_says() {
        let fault = Fault {
            place: Place::Pointer("/to".to_owned()),
            detail: "is missing".into(),
        };
        let problem = Problem {
            faults: vec![fault],
            ..Problem::new(Code::QueueFull, "full: wait")
        }
        .retry_after(Duration::from_millis(1_200));
        let mut json = Json::default();
        json.open();
        problem.write(&mut json);
        json.close();
        assert_eq!(
            json.finish(),
            r##"{"type":"/docs/errors#queue-full","title":"Queue is full","status":503,"code":"queue-full","detail":"full: wait","errors":[{"pointer":"#/to","detail":"is missing"}],"retry_after_seconds":2}"##
        );
    }

    #[test]
    fn retry_after_is_rounded_up_and_never_zero() {
        let after = |wait| Problem::new(Code::Busy, "").retry_after(wait).retry_after;
        assert_eq!(after(Duration::ZERO), Some(1));
        assert_eq!(after(Duration::from_millis(1_001)), Some(2));
        assert_eq!(after(Duration::from_secs(3)), Some(3));
    }
}
