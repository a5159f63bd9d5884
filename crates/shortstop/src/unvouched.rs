//! Clients that are to be known by names in their certificates while nobody vouches for names: then none is ever
//! believed.

use domain::id::ClientId;
use engine::ports::Workshop as _;

use crate::config::Checked;
use crate::folder::DataFolder;
use crate::wiring;

/// So many are named.
const NAMED_MAX: usize = 5;

/// What is said of clients that are known by name, where that can never be.
pub fn says(checked: &Checked, known_by_name: &[ClientId]) -> Option<String> {
    if known_by_name.is_empty() || checked.https.clients.ca_file.is_some() {
        return None;
    }
    let named = known_by_name.iter().take(NAMED_MAX);
    let mut named: Vec<String> = named.map(ToString::to_string).collect();
    if known_by_name.len() > NAMED_MAX {
        named.push("…".to_owned());
    }
    Some(format!(
        "{} client(s) have names of certificates ({}), and https.client_ca_file is not set: nobody vouches for names, \
         so that none is believed; name the authority, or give each its certificate with `shortstop client change \
         --certificate`",
        known_by_name.len(),
        named.join(", ")
    ))
}

/// Those in a data folder. None where there is no store yet, and while a gateway has it open: that says so itself.
pub fn in_store(checked: &Checked) -> Vec<ClientId> {
    let Ok(folder) = DataFolder::existing(&checked.data_folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Ok(store) = wiring::open_to_read(checked, folder.path()) {
        let read = store.with_view(&mut |view, _| {
            let clients = view.clients()?;
            let named = clients.iter().filter(|row| row.is_known_by_name());
            found.extend(named.map(|row| row.id));
            Ok(())
        });
        if read.is_err() {
            return Vec::new();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn names_are_said_to_be_of_no_use_exactly_while_nobody_vouches_for_them() {
        let mut checked = Checked::try_from(&Config::default()).unwrap();
        let clients: Vec<_> = (1..8).map(|n| ClientId::new(n, 0)).collect();
        assert_eq!(says(&checked, &[]), None);
        let said = says(&checked, &clients).unwrap();
        assert!(said.starts_with("7 client(s) "), "{said}");
        assert!(said.contains(&clients[4].to_string()), "{said}");
        assert!(!said.contains(&clients[5].to_string()), "{said}");
        checked.https.clients.ca_file = Some("ca.pem".into());
        assert_eq!(says(&checked, &clients), None);
    }
}
