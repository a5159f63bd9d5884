//! `command_id` values (SMPP 3.4 §5.1.2.1); the ones this product speaks.

/// The bit that makes a response's id of a request's.
pub const RESPONSE: u32 = 0x8000_0000;
/// bind_receiver.
pub const BIND_RECEIVER: u32 = 0x01;
/// bind_transmitter.
pub const BIND_TRANSMITTER: u32 = 0x02;
/// query_sm.
pub const QUERY_SM: u32 = 0x03;
/// query_sm_resp.
pub const QUERY_SM_RESP: u32 = QUERY_SM | RESPONSE;
/// submit_sm.
pub const SUBMIT_SM: u32 = 0x04;
/// submit_sm_resp.
pub const SUBMIT_SM_RESP: u32 = SUBMIT_SM | RESPONSE;
/// deliver_sm.
pub const DELIVER_SM: u32 = 0x05;
/// deliver_sm_resp.
pub const DELIVER_SM_RESP: u32 = DELIVER_SM | RESPONSE;
/// unbind.
pub const UNBIND: u32 = 0x06;
/// unbind_resp.
pub const UNBIND_RESP: u32 = UNBIND | RESPONSE;
/// cancel_sm.
pub const CANCEL_SM: u32 = 0x08;
/// cancel_sm_resp.
pub const CANCEL_SM_RESP: u32 = CANCEL_SM | RESPONSE;
/// bind_transceiver.
pub const BIND_TRANSCEIVER: u32 = 0x09;
/// outbind; it is ignored (security requirement S-10).
pub const OUTBIND: u32 = 0x0B;
/// enquire_link.
pub const ENQUIRE_LINK: u32 = 0x15;
/// enquire_link_resp.
pub const ENQUIRE_LINK_RESP: u32 = ENQUIRE_LINK | RESPONSE;
/// submit_multi.
pub const SUBMIT_MULTI: u32 = 0x21;
/// submit_multi_resp.
pub const SUBMIT_MULTI_RESP: u32 = SUBMIT_MULTI | RESPONSE;
/// alert_notification; it has no response.
pub const ALERT_NOTIFICATION: u32 = 0x102;
/// generic_nack: the response to what could not be read.
pub const GENERIC_NACK: u32 = RESPONSE;
