//! Against transactions that the Aptos SDK made and signed (`vectors.json`).

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vectors {
    recipients: Vec<String>,
    amounts_octas: Vec<String>,
    args_bcs: [String; 2],
    raw_transaction_prefix: String,
    transaction_prefix: String,
    batch_sequence_number: Vector,
    batch_orderless: Vector,
    single_transfer: Vector,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    private_key: String,
    sender: String,
    sequence_number: String,
    max_gas_amount: u64,
    gas_unit_price: u64,
    expiration_timestamp_secs: u64,
    chain_id: u8,
    payload_bcs: String,
    raw_txn_bcs: String,
    signing_message: String,
    authenticator_bcs: String,
    signature: String,
    signed_txn_bcs: String,
    hash: String,
    simulate_body: Option<String>,
}

#[test]
fn a_batch_is_signed_to_the_bit_as_the_sdk_signs_it() {
    let vectors = vectors();
    let (vector, transfers) = (&vectors.batch_sequence_number, vectors.transfers());
    let key = vector.key();
    assert_eq!(key.address().to_string(), vector.sender);
    let terms = vector.terms();
    let raw = raw(&transfers, &terms, key.address()).unwrap();
    assert_eq!(hex(&raw), vector.raw_txn_bcs);
    // Between the sequence number and the 25 bytes of gas, expiry and chain.
    assert_eq!(hex(&raw[40..raw.len() - 25]), vector.payload_bcs);
    let [addresses, octas] = &vectors.args_bcs;
    assert!(vector.payload_bcs.contains(addresses) && vector.payload_bcs.contains(octas));

    let signed = sign(&transfers, &terms, &key).unwrap();
    assert_eq!(hex(&signed.bytes), vector.signed_txn_bcs);
    assert_eq!(signed.hash.to_string(), vector.hash);
    let simulated = for_simulation(&transfers, &terms, &key).unwrap();
    assert_eq!(Some(hex(&simulated)), vector.simulate_body);
}

#[test]
fn another_function_of_the_module_is_called_as_the_sdk_calls_it() {
    let vectors = vectors();
    let vector = &vectors.single_transfer;
    let Transfer { to, .. } = vectors.transfers()[0];
    let octas = 100_000_000_u64;
    let arguments = vec![to.bytes().to_vec(), octas.to_le_bytes().to_vec()];
    let key = vector.key();
    let raw = call("transfer", arguments, &vector.terms(), key.address()).unwrap();
    assert_eq!(hex(&raw), vector.raw_txn_bcs);
    assert_eq!(hex(&seal(raw, &key).bytes), vector.signed_txn_bcs);
}

#[test]
fn any_raw_transaction_is_signed_and_named_as_the_sdk_does() {
    let vectors = vectors();
    let prefix = |text: &[u8]| hex(&Sha3_256::digest(text));
    assert_eq!(
        prefix(b"APTOS::RawTransaction"),
        vectors.raw_transaction_prefix
    );
    assert_eq!(prefix(b"APTOS::Transaction"), vectors.transaction_prefix);
    for vector in [
        &vectors.batch_sequence_number,
        &vectors.batch_orderless,
        &vectors.single_transfer,
    ] {
        let (key, raw) = (vector.key(), bytes(&vector.raw_txn_bcs));
        assert_eq!(hex(&signing_message(&raw)), vector.signing_message);
        let signature = key.sign(&signing_message(&raw));
        assert_eq!(hex(&signature), vector.signature, "{}", vector.name);
        let authenticator = with_authenticator(Vec::new(), key.public_key(), signature);
        assert_eq!(hex(&authenticator), vector.authenticator_bcs);
        let signed = seal(raw, &key);
        assert_eq!(hex(&signed.bytes), vector.signed_txn_bcs, "{}", vector.name);
        assert_eq!(signed.hash.to_string(), vector.hash, "{}", vector.name);
    }
}

#[test]
fn a_hundred_recipients_make_the_bytes_that_the_sdk_makes_of_them() {
    let vectors = vectors();
    let transfers = vectors.transfers().repeat(34);
    let vector = &vectors.batch_sequence_number;
    let signed = sign(&transfers[..100], &vector.terms(), &vector.key()).unwrap();
    assert_eq!(signed.bytes.len(), 4_234);
}

#[test]
fn every_term_and_every_transfer_changes_the_hash() {
    let vectors = vectors();
    let (vector, transfers) = (&vectors.batch_sequence_number, vectors.transfers());
    let (key, terms) = (vector.key(), vector.terms());
    let mut hashes = std::collections::HashSet::new();
    let mut is_new = |transfers: &[Transfer], terms: &Terms| {
        hashes.insert(sign(transfers, terms, &key).unwrap().hash)
    };
    assert!(is_new(&transfers, &terms));
    assert!(!is_new(&transfers, &terms), "the same is signed the same");
    for other in [
        Terms {
            sequence_number: 8,
            ..terms
        },
        Terms {
            max_gas: 1,
            ..terms
        },
        Terms {
            gas_price: 1,
            ..terms
        },
        Terms {
            expires_s: 1,
            ..terms
        },
        Terms {
            chain_id: 1,
            ..terms
        },
    ] {
        assert!(is_new(&transfers, &other), "{other:?}");
    }
    assert!(is_new(&transfers[..2], &terms));
    let mut one_more = transfers.clone();
    one_more[2].octas += 1;
    assert!(is_new(&one_more, &terms));
}

#[test]
fn a_hash_is_written_in_full() {
    let hash = vectors().batch_sequence_number.hash;
    let read: TransactionHash = hash.parse().unwrap();
    assert_eq!(read.to_string(), hash);
    for text in [
        "",
        "0x",
        &hash[2..],
        &hash[..65],
        &format!("{hash}0"),
        "0x1",
    ] {
        assert!(text.parse::<TransactionHash>().is_err(), "{text:?}");
    }
}

impl Vectors {
    fn transfers(&self) -> Vec<Transfer> {
        let amounts = self
            .amounts_octas
            .iter()
            .map(|octas| octas.parse().unwrap());
        let addresses = self.recipients.iter().map(|to| to.parse().unwrap());
        addresses
            .zip(amounts)
            .map(|(to, octas)| Transfer { to, octas })
            .collect()
    }
}

impl Vector {
    fn key(&self) -> PayoutKey {
        PayoutKey::new(bytes(&self.private_key).try_into().unwrap()).unwrap()
    }

    fn terms(&self) -> Terms {
        Terms {
            sequence_number: self.sequence_number.parse().unwrap(),
            max_gas: self.max_gas_amount,
            gas_price: self.gas_unit_price,
            expires_s: self.expiration_timestamp_secs,
            chain_id: self.chain_id,
        }
    }
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}
