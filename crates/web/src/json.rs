//! JSON, strictly read and plainly written. Reading keeps what was sent apart from what it means: a
//! wrong type or an unknown member is a fault with its place, never the end of the reading.

pub(crate) mod fields;
pub(crate) mod read;
pub(crate) mod write;

pub(crate) use fields::Fields;
pub(crate) use read::{Value, read};
pub(crate) use write::Json;
