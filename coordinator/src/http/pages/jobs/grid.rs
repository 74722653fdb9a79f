//! The frames of a job as a grid of cells, and all of them as a strip of colours.

use std::fmt::Write;

use askama::Template;
use askama::filters::Safe;
use pictor_protocol::JobId;
use pictor_protocol::job::{FrameCounts, FrameState};

use super::{draw, show};
use crate::jobs::overview::{Cell, Shown};

/// A cell; an element of its own, so that one frame more costs one frame more.
#[derive(Template)]
#[template(path = "jobs/cell.html")]
pub struct CellPart<'a> {
    pub job: JobId,
    pub cell: &'a Cell,
}

impl CellPart<'_> {
    pub fn class(&self) -> &'static str {
        match self.is_next() {
            true => "next",
            false => show::frame_state(self.cell.state).class,
        }
    }

    /// In somebody's hands, who has not begun it.
    fn is_next(&self) -> bool {
        self.cell.state == FrameState::Leased && self.cell.fraction.is_none()
    }

    fn word(&self) -> String {
        let is_again = self.cell.attempts > 0 && self.cell.state == FrameState::Queued;
        match self.cell.fraction {
            Some(fraction) => show::percent(f64::from(fraction)),
            None if self.is_next() => "Next".into(),
            None if is_again => "Again".into(),
            None => show::frame_state(self.cell.state).word.into(),
        }
    }

    /// What somebody hears who does not see it.
    fn label(&self) -> String {
        let state = match self.is_next() {
            true => "Next",
            false => show::frame_state(self.cell.state).word,
        };
        // What is seen is heard too: whoever speaks to their browser names what they see.
        let seen = match self.word() {
            word if word == state => String::new(),
            word => format!(", {word}"),
        };
        let approved = if self.cell.approved { ", approved" } else { "" };
        format!("Frame {}: {state}{seen}{approved}", self.cell.frame)
    }

    fn picture(&self) -> Option<String> {
        let hash = self.cell.thumbnail?;
        Some(thumbnail(self.job, self.cell.frame, &hash.to_string()))
    }
}

/// The address of a thumbnail. It changes with the picture, so browsers keep what is there.
pub fn thumbnail(job: JobId, frame: i32, hash: &str) -> String {
    let version = hash.get(..12).unwrap_or_default();
    format!("/api/v1/jobs/{job}/frames/{frame}/thumbnail?v={version}")
}

/// A page of cells as one element: for frames of one state, which come and go.
#[derive(Template)]
#[template(path = "jobs/grid.html")]
pub struct GridPart {
    pub job: JobId,
    pub cells: Vec<Cell>,
}

impl GridPart {
    fn cell<'a>(&self, cell: &'a Cell) -> CellPart<'a> {
        CellPart {
            job: self.job,
            cell,
        }
    }
}

/// How many frames there are of each state, as links to them; and the pages.
#[derive(Template)]
#[template(path = "jobs/filter.html")]
pub struct FilterPart {
    pub job: JobId,
    pub shown: Shown,
    pub counts: FrameCounts,
}

/// The states that frames are looked at by, as addresses spell them.
pub const STATES: [(&str, FrameState); 5] = [
    ("done", FrameState::Done),
    ("rendering", FrameState::Leased),
    ("waiting", FrameState::Queued),
    ("failed", FrameState::Failed),
    ("cancelled", FrameState::Cancelled),
];

pub fn state_of(word: &str) -> Option<FrameState> {
    let state = STATES.iter().find(|(name, _)| *name == word);
    state.map(|(_, state)| *state)
}

/// The question that leads to frames: `?show=failed&page=2`, or nothing.
pub fn query(shown: Shown) -> String {
    let word = STATES.iter().find(|(_, state)| Some(*state) == shown.state);
    match (word, shown.page) {
        (None, 0 | 1) => String::new(),
        (None, page) => format!("?page={page}"),
        (Some((word, _)), 0 | 1) => format!("?show={word}"),
        (Some((word, _)), page) => format!("?show={word}&page={page}"),
    }
}

impl FilterPart {
    fn tabs(&self) -> impl Iterator<Item = (String, &'static str, u32, bool)> {
        let tab = |state| {
            let shown = Shown { state, page: 1 };
            let word = state.map_or("All", |state| show::frame_state(state).word);
            let address = format!("/jobs/{}{}#frames", self.job, query(shown));
            let is_here = state == self.shown.state;
            (address, word, shown.count(&self.counts), is_here)
        };
        let states = STATES.iter().map(|(_, state)| Some(*state));
        std::iter::once(None)
            .chain(states)
            .map(tab)
            .filter(|(_, word, count, is_here)| *count > 0 || *is_here || *word == "All")
    }

    fn pages(&self) -> u32 {
        self.shown.pages(&self.counts)
    }

    fn to_page(&self, page: u32) -> String {
        let shown = Shown { page, ..self.shown };
        format!("/jobs/{}{}#frames", self.job, query(shown))
    }

    fn before(&self) -> Option<String> {
        (self.shown.page > 1).then(|| self.to_page(self.shown.page - 1))
    }

    fn after(&self) -> Option<String> {
        (self.shown.page < self.pages()).then(|| self.to_page(self.shown.page + 1))
    }
}

/// The strip: a path for each state, of the columns that show it.
#[derive(Template)]
#[template(path = "jobs/strip.html")]
pub struct StripPart {
    pub columns: Vec<FrameState>,
    pub counts: FrameCounts,
}

impl StripPart {
    fn drawing(&self) -> Safe<String> {
        let mut svg = format!(
            "<svg class=\"strip\" viewBox=\"0 0 {} 1\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
            self.columns.len(),
            self.label()
        );
        for (_, state) in STATES {
            let runs = runs(&self.columns, state);
            if !runs.is_empty() {
                let class = show::frame_state(state).class;
                let _ = write!(svg, "<path class=\"{class}\" d=\"{runs}\"/>");
            }
        }
        svg.push_str("</svg>");
        Safe(svg)
    }

    fn label(&self) -> String {
        let of = &self.counts;
        let mut words = format!("{} of {} frames done", of.done, of.total);
        for (count, word) in [
            (of.leased, "rendering"),
            (of.queued, "waiting"),
            (of.failed, "failed"),
            (of.cancelled, "cancelled"),
        ] {
            if count > 0 {
                let _ = write!(words, ", {count} {word}");
            }
        }
        words
    }
}

/// Rectangles of height 1 over the columns in a state, those beside each other in one.
fn runs(columns: &[FrameState], state: FrameState) -> String {
    let mut path = String::new();
    let mut at = 0;
    while at < columns.len() {
        let run = columns[at..].iter().take_while(|it| **it == state).count();
        if run > 0 {
            let _ = write!(path, "M{at} 0h{run}v1h-{run}z");
        }
        at += run.max(1);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_one_state_beside_each_other_are_one_rectangle() {
        use FrameState::{Done, Failed};
        let columns = [Done, Done, Failed, Done];
        assert_eq!(runs(&columns, Done), "M0 0h2v1h-2zM3 0h1v1h-1z");
        assert_eq!(runs(&columns, Failed), "M2 0h1v1h-1z");
        assert_eq!(runs(&columns, FrameState::Queued), "");
    }

    #[test]
    fn the_strip_of_any_job_stays_small() {
        let columns: Vec<_> = (0..crate::jobs::overview::COLUMNS)
            .map(|at| STATES[at % STATES.len()].1)
            .collect();
        let counts = FrameCounts::default();
        let svg = StripPart { columns, counts }.drawing().0;
        assert!(svg.len() < 16_000, "{}", svg.len());
    }

    #[test]
    fn an_address_reads_what_it_writes() {
        for state in [None, Some(FrameState::Failed), Some(FrameState::Leased)] {
            for page in [1, 7] {
                let query = query(Shown { state, page });
                let word = query.split("show=").nth(1).unwrap_or("");
                let word = word.split('&').next().unwrap_or("");
                assert_eq!(state_of(word), state, "{query}");
                assert_eq!(query.contains("page=7"), page == 7, "{query}");
            }
        }
    }
}
