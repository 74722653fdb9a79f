//! Tables of a document, read key by key. Whatever is wrong is noted with its path and does not keep the rest
//! from being read; what nobody has read in the end is unknown.

use std::fmt::Display;
use std::str::FromStr;

use chrono::DateTime;
use pictor_protocol::amount::BadAmount;
use pictor_protocol::settings::Fault;
use toml::{Table, Value};

/// `None` stands for a fault that was noted.
pub(super) struct Section {
    /// Empty at the root.
    path: String,
    left: Table,
    faults: Vec<Fault>,
}

impl Section {
    pub(super) fn root(table: Table) -> Self {
        Self::at(String::new(), table)
    }

    fn at(path: String, table: Table) -> Self {
        Self {
            path,
            left: table,
            faults: Vec::new(),
        }
    }

    /// Everything that was wrong.
    pub(super) fn finish(mut self) -> Vec<Fault> {
        for key in std::mem::take(&mut self.left).keys() {
            let shown: String = key.chars().take(80).collect();
            self.fault(&shown, "there is no such key");
        }
        self.faults
    }

    pub(super) fn fault(&mut self, key: &str, message: impl Into<String>) {
        let field = self.field(key);
        let message = message.into();
        self.faults.push(Fault { field, message });
    }

    /// Faults with paths from the root.
    pub(super) fn add(&mut self, faults: Vec<Fault>) {
        self.faults.extend(faults);
    }

    fn field(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    pub(super) fn section<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(key)?;
        self.inside(key, value, read)
    }

    /// A table that may be missing.
    pub(super) fn optional_section<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.left.remove(key) {
            Some(value) => self.inside(key, value, read).map(Some),
            None => Some(None),
        }
    }

    /// An array of tables; none at all when it is missing.
    pub(super) fn sections<T>(
        &mut self,
        key: &str,
        most: usize,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(value) = self.left.remove(key) else {
            return Some(Vec::new());
        };
        let values = self.array(key, value, most)?;
        let mut items = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            items.push(self.inside(&format!("{key}[{index}]"), value, &mut read));
        }
        items.into_iter().collect()
    }

    fn inside<T>(
        &mut self,
        key: &str,
        value: Value,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let Value::Table(table) = value else {
            self.fault(key, format!("expected a table, not {}", shown(&value)));
            return None;
        };
        let mut inside = Self::at(self.field(key), table);
        let read = read(&mut inside);
        let faults = inside.finish();
        self.add(faults);
        read
    }

    fn array(&mut self, key: &str, value: Value, most: usize) -> Option<Vec<Value>> {
        let Value::Array(values) = value else {
            self.fault(key, format!("expected a list, not {}", shown(&value)));
            return None;
        };
        if values.len() > most {
            self.fault(
                key,
                format!("has {} entries, more than {most}", values.len()),
            );
            return None;
        }
        Some(values)
    }

    /// An amount from 0 to `most`.
    pub(super) fn amount<A: Amount>(&mut self, key: &str, most: A) -> Option<A> {
        let value = self.take(key)?;
        self.read_amount(key, &value, most)
    }

    /// An amount that may be missing.
    pub(super) fn optional_amount<A: Amount>(&mut self, key: &str, most: A) -> Option<Option<A>> {
        match self.left.remove(key) {
            Some(value) => self.read_amount(key, &value, most).map(Some),
            None => Some(None),
        }
    }

    /// Exactly `N` amounts from 0 to `most`.
    pub(super) fn amounts<A: Amount, const N: usize>(
        &mut self,
        key: &str,
        most: A,
    ) -> Option<[A; N]> {
        let value = self.take(key)?;
        let values = self.array(key, value, N)?;
        let mut amounts = Vec::new();
        for (index, value) in values.iter().enumerate() {
            amounts.push(self.read_amount(&format!("{key}[{index}]"), value, most));
        }
        let amounts: Vec<A> = amounts.into_iter().collect::<Option<_>>()?;
        let number = amounts.len();
        let amounts = amounts.try_into().ok();
        if amounts.is_none() {
            self.fault(key, format!("has {number} entries, not {N}"));
        }
        amounts
    }

    fn read_amount<A: Amount>(&mut self, key: &str, value: &Value, most: A) -> Option<A> {
        let read = match value {
            Value::String(text) => text.parse().map_err(|error: BadAmount| error.to_string()),
            Value::Integer(number) => {
                let read = number.to_string().parse();
                read.map_err(|error: BadAmount| error.to_string())
            }
            Value::Float(_) => Err(format!(
                "{value} is a floating-point number, which is not exact: write it in quotes"
            )),
            Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
                Err(format!("expected an amount, not {}", shown(value)))
            }
        };
        let read: Result<A, String> = read.and_then(|amount: A| {
            if amount < A::default() {
                Err(format!("{amount} is negative"))
            } else if amount > most {
                Err(format!("{amount} is more than {most}"))
            } else {
                Ok(amount)
            }
        });
        read.map_err(|message| self.fault(key, message)).ok()
    }

    pub(super) fn number(&mut self, key: &str, least: u32, most: u32) -> Option<u32> {
        let value = self.take(key)?;
        let number = value
            .as_integer()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let message = format!(
                "expected an integer from {least} to {most}, not {}",
                shown(&value)
            );
            self.fault(key, message);
        }
        number
    }

    /// Text of one line.
    pub(super) fn line(&mut self, key: &str, most: usize) -> Option<String> {
        let text = self.string(key)?;
        self.fitting(key, text, most, char::is_control)
    }

    /// Text of any number of lines.
    pub(super) fn text(&mut self, key: &str, most: usize) -> Option<String> {
        let text = self.string(key)?;
        self.fitting(key, text, most, |c| c.is_control() && c != '\n')
    }

    fn fitting(
        &mut self,
        key: &str,
        text: String,
        most: usize,
        is_refused: impl Fn(char) -> bool,
    ) -> Option<String> {
        let text = text.trim();
        let fits = !text.is_empty() && text.chars().count() <= most && !text.contains(is_refused);
        if !fits {
            let message =
                format!("expected 1 to {most} characters, none of them a control character");
            self.fault(key, message);
        }
        fits.then(|| text.to_owned())
    }

    /// A text for which `read` finds a meaning, or `expected` says what it should be.
    pub(super) fn word<T>(
        &mut self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.string(key)?;
        let read = read(&text);
        if read.is_none() {
            let text: String = text.chars().take(80).collect();
            self.fault(key, format!("expected {expected}, not {text:?}"));
        }
        read
    }

    /// A switch that may be missing.
    pub(super) fn switch(&mut self, key: &str, default: bool) -> Option<bool> {
        let Some(value) = self.left.remove(key) else {
            return Some(default);
        };
        let switch = value.as_bool();
        if switch.is_none() {
            self.fault(
                key,
                format!("expected true or false, not {}", shown(&value)),
            );
        }
        switch
    }

    /// A moment that may be missing, in Unix microseconds.
    pub(super) fn moment(&mut self, key: &str) -> Option<Option<i64>> {
        let Some(value) = self.left.remove(key) else {
            return Some(None);
        };
        let written = value.as_datetime().map(ToString::to_string);
        // Without an offset it would be another moment for everybody.
        let moment = written.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
        if moment.is_none() {
            let message = format!(
                "expected a moment such as 2026-12-01T00:00:00Z, not {}",
                shown(&value)
            );
            self.fault(key, message);
        }
        moment.map(|moment| Some(moment.timestamp_micros()))
    }

    fn string(&mut self, key: &str) -> Option<String> {
        let value = self.take(key)?;
        let Value::String(text) = value else {
            self.fault(key, format!("expected text, not {}", shown(&value)));
            return None;
        };
        Some(text)
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        let value = self.left.remove(key);
        if value.is_none() {
            self.fault(key, "is missing");
        }
        value
    }
}

/// What a document counts something in.
pub(super) trait Amount:
    FromStr<Err = BadAmount> + Display + Default + Copy + PartialOrd
{
}

impl<A: FromStr<Err = BadAmount> + Display + Default + Copy + PartialOrd> Amount for A {}

fn shown(value: &Value) -> String {
    match value {
        Value::Table(_) => "a table".into(),
        Value::Array(_) => "a list".into(),
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => value.to_string().chars().take(80).collect(),
    }
}
