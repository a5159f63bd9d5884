//! The rooms of the house and who may import whom, as data, compared with what the manifests
//! say. A new edge needs a decision record in `docs/decisions/` and then a word here.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Check, Finding};
use super::workspace::{Edge, Kind};

/// A room and the rooms it may import; what is absent is forbidden.
const MAY_IMPORT: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("ledger", &[]),
    ("engine", &["domain", "ledger"]),
    ("store", &["engine", "domain", "ledger"]),
    ("tls", &["engine", "domain"]),
    ("smpp", &["tls", "engine", "domain"]),
    ("web", &["tls", "engine", "domain"]),
    (
        "shortstop",
        &["web", "smpp", "tls", "store", "engine", "domain", "ledger"],
    ),
    ("testkit", &["engine", "domain", "ledger"]),
    ("xtask", &[]),
];

/// The room of fakes and contract suites: every room may import it for its tests, none otherwise.
const TESTS_ONLY: &str = "testkit";

/// Rooms in the longest chain, both ends counted.
const CHAIN_MAX: usize = 5;

/// Edges between our crates that the table does not grant.
pub fn foreign_edges(edges: &BTreeSet<Edge>) -> Vec<Finding> {
    edges
        .iter()
        .filter(|edge| !is_granted(edge))
        .map(foreign)
        .collect()
}

fn is_granted(edge: &Edge) -> bool {
    let row = MAY_IMPORT.iter().find(|(room, _)| *room == edge.from);
    let listed = row.is_some_and(|(_, rooms)| rooms.contains(&edge.to.as_str()));
    listed || (edge.to == TESTS_ONLY && edge.kind == Some(Kind::Dev))
}

fn foreign(edge: &Edge) -> Finding {
    let says = if edge.to == TESTS_ONLY {
        format!("imports {TESTS_ONLY}, which never ships; make it a dev-dependency")
    } else {
        format!(
            "imports {}, which the table of rooms does not grant; a new edge needs a decision \
             record in docs/decisions/ and then its word in xtask/src/tidy/rooms.rs",
            edge.to
        )
    };
    Finding::new(Check::Edge, &edge.from, says)
}

/// Rooms from which a chain of normal imports is longer than the house allows.
pub fn long_chains(edges: &BTreeSet<Edge>) -> Vec<Finding> {
    let mut imports: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| edge.kind.is_none()) {
        imports.entry(&edge.from).or_default().push(&edge.to);
    }
    let too_long = |room: &&&str| longest_chain(room, &imports, CHAIN_MAX + 1) > CHAIN_MAX;
    let rooms = imports.keys().filter(too_long);
    let says = format!("begins a chain of more than {CHAIN_MAX} rooms");
    rooms
        .map(|room| Finding::new(Check::Chain, room, says.as_str()))
        .collect()
}

/// Rooms in the longest chain from `room`, counted no further than `limit`.
fn longest_chain(room: &str, imports: &BTreeMap<&str, Vec<&str>>, limit: usize) -> usize {
    let Some(below) = limit.checked_sub(1) else {
        return 0;
    };
    let rooms = imports.get(room).into_iter().flatten();
    let deepest = rooms.map(|next| longest_chain(next, imports, below)).max();
    1 + deepest.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str, kind: Option<Kind>) -> Edge {
        Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            kind,
        }
    }

    fn findings(from: &str, to: &str, kind: Option<Kind>) -> usize {
        foreign_edges(&BTreeSet::from([edge(from, to, kind)])).len()
    }

    #[test]
    fn edges_of_the_house_never_import_each_other() {
        assert_eq!(findings("web", "store", None), 1);
        assert_eq!(findings("web", "store", Some(Kind::Dev)), 1);
        assert_eq!(findings("domain", "engine", None), 1);
        assert_eq!(findings("web", "engine", None), 0);
    }

    #[test]
    fn an_unknown_room_imports_nothing() {
        assert_eq!(findings("attic", "domain", None), 1);
    }

    #[test]
    fn testkit_serves_tests_and_nothing_else() {
        assert_eq!(findings("domain", "testkit", Some(Kind::Dev)), 0);
        assert_eq!(findings("domain", "testkit", None), 1);
        assert_eq!(findings("domain", "testkit", Some(Kind::Build)), 1);
    }

    #[test]
    fn a_chain_of_six_rooms_is_too_long() {
        let chain = ["a", "b", "c", "d", "e", "f"];
        let edges = chain.windows(2).map(|pair| edge(pair[0], pair[1], None));
        let edges: BTreeSet<Edge> = edges.collect();
        let long = long_chains(&edges);
        assert_eq!(long.len(), 1);
        assert_eq!(long[0].subject, "a");
    }

    #[test]
    fn a_circle_is_a_chain_without_end() {
        let edges = BTreeSet::from([edge("a", "b", None), edge("b", "a", None)]);
        assert_eq!(long_chains(&edges).len(), 2);
    }

    #[test]
    fn the_table_itself_keeps_the_longest_chain() {
        let edges = MAY_IMPORT
            .iter()
            .flat_map(|(from, to)| to.iter().map(|to| edge(from, to, None)));
        assert!(long_chains(&edges.collect()).is_empty());
    }
}
