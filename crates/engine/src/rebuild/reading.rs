//! Facts of an entry as the values that the engine wrote there. What is not as it writes them is nothing.

use ledger::{Entry, Value};

/// The facts of one entry, or a map within them.
#[derive(Clone, Copy)]
pub(super) struct Reading<'e>(Option<&'e Value<'e>>);

impl<'e> Reading<'e> {
    /// The facts of an entry.
    pub(super) const fn of(entry: &'e Entry<'e>) -> Self {
        Self(entry.data.as_ref())
    }

    /// A map within them.
    pub(super) fn map(self, key: &str) -> Option<Self> {
        self.value(key).map(|value| Self(Some(value)))
    }

    /// A string.
    pub(super) fn text(self, key: &str) -> Option<&'e str> {
        self.value(key)?.as_text()
    }

    /// A natural number.
    pub(super) fn number<N: TryFrom<i64>>(self, key: &str) -> Option<N> {
        N::try_from(self.value(key)?.as_integer()?).ok()
    }

    /// A string as what it shows.
    pub(super) fn parsed<T: core::str::FromStr>(self, key: &str) -> Option<T> {
        self.text(key)?.parse().ok()
    }

    /// A list of strings, each as what it shows.
    pub(super) fn list<T: core::str::FromStr>(self, key: &str) -> Option<Vec<T>> {
        let Value::List(values) = self.value(key)? else {
            return None;
        };
        let parse = |value: &Value<'_>| value.as_text()?.parse().ok();
        values.iter().map(parse).collect()
    }

    fn value(self, key: &str) -> Option<&'e Value<'e>> {
        self.0?.get(key)
    }
}
