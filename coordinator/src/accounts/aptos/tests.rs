//! Against keys and signatures that the Aptos SDK made (`tests/vectors.json`), and against any bytes.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::Deserialize;

use super::keyless::{self, Pepper, Subject};
use super::*;

#[derive(Deserialize)]
struct Vectors {
    wallets: Vec<Wallet>,
    keyless: Vec<Keyless>,
    federated_keyless: KeylessKey,
}

#[derive(Deserialize)]
struct Wallet {
    kind: String,
    public_key_bcs: String,
    address: String,
    sign_message: Signed,
    sign_in: Signed,
}

#[derive(Deserialize)]
struct Signed {
    text: String,
    signature_bcs: String,
}

#[derive(Deserialize)]
struct Keyless {
    iss: String,
    aud: String,
    uid_val: String,
    pepper: String,
    address: String,
    any_public_key_bcs: String,
}

#[derive(Deserialize)]
struct KeylessKey {
    any_public_key_bcs: String,
}

#[test]
fn every_kind_of_key_has_the_address_of_the_sdk_and_its_signatures_are_good() {
    let wallets = vectors().wallets;
    assert_eq!(wallets.len(), 4);
    for wallet in wallets {
        let key = wallet.key();
        assert_eq!(
            key.authentication_key().to_string(),
            wallet.address,
            "{}",
            wallet.kind
        );
        for (message, signature) in wallet.signed() {
            assert_eq!(key.verify(&message, &signature), Ok(()), "{}", wallet.kind);
        }
    }
}

#[test]
fn no_bit_of_a_signed_text_or_of_its_signature_can_be_changed() {
    for wallet in vectors().wallets {
        let key = wallet.key();
        let (message, signature) = wallet.signed().remove(0);
        for byte in 0..signature.len() {
            let mut forged = signature.clone();
            forged[byte] ^= 1;
            assert!(
                key.verify(&message, &forged).is_err(),
                "{}: byte {byte}",
                wallet.kind
            );
        }
        let mut other = message;
        other[7] ^= 1;
        let refused = key.verify(&other, &signature);
        assert_eq!(refused, Err(SignatureError::Wrong), "{}", wallet.kind);
    }
}

#[test]
fn a_signature_of_another_kind_of_key_is_unreadable_or_wrong() {
    let wallets = vectors().wallets;
    for (mine, theirs) in (0..4).flat_map(|mine| (0..4).map(move |theirs| (mine, theirs))) {
        if mine != theirs {
            let (message, signature) = wallets[theirs].signed().remove(0);
            assert!(wallets[mine].key().verify(&message, &signature).is_err());
        }
    }
}

#[test]
fn the_other_form_of_an_ecdsa_signature_is_refused() {
    let wallets = vectors().wallets;
    let wallet = wallets
        .iter()
        .find(|wallet| wallet.kind == "single_key_secp256k1")
        .unwrap();
    let (message, mut signature) = wallet.signed().remove(0);
    // n − s signs the same text.
    let order = bytes("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    let s = &mut signature[34..];
    let mut borrow = 0_i16;
    for place in (0..32).rev() {
        let difference = i16::from(order[place]) - i16::from(s[place]) - borrow;
        borrow = i16::from(difference < 0);
        s[place] = (difference & 0xff) as u8;
    }
    let refused = wallet.key().verify(&message, &signature);
    assert_eq!(refused, Err(SignatureError::HighS));
}

#[test]
fn fewer_signatures_than_required_are_too_few() {
    let wallet = vectors().wallets.remove(3);
    assert_eq!(wallet.kind, "multi_key");
    let (message, signature) = wallet.signed().remove(0);
    // Two signatures of 66 bytes behind their number, then the bitmap.
    let mut one = vec![1];
    one.extend(&signature[1..67]);
    let first_signer = signature[134].leading_zeros();
    one.extend([4, 0x80 >> first_signer, 0, 0, 0]);
    let refused = wallet.key().verify(&message, &one);
    let too_few = SignatureError::TooFew {
        have: 1,
        required: 2,
    };
    assert_eq!(refused, Err(too_few));
    // The same one twice stands for two keys, and is of one only.
    let mut twice = vec![2];
    twice.extend(&signature[1..67]);
    twice.extend(&signature[1..67]);
    twice.extend(&signature[133..]);
    assert!(wallet.key().verify(&message, &twice).is_err());
}

#[test]
fn a_bitmap_names_as_many_keys_as_there_are_signatures_and_no_others() {
    let wallet = vectors().wallets.remove(3);
    let (message, signature) = wallet.signed().remove(0);
    for bitmap in [[0, 0, 0, 0], [0xe0, 0, 0, 0], [0x80, 0, 0, 1], [0, 0, 0, 3]] {
        let mut forged = signature.clone();
        let end = forged.len() - 4;
        forged[end..].copy_from_slice(&bitmap);
        assert!(
            wallet.key().verify(&message, &forged).is_err(),
            "{bitmap:?}"
        );
    }
}

/// The identity signs every text when points of small order are let through.
#[test]
fn a_key_of_small_order_signs_nothing() {
    let mut identity = vec![0x20, 1];
    identity.resize(33, 0);
    let mut signature = vec![0x40, 1];
    signature.resize(65, 0);
    let key = PublicKey::parse(&identity).unwrap();
    let refused = key.verify(b"any text", &signature);
    assert_eq!(refused, Err(SignatureError::Wrong));
}

#[test]
fn keyless_and_passkey_wallets_are_told_apart_from_rubbish() {
    let vectors = vectors();
    let keyless = bytes(&vectors.keyless[0].any_public_key_bcs);
    let federated = bytes(&vectors.federated_keyless.any_public_key_bcs);
    let inside_a_multi_key = [&[1][..], &keyless, &[1]].concat();
    for key in [keyless, federated, inside_a_multi_key] {
        assert_eq!(PublicKey::parse(&key).err(), Some(KeyError::Keyless));
    }
    let passkey = [&[2, 65, 4][..], &[7; 64]].concat();
    assert_eq!(PublicKey::parse(&passkey).err(), Some(KeyError::Passkey));
    assert_eq!(PublicKey::parse(&[]).err(), Some(KeyError::Unreadable));
}

#[test]
fn a_threshold_is_at_least_one_and_at_most_the_number_of_keys() {
    let ed25519 = bytes(&vectors().wallets[0].public_key_bcs);
    for (required, accepted) in [(0, false), (1, true), (2, true), (3, false)] {
        let key = [&[65][..], &ed25519[1..], &ed25519[1..], &[required]].concat();
        assert_eq!(PublicKey::parse(&key).is_ok(), accepted, "{required}");
    }
}

#[test]
fn the_texts_of_the_sdk_are_among_those_that_are_accepted() {
    let microseconds = |text: &str| {
        chrono::DateTime::parse_from_rfc3339(text)
            .unwrap()
            .timestamp_micros()
    };
    let mut challenge = Challenge {
        domain: "camp.example".into(),
        uri: "https://camp.example".into(),
        statement: "Sign in to Camp".into(),
        nonce: "n0nce0123456789abcdef".into(),
        chain: Chain::Mainnet,
        issued_us: microseconds("2026-11-22T10:00:00Z"),
        expires_us: microseconds("2026-11-22T10:10:00Z"),
    };
    for wallet in vectors().wallets {
        let address = wallet.key().authentication_key();
        challenge.nonce = "n0nce0123456789abcdef".into();
        assert_eq!(challenge.sign_in_texts(address)[0], wallet.sign_in.text);
        challenge.nonce = "n0nce-0123456789abcdef".into();
        assert!(
            challenge
                .message_texts(address)
                .contains(&wallet.sign_message.text)
        );
    }
}

#[test]
fn keyless_addresses_are_those_of_the_sdk() {
    let keyless = vectors().keyless;
    assert_eq!(keyless.len(), 4);
    for vector in keyless {
        let subject = Subject {
            iss: &vector.iss,
            aud: &vector.aud,
            sub: &vector.uid_val,
        };
        let pepper = Pepper::new(bytes(&vector.pepper).try_into().unwrap());
        let address = keyless::address(subject, pepper).unwrap();
        assert_eq!(address.to_string(), vector.address, "{subject:?}");
    }
}

#[test]
fn a_pepper_depends_on_everything_that_an_identity_consists_of() {
    let subject = Subject {
        iss: "https://accounts.google.com",
        aud: "client",
        sub: "1",
    };
    let of = |secret, subject| Pepper::of(&[secret; 32], subject).unwrap();
    let others = [
        of(2, subject),
        of(
            1,
            Subject {
                iss: "x",
                ..subject
            },
        ),
        of(
            1,
            Subject {
                aud: "x",
                ..subject
            },
        ),
        of(
            1,
            Subject {
                sub: "x",
                ..subject
            },
        ),
    ];
    assert!(others.iter().all(|other| *other != of(1, subject)));
    // Whoever changes how it is made changes every address.
    assert_eq!(
        of(1, subject).reveal(),
        "0xf26bf5485ff62219ce028c401ee0e6b7ac5cc8de2d55b5b0228163bd85f645"
    );
}

/// What a sign-in costs beside the network and the database. The packages that compute are optimised in tests
/// too; the median leaves out what else the machine does.
#[test]
fn a_sign_in_is_verified_within_two_milliseconds() {
    for wallet in vectors().wallets {
        let (message, signature) = wallet.signed().remove(0);
        let key = bytes(&wallet.public_key_bcs);
        let took = median_of_51(|| {
            let key = PublicKey::parse(&key).unwrap();
            key.verify(&message, &signature).unwrap();
        });
        assert!(took <= TWO_MS, "{}: {took:?}", wallet.kind);
    }
    let subject = Subject {
        iss: "https://accounts.google.com",
        aud: "client",
        sub: "1",
    };
    let took = median_of_51(|| {
        let pepper = Pepper::of(&[7; 32], subject).unwrap();
        keyless::address(subject, pepper).unwrap();
    });
    // Poseidon is generic and so compiled with this crate: 0.5 ms optimised, 3.4 ms as it is in tests.
    let most = if cfg!(debug_assertions) { 10 } else { 1 };
    assert!(took <= TWO_MS * most, "keyless: {took:?}");
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(key in any::<Vec<u8>>(), signature in any::<Vec<u8>>(), text in any::<String>()) {
        if let Ok(key) = PublicKey::parse(&key) {
            prop_assert!(key.verify(b"text", &signature).is_err());
        }
        let _ = text.parse::<Address>();
        for wallet in vectors().wallets {
            prop_assert!(wallet.key().verify(b"text", &signature).is_err());
        }
    }

    /// Bytes that are nearly a key reach further into the readers than any bytes do.
    #[test]
    fn a_damaged_key_is_refused_or_another_key(which in 0..4_usize, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let wallet = &vectors().wallets[which];
        let good = bytes(&wallet.public_key_bcs);
        let mut damaged = good.clone();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        if damaged != good && let Ok(key) = PublicKey::parse(&damaged) {
            prop_assert_ne!(key.authentication_key(), wallet.key().authentication_key());
        }
        let short = &good[..cut.index(good.len())];
        prop_assert!(PublicKey::parse(short).is_err());
    }

    #[test]
    fn an_address_is_read_as_it_is_written(bytes in any::<[u8; 32]>()) {
        let address = Address::new(bytes);
        prop_assert_eq!(address.to_string().parse(), Ok(address));
    }
}

impl Wallet {
    fn key(&self) -> PublicKey {
        PublicKey::parse(&bytes(&self.public_key_bcs)).unwrap()
    }

    /// What was signed, each with its signature.
    fn signed(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        vec![
            (
                self.sign_message.text.as_bytes().to_vec(),
                bytes(&self.sign_message.signature_bcs),
            ),
            (
                sign_in_message(&self.sign_in.text),
                bytes(&self.sign_in.signature_bcs),
            ),
        ]
    }
}

const TWO_MS: Duration = Duration::from_millis(2);

fn median_of_51(work: impl Fn()) -> Duration {
    let mut times: Vec<Duration> = std::iter::repeat_with(|| {
        let began = Instant::now();
        work();
        began.elapsed()
    })
    .take(51)
    .collect();
    times.sort();
    times[25]
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("tests/vectors.json")).unwrap()
}

fn bytes(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}
