//! Which names inside a zip become paths.
//!
//! A backslash counts as a separator: some Windows tools write it, and a file whose name holds one
//! cannot exist there. `.` and empty parts are dropped. Everything that could leave the folder is
//! refused, not repaired: who writes `..` into a zip means something else than a scene.

use std::fmt;

use super::ZipLimits;

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadName {
    Empty,
    Absolute,
    Drive,
    Climbs,
    Unprintable,
    TooLong,
    TooDeep,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadName::Empty => "it is empty",
            BadName::Absolute => "it is an absolute path",
            BadName::Drive => "it names a drive",
            BadName::Climbs => "it leaves its folder",
            BadName::Unprintable => "it has unprintable characters",
            BadName::TooLong => "it is too long",
            BadName::TooDeep => "it is in too many folders",
        })
    }
}

/// The longest file name that Linux file systems take.
const PART_BYTES: usize = 255;

/// The relative path, with `/`, for a name as the zip has it.
pub(super) fn tidy(stored: &str, limits: &ZipLimits) -> Result<String, BadName> {
    if stored.len() > limits.path_bytes {
        return Err(BadName::TooLong);
    }
    if stored.chars().any(char::is_control) {
        return Err(BadName::Unprintable);
    }
    let path = stored.replace('\\', "/");
    if path.starts_with('/') {
        return Err(BadName::Absolute);
    }
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    let parts: Vec<&str> = parts.collect();
    // After the dots are gone, or `./C:/x` would name a drive.
    if parts
        .first()
        .is_some_and(|part| part.as_bytes().get(1) == Some(&b':'))
    {
        return Err(BadName::Drive);
    }
    if parts.contains(&"..") {
        return Err(BadName::Climbs);
    }
    if parts.iter().any(|part| part.len() > PART_BYTES) {
        return Err(BadName::TooLong);
    }
    if parts.len() > limits.depth {
        return Err(BadName::TooDeep);
    }
    if parts.is_empty() {
        return Err(BadName::Empty);
    }
    Ok(parts.join("/"))
}

/// A refused name, fit for a message.
pub(super) fn shown(stored: &str) -> String {
    let printable = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    stored.chars().take(200).map(printable).collect()
}
