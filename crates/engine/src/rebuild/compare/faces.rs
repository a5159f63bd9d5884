//! The fields of rows as words, to tell which of them differ.

use domain::class::TrafficClass;
use domain::message::Segment;
use domain::signature::Algorithm;
use domain::time::Timestamp;
use domain::verification::totp::Authenticator;

use super::super::difference::{ANOTHER, NOTHING, THERE};
use crate::rows::{
    ApiKeyRow, CallbackSecretRow, ClientRow, EsmeOrigin, FactorRow, InboundRow, MessageRow,
    OptOutRow, OptOutStanding, VaultRow, VerifyServiceRow,
};

/// A field, what the ledger says of it and what the store says.
pub(super) type Differing = (&'static str, String, String);

/// A row whose fields can be held against another's.
pub(super) trait Faces: PartialEq {
    /// Its fields, always the same ones in the same order.
    fn faces(&self) -> Vec<(&'static str, Face)>;

    /// The fields in which it differs from the store's row.
    fn differing(&self, store: &Self) -> Vec<Differing> {
        let pairs = self.faces().into_iter().zip(store.faces());
        let differing = pairs.filter(|((_, told), (_, kept))| !told.agrees(kept));
        differing
            .map(|((field, told), (_, kept))| (field, told.shown(), kept.shown_beside(&told)))
            .collect()
    }
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// Words.
    Word(String),
    /// Moments.
    Times(Vec<Option<Timestamp>>),
    /// Something that is not shown.
    Hidden([u8; 16]),
}

impl Face {
    fn of(word: &(impl ToString + ?Sized)) -> Self {
        Self::Word(word.to_string())
    }

    fn some(word: Option<impl ToString>) -> Self {
        Self::Word(word.map_or_else(|| NOTHING.to_owned(), |word| word.to_string()))
    }

    fn at(time: Timestamp) -> Self {
        Self::Times(vec![Some(time)])
    }

    /// Entries of a node never go back in time. While its clock shows less than the entry before, they
    /// keep that one's time, and the row has the earlier one.
    fn agrees(&self, store: &Self) -> bool {
        let (Self::Times(told), Self::Times(kept)) = (self, store) else {
            return self == store;
        };
        let agrees = |(told, kept): (&Option<Timestamp>, &Option<Timestamp>)| match (told, kept) {
            (Some(told), Some(kept)) => kept <= told,
            (told, kept) => told == kept,
        };
        told.len() == kept.len() && told.iter().zip(kept).all(agrees)
    }

    /// As [`Self::shown`], beside the one that it should be and is not.
    fn shown_beside(&self, told: &Self) -> String {
        match (told, self) {
            (Self::Hidden(_), Self::Hidden(_)) => ANOTHER.to_owned(),
            _ => self.shown(),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Hidden(_) => THERE.to_owned(),
            Self::Times(times) => {
                let times = times.iter().map(|time| match time {
                    Some(time) => time.to_string(),
                    None => NOTHING.to_owned(),
                });
                times.collect::<Vec<_>>().join(" ")
            }
        }
    }
}

impl Faces for MessageRow {
    fn faces(&self) -> Vec<(&'static str, Face)> {
        let segments: Vec<String> = self.segments.iter().map(segment).collect();
        let changed = self.segments.iter().map(Segment::changed).collect();
        vec![
            ("id", Face::of(&self.id)),
            ("client", Face::some(self.head.client)),
            ("class", Face::of(&self.head.class)),
            ("from", Face::of(&self.head.from)),
            ("encoding", Face::of(&self.head.encoding.name())),
            ("campaign", Face::some(self.head.campaign.as_deref())),
            ("esme", Face::some(self.head.esme.as_ref().map(esme))),
            (
                "callback",
                Face::some(self.head.callback.as_ref().map(|_| "sealed")),
            ),
            ("state", Face::of(&self.state)),
            ("version", Face::of(&self.version)),
            ("created", Face::at(self.created)),
            ("expires", Face::of(&self.expires)),
            ("updated", Face::at(self.updated)),
            ("subject", Face::Hidden(self.subject)),
            ("segments", Face::of(&segments.join(", "))),
            ("segment-times", Face::Times(changed)),
        ]
    }
}

/// The ESME that submitted it, and which receipts it asked for.
fn esme(esme: &EsmeOrigin) -> String {
    format!("{} {}", esme.system_id, esme.receipts)
}

/// The facts of a segment, without its time.
fn segment(segment: &Segment) -> String {
    let bind = segment.bind().map(u64::from);
    let words = [
        format!("{:?}", segment.state()).to_lowercase(),
        format!("attempts {}", segment.attempts()),
        named("carrier", segment.carrier()),
        named("bind", bind),
        named("id", segment.carrier_id().map(ToString::to_string)),
        named("error", segment.error()),
        named("doubtful", segment.may_have_left().then_some("yes")),
    ];
    let said = words.into_iter().filter(|word| !word.is_empty());
    said.collect::<Vec<_>>().join(" ")
}

fn named(name: &str, value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| format!("{name} {}", value.to_string()))
}

impl Faces for InboundRow {
    fn faces(&self) -> Vec<(&'static str, Face)> {
        vec![
            ("id", Face::of(&self.id)),
            ("to", Face::of(&self.to)),
            ("received", Face::at(self.received)),
            ("keyword", Face::some(self.keyword.as_deref())),
            ("carrier", Face::of(&self.carrier)),
            ("subject", Face::Hidden(self.subject)),
        ]
    }
}

impl Faces for OptOutRow {
    fn faces(&self) -> Vec<(&'static str, Face)> {
        let standing = match self.standing {
            OptOutStanding::Out => "out",
            OptOutStanding::Removed => "removed",
        };
        vec![
            ("short-code", Face::of(&self.short_code)),
            ("standing", Face::of(standing)),
            ("basis", Face::of(&self.basis)),
            ("at", Face::at(self.at)),
            ("subject", Face::Hidden(self.subject)),
        ]
    }
}

impl Faces for FactorRow {
    fn faces(&self) -> Vec<(&'static str, Face)> {
        let factor = &self.factor;
        let failures = factor.failures();
        let step = factor.authenticator().and_then(Authenticator::used);
        let times = failures.failures().into_iter().map(Some).collect();
        vec![
            ("id", Face::of(&self.id)),
            ("client", Face::of(&self.client)),
            ("type", Face::of(&factor.kind())),
            ("state", Face::of(&factor.state())),
            ("version", Face::of(&self.version)),
            ("created", Face::at(self.created)),
            ("updated", Face::at(self.updated)),
            ("step", Face::some(step)),
            ("codes-left", Face::some(factor.codes_left())),
            ("failures-in-a-row", Face::of(&failures.in_a_row())),
            ("failure-times", Face::Times(times)),
            ("subject", Face::Hidden(self.subject)),
            ("secret", secret(self.secret.as_ref())),
        ]
    }
}

/// Whether there is a secret, and which one.
fn secret(row: Option<&VaultRow>) -> Face {
    let Some(row) = row else {
        return Face::of(NOTHING);
    };
    let mut start = [0; 16];
    for (to, from) in start.iter_mut().zip(&row.wrapped) {
        *to = *from;
    }
    Face::Hidden(start)
}

impl Faces for ClientRow {
    fn faces(&self) -> Vec<(&'static str, Face)> {
        let codes: Vec<String> = self.short_codes.iter().map(ToString::to_string).collect();
        let classes: Vec<&str> = self.classes.iter().map(TrafficClass::as_str).collect();
        let keys: Vec<String> = self.keys.iter().map(key).collect();
        let key_times = |key: &ApiKeyRow| [Some(key.created), key.revoked, key.used];
        let services: Vec<String> = self.services.iter().map(service).collect();
        let service_times = |row: &VerifyServiceRow| [Some(row.created), Some(row.updated)];
        let certificates: Vec<String> = self.certificates.iter().map(ToString::to_string).collect();
        let names = self.certificate_names.iter();
        let names: Vec<String> = names.map(ToString::to_string).collect();
        vec![
            ("id", Face::of(&self.id)),
            ("name", Face::of(&self.name)),
            ("scopes", Face::of(&self.scopes.join(" "))),
            ("short-codes", Face::of(&codes.join(" "))),
            ("classes", Face::of(&classes.join(" "))),
            ("networks", Face::of(&self.networks.join(" "))),
            ("auth", Face::of(self.auth.as_str())),
            ("certificates", Face::of(&certificates.join(", "))),
            ("certificate-names", Face::of(&names.join(", "))),
            ("keys", Face::of(&keys.join(", "))),
            ("callback-secret", Face::of(&callback_secret(self.callback))),
            (
                "key-times",
                Face::Times(self.keys.iter().flat_map(key_times).collect()),
            ),
            ("services", Face::of(&services.join(", "))),
            (
                "service-times",
                Face::Times(self.services.iter().flat_map(service_times).collect()),
            ),
            ("created", Face::at(self.created)),
            ("revoked", Face::Times(vec![self.revoked])),
        ]
    }
}

/// Which secret is the newest, and until when the one before it signs.
fn callback_secret(row: CallbackSecretRow) -> String {
    format!("{} {}", row.generation, named("overlap", row.overlap_ends))
}

/// A key without the times at which something happened to it.
fn key(key: &ApiKeyRow) -> String {
    let method = key.method.algorithm().map(Algorithm::as_str);
    let more = [
        named("by", method),
        named("public", key.method.public()),
        named("ahead", key.ahead),
    ];
    let (id, hash, ends) = (key.id, &key.hash, named("ends", key.expires));
    format!("{id} {hash} {ends} {}", more.concat())
}

/// A verify service without its times.
fn service(row: &VerifyServiceRow) -> String {
    let (id, length, acts) = (row.id, row.length.digits(), row.acts.as_str());
    format!("{id} {length} {acts} {}", row.name)
}
