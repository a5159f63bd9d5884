//! Looking at limits without touching them, for a user of the machine: how full each is, who uses it most,
//! and what a given message would meet. Each look is recorded before it is answered; a number that is
//! asked for is sealed, as every number is.

use std::net::IpAddr;

use domain::class::TrafficClass;
use domain::id::{ClientId, SubjectId};
use domain::limit::book::{Meter, Summary, TopKey};
use domain::limit::country::{CountryRefusal, Destination};
use domain::limit::facts::{Event, Facts as Counted};
use domain::limit::policy::Draft;
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use domain::time::Timestamp;
use ledger::{Actor, Draft as Entry, Facts, Kind, ObjectType, OriginType, Outcome, Shown};
use tokio::sync::oneshot;

use crate::batch::sound;
use crate::changes::{Changes, Write};
use crate::entries;
use crate::exports::NotRecorded;
use crate::gateway::Gateway;
use crate::rows::Purpose;
use crate::settings::Settings;
use crate::vault::Sealed;

/// One limit, and how it is used.
#[derive(Clone, Debug)]
pub struct LimitView {
    /// What was written down.
    pub policy: Draft,
    /// How full it is.
    pub summary: Summary,
    /// Its most used keys, the most used first.
    pub top: Vec<TopKey>,
}

/// A message that is only asked about.
#[derive(Clone, Copy, Debug)]
pub struct LimitQuestion<'q> {
    /// Whose it would be.
    pub client: ClientId,
    /// The handset.
    pub to: Msisdn,
    /// The short code.
    pub from: Option<ShortCode>,
    /// What it would be for.
    pub class: TrafficClass,
    /// Its campaign.
    pub campaign: Option<&'q str>,
    /// Where the client would call from.
    pub source: Option<IpAddr>,
    /// How many segments it would take.
    pub segments: u32,
}

/// Why a question is not answered. Of one that makes no sense nothing is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExplainError {
    /// There is no such client: every limit would look unused.
    #[error("there is no client {0}; `shortstop client list` tells all")]
    UnknownClient(ClientId),
    /// There is no such short code.
    #[error("{0} is no short code of the configuration")]
    UnknownShortCode(ShortCode),
    /// The client may not send from it.
    #[error("the client {0} may not send from {1}; `shortstop client list` tells its short codes")]
    ForeignShortCode(ClientId, ShortCode),
    /// The question cannot be recorded now.
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
}

/// What it would meet.
#[derive(Clone, Debug)]
pub struct LimitAnswer {
    /// Where the number leads, and whether messages may go there.
    pub reach: Result<Destination, CountryRefusal>,
    /// What it would cost, in millionths of the currency.
    pub cost_micros: u64,
    /// How it stands with every limit that counts it.
    pub meters: Vec<Meter>,
}

impl Gateway {
    /// How every limit is used, with its `most` most used keys.
    pub async fn show_limits(
        &self,
        actor: &str,
        most: usize,
    ) -> Result<Vec<LimitView>, NotRecorded> {
        let now = self.now();
        let entry = entries::by_os_user(Kind::LimitRead, actor, Facts::new(), None);
        if !self.commit_durably(Changes::new(entry, now)).await {
            return Err(NotRecorded);
        }
        let inside = self.limits.inside();
        let now = inside.time.at(self.uptime());
        let summaries = inside.book.summaries(now);
        let views = inside.book.policies().zip(summaries);
        let views = views.map(|(policy, summary)| LimitView {
            top: inside
                .book
                .top(policy.name().as_str(), most, now)
                .unwrap_or_default(),
            policy: policy.draft().clone(),
            summary,
        });
        Ok(views.collect())
    }

    /// What a message would meet, taking nothing.
    pub async fn explain_limits(
        &self,
        actor: &str,
        question: LimitQuestion<'_>,
    ) -> Result<LimitAnswer, ExplainError> {
        let now = self.now();
        let settings = self.settings();
        self.makes_sense(&question, &settings)?;
        self.record_question(actor, &question, now).await?;
        let destination = Destination::of(question.to);
        let cost_micros = settings.limits.prices.cost(question.to, question.segments);
        let facts = Counted {
            client: Some(question.client),
            group: settings.limits.group_of(Some(question.client)),
            short_code: question.from,
            class: Some(question.class),
            campaign: question.campaign,
            destination: Some(destination),
            source: question.source,
            segments: question.segments,
            cost_micros,
            ..Counted::new(Event::Message)
        };
        let reach = settings.limits.countries.allow(&destination);
        let inside = self.limits.inside();
        Ok(LimitAnswer {
            reach: reach.map(|()| destination),
            cost_micros,
            meters: inside.book.explain(&facts, inside.time.at(self.uptime())),
        })
    }

    fn makes_sense(
        &self,
        question: &LimitQuestion<'_>,
        settings: &Settings,
    ) -> Result<(), ExplainError> {
        let client = question.client;
        let row = self.client(client);
        let row = row.map_err(|_| ExplainError::UnknownClient(client))?;
        let Some(from) = question.from else {
            return Ok(());
        };
        if !settings.short_codes.contains_key(&from) {
            return Err(ExplainError::UnknownShortCode(from));
        }
        if !row.short_codes.contains(&from) {
            return Err(ExplainError::ForeignShortCode(client, from));
        }
        Ok(())
    }

    async fn record_question(
        &self,
        actor: &str,
        question: &LimitQuestion<'_>,
        now: Timestamp,
    ) -> Result<(), NotRecorded> {
        let (done, durable) = oneshot::channel();
        self.queue_question(actor, question, now, done)?;
        match durable.await {
            Ok(true) => Ok(()),
            _ => Err(NotRecorded),
        }
    }

    fn queue_question(
        &self,
        actor: &str,
        question: &LimitQuestion<'_>,
        now: Timestamp,
        done: oneshot::Sender<bool>,
    ) -> Result<(), NotRecorded> {
        let generation = self.generation();
        self.ensure_keys(now);
        let chance = self.entropy.as_ref();
        let id: SubjectId = self.ids.id(chance, now);
        let (owner, value) = (id.sequence(), question.to.reveal_e164());
        let sealed = self
            .vault
            .seal(owner, Purpose::Number, value.as_bytes(), chance, now);
        let sealed = sealed.ok_or(NotRecorded)?;
        let mut changes = Changes::new(asked(actor, question, &id, &sealed), now);
        changes.write(Write::Vault(sealed.row));
        let state = self.state();
        // What was sealed under a key that never became durable would be lost.
        if !self.is_open() || self.is_halted() || generation != self.generation() {
            self.turned_away(1);
            return Err(NotRecorded);
        }
        self.commit(changes, move |_, result| {
            // Whoever asked may have gone.
            let _ = done.send(result.is_ok());
        });
        drop(state);
        Ok(())
    }
}

/// `limit.read`, of one question.
fn asked(actor: &str, question: &LimitQuestion<'_>, id: &SubjectId, sealed: &Sealed) -> Entry {
    let data = Facts::new()
        .put("client", Shown(&question.client))
        .put_some("sender", question.from.as_ref().map(|from| Shown(from)));
    let builder = Entry::of(Kind::LimitRead, Actor::os_user(&actor), Outcome::Done)
        .origin(OriginType::Socket, &"control")
        .object(ObjectType::Subject, id)
        .private(Purpose::Number.as_str(), &sealed.commitment)
        .data(data);
    sound(builder.build())
}
