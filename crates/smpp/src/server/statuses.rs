//! The one place where what the engine says becomes a `command_status` for ESMEs. `docs/smpp.md` has the
//! same table with what to do about each. A refusal is an answer with a reason; a failure is ours.

use domain::admission::Refusal;
use engine::{BindRefused, CancelError, LookupError, SubmitError};

use crate::pdu::{Malformed, Why, id};
use crate::status::Status;

/// In answer to a submit.
pub(super) fn of_submit(error: &SubmitError) -> Status {
    match error {
        SubmitError::Refused(refusal) => of_refusal(refusal),
        SubmitError::Pumping(_) => Status::REJECTED_BY_APPLICATION,
        SubmitError::Throttled(_) => Status::THROTTLED,
        // An ESME names no URL.
        SubmitError::KeyReused | SubmitError::Callback(_) => Status::INVALID_OPTION_VALUE,
        SubmitError::KeyInFlight
        | SubmitError::KeysFull
        | SubmitError::StorageLow
        | SubmitError::Busy => Status::TEMPORARY_APPLICATION_ERROR,
        SubmitError::TooManySegments { .. } => Status::INVALID_MESSAGE_LENGTH,
        SubmitError::ValidityTooLong { .. } => Status::INVALID_EXPIRY,
        SubmitError::Unavailable => Status::SYSTEM_ERROR,
    }
}

const fn of_refusal(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::ShortCodeNotGranted => Status::INVALID_SOURCE,
        Refusal::ClassNotGranted => Status::INVALID_SERVICE_TYPE,
        Refusal::NoRoute => Status::SUBMIT_FAILED,
        Refusal::CountryOff(_) | Refusal::RangeOff(_) => Status::INVALID_DESTINATION,
        Refusal::OptedOut => Status::REJECTED_BY_APPLICATION,
        Refusal::QueueFull(_) => Status::QUEUE_FULL,
    }
}

/// In answer to a bind. All that is not enough is one and the same.
pub(super) const fn of_bind(refused: BindRefused) -> Status {
    match refused {
        BindRefused::Denied { .. } => Status::BIND_FAILED,
        BindRefused::Unavailable => Status::SYSTEM_ERROR,
    }
}

/// In answer to query_sm.
pub(super) const fn of_query(error: LookupError) -> Status {
    match error {
        LookupError::NotFound => Status::INVALID_MESSAGE_ID,
        LookupError::Unavailable => Status::SYSTEM_ERROR,
    }
}

/// In answer to cancel_sm.
pub(super) const fn of_cancel(error: CancelError) -> Status {
    match error {
        CancelError::NotFound => Status::INVALID_MESSAGE_ID,
        CancelError::TooLate(_) => Status::CANCEL_FAILED,
        CancelError::Unavailable => Status::SYSTEM_ERROR,
    }
}

/// In answer to a PDU that cannot be read: the status of the field that is too long, where SMPP has one.
pub(super) fn of_malformed(error: &Malformed) -> Status {
    if matches!(
        error.id,
        id::BIND_RECEIVER | id::BIND_TRANSMITTER | id::BIND_TRANSCEIVER
    ) {
        return Status::BIND_FAILED;
    }
    let Why::TooLong { field } = error.why else {
        return error.why.status();
    };
    match field {
        "source_addr" => Status::INVALID_SOURCE,
        "destination_addr" => Status::INVALID_DESTINATION,
        "service_type" => Status::INVALID_SERVICE_TYPE,
        "schedule_delivery_time" => Status::INVALID_SCHEDULE,
        "validity_period" => Status::INVALID_EXPIRY,
        "message_id" => Status::INVALID_MESSAGE_ID,
        "short_message" => Status::INVALID_MESSAGE_LENGTH,
        "dl_name" => Status::INVALID_LIST_NAME,
        _ => Status::INVALID_PARAMETER_LENGTH,
    }
}
