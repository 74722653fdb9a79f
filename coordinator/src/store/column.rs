//! How values that are more than text and integers lie in a column.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value kept as JSON text.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> TryFrom<String> for Json<T> {
    type Error = serde_json::Error;

    fn try_from(text: String) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&text).map(Self)
    }
}

/// A value kept as JSON text, or NULL.
#[derive(Debug, Clone)]
pub struct MaybeJson<T>(pub Option<T>);

impl<T: DeserializeOwned> TryFrom<Option<String>> for MaybeJson<T> {
    type Error = serde_json::Error;

    fn try_from(text: Option<String>) -> Result<Self, serde_json::Error> {
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map(Self)
    }
}

/// A value that may be NULL, kept as the text that it prints and parses.
#[derive(Debug, Clone)]
pub struct Maybe<T>(pub Option<T>);

impl<T: std::str::FromStr> TryFrom<Option<String>> for Maybe<T> {
    type Error = T::Err;

    fn try_from(text: Option<String>) -> Result<Self, T::Err> {
        text.map(|text| text.parse()).transpose().map(Self)
    }
}

/// JSON text of a value. Everything that is stored has string keys and finite numbers, so it can
/// always be written; `null` would be refused by the reader as a bad row.
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

/// Makes an enum that lies in the database as a lower-case word.
macro_rules! words {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::store::column::BadWord;

            fn from_str(word: &str) -> std::result::Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::store::column::BadWord { of: stringify!($name), word: word.into() }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::store::column::BadWord;

            fn try_from(word: String) -> std::result::Result<Self, Self::Error> {
                word.parse()
            }
        }
    };
}
pub(crate) use words;

/// A status in the database that this program does not know.
#[derive(Debug, thiserror::Error)]
#[error("{word:?} is no {of}")]
pub struct BadWord {
    pub of: &'static str,
    pub word: String,
}
