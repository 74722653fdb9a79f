use pictor_protocol::{Cents, Micros};
use proptest::prelude::*;

use super::*;

/// What this version of the program accepts, every later one has to read to the same rules: a version of the
/// rules is never changed. It is the default document of the first version.
const GOLDEN: &str = include_str!("golden/v1.toml");

const ORIGINAL: &str = r#"
[prizes]
pool = "2000.00"
currency = "USD"
paid_in = "APT"
bands = [
    { from = 1, to = 1, total = 200, each = 200 },
    { from = 2, to = 5, total = 400, each = 100 },
    { from = 6, to = 15, total = 500, each = 50 },
    { from = 16, to = 50, total = 500, each = 14 },
    { from = 51, to = 100, total = 400, each = 8 },
]
"#;

#[test]
fn the_default_document_holds_the_defaults() {
    let rules = Rules::read(DEFAULT).unwrap();
    let points = |whole: i64| Micros::new(whole * Micros::PER_ONE);
    assert_eq!(rules.points.render_per_reference_minute, points(10));
    assert_eq!(rules.points.online_per_hour, points(10));
    assert_eq!(rules.points.job_per_credit, points(1));
    assert_eq!(rules.points.job_least, points(5));
    assert_eq!(rules.points.check_in, [1, 1, 1, 1, 1, 1, 2].map(points));
    assert_eq!(rules.points.referral_percent, 10);
    assert_eq!(rules.points.hold_hours, 24);
    let credits = &rules.credits;
    assert_eq!(
        [credits.sign_up, credits.quest, credits.streak_week],
        [100, 50, 20].map(points)
    );
    assert_eq!(rules.quests.len(), 5);
    for quest in &rules.quests {
        assert_eq!((quest.points, quest.kind), (points(5), QuestKind::Link));
        assert!(quest.is_open(0), "{}", quest.id);
    }
    assert_eq!(rules.campaign.thank_you.lines().count(), 1);
}

#[test]
fn a_document_of_the_first_version_keeps_its_meaning() {
    let rules = Rules::read(GOLDEN).unwrap();
    assert_eq!(rules.campaign.name, "Testnet");
    assert_eq!(rules.points.online_score_cap, Micros::new(4_000_000));
    assert_eq!(
        rules.points.referral_cap_per_week,
        Micros::new(1_000_000_000)
    );
    assert_eq!(rules.credits.per_reference_minute, Micros::new(1_000_000));
    assert_eq!(rules.prizes.for_rank(16), Cents::new(1_400));
}

#[test]
fn the_check_ins_of_a_streak_begin_anew_after_a_week() {
    let points = Rules::read(DEFAULT).unwrap().points;
    let days = [0, 5, 6, 7, 13].map(|day| points.check_in_of(day).get() / Micros::PER_ONE);
    assert_eq!(days, [1, 1, 2, 1, 2]);
}

#[test]
fn the_originals_table_pays_1990_and_is_refused_until_it_names_the_remainder() {
    let refused = faults(ORIGINAL);
    let short = "35 × 14.00 are 490.00, not 500.00: name the 10.00 that nobody gets as prizes.remainder, \
                 or leave the total out";
    let left = "the bands pay 1990.00 of the pool of 2000.00: name the 10.00 that nobody gets, as \
                remainder = \"10.00\"";
    assert_eq!(
        refused,
        [("prizes.bands[3].total", short), ("prizes.remainder", left)]
            .map(|(field, message)| (field.to_owned(), message.to_owned()))
    );

    let named = ORIGINAL.replace("pool", "remainder = \"10.00\"\npool");
    let prizes = Rules::read(&with_prizes(&named)).unwrap().prizes;
    let all: Vec<_> = (1..=prizes.ranks())
        .map(|rank| prizes.for_rank(rank))
        .collect();
    assert_eq!(all.len(), 100);
    assert_eq!(Cents::checked_sum(all), Some("1990.00".parse().unwrap()));
    assert_eq!(prizes.remainder(), "10.00".parse().unwrap());
    assert_eq!(
        prizes.pays().checked_add(prizes.remainder()),
        Some(prizes.pool())
    );
    let some = [0, 1, 2, 5, 6, 15, 16, 50, 51, 100, 101];
    let expected = [0, 200, 100, 100, 50, 50, 14, 14, 8, 8, 0];
    assert_eq!(
        some.map(|rank| prizes.for_rank(rank)),
        expected.map(|dollars| Cents::new(dollars * 100))
    );
    assert_eq!(Rules::read(DEFAULT).unwrap().prizes, prizes);
}

#[test]
fn the_table_of_the_later_campaign_adds_up_without_a_remainder() {
    let later = ORIGINAL
        .replace("\"2000.00\"", "20_000")
        .replace("total = 200, each = 200", "total = 1200, each = 1200")
        .replace("total = 400, each = 100 ", "total = 2800, each = 700 ")
        .replace("total = 500, each = 50 ", "total = 4000, each = 400 ")
        .replace("total = 500, each = 14", "total = 7000, each = 200")
        .replace("total = 400, each = 8 ", "total = 5000, each = 100 ");
    let prizes = Rules::read(&with_prizes(&later)).unwrap().prizes;
    assert_eq!(prizes.remainder(), Cents::ZERO);
    assert_eq!(prizes.pays(), Cents::new(2_000_000));
}

#[test]
fn a_campaign_without_prizes_gives_nobody_anything() {
    let prizes = Rules::read(&with_prizes("")).unwrap().prizes;
    assert!(prizes.is_empty());
    assert_eq!((prizes.ranks(), prizes.for_rank(1)), (0, Cents::ZERO));
}

#[test]
fn bands_have_no_gaps_no_overlaps_and_do_not_grow() {
    let of = |bands: &str| {
        let head = "[prizes]\npool = 100\ncurrency = \"USD\"\npaid_in = \"APT\"\n";
        faults(&format!("{head}bands = [{bands}]"))
    };
    let one =
        |field: &str, message: &str| vec![(format!("prizes.bands{field}"), message.to_owned())];
    let cases = [
        (
            "",
            one(
                "",
                "there is none; leave [prizes] out if there are no prizes",
            ),
        ),
        (
            "{ from = 2, to = 3, each = 50 }",
            one("[0].from", "no band has rank 1"),
        ),
        (
            "{ from = 1, to = 1, each = 50 }, { from = 5, to = 5, each = 50 }",
            one("[1].from", "no band has ranks 2 to 4"),
        ),
        (
            "{ from = 1, to = 3, each = 20 }, { from = 2, to = 4, each = 10 }",
            one("[1].from", "a band before has ranks 2 to 3"),
        ),
        (
            "{ from = 1, to = 9, each = 10 }, { from = 3, to = 3, each = 10 }",
            one("[1].from", "a band before has rank 3"),
        ),
        (
            "{ from = 1, to = 1, each = 10 }, { from = 2, to = 1, each = 10 }",
            one("[1].to", "the band ends before it begins, at 2"),
        ),
        (
            "{ from = 1, to = 1, each = 40 }, { from = 2, to = 2, each = 60 }",
            one(
                "[1].each",
                "60.00 is more than the 40.00 of the better ranks before",
            ),
        ),
        (
            "{ from = 1, to = 1, each = 100, total = 99 }",
            one("[0].total", "1 × 100.00 are 100.00, not 99.00"),
        ),
        (
            "{ from = 1, to = 2, each = \"50.01\" }",
            one("", "they pay 100.02, more than the pool of 100.00"),
        ),
        (
            "{ from = 1, to = 1001, each = \"0.01\" }",
            one("[0].to", "expected an integer from 1 to 1000, not 1001"),
        ),
        (
            "{ from = 1, to = 1, each = -5 }",
            one("[0].each", "-5.00 is negative"),
        ),
    ];
    for (bands, expected) in cases {
        assert_eq!(of(bands), expected, "{bands}");
    }
}

#[test]
fn a_remainder_has_to_be_the_right_one() {
    let with = |remainder: &str| {
        let named = format!("remainder = {remainder}\npool");
        faults(&ORIGINAL.replace("pool", &named))
    };
    let left = |said: &str| {
        let message =
            format!("the bands pay 1990.00 of the pool of 2000.00, which leaves 10.00, not {said}");
        ("prizes.remainder".to_owned(), message)
    };
    assert_eq!(with("11"), [left("11.00")]);
    let short = "the bands' totals are 10.00 more than they pay, not 9.00";
    assert_eq!(
        with("9"),
        [("prizes.remainder".into(), short.into()), left("9.00")]
    );
}

#[test]
fn what_is_no_exact_amount_is_refused() {
    let of = |written: &str| {
        let document = DEFAULT.replacen("sign_up = 100", &format!("sign_up = {written}"), 1);
        let faults = Rules::read(&document).unwrap_err().0;
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].field, "credits.sign_up");
        faults[0].message.clone()
    };
    let not_exact = "is a floating-point number, which is not exact: write it in quotes";
    let cases = [
        ("0.5", format!("0.5 {not_exact}")),
        ("nan", format!("nan {not_exact}")),
        ("-inf", format!("-inf {not_exact}")),
        (
            "\"NaN\"",
            "\"NaN\" is not a decimal number such as 12.5".into(),
        ),
        (
            "\"1e3\"",
            "\"1e3\" is not a decimal number such as 12.5".into(),
        ),
        ("-1", "-1 is negative".into()),
        ("\"-0.000001\"", "-0.000001 is negative".into()),
        ("1000001", "1000001 is more than 1000000".into()),
        (
            "\"0.0000001\"",
            "\"0.0000001\" has more than 6 digits behind the point".into(),
        ),
        (
            "9223372036854775807",
            "\"9223372036854775807\" is too large".into(),
        ),
        ("true", "expected an amount, not true".into()),
        ("[1]", "expected an amount, not a list".into()),
    ];
    for (written, expected) in cases {
        assert_eq!(of(written), expected, "{written}");
    }
}

#[test]
fn every_fault_is_reported_at_once_and_by_its_path() {
    let document = DEFAULT
        .replacen("name = \"Testnet\"", "name = \"\"\ncolour = \"red\"", 1)
        .replacen("job_least = 5", "", 1)
        .replacen("1, 1, 1, 1, 1, 1, 2", "1, 1, -1, 1, 1, 1, \"x\"", 1)
        .replacen("referral_percent = 10", "referral_percent = 101", 1)
        .replacen("hold_hours = 24", "hold_hours = -1", 1)
        .replacen("id = \"telegram-channel\"", "id = \"follow-x\"", 1)
        .replacen("kind = \"link\"", "kind = \"trust me\"", 1)
        .replacen("https://t.me/example\"", "javascript:alert(1)\"", 1)
        .replacen("to = 5\n", "to = 6\n", 1)
        .replacen("currency = \"USD\"", "currency = \"XYZ\"", 1);
    let fields: Vec<_> = Rules::read(&format!("{document}\n[bonus]\nx = 1\n"))
        .unwrap_err()
        .0
        .into_iter()
        .map(|fault| fault.field)
        .collect();
    let expected = [
        "campaign.name",
        "campaign.colour",
        "points.job_least",
        "points.check_in[2]",
        "points.check_in[6]",
        "points.referral_percent",
        "points.hold_hours",
        "quests[0].kind",
        "quests[1].url",
        "prizes.currency",
        "prizes.bands[2].from",
        "bonus",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn a_quest_is_named_once_and_sends_people_to_the_web() {
    let fields = |from: &str, to: &str| {
        let refused = Rules::read(&DEFAULT.replacen(from, to, 1)).unwrap_err();
        let fields = refused.0.into_iter().map(|fault| fault.field);
        fields.collect::<Vec<_>>()
    };
    assert_eq!(fields("telegram-channel", "follow-x"), ["quests[1].id"]);
    for id in ["", "-x", "x-", "Follow", "a b", "ä", &"x".repeat(41)] {
        assert_eq!(fields("follow-x", id), ["quests[0].id"], "{id:?}");
    }
    let url = "https://x.com/example";
    for other in [
        "",
        "x.com",
        "/x",
        "ftp://x.com/",
        "https://",
        "https://x.com@evil.example/",
    ] {
        assert_eq!(fields(url, other), ["quests[0].url"], "{other:?}");
    }
    let backwards = "points = 5\nopens = 2026-12-02T00:00:00Z\ncloses = 2026-12-01T00:00:00Z";
    assert_eq!(fields("points = 5", backwards), ["quests[0].closes"]);
    let nowhere = "points = 5\nopens = 2026-12-02T00:00:00";
    assert_eq!(fields("points = 5", nowhere), ["quests[0].opens"]);
}

#[test]
fn a_quest_can_be_done_from_its_opening_until_it_closes() {
    let times = "points = 5\nopens = 2026-12-01T00:00:00Z\ncloses = 2026-12-01T03:00:00+02:00";
    let rules = Rules::read(&DEFAULT.replacen("points = 5", times, 1)).unwrap();
    let quest = rules.quest("follow-x").unwrap();
    let opens = 1_796_083_200_000_000;
    assert_eq!(
        (quest.opens_us, quest.closes_us),
        (Some(opens), Some(opens + 3_600_000_000))
    );
    let open = [-1, 0, 3_599_999_999, 3_600_000_000].map(|after| quest.is_open(opens + after));
    assert_eq!(open, [false, true, true, false]);
    let paused = DEFAULT.replacen("points = 5", "points = 5\nactive = false", 1);
    assert!(!Rules::read(&paused).unwrap().quests[0].is_open(opens));
}

#[test]
fn a_document_that_is_no_toml_says_where() {
    for (document, line) in [
        ("[points", "line 1"),
        ("\n\nx = ", "line 3"),
        ("x = 1\nx = 2", "line 2"),
    ] {
        let faults = Rules::read(document).unwrap_err().0;
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].field, line, "{document:?}: {}", faults[0].message);
    }
}

#[test]
fn a_document_made_to_hurt_is_refused() {
    let deep_keys = "a.".repeat(100_000) + "a = 1";
    let deep_header = format!("[{}a]", "a.".repeat(100_000));
    let deep_lists = "a = ".to_owned() + &"[".repeat(200_000);
    let deep_tables = "a = ".to_owned() + &"{a=".repeat(80_000);
    let many = (0..30_000).map(|n| format!("k{n}=1\n")).collect::<String>();
    let long = "#".repeat(DOCUMENT_BYTES_MAX + 1);
    for document in [deep_keys, deep_header, deep_lists, deep_tables, many, long] {
        let start: String = document.chars().take(12).collect();
        let faults = Rules::read(&document).unwrap_err().0;
        assert!(faults.len() <= 100, "{start}: {} faults", faults.len());
        let bytes: usize = faults.iter().map(|fault| fault.message.len()).sum();
        assert!(bytes < 20_000, "{start}: {bytes} bytes of faults");
    }
}

proptest! {
    #[test]
    fn no_document_makes_it_panic(document in "(\\[{1,2}[a-z.]{1,12}\\]{1,2}|[a-z_.]{1,12} ?= ?[-\\[\\]{}\"a-z0-9.:,TZ ]{0,16}|\n){0,20}") {
        let _ = Rules::read(&document);
    }

    /// Against the sum of what every single rank gets.
    #[test]
    fn prizes_are_accepted_if_and_only_if_all_ranks_and_the_remainder_are_the_pool(
        bands in prop::collection::vec((1..20_u32, 0..10_000_i64), 1..8),
        left in 0..3_i64,
        named in prop::option::of(0..3_i64),
    ) {
        let mut amounts: Vec<i64> = bands.iter().map(|(_, each)| *each).collect();
        amounts.sort_unstable_by(|a, b| b.cmp(a));
        let (mut from, mut every_rank, mut entered) = (1, Vec::new(), Vec::new());
        for ((ranks, _), each) in bands.iter().zip(amounts) {
            every_rank.extend((0..*ranks).map(|_| each));
            let band = Band { from, to: from + ranks - 1, each: Cents::new(each) };
            entered.push(prizes::Entered { band, total: None });
            from += ranks;
        }
        let pool = Cents::new(every_rank.iter().sum::<i64>() + left);
        let checked = Prizes::check(pool, &entered, named.map(Cents::new));
        prop_assert_eq!(checked.is_ok(), named.unwrap_or(0) == left);
        if let Ok(prizes) = checked {
            let paid = (1..=prizes.ranks()).map(|rank| prizes.for_rank(rank).get());
            prop_assert_eq!(paid.collect::<Vec<_>>(), every_rank);
        }
    }
}

/// The default document with these prizes.
fn with_prizes(prizes: &str) -> String {
    let (before, _) = DEFAULT.split_once("[prizes]").unwrap();
    format!("{before}{prizes}")
}

fn faults(prizes: &str) -> Vec<(String, String)> {
    let refused = Rules::read(&with_prizes(prizes)).unwrap_err();
    let pairs = refused.0.into_iter();
    pairs.map(|fault| (fault.field, fault.message)).collect()
}
