//! Judges rows and tables by declared rules.
