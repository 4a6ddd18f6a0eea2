//! Cleans columns: trims, parses types and dates, fills defaults, renames, drops, removes duplicates.
