//! Carrier ids in the index: under a hash of carrier and folded id, which finds few too many. What is
//! found is compared with the segment's own facts.

use domain::carrier_id::CarrierMessageId;
use domain::message::CarrierName;
use engine::ports::store::CarrierIdRow;

use crate::fnv::fnv;

/// Where a segment of an older message is found by its carrier's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CarrierRecord {
    /// See [`carrier_key`].
    pub(crate) key: i64,
    /// The sequence of the message's id.
    pub(crate) message: u64,
    /// The segment's place, from 0.
    pub(crate) segment: u8,
}

impl CarrierRecord {
    /// The record of a segment.
    pub(crate) fn of(row: &CarrierIdRow) -> Self {
        let key = carrier_key(&row.carrier, &row.id);
        Self {
            key,
            message: row.message,
            segment: row.segment,
        }
    }
}

/// Under which number a carrier's id is indexed, however it is written.
pub(crate) fn carrier_key(carrier: &CarrierName, id: &CarrierMessageId) -> i64 {
    let folded = id.folded();
    let octets = carrier
        .as_str()
        .bytes()
        .chain([0])
        .chain(folded.as_str().bytes());
    i64::from_be_bytes(fnv(octets).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_id_share_a_key_and_carriers_do_not() {
        let key = |carrier: &str, id: &str| {
            let id = CarrierMessageId::parse(id.as_bytes()).unwrap();
            carrier_key(&CarrierName::new(carrier), &id)
        };
        assert_eq!(key("a", "00AB"), key("a", "ab"));
        assert_ne!(key("a", "ab"), key("b", "ab"));
        assert_ne!(key("a", "ab"), key("aa", "b"));
    }
}
