//! Numbers and tables as people read them.

use jiff::{SignedDuration, Timestamp};

pub(in crate::cli) use crate::api::binary_size as bytes;

/// How long ago: `45d`, `3h`, `12m`, `5s`, as kubectl has it.
pub(in crate::cli) fn ago(then: Timestamp, now: Timestamp) -> String {
    let age = now.duration_since(then).max(SignedDuration::ZERO);
    match (age.as_hours(), age.as_mins(), age.as_secs()) {
        (hours, ..) if hours >= 48 => format!("{}d", hours / 24),
        (hours, ..) if hours >= 1 => format!("{hours}h"),
        (_, minutes, _) if minutes >= 1 => format!("{minutes}m"),
        (.., seconds) => format!("{seconds}s"),
    }
}

/// `1 tag`, `2 tags`.
pub(in crate::cli) fn count(count: usize, one: &str) -> String {
    match (count, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {one}s"),
    }
}

/// Columns that line up.
pub(in crate::cli) struct Table {
    indent: &'static str,
    /// Columns of numbers, which line up at their end.
    right: &'static [usize],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this first row.
    pub(in crate::cli) fn new(indent: &'static str, right: &'static [usize], header: &[&str]) -> Self {
        Self { indent, right, rows: vec![header.iter().map(ToString::to_string).collect()] }
    }

    pub(in crate::cli) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Its lines, without spaces at their ends.
    pub(in crate::cli) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                if self.right.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            format!("{}{}", self.indent, cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_as_long_as_they_must_be() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        for (then, text) in [
            ("2026-11-22T00:00:01Z", "0s"),
            ("2026-11-21T23:59:00Z", "1m"),
            ("2026-11-20T00:00:01Z", "47h"),
            ("2026-11-20T00:00:00Z", "2d"),
            ("2020-11-22T00:00:00Z", "2191d"),
        ] {
            assert_eq!(ago(then.parse().unwrap(), now), text);
        }
    }

    #[test]
    fn columns_line_up_and_nothing_trails() {
        let mut table = Table::new("  ", &[1], &["TAG", "SIZE", "WHY"]);
        table.row(["a".to_owned(), "10 B".into(), "because".into()]);
        table.row(["long".to_owned(), "1 B".into(), String::new()]);
        assert_eq!(table.lines(), ["  TAG   SIZE  WHY", "  a     10 B  because", "  long   1 B"]);
        assert_eq!(
            (count(1, "repository"), count(2, "repository"), count(0, "tag")),
            ("1 repository".into(), "2 repositories".into(), "0 tags".into())
        );
    }
}
