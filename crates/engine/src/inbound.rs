//! Messages from handsets: whole ones and parts of long ones, keywords, and the gateway's answers.
//! Everything is sealed and durable before the carrier hears that it was taken.

use domain::carrier_id::CarrierMessageId;
use domain::consent::{self, ConsentChange, Reply, Standing};
use domain::id::{InboundId, MessageId};
use domain::keyword;
use domain::message::CarrierName;
use domain::msisdn::Msisdn;
use domain::reassembly::{Assembled, Part, Reassembled};
use domain::sender::ShortCode;
use domain::text::decode::{Decoded, decode_text};
use domain::text::udh;
use domain::time::Timestamp;
use ledger::{Commitment, Kind};

use crate::batch::Batch;
use crate::changes::Write;
use crate::dispatch::Planned;
use crate::entries;
use crate::gateway::Gateway;
use crate::keys::Blind;
use crate::metrics::Counter;
use crate::opt_outs::Cause;
use crate::ports::carrier::{BindId, Delivery, Mobile, Verdict, Verdicts};
use crate::rows::{
    IdempotencyRow, InboundRow, OptOutRow, OptOutStanding, PartRow, Purpose, VaultRow,
};
use crate::settings::{CodeSettings, Settings};
use crate::state::State;
use crate::submit::{Intake, SubmitRequest};
use crate::verifications::{Text, Texted};

/// The longest text kept of one message from a handset, in characters; more than 255 parts hold.
const TEXT_MAX: usize = 40_000;

/// A whole message from a handset.
struct Whole {
    /// Names it, where the carrier does.
    name: Option<Blind>,
    from: Msisdn,
    to: ShortCode,
    text: String,
}

impl Gateway {
    /// Takes in a batch of deliveries in one commit.
    pub(crate) fn take_deliveries(&self, bind: &BindId, batch: Vec<Delivery>, verdicts: Verdicts) {
        let now = self.now();
        let settings = self.settings();
        let count = batch.len();
        if !self.is_open() {
            self.turned_away(count);
            return verdicts(vec![Verdict::Again; count]);
        }
        if self.is_crowded() {
            return verdicts(vec![Verdict::Again; count]);
        }
        self.ensure_keys(now);
        let mut intake = Inbound::new(self, &settings, now);
        let mut state = self.state();
        if self.is_halted() || !self.vault.is_prepared(now) {
            if self.is_halted() {
                self.turned_away(count);
            }
            drop(state);
            return verdicts(vec![Verdict::Again; count]);
        }
        let crowded = state.crowd.len();
        for delivery in batch {
            match delivery {
                Delivery::Receipt(receipt) => {
                    let batch = &mut intake.batch;
                    self.take_receipt(&mut state, &settings, bind, receipt, batch);
                }
                Delivery::Mobile(mobile) => intake.take(&mut state, bind, mobile),
            }
        }
        let Inbound {
            batch,
            planned,
            texted,
            ..
        } = intake;
        let mut verdicts = verdicts;
        if state.crowd.len() > crowded {
            state.crowd.wait(count, verdicts);
            verdicts = Box::new(drop);
        }
        let Some(changes) = batch.finish() else {
            drop(state);
            return verdicts(vec![Verdict::Taken; count]);
        };
        self.commit(changes.soon(), move |gateway, result| {
            if result.is_err() {
                gateway.turned_away(count);
            } else {
                gateway.take_texts(texted);
            }
            let word = result.map_or(Verdict::Again, |_| Verdict::Taken);
            verdicts(vec![word; count]);
            gateway.conclude(planned, result);
        });
    }

    /// Gives up on long messages whose parts have not all come: what there is, is kept.
    pub fn expire_parts(&self) -> usize {
        let now = self.now();
        let settings = self.settings();
        self.ensure_keys(now);
        let mut state = self.state();
        if self.is_halted() || !self.vault.is_prepared(now) {
            return 0;
        }
        let given_up = state.parts.expire(now);
        self.give_up(&mut state, &settings, &given_up, now);
        given_up.len()
    }

    /// Keeps what there is of long messages that wait no longer.
    pub(crate) fn give_up(
        &self,
        state: &mut State,
        settings: &Settings,
        given_up: &[Assembled],
        now: Timestamp,
    ) {
        let mut intake = Inbound::new(self, settings, now);
        let carrier = CarrierName::new("-");
        for assembled in given_up {
            let kind = if assembled.is_complete() {
                Kind::MoReceived
            } else {
                Kind::MoIncomplete
            };
            intake.assembled(state, &carrier, assembled, kind);
        }
        let Inbound {
            batch,
            planned,
            texted,
            ..
        } = intake;
        if let Some(changes) = batch.finish() {
            self.commit(changes, move |gateway, result| {
                if result.is_ok() {
                    gateway.take_texts(texted);
                }
                gateway.conclude(planned, result);
            });
        }
    }
}

/// One command's view while it takes messages from handsets in.
struct Inbound<'a> {
    gateway: &'a Gateway,
    settings: &'a Settings,
    batch: Batch,
    planned: Vec<Planned>,
    /// Codes that handsets texted.
    texted: Vec<Texted>,
}

impl<'a> Inbound<'a> {
    const fn new(gateway: &'a Gateway, settings: &'a Settings, now: Timestamp) -> Self {
        Self {
            gateway,
            settings,
            batch: Batch::new(now),
            planned: Vec::new(),
            texted: Vec::new(),
        }
    }
}

impl Inbound<'_> {
    fn take(&mut self, state: &mut State, bind: &BindId, mobile: Mobile) {
        let header = udh::parse(&mobile.udh)
            .ok()
            .and_then(|header| header.concatenation);
        let Some(concatenation) = header.filter(|header| header.total() > 1) else {
            let name = self.name(&bind.carrier, mobile.id.as_ref());
            if name.is_some_and(|name| state.idempotency.knows(name)) {
                return state.counters.add(Counter::Inbound("repeated"), 1);
            }
            let text = text_of(mobile.data_coding, &mobile.payload);
            let whole = Whole {
                name,
                from: mobile.from,
                to: mobile.to,
                text,
            };
            return self.whole(state, &bind.carrier, whole);
        };
        let sequence = self.gateway.ids.sequence(self.batch.at());
        let Some(rows) = self.seal_part(sequence, &mobile) else {
            return;
        };
        let (ordinal, total) = (concatenation.ordinal(), concatenation.total());
        self.batch.entry(entries::part(
            Kind::MoReceived,
            &bind.carrier,
            ordinal,
            total,
        ));
        self.batch.write(Write::Part(PartRow {
            sequence,
            to: mobile.to,
            carrier: bind.carrier.clone(),
            data_coding: mobile.data_coding,
            reference: concatenation.reference(),
            width: concatenation.width(),
            total,
            ordinal,
            at: self.batch.at(),
        }));
        for row in rows {
            self.batch.write(Write::Vault(row));
        }
        state.counters.add(Counter::Inbound("part"), 1);
        let part = Part {
            sender: mobile.from,
            short_code: mobile.to,
            concatenation,
            data_coding: mobile.data_coding,
            octets: mobile.payload.into(),
            row: sequence,
        };
        let insertion = state.parts.insert(part, self.batch.at());
        for evicted in insertion.evicted {
            let kind = Kind::MoIncomplete;
            self.assembled(state, &bind.carrier, &evicted, kind);
        }
        match insertion.outcome {
            Reassembled::Incomplete => {}
            Reassembled::Duplicate => self.batch.write(Write::ForgetPart(sequence)),
            Reassembled::Complete(whole) | Reassembled::Alone(whole) => {
                let kind = Kind::MoReceived;
                self.assembled(state, &bind.carrier, &whole, kind);
            }
        }
    }

    fn seal_part(&self, sequence: u64, mobile: &Mobile) -> Option<Vec<VaultRow>> {
        let number = mobile.from.reveal_e164();
        let seal = |purpose, value: &[u8]| {
            let entropy = self.gateway.entropy.as_ref();
            self.gateway
                .vault
                .seal(sequence, purpose, value, entropy, self.batch.at())
        };
        let number = seal(Purpose::Number, number.as_bytes())?;
        let payload = seal(Purpose::Text, &mobile.payload)?;
        Some(vec![number.row, payload.row])
    }

    /// Parts that belong together, complete or given up.
    fn assembled(
        &mut self,
        state: &mut State,
        carrier: &CarrierName,
        assembled: &Assembled,
        kind: Kind,
    ) {
        if kind == Kind::MoIncomplete {
            let have = u8::try_from(assembled.parts().len()).unwrap_or(u8::MAX);
            self.batch
                .entry(entries::part(kind, carrier, have, assembled.total()));
        }
        let (Some(from), Some(to)) = (assembled.sender(), assembled.short_code()) else {
            return;
        };
        let text = match assembled.decode() {
            Decoded::Text(text) => text.reveal().to_owned(),
            Decoded::Octets => hex(&assembled.reveal()),
        };
        let whole = Whole {
            name: None,
            from,
            to,
            text,
        };
        self.whole(state, carrier, whole);
        for row in assembled.rows() {
            self.batch.write(Write::ForgetPart(row));
        }
    }

    fn whole(&mut self, state: &mut State, carrier: &CarrierName, mut whole: Whole) {
        if let Some((end, _)) = whole.text.char_indices().nth(TEXT_MAX) {
            whole.text.truncate(end);
        }
        let id: InboundId = self
            .gateway
            .ids
            .id(self.gateway.entropy.as_ref(), self.batch.at());
        let keyword = keyword::classify(&whole.text);
        let Some((rows, private)) = self.seal_whole(id.sequence(), &whole) else {
            return;
        };
        let word = keyword.map(keyword::Keyword::name);
        self.batch
            .entry(entries::inbound(&id, carrier, &whole.to, word, &private));
        self.batch.write(Write::Inbound(Box::new(InboundRow {
            id,
            to: whole.to,
            received: self.batch.at(),
            keyword: word.map(Into::into),
            carrier: carrier.as_str().into(),
            subject: self.gateway.blind().subject(whole.from),
        })));
        for row in rows {
            self.batch.write(Write::Vault(row));
        }
        if let Some(name) = whole.name {
            self.remember(state, &id, name);
        }
        state
            .counters
            .add(Counter::Inbound(word.unwrap_or("message")), 1);
        if let Some(keyword) = keyword {
            self.react(state, keyword, &whole, id);
            return;
        }
        let text = Text {
            id: &id,
            carrier,
            from: whole.from,
            to: whole.to,
            words: &whole.text,
        };
        let batch = &mut self.batch;
        let checked = self.gateway.check_text(state, self.settings, batch, &text);
        self.texted.extend(checked);
    }

    /// What a carrier's id of a message is kept as.
    fn name(&self, carrier: &CarrierName, id: Option<&CarrierMessageId>) -> Option<Blind> {
        let parts: [&[u8]; 3] = [
            b"inbound",
            carrier.as_str().as_bytes(),
            id?.as_str().as_bytes(),
        ];
        Some(self.gateway.blind().idempotency(&parts))
    }

    /// Keeps in mind that a message under this name was taken, in the commit that takes it. Where no more
    /// can be kept it is not: a text that comes twice is better than none.
    fn remember(&mut self, state: &mut State, id: &InboundId, name: Blind) {
        let bounds = &self.settings.bounds;
        if state.idempotency.len() >= bounds.idempotency_max {
            return;
        }
        let row = IdempotencyRow {
            message: MessageId::new(id.sequence(), 0),
            client: None,
            key: name,
            fingerprint: name,
            expires: self.batch.at().saturating_add(bounds.idempotency_keep),
        };
        state.idempotency.settle(&row);
        self.batch.write(Write::Idempotency(row));
    }

    #[expect(
        clippy::type_complexity,
        reason = "two lists that belong together for one line"
    )]
    fn seal_whole(
        &self,
        owner: u64,
        whole: &Whole,
    ) -> Option<(Vec<VaultRow>, Vec<(&'static str, Commitment)>)> {
        let number = whole.from.reveal_e164();
        let values = [
            (Purpose::Number, number.as_bytes()),
            (Purpose::Text, whole.text.as_bytes()),
        ];
        let mut rows = Vec::new();
        let mut private = Vec::new();
        for (purpose, value) in values {
            let entropy = self.gateway.entropy.as_ref();
            let sealed =
                self.gateway
                    .vault
                    .seal(owner, purpose, value, entropy, self.batch.at())?;
            rows.push(sealed.row);
            private.push((purpose.as_str(), sealed.commitment));
        }
        Some((rows, private))
    }

    /// Does what a keyword asks for.
    fn react(
        &mut self,
        state: &mut State,
        keyword: keyword::Keyword,
        whole: &Whole,
        id: InboundId,
    ) {
        let Some(code) = self.settings.short_codes.get(&whole.to) else {
            return;
        };
        let subject = self.gateway.blind().suppression(whole.from);
        let is_out = state.opt_outs.contains_key(&(whole.to, subject));
        let standing = if is_out {
            Standing::OptedOut
        } else {
            Standing::Open
        };
        let reaction = consent::react(keyword, standing);
        if let Some(change) = reaction.change {
            let row = OptOutRow {
                sequence: self.gateway.ids.sequence(self.batch.at()),
                short_code: whole.to,
                subject,
                standing: match change {
                    ConsentChange::OptOut => OptOutStanding::Out,
                    ConsentChange::OptIn => OptOutStanding::Removed,
                },
                basis: consent::Basis::Keyword.as_str().into(),
                at: self.batch.at(),
            };
            let number = whole.from.reveal_e164();
            let sealed = self.gateway.vault.seal(
                row.sequence,
                Purpose::Number,
                number.as_bytes(),
                self.gateway.entropy.as_ref(),
                self.batch.at(),
            );
            let sealed = sealed.into_iter().collect();
            let cause = Cause::Keyword(id);
            Gateway::record_consent(state, &mut self.batch, row, &cause, sealed);
        }
        if let Some(reply) = reaction.reply {
            self.reply(state, code, whole, reply);
        }
    }

    /// Sends one of the configured texts back. A full queue or a missing route loses the courtesy,
    /// never the opt-out.
    fn reply(&mut self, state: &mut State, code: &CodeSettings, whole: &Whole, reply: Reply) {
        let text = match reply {
            Reply::Stopped => &code.texts.stopped,
            Reply::Help => &code.texts.help,
            Reply::Started => &code.texts.started,
        };
        let request = SubmitRequest {
            to: whole.from,
            from: whole.to,
            text: text.clone(),
            class: domain::class::TrafficClass::Alert,
            reference: None,
            campaign: None,
            valid_for: None,
            risk: None,
            callback: None,
        };
        let Ok(prepared) = self
            .gateway
            .prepare(self.settings, None, request, self.batch.at())
        else {
            return;
        };
        let intake = Intake::keyword_reply();
        let entered = self
            .gateway
            .enter(state, self.settings, &mut self.batch, intake, prepared);
        if let Ok(entered) = entered {
            self.planned.extend(entered.planned);
        }
    }
}

/// A text as people read it; other octets as hex, so that nothing is lost.
fn text_of(data_coding: u8, octets: &[u8]) -> String {
    match decode_text(data_coding, octets) {
        Decoded::Text(text) => text.reveal().to_owned(),
        Decoded::Octets => hex(octets),
    }
}

fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(2 * octets.len());
    for octet in octets {
        for digit in [octet >> 4, octet & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}
