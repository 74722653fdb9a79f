//! From the text of a document to [`Rules`], with every fault on the way.

use std::collections::HashSet;

use pictor_protocol::benchmark::SCORE_MAX;
use pictor_protocol::settings::Fault;
use pictor_protocol::{Cents, Micros};
use toml::Table;

use super::prizes::Entered;
use super::section::Section;
use super::{
    BadRules, Band, CURRENCY, Credits, DOCUMENT_BYTES_MAX, PAID_IN, Points, Prizes, Quest,
    QuestKind, RANKS_MAX, Rules, Texts,
};
use crate::campaign::is_slug;

/// More for one thing is taken for a slip of the pen.
const AMOUNT_MAX: Micros = Micros::new(1_000_000 * Micros::PER_ONE);
const POOL_MAX: Cents = Cents::new(1_000_000_000 * Cents::PER_ONE);
const HOLD_HOURS_MAX: u32 = 366 * 24;
const LINE_MAX: usize = 200;
const TEXT_MAX: usize = 50_000;
const URL_MAX: usize = 2_000;
const QUESTS_MAX: usize = 200;
/// Nobody reads more of them.
const FAULTS_MAX: usize = 100;

pub(super) fn read(document: &str) -> Result<Rules, BadRules> {
    let table = parse(document).map_err(|fault| BadRules(vec![fault]))?;
    let mut root = Section::root(table);
    let rules = rules(&mut root);
    let mut faults = root.finish();
    match rules {
        Some(rules) if faults.is_empty() => Ok(rules),
        Some(_) | None => {
            faults.truncate(FAULTS_MAX);
            Err(BadRules(faults))
        }
    }
}

fn parse(document: &str) -> Result<Table, Fault> {
    let fault = |field: String, message: String| Fault { field, message };
    if document.len() > DOCUMENT_BYTES_MAX {
        let message = format!("is longer than {DOCUMENT_BYTES_MAX} bytes");
        return Err(fault("document".into(), message));
    }
    document.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| document.get(..span.start));
        let line = before.map_or(1, |before| 1 + before.matches('\n').count());
        fault(format!("line {line}"), error.message().to_owned())
    })
}

// Everything is read before anything is missed, so that every fault is found.

fn rules(root: &mut Section) -> Option<Rules> {
    let campaign = root.section("campaign", texts);
    let points = root.section("points", points);
    let credits = root.section("credits", credits);
    let quests = quests(root);
    let prizes = root.optional_section("prizes", prizes);
    Some(Rules {
        campaign: campaign?,
        points: points?,
        credits: credits?,
        quests: quests?,
        prizes: prizes?.unwrap_or_default(),
    })
}

fn texts(of: &mut Section) -> Option<Texts> {
    let name = of.line("name", LINE_MAX);
    let thank_you = of.text("thank_you", TEXT_MAX);
    let terms = of.text("terms", TEXT_MAX);
    Some(Texts {
        name: name?,
        thank_you: thank_you?,
        terms: terms?,
    })
}

fn points(of: &mut Section) -> Option<Points> {
    let render_per_reference_minute = of.amount("render_per_reference_minute", AMOUNT_MAX);
    let online_per_hour = of.amount("online_per_hour", AMOUNT_MAX);
    let score_max = Micros::new(SCORE_MAX as i64 * Micros::PER_ONE);
    let online_score_cap = of.amount("online_score_cap", score_max);
    let job_per_credit = of.amount("job_per_credit", AMOUNT_MAX);
    let job_least = of.amount("job_least", AMOUNT_MAX);
    let check_in = of.amounts("check_in", AMOUNT_MAX);
    let referral_percent = of.number("referral_percent", 0, 100);
    let referral_cap_per_week = of.amount("referral_cap_per_week", AMOUNT_MAX);
    let hold_hours = of.number("hold_hours", 0, HOLD_HOURS_MAX);
    Some(Points {
        render_per_reference_minute: render_per_reference_minute?,
        online_per_hour: online_per_hour?,
        online_score_cap: online_score_cap?,
        job_per_credit: job_per_credit?,
        job_least: job_least?,
        check_in: check_in?,
        referral_percent: referral_percent?,
        referral_cap_per_week: referral_cap_per_week?,
        hold_hours: hold_hours?,
    })
}

fn credits(of: &mut Section) -> Option<Credits> {
    let sign_up = of.amount("sign_up", AMOUNT_MAX);
    let quest = of.amount("quest", AMOUNT_MAX);
    let streak_week = of.amount("streak_week", AMOUNT_MAX);
    let per_reference_minute = of.amount("per_reference_minute", AMOUNT_MAX);
    Some(Credits {
        sign_up: sign_up?,
        quest: quest?,
        streak_week: streak_week?,
        per_reference_minute: per_reference_minute?,
    })
}

fn quests(root: &mut Section) -> Option<Vec<Quest>> {
    let quests = root.sections("quests", QUESTS_MAX, quest)?;
    let mut ids = HashSet::new();
    for (index, quest) in quests.iter().enumerate() {
        if !ids.insert(&quest.id) {
            root.fault(
                &format!("quests[{index}].id"),
                format!("{:?} is there twice", quest.id),
            );
        }
    }
    Some(quests)
}

fn quest(of: &mut Section) -> Option<Quest> {
    let id = of.word("id", "1 to 40 small letters, digits and hyphens", |text| {
        is_slug(text).then(|| text.to_owned())
    });
    let title = of.line("title", LINE_MAX);
    let url = of.word("url", "an address such as https://example.org/us", |text| {
        is_address(text).then(|| text.to_owned())
    });
    let kind = of.word("kind", "link, operator or webhook", |word| match word {
        "link" => Some(QuestKind::Link),
        "operator" => Some(QuestKind::Operator),
        "webhook" => Some(QuestKind::Webhook),
        _ => None,
    });
    let points = of.amount("points", AMOUNT_MAX);
    let opens_us = of.moment("opens");
    let closes_us = of.moment("closes");
    let active = of.switch("active", true);
    if let (Some(Some(opens)), Some(Some(closes))) = (opens_us, closes_us)
        && closes <= opens
    {
        of.fault("closes", "the quest closes before it opens");
    }
    Some(Quest {
        id: id?,
        title: title?,
        url: url?,
        kind: kind?,
        points: points?,
        opens_us: opens_us?,
        closes_us: closes_us?,
        active: active?,
    })
}

/// People are sent there: nothing but a page of the web, and no name before the host to deceive them.
fn is_address(text: &str) -> bool {
    let uri = text.parse::<http::Uri>().ok();
    let is_page = uri.is_some_and(|uri| {
        let authority = uri.authority().map(http::uri::Authority::as_str);
        matches!(uri.scheme_str(), Some("http" | "https"))
            && authority.is_some_and(|host| !host.is_empty() && !host.contains('@'))
    });
    is_page && text.len() <= URL_MAX
}

fn prizes(of: &mut Section) -> Option<Prizes> {
    let pool = of.amount("pool", POOL_MAX);
    let expected = |word| move |text: &str| (text == word).then_some(());
    let currency = of.word("currency", CURRENCY, expected(CURRENCY));
    let paid_in = of.word("paid_in", PAID_IN, expected(PAID_IN));
    let remainder = of.optional_amount("remainder", POOL_MAX);
    let bands = of.sections("bands", RANKS_MAX as usize, band);
    let checked = Prizes::check(pool?, &bands?, remainder?);
    let prizes = checked.map_err(|faults| of.add(faults)).ok();
    currency.and(paid_in).and(prizes)
}

fn band(of: &mut Section) -> Option<Entered> {
    let from = of.number("from", 1, RANKS_MAX);
    let to = of.number("to", 1, RANKS_MAX);
    let each = of.amount("each", POOL_MAX);
    let total = of.optional_amount("total", POOL_MAX);
    Some(Entered {
        band: Band {
            from: from?,
            to: to?,
            each: each?,
        },
        total: total?,
    })
}
