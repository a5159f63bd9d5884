//! Two lists of rows side by side, page by page, in the order of their keys.

use std::collections::VecDeque;

use super::PAGE;
use crate::ports::store::ReadError;

/// What is under one key.
pub(super) enum Pair<L, R> {
    /// Only the ledger tells of it.
    Ledger(L),
    /// Only the store has it.
    Store(R),
    /// Both.
    Both(L, R),
}

/// Reads the page behind a key.
type Fetch<'f, T> = &'f dyn Fn(Option<u64>) -> Result<Vec<T>, ReadError>;

/// Rows one after the other.
pub(super) struct Pages<'f, T> {
    fetch: Fetch<'f, T>,
    key: fn(&T) -> u64,
    waiting: VecDeque<T>,
    after: Option<u64>,
    is_over: bool,
}

impl<'f, T> Pages<'f, T> {
    /// Begins at the first.
    pub(super) const fn new(fetch: Fetch<'f, T>, key: fn(&T) -> u64) -> Self {
        Self {
            fetch,
            key,
            waiting: VecDeque::new(),
            after: None,
            is_over: false,
        }
    }

    fn peek(&mut self) -> Result<Option<u64>, ReadError> {
        if self.waiting.is_empty() && !self.is_over {
            let page = (self.fetch)(self.after)?;
            self.is_over = page.len() < PAGE;
            self.after = page.last().map(self.key).or(self.after);
            self.waiting = page.into();
        }
        Ok(self.waiting.front().map(self.key))
    }
}

/// Walks both lists and gives how many keys the store has.
pub(super) fn walk<L, R>(
    mut ledger: Pages<'_, L>,
    mut store: Pages<'_, R>,
    mut each: impl FnMut(Pair<L, R>) -> Result<(), ReadError>,
) -> Result<u64, ReadError> {
    let mut count = 0;
    loop {
        let (left, right) = (ledger.peek()?, store.peek()?);
        let takes_left = left.is_some_and(|left| right.is_none_or(|right| left <= right));
        let takes_right = right.is_some_and(|right| left.is_none_or(|left| right <= left));
        let left = takes_left.then(|| ledger.waiting.pop_front()).flatten();
        let right = takes_right.then(|| store.waiting.pop_front()).flatten();
        count += u64::from(right.is_some());
        each(match (left, right) {
            (Some(left), Some(right)) => Pair::Both(left, right),
            (Some(left), None) => Pair::Ledger(left),
            (None, Some(right)) => Pair::Store(right),
            (None, None) => return Ok(count),
        })?;
    }
}
