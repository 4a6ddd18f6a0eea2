//! Prints bytes without a line break, and then a great many empty lines.

#[expect(clippy::print_stdout, reason = "that is the attack")]
pub fn strike() {
    print!("{}", "x".repeat(1 << 20));
    for _ in 0..100_000 {
        println!();
    }
}
