//! The configuration: one TOML file, one section one file here, every field with a default and its
//! documentation. Read first (`Config`), then checked (`Checked`); each step tells every problem it
//! finds. Secrets are named by file or come from the environment, and are read last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

pub mod acme;
pub mod admin;
pub mod bounds;
pub mod carrier;
pub mod checked;
pub mod countries;
pub mod environment;
pub mod esme;
pub mod example;
pub mod factors;
pub mod fairness;
pub mod https;
pub mod keys;
pub mod ledger;
pub mod limit;
pub mod log;
pub mod messages;
pub mod node;
pub mod prices;
pub mod problems;
pub mod pumping;
pub mod retention;
pub mod risk;
pub mod secret;
pub mod section;
pub mod short_code;
pub mod siem;
pub mod smpp;
pub mod store;
pub mod verifications;
pub mod webhooks;
pub mod witness;

pub use checked::Checked;
pub use problems::{Problem, Problems};

use carrier::CarrierSection;
use environment::Overlay;
use esme::EsmeSection;
use limit::{GroupSection, LimitSection};
use secret::Password;
use section::{Reader, Section};
use short_code::ShortCodeSection;
use siem::SiemSection;
use witness::WitnessSection;

/// Names of the sections in the order of the example file; those in double brackets repeat.
pub const SECTIONS: [&str; 27] = [
    "node",
    "https",
    "https.acme",
    "smpp",
    "esme",
    "admin",
    "short_code",
    "carrier",
    "ledger",
    "witness",
    "siem",
    "keys",
    "messages",
    "verifications",
    "factors",
    "retention",
    "risk",
    "pumping",
    "bounds",
    "webhooks",
    "fairness",
    "limit",
    "group",
    "prices",
    "countries",
    "store",
    "log",
];

/// The file as it was written, every field of the right type and nothing else checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `[node]`.
    pub node: node::Node,
    /// `[https]`.
    pub https: https::Https,
    /// `[https.acme]`.
    pub acme: acme::Acme,
    /// `[smpp]`.
    pub smpp: smpp::Smpp,
    /// `[[esme]]`.
    pub esmes: Vec<EsmeSection>,
    /// `[admin]`.
    pub admin: admin::Admin,
    /// `[[short_code]]`.
    pub short_codes: Vec<ShortCodeSection>,
    /// `[[carrier]]`.
    pub carriers: Vec<Carrier>,
    /// `[ledger]`.
    pub ledger: ledger::Ledger,
    /// `[[witness]]`.
    pub witnesses: Vec<WitnessSection>,
    /// `[[siem]]`.
    pub siems: Vec<SiemSection>,
    /// `[keys]`.
    pub keys: keys::Keys,
    /// `[messages]`.
    pub messages: messages::Messages,
    /// `[verifications]`.
    pub verifications: verifications::Verifications,
    /// `[factors]`.
    pub factors: factors::Factors,
    /// `[retention]`.
    pub retention: retention::Retention,
    /// `[risk]`.
    pub risk: risk::Risk,
    /// `[pumping]`.
    pub pumping: pumping::Pumping,
    /// `[bounds]`.
    pub bounds: bounds::Bounds,
    /// `[webhooks]`.
    pub webhooks: webhooks::Webhooks,
    /// `[fairness]`.
    pub fairness: fairness::Fairness,
    /// `[[limit]]`.
    pub limits: Vec<LimitSection>,
    /// `[[group]]`.
    pub groups: Vec<GroupSection>,
    /// `[prices]`.
    pub prices: prices::Prices,
    /// `[countries]`.
    pub countries: countries::Countries,
    /// `[store]`.
    pub store: store::Store,
    /// `[log]`.
    pub log: log::Log,
    /// The folder that relative paths start from: that of the file.
    pub base: PathBuf,
}

/// One carrier and the secrets that the environment gives it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carrier {
    /// `[[carrier]]`.
    pub section: CarrierSection,
    /// `SHORTSTOP__CARRIER__<NAME>__PASSWORD`.
    pub password: Option<Password>,
    /// `SHORTSTOP__CARRIER__<NAME>__SECRET`.
    pub secret: Option<Password>,
    /// `SHORTSTOP__CARRIER__<NAME>__CALLBACK_SECRET`.
    pub callback_secret: Option<Password>,
}

impl Config {
    /// Reads the text of a file.
    pub fn parse(text: &str, overlay: Overlay) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let config = Self::read(text, overlay, &mut problems);
        problems.or_value(config)
    }

    /// Reads what can be read; `None` when the text is no TOML.
    fn read(text: &str, overlay: Overlay, problems: &mut Problems) -> Option<Self> {
        let table: Result<Table, _> = toml::from_str(text);
        let table = table
            .map_err(|error| problems.add("", error.to_string().trim()))
            .ok()?;
        let mut sources = Sources {
            table,
            overlay,
            problems,
        };
        let config = Self {
            node: sources.section("node"),
            acme: sources.section("https.acme"),
            https: sources.section("https"),
            smpp: sources.section("smpp"),
            esmes: sources.named_by("esme", "system_id"),
            admin: sources.section("admin"),
            short_codes: sources.short_codes(),
            carriers: sources.carriers(),
            ledger: sources.section("ledger"),
            witnesses: sources.named("witness"),
            siems: sources.named("siem"),
            keys: sources.section("keys"),
            messages: sources.section("messages"),
            verifications: sources.section("verifications"),
            factors: sources.section("factors"),
            retention: sources.section("retention"),
            risk: sources.section("risk"),
            pumping: sources.section("pumping"),
            bounds: sources.section("bounds"),
            webhooks: sources.section("webhooks"),
            fairness: sources.section("fairness"),
            limits: sources.named("limit"),
            groups: sources.named("group"),
            prices: sources.section("prices"),
            countries: sources.section("countries"),
            store: sources.section("store"),
            log: sources.section("log"),
            base: PathBuf::new(),
        };
        sources.finish();
        Some(config)
    }

    /// The file that says what this configuration is; only what is set is in it.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        written(&mut out, "[node]", self.node.values());
        written(&mut out, "[https]", self.https.values());
        written(&mut out, "[https.acme]", self.acme.values());
        written(&mut out, "[smpp]", self.smpp.values());
        for esme in &self.esmes {
            written(&mut out, "[[esme]]", esme.values());
        }
        written(&mut out, "[admin]", self.admin.values());
        for code in &self.short_codes {
            written(&mut out, "[[short_code]]", code.values());
        }
        for carrier in &self.carriers {
            written(&mut out, "[[carrier]]", carrier.section.values());
        }
        written(&mut out, "[ledger]", self.ledger.values());
        for witness in &self.witnesses {
            written(&mut out, "[[witness]]", witness.values());
        }
        for siem in &self.siems {
            written(&mut out, "[[siem]]", siem.values());
        }
        written(&mut out, "[keys]", self.keys.values());
        written(&mut out, "[messages]", self.messages.values());
        written(&mut out, "[verifications]", self.verifications.values());
        written(&mut out, "[factors]", self.factors.values());
        written(&mut out, "[retention]", self.retention.values());
        written(&mut out, "[risk]", self.risk.values());
        written(&mut out, "[pumping]", self.pumping.values());
        written(&mut out, "[bounds]", self.bounds.values());
        written(&mut out, "[webhooks]", self.webhooks.values());
        written(&mut out, "[fairness]", self.fairness.values());
        for limit in &self.limits {
            written(&mut out, "[[limit]]", limit.values());
        }
        for group in &self.groups {
            written(&mut out, "[[group]]", group.values());
        }
        written(&mut out, "[prices]", self.prices.values());
        written(&mut out, "[countries]", self.countries.values());
        written(&mut out, "[store]", self.store.values());
        written(&mut out, "[log]", self.log.values());
        out
    }

    /// Every setting with its key path and value; what a reload compares.
    pub fn values(&self) -> BTreeMap<String, Value> {
        let single = [
            ("node", self.node.values()),
            ("https", self.https.values()),
            ("https.acme", self.acme.values()),
            ("smpp", self.smpp.values()),
            ("admin", self.admin.values()),
            ("ledger", self.ledger.values()),
            ("keys", self.keys.values()),
            ("messages", self.messages.values()),
            ("verifications", self.verifications.values()),
            ("factors", self.factors.values()),
            ("retention", self.retention.values()),
            ("risk", self.risk.values()),
            ("pumping", self.pumping.values()),
            ("bounds", self.bounds.values()),
            ("webhooks", self.webhooks.values()),
            ("fairness", self.fairness.values()),
            ("prices", self.prices.values()),
            ("countries", self.countries.values()),
            ("store", self.store.values()),
            ("log", self.log.values()),
        ];
        let mut values = BTreeMap::new();
        for (section, fields) in single {
            collect(&mut values, section, fields);
        }
        for code in &self.short_codes {
            let at = format!("short_code.{}", code.number.as_deref().unwrap_or_default());
            collect(&mut values, &at, code.values());
        }
        for carrier in &self.carriers {
            let name = carrier.section.name.as_deref().unwrap_or_default();
            collect(
                &mut values,
                &format!("carrier.{name}"),
                carrier.section.values(),
            );
        }
        for witness in &self.witnesses {
            let name = witness.name.as_deref().unwrap_or_default();
            collect(&mut values, &format!("witness.{name}"), witness.values());
        }
        for limit in &self.limits {
            let name = limit.name.as_deref().unwrap_or_default();
            collect(&mut values, &format!("limit.{name}"), limit.values());
        }
        for group in &self.groups {
            let name = group.name.as_deref().unwrap_or_default();
            collect(&mut values, &format!("group.{name}"), group.values());
        }
        for esme in &self.esmes {
            let name = esme.system_id.as_deref().unwrap_or_default();
            collect(&mut values, &format!("esme.{name}"), esme.values());
        }
        for siem in &self.siems {
            let name = siem.name.as_deref().unwrap_or_default();
            collect(&mut values, &format!("siem.{name}"), siem.values());
        }
        values
    }
}

fn written(out: &mut String, head: &str, fields: Vec<(&'static str, Value)>) {
    out.push_str(head);
    out.push('\n');
    for (name, value) in fields {
        out.extend([name, " = ", &value.to_string(), "\n"]);
    }
    out.push('\n');
}

fn collect(values: &mut BTreeMap<String, Value>, at: &str, fields: Vec<(&'static str, Value)>) {
    let keyed = fields
        .into_iter()
        .map(|(name, value)| (format!("{at}.{name}"), value));
    values.extend(keyed);
}

/// Reads and checks a file; every problem of both steps is told at once. Relative paths in it start from
/// its folder.
pub fn load(path: &Path, overlay: Overlay) -> Result<(Config, Checked), Problems> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problems::one("", format!("{} cannot be read: {error}", path.display()))
    })?;
    let mut problems = Problems::default();
    let Some(mut config) = Config::read(&text, overlay, &mut problems) else {
        return Err(problems);
    };
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    config.base = std::path::absolute(folder).unwrap_or_default();
    match Checked::try_from(&config) {
        Ok(checked) => problems.or_value(Some((config, checked))),
        Err(found) => {
            problems.merge(found);
            Err(problems)
        }
    }
}

/// What a configuration is read from, and what was wrong so far.
struct Sources<'p> {
    table: Table,
    overlay: Overlay,
    problems: &'p mut Problems,
}

impl Sources<'_> {
    fn reader(&mut self, at: &str, overlay_at: &str) -> Reader<'_> {
        Reader {
            at: at.to_owned(),
            overlay_at: overlay_at.to_owned(),
            overlay: &mut self.overlay,
            problems: self.problems,
        }
    }

    /// One section that does not repeat; absent is the same as empty.
    fn section<S: Section>(&mut self, name: &str) -> S {
        let found = match name.split_once('.') {
            // It stands in the section before it.
            Some((outer, inner)) => {
                let outer = self.table.get_mut(outer).and_then(Value::as_table_mut);
                outer.and_then(|outer| outer.remove(inner))
            }
            None => self.table.remove(name),
        };
        let table = match found {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(_) => {
                self.problems
                    .add(name, format!("is a section; write [{name}]"));
                return S::default();
            }
        };
        S::read(table, &mut self.reader(name, name))
    }

    /// The entries of a section that repeats, each with its key path.
    fn entries(&mut self, name: &str) -> Vec<(String, Table)> {
        let list = match self.table.remove(name) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => vec![other],
        };
        let mut entries = Vec::new();
        for (place, entry) in list.into_iter().enumerate() {
            match entry {
                Value::Table(table) => entries.push((format!("{name}[{place}]"), table)),
                _ => self
                    .problems
                    .add(name, format!("is a section; write [[{name}]]")),
            }
        }
        entries
    }

    fn short_codes(&mut self) -> Vec<ShortCodeSection> {
        let entries = self.entries("short_code").into_iter();
        entries
            .map(|(at, table)| {
                let overlay_at = format!("short_code.{}", text_of(&table, "number"));
                ShortCodeSection::read(table, &mut self.reader(&at, &overlay_at))
            })
            .collect()
    }

    fn carriers(&mut self) -> Vec<Carrier> {
        let entries = self.entries("carrier").into_iter();
        entries
            .map(|(at, table)| {
                let overlay_at = format!("carrier.{}", text_of(&table, "name"));
                let mut taken = |field| self.overlay.take(&overlay_at, field).map(Password::new);
                let (password, secret) = (taken("password"), taken("secret"));
                let callback_secret = taken("callback_secret");
                let section = CarrierSection::read(table, &mut self.reader(&at, &overlay_at));
                Carrier {
                    section,
                    password,
                    secret,
                    callback_secret,
                }
            })
            .collect()
    }

    /// A section that repeats, each entry with a name.
    fn named<S: Section>(&mut self, section: &str) -> Vec<S> {
        self.named_by(section, "name")
    }

    /// The same, each entry with a name in this field.
    fn named_by<S: Section>(&mut self, section: &str, field: &str) -> Vec<S> {
        let entries = self.entries(section).into_iter();
        entries
            .map(|(at, table)| {
                let overlay_at = format!("{section}.{}", text_of(&table, field));
                S::read(table, &mut self.reader(&at, &overlay_at))
            })
            .collect()
    }

    /// Sections and variables that nobody took.
    fn finish(self) {
        for name in self.table.keys() {
            let says = match section::nearest(name, &SECTIONS) {
                Some(near) => format!("is no section; did you mean [{near}]?"),
                None => format!("is no section; the sections are {}", SECTIONS.join(", ")),
            };
            self.problems.add(name, says);
        }
        self.overlay.finish(self.problems);
    }
}

fn text_of(table: &Table, name: &str) -> String {
    table
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests;
