//! What an authority does that it must not, or that hardly any does.

/// What an authority does from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trick {
    /// It offers every challenge but TLS-ALPN-01.
    OtherChallenges,
    /// It takes orders at a URL in clear.
    ClearOrders,
    /// It refuses so many requests for their nonce.
    StaleNonces(u32),
    /// It calls orders invalid once they are done.
    InvalidOrders,
    /// Its certificates are for a key of its own.
    AnotherKey,
    /// Its certificates are for another name.
    OtherNames,
    /// Its certificates are longer than any need be.
    Flood,
    /// Its certificates are somewhere else.
    Elsewhere,
    /// Its URLs end in slashes and have queries, as they may.
    OddUrls,
}

impl Trick {
    /// A request that is refused for its nonce, if one is; and the trick that is left.
    pub(super) const fn refuses_nonce(self) -> Option<Self> {
        match self {
            Self::StaleNonces(count) if count > 0 => Some(Self::StaleNonces(count - 1)),
            _ => None,
        }
    }
}
