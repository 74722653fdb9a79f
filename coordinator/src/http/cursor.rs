//! Where a page ended: given with it, and given back to ask for the next one. Nobody's business but ours, and
//! made of letters and digits so that it needs no escaping in an address.

use pictor_protocol::problem::ProblemKind;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Refused;

pub fn write(place: &impl Serialize) -> String {
    let json = serde_json::to_vec(place).unwrap_or_default();
    json.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn read<T: DeserializeOwned>(cursor: &str) -> Result<T, Refused> {
    let digits = cursor.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let place = bytes.and_then(|json| serde_json::from_slice(&json).ok());
    place.ok_or_else(|| {
        Refused::new(
            ProblemKind::Invalid,
            "`after` is not what an earlier page had as `next`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let place = (3_i64, "Дом & 100 %".to_owned());
        let cursor = write(&place);
        assert!(cursor.chars().all(|c| c.is_ascii_alphanumeric()));
        assert_eq!(read::<(i64, String)>(&cursor).unwrap(), place);
        for bad in ["", "5", "zz", "é", "5b5d", "+1+1", &cursor[2..]] {
            assert!(read::<(i64, String)>(bad).is_err(), "{bad}");
        }
    }
}
