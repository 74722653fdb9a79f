//! A payout as a table for spreadsheets and for wallets that pay by hand (RFC 4180).

use super::amounts::{apt, dollars};
use crate::store::payouts::ItemRow;

/// Excel takes a text for a formula that begins with one of these, the full-width ones too.
const FORMULAS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

const HEAD: &str = "rank,user,name,address,prize_usd,amount_apt,amount_octas\r\n";

/// Who gets what, one line each.
pub fn csv(items: &[ItemRow]) -> String {
    let line = |item: &ItemRow| {
        let cells = [
            item.rank.to_string(),
            item.user_id.to_string(),
            item.name.clone(),
            item.address.to_string(),
            dollars(item.prize_cents),
            apt(item.octas),
            item.octas.to_string(),
        ];
        cells.map(|text| cell(&text)).join(",") + "\r\n"
    };
    HEAD.to_owned() + &items.iter().map(line).collect::<String>()
}

/// A text that no spreadsheet calculates. People choose their names.
fn cell(text: &str) -> String {
    let begins_formula = text.trim_start_matches(' ').starts_with(FORMULAS);
    let shield = if begins_formula { "'" } else { "" };
    let is_plain = !text.contains([',', '"', '\r', '\n', ';', '\t']) && shield.is_empty();
    if is_plain {
        return text.to_owned();
    }
    format!("\"{shield}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use pictor_protocol::UserId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn amounts_are_exact_and_addresses_whole() {
        let address = format!("0x{}", "0a".repeat(32));
        let item = ItemRow {
            user_id: UserId::new(Uuid::from_u128(7)),
            name: "Ada".into(),
            rank: 1,
            address: address.parse().unwrap(),
            prize_cents: 20_005,
            octas: 4_575_402_635,
        };
        let text = csv(&[item]);
        let (head, line) = text.split_once("\r\n").unwrap();
        assert_eq!(head.split(',').count(), 7);
        assert_eq!(
            line,
            format!(
                "1,00000000-0000-0000-0000-000000000007,Ada,{address},200.05,45.75402635,4575402635\r\n"
            )
        );
    }

    #[test]
    fn no_name_is_a_formula_or_breaks_the_table() {
        for (text, written) in [
            ("Ada", "Ada"),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("  =1", "\"'  =1\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "\"'＝1\""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\r\n=1", "\"a\r\n=1\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("", ""),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }
}
