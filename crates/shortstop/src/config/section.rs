//! How a section of the configuration is declared: fields, defaults and documentation in one place,
//! from which come the reader, the example file and the list of names. It knows no section.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::environment::Overlay;
use super::problems::Problems;

/// One field as the example file shows it.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in the file.
    pub name: &'static str,
    /// Its documentation, line by line.
    pub doc: &'static [&'static str],
    /// Its default, when it has one.
    pub default: Option<Value>,
    /// A value to show, when there is no default.
    pub example: Option<Value>,
}

/// A section that can be read from a table and shown in the example file.
pub trait Section: Default {
    /// What the section is for, line by line.
    const ABOUT: &'static [&'static str];

    /// Its fields, in the order of the file.
    fn fields() -> Vec<Field>;

    /// Reads what the table holds. Whatever is wrong goes to the reader's problems, and the field
    /// keeps its default, so that one run finds every mistake.
    fn read(table: Table, reader: &mut Reader<'_>) -> Self;
}

/// Where a section is read from, and where its problems go.
#[derive(Debug)]
pub struct Reader<'r> {
    /// The key path for problems, such as `carrier[0]`.
    pub at: String,
    /// The path under which the environment may set a field, such as `carrier.primary`.
    pub overlay_at: String,
    /// What the environment sets.
    pub overlay: &'r mut Overlay,
    /// What was wrong so far.
    pub problems: &'r mut Problems,
}

impl Reader<'_> {
    /// Takes one field out of the table, or from the environment, which wins.
    pub fn take<T: DeserializeOwned>(&mut self, table: &mut Table, name: &str) -> Option<T> {
        let written = table.remove(name);
        let set = self.overlay.take(&self.overlay_at, name);
        let read = match (set, written) {
            (Some(text), _) => from_environment(&text),
            (None, Some(value)) => value.try_into::<T>(),
            (None, None) => return None,
        };
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems
                    .add(format!("{}.{name}", self.at), in_words(error.message()));
                None
            }
        }
    }

    /// Whatever is left of the table has a name that is not a field's.
    pub fn unknown(&mut self, table: &Table, fields: &[Field]) {
        let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
        for name in table.keys() {
            let says = match nearest(name, &known) {
                Some(near) => format!("is no setting; did you mean `{near}`?"),
                None => format!("is no setting; the settings here are {}", known.join(", ")),
            };
            self.problems.add(format!("{}.{name}", self.at), says);
        }
    }
}

/// The environment knows only text: it is taken as text where the field is one, and read as a value
/// of TOML otherwise.
fn from_environment<T: DeserializeOwned>(text: &str) -> Result<T, toml::de::Error> {
    let as_text = Value::String(text.to_owned()).try_into::<T>();
    as_text.or_else(|error| {
        let table: Table = toml::from_str(&format!("value = {text}")).map_err(|_| error)?;
        let value = table.get("value").cloned().unwrap_or(Value::Boolean(false));
        value.try_into::<T>()
    })
}

/// What the reader says of a value, without names of the language that the gateway is written in.
fn in_words(says: &str) -> String {
    let says = says.trim();
    let names = [
        ("u8", "a whole number from 0 to 255"),
        ("u16", "a whole number from 0 to 65535"),
        ("u32", "a whole number from 0 to 4294967295"),
        ("u64", "a whole number, 0 or more"),
        ("usize", "a whole number, 0 or more"),
    ];
    let found = names.iter().find_map(|(name, words)| {
        let rest = says.strip_suffix(name)?.strip_suffix("expected ")?;
        Some(format!("{rest}expected {words}"))
    });
    found.unwrap_or_else(|| says.to_owned())
}

/// The known name that differs by at most two letters.
pub fn nearest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let near = known.iter().map(|other| (distance(name, other), *other));
    near.filter(|(far, _)| *far <= 2)
        .min()
        .map(|(_, other)| other)
}

/// The edit distance of two names (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (place, letter) in left.chars().enumerate() {
        let mut corner = place;
        let mut beside = place + 1;
        let mut next = vec![beside];
        for (above, other) in row.iter().skip(1).zip(&right) {
            let change = corner + usize::from(letter != *other);
            beside = change.min(beside + 1).min(above + 1);
            corner = *above;
            next.push(beside);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// A value as TOML; `None` for a value that is not set.
pub fn shown(value: &impl Serialize) -> Option<Value> {
    Value::try_from(value).ok()
}

/// Declares a section: a struct whose fields have documentation and a default. A field without a
/// default is an `Option` that is `None`, and may show an example after `=>`.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        pub struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                pub $field:ident: $type:ty = $default:expr $(=> $example:expr)?,
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $(
                $(#[doc = $doc])*
                pub $field: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::config::section::Section for $name {
            const ABOUT: &'static [&'static str] = &[$($about),*];

            fn fields() -> Vec<$crate::config::section::Field> {
                let defaults = Self::default();
                vec![$(
                    $crate::config::section::Field {
                        name: stringify!($field),
                        doc: &[$($doc),*],
                        default: $crate::config::section::shown(&defaults.$field),
                        example: None$(.or($crate::config::section::shown(&$example)))?,
                    },
                )*]
            }

            fn read(
                mut table: toml::Table,
                reader: &mut $crate::config::section::Reader<'_>,
            ) -> Self {
                let defaults = Self::default();
                let section = Self {
                    $($field: reader
                        .take(&mut table, stringify!($field))
                        .unwrap_or(defaults.$field),)*
                };
                reader.unknown(&table, &Self::fields());
                section
            }
        }

        impl $name {
            /// The settings and their values, as the file would write them; unset ones are absent.
            pub fn values(&self) -> Vec<(&'static str, toml::Value)> {
                let mut values = Vec::new();
                $(
                    let value = $crate::config::section::shown(&self.$field);
                    values.extend(value.map(|value| (stringify!($field), value)));
                )*
                values
            }
        }
    };
}

pub(crate) use section;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_name_finds_its_neighbour() {
        let known = ["listen", "certificate_file", "key_file"];
        assert_eq!(nearest("lisen", &known), Some("listen"));
        assert_eq!(nearest("listne", &known), Some("listen"));
        assert_eq!(nearest("keyfile", &known), Some("key_file"));
        assert_eq!(nearest("colour", &known), None);
    }

    #[test]
    fn a_number_out_of_range_is_told_in_words() {
        let says = in_words("invalid value: integer `-1`, expected u8");
        let words = "invalid value: integer `-1`, expected a whole number from 0 to 255";
        assert_eq!(says, words);
        assert_eq!(in_words(" expected a string "), "expected a string");
    }

    #[test]
    fn the_environment_gives_text_numbers_and_lists() {
        assert_eq!(from_environment::<String>("12345").unwrap(), "12345");
        assert_eq!(from_environment::<u16>("12345").unwrap(), 12345);
        assert_eq!(
            from_environment::<Vec<String>>("['a', 'b']").unwrap(),
            ["a", "b"]
        );
        assert!(from_environment::<u16>("many").is_err());
    }
}
