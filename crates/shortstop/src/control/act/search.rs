//! What a search of the ledger asks of the engine. A number comes in here and leaves in no answer.

use domain::time::Timestamp;
use engine::{
    EntryKind, EntryOutcome, FoundEntry, Gateway, LedgerQuery, Proofs, SearchError, Searcher,
};

use super::subject::number_of;
use crate::control::message::Answer;
use crate::control::message::search::{SearchAsked, SearchPage, SearchRow};

/// One page.
pub async fn search(gateway: &Gateway, actor: &str, asked: SearchAsked) -> Answer {
    let query = match query(&asked) {
        Ok(query) => query,
        Err(says) => return Answer::refused(says),
    };
    match gateway.search_ledger(Searcher::OsUser(actor), query).await {
        Ok(page) => Answer::done(&SearchPage {
            rows: page.rows.into_iter().map(row).collect(),
            next: page.next.map(|next| next.to_string()),
        }),
        Err(error @ SearchError::Cursor) => Answer::refused(error),
        Err(error @ SearchError::Unavailable) => Answer::unavailable(error),
    }
}

fn row(found: FoundEntry) -> SearchRow {
    SearchRow {
        index: found.index,
        entry: found.entry,
        proof: found.proof,
    }
}

/// The words as values, or what is wrong with the first that is none.
fn query(asked: &SearchAsked) -> Result<LedgerQuery, String> {
    let number = asked.number.as_ref().map(number_of).transpose();
    Ok(LedgerQuery {
        kinds: asked
            .kinds
            .iter()
            .map(|name| kind(name))
            .collect::<Result<_, _>>()?,
        outcome: asked.outcome.as_deref().map(outcome).transpose()?,
        client: asked.client,
        object: parsed("--object", asked.object.as_deref())?,
        number: number.map_err(|error| format!("--number: {error}"))?,
        since: parsed::<Timestamp>("--since", asked.since.as_deref())?,
        until: parsed("--until", asked.until.as_deref())?,
        cursor: parsed("the cursor", asked.cursor.as_deref())?,
        limit: asked.limit,
        proofs: if asked.proof {
            Proofs::With
        } else {
            Proofs::Without
        },
    })
}

/// What was written may be a number that went astray, and is not repeated.
fn parsed<T>(what: &str, text: Option<&str>) -> Result<Option<T>, String>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|error| format!("{what}: {error}"))
}

fn kind(name: &str) -> Result<EntryKind, String> {
    EntryKind::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = EntryKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!(
            "--kind: there is no such kind; there are {}",
            names.join(", ")
        )
    })
}

fn outcome(name: &str) -> Result<EntryOutcome, String> {
    let says = "--outcome: write accepted, refused, done, failed or unknown";
    EntryOutcome::from_name(name).ok_or_else(|| says.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::message::NumberAsked;

    #[test]
    fn words_become_values_and_the_wrong_one_is_named_and_not_repeated() {
        let good = SearchAsked {
            kinds: vec!["mo.received".to_owned()],
            outcome: Some("done".to_owned()),
            object: Some("acme/0".to_owned()),
            number: Some(NumberAsked::new("+447700900123")),
            since: Some("2026-11-25T03:00:00Z".to_owned()),
            limit: 7,
            ..SearchAsked::default()
        };
        let read = query(&good).unwrap();
        assert_eq!(read.kinds, [EntryKind::MoReceived]);
        assert!(read.number.is_some() && read.since.is_some());
        let wrong = |change: fn(&mut SearchAsked)| {
            let mut asked = good.clone();
            change(&mut asked);
            query(&asked).unwrap_err()
        };
        assert!(wrong(|it| it.kinds.push("mo.sent".to_owned())).contains("mo.received"));
        assert!(wrong(|it| it.outcome = Some("fine".to_owned())).starts_with("--outcome"));
        assert!(wrong(|it| it.until = Some("soon".to_owned())).starts_with("--until"));
        let says = wrong(|it| it.object = Some("+447700900888".to_owned()));
        assert!(
            says.starts_with("--object") && !says.contains("900888"),
            "{says}"
        );
        let says = wrong(|it| it.number = Some(NumberAsked::new("07700 900888")));
        assert!(
            says.starts_with("--number") && !says.contains("900888"),
            "{says}"
        );
    }
}
