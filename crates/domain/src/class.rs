//! Traffic classes: what a message is for. The class decides its priority, which keys may send it
//! and what happens to it when its fate is unknown after a crash.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a message is for, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrafficClass {
    /// A one-time code that somebody waits for.
    Otp,
    /// A notice about something of the recipient's.
    Alert,
    /// Everything promotional; shed first under pressure.
    Marketing,
}

impl TrafficClass {
    /// Every class, most urgent first.
    pub const ALL: [Self; 3] = [Self::Otp, Self::Alert, Self::Marketing];

    /// The word used in the API, the configuration and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Otp => "otp",
            Self::Alert => "alert",
            Self::Marketing => "marketing",
        }
    }

    /// Its place in [`TrafficClass::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Otp => 0,
            Self::Alert => 1,
            Self::Marketing => 2,
        }
    }

    /// SMPP 3.4 §5.2.14 `priority_flag`: 0 lowest to 3 highest.
    pub const fn priority_flag(self) -> u8 {
        match self {
            Self::Otp => 3,
            Self::Alert => 2,
            Self::Marketing => 0,
        }
    }
}

impl fmt::Display for TrafficClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no traffic class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a traffic class; use otp, alert or marketing")]
pub struct UnknownClass;

impl FromStr for TrafficClass {
    type Err = UnknownClass;

    fn from_str(text: &str) -> Result<Self, UnknownClass> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or(UnknownClass)
    }
}

/// A set of traffic classes, such as those a key may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<TrafficClass>", into = "Vec<TrafficClass>")]
pub struct ClassSet([bool; 3]);

impl ClassSet {
    /// Whether the class is in the set.
    pub fn contains(self, class: TrafficClass) -> bool {
        self.0.get(class.index()).copied().unwrap_or(false)
    }

    /// The classes of the set, most urgent first.
    pub fn iter(self) -> impl Iterator<Item = TrafficClass> {
        TrafficClass::ALL
            .into_iter()
            .filter(move |class| self.contains(*class))
    }
}

impl FromIterator<TrafficClass> for ClassSet {
    fn from_iter<I: IntoIterator<Item = TrafficClass>>(classes: I) -> Self {
        let mut set = Self::default();
        for class in classes {
            if let Some(place) = set.0.get_mut(class.index()) {
                *place = true;
            }
        }
        set
    }
}
impl From<Vec<TrafficClass>> for ClassSet {
    fn from(classes: Vec<TrafficClass>) -> Self {
        classes.into_iter().collect()
    }
}
impl From<ClassSet> for Vec<TrafficClass> {
    fn from(set: ClassSet) -> Self {
        set.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_classes_are_one_to_one() {
        for class in TrafficClass::ALL {
            assert_eq!(class.to_string().parse(), Ok(class));
        }
        assert_eq!("OTP".parse::<TrafficClass>(), Err(UnknownClass));
    }

    #[test]
    fn a_class_set_holds_just_what_was_put_in() {
        let set: ClassSet = [TrafficClass::Marketing, TrafficClass::Otp]
            .into_iter()
            .collect();
        assert!(set.contains(TrafficClass::Otp) && !set.contains(TrafficClass::Alert));
        assert_eq!(Vec::from(set), [TrafficClass::Otp, TrafficClass::Marketing]);
    }
}
