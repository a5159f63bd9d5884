//! The record of a search: which filters were used. A number is sealed, and committed to.

use domain::id::SubjectId;
use domain::time::Timestamp;
use ledger::{Actor, Draft, Facts, Kind, ObjectType, OriginType, Outcome, Shown, UtcMicros};
use tokio::sync::oneshot;

use super::{LedgerQuery, SearchError, Searcher};
use crate::batch::sound;
use crate::changes::{Changes, Write};
use crate::gateway::Gateway;
use crate::rows::Purpose;
use crate::vault::Sealed;

impl Gateway {
    /// Writes the entry of a search, and waits until it is durable.
    pub(super) async fn write_search(
        &self,
        who: Searcher<'_>,
        query: &LedgerQuery,
    ) -> Result<(), SearchError> {
        let (done, durable) = oneshot::channel();
        self.queue_search(who, query, done)?;
        match durable.await {
            Ok(true) => Ok(()),
            _ => Err(SearchError::Unavailable),
        }
    }

    fn queue_search(
        &self,
        who: Searcher<'_>,
        query: &LedgerQuery,
        done: oneshot::Sender<bool>,
    ) -> Result<(), SearchError> {
        if !self.is_open() {
            self.turned_away(1);
            return Err(SearchError::Unavailable);
        }
        let now = self.now();
        let generation = self.generation();
        self.ensure_keys(now);
        let subject = self.sealed_subject(query, now)?;
        let mut changes = Changes::new(searched(who, query, subject.as_ref()), now);
        if let Some(subject) = subject {
            changes.write(Write::Vault(subject.sealed.row));
        }
        let state = self.state();
        // What was sealed under a key that never became durable would be lost.
        if self.is_halted() || generation != self.generation() {
            self.turned_away(1);
            return Err(SearchError::Unavailable);
        }
        self.commit(changes, move |_, result| {
            let _ = done.send(result.is_ok());
        });
        drop(state);
        Ok(())
    }

    fn sealed_subject(
        &self,
        query: &LedgerQuery,
        now: Timestamp,
    ) -> Result<Option<Subject>, SearchError> {
        let Some(number) = query.number else {
            return Ok(None);
        };
        let chance = self.entropy.as_ref();
        let id: SubjectId = self.ids.id(chance, now);
        let (owner, value) = (id.sequence(), number.reveal_e164());
        let sealed = self
            .vault
            .seal(owner, Purpose::Number, value.as_bytes(), chance, now);
        let sealed = sealed.ok_or(SearchError::Unavailable)?;
        Ok(Some(Subject { id, sealed }))
    }
}

/// The person that a search is about: an id of this one search, and the number, sealed.
struct Subject {
    id: SubjectId,
    sealed: Sealed,
}

/// `ledger.searched`, of one search.
fn searched(who: Searcher<'_>, query: &LedgerQuery, subject: Option<&Subject>) -> Draft {
    let kinds: Vec<&str> = query.kinds.iter().map(|kind| kind.as_str()).collect();
    let data = Facts::new()
        .put_some("client", query.client.as_ref().map(|client| Shown(client)))
        .put_some("kinds", (!kinds.is_empty()).then_some(kinds))
        .put_some(
            "object",
            query.object.as_ref().map(super::ObjectTerm::as_str),
        )
        .put_some("outcome", query.outcome.map(Outcome::as_str))
        .put_some("since", query.since.map(|at| UtcMicros(at.micros())))
        .put_some("until", query.until.map(|at| UtcMicros(at.micros())));
    let mut builder = match &who {
        Searcher::Client(caller) => Draft::of(
            Kind::LedgerSearched,
            Actor::client(&caller.client),
            Outcome::Done,
        )
        .client(&caller.client)
        .origin(OriginType::Connection, &caller.source)
        .data(data.put_some("key", caller.key.as_ref().map(|key| Shown(key)))),
        Searcher::OsUser(user) => {
            Draft::of(Kind::LedgerSearched, Actor::os_user(user), Outcome::Done)
                .origin(OriginType::Socket, &"control")
                .data(data)
        }
    };
    if let Some(Subject { id, sealed }) = subject {
        builder = builder
            .object(ObjectType::Subject, id)
            .private(Purpose::Number.as_str(), &sealed.commitment);
    }
    sound(builder.build())
}
