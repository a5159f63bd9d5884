//! A store as an older program left it: its keys wrapped under the master key alone.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use engine::ports::keyring::Salts;
use engine::rows::KekRow;
use testkit::Image;

fn derived(parts: &[&[u8]]) -> LessSafeKey {
    // The master key of every test store.
    let master = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
    let octets = hmac::sign(&master, &parts.concat());
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, octets.as_ref()).unwrap())
}

/// Takes the salt out of the wrapping of every key.
pub fn without_salt(mut image: Image, salts: &Salts) -> Image {
    let salt = salts.current.as_ref().unwrap().reveal();
    let new = derived(&[b"shortstop/v2/wrap", salt]);
    let old = derived(&[b"shortstop/v1/wrap"]);
    let rows: Vec<KekRow> = image.keks().cloned().collect();
    for mut row in rows {
        let mut place = vec![0; 8];
        place.push(row.purpose.code());
        place.extend(row.week.to_be_bytes());
        let (nonce, body) = row.wrapped.split_at_mut(12);
        let once = || Nonce::try_assume_unique_for_key(nonce).unwrap();
        let plain = new.open_in_place(once(), Aad::from(&place), body).unwrap();
        let mut again = plain.to_vec();
        old.seal_in_place_append_tag(once(), Aad::from(&place), &mut again)
            .unwrap();
        row.wrapped = [nonce.to_vec(), again].concat();
        image.replace_kek(row);
    }
    image
}
