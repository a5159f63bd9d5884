//! What came of the attacks: a table, and whether the protections held.

/// What an unprotected gateway would have let through.
#[derive(Clone, Copy)]
pub enum Unprotected {
    /// Counted at a gateway with the protections off.
    Measured(u64),
    /// Reckoned from what was tried.
    Computed(u64),
}

/// What came of one attack.
pub struct Outcome {
    /// What was done.
    pub attack: String,
    /// What is counted: messages at the handset, guesses evaluated.
    pub counted: String,
    /// How often it was tried.
    pub tried: u64,
    /// How much got through.
    pub through: u64,
    /// The most that may.
    pub allowed: u64,
    /// What would have got through without protection.
    pub unprotected: Unprotected,
}

impl Outcome {
    fn holds(&self) -> bool {
        self.through <= self.allowed
    }
}

/// Collects outcomes and prints them as they come.
#[derive(Default)]
pub struct Report {
    broken: Vec<String>,
}

impl Report {
    /// Begins the table.
    pub fn open() -> Self {
        let (attack, counted) = ("attack", "counted");
        println!(
            "{attack:<44} {counted:<20} {:>8} {:>8} {:>8}   unprotected",
            "tried", "through", "allowed"
        );
        Self::default()
    }

    /// One attack.
    pub fn outcome(&mut self, outcome: &Outcome) {
        let unprotected = match outcome.unprotected {
            Unprotected::Measured(count) => format!("{count} measured"),
            Unprotected::Computed(count) => format!("{count} computed"),
        };
        let verdict = if outcome.holds() { "held" } else { "BROKEN" };
        println!(
            "{:<44} {:<20} {:>8} {:>8} {:>8}   {unprotected:<18} {verdict}",
            outcome.attack, outcome.counted, outcome.tried, outcome.through, outcome.allowed
        );
        if !outcome.holds() {
            self.broken(format!(
                "{}: {} {} got through, at most {} may",
                outcome.attack, outcome.through, outcome.counted, outcome.allowed
            ));
        }
    }

    /// A promise that is not kept, in words.
    pub fn broken(&mut self, says: String) {
        self.broken.push(says);
    }

    /// Ends the table; an error names the protections that did not hold.
    pub fn close(self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.broken.is_empty(),
            "not held:\n  {}",
            self.broken.join("\n  ")
        );
        Ok(())
    }
}
