//! Why value moved: an entry of the ledger as a sentence, from the inputs that it was computed from. Pure.

use pictor_protocol::ledger::LedgerEntry;
use pictor_protocol::{JobId, Micros};
use serde_json::Value;

use super::show;
use crate::ledger::EntryKind;

/// An entry as its owner reads it.
pub struct Why {
    pub title: &'static str,
    pub sentence: String,
    /// One's own job that it is about.
    pub job: Option<JobId>,
    /// The version of the rules that it was judged by.
    pub rules: Option<i64>,
}

pub fn why(entry: &LedgerEntry) -> Why {
    let inputs = Inputs(&entry.inputs);
    let kind = EntryKind::try_from(entry.kind.clone()).ok();
    let is_mine = entry.book == "credits" || kind == Some(EntryKind::JobDone);
    Why {
        title: kind.map_or("Something", title),
        sentence: kind
            .and_then(|kind| sentence(kind, inputs))
            .unwrap_or_default(),
        job: inputs
            .text("job")
            .and_then(|id| id.parse().ok())
            .filter(|_| is_mine),
        rules: inputs.number("rules"),
    }
}

pub const fn title(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::SignUp => "Welcome",
        EntryKind::CheckIn => "Check-in",
        EntryKind::StreakWeek => "A week of check-ins",
        EntryKind::Quest => "Quest",
        EntryKind::Referral => "Referral",
        EntryKind::Render => "Rendering",
        EntryKind::OnlineHour => "Hour online",
        EntryKind::JobDone => "Job rendered",
        EntryKind::Reserve => "Reserved",
        EntryKind::Charge => "Frame delivered",
        EntryKind::Refund => "Frame sent back",
        EntryKind::Settle => "Settled",
        EntryKind::Void => "Went back",
        EntryKind::Forfeit => "Forfeited",
        EntryKind::Restore => "Given back",
        EntryKind::Correction => "Correction",
    }
}

/// Nothing if an input that the sentence needs is missing: another version of this program wrote it.
fn sentence(kind: EntryKind, of: Inputs<'_>) -> Option<String> {
    Some(match kind {
        EntryKind::SignUp => "Credits for a new account.".into(),
        EntryKind::CheckIn => {
            format!(
                "{}, day {} of your streak.",
                of.text("day")?,
                of.number("streak_days")?
            )
        }
        EntryKind::StreakWeek => format!(
            "{} days in a row up to {}: credits for a whole week.",
            of.number("streak_days")?,
            of.text("day")?
        ),
        EntryKind::Quest => quest(of)?,
        EntryKind::Referral => referral(of)?,
        EntryKind::Render => format!(
            "Frame {}: {} of the reference machine × {} a minute.",
            of.number("frame")?,
            of.duration("reference_ms")?,
            of.counted("points_per_reference_minute_micros", "point", "points")?
        ),
        EntryKind::OnlineHour => online_hour(of)?,
        EntryKind::JobDone => format!(
            "A job of yours is whole: {} credits spent × {} points a credit, at least {}.",
            of.amount("credits_spent_micros")?,
            of.amount("points_per_credit_micros")?,
            of.amount("least_micros")?
        ),
        EntryKind::Reserve => reserve(of)?,
        EntryKind::Charge => format!(
            "Frame {}: {} of the reference machine × {} a minute.",
            of.number("frame")?,
            of.duration("reference_ms")?,
            of.counted("price_per_reference_minute_micros", "credit", "credits")?
        ),
        EntryKind::Refund => format!(
            "Frame {} was sent back, so it costs nothing. Reason: {}",
            of.number("frame")?,
            of.text("sent_back").unwrap_or("none was given")
        ),
        EntryKind::Settle => format!("The time for objections is over: {} counts now.", hold(of)),
        EntryKind::Void => void(of),
        EntryKind::Forfeit => {
            "Taken by a decision on your standing; your account page has it, and how to appeal."
                .into()
        }
        EntryKind::Restore => "The decision by which it was taken was lifted.".into(),
        EntryKind::Correction => {
            let reason = of.text("reason").unwrap_or("none was given");
            format!("By an operator. Reason: {reason}")
        }
    })
}

fn quest(of: Inputs<'_>) -> Option<String> {
    let quest = of.text("quest")?;
    let how = Inputs(of.0.get("how")?);
    let who = if how.0.get("attested").is_some() {
        "you said that you did it, after a visit"
    } else if how.0.get("confirmed_by").is_some() {
        "an operator confirmed it"
    } else {
        "another service told us"
    };
    Some(format!("“{quest}”: {who}."))
}

fn referral(of: Inputs<'_>) -> Option<String> {
    let share = format!(
        "{} % of {} points of somebody whom you brought along",
        of.number("percent")?,
        of.amount("base_micros")?
    );
    Some(match of.number("cut_micros")? {
        0 => format!("{share}."),
        cut => format!(
            "{share}, less {} beyond the cap of {} a week.",
            show::amount(Micros::new(cut)),
            of.amount("cap_micros")?
        ),
    })
}

fn online_hour(of: Inputs<'_>) -> Option<String> {
    let (score, cap) = (of.number("score_micros")?, of.number("score_cap_micros")?);
    let capped = if score > cap {
        format!(", capped at {}", show::amount(Micros::new(cap)))
    } else {
        String::new()
    };
    Some(format!(
        "The hour from {}: there for {}, slot {} proven. {} points × score {}{capped}.",
        show::utc(of.number("hour_began_us")? / 1_000),
        show::duration(of.number("seen_us")? / 1_000),
        of.number("slot")?,
        of.amount("per_hour_micros")?,
        show::amount(Micros::new(score)),
    ))
}

fn reserve(of: Inputs<'_>) -> Option<String> {
    let Some(frames) = of.number("frames") else {
        return Some(format!(
            "Frame {} costs more than was set aside for it.",
            of.number("frame")?
        ));
    };
    Some(format!(
        "Set aside for {}: about {} of the reference machine each (by {}) × {} a minute. What is not \
         needed comes back.",
        show::counted(frames, "frame", "frames"),
        of.duration("frame_reference_ms")?,
        of.text("by")?,
        of.counted("price_per_reference_minute_micros", "credit", "credits")?
    ))
}

/// What waited, by the name of its hold.
fn hold(of: Inputs<'_>) -> &'static str {
    let key = of.text("hold").unwrap_or_default();
    match key.split('/').next() {
        Some("render") => "what a frame earned",
        Some("online") => "what an hour online earned",
        Some("job-done") => "what a job earned",
        Some(_) | None => "what waited",
    }
}

fn void(of: Inputs<'_>) -> String {
    match of.0.get("why") {
        Some(Value::String(why)) => format!("Not needed any more: {why}."),
        Some(why) if why.get("decision").is_some() => {
            "Taken back by a decision on your standing.".into()
        }
        Some(_) | None => "It went back to where it came from.".into(),
    }
}

/// The inputs of an entry.
#[derive(Clone, Copy)]
struct Inputs<'a>(&'a Value);

impl<'a> Inputs<'a> {
    fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    fn number(self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    fn counted(self, name: &str, one: &str, many: &str) -> Option<String> {
        let amount = self.amount(name)?;
        let unit = if amount == "1" { one } else { many };
        Some(format!("{amount} {unit}"))
    }

    fn amount(self, name: &str) -> Option<String> {
        Some(show::amount(Micros::new(self.number(name)?)))
    }

    fn duration(self, name: &str) -> Option<String> {
        Some(show::duration(self.number(name)?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rendering_is_explained_by_time_and_rate() {
        let why = why(&entry(
            "points/x",
            "render",
            json!({
                "job": "019386a0-0000-7000-8000-000000000001", "frame": 12, "worker": "w",
                "reference_ms": 192_000, "points_per_reference_minute_micros": 10_000_000, "rules": 3,
            }),
        ));
        assert_eq!(why.title, "Rendering");
        assert_eq!(
            why.sentence,
            "Frame 12: 3 min 12 s of the reference machine × 10 points a minute."
        );
        assert_eq!(why.rules, Some(3));
        assert!(why.job.is_none(), "whose job it is is their business");
    }

    #[test]
    fn a_cut_by_the_cap_is_named() {
        let inputs = json!({ "base_micros": 50_000_000, "percent": 10, "cap_micros": 1_000_000_000,
            "cut_micros": 2_000_000 });
        let why = why(&entry("points/x", "referral", inputs));
        assert!(
            why.sentence
                .ends_with("less 2 beyond the cap of 1\u{202f}000 a week."),
            "{}",
            why.sentence
        );
    }

    #[test]
    fn a_hold_that_went_back_says_why() {
        let of = |inputs| why(&entry("credits", "void", inputs)).sentence;
        assert_eq!(
            of(json!({ "hold": "h", "why": "the job is over" })),
            "Not needed any more: the job is over."
        );
        assert!(of(json!({ "hold": "h", "why": { "decision": 1 } })).contains("decision"));
    }

    #[test]
    fn inputs_of_another_version_make_no_sentence_and_no_fault() {
        for kind in [
            "render",
            "check-in",
            "quest",
            "referral",
            "online-hour",
            "charge",
            "reserve",
        ] {
            assert_eq!(
                why(&entry("credits", kind, json!({}))).sentence,
                "",
                "{kind}"
            );
        }
        assert_eq!(
            why(&entry("credits", "of-the-future", json!([]))).title,
            "Something"
        );
    }

    fn entry(book: &str, kind: &str, inputs: Value) -> LedgerEntry {
        LedgerEntry {
            id: 1,
            key: "key".into(),
            book: book.into(),
            kind: kind.into(),
            at_ms: 0,
            inputs,
            moved: Vec::new(),
        }
    }
}
