//! The entropy port: random octets for ids, keys and nonces.

/// Draws random octets.
///
/// The product's implementation is the system generator; octets must be unpredictable to anybody.
/// An implementation that cannot draw must stop the process: a gateway with guessable keys is worse
/// than none. Simulations use a seeded generator, so nothing else may be a source of chance.
pub trait Entropy: Send + Sync {
    /// Fills the whole slice.
    fn fill(&self, octets: &mut [u8]);
}
