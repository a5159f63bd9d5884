//! What this binary is made of, as a CycloneDX 1.6 document (ECMA-424): its crates with versions,
//! licences, hashes and who asks for whom, the C libraries inside them, Rust's own library and the
//! compiler. The list is noted when the binary is built (`build.rs`); the same binary always prints
//! the same octets. It lists no tests, and nothing that another target alone would need.

pub mod cyclonedx;
mod parts;

use aws_lc_rs::digest::{SHA256, digest};
use ledger::Hash;

use cyclonedx::{
    Bom, Component, Composition, Dependency, Digest, Kind, Licence, Metadata, Property,
};
use parts::{How, Part, Parts};

use crate::version::Build;

/// The document of this build, whose file has this hash.
///
/// `None` for a build whose target has no list.
pub fn document(build: &Build, file: &Hash) -> Option<Bom> {
    let parts = Parts::built_in();
    let root = parts.root()?;
    let metadata = Metadata {
        component: product(root, build, file),
        properties: vec![Property::new("shortstop:compiler", compiler(build))],
    };
    let others = parts.all.iter().filter(|part| *part != root);
    let mut components: Vec<Component> = others.map(component).collect();
    components.push(standard_library(build));
    let mut bom = Bom {
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: String::new(),
        version: 1,
        metadata,
        components,
        dependencies: dependencies(&parts, build),
        compositions: vec![Composition {
            aggregate: if parts.is_stale() {
                "incomplete"
            } else {
                "complete"
            },
            assemblies: vec![root.reference()],
        }],
    };
    bom.serial_number = serial(&bom);
    Some(bom)
}

/// A name that no two documents share and that needs no clock: a UUID (RFC 9562, version 8) of what it says.
fn serial(bom: &Bom) -> String {
    let hash = digest(&SHA256, bom.compact().as_bytes());
    let mut octets = hash
        .as_ref()
        .first_chunk::<16>()
        .copied()
        .unwrap_or_default();
    let [.., six, _, eight, _, _, _, _, _, _, _] = &mut octets;
    *six = 0x80 | (*six & 0x0f);
    *eight = 0x80 | (*eight & 0x3f);
    let digits = format!("{:032x}", u128::from_be_bytes(octets));
    let mut uuid = String::from("urn:uuid:");
    for (at, digit) in digits.chars().enumerate() {
        if [8, 12, 16, 20].contains(&at) {
            uuid.push('-');
        }
        uuid.push(digit);
    }
    uuid
}

fn product(root: &Part, build: &Build, file: &Hash) -> Component {
    Component {
        kind: Kind::Application,
        // Under a name of ours the public registry may hold somebody else's crate.
        purl: Some(format!("pkg:generic/{}@{}", root.name, root.version)),
        hashes: vec![Digest::sha256(file.to_string())],
        properties: vec![
            Property::new("shortstop:target", build.target),
            Property::new("shortstop:profile", build.profile),
        ],
        ..component(root)
    }
}

fn component(part: &Part) -> Component {
    let (name, version) = (part.name, part.version);
    let purl = match part.how {
        How::Own => None,
        How::Linked | How::Build => Some(format!("pkg:cargo/{name}@{version}")),
        How::Bundled => Some(format!("pkg:generic/{name}@{version}")),
    };
    Component {
        kind: Kind::Library,
        reference: part.reference(),
        name: name.to_owned(),
        version: version.to_owned(),
        scope: match part.how {
            // It runs while the binary is built, and is not in it.
            How::Build => Some("excluded"),
            _ => Some("required"),
        },
        hashes: part.hash().map(Digest::sha256).into_iter().collect(),
        licenses: vec![Licence::expression(part.licence)],
        purl,
        properties: Vec::new(),
    }
}

/// Compiled into every binary, and in no lock file.
fn standard_library(build: &Build) -> Component {
    Component {
        kind: Kind::Library,
        reference: standard_reference(build),
        name: "rust-std".to_owned(),
        version: build.rust.to_owned(),
        scope: Some("required"),
        hashes: Vec::new(),
        licenses: vec![Licence::expression("MIT OR Apache-2.0")],
        purl: Some(format!("pkg:generic/rust@{}", build.rust)),
        properties: vec![Property::new("shortstop:commit", build.rust_commit)],
    }
}

fn standard_reference(build: &Build) -> String {
    format!("rust-std@{}", build.rust)
}

fn compiler(build: &Build) -> String {
    format!("rustc {} ({})", build.rust, build.rust_commit)
}

/// Who asks for whom. A C library is asked for by the crate that brings it.
fn dependencies(parts: &Parts, build: &Build) -> Vec<Dependency> {
    let bundled = |of: &str| {
        let inside = parts.all.iter().filter(|part| part.how == How::Bundled);
        let inside = inside.filter(|part| part.asks().any(|asked| asked == of));
        inside.map(Part::reference).collect::<Vec<_>>()
    };
    let of_part = |part: &Part| {
        let reference = part.reference();
        let mut on: Vec<String> = match part.how {
            How::Bundled => Vec::new(),
            _ => part.asks().map(str::to_owned).collect(),
        };
        on.extend(bundled(&reference));
        if part.is_root() {
            on.push(standard_reference(build));
        }
        Dependency { reference, on }
    };
    let mut all: Vec<Dependency> = parts.all.iter().map(of_part).collect();
    all.push(Dependency {
        reference: standard_reference(build),
        on: Vec::new(),
    });
    all
}

#[cfg(test)]
mod tests;
