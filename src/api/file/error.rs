use std::fmt::{self, Write};

/// What is wrong at one place of a file, in words for the person who wrote it.
///
/// No part of it has control characters, whatever the file had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct FileError {
    /// Where; absent where the file as a whole is meant.
    pub place: Option<Place>,
    /// The field, such as `spec.rules[0].keep`; empty where the resource as a whole is meant.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Where in a file a resource stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The document's number from 1, empty ones not counted.
    pub document: usize,
    /// The line where the document's content starts, from 1.
    pub line: u64,
    /// The number from 1 in the items of a `List`.
    pub item: Option<usize>,
    /// `metadata.name`, if it could be read.
    pub name: Option<String>,
}

impl FileError {
    pub(super) fn of_file(message: &str) -> Self {
        Self { place: None, path: String::new(), message: visible(message) }
    }

    /// Sorts errors by place, then by field, with list indexes as numbers.
    pub(super) fn order(&self) -> impl Ord + use<> {
        let place = self.place.as_ref();
        let mut steps: Vec<(String, usize)> = Vec::new();
        for step in self.path.split(['.', ']']) {
            let (name, index) = step.split_once('[').unwrap_or((step, ""));
            steps.push((name.to_owned(), index.parse().unwrap_or(0)));
        }
        (place.is_none(), place.map(|place| (place.document, place.item)), steps)
    }
}

impl Place {
    pub(super) fn error(&self, path: &str, message: &str) -> FileError {
        FileError { place: Some(self.clone()), path: visible(path), message: visible(message) }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let item = |f: &mut fmt::Formatter<'_>| self.item.map_or(Ok(()), |item| write!(f, ", item {item}"));
        if let Some(name) = &self.name {
            write!(f, "{name} (document {}", self.document)?;
            item(f)?;
            write!(f, ", line {})", self.line)
        } else {
            write!(f, "document {}", self.document)?;
            item(f)?;
            write!(f, " (line {})", self.line)
        }
    }
}

/// The text with everything escaped that a terminal would obey or hide.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        let hidden = matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        if char.is_control() || hidden {
            let _ = write!(shown, "{}", char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}

/// The text, cut after 60 characters.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
