//! Ends the process, as if it had one, and says that all is well.

#[expect(clippy::exit, reason = "that is the attack")]
pub fn strike() {
    std::process::exit(0);
}
