//! Tables and numbers for people.

use wasmill_pipeline::numbers::grouped;

/// Lines of text in columns. The first row is the header; the columns at `numbers` are aligned to the right.
pub fn table(rows: &[Vec<String>], numbers: std::ops::Range<usize>) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[column] - cell.chars().count());
            let (before, after) = if numbers.contains(&column) {
                (padding, String::new())
            } else {
                (String::new(), padding)
            };
            line.push_str(&format!("{before}{cell}{after}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `1 split`, `1,234 splits`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

/// `1.5 MiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// `2026-11-23 17:04:05`, in UTC.
pub fn time(ms: i64) -> String {
    match chrono::DateTime::from_timestamp_millis(ms) {
        Some(time) => time.format("%Y-%m-%d %H:%M:%S").to_string(),
        None => ms.to_string(),
    }
}

/// `2026-11-23 17:04:05.123`, in UTC.
pub fn milliseconds(ms: i64) -> String {
    match chrono::DateTime::from_timestamp_millis(ms) {
        Some(time) => time.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        None => ms.to_string(),
    }
}

/// `1.24 s`.
pub fn seconds(ms: u64) -> String {
    format!("{}.{:02} s", ms / 1000, ms % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 1_023, 1_536, 3 << 30].map(bytes), ["0 B", "1023 B", "1.5 KiB", "3.0 GiB"]);
        assert_eq!(time(1_700_000_000_000), "2023-11-14 22:13:20");
        assert_eq!(milliseconds(1_700_000_000_007), "2023-11-14 22:13:20.007");
        assert_eq!(
            [0, 1, 1_234].map(|count| counted(count, "row")),
            ["0 rows", "1 row", "1,234 rows"]
        );
        assert_eq!(seconds(61_237), "61.23 s");
    }

    #[test]
    fn columns_are_aligned() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let rows = [row(["step", "rows"]), row(["a", "10"]), row(["longer", "9"])];
        assert_eq!(table(&rows, 1..2), "step    rows\na         10\nlonger     9\n");
    }
}
