//! As much of CycloneDX 1.6 (ECMA-424) as is written: names and order of fields are the standard's.

use serde::Serialize;

/// The document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bom {
    /// Always "CycloneDX".
    pub bom_format: &'static str,
    /// The version of the standard.
    pub spec_version: &'static str,
    /// `urn:uuid:`, unique to what the document says.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub serial_number: String,
    /// Always 1: a change of content has a serial number of its own.
    pub version: u32,
    /// What it is about.
    pub metadata: Metadata,
    /// The parts.
    pub components: Vec<Component>,
    /// Who asks for whom.
    pub dependencies: Vec<Dependency>,
    /// Whether the list is complete.
    pub compositions: Vec<Composition>,
}

impl Bom {
    /// On one line.
    pub fn compact(&self) -> String {
        // Structs of texts always have a form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// For people.
    pub fn pretty(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// What the document is about.
#[derive(Debug, Serialize)]
pub struct Metadata {
    /// The product.
    pub component: Component,
    /// Remarks.
    pub properties: Vec<Property>,
}

/// A part, or the product.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What dependencies call it.
    #[serde(rename = "bom-ref")]
    pub reference: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// "required", or "excluded" when it is needed to build and not to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'static str>,
    /// Of its package, or of the file that is the product.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Digest>,
    /// One expression.
    pub licenses: Vec<Licence>,
    /// Its package URL, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// Remarks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
}

/// What a part is.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The product.
    Application,
    /// Anything in it.
    Library,
}

/// A hash.
#[derive(Debug, Serialize)]
pub struct Digest {
    alg: &'static str,
    content: String,
}

impl Digest {
    /// In hexadecimal.
    pub fn sha256(content: impl Into<String>) -> Self {
        let content = content.into();
        Self {
            alg: "SHA-256",
            content,
        }
    }
}

/// A licence.
#[derive(Debug, Serialize)]
pub struct Licence {
    expression: &'static str,
}

impl Licence {
    /// An SPDX expression.
    pub const fn expression(expression: &'static str) -> Self {
        Self { expression }
    }
}

/// A remark.
#[derive(Debug, Serialize)]
pub struct Property {
    name: &'static str,
    value: String,
}

impl Property {
    /// What a name of ours says.
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        Self { name, value }
    }
}

/// What one part asks for.
#[derive(Debug, Serialize)]
pub struct Dependency {
    /// The part.
    #[serde(rename = "ref")]
    pub reference: String,
    /// What it asks for.
    #[serde(rename = "dependsOn", skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
}

/// How complete the list is.
#[derive(Debug, Serialize)]
pub struct Composition {
    /// "complete" or "incomplete".
    pub aggregate: &'static str,
    /// Whose parts it speaks of.
    pub assemblies: Vec<String>,
}
