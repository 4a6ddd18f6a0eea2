//! A table of text, as it was given or fetched.

use std::collections::BTreeMap;

use serde_json::Value;

/// Names of columns, and values row by row. The text of all values is kept side by side.
#[derive(Debug, Default)]
pub struct RawTable {
    names: Vec<String>,
    text: String,
    /// Where each value is in the text; none for nulls.
    cells: Vec<Option<(u32, u32)>>,
    max_bytes: usize,
}

/// What a value takes beside its text.
const CELL_BYTES: usize = size_of::<Option<(u32, u32)>>();

impl RawTable {
    /// # Errors
    ///
    /// What cannot work, for people.
    pub fn from_csv(csv: &[u8], max_bytes: usize) -> Result<Self, String> {
        // Excel writes a byte order mark.
        let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
        let mut reader = csv::Reader::from_reader(csv);
        let flaw = |error: csv::Error| format!("is no CSV: {error}");
        let names = reader.headers().map_err(flaw)?.iter().map(str::to_owned).collect();
        let mut table = Self::with_names(names, max_bytes)?;
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(flaw)? {
            for value in &record {
                table.push((!value.is_empty()).then_some(value))?;
            }
        }
        Ok(table)
    }

    /// # Errors
    ///
    /// What cannot work, for people.
    pub fn from_json(json: &[u8], pointer: &str, max_bytes: usize) -> Result<Self, String> {
        let mut document: Value =
            serde_json::from_slice(json).map_err(|error| format!("is no JSON: {error}"))?;
        let rows = document.pointer_mut(pointer).map(Value::take);
        let rows = rows.ok_or_else(|| format!("has nothing at {pointer}"))?;
        let rows: Vec<BTreeMap<String, Value>> = serde_json::from_value(rows)
            .map_err(|_| "is no list of objects: give a JSON pointer to one".to_owned())?;
        Self::from_rows(&rows, max_bytes)
    }

    /// # Errors
    ///
    /// What cannot work, for people.
    pub fn from_rows(rows: &[BTreeMap<String, Value>], max_bytes: usize) -> Result<Self, String> {
        let mut names: Vec<String> = rows.iter().flat_map(BTreeMap::keys).cloned().collect();
        names.sort();
        names.dedup();
        let mut table = Self::with_names(names.clone(), max_bytes)?;
        for (index, row) in rows.iter().enumerate() {
            for name in &names {
                match row.get(name) {
                    None | Some(Value::Null) => table.push(None)?,
                    Some(Value::String(value)) => table.push(Some(value))?,
                    Some(value @ (Value::Bool(_) | Value::Number(_))) => {
                        table.push(Some(&value.to_string()))?;
                    }
                    Some(_) => {
                        return Err(format!(
                            "has a list or an object at `{name}` of row {index}; give texts, numbers and booleans"
                        ));
                    }
                }
            }
        }
        Ok(table)
    }

    fn with_names(names: Vec<String>, max_bytes: usize) -> Result<Self, String> {
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                return Err(format!("has two columns `{name}`"));
            }
        }
        Ok(Self { names, max_bytes, ..Self::default() })
    }

    fn push(&mut self, value: Option<&str>) -> Result<(), String> {
        let length = value.map_or(0, str::len);
        if self.text.len() + length + (self.cells.len() + 1) * CELL_BYTES > self.max_bytes {
            return Err(format!(
                "takes more than {} bytes; leave out what is not needed, or raise `max_bytes` and the step's limit of memory",
                self.max_bytes
            ));
        }
        let cell = value.map(|value| {
            // `max_bytes` is a `u32`.
            let start = self.text.len() as u32;
            self.text.push_str(value);
            (start, self.text.len() as u32)
        });
        self.cells.push(cell);
        Ok(())
    }

    pub fn rows(&self) -> usize {
        self.cells.len().checked_div(self.names.len()).unwrap_or(0)
    }

    /// # Errors
    ///
    /// Which columns there are, where there is none of that name.
    pub fn column(&self, name: &str) -> Result<usize, String> {
        // A list without rows does not say which columns it would have.
        if self.names.is_empty() {
            return Ok(0);
        }
        self.names.iter().position(|other| other == name).ok_or_else(|| {
            format!("the table has no column `{name}`; there are {}", self.names.join(", "))
        })
    }

    /// The value of a column in a row; none where it is null.
    pub fn value(&self, row: usize, column: usize) -> Option<&str> {
        let (start, end) = self.cells[row * self.names.len() + column]?;
        Some(&self.text[start as usize..end as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const MAX: usize = 1 << 20;

    fn rows(table: &RawTable) -> Vec<Vec<Option<&str>>> {
        let row = |row| (0..table.names.len()).map(|column| table.value(row, column)).collect();
        (0..table.rows()).map(row).collect()
    }

    #[test]
    fn csv() {
        let csv = "\u{feff}a,b\r\n1,\"x, \"\"y\"\"\"\n,ü\n";
        let table = RawTable::from_csv(csv.as_bytes(), MAX).unwrap();
        assert_eq!(table.names, ["a", "b"]);
        assert_eq!(rows(&table), [[Some("1"), Some("x, \"y\"")], [None, Some("ü")]]);
        assert_eq!(RawTable::from_csv(b"", MAX).unwrap().rows(), 0);
        for (csv, expected) in [
            (&b"a,b\n1"[..], "is no CSV"),
            (b"a\n\xff", "is no CSV"),
            (b"a,a\n1,2", "has two columns `a`"),
        ] {
            assert!(RawTable::from_csv(csv, MAX).unwrap_err().contains(expected));
        }
    }

    #[test]
    fn json() {
        let json = json!({"data": [{"b": 1.5, "a": "x"}, {"a": true, "c": null}]}).to_string();
        let table = RawTable::from_json(json.as_bytes(), "/data", MAX).unwrap();
        assert_eq!(table.names, ["a", "b", "c"]);
        assert_eq!(rows(&table), [[Some("x"), Some("1.5"), None], [Some("true"), None, None]]);
        for (pointer, expected) in [("", "is no list of objects"), ("/x", "has nothing at /x")] {
            let message = RawTable::from_json(json.as_bytes(), pointer, MAX).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
        let nested = RawTable::from_json(b"[{\"a\": []}]", "", MAX).unwrap_err();
        assert!(nested.contains("has a list or an object at `a` of row 0"));
    }

    #[test]
    fn the_size_is_bounded() {
        let csv = format!("a\n{}", "0123456789\n".repeat(100));
        assert!(RawTable::from_csv(csv.as_bytes(), 100 * (10 + CELL_BYTES)).is_ok());
        assert!(RawTable::from_csv(csv.as_bytes(), 100 * (10 + CELL_BYTES) - 1).is_err());
    }
}
