//! Paths into nested data: `customer.name`, `items[0].sku`, `address."zip code"`.

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    Key(String),
    Index(usize),
}

/// Paths have no more steps.
const MAX_SEGMENTS: usize = 128;

/// The steps of a path; none of an empty one.
///
/// # Errors
///
/// What cannot work, for people.
pub fn parse(path: &str) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if segments.len() == MAX_SEGMENTS {
            return Err(format!("{path:?} has more than {MAX_SEGMENTS} steps"));
        }
        if let Some(index) = rest.strip_prefix('[') {
            let (digits, after) =
                index.split_once(']').ok_or_else(|| format!("{path:?} lacks a closing bracket"))?;
            let index = digits.parse().map_err(|_| {
                format!("{path:?} has [{digits}]; give the position of an element, from 0")
            })?;
            segments.push(Segment::Index(index));
            rest = after;
            if !rest.is_empty() && !rest.starts_with(['.', '[']) {
                return Err(format!("{path:?} lacks a point after a bracket"));
            }
            continue;
        }
        if !segments.is_empty() {
            rest = rest
                .strip_prefix('.')
                .ok_or_else(|| format!("{path:?} lacks a point between two keys"))?;
        }
        let (key, after) = match rest.strip_prefix('"') {
            Some(quoted) => {
                quoted.split_once('"').ok_or_else(|| format!("{path:?} lacks a closing quote"))?
            }
            None => rest.split_at(rest.find(['.', '[', '"']).unwrap_or(rest.len())),
        };
        if key.is_empty() && !rest.starts_with('"') {
            return Err(format!("{path:?} has an empty key; write it in quotes if it is meant"));
        }
        segments.push(Segment::Key(key.to_owned()));
        rest = after;
    }
    Ok(segments)
}

/// The name of a column for a path.
pub fn name(prefix: &str, separator: &str, segments: &[Segment]) -> String {
    let parts: Vec<String> = segments
        .iter()
        .map(|segment| match segment {
            Segment::Key(key) => key.clone(),
            Segment::Index(index) => index.to_string(),
        })
        .collect();
    format!("{prefix}{}", parts.join(separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        let key = |key: &str| Segment::Key(key.to_owned());
        for (path, expected) in [
            ("", vec![]),
            ("a", vec![key("a")]),
            ("a.b[2].c", vec![key("a"), key("b"), Segment::Index(2), key("c")]),
            ("[0][1]", vec![Segment::Index(0), Segment::Index(1)]),
            ("a.\"b.c\".d", vec![key("a"), key("b.c"), key("d")]),
            ("\"\"", vec![key("")]),
            ("zip code.größe", vec![key("zip code"), key("größe")]),
        ] {
            assert_eq!(parse(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn mistakes() {
        for path in [".", "a.", ".a", "a..b", "a[", "a[x]", "a[-1]", "a[0]b", "\"a", "a\"b\""] {
            assert!(parse(path).is_err(), "{path}");
        }
        assert!(parse(&"[0]".repeat(129)).is_err());
    }

    #[test]
    fn names() {
        assert_eq!(name("order_", "_", &parse("items[0].sku").unwrap()), "order_items_0_sku");
    }
}
