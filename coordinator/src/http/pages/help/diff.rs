//! What changed from one text to the next, line by line. Pure.

/// Longer stretches of change than this on both sides are shown as taken away and put there, whole: comparing
/// every line with every other would take too long.
const LINES_MAX: usize = 1_500;
/// So many lines around a change are shown.
const AROUND: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
    /// So many lines that are the same are left out.
    Skipped(usize),
}

/// The changes with a few lines around them; nothing if there are none.
pub fn changes<'a>(before: &'a str, after: &'a str) -> Vec<Line<'a>> {
    let all = lines(before, after);
    let is_change = |line: &Line<'_>| matches!(line, Line::Gone(_) | Line::New(_));
    let changed: Vec<usize> = (0..all.len()).filter(|at| is_change(&all[*at])).collect();
    let mut shown = Vec::new();
    let mut skipped = 0;
    let mut next = 0;
    for (at, line) in all.iter().enumerate() {
        while changed.get(next).is_some_and(|change| change + AROUND < at) {
            next += 1;
        }
        let is_near = changed
            .get(next)
            .is_some_and(|change| *change <= at + AROUND);
        if !is_near {
            skipped += 1;
            continue;
        }
        if skipped > 0 {
            shown.push(Line::Skipped(std::mem::take(&mut skipped)));
        }
        shown.push(*line);
    }
    if skipped > 0 && !shown.is_empty() {
        shown.push(Line::Skipped(skipped));
    }
    shown
}

/// Every line of both, in order.
fn lines<'a>(before: &'a str, after: &'a str) -> Vec<Line<'a>> {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let same_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[same_start..], &new[same_start..]);
    let ends = old_rest.iter().rev().zip(new_rest.iter().rev());
    let same_end = ends.take_while(|(a, b)| a == b).count();
    let old_middle = &old_rest[..old_rest.len() - same_end];
    let new_middle = &new_rest[..new_rest.len() - same_end];
    let mut all: Vec<_> = old[..same_start]
        .iter()
        .map(|line| Line::Same(line))
        .collect();
    all.extend(middle(old_middle, new_middle));
    let end = &old_rest[old_rest.len() - same_end..];
    all.extend(end.iter().map(|line| Line::Same(line)));
    all
}

/// By the longest common subsequence.
fn middle<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        let gone = old.iter().map(|line| Line::Gone(line));
        return gone.chain(new.iter().map(|line| Line::New(line))).collect();
    }
    let width = new.len() + 1;
    // How many lines are common from a pair of places on.
    let mut common = vec![0_u16; (old.len() + 1) * width];
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            common[i * width + j] = if a == b {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut all = Vec::with_capacity(old.len() + new.len());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            all.push(Line::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len()
            && (j == new.len() || common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            all.push(Line::Gone(old[i]));
            i += 1;
        } else {
            all.push(Line::New(new[j]));
            j += 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_changed_number_is_shown_with_what_is_around_it() {
        let before = "a\nb\nc\nd\nx = 1\ne\nf\ng\nh";
        let after = before.replace("x = 1", "x = 2");
        assert_eq!(
            changes(before, &after),
            [
                Line::Skipped(2),
                Line::Same("c"),
                Line::Same("d"),
                Line::Gone("x = 1"),
                Line::New("x = 2"),
                Line::Same("e"),
                Line::Same("f"),
                Line::Skipped(2),
            ]
        );
        assert_eq!(changes(before, before), []);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_from_it(
            before in prop::collection::vec("[abc]{1,2}", 0..20),
            after in prop::collection::vec("[abc]{1,2}", 0..20),
        ) {
            let (old, new) = (before.join("\n"), after.join("\n"));
            let all = lines(&old, &new);
            let side = |wanted: fn(&Line<'_>) -> Option<String>| all.iter().filter_map(wanted).collect::<Vec<_>>();
            let first = side(|line| match line {
                Line::Same(text) | Line::Gone(text) => Some((*text).to_owned()),
                Line::New(_) | Line::Skipped(_) => None,
            });
            let second = side(|line| match line {
                Line::Same(text) | Line::New(text) => Some((*text).to_owned()),
                Line::Gone(_) | Line::Skipped(_) => None,
            });
            prop_assert_eq!(first, before);
            prop_assert_eq!(second, after);
        }
    }
}
