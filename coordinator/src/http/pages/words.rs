//! Words for accounts: standings and decisions as the person whom they are about reads them, what tokens are for, what
//! browsers are called.

use std::borrow::Borrow;

use pictor_protocol::fair_play::{AppealStatus, Standing, Verdict};
use pictor_protocol::people::Scope;

use super::show::Tone;

/// What a token of the scope is for.
pub const fn scope_title(scope: &Scope) -> &'static str {
    match scope {
        Scope::Jobs => "Jobs: submit, watch, download, change yours",
        Scope::Workers => "Workers: create, watch, change yours",
        Scope::Operator => "Operator: everything that concerns everybody",
    }
}

pub fn standing(of: impl Borrow<Standing>) -> Tone {
    match of.borrow() {
        Standing::Good => tone("Good standing", "done"),
        Standing::Warned => tone("Warned", "paused"),
        Standing::Suspended => tone("Suspended", "failed"),
        Standing::Disqualified => tone("Disqualified", "failed"),
        Standing::Banned => tone("Banned", "failed"),
        Standing::Unknown => tone("Unknown", "waiting"),
    }
}

/// What a standing means for whoever has it.
pub const fn standing_means(of: &Standing) -> &'static str {
    match of {
        Standing::Good => "You take part in everything.",
        Standing::Warned => "You lose nothing, but this has to stop.",
        Standing::Suspended => {
            "You earn nothing, and what waits goes on waiting, until this is lifted."
        }
        Standing::Disqualified => "The campaign’s points are forfeited, with your rank and reward.",
        Standing::Banned => {
            "You cannot sign in, and the campaign’s points, rank and reward are forfeited."
        }
        Standing::Unknown => "",
    }
}

pub const fn verdict(of: &Verdict) -> &'static str {
    match of {
        Verdict::Warn => "Warning",
        Verdict::Suspend => "Suspension",
        Verdict::Disqualify => "Disqualification",
        Verdict::Ban => "Ban",
        Verdict::Lift => "Lifted",
        Verdict::Unknown => "Decision",
    }
}

pub fn appeal_status(of: impl Borrow<AppealStatus>) -> Tone {
    match of.borrow() {
        AppealStatus::Open => tone("Waits for an answer", "waiting"),
        AppealStatus::Upheld => tone("The decision stays", "failed"),
        AppealStatus::Lifted => tone("The decision was taken back", "done"),
        AppealStatus::Superseded => tone("Another decision came first", "waiting"),
        AppealStatus::Unknown => tone("Unknown", "waiting"),
    }
}

/// What an amount was forfeited of, in the words of its book.
pub fn book_unit(book: impl AsRef<str>) -> &'static str {
    match book.as_ref() {
        "credits" => "credits",
        _ => "points",
    }
}

/// A browser by what it says of itself: `Firefox on Linux`.
pub fn browser(user_agent: Option<&String>) -> String {
    let Some(text) = user_agent else {
        return "Unknown browser".into();
    };
    // In this order: each says the names behind it too.
    let named = |of: &[(&str, &'static str)]| {
        let found = of.iter().find(|(mark, _)| text.contains(mark));
        found.map(|(_, name)| *name)
    };
    let program = named(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = named(&[
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.into(),
        (None, _) => text.chars().take(40).collect(),
    }
}

const fn tone(word: &'static str, class: &'static str) -> Tone {
    Tone { word, class }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_as_people_call_it() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                    Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0";
        assert_eq!(browser(Some(&edge.into())), "Edge on Windows");
        assert_eq!(browser(Some(&"<b>curl".into())), "<b>curl");
        assert_eq!(browser(None), "Unknown browser");
    }
}
