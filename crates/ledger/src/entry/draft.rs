//! Drafts: entries that lack only their stamp. A request thread builds the draft and renders all
//! it knows; the one writer adds node, epoch, number and time by copying, which is all it has time
//! for.

use core::fmt;

use super::actor::{Actor, ObjectType, OriginType, Reference};
use super::facts::{Facts, Hex};
use super::kind::Kind;
use super::outcome::Outcome;
use super::stamp::{NODE_NAME_MAX, Stamp};
use super::time::{self, TIME_BYTES};
use super::{EntryError, MAX_DEPTH, MAX_ENTRY_BYTES, canonical};
use crate::commitment::Commitment;

const BEFORE_NODE_SEQ: &[u8] = b"\",\"node_seq\":";
const AFTER_TIME: &[u8] = b"\",\"v\":1}";
/// The longest integer of a stamp: 20 digits and two quotes.
const INTEGER_BYTES: usize = 22;
/// The longest that a stamp and the fixed text around it can be.
const STAMP_BYTES: usize =
    NODE_NAME_MAX + 2 * INTEGER_BYTES + TIME_BYTES + BEFORE_NODE_SEQ.len() + AFTER_TIME.len();

/// An entry without its stamp. It cannot become too long or malformed any more.
#[derive(Clone)]
pub struct Draft {
    kind: Kind,
    /// Everything but the stamp and the fixed text around it.
    rendered: Vec<u8>,
    /// Where the epoch goes.
    epoch_at: usize,
    /// Where the node, and after it the number, goes.
    node_at: usize,
}

impl Draft {
    /// Begins a draft. `actor` is who did it, `outcome` how it ended.
    pub const fn of(kind: Kind, actor: Actor<'_>, outcome: Outcome) -> DraftBuilder<'_> {
        DraftBuilder {
            kind,
            actor,
            outcome,
            client: None,
            correlation: None,
            object: None,
            origin: None,
            reason: None,
            data: Facts::new(),
            private: Facts::new(),
        }
    }

    /// The kind of the entry.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The entry's bytes: canonical JSON, at most [`MAX_ENTRY_BYTES`] long.
    pub fn finish(&self, stamp: &Stamp<'_>) -> Vec<u8> {
        let mut entry = Vec::with_capacity(self.rendered.len() + STAMP_BYTES);
        self.finish_into(stamp, &mut entry);
        entry
    }

    /// Appends the entry's bytes, for a writer that keeps one buffer.
    pub fn finish_into(&self, stamp: &Stamp<'_>, out: &mut Vec<u8>) {
        let (head, rest) = self.rendered.split_at(self.epoch_at);
        let (middle, tail) = rest.split_at(self.node_at - self.epoch_at);
        out.extend_from_slice(head);
        canonical::count(out, stamp.epoch);
        out.extend_from_slice(middle);
        out.extend_from_slice(stamp.node.as_str().as_bytes());
        out.extend_from_slice(BEFORE_NODE_SEQ);
        canonical::count(out, stamp.node_seq);
        out.extend_from_slice(tail);
        time::write(out, stamp.time_micros);
        out.extend_from_slice(AFTER_TIME);
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({}, {} bytes)", self.kind, self.rendered.len())
    }
}

/// Collects what an entry says. It borrows ids until [`DraftBuilder::build`] writes them down.
#[must_use = "a builder is no draft before build()"]
pub struct DraftBuilder<'a> {
    kind: Kind,
    actor: Actor<'a>,
    outcome: Outcome,
    client: Option<&'a dyn fmt::Display>,
    correlation: Option<&'a dyn fmt::Display>,
    object: Option<Reference<'a>>,
    origin: Option<Reference<'a>>,
    reason: Option<&'a str>,
    data: Facts,
    private: Facts,
}

impl<'a> DraftBuilder<'a> {
    /// The client on whose behalf or to whose traffic it happened; also when another party acted.
    pub const fn client(mut self, id: &'a dyn fmt::Display) -> Self {
        self.client = Some(id);
        self
    }

    /// What ties entries of one request together, such as its request id.
    pub const fn correlation(mut self, id: &'a dyn fmt::Display) -> Self {
        self.correlation = Some(id);
        self
    }

    /// What it happened to.
    pub const fn object(mut self, kind: ObjectType, id: &'a dyn fmt::Display) -> Self {
        self.object = Some(Reference {
            kind: kind.as_str(),
            id,
        });
        self
    }

    /// From where it came.
    pub const fn origin(mut self, kind: OriginType, id: &'a dyn fmt::Display) -> Self {
        self.origin = Some(Reference {
            kind: kind.as_str(),
            id,
        });
        self
    }

    /// Why it ended so: a stable code, such as a refusal's.
    pub const fn reason(mut self, code: &'a str) -> Self {
        self.reason = Some(code);
        self
    }

    /// The public facts, in place of any given before.
    pub fn data(mut self, data: Facts) -> Self {
        self.data = data;
        self
    }

    /// The commitment to one private field; `field` is the name it was committed under.
    pub fn private(mut self, field: &str, commitment: &Commitment) -> Self {
        self.private.insert(field, &Hex(commitment.as_bytes()));
        self
    }

    /// Renders the draft.
    pub fn build(self) -> Result<Draft, EntryError> {
        if let Some(fault) = self.data.fault().or(self.private.fault()) {
            return Err(fault);
        }
        if self.data.levels() >= MAX_DEPTH {
            return Err(EntryError::TooDeep);
        }
        let room = self.data.rendered_bytes() + self.private.rendered_bytes();
        let mut rendered = Vec::with_capacity(room + USUAL_FIXED_BYTES);
        self.render_head(&mut rendered);
        let epoch_at = rendered.len();
        self.render_middle(&mut rendered);
        let node_at = rendered.len();
        self.render_tail(&mut rendered);
        if rendered.len() > MAX_ENTRY_BYTES - STAMP_BYTES {
            return Err(EntryError::TooLong);
        }
        Ok(Draft {
            kind: self.kind,
            rendered,
            epoch_at,
            node_at,
        })
    }

    fn render_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"actor\":");
        reference(out, self.actor.0);
        if let Some(client) = self.client {
            out.extend_from_slice(b",\"client\":");
            canonical::shown(out, client);
        }
        if let Some(correlation) = self.correlation {
            out.extend_from_slice(b",\"correlation\":");
            canonical::shown(out, correlation);
        }
        if !self.data.is_empty() {
            out.extend_from_slice(b",\"data\":");
            self.data.render(out);
        }
        out.extend_from_slice(b",\"epoch\":");
    }

    fn render_middle(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"kind\":\"");
        out.extend_from_slice(self.kind.as_str().as_bytes());
        out.extend_from_slice(b"\",\"node\":\"");
    }

    fn render_tail(&self, out: &mut Vec<u8>) {
        if let Some(object) = self.object {
            out.extend_from_slice(b",\"object\":");
            reference(out, object);
        }
        if let Some(origin) = self.origin {
            out.extend_from_slice(b",\"origin\":");
            reference(out, origin);
        }
        out.extend_from_slice(b",\"outcome\":\"");
        out.extend_from_slice(self.outcome.as_str().as_bytes());
        out.push(b'"');
        if !self.private.is_empty() {
            out.extend_from_slice(b",\"private\":");
            self.private.render(out);
        }
        if let Some(reason) = self.reason {
            out.extend_from_slice(b",\"reason\":");
            canonical::text(out, reason);
        }
        out.extend_from_slice(b",\"time\":\"");
    }
}

/// Room for everything of a usual entry but data, private fields and stamp.
const USUAL_FIXED_BYTES: usize = 448;

fn reference(out: &mut Vec<u8>, reference: Reference<'_>) {
    out.extend_from_slice(b"{\"id\":");
    canonical::shown(out, reference.id);
    out.extend_from_slice(b",\"type\":\"");
    out.extend_from_slice(reference.kind.as_bytes());
    out.extend_from_slice(b"\"}");
}
