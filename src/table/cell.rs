//! What tables are made of.

use std::borrow::Cow;

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub kind: Kind,
}

/// What is in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// Numbers that count.
    Whole,
    /// Numbers that measure.
    Number,
}

/// One value; of its column's kind, or none.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// There is none.
    None,
    /// Words.
    Text(Cow<'a, str>),
    /// A number that counts.
    Whole(u64),
    /// A number that measures.
    Number(f64),
}

impl Column {
    /// A column of words.
    pub const fn text(name: &'static str) -> Self {
        let kind = Kind::Text;
        Self { name, kind }
    }

    /// A column of numbers that count.
    pub const fn whole(name: &'static str) -> Self {
        let kind = Kind::Whole;
        Self { name, kind }
    }

    /// A column of numbers that measure.
    pub const fn number(name: &'static str) -> Self {
        let kind = Kind::Number;
        Self { name, kind }
    }
}

impl<'a> Cell<'a> {
    /// Words; none if they are empty.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        match text.is_empty() {
            true => Self::None,
            false => Self::Text(text),
        }
    }

    /// Words that there may be.
    pub fn some_text(text: Option<&'a str>) -> Self {
        text.map_or(Self::None, Self::text)
    }

    /// A number that there may be.
    pub fn some_whole(number: Option<u64>) -> Self {
        number.map_or(Self::None, Self::Whole)
    }
}

impl From<f32> for Cell<'_> {
    /// The number as it is written, not its neighbour among the longer ones.
    fn from(number: f32) -> Self {
        Self::Number(number.to_string().parse().unwrap_or(f64::from(number)))
    }
}
