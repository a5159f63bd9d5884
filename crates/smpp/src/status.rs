//! `command_status`: the names of the codes and how a client reacts to each (SMPP 3.4 §5.1.3).

use std::fmt;

/// A `command_status` as it stands in a header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Status(pub u32);

/// What a status in answer to submit_sm means for the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// It was taken.
    Accepted,
    /// We were too fast: pause; it goes back to the head of the queue.
    Throttled,
    /// The carrier's queue is full: try again at the tail of the queue, a few times.
    RetryTail,
    /// A temporary failure of the carrier: back off, then try again.
    BackOff,
    /// Refused for good, which is also the reading of every code that is not known.
    Permanent,
}

macro_rules! statuses {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        impl Status {
            $(#[doc = concat!("`ESME_", $text, "`.")] pub const $name: Self = Self($code);)*

            /// The name in the specification without `ESME_`; `None` for a code that has none.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($text),)*
                    _ => None,
                }
            }

            /// Every code that has a name.
            pub const ALL: &'static [Self] = &[$(Self($code)),*];
        }
    };
}

statuses! {
    OK = 0x00, "ROK";
    INVALID_MESSAGE_LENGTH = 0x01, "RINVMSGLEN";
    INVALID_COMMAND_LENGTH = 0x02, "RINVCMDLEN";
    INVALID_COMMAND_ID = 0x03, "RINVCMDID";
    INVALID_BIND_STATUS = 0x04, "RINVBNDSTS";
    ALREADY_BOUND = 0x05, "RALYBND";
    INVALID_PRIORITY = 0x06, "RINVPRTFLG";
    INVALID_REGISTERED_DELIVERY = 0x07, "RINVREGDLVFLG";
    SYSTEM_ERROR = 0x08, "RSYSERR";
    INVALID_SOURCE = 0x0A, "RINVSRCADR";
    INVALID_DESTINATION = 0x0B, "RINVDSTADR";
    INVALID_MESSAGE_ID = 0x0C, "RINVMSGID";
    BIND_FAILED = 0x0D, "RBINDFAIL";
    INVALID_PASSWORD = 0x0E, "RINVPASWD";
    INVALID_SYSTEM_ID = 0x0F, "RINVSYSID";
    CANCEL_FAILED = 0x11, "RCANCELFAIL";
    REPLACE_FAILED = 0x13, "RREPLACEFAIL";
    QUEUE_FULL = 0x14, "RMSGQFUL";
    INVALID_SERVICE_TYPE = 0x15, "RINVSERTYP";
    INVALID_DESTINATION_COUNT = 0x33, "RINVNUMDESTS";
    INVALID_LIST_NAME = 0x34, "RINVDLNAME";
    INVALID_DESTINATION_FLAG = 0x40, "RINVDESTFLAG";
    INVALID_SUBMIT_WITH_REPLACE = 0x42, "RINVSUBREP";
    INVALID_ESM_CLASS = 0x43, "RINVESMCLASS";
    CANNOT_SUBMIT_TO_LIST = 0x44, "RCNTSUBDL";
    SUBMIT_FAILED = 0x45, "RSUBMITFAIL";
    INVALID_SOURCE_TON = 0x48, "RINVSRCTON";
    INVALID_SOURCE_NPI = 0x49, "RINVSRCNPI";
    INVALID_DESTINATION_TON = 0x50, "RINVDSTTON";
    INVALID_DESTINATION_NPI = 0x51, "RINVDSTNPI";
    INVALID_SYSTEM_TYPE = 0x53, "RINVSYSTYP";
    INVALID_REPLACE_FLAG = 0x54, "RINVREPFLAG";
    INVALID_MESSAGE_COUNT = 0x55, "RINVNUMMSGS";
    THROTTLED = 0x58, "RTHROTTLED";
    INVALID_SCHEDULE = 0x61, "RINVSCHED";
    INVALID_EXPIRY = 0x62, "RINVEXPIRY";
    INVALID_DEFAULT_MESSAGE_ID = 0x63, "RINVDFTMSGID";
    TEMPORARY_APPLICATION_ERROR = 0x64, "RX_T_APPN";
    PERMANENT_APPLICATION_ERROR = 0x65, "RX_P_APPN";
    REJECTED_BY_APPLICATION = 0x66, "RX_R_APPN";
    QUERY_FAILED = 0x67, "RQUERYFAIL";
    INVALID_OPTIONAL_PART = 0xC0, "RINVOPTPARSTREAM";
    OPTION_NOT_ALLOWED = 0xC1, "ROPTPARNOTALLWD";
    INVALID_PARAMETER_LENGTH = 0xC2, "RINVPARLEN";
    MISSING_OPTION = 0xC3, "RMISSINGOPTPARAM";
    INVALID_OPTION_VALUE = 0xC4, "RINVOPTPARAMVAL";
    DELIVERY_FAILURE = 0xFE, "RDELIVERYFAILURE";
    UNKNOWN_ERROR = 0xFF, "RUNKNOWNERR";
    SERVICE_TYPE_UNAUTHORISED = 0x100, "RSERTYPUNAUTH";
    PROHIBITED = 0x101, "RPROHIBITED";
    SERVICE_TYPE_UNAVAILABLE = 0x102, "RSERTYPUNAVAIL";
    SERVICE_TYPE_DENIED = 0x103, "RSERTYPDENIED";
    INVALID_DATA_CODING = 0x104, "RINVDCS";
}

impl Status {
    /// What it means in answer to a submit_sm.
    pub const fn reaction(self) -> Reaction {
        match self {
            Self::OK => Reaction::Accepted,
            Self::THROTTLED => Reaction::Throttled,
            Self::QUEUE_FULL => Reaction::RetryTail,
            // A session that is not bound (04) took nothing, and is about to end.
            Self::SYSTEM_ERROR | Self::TEMPORARY_APPLICATION_ERROR | Self::INVALID_BIND_STATUS => {
                Reaction::BackOff
            }
            _ => Reaction::Permanent,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "ESME_{name} ({:#x})", self.0),
            None => write!(f, "status {:#x}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(codes: &[u32], reaction: Reaction) {
        for code in codes {
            assert_eq!(Status(*code).reaction(), reaction, "{}", Status(*code));
        }
    }

    #[test]
    fn each_status_has_its_reaction() {
        check(&[0x00], Reaction::Accepted);
        check(&[0x58], Reaction::Throttled);
        check(&[0x14], Reaction::RetryTail);
        check(&[0x04, 0x08, 0x64], Reaction::BackOff);
        check(
            &[0x0A, 0x0B, 0x45, 0x65, 0x66, 0x400, 0xFF, u32::MAX],
            Reaction::Permanent,
        );
    }

    #[test]
    fn statuses_are_named_as_in_the_specification() {
        assert_eq!(Status::THROTTLED.to_string(), "ESME_RTHROTTLED (0x58)");
        assert_eq!(Status(0x445).to_string(), "status 0x445");
        assert!(Status::ALL.iter().all(|status| status.name().is_some()));
        assert_eq!(Status::ALL.len(), 53);
    }
}
