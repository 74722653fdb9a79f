use pictor_protocol::agent::Grant;
use uuid::Uuid;

use super::*;
use crate::agent::tests::attempt;

#[test]
fn a_stored_picture_is_found_at_the_next_start() {
    let case = Case::new();
    let finished = case.store(1, b"picture").unwrap();
    let case = case.restart();
    let leftovers = case.journal.leftovers().unwrap();
    assert_eq!(leftovers, [Leftover { frame: 1, finished }]);
    assert!(case.journal.picture(attempt(1)).unwrap().exists());
}

#[test]
fn nothing_is_left_of_a_discarded_picture() {
    let case = Case::new();
    case.store(1, b"picture").unwrap();
    case.journal.discard(attempt(1)).unwrap();
    case.journal.discard(attempt(1)).unwrap();
    assert_eq!(case.journal.leftovers().unwrap(), []);
    assert_eq!(case.journal.names().unwrap(), ["lock"]);
}

#[test]
fn what_was_half_written_when_the_worker_died_is_cleared_away() {
    let case = Case::new();
    let whole = case.store(1, b"picture").unwrap();
    let cut = case.store(2, b"another").unwrap();
    fs::write(case.journal.picture(cut.attempt).unwrap(), b"ano").unwrap();
    fs::write(case.journal.dir.join("no-note.png"), b"x").unwrap();
    let leftovers = case.journal.leftovers().unwrap();
    assert_eq!(
        leftovers,
        [Leftover {
            frame: 1,
            finished: whole
        }]
    );
    assert_eq!(case.journal.names().unwrap().len(), 3);
}

#[test]
fn a_picture_that_is_not_there_or_empty_is_nothing_written() {
    let case = Case::new();
    let missing = case
        .journal
        .store(&case.cache.path().join("none"), &picture(1));
    assert!(matches!(missing, Err(StoreError::NothingWritten)));
    assert!(matches!(
        case.store(1, b""),
        Err(StoreError::NothingWritten)
    ));
}

#[test]
fn two_workers_cannot_share_a_journal() {
    let case = Case::new();
    let second = Journal::open(case.cache.path(), worker());
    assert!(matches!(second, Err(JournalError::InUse)));
}

struct Case {
    cache: tempfile::TempDir,
    journal: Journal,
}

impl Case {
    fn new() -> Self {
        let cache = tempfile::tempdir().unwrap();
        let journal = Journal::open(cache.path(), worker()).unwrap();
        Self { cache, journal }
    }

    fn restart(self) -> Self {
        let Self { cache, journal } = self;
        drop(journal);
        let journal = Journal::open(cache.path(), worker()).unwrap();
        Self { cache, journal }
    }

    fn store(&self, frame: i32, bytes: &[u8]) -> Result<Finished, StoreError> {
        let rendered = self.cache.path().join("rendered.png");
        fs::write(&rendered, bytes).unwrap();
        self.journal.store(&rendered, &picture(frame))
    }
}

fn picture(frame: i32) -> Picture {
    let grant = Grant {
        attempt: attempt(frame as u128),
        frame,
    };
    let session = crate::agent::SessionId(1);
    Picture {
        session,
        grant,
        format: Format::Png,
        render_ms: 7,
        memory_bytes: None,
        energy_millijoules: None,
    }
}

fn worker() -> WorkerId {
    WorkerId::new(Uuid::from_u128(1))
}
