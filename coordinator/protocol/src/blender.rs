//! Blender versions: the *series* (major and minor, what a scene is compatible with), the exact
//! version of an installed runtime, and what a job asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Major and minor version, such as `4.5`: runtimes of one series render alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Series {
    pub major: u16,
    pub minor: u16,
}

/// A text that is not a Blender version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a Blender version such as 4.5")]
pub struct BadVersion(String);

impl Series {
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for Series {
    type Err = BadVersion;

    /// Takes `4.5` and, for convenience, a longer version such as `4.5.3 LTS`.
    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let bad = || BadVersion(text.chars().take(40).collect());
        let number = text.split_whitespace().next().ok_or_else(bad)?;
        let mut parts = number.split('.').map(str::parse::<u16>);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self { major, minor }),
            _ => Err(bad()),
        }
    }
}

impl TryFrom<String> for Series {
    type Error = BadVersion;

    fn try_from(text: String) -> Result<Self, BadVersion> {
        text.parse()
    }
}

impl From<Series> for String {
    fn from(series: Series) -> Self {
        series.to_string()
    }
}

/// Which Blender a job wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BlenderWanted {
    /// The series that wrote the file, else the next higher one that a worker has.
    #[default]
    Auto,
    /// This series and no other.
    Pinned(Series),
}

impl fmt::Display for BlenderWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Pinned(series) => series.fmt(f),
        }
    }
}

impl FromStr for BlenderWanted {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        if text == "auto" {
            Ok(Self::Auto)
        } else {
            text.parse().map(Self::Pinned)
        }
    }
}

impl TryFrom<String> for BlenderWanted {
    type Error = BadVersion;

    fn try_from(text: String) -> Result<Self, BadVersion> {
        text.parse()
    }
}

impl From<BlenderWanted> for String {
    fn from(wanted: BlenderWanted) -> Self {
        wanted.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_read_from_a_full_version() {
        for text in ["4.5", "4.5.15", "4.5.15 LTS"] {
            assert_eq!(text.parse(), Ok(Series::new(4, 5)), "{text}");
        }
        for text in ["", "4", "four.five", "4.x", "-4.5"] {
            assert!(text.parse::<Series>().is_err(), "{text}");
        }
    }

    #[test]
    fn series_order_as_versions_do() {
        assert!(Series::new(4, 10) > Series::new(4, 5));
        assert!(Series::new(5, 0) > Series::new(4, 10));
    }

    #[test]
    fn a_wanted_blender_is_auto_or_a_series() {
        assert_eq!("auto".parse(), Ok(BlenderWanted::Auto));
        assert_eq!("4.2".parse(), Ok(BlenderWanted::Pinned(Series::new(4, 2))));
        assert!("newest".parse::<BlenderWanted>().is_err());
    }
}
